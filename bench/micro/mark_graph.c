/* bench/micro/mark_graph.c: collections of a random graph. SPDX-License-Identifier: MIT */
/*
 * Objects of 64 bytes, each with five edges to objects chosen at random: no
 * order of traversal is kind to the caches, so this measures how well the
 * marker overlaps its misses.  One root reaches all but e^-5 of the objects;
 * the first collection drops the rest and is not measured.  While the graph is
 * built, collections are off and the nodes are known only to memory of malloc.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define EDGES 5

struct node {
  struct node *edge[EDGES];
  uintptr_t data[3];
};

static struct bench_param params[] = {
    {"mb", 100, "megabytes of objects"},
    {"rounds", 3, "measured collections"},
};

static struct node *root;

static size_t build(size_t n) {
  struct node **all = bench_need(malloc(n * sizeof *all));
  uint64_t seed = 11;
  GC_disable();
  for (size_t i = 0; i < n; i++) {
    all[i] = bench_need(GC_MALLOC(sizeof(struct node)));
    all[i]->data[0] = i & 0xff;
  }
  for (size_t i = 0; i < n; i++)
    for (int e = 0; e < EDGES; e++)
      all[i]->edge[e] = all[bench_below(&seed, n)];
  root = all[0];
  GC_enable();
  free(all);
  return n;
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t n = build(params[0].value * 1000000 / sizeof(struct node));
  GC_gcollect();
  bench_start();
  for (size_t i = 0; i < params[1].value; i++)
    GC_gcollect();
  bench_stop();
  bench_use(root);
  bench_report((double)(n * params[1].value), "objects=%zu", n);
  return 0;
}
