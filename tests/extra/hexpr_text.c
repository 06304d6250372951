/* tests/extra/hexpr_text.c: nodes, parser, printer, order. SPDX-License-Identifier: MIT */
#include <hexpr/hexpr.h>

#include "extra/random_ex.h"
#include "extra/text_ex.h"
#include "lib/tap.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void prints_as(const char *text, const char *want) {
  char *got = ex_string(parse(text), 1000);
  tap_eq_s(got, want);
  free(got);
}

static void fails_at(const char *text, size_t line, size_t column,
                     const char *expected, const char *found) {
  ex_error error;
  tap_check(ex_parse(text, strlen(text), &error) == NULL);
  tap_eq_u(error.line, line);
  tap_eq_u(error.column, column);
  tap_eq_s(error.expected, expected);
  tap_eq_s(error.found, found);
}

/* ---- Nodes ---- */

static void equal_is_identical(void) {
  ex x = ex_sym("x");
  tap_eq_p(ex_int(-3), ex_int(-3));
  tap_eq_p(ex_sym("x"), x);
  tap_check(ex_sym("y") != x);
  tap_check(ex_int(1) != ex_real(1.0));
  tap_eq_p(ex_binary(EX_ADD, x, x), ex_binary(EX_ADD, x, x));
  tap_check(ex_binary(EX_ADD, x, x) != ex_binary(EX_MUL, x, x));
  tap_check(ex_unary(EX_NEG, x) != ex_unary(EX_SIN, x));
  tap_check(ex_apply(x, &x, 1) != ex_unary(EX_SIN, x));
  tap_eq_u(ex_argc(ex_apply(x, &x, 1)), 1);
  tap_eq_p(ex_function(ex_apply(ex_sym("f"), &x, 1)), ex_sym("f"));
}

static void numbers_keep_their_bits(void) {
  tap_check(ex_real(0.0) != ex_real(-0.0));
  tap_eq_p(ex_real((double)NAN), ex_real(-(double)NAN));
  tap_eq_p(ex_real(nan("123")), ex_real((double)NAN));
  tap_check(isnan(ex_real_value(ex_real((double)NAN))));
  tap_eq_u(ex_int_value(ex_int(INT64_MIN)), (uint64_t)INT64_MIN);
  tap_check(signbit(ex_real_value(ex_real(-0.0))) != 0);
}

static void names_of_all_lengths(void) {
  char name[200];
  memset(name, 'n', sizeof name);
  for (size_t n = 1; n < sizeof name; n++) {
    ex e = ex_sym_n(name, n);
    tap_require(strlen(ex_name(e)) == n);
    tap_require(ex_sym_n(name, n) == e);
    tap_require(ex_sym_n(name, n - 1) != e);
  }
}

static void null_gives_null(void) {
  ex x = ex_sym("x");
  ex args[2] = {x, NULL};
  tap_check(ex_unary(EX_SIN, NULL) == NULL);
  tap_check(ex_binary(EX_ADD, NULL, x) == NULL);
  tap_check(ex_binary(EX_ADD, x, NULL) == NULL);
  tap_check(ex_apply(x, args, 2) == NULL);
  tap_check(ex_derive(NULL, x) == NULL);
  tap_check(ex_derive(x, NULL) == NULL);
  tap_check(ex_simplify(NULL) == NULL);
  tap_check(ex_subst(NULL, x, x) == NULL);
  tap_check(ex_tree_size(NULL) == NULL);
}

static int visited(ex e, void *cd) {
  (void)e, (void)cd;
  return 7;
}

