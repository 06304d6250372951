/* extra/hexpr/product.c: canonical products and powers. SPDX-License-Identifier: MIT */
/* See canon.h for the form. Powers of powers are joined only where that holds
 * for all values that the inner one has: an outer whole number, or an inner
 * fraction, whose base cannot be negative. */
#include "hexpr/canon.h"
#include "hexpr/node.h"

void ex_product_start(struct ex_product *p) {
  p->number = ex_num_int(1);
  p->factors.n = 0;
}

/* ---- Taking in ---- */

static bool is_chain_short(ex e) {
  int links = 0;
  for (; ex_node_is_op(e, EX_MUL); e = arg_of(e, 0))
    if (++links > CANON_LIMIT)
      return false;
  return true;
}

static bool take_number(struct ex_product *p, struct ex_num number,
                        struct ex_num exponent) {
  struct ex_num power;
  return ex_num_raise(number, exponent, &power) &&
         ex_num_mul(p->number, power, &p->number);
}

static void take_factor(struct ex_product *p, ex e, struct ex_num exponent) {
  struct ex_num half = ex_num_half();
  struct ex_num inner;
  struct ex_num both;
  ex base = NULL;
  if (op_of(e) == EX_NEG && ex_num_is_int(exponent) &&
      take_number(p, ex_num_int(-1), exponent))
    e = arg_of(e, 0);
  if (ex_num_of(e, &inner) && take_number(p, inner, exponent))
    return;
  if (ex_node_is_op(e, EX_SQRT)) {
    base = arg_of(e, 0);
    inner = half;
  } else if (ex_node_is_op(e, EX_POW) && ex_num_of(arg_of(e, 1), &inner))
    base = arg_of(e, 0);
  if (base != NULL && (ex_num_is_whole(exponent) || !ex_num_is_whole(inner)) &&
      ex_num_mul(inner, exponent, &both))
    ex_terms_add(&p->factors, base, both);
  else
    ex_terms_add(&p->factors, e, exponent);
}

static void take_chain(struct ex_product *p, ex e, struct ex_num exponent) {
  if (is_chain_short(e))
    for (; ex_node_is_op(e, EX_MUL); e = arg_of(e, 0))
      take_factor(p, arg_of(e, 1), exponent);
  take_factor(p, e, exponent);
}

void ex_product_mul(struct ex_product *p, ex e, struct ex_num exponent) {
  struct ex_num number;
  struct ex_num inverse;
  if (ex_num_of(e, &number) || !ex_num_is_int(exponent) ||
      !ex_num_neg(exponent, &inverse)) {
    take_factor(p, e, exponent);
    return;
  }
  if (ex_node_is_op(e, EX_NEG) && take_number(p, ex_num_int(-1), exponent))
    e = arg_of(e, 0);
  if (ex_node_is_op(e, EX_DIV)) {
    take_chain(p, arg_of(e, 0), exponent);
    take_chain(p, arg_of(e, 1), inverse);
  } else
    take_chain(p, e, exponent);
}

/* ---- Fractions of chains ---- */

struct fraction {
  ex above; /* NULL: 1 */
  ex below; /* NULL: 1 */
  bool sign;
  bool failed;
};

static bool is_sum(ex e) { return op_of(e) == EX_ADD || op_of(e) == EX_SUB; }

/* The sign goes to the first factor above; one that is a number or a sum takes
 * none, for it would come out as another number or sum. */
static void append(struct fraction *f, ex *chain, ex factor) {
  if (factor != NULL && f->sign && chain == &f->above && *chain == NULL &&
      !is_number(factor) && !is_sum(factor)) {
    f->sign = false;
    factor = ex_unary(EX_NEG, factor);
  }
  *chain = *chain == NULL ? factor : ex_binary(EX_MUL, *chain, factor);
  if (factor == NULL || *chain == NULL)
    f->failed = true;
}

