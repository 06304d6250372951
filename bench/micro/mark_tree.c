/* bench/micro/mark_tree.c: collections of a wide tree. SPDX-License-Identifier: MIT */
/*
 * Nodes of 128 bytes with up to fifteen children, built breadth first: the
 * shape of an index or a syntax tree.  Half of the words that are scanned are
 * the null pointers of leaves.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define FAN_OUT 15

struct node {
  uintptr_t data;
  struct node *child[FAN_OUT];
};

static struct bench_param params[] = {
    {"mb", 100, "megabytes of nodes"},
    {"rounds", 10, "measured collections"},
};

static struct node *root;

static void build(size_t n) {
  struct node **all = bench_need(malloc(n * sizeof *all));
  GC_disable();
  for (size_t i = 0; i < n; i++) {
    all[i] = bench_need(GC_MALLOC(sizeof(struct node)));
    all[i]->data = i & 0xff;
    if (i > 0)
      all[(i - 1) / FAN_OUT]->child[(i - 1) % FAN_OUT] = all[i];
  }
  root = all[0];
  GC_enable();
  free(all);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t n = params[0].value * 1000000 / sizeof(struct node);
  build(n);
  GC_gcollect();
  bench_start();
  for (size_t i = 0; i < params[1].value; i++)
    GC_gcollect();
  bench_stop();
  bench_use(root);
  bench_report((double)(n * params[1].value), "objects=%zu", n);
  return 0;
}
