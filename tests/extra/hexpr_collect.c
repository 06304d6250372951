/* tests/extra/hexpr_collect.c: sets, maps and bags as expressions. SPDX-License-Identifier: MIT */
/* The oracle is an array by number of the element; what is made in random order
 * must be the node that is made from the array in order. */
#include <hexpr/collect.h>

#include "lib/tap.h"

#include <stdlib.h>
#include <string.h>

enum { UNIVERSE = 300 };

/* Numbers, symbols, compounds, sets, and terms that differ far to the right, so
 * that only few bits of their hash differ. */
static ex element(int i) {
  char name[16];
  ex args[12];
  snprintf(name, sizeof name, "k%d", i);
  switch (i % 5) {
  case 0:
    return ex_int(i);
  case 1:
    return ex_sym(name);
  case 2:
    return ex_binary(EX_ADD, ex_sym(name), ex_int(i));
  case 3:
    args[0] = ex_int(i);
    args[1] = ex_sym(name);
    return ex_set(args, 2);
  default:
    for (int k = 0; k < 11; k++)
      args[k] = ex_int(0);
    args[11] = ex_sym(name);
    return ex_apply(ex_sym("far"), args, 12);
  }
}

struct universe {
  ex at[UNIVERSE];
};

static struct universe *make_universe(void) {
  struct universe *u = hc_scanned_alloc(sizeof *u);
  for (int i = 0; i < UNIVERSE; i++)
    tap_require((u->at[i] = element(i)) != NULL);
  return u;
}

/* ---- Sets ---- */

static ex set_of(const struct universe *u, const bool *in) {
  ex *list = hc_scanned_alloc((UNIVERSE + 1) * sizeof *list);
  size_t n = 0;
  for (int i = 0; i < UNIVERSE; i++)
    if (in[i])
      list[n++] = u->at[i];
  ex s = ex_set(list, n);
  tap_require(s != NULL && ex_collect_size(s) == n);
  hc_scanned_free(list);
  return s;
}

static void sets_are_what_is_in_them(void) {
  uint64_t random = tap_seed();
  struct universe *u = make_universe();
  for (int round = 0; round < 30; round++) {
    bool in[UNIVERSE] = {false};
    int range = 1 + (int)(tap_rand_r(&random) % UNIVERSE);
    ex s = ex_set(NULL, 0);
    for (int step = 0; step < 3 * range; step++) {
      uint64_t r = tap_rand_r(&random);
      int i = (int)((r >> 8) % (uint64_t)range);
      in[i] = r % 3 != 0;
      s = in[i] ? ex_set_add(s, u->at[i]) : ex_set_remove(s, u->at[i]);
      tap_require(s != NULL && ex_set_has(s, u->at[i]) == in[i]);
    }
    tap_require(s == set_of(u, in));
    for (int i = 0; i < UNIVERSE; i++)
      tap_require(ex_set_has(s, u->at[i]) == in[i]);
  }
}

static void sets_together(void) {
  uint64_t random = tap_seed();
  struct universe *u = make_universe();
  for (int round = 0; round < 400; round++) {
    bool a[UNIVERSE];
    bool b[UNIVERSE];
    bool all[UNIVERSE];
    bool both[UNIVERSE];
    bool only[UNIVERSE];
    uint64_t dense = 1 + tap_rand_r(&random) % 40;
    uint64_t other = 1 + tap_rand_r(&random) % 40;
    bool close = round % 3 == 0;
    for (int i = 0; i < UNIVERSE; i++) {
      a[i] = tap_rand_r(&random) % dense == 0;
      b[i] = tap_rand_r(&random) % (close ? 50 : other) == 0;
      if (close)
        b[i] = a[i] != b[i];
      all[i] = a[i] || b[i];
      both[i] = a[i] && b[i];
      only[i] = a[i] && !b[i];
    }
    ex s = set_of(u, a);
    ex t = set_of(u, b);
    tap_require(ex_set_union(s, t) == set_of(u, all));
    tap_require(ex_set_intersection(s, t) == set_of(u, both));
    tap_require(ex_set_difference(s, t) == set_of(u, only));
    tap_require(ex_set_union(s, s) == s);
    tap_require(ex_collect_size(ex_set_difference(s, s)) == 0);
  }
}

struct seen {
  ex set;
  size_t n;
};

static int count(ex key, ex value, void *cd) {
  struct seen *s = cd;
  tap_require(value == NULL && ex_set_has(s->set, key));
  return ++s->n == 7 ? 42 : 0;
}

