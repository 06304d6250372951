/* extra/hexpr/measure.c: what expressions are made of. SPDX-License-Identifier: MIT */
#include "hexpr/dag.h"

#include <stdlib.h>

/* Per node: the longest way down, and how often it is referred to. */
struct count {
  uint32_t depth;
  uint32_t uses;
};

static void measure_node(const struct ex_dag *d, size_t i, struct count *count,
                         ex_measures *out) {
  ex e = d->node[i];
  uint32_t deepest = 0;
  for (size_t k = 0; k < argc_of(e); k++) {
    struct count *arg = &count[ex_dag_arg(d, i, k)];
    deepest = arg->depth > deepest ? arg->depth : deepest;
    arg->uses++;
    out->shared += arg->uses == 2 && !is_leaf(d->node[ex_dag_arg(d, i, k)]);
  }
  count[i].depth = deepest + 1;
  out->depth = deepest + 1 > out->depth ? deepest + 1 : out->depth;
  out->kinds[kind_of(e)]++;
}

bool ex_measure(const ex *roots, size_t n, ex_measures *out) {
  struct ex_dag d;
  struct count *count;
  if (!ex_dag_build(&d, roots, n))
    return false;
  *out = (ex_measures){.nodes = d.n, .edges = d.args};
  count = calloc(d.n + 1, sizeof *count);
  for (size_t i = 0; count != NULL && i < d.n; i++)
    measure_node(&d, i, count, out);
  ex_dag_drop(&d);
  free(count);
  return count != NULL || ex_node_fail(EX_ENOMEM) != NULL;
}
