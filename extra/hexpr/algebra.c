/* extra/hexpr/algebra.c: the derivative and a simplifier as sets of rules. SPDX-License-Identifier: MIT */
/* Rules in text say what can be said by patterns; rules made by code do the
 * arithmetic of numbers and collect like operands all at once, which patterns would do
 * pair by pair. The simplifier turns sums and products into operators of any number of
 * operands, `plus_of` and `times_of`; that these have laws is known to the code only, so
 * that a pattern with a rest variable has one match and not one for each operand. In the
 * end a walk makes chains of binary operators again. */
#include "hexpr/algebra.h"

#include "hexpr/atom.h"
#include "hexpr/rewrite.h"
#include "hexpr/terms.h"

#include <pthread.h>
#include <string.h>

static const char derivative_text[] =
    "# D(e, x) is the derivative of e by x. Functions without meaning, and "
    "what\n"
    "# else is left, have a rule made by code.\n"
    "var f g x\n"
    "number c\n"
    "symbol y\n"
    "D(c, x) -> 0\n"
    "D(x, x) -> 1\n"
    "D(y, x) -> 0\n"
    "D(-f, x) -> -D(f, x)\n"
    "D(f + g, x) -> D(f, x) + D(g, x)\n"
    "D(f - g, x) -> D(f, x) - D(g, x)\n"
    "D(f*g, x) -> D(f, x)*g + f*D(g, x)\n"
    "D(f/c, x) -> D(f, x)/c\n"
    "D(f/g, x) -> D(f, x)/g - f*D(g, x)/g^2\n"
    "D(f^2, x) -> 2*f*D(f, x)\n"
    "D(f^c, x) -> c*f^(c - 1)*D(f, x)\n"
    "D(c^g, x) -> c^g*ln(c)*D(g, x)\n"
    "D(f^g, x) -> g*f^(g - 1)*D(f, x) + f^g*ln(f)*D(g, x)\n"
    "D(atan2(f, g), x) -> (g*D(f, x) - f*D(g, x))/(g^2 + f^2)\n"
    "D(sqrt(f), x) -> D(f, x)/(2*sqrt(f))\n"
    "D(exp(f), x) -> exp(f)*D(f, x)\n"
    "D(ln(f), x) -> D(f, x)/f\n"
    "D(log10(f), x) -> D(f, x)/(f*ln(10))\n"
    "D(sin(f), x) -> cos(f)*D(f, x)\n"
    "D(cos(f), x) -> -sin(f)*D(f, x)\n"
    "D(tan(f), x) -> (1 + tan(f)^2)*D(f, x)\n"
    "D(asin(f), x) -> D(f, x)/sqrt(1 - f^2)\n"
    "D(acos(f), x) -> -(D(f, x)/sqrt(1 - f^2))\n"
    "D(atan(f), x) -> D(f, x)/(1 + f^2)\n"
    "D(sinh(f), x) -> cosh(f)*D(f, x)\n"
    "D(cosh(f), x) -> sinh(f)*D(f, x)\n"
    "D(tanh(f), x) -> (1 - tanh(f)^2)*D(f, x)\n"
    "D(asinh(f), x) -> D(f, x)/sqrt(1 + f^2)\n"
    "D(acosh(f), x) -> D(f, x)/(sqrt(f - 1)*sqrt(f + 1))\n"
    "D(atanh(f), x) -> D(f, x)/(1 - f^2)\n"
    "D(abs(f), x) -> sign(f)*D(f, x)\n"
    "D(sign(f), x) -> 0\n"
    "# Noughts and ones are left out, or derivatives would grow without end.\n"
    "f + 0 -> f\n"
    "0 + f -> f\n"
    "f - 0 -> f\n"
    "0 - f -> -f\n"
    "-(-f) -> f\n"
    "0*f -> 0\n"
    "f*0 -> 0\n"
    "1*f -> f\n"
    "f*1 -> f\n"
    "0/f -> 0\n"
    "f/1 -> f\n"
    "f^1 -> f\n";

