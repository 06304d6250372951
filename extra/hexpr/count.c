/* extra/hexpr/count.c: exact sizes as graph and as trees. SPDX-License-Identifier: MIT */
/* Goes down the list from the roots and spreads how often each node occurs in
 * the written-out trees: a node adds its own occurrences to those of each of
 * its operands, and is then done, so only the numbers of the frontier are
 * kept. That also makes the sum over several roots a matter of starting
 * values. */
#include "hexpr/big.h"
#include "hexpr/dag.h"

#include <stdlib.h>

static bool spread(const struct ex_dag *d, struct ex_big *times,
                   struct ex_big *sum) {
  for (size_t i = d->n; i-- > 0;) {
    size_t argc = argc_of(d->node[i]);
    if (!ex_big_add(sum, &times[i]))
      return false;
    for (size_t k = 0; k < argc; k++)
      if (!ex_big_add(&times[ex_dag_arg(d, i, k)], &times[i]))
        return false;
    ex_big_drop(&times[i]);
  }
  return true;
}

/* Adds the sizes of all roots to SUM. */
static bool count_trees(const struct ex_dag *d, struct ex_big *sum) {
  struct ex_big *times = calloc(d->n + 1, sizeof *times);
  bool ok = times != NULL;
  for (size_t i = 0; ok && i < d->n_roots; i++)
    ok = ex_big_add_small(&times[ex_dag_index(d, d->roots[i])], 1);
  ok = ok && spread(d, times, sum);
  for (size_t i = 0; times != NULL && i < d->n; i++)
    ex_big_drop(&times[i]);
  free(times);
  if (!ok)
    ex_node_fail(EX_ENOMEM);
  return ok;
}

static char *print_trees(const struct ex_dag *d) {
  struct ex_big sum = {0, NULL, 0};
  char *text = NULL;
  if (count_trees(d, &sum)) {
    text = ex_big_string(&sum);
    if (text == NULL)
      ex_node_fail(EX_ENOMEM);
  }
  ex_big_drop(&sum);
  return text;
}

bool ex_count(const ex *roots, size_t n, size_t *out_dag, char **out_tree) {
  struct ex_dag d;
  char *text = NULL;
  bool ok;
  if (!ex_dag_build(&d, roots, n))
    return false;
  if (out_tree != NULL)
    text = print_trees(&d);
  ok = out_tree == NULL || text != NULL;
  if (ok && out_dag != NULL)
    *out_dag = d.n;
  if (ok && out_tree != NULL)
    *out_tree = text;
  ex_dag_drop(&d);
  return ok;
}

size_t ex_dag_size(ex e) {
  size_t n = 0;
  return ex_count(&e, 1, &n, NULL) ? n : 0;
}

char *ex_tree_size(ex e) {
  char *text = NULL;
  return ex_count(&e, 1, NULL, &text) ? text : NULL;
}

bool ex_get_tree_size(ex e, mpz_ptr out) {
  struct ex_big sum = {0, NULL, 0};
  struct ex_dag d;
  bool ok;
  if (!ex_dag_build(&d, &e, 1))
    return false;
  ok = count_trees(&d, &sum);
  if (ok)
    ex_big_get(&sum, out);
  ex_big_drop(&sum);
  ex_dag_drop(&d);
  return ok;
}
