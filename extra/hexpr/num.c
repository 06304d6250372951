/* extra/hexpr/num.c: arithmetic of fractions with overflow detection. SPDX-License-Identifier: MIT */
#include "hexpr/num.h"

#include "hexpr/atom.h"

#include <math.h>

static uint64_t magnitude(int64_t a) {
  return a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
}

/* The fraction of wide parts, Q not zero. */
static bool reduce_wide(__int128 p, __int128 q, struct ex_num *out) {
  __int128 a = p < 0 ? -p : p;
  __int128 b = q < 0 ? -q : q;
  while (b != 0) {
    __int128 rest = a % b;
    a = b;
    b = rest;
  }
  if (q < 0)
    a = -a;
  p /= a;
  q /= a;
  if (p < INT64_MIN || p > INT64_MAX || q > INT64_MAX)
    return false;
  *out = (struct ex_num){false, (int64_t)p, (int64_t)q, 0};
  return true;
}

bool ex_num_fraction(int64_t p, int64_t q, struct ex_num *out) {
  if (q == 0)
    return false;
  return reduce_wide(p, q, out);
}

static double as_double(struct ex_num a) {
  return a.is_real ? a.d : (double)a.p / (double)a.q;
}

/* On failure *OUT stays as it was, which may be an operand. */
static bool real(double value, struct ex_num *out) {
  if (!isfinite(value))
    return false;
  *out = (struct ex_num){true, 0, 1, value};
  return true;
}

/* Products of two 64-bit parts fit 127 bits; their sum may just not. */
bool ex_num_add(struct ex_num a, struct ex_num b, struct ex_num *out) {
  __int128 p;
  if (a.is_real || b.is_real)
    return real(as_double(a) + as_double(b), out);
  if (__builtin_add_overflow((__int128)a.p * b.q, (__int128)b.p * a.q, &p))
    return false;
  return reduce_wide(p, (__int128)a.q * b.q, out);
}

bool ex_num_mul(struct ex_num a, struct ex_num b, struct ex_num *out) {
  if (a.is_real || b.is_real)
    return real(as_double(a) * as_double(b), out);
  return reduce_wide((__int128)a.p * b.p, (__int128)a.q * b.q, out);
}

bool ex_num_neg(struct ex_num a, struct ex_num *out) {
  if (a.is_real)
    return real(-a.d, out);
  return ex_num_mul(a, ex_num_int(-1), out);
}

bool ex_num_pow(struct ex_num a, int64_t n, struct ex_num *out) {
  struct ex_num result = ex_num_int(1);
  uint64_t left = magnitude(n);
  if (a.is_real)
    return real(pow(a.d, (double)n), out);
  if (n < 0 && !ex_num_fraction(a.q, a.p, &a))
    return false;
  while (left > 0) {
    if ((left & 1) != 0 && !ex_num_mul(result, a, &result))
      return false;
    left >>= 1;
    if (left > 0 && !ex_num_mul(a, a, &a))
      return false;
  }
  *out = result;
  return true;
}

static bool whole_root(int64_t a, int64_t *out) {
  int64_t guess = (int64_t)sqrt((double)a);
  for (int64_t r = guess > 0 ? guess - 1 : 0; r <= guess + 1; r++) {
    int64_t square;
    if (!__builtin_mul_overflow(r, r, &square) && square == a) {
      *out = r;
      return true;
    }
  }
  return false;
}

/* The exact square root of a fraction, if it is one. */
static bool root(struct ex_num a, struct ex_num *out) {
  int64_t p;
  int64_t q;
  if (a.p < 0 || !whole_root(a.p, &p) || !whole_root(a.q, &q))
    return false;
  *out = (struct ex_num){false, p, q, 0};
  return true;
}

bool ex_num_raise(struct ex_num a, struct ex_num n, struct ex_num *out) {
  if (ex_num_is_int(n))
    return ex_num_pow(a, n.p, out);
  if (a.is_real || n.is_real)
    return as_double(a) > 0 && real(pow(as_double(a), as_double(n)), out);
  return n.q == 2 && root(a, &a) && ex_num_pow(a, n.p, out);
}

bool ex_num_is_whole(struct ex_num a) {
  return a.is_real ? trunc(a.d) == a.d : a.q == 1;
}

/* A fraction of parts that fit. */
static bool small_fraction(ex e, struct ex_num *out) {
  int64_t p;
  int64_t q;
  return ex_exact_parts(e, &p, &q) && ex_num_fraction(p, q, out);
}

bool ex_num_of(ex e, struct ex_num *out) {
  ex a;
  ex b;
  if (kind_of(e) == EX_INT) {
    *out = ex_num_int(ex_int_value(e));
    return true;
  }
  if (kind_of(e) == EX_REAL)
    return real(ex_real_value(e), out);
  if (kind_of(e) == EX_RAT)
    return small_fraction(e, out);
  if (!ex_node_is_op(e, EX_DIV))
    return false;
  a = arg_of(e, 0);
  b = arg_of(e, 1);
  if (kind_of(a) != EX_INT || kind_of(b) != EX_INT)
    return false;
  return ex_num_fraction(ex_int_value(a), ex_int_value(b), out);
}

ex ex_num_node(struct ex_num a) {
  if (a.is_real)
    return ex_real(a.d);
  if (a.q == 1)
    return ex_int(a.p);
  return ex_binary(EX_DIV, ex_int(a.p), ex_int(a.q));
}
