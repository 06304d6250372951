/* extra/hexpr/pattern.c: patterns with variables, made ready for matching. SPDX-License-Identifier: MIT */
#include "hexpr/pattern.h"

#include "hexpr/dag.h"
#include "hexpr/scope.h"

#include <stdlib.h>

/* ---- Variables and heads ---- */

size_t ex_variable_index(const ex *variables, size_t n, ex e) {
  size_t i = 0;
  while (i < n && variables[i] != e)
    i++;
  return i;
}

bool ex_same_function(ex head, ex e) {
  if (kind_of(head) != kind_of(e))
    return false;
  if (kind_of(head) == EX_APPLY)
    return ex_function(head) == ex_function(e);
  return ex_op_of(head) == ex_op_of(e);
}

bool ex_variable_takes(unsigned flags, ex e) {
  if ((flags & EX_VAR_INT) != 0)
    return kind_of(e) == EX_INT || kind_of(e) == EX_BIG;
  if ((flags & EX_VAR_NUMBER) != 0)
    return is_number(e);
  return (flags & EX_VAR_SYMBOL) == 0 || kind_of(e) == EX_SYM;
}

ex_op ex_rest_op(void) { return ex_opdef("rest_of", EX_NARY, 0); }

/* ---- Forms ---- */

static bool is_rest(const struct ex_pattern *p, const struct ex_pat *q) {
  return q->form == PAT_VAR && (p->flags[q->var] & EX_VAR_REST) != 0;
}

/* A rest variable needs an operator that takes any number of operands. */
static bool may_have_rest(ex e) {
  if (kind_of(e) == EX_APPLY)
    return true;
  return kind_of(e) == EX_TERM && ex_op_arity(ex_op_of(e)) == EX_NARY &&
         (ex_op_flags(ex_op_of(e)) & EX_BINDER) == 0;
}

static enum ex_form form_of(ex e, bool rest) {
  unsigned flags = kind_of(e) == EX_TERM ? ex_op_flags(ex_op_of(e)) : 0;
  if ((flags & EX_COMM) != 0)
    return PAT_COMM;
  return rest || (flags & EX_ASSOC) != 0 ? PAT_SEQ : PAT_NODE;
}

static bool set_compound(struct ex_pattern *p, struct ex_pat *q) {
  bool ground = true;
  bool rest = false;
  for (size_t k = 0; k < q->n; k++) {
    const struct ex_pat *arg = ex_pattern_arg(p, q, k);
    ground = ground && arg->form == PAT_GROUND;
    rest = rest || is_rest(p, arg);
    if (arg->height >= q->height)
      q->height = arg->height + 1;
  }
  if (rest && (!may_have_rest(q->node) || ex_rest_op() == EX_NONE))
    return ex_node_fail(EX_ETYPE) != NULL;
  q->form = ground ? PAT_GROUND : form_of(q->node, rest);
  return true;
}

static int rank(const struct ex_pattern *p, const struct ex_pat *q) {
  if (q->form == PAT_GROUND)
    return 0;
  if (q->form != PAT_VAR)
    return 1;
  return is_rest(p, q) ? 3 : 2;
}

/* A stable sort by rank, so that equal variables stay neighbours. */
static void reorder(struct ex_pattern *p, const struct ex_pat *q,
                    uint32_t *from) {
  uint32_t *to = p->arg + q->first;
  size_t n = 0;
  for (size_t k = 0; k < q->n; k++)
    from[k] = to[k];
  for (int r = 0; r <= 3; r++)
    for (size_t k = 0; k < q->n; k++)
      if (rank(p, &p->at[from[k]]) == r)
        to[n++] = from[k];
}

static bool set_node(struct ex_pattern *p, const struct ex_dag *d, size_t i,
                     uint32_t *space) {
  struct ex_pat *q = &p->at[i];
  ex e = d->node[i];
  size_t v = is_leaf(e) ? ex_variable_index(p->symbol, p->vars, e) : p->vars;
  *q = (struct ex_pat){.node = e, .first = d->first[i]};
  q->n = (uint32_t)argc_of(e);
  for (size_t k = 0; k < q->n; k++)
    p->arg[q->first + k] = (uint32_t)ex_dag_arg(d, i, k);
  if (v < p->vars) {
    q->form = PAT_VAR;
    q->var = (uint32_t)v;
    return true;
  }
  if (!set_compound(p, q))
    return false;
  if (q->form == PAT_COMM)
    reorder(p, q, space);
  return true;
}

bool ex_pattern_make(struct ex_pattern *p, ex root, const ex *variables,
                     const unsigned *flags, size_t n) {
  struct ex_dag d;
  uint32_t *space;
  bool ok;
  *p = (struct ex_pattern){.symbol = variables, .flags = flags, .vars = n};
  if (!ex_dag_build(&d, &root, 1))
    return ex_node_fail(EX_ENOMEM) != NULL;
  p->n = d.n;
  p->at = malloc(d.n * sizeof *p->at);
  p->arg = malloc((d.args + 1) * sizeof *p->arg);
  space = malloc((d.args + 1) * sizeof *space);
  ok = p->at != NULL && p->arg != NULL && space != NULL;
  if (!ok)
    ex_node_fail(EX_ENOMEM);
  for (size_t i = 0; ok && i < d.n; i++)
    ok = set_node(p, &d, i, space);
  if (ok && is_rest(p, &p->at[p->n - 1]))
    ok = ex_node_fail(EX_ETYPE) != NULL;
  free(space);
  ex_dag_drop(&d);
  if (!ok)
    ex_pattern_drop(p);
  return ok;
}

void ex_pattern_drop(struct ex_pattern *p) {
  free(p->at);
  free(p->arg);
  p->at = NULL;
  p->arg = NULL;
}
