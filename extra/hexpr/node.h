/* extra/hexpr/node.h: how expressions lie in hash-consed nodes. SPDX-License-Identifier: MIT */
/* Key words: an integer or the bits of a double; a name padded with zero bytes
 * to whole words, at least one of them zero; the operands, with the operator as
 * the tag; for an application the name symbol and then the arguments.
 *
 * Compound nodes have one extra word, the shape: the tree size in the low half,
 * saturating, and a hash of the structure above, with the top bit set so that
 * the word is no address. It depends on names and values, never on addresses,
 * which makes ex_compare the same in every run. */
#ifndef HEXPR_NODE_H
#define HEXPR_NODE_H

#include "hexpr/hexpr.h"

/* The kind of every class number. [const] after set-up */
extern uint8_t ex_node_kinds[HC_MAX_CLASSES + 1];

/* The public functions of the same meaning, for use inside the library. */

static inline ex_kind kind_of(ex e) {
  return (ex_kind)ex_node_kinds[hc_node_class(e)];
}

static inline ex_op op_of(ex e) { return (ex_op)hc_tag(e); }

static inline size_t argc_of(ex e) {
  if (kind_of(e) <= EX_SYM)
    return 0;
  return hc_words(e) - (kind_of(e) == EX_APPLY);
}

static inline ex arg_of(ex e, size_t i) {
  return (ex)hc_key(e)[i + (kind_of(e) == EX_APPLY)];
}

uint64_t ex_node_shape(ex e);

static inline uint32_t ex_node_weight(uint64_t shape) {
  return (uint32_t)shape;
}

/* E with these operands in the place of its own. */
ex ex_node_rebuild(ex e, const ex *args);

static inline bool ex_node_is_op(ex e, ex_op op) { return op_of(e) == op; }

#endif
