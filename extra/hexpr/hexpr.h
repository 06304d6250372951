/* extra/hexpr/hexpr.h: hash-consed symbolic expressions. SPDX-License-Identifier: MIT */
/* An expression is an immutable node in one weak table: two expressions are the
 * same if and only if their pointers are equal, and unused ones are collected.
 * Nothing recurses on the C stack, and walks visit each distinct node once, so
 * deep and heavily shared expressions are cheap.
 *
 * Functions that return an expression return NULL when memory is out, and NULL
 * arguments give NULL, so that one test at the end of a chain is enough. All
 * functions are safe with several threads that the collector knows.
 *
 * Numbers: integers have 64 bits; doubles are told apart by their bits, except
 * that all NaN are one; 0.0 and -0.0 are two. */
#ifndef HEXPR_HEXPR_H
#define HEXPR_HEXPR_H

#include <hcons/hcons.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEXPR_VERSION "0.1.0"

typedef const struct ex *ex;

typedef enum ex_kind {
  EX_INT,
  EX_REAL,
  EX_SYM,
  EX_UNARY,
  EX_BINARY,
  EX_APPLY /* of a function without built-in meaning to 1 or more arguments */
} ex_kind;

typedef enum ex_op {
  EX_NONE,
  EX_NEG, /* unary from here */
  EX_SQRT,
  EX_EXP,
  EX_LN,
  EX_LOG10,
  EX_SIN,
  EX_COS,
  EX_TAN,
  EX_ASIN,
  EX_ACOS,
  EX_ATAN,
  EX_SINH,
  EX_COSH,
  EX_TANH,
  EX_ASINH,
  EX_ACOSH,
  EX_ATANH,
  EX_ABS,
  EX_SIGN,
  EX_ADD, /* binary from here */
  EX_SUB,
  EX_MUL,
  EX_DIV,
  EX_POW,
  EX_ATAN2,
  EX_OPS
} ex_op;

/* ---- Making and looking at ---- */

HC_API ex ex_int(int64_t value);
HC_API ex ex_real(double value);
HC_API ex ex_sym(const char *name);
HC_API ex ex_sym_n(const char *name, size_t bytes);
HC_API ex ex_unary(ex_op op, ex a);
HC_API ex ex_binary(ex_op op, ex a, ex b);
HC_API ex ex_apply(ex function_name, const ex *args, size_t argc);

HC_API ex_kind ex_kind_of(ex e);
HC_API ex_op ex_op_of(ex e); /* EX_NONE but for EX_UNARY and EX_BINARY */
HC_API size_t ex_argc(ex e);
HC_API ex ex_arg(ex e, size_t i);
HC_API int64_t ex_int_value(ex e);
HC_API double ex_real_value(ex e);
HC_API const char *ex_name(ex e); /* of a symbol, an operator, a function */
HC_API ex ex_function(ex e);      /* the name symbol of an EX_APPLY */
HC_API const char *ex_op_name(ex_op op);

/* A total order by structure that is the same in every run. */
HC_API int ex_compare(ex a, ex b);

/* The table that all expressions live in, for statistics and checks. */
HC_API hc_table *ex_table(void);

/* ---- Text ---- */

typedef struct ex_error {
  size_t line;   /* from 1 */
  size_t column; /* from 1, in characters of UTF-8 */
  size_t byte;   /* from 0 */
  char expected[96];
  char found[48];
} ex_error;

/* Infix: + - * / ^ with the usual precedence, ^ to the right, unary minus below
 * ^ and above *, f(x, y), names, integers, decimals, inf, nan, # comments. On
 * an error returns NULL and fills OUT_ERROR; without memory its `expected` says
 * so.  ex_parse_at counts lines and columns from the given ones. */
HC_API ex ex_parse(const char *text, size_t bytes, ex_error *out_error);
HC_API ex ex_parse_at(const char *text, size_t bytes, size_t line,
                      size_t column, ex_error *out_error);

/* Prints so that ex_parse gives the same expression again. False when the
 * stream fails. */
HC_API bool ex_print(ex e, FILE *to);

/* The same as a malloc'ed string; NULL if it is longer than MAX_BYTES. */
HC_API char *ex_string(ex e, size_t max_bytes);

/* ---- Walks ---- */

/* Over N expressions together: the number of distinct nodes, and the number of
 * nodes when written as trees, exact in decimal, malloc'ed. False and nothing
 * stored without memory; either result pointer may be NULL. */
HC_API bool ex_count(const ex *roots, size_t n, size_t *out_dag,
                     char **out_tree);
HC_API size_t ex_dag_size(ex e);
HC_API char *ex_tree_size(ex e);

/* The symbols of E in order of name, but for `pi`; a malloc'ed array. */
HC_API ex *ex_variables(ex e, size_t *out_n);

/* The value for given variables; NaN for others. `pi` needs none. */
HC_API double ex_eval(ex e, const ex *variables, const double *values,
                      size_t n);

HC_API ex ex_subst(ex e, ex variable, ex replacement);

/* The exact derivative, unsimplified; a function f without built-in meaning has
 * the formal partial derivatives D1_f, D2_f... */
HC_API ex ex_derive(ex e, ex variable);

/* A simpler expression of the same value where that is defined: integers and
 * fractions folded exactly (left alone where 64 bits are too few), identities,
 * like terms and factors collected, operands in canonical order. */
HC_API ex ex_simplify(ex e);

#ifdef __cplusplus
}
#endif

#endif
