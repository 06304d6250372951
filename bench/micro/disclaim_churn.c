/* bench/micro/disclaim_churn.c: objects whose death is notified. SPDX-License-Identifier: MIT */
/*
 * The price of being told about every death: objects of an own kind with a
 * disclaim procedure, a ring of 1024 of them alive.  The procedure counts, and
 * the program checks at the end that no object was notified twice and that
 * almost all dead ones were.
 *
 * The first word of a constructed object is odd; that is how a procedure for
 * the classic interface tells an object from a cell of a free list, where the
 * library may put an even link there.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>
#include <stdlib.h>

#define RING 1024

static struct bench_param params[] = {
    {"size", 64, "bytes of an object"},
    {"ops", 12000000, "objects"},
    {"mode", 0, "0: mark_from_all off, 1: on, 2: GC_finalized_malloc"},
};

static size_t dead;

static int on_dead(void *object) {
  uintptr_t *word = object;
  if (*word & 1) {
    *word = 0;
    dead++;
  }
  return 0;
}

static void on_finalized(void *object, void *data) {
  (void)object;
  (void)data;
  dead++;
}

static const struct GC_finalizer_closure closure = {on_finalized, NULL};

static unsigned make_kind(int mark_from_all) {
  unsigned kind = GC_new_kind(GC_new_free_list(), 0 | GC_DS_LENGTH, 1, 1);
  GC_register_disclaim_proc((int)kind, on_dead, mark_from_all);
  return kind;
}

static void churn_kind(unsigned kind, size_t size, size_t n) {
  uintptr_t *ring[RING] = {0};
  bench_use(ring);
  for (size_t i = 0; i < n; i++) {
    uintptr_t *p = GC_generic_malloc(size, (int)kind);
    *p = 1;
    ring[i % RING] = p;
  }
  bench_use(ring);
}

static void churn_finalized(size_t size, size_t n) {
  uintptr_t *ring[RING] = {0};
  bench_use(ring);
  for (size_t i = 0; i < n; i++) {
    uintptr_t *p = GC_finalized_malloc(size, &closure);
    *p = i & 0xff;
    ring[i % RING] = p;
  }
  bench_use(ring);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t size = params[0].value, n = params[1].value;
  unsigned kind = make_kind(params[2].value == 1);
  GC_init_finalized_malloc();
  bench_start();
  if (params[2].value == 2)
    churn_finalized(size, n);
  else
    churn_kind(kind, size, n);
  bench_stop();
  if (dead > n)
    bench_fail("more objects were notified than were made");
  if (dead < n / 2)
    bench_fail("most dead objects were never notified");
  bench_report((double)n, "notified=%zu", dead);
  return 0;
}
