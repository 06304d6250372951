/* tests/extra/hexpr_acmatch.c: all matches modulo laws. SPDX-License-Identifier: MIT */
/* The oracle tries all values that parts of the subject can give to the variables
 * and looks whether the pattern with them is the subject. */
#include <hexpr/rewrite.h>

#include "extra/text_ex.h"
#include "lib/tap.h"

#include <stdlib.h>
#include <string.h>

enum { X, Y, N, XS, YS, VARS };

static ex names[VARS];
static const unsigned flags[VARS] = {0, 0, EX_VAR_INT, EX_VAR_REST,
                                     EX_VAR_REST};
static ex_op ac;
static ex_op as;
static ex_op cm;
static ex_op sets;
static ex_op sq;

static void define(void) {
  static const char *const spelt[VARS] = {"x", "y", "n", "xs", "ys"};
  for (int i = 0; i < VARS; i++)
    names[i] = ex_sym(spelt[i]);
  ac = ex_opdef("ac", EX_NARY, EX_COMM | EX_ASSOC);
  as = ex_opdef("as", EX_NARY, EX_ASSOC);
  cm = ex_opdef("cm", 2, EX_COMM);
  sets = ex_opdef("sets", EX_NARY, EX_COMM | EX_ASSOC | EX_IDEM);
  sq = ex_opdef("sq", EX_NARY, 0);
  tap_require(sets != EX_NONE && sq != EX_NONE && ex_rest_op() != EX_NONE);
}

static bool is_rest(ex e) { return e == names[XS] || e == names[YS]; }

/* ---- Instances ---- */

static ex value_of(ex e, const ex *values) {
  for (int i = 0; i < VARS; i++)
    if (e == names[i])
      return values[i];
  return e;
}

/* PATTERN with the values; NULL when an operator vanishes or does not take so
 * many operands. Patterns are shallow. */
static ex instance(ex pattern, const ex *values) {
  ex args[32];
  size_t n = 0;
  ex e;
  if (ex_kind_of(pattern) != EX_TERM && ex_kind_of(pattern) != EX_APPLY)
    return value_of(pattern, values);
  for (size_t k = 0; k < ex_argc(pattern); k++) {
    ex arg = ex_arg(pattern, k);
    if (is_rest(arg)) {
      arg = value_of(arg, values);
      for (size_t m = 0; m < ex_argc(arg) && n < 32; m++)
        args[n++] = ex_arg(arg, m);
    } else if ((args[n] = instance(arg, values)) == NULL)
      return NULL;
    else
      n++;
  }
  if (ex_kind_of(pattern) == EX_APPLY)
    return ex_apply(ex_function(pattern), args, n);
  if (ex_op_of(pattern) == cm && n != 2)
    return NULL;
  e = ex_n(ex_op_of(pattern), args, n);
  return ex_kind_of(e) == EX_TERM && ex_op_of(e) == ex_op_of(pattern) ? e
                                                                      : NULL;
}

/* ---- The oracle ---- */

enum { MOST = 400 };

struct values {
  ex at[MOST];
  size_t n;
};

static void add(struct values *v, ex e) {
  for (size_t i = 0; i < v->n; i++)
    if (v->at[i] == e)
      return;
  tap_require(v->n < MOST);
  v->at[v->n++] = e;
}

/* What a part of E's operands can be for a plain variable and for a rest
 * variable, in any choice or as a slice. */
static void add_parts(struct values *v, ex e) {
  size_t argc = ex_argc(e);
  bool term = ex_kind_of(e) == EX_TERM;
  unsigned law = term ? ex_op_flags(ex_op_of(e)) : 0;
  for (uint32_t mask = 0; mask < 1u << argc; mask++) {
    ex args[16];
    size_t n = 0;
    bool slice = (mask & (mask + (mask & (0 - mask)))) == 0;
    for (size_t k = 0; k < argc; k++)
      if ((mask >> k & 1) != 0)
        args[n++] = ex_arg(e, k);
    if ((law & EX_COMM) != 0)
      add(&v[XS], ex_n(ex_rest_op(), args, n));
    if ((law & EX_COMM) == 0 && slice)
      add(&v[YS], ex_n(ex_rest_op(), args, n));
    if ((law & EX_ASSOC) != 0 && n > 0 && (slice || (law & EX_COMM) != 0))
      add(&v[X], ex_n(ex_op_of(e), args, n));
  }
}

