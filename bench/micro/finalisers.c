/* bench/micro/finalisers.c: a million objects with finalisers or weak links. SPDX-License-Identifier: MIT */
/*
 * One phase is measured, chosen by `phase`:
 *   0  registering: one operation is a registration
 *   1  a collection while all objects live, with the registrations
 *   2  the same without: what a collection costs anyway
 *   3  (finalisers) from the moment when all are dropped until all have run; the
 *      last collections are in it
 * `link` = 1 takes weak links instead of finalisers; they lie in an array that is
 * not scanned.  The report's `bytes` is what the process grew by for each
 * registration.  Both libraries have the functions; weak symbols let the program
 * say so where they are missing.
 */
#include "../bench.h"

#include <gc/gc.h>

typedef void (*finalizer)(void *, void *);

extern void GC_register_finalizer(void *, finalizer, void *, finalizer *,
                                  void **) __attribute__((weak));
extern void GC_register_finalizer_no_order(void *, finalizer, void *,
                                           finalizer *, void **)
    __attribute__((weak));
extern int GC_general_register_disappearing_link(void **, const void *)
    __attribute__((weak));

static struct bench_param params[] = {
    {"size", 48, "bytes of an object"},
    {"n", 1000000, "objects"},
    {"link", 0, "1: weak links, 0: finalisers"},
    {"phase", 0, "0: register, 1: collect, 2: collect without, 3: die and run"},
    {"order", 0, "1: ordered finalisers, 0: in any order"},
    {"rounds", 5, "collections of phases 1 and 2"},
};
enum { SIZE, N, LINK, PHASE, ORDER, ROUNDS };

static size_t ran;

static void on_finalized(void *object, void *data) {
  (void)object, (void)data;
  ran++;
}

static void register_one(void **kept, GC_word *links, size_t i) {
  if (params[LINK].value == 1) {
    links[i] = GC_HIDE_POINTER(kept[i]);
    GC_general_register_disappearing_link((void **)&links[i], kept[i]);
  } else if (params[ORDER].value == 1) {
    GC_register_finalizer(kept[i], on_finalized, NULL, NULL, NULL);
  } else {
    GC_register_finalizer_no_order(kept[i], on_finalized, NULL, NULL, NULL);
  }
}

static void register_all(void **kept, GC_word *links, size_t n) {
  for (size_t i = 0; i < n; i++)
    register_one(kept, links, i);
}

static size_t collect(size_t rounds) {
  for (size_t i = 0; i < rounds; i++)
    GC_gcollect();
  return rounds;
}

/* Stray words may keep a few. */
static void run_all(void **kept, size_t n) {
  for (size_t i = 0; i < n; i++)
    kept[i] = NULL;
  for (unsigned i = 0; i < 10 && ran < n - n / 100; i++)
    GC_gcollect();
  if (ran < n - n / 100)
    bench_fail("most finalisers never ran");
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t n = params[N].value, phase = params[PHASE].value, ops = n;
  if (!GC_register_finalizer || !GC_general_register_disappearing_link)
    bench_fail("this library has no finalisers");
  void **kept = bench_need(GC_MALLOC_UNCOLLECTABLE(n * sizeof *kept));
  GC_word *links =
      bench_need(GC_MALLOC_ATOMIC_UNCOLLECTABLE(n * sizeof *links));
  for (size_t i = 0; i < n; i++) {
    kept[i] = bench_need(GC_MALLOC(params[SIZE].value));
    links[i] = 0;
  }
  unsigned long before = bench_status_kb("VmRSS");
  if (phase == 0)
    bench_start();
  if (phase != 2)
    register_all(kept, links, n);
  if (phase == 0)
    bench_stop();
  unsigned long after = bench_status_kb("VmRSS");
  if (phase == 1 || phase == 2 || phase == 3)
    bench_start();
  if (phase == 1 || phase == 2)
    ops = collect(params[ROUNDS].value);
  if (phase == 3)
    run_all(kept, n);
  if (phase != 0)
    bench_stop();
  bench_use(kept);
  bench_report((double)ops, "ran=%zu bytes=%.1f", ran,
               (double)(after - before) * 1024 / (double)n);
  return 0;
}
