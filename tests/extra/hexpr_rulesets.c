/* tests/extra/hexpr_rulesets.c: the rule sets of the library. SPDX-License-Identifier: MIT */
/* The derivative and the simplifier made of rules have the values of those made by
 * code, at random points. */
#include <hexpr/collect.h>
#include <hexpr/rewrite.h>

#include "extra/text_ex.h"
#include "lib/tap.h"
#include "random_ex.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void is_text(ex e, const char *want) {
  char *text = e == NULL ? NULL : ex_string(e, 10000);
  tap_eq_s(text == NULL ? "nothing" : text, want);
  free(text);
}

static void simplified_is(const char *text, const char *want) {
  is_text(ex_simplify_by_rules(parse(text)), want);
}

static double random_point(uint64_t *random) {
  return 0.5 + (double)(tap_rand_r(random) % 100000) / 100000;
}

static bool is_near(double a, double b) {
  return fabs(a - b) <= 1e-6 * (1 + fabs(b));
}

static void differs(const char *what, ex e, ex made, double got, double want) {
  char *text = ex_string(e, 10000);
  char *other = ex_string(made, 10000);
  tap_note("%s of %s is %s: %g, not %g", what, text, other, got, want);
  free(text);
  free(other);
  tap_require(false);
}

/* ---- Derivatives ---- */

static void derivatives_have_the_same_values(void) {
  uint64_t random = tap_seed();
  ex names[2] = {ex_sym("x"), ex_sym("y")};
  int asked = 0;
  for (int i = 0; i < 3000; i++) {
    ex e = random_ex(&random, 1 + i % 15, RANDOM_SMOOTH);
    double at[2] = {random_point(&random), random_point(&random)};
    double want = ex_eval(ex_derive(e, names[i % 2]), names, at, 2);
    ex made = ex_derive_by_rules(e, names[i % 2]);
    tap_require(made != NULL);
    if (!isfinite(want) || fabs(want) > 1e9)
      continue;
    asked++;
    if (!is_near(ex_eval(made, names, at, 2), want))
      differs("the derivative", e, made, ex_eval(made, names, at, 2), want);
  }
  tap_ge(asked, 1500);
}

/* Every function, at a point where it is defined. */
static void all_functions_are_derived(void) {
  ex x = ex_sym("x");
  for (ex_op op = EX_NEG; op < EX_OPS; op++) {
    double at = op == EX_ACOSH ? 1.7 : 0.4;
    ex inner = ex_binary(EX_MUL, x, ex_real(0.9));
    ex e = op < EX_ADD ? ex_unary(op, op == EX_ACOSH ? x : inner)
                       : ex_binary(op, ex_unary(EX_EXP, x), inner);
    double want = ex_eval(ex_derive(e, x), &x, &at, 1);
    ex made = ex_derive_by_rules(e, x);
    if (made == NULL || !is_near(ex_eval(made, &x, &at, 1), want))
      differs("the derivative", e, made, ex_eval(made, &x, &at, 1), want);
  }
}

static void formal_derivatives(void) {
  ex x = ex_sym("x");
  is_text(ex_derive_by_rules(parse("f(x, x^2, 3)"), x),
          "D1_f(x, x^2, 3) + D2_f(x, x^2, 3)*(2*x)");
  is_text(ex_derive_by_rules(parse("\"text\""), x), "0");
  is_text(ex_derive_by_rules(parse("x^3"), x), "3*x^2");
  is_text(ex_derive_by_rules(parse("y^3"), x), "0");
}

/* The tree of the 150th derivative, which is that of the long form, fits no memory. */
static void high_derivatives(void) {
  int order = tap_long() ? 150 : 50;
  ex x = ex_sym("x");
  ex by_rules = parse("exp(x*sin(x*x))");
  ex by_code = by_rules;
  double at = 0.35;
  for (int i = 0; i < order; i++) {
    by_rules = ex_derive_by_rules(by_rules, x);
    by_code = ex_derive(by_code, x);
    tap_require(by_rules != NULL && by_code != NULL);
    if (i % 10 == 4 &&
        !is_near(ex_eval(by_rules, &x, &at, 1) / ex_eval(by_code, &x, &at, 1),
                 1))
      tap_require(false);
  }
  tap_note("%zu nodes by rules, %zu by code", ex_dag_size(by_rules),
           ex_dag_size(by_code));
  tap_check(
      is_near(ex_eval(by_rules, &x, &at, 1) / ex_eval(by_code, &x, &at, 1), 1));
}

/* ---- The simplifier ---- */

