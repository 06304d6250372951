/* tests/extra/hexpr_sexpr.c: S-expressions and graphs. SPDX-License-Identifier: MIT */
#include <hexpr/hexpr.h>

#include "extra/random_ex.h"
#include "lib/tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEEP = 1000000 };

static ex infix(const char *text) {
  ex_error error;
  ex e = ex_parse(text, strlen(text), &error);
  tap_require(e != NULL);
  return e;
}

static ex read(const char *text) {
  ex_error error;
  ex e = ex_read_sexpr(text, strlen(text), NULL, &error);
  if (e == NULL)
    tap_note("%s: %zu:%zu: expected %s, found %s", text, error.line,
             error.column, error.expected, error.found);
  tap_require(e != NULL);
  return e;
}

static void prints(ex e, const char *want) {
  char *got = ex_sexpr_string(e, 100000);
  tap_eq_s(got, want);
  tap_eq_p(read(want), e);
  free(got);
}

static void fails_at(const char *text, size_t line, size_t column,
                     const char *expected, const char *found) {
  ex_error error;
  ex_errno = EX_OK;
  tap_note("%s", text);
  tap_check(ex_read_sexpr(text, strlen(text), NULL, &error) == NULL);
  tap_eq_u(error.line, line);
  tap_eq_u(error.column, column);
  tap_eq_s(error.expected, expected);
  tap_eq_s(error.found, found);
  tap_eq_u(ex_errno, EX_EFORMAT);
}

static void notation(void) {
  ex x = ex_sym("x");
  prints(infix("a + b*2"), "(+ a (* b 2))");
  prints(infix("-x - 1"), "(- (- x) 1)");
  prints(infix("sin(x)^y"), "(^ (sin x) y)");
  prints(infix("f(x, 1.5)"), "(f x 1.5)");
  prints(infix("1//3"), "1/3");
  prints(infix("-123456789012345678901234567890"),
         "-123456789012345678901234567890");
  prints(infix("-0.0"), "-0.0");
  prints(ex_real(-(double)INFINITY), "-inf");
  prints(ex_real((double)NAN), "nan");
  prints(ex_sym("let"), "|let|");
  prints(ex_sym("a b"), "|a b|");
  prints(ex_sym("1x"), "|1x|");
  prints(ex_sym("-"), "-");
  prints(ex_sym("nan"), "|nan|");
  prints(ex_sym("@1"), "|@1|");
  prints(ex_apply(ex_sym("+"), &x, 1), "(|+| x)");
  prints(ex_apply(ex_sym("f"), NULL, 0), "(f)");
  prints(ex_str("a\"\n", 3), "\"a\\\"\\n\"");
  prints(ex_blob("\1\2", 2), "%\"0102\"");
  prints(ex_bvar(7), "%7");
  tap_eq_p(read(" ; comment\n(+ x\n  +5) ; end"), infix("x + 5"));
  tap_eq_p(read("1e3"), ex_real(1000));
  tap_eq_p(read("4/6"), infix("2//3"));
}

static void operators_of_the_program(void) {
  ex_op set = ex_opdef("sx-set", EX_NARY, EX_COMM | EX_ASSOC | EX_IDEM);
  ex_op fun = ex_opdef("sx-fun", 1, EX_BINDER);
  prints(ex_3(set, ex_sym("b"), ex_sym("a"), ex_int(3)), "(sx-set 3 a b)");
  prints(ex_bind(fun, ex_sym("x"), infix("x*y")), "(sx-fun (* %0 y))");
  tap_eq_p(read("(sx-set a (sx-set b a))"), read("(sx-set b a)"));
  tap_eq_u(ex_opdef("two words", 1, 0), EX_NONE);
  fails_at("(sx-fun a b)", 1, 12, "another number of operands of sx-fun", "2");
}

static void shared_parts_are_named(void) {
  prints(infix("(x + y)*(x + y)"), "(let ((@1 (+ x y)))\n  (* @1 @1))");
  prints(infix("f((x+y)*(x+y), x+y, (x+y)*(x+y))"),
         "(let ((@1 (+ x y))\n      (@2 (* @1 @1)))\n  (f @2 @1 @2))");
  tap_eq_p(read("(f (let ((@1 (g 1))) @1) (let ((@2 (h @1))) @2))"),
           infix("f(g(1), h(g(1)))"));
  tap_eq_p(read("(let () x)"), ex_sym("x"));
}

