/* extra/hexpr/write.c: the writer of the binary format. SPDX-License-Identifier: MIT */
/* See binary.h for the format. Names of functions and operators of the program
 * are written in front. */
#include "hexpr/binary.h"
#include "hexpr/dag.h"
#include "hexpr/ops.h"

#include <stdlib.h>
#include <string.h>

struct writer {
  FILE *file;
  uint64_t sum;
  struct ex_dag dag;
  struct ex_dag names;
  ex *name; /* scanned; the function of each application */
  size_t names_n;
  uint32_t *op_place; /* by operator - EX_OPS; 1 + place, 0 for none */
  size_t op_room;
  uint32_t ops;
};

/* ---- Bytes ---- */

static void put_byte(struct writer *w, unsigned byte) {
  w->sum = bin_sum(w->sum, (unsigned char)byte);
  putc_unlocked((int)byte, w->file);
}

static void put(struct writer *w, uint64_t value) {
  for (; value >= BIN_HIGH_BIT; value >>= 7)
    put_byte(w, (unsigned)(value & 127) | BIN_HIGH_BIT);
  put_byte(w, (unsigned)value);
}

static void put_signed(struct writer *w, int64_t value) {
  put(w, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_bytes(struct writer *w, const void *data, size_t n) {
  put(w, n);
  for (size_t i = 0; i < n; i++)
    put_byte(w, ((const unsigned char *)data)[i]);
}

static void put_word(struct writer *w, uint64_t word) {
  for (int i = 0; i < 8; i++)
    put_byte(w, (unsigned)(word >> 8 * i & 255));
}

/* ---- Nodes ---- */

static void put_magnitude(struct writer *w, mpz_srcptr z) {
  size_t n = 0;
  void *bytes = mpz_export(NULL, &n, -1, 1, -1, 0, z);
  void (*release)(void *, size_t);
  put_bytes(w, bytes, n);
  mp_get_memory_functions(NULL, NULL, &release);
  if (bytes != NULL)
    release(bytes, n);
}

static void put_exact(struct writer *w, ex e) {
  mpq_t q;
  mpq_init(q);
  ex_get_mpq(e, q);
  put(w, mpq_sgn(q) < 0);
  put_magnitude(w, mpq_numref(q));
  if (kind_of(e) == EX_RAT)
    put_magnitude(w, mpq_denref(q));
  mpq_clear(q);
}

static void put_operands(struct writer *w, size_t i) {
  for (size_t k = 0; k < argc_of(w->dag.node[i]); k++)
    put(w, i - ex_dag_arg(&w->dag, i, k));
}

static void put_leaf(struct writer *w, ex e) {
  size_t n;
  const char *bytes;
  switch (kind_of(e)) {
  case EX_INT:
    put_signed(w, ex_int_value(e));
    break;
  case EX_REAL:
    put_word(w, hc_key(e)[0]);
    break;
  case EX_BIG:
  case EX_RAT:
    put_exact(w, e);
    break;
  case EX_SYM:
    put_bytes(w, ex_name(e), strlen(ex_name(e)));
    break;
  case EX_BVAR:
    put(w, ex_bvar_index(e));
    break;
  default:
    bytes = ex_bytes(e, &n);
    put_bytes(w, bytes, n);
  }
}

static void put_node(struct writer *w, size_t i) {
  static const uint8_t tags[] = {
      [EX_INT] = BIN_INT,       [EX_REAL] = BIN_REAL,   [EX_BIG] = BIN_BIG,
      [EX_RAT] = BIN_RAT,       [EX_SYM] = BIN_SYM,     [EX_STR] = BIN_STR,
      [EX_BLOB] = BIN_BLOB,     [EX_BVAR] = BIN_BVAR,   [EX_UNARY] = BIN_UNARY,
      [EX_BINARY] = BIN_BINARY, [EX_APPLY] = BIN_APPLY, [EX_TERM] = BIN_TERM};
  ex e = w->dag.node[i];
  put_byte(w, tags[kind_of(e)]);
  if (is_leaf(e)) {
    put_leaf(w, e);
    return;
  }
  if (kind_of(e) == EX_APPLY)
    put(w, ex_dag_index(&w->names, ex_function(e)));
  else if (kind_of(e) == EX_TERM)
    put(w, w->op_place[ex_op_of(e) - EX_OPS] - 1);
  else
    put(w, op_of(e));
  if (kind_of(e) >= EX_APPLY)
    put(w, argc_of(e));
  put_operands(w, i);
}

/* ---- Names and operators ---- */

static bool collect_names(struct writer *w) {
  const struct ex_dag *d = &w->dag;
  for (size_t i = 0; i < d->n; i++)
    w->names_n += kind_of(d->node[i]) == EX_APPLY;
  w->name = hc_scanned_alloc((w->names_n + 1) * sizeof *w->name);
  if (w->name == NULL)
    return false;
  w->names_n = 0;
  for (size_t i = 0; i < d->n; i++)
    if (kind_of(d->node[i]) == EX_APPLY)
      w->name[w->names_n++] = ex_function(d->node[i]);
  return ex_dag_build(&w->names, w->name, w->names_n);
}

static void put_names(struct writer *w) {
  for (size_t i = 0; i < w->names.n; i++) {
    const char *name = ex_name(w->names.node[i]);
    put_byte(w, BIN_NAME);
    put_bytes(w, name, strlen(name));
  }
}

static bool make_op_room(struct writer *w) {
  for (size_t i = 0; i < w->dag.n; i++)
    if (kind_of(w->dag.node[i]) == EX_TERM &&
        ex_op_of(w->dag.node[i]) - EX_OPS >= w->op_room)
      w->op_room = ex_op_of(w->dag.node[i]) - EX_OPS + 1;
  w->op_place = calloc(w->op_room + 1, sizeof *w->op_place);
  return w->op_place != NULL;
}

static void put_ops(struct writer *w) {
  for (size_t i = 0; i < w->dag.n; i++) {
    ex e = w->dag.node[i];
    ex_op op = ex_op_of(e);
    if (kind_of(e) != EX_TERM || w->op_place[op - EX_OPS] != 0)
      continue;
    w->op_place[op - EX_OPS] = ++w->ops;
    put_byte(w, BIN_OPERATOR);
    put_bytes(w, ex_op_name(op), strlen(ex_op_name(op)));
    put_signed(w, ex_op_arity(op));
    put(w, ex_op_flags(op));
  }
}

/* ---- The whole ---- */

static void put_all(struct writer *w) {
  for (size_t i = 0; i < BIN_MAGIC_BYTES; i++)
    put_byte(w, (unsigned char)BIN_MAGIC[i]);
  put(w, BIN_VERSION);
  put_names(w);
  put_ops(w);
  for (size_t i = 0; i < w->dag.n; i++)
    put_node(w, i);
  put_byte(w, BIN_END);
  put(w, w->dag.n_roots);
  for (size_t i = 0; i < w->dag.n_roots; i++)
    put(w, ex_dag_index(&w->dag, w->dag.roots[i]));
  put_word(w, w->sum);
}

bool ex_write(const ex *roots, size_t n, FILE *to) {
  struct writer w = {.file = to, .sum = BIN_SUM_START};
  bool ok;
  if (!ex_dag_build(&w.dag, roots, n))
    return false;
  ok = collect_names(&w) && make_op_room(&w);
  if (ok) {
    flockfile(to);
    put_all(&w);
    funlockfile(to);
  } else
    ex_node_fail(EX_ENOMEM);
  free(w.op_place);
  ex_dag_drop(&w.names);
  if (w.name != NULL)
    hc_scanned_free(w.name);
  ex_dag_drop(&w.dag);
  return ok && ferror(to) == 0;
}
