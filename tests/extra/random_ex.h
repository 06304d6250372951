/* tests/extra/random_ex.h: random expressions for the tests. SPDX-License-Identifier: MIT */
/* Builds from the bottom up, without recursion: a pool starts with leaves and
 * each step combines two of its members, so that subexpressions are shared. */
#ifndef TESTS_EXTRA_RANDOM_EX_H
#define TESTS_EXTRA_RANDOM_EX_H

#include <hexpr/hexpr.h>

#include "lib/tap.h"

enum random_style {
  RANDOM_ANY,   /* every kind of node and of number */
  RANDOM_SMOOTH /* defined and differentiable for x and y in (0.5, 1.5) */
};

enum { RANDOM_POOL = 8 };

static inline ex random_leaf(uint64_t *random, enum random_style style) {
  static const double reals[] = {0.5, -0.0, 1e300, 0.1, 2.0, -3.25};
  static const char *const names[] = {"x", "y", "long_name", "z'"};
  uint64_t r = tap_rand_r(random);
  switch (r % 4) {
  case 0:
    if (style == RANDOM_SMOOTH)
      return ex_int((int64_t)(r >> 8) % 4 + 1);
    return ex_int((int64_t)(r >> 8) % 20 - 10);
  case 1:
    if (style == RANDOM_ANY)
      return ex_real(reals[(r >> 8) % 6]);
    return ex_sym("x");
  default:
    return ex_sym(names[(r >> 8) % (style == RANDOM_ANY ? 4 : 2)]);
  }
}

static inline ex random_any(uint64_t r, ex a, ex b) {
  ex args[3] = {a, b, a};
  if (r % 4 == 0)
    return ex_unary((ex_op)(EX_NEG + (r >> 8) % (EX_ADD - EX_NEG)), a);
  if (r % 8 == 1)
    return ex_apply(ex_sym("f"), args, 1 + (r >> 8) % 3);
  return ex_binary((ex_op)(EX_ADD + (r >> 8) % (EX_OPS - EX_ADD)), a, b);
}

/* Keeps arguments of roots and logarithms positive and denominators away from
 * zero by squaring and adding. */
static inline ex random_smooth(uint64_t r, ex a, ex b) {
  ex positive = ex_binary(EX_ADD, ex_int(1), ex_binary(EX_MUL, a, a));
  switch (r % 12) {
  case 0:
    return ex_unary(EX_NEG, a);
  case 1:
    return ex_unary((r >> 8) % 2 ? EX_SIN : EX_COS, a);
  case 2:
    return ex_unary((r >> 8) % 2 ? EX_SQRT : EX_LN, positive);
  case 3:
    return ex_unary((r >> 8) % 2 ? EX_ATAN : EX_TANH, a);
  case 4:
    return ex_unary((r >> 8) % 2 ? EX_ASINH : EX_SIN, a);
  case 5:
    return ex_unary(EX_EXP, ex_unary(EX_SIN, a));
  case 6:
    return ex_binary(EX_DIV, a, positive);
  case 7:
    return ex_binary(EX_POW, positive, ex_unary(EX_COS, b));
  case 8:
    return ex_binary(EX_POW, a, ex_int((int64_t)(r >> 8) % 3));
  case 9:
    return ex_binary(EX_SUB, a, b);
  case 10:
    return ex_binary(EX_ADD, a, b);
  default:
    return ex_binary(EX_MUL, a, b);
  }
}

static inline ex random_ex(uint64_t *random, int steps,
                           enum random_style style) {
  ex pool[RANDOM_POOL];
  for (int i = 0; i < RANDOM_POOL; i++)
    pool[i] = random_leaf(random, style);
  for (int i = 0; i < steps; i++) {
    uint64_t r = tap_rand_r(random);
    ex a = pool[(r >> 40) % RANDOM_POOL];
    ex b = pool[(r >> 50) % RANDOM_POOL];
    ex made =
        style == RANDOM_ANY ? random_any(r, a, b) : random_smooth(r, a, b);
    pool[i % RANDOM_POOL] = made;
  }
  return pool[(steps + RANDOM_POOL - 1) % RANDOM_POOL];
}

#endif