/* What failed to be made can be printed, measured and asked for. */
static void null_is_no_crash(void) {
  const ex roots[2] = {ex_sym("x"), NULL};
  FILE *nowhere = tmpfile();
  ex_measures m;
  size_t n = 3;
  ex_errno = EX_OK;
  tap_require(nowhere != NULL);
  tap_check(!ex_print(NULL, nowhere) && ex_string(NULL, 100) == NULL);
  tap_check(!ex_print_shared(NULL, 0, nowhere));
  tap_check(ex_shared_string(NULL, 0, 100) == NULL);
  tap_check(!ex_print_sexpr(NULL, nowhere) &&
            ex_sexpr_string(NULL, 100) == NULL);
  tap_check(!ex_dot(NULL, nowhere) && !ex_write(roots, 2, nowhere));
  tap_eq_u((uint64_t)ftell(nowhere), 0);
  tap_check(!ex_measure(roots, 2, &m) && !ex_is_closed(NULL));
  tap_check(ex_each(NULL, visited, NULL, EX_TREE) == -1);
  tap_check(ex_each(NULL, visited, NULL, 0) == -1);
  tap_check(isnan(ex_eval(NULL, NULL, NULL, 0)) && ex_dag_size(NULL) == 0);
  tap_check(ex_variables(NULL, &n) == NULL && n == 0);
  tap_eq_u(ex_errno, EX_OK);
  fclose(nowhere);
}

/* ---- Parser and printer ---- */

static void precedence(void) {
  prints_as("a+b*c^d", "a + b*c^d");
  prints_as("(a+b)*c", "(a + b)*c");
  prints_as("a-b-c", "a - b - c");
  prints_as("a-(b-c)", "a - (b - c)");
  prints_as("a/b/c", "a/b/c");
  prints_as("a/(b*c)", "a/(b*c)");
  prints_as("a^b^c", "a^b^c");
  prints_as("(a^b)^c", "(a^b)^c");
  prints_as("-a^2", "-a^2");
  prints_as("(-a)^2", "(-a)^2");
  prints_as("a^-b", "a^(-b)");
  prints_as("-a*b", "-a*b");
  prints_as("-(a*b)", "-(a*b)");
  prints_as("+a", "a");
  prints_as("--a", "--a");
  tap_eq_p(parse("-a*b"),
           ex_binary(EX_MUL, ex_unary(EX_NEG, ex_sym("a")), ex_sym("b")));
  tap_eq_p(parse("2^-x*y"), parse("(2^(-x))*y"));
  tap_eq_p(parse("2^-x^y"), parse("2^(-(x^y))"));
}

static void numbers(void) {
  tap_eq_p(parse("-5"), ex_int(-5));
  tap_eq_p(parse("-(5)"), ex_unary(EX_NEG, ex_int(5)));
  tap_eq_p(parse("-5^2"),
           ex_unary(EX_NEG, ex_binary(EX_POW, ex_int(5), ex_int(2))));
  tap_eq_p(parse("-9223372036854775808"), ex_int(INT64_MIN));
  tap_eq_p(parse("1e3"), ex_real(1000));
  tap_eq_p(parse(".5"), ex_real(0.5));
  tap_eq_p(parse("2."), ex_real(2));
  tap_eq_p(parse("-0.0"), ex_real(-0.0));
  tap_eq_p(parse("inf"), ex_real((double)INFINITY));
  tap_eq_p(parse("-inf"), ex_real(-(double)INFINITY));
  tap_eq_p(parse("nan"), ex_real((double)NAN));
  prints_as("0.1", "0.1");
  prints_as("1e300", "1e+300");
  prints_as("5.0", "5.0");
  prints_as("x - -5", "x - (-5)");
}

/* Gives the program a locale that writes one half with a comma; false where none can be
 * made. */
static bool use_comma(void) {
  char dir[] = "/tmp/hexpr_text.XXXXXX";
  char command[500];
  bool made;
  if (mkdtemp(dir) == NULL)
    return false;
  snprintf(
      command, sizeof command,
      "cd %s && printf 'LC_NUMERIC\\ndecimal_point \",\"\\nthousands_sep "
      "\"\"\\n"
      "grouping -1\\nEND LC_NUMERIC\\n' >src && "
      "localedef -c -i src -f ANSI_X3.4-1968 ./comma >log 2>&1; test -d comma",
      dir);
  setenv("LOCPATH", dir, 1);
  made = system(command) == 0 && setlocale(LC_NUMERIC, "comma") != NULL;
  snprintf(command, sizeof command, "rm -r %s", dir);
  return system(command) == 0 && made;
}

