/* bench/hcons/store_hexpr.h: nodes of libhexpr. SPDX-License-Identifier: MIT */
/* Leaves are integers. There is one table, which is shared: the workloads' `single`
 * means nothing here. */
#ifndef BENCH_HCONS_STORE_HEXPR_H
#define BENCH_HCONS_STORE_HEXPR_H

#include "store.h"

#include <gc/gc.h>
#include <hexpr/hexpr.h>
#include <stdio.h>

/* With one child, the built-in operators; with two, as many of the program's as
 * tags have room for, and a built-in one, so that all key words are children. */
enum { STORE_ONES = EX_ADD - EX_NEG, STORE_TWOS = 256 };

static ex_op store_one[STORE_ONES], store_two[STORE_TWOS];
static unsigned char store_op_of[EX_OPS + STORE_TWOS];

static void store_open(bool single, size_t hint) {
  (void)single;
  (void)hint;
  for (unsigned i = 0; i < STORE_ONES; i++)
    store_one[i] = EX_NEG + i;
  for (unsigned i = 0; i < STORE_TWOS - 1; i++) {
    char name[32];
    snprintf(name, sizeof name, "two%u", i);
    store_two[i] = ex_opdef(name, 2, 0);
    if (store_two[i] == EX_NONE)
      bench_fail("an operator is refused");
  }
  store_two[STORE_TWOS - 1] = EX_ADD;
  for (unsigned i = 0; i < STORE_ONES; i++)
    store_op_of[store_one[i]] = (unsigned char)i;
  for (unsigned i = 0; i < STORE_TWOS; i++)
    store_op_of[store_two[i]] = (unsigned char)i;
}

static inline ref store_leaf(uintptr_t value) {
  return (ref)ex_int((int64_t)value);
}

static inline ref store_1(unsigned op, ref a) {
  return (ref)ex_1(store_one[op], (ex)a);
}

static inline ref store_2(unsigned op, ref a, ref b) {
  return (ref)ex_2(store_two[op], (ex)a, (ex)b);
}

/* An integer has the number 0, as a leaf of the other stores has. */
static inline unsigned store_op(ref n) { return store_op_of[ex_op_of((ex)n)]; }

static inline ref store_arg(ref n, unsigned i) { return (ref)hc_key(n)[i]; }

static inline uintptr_t store_value(ref n) { return hc_key(n)[0]; }

static ref *store_refs(size_t n) {
  return bench_need(hc_scanned_alloc(n * sizeof(ref)));
}

static void store_refs_free(ref *array) { hc_scanned_free((void *)array); }

static void store_settle(void) {
  for (int i = 0; i < 2; i++) {
    GC_gcollect();
    hc_drain(10000);
  }
}

/* Not measured here: the collector is the same as below libhcons. */
static double store_stop_s(void) { return 0; }

static void store_check(void) {
  char why[200] = "";
  if (hc_check(ex_table(), why, sizeof why) != 0)
    bench_fail(why);
}

#endif
