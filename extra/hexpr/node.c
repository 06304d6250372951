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

/* ---- Shape ---- */

static uint32_t fold(uint64_t a, uint64_t b) {
  unsigned __int128 product =
      (unsigned __int128)(a ^ UINT64_C(0x9e3779b97f4a7c15)) *
      (b ^ UINT64_C(0xd1b54a32d192ed03));
  return (uint32_t)(product >> 64) ^ (uint32_t)product;
}

static uint64_t pack(uint32_t weight, unsigned open, uint32_t hash) {
  return UINT64_C(1) << 63 | (uint64_t)(hash & 0x7fffff) << 40 |
         (uint64_t)open << 32 | weight;
}

/* What an operand wants, seen from outside its operator. */
static unsigned open_outside(ex e, size_t i, uint64_t shape) {
  unsigned open = (unsigned)(shape >> 32 & 255);
  bool inside = kind_of(e) == EX_TERM && i + 1 == hc_words(e) &&
                (ex_op_flags(term_op_of(e)) & EX_BINDER) != 0;
  return inside && open > 0 && open < EX_OPEN_MANY ? open - 1 : open;
}

static uint64_t compound_shape(ex e) {
  const uintptr_t *key = hc_key(e);
  uint64_t sum = 1;
  uint32_t most = (uint32_t)1 << 31;
  unsigned open = 0;
  uint32_t hash = fold(op_of(e), kind_of(e));
  size_t i = 0;
  if (kind_of(e) == EX_TERM) {
    hash = fold(hash, ex_op_hash(term_op_of(e)));
    i = head_of(e);
  }
  for (; i < hc_words(e); i++) {
    uint64_t shape = ex_node_shape((ex)key[i]);
    uint32_t weight = ex_node_weight(shape);
    unsigned wants = open_outside(e, i, shape);
    hash = fold(hash, shape >> 40);
    sum += weight;
    most = weight > most ? weight : most;
    open = wants > open ? wants : open;
  }
  return pack(sum >> 31 == 0 ? (uint32_t)sum : most + 1, open, hash);
}

static uint64_t leaf_shape(ex e) {
  uint32_t hash = fold(kind_of(e), 0);
  uintptr_t open = kind_of(e) == EX_BVAR ? hc_key(e)[0] + 1 : 0;
  for (size_t i = 0; i < hc_words(e); i++)
    hash = fold(hash, hc_key(e)[i]);
  return pack(1, open < EX_OPEN_MANY ? (unsigned)open : EX_OPEN_MANY, hash);
}

uint64_t ex_node_shape(ex e) {
  if (is_leaf(e))
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
      d.fill = fill_shape;
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

/* These take their operands as they are, and have their number in the tag. */

ex ex_1(ex_op op, ex a) {
  if (a == NULL || !ex_op_is_plain(op, 1))
    return ex_n(op, &a, 1);
  if (op < EX_OPS)
    return checked(hc_intern1(class_of(EX_UNARY), op, (uintptr_t)a));
  return checked(hc_intern1(class_of(EX_TERM), op - EX_OPS + 1, (uintptr_t)a));
}

ex ex_2(ex_op op, ex a, ex b) {
  ex args[2] = {a, b};
  if (a == NULL || b == NULL || !ex_op_is_plain(op, 2))
    return ex_n(op, args, 2);
  if (op < EX_OPS)
    return checked(
        hc_intern2(class_of(EX_BINARY), op, (uintptr_t)a, (uintptr_t)b));
  return checked(hc_intern2(class_of(EX_TERM), op - EX_OPS + 1, (uintptr_t)a,
                            (uintptr_t)b));
}

ex ex_3(ex_op op, ex a, ex b, ex c) {
  ex args[3] = {a, b, c};
  if (a == NULL || b == NULL || c == NULL || !ex_op_is_plain(op, 3))
    return ex_n(op, args, 3);
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
