/* extra/hexpr/algebra.h: parts of the derivatives and the simplifiers. SPDX-License-Identifier: MIT */
#ifndef HEXPR_ALGEBRA_H
#define HEXPR_ALGEBRA_H

#include "hexpr/hexpr.h"

/* The formal derivative of the function or term E by its operand I. */
ex ex_derive_partial(ex e, size_t i);

/* E with sums and products as chains of binary operators, where it has operators PLUS and
 * TIMES of any number of operands; quotients, negatives and roots come back, too. NULL
 * with ex_errno. */
ex ex_binary_chains(ex e, ex_op plus, ex_op times);

#endif