static void add_all(struct values *v, ex e) {
  add(&v[X], e);
  if (ex_argc(e) > 0)
    add_parts(v, e);
  for (size_t k = 0; k < ex_argc(e); k++)
    add_all(v, ex_arg(e, k));
}

static bool occurs(ex pattern, ex variable) {
  bool found = pattern == variable;
  for (size_t k = 0; k < ex_argc(pattern) && !found; k++)
    found = occurs(ex_arg(pattern, k), variable);
  return found;
}

/* A solution as one expression. */
static ex tuple(const ex *values) {
  ex args[VARS];
  for (int i = 0; i < VARS; i++)
    args[i] = values[i] == NULL ? ex_sym("free") : values[i];
  return ex_apply(ex_sym("values"), args, VARS);
}

struct found {
  ex *at; /* scanned */
  size_t n;
  size_t told;
  bool is_full; /* there are more */
};

enum { SOLUTIONS = 4000 };

static void add_solution(struct found *f, const ex *values) {
  ex t = tuple(values);
  f->told++;
  for (size_t i = 0; i < f->n; i++)
    if (f->at[i] == t)
      return;
  if (f->n == SOLUTIONS)
    f->is_full = true;
  else
    f->at[f->n++] = t;
}

static void try_all(struct found *f, const struct values *v, ex pattern,
                    ex subject, ex *values, int var) {
  if (var == VARS) {
    if (instance(pattern, values) == subject)
      add_solution(f, values);
    return;
  }
  values[var] = NULL;
  if (!occurs(pattern, names[var])) {
    try_all(f, v, pattern, subject, values, var + 1);
    return;
  }
  for (size_t i = 0; i < v[var].n; i++) {
    values[var] = v[var].at[i];
    try_all(f, v, pattern, subject, values, var + 1);
  }
}

static int note(const ex *values, size_t n, void *cd) {
  tap_require(n == VARS);
  add_solution(cd, values);
  return 0;
}

/* ---- Random terms ---- */

static ex random_arg(uint64_t *random, int depth, bool pattern);

static ex random_term(uint64_t *random, int depth, bool pattern) {
  uint64_t r = tap_rand_r(random);
  ex_op ops[] = {ac, as, cm, sets, sq};
  size_t which = r % 6;
  size_t n = which == 2 ? 2 : 1 + (r >> 8) % (depth > 1 ? 4 : 3);
  ex args[8];
  for (size_t k = 0; k < n; k++)
    args[k] = random_arg(random, depth - 1, pattern);
  if (pattern && (r >> 16) % 3 == 0 && which != 2)
    args[n++] = which == 0 || which == 3 ? names[XS] : names[YS];
  if (which == 5)
    return ex_apply(ex_sym("f"), args, n);
  return ex_n(ops[which], args, n);
}

static ex random_arg(uint64_t *random, int depth, bool pattern) {
  uint64_t r = tap_rand_r(random);
  if (depth > 0 && r % 3 == 0)
    return random_term(random, depth, pattern);
  if (pattern && r % 3 == 1)
    return names[(r >> 8) % 3];
  return r % 7 == 2 ? ex_int((int64_t)(r >> 8) % 2)
                    : ex_sym((r >> 8) % 2 == 0 ? "a" : "b");
}

static size_t variables_in(ex pattern) {
  size_t n = 0;
  for (int i = 0; i < VARS; i++)
    n += occurs(pattern, names[i]);
  return n;
}

static ex random_instance(uint64_t *random, ex pattern) {
  ex values[VARS];
  ex few[3];
  for (int i = 0; i < VARS; i++)
    values[i] = random_arg(random, 0, false);
  values[N] = ex_int(1);
  for (int i = XS; i <= YS; i++) {
    for (int k = 0; k < 3; k++)
      few[k] = random_arg(random, 0, false);
    values[i] = ex_n(ex_rest_op(), few, tap_rand_r(random) % 3);
  }
  return instance(pattern, values);
}

