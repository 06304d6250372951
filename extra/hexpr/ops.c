/* extra/hexpr/ops.c: the table of operators. SPDX-License-Identifier: MIT */
/* Operators of the program lie in chunks that double in size and never move.
 * `defined` is stored after the entry is complete, so that a reader who got the
 * number of an operator from whoever defined it sees the whole entry. Then it is put
 * before the others of its chains: one by a hash of the name, and one by the first
 * byte of signs, for parsers. */
#include "hexpr/ops.h"

#include "hexpr/quote.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
  FIRST_BITS = 6,
  FIRST_CHUNK = 1 << FIRST_BITS,
  CHUNKS = 16,
  NAME_CHAINS = 1024,
  BYTES = 256
};

struct op {
  const char *name;
  int arity;
  unsigned flags;
  uint32_t hash;
  ex_fix fix;
  ex_op next_named; /* EX_NONE: the last one */
  ex_op next_sign;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *chunk[CHUNKS]; /* of struct op [lock; an entry is const once
                               defined] */
static uint32_t defined;    /* [atomic: w under lock, release / r acquire] */

/* The first operator of each chain. [as `defined`] */
static ex_op by_name[NAME_CHAINS];
static ex_op by_sign[BYTES];

/* Bit R of the bytes L and R: some sign has them in a row. [atomic, relaxed: who got the
 * operator sees its bits] */
static uint8_t glued[BYTES][BYTES / 8];

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

uint8_t ex_op_plain[EX_TAGGED_OP + 1] = {[EX_NEG... EX_ADD - 1] = 2,
                                         [EX_ADD... EX_OPS - 1] = 3};

static const unsigned op_flags[EX_OPS] = {
    [EX_NEG] = EX_PREFIX | EX_PRIORITY(30),
    [EX_ADD] = EX_INFIX | EX_PRIORITY(10),
    [EX_SUB] = EX_INFIX | EX_PRIORITY(10),
    [EX_MUL] = EX_INFIX | EX_PRIORITY(20),
    [EX_DIV] = EX_INFIX | EX_PRIORITY(20),
    [EX_POW] = EX_INFIX | EX_RIGHT | EX_PRIORITY(40),
};

/* ---- Looking at ---- */

/* Chunk C begins with entry FIRST_CHUNK << C, less FIRST_CHUNK. */
static struct op *entry(uint32_t i) {
  uint32_t place = i + FIRST_CHUNK;
  unsigned top = 31 - (unsigned)__builtin_clz(place);
  return (struct op *)chunk[top - FIRST_BITS] + (place - ((uint32_t)1 << top));
}

/* The entry of an operator of the program; an empty one for what is none. */
static const struct op *defined_op(ex_op op) {
  static const struct op none = {.name = ""};
  if (op - EX_OPS >= __atomic_load_n(&defined, __ATOMIC_ACQUIRE))
    return &none;
  return entry(op - EX_OPS);
}

const char *ex_op_name(ex_op op) {
  return op < EX_OPS ? op_names[op] : defined_op(op)->name;
}

unsigned ex_op_flags(ex_op op) {
  return op < EX_OPS ? op_flags[op] : defined_op(op)->flags;
}

int ex_op_arity(ex_op op) {
  if (op >= EX_OPS)
    return defined_op(op)->arity;
  return op == EX_NONE ? 0 : op < EX_ADD ? 1 : 2;
}

bool ex_op_is_defined(ex_op op) {
  return op - EX_OPS < __atomic_load_n(&defined, __ATOMIC_ACQUIRE);
}

uint32_t ex_op_hash(ex_op op) { return entry(op - EX_OPS)->hash; }

/* A built-in one with this name; ARITY 0 for one of any arity. */
static ex_op built_in(const char *name, size_t arity) {
  for (ex_op op = EX_NEG; op < EX_OPS; op++)
    if (strcmp(op_names[op], name) == 0 &&
        (arity == 0 || arity == (size_t)ex_op_arity(op)))
      return op;
  return EX_NONE;
}

static uint32_t hash_name(const char *name, size_t bytes) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < bytes; i++)
    h = (h ^ (unsigned char)name[i]) * 16777619u;
  return h;
}

