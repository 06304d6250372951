/* extra/hexpr/collect.c: sets, maps and bags. SPDX-License-Identifier: MIT */
#include "hexpr/collect.h"

#include "hexpr/seq.h"
#include "hexpr/trie.h"

#include <pthread.h>
#include <stdlib.h>

enum { SET, MAP, BAG, COLLECTIONS };

static struct ex_trie tries[COLLECTIONS]; /* [const] after set-up */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void set_up(void) {
  static const char *const names[COLLECTIONS][2] = {
      {"set_of", "set_fork"}, {"map_of", "map_fork"}, {"bag_of", "bag_fork"}};
  for (int i = 0; i < COLLECTIONS; i++) {
    tries[i].flat = ex_opdef(names[i][0], EX_NARY, 0);
    tries[i].fork = ex_opdef(names[i][1], 3, 0);
    tries[i].stride = i == SET ? 1 : 2;
  }
}

static const struct ex_trie *trie(int which) {
  pthread_once(&once, set_up);
  return &tries[which];
}

static bool is_defined(const struct ex_trie *t) {
  return t->flat != EX_NONE && t->fork != EX_NONE;
}

bool ex_collect_define(void) {
  return is_defined(trie(SET)) && is_defined(trie(MAP)) &&
         is_defined(trie(BAG)) && ex_seq_define();
}

/* The kind of collection that E is. */
static const struct ex_trie *trie_of(ex e) {
  for (int i = 0; e != NULL && i < COLLECTIONS; i++)
    if (is_defined(trie(i)) && ex_trie_is(trie(i), e))
      return trie(i);
  return NULL;
}

static bool is_a(int which, ex e) {
  return e != NULL && trie_of(e) == trie(which);
}

size_t ex_collect_size(ex collection) {
  const struct ex_trie *t = trie_of(collection);
  if (collection != NULL && ex_seq_is(collection))
    return ex_seq_size(collection);
  return t == NULL ? 0 : ex_trie_size(t, collection);
}

int ex_collect_each(ex collection, ex_entry_fn fn, void *cd) {
  const struct ex_trie *t = trie_of(collection);
  int answer = -1;
  if (t != NULL)
    answer = ex_trie_each(t, collection, fn, cd);
  else if (collection != NULL && ex_seq_is(collection))
    answer = ex_seq_each(collection, fn, cd);
  hc_keep(collection);
  return answer;
}

static ex merge(int which, ex a, ex b, const struct ex_trie_merge *how) {
  if (a == NULL || b == NULL)
    return NULL;
  if (!is_a(which, a) || !is_a(which, b))
    return ex_node_fail(EX_ETYPE);
  return ex_trie_merge(trie(which), a, b, how);
}

static ex empty(int which) {
  if (!is_defined(trie(which)))
    return ex_node_fail(EX_ETYPE);
  return ex_node_term(trie(which)->flat, NULL, 0);
}

static ex single(int which, ex key, ex value) {
  if (key == NULL || value == NULL)
    return NULL;
  if (!is_defined(trie(which)))
    return ex_node_fail(EX_ETYPE);
  return ex_trie_single(trie(which), key, value);
}

/* ---- Entries that both have ---- */

static ex take_a(ex a, ex b, bool *failed) {
  (void)b;
  (void)failed;
  return a;
}

static ex take_b(ex a, ex b, bool *failed) {
  (void)a;
  (void)failed;
  return b;
}

static ex take_none(ex a, ex b, bool *failed) {
  (void)a;
  (void)b;
  (void)failed;
  return NULL;
}

static ex refuse(bool *failed, ex_errcode code) {
  *failed = true;
  return ex_node_fail(code);
}

static bool are_counts(ex a, ex b) {
  return kind_of(a) == EX_INT && kind_of(b) == EX_INT;
}

static ex add_counts(ex a, ex b, bool *failed) {
  int64_t sum;
  if (!are_counts(a, b))
    return refuse(failed, EX_ETYPE);
  if (__builtin_add_overflow(ex_int_value(a), ex_int_value(b), &sum))
    return refuse(failed, EX_ELIMIT);
  a = ex_int(sum);
  *failed = *failed || a == NULL;
  return a;
}

static ex larger(ex a, ex b, bool *failed) {
  if (!are_counts(a, b))
    return refuse(failed, EX_ETYPE);
  return ex_int_value(a) > ex_int_value(b) ? a : b;
}

static ex smaller(ex a, ex b, bool *failed) {
  if (!are_counts(a, b))
    return refuse(failed, EX_ETYPE);
  return ex_int_value(a) < ex_int_value(b) ? a : b;
}

static ex less(ex a, ex b, bool *failed) {
  if (!are_counts(a, b))
    return refuse(failed, EX_ETYPE);
  if (ex_int_value(a) <= ex_int_value(b))
    return NULL;
  a = ex_int(ex_int_value(a) - ex_int_value(b));
  *failed = *failed || a == NULL;
  return a;
}

