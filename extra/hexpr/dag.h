/* extra/hexpr/dag.h: the distinct nodes of expressions in order. SPDX-License-Identifier: MIT */
/* Every algorithm on expressions is a loop over this list: operands stand
 * before what they are operands of, so a loop upwards sees results of operands
 * and a loop downwards sees all users first. No algorithm recurses.
 *
 * The list and its index are malloc'ed and not scanned: the roots keep all
 * nodes of the list alive. `value`, for new nodes, is scanned. The struct must
 * lie on the stack of its user, where the collector finds the pointer to
 * `value`. */
#ifndef HEXPR_DAG_H
#define HEXPR_DAG_H

#include "hexpr/node.h"

struct ex_dag {
  const ex *roots;
  size_t n_roots;
  ex *node;
  uint32_t *first; /* where the operands of a node start in `arg` */
  size_t n;
  size_t room;
  uint32_t *arg; /* places of operands */
  size_t args;
  size_t arg_room;
  uint32_t *slot; /* 1 + place of a node, 0 empty; open addressing */
  unsigned bits;
  ex *value;
};

/* False without memory, with ex_errno, or when a root is NULL; the dag is then
 * dropped already. */
bool ex_dag_build(struct ex_dag *d, const ex *roots, size_t n_roots);

/* Makes `value`, all NULL. False, and the dag dropped, without memory. */
bool ex_dag_make_values(struct ex_dag *d);

/* Also keeps the roots alive up to here. */
void ex_dag_drop(struct ex_dag *d);

/* The place of a node that is in the list. */
size_t ex_dag_index(const struct ex_dag *d, ex e);

/* The place of operand K of the node at I. */
static inline size_t ex_dag_arg(const struct ex_dag *d, size_t i, size_t k) {
  return d->arg[d->first[i] + k];
}

static inline ex ex_dag_value(const struct ex_dag *d, size_t i, size_t k) {
  return d->value[ex_dag_arg(d, i, k)];
}

/* The node at I with the values of its operands in their place. */
ex ex_dag_rebuild(const struct ex_dag *d, size_t i);

#endif
