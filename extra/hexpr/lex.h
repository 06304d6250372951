/* extra/hexpr/lex.h: tokens of the infix notation. SPDX-License-Identifier: MIT */
/* The lexer keeps the place of the token it stands on, for messages. Columns
 * count characters, so a byte that continues a UTF-8 sequence adds none. */
#ifndef HEXPR_LEX_H
#define HEXPR_LEX_H

#include "hexpr/hexpr.h"

typedef enum lex_kind {
  LEX_END,
  LEX_INT,  /* digits */
  LEX_RAT,  /* digits, two bars, digits */
  LEX_REAL, /* `real` */
  LEX_NAME,
  LEX_CHAR,   /* one of + - * / ^ ( ) , */
  LEX_QUOTED, /* |name|, `operator`, "string", %"hexadecimal" or %index */
  LEX_LABEL,  /* @ and digits */
  LEX_BAD     /* any other byte */
} lex_kind;

struct ex_lex {
  const char *text;
  size_t bytes;
  size_t pos;    /* after the token */
  size_t line;   /* of `pos` */
  size_t column; /* of `pos` */
  lex_kind kind;
  size_t start;
  size_t length;
  size_t token_line;
  size_t token_column;
  double real;
  const char
      *fault; /* what a quoted thing lacks that is LEX_BAD for it; else NULL */
};

void ex_lex_start(struct ex_lex *l, const char *text, size_t bytes, size_t line,
                  size_t column);
void ex_lex_next(struct ex_lex *l);

/* The beginning and the end of a token of another language: blanks and comments from
 * COMMENT to the line's end are passed over, and the token is the N bytes that follow,
 * one if that is 0. False, and LEX_END, when nothing follows. */
bool ex_lex_begin(struct ex_lex *l, char comment);
void ex_lex_finish(struct ex_lex *l, size_t n);

/* Moves over bytes up to END, counting lines and characters. */
void ex_lex_advance(struct ex_lex *l, size_t end);

static inline bool ex_lex_is(const struct ex_lex *l, char c) {
  return l->kind == LEX_CHAR && l->text[l->start] == c;
}

/* Whether the token is this name. */
bool ex_lex_is_word(const struct ex_lex *l, const char *word);

/* Makes the token the N bytes from its start on, whatever it was before. */
void ex_lex_take(struct ex_lex *l, size_t n);

/* The bytes from the token's start on. */
static inline const char *ex_lex_text(const struct ex_lex *l) {
  return l->text + l->start;
}

/* Whether the first byte after the token, blanks aside, is C. */
bool ex_lex_sees(const struct ex_lex *l, char c);

/* Bytes of the quoted thing (see quote.h) that TEXT begins with; 0 when there is
 * none or it does not end. */
size_t ex_lex_quoted(const char *text, size_t bytes);

/* Makes the token a quoted thing, if it is a whole one, else LEX_BAD with its fault; the
 * number of its bytes. */
size_t ex_lex_quote(struct ex_lex *l);

static inline int ex_lex_hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Fills an error for the current token. */
void ex_lex_error(const struct ex_lex *l, const char *expected,
                  ex_error *out_error);

#endif