/* A decimal point is a full stop whatever the program's locale says. */
static void decimals_in_any_locale(void) {
  char half[8];
  ex e;
  if (!use_comma())
    tap_skip("no localedef makes a locale here");
  snprintf(half, sizeof half, "%g", 0.5);
  tap_eq_s(half, "0,5");
  tap_eq_p(parse("0.5"), ex_real(0.5));
  tap_eq_p(sexpr("(+ 2.25e1 x)"), parse("22.5 + x"));
  prints_as("0.5*x", "0.5*x");
  prints_as("3.0", "3.0");
  e = ex_real(1 / 3.0);
  tap_eq_p(parse(ex_string(e, 100)), e);
  snprintf(half, sizeof half, "%g", 0.5);
  tap_eq_s(half, "0,5");
}

static void functions_and_comments(void) {
  tap_eq_p(parse("log(x)"), ex_unary(EX_LN, ex_sym("x")));
  tap_eq_p(parse("atan2(y, x)"), ex_binary(EX_ATAN2, ex_sym("y"), ex_sym("x")));
  prints_as("f(x,g(1),y)", "f(x, g(1), y)");
  prints_as("x # + y\n * 2", "x*2");
  prints_as("psi'_2 + \xce\xbb", "psi'_2 + \xce\xbb");
  tap_eq_u(ex_kind_of(parse("f(x)")), EX_APPLY);
  tap_eq_u(ex_kind_of(parse("sin")), EX_SYM);
}

static void errors_tell_where(void) {
  fails_at("", 1, 1, "a number, a name, a sign or '('", "the end");
  fails_at("3+*4", 1, 3, "a number, a name, a sign or '('", "'*'");
  fails_at("a b", 1, 3, "an operator or the end", "'b'");
  fails_at("(a", 1, 3, "an operator or ')'", "the end");
  fails_at("a)", 1, 2, "an operator or the end", "')'");
  fails_at("f(a", 1, 4, "an operator, ',' or ')'", "the end");
  fails_at("sin()", 1, 5, "1 argument of sin", "0");
  fails_at("f(a,)", 1, 5, "a number, a name, a sign or '('", "')'");
  fails_at("(a,b)", 1, 3, "an operator or ')'", "','");
  fails_at("a,b", 1, 2, "an operator or the end", "','");
  fails_at("sin(x,y)", 1, 8, "1 argument of sin", "2");
  fails_at("atan2(x)", 1, 8, "2 arguments of atan2", "1");
  fails_at("a +\n  b +\n   $", 3, 4, "a number, a name, a sign or '('", "'$'");
  fails_at("\xce\xbb\xce\xbb !", 1, 4, "an operator or the end", "'!'");
  fails_at("x + 5//0", 1, 5, "a denominator other than 0", "'5//0'");
  fails_at("\"abc", 1, 1, "a closing '\"'", "none");
  fails_at("f(x, |a\\|)", 1, 6, "a closing '|'", "none");
  fails_at("x + `mod(2)", 1, 5, "a closing '`'", "none");
  fails_at("\"a\\xg0\"", 1, 1, "two hexadecimal digits after each \\x", "none");
  fails_at("%\"0a1\"", 1, 1, "pairs of hexadecimal digits and a closing '\"'",
           "none");
  fails_at("2 + %", 1, 5, "an index or a quote after '%'", "none");
  fails_at("x\001", 1, 2, "an operator or the end", "byte 0x01");
}

/* A terminal obeys characters of U+0080 to U+009F as it does escape sequences. */
static void errors_show_no_control_characters(void) {
  const char *expected = "an operator or the end";
  fails_at("x \177", 1, 3, expected, "byte 0x7f");
  fails_at("x \xc2\x9b"
           "2J",
           1, 3, expected, "'\\xc2\\x9b2J'");
  fails_at("x y\xc2\x80\xc2\x9f\xc2\xa0", 1, 3, expected,
           "'y\\xc2\\x80\\xc2\\x9f\xc2\xa0'");
  fails_at("x \x9b"
           "2J",
           1, 3, expected, "'\\x9b2J'");
  fails_at("x \"\033[2J\177\n\"", 1, 3, expected, "'\"\\x1b[2J\\x7f\\x0a\"'");
  fails_at("x \xce\xbb\xe2\x82\xac\xf0\x9f\x98\x80", 1, 3, expected,
           "'\xce\xbb\xe2\x82\xac\xf0\x9f\x98\x80'");
  fails_at("x \xce\xe2\x82(", 1, 3, expected, "'\\xce\\xe2\\x82'");
}

