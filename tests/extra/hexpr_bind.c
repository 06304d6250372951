/* tests/extra/hexpr_bind.c: binders, substitution, matching, unification. SPDX-License-Identifier: MIT */
#include <hexpr/hexpr.h>

#include "extra/random_ex.h"
#include "extra/text_ex.h"
#include "lib/tap.h"

#include <stdlib.h>
#include <string.h>

enum { DEEP = 1000000, DEEPEST = 10000000 };

static ex_op lambda;
static ex_op app;
static ex_op sum;

static void define(void) {
  lambda = ex_opdef("lambda", 1, EX_BINDER);
  app = ex_opdef("app", 2, 0);
  sum = ex_opdef("sum", 3, EX_BINDER);
  tap_require(lambda != EX_NONE && app != EX_NONE && sum != EX_NONE);
}

/* ---- Binders ---- */

static void names_of_bound_variables_do_not_count(void) {
  ex x = ex_sym("x");
  ex y = ex_sym("y");
  define();
  tap_eq_p(ex_bind(lambda, x, ex_2(app, x, x)),
           ex_bind(lambda, y, ex_2(app, y, y)));
  tap_eq_p(ex_bind(lambda, x, x), ex_1(lambda, ex_bvar(0)));
  tap_eq_p(ex_bind(lambda, x, ex_bind(lambda, y, ex_2(app, x, y))),
           parse("lambda(lambda(app(%1, %0)))"));
  tap_eq_p(ex_bind(lambda, x, y), ex_1(lambda, y));
  tap_check(ex_bind(lambda, x, y) != ex_bind(lambda, y, y));
  tap_check(ex_bind(app, x, y) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_check(ex_bind(lambda, ex_int(1), y) == NULL);
}

static void opening_puts_the_value_in(void) {
  ex x = ex_sym("x");
  ex y = ex_sym("y");
  ex k;
  define();
  tap_eq_p(ex_open(parse("lambda(app(%0, %0))"), x), ex_2(app, x, x));
  k = ex_open(parse("lambda(lambda(%1))"), y);
  tap_eq_p(k, ex_1(lambda, y));
  tap_eq_p(ex_open(k, x), y);
  tap_check(ex_open(ex_2(app, x, y), x) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_check(ex_open(x, x) == NULL);
}

/* (lambda lambda %1) applied to something loose: the index grows by the binder
 * that it comes under, and loose ones above shrink by the one that went. */
static void nothing_is_captured(void) {
  define();
  tap_eq_p(ex_open(parse("lambda(lambda(app(%1, %0)))"), ex_bvar(0)),
           parse("lambda(app(%1, %0))"));
  tap_eq_p(ex_open(parse("lambda(app(%0, app(%1, %2)))"), ex_sym("a")),
           parse("app(a, app(%0, %1))"));
  tap_eq_p(ex_subst(parse("lambda(app(x, %0))"), ex_sym("x"), ex_bvar(3)),
           parse("lambda(app(%4, %0))"));
  tap_eq_p(ex_abstract(ex_sym("x"), parse("app(%0, lambda(app(x, %1)))")),
           parse("app(%1, lambda(app(%1, %2)))"));
  tap_eq_p(ex_shift(parse("app(%0, lambda(app(%0, %1)))"), 5),
           parse("app(%5, lambda(app(%0, %6)))"));
  tap_check(ex_shift(ex_bvar(UINT32_MAX), 1) == NULL);
  tap_eq_u(ex_errno, EX_ELIMIT);
}

static void only_the_last_operand_is_in_scope(void) {
  ex i = ex_sym("i");
  define();
  ex s = ex_3(sum, i, ex_int(9), ex_abstract(i, parse("i*a")));
  tap_eq_p(s, parse("sum(i, 9, %0*a)"));
  tap_eq_p(ex_open(s, ex_int(4)), parse("4*a"));
  tap_check(ex_is_closed(s));
  tap_check(!ex_is_closed(parse("sum(%0, 9, a)")));
  tap_check(!ex_is_closed(parse("sum(1, 9, %1)")));
  tap_eq_p(ex_shift(parse("sum(%0, 9, %0 + %1)"), 1),
           parse("sum(%1, 9, %0 + %2)"));
}

static void abstraction_undoes_opening(void) {
  uint64_t random = tap_seed();
  ex fresh = ex_sym("fresh");
  define();
  for (int i = 0; i < 2000; i++) {
    ex e = random_ex(&random, 1 + i % 30, RANDOM_ANY);
    ex x = ex_sym("x");
    ex b = ex_bind(lambda, x, ex_2(app, e, ex_bind(lambda, ex_sym("y"), e)));
    tap_require(ex_bind(lambda, fresh, ex_open(b, fresh)) == b);
    tap_require(ex_open(b, x) == ex_2(app, e, ex_bind(lambda, ex_sym("y"), e)));
  }
}

/* More binders than the node's own count of them goes. */
static void very_many_binders(void) {
  ex e = ex_sym("x");
  ex want = ex_sym("z");
  define();
  for (int i = 0; i < 1000; i++) {
    e = ex_1(lambda, e);
    want = ex_1(lambda, want);
  }
  e = ex_bind(lambda, ex_sym("x"), e);
  tap_check(ex_is_closed(e));
  tap_eq_p(ex_open(e, ex_sym("z")), want);
  tap_check(ex_arg(e, 0) != want);
}

static void substitution_is_simultaneous(void) {
  ex names[2] = {ex_sym("x"), ex_sym("y")};
  ex values[2] = {ex_sym("y"), ex_sym("x")};
  ex some[2] = {NULL, ex_int(1)};
  tap_eq_p(ex_subst_all(parse("x^2 + f(y)"), names, values, 2),
           parse("y^2 + f(x)"));
  tap_eq_p(ex_subst_all(parse("x^2 + y"), names, some, 2), parse("x^2 + 1"));
  names[0] = parse("x+y");
  tap_check(ex_subst_all(parse("x"), names, values, 2) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
}

/* ---- Matching and unification ---- */

static const char *const letters[] = {"p", "q", "r", "s"};
enum { LETTERS = 4 };

static void get_letters(ex *out) {
  for (int i = 0; i < LETTERS; i++)
    out[i] = ex_sym(letters[i]);
}

static void matches(const char *pattern, const char *subject, const char *p,
                    const char *q) {
  ex names[LETTERS];
  ex values[LETTERS];
  bool ok;
  get_letters(names);
  ok = ex_match(parse(pattern), parse(subject), names, values, LETTERS);
  tap_note("%s against %s", pattern, subject);
  tap_check(ok == (p != NULL));
  if (p != NULL) {
    tap_eq_p(values[0], parse(p));
    tap_eq_p(values[1], q == NULL ? NULL : parse(q));
  } else
    tap_check(values[0] == NULL && values[1] == NULL);
}

static void matching(void) {
  define();
  matches("p + q", "a*b + c", "a*b", "c");
  matches("p + p", "a*b + a*b", "a*b", NULL);
  matches("p + p", "a*b + c", NULL, NULL);
  matches("p + 1", "a + 1", "a", NULL);
  matches("p + 1", "a + 2", NULL, NULL);
  matches("p + q", "a - b", NULL, NULL);
  matches("f(p, q)", "f(1, \"s\")", "1", "\"s\"");
  matches("f(p, q)", "f(1, 2, 3)", NULL, NULL);
  matches("f(p)", "g(1)", NULL, NULL);
  matches("p", "a", "a", NULL);
  matches("f(p, p)", "f(p, p)", "p", NULL);
  matches("f(p, q)", "f(q, p)", "q", "p");
  matches("app(lambda(p), q)", "app(lambda(a), b)", "a", "b");
  matches("lambda(p)", "lambda(%0)", NULL, NULL);
  matches("app(p, lambda(%0))", "app(a, lambda(%0))", "a", NULL);
}

static void unifies(const char *a, const char *b, const char *p,
                    const char *q) {
  ex names[LETTERS];
  ex values[LETTERS];
  get_letters(names);
  tap_note("%s and %s", a, b);
  tap_check(ex_unify(parse(a), parse(b), names, values, LETTERS));
  tap_eq_p(values[0], p == NULL ? NULL : parse(p));
  tap_eq_p(values[1], q == NULL ? NULL : parse(q));
}

static void clashes(const char *a, const char *b) {
  ex names[LETTERS];
  ex values[LETTERS];
  get_letters(names);
  tap_note("%s and %s", a, b);
  tap_check(!ex_unify(parse(a), parse(b), names, values, LETTERS));
  for (int i = 0; i < LETTERS; i++)
    tap_check(values[i] == NULL);
}

static void unification(void) {
  define();
  unifies("p + 1", "a + 1", "a", NULL);
  unifies("f(p, q)", "f(q, a)", "a", "a");
  unifies("f(p, g(p))", "f(a, q)", "a", "g(a)");
  unifies("f(q, p)", "f(g(p), h(a))", "h(a)", "g(h(a))");
  unifies("a", "a", NULL, NULL);
  unifies("f(p, p)", "f(g(q), g(b))", "g(b)", "b");
  clashes("p", "f(p)");
  clashes("f(p, q)", "f(g(q), g(p))");
  clashes("f(a)", "f(b)");
  clashes("f(p, p)", "f(1, 2)");
  clashes("f(p)", "f(p, p)");
  clashes("lambda(p)", "lambda(%0)");
}

static ex random_pattern(uint64_t *random, int steps) {
  ex pool[6];
  for (int i = 0; i < 6; i++) {
    uint64_t r = tap_rand_r(random);
    pool[i] = ex_sym(r % 3 == 0 ? "a" : letters[(r >> 8) % LETTERS]);
  }
  for (int i = 0; i < steps; i++) {
    uint64_t r = tap_rand_r(random);
    pool[i % 6] = ex_binary(r % 2 ? EX_ADD : EX_MUL, pool[(r >> 8) % 6],
                            pool[(r >> 16) % 6]);
  }
  return pool[(steps + 5) % 6];
}

/* A solution makes both sides one node; and where one was made on purpose, one
 * is found. */
static void solutions_solve(void) {
  uint64_t random = tap_seed();
  ex names[LETTERS];
  int found = 0;
  get_letters(names);
  for (int i = 0; i < 20000; i++) {
    ex a = random_pattern(&random, i % 6);
    ex b = random_pattern(&random, i % 7);
    ex ground[LETTERS];
    ex values[LETTERS];
    if (ex_unify(a, b, names, values, LETTERS)) {
      found++;
      tap_require(ex_subst_all(a, names, values, LETTERS) ==
                  ex_subst_all(b, names, values, LETTERS));
    }
    for (int k = 0; k < LETTERS; k++)
      ground[k] = random_ex(&random, i % 5, RANDOM_ANY);
    b = ex_subst_all(a, names, ground, LETTERS);
    tap_require(ex_match(a, b, names, values, LETTERS));
    tap_require(ex_subst_all(a, names, values, LETTERS) == b);
    tap_require(ex_unify(a, b, names, values, LETTERS));
  }
  tap_ge(found, 1000);
}

/* The classic case where trees grow like 2^n. */
static void sharing_keeps_it_small(void) {
  enum { N = 200 };
  ex *names = hc_scanned_alloc(N * sizeof *names);
  ex *values = hc_scanned_alloc(N * sizeof *values);
  ex a = ex_sym("end");
  ex b = ex_sym("end");
  ex doubled = ex_sym("d0");
  char text[16];
  for (int i = 0; i < N; i++) {
    snprintf(text, sizeof text, "v%d", i);
    names[i] = ex_sym(text);
  }
  for (int i = 0; i + 1 < N; i++) {
    a = ex_binary(EX_ADD, a, names[i + 1]);
    b = ex_binary(EX_ADD, b, ex_binary(EX_MUL, names[i], names[i]));
  }
  tap_require(ex_unify(a, b, names, values, N));
  tap_eq_u(ex_dag_size(values[N - 1]), N);
  tap_require(ex_match(ex_subst(a, names[0], doubled), a, names, values, N) ==
              true);
  hc_scanned_free(names);
  hc_scanned_free(values);
}

/* ---- Depth ---- */

static void deep_terms(void) {
  ex x = ex_sym("x");
  ex y = ex_sym("y");
  ex e = x;
  ex f = y;
  ex value;
  define();
  for (int i = 0; i < DEEP; i++) {
    e = ex_2(app, e, x);
    f = ex_2(app, f, y);
  }
  tap_check(ex_compare(e, f) != 0);
  tap_eq_p(ex_subst(e, x, y), f);
  tap_eq_p(ex_open(ex_bind(lambda, x, e), y), f);
  tap_check(ex_match(e, f, &x, &value, 1) && value == y);
  tap_check(ex_unify(e, f, &x, &value, 1) && value == y);
}

static void ten_million_levels(void) {
  ex x = ex_sym("x");
  ex y = ex_sym("y");
  ex e = x;
  ex f = y;
  for (int i = 0; i < DEEPEST; i++) {
    e = ex_unary(EX_NEG, e);
    f = ex_unary(EX_NEG, f);
  }
  tap_check(ex_compare(e, f) < 0);
  tap_eq_p(ex_subst(e, x, y), f);
  tap_eq_u(ex_dag_size(e), DEEPEST + 1);
}

static void deep_binders(void) {
  ex x = ex_sym("x");
  ex e = x;
  define();
  for (int i = 0; i < DEEP; i++)
    e = ex_1(lambda, e);
  e = ex_bind(lambda, x, e);
  tap_check(ex_is_closed(e));
  tap_eq_u(ex_dag_size(ex_open(e, ex_sym("y"))), DEEP + 1);
}

TAP_MAIN(TAP_CASE(names_of_bound_variables_do_not_count),
         TAP_CASE(opening_puts_the_value_in), TAP_CASE(nothing_is_captured),
         TAP_CASE(only_the_last_operand_is_in_scope),
         TAP_CASE(abstraction_undoes_opening), TAP_CASE(very_many_binders),
         TAP_CASE(substitution_is_simultaneous), TAP_CASE(matching),
         TAP_CASE(unification), TAP_CASE(solutions_solve),
         TAP_CASE(sharing_keeps_it_small), TAP_CASE_T(deep_terms, 120),
         TAP_CASE_T(ten_million_levels, 300), TAP_CASE_T(deep_binders, 120))