static const char simplifier_text[] =
    "# Sums and products become operators of any number of operands, which "
    "rules\n"
    "# made by code collect.\n"
    "var a b\n"
    "rest more\n"
    "a + b -> plus_of(a, b)\n"
    "a - b -> plus_of(a, times_of(-1, b))\n"
    "-a -> times_of(-1, a)\n"
    "a*b -> times_of(a, b)\n"
    "a/b -> times_of(a, b^(-1))\n"
    "sqrt(a) -> a^(1//2)\n"
    "a^0 -> 1\n"
    "a^1 -> a\n"
    "1^a -> 1\n"
    "ln(exp(a)) -> a\n"
    "exp(ln(a)) -> a\n"
    "exp(0) -> 1\n"
    "ln(1) -> 0\n"
    "log10(1) -> 0\n"
    "log10(10) -> 1\n"
    "acos(1) -> 0\n"
    "acosh(1) -> 0\n"
    "sin(0) -> 0\n"
    "cos(0) -> 1\n"
    "tan(0) -> 0\n"
    "asin(0) -> 0\n"
    "atan(0) -> 0\n"
    "sinh(0) -> 0\n"
    "cosh(0) -> 1\n"
    "tanh(0) -> 0\n"
    "asinh(0) -> 0\n"
    "atanh(0) -> 0\n"
    "abs(0) -> 0\n"
    "sign(0) -> 0\n";

static const char *const texts[] = {[EX_SET_DERIVATIVE] = derivative_text,
                                    [EX_SET_SIMPLIFIER] = simplifier_text};
enum { SETS = sizeof texts / sizeof texts[0] };

static ex_op plus_op, times_op;    /* [const] after set-up */
static const ex_rules *sets[SETS]; /* [const] after set-up; NULL: it failed */
static pthread_once_t sets_once = PTHREAD_ONCE_INIT;

/* ---- Operands ---- */

static bool is_flat(ex e, ex_op op) {
  return kind_of(e) == EX_TERM && term_op_of(e) == op;
}

static ex value_of(const ex_env *env, const char *name) {
  return ex_env_get(env, ex_sym(name));
}

static bool number_of(const ex_env *env, const char *name, struct ex_num *out) {
  return ex_num_of(value_of(env, name), out);
}

/* As one leaf, where the other simplifier has a quotient. */
static ex number_node(struct ex_num a) {
  ex e = ex_num_node(a);
  return e == NULL || is_leaf(e)
             ? e
             : ex_exact_quotient(arg_of(e, 0), arg_of(e, 1));
}

/* OP on operands, of which there may be one or none. */
static ex flat(ex_op op, const ex *at, size_t n) {
  if (n == 0)
    return ex_int(op == times_op);
  return n == 1 ? at[0] : ex_n(op, at, n);
}

/* The operands of the rest variable `more`, changed by F unless that is NULL, below OP.
 */
static ex on_more(const ex_env *env, ex_op op, ex (*f)(ex e, ex with),
                  ex with) {
  ex more = value_of(env, "more");
  size_t n = argc_of(more);
  ex *at = hc_scanned_alloc((n + 1) * sizeof *at);
  ex made;
  if (at == NULL)
    return ex_node_fail(EX_ENOMEM);
  for (size_t i = 0; i < n; i++)
    at[i] = f == NULL ? arg_of(more, i) : f(arg_of(more, i), with);
  made = flat(op, at, n);
  hc_scanned_free(at);
  return made;
}

/* The operands that E gives to OP: its own ones, or itself. */
static size_t inner_count(ex e, ex_op op) {
  return is_flat(e, op) ? argc_of(e) : 1;
}

static ex inner(ex e, ex_op op, size_t i) {
  return is_flat(e, op) ? arg_of(e, i) : e;
}

/* The number that the product E begins with, or 1, and what is left of it. */
static ex split(ex e, struct ex_num *number) {
  ex *left;
  ex made;
  if (!is_flat(e, times_op) || !is_number(arg_of(e, 0)) ||
      !ex_num_of(arg_of(e, 0), number)) {
    *number = ex_num_int(1);
    return e;
  }
  left = hc_scanned_alloc(argc_of(e) * sizeof *left);
  if (left == NULL)
    return ex_node_fail(EX_ENOMEM);
  for (size_t i = 1; i < argc_of(e); i++)
    left[i - 1] = arg_of(e, i);
  made = flat(times_op, left, argc_of(e) - 1);
  hc_scanned_free(left);
  return made;
}

/* ---- Sums ---- */

static void take_term(struct ex_terms *t, ex e) {
  struct ex_num number;
  ex base = NULL;
  if (!is_number(e) || !ex_num_of(e, &number)) {
    base = split(e, &number);
    t->failed = t->failed || base == NULL;
  }
  ex_terms_add(t, base, number);
}