static void errors_tell_where(void) {
  fails_at("", 1, 1, "an expression", "the end");
  fails_at(")", 1, 1, "one expression", "')'");
  fails_at("(+ 1", 1, 5, "an expression or ')'", "the end");
  fails_at("(+ 1 2) 3", 1, 9, "the end", "'3'");
  fails_at("(f\n  1x)", 2, 3, "a number, or a name between '|'", "'1x'");
  fails_at("(1 2)", 1, 2, "the name of an operator or a function", "'1'");
  fails_at("()", 1, 2, "the name of an operator or a function", "')'");
  fails_at("(\"f\" 2)", 1, 2, "the name of an operator or a function",
           "'\"f\"'");
  fails_at("(+ 1 2 3)", 1, 9, "another number of operands of +", "3");
  fails_at("@1", 1, 1, "a label that is defined before", "'@1'");
  fails_at("(let ((@1 @1)) @1)", 1, 11, "a label that is defined before",
           "'@1'");
  fails_at("(let ((@2 x)) @2)", 1, 8, "the next label", "'@2'");
  fails_at("(let ((@1 x y)) @1)", 1, 13, "')'", "'y'");
  fails_at("(let ((@1)) @1)", 1, 10, "one expression", "')'");
  fails_at("(let ((@1 x)))", 1, 14, "one expression", "')'");
  fails_at("(let x)", 1, 6, "'(' and the labels", "'x'");
  fails_at("(let (x) y)", 1, 7, "'(' and a label, or ')'", "'x'");
  fails_at("1/0", 1, 1, "a denominator other than 0", "'1/0'");
  fails_at("(f -5/00)", 1, 4, "a denominator other than 0", "'-5/00'");
  fails_at("1/2/3", 1, 1, "a whole number after '/'", "'1/2/3'");
  fails_at("(f 1/-2)", 1, 4, "a whole number after '/'", "'1/-2'");
  fails_at("1/", 1, 1, "a whole number after '/'", "'1/'");
  fails_at("1.5/2", 1, 1, "whole numbers before and after '/'", "'1.5/2'");
  fails_at("1e", 1, 1, "digits of an exponent", "'1e'");
  fails_at("(f 1.5e+)", 1, 4, "digits of an exponent", "'1.5e+'");
  fails_at("1.2.3", 1, 1, "a number, or a name between '|'", "'1.2.3'");
  fails_at("0x1f", 1, 1, "a number, or a name between '|'", "'0x1f'");
  fails_at("-.", 1, 1, "a number, or a name between '|'", "'-.'");
  fails_at("x \177", 1, 3, "the end", "byte 0x7f");
  fails_at("x \xc2\x9b"
           "2J",
           1, 3, "the end", "'\\xc2\\x9b2J'");
  fails_at("(f \"a)", 1, 4, "a closing '\"'", "none");
  fails_at("@99999999999999999999999", 1, 1, "a label that is defined before",
           "'@99999999999999999999999'");
}

static void limits_hold(void) {
  ex_limits bytes = {.bytes = 5};
  ex_limits depth = {.depth = 2};
  ex_limits nodes = {.nodes = 3};
  ex_error error;
  tap_check(ex_read_sexpr("(f x)", 5, &bytes, &error) != NULL);
  tap_check(ex_read_sexpr("(f xy)", 6, &bytes, &error) == NULL);
  tap_eq_u(ex_errno, EX_ELIMIT);
  tap_eq_s(error.expected, "at most 5 bytes");
  tap_check(ex_read_sexpr("(f (f x))", 9, &depth, &error) != NULL);
  tap_check(ex_read_sexpr("(f (f (f x)))", 13, &depth, &error) == NULL);
  tap_eq_u(ex_errno, EX_EDEPTH);
  tap_eq_s(error.expected, "at most 2 levels");
  tap_check(ex_read_sexpr("(f x y)", 7, &nodes, &error) != NULL);
  tap_check(ex_read_sexpr("(f x y z)", 9, &nodes, &error) == NULL);
  tap_eq_s(error.expected, "at most 3 nodes");
  tap_eq_u(ex_errno, EX_ELIMIT);
}

