/* extra/hexpr/pairs.h: a worklist of pairs, each taken once. SPDX-License-Identifier: MIT */
/* Two expressions are compared pair by pair; remembering the pairs that were
 * ever pushed keeps that linear in their number where trees would be
 * exponential. */
#ifndef HEXPR_PAIRS_H
#define HEXPR_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ex_pair {
  uint32_t a;
  uint32_t b;
};

struct ex_pairs {
  struct ex_pair *todo;
  size_t n;
  size_t room;
  struct ex_pair *seen; /* a pair of 0, 0 is an empty slot */
  size_t used;
  unsigned bits;
};

/* Pushes the pair unless it was pushed before; false without memory. The
 * numbers may be anything below UINT32_MAX. */
bool ex_pairs_push(struct ex_pairs *p, uint32_t a, uint32_t b);
bool ex_pairs_pop(struct ex_pairs *p, struct ex_pair *out);
void ex_pairs_drop(struct ex_pairs *p);

#endif
