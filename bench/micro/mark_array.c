/* bench/micro/mark_array.c: collections of pointer arrays. SPDX-License-Identifier: MIT */
/*
 * Arrays of 1000 pointers to pointer-free leaves of 32 bytes.  The leaves'
 * contents need not be read, so a marker with its mark bits outside the
 * objects touches only the arrays and the bits.  Leaves lie in the order of
 * the array, or at random with shuffled=1.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define PER_ARRAY 1000

struct leaf {
  uintptr_t data[4];
};

static struct bench_param params[] = {
    {"mb", 100, "megabytes of arrays and leaves"},
    {"shuffled", 0, "1: leaves in random order"},
    {"rounds", 6, "measured collections"},
};

static struct leaf ***root;

static void build(size_t arrays, int shuffled) {
  size_t n = arrays * PER_ARRAY;
  struct leaf **all = bench_need(malloc(n * sizeof *all));
  size_t *order = bench_permutation(n, 3);
  GC_disable();
  for (size_t i = 0; i < n; i++) {
    all[i] = bench_need(GC_MALLOC_ATOMIC(sizeof(struct leaf)));
    all[i]->data[0] = i;
  }
  root = bench_need(GC_MALLOC(arrays * sizeof *root));
  for (size_t a = 0; a < arrays; a++) {
    root[a] = bench_need(GC_MALLOC(PER_ARRAY * sizeof **root));
    for (size_t i = 0; i < PER_ARRAY; i++) {
      size_t at = a * PER_ARRAY + i;
      root[a][i] = all[shuffled ? order[at] : at];
    }
  }
  GC_enable();
  free(order);
  free(all);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t per_leaf = sizeof(struct leaf) + sizeof(void *);
  size_t arrays = params[0].value * 1000000 / (per_leaf * PER_ARRAY);
  build(arrays, params[1].value != 0);
  GC_gcollect();
  bench_start();
  for (size_t i = 0; i < params[2].value; i++)
    GC_gcollect();
  bench_stop();
  bench_use(root);
  bench_report((double)(arrays * PER_ARRAY * params[2].value), "leaves=%zu",
               arrays * PER_ARRAY);
  return 0;
}
