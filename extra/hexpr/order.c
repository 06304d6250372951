/* extra/hexpr/order.c: total order of expressions by structure. SPDX-License-Identifier: MIT */
/* Numbers come first, then other leaves, then compounds by weight,
 * operator and operands from the left. Equal expressions are one node, so the
 * first two operands that are not one node decide: the comparison goes down one
 * path and needs no stack. Below a certain depth the hash of the structure
 * decides first, so that two deep chains that differ at the bottom do not cost
 * their length at each comparison. The order stays total: at every depth it is
 * a lexicographic one made of total orders. */
#include "hexpr/atom.h"

#include <math.h>
#include <string.h>

enum { PATH_LIMIT = 64 };

static int by_value(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

/* Exact numbers by value, then doubles by theirs, then NaN. Zeros differ in their bits. */
static int compare_numbers(ex a, ex b) {
  if ((kind_of(a) == EX_REAL) != (kind_of(b) == EX_REAL))
    return kind_of(b) == EX_REAL ? -1 : 1;
  if (kind_of(a) != EX_REAL)
    return ex_exact_compare(a, b);
  if (isnan(ex_real_value(a)) != isnan(ex_real_value(b)))
    return isnan(ex_real_value(a)) ? 1 : -1;
  if (ex_real_value(a) < ex_real_value(b))
    return -1;
  if (ex_real_value(a) > ex_real_value(b))
    return 1;
  return by_value(hc_key(a)[0], hc_key(b)[0]);
}

/* Leaves that are no numbers: by kind and then by their bytes. */
static int compare_leaves(ex a, ex b) {
  size_t n_a;
  size_t n_b;
  const char *text_a;
  const char *text_b;
  int by = by_value(kind_of(a), kind_of(b));
  if (by != 0)
    return by;
  if (kind_of(a) == EX_SYM)
    return strcmp(ex_name(a), ex_name(b));
  if (kind_of(a) == EX_BVAR)
    return by_value(hc_key(a)[0], hc_key(b)[0]);
  text_a = ex_bytes(a, &n_a);
  text_b = ex_bytes(b, &n_b);
  by = memcmp(text_a, text_b, n_a < n_b ? n_a : n_b);
  return by != 0 ? by : by_value(n_a, n_b);
}

static int rank(ex e) {
  if (is_number(e))
    return 0;
  return is_leaf(e) ? 1 : 2;
}

/* Operators of the program by name: their numbers differ from run to run. */
static int compare_ops(ex a, ex b) {
  if (kind_of(a) != EX_TERM)
    return by_value(hc_tag(a), hc_tag(b));
  return strcmp(ex_name(a), ex_name(b));
}

static int compare_heads(ex a, ex b, int depth) {
  uint64_t shape_a = ex_node_shape(a);
  uint64_t shape_b = ex_node_shape(b);
  int by = by_value(ex_node_weight(shape_a), ex_node_weight(shape_b));
  if (by == 0)
    by = by_value(kind_of(a), kind_of(b));
  if (by == 0)
    by = compare_ops(a, b);
  if (by == 0)
    by = by_value(hc_words(a), hc_words(b));
  if (by == 0 && depth >= PATH_LIMIT)
    by = by_value(shape_a >> 40, shape_b >> 40);
  return by;
}

/* The first operands that differ, a function's name counting as the first. */
static size_t first_difference(ex a, ex b) {
  size_t i = 0;
  while (hc_key(a)[i] == hc_key(b)[i])
    i++;
  return i;
}

int ex_compare(ex a, ex b) {
  int depth = 0;
  while (a != b) {
    int by = rank(a) - rank(b);
    size_t i;
    if (by != 0)
      return by;
    if (rank(a) == 0)
      return compare_numbers(a, b);
    if (rank(a) == 1)
      return compare_leaves(a, b);
    by = compare_heads(a, b, depth++);
    if (by != 0)
      return by;
    i = first_difference(a, b);
    a = (ex)hc_key(a)[i];
    b = (ex)hc_key(b)[i];
  }
  return 0;
}