/* Starts the chains with a number. */
static void place_number(struct fraction *f, struct ex_num number) {
  struct ex_num top;
  struct ex_num bottom;
  ex_num_parts(number, &top, &bottom);
  f->sign = ex_num_is(top, -1);
  if (!ex_num_is(top, 1) && !f->sign)
    append(f, &f->above, ex_num_node(top));
  if (!ex_num_is(bottom, 1))
    append(f, &f->below, ex_num_node(bottom));
}

/* Minus a multiple of a sum is a sum of its own. */
static ex negate(ex e) {
  struct ex_terms sum = {0};
  struct ex_num number;
  ex rest = e == NULL ? NULL : ex_product_split(e, &number);
  ex result;
  if (rest == NULL || !is_sum(rest) || !ex_num_neg(number, &number))
    return ex_unary(EX_NEG, e);
  ex_sum_add(&sum, rest, number);
  result = ex_sum_finish(&sum);
  ex_terms_drop(&sum);
  return result;
}

static ex fraction_node(const struct fraction *f) {
  bool alone = f->above == NULL;
  ex result = alone ? ex_int(f->sign ? -1 : 1) : f->above;
  if (f->failed)
    return NULL;
  if (f->below != NULL)
    result = ex_binary(EX_DIV, result, f->below);
  return f->sign && !alone ? negate(result) : result;
}

/* ---- Giving out ---- */

/* Whether a factor came out as one that must be taken apart again. */
static bool is_compound(const struct ex_term *t) {
  struct ex_num number;
  if (!ex_num_is_int(t->num))
    return false;
  switch (op_of(t->base)) {
  case EX_NEG:
  case EX_SQRT:
    return true;
  case EX_MUL:
    return is_chain_short(t->base);
  case EX_DIV:
    return !ex_num_of(t->base, &number);
  case EX_POW:
    return ex_num_of(arg_of(t->base, 1), &number);
  default:
    return false;
  }
}

/* One round of collecting like factors. Numbers whose exponents became whole
 * are folded; true when some factor was taken apart. */
static bool settle_once(struct ex_product *p) {
  struct ex_terms *f = &p->factors;
  struct ex_num number;
  size_t n;
  size_t kept = 0;
  ex_terms_merge(f);
  n = f->n;
  for (size_t i = 0; i < n; i++) {
    struct ex_term t = f->at[i];
    if (ex_num_is(t.num, 0))
      continue;
    if (ex_num_of(t.base, &number) && take_number(p, number, t.num))
      continue;
    if (is_compound(&t))
      ex_product_mul(p, t.base, t.num);
    else
      f->at[kept++] = t;
  }
  for (size_t i = n; i < f->n; i++)
    f->at[kept + i - n] = f->at[i];
  f->n = kept + f->n - n;
  return f->n > kept;
}

static bool divides_by_zero(const struct ex_product *p) {
  for (size_t i = 0; i < p->factors.n; i++) {
    struct ex_num base;
    if (ex_num_of(p->factors.at[i].base, &base) && ex_num_is(base, 0) &&
        ex_num_is_negative(p->factors.at[i].num))
      return true;
  }
  return false;
}

static ex power_node(ex base, struct ex_num exponent) {
  struct ex_num number;
  if (ex_num_is(exponent, 1))
    return base;
  if (ex_num_of(base, &number) && ex_num_raise(number, exponent, &number))
    return ex_num_node(number);
  if (exponent.p == 1 && exponent.q == 2)
    return ex_unary(EX_SQRT, base);
  return ex_binary(EX_POW, base, ex_num_node(exponent));
}

ex ex_product_finish(struct ex_product *p) {
  struct fraction f = {0};
  int rounds = 0;
  while (settle_once(p) && !p->factors.failed && rounds < CANON_LIMIT)
    rounds++;
  if (p->factors.failed)
    return NULL;
  if (ex_num_is(p->number, 0) && !divides_by_zero(p))
    return ex_int(0);
  if (p->factors.n == 0)
    return ex_num_node(p->number);
  place_number(&f, p->number);
  for (size_t i = 0; i < p->factors.n; i++) {
    struct ex_term *t = &p->factors.at[i];
    struct ex_num minus;
    if (ex_num_is_negative(t->num) && ex_num_neg(t->num, &minus))
      append(&f, &f.below, power_node(t->base, minus));
    else
      append(&f, &f.above, power_node(t->base, t->num));
  }
  return fraction_node(&f);
}

