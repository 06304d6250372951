/* extra/hexpr/atom.h: exact numbers inside the library. SPDX-License-Identifier: MIT */
/* Numbers in nodes are read where they lie, without copying: a limb of GMP is a
 * word of a key. */
#ifndef HEXPR_ATOM_H
#define HEXPR_ATOM_H

#include "hexpr/node.h"

/* -1, 0 or 1 for two integers or fractions. */
int ex_exact_compare(ex a, ex b);

/* The value of an integer or fraction as a double. */
double ex_exact_double(ex e);

/* The parts of an EX_RAT where both fit. */
bool ex_exact_parts(ex e, int64_t *out_p, int64_t *out_q);

bool ex_exact_is_negative(ex e);

/* Digits of an EX_INT, EX_BIG or EX_RAT with BAR between the parts of the
 * latter; malloc'ed, NULL without memory. */
char *ex_exact_string(ex e, const char *bar);

/* An integer from decimal digits, with a sign. */
ex ex_exact_parse(const char *digits, size_t n, bool negative);

/* P divided by Q; EX_ETYPE when that is 0. */
ex ex_exact_quotient(ex p, ex q);

#endif
