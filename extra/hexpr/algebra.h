/* extra/hexpr/algebra.h: what the two derivatives share. SPDX-License-Identifier: MIT */
#ifndef HEXPR_ALGEBRA_H
#define HEXPR_ALGEBRA_H

#include "hexpr/hexpr.h"

/* The formal derivative of the function or term E by its operand I. */
ex ex_derive_partial(ex e, size_t i);

#endif
