/* tests/extra/hexpr_cxx.cc: hexpr and hcons from C++. SPDX-License-Identifier: MIT */

/*
 * Contract: each public header compiles as C++ and what it declares links and
 * works there, overloads and containers of expressions included.
 */
#include <hcons/hcons.h>
#include <hexpr/collect.h>
#include <hexpr/hexpr.h>
#include <hexpr/rewrite.h>

#include <cstring>
#include <string>
#include <type_traits>

#include "lib/tap.h"

namespace {

/* The word that names the type is no other type as well. */
static_assert(std::is_pointer<ex>::value, "an expression is a pointer");
static_assert(std::is_same<ex, decltype(ex_int(1))>::value, "ex is a type");

/* The argument's type decides, as a program's own notation would. */
ex lift(std::int64_t n) { return ex_int(n); }
ex lift(const char *name) { return ex_sym(name); }
ex lift(ex e) { return e; }

template <class A, class B> ex sum(A a, B b) {
  return ex_binary(EX_ADD, lift(a), lift(b));
}

std::string text_of(ex e) {
  char *text = ex_string(e, 1000);
  tap_require(text != nullptr);
  std::string copy(text);
  free(text);
  return copy;
}

void terms_are_made_and_printed() {
  ex_error error;
  ex e = sum(sum("x", std::int64_t{1}), "y");
  tap_check(text_of(e) == "x + 1 + y");
  tap_eq_p(ex_parse("x + 1 + y", 9, &error), e);
  tap_eq_u(ex_kind_of(e), EX_BINARY);
  ex_limits limits = {};
  limits.nodes = 3;
  tap_check(ex_read_infix("x + 1 + y", 9, &limits, &error) == nullptr);
  tap_eq_u(ex_errno, EX_ELIMIT);
}

int add_one(ex e, void *cd) {
  (void)e;
  ++*static_cast<int *>(cd);
  return 0;
}

void walks_take_functions_of_c_plus_plus() {
  int n = 0;
  ex e = sum("x", "x");
  tap_eq_u(ex_each(e, add_one, &n, 0), 0);
  tap_eq_u(n, 2);
  ex swapped = ex_map_bottomup(
      e, [](ex part, void *) { return part == ex_sym("x") ? ex_int(2) : part; },
      nullptr, nullptr, 0);
  tap_eq_p(swapped, sum(std::int64_t{2}, std::int64_t{2}));
}

void rules_and_collections() {
  static const char text[] = "var a\na + a -> 2*a\n";
  ex_error error;
  ex elements[] = {ex_sym("x"), ex_int(1), ex_sym("x")};
  ex set = ex_set(elements, 3);
  tap_eq_u(ex_collect_size(set), 2);
  ex_rules *rules = ex_rules_new();
  tap_require(rules != nullptr);
  tap_require(
      ex_rules_read(rules, text, std::strlen(text), EX_RULES_INFIX, &error));
  tap_require(ex_rules_compile(rules));
  ex e = ex_norm(rules, sum("x", "x"), EX_INNERMOST, nullptr, nullptr);
  tap_check(text_of(e) == "2*x");
  ex_rules_free(rules);
}

void nodes_of_ones_own() {
  hc_table *table = hc_table_new(0);
  hc_class_desc desc = {};
  desc.name = "pair";
  hc_class *pair = hc_class_new(table, &desc);
  tap_eq_p(hc_intern2(pair, 0, 1, 2), hc_intern2(pair, 0, 1, 2));
}

} /* namespace */

TAP_MAIN(TAP_CASE(terms_are_made_and_printed),
         TAP_CASE(walks_take_functions_of_c_plus_plus),
         TAP_CASE(rules_and_collections), TAP_CASE(nodes_of_ones_own))
