/* extra/examples/lambda.c: a normaliser of the lambda calculus. SPDX-License-Identifier: MIT */
/* Usage: lambda [TERM]...
 *
 * Terms are written as formulas: lam(x, body) is a function, f(a, b) applies f to
 * a and then to b, app(term, a) applies any term, and a natural number n is its
 * Church numeral, lam(s, lam(z, s(s(...z)))) with s n times. A few names are
 * defined below.
 *
 * Bound variables have no names inside, %0 is that of the next function outwards;
 * so terms that differ only in names are one node, and putting a value into a
 * function captures nothing. A step rewrites the term once from the leaves up,
 * contracting whatever is a function applied to something by then (a complete
 * superdevelopment). Such steps reach the normal form if there is one; a term that
 * steps to itself is printed as it is. Equal parts are rewritten once. */
#include <hexpr/hexpr.h>

#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 1000 };

static const char *const definitions[][2] = {
    {"succ", "lam(n, lam(s, lam(z, s(n(s, z)))))"},
    {"plus", "lam(m, lam(n, lam(s, lam(z, m(s, n(s, z))))))"},
    {"times", "lam(m, lam(n, lam(s, m(n(s)))))"},
    {"power", "lam(m, lam(n, n(m)))"},
    {"pred", "lam(n, lam(s, lam(z, n(lam(g, lam(h, h(g(s)))), lam(u, z), "
             "lam(u, u)))))"},
    {"true", "lam(a, lam(b, a))"},
    {"false", "lam(a, lam(b, b))"},
    {"iszero", "lam(n, n(lam(u, false), true))"},
    {"fix", "lam(f, app(lam(x, f(x(x))), lam(x, f(x(x)))))"},
    {"fact", "fix(lam(self, lam(n, iszero(n, 1, times(n, self(pred(n)))))))"},
};
enum { DEFINITIONS = sizeof definitions / sizeof definitions[0] };

static ex_op lam; /* of one operand, in the scope of a variable */
static ex_op app;
static ex meaning[DEFINITIONS];

static ex numeral(int64_t n) {
  ex body = ex_bvar(0);
  for (int64_t i = 0; i < n; i++)
    body = ex_2(app, ex_bvar(1), body);
  return ex_1(lam, ex_1(lam, body));
}

/* The number that a normal form stands for, or -1. */
static int64_t number(ex e) {
  int64_t n = 0;
  if (ex_op_of(e) != lam || ex_op_of(ex_arg(e, 0)) != lam)
    return -1;
  e = ex_arg(ex_arg(e, 0), 0);
  for (; ex_op_of(e) == app && ex_arg(e, 0) == ex_bvar(1); n++)
    e = ex_arg(e, 1);
  return e == ex_bvar(0) ? n : -1;
}

/* What a node of the formula means, the meanings of its operands given: inner
 * functions have bound their variables already when an outer one is reached. */
static ex understand(ex e, void *cd) {
  ex result;
  (void)cd;
  if (ex_kind_of(e) == EX_INT && ex_int_value(e) >= 0)
    return numeral(ex_int_value(e));
  if (ex_kind_of(e) != EX_APPLY)
    return e;
  result = ex_function(e);
  if (result == ex_sym("lam") && ex_argc(e) == 2)
    return ex_bind(lam, ex_arg(e, 0), ex_arg(e, 1));
  if (result == ex_sym("app") && ex_argc(e) == 2)
    return ex_2(app, ex_arg(e, 0), ex_arg(e, 1));
  for (size_t i = 0; i < ex_argc(e); i++)
    result = ex_2(app, result, ex_arg(e, i));
  return result;
}

/* The names of definitions are free symbols until they are replaced here. */
static ex read_term(const char *text, size_t known) {
  ex names[DEFINITIONS];
  ex_error error;
  ex e = ex_parse(text, strlen(text), &error);
  if (e == NULL)
    fprintf(stderr, "%s\ncolumn %zu: expected %s, found %s\n", text,
            error.column, error.expected, error.found);
  for (size_t i = 0; i < known; i++)
    names[i] = ex_sym(definitions[i][0]);
  e = ex_map_bottomup(e, understand, NULL, NULL, 0);
  return ex_subst_all(e, names, meaning, known);
}

static ex contract(ex e, void *cd) {
  (void)cd;
  if (ex_op_of(e) == app && ex_op_of(ex_arg(e, 0)) == lam)
    return ex_open(ex_arg(e, 0), ex_arg(e, 1));
  return e;
}

static bool normalise(const char *text) {
  ex e = read_term(text, DEFINITIONS);
  int steps = 0;
  for (ex before = NULL; e != NULL && e != before && steps < MOST_STEPS;
       steps++) {
    before = e;
    e = ex_map_bottomup(e, contract, NULL, NULL, 0);
  }
  if (e == NULL)
    return false;
  printf("%s = ", text);
  if (steps == MOST_STEPS)
    printf("(no normal form in %d steps)", steps);
  else if (number(e) >= 0)
    printf("%lld", (long long)number(e));
  else
    ex_print(e, stdout);
  putchar('\n');
  return true;
}

int main(int argc, char **argv) {
  static const char *const examples[] = {
      "plus(2, 3)",
      "pred(times(6, 7))",
      "power(2, 10)",
      "fact(5)",
      "lam(x, lam(y, app(lam(x, lam(y, x)), y)))",
      "true(done, app(lam(x, x(x)), lam(x, x(x))))",
  };
  const size_t n = sizeof examples / sizeof examples[0];
  bool ok = true;
  lam = ex_opdef("lambda", 1, EX_BINDER);
  app = ex_opdef("apply", 2, 0);
  for (size_t i = 0; i < DEFINITIONS; i++)
    meaning[i] = read_term(definitions[i][1], i);
  for (size_t i = 0; argc < 2 && i < n; i++)
    ok = normalise(examples[i]) && ok;
  for (int i = 1; i < argc; i++)
    ok = normalise(argv[i]) && ok;
  return ok ? 0 : 1;
}