/* It is cut off, but not within a character. */
static void errors_show_the_beginning_of_a_token(void) {
  char text[80] = "x ";
  fails_at("x abcdefghijklmnopqrstuvwxyzabcdefghij", 1, 3,
           "an operator or the end", "'abcdefghijklmnopqrstuvwxyzabcdef'");
  fails_at("x abcdefghijklmnopqrstuvwxyzabcde\xce\xbb\xce\xbb", 1, 3,
           "an operator or the end",
           "'abcdefghijklmnopqrstuvwxyzabcde\xce\xbb'");
  for (size_t i = 2; i < 40; i += 2)
    memcpy(text + i, "\xc2\x9b", 3);
  fails_at(text, 1, 3, "an operator or the end",
           "'\\xc2\\x9b\\xc2\\x9b\\xc2\\x9b\\xc2\\x9b\\xc2\\x9b'");
}

static void round_trip(void) {
  uint64_t random = tap_seed();
  for (int i = 0; i < (tap_long() ? 200000 : 10000); i++) {
    ex e = random_ex(&random, 1 + i % 40, RANDOM_ANY);
    ex_error error;
    char *text = ex_string(e, 1 << 20);
    tap_require(text != NULL);
    ex again = ex_parse(text, strlen(text), &error);
    if (again != e)
      tap_note("%s", text);
    tap_require(again == e);
    free(text);
  }
}

static void long_text_is_refused(void) {
  ex e = ex_sym("x");
  for (int i = 0; i < 200; i++)
    e = ex_binary(EX_ADD, e, e);
  tap_check(ex_string(e, 100000) == NULL);
  char *text = ex_string(ex_sym("abc"), 3);
  tap_eq_s(text, "abc");
  free(text);
  tap_check(ex_string(ex_sym("abc"), 2) == NULL);
}

/* ---- Order ---- */

static void order_is_total(void) {
  enum { N = 120 };
  uint64_t random = tap_seed();
  ex *e = hc_scanned_alloc(N * sizeof *e);
  for (int i = 0; i < N; i++)
    e[i] = random_ex(&random, 1 + i % 12, RANDOM_ANY);
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++) {
      int by = ex_compare(e[i], e[k]);
      tap_require((by == 0) == (e[i] == e[k]));
      tap_require((by < 0) == (ex_compare(e[k], e[i]) > 0));
      for (int m = 0; m < N && by < 0; m++)
        if (ex_compare(e[k], e[m]) < 0)
          tap_require(ex_compare(e[i], e[m]) < 0);
    }
  hc_keep(e);
}

static void order_of_kinds(void) {
  const char *rising[] = {
      "-2", "3", "1.5", "a", "b", "-a", "a+b", "sin(a)*b", "f(a, b, c, 1, 2)"};
  for (size_t i = 1; i < sizeof rising / sizeof rising[0]; i++)
    tap_check(ex_compare(parse(rising[i - 1]), parse(rising[i])) < 0);
}

TAP_MAIN(TAP_CASE(equal_is_identical), TAP_CASE(numbers_keep_their_bits),
         TAP_CASE(names_of_all_lengths), TAP_CASE(null_gives_null),
         TAP_CASE(null_is_no_crash), TAP_CASE(precedence), TAP_CASE(numbers),
         TAP_CASE(decimals_in_any_locale), TAP_CASE(functions_and_comments),
         TAP_CASE(errors_tell_where),
         TAP_CASE(errors_show_no_control_characters),
         TAP_CASE(errors_show_the_beginning_of_a_token), TAP_CASE(round_trip),
         TAP_CASE(long_text_is_refused), TAP_CASE(order_is_total),
         TAP_CASE(order_of_kinds))
