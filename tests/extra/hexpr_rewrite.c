/* tests/extra/hexpr_rewrite.c: rule sets and normal forms. SPDX-License-Identifier: MIT */
#define GC_THREADS
#include <gc/gc.h>
#include <hexpr/rewrite.h>

#include "extra/random_ex.h"
#include "extra/rules_ex.h"
#include "extra/text_ex.h"
#include "lib/tap.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { DEEP = 1000000 };

/* ---- Example systems ---- */

static const char peano[] = "var x y\n"
                            "plus(x, zero) -> x\n"
                            "plus(x, s(y)) -> s(plus(x, y))\n"
                            "times(x, zero) -> zero\n"
                            "times(x, s(y)) -> plus(times(x, y), x)\n"
                            "fib(zero) -> zero\n"
                            "fib(s(zero)) -> s(zero)\n"
                            "fib(s(s(x))) -> plus(fib(s(x)), fib(x))\n";

static ex unary(uint64_t n) {
  ex e = ex_sym("zero");
  ex s = ex_sym("s");
  while (n-- > 0)
    e = ex_apply(s, &e, 1);
  return e;
}

static uint64_t value_of(ex e) {
  uint64_t n = 0;
  for (; ex_kind_of(e) == EX_APPLY && strcmp(ex_name(e), "s") == 0; n++)
    e = ex_arg(e, 0);
  tap_require(e == ex_sym("zero"));
  return n;
}

static ex call(const char *f, ex a, ex b) {
  ex args[2] = {a, b};
  return ex_apply(ex_sym(f), args, b == NULL ? 1 : 2);
}

static void arithmetic(void) {
  ex_rules *r = rules_of(peano);
  static const ex_norm_limits no_memo = {.no_memo = true};
  ex e = call("times", unary(12), call("plus", unary(7), unary(5)));
  ex_norm_status status;
  tap_eq_u(value_of(norm(r, e, EX_INNERMOST)), 144);
  tap_eq_u(value_of(norm(r, e, EX_OUTERMOST)), 144);
  tap_eq_u(value_of(norm(r, call("fib", unary(17), NULL), EX_INNERMOST)), 1597);
  tap_eq_u(value_of(norm(r, call("fib", unary(13), NULL), EX_OUTERMOST)), 233);
  tap_eq_u(value_of(ex_norm(r, call("fib", unary(15), NULL), EX_INNERMOST,
                            &no_memo, &status)),
           610);
  tap_ge(status.steps, 2 * 610);
  tap_eq_u(value_of(ex_norm(r, call("fib", unary(9), NULL), EX_OUTERMOST,
                            &no_memo, NULL)),
           34);
  tap_eq_u(ex_rules_count(r), 7);
  ex_rules_free(r);
}

/* The ten rules that completion gives for groups (Knuth and Bendix, 1970). */
static const char group[] = "var x y z\n"
                            "m(e, x) -> x\n"
                            "m(x, e) -> x\n"
                            "m(i(x), x) -> e\n"
                            "m(x, i(x)) -> e\n"
                            "m(m(x, y), z) -> m(x, m(y, z))\n"
                            "m(i(x), m(x, y)) -> y\n"
                            "m(x, m(i(x), y)) -> y\n"
                            "i(e) -> e\n"
                            "i(i(x)) -> x\n"
                            "i(m(x, y)) -> m(i(y), i(x))\n";

struct word {
  int letter[256]; /* +- 1 to 3 */
  int n;
};

/* Multiplies by reducing freely. */
static void append(struct word *w, int letter) {
  if (w->n > 0 && w->letter[w->n - 1] == -letter)
    w->n--;
  else if (w->n < 256)
    w->letter[w->n++] = letter;
}

static ex random_group(uint64_t *random, int depth, struct word *w,
                       int inverted) {
  static const char *const names[] = {"a", "b", "c"};
  uint64_t r = tap_rand_r(random);
  struct word left = {.n = 0};
  struct word right = {.n = 0};
  if (depth == 0 || r % 5 == 0) {
    if (r % 7 == 0)
      return ex_sym("e");
    append(w, inverted * (1 + (int)((r >> 8) % 3)));
    return ex_sym(names[(r >> 8) % 3]);
  }
  if (r % 5 == 1)
    return call("i", random_group(random, depth - 1, w, -inverted), NULL);
  ex a = random_group(random, depth - 1, &left, inverted);
  ex b = random_group(random, depth - 1, &right, inverted);
  struct word *first = inverted > 0 ? &left : &right;
  struct word *second = inverted > 0 ? &right : &left;
  for (int i = 0; i < first->n; i++)
    append(w, first->letter[i]);
  for (int i = 0; i < second->n; i++)
    append(w, second->letter[i]);
  return call("m", a, b);
}

