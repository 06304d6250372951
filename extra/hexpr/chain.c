/* extra/hexpr/chain.c: sums and products of many operands as binary operators. SPDX-License-Identifier: MIT */
#include "hexpr/algebra.h"

#include "hexpr/node.h"
#include "hexpr/num.h"
#include "hexpr/terms.h"

/* Whether E is minus something; what that is. */
static bool is_minus(ex e, ex *out) {
  struct ex_num number;
  if (op_of(e) == EX_NEG) {
    *out = arg_of(e, 0);
    return true;
  }
  if (!ex_num_of(e, &number) || !ex_num_is_negative(number) ||
      !ex_num_neg(number, &number))
    return false;
  *out = ex_num_node(number);
  return true;
}

static ex joined(ex_op op, ex chain, ex e) {
  return chain == NULL ? e : ex_2(op, chain, e);
}

static ex sum_chain(ex e) {
  ex chain = NULL;
  for (size_t i = 0; i < argc_of(e); i++) {
    ex term = arg_of(e, i);
    ex minus;
    if (chain != NULL && is_minus(term, &minus))
      chain = ex_2(EX_SUB, chain, minus);
    else
      chain = joined(EX_ADD, chain, term);
  }
  return chain;
}

static ex product_chain(ex e) {
  ex above = NULL;
  ex below = NULL;
  bool negative = false;
  for (size_t i = 0; i < argc_of(e); i++) {
    ex factor = arg_of(e, i);
    if (op_of(factor) == EX_DIV) {
      below = joined(EX_MUL, below, arg_of(factor, 1));
      factor = arg_of(factor, 0);
    }
    negative ^= is_minus(factor, &factor);
    if (factor != ex_int(1))
      above = joined(EX_MUL, above, factor);
  }
  if (above == NULL)
    above = ex_int(1);
  if (below != NULL)
    above = ex_2(EX_DIV, above, below);
  return negative ? ex_unary(EX_NEG, above) : above;
}

static ex plain_power(ex e) {
  struct ex_num exponent;
  ex base = arg_of(e, 0);
  if (!ex_num_of(arg_of(e, 1), &exponent))
    return e;
  if (ex_num_is_negative(exponent) && ex_num_neg(exponent, &exponent)) {
    ex power = ex_num_is(exponent, 1)
                   ? base
                   : ex_2(EX_POW, base, ex_num_node(exponent));
    return ex_2(EX_DIV, ex_int(1),
                power != NULL && op_of(power) == EX_POW ? plain_power(power)
                                                        : power);
  }
  if (!exponent.is_real && exponent.p == 1 && exponent.q == 2)
    return ex_unary(EX_SQRT, base);
  return e;
}

struct flat_ops {
  ex_op plus, times;
};

static ex as_chain(ex e, void *cd) {
  const struct flat_ops *flat = cd;
  struct ex_num fraction;
  bool is_term = kind_of(e) == EX_TERM;
  if (is_term && term_op_of(e) == flat->plus)
    return sum_chain(e);
  if (is_term && term_op_of(e) == flat->times)
    return product_chain(e);
  if (kind_of(e) == EX_RAT && ex_num_of(e, &fraction))
    return ex_num_node(fraction);
  return op_of(e) == EX_POW ? plain_power(e) : e;
}

ex ex_binary_chains(ex e, ex_op plus, ex_op times) {
  struct flat_ops flat = {plus, times};
  return ex_map_bottomup(e, as_chain, &flat, NULL, 0);
}
