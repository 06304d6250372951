/* extra/hexpr/derive.c: exact derivatives. SPDX-License-Identifier: MIT */
/* One rule per operator, applied to each distinct node once. A derivative that
 * is plainly zero is kept as NULL and makes no nodes; the flag tells it from
 * lack of memory. Factors of one are left out; the rest is the simplifier's. */
#include "hexpr/algebra.h"
#include "hexpr/dag.h"

#include <stdlib.h>
#include <string.h>

struct derivation {
  struct ex_dag dag;
  ex variable;
  bool failed;
};

static ex one(void) { return ex_int(1); }

static bool is_int(ex e, int64_t value) {
  return kind_of(e) == EX_INT && ex_int_value(e) == value;
}

static ex times(ex a, ex b) {
  if (a == NULL || b == NULL)
    return NULL;
  if (is_int(a, 1))
    return b;
  if (is_int(b, 1))
    return a;
  return ex_binary(EX_MUL, a, b);
}

static ex over(ex a, ex b) { return ex_binary(EX_DIV, a, b); }

static ex square(ex a) { return ex_binary(EX_POW, a, ex_int(2)); }

static ex one_plus_square(ex a) { return ex_binary(EX_ADD, one(), square(a)); }

static ex one_minus_square(ex a) { return ex_binary(EX_SUB, one(), square(a)); }

static ex root(ex a) { return ex_unary(EX_SQRT, a); }

static ex neg(ex a) { return ex_unary(EX_NEG, a); }

/* The derivative of the function OP at U, where E is OP of U. */
static ex outer_trigonometric(ex_op op, ex e, ex u) {
  switch (op) {
  case EX_SIN:
    return ex_unary(EX_COS, u);
  case EX_COS:
    return neg(ex_unary(EX_SIN, u));
  case EX_TAN:
    return one_plus_square(e);
  case EX_ASIN:
    return over(one(), root(one_minus_square(u)));
  case EX_ACOS:
    return neg(over(one(), root(one_minus_square(u))));
  default: /* EX_ATAN */
    return over(one(), one_plus_square(u));
  }
}

static ex outer_hyperbolic(ex_op op, ex e, ex u) {
  switch (op) {
  case EX_SINH:
    return ex_unary(EX_COSH, u);
  case EX_COSH:
    return ex_unary(EX_SINH, u);
  case EX_TANH:
    return one_minus_square(e);
  case EX_ASINH:
    return over(one(), root(one_plus_square(u)));
  case EX_ACOSH:
    return over(one(), times(root(ex_binary(EX_SUB, u, one())),
                             root(ex_binary(EX_ADD, u, one()))));
  default: /* EX_ATANH */
    return over(one(), one_minus_square(u));
  }
}

static ex outer(ex_op op, ex e, ex u) {
  if (op >= EX_SIN && op <= EX_ATAN)
    return outer_trigonometric(op, e, u);
  if (op >= EX_SINH && op <= EX_ATANH)
    return outer_hyperbolic(op, e, u);
  switch (op) {
  case EX_SQRT:
    return over(one(), times(ex_int(2), e));
  case EX_EXP:
    return e;
  case EX_LN:
    return over(one(), u);
  case EX_LOG10:
    return over(one(), times(u, ex_unary(EX_LN, ex_int(10))));
  default: /* EX_ABS */
    return ex_unary(EX_SIGN, u);
  }
}

/* The results of the functions below: NULL is zero, or failure if an operand
 * that cannot be zero came out NULL; `made` notes which. */
static ex made(struct derivation *d, ex e) {
  if (e == NULL)
    d->failed = true;
  return e;
}

static ex derive_unary(struct derivation *d, ex e, ex u, ex du) {
  ex_op op = op_of(e);
  if (du == NULL || op == EX_SIGN)
    return NULL;
  if (op == EX_NEG)
    return made(d, neg(du));
  return made(d, times(outer(op, e, u), du));
}

static ex derive_sum(struct derivation *d, ex_op op, ex da, ex db) {
  if (db == NULL)
    return da;
  if (da == NULL)
    return op == EX_ADD ? db : made(d, neg(db));
  return made(d, ex_binary(op, da, db));
}

static ex derive_product(struct derivation *d, ex a, ex b, ex da, ex db) {
  ex left = da == NULL ? NULL : made(d, times(da, b));
  ex right = db == NULL ? NULL : made(d, times(a, db));
  return derive_sum(d, EX_ADD, left, right);
}

static ex derive_quotient(struct derivation *d, ex a, ex b, ex da, ex db) {
  ex left = da == NULL ? NULL : made(d, over(da, b));
  ex right = NULL;
  if (db != NULL)
    right = made(d, over(times(a, db), square(b)));
  return derive_sum(d, EX_SUB, left, right);
}

