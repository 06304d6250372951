/* extra/hexpr/num.h: exact fractions and doubles for the simplifier. SPDX-License-Identifier: MIT */
/* A number is a reduced fraction of 64-bit integers with positive denominator; or
 * a node of an integer or fraction that does not fit that; or a double. A fraction
 * stays exact until it meets a double. Every operation may fail: when a result
 * has more than NUM_MOST_BITS, on division by zero, and when doubles overflow; the
 * caller then leaves the expression as it is. Sizes are looked at before anything
 * is computed, so that GMP never asks for much. Structs lie where the collector
 * looks: on the stack or in scanned memory. */
#ifndef HEXPR_NUM_H
#define HEXPR_NUM_H

#include "hexpr/hexpr.h"

enum { NUM_MOST_BITS = 1 << 17 };

struct ex_num {
  bool is_real;
  int64_t p;
  int64_t q;
  double d;
  ex big; /* an EX_BIG or EX_RAT, or NULL; then P and Q are 0 */
};

static inline struct ex_num ex_num_int(int64_t value) {
  return (struct ex_num){false, value, 1, 0, NULL};
}

static inline struct ex_num ex_num_half(void) {
  return (struct ex_num){false, 1, 2, 0, NULL};
}

static inline bool ex_num_is(struct ex_num a, int64_t value) {
  return !a.is_real && a.q == 1 && a.p == value;
}

/* Of the exact ones. */
bool ex_num_is_int(struct ex_num a);
bool ex_num_is_negative(struct ex_num a);

/* The integers above and below the line; a double is above. */
void ex_num_parts(struct ex_num a, struct ex_num *out_top,
                  struct ex_num *out_bottom);

bool ex_num_fraction(int64_t p, int64_t q, struct ex_num *out);
bool ex_num_add(struct ex_num a, struct ex_num b, struct ex_num *out);
bool ex_num_mul(struct ex_num a, struct ex_num b, struct ex_num *out);
bool ex_num_neg(struct ex_num a, struct ex_num *out);
bool ex_num_pow(struct ex_num a, int64_t n, struct ex_num *out);

/* A to the power of N where the result is exact, or where one of the two is a
 * double and A is positive. */
bool ex_num_raise(struct ex_num a, struct ex_num n, struct ex_num *out);

/* Whether the value is a whole number, of either form. */
bool ex_num_is_whole(struct ex_num a);

/* Whether E is an integer, a double or a quotient of integers, and which. */
bool ex_num_of(ex e, struct ex_num *out);
ex ex_num_node(struct ex_num a);

#endif
