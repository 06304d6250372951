/* extra/hexpr/big.h: natural numbers of any size, for counting. SPDX-License-Identifier: MIT */
/* Just enough for tree sizes: add and print. A number below 2^64 needs no
 * memory of its own; a zeroed struct is 0. */
#ifndef HEXPR_BIG_H
#define HEXPR_BIG_H

#include <gmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ex_big {
  uint64_t low;   /* the value when `limb` is NULL */
  uint64_t *limb; /* else `n` limbs, lowest first */
  size_t n;
};

/* A += B. False without memory; A is then unchanged. */
bool ex_big_add(struct ex_big *a, const struct ex_big *b);
bool ex_big_add_small(struct ex_big *a, uint64_t b);
void ex_big_drop(struct ex_big *a);

/* OUT is initialised. */
void ex_big_get(const struct ex_big *a, mpz_ptr out);

/* A malloc'ed decimal string, or NULL. */
char *ex_big_string(const struct ex_big *a);

#endif
