/* bench/micro/alloc_small.c: small objects that die at once. SPDX-License-Identifier: MIT */
/*
 * The bare price of an allocation.  Each thread keeps a ring of the last 64
 * objects, so that nearly everything is dead at every collection, and writes
 * the first word of each object as a client would.  The operations are shared
 * out among the threads: the figure is the CPU sum per allocation.  Where there is
 * gcx_observe, the deaths may be counted or told meanwhile; then the sum includes
 * the thread that tells them.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <gcx/reclaim.h>
#include <stdlib.h>

extern gcx_observer *gcx_observe(unsigned, const gcx_observe_opts *, int *)
    __attribute__((weak));

#define RING 64

static struct bench_param params[] = {
    {"size", 64, "bytes of an object"},
    {"threads", 1, "allocating threads"},
    {"ops", 16000000, "allocations of all threads together"},
    {"atomic", 0, "1: pointer-free objects"},
    {"observe", 0, "1: deaths are counted, 2: and told"},
};

static size_t told;

static void on_deaths(const gcx_death *deaths, size_t n, void *cd) {
  (void)cd;
  for (size_t i = 0; i < n; i++)
    told += deaths[i].bytes;
}

static void observe(void) {
  gcx_observe_opts o = {.struct_size = sizeof o,
                        .observe = params[4].value > 1 ? on_deaths : NULL};
  if (!gcx_observe)
    bench_fail("this library has no observers");
  bench_need(gcx_observe(
      params[3].value ? GCX_BUILTIN_LEAF : GCX_BUILTIN_NORMAL, &o, NULL));
}

static void allocate(unsigned index) {
  size_t size = params[0].value;
  size_t n = params[2].value / params[1].value;
  void *ring[RING] = {0};
  bench_use(ring);
  if (params[3].value) {
    for (size_t i = 0; i < n; i++) {
      uintptr_t *p = GC_MALLOC_ATOMIC(size);
      *p = i + index;
      ring[i % RING] = p;
    }
  } else {
    for (size_t i = 0; i < n; i++) {
      uintptr_t *p = GC_MALLOC(size);
      *p = (i + index) & 0xff;
      ring[i % RING] = p;
    }
  }
  bench_use(ring);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  if (params[0].value < sizeof(uintptr_t))
    bench_fail("size must be at least 8");
  if (params[4].value)
    observe();
  bench_start();
  bench_threads((unsigned)params[1].value, allocate);
  bench_stop();
  bench_report((double)params[2].value, "size=%lu threads=%lu observe=%lu",
               params[0].value, params[1].value, params[4].value);
  return 0;
}
