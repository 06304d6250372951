/* tests/extra/hexpr_rules_text.c: rule sets from text. SPDX-License-Identifier: MIT */
#include <hexpr/rewrite.h>

#include "extra/rules_ex.h"
#include "extra/text_ex.h"
#include "lib/tap.h"

#include <string.h>

/* Where there is an error in a text of rules, and what its message begins with. */
static void fails_at(const char *text, ex_rules_syntax syntax, size_t line,
                     size_t column, const char *expected) {
  ex_rules *r = ex_rules_new();
  ex_error error = {0};
  tap_note("%s", text);
  tap_check(!ex_rules_read(r, text, strlen(text), syntax, &error));
  tap_eq_u(error.line, line);
  tap_eq_u(error.column, column);
  if (strncmp(error.expected, expected, strlen(expected)) != 0)
    tap_eq_s(error.expected, expected);
  ex_rules_free(r);
}

/* Signs that a rule is made of have no meaning within quotes. */
static void names_may_be_quoted(void) {
  tap_require(ex_opdef("->", 2, EX_INFIX | EX_PRIORITY(5)) != EX_NONE);
  tap_require(ex_opdef("a#b", 1, 0) != EX_NONE);
  ex_rules *r = rules_of("var |b c|,|#|, x #|\n"
                         "`->`(|b c|, stop) -> `a#b`(|b c|)\n"
                         "f(|#|, |b c|) -> |#| - |b c|\n"
                         "`a#b`(`a#b`(x)) -> x # `\n");
  becomes(r, "a -> stop", "`a#b`(a)");
  becomes(r, "f(a, b)", "a - b");
  becomes(r, "`a#b`(`a#b`(a))", "a");
}

static void text_of_rules(void) {
  ex_error error;
  ex_rules *r = ex_rules_new();
  const char *text = "(rules (var x y) (rest r) (rule (f x (g y)) (h y x))"
                     " (rule (l x r) (m r)))";
  tap_require(ex_rules_read(r, text, strlen(text), EX_RULES_SEXPR, &error));
  tap_require(ex_rules_compile(r));
  becomes(r, "f(1, g(2))", "h(2, 1)");
  becomes(r, "l(1, 2, 3)", "m(2, 3)");
  fails_at("var x\nf(x) -> ", EX_RULES_INFIX, 2, 9, "a number");
  fails_at("# a\n\n  f(x) - 1\n", EX_RULES_INFIX, 3, 3, "a rule with ->");
  fails_at("var x 1\n", EX_RULES_INFIX, 1, 7, "the name of a variable");
  fails_at("var x\nf(1) -> g(x)\n", EX_RULES_INFIX, 2, 1,
           "a rule whose right side has no other");
  fails_at("var x\nx -> 1", EX_RULES_INFIX, 2, 1,
           "a rule whose left side is no variable");
  fails_at("(rules (var x) (rule x 1))", EX_RULES_SEXPR, 1, 1,
           "a rule whose left side");
  fails_at("rest r\nsin(r) -> 1", EX_RULES_INFIX, 2, 1,
           "rest variables among operands");
  fails_at("f(1) -> g(2) +* 3", EX_RULES_INFIX, 1, 15, "a number");
  fails_at("(rules (rule a))", EX_RULES_SEXPR, 1, 1, "(rule left right)");
  fails_at("(rule a b)", EX_RULES_SEXPR, 1, 1, "(rules");
  fails_at("(rules (rule a b)", EX_RULES_SEXPR, 1, 18, "an expression");
  becomes(rules_of("var x\n|->|(x) -> \"# ->\" # -> y"), "|->|(1)", "\"# ->\"");
}

TAP_MAIN(TAP_CASE(names_may_be_quoted), TAP_CASE(text_of_rules))
