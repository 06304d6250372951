/* extra/hexpr/order.c: total order of expressions by structure. SPDX-License-Identifier: MIT */
/* Numbers come first, then symbols by name, then compounds by tree size,
 * operator and operands from the left. Equal expressions are one node, so the
 * first two operands that are not one node decide: the comparison goes down one
 * path and needs no stack. Below a certain depth the hash of the structure
 * decides first, so that two deep chains that differ at the bottom do not cost
 * their length at each comparison. The order stays total: at every depth it is
 * a lexicographic one made of total orders. */
#include "hexpr/node.h"

#include <string.h>

enum { PATH_LIMIT = 64 };

static int by_value(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int compare_numbers(ex a, ex b) {
  if (kind_of(a) != kind_of(b))
    return kind_of(a) == EX_INT ? -1 : 1;
  if (kind_of(a) == EX_INT)
    return ex_int_value(a) < ex_int_value(b) ? -1 : 1;
  if (ex_real_value(a) < ex_real_value(b))
    return -1;
  if (ex_real_value(a) > ex_real_value(b))
    return 1;
  return by_value(hc_key(a)[0], hc_key(b)[0]);
}

static int rank(ex e) {
  if (kind_of(e) <= EX_REAL)
    return 0;
  return kind_of(e) == EX_SYM ? 1 : 2;
}

static int compare_heads(ex a, ex b, int depth) {
  uint64_t shape_a = ex_node_shape(a);
  uint64_t shape_b = ex_node_shape(b);
  int by = by_value(ex_node_weight(shape_a), ex_node_weight(shape_b));
  if (by == 0)
    by = by_value(kind_of(a), kind_of(b));
  if (by == 0)
    by = by_value(hc_tag(a), hc_tag(b));
  if (by == 0)
    by = by_value(hc_words(a), hc_words(b));
  if (by == 0 && depth >= PATH_LIMIT)
    by = by_value(shape_a, shape_b);
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
      return strcmp(ex_name(a), ex_name(b));
    by = compare_heads(a, b, depth++);
    if (by != 0)
      return by;
    i = first_difference(a, b);
    a = (ex)hc_key(a)[i];
    b = (ex)hc_key(b)[i];
  }
  return 0;
}
