/* bench/hcons/derive.h: repeated derivatives of exp(x*sin(x*x)). SPDX-License-Identifier: MIT */
/* Sums and products are binary and lose noughts and ones only. What was derived
 * is noted by node for good, in a table of this file's own, so the number of nodes
 * grows with the cube of the order. */
#ifndef BENCH_HCONS_DERIVE_H
#define BENCH_HCONS_DERIVE_H

#include "store.h"

enum { DER_VAR = 1, DER_ADD, DER_MUL, DER_SIN, DER_COS, DER_EXP, DER_CONST };

static ref der_zero, der_one, der_minus_one, der_x;
static uint64_t der_interns;

/* ---- Notes ---- */

static ref *der_note; /* node, derivative, node, ... */
static size_t der_mask, der_noted;

static size_t der_place(ref node) {
  size_t at =
      (size_t)(((uintptr_t)node >> 3) * UINT64_C(0x9fb21c651e98df25) >> 32) &
      der_mask;
  while (der_note[2 * at] != NULL && der_note[2 * at] != node)
    at = (at + 1) & der_mask;
  return at;
}

static void der_put(ref node, ref result) {
  size_t at = der_place(node);
  der_note[2 * at] = node;
  der_note[2 * at + 1] = result;
}

static void der_grow(void) {
  ref *old = der_note;
  size_t old_size = der_mask + 1;
  der_mask = 2 * old_size - 1;
  der_note = store_refs(2 * (der_mask + 1));
  for (size_t i = 0; i < old_size; i++)
    if (old[2 * i] != NULL)
      der_put(old[2 * i], old[2 * i + 1]);
  store_refs_free(old);
}

/* ---- Making ---- */

static ref der_const(int64_t value) {
  der_interns += 2;
  return store_1(DER_CONST, store_leaf((uintptr_t)value));
}

static ref der_make(unsigned op, ref a, ref b) {
  der_interns++;
  return store_2(op, a, b);
}

static ref der_add(ref a, ref b) {
  if (a == der_zero)
    return b;
  return b == der_zero ? a : der_make(DER_ADD, a, b);
}

static ref der_mul(ref a, ref b) {
  if (a == der_zero || b == der_zero)
    return der_zero;
  if (a == der_one)
    return b;
  return b == der_one ? a : der_make(DER_MUL, a, b);
}

static ref der_call(unsigned op, ref a) {
  der_interns++;
  return store_1(op, a);
}

/* ---- Deriving ---- */

static ref derive(ref e);

static ref der_rule(ref e) {
  ref a = store_arg(e, 0);
  switch (store_op(e)) {
  case DER_CONST:
    return der_zero;
  case DER_VAR:
    return der_one;
  case DER_ADD:
    return der_add(derive(a), derive(store_arg(e, 1)));
  case DER_MUL:
    return der_add(der_mul(derive(a), store_arg(e, 1)),
                   der_mul(a, derive(store_arg(e, 1))));
  case DER_SIN:
    return der_mul(der_call(DER_COS, a), derive(a));
  case DER_COS:
    return der_mul(der_mul(der_minus_one, der_call(DER_SIN, a)), derive(a));
  default:
    return der_mul(e, derive(a)); /* DER_EXP */
  }
}

static ref derive(ref e) {
  size_t at = der_place(e);
  ref result;
  if (der_note[2 * at] == e)
    return der_note[2 * at + 1];
  result = der_rule(e);
  if (2 * ++der_noted > der_mask)
    der_grow();
  der_put(e, result);
  return result;
}

static ref der_start(void) {
  der_mask = 1023;
  der_note = store_refs(2 * (der_mask + 1));
  der_zero = der_const(0);
  der_one = der_const(1);
  der_minus_one = der_const(-1);
  der_x = store_1(DER_VAR, store_leaf('x'));
  return der_call(DER_EXP,
                  der_mul(der_x, der_call(DER_SIN, der_mul(der_x, der_x))));
}

#endif
