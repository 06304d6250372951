/* tests/extra/hcons_kit.h: what most tests of hcons do with a table. SPDX-License-Identifier: MIT */

/*
 * Tables and classes that are there, checks and figures of a table, collections whose
 * deaths have been told, and a gate at which notifiers wait. The program's own table and
 * classes stay in the program.
 */
#ifndef TESTS_EXTRA_HCONS_KIT_H
#define TESTS_EXTRA_HCONS_KIT_H

#include <hcons/hcons.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Whether deaths are told on a thread of their own, by kinds of gcx/reclaim.h; with the
 * disclaim interface they are told under the collector's lock, one at a time. */
static inline bool hk_is_proper(void) {
  return gu_has_kinds() && getenv("HCONS_BACKEND") == NULL;
}

static inline hc_table *hk_table(unsigned flags, unsigned shards) {
  hc_table *t =
      hc_table_open(&(hc_table_opts){.flags = flags, .shards = shards});
  tap_require(t != NULL);
  return t;
}

static inline hc_class *hk_class(hc_table *t, hc_class_desc d) {
  hc_class *c = hc_class_new(t, &d);
  tap_require(c != NULL);
  return c;
}

static inline void hk_check_sound(hc_table *t) {
  char why[120];
  int faults = hc_check(t, why, sizeof why);
  if (faults != 0)
    tap_note("%s", why);
  tap_eq_u(faults, 0);
}

static inline hc_stats hk_stats(hc_table *t) {
  hc_stats s;
  hc_get_stats(t, &s);
  return s;
}

/* Tells of all that died. */
static inline void hk_drain(void) { tap_eq_u(hc_drain(60000), 0); }

static inline void hk_collect(void) {
  gu_collect();
  hk_drain();
}

/* ---- The gate ---- */

/* Holds notifiers back while it is shut: with the first one at the gate, all else that
 * is dead is condemned and can still be found. */
struct hk_gate {
  atomic_bool is_shut;
  atomic_uint arrived;
};

/* A notifier, with the gate for its closure. Under the collector's lock it does not wait,
 * since nobody could open the gate. */
static inline void hk_wait_at_gate(const void *node, void *closure) {
  struct hk_gate *gate = closure;
  (void)node;
  atomic_fetch_add(&gate->arrived, 1);
  while (hk_is_proper() && atomic_load(&gate->is_shut))
    sched_yield();
}

/* At most for ten seconds. */
static inline bool hk_somebody_arrives(struct hk_gate *gate) {
  for (int i = 0; i < 10000 && atomic_load(&gate->arrived) == 0; i++)
    usleep(1000);
  return atomic_load(&gate->arrived) != 0;
}

#endif