static ex word_node(const struct word *w) {
  static const char *const names[] = {"a", "b", "c"};
  ex e = NULL;
  for (int i = w->n; i-- > 0;) {
    ex letter = ex_sym(names[abs(w->letter[i]) - 1]);
    if (w->letter[i] < 0)
      letter = call("i", letter, NULL);
    e = e == NULL ? letter : call("m", letter, e);
  }
  return e == NULL ? ex_sym("e") : e;
}

static void groups(void) {
  ex_rules *r = rules_of(group);
  uint64_t random = tap_seed();
  int not_trivial = 0;
  for (int i = 0; i < (tap_long() ? 20000 : 2000); i++) {
    struct word w = {.n = 0};
    ex e = random_group(&random, 1 + i % 6, &w, 1);
    tap_require(norm(r, e, EX_INNERMOST) == word_node(&w));
    tap_require(norm(r, e, EX_OUTERMOST) == word_node(&w));
    not_trivial += e != word_node(&w);
  }
  tap_ge(not_trivial, 500);
}

/* Rings of truth values: xor and and, both associative and commutative, make one
 * normal form for each truth function (Hsiang, 1985). */
static const char boolean[] =
    "var x y z\n"
    "no(x) -> xor(x, yes)\n"
    "or_(x, y) -> xor(and_(x, y), x, y)\n"
    "imp(x, y) -> xor(and_(x, y), x, yes)\n"
    "xor(x, never) -> x\n"
    "xor(x, x) -> never\n"
    "and_(x, yes) -> x\n"
    "and_(x, never) -> never\n"
    "and_(x, xor(y, z)) -> xor(and_(x, y), and_(x, z))\n";

static ex random_boolean(uint64_t *random, int depth, unsigned *table) {
  static const char *const names[] = {"p", "q", "r", "yes", "never"};
  static const unsigned tables[] = {0xaa, 0xcc, 0xf0, 0xff, 0};
  uint64_t r = tap_rand_r(random);
  unsigned a;
  unsigned b;
  if (depth == 0 || r % 6 == 0) {
    *table = tables[(r >> 8) % 5];
    return ex_sym(names[(r >> 8) % 5]);
  }
  ex x = random_boolean(random, depth - 1, &a);
  ex y = random_boolean(random, depth - 1, &b);
  switch (r % 5) {
  case 0:
    *table = ~a & 0xff;
    return call("no", x, NULL);
  case 1:
    *table = a | b;
    return call("or_", x, y);
  case 2:
    *table = (~a & 0xff) | b;
    return call("imp", x, y);
  case 3:
    *table = a & b;
    return ex_2(ex_op_find("and_", 2), x, y);
  default:
    *table = a ^ b;
    return ex_2(ex_op_find("xor", 2), x, y);
  }
}

static void truth_functions(void) {
  ex seen[256] = {NULL};
  uint64_t random = tap_seed();
  ex_op both = ex_opdef("and_", EX_NARY, EX_COMM | EX_ASSOC | EX_IDEM);
  tap_require(both != EX_NONE);
  tap_require(ex_opdef("xor", EX_NARY, EX_COMM | EX_ASSOC) != EX_NONE);
  ex_rules *r = rules_of(boolean);
  int again = 0;
  for (int i = 0; i < (tap_long() ? 10000 : 1200); i++) {
    unsigned table;
    ex e = random_boolean(&random, 1 + i % 4, &table);
    ex n = norm(r, e, i % 2 ? EX_INNERMOST : EX_OUTERMOST);
    again += seen[table] != NULL;
    tap_require(seen[table] == NULL || seen[table] == n);
    seen[table] = n;
    for (int k = 0; i % 100 == 0 && k < 256; k++)
      tap_require(k == (int)table || seen[k] == NULL || seen[k] != n);
  }
  tap_ge(again, 500);
  becomes(r, "imp(p, p)", "yes");
  becomes(r, "or_(p, no(p))", "yes");
  becomes(r, "xor(p, q, p, r, q)", "r");
}