/* ---- Numbers of terms ---- */

/* Multiplies *NUMBER by the number that the factor E is, or by its sign, to the
 * power of EXPONENT. Returns what is left of E: NULL for nothing, and E itself
 * when there was no number or it does not fit. */
static ex take_off(ex e, int64_t exponent, struct ex_num *number) {
  struct ex_num power;
  if (op_of(e) == EX_NEG && ex_num_neg(*number, number))
    return arg_of(e, 0);
  if (kind_of(e) <= EX_BIG && ex_num_of(e, &power) && !ex_num_is(power, 0) &&
      ex_num_pow(power, exponent, &power) && ex_num_mul(*number, power, number))
    return NULL;
  return e;
}

/* Appends to CHAIN the factors of E without the number of the first. */
static void strip(struct fraction *f, ex *chain, ex e, int64_t exponent,
                  struct ex_num *number) {
  ex factor[CANON_LIMIT];
  size_t n = 0;
  ex whole = e;
  ex first;
  for (; op_of(e) == EX_MUL && n < CANON_LIMIT; e = arg_of(e, 0))
    factor[n++] = arg_of(e, 1);
  first = take_off(e, exponent, number);
  if (first == e) {
    append(f, chain, whole);
    return;
  }
  if (first != NULL)
    append(f, chain, first);
  while (n > 0)
    append(f, chain, factor[--n]);
}

ex ex_product_split(ex e, struct ex_num *out_number) {
  struct fraction f = {0};
  if (ex_num_of(e, out_number))
    return NULL;
  *out_number = ex_num_int(1);
  if (ex_node_is_op(e, EX_NEG)) {
    *out_number = ex_num_int(-1);
    e = arg_of(e, 0);
  }
  if (ex_node_is_op(e, EX_DIV)) {
    strip(&f, &f.below, arg_of(e, 1), -1, out_number);
    e = arg_of(e, 0);
  }
  strip(&f, &f.above, e, 1, out_number);
  return fraction_node(&f);
}

/* Appends the factors of E, one by one where a number or sign comes first. */
static void append_chain(struct fraction *f, ex *chain, ex e) {
  ex factor[CANON_LIMIT];
  size_t n = 0;
  ex whole = e;
  if (kind_of(e) == EX_INT && ex_int_value(e) == 1)
    return;
  for (; ex_node_is_op(e, EX_MUL) && n < CANON_LIMIT; e = arg_of(e, 0))
    factor[n++] = arg_of(e, 1);
  if ((*chain == NULL && !f->sign) || ex_node_is_op(e, EX_MUL)) {
    append(f, chain, whole);
    return;
  }
  append(f, chain, e);
  while (n > 0)
    append(f, chain, factor[--n]);
}

/* 0 over something that is or may be 0, of which no multiple is simpler. */
static bool is_zero_over(ex e) {
  ex above = op_of(e) == EX_DIV ? arg_of(e, 0) : e;
  return above != e && kind_of(above) == EX_INT && ex_int_value(above) == 0;
}

ex ex_product_scale(ex rest, struct ex_num number) {
  struct fraction f = {0};
  struct ex_num both;
  if (ex_num_is(number, 1) || is_zero_over(rest))
    return rest;
  if (ex_num_of(rest, &both) && ex_num_mul(number, both, &both))
    return ex_num_node(both);
  place_number(&f, number);
  if (ex_node_is_op(rest, EX_DIV)) {
    append_chain(&f, &f.below, arg_of(rest, 1));
    rest = arg_of(rest, 0);
  }
  append_chain(&f, &f.above, rest);
  return fraction_node(&f);
}
