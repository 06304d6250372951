/* extra/hexpr/canon.h: canonical sums and products. SPDX-License-Identifier: MIT */
/* The simplifier's normal form. A term is
 *     factors [/ factors]
 * where factors are a chain of products to the left: an optional number first,
 * then powers in the order of their bases. A fraction p/q puts p above and q
 * below; -1 is a sign on the first factor above, or on the whole if that factor
 * is a sum or a number. A sum is a chain of + and - to the left, in the order
 * of the terms without their numbers, the constant last; it holds no multiple
 * of another sum.
 *
 * Chains of more than CANON_LIMIT links are taken as one opaque operand: so
 * the cost of an operation on long chains that are built link by link is
 * bounded. */
#ifndef HEXPR_CANON_H
#define HEXPR_CANON_H

#include "hexpr/terms.h"

enum { CANON_LIMIT = 256 };

struct ex_product {
  struct ex_num number;
  struct ex_terms factors;
};

/* ---- Sums ---- */

/* Adds FACTOR times the canonical E. */
void ex_sum_add(struct ex_terms *sum, ex e, struct ex_num factor);

/* The canonical sum, and an empty list again. */
ex ex_sum_finish(struct ex_terms *sum);

/* ---- Products ---- */

void ex_product_start(struct ex_product *p);

/* Multiplies with the canonical E to the power of EXPONENT. */
void ex_product_mul(struct ex_product *p, ex e, struct ex_num exponent);
ex ex_product_finish(struct ex_product *p);

/* Parts a canonical term into its number and the rest; NULL for no rest. */
ex ex_product_split(ex e, struct ex_num *out_number);

/* The canonical term of a number, not 0, and such a rest. */
ex ex_product_scale(ex rest, struct ex_num number);

#endif