static const char derivative[] = "var f g x\n"
                                 "number c\n"
                                 "symbol y\n"
                                 "D(c, x) -> 0\n"
                                 "D(x, x) -> 1\n"
                                 "D(y, x) -> 0\n"
                                 "D(f + g, x) -> D(f, x) + D(g, x)\n"
                                 "D(f - g, x) -> D(f, x) - D(g, x)\n"
                                 "D(-f, x) -> -D(f, x)\n"
                                 "D(f*g, x) -> D(f, x)*g + f*D(g, x)\n"
                                 "D(f/g, x) -> D(f, x)/g - f*D(g, x)/g^2\n"
                                 "D(f^c, x) -> c*f^(c - 1)*D(f, x)\n"
                                 "D(f^g, x) -> f^g*D(g*ln(f), x)\n"
                                 "D(sin(f), x) -> cos(f)*D(f, x)\n"
                                 "D(cos(f), x) -> -sin(f)*D(f, x)\n"
                                 "D(exp(f), x) -> exp(f)*D(f, x)\n"
                                 "D(ln(f), x) -> D(f, x)/f\n"
                                 "D(sqrt(f), x) -> D(f, x)/(2*sqrt(f))\n"
                                 "D(atan(f), x) -> D(f, x)/(1 + f^2)\n"
                                 "D(tanh(f), x) -> D(f, x)*(1 - tanh(f)^2)\n"
                                 "D(asinh(f), x) -> D(f, x)/sqrt(1 + f^2)\n";

static void derivatives_by_rules(void) {
  ex_rules *r = rules_of(derivative);
  uint64_t random = tap_seed();
  ex names[2] = {ex_sym("x"), ex_sym("y")};
  int asked = 0;
  for (int i = 0; i < 1500; i++) {
    ex e = random_ex(&random, 1 + i % 15, RANDOM_SMOOTH);
    double at[2] = {0.6 + 0.001 * (i % 700), 0.8};
    double want = ex_eval(ex_derive(e, names[0]), names, at, 2);
    ex d = norm(r, call("D", e, names[0]), i % 2 ? EX_INNERMOST : EX_OUTERMOST);
    double got = ex_eval(d, names, at, 2);
    if (!isfinite(want) || fabs(want) > 1e9)
      continue;
    asked++;
    if (fabs(got - want) > 1e-6 * (1 + fabs(want))) {
      char *text = ex_string(e, 10000);
      tap_note("%s: %g, not %g", text, got, want);
      free(text);
      tap_require(false);
    }
  }
  tap_ge(asked, 800);
}

/* ---- Which rule ---- */

static void order_of_rules_decides(void) {
  ex_rules *r = rules_of("var x y\n"
                         "f(x, x) -> same(x)\n"
                         "f(a, x) -> first(x)\n"
                         "f(x, g(y)) -> deep(x, y)\n"
                         "f(x, g(b)) -> never\n"
                         "f(x, y) -> any(x, y)\n");
  becomes(r, "f(a, a)", "same(a)");
  becomes(r, "f(g(b), g(b))", "same(g(b))");
  becomes(r, "f(a, g(b))", "first(g(b))");
  becomes(r, "f(c, g(b))", "deep(c, b)");
  becomes(r, "f(c, d)", "any(c, d)");
  becomes(r, "f(c)", "f(c)");
  becomes(r, "h(f(c, f(d, d)))", "h(any(c, same(d)))");
  tap_eq_p(norm(r, parse("f(f(a, a), same(a))"), EX_INNERMOST),
           parse("same(same(a))"));
  tap_eq_p(norm(r, parse("f(f(a, a), same(a))"), EX_OUTERMOST),
           parse("any(same(a), same(a))"));
}

