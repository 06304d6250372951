/* tests/extra/hexpr_seq.c: sequences as expressions. SPDX-License-Identifier: MIT */
/* The oracle is an array of elements; what is put together in any way must be the node
 * that is made from the array at once. */
#include <hexpr/collect.h>

#include "lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4000 };

struct oracle {
  ex at[MOST];
  size_t n;
};

static struct oracle *new_oracle(void) {
  return hc_scanned_alloc(sizeof(struct oracle));
}

static ex node_of(const struct oracle *o) {
  ex s = ex_seq(o->at, o->n);
  tap_require(s != NULL && ex_collect_size(s) == o->n);
  return s;
}

/* Elements of few or many kinds, in runs, periods or rising stretches. */
static ex element(uint64_t *random, unsigned style, size_t i) {
  uint64_t r = tap_rand_r(random);
  char name[16];
  switch (style % 5) {
  case 0:
    return ex_int((int64_t)(r % 1000000));
  case 1: /* runs */
    return ex_int(r % 16 == 0 ? (int64_t)(r >> 8 & 3) : 1);
  case 2: /* periods */
    snprintf(name, sizeof name, "p%d", (int)(i % (2 + style % 3)));
    return ex_sym(name);
  case 3:
    return ex_int((int64_t)i);
  default: /* such that only few bits of their hash differ */
    snprintf(name, sizeof name, "k%d", (int)(r % 100));
    return ex_apply(ex_sym("far"),
                    (ex[]){ex_int(0), ex_int(0), ex_int(0), ex_int(0),
                           ex_int(0), ex_int(0), ex_int(0), ex_int(0),
                           ex_int(0), ex_sym(name)},
                    10);
  }
}

static void fill(struct oracle *o, uint64_t *random, size_t n) {
  unsigned style = (unsigned)(tap_rand_r(random) % 30);
  for (o->n = 0; o->n < n; o->n++)
    o->at[o->n] = element(random, style, o->n);
}

static struct oracle *some(uint64_t *random, size_t most) {
  struct oracle *o = new_oracle();
  size_t n = tap_rand_r(random) % 3 == 0 ? most : 40;
  fill(o, random, tap_rand_r(random) % (n + 1));
  return o;
}

/* O with WITH in the place of the elements from FROM on and before TO. */
static void splice(struct oracle *o, size_t from, size_t to,
                   const struct oracle *with) {
  tap_require(o->n + with->n <= MOST);
  memmove(o->at + from + with->n, o->at + to, (o->n - to) * sizeof o->at[0]);
  memcpy(o->at + from, with->at, with->n * sizeof o->at[0]);
  o->n = o->n - (to - from) + with->n;
}

static void elements_are_found(void) {
  uint64_t random = tap_seed();
  for (int round = 0; round < 60; round++) {
    struct oracle *o = some(&random, 1500);
    ex s = node_of(o);
    for (size_t i = 0; i < o->n; i++)
      tap_require(ex_seq_get(s, i) == o->at[i]);
    ex_errno = EX_OK;
    tap_check(ex_seq_get(s, o->n) == NULL && ex_errno == EX_EARITY);
    hc_scanned_free(o);
  }
}

static void parts_and_wholes(void) {
  uint64_t random = tap_seed();
  for (int round = 0; round < 400; round++) {
    struct oracle *a = some(&random, MOST / 2);
    struct oracle *b = some(&random, MOST / 2);
    ex s = node_of(a);
    ex t = node_of(b);
    size_t n = a->n;
    splice(a, a->n, a->n, b);
    ex both = node_of(a);
    tap_require(ex_seq_concat(s, t) == both);
    tap_require(ex_seq_slice(both, 0, n) == s);
    tap_require(ex_seq_slice(both, n, a->n) == t);
    for (int i = 0; i < 10; i++) {
      size_t to = tap_rand_r(&random) % (a->n + 1);
      size_t from = tap_rand_r(&random) % (to + 1);
      tap_require(ex_seq_slice(both, from, to) ==
                  ex_seq(a->at + from, to - from));
    }
    hc_scanned_free(a);
    hc_scanned_free(b);
  }
}

static void edits(void) {
  uint64_t random = tap_seed();
  for (int round = 0; round < 25; round++) {
    struct oracle *o = some(&random, MOST / 2);
    ex s = node_of(o);
    for (int step = 0; step < 60; step++) {
      struct oracle *with = some(&random, 30);
      size_t from = tap_rand_r(&random) % (o->n + 1);
      size_t most = o->n - from < 50 ? o->n - from : 50;
      size_t to = from + tap_rand_r(&random) % (most + 1);
      if (tap_rand_r(&random) % 4 == 0)
        to = from + with->n < o->n ? from + with->n : o->n;
      ex put = node_of(with);
      if (o->n + with->n <= MOST) {
        s = ex_seq_splice(s, from, to, put);
        splice(o, from, to, with);
        tap_require(s == node_of(o));
      }
      hc_scanned_free(with);
    }
    hc_scanned_free(o);
  }
}

