/* tests/extra/hexpr_infix.c: infix text with operators of the program. SPDX-License-Identifier: MIT */
#include <hexpr/hexpr.h>

#include "extra/random_ex.h"
#include "extra/text_ex.h"
#include "lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* INFIX reads as the S-expression and prints as WANT, which reads as the same.
 */
static void means(const char *infix, const char *meaning, const char *want) {
  ex e = parse(infix);
  char *got = ex_string(e, 1000);
  tap_note("%s", infix);
  tap_eq_p(e, sexpr(meaning));
  tap_eq_s(got, want);
  tap_eq_p(parse(got), e);
  free(got);
}

static void fails_at(const char *text, size_t column, const char *expected,
                     const char *found) {
  ex_error error = {0};
  ex_errno = EX_OK;
  tap_note("%s", text);
  tap_check(ex_parse(text, strlen(text), &error) == NULL);
  tap_eq_u(ex_errno, EX_EFORMAT);
  tap_eq_u(error.column, column);
  tap_eq_s(error.expected, expected);
  tap_eq_s(error.found, found);
}

struct definition {
  const char *name;
  int arity;
  unsigned flags;
};

/* Signs of which one begins another, words, all groupings, and priorities that
 * are those of built-in operators and between them. */
static const struct definition table[] = {
    {"=>", 2, EX_INFIX | EX_RIGHT | EX_PRIORITY(3)},
    {"or", EX_NARY, EX_INFIX | EX_PRIORITY(4)},
    {"&&", EX_NARY, EX_INFIX | EX_COMM | EX_ASSOC | EX_IDEM | EX_PRIORITY(5)},
    {"not", 1, EX_PREFIX | EX_PRIORITY(6)},
    {"<", 2, EX_INFIX | EX_NOCHAIN | EX_PRIORITY(8)},
    {"<=", 2, EX_INFIX | EX_NOCHAIN | EX_PRIORITY(8)},
    {"in", 2, EX_INFIX | EX_PRIORITY(8)},
    {"++", 2, EX_INFIX | EX_RIGHT | EX_PRIORITY(10)},
    {"mod", 2, EX_INFIX | EX_PRIORITY(20)},
    {"**", 2, EX_INFIX | EX_RIGHT | EX_PRIORITY(30)},
    {"--", 1, EX_PREFIX | EX_PRIORITY(30)},
    {"!", 1, EX_POSTFIX | EX_PRIORITY(50)},
    {"!!", 1, EX_POSTFIX | EX_PRIORITY(50)},
    {"?", 1, EX_POSTFIX | EX_PRIORITY(7)},
    {"squared", 1, EX_POSTFIX | EX_PRIORITY(40)},
    {"~", 1, EX_PREFIX | EX_PRIORITY(60)},
    {"-+", EX_NARY, EX_INFIX | EX_RIGHT | EX_PRIORITY(10)},
    {"a,b", 2, EX_INFIX | EX_PRIORITY(10)},
    {"if-then", 3, 0},
    {"plain", 2, 0},
    {"log", 2, 0},
};

enum { OPS = sizeof table / sizeof table[0] };

static void define(ex_op *out) {
  for (size_t i = 0; i < OPS; i++) {
    ex_op op = ex_opdef(table[i].name, table[i].arity, table[i].flags);
    tap_require(op != EX_NONE);
    if (out != NULL)
      out[i] = op;
  }
}

