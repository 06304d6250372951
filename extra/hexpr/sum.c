/* extra/hexpr/sum.c: canonical sums. SPDX-License-Identifier: MIT */
/* See canon.h for the form. */
#include "hexpr/canon.h"
#include "hexpr/node.h"

static bool is_sum(ex e) {
  return ex_node_is_op(e, EX_ADD) || ex_node_is_op(e, EX_SUB);
}

static bool is_short(ex e) {
  int links = 0;
  for (; is_sum(e); e = arg_of(e, 0))
    if (++links > CANON_LIMIT)
      return false;
  return true;
}

/* A number that overflows stays in its term, which then counts as opaque. */
static void add_term(struct ex_terms *sum, ex e, struct ex_num factor) {
  struct ex_num number;
  ex rest = ex_product_split(e, &number);
  if (ex_num_mul(number, factor, &number))
    ex_terms_add(sum, rest, number);
  else
    ex_terms_add(sum, e, factor);
}

void ex_sum_add(struct ex_terms *sum, ex e, struct ex_num factor) {
  struct ex_num minus;
  if (!is_short(e) || !ex_num_neg(factor, &minus)) {
    ex_terms_add(sum, e, factor);
    return;
  }
  for (; is_sum(e); e = arg_of(e, 0))
    add_term(sum, arg_of(e, 1), op_of(e) == EX_SUB ? minus : factor);
  add_term(sum, e, factor);
}

static ex term_node(const struct ex_term *term, struct ex_num number) {
  if (term->base == NULL)
    return ex_num_node(number);
  return ex_product_scale(term->base, number);
}

static ex append(ex chain, const struct ex_term *term) {
  struct ex_num minus;
  if (chain == NULL)
    return term_node(term, term->num);
  if (ex_num_is_negative(term->num) && ex_num_neg(term->num, &minus))
    return ex_binary(EX_SUB, chain, term_node(term, minus));
  return ex_binary(EX_ADD, chain, term_node(term, term->num));
}

/* Multiples of whole sums are taken apart; true when there was one. A sum that
 * is too long, or whose multiple overflows, would come back as it was. */
static bool unfold(struct ex_terms *sum) {
  size_t n = sum->n;
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    struct ex_term t = sum->at[i];
    struct ex_num minus;
    if (t.base != NULL && is_sum(t.base) && is_short(t.base) &&
        ex_num_neg(t.num, &minus))
      ex_sum_add(sum, t.base, t.num);
    else
      sum->at[kept++] = t;
  }
  if (kept == n)
    return false;
  for (size_t i = n; i < sum->n; i++)
    sum->at[kept++] = sum->at[i];
  sum->n = kept;
  return true;
}

static void settle(struct ex_terms *sum) {
  do
    ex_terms_merge(sum);
  while (unfold(sum) && !sum->failed);
}

ex ex_sum_finish(struct ex_terms *sum) {
  ex chain = NULL;
  bool ok;
  settle(sum);
  ok = !sum->failed;
  for (size_t i = 0; ok && i < sum->n; i++) {
    if (ex_num_is(sum->at[i].num, 0))
      continue;
    chain = append(chain, &sum->at[i]);
    ok = chain != NULL;
  }
  sum->n = 0;
  if (!ok)
    return NULL;
  return chain == NULL ? ex_int(0) : chain;
}
