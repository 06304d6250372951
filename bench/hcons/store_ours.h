/* bench/hcons/store_ours.h: nodes of libhcons. SPDX-License-Identifier: MIT */
#ifndef BENCH_HCONS_STORE_OURS_H
#define BENCH_HCONS_STORE_OURS_H

#include "store.h"

#include <gc/gc.h>
#include <hcons/hcons.h>
#include <time.h>

static hc_table *store_table;
static hc_class *store_leaves, *store_ones, *store_twos;
static _Thread_local double store_stopped_s, store_stop_began_s;

static double store_thread_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void store_on_event(GC_EventType event) {
  if (event == GC_EVENT_PRE_STOP_WORLD)
    store_stop_began_s = store_thread_s();
  if (event == GC_EVENT_POST_START_WORLD)
    store_stopped_s += store_thread_s() - store_stop_began_s;
}

static hc_class *store_class(const char *name, bool leaf, unsigned words) {
  hc_class_desc d = {
      .name = name, .leaf = leaf, .min_words = words, .max_words = words};
  return bench_need(hc_class_new(store_table, &d));
}

static void store_open(bool single, size_t hint) {
  hc_table_opts opts = {.hint = hint, .flags = single ? HC_SINGLE : 0};
  store_table = bench_need(hc_table_open(&opts));
  store_leaves = store_class("leaf", true, 1);
  store_ones = store_class("one", false, 1);
  store_twos = store_class("two", false, 2);
  GC_set_on_collection_event(store_on_event);
}

static inline ref store_leaf(uintptr_t value) {
  return hc_intern1(store_leaves, 0, value);
}

static inline ref store_1(unsigned op, ref a) {
  return hc_intern1(store_ones, op, (uintptr_t)a);
}

static inline ref store_2(unsigned op, ref a, ref b) {
  return hc_intern2(store_twos, op, (uintptr_t)a, (uintptr_t)b);
}

static inline unsigned store_op(ref n) { return hc_tag(n); }

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

static double store_stop_s(void) { return store_stopped_s; }

static void store_check(void) {
  char why[200] = "";
  if (hc_check(store_table, why, sizeof why) != 0)
    bench_fail(why);
}

#endif
