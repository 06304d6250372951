/* extra/hexpr/num.c: arithmetic of exact numbers and doubles. SPDX-License-Identifier: MIT */
/* Everything is tried with 64 bits first; what does not fit is done by GMP. */
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
  *out = (struct ex_num){false, (int64_t)p, (int64_t)q, 0, NULL};
  return true;
}

bool ex_num_fraction(int64_t p, int64_t q, struct ex_num *out) {
  if (q == 0)
    return false;
  return reduce_wide(p, q, out);
}

static double as_double(struct ex_num a) {
  if (a.big != NULL)
    return ex_exact_double(a.big);
  return a.is_real ? a.d : (double)a.p / (double)a.q;
}

/* On failure *OUT stays as it was, which may be an operand. */
static bool real(double value, struct ex_num *out) {
  if (!isfinite(value))
    return false;
  *out = (struct ex_num){true, 0, 1, value, NULL};
  return true;
}

/* ---- Large numbers ---- */

static unsigned width(uint64_t a) {
  return a == 0 ? 1 : 64 - (unsigned)__builtin_clzll(a);
}

/* About the bits above and below the line, not fewer than there are. */
static uint64_t bits(struct ex_num a) {
  if (a.big != NULL)
    return 64 * (uint64_t)hc_words(a.big);
  return width(magnitude(a.p)) + width((uint64_t)a.q);
}

static void get(struct ex_num a, mpq_ptr out) {
  mpq_init(out);
  if (a.big != NULL)
    ex_get_mpq(a.big, out);
  else {
    mpz_set_si(mpq_numref(out), a.p);
    mpz_set_si(mpq_denref(out), a.q);
  }
}

/* Takes over what Q holds. */
static bool put(mpq_ptr q, struct ex_num *out) {
  ex node;
  bool ok = true;
  if (mpz_fits_slong_p(mpq_numref(q)) && mpz_fits_slong_p(mpq_denref(q)))
    *out = (struct ex_num){false, mpz_get_si(mpq_numref(q)),
                           mpz_get_si(mpq_denref(q)), 0, NULL};
  else {
    node = ex_mpq(q);
    ok = node != NULL;
    if (ok)
      *out = (struct ex_num){false, 0, 0, 0, node};
  }
  mpq_clear(q);
  return ok;
}

typedef void (*operation)(mpq_ptr, mpq_srcptr, mpq_srcptr);

static bool compute(operation op, struct ex_num a, struct ex_num b,
                    struct ex_num *out) {
  mpq_t x;
  mpq_t y;
  if (bits(a) + bits(b) > NUM_MOST_BITS)
    return false;
  get(a, x);
  get(b, y);
  op(x, x, y);
  mpq_clear(y);
  return put(x, out);
}

/* A is not 0 when N is negative. */
static bool compute_power(struct ex_num a, int64_t n, struct ex_num *out) {
  uint64_t times = magnitude(n);
  mpq_t x;
  if (times > NUM_MOST_BITS || bits(a) * times > NUM_MOST_BITS)
    return false;
  get(a, x);
  mpz_pow_ui(mpq_numref(x), mpq_numref(x), times);
  mpz_pow_ui(mpq_denref(x), mpq_denref(x), times);
  if (n < 0)
    mpq_inv(x, x);
  return put(x, out);
}

/* ---- Operations ---- */

bool ex_num_is_int(struct ex_num a) {
  return a.big != NULL ? kind_of(a.big) == EX_BIG : !a.is_real && a.q == 1;
}

bool ex_num_is_negative(struct ex_num a) {
  if (a.big != NULL)
    return ex_exact_is_negative(a.big);
  return a.is_real ? a.d < 0 : a.p < 0;
}

/* Products of two 64-bit parts fit 127 bits; their sum may just not. */
bool ex_num_add(struct ex_num a, struct ex_num b, struct ex_num *out) {
  __int128 p;
  if (a.is_real || b.is_real)
    return real(as_double(a) + as_double(b), out);
  if (a.big == NULL && b.big == NULL &&
      !__builtin_add_overflow((__int128)a.p * b.q, (__int128)b.p * a.q, &p) &&
      reduce_wide(p, (__int128)a.q * b.q, out))
    return true;
  return compute(mpq_add, a, b, out);
}

bool ex_num_mul(struct ex_num a, struct ex_num b, struct ex_num *out) {
  if (a.is_real || b.is_real)
    return real(as_double(a) * as_double(b), out);
  if (a.big == NULL && b.big == NULL &&
      reduce_wide((__int128)a.p * b.p, (__int128)a.q * b.q, out))
    return true;
  return compute(mpq_mul, a, b, out);
}

bool ex_num_neg(struct ex_num a, struct ex_num *out) {
  if (a.is_real)
    return real(-a.d, out);
  return ex_num_mul(a, ex_num_int(-1), out);
}

/* With 64 bits only; false when they are too few. */
static bool small_power(struct ex_num a, uint64_t n, struct ex_num *out) {
  struct ex_num result = ex_num_int(1);
  if (a.big != NULL)
    return false;
  while (n > 0) {
    if ((n & 1) != 0 && !reduce_wide((__int128)result.p * a.p,
                                     (__int128)result.q * a.q, &result))
      return false;
    n >>= 1;
    if (n > 0 && !reduce_wide((__int128)a.p * a.p, (__int128)a.q * a.q, &a))
      return false;
  }
  *out = result;
  return true;
}