static ex term_node(const struct ex_term *t) {
  ex base = t->base;
  ex *at;
  ex made;
  if (base == NULL)
    return number_node(t->num);
  if (ex_num_is(t->num, 1))
    return base;
  at = hc_scanned_alloc((inner_count(base, times_op) + 1) * sizeof *at);
  if (at == NULL)
    return ex_node_fail(EX_ENOMEM);
  at[0] = number_node(t->num);
  for (size_t i = 0; i < inner_count(base, times_op); i++)
    at[i + 1] = inner(base, times_op, i);
  made = ex_n(times_op, at, inner_count(base, times_op) + 1);
  hc_scanned_free(at);
  return made;
}

/* What MAKE makes of the terms that are not NULL, below OP; drops the terms. */
static ex build(struct ex_terms *t, ex_op op,
                ex (*make)(const struct ex_term *t), ex first) {
  ex *at = t->failed ? NULL : hc_scanned_alloc((t->n + 1) * sizeof *at);
  size_t n = 0;
  ex made = NULL;
  if (at != NULL) {
    if (first != NULL)
      at[n++] = first;
    for (size_t i = 0; i < t->n; i++)
      if (!ex_num_is(t->at[i].num, 0))
        at[n++] = make(&t->at[i]);
    made = flat(op, at, n);
    hc_scanned_free(at);
  } else
    ex_node_fail(EX_ENOMEM);
  ex_terms_drop(t);
  return made;
}

/* A rule does not apply to what it leaves alone. */
static ex if_changed(const ex_env *env, ex_op op, ex made) {
  ex more = value_of(env, "more");
  if (made == NULL || !is_flat(made, op) || argc_of(made) != argc_of(more))
    return made;
  for (size_t i = 0; i < argc_of(made); i++)
    if (arg_of(made, i) != arg_of(more, i))
      return made;
  return NULL;
}

static ex collect_terms(const ex_env *env, void *cd) {
  struct ex_terms t = {0};
  ex more = value_of(env, "more");
  (void)cd;
  for (size_t i = 0; i < argc_of(more); i++)
    for (size_t k = 0; k < inner_count(arg_of(more, i), plus_op); k++)
      take_term(&t, inner(arg_of(more, i), plus_op, k));
  ex_terms_merge(&t);
  return if_changed(env, plus_op, build(&t, plus_op, term_node, NULL));
}

/* ---- Products ---- */

static ex power_node(const struct ex_term *t) {
  if (ex_num_is(t->num, 1))
    return t->base;
  return ex_2(EX_POW, t->base, number_node(t->num));
}

static void take_factor(struct ex_terms *t, struct ex_num *number, ex e) {
  struct ex_num value;
  if (is_number(e) && ex_num_of(e, &value) &&
      ex_num_mul(*number, value, number))
    return;
  if (op_of(e) == EX_POW && is_number(arg_of(e, 1)) &&
      ex_num_of(arg_of(e, 1), &value))
    ex_terms_add(t, arg_of(e, 0), value);
  else
    ex_terms_add(t, e, ex_num_int(1));
}

/* Powers of numbers whose exponents have become such that they are exact go into
 * *NUMBER; whether 0 is left with a negative one. */
static bool settle(struct ex_terms *t, struct ex_num *number) {
  bool divides_by_zero = false;
  ex_terms_merge(t);
  for (size_t i = 0; i < t->n; i++) {
    struct ex_term *f = &t->at[i];
    struct ex_num base;
    if (!is_number(f->base) || !ex_num_of(f->base, &base))
      continue;
    if (ex_num_is(base, 0) && ex_num_is_negative(f->num))
      divides_by_zero = true;
    else if (ex_num_raise(base, f->num, &base) &&
             ex_num_mul(*number, base, number))
      f->num = ex_num_int(0);
  }
  return divides_by_zero;
}

static ex times_number(ex e, ex number) { return ex_2(times_op, number, e); }

/* A number on a sum goes to its terms. */
static ex spread(ex e) {
  ex sum;
  ex *at;
  ex made;
  if (!is_flat(e, times_op) || argc_of(e) != 2 || !is_number(arg_of(e, 0)) ||
      !is_flat(arg_of(e, 1), plus_op))
    return e;
  sum = arg_of(e, 1);
  at = hc_scanned_alloc(argc_of(sum) * sizeof *at);
  if (at == NULL)
    return ex_node_fail(EX_ENOMEM);
  for (size_t i = 0; i < argc_of(sum); i++)
    at[i] = times_number(arg_of(sum, i), arg_of(e, 0));
  made = ex_n(plus_op, at, argc_of(sum));
  hc_scanned_free(at);
  return made;
}