static void groups(void) {
  define(NULL);
  means("a=>b=>c", "(=> a (=> b c))", "a => b => c");
  means("(a=>b)=>c", "(=> (=> a b) c)", "(a => b) => c");
  means("a or b or c", "(or a b c)", "a or b or c");
  means("(a or b) or c", "(or (or a b) c)", "(a or b) or c");
  means("b && a && b", "(&& a b)", "a && b");
  means("a mod b*c mod d", "(mod (* (mod a b) c) d)", "a mod b*c mod d");
  means("a++b+c", "(+ (++ a b) c)", "a ++ b + c");
  means("a+b++c", "(+ a (++ b c))", "a + b ++ c");
  means("a -+ b -+ c", "(-+ a b c)", "a -+ b -+ c");
  means("a -+ (b -+ c)", "(-+ a (-+ b c))", "a -+ (b -+ c)");
  means("(a < b) < c", "(< (< a b) c)", "(a < b) < c");
  means("a < b or c <= d", "(or (< a b) (<= c d))", "a < b or c <= d");
  means("not a < b", "(not (< a b))", "not a < b");
  means("(not a) < b", "(< (not a) b)", "(not a) < b");
  means("a * not b + c", "(* a (not (+ b c)))", "a*(not b + c)");
  means("not not a", "(not (not a))", "not not a");
  means("~not a", "(~ (not a))", "~(not a)");
  means("~a < b", "(< (~ a) b)", "~a < b");
  means("-a ** b", "(- (** a b))", "-a ** b");
  means("-5 ** b", "(- (** 5 b))", "-5 ** b");
  means("(-5) ** b", "(** -5 b)", "(-5) ** b");
  means("-5 mod b", "(mod -5 b)", "-5 mod b");
}

static void postfix_and_signs(void) {
  define(NULL);
  means("-5!", "(- (! 5))", "-5!");
  means("(-5)!", "(! -5)", "(-5)!");
  means("a!!", "(!! a)", "a!!");
  means("a! !", "(! (! a))", "a! !");
  means("a+b!", "(+ a (! b))", "a + b!");
  means("a+b?", "(? (+ a b))", "a + b?");
  means("a+(b?)", "(+ a (? b))", "a + (b?)");
  means("a squared squared", "(squared (squared a))", "a squared squared");
  means("~a!", "(! (~ a))", "~a!");
  means("~(a!)", "(~ (! a))", "~(a!)");
  means("a^b squared", "(squared (^ a b))", "a^b squared");
  means("--a", "(-- a)", "--a");
  means("- -a", "(- (- a))", "- -a");
  means("-(-5)", "(- -5)", "-(-5)");
  means("-- -5", "(-- -5)", "-- -5");
  means("a - --b", "(- a (-- b))", "a - (--b)");
  means("a<-b", "(< a (- b))", "a < (-b)");
  means("a<=b", "(<= a b)", "a <= b");
}

static void calls_and_names(void) {
  ex x = ex_sym("x");
  define(NULL);
  means("`if-then`(a, b, c)", "(if-then a b c)", "`if-then`(a, b, c)");
  means("plain(a, b)", "(plain a b)", "plain(a, b)");
  means("`plain`(a, b)", "(plain a b)", "plain(a, b)");
  means("`log`(a, b)", "(log a b)", "`log`(a, b)");
  means("in(a, b)", "(in a b)", "in(a, b)");
  means("`a,b`(1, 2)", "(a,b 1 2)", "`a,b`(1, 2)");
  means("or(a)", "(or a)", "or(a)");
  means("`-+`()", "(-+)", "`-+`()");
  means("|not| + mod", "(+ |not| |mod|)", "|not| + mod");
  means("|not|(a)", "(|not| a)", "|not|(a)");
  means("not (a) or b", "(or (not a) b)", "not a or b");
  means("`+`(a, b)", "(+ a b)", "a + b");
  tap_eq_p(parse("|or|(x)"), ex_apply(ex_sym("or"), &x, 1));
}

static void errors(void) {
  define(NULL);
  fails_at("a < b < c", 7,
           "brackets around one of two operators that do not chain", "'<'");
  fails_at("a <= b < c", 8,
           "brackets around one of two operators that do not chain", "'<'");
  fails_at("a mod", 6, "a number, a name, a sign or '('", "the end");
  fails_at("`none`(a)", 9, "an operator of that many operands", "')'");
  fails_at("`plain` + 1", 9, "'(' and the operands", "'+'");
  fails_at("a in b", 3, "an operator or the end", "'in'");
  fails_at("a $ b", 3, "an operator or the end", "'$'");
}