static void entries_are_told_once(void) {
  struct universe *u = make_universe();
  bool in[UNIVERSE] = {false};
  for (int i = 0; i < 6; i++)
    in[i] = true;
  struct seen s = {set_of(u, in), 0};
  tap_eq_u(ex_collect_each(s.set, count, &s), 0);
  tap_eq_u(s.n, 6);
  s.n = 0;
  for (int i = 0; i < UNIVERSE; i++)
    in[i] = true;
  s.set = set_of(u, in);
  tap_eq_u(ex_collect_each(s.set, count, &s), 42);
  s.n = 8;
  tap_eq_u(ex_collect_each(s.set, count, &s), 0);
  tap_eq_u(s.n, UNIVERSE + 8);
  tap_check(ex_collect_each(ex_int(1), count, &s) == -1);
}

/* So many that some of the terms share their hash. */
static void hashes_collide(void) {
  enum { N = 30000 };
  ex *list = hc_scanned_alloc(N * sizeof *list);
  ex forward = ex_set(NULL, 0);
  for (int i = 0; i < N; i++) {
    list[i] = element(5 * i + 4);
    forward = ex_set_add(forward, list[i]);
  }
  tap_eq_p(forward, ex_set(list, N));
  tap_eq_u(ex_collect_size(forward), N);
  ex half = ex_set(list, N / 2);
  ex rest = ex_set_difference(forward, half);
  tap_eq_p(rest, ex_set(list + N / 2, N / 2));
  tap_eq_p(ex_set_union(rest, half), forward);
  for (int i = N; i-- > 1;)
    forward = ex_set_remove(forward, list[i]);
  tap_eq_p(forward, ex_set(list, 1));
  hc_scanned_free(list);
}

static void text_keeps_them(void) {
  struct universe *u = make_universe();
  bool in[UNIVERSE];
  ex_error error;
  for (int i = 0; i < UNIVERSE; i++)
    in[i] = i % 3 == 0;
  ex s = set_of(u, in);
  char *text = ex_sexpr_string(s, 1000000);
  tap_require(text != NULL);
  tap_eq_p(ex_read_sexpr(text, strlen(text), NULL, &error), s);
  free(text);
}

/* ---- Maps and bags ---- */

static ex map_of(const struct universe *u, const int *value) {
  ex m = ex_map();
  for (int i = UNIVERSE; i-- > 0;)
    if (value[i] != 0)
      m = ex_map_put(m, u->at[i], ex_int(value[i]));
  tap_require(m != NULL);
  return m;
}

static void maps(void) {
  uint64_t random = tap_seed();
  struct universe *u = make_universe();
  for (int round = 0; round < 60; round++) {
    int a[UNIVERSE] = {0};
    int b[UNIVERSE] = {0};
    int all[UNIVERSE];
    int both[UNIVERSE];
    int only[UNIVERSE];
    int range = 1 + (int)(tap_rand_r(&random) % UNIVERSE);
    ex m = ex_map();
    for (int step = 0; step < range; step++) {
      uint64_t r = tap_rand_r(&random);
      int i = (int)((r >> 16) % (uint64_t)range);
      a[i] = (int)(r % 4);
      m = a[i] != 0 ? ex_map_put(m, u->at[i], ex_int(a[i]))
                    : ex_map_remove(m, u->at[i]);
      b[(r >> 40) % UNIVERSE] = (int)(r >> 8 & 3);
    }
    ex n = map_of(u, b);
    tap_require(m == map_of(u, a));
    for (int i = 0; i < UNIVERSE; i++) {
      tap_require(ex_map_get(m, u->at[i]) == (a[i] == 0 ? NULL : ex_int(a[i])));
      all[i] = b[i] != 0 ? b[i] : a[i];
      both[i] = b[i] != 0 ? a[i] : 0;
      only[i] = b[i] != 0 ? 0 : a[i];
    }
    tap_require(ex_map_union(m, n) == map_of(u, all));
    tap_require(ex_map_intersection(m, n) == map_of(u, both));
    tap_require(ex_map_difference(m, n) == map_of(u, only));
  }
}

static ex bag_of(const struct universe *u, const int *n) {
  ex b = ex_bag();
  for (int i = 0; i < UNIVERSE; i++)
    b = ex_bag_add(b, u->at[i], n[i]);
  tap_require(b != NULL);
  return b;
}