static ex collect_factors(const ex_env *env, void *cd) {
  struct ex_terms t = {0};
  struct ex_num number = ex_num_int(1);
  ex more = value_of(env, "more");
  ex made;
  (void)cd;
  for (size_t i = 0; i < argc_of(more); i++)
    for (size_t k = 0; k < inner_count(arg_of(more, i), times_op); k++)
      take_factor(&t, &number, inner(arg_of(more, i), times_op, k));
  if (!settle(&t, &number) && ex_num_is(number, 0)) {
    ex_terms_drop(&t);
    return ex_int(0);
  }
  made = build(&t, times_op, power_node,
               ex_num_is(number, 1) ? NULL : number_node(number));
  return if_changed(env, times_op, made == NULL ? NULL : spread(made));
}

/* ---- Powers ---- */

static ex power_of_number(const ex_env *env, void *cd) {
  struct ex_num base;
  struct ex_num exponent;
  (void)cd;
  return number_of(env, "c", &base) && number_of(env, "d", &exponent) &&
                 ex_num_raise(base, exponent, &base)
             ? number_node(base)
             : NULL;
}

/* Where that holds for all values of the base. */
static ex power_of_power(const ex_env *env, void *cd) {
  struct ex_num inner;
  struct ex_num outer;
  (void)cd;
  if (!number_of(env, "c", &inner) || !number_of(env, "d", &outer) ||
      (!ex_num_is_whole(outer) && ex_num_is_whole(inner)) ||
      !ex_num_mul(inner, outer, &outer))
    return NULL;
  return ex_2(EX_POW, value_of(env, "a"), number_node(outer));
}

static ex raised(ex e, ex exponent) { return ex_2(EX_POW, e, exponent); }

static ex power_of_product(const ex_env *env, void *cd) {
  struct ex_num exponent;
  (void)cd;
  if (!number_of(env, "d", &exponent) || !ex_num_is_int(exponent))
    return NULL;
  return on_more(env, times_op, raised, value_of(env, "d"));
}

/* ---- Signs ---- */

/* The argument c*more, or c alone, without the sign of c; NULL if that has none. */
static ex without_sign(const ex_env *env) {
  struct ex_term term = {NULL, ex_num_int(0)};
  if (!number_of(env, "c", &term.num) || !ex_num_is_negative(term.num) ||
      !ex_num_neg(term.num, &term.num))
    return NULL;
  if (value_of(env, "more") != NULL)
    term.base = on_more(env, times_op, NULL, NULL);
  return term_node(&term);
}

/* CD is the operator. */
static ex even_function(const ex_env *env, void *cd) {
  ex positive = without_sign(env);
  return positive == NULL ? NULL : ex_1((ex_op)(uintptr_t)cd, positive);
}

static ex odd_function(const ex_env *env, void *cd) {
  ex value = even_function(env, cd);
  return value == NULL ? NULL : ex_2(times_op, ex_int(-1), value);
}

static const struct {
  ex_op op;
  ex_rule_make make;
} symmetric[] = {
    {EX_SIN, odd_function},   {EX_TAN, odd_function},   {EX_ASIN, odd_function},
    {EX_ATAN, odd_function},  {EX_SINH, odd_function},  {EX_TANH, odd_function},
    {EX_ASINH, odd_function}, {EX_ATANH, odd_function}, {EX_SIGN, odd_function},
    {EX_COS, even_function},  {EX_COSH, even_function}, {EX_ABS, even_function},
};

static bool add_symmetric(ex_rules *rules) {
  ex more = ex_sym("more");
  ex product = ex_2(times_op, ex_sym("c"), more);
  bool ok = true;
  for (size_t i = 0; ok && i < sizeof symmetric / sizeof symmetric[0]; i++) {
    ex_op op = symmetric[i].op;
    void *cd = (void *)(uintptr_t)op;
    ok = ex_rule_add_fn(rules, ex_1(op, product), symmetric[i].make, cd) &&
         ex_rule_add_fn(rules, ex_1(op, ex_sym("c")), symmetric[i].make, cd);
  }
  return ok;
}

/* ---- Derivatives ---- */

static ex negated(const ex_env *env, void *cd) {
  struct ex_num c;
  (void)cd;
  return number_of(env, "c", &c) && ex_num_neg(c, &c) ? number_node(c) : NULL;
}

static ex difference(const ex_env *env, void *cd) {
  struct ex_num a;
  struct ex_num b;
  (void)cd;
  return number_of(env, "c", &a) && number_of(env, "d", &b) &&
                 ex_num_neg(b, &b) && ex_num_add(a, b, &a)
             ? number_node(a)
             : NULL;
}

