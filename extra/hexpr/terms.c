/* extra/hexpr/terms.c: the list of terms, its sort and its merge. SPDX-License-Identifier: MIT */
#include "hexpr/terms.h"

#include <string.h>

enum { SHORT_LIST = 12 };

void ex_terms_add(struct ex_terms *t, ex base, struct ex_num num) {
  if (t->n == t->room) {
    size_t room = t->room == 0 ? 16 : 2 * t->room;
    struct ex_term *bigger = hc_scanned_alloc(room * sizeof *bigger);
    if (bigger == NULL) {
      t->failed = true;
      return;
    }
    if (t->at != NULL) {
      memcpy(bigger, t->at, t->n * sizeof *bigger);
      hc_scanned_free(t->at);
    }
    t->at = bigger;
    t->room = room;
  }
  t->at[t->n++] = (struct ex_term){base, num};
}

void ex_terms_drop(struct ex_terms *t) {
  if (t->at != NULL)
    hc_scanned_free(t->at);
  *t = (struct ex_terms){0};
}

static bool is_before(const struct ex_term *a, const struct ex_term *b) {
  if (a->base == NULL || b->base == NULL)
    return a->base != NULL && !b->base;
  return ex_compare(a->base, b->base) < 0;
}

static void sort_short(struct ex_terms *t) {
  for (size_t i = 1; i < t->n; i++) {
    struct ex_term moving = t->at[i];
    size_t k = i;
    for (; k > 0 && is_before(&moving, &t->at[k - 1]); k--)
      t->at[k] = t->at[k - 1];
    t->at[k] = moving;
  }
}

static void swap(struct ex_term *a, struct ex_term *b) {
  struct ex_term kept = *a;
  *a = *b;
  *b = kept;
}

static void sift_down(struct ex_term *at, size_t i, size_t n) {
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= n)
      return;
    if (child + 1 < n && is_before(&at[child], &at[child + 1]))
      child++;
    if (!is_before(&at[i], &at[child]))
      return;
    swap(&at[i], &at[child]);
    i = child;
  }
}

static void sort_long(struct ex_terms *t) {
  for (size_t i = t->n / 2; i-- > 0;)
    sift_down(t->at, i, t->n);
  for (size_t n = t->n; n-- > 1;) {
    swap(&t->at[0], &t->at[n]);
    sift_down(t->at, 0, n);
  }
}

/* Numbers that do not fit when added stay two terms. */
void ex_terms_merge(struct ex_terms *t) {
  size_t kept = 0;
  if (t->n <= SHORT_LIST)
    sort_short(t);
  else
    sort_long(t);
  for (size_t i = 0; i < t->n; i++) {
    struct ex_term *last = kept > 0 ? &t->at[kept - 1] : NULL;
    if (last != NULL && last->base == t->at[i].base &&
        ex_num_add(last->num, t->at[i].num, &last->num))
      continue;
    t->at[kept++] = t->at[i];
  }
  t->n = kept;
}