/* ---- Shared parts ---- */

static void shares(const char *infix, size_t min_size, const char *want) {
  ex e = parse(infix);
  char *got = ex_shared_string(e, min_size, 1000);
  tap_eq_s(got, want);
  tap_eq_p(parse(got), e);
  free(got);
}

static void definitions(void) {
  define(NULL);
  shares("(x+y)*(x+y)", 0, "let @1 = x + y in @1*@1");
  shares("(x+y)*(x+y)", 4, "(x + y)*(x + y)");
  shares("f(-x, -x)*f(-x, -x)", 0, "let @1 = -x; @2 = f(@1, @1) in @2*@2");
  shares("f(-x, -x)*f(-x, -x)", 5, "let @1 = f(-x, -x) in @1*@1");
  tap_eq_p(parse("1 + let @1 = x < 2; @2 = @1 or y in @2*(let @3 = z in @3^2)"),
           parse("1 + ((x < 2) or y)*z^2"));
  tap_eq_p(parse("let + in"), parse("|let| + |in|"));
  fails_at("let @1 = x", 11, "an operator, ';' or 'in'", "the end");
  fails_at("let @2 = x in @2", 5, "the next label", "'@2'");
  fails_at("let @1 = @1 in @1", 10, "a label that is defined before", "'@1'");
  fails_at("let @1 x in @1", 8, "'=' and what the label stands for", "'x'");
  fails_at("let @1 = x; y in @1", 13, "the next label", "'y'");
  fails_at("let @1 = x) in @1", 11, "an operator, ';' or 'in'", "')'");
  fails_at("f(let @1 = x, @1)", 13, "an operator, ';' or 'in'", "','");
  fails_at("let @1 = (x in y)", 13, "an operator or ')'", "'in'");
  fails_at("let @1 = x; @2 = in @2", 21, "an operator, ';' or 'in'", "'@2'");
}

static void sharing_is_kept(void) {
  ex e = ex_sym("x");
  char *text;
  for (int i = 0; i < 1000; i++)
    e = ex_binary(i % 2 ? EX_ADD : EX_MUL, e, e);
  text = ex_shared_string(e, 0, 100000);
  tap_require(text != NULL);
  tap_eq_p(parse(text), e);
  free(text);
}

/* ---- Limits ---- */

static void limit(const char *text, ex_limits limits, const char *expected) {
  ex_error error = {0};
  size_t n = strlen(text);
  ex e = ex_read_infix(text, n, &limits, &error);
  tap_note("%s", text);
  if (expected == NULL)
    tap_check(e != NULL);
  else {
    tap_check(e == NULL);
    tap_eq_u(ex_errno, limits.depth > 0 ? EX_EDEPTH : EX_ELIMIT);
    tap_eq_s(error.expected, expected);
  }
}

static void limits_hold(void) {
  define(NULL);
  limit("a + b", (ex_limits){.bytes = 5}, NULL);
  limit("a + bc", (ex_limits){.bytes = 5}, "at most 5 bytes");
  limit("((a))", (ex_limits){.depth = 2}, NULL);
  limit("(((a)))", (ex_limits){.depth = 2}, "at most 2 levels");
  limit("---a", (ex_limits){.depth = 1}, "at most 1 levels");
  limit("f(x, y)", (ex_limits){.nodes = 4}, NULL);
  limit("f(x, y, z)", (ex_limits){.nodes = 4}, "at most 4 nodes");
  limit("let @1 = a && b; @2 = f(@1) && @1 && c in @2 && d && e",
        (ex_limits){.nodes = 15}, "at most 15 nodes");
}

/* ---- Depth ---- */

