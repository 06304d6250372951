/* extra/hexpr/bind.c: binders, instantiation and substitution. SPDX-License-Identifier: MIT */
/* Locally nameless: a bound variable is the number of binders between it and its
 * own, a free variable is a symbol. So terms that differ in the names of bound
 * variables only are one node, and nothing is ever captured: what is put under
 * binders has its loose indices raised by their number. */
#include "hexpr/dag.h"
#include "hexpr/scope.h"

#include <stdlib.h>

struct change {
  ex variable;
  ex value;
  uint32_t by;
};

/* ---- Shift ---- */

static ex shifted(void *closure, ex leaf, uint32_t depth) {
  const struct change *c = closure;
  uint32_t index;
  if (kind_of(leaf) != EX_BVAR || ex_bvar_index(leaf) < depth)
    return leaf;
  if (__builtin_add_overflow(ex_bvar_index(leaf), c->by, &index))
    return ex_node_fail(EX_ELIMIT);
  return ex_bvar(index);
}

ex ex_scope_shift(ex e, uint32_t by) {
  struct change c = {.by = by};
  struct ex_scope s = {.leaf = shifted, .closure = &c, .loose_only = true};
  if (e == NULL || by == 0 || ex_node_open(e) == 0)
    return e;
  return ex_scope_rewrite(e, &s);
}

ex ex_shift(ex e, uint32_t by) { return ex_scope_shift(e, by); }

/* ---- Abstraction ---- */

static ex abstracted(void *closure, ex leaf, uint32_t depth) {
  const struct change *c = closure;
  if (leaf == c->variable)
    return ex_bvar(depth);
  return shifted(closure, leaf, depth);
}

ex ex_abstract(ex variable, ex body) {
  struct change c = {.variable = variable, .by = 1};
  struct ex_scope s = {.leaf = abstracted, .closure = &c};
  ex e;
  if (variable == NULL || body == NULL)
    return NULL;
  if (kind_of(variable) != EX_SYM)
    return ex_node_fail(EX_ETYPE);
  e = ex_scope_rewrite(body, &s);
  hc_keep(variable);
  return e;
}

ex ex_bind(ex_op op, ex variable, ex body) {
  if ((ex_op_flags(op) & EX_BINDER) == 0)
    return ex_node_fail(EX_ETYPE);
  return ex_1(op, ex_abstract(variable, body));
}

/* ---- Instantiation ---- */

static ex instantiated(void *closure, ex leaf, uint32_t depth) {
  const struct change *c = closure;
  uint32_t index;
  if (kind_of(leaf) != EX_BVAR)
    return leaf;
  index = ex_bvar_index(leaf);
  if (index < depth)
    return leaf;
  return index == depth ? ex_scope_shift(c->value, depth) : ex_bvar(index - 1);
}

ex ex_open(ex binder, ex value) {
  struct change c = {.value = value};
  struct ex_scope s = {.leaf = instantiated, .closure = &c, .loose_only = true};
  size_t n;
  ex e;
  if (binder == NULL || value == NULL)
    return NULL;
  n = argc_of(binder);
  if (n == 0 || !ex_scope_is_inside(binder, n - 1))
    return ex_node_fail(EX_ETYPE);
  e = ex_scope_rewrite(arg_of(binder, n - 1), &s);
  hc_keep(binder);
  hc_keep(value);
  return e;
}

/* How many binders each node of the list wants, for when the nodes' own counts
 * do not go that far. */
static void count_loose(const struct ex_dag *d, uint64_t *loose) {
  for (size_t i = 0; i < d->n; i++) {
    ex e = d->node[i];
    loose[i] = kind_of(e) == EX_BVAR ? (uint64_t)ex_bvar_index(e) + 1 : 0;
    for (size_t k = 0; k < argc_of(e); k++) {
      uint64_t wants = loose[ex_dag_arg(d, i, k)];
      if (ex_scope_is_inside(e, k) && wants > 0)
        wants--;
      loose[i] = wants > loose[i] ? wants : loose[i];
    }
  }
}

bool ex_is_closed(ex e) {
  struct ex_dag d;
  uint64_t *loose;
  bool closed = false;
  if (e == NULL)
    return false;
  if (ex_node_open(e) < EX_OPEN_MANY || !ex_dag_build(&d, &e, 1))
    return ex_node_open(e) == 0;
  loose = malloc(d.n * sizeof *loose);
  if (loose != NULL) {
    count_loose(&d, loose);
    closed = loose[d.n - 1] == 0;
  } else
    ex_node_fail(EX_ENOMEM);
  free(loose);
  ex_dag_drop(&d);
  return closed;
}

/* ---- Substitution ---- */

struct substitution {
  const ex *variable;
  const ex *value;
  size_t n;
};

static ex substituted(void *closure, ex leaf, uint32_t depth) {
  const struct substitution *s = closure;
  for (size_t i = 0; i < s->n; i++)
    if (s->variable[i] == leaf && s->value[i] != NULL)
      return ex_scope_shift(s->value[i], depth);
  return leaf;
}

ex ex_subst_all(ex e, const ex *variables, const ex *values, size_t n) {
  struct substitution closure = {variables, values, n};
  struct ex_scope s = {.leaf = substituted, .closure = &closure};
  s.every_depth = true;
  for (size_t i = 0; i < n; i++) {
    if (variables[i] == NULL)
      return NULL;
    if (!is_leaf(variables[i]))
      return ex_node_fail(EX_ETYPE);
    if (values[i] != NULL && !ex_is_closed(values[i]))
      s.every_depth = false;
  }
  return ex_scope_rewrite(e, &s);
}
