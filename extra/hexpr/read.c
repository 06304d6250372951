/* extra/hexpr/read.c: the reader of the binary format. SPDX-License-Identifier: MIT */
/* See binary.h for the format. Nothing in the input is believed: places are
 * checked against what was read, counts against what a node can hold before
 * memory is taken for them, and nodes are made by the constructors that any
 * program uses. The arrays grow with the input, never with a number in it. */
#include "hexpr/binary.h"
#include "hexpr/node.h"
#include "hexpr/ops.h"
#include "hexpr/reader.h"

#include <stdlib.h>
#include <string.h>

struct reader {
  struct ex_reader in; /* its operands are those of the node in progress */
  FILE *file;
  uint64_t sum;
  struct ex_nodes node;
  struct ex_nodes name;
  struct ex_nodes root;
  uint32_t *depth; /* by node */
  size_t depth_room;
  ex_op *op;
  size_t ops;
  size_t op_room;
  char *bytes;
  size_t length;
  size_t grown; /* operands that flattening added, which count as nodes */
};

/* ---- Failure ---- */

static void fail_as(struct reader *r, ex_errcode code, const char *expected) {
  ex_reader_fail_as(&r->in, code, expected);
}

static void fail(struct reader *r, const char *expected) {
  ex_reader_fail(&r->in, expected);
}

/* ---- Bytes ---- */

static unsigned get_byte(struct reader *r) {
  int c;
  if (r->in.failed || !ex_reader_within(&r->in, EX_ELIMIT, r->in.limits.bytes,
                                        r->in.lex.start + 1, "bytes"))
    return 0;
  c = getc_unlocked(r->file);
  if (c == EOF) {
    fail(r, "more bytes");
    return 0;
  }
  r->in.lex.start++;
  r->sum = bin_sum(r->sum, (unsigned char)c);
  return (unsigned)c;
}

static uint64_t get(struct reader *r) {
  uint64_t value = 0;
  for (unsigned shift = 0; !r->in.failed; shift += 7) {
    unsigned byte = get_byte(r);
    uint64_t part = byte & 127;
    if (shift > 63 || part << shift >> shift != part) {
      fail(r, "a number of 64 bits");
      break;
    }
    value |= part << shift;
    if (byte < BIN_HIGH_BIT)
      return value;
  }
  return 0;
}