static void simplified_values_are_the_same(void) {
  uint64_t random = tap_seed();
  ex names[2] = {ex_sym("x"), ex_sym("y")};
  int asked = 0;
  int same = 0;
  for (int i = 0; i < 3000; i++) {
    ex e = random_ex(&random, 1 + i % 20, RANDOM_SMOOTH);
    double at[2] = {random_point(&random), random_point(&random)};
    double want = ex_eval(e, names, at, 2);
    ex made = ex_simplify_by_rules(e);
    tap_require(made != NULL);
    same += made == ex_simplify(e);
    if (!isfinite(want) || fabs(want) > 1e9)
      continue;
    asked++;
    if (!is_near(ex_eval(made, names, at, 2), want))
      differs("the simple form", e, made, ex_eval(made, names, at, 2), want);
  }
  tap_note("%d of 3000 have the form that the code gives", same);
  tap_ge(asked, 1500);
  tap_ge(same, 1000);
}

/* What is simple stays as it is, and differences of equal things go. */
static void simple_is_simple(void) {
  uint64_t random = tap_seed();
  int same = 0;
  int none = 0;
  int one = 0;
  for (int i = 0; i < 500; i++) {
    ex e = random_ex(&random, 1 + i % 12, RANDOM_SMOOTH);
    ex made = ex_simplify_by_rules(e);
    ex twice = ex_binary(EX_ADD, e, e);
    same += ex_simplify_by_rules(made) == made;
    none += ex_simplify_by_rules(ex_binary(EX_SUB, e, e)) == ex_int(0);
    one += ex_simplify_by_rules(ex_binary(EX_SUB, twice, e)) == made;
  }
  tap_eq_u(same, 500);
  tap_eq_u(none, 500);
  tap_eq_u(one, 500);
}

static void examples(void) {
  simplified_is("x + x", "2*x");
  simplified_is("2*(a + b) - a", "a + 2*b");
  simplified_is("(x*y)^2/x", "x*y^2");
  simplified_is("sqrt(x)*sqrt(x)", "x");
  simplified_is("x/3 + x/6", "x/2");
  simplified_is("a - b - 3 + 5", "a - b + 2");
  simplified_is("sin(-x) + cos(-x)", "-sin(x) + cos(x)");
  simplified_is("cos(-3*x) + tan(-2)", "-tan(2) + cos(3*x)");
  simplified_is("1/x^2", "1/x^2");
  simplified_is("(x^2)^(1//2)", "sqrt(x^2)");
  simplified_is("(x^(1//2))^3", "x^(3/2)");
  simplified_is("2^100 - 1", "1267650600228229401496703205375");
  simplified_is("f(x + 0, 1*y)", "f(x, y)");
  simplified_is("0/0", "0/0");
}

static void long_sums(void) {
  enum { N = 400 };
  ex sum = ex_int(0);
  char name[16];
  for (int i = 0; i < N; i++) {
    snprintf(name, sizeof name, "v%d", i % (N / 2));
    sum = ex_binary(EX_ADD, ex_sym(name), sum);
  }
  ex made = ex_simplify_by_rules(sum);
  tap_require(made != NULL);
  tap_eq_p(made, ex_simplify(sum));
  tap_eq_u(ex_dag_size(made), 3 * (N / 2));
}

/* The texts begin a set of one's own. */
static void texts_are_sets(void) {
  ex_error error;
  tap_require(ex_ruleset_get(EX_SET_SIMPLIFIER) != NULL);
  for (int i = EX_SET_DERIVATIVE; i <= EX_SET_SIMPLIFIER; i++) {
    const char *text = ex_ruleset_text((ex_ruleset)i);
    ex_rules *rules = ex_rules_new();
    tap_require(
        ex_rules_read(rules, text, strlen(text), EX_RULES_INFIX, &error));
    tap_ge(ex_rules_count(rules), 20);
    tap_check(ex_rules_count(rules) <
              ex_rules_count(ex_ruleset_get((ex_ruleset)i)));
    ex_rules_free(rules);
  }
}

/* The names may be taken. */
static void other_operators_are_an_error(void) {
  ex_opdef("plus_of", 2, 0);
  tap_check(ex_simplify_by_rules(ex_int(1)) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
}

TAP_MAIN(TAP_CASE(derivatives_have_the_same_values),
         TAP_CASE(all_functions_are_derived), TAP_CASE(formal_derivatives),
         TAP_CASE_T(high_derivatives, 300),
         TAP_CASE(simplified_values_are_the_same), TAP_CASE(simple_is_simple),
         TAP_CASE(examples), TAP_CASE(long_sums), TAP_CASE(texts_are_sets),
         TAP_CASE(other_operators_are_an_error))
