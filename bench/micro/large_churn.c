/* bench/micro/large_churn.c: large objects replaced at random. SPDX-License-Identifier: MIT */
/*
 * `live` slots hold objects of 64 KB to 16 MB, sizes spread on a logarithmic
 * scale; each step replaces one.  Half of the objects are pointer-free.  Every
 * page is written once, as a client's buffer would be; the figure is CPU time
 * per 4 KB handed out.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define SLOTS 64

static struct bench_param params[] = {
    {"ops", 1500, "objects"},
    {"live", 8, "objects alive at a time, at most 64"},
};

static size_t random_size(uint64_t *seed) {
  size_t size = (size_t)65536 << bench_below(seed, 8);
  return size + bench_below(seed, size);
}

static void touch(char *p, size_t size) {
  for (size_t i = 0; i < size; i += 4096)
    p[i] = 1;
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t live = params[1].value;
  if (live == 0 || live > SLOTS)
    bench_fail("live must be in 1..64");
  char *slots[SLOTS] = {0};
  uint64_t seed = 7;
  double pages = 0;
  bench_use(slots);
  bench_start();
  for (size_t i = 0; i < params[0].value; i++) {
    size_t size = random_size(&seed);
    char *p = i % 2 ? GC_MALLOC_ATOMIC(size) : GC_MALLOC(size);
    touch(bench_need(p), size);
    slots[bench_below(&seed, live)] = p;
    pages += (double)size / 4096;
  }
  bench_stop();
  bench_use(slots);
  bench_report(pages, "objects=%lu", params[0].value);
  return 0;
}
