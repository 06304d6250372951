/* bench/macro/bintrees.c: binary trees of two-word nodes. SPDX-License-Identifier: MIT */
/*
 * One long-lived tree, and for each depth in steps of two a number of trees
 * that are built, walked and dropped; deeper trees are fewer, so that each
 * depth allocates the same number of nodes.  With several threads each takes
 * an equal part of the trees of every depth.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define MIN_DEPTH 4

struct node {
  struct node *left, *right;
};

static struct bench_param params[] = {
    {"depth", 17, "depth of the long-lived tree"},
    {"threads", 1, "threads"},
};

static struct node *make_tree(unsigned depth) {
  struct node *p = GC_MALLOC(sizeof *p);
  if (depth > 0) {
    p->left = make_tree(depth - 1);
    p->right = make_tree(depth - 1);
  }
  return p;
}

static unsigned long count(const struct node *p) {
  return p->left ? 1 + count(p->left) + count(p->right) : 1;
}

static unsigned long trees_of(unsigned depth) {
  return 1UL << (params[0].value - depth + MIN_DEPTH);
}

static void drop_trees(unsigned index) {
  unsigned long threads = params[1].value;
  for (unsigned d = MIN_DEPTH; d <= params[0].value; d += 2) {
    unsigned long sum = 0, n = 0;
    for (unsigned long i = index; i < trees_of(d); i += threads, n++)
      sum += count(make_tree(d));
    if (sum != n * ((2UL << d) - 1))
      bench_fail("a tree has lost nodes");
  }
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  unsigned depth = (unsigned)params[0].value;
  if (depth < MIN_DEPTH || depth > 26)
    bench_fail("depth must be in 4..26");
  double nodes = (double)(6UL << depth);
  for (unsigned d = MIN_DEPTH; d <= depth; d += 2)
    nodes += (double)trees_of(d) * (double)((2UL << d) - 1);
  bench_start();
  bench_use(make_tree(depth + 1));
  struct node *long_lived = make_tree(depth);
  bench_threads((unsigned)params[1].value, drop_trees);
  bench_stop();
  if (count(long_lived) != (2UL << depth) - 1)
    bench_fail("the long-lived tree has lost nodes");
  bench_report(nodes, "depth=%u threads=%lu", depth, params[1].value);
  return 0;
}