/* Of what has no rule of its own: a leaf, a function or a term. */
static ex formal(const ex_env *env, void *cd) {
  ex f = value_of(env, "f");
  ex args[2] = {NULL, value_of(env, "x")};
  ex sum = NULL;
  (void)cd;
  if (is_leaf(f))
    return ex_int(0);
  if ((ex_op_flags(ex_op_of(f)) & EX_BINDER) != 0 ||
      (kind_of(f) == EX_APPLY && strcmp(ex_name(f), "D") == 0))
    return NULL;
  for (size_t i = 0; i < argc_of(f); i++) {
    ex term;
    args[0] = arg_of(f, i);
    term =
        ex_2(EX_MUL, ex_derive_partial(f, i), ex_apply(ex_sym("D"), args, 2));
    sum = sum == NULL ? term : ex_2(EX_ADD, sum, term);
  }
  return sum == NULL ? ex_int(0) : sum;
}

/* ---- Sets ---- */

static const struct {
  ex_ruleset set;
  const char *pattern;
  ex_rule_make make;
} made_by_code[] = {{EX_SET_DERIVATIVE, "c - d", difference},
                    {EX_SET_DERIVATIVE, "-(c)", negated},
                    {EX_SET_DERIVATIVE, "D(f, x)", formal},
                    {EX_SET_SIMPLIFIER, "plus_of(more)", collect_terms},
                    {EX_SET_SIMPLIFIER, "times_of(more)", collect_factors},
                    {EX_SET_SIMPLIFIER, "c^d", power_of_number},
                    {EX_SET_SIMPLIFIER, "(a^c)^d", power_of_power},
                    {EX_SET_SIMPLIFIER, "times_of(more)^d", power_of_product}};
enum { MADE_BY_CODE = sizeof made_by_code / sizeof made_by_code[0] };

static bool fill_set(ex_rules *rules, ex_ruleset which) {
  ex_error error;
  bool ok = ex_rules_read(rules, texts[which], strlen(texts[which]),
                          EX_RULES_INFIX, &error) &&
            ex_rules_variable(rules, ex_sym("c"), EX_VAR_NUMBER) &&
            ex_rules_variable(rules, ex_sym("d"), EX_VAR_NUMBER);
  for (size_t i = 0; ok && i < MADE_BY_CODE; i++) {
    const char *pattern = made_by_code[i].pattern;
    if (made_by_code[i].set == which)
      ok = ex_rule_add_fn(rules, ex_parse(pattern, strlen(pattern), &error),
                          made_by_code[i].make, NULL);
  }
  if (which == EX_SET_SIMPLIFIER)
    ok = ok && add_symmetric(rules);
  return ok && ex_rules_compile(rules);
}

static void make_sets(void) {
  plus_op = ex_opdef("plus_of", EX_NARY, 0);
  times_op = ex_opdef("times_of", EX_NARY, 0);
  for (int i = 0; i < SETS && plus_op != EX_NONE && times_op != EX_NONE; i++) {
    ex_rules *rules = ex_rules_new();
    if (rules != NULL && fill_set(rules, (ex_ruleset)i))
      sets[i] = rules;
    else
      ex_rules_free(rules);
  }
}

const ex_rules *ex_ruleset_get(ex_ruleset which) {
  pthread_once(&sets_once, make_sets);
  if (sets[which] == NULL)
    ex_node_fail(EX_ETYPE);
  return sets[which];
}

const char *ex_ruleset_text(ex_ruleset which) { return texts[which]; }

/* ---- All at once ---- */

/* Chains can bring together what the rules had apart: a number that stood before a
 * quotient, and a sum. One more pass has been enough in all that was seen. */
enum { PASSES = 4 };

ex ex_simplify_by_rules(ex e) {
  const ex_rules *rules = ex_ruleset_get(EX_SET_SIMPLIFIER);
  ex before = NULL;
  if (rules == NULL)
    return NULL;
  for (int i = 0; i < PASSES && e != NULL && e != before; i++) {
    before = e;
    e = ex_norm(rules, e, EX_INNERMOST, NULL, NULL);
    e = ex_binary_chains(e, plus_op, times_op);
  }
  return e;
}

ex ex_derive_by_rules(ex e, ex variable) {
  const ex_rules *rules = ex_ruleset_get(EX_SET_DERIVATIVE);
  if (rules == NULL || e == NULL || variable == NULL)
    return NULL;
  if (kind_of(variable) != EX_SYM)
    return ex_node_fail(EX_ETYPE);
  return ex_norm(rules, ex_apply(ex_sym("D"), (ex[]){e, variable}, 2),
                 EX_INNERMOST, NULL, NULL);
}
