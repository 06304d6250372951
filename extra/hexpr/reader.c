/* extra/hexpr/reader.c: what all readers have in common. SPDX-License-Identifier: MIT */
#include "hexpr/reader.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

/* ---- Nodes ---- */

bool ex_nodes_push(struct ex_nodes *to, ex e) {
  if (to->n == to->room) {
    size_t room = to->room == 0 ? FIRST_ROOM : 2 * to->room;
    ex *bigger = hc_scanned_alloc(room * sizeof *bigger);
    if (bigger == NULL) {
      ex_errno = EX_ENOMEM;
      return false;
    }
    if (to->at != NULL) {
      memcpy(bigger, to->at, to->n * sizeof *bigger);
      hc_scanned_free(to->at);
    }
    to->at = bigger;
    to->room = room;
  }
  to->at[to->n++] = e;
  return true;
}

void ex_nodes_drop(struct ex_nodes *s) {
  if (s->at != NULL)
    hc_scanned_free(s->at);
  *s = (struct ex_nodes){NULL, 0, 0};
}

/* ---- Failure ---- */

bool ex_reader_fail_as(struct ex_reader *r, ex_errcode code,
                       const char *expected) {
  if (r->failed)
    return false;
  r->failed = true;
  ex_errno = code;
  if (r->lex.line > 0) {
    ex_lex_error(&r->lex, expected, r->error);
    return false;
  }
  *r->error = (ex_error){.byte = r->lex.start};
  snprintf(r->error->expected, sizeof r->error->expected, "%s", expected);
  snprintf(r->error->found, sizeof r->error->found, "something else");
  return false;
}

bool ex_reader_fail(struct ex_reader *r, const char *expected) {
  return ex_reader_fail_as(r, EX_EFORMAT, expected);
}

bool ex_reader_fail_made(struct ex_reader *r, const char *expected) {
  if (ex_errno == EX_ENOMEM)
    expected = "more memory";
  if (ex_errno == EX_ELIMIT)
    expected = "something that fits a node";
  return ex_reader_fail_as(r, ex_errno, expected);
}

bool ex_reader_within(struct ex_reader *r, ex_errcode code, size_t limit,
                      size_t n, const char *what) {
  char text[64];
  if (limit == 0 || n <= limit)
    return true;
  snprintf(text, sizeof text, "at most %zu %s", limit, what);
  return ex_reader_fail_as(r, code, text);
}

/* ---- Stacks ---- */

bool ex_reader_push(struct ex_reader *r, struct ex_nodes *to, ex e) {
  if (r->failed)
    return false;
  if (e == NULL)
    return ex_reader_fail_made(r, "something that can be made");
  return ex_nodes_push(to, e) || ex_reader_fail_as(r, EX_ENOMEM, "more memory");
}

bool ex_reader_push_operand(struct ex_reader *r, ex e) {
  r->made++;
  return ex_reader_within(r, EX_ELIMIT, r->limits.nodes, r->made, "nodes") &&
         ex_reader_push(r, &r->operand, e);
}

bool ex_reader_widen(struct ex_reader *r, void *array, size_t *room, size_t n,
                     size_t size) {
  size_t bigger = *room == 0 ? FIRST_ROOM : 2 * *room;
  void *moved;
  if (n < *room)
    return true;
  moved = realloc(*(void **)array, bigger * size);
  if (moved == NULL)
    return ex_reader_fail_as(r, EX_ENOMEM, "more memory");
  *(void **)array = moved;
  *room = bigger;
  return true;
}

bool ex_reader_widen_stack(struct ex_reader *r, void *stack, size_t size) {
  return ex_reader_within(r, EX_EDEPTH, r->limits.depth, r->depth + 1,
                          "levels") &&
         ex_reader_widen(r, stack, &r->room, r->depth, size);
}

void ex_reader_start(struct ex_reader *r, const ex_limits *limits,
                     ex_error *out_error) {
  r->error = out_error;
  if (limits != NULL)
    r->limits = *limits;
  ex_reader_within(r, EX_ELIMIT, r->limits.bytes, r->lex.bytes, "bytes");
}

void ex_reader_drop(struct ex_reader *r) {
  ex_nodes_drop(&r->operand);
  ex_nodes_drop(&r->label);
}

/* ---- Labels ---- */

size_t ex_reader_label(const struct ex_reader *r) {
  const char *text = ex_lex_text(&r->lex);
  size_t n = 0;
  for (size_t i = 1; i < r->lex.length; i++) {
    if (text[i] < '0' || text[i] > '9' || n > r->label.n)
      return 0;
    n = 10 * n + (size_t)(text[i] - '0');
  }
  return n <= r->label.n + 1 ? n : 0;
}

void ex_reader_use_label(struct ex_reader *r) {
  size_t n = ex_reader_label(r);
  if (n == 0 || n > r->label.n)
    ex_reader_fail(r, "a label that is defined before");
  else
    ex_reader_push_operand(r, r->label.at[n - 1]);
}
