/* extra/hexpr/reader.h: what all readers have in common. SPDX-License-Identifier: MIT */
/* Each reader has one of these first: where it stands, a stack of finished operands,
 * labels, the depth of its own stack, limits and the first error. After an error all
 * of them do nothing, so that callers look at `failed` where it matters only. The files
 * of expressions have no lines: there `lex.line` is 0 and `lex.start` counts bytes. */
#ifndef HEXPR_READER_H
#define HEXPR_READER_H

#include "hexpr/lex.h"

struct ex_nodes {
  ex *at; /* scanned */
  size_t n;
  size_t room;
};

struct ex_reader {
  struct ex_lex lex;
  struct ex_nodes operand;
  struct ex_nodes label;
  size_t depth; /* entries of the reader's stack */
  size_t room;  /* for so many */
  size_t made;  /* operands, and those that flattening added */
  ex_limits limits;
  ex_error *error;
  bool failed;
};

/* False, with ex_errno, without memory. */
bool ex_nodes_push(struct ex_nodes *to, ex e);
void ex_nodes_drop(struct ex_nodes *s);

/* From zeroes, but for the lexer, which has its text and place; fails if that is too
 * long. LIMITS may be NULL. */
void ex_reader_start(struct ex_reader *r, const ex_limits *limits,
                     ex_error *out_error);
void ex_reader_drop(struct ex_reader *r);

/* Only the first failure counts. These return false. */
bool ex_reader_fail_as(struct ex_reader *r, ex_errcode code,
                       const char *expected);
bool ex_reader_fail(struct ex_reader *r, const char *expected);

/* A constructor failed, and ex_errno says why: EXPECTED unless it is for want of
 * memory or room. */
bool ex_reader_fail_made(struct ex_reader *r, const char *expected);

/* Whether N is no more than LIMIT, which may be 0 for none; fails with CODE. */
bool ex_reader_within(struct ex_reader *r, ex_errcode code, size_t limit,
                      size_t n, const char *what);

/* Pushes what a constructor gave. */
bool ex_reader_push(struct ex_reader *r, struct ex_nodes *to, ex e);

/* The same onto the operands, counted. */
bool ex_reader_push_operand(struct ex_reader *r, ex e);

/* Room for entry N of an array of malloc, and for one more on the reader's stack. */
bool ex_reader_widen(struct ex_reader *r, void *array, size_t *room, size_t n,
                     size_t size);
bool ex_reader_widen_stack(struct ex_reader *r, void *stack, size_t size);

/* The label, from 1, that the lexer stands on, after its @; 0 when it is none of
 * those that are defined or come next. */
size_t ex_reader_label(const struct ex_reader *r);

/* The lexer stands on a label: what it means goes to the operands. */
void ex_reader_use_label(struct ex_reader *r);

#endif