/* ---- Cost ---- */

/* A change in a long sequence makes few nodes, and so does one of great length. */
static void little_is_made(void) {
  enum { N = 100000, EDITS = 1000 };
  ex *list = hc_scanned_alloc(N * sizeof *list);
  hc_stats before;
  hc_stats after;
  for (int i = 0; i < N; i++)
    list[i] = ex_int((int64_t)i * i % 7919);
  ex s = ex_seq(list, N);
  ex x = ex_seq((ex[]){ex_sym("x")}, 1);
  hc_get_stats(ex_table(), &before);
  for (int i = 0; i < EDITS; i++)
    s = ex_seq_splice(s, (size_t)i * 97, (size_t)i * 97 + 1, x);
  hc_get_stats(ex_table(), &after);
  tap_note("%.1f nodes made a change",
           (double)(after.made - before.made) / EDITS);
  tap_le(after.made - before.made, 150 * EDITS);
  for (int i = 0; i < EDITS; i++)
    list[i * 97] = ex_sym("x");
  tap_eq_p(s, ex_seq(list, N));
  hc_scanned_free(list);
}

static void great_lengths(void) {
  ex abc[3] = {ex_sym("a"), ex_sym("b"), ex_sym("c")};
  ex s = ex_seq(abc, 3);
  ex other = ex_seq(NULL, 0);
  for (int i = 0; i < 50; i++)
    tap_require((s = ex_seq_concat(s, s)) != NULL);
  size_t n = ex_collect_size(s);
  tap_check(n == (size_t)3 << 50);
  tap_le(ex_dag_size(s), 200);
  tap_eq_p(ex_seq_get(s, n / 3), abc[n / 3 % 3]);
  tap_eq_p(ex_seq_get(s, n - 1), abc[2]);
  for (size_t at = 0, step = 1; at < n; at += step, step *= 7) {
    size_t end = at + step < n ? at + step : n;
    other = ex_seq_concat(other, ex_seq_slice(s, at, end));
  }
  tap_eq_p(other, s);
  for (int i = 0; i < 10 && s != NULL; i++)
    s = ex_seq_concat(s, s);
  tap_check(s == NULL && ex_errno == EX_ELIMIT);
}

struct walk {
  const struct oracle *o;
  size_t i;
};

static int compare_next(ex key, ex value, void *cd) {
  struct walk *w = cd;
  tap_require(value == NULL && w->i < w->o->n && w->o->at[w->i] == key);
  return ++w->i == 1000 ? 42 : 0;
}

static void each_in_order(void) {
  uint64_t random = tap_seed();
  for (int round = 0; round < 30; round++) {
    struct oracle *o = some(&random, 1500);
    struct walk w = {o, 0};
    ex s = node_of(o);
    tap_eq_u(ex_collect_each(s, compare_next, &w), o->n >= 1000 ? 42 : 0);
    tap_eq_u(w.i, o->n < 1000 ? o->n : 1000);
    hc_scanned_free(o);
  }
}

/* ---- Other collections, text, files ---- */

static void elements_of_any_kind(void) {
  ex_op run = EX_NONE;
  ex s = ex_seq(NULL, 0);
  tap_require(ex_collect_define());
  run = ex_op_find("seq_run", 2);
  /* Three times x, and three x. */
  ex odd = ex_2(run, ex_int(3), ex_sym("x"));
  ex list[12];
  for (int i = 0; i < 12; i++)
    list[i] = i == 3 || i > 9 ? odd : ex_sym("x");
  ex t = ex_seq(list, 12);
  tap_eq_u(ex_collect_size(t), 12);
  for (size_t i = 0; i < 12; i++)
    tap_eq_p(ex_seq_get(t, i), list[i]);
  tap_eq_p(ex_seq_get(ex_seq(list + 3, 1), 0), odd);
  list[0] = s;
  list[1] = t;
  t = ex_seq(list, 2);
  tap_eq_p(ex_seq_get(t, 0), s);
  tap_check(ex_set_has(ex_set(&t, 1), t));
}

static void all_formats(void) {
  uint64_t random = tap_seed();
  tap_require(ex_collect_define());
  for (int round = 0; round < 20; round++) {
    struct oracle *o = some(&random, 700);
    ex s = node_of(o);
    ex_error error;
    char *text = ex_sexpr_string(s, 1000000);
    tap_require(text != NULL);
    tap_eq_p(ex_read_sexpr(text, strlen(text), NULL, &error), s);
    free(text);
    text = ex_string(s, 1000000);
    tap_require(text != NULL);
    tap_eq_p(ex_parse(text, strlen(text), &error), s);
    free(text);
    text = ex_shared_string(s, 0, 1000000);
    tap_require(text != NULL);
    tap_eq_p(ex_parse(text, strlen(text), &error), s);
    free(text);
    FILE *file = tmpfile();
    size_t n = 0;
    tap_require(file != NULL && ex_write(&s, 1, file));
    rewind(file);
    ex *back = ex_read(file, NULL, &n, &error);
    tap_require(back != NULL && n == 1);
    tap_eq_p(back[0], s);
    hc_scanned_free(back);
    fclose(file);
    hc_scanned_free(o);
  }
}

