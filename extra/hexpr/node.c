/* extra/hexpr/node.c: making and taking apart of expressions. SPDX-License-Identifier: MIT */
/* One table and one class per kind, made on first use. See node.h for the
 * layout. */
#include "hexpr/node.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static hc_table *table;                 /* [const] after set-up */
static hc_class *classes[EX_APPLY + 1]; /* [const] after set-up */
uint8_t ex_node_kinds[HC_MAX_CLASSES + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const op_names[EX_OPS] = {
    [EX_NONE] = "",       [EX_NEG] = "-",       [EX_SQRT] = "sqrt",
    [EX_EXP] = "exp",     [EX_LN] = "ln",       [EX_LOG10] = "log10",
    [EX_SIN] = "sin",     [EX_COS] = "cos",     [EX_TAN] = "tan",
    [EX_ASIN] = "asin",   [EX_ACOS] = "acos",   [EX_ATAN] = "atan",
    [EX_SINH] = "sinh",   [EX_COSH] = "cosh",   [EX_TANH] = "tanh",
    [EX_ASINH] = "asinh", [EX_ACOSH] = "acosh", [EX_ATANH] = "atanh",
    [EX_ABS] = "abs",     [EX_SIGN] = "sign",   [EX_ADD] = "+",
    [EX_SUB] = "-",       [EX_MUL] = "*",       [EX_DIV] = "/",
    [EX_POW] = "^",       [EX_ATAN2] = "atan2",
};

/* ---- Shape ---- */

static uint32_t fold(uint64_t a, uint64_t b) {
  unsigned __int128 product =
      (unsigned __int128)(a ^ UINT64_C(0x9e3779b97f4a7c15)) *
      (b ^ UINT64_C(0xd1b54a32d192ed03));
  return (uint32_t)(product >> 64) ^ (uint32_t)product;
}

static uint64_t pack(uint64_t weight, uint32_t hash) {
  uint64_t low = weight > UINT32_MAX ? UINT32_MAX : weight;
  return UINT64_C(1) << 63 | (uint64_t)hash << 32 | low;
}

static uint64_t compound_shape(ex e) {
  const uintptr_t *key = hc_key(e);
  uint64_t weight = 1;
  uint32_t hash = fold(hc_tag(e), kind_of(e));
  for (size_t i = 0; i < hc_words(e); i++) {
    uint64_t shape = ex_node_shape((ex)key[i]);
    hash = fold(hash, shape >> 32);
    weight += ex_node_weight(shape);
  }
  return pack(weight, hash);
}

static uint64_t leaf_shape(ex e) {
  uint32_t hash = fold(kind_of(e), 0);
  for (size_t i = 0; i < hc_words(e); i++)
    hash = fold(hash, hc_key(e)[i]);
  return pack(1, hash);
}

uint64_t ex_node_shape(ex e) {
  if (kind_of(e) <= EX_SYM)
    return leaf_shape(e);
  return __atomic_load_n(hc_extra(e), __ATOMIC_RELAXED);
}

/* Writes only a change: other threads may be reading. */
static void fill_shape(void *node, void *closure) {
  uintptr_t shape = compound_shape(node);
  uintptr_t *to = hc_extra(node);
  (void)closure;
  if (__atomic_load_n(to, __ATOMIC_RELAXED) != shape)
    __atomic_store_n(to, shape, __ATOMIC_RELAXED);
}

/* ---- Set-up ---- */

static void set_up(void) {
  static const char *const names[] = {"int",   "real",   "symbol",
                                      "unary", "binary", "apply"};
  table = hc_table_new(0);
  if (table == NULL)
    abort();
  for (int k = EX_INT; k <= EX_APPLY; k++) {
    hc_class_desc d = {.name = names[k], .leaf = k <= EX_SYM};
    if (k > EX_SYM) {
      d.extra_words = 1;
      d.fill = fill_shape;
    }
    classes[k] = hc_class_new(table, &d);
    if (classes[k] == NULL)
      abort();
    ex_node_kinds[hc_class_number(classes[k])] = (uint8_t)k;
  }
}

static inline hc_class *class_of(ex_kind kind) {
  pthread_once(&once, set_up);
  return classes[kind];
}

hc_table *ex_table(void) {
  pthread_once(&once, set_up);
  return table;
}

/* ---- Making ---- */

ex ex_int(int64_t value) {
  return hc_intern1(class_of(EX_INT), 0, (uintptr_t)value);
}

ex ex_real(double value) {
  uintptr_t bits;
  if (isnan(value))
    value = (double)NAN;
  memcpy(&bits, &value, sizeof bits);
  if (isnan(value))
    bits &= (uintptr_t)INT64_MAX;
  return hc_intern1(class_of(EX_REAL), 0, bits);
}

ex ex_sym_n(const char *name, size_t bytes) {
  uintptr_t small[8] = {0};
  size_t words = bytes / sizeof small[0] + 1;
  uintptr_t *key = small;
  ex e;
  if (words > 8)
    key = calloc(words, sizeof *key);
  if (key == NULL)
    return NULL;
  memcpy(key, name, bytes);
  e = hc_intern(class_of(EX_SYM), 0, key, words);
  if (key != small)
    free(key);
  return e;
}

ex ex_sym(const char *name) { return ex_sym_n(name, strlen(name)); }

ex ex_unary(ex_op op, ex a) {
  if (a == NULL)
    return NULL;
  return hc_intern1(class_of(EX_UNARY), op, (uintptr_t)a);
}

ex ex_binary(ex_op op, ex a, ex b) {
  if (a == NULL || b == NULL)
    return NULL;
  return hc_intern2(class_of(EX_BINARY), op, (uintptr_t)a, (uintptr_t)b);
}

ex ex_apply(ex function_name, const ex *args, size_t argc) {
  uintptr_t small[8];
  uintptr_t *key = small;
  bool whole = function_name != NULL;
  ex e = NULL;
  if (argc + 1 > 8)
    key = malloc((argc + 1) * sizeof *key);
  if (key == NULL)
    return NULL;
  key[0] = (uintptr_t)function_name;
  for (size_t i = 0; i < argc; i++) {
    key[i + 1] = (uintptr_t)args[i];
    whole = whole && args[i] != NULL;
  }
  if (whole)
    e = hc_intern(class_of(EX_APPLY), 0, key, argc + 1);
  if (key != small)
    free(key);
  return e;
}

ex ex_node_rebuild(ex e, const ex *args) {
  switch (kind_of(e)) {
  case EX_UNARY:
    return args[0] == arg_of(e, 0) ? e : ex_unary(op_of(e), args[0]);
  case EX_BINARY:
    if (args[0] == arg_of(e, 0) && args[1] == arg_of(e, 1))
      return e;
    return ex_binary(op_of(e), args[0], args[1]);
  case EX_APPLY:
    return ex_apply(ex_function(e), args, argc_of(e));
  default:
    return e;
  }
}

/* ---- Taking apart ---- */

ex_kind ex_kind_of(ex e) { return kind_of(e); }

ex_op ex_op_of(ex e) { return op_of(e); }

size_t ex_argc(ex e) { return argc_of(e); }

ex ex_arg(ex e, size_t i) { return arg_of(e, i); }

ex ex_function(ex e) { return (ex)hc_key(e)[0]; }

int64_t ex_int_value(ex e) { return (int64_t)hc_key(e)[0]; }

double ex_real_value(ex e) {
  double value;
  memcpy(&value, hc_key(e), sizeof value);
  return value;
}

const char *ex_op_name(ex_op op) { return op_names[op]; }

const char *ex_name(ex e) {
  switch (kind_of(e)) {
  case EX_SYM:
    return (const char *)hc_key(e);
  case EX_APPLY:
    return ex_name(ex_function(e));
  default:
    return op_names[op_of(e)];
  }
}