static void bags(void) {
  uint64_t random = tap_seed();
  struct universe *u = make_universe();
  for (int round = 0; round < 60; round++) {
    int a[UNIVERSE] = {0};
    int b[UNIVERSE];
    int result[4][UNIVERSE];
    int range = 1 + (int)(tap_rand_r(&random) % UNIVERSE);
    ex bag = ex_bag();
    for (int step = 0; step < 2 * range; step++) {
      uint64_t r = tap_rand_r(&random);
      int i = (int)((r >> 16) % (uint64_t)range);
      int by = (int)(r % 7) - 3;
      a[i] = a[i] + by > 0 ? a[i] + by : 0;
      bag = ex_bag_add(bag, u->at[i], by);
    }
    tap_require(bag == bag_of(u, a));
    for (int i = 0; i < UNIVERSE; i++) {
      b[i] = (int)(tap_rand_r(&random) % 4);
      tap_require(ex_bag_count(bag, u->at[i]) == a[i]);
      result[0][i] = a[i] + b[i];
      result[1][i] = a[i] > b[i] ? a[i] : b[i];
      result[2][i] = a[i] < b[i] ? a[i] : b[i];
      result[3][i] = a[i] > b[i] ? a[i] - b[i] : 0;
    }
    ex other = bag_of(u, b);
    tap_require(ex_bag_sum(bag, other) == bag_of(u, result[0]));
    tap_require(ex_bag_union(bag, other) == bag_of(u, result[1]));
    tap_require(ex_bag_intersection(bag, other) == bag_of(u, result[2]));
    tap_require(ex_bag_difference(bag, other) == bag_of(u, result[3]));
    tap_require(ex_bag_sum(bag, bag) == ex_bag_sum(bag_of(u, a), bag));
  }
}

/* ---- What is none ---- */

static void wrong_arguments(void) {
  ex set = ex_set(NULL, 0);
  ex bag = ex_bag();
  ex_errno = EX_OK;
  tap_check(ex_set_add(set, NULL) == NULL && ex_set_add(NULL, set) == NULL);
  tap_eq_u(ex_errno, EX_OK);
  tap_check(ex_set_add(bag, set) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_check(ex_set_union(set, ex_int(1)) == NULL);
  tap_check(!ex_set_has(ex_int(1), set));
  tap_eq_u(ex_collect_size(ex_int(1)), 0);
  bag = ex_bag_add(bag, set, INT64_MAX);
  tap_check(ex_bag_add(bag, set, 1) == NULL);
  tap_eq_u(ex_errno, EX_ELIMIT);
  tap_check(ex_bag_add(bag, set, -1) != NULL);
}

static const ex *pool_of_nine(void) {
  ex *list = hc_scanned_alloc(9 * sizeof *list);
  for (int i = 0; i < 9; i++)
    list[i] = element(i);
  return list;
}

static int any(ex key, ex value, void *cd) {
  (void)cd;
  return key == value;
}

/* Put together by hand, at random: anything may come out, but it comes out. */
static void forged_ones_do_no_harm(void) {
  uint64_t random = tap_seed();
  int refused = 0;
  tap_require(ex_collect_define());
  ex_op ops[] = {ex_op_find("set_of", 2), ex_op_find("set_fork", 3)};
  for (int i = 0; i < 20000; i++) {
    ex pool[6];
    for (int k = 0; k < 6; k++)
      pool[k] = element((int)(tap_rand_r(&random) % UNIVERSE));
    for (int k = 0; k < 12; k++) {
      uint64_t r = tap_rand_r(&random);
      ex args[3] = {ex_int((int64_t)(r >> 20) % 1000 - 5), pool[r % 6],
                    pool[(r >> 4) % 6]};
      pool[(r >> 8) % 6] =
          r % 2 ? ex_n(ops[1], args, 3) : ex_n(ops[0], args + 1, 2);
    }
    refused += ex_set_union(pool[0], pool[1]) == NULL;
    ex_set_difference(pool[2], pool[3]);
    ex_set_add(pool[4], pool[5]);
    ex_set_has(pool[4], pool[5]);
    ex_collect_size(pool[5]);
  }
  tap_ge(refused, 100);
  /* A graph of 64 forks that claims to be a trie of 2^60 entries. */
  ex shared = ex_set(pool_of_nine(), 9);
  ex again = ex_set_add(shared, ex_sym("another"));
  for (int i = 60; i-- > 0;) {
    shared = ex_3(ops[1], ex_int(640 + i), shared, shared);
    again = ex_3(ops[1], ex_int(640 + i), again, again);
  }
  tap_check(ex_set_union(shared, again) == NULL);
  tap_check(ex_collect_each(shared, any, NULL) == -1);
  ex deep = ex_set(NULL, 0);
  for (int i = 0; i < 300000; i++)
    deep = ex_3(ops[1], ex_int(640 + i % 64), deep, deep);
  tap_check(ex_set_add(deep, ex_int(1)) == NULL);
  tap_check(!ex_set_has(deep, ex_int(1)));
}

TAP_MAIN(TAP_CASE(sets_are_what_is_in_them), TAP_CASE(sets_together),
         TAP_CASE(entries_are_told_once), TAP_CASE_T(hashes_collide, 120),
         TAP_CASE(text_keeps_them), TAP_CASE(maps), TAP_CASE(bags),
         TAP_CASE(wrong_arguments), TAP_CASE(forged_ones_do_no_harm))