/* only A's, only B's, the same node, each, both */
static const struct ex_trie_merge set_union = {true, true, true, false, take_a};
static const struct ex_trie_merge map_union = {true, true, true, false, take_b};
static const struct ex_trie_merge common = {false, false, true, false, take_a};
static const struct ex_trie_merge without = {true, false, false, false,
                                             take_none};
static const struct ex_trie_merge sum = {true, true, false, true, add_counts};
static const struct ex_trie_merge most = {true, true, true, false, larger};
static const struct ex_trie_merge least = {false, false, true, false, smaller};
static const struct ex_trie_merge minus = {true, false, false, false, less};

/* ---- Sets ---- */

static int by_hash(const void *a, const void *b) {
  const struct ex_trie_entry *e = a;
  const struct ex_trie_entry *f = b;
  if (e->hash != f->hash)
    return e->hash < f->hash ? -1 : 1;
  return ex_compare(e->key, f->key);
}

/* The caller keeps the elements alive, so that the sort may have them anywhere.
 */
ex ex_set(const ex *elements, size_t n) {
  struct ex_trie_entry *e = malloc((n + 1) * sizeof *e);
  size_t kept = 0;
  ex made = NULL;
  bool whole = true;
  if (e == NULL)
    return ex_node_fail(EX_ENOMEM);
  for (size_t i = 0; i < n && whole; i++) {
    whole = elements[i] != NULL;
    if (whole)
      e[i] = (struct ex_trie_entry){ex_trie_hash(elements[i]), elements[i],
                                    elements[i]};
  }
  if (whole) {
    qsort(e, n, sizeof *e, by_hash);
    for (size_t i = 0; i < n; i++)
      if (kept == 0 || e[kept - 1].key != e[i].key)
        e[kept++] = e[i];
    made = is_defined(trie(SET)) ? ex_trie_build(trie(SET), e, kept)
                                 : ex_node_fail(EX_ETYPE);
  }
  free(e);
  return made;
}

bool ex_set_has(ex set, ex element) {
  return element != NULL && is_a(SET, set) &&
         ex_trie_get(trie(SET), set, element) != NULL;
}

ex ex_set_add(ex set, ex element) {
  return merge(SET, set, single(SET, element, element), &set_union);
}

ex ex_set_remove(ex set, ex element) {
  return merge(SET, set, single(SET, element, element), &without);
}

ex ex_set_union(ex a, ex b) { return merge(SET, a, b, &set_union); }

ex ex_set_intersection(ex a, ex b) { return merge(SET, a, b, &common); }

ex ex_set_difference(ex a, ex b) { return merge(SET, a, b, &without); }

/* ---- Maps ---- */

ex ex_map(void) { return empty(MAP); }

ex ex_map_get(ex map, ex key) {
  return key != NULL && is_a(MAP, map) ? ex_trie_get(trie(MAP), map, key)
                                       : NULL;
}

ex ex_map_put(ex map, ex key, ex value) {
  return merge(MAP, map, single(MAP, key, value), &map_union);
}

ex ex_map_remove(ex map, ex key) {
  return merge(MAP, map, single(MAP, key, key), &without);
}

ex ex_map_union(ex a, ex b) { return merge(MAP, a, b, &map_union); }

ex ex_map_intersection(ex a, ex b) { return merge(MAP, a, b, &common); }

ex ex_map_difference(ex a, ex b) { return merge(MAP, a, b, &without); }

/* ---- Bags ---- */

ex ex_bag(void) { return empty(BAG); }

int64_t ex_bag_count(ex bag, ex element) {
  ex n = element != NULL && is_a(BAG, bag)
             ? ex_trie_get(trie(BAG), bag, element)
             : NULL;
  return n != NULL && kind_of(n) == EX_INT ? ex_int_value(n) : 0;
}

ex ex_bag_add(ex bag, ex element, int64_t n) {
  if (bag == NULL || element == NULL)
    return NULL;
  if (n == INT64_MIN)
    return ex_node_fail(EX_ELIMIT);
  if (n == 0)
    return is_a(BAG, bag) ? bag : ex_node_fail(EX_ETYPE);
  return merge(BAG, bag, single(BAG, element, ex_int(n < 0 ? -n : n)),
               n < 0 ? &minus : &sum);
}

ex ex_bag_sum(ex a, ex b) { return merge(BAG, a, b, &sum); }

ex ex_bag_union(ex a, ex b) { return merge(BAG, a, b, &most); }

ex ex_bag_intersection(ex a, ex b) { return merge(BAG, a, b, &least); }

ex ex_bag_difference(ex a, ex b) { return merge(BAG, a, b, &minus); }