static ex less_one(ex n) {
  int64_t value;
  if (kind_of(n) == EX_INT &&
      !__builtin_sub_overflow(ex_int_value(n), 1, &value))
    return ex_int(value);
  return ex_binary(EX_SUB, n, one());
}

static ex derive_power(struct derivation *d, ex e, ex da, ex db) {
  ex a = arg_of(e, 0);
  ex n = arg_of(e, 1);
  ex left = NULL;
  ex right = NULL;
  if (da != NULL)
    left = made(d, times(times(n, ex_binary(EX_POW, a, less_one(n))), da));
  if (db != NULL)
    right = made(d, times(times(e, ex_unary(EX_LN, a)), db));
  return derive_sum(d, EX_ADD, left, right);
}

/* atan2(y, x): (x y' - y x') / (x^2 + y^2). */
static ex derive_atan2(struct derivation *d, ex y, ex x, ex dy, ex dx) {
  ex left = dy == NULL ? NULL : made(d, times(x, dy));
  ex right = dx == NULL ? NULL : made(d, times(y, dx));
  ex top = derive_sum(d, EX_SUB, left, right);
  if (top == NULL)
    return NULL;
  return made(d, over(top, ex_binary(EX_ADD, square(x), square(y))));
}

static ex derive_binary(struct derivation *d, ex e, ex da, ex db) {
  ex a = arg_of(e, 0);
  ex b = arg_of(e, 1);
  if (da == NULL && db == NULL)
    return NULL;
  switch (op_of(e)) {
  case EX_ADD:
  case EX_SUB:
    return derive_sum(d, op_of(e), da, db);
  case EX_MUL:
    return derive_product(d, a, b, da, db);
  case EX_DIV:
    return derive_quotient(d, a, b, da, db);
  case EX_POW:
    return derive_power(d, e, da, db);
  default:
    return derive_atan2(d, a, b, da, db);
  }
}

ex ex_derive_partial(ex e, size_t i) {
  const char *name = ex_name(e);
  size_t room = strlen(name) + 32;
  char *text = malloc(room);
  ex *args = hc_scanned_alloc(argc_of(e) * sizeof *args);
  ex symbol = NULL;
  ex result = NULL;
  if (text != NULL && args != NULL) {
    snprintf(text, room, "D%zu_%s", i + 1, name);
    symbol = ex_sym(text);
    for (size_t k = 0; k < argc_of(e); k++)
      args[k] = arg_of(e, k);
    result = ex_apply(symbol, args, argc_of(e));
  }
  free(text);
  if (args != NULL)
    hc_scanned_free(args);
  return result;
}

/* There is no formal derivative under a binder. */
static ex derive_apply(struct derivation *d, size_t at) {
  ex e = d->dag.node[at];
  ex sum = NULL;
  bool binds = (ex_op_flags(ex_op_of(e)) & EX_BINDER) != 0;
  for (size_t i = 0; i < argc_of(e); i++) {
    ex du = ex_dag_value(&d->dag, at, i);
    if (du != NULL && binds)
      made(d, ex_node_fail(EX_ETYPE));
    else if (du != NULL)
      sum = derive_sum(d, EX_ADD, sum,
                       made(d, times(ex_derive_partial(e, i), du)));
  }
  return sum;
}

static ex derive_node(struct derivation *d, size_t i) {
  const struct ex_dag *g = &d->dag;
  ex e = g->node[i];
  switch (kind_of(e)) {
  case EX_INT:
  case EX_REAL:
  case EX_BIG:
  case EX_RAT:
  case EX_STR:
  case EX_BLOB:
  case EX_BVAR:
    return NULL;
  case EX_SYM:
    return e == d->variable ? made(d, one()) : NULL;
  case EX_UNARY:
    return derive_unary(d, e, arg_of(e, 0), ex_dag_value(g, i, 0));
  case EX_BINARY:
    return derive_binary(d, e, ex_dag_value(g, i, 0), ex_dag_value(g, i, 1));
  default:
    return derive_apply(d, i);
  }
}

ex ex_derive(ex e, ex variable) {
  struct derivation d = {.variable = variable};
  ex result;
  if (e == NULL || variable == NULL)
    return NULL;
  if (kind_of(variable) != EX_SYM)
    return ex_node_fail(EX_ETYPE);
  if (!ex_dag_build(&d.dag, &e, 1) || !ex_dag_make_values(&d.dag))
    return NULL;
  for (size_t i = 0; i < d.dag.n && !d.failed; i++)
    d.dag.value[i] = derive_node(&d, i);
  result = d.dag.value[d.dag.n - 1];
  if (result == NULL && !d.failed)
    result = ex_int(0);
  ex_dag_drop(&d.dag);
  return d.failed ? NULL : result;
}
