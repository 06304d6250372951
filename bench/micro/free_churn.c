/* bench/micro/free_churn.c: allocation followed by explicit free. SPDX-License-Identifier: MIT */
/*
 * Clients that know the end of an object's life free it.  A ring of `depth`
 * objects lies between an allocation and its free; depth 1 is the pure pair.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

static struct bench_param params[] = {
    {"size", 64, "bytes of an object"},
    {"ops", 20000000, "pairs of allocation and free"},
    {"depth", 16, "objects alive at a time, at most 4096"},
    {"threads", 1, "threads"},
};

static void churn(unsigned index) {
  size_t size = params[0].value, depth = params[2].value;
  size_t n = params[1].value / params[3].value;
  void *ring[4096] = {0};
  bench_use(ring);
  for (size_t i = 0; i < n; i++) {
    uintptr_t *p = GC_MALLOC(size);
    *p = index & 0xff;
    GC_FREE(ring[i % depth]);
    ring[i % depth] = p;
  }
  bench_use(ring);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  if (params[2].value == 0 || params[2].value > 4096)
    bench_fail("depth must be in 1..4096");
  bench_start();
  bench_threads((unsigned)params[3].value, churn);
  bench_stop();
  bench_report((double)params[1].value, "size=%lu", params[0].value);
  return 0;
}
