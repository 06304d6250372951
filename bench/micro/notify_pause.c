/* bench/micro/notify_pause.c: what dead notified objects cost the stop and allocation. SPDX-License-Identifier: MIT */
/*
 * Two measurements, and a library with gcx/reclaim.h is needed.
 *
 * threads=0: n objects are made while collections are disabled, and dropped; then
 * one collection.  Reported: the length of its stop (median, least and most of the
 * rounds), what making one object cost its thread, and by how much the resident set
 * grew for each object while all were live.  A row with n=0 is what the rest of the
 * stop costs.
 *
 * threads=T: so many threads allocate and drop for some seconds, while notifiers that
 * take notifier_ns each run.  Reported: how long single allocations took, and the
 * longest stop, which is a part of the longest wait.  More threads than processors
 * wait for each other as well.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <gcx/reclaim.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern gcx_kind *gcx_kind_new(const gcx_kind_opts *, int *)
    __attribute__((weak));

enum { N, KIND, SIZE, ROUNDS, THREADS, SECONDS, NOTIFIER_NS };

static struct bench_param params[] = {
    [N] = {"n", 1000000, "objects that die at once"},
    [KIND] = {"kind", 1,
              "0: ordinary, 1: NONE, 2: BATCH, 3: HELD, 4: finalised"},
    [SIZE] = {"size", 48, "bytes of an object"},
    [ROUNDS] = {"rounds", 5, "collections that are measured"},
    [THREADS] = {"threads", 0, "that allocate; 0 measures the stop"},
    [SECONDS] = {"seconds", 3, "that they allocate for"},
    [NOTIFIER_NS] = {"notifier_ns", 100, "that a notifier takes"},
};

static gcx_kind *kind;
static size_t notified;

static uint64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

/* ---- Notified objects ---- */

static gcx_verdict on_death(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  __atomic_add_fetch(&notified, 1, __ATOMIC_RELAXED);
  if (params[THREADS].value != 0)
    for (uint64_t end = now_ns() + params[NOTIFIER_NS].value; now_ns() < end;)
      continue;
  return GCX_DONE;
}

static const gcx_closure closure = {on_death, NULL};

static void make_kind(void) {
  gcx_kind_opts o = {.struct_size = sizeof o, .notify = on_death};
  o.refs = params[KIND].value == 3 ? GCX_REFS_HELD : GCX_REFS_NONE;
  o.release = params[KIND].value == 2 ? GCX_RELEASE_BATCH : GCX_RELEASE_BLOCK;
  kind = bench_need(gcx_kind_new(&o, NULL));
}

static inline void *take(void) {
  size_t size = params[SIZE].value;
  switch (params[KIND].value) {
  case 0:
    return GC_MALLOC(size);
  case 4:
    return gcx_finalized_alloc(size, &closure);
  default:
    return gcx_kind_alloc(kind, size);
  }
}

/* Fresh pages are there once they are written to. */
static inline void make(void) {
  uintptr_t *p = bench_need(take());
  *p = 1;
  bench_use(p);
}

static int is_notified(void) { return params[KIND].value != 0; }

/* ---- The stop ---- */

static uint64_t stop_began, longest_stop;

static void GC_CALLBACK on_event(GC_EventType event) {
  if (event == GC_EVENT_PRE_STOP_WORLD)
    stop_began = now_ns();
  if (event == GC_EVENT_POST_START_WORLD &&
      now_ns() - stop_began > longest_stop)
    longest_stop = now_ns() - stop_began;
}

static uint64_t make_ns;
static double grown_bytes;

static __attribute__((noinline)) void make_all(void) {
  unsigned long rss = bench_status_kb("VmRSS");
  uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  GC_disable();
  for (size_t i = 0; i < params[N].value; i++)
    make();
  GC_enable();
  make_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
  if (grown_bytes == 0)
    grown_bytes = ((double)bench_status_kb("VmRSS") - (double)rss) * 1024;
}