static ex_op named(const char *name, size_t bytes) {
  uint32_t hash = hash_name(name, bytes);
  ex_op op = __atomic_load_n(&by_name[hash % NAME_CHAINS], __ATOMIC_ACQUIRE);
  while (op != EX_NONE) {
    const struct op *e = entry(op - EX_OPS);
    if (e->hash == hash && strlen(e->name) == bytes &&
        memcmp(e->name, name, bytes) == 0)
      return op;
    op = e->next_named;
  }
  return EX_NONE;
}

ex_op ex_op_named(const char *name) { return named(name, strlen(name)); }

ex_op ex_op_find(const char *name, size_t argc) {
  ex_op op = argc == 0 ? EX_NONE : built_in(name, argc);
  if (op != EX_NONE)
    return op;
  op = ex_op_named(name);
  if (op != EX_NONE && ex_op_arity(op) != EX_NARY &&
      (size_t)ex_op_arity(op) != argc)
    return EX_NONE;
  return op;
}

/* ---- Infix text ---- */

static const ex_op signs[] = {EX_ADD, EX_SUB, EX_MUL, EX_DIV, EX_POW, EX_NEG};
enum { SIGNS = sizeof signs / sizeof signs[0] };

ex_fix ex_op_fix(ex_op op) {
  if (op >= EX_OPS)
    return entry(op - EX_OPS)->fix;
  return (op_flags[op] & EX_FIXES) != 0 ? FIX_SIGN : FIX_CALL;
}

/* Takes OP for the best so far if TEXT begins with it and it is longer. */
static void match_sign(ex_op op, const char *text, size_t bytes, unsigned want,
                       ex_op *best, size_t *length) {
  const char *name = ex_op_name(op);
  size_t n;
  if (name[0] != text[0] || (ex_op_flags(op) & want) == 0)
    return;
  n = strlen(name);
  if (n <= *length || n > bytes || memcmp(name, text, n) != 0)
    return;
  *best = op;
  *length = n;
}

ex_op ex_op_sign(const char *text, size_t bytes, unsigned want,
                 size_t *out_bytes) {
  ex_op best = EX_NONE;
  ex_op op;
  *out_bytes = 0;
  if (bytes == 0)
    return EX_NONE;
  for (size_t i = 0; i < SIGNS; i++)
    match_sign(signs[i], text, bytes, want, &best, out_bytes);
  op = __atomic_load_n(&by_sign[(unsigned char)text[0]], __ATOMIC_ACQUIRE);
  for (; op != EX_NONE; op = entry(op - EX_OPS)->next_sign)
    match_sign(op, text, bytes, want, &best, out_bytes);
  return best;
}

ex_op ex_op_word(const char *text, size_t bytes, unsigned want) {
  ex_op op = named(text, bytes);
  if (op == EX_NONE || ex_op_fix(op) != FIX_WORD ||
      (ex_op_flags(op) & want) == 0)
    return EX_NONE;
  return op;
}

bool ex_op_glues(char left, char right) {
  unsigned char r = (unsigned char)right;
  uint8_t bits =
      __atomic_load_n(&glued[(unsigned char)left][r / 8], __ATOMIC_RELAXED);
  return (bits >> r % 8 & 1) != 0;
}

bool ex_op_known(const char *name) {
  return built_in(name, 0) != EX_NONE || ex_op_named(name) != EX_NONE;
}

/* ---- Defining ---- */

static bool is_sound_fix(int arity, unsigned flags) {
  unsigned fix = flags & EX_FIXES;
  unsigned priority = flags >> 16;
  if (fix == 0)
    return priority == 0 && (flags & (EX_RIGHT | EX_NOCHAIN)) == 0;
  if (priority == 0 || priority > 99)
    return false;
  if (fix == EX_PREFIX || fix == EX_POSTFIX)
    return arity == 1 && (flags & (EX_RIGHT | EX_NOCHAIN)) == 0;
  if (fix != EX_INFIX || (arity != 2 && arity != EX_NARY))
    return false;
  return (flags & EX_NOCHAIN) == 0 || (arity == 2 && (flags & EX_RIGHT) == 0);
}

