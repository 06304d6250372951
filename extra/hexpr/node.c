/* extra/hexpr/node.c: making and taking apart of expressions. SPDX-License-Identifier: MIT */
/* One table and one class per kind, made on first use. See node.h for the
 * layout. */
#include "hexpr/node.h"

#include "hexpr/ops.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static hc_table *table; /* [const] after set-up */
/* [atomic: w by set-up (release) / r by any (acquire), NULL before] */
static hc_class *classes[EX_TERM + 1];
uint8_t ex_node_kinds[HC_MAX_CLASSES + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- Set-up ---- */

static void set_up(void) {
  static const char *const names[] = {"int",    "real",   "big",   "fraction",
                                      "symbol", "string", "blob",  "bvar",
                                      "unary",  "binary", "apply", "term"};
  table = hc_table_new(0);
  if (table == NULL)
    abort();
  for (int k = EX_INT; k <= EX_TERM; k++) {
    hc_class *cls;
    hc_class_desc d = {.name = names[k], .leaf = k < EX_UNARY};
    if (k >= EX_UNARY) {
      d.extra_words = 1;
      d.on_revive = ex_node_forget_shape;
    }
    cls = hc_class_new(table, &d);
    if (cls == NULL)
      abort();
    ex_node_kinds[hc_class_number(cls)] = (uint8_t)k;
    __atomic_store_n(&classes[k], cls, __ATOMIC_RELEASE);
  }
}

static inline hc_class *class_of(ex_kind kind) {
  hc_class *cls = __atomic_load_n(&classes[kind], __ATOMIC_ACQUIRE);
  if (__builtin_expect(cls != NULL, 1))
    return cls;
  pthread_once(&once, set_up);
  return classes[kind];
}

hc_table *ex_table(void) {
  pthread_once(&once, set_up);
  return table;
}

/* ---- Errors ---- */

ex_errcode *ex_errno_place(void) {
  static __thread ex_errcode last;
  return &last;
}

ex ex_node_fail(ex_errcode code) {
  ex_errno = code;
  return NULL;
}

static inline ex checked(const void *node) {
  return node != NULL ? node : ex_node_fail(EX_ENOMEM);
}

/* ---- Making ---- */

ex ex_node_leaf(ex_kind kind, const uintptr_t *key, size_t words) {
  if (words > EX_MAX_WORDS)
    return ex_node_fail(EX_ELIMIT);
  return checked(hc_intern(class_of(kind), 0, key, words));
}

ex ex_node_known_leaf(ex_kind kind, const uintptr_t *key, size_t words) {
  return hc_find(class_of(kind), 0, key, words);
}

ex ex_int(int64_t value) {
  return checked(hc_intern1(class_of(EX_INT), 0, (uintptr_t)value));
}

ex ex_bvar(uint32_t index) {
  return checked(hc_intern1(class_of(EX_BVAR), 0, index));
}

ex ex_real(double value) {
  uintptr_t bits;
  if (isnan(value))
    value = (double)NAN;
  memcpy(&bits, &value, sizeof bits);
  if (isnan(value))
    bits &= (uintptr_t)INT64_MAX;
  return checked(hc_intern1(class_of(EX_REAL), 0, bits));
}

/* Why OP is not one of the built-in ones of the arity that was wanted. */
static ex wrong_op(ex_op op) {
  return ex_node_fail(op == EX_NONE ? EX_ETYPE : EX_EARITY);
}

ex ex_unary(ex_op op, ex a) {
  if (a == NULL)
    return NULL;
  if (op - EX_NEG >= EX_ADD - EX_NEG)
    return op < EX_OPS ? wrong_op(op) : ex_1(op, a);
  return checked(hc_intern1(class_of(EX_UNARY), op, (uintptr_t)a));
}

ex ex_binary(ex_op op, ex a, ex b) {
  if (a == NULL || b == NULL)
    return NULL;
  if (op - EX_ADD >= EX_OPS - EX_ADD)
    return op < EX_OPS ? wrong_op(op) : ex_2(op, a, b);
  return checked(
      hc_intern2(class_of(EX_BINARY), op, (uintptr_t)a, (uintptr_t)b));
}

/* The key is HEAD, if that is not 0, and N operands. It is on the stack or the
 * caller's operands keep the nodes alive, so its memory need not be scanned. */
static ex headed(ex_kind kind, unsigned tag, uintptr_t head, const ex *args,
                 size_t n) {
  uintptr_t small[8];
  uintptr_t *key = small;
  size_t words = 0;
  bool whole = true;
  ex e = NULL;
  if (n + 1 > EX_MAX_WORDS)
    return ex_node_fail(EX_ELIMIT);
  if (n + 1 > 8)
    key = malloc((n + 1) * sizeof *key);
  if (key == NULL)
    return ex_node_fail(EX_ENOMEM);
  if (head != 0)
    key[words++] = head;
  for (size_t i = 0; i < n; i++) {
    key[words++] = (uintptr_t)args[i];
    whole = whole && args[i] != NULL;
  }
  if (whole)
    e = checked(hc_intern(class_of(kind), tag, key, words));
  if (key != small)
    free(key);
  return e;
}

ex ex_apply(ex function_name, const ex *args, size_t argc) {
  if (function_name == NULL)
    return NULL;
  if (kind_of(function_name) != EX_SYM)
    return ex_node_fail(EX_ETYPE);
  return headed(EX_APPLY, 0, (uintptr_t)function_name, args, argc);
}

ex ex_node_term(ex_op op, const ex *args, size_t n) {
  if (op > EX_TAGGED_OP)
    return headed(EX_TERM, 0, op, args, n);
  return headed(EX_TERM, op - EX_OPS + 1, 0, args, n);
}

/* ---- Plain operators ---- */

/* These take their operands as they are, and have their number in the tag. What is out
 * of the ordinary is out of line, so that the operands need not be in memory before. */

static __attribute__((noinline)) ex made_of(ex_op op, ex a, ex b, ex c,
                                            size_t n) {
  ex args[3] = {a, b, c};
  return ex_n(op, args, n);
}

ex ex_1(ex_op op, ex a) {
  if (a == NULL || !ex_op_is_plain(op, 1))
    return made_of(op, a, NULL, NULL, 1);
  if (op < EX_OPS)
    return checked(hc_intern1(class_of(EX_UNARY), op, (uintptr_t)a));
  return checked(hc_intern1(class_of(EX_TERM), op - EX_OPS + 1, (uintptr_t)a));
}

ex ex_2(ex_op op, ex a, ex b) {
  if (a == NULL || b == NULL || !ex_op_is_plain(op, 2))
    return made_of(op, a, b, NULL, 2);
  if (op < EX_OPS)
    return checked(
        hc_intern2(class_of(EX_BINARY), op, (uintptr_t)a, (uintptr_t)b));
  return checked(hc_intern2(class_of(EX_TERM), op - EX_OPS + 1, (uintptr_t)a,
                            (uintptr_t)b));
}

ex ex_3(ex_op op, ex a, ex b, ex c) {
  if (a == NULL || b == NULL || c == NULL || !ex_op_is_plain(op, 3))
    return made_of(op, a, b, c, 3);
  return checked(hc_intern3(class_of(EX_TERM), op - EX_OPS + 1, (uintptr_t)a,
                            (uintptr_t)b, (uintptr_t)c));
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
  case EX_TERM:
    return ex_n(term_op_of(e), args, argc_of(e));
  default:
    return e;
  }
}