/* Doubling by labels: few bytes, many operands. */
static void flattening_counts(void) {
  const char *text = "(let ((@1 (sx-seq x x)) (@2 (sx-seq @1 @1)) (@3 (sx-seq "
                     "@2 @2))) (sx-seq @3 @3))";
  ex_limits nodes = {.nodes = 20};
  ex_error error;
  ex_opdef("sx-seq", EX_NARY, EX_ASSOC);
  tap_eq_u(ex_argc(read(text)), 16);
  tap_check(ex_read_sexpr(text, strlen(text), &nodes, &error) == NULL);
  tap_eq_u(ex_errno, EX_ELIMIT);
}

static void round_trip(void) {
  uint64_t random = tap_seed();
  for (int i = 0; i < (tap_long() ? 200000 : 10000); i++) {
    ex e = random_ex(&random, 1 + i % 40, RANDOM_ANY);
    char *text = ex_sexpr_string(e, 1 << 20);
    tap_require(text != NULL);
    tap_require(read(text) == e);
    free(text);
  }
}

/* Whatever bytes come: an expression or an error within the text. */
static void any_text_is_safe(void) {
  static const char bytes[] =
      "()(()) @1@2 let ((@ \"|%0a\\x;\n 12/3.e-+f\377\0";
  uint64_t random = tap_seed();
  int good = 0;
  for (int i = 0; i < (tap_long() ? 1000000 : 50000); i++) {
    char text[40];
    size_t n = tap_rand_r(&random) % sizeof text;
    ex_error error = {0};
    for (size_t k = 0; k < n; k++)
      text[k] = bytes[tap_rand_r(&random) % (sizeof bytes - 1)];
    if (ex_read_sexpr(text, n, NULL, &error) != NULL)
      good++;
    else
      tap_require(error.line > 0 && error.column > 0 && error.byte <= n);
  }
  tap_ge(good, 10);
}

static void sharing_and_depth(void) {
  ex e = ex_sym("x");
  char *text;
  for (int i = 0; i < 300; i++)
    e = ex_binary(EX_ADD, e, e);
  text = ex_sexpr_string(e, 20000);
  tap_require(text != NULL);
  tap_eq_p(read(text), e);
  free(text);
  tap_check(ex_sexpr_string(e, 100) == NULL);
  e = ex_sym("x");
  for (size_t i = 0; i < (tap_long() ? 10000000 : DEEP); i++)
    e = ex_unary(EX_SIN, e);
  text = ex_sexpr_string(e, SIZE_MAX);
  tap_require(text != NULL);
  tap_eq_p(read(text), e);
  free(text);
}

static void graph(void) {
  char *text = NULL;
  size_t n = 0;
  ex sum = ex_binary(EX_ADD, ex_sym("x"), ex_str("a\"", 2));
  FILE *to = open_memstream(&text, &n);
  tap_require(to != NULL);
  tap_check(ex_dot(ex_binary(EX_MUL, sum, sum), to));
  fclose(to);
  tap_eq_s(text, "digraph expression {\n  n3 [label=\"*\"];\n"
                 "  n2 [label=\"+\"];\n"
                 "  n1 [label=\"\\\"a\\\\\\\"\\\"\", shape=box];\n"
                 "  n0 [label=\"x\", shape=box];\n  n3 -> n2;\n  n3 -> n2;\n"
                 "  n2 -> n0;\n  n2 -> n1;\n}\n");
  free(text);
}

TAP_MAIN(TAP_CASE(notation), TAP_CASE(operators_of_the_program),
         TAP_CASE(shared_parts_are_named), TAP_CASE(errors_tell_where),
         TAP_CASE(limits_hold), TAP_CASE(flattening_counts),
         TAP_CASE(round_trip), TAP_CASE(any_text_is_safe),
         TAP_CASE_T(sharing_and_depth, 300), TAP_CASE(graph))
