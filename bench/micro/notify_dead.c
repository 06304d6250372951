/* bench/micro/notify_dead.c: a million objects die at once. SPDX-License-Identifier: MIT */
/*
 * What the program's own thread pays from the moment when it drops all of them:
 * it collects, and makes as many again, so that a library that tells deaths while
 * it looks for free memory has told them all by then.  The clock is that of the
 * thread; what notifier threads do is not in it (the report's `total_s` is the
 * whole process).  Between rounds the program waits until every dead object was
 * notified, but for a few that stray words keep.
 *
 * One interface for each library: kinds of gcx/reclaim.h and gcx_finalized_alloc
 * where they exist, else a disclaim procedure, else GC_register_finalizer.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>
#include <gcx/reclaim.h>
#include <stdlib.h>
#include <time.h>

typedef void (*finalizer)(void *, void *);

extern gcx_kind *gcx_kind_new(const gcx_kind_opts *, int *)
    __attribute__((weak));
extern void *gcx_kind_alloc(gcx_kind *, size_t) __attribute__((weak));
extern void *gcx_finalized_alloc(size_t, const gcx_closure *)
    __attribute__((weak));
extern int gcx_drain(unsigned) __attribute__((weak));
extern void GC_register_finalizer_no_order(void *, finalizer, void *,
                                           finalizer *, void **)
    __attribute__((weak));

static struct bench_param params[] = {
    {"size", 48, "bytes of an object"},
    {"n", 1000000, "objects that die at once"},
    {"mode", 1, "0: not notified, 1: by kind, 2: finalised one by one"},
    {"held", 0, "1: what they refer to is held (mark_from_all)"},
    {"rounds", 5, "how often"},
};

/* Counted on notifier threads, where there are any; in a cache line of its own, or the
 * program's thread would wait for the line each time that it reads the kind. */
static struct { _Alignas(64) size_t count; } notified;

static gcx_kind *own_kind;
static int plain_kind;

static gcx_verdict on_notified(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  __atomic_add_fetch(&notified.count, 1, __ATOMIC_RELAXED);
  return GCX_DONE;
}

static const gcx_closure closure = {on_notified, NULL};

static int on_disclaimed(void *object) {
  uintptr_t *word = object;
  notified.count += *word & 1;
  *word = 0;
  return 0;
}

static void on_finalized(void *object, void *data) {
  (void)object, (void)data;
  notified.count++;
}

static void make_kind(int held) {
  if (gcx_kind_new) {
    gcx_kind_opts o = {.struct_size = sizeof o, .notify = on_notified};
    o.refs = held ? GCX_REFS_HELD : GCX_REFS_NONE;
    own_kind = bench_need(gcx_kind_new(&o, NULL));
  } else {
    plain_kind = (int)GC_new_kind(GC_new_free_list(), 0 | GC_DS_LENGTH, 1, 1);
    GC_register_disclaim_proc(plain_kind, on_disclaimed, held);
  }
}

static void *make_finalised(size_t size) {
  if (gcx_finalized_alloc)
    return gcx_finalized_alloc(size, &closure);
  void *p = bench_need(GC_MALLOC(size));
  if (!GC_register_finalizer_no_order)
    bench_fail("this library has no finalisers");
  GC_register_finalizer_no_order(p, on_finalized, NULL, NULL, NULL);
  return p;
}

static void *make(unsigned long mode, size_t size) {
  void *p = mode == 0   ? GC_MALLOC(size)
            : mode == 2 ? make_finalised(size)
            : own_kind  ? gcx_kind_alloc(own_kind, size)
                        : GC_generic_malloc(size, plain_kind);
  *(uintptr_t *)bench_need(p) = 1;
  return p;
}

static __attribute__((noinline)) void make_all(uintptr_t **kept, size_t n) {
  for (size_t i = 0; i < n; i++)
    kept[i] = make(params[2].value, params[0].value);
}

static double thread_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What the calling thread spends until as many new ones are made. */
static double drop_all(uintptr_t **kept, size_t n) {
  double begin = thread_s();
  for (size_t i = 0; i < n; i++)
    kept[i] = NULL;
  GC_gcollect();
  make_all(kept, n);
  return thread_s() - begin;
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t n = params[1].value, all = n * params[4].value;
  double mine = 0;
  make_kind(params[3].value != 0);
  uintptr_t **kept = bench_need(GC_MALLOC_UNCOLLECTABLE(n * sizeof *kept));
  make_all(kept, n);
  bench_start();
  for (size_t i = 0; i < params[4].value; i++) {
    mine += drop_all(kept, n);
    if (gcx_drain)
      gcx_drain(GCX_FOREVER);
  }
  bench_stop();
  double total = bench_cpu_s();
  bench_set_times(mine, bench_wall_s());
  bench_use(kept);
  size_t dead = notified.count;
  if (params[2].value != 0 && dead < all - all / 100)
    bench_fail("most dead objects were never notified");
  if (dead > all)
    bench_fail("more objects were notified than died");
  bench_report((double)all, "total_s=%.3f notified=%zu", total, dead);
  return 0;
}
