/* bench/micro/malloc_many.c: lists of objects from GC_malloc_many. SPDX-License-Identifier: MIT */
/*
 * Language runtimes take whole lists of cells and hand them out themselves.
 * The client walks each list, unlinks every cell and uses it once.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define RING 64

static struct bench_param params[] = {
    {"size", 64, "bytes of an object"},
    {"ops", 20000000, "objects"},
};

static void allocate(size_t size, size_t n) {
  void *ring[RING] = {0};
  void *list = NULL;
  bench_use(ring);
  for (size_t i = 0; i < n; i++) {
    if (!list)
      list = bench_need(GC_malloc_many(size));
    void **p = list;
    list = GC_NEXT(p);
    GC_NEXT(p) = NULL;
    ring[i % RING] = p;
  }
  bench_use(ring);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  bench_start();
  allocate(params[0].value, params[1].value);
  bench_stop();
  bench_report((double)params[1].value, "size=%lu", params[0].value);
  return 0;
}