/* TEXT repeated N times, then X, then CLOSE repeated N times. */
static char *nested(const char *open, const char *close, size_t n) {
  size_t a = strlen(open);
  size_t b = strlen(close);
  char *text = malloc(n * (a + b) + 2);
  tap_require(text != NULL);
  for (size_t i = 0; i < n; i++)
    memcpy(text + i * a, open, a);
  text[n * a] = 'x';
  for (size_t i = 0; i < n; i++)
    memcpy(text + n * a + 1 + i * b, close, b);
  text[n * (a + b) + 1] = '\0';
  return text;
}

/* Reads and prints without recursion; tree sizes are 1 + PER * N nodes. */
static void deep(const char *open, const char *close, size_t per) {
  size_t n = tap_long() ? 10000000 : 300000;
  char *text = nested(open, close, n);
  ex e = parse(text);
  char *printed;
  char *shared;
  tap_note("%s x %s", open, close);
  free(text);
  printed = ex_string(e, SIZE_MAX);
  tap_require(printed != NULL && parse(printed) == e);
  free(printed);
  shared = ex_shared_string(e, 0, SIZE_MAX);
  tap_require(shared != NULL && parse(shared) == e);
  free(shared);
  tap_eq_u(ex_dag_size(e), per == 0 ? 1 : per * n + 1);
}

static void brackets_and_calls(void) {
  define(NULL);
  deep("(", ")", 0);
  deep("sin(", ")", 1);
  deep("f(", ")", 1);
}

static void chains_of_signs(void) {
  define(NULL);
  deep("- ", "", 1);
  deep("", " !", 1);
  deep("not ", "", 1);
}

static void chains_of_operands(void) {
  define(NULL);
  deep("", " mod x", 1);
  deep("x => ", "", 1);
  deep("x^", "", 1);
}

static void chains_of_brackets(void) {
  define(NULL);
  deep("x + (", ")", 1);
  deep("x or (", ")", 1);
}

/* A definition within the expression of each definition. */
static void deep_definitions(void) {
  size_t n = tap_long() ? 10000000 : 300000;
  char *text = malloc(32 * n + 32);
  size_t at = 0;
  ex want = ex_sym("x");
  tap_require(text != NULL);
  for (size_t i = 0; i < n; i++)
    at += (size_t)snprintf(text + at, 32, "(let @%zu = %c in sin(", i + 1, 'x');
  at += (size_t)snprintf(text + at, 32, "@%zu", n);
  for (size_t i = 0; i < n; i++, at += 2)
    memcpy(text + at, "))", 3);
  for (size_t i = 0; i < n; i++)
    want = ex_unary(EX_SIN, want);
  tap_eq_p(parse(text), want);
  free(text);
}

/* Words with the same chain, signs that begin each other: each is found, and the
 * longest. */
static void thousands_of_operators(void) {
  enum { WORDS = 5000 };
  static const char bytes[] = "$<>~";
  static ex_op word[WORDS];
  ex x = ex_sym("x");
  ex y = ex_sym("y");
  for (int i = 0; i < 2 * WORDS; i++) {
    char text[32];
    int n = snprintf(text, sizeof text, "word%d", i % WORDS);
    ex_op op = ex_opdef(text, 1, EX_PREFIX | EX_PRIORITY(7));
    if (i < WORDS)
      word[i] = op;
    tap_require(op == word[i % WORDS]);
    snprintf(text + n, sizeof text - (size_t)n, " x");
    tap_require(parse(text) == ex_1(op, x));
  }
  for (unsigned i = 0; i < 256; i++) {
    char sign[6] = {'$'};
    char text[16];
    ex_op op;
    for (unsigned k = 0, rest = i; rest > 0; k++, rest /= 4)
      sign[k + 1] = bytes[rest % 4];
    op = ex_opdef(sign, 2, EX_INFIX | EX_PRIORITY(8));
    snprintf(text, sizeof text, "x%sy", sign);
    tap_require(parse(text) == ex_2(op, x, y));
  }
}

/* ---- Round trips ---- */

