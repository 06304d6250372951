/* extra/hexpr/term.c: operators on operands in canonical form. SPDX-License-Identifier: MIT */
/* The operands are flattened, sorted and rid of doubles in scanned memory: a
 * rewrite may hold nodes that nothing else refers to. The sort is a merge sort
 * between two such arrays, bottom up, so that it needs no stack. */
#include "hexpr/node.h"
#include "hexpr/ops.h"

#include <string.h>

enum { CANONICAL = EX_COMM | EX_ASSOC | EX_IDEM };

struct operands {
  ex *at; /* scanned */
  size_t n;
};

static bool is_same(ex e, ex_op op) {
  return kind_of(e) == EX_TERM && ex_op_of(e) == op;
}

/* Operands of a node are flat already. */
static bool flatten(struct operands *o, ex_op op, const ex *args, size_t n) {
  bool inner = (ex_op_flags(op) & EX_ASSOC) != 0;
  size_t total = 0;
  for (size_t i = 0; i < n; i++)
    total += inner && is_same(args[i], op) ? argc_of(args[i]) : 1;
  if (total + 1 > EX_MAX_WORDS)
    return ex_node_fail(EX_ELIMIT) != NULL;
  o->at = hc_scanned_alloc((total + 1) * sizeof *o->at);
  if (o->at == NULL)
    return ex_node_fail(EX_ENOMEM) != NULL;
  for (size_t i = 0; i < n; i++)
    if (inner && is_same(args[i], op))
      for (size_t k = 0; k < argc_of(args[i]); k++)
        o->at[o->n++] = arg_of(args[i], k);
    else
      o->at[o->n++] = args[i];
  return true;
}

static void merge(const ex *from, ex *to, size_t start, size_t middle,
                  size_t end) {
  size_t a = start;
  size_t b = middle;
  for (size_t i = start; i < end; i++)
    if (b == end || (a < middle && ex_compare(from[a], from[b]) <= 0))
      to[i] = from[a++];
    else
      to[i] = from[b++];
}

static size_t at_most(size_t a, size_t b) { return a < b ? a : b; }

static bool sort(struct operands *o) {
  ex *other = hc_scanned_alloc((o->n + 1) * sizeof *other);
  if (other == NULL)
    return ex_node_fail(EX_ENOMEM) != NULL;
  for (size_t run = 1; run < o->n; run *= 2) {
    ex *from = o->at;
    for (size_t i = 0; i < o->n; i += 2 * run)
      merge(from, other, i, at_most(i + run, o->n), at_most(i + 2 * run, o->n));
    o->at = other;
    other = from;
  }
  hc_scanned_free(other);
  return true;
}

static void drop_doubles(struct operands *o) {
  size_t kept = 0;
  for (size_t i = 0; i < o->n; i++)
    if (kept == 0 || o->at[kept - 1] != o->at[i])
      o->at[kept++] = o->at[i];
  o->n = kept;
}

static ex canonical(ex_op op, const ex *args, size_t n) {
  struct operands o = {NULL, 0};
  unsigned flags = ex_op_flags(op);
  ex e = NULL;
  if (!flatten(&o, op, args, n))
    return NULL;
  if ((flags & EX_COMM) == 0 || sort(&o)) {
    if ((flags & EX_IDEM) != 0)
      drop_doubles(&o);
    if (o.n == 1 && (flags & (EX_ASSOC | EX_IDEM)) != 0)
      e = o.at[0];
    else
      e = ex_node_term(op, o.at, o.n);
  }
  hc_scanned_free(o.at);
  return e;
}

ex ex_n(ex_op op, const ex *args, size_t n) {
  int arity;
  for (size_t i = 0; i < n; i++)
    if (args[i] == NULL)
      return NULL;
  if (op == EX_NONE || (op >= EX_OPS && !ex_op_is_defined(op)))
    return ex_node_fail(EX_ETYPE);
  arity = ex_op_arity(op);
  if (arity != EX_NARY && (size_t)arity != n)
    return ex_node_fail(EX_EARITY);
  if (op < EX_ADD)
    return ex_unary(op, args[0]);
  if (op < EX_OPS)
    return ex_binary(op, args[0], args[1]);
  if ((ex_op_flags(op) & CANONICAL) == 0)
    return ex_node_term(op, args, n);
  return canonical(op, args, n);
}

ex ex_0(ex_op op) { return ex_n(op, NULL, 0); }