bool ex_num_pow(struct ex_num a, int64_t n, struct ex_num *out) {
  struct ex_num inverse = a;
  if (a.is_real)
    return real(pow(a.d, (double)n), out);
  if (n < 0 && ex_num_is(a, 0))
    return false;
  if (n >= 0 || (a.big == NULL && ex_num_fraction(a.q, a.p, &inverse)))
    if (small_power(inverse, magnitude(n), out))
      return true;
  return compute_power(a, n, out);
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

static bool compute_root(struct ex_num a, struct ex_num *out) {
  mpq_t x;
  bool square;
  get(a, x);
  square = mpz_perfect_square_p(mpq_numref(x)) != 0 &&
           mpz_perfect_square_p(mpq_denref(x)) != 0;
  if (!square) {
    mpq_clear(x);
    return false;
  }
  mpz_sqrt(mpq_numref(x), mpq_numref(x));
  mpz_sqrt(mpq_denref(x), mpq_denref(x));
  return put(x, out);
}

/* The exact square root of a fraction, if it is one. */
static bool root(struct ex_num a, struct ex_num *out) {
  int64_t p;
  int64_t q;
  if (ex_num_is_negative(a))
    return false;
  if (a.big != NULL)
    return compute_root(a, out);
  if (!whole_root(a.p, &p) || !whole_root(a.q, &q))
    return false;
  *out = (struct ex_num){false, p, q, 0, NULL};
  return true;
}

bool ex_num_raise(struct ex_num a, struct ex_num n, struct ex_num *out) {
  if (a.is_real || n.is_real)
    return ex_num_is_int(n) && n.big == NULL
               ? ex_num_pow(a, n.p, out)
               : as_double(a) > 0 && real(pow(as_double(a), as_double(n)), out);
  if (n.big != NULL)
    return ex_num_is(a, 1) && ex_num_pow(a, 1, out);
  if (ex_num_is_int(n))
    return ex_num_pow(a, n.p, out);
  return n.q == 2 && root(a, &a) && ex_num_pow(a, n.p, out);
}

bool ex_num_is_whole(struct ex_num a) {
  return a.is_real ? trunc(a.d) == a.d : ex_num_is_int(a);
}

void ex_num_parts(struct ex_num a, struct ex_num *out_top,
                  struct ex_num *out_bottom) {
  mpq_t x;
  mpq_t y;
  *out_top = a;
  *out_bottom = ex_num_int(1);
  if (a.is_real || ex_num_is_int(a))
    return;
  get(a, x);
  mpq_init(y);
  mpq_set_z(y, mpq_denref(x));
  mpz_set_ui(mpq_denref(x), 1);
  put(y, out_bottom);
  put(x, out_top);
}

/* ---- Nodes ---- */

/* Of an EX_BIG or EX_RAT; a fraction may have parts that fit. */
static bool large(ex e, struct ex_num *out) {
  int64_t p;
  int64_t q;
  if (e == NULL)
    return false;
  if (ex_exact_parts(e, &p, &q))
    return ex_num_fraction(p, q, out);
  *out = (struct ex_num){false, 0, 0, 0, e};
  return bits(*out) <= NUM_MOST_BITS;
}

static bool is_integer(ex e) {
  return kind_of(e) == EX_INT || kind_of(e) == EX_BIG;
}

/* A quotient of integers, the lower one not 0. */
static bool quotient(ex a, ex b, struct ex_num *out) {
  if (!is_integer(a) || !is_integer(b))
    return false;
  if (kind_of(a) == EX_INT && kind_of(b) == EX_INT &&
      ex_num_fraction(ex_int_value(a), ex_int_value(b), out))
    return true;
  if (kind_of(b) == EX_INT && ex_int_value(b) == 0)
    return false;
  if (hc_words(a) + hc_words(b) > NUM_MOST_BITS / 64)
    return false;
  return large(ex_exact_quotient(a, b), out);
}

bool ex_num_of(ex e, struct ex_num *out) {
  switch (kind_of(e)) {
  case EX_INT:
    *out = ex_num_int(ex_int_value(e));
    return true;
  case EX_REAL:
    return real(ex_real_value(e), out);
  case EX_BIG:
  case EX_RAT:
    return large(e, out);
  default:
    return ex_node_is_op(e, EX_DIV) &&
           quotient(arg_of(e, 0), arg_of(e, 1), out);
  }
}

ex ex_num_node(struct ex_num a) {
  struct ex_num top;
  struct ex_num bottom;
  if (a.is_real)
    return ex_real(a.d);
  if (ex_num_is_int(a))
    return a.big != NULL ? a.big : ex_int(a.p);
  if (a.big == NULL)
    return ex_binary(EX_DIV, ex_int(a.p), ex_int(a.q));
  ex_num_parts(a, &top, &bottom);
  return ex_binary(EX_DIV, ex_num_node(top), ex_num_node(bottom));
}