static size_t size_of(ex e) {
  size_t n = 1;
  for (size_t k = 0; k < ex_argc(e); k++)
    n += size_of(ex_arg(e, k));
  return n;
}

static void explain(ex pattern, ex subject, const struct found *f) {
  char *p = ex_string(pattern, 10000);
  char *s = ex_string(subject, 10000);
  tap_note("%s against %s: %zu", p, s, f->n);
  for (size_t i = 0; i < f->n && i < 20; i++) {
    char *t = ex_string(f->at[i], 10000);
    tap_note("  %s", t);
    free(t);
  }
  free(p);
  free(s);
}

static bool is_subset(const struct found *a, const struct found *b) {
  for (size_t i = 0; i < a->n; i++) {
    size_t k = 0;
    while (k < b->n && b->at[k] != a->at[i])
      k++;
    if (k == b->n)
      return false;
  }
  return true;
}

static bool mentions(ex e, ex_op op) {
  bool found = ex_kind_of(e) == EX_TERM && ex_op_of(e) == op;
  for (size_t k = 0; k < ex_argc(e) && !found; k++)
    found = mentions(ex_arg(e, k), op);
  return found;
}

/* Whether equal operands come together in a value of a rest variable, which an
 * idempotent operator does not tell from one. */
static bool has_doubles(ex e) {
  for (size_t k = 1; k < ex_argc(e); k++)
    if (ex_arg(e, k) == ex_arg(e, k - 1))
      return true;
  return false;
}

static void leave_out_doubles(struct values *v) {
  size_t kept = 0;
  for (size_t i = 0; i < v->n; i++)
    if (!has_doubles(v->at[i]))
      v->at[kept++] = v->at[i];
  v->n = kept;
}

/* Whether an operator of the pattern would take apart what stands in a value of a
 * rest variable, so that the instance does not tell the two from each other. */
static bool would_flatten(const struct values *v, ex pattern) {
  ex_op ops[] = {ac, as, sets};
  for (size_t i = 0; i < v->n; i++)
    for (size_t k = 0; k < 3; k++)
      if (mentions(v->at[i], ops[k]) && mentions(pattern, ops[k]))
        return true;
  return false;
}

static size_t compare(ex pattern, ex subject, struct found *want,
                      struct found *got) {
  struct values *v = hc_scanned_alloc(VARS * sizeof *v);
  ex values[VARS];
  want->n = 0;
  got->n = 0;
  got->told = 0;
  want->is_full = got->is_full = false;
  add_all(v, subject);
  v[Y] = v[X];
  if (mentions(pattern, sets))
    leave_out_doubles(&v[XS]);
  add(&v[XS], ex_0(ex_rest_op()));
  add(&v[YS], ex_0(ex_rest_op()));
  for (size_t i = 0; i < v[X].n; i++)
    if (ex_kind_of(v[X].at[i]) == EX_INT)
      add(&v[N], v[X].at[i]);
  if ((occurs(pattern, names[XS]) && would_flatten(&v[XS], pattern)) ||
      (occurs(pattern, names[YS]) && would_flatten(&v[YS], pattern)))
    return 0;
  try_all(want, v, pattern, subject, values, 0);
  hc_scanned_free(v);
  if (want->is_full)
    return 0;
  ex_match_each(pattern, subject, names, flags, VARS, 0, note, got);
  tap_require(ex_errno == EX_OK && !got->is_full);
  if (!is_subset(want, got) || !is_subset(got, want)) {
    explain(pattern, subject, want);
    explain(pattern, subject, got);
    tap_require(false);
  }
  if (!mentions(pattern, sets))
    tap_require(got->told == got->n);
  return got->n;
}