/* ---- Taking apart ---- */

ex_kind ex_kind_of(ex e) { return kind_of(e); }

ex_op ex_op_of(ex e) {
  return kind_of(e) == EX_TERM ? term_op_of(e) : hc_tag(e);
}

size_t ex_argc(ex e) { return argc_of(e); }

ex ex_arg(ex e, size_t i) {
  return i < argc_of(e) ? arg_of(e, i) : ex_node_fail(EX_EARITY);
}

/* The first key word of what is of this kind, else 0 and ex_errno. */
static uintptr_t word_of(ex e, ex_kind kind) {
  if (kind_of(e) == kind)
    return hc_key(e)[0];
  ex_node_fail(EX_ETYPE);
  return 0;
}

ex ex_function(ex e) { return (ex)word_of(e, EX_APPLY); }

int64_t ex_int_value(ex e) { return (int64_t)word_of(e, EX_INT); }

double ex_real_value(ex e) {
  uintptr_t bits = word_of(e, EX_REAL);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

uint32_t ex_bvar_index(ex e) { return (uint32_t)word_of(e, EX_BVAR); }

const char *ex_name(ex e) {
  switch (kind_of(e)) {
  case EX_SYM:
    return (const char *)hc_key(e);
  case EX_APPLY:
    return ex_name(ex_function(e));
  default:
    return ex_op_name(ex_op_of(e));
  }
}
