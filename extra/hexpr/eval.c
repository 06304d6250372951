/* extra/hexpr/eval.c: values, variables and substitution. SPDX-License-Identifier: MIT */
/* Walks over the list of distinct nodes; see dag.h. */
#include "hexpr/atom.h"
#include "hexpr/dag.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct environment {
  const ex *variables;
  const double *values;
  size_t n;
};

static double symbol_value(ex e, const struct environment *env) {
  for (size_t i = 0; i < env->n; i++)
    if (env->variables[i] == e)
      return env->values[i];
  if (strcmp(ex_name(e), "pi") == 0)
    return 3.14159265358979323846;
  return (double)NAN;
}

static double unary_value(ex_op op, double a) {
  static double (*const function[EX_OPS])(double) = {
      [EX_SQRT] = sqrt,   [EX_EXP] = exp,     [EX_LN] = log,
      [EX_LOG10] = log10, [EX_SIN] = sin,     [EX_COS] = cos,
      [EX_TAN] = tan,     [EX_ASIN] = asin,   [EX_ACOS] = acos,
      [EX_ATAN] = atan,   [EX_SINH] = sinh,   [EX_COSH] = cosh,
      [EX_TANH] = tanh,   [EX_ASINH] = asinh, [EX_ACOSH] = acosh,
      [EX_ATANH] = atanh, [EX_ABS] = fabs,
  };
  if (op == EX_NEG)
    return -a;
  if (op == EX_SIGN)
    return isnan(a) ? a : (double)((a > 0) - (a < 0));
  return function[op](a);
}

static double binary_value(ex_op op, double a, double b) {
  switch (op) {
  case EX_ADD:
    return a + b;
  case EX_SUB:
    return a - b;
  case EX_MUL:
    return a * b;
  case EX_DIV:
    return a / b;
  case EX_POW:
    return pow(a, b);
  default:
    return atan2(a, b);
  }
}

static double node_value(const struct ex_dag *d, const double *value, size_t i,
                         const struct environment *env) {
  ex e = d->node[i];
  switch (kind_of(e)) {
  case EX_INT:
    return (double)ex_int_value(e);
  case EX_REAL:
    return ex_real_value(e);
  case EX_BIG:
  case EX_RAT:
    return ex_exact_double(e);
  case EX_SYM:
    return symbol_value(e, env);
  case EX_UNARY:
    return unary_value(op_of(e), value[ex_dag_arg(d, i, 0)]);
  case EX_BINARY:
    return binary_value(op_of(e), value[ex_dag_arg(d, i, 0)],
                        value[ex_dag_arg(d, i, 1)]);
  default:
    return (double)NAN;
  }
}

double ex_eval(ex e, const ex *variables, const double *values, size_t n) {
  struct environment env = {variables, values, n};
  struct ex_dag d;
  double *value;
  double result = (double)NAN;
  if (!ex_dag_build(&d, &e, 1))
    return result;
  value = malloc(d.n * sizeof *value);
  if (value != NULL) {
    for (size_t i = 0; i < d.n; i++)
      value[i] = node_value(&d, value, i, &env);
    result = value[d.n - 1];
  } else
    ex_node_fail(EX_ENOMEM);
  free(value);
  ex_dag_drop(&d);
  return result;
}

static int by_name(const void *a, const void *b) {
  return strcmp(ex_name(*(const ex *)a), ex_name(*(const ex *)b));
}

static bool is_variable(ex e) {
  return kind_of(e) == EX_SYM && strcmp(ex_name(e), "pi") != 0;
}

ex *ex_variables(ex e, size_t *out_n) {
  struct ex_dag d;
  size_t n = 0;
  ex *list;
  *out_n = 0;
  if (!ex_dag_build(&d, &e, 1))
    return NULL;
  for (size_t i = 0; i < d.n; i++)
    n += is_variable(d.node[i]);
  list = malloc((n + 1) * sizeof *list);
  for (size_t i = 0; list != NULL && i < d.n; i++)
    if (is_variable(d.node[i]))
      list[(*out_n)++] = d.node[i];
  if (list != NULL)
    qsort(list, n, sizeof *list, by_name);
  else
    ex_node_fail(EX_ENOMEM);
  ex_dag_drop(&d);
  return list;
}

ex ex_subst(ex e, ex variable, ex replacement) {
  if (replacement == NULL)
    return NULL;
  return ex_subst_all(e, &variable, &replacement, 1);
}
