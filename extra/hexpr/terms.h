/* extra/hexpr/terms.h: collecting like terms and like factors. SPDX-License-Identifier: MIT */
/* A list of (base, number) pairs stands for a sum of multiples or a product of
 * powers.  ex_terms_merge sorts it by base and adds up the numbers of equal
 * ones; a base of NULL is the constant term and comes last.
 *
 * Bases may be new nodes that nothing else refers to, so the list lies in
 * scanned memory, and sorting is in place: a library sort might keep them in
 * memory that is not scanned while another thread collects. */
#ifndef HEXPR_TERMS_H
#define HEXPR_TERMS_H

#include "hexpr/num.h"

struct ex_term {
  ex base;
  struct ex_num num;
};

struct ex_terms {
  struct ex_term *at; /* scanned */
  size_t n;
  size_t room;
  bool failed; /* out of memory */
};

void ex_terms_add(struct ex_terms *t, ex base, struct ex_num num);
void ex_terms_merge(struct ex_terms *t);
void ex_terms_drop(struct ex_terms *t);

#endif
