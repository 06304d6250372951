/* extra/hexpr/quote.h: how leaves are written and quoted ones read. SPDX-License-Identifier: MIT */
/* Both notations write strings as "...", blobs as %"..." with hexadecimal
 * digits, bound variables as %index, and symbols that would not read back as
 * |...|. In "..." and |...| a backslash takes the next byte as it is, except
 * that \n is a line's end and \xHH any byte. */
#ifndef HEXPR_QUOTE_H
#define HEXPR_QUOTE_H

#include "hexpr/node.h"
#include "hexpr/sink.h"

enum quote_place {
  QUO_INFIX,
  QUO_INFIX_HEAD, /* before the bracket of a call */
  QUO_SEXPR,
  QUO_SEXPR_HEAD
};

void ex_quote_leaf(struct ex_sink *to, ex e, enum quote_place place);

/* Whether S-expressions take NAME for one plain word that is a name. */
bool ex_quote_is_word(const char *name);

/* Whether infix text takes NAME for one plain name. */
bool ex_quote_is_infix_name(const char *name);

/* The operator that heads a call in infix text: by its name, or between
 * backquotes where the name alone would mean something else. */
void ex_quote_operator(struct ex_sink *to, ex_op op);

/* The leaf that a quoted thing stands for, of just these bytes; see
 * ex_lex_quoted. */
ex ex_quote_read(const char *text, size_t bytes);

#endif