static ex random_term(uint64_t r, const ex_op *op, ex a, ex b) {
  size_t i = (r >> 8) % OPS;
  ex args[3] = {a, b, a};
  size_t n = table[i].arity == EX_NARY ? (r >> 24) % 4 : (size_t)table[i].arity;
  if (r % 3 == 0)
    return random_any(r >> 5, a, b);
  return ex_n(op[i], args, n);
}

static ex random_tree(uint64_t *random, const ex_op *op, int steps) {
  ex pool[RANDOM_POOL];
  for (int i = 0; i < RANDOM_POOL; i++)
    pool[i] = random_leaf(random, RANDOM_ANY);
  pool[0] = ex_sym("not");
  pool[1] = ex_sym("in");
  for (int i = 0; i < steps; i++) {
    uint64_t r = tap_rand_r(random);
    ex a = pool[(r >> 40) % RANDOM_POOL];
    ex b = pool[(r >> 50) % RANDOM_POOL];
    ex made = random_term(r, op, a, b);
    tap_require(made != NULL);
    pool[i % RANDOM_POOL] = made;
  }
  return pool[(steps + RANDOM_POOL - 1) % RANDOM_POOL];
}

static void comes_back(ex e, char *text) {
  ex_error error;
  ex again;
  tap_require(text != NULL);
  again = ex_parse(text, strlen(text), &error);
  if (again == NULL)
    tap_note("%zu: expected %s, found %s", error.column, error.expected,
             error.found);
  if (again != e)
    tap_note("%s", text);
  tap_require(again == e);
  free(text);
}

static void round_trip(void) {
  uint64_t random = tap_seed();
  ex_op op[OPS];
  define(op);
  for (int i = 0; i < (tap_long() ? 300000 : 20000); i++) {
    ex e = random_tree(&random, op, 1 + i % 12);
    comes_back(e, ex_string(e, 1 << 20));
    comes_back(e, ex_shared_string(e, (size_t)i % 5, 1 << 20));
  }
}

/* Any tokens at all: an expression that comes back, or an error in the text. */
static void any_text_is_safe(void) {
  static const char *const pieces[] = {
      "a",  "-",  "5",  "(",   ")",   ",",     "f(",    "let ", "@1",   " = ",
      "; ", "in", " ",  "not", "or",  "<",     "&&",    "!",    "?",    "^",
      "@2", "~",  "--", "*",   "in ", "`or`(", "\"a\"", "|",    "2//3", "#\n"};
  enum { PIECES = sizeof pieces / sizeof pieces[0] };
  uint64_t random = tap_seed();
  int good = 0;
  define(NULL);
  for (int i = 0; i < (tap_long() ? 2000000 : 100000); i++) {
    char text[200] = "";
    size_t n = 0;
    ex_error error = {0};
    ex e;
    for (uint64_t k = tap_rand_r(&random) % 12; k > 0; k--)
      n += (size_t)snprintf(text + n, sizeof text - n, "%s",
                            pieces[tap_rand_r(&random) % PIECES]);
    e = ex_parse(text, n, &error);
    good += e != NULL;
    if (e != NULL)
      comes_back(e, ex_string(e, 10000));
    else
      tap_require(error.line > 0 && error.column > 0 && error.byte <= n);
  }
  tap_note("%d were good", good);
  tap_ge(good, 1000);
}

TAP_MAIN(TAP_CASE(groups), TAP_CASE(postfix_and_signs),
         TAP_CASE(calls_and_names), TAP_CASE(errors), TAP_CASE(definitions),
         TAP_CASE(thousands_of_operators), TAP_CASE(sharing_is_kept),
         TAP_CASE(limits_hold), TAP_CASE_T(brackets_and_calls, 300),
         TAP_CASE_T(chains_of_signs, 300), TAP_CASE_T(chains_of_operands, 300),
         TAP_CASE_T(chains_of_brackets, 300), TAP_CASE_T(deep_definitions, 300),
         TAP_CASE(round_trip), TAP_CASE(any_text_is_safe))
