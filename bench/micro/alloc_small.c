/* bench/micro/alloc_small.c: small objects that die at once. SPDX-License-Identifier: MIT */
/*
 * The bare price of an allocation.  Each thread keeps a ring of the last 64
 * objects, so that nearly everything is dead at every collection, and writes
 * the first word of each object as a client would.  The operations are shared
 * out among the threads: the figure is the CPU sum per allocation.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define RING 64

static struct bench_param params[] = {
    {"size", 64, "bytes of an object"},
    {"threads", 1, "allocating threads"},
    {"ops", 16000000, "allocations of all threads together"},
    {"atomic", 0, "1: pointer-free objects"},
};

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
  bench_start();
  bench_threads((unsigned)params[1].value, allocate);
  bench_stop();
  bench_report((double)params[2].value, "size=%lu threads=%lu", params[0].value,
               params[1].value);
  return 0;
}