static int64_t get_signed(struct reader *r) {
  uint64_t value = get(r);
  return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static uint64_t get_word(struct reader *r) {
  uint64_t word = 0;
  for (int i = 0; i < 8; i++)
    word |= (uint64_t)get_byte(r) << 8 * i;
  return word;
}

enum { MOST_BYTES = EX_MAX_WORDS * 8 };

/* Into `bytes`, with a zero byte after them. */
static void get_bytes(struct reader *r) {
  uint64_t n = get(r);
  if (n > MOST_BYTES)
    fail_as(r, EX_ELIMIT, "bytes that fit a node");
  if (!r->in.failed && r->bytes == NULL) {
    r->bytes = malloc(MOST_BYTES + 1);
    if (r->bytes == NULL)
      fail_as(r, EX_ENOMEM, "more memory");
  }
  for (r->length = 0; !r->in.failed && r->length < n; r->length++)
    r->bytes[r->length] = (char)get_byte(r);
  if (!r->in.failed)
    r->bytes[r->length] = '\0';
}

/* A number below N, which is how many there are. */
static size_t get_place(struct reader *r, size_t n, const char *what) {
  uint64_t i = get(r);
  if (!r->in.failed && i >= n)
    fail(r, what);
  return r->in.failed ? 0 : i;
}

/* ---- Arrays ---- */

/* A constructor refuses what no program could have written. */
static void push(struct reader *r, struct ex_nodes *s, ex e) {
  if (e == NULL && !r->in.failed && ex_errno == EX_ETYPE)
    fail(r, "something that can be made");
  ex_reader_push(&r->in, s, e);
}

static void push_node(struct reader *r, ex e, uint32_t depth) {
  if (r->in.failed ||
      !ex_reader_within(&r->in, EX_ELIMIT, r->in.limits.nodes,
                        r->node.n + r->grown + 1, "nodes") ||
      !ex_reader_within(&r->in, EX_EDEPTH, r->in.limits.depth, depth,
                        "levels") ||
      !ex_reader_widen(&r->in, &r->depth, &r->depth_room, r->node.n,
                       sizeof *r->depth))
    return;
  if (r->node.n == UINT32_MAX) {
    fail_as(r, EX_ELIMIT, "fewer nodes");
    return;
  }
  r->depth[r->node.n] = depth;
  push(r, &r->node, e);
}

/* ---- Names and operators ---- */

static void read_name(struct reader *r) {
  get_bytes(r);
  if (!r->in.failed)
    push(r, &r->name, ex_sym_n(r->bytes, r->length));
}

/* Operators stay for ever, so input does not define any. */
static void read_operator(struct reader *r) {
  int64_t arity;
  uint64_t flags;
  ex_op op;
  get_bytes(r);
  arity = get_signed(r);
  flags = get(r);
  if (r->in.failed ||
      !ex_reader_widen(&r->in, &r->op, &r->op_room, r->ops, sizeof *r->op))
    return;
  op = strlen(r->bytes) == r->length ? ex_op_named(r->bytes) : EX_NONE;
  if (op == EX_NONE || ex_op_arity(op) != arity || ex_op_flags(op) != flags)
    fail(r, "an operator that the program defined the same way");
  else
    r->op[r->ops++] = op;
}

/* ---- Nodes ---- */

static void get_magnitude(struct reader *r, mpz_ptr out) {
  get_bytes(r);
  if (!r->in.failed)
    mpz_import(out, r->length, -1, 1, -1, 0, r->bytes);
}

static ex read_exact(struct reader *r, bool fraction) {
  uint64_t sign = get(r);
  mpq_t q;
  ex e = NULL;
  mpq_init(q);
  get_magnitude(r, mpq_numref(q));
  if (fraction)
    get_magnitude(r, mpq_denref(q));
  if (sign > 1)
    fail(r, "a sign");
  if (sign == 1)
    mpz_neg(mpq_numref(q), mpq_numref(q));
  if (!r->in.failed)
    e = fraction ? ex_mpq(q) : ex_mpz(mpq_numref(q));
  mpq_clear(q);
  return e;
}

static ex read_real(struct reader *r) {
  uint64_t bits = get_word(r);
  double value;
  memcpy(&value, &bits, sizeof value);
  return ex_real(value);
}

static ex read_index(struct reader *r) {
  uint64_t index = get(r);
  if (index > UINT32_MAX)
    fail(r, "an index of 32 bits");
  return r->in.failed ? NULL : ex_bvar((uint32_t)index);
}

static ex read_leaf(struct reader *r, enum bin_tag tag) {
  switch (tag) {
  case BIN_INT:
    return ex_int(get_signed(r));
  case BIN_REAL:
    return read_real(r);
  case BIN_BVAR:
    return read_index(r);
  case BIN_BIG:
  case BIN_RAT:
    return read_exact(r, tag == BIN_RAT);
  default:
    break;
  }
  get_bytes(r);
  if (r->in.failed)
    return NULL;
  if (tag == BIN_SYM)
    return ex_sym_n(r->bytes, r->length);
  return tag == BIN_STR ? ex_str(r->bytes, r->length)
                        : ex_blob(r->bytes, r->length);
}

/* N operands; returns the depth of what is made of them. */
static uint32_t get_operands(struct reader *r, uint64_t n) {
  uint32_t deepest = 0;
  r->in.operand.n = 0;
  if (n > EX_MAX_WORDS)
    fail_as(r, EX_ELIMIT, "operands that fit a node");
  for (uint64_t i = 0; i < n && !r->in.failed; i++) {
    uint64_t back = get(r);
    size_t at;
    if (r->in.failed || back == 0 || back > r->node.n) {
      fail(r, "an operand that comes before");
      return 0;
    }
    at = r->node.n - back;
    deepest = r->depth[at] > deepest ? r->depth[at] : deepest;
    push(r, &r->in.operand, r->node.at[at]);
  }
  return deepest + 1;
}

static void read_built_in(struct reader *r, size_t arity) {
  uint64_t op = get(r);
  uint32_t depth = get_operands(r, arity);
  if (!r->in.failed &&
      (op < EX_NEG || op >= EX_OPS || (op < EX_ADD) != (arity == 1)))
    fail(r, "a built-in operator of that many operands");
  if (!r->in.failed)
    push_node(r, ex_n((ex_op)op, r->in.operand.at, arity), depth);
}

static void read_compound(struct reader *r, bool term) {
  size_t head = get_place(r, term ? r->ops : r->name.n,
                          "a name or an operator that comes before");
  uint64_t n = get(r);
  uint32_t depth = get_operands(r, n);
  ex e;
  if (r->in.failed)
    return;
  e = term ? ex_n(r->op[head], r->in.operand.at, n)
           : ex_apply(r->name.at[head], r->in.operand.at, n);
  if (e != NULL && argc_of(e) > n)
    r->grown += argc_of(e) - n;
  push_node(r, e, depth);
}

/* ---- The whole ---- */

static void read_record(struct reader *r, unsigned tag) {
  switch ((enum bin_tag)tag) {
  case BIN_NAME:
    read_name(r);
    break;
  case BIN_OPERATOR:
    read_operator(r);
    break;
  case BIN_UNARY:
    read_built_in(r, 1);
    break;
  case BIN_BINARY:
    read_built_in(r, 2);
    break;
  case BIN_APPLY:
  case BIN_TERM:
    read_compound(r, tag == BIN_TERM);
    break;
  default:
    if (tag > BIN_TERM)
      fail(r, "a record");
    else
      push_node(r, read_leaf(r, (enum bin_tag)tag), 1);
  }
}

static void read_head(struct reader *r) {
  for (size_t i = 0; i < BIN_MAGIC_BYTES && !r->in.failed; i++)
    if (get_byte(r) != (unsigned char)BIN_MAGIC[i])
      fail(r, "a file of expressions");
  if (get(r) != BIN_VERSION)
    fail(r, "version 1 of the format");
}

static void read_end(struct reader *r) {
  uint64_t n = get(r);
  uint64_t sum;
  for (uint64_t i = 0; i < n && !r->in.failed; i++) {
    size_t at = get_place(r, r->node.n, "a root that comes before");
    if (!r->in.failed)
      push(r, &r->root, r->node.at[at]);
  }
  sum = r->sum;
  if (get_word(r) != sum)
    fail(r, "the checksum of what was read");
}

static void read_all(struct reader *r) {
  read_head(r);
  while (!r->in.failed) {
    unsigned tag = get_byte(r);
    if (!r->in.failed && tag == BIN_END) {
      read_end(r);
      return;
    }
    if (!r->in.failed)
      read_record(r, tag);
  }
}

ex *ex_read(FILE *from, const ex_limits *limits, size_t *out_n,
            ex_error *out_error) {
  struct reader r = {.file = from, .sum = BIN_SUM_START};
  ex_reader_start(&r.in, limits, out_error);
  flockfile(from);
  read_all(&r);
  funlockfile(from);
  free(r.depth);
  free(r.op);
  free(r.bytes);
  ex_nodes_drop(&r.node);
  ex_nodes_drop(&r.name);
  ex_reader_drop(&r.in);
  *out_n = r.root.n;
  if (!r.in.failed && r.root.at == NULL)
    r.root.at = hc_scanned_alloc(sizeof *r.root.at);
  if (!r.in.failed)
    return r.root.at;
  ex_nodes_drop(&r.root);
  *out_n = 0;
  return NULL;
}