static void variables_have_kinds(void) {
  ex_rules *r = rules_of("int n # whole\nnumber c\nsymbol s\nvar x\nrest xs\n"
                         "k(n) -> whole\n"
                         "k(c) -> number_\n"
                         "k(s) -> symbol_\n"
                         "k(x) -> other\n"
                         "len() -> 0\n"
                         "len(x, xs) -> 1 + len(xs)\n"
                         "rot(x, xs) -> rotated(xs, x)\n");
  becomes(r, "k(3)", "whole");
  becomes(r, "k(123456789012345678901234567890)", "whole");
  becomes(r, "k(2//3)", "number_");
  becomes(r, "k(0.5)", "number_");
  becomes(r, "k(u)", "symbol_");
  becomes(r, "k(f(u))", "other");
  becomes(r, "len(a, b, c)", "1 + (1 + (1 + 0))");
  becomes(r, "rot(a, b, c)", "rotated(b, c, a)");
  becomes(r, "rot(a)", "rotated(a)");
  becomes(r, "rot()", "rot()");
}

static bool is_small(const ex_env *env, void *cd) {
  ex e = ex_env_get(env, ex_sym("n"));
  tap_require(ex_env_get(env, ex_sym("nothing")) == NULL);
  ++*(int *)cd;
  return ex_int_value(e) < 10;
}

static ex one_more(const ex_env *env, void *cd) {
  ex e = ex_env_get(env, ex_sym("n"));
  (void)cd;
  return ex_int_value(e) < 100 ? ex_int(ex_int_value(e) + 1) : NULL;
}