static int by_size(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The same memory is used in every round, so the first one pays for its pages: the
 * growth is of the first, the stops are of all. */
static void measure_stop(void) {
  size_t n = params[N].value, rounds = params[ROUNDS].value;
  uint64_t *stops = bench_need(calloc(rounds + 1, sizeof *stops));
  for (size_t i = 0; i < rounds; i++) {
    make_all();
    longest_stop = 0;
    bench_start();
    GC_gcollect();
    bench_stop();
    stops[i] = longest_stop;
    if (gcx_drain(GCX_FOREVER) != 0)
      bench_fail("not all were notified");
  }
  if (is_notified() && notified < n * rounds - n * rounds / 100)
    bench_fail("most dead objects were never notified");
  qsort(stops, rounds, sizeof *stops, by_size);
  double made = (double)n * (double)rounds;
  bench_report(made,
               "stop_us=%.1f stop_min_us=%.1f stop_max_us=%.1f make_ns=%.2f "
               "bytes=%.2f notified=%zu",
               (double)stops[rounds / 2] / 1e3, (double)stops[0] / 1e3,
               (double)stops[rounds - 1] / 1e3,
               n == 0 ? 0 : (double)make_ns / made,
               n == 0 ? 0 : grown_bytes / (double)n, notified);
  free(stops);
}

/* ---- Waits of allocating threads ---- */

/* Waits by their size: 16 classes for each power of two. */
enum { CLASSES = 64 * 16 };

static uint64_t waits[CLASSES], n_waits, longest_wait;
static uint64_t end_ns;

static unsigned class_of(uint64_t ns) {
  if (ns < 16)
    return (unsigned)ns;
  unsigned log = 63 - (unsigned)__builtin_clzll(ns);
  return (log - 3) * 16 + (unsigned)(ns >> (log - 4) & 15);
}

static double least_of(unsigned class) {
  if (class < 16)
    return class;
  return (double)((uint64_t)(16 + class % 16) << (class / 16 - 1));
}

static void allocate_on(unsigned number) {
  static __thread uint64_t mine[CLASSES];
  uint64_t most = 0, n = 0, before = now_ns(), after = before;
  (void)number;
  for (; after < end_ns; before = after, n++) {
    make();
    after = now_ns();
    mine[class_of(after - before)]++;
    most = after - before > most ? after - before : most;
  }
  for (unsigned c = 0; c < CLASSES; c++)
    __atomic_add_fetch(&waits[c], mine[c], __ATOMIC_RELAXED);
  __atomic_add_fetch(&n_waits, n, __ATOMIC_RELAXED);
  for (uint64_t old = longest_wait; old < most;)
    if (__atomic_compare_exchange_n(&longest_wait, &old, most, 0,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
      break;
}

/* The wait that all but so many parts in a million are below. */
static double wait_of(double parts_in_a_million) {
  double above = (double)n_waits * parts_in_a_million / 1e6;
  unsigned c = CLASSES;
  for (double n = 0; c > 0 && n <= above;)
    n += (double)waits[--c];
  return least_of(c);
}

static void measure_waits(void) {
  end_ns = now_ns() + params[SECONDS].value * 1000000000;
  bench_start();
  bench_threads((unsigned)params[THREADS].value, allocate_on);
  bench_stop();
  gcx_finaliser_stats s = {.struct_size = sizeof s};
  gcx_get_finaliser_stats(&s);
  bench_report((double)n_waits,
               "p50_ns=%.0f p999_ns=%.0f p99999_us=%.1f max_us=%.1f "
               "stop_max_us=%.1f pending_kb=%zu overruns=%lu notified=%zu",
               wait_of(500000), wait_of(1000), wait_of(10) / 1e3,
               (double)longest_wait / 1e3, (double)longest_stop / 1e3,
               s.pending_bytes / 1024, s.overruns, notified);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  if (!gcx_kind_new)
    bench_fail("this library has no gcx/reclaim.h");
  if (params[KIND].value > 4 || params[ROUNDS].value == 0)
    bench_fail("kind must be 0 to 4, and rounds at least 1");
  make_kind();
  GC_set_on_collection_event(on_event);
  if (params[THREADS].value == 0)
    measure_stop();
  else
    measure_waits();
  return 0;
}
