/* extra/hexpr/node.h: how expressions lie in hash-consed nodes. SPDX-License-Identifier: MIT */
/* Key words:
 *   integer, double, bound variable   the value or its bits
 *   big integer       number of limbs, negative for a negative one; the limbs
 *   fraction          the numerator as above, then the limbs below the line
 *   symbol            the name padded with zero bytes, at least one
 *   string, blob      number of bytes; the bytes padded with at least one zero
 *   unary, binary     the operands, with the operator as the tag
 *   application       the name symbol and then the arguments
 *   term              the operands, with a tag for the operator if its number is
 *                     small enough; else tag 0, the number, and the operands
 *
 * Compound nodes have one extra word, the shape, or 0 until it is wanted. Its low half
 * is the weight: the tree size while that is below 2^31, after that one more than the
 * largest weight of an operand, so that a node weighs more than what it is made of.
 * Eight bits above tell how many binders around are needed to bind every bound
 * variable, EX_OPEN_MANY standing for that and all larger numbers. Then a hash
 * of the structure, and the top bit set so that the word is no address. It
 * depends on names and values, never on addresses or the order of definition,
 * which makes ex_compare the same in every run.
 *
 * This, node.c and shape.c are the only places that know how hcons makes nodes. */
#ifndef HEXPR_NODE_H
#define HEXPR_NODE_H

#include "hexpr/hexpr.h"

/* The kind of every class number; of a class that has nodes it stays. */
extern uint8_t ex_node_kinds[HC_MAX_CLASSES + 1]
    __attribute__((visibility("hidden")));

/* The public functions of the same meaning, for use inside the library. */

static inline ex_kind kind_of(ex e) {
  return (ex_kind)ex_node_kinds[hc_node_class(e)];
}

static inline bool is_leaf(ex e) { return kind_of(e) < EX_UNARY; }

/* Integers and fractions of any size, and doubles. */
static inline bool is_number(ex e) { return kind_of(e) <= EX_RAT; }

/* Of the built-in operators only; EX_NONE for terms. */
static inline ex_op op_of(ex e) {
  return kind_of(e) == EX_TERM ? EX_NONE : hc_tag(e);
}

/* The largest operator whose terms have it in the tag. */
enum { EX_TAGGED_OP = EX_OPS - 1 + HC_MAX_TAG };

/* The operator of a term. */
static inline ex_op term_op_of(ex e) {
  return hc_tag(e) > 0 ? EX_OPS - 1 + hc_tag(e) : (ex_op)hc_key(e)[0];
}

/* Key words before the operands. */
static inline size_t head_of(ex e) {
  return kind_of(e) >= EX_APPLY && hc_tag(e) == 0;
}

static inline size_t argc_of(ex e) {
  return is_leaf(e) ? 0 : hc_words(e) - head_of(e);
}

static inline ex arg_of(ex e, size_t i) {
  return (ex)hc_key(e)[i + head_of(e)];
}

/* In shape.c. Any thread; the first time it may take as long as a walk over what is
 * below, and up to 4 MB. */
uint64_t ex_node_shape(ex e);

/* An hc_revive_fn. */
void ex_node_forget_shape(void *node, void *closure);

static inline uint32_t ex_node_weight(uint64_t shape) {
  return (uint32_t)shape;
}

enum { EX_OPEN_MANY = 255 };

/* How many binders E wants around it; see above. */
static inline unsigned ex_node_open(ex e) {
  return (unsigned)(ex_node_shape(e) >> 32 & 255);
}

/* The node of a leaf kind with this key; NULL and ex_errno when too long. */
ex ex_node_leaf(ex_kind kind, const uintptr_t *key, size_t words);

/* The same if there is one, else NULL; ex_errno stays. */
ex ex_node_known_leaf(ex_kind kind, const uintptr_t *key, size_t words);

/* A term of an operator of the program, as it is. */
ex ex_node_term(ex_op op, const ex *args, size_t n);

/* E with these operands in the place of its own. */
ex ex_node_rebuild(ex e, const ex *args);

/* Sets ex_errno; NULL. */
ex ex_node_fail(ex_errcode code);

static inline bool ex_node_is_op(ex e, ex_op op) { return op_of(e) == op; }

#endif