/* The form is part of files, so it may not change from run to run or from one
 * version to the next. */
static void the_form_stays(void) {
  ex list[40];
  for (int i = 0; i < 40; i++)
    list[i] = ex_int(i < 30 ? i * i % 11 : 7);
  char *text = ex_string(ex_seq(list, 5), 10000);
  tap_eq_s(text, "seq_of(0, 1, 4, 9, 5)");
  free(text);
  text = ex_string(ex_seq(list + 16, 24), 10000);
  tap_eq_s(text, "seq_fork(1537, seq_fork(256, seq_run(2, 3), 5, 9), "
                 "seq_fork(128, 4, 1), seq_fork(128, 0, 1), seq_fork(192, 4, "
                 "9, 5), seq_fork(832, seq_run(2, 3), 5, seq_run(10, 7)))");
  free(text);
}

/* ---- What is none ---- */

static void wrong_arguments(void) {
  ex s = ex_seq((ex[]){ex_int(1), ex_int(2)}, 2);
  ex_errno = EX_OK;
  tap_check(ex_seq_concat(s, NULL) == NULL && ex_seq_concat(NULL, s) == NULL);
  tap_check(ex_seq((ex[]){s, NULL}, 2) == NULL);
  tap_eq_u(ex_errno, EX_OK);
  tap_check(ex_seq_concat(s, ex_int(1)) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_check(ex_seq_concat(ex_set(NULL, 0), s) == NULL);
  ex_errno = EX_OK;
  tap_check(ex_seq_slice(s, 1, 3) == NULL);
  tap_eq_u(ex_errno, EX_EARITY);
  tap_check(ex_seq_slice(s, 2, 1) == NULL);
  tap_check(ex_seq_splice(s, 0, 3, s) == NULL);
  tap_check(ex_set_add(s, s) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
}

static int look(ex key, ex value, void *cd) {
  size_t *n = cd;
  return key == value || ++*n > 1000;
}

/* Put together by hand, at random: anything may come out, but it comes out. */
static void forged_ones_do_no_harm(void) {
  uint64_t random = tap_seed();
  int refused = 0;
  tap_require(ex_collect_define());
  ex_op fork = ex_op_find("seq_fork", 2);
  ex_op run = ex_op_find("seq_run", 2);
  for (int i = 0; i < 20000; i++) {
    ex pool[6];
    for (int k = 0; k < 6; k++)
      pool[k] = element(&random, (unsigned)k, (size_t)i);
    for (int k = 0; k < 12; k++) {
      uint64_t r = tap_rand_r(&random);
      size_t n = 1 + (r >> 12) % 3;
      int64_t size = (int64_t)(r >> 20) % 4;
      ex args[4] = {ex_int(64 * size * (int64_t)n + (int64_t)(r >> 40) % 3),
                    pool[r % 6], pool[(r >> 4) % 6], pool[(r >> 8) % 6]};
      pool[(r >> 8) % 6] =
          r % 5 == 0 ? ex_2(run, ex_int(size - 1), pool[(r >> 30) % 6])
                     : ex_n(fork, args, n + 1);
    }
    size_t n = 0;
    ex joined = ex_seq_concat(pool[0], pool[1]);
    refused += joined == NULL;
    if (joined != NULL)
      ex_seq_slice(joined, 0, ex_collect_size(joined) / 2);
    ex_seq_get(pool[2], (size_t)(i % 5));
    ex_collect_each(pool[3], look, &n);
  }
  tap_ge(refused, 100);
  /* A level within itself. */
  ex deep = ex_seq((ex[]){ex_int(1)}, 1);
  for (int i = 0; i < 300; i++)
    deep = ex_2(fork, ex_int(64 + 5), deep);
  tap_check(ex_seq_concat(deep, deep) == NULL);
  tap_check(ex_seq_get(deep, 0) == NULL);
}

TAP_MAIN(TAP_CASE(elements_are_found), TAP_CASE_T(parts_and_wholes, 120),
         TAP_CASE_T(edits, 120), TAP_CASE(little_is_made),
         TAP_CASE(great_lengths), TAP_CASE(each_in_order),
         TAP_CASE(elements_of_any_kind), TAP_CASE(all_formats),
         TAP_CASE(the_form_stays), TAP_CASE(wrong_arguments),
         TAP_CASE(forged_ones_do_no_harm))
