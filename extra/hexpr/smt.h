/* extra/hexpr/smt.h: reader of SMT-LIB 2 scripts. SPDX-License-Identifier: MIT */
/* Of a script the terms are read: those of assert are results, those of define-fun
 * and define-const are put in the place of their names. Declarations are counted
 * and all other commands passed over, recursive definitions like declarations.
 *
 * + - * / are the built-in operators, grouped to the left, decimals are
 * fractions, other functions are functions without meaning by their names,
 * indices and all: `(_ extract 7 0)`. Bit vector constants are symbols of the form
 * `(_ bv10 4)`. Quantifiers are binders of a sort, as a symbol, and a body, one for
 * each variable. `let` leaves no trace but sharing. */
#ifndef HEXPR_SMT_H
#define HEXPR_SMT_H

#include "hexpr/reader.h"

struct smt_counts {
  size_t declared;
  size_t defined;
  size_t asserted;
  size_t lets; /* names bound by let */
  size_t quantified;
};

/* Reads a script, adding the asserted terms to ROOTS, and to NAMES what :named
 * calls them, or NULL. False on an error, with ex_errno and OUT_ERROR; what stands
 * before it was added. LIMITS may be NULL. */
bool smt_read(const char *text, size_t bytes, const ex_limits *limits,
              struct ex_nodes *roots, struct ex_nodes *names,
              struct smt_counts *counts, ex_error *out_error);

/* Whether a text looks like a script. */
bool smt_looks_like(const char *text, size_t bytes);

/* ---- Tokens ---- */

/* Numerals are LEX_INT, decimals LEX_REAL without `real`, #x1f and #b01 LEX_RAT,
 * "..." and |...| LEX_QUOTED, keywords LEX_LABEL, brackets LEX_CHAR. */
void smt_next(struct ex_lex *l);
void smt_start(struct ex_lex *l, const char *text, size_t bytes);

/* Passes over one thing, from its first token to the one after it; false when it
 * does not end. */
bool smt_skip(struct ex_lex *l);

/* The same, as a symbol of its text with single blanks. NULL: it does not end, or
 * ex_errno. */
ex smt_capture(struct ex_lex *l);

/* The leaf that a number, string or symbol means; NULL with ex_errno. */
ex smt_leaf(const struct ex_lex *l);
ex smt_symbol(const struct ex_lex *l);

#endif
