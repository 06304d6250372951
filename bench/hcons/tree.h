/* bench/hcons/tree.h: perfect trees, of equal and of distinct leaves.
 * SPDX-License-Identifier: MIT
 */
#ifndef BENCH_HCONS_TREE_H
#define BENCH_HCONS_TREE_H

#include "store.h"

/* 2^DEPTH leaves FIRST, FIRST + STEP, ...: STEP 0 makes them equal, and then one
 * node a level is all there is. */
static ref tree_build(unsigned depth, uintptr_t first, uintptr_t step) {
  ref left;
  if (depth == 0)
    return store_leaf(first);
  left = tree_build(depth - 1, first, step);
  return store_2(1, left,
                 tree_build(depth - 1, first + (step << (depth - 1)), step));
}

static double tree_ops(unsigned depth) {
  return (double)(((uint64_t)2 << depth) - 1);
}

#endif
