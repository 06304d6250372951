/* extra/hexpr/ops.h: the table of operators. SPDX-License-Identifier: MIT */
/* Built-in operators stand first, see hexpr.h; the others follow in the order of
 * their definition. Entries are complete before their number is given out and
 * never change or move, so reading takes no lock. */
#ifndef HEXPR_OPS_H
#define HEXPR_OPS_H

#include "hexpr/node.h"

/* Whether OP is one of the program's. */
bool ex_op_is_defined(ex_op op);

/* For each operator that a tag has room for: 1 more than its arity if that is 1
 * to 3 and no flag makes its nodes canonical, else 0. [atomic, relaxed: an
 * entry is written once, before the operator's number is known] */
extern uint8_t ex_op_plain[EX_TAGGED_OP + 1]
    __attribute__((visibility("hidden")));

static inline bool ex_op_is_plain(ex_op op, unsigned arity) {
  return op <= EX_TAGGED_OP &&
         __atomic_load_n(&ex_op_plain[op], __ATOMIC_RELAXED) == arity + 1;
}

/* A hash of the name, the same in every run. */
uint32_t ex_op_hash(ex_op op);

/* Whether any number of operands makes NAME an operator. */
bool ex_op_known(const char *name);

/* The operator of the program with this name, or EX_NONE. */
ex_op ex_op_named(const char *name);

/* ---- Operators that infix text writes without a call ---- */

enum { EX_FIXES = EX_INFIX | EX_PREFIX | EX_POSTFIX };

typedef enum ex_fix {
  FIX_CALL, /* only as a call: the name is neither of the two below */
  FIX_SIGN, /* of characters such as < and & */
  FIX_WORD  /* a name of infix text, other than inf, nan, let and in */
} ex_fix;

ex_fix ex_op_fix(ex_op op);

/* The operator with one of the flags WANT that TEXT begins with, the longest one
 * of all; how many bytes it has. */
ex_op ex_op_sign(const char *text, size_t bytes, unsigned want,
                 size_t *out_bytes);

/* The operator with one of the flags WANT that is this word. */
ex_op ex_op_word(const char *text, size_t bytes, unsigned want);

/* Whether a sign of the program has these two characters in a row, so that they
 * need a blank between them when they belong to two signs. */
bool ex_op_glues(char left, char right);

/* How close OP binds, 0 when it is only written as a call. */
static inline unsigned ex_op_priority(ex_op op) {
  return ex_op_flags(op) >> 16;
}

#endif