static void conditions_and_functions(void) {
  ex_rules *r = ex_rules_new();
  int *asked = hc_scanned_alloc(sizeof *asked);
  tap_require(ex_rules_variable(r, ex_sym("n"), EX_VAR_INT));
  tap_require(
      ex_rule_add(r, parse("f(n)"), parse("small(n)"), is_small, asked));
  tap_require(ex_rule_add_fn(r, parse("next(n)"), one_more, NULL));
  tap_require(ex_rule_add(r, parse("f(n)"), parse("big(n)"), NULL, NULL));
  tap_check(ex_norm(r, parse("f(1)"), EX_INNERMOST, NULL, NULL) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_require(ex_rules_compile(r));
  becomes(r, "f(9)", "small(9)");
  becomes(r, "f(10)", "big(10)");
  becomes(r, "f(next(next(8)))", "big(10)");
  becomes(r, "next(100)", "next(100)");
  tap_ge(*asked, 3);
  ex_rules_free(r);
}

static void bad_rules_are_refused(void) {
  ex_rules *r = ex_rules_new();
  ex x = ex_sym("x");
  ex xs = ex_sym("xs");
  tap_require(ex_rules_variable(r, x, 0));
  tap_require(ex_rules_variable(r, xs, EX_VAR_REST));
  tap_check(!ex_rules_variable(r, ex_int(1), 0));
  tap_check(!ex_rule_add(r, x, ex_int(1), NULL, NULL));
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_check(!ex_rule_add(r, parse("f(a)"), x, NULL, NULL));
  tap_check(!ex_rule_add(r, parse("sin(xs)"), ex_int(1), NULL, NULL));
  tap_check(!ex_rule_add(r, parse("f(xs)"), xs, NULL, NULL));
  tap_check(!ex_rule_add(r, parse("f(xs)"), parse("sin(xs)"), NULL, NULL));
  tap_check(ex_rule_add(r, parse("f(xs)"), parse("g(xs, xs)"), NULL, NULL));
  tap_eq_u(ex_rules_count(r), 1);
  ex e = parse("f(x)");
  for (int i = 0; i < 20; i++)
    e = ex_binary(EX_ADD, e, e);
  ex_errno = EX_OK;
  tap_check(!ex_rule_add(r, e, ex_int(1), NULL, NULL));
  tap_eq_u(ex_errno, EX_ELIMIT);
  tap_check(!ex_rule_add(r, parse("h(x)"), e, NULL, NULL));
  tap_eq_u(ex_rules_count(r), 1);
  ex_rules_free(r);
}

/* Against ex_match over all rules in order. */
static void the_tree_finds_what_a_scan_finds(void) {
  uint64_t random = tap_seed();
  ex names[3] = {ex_sym("x"), ex_sym("y"), ex_sym("long_name")};
  int matched = 0;
  for (int round = 0; round < 60; round++) {
    ex_rules *r = ex_rules_new();
    enum { RULES = 60 };
    ex *lhs = hc_scanned_alloc(RULES * sizeof *lhs);
    size_t n = 0;
    for (int i = 0; i < 3; i++)
      tap_require(ex_rules_variable(r, names[i], 0));
    while (n < RULES) {
      lhs[n] = random_ex(&random, 1 + (int)n % 8, RANDOM_ANY);
      ex rhs = call("rule_", ex_int((int64_t)n), NULL);
      if (ex_argc(lhs[n]) > 0 && ex_rule_add(r, lhs[n], rhs, NULL, NULL))
        n++;
    }
    tap_require(ex_rules_compile(r));
    for (int i = 0; i < 300; i++) {
      ex e = random_ex(&random, 1 + i % 8, RANDOM_ANY);
      ex values[3];
      ex_norm_status status;
      const ex_norm_limits one = {.steps = 1, .no_memo = true};
      size_t first = 0;
      while (first < n && !ex_match(lhs[first], e, names, values, 3))
        first++;
      ex got = ex_norm(r, e, EX_OUTERMOST, &one, &status);
      if (first < n)
        tap_require(got == call("rule_", ex_int((int64_t)first), NULL));
      else
        tap_require(ex_kind_of(got) != EX_APPLY ||
                    strcmp(ex_name(got), "rule_") != 0);
      matched += first < n;
    }
    ex_rules_free(r);
    hc_scanned_free(lhs);
  }
  tap_ge(matched, 1000);
}

/* ---- Strategies, laws, binders ---- */

static void outermost_leaves_out_what_is_not_needed(void) {
  ex_rules *r = rules_of("var x y\n"
                         "const(x, y) -> x\n"
                         "loop(x) -> loop(s(x))\n"
                         "take(zero, x) -> nil\n"
                         "take(s(y), cons(x, loop2)) -> never\n"
                         "from(x) -> cons(x, from(s(x)))\n"
                         "head(cons(x, y)) -> x\n"
                         "tail(cons(x, y)) -> y\n");
  const ex_norm_limits limits = {.steps = 1000};
  ex_norm_status status;
  tap_eq_p(norm(r, parse("const(a, loop(b))"), EX_OUTERMOST), ex_sym("a"));
  tap_eq_p(norm(r, parse("head(tail(tail(from(zero))))"), EX_OUTERMOST),
           parse("s(s(zero))"));
  ex e = ex_norm(r, parse("const(a, loop(b))"), EX_INNERMOST, &limits, &status);
  tap_require(e != NULL);
  tap_eq_u(status.end, EX_NORM_STEPS);
  tap_eq_u(status.steps, 1000);
  tap_eq_u(ex_dag_size(e), 1000 + 4);
}

static void parts_of_associative_lists(void) {
  ex_op sum = ex_opdef("sum_ac", EX_NARY, EX_COMM | EX_ASSOC);
  ex_op list = ex_opdef("list_a", EX_NARY, EX_ASSOC);
  tap_require(sum != EX_NONE && list != EX_NONE);
  ex_rules *r = rules_of("var x y\nrest xs ys\n"
                         "sum_ac(x, neg_(x)) -> nought\n"
                         "sum_ac(x, nought) -> x\n"
                         "list_a(swap(x), y) -> list_a(y, done(x))\n"
                         "whole(list_a(xs, stop, ys)) -> list_a(ys, xs)\n");
  becomes(r, "sum_ac(a, b, neg_(a), c)", "sum_ac(b, c)");
  becomes(r, "sum_ac(a, b, neg_(a), neg_(b))", "nought");
  becomes(r, "sum_ac(a, b, neg_(sum_ac(a, b)))", "nought");
  becomes(r, "sum_ac(sum_ac(a, c), neg_(c))", "a");
  becomes(r, "list_a(1, swap(a), 2, 3)", "list_a(1, 2, done(a), 3)");
  becomes(r, "whole(list_a(1, 2, stop, 3))", "list_a(3, 1, 2)");
}

static ex beta(const ex_env *env, void *cd) {
  ex f = ex_env_get(env, ex_sym("f"));
  (void)cd;
  if (ex_kind_of(f) != EX_TERM || (ex_op_flags(ex_op_of(f)) & EX_BINDER) == 0)
    return NULL;
  return ex_open(f, ex_env_get(env, ex_sym("a")));
}

static void lambda_terms(void) {
  tap_require(ex_opdef("lambda", 1, EX_BINDER) != EX_NONE);
  ex_rules *r = ex_rules_new();
  tap_require(ex_rules_variable(r, ex_sym("f"), 0) &&
              ex_rules_variable(r, ex_sym("a"), 0) &&
              ex_rule_add_fn(r, parse("app(f, a)"), beta, NULL) &&
              ex_rule_add(r, parse("wrap(a)"), parse("lambda(app2(%0, a))"),
                          NULL, NULL) &&
              ex_rules_compile(r));
  /* Two and two are four, as Church has it. */
  const char *four =
      "app(app(lambda(lambda(lambda(lambda(app(app(%3, %1), app(app(%2, %1), "
      "%0)))))), lambda(lambda(app(%1, app(%1, %0))))), lambda(lambda(app(%1, "
      "app(%1, %0)))))";
  becomes(r, four, "lambda(lambda(app(%1, app(%1, app(%1, app(%1, %0))))))");
  /* What is loose outside is still what it was under one more binder. */
  becomes(r, "lambda(wrap(%0))", "lambda(lambda(app2(%0, %1)))");
  becomes(r, "wrap(c)", "lambda(app2(%0, c))");
}

static void under_binders_values_are_closed(void) {
  tap_require(ex_opdef("lambda", 1, EX_BINDER) != EX_NONE);
  ex_rules *r = rules_of("var x y\n"
                         "lambda(const(x)) -> k(x)\n"
                         "lambda(pair(x, y)) -> both(x, y)\n");
  becomes(r, "lambda(const(a))", "k(a)");
  becomes(r, "lambda(const(%0))", "lambda(const(%0))");
  becomes(r, "lambda(pair(a, lambda(%0)))", "both(a, lambda(%0))");
  becomes(r, "lambda(pair(a, %0))", "lambda(pair(a, %0))");
}

/* ---- Limits, memory, depth, threads ---- */

static void limits_end_it(void) {
  ex_rules *r = rules_of(peano);
  ex e = call("times", unary(50), unary(50));
  ex_norm_limits limits = {.nodes = 100};
  ex_norm_status status;
  ex part = ex_norm(r, e, EX_INNERMOST, &limits, &status);
  tap_eq_u(status.end, EX_NORM_NODES);
  tap_eq_u(value_of(norm(r, part, EX_INNERMOST)), 2500);
  limits = (ex_norm_limits){.depth = 20};
  part = ex_norm(r, e, EX_INNERMOST, &limits, &status);
  tap_eq_u(status.end, EX_NORM_DEPTH);
  tap_eq_u(value_of(norm(r, part, EX_INNERMOST)), 2500);
  e = call("times", unary(30), unary(30));
  for (size_t steps = 1; steps < 400; steps += 7) {
    limits = (ex_norm_limits){.steps = steps};
    part = ex_norm(r, e, EX_OUTERMOST, &limits, &status);
    tap_require(status.end == EX_NORM_STEPS && status.steps == steps);
    tap_require(value_of(norm(r, part, EX_INNERMOST)) == 900);
  }
}

static void results_are_remembered(void) {
  ex_rules *r = rules_of(peano);
  ex e = call("fib", unary(15), NULL);
  hc_memo *memo = hc_memo_new();
  ex_norm_status first;
  ex_norm_status second;
  if (memo == NULL)
    tap_skip("no weak maps here");
  hc_memo_free(memo);
  ex held = ex_norm(r, e, EX_INNERMOST, NULL, &first);
  tap_eq_p(ex_norm(r, call("plus", e, unary(1)), EX_INNERMOST, NULL, &second),
           call("s", held, NULL));
  tap_ge(first.steps, 50);
  tap_le(second.steps, 4);
  tap_require(ex_rules_compile(r));
  tap_eq_p(ex_norm(r, e, EX_INNERMOST, NULL, &second), held);
  tap_eq_u(second.steps, first.steps);
}

/* A tree of 2^60 nodes that is a graph of 60. */
static void sharing_is_kept(void) {
  ex_rules *r = rules_of("var x\nold(x) -> new(x)\n");
  ex e = call("old", ex_sym("a"), NULL);
  ex want = call("new", ex_sym("a"), NULL);
  for (int i = 0; i < 60; i++) {
    e = call("pair", e, e);
    want = call("pair", want, want);
  }
  tap_eq_p(norm(r, e, EX_INNERMOST), want);
  tap_eq_p(norm(r, e, EX_OUTERMOST), want);
}

static void deep_terms(void) {
  ex_rules *r = rules_of("var x y\n"
                         "old(x) -> new(x)\n"
                         "plus(x, zero) -> x\n"
                         "plus(x, s(y)) -> s(plus(x, y))\n");
  ex old = ex_sym("end");
  ex new = ex_sym("end");
  for (int i = 0; i < DEEP; i++) {
    old = call(i % 3 ? "old" : "keep", old, NULL);
    new = call(i % 3 ? "new" : "keep", new, NULL);
  }
  tap_eq_p(norm(r, old, EX_INNERMOST), new);
  tap_eq_p(norm(r, old, EX_OUTERMOST), new);
  ex n = unary(DEEP);
  tap_eq_u(value_of(norm(r, call("plus", n, n), EX_INNERMOST)), 2 * DEEP);
  tap_eq_u(value_of(norm(r, call("plus", n, n), EX_OUTERMOST)), 2 * DEEP);
}

static void deep_pattern(void) {
  ex_rules *r = ex_rules_new();
  ex lhs = ex_sym("x");
  ex e = ex_sym("a");
  for (int i = 0; i < 60000; i++) {
    lhs = call("c", lhs, NULL);
    e = call("c", e, NULL);
  }
  tap_require(
      ex_rules_variable(r, ex_sym("x"), 0) &&
      ex_rule_add(r, call("top", lhs, NULL), parse("found(x)"), NULL, NULL) &&
      ex_rules_compile(r));
  tap_eq_p(norm(r, call("top", e, NULL), EX_INNERMOST), parse("found(a)"));
}

static void many_rules(void) {
  ex_rules *r = ex_rules_new();
  enum { N = 20000 };
  char text[64];
  tap_require(ex_rules_variable(r, ex_sym("x"), 0));
  for (int i = 0; i < N; i++) {
    snprintf(text, sizeof text, "f(k%d, x)", i);
    ex lhs = parse(text);
    snprintf(text, sizeof text, "g(x, %d)", i);
    tap_require(ex_rule_add(r, lhs, parse(text), NULL, NULL));
  }
  tap_require(ex_rules_compile(r));
  for (int i = 0; i < N; i++) {
    snprintf(text, sizeof text, "f(k%d, a)", i);
    ex e = parse(text);
    snprintf(text, sizeof text, "g(a, %d)", i);
    tap_require(norm(r, e, EX_INNERMOST) == parse(text));
  }
  ex_rules_free(r);
}

static ex_rules *shared_rules; /* [const] while threads run */

static void *multiply(void *arg) {
  for (uint64_t k = 1; k < (tap_long() ? 60 : 25); k++) {
    ex e = call("times", unary(k), call("plus", unary(k), unary(3)));
    ex_strategy s = k % 2 ? EX_INNERMOST : EX_OUTERMOST;
    tap_check(value_of(norm(shared_rules, e, s)) == k * (k + 3));
  }
  return arg;
}

static void threads_share_a_set(void) {
  enum { N = 3 };
  pthread_t thread[N];
  char why[120];
  GC_INIT();
  GC_allow_register_threads();
  shared_rules = rules_of(peano);
  for (int i = 0; i < N; i++)
    tap_require(pthread_create(&thread[i], NULL, multiply, NULL) == 0);
  for (int i = 0; i < N; i++)
    tap_require(pthread_join(thread[i], NULL) == 0);
  tap_eq_u(hc_check(ex_table(), why, sizeof why), 0);
}

TAP_MAIN(TAP_CASE(arithmetic), TAP_CASE(groups), TAP_CASE(truth_functions),
         TAP_CASE(derivatives_by_rules), TAP_CASE(order_of_rules_decides),
         TAP_CASE(variables_have_kinds), TAP_CASE(conditions_and_functions),
         TAP_CASE(bad_rules_are_refused),
         TAP_CASE(the_tree_finds_what_a_scan_finds),
         TAP_CASE(outermost_leaves_out_what_is_not_needed),
         TAP_CASE(parts_of_associative_lists), TAP_CASE(lambda_terms),
         TAP_CASE(under_binders_values_are_closed), TAP_CASE(limits_end_it),
         TAP_CASE(results_are_remembered), TAP_CASE(sharing_is_kept),
         TAP_CASE_T(deep_terms, 120), TAP_CASE_T(deep_pattern, 120),
         TAP_CASE_T(many_rules, 120), TAP_CASE_T(threads_share_a_set, 120))