static bool is_sound(const char *name, int arity, unsigned flags) {
  if (!ex_quote_is_word(name) || built_in(name, 0) != EX_NONE)
    return false;
  if (arity < EX_NARY || arity >= EX_MAX_WORDS || (flags & 0xfe00) != 0)
    return false;
  if ((flags & EX_ASSOC) != 0 && arity != EX_NARY)
    return false;
  if ((flags & EX_BINDER) != 0 &&
      (arity < 1 || (flags & (EX_COMM | EX_ASSOC | EX_IDEM)) != 0))
    return false;
  return is_sound_fix(arity, flags);
}

static ex_fix fix_of(const char *name, unsigned flags) {
  static const char *const taken[] = {"inf", "nan", "let", "in"};
  if ((flags & EX_FIXES) == 0)
    return FIX_CALL;
  if (strspn(name, "!$&*+-/:<=>?[]\\^{}~") == strlen(name))
    return FIX_SIGN;
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
    if (strcmp(name, taken[i]) == 0)
      return FIX_CALL;
  return ex_quote_is_infix_name(name) ? FIX_WORD : FIX_CALL;
}

/* The array among CHUNKS for entry I of SIZE bytes, made when it is new; how far
 * into it. */
static void *make_room(void **chunks, uint32_t i, size_t size,
                       uint32_t *out_at) {
  size_t room = FIRST_CHUNK;
  for (size_t c = 0; c < CHUNKS; c++) {
    *out_at = i;
    if (i < room) {
      if (chunks[c] == NULL)
        chunks[c] = calloc(room, size);
      return chunks[c];
    }
    i -= (uint32_t)room;
    room *= 2;
  }
  return NULL;
}

/* From here on parsers find OP. */
static void announce_locked(ex_op op, struct op *e) {
  unsigned char first = (unsigned char)e->name[0];
  uint32_t chain = e->hash % NAME_CHAINS;
  e->next_named = by_name[chain];
  e->next_sign = by_sign[first];
  for (const char *at = e->name; e->fix == FIX_SIGN && at[1] != '\0'; at++) {
    unsigned char r = (unsigned char)at[1];
    __atomic_fetch_or(&glued[(unsigned char)at[0]][r / 8],
                      (uint8_t)(1u << r % 8), __ATOMIC_RELAXED);
  }
  __atomic_store_n(&defined, defined + 1, __ATOMIC_RELEASE);
  __atomic_store_n(&by_name[chain], op, __ATOMIC_RELEASE);
  if (e->fix == FIX_SIGN)
    __atomic_store_n(&by_sign[first], op, __ATOMIC_RELEASE);
}

static ex_op define_locked(const char *name, int arity, unsigned flags) {
  char *copy = strdup(name);
  ex_op op = EX_OPS + defined;
  uint32_t at;
  struct op *ops = make_room(chunk, defined, sizeof *ops, &at);
  if (copy == NULL || ops == NULL) {
    free(copy);
    ex_node_fail(EX_ENOMEM);
    return EX_NONE;
  }
  ops[at] = (struct op){.name = copy,
                        .arity = arity,
                        .flags = flags,
                        .hash = hash_name(name, strlen(name)),
                        .fix = fix_of(name, flags)};
  if (op <= EX_TAGGED_OP && arity >= 1 && arity <= 3 &&
      (flags & (EX_COMM | EX_ASSOC | EX_IDEM)) == 0)
    __atomic_store_n(&ex_op_plain[op], (uint8_t)(arity + 1), __ATOMIC_RELAXED);
  announce_locked(op, &ops[at]);
  return op;
}

ex_op ex_opdef(const char *name, int arity, unsigned flags) {
  ex_op op;
  if (!is_sound(name, arity, flags)) {
    ex_node_fail(EX_ETYPE);
    return EX_NONE;
  }
  pthread_mutex_lock(&lock);
  op = ex_op_named(name);
  if (op == EX_NONE)
    op = define_locked(name, arity, flags);
  else if (ex_op_arity(op) != arity || ex_op_flags(op) != flags) {
    ex_node_fail(EX_ETYPE);
    op = EX_NONE;
  }
  pthread_mutex_unlock(&lock);
  return op;
}