static void all_matches_are_found(void) {
  uint64_t random = tap_seed();
  struct found want = {.at = hc_scanned_alloc(SOLUTIONS * sizeof(ex))};
  struct found got = {.at = hc_scanned_alloc(SOLUTIONS * sizeof(ex))};
  int n = tap_long() ? 20000 : 1200;
  int matched = 0;
  int several = 0;
  define();
  for (int i = 0; i < n; i++) {
    ex pattern = random_term(&random, 1 + i % 2, true);
    ex subject = i % 4 == 0 ? random_term(&random, 2, false)
                            : random_instance(&random, pattern);
    if (is_rest(pattern) || subject == NULL || variables_in(pattern) > 3 ||
        size_of(subject) > 9)
      continue;
    if (mentions(pattern, sets) && mentions(pattern, ac))
      continue;
    size_t told = compare(pattern, subject, &want, &got);
    matched += told > 0;
    several += told > 1;
  }
  tap_ge(matched, n / 4);
  tap_ge(several, n / 30);
}

/* ---- By hand ---- */

static int count(const ex *values, size_t n, void *cd) {
  (void)values;
  (void)n;
  return ++*(int *)cd == 1000000;
}

static size_t matches(const char *pattern, const char *subject) {
  int told = 0;
  return ex_match_each(parse(pattern), parse(subject), names, flags, VARS, 0,
                       count, &told);
}

static void numbers_of_matches(void) {
  define();
  tap_eq_u(matches("ac(x, y)", "ac(a, b, c)"), 6);
  tap_eq_u(matches("ac(x, y)", "ac(a, a, a)"), 2);
  tap_eq_u(matches("ac(x, x)", "ac(a, a, b, b)"), 1);
  tap_eq_u(matches("ac(x, x)", "ac(a, a, b)"), 0);
  tap_eq_u(matches("ac(x, xs)", "ac(a, b)"), 3);
  tap_eq_u(matches("ac(n, xs)", "ac(1, 2, b)"), 2);
  tap_eq_u(matches("as(x, y)", "as(a, b, c)"), 2);
  tap_eq_u(matches("as(ys, a, x)", "as(b, a, a, b)"), 2);
  tap_eq_u(matches("sq(x, ys)", "sq(a, b, c)"), 1);
  tap_eq_u(matches("f(x, ys)", "f(a)"), 1);
  tap_eq_u(matches("cm(x, y)", "cm(a, b)"), 2);
  tap_eq_u(matches("cm(a, x)", "cm(b, a)"), 1);
  tap_eq_u(matches("sets(x, y)", "sets(a, b)"), 7);
  tap_eq_u(matches("f(ac(x, y), ac(x, b))", "f(ac(a, b, c), ac(a, b, c))"), 1);
  tap_eq_u(matches("ac(x, y)", "a"), 0);
}

static void limits_and_ends(void) {
  int told = 999998;
  ex args[24];
  define();
  for (int i = 0; i < 24; i++) {
    char name[16];
    snprintf(name, sizeof name, "k%d", i);
    args[i] = ex_sym(name);
  }
  ex big = ex_n(ac, args, 24);
  tap_eq_u(ex_match_each(parse("ac(x, y)"), big, names, flags, VARS, 0, count,
                         &told),
           2);
  told = 0;
  tap_le(ex_match_each(parse("ac(x, y)"), big, names, flags, VARS, 1000, count,
                       &told),
         1000);
  tap_eq_u(ex_errno, EX_ELIMIT);
  tap_eq_u(
      ex_match_each(parse("sin(xs)"), big, names, flags, VARS, 0, count, &told),
      0);
  tap_eq_u(ex_errno, EX_ETYPE);
}

static void deep_subjects(void) {
  ex p;
  ex e;
  int told = 0;
  define();
  p = names[X];
  e = ex_sym("a");
  for (int i = 0; i < 300000; i++) {
    p = ex_2(cm, p, ex_int(i % 2));
    e = ex_2(cm, e, ex_int(i % 2));
  }
  tap_eq_u(ex_match_each(p, e, names, flags, VARS, 0, count, &told), 1);
}

TAP_MAIN(TAP_CASE_T(all_matches_are_found, 200), TAP_CASE(numbers_of_matches),
         TAP_CASE(limits_and_ends), TAP_CASE_T(deep_subjects, 120))
