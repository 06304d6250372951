/* tests/extra/hexpr_smt.c: the reader of scripts on input of all kinds. SPDX-License-Identifier: MIT */
#include "hexpr/smt.h"

#include "lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script {
  struct ex_nodes roots;
  struct ex_nodes names;
  struct smt_counts counts;
  ex_error error;
  bool ok;
};

static struct script reads(const char *text, size_t n,
                           const ex_limits *limits) {
  struct script s = {.ok = false};
  s.ok = smt_read(text, n, limits, &s.roots, &s.names, &s.counts, &s.error);
  return s;
}

static void drop(struct script *s) {
  ex_nodes_drop(&s->roots);
  ex_nodes_drop(&s->names);
}

static void prints(const struct script *s, const char *want) {
  char *got;
  tap_require(s->ok && s->roots.n == 1);
  got = ex_sexpr_string(s->roots.at[0], 100000);
  tap_eq_s(got, want);
  free(got);
}

static void means(const char *text, const char *want) {
  struct script s = reads(text, strlen(text), NULL);
  tap_note("%s", text);
  if (!s.ok)
    tap_note("%zu:%zu: expected %s, found %s", s.error.line, s.error.column,
             s.error.expected, s.error.found);
  prints(&s, want);
  drop(&s);
}

static void names_and_scopes(void) {
  means("(assert (let ((x a) (x b)) (f x x)))", "(f b b)");
  means("(assert (let ((x a)) (let ((y (g x)) (x b)) (f x y))))",
        "(f b (g a))");
  means("(assert (f (let ((x a)) x) x))", "(f a x)");
  means("(assert (forall ((x S) (x T)) (f x)))",
        "(forall S (forall T (f %0)))");
  means("(define-fun d ((x S) (x S)) S (g x)) (assert (f (d a b) x))",
        "(f (g b) x)");
  means("(define-fun d ((x S)) S (g x y)) (assert (let ((y c)) (d y)))",
        "(g c y)");
  means("(define-fun d ((x S)) S (g x)) (define-fun e ((x S)) S (d (d x)))"
        "(assert (e (e a)))",
        "(g (g (g (g a))))");
  means("(assert (forall ((x S)) (let ((y (g x))) (exists ((z T)) (f y z)))))",
        "(forall S (exists T (f (g %1) %0)))");
  means("(assert (forall ((x S)) (let ((y x)) (exists ((x S)) (f x y)))))",
        "(forall S (exists S (f %0 %1)))");
  means("(define-const |d d| S a) (assert (f |d d| |a|))", "(f a a)");
  means("(assert (! (f a) :named n :weight 2)) (check-sat)", "(f a)");
  means("(define-fun-rec r ((x S)) S (r x)) (assert (r a))", "(r a)");
  means("(assert ((_ map f) 1 2))", "(|(_ map f)| 1 2)");
  means("(assert (as nil (List  Int)))", "|(as nil (List Int))|");
}

static void given_names(void) {
  const char *text = "(assert (! (= a b) :named first)) (assert first)";
  struct script s = reads(text, strlen(text), NULL);
  tap_require(s.ok && s.roots.n == 2 && s.names.n == 2);
  tap_eq_s(ex_name(s.names.at[0]), "first");
  tap_check(s.names.at[1] == NULL);
  tap_eq_p(s.roots.at[0], s.roots.at[1]);
  tap_eq_u(s.counts.asserted, 2);
  drop(&s);
}

static void limits_hold(void) {
  const char *text = "(assert (f (g a) (g a)))";
  const ex_limits limits[] = {{.bytes = 10}, {.depth = 1}, {.nodes = 3}};
  const char *const want[] = {"at most 10 bytes", "at most 1 levels",
                              "at most 3 nodes"};
  for (size_t i = 0; i < 3; i++) {
    struct script s = reads(text, strlen(text), &limits[i]);
    tap_check(!s.ok);
    tap_eq_u(ex_errno, i == 1 ? EX_EDEPTH : EX_ELIMIT);
    tap_eq_s(s.error.expected, want[i]);
    drop(&s);
  }
}

/* OPEN so often, x, and brackets that close it. */
static void nested(const char *open, size_t closing) {
  size_t n = tap_long() ? 10000000 : 200000;
  size_t bytes = strlen(open);
  char *text = malloc(n * (bytes + closing) + 32);
  size_t at = (size_t)snprintf(text, 32, "(assert ");
  struct script s;
  tap_require(text != NULL);
  for (size_t i = 0; i < n; i++, at += bytes)
    memcpy(text + at, open, bytes);
  text[at++] = 'x';
  memset(text + at, ')', n * closing + 1);
  s = reads(text, at + n * closing + 1, NULL);
  tap_require(s.ok && s.roots.n == 1);
  tap_eq_u(ex_dag_size(s.roots.at[0]), n + 1);
  drop(&s);
  free(text);
}

