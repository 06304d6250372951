/* bench/hcons/queens.h: the n queens as a binary decision diagram. SPDX-License-Identifier: MIT */
/* A node's operator is its variable, its children the branches for 0 and 1; the
 * two leaves are constants. Results are noted in a cache that forgets. */
#ifndef BENCH_HCONS_QUEENS_H
#define BENCH_HCONS_QUEENS_H

#include "store.h"

#include <stdlib.h>

enum { BDD_AND = 1, BDD_OR, BDD_CACHE = 1 << 16, BDD_LEAF_VAR = 255 };

static ref bdd_false, bdd_true;
static ref *bdd_cache; /* a, b, result, and the operator as a small number */
static uint64_t bdd_interns;

static unsigned bdd_var(ref n) {
  return n == bdd_false || n == bdd_true ? BDD_LEAF_VAR : store_op(n);
}

static ref bdd_node(unsigned var, ref low, ref high) {
  if (low == high)
    return low;
  bdd_interns++;
  return store_2(var, low, high);
}

static ref *bdd_entry(uintptr_t op, ref a, ref b) {
  uint64_t h = ((uintptr_t)a * 31 + (uintptr_t)b) ^ op;
  return bdd_cache + 4 * (h * UINT64_C(0x9fb21c651e98df25) >> 48);
}

static bool bdd_is_simple(unsigned op, ref a, ref b, ref *out_result) {
  ref unit = op == BDD_AND ? bdd_true : bdd_false;
  ref nought = op == BDD_AND ? bdd_false : bdd_true;
  if (a == nought || b == nought)
    *out_result = nought;
  else if (a == unit || a == b)
    *out_result = b;
  else if (b == unit)
    *out_result = a;
  else
    return false;
  return true;
}

static ref bdd_apply(unsigned op, ref a, ref b) {
  ref *entry, result;
  unsigned va, vb, var;
  if (bdd_is_simple(op, a, b, &result))
    return result;
  entry = bdd_entry(op, a, b);
  if (entry[0] == a && entry[1] == b && (uintptr_t)entry[3] == op)
    return entry[2];
  va = bdd_var(a);
  vb = bdd_var(b);
  var = va < vb ? va : vb;
  result = bdd_apply(op, va == var ? store_arg(a, 0) : a,
                     vb == var ? store_arg(b, 0) : b);
  result = bdd_node(var, result,
                    bdd_apply(op, va == var ? store_arg(a, 1) : a,
                              vb == var ? store_arg(b, 1) : b));
  entry[0] = a;
  entry[1] = b;
  entry[2] = result;
  entry[3] = (ref)(uintptr_t)op;
  return result;
}

/* ---- The board ---- */

static bool queens_attack(int a, int b, int n) {
  int rows = a / n - b / n, columns = a % n - b % n;
  return rows == 0 || columns == 0 || abs(rows) == abs(columns);
}

/* No queen on SQUARE, or none where it would attack her. */
static ref queens_square(int square, int n) {
  ref rest = bdd_true;
  for (int other = n * n - 1; other >= 0; other--)
    if (other != square && queens_attack(square, other, n))
      rest = bdd_apply(BDD_AND, rest,
                       bdd_node((unsigned)other, bdd_true, bdd_false));
  return bdd_apply(BDD_OR, bdd_node((unsigned)square, bdd_true, bdd_false),
                   rest);
}

static ref queens_board(int n) {
  ref board = bdd_true;
  for (int row = 0; row < n; row++) {
    ref some = bdd_false;
    for (int i = 0; i < n; i++)
      some = bdd_apply(BDD_OR, some,
                       bdd_node((unsigned)(row * n + i), bdd_false, bdd_true));
    board = bdd_apply(BDD_AND, board, some);
  }
  for (int square = 0; square < n * n; square++)
    board = bdd_apply(BDD_AND, board, queens_square(square, n));
  return board;
}

/* Solutions below a node; every variable has a node on a way to the true leaf,
 * since a queen more or less never leaves a solution. */
static uint64_t queens_count(ref n) {
  if (n == bdd_false || n == bdd_true)
    return n == bdd_true;
  return queens_count(store_arg(n, 0)) + queens_count(store_arg(n, 1));
}

static uint64_t queens(int n) {
  bdd_cache = store_refs((size_t)4 * BDD_CACHE);
  bdd_false = store_leaf(0);
  bdd_true = store_leaf(1);
  return queens_count(queens_board(n));
}

#endif
