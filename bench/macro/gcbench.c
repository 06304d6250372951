/* bench/macro/gcbench.c: long-lived data beside dropped trees. SPDX-License-Identifier: MIT */
/*
 * The shape of the well-known GCBench: a stretch tree that is dropped at once,
 * a long-lived tree and a long-lived array of numbers, then for every even
 * depth trees that are built and dropped, alternately from the root down
 * (stores into older objects) and from the leaves up; the number of trees is
 * chosen so that every depth allocates about the same volume.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define MIN_DEPTH 4

struct node {
  struct node *left, *right;
  int i, j;
};

static struct bench_param params[] = {
    {"depth", 16, "depth of the long-lived and of the deepest dropped tree"},
    {"array", 500000, "numbers in the long-lived array"},
};

static double nodes;

static struct node *new_node(struct node *left, struct node *right) {
  struct node *p = GC_MALLOC(sizeof *p);
  p->left = left;
  p->right = right;
  return p;
}

static double tree_size(unsigned depth) {
  return (double)((1UL << (depth + 1)) - 1);
}

static void populate(unsigned depth, struct node *at) {
  if (depth == 0)
    return;
  at->left = new_node(NULL, NULL);
  at->right = new_node(NULL, NULL);
  populate(depth - 1, at->left);
  populate(depth - 1, at->right);
}

static struct node *make_tree(unsigned depth) {
  if (depth == 0)
    return new_node(NULL, NULL);
  struct node *left = make_tree(depth - 1);
  return new_node(left, make_tree(depth - 1));
}

static void drop_trees(unsigned depth, unsigned max_depth) {
  unsigned long n =
      (unsigned long)(2 * tree_size(max_depth) / tree_size(depth));
  for (unsigned long i = 0; i < n; i++) {
    struct node *top = new_node(NULL, NULL);
    populate(depth, top);
    bench_use(top);
  }
  for (unsigned long i = 0; i < n; i++)
    bench_use(make_tree(depth));
  nodes += 2 * (double)n * tree_size(depth);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  unsigned depth = (unsigned)params[0].value;
  size_t length = params[1].value;
  if (depth < MIN_DEPTH || depth > 26 || length < 1000)
    bench_fail("depth must be in 4..26, array at least 1000");
  bench_start();
  bench_use(make_tree(depth + 2));
  struct node *long_lived = new_node(NULL, NULL);
  populate(depth, long_lived);
  double *array = bench_need(GC_MALLOC_ATOMIC(length * sizeof *array));
  for (size_t i = 0; i < length; i++)
    array[i] = 1.0 / (double)(i + 1);
  nodes += tree_size(depth + 2) + tree_size(depth);
  for (unsigned d = MIN_DEPTH; d <= depth + 2; d += 2)
    drop_trees(d, depth + 2);
  bench_stop();
  bench_use(long_lived);
  if (!long_lived->left || array[999] != 1.0 / 1000)
    bench_fail("the long-lived data is damaged");
  bench_report(nodes, "depth=%u", depth);
  return 0;
}