static void deep_terms(void) {
  nested("(f ", 1);
  nested("(let ((x (f x))) ", 1);
}

/* Names that double the term: a graph of 1,000 nodes, a tree of 2^1000. */
static void doubling(void) {
  struct script s;
  char *text = malloc(200000);
  size_t n = 0;
  tap_require(text != NULL);
  for (int i = 0; i < 1000; i++)
    n += (size_t)snprintf(text + n, 200000 - n,
                          "(define-fun d%d () S (f d%d d%d))\n", i + 1, i, i);
  n += (size_t)snprintf(text + n, 200000 - n, "(assert d1000)");
  s = reads(text, n, NULL);
  tap_require(s.ok && s.roots.n == 1);
  tap_eq_u(ex_dag_size(s.roots.at[0]), 1001);
  drop(&s);
  free(text);
}

/* Any tokens: terms, or an error within the text. */
static void any_text_is_safe(void) {
  static const char *const pieces[] = {"(assert ",  "(define-fun f ",
                                       "((x S))",   "((x S) (y T))",
                                       "() ",       "S ",
                                       "(let (",    "(x a)",
                                       "(y (f x))", "forall ",
                                       "exists ",   "(",
                                       ")",         "(f ",
                                       "x ",        "y ",
                                       "(! ",       ":named n",
                                       ":p ",       "1.5 ",
                                       "#b1 ",      "#xg ",
                                       "\"s\"",     "|q|",
                                       "(_ bv1 2)", "(as f S)",
                                       "((_ g 1) ", "(declare-fun f (S) S)",
                                       "; c\n",     "(+ ",
                                       "let ",      "match ",
                                       "\"",        "99",
                                       ") ",        "))",
                                       ")))",       "))))",
                                       ")))))",     "(d "};
  enum { PIECES = sizeof pieces / sizeof pieces[0] };
  uint64_t random = tap_seed();
  int good = 0;
  for (int i = 0; i < (tap_long() ? 3000000 : 100000); i++) {
    char text[600];
    size_t n =
        (size_t)snprintf(text, sizeof text, "%s", i % 2 ? "(assert " : "");
    struct script s;
    for (uint64_t k = tap_rand_r(&random) % (i % 4 < 2 ? 6 : 24); k > 0; k--)
      n += (size_t)snprintf(text + n, sizeof text - n, "%s",
                            pieces[tap_rand_r(&random) % PIECES]);
    s = reads(text, n, NULL);
    good += s.ok && s.roots.n > 0;
    tap_require(s.roots.n == s.names.n);
    for (size_t k = 0; k < s.roots.n; k++)
      tap_require(ex_dag_size(s.roots.at[k]) > 0 &&
                  ex_is_closed(s.roots.at[k]));
    if (!s.ok)
      tap_require(s.error.line > 0 && s.error.column > 0 && s.error.byte <= n);
    drop(&s);
  }
  tap_note("%d were good", good);
  tap_ge(good, 100);
}

/* A script with bytes and spans changed. */
static void damaged_scripts(void) {
  static const char script[] =
      "(set-logic ALL)\n(declare-fun a () Int)\n"
      "(define-fun d ((x Int) (y Int)) Int (+ x (* 2 y) 1.25))\n"
      "(assert (let ((u (d a 1)) (v (g a))) (forall ((z Int) (w Int))\n"
      " (! (=> (< z u) (exists ((q Int)) (= q (d z v)))) :pattern ((g z))))))\n"
      "(assert (= \"a\"\"b\" |x y| #x0f ((_ extract 7 4) b)))\n";
  enum { N = sizeof script - 1 };
  uint64_t random = tap_seed();
  int good = 0;
  for (int i = 0; i < (tap_long() ? 2000000 : 60000); i++) {
    char text[N + 1];
    struct script s;
    memcpy(text, script, sizeof text);
    for (uint64_t k = 1 + tap_rand_r(&random) % 3; k > 0; k--) {
      uint64_t r = tap_rand_r(&random);
      size_t at = r % N;
      size_t from = (r >> 20) % N;
      size_t n = 1 + (r >> 40) % 10;
      if (at + n <= N && from + n <= N)
        memmove(text + at, script + from, n);
    }
    s = reads(text, N, NULL);
    good += s.ok;
    for (size_t k = 0; k < s.roots.n; k++)
      tap_require(ex_is_closed(s.roots.at[k]));
    tap_require(s.ok || s.error.byte <= N);
    drop(&s);
  }
  tap_note("%d were good", good);
  tap_ge(good, 100);
}

TAP_MAIN(TAP_CASE(names_and_scopes), TAP_CASE(given_names),
         TAP_CASE(limits_hold), TAP_CASE_T(deep_terms, 300), TAP_CASE(doubling),
         TAP_CASE(any_text_is_safe), TAP_CASE(damaged_scripts))
