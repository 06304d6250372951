/* tests/extra/rules_ex.h: rule sets from text that has to be right, and what they make. SPDX-License-Identifier: MIT */
#ifndef TESTS_EXTRA_RULES_EX_H
#define TESTS_EXTRA_RULES_EX_H

#include <hexpr/rewrite.h>

#include "extra/text_ex.h"
#include "lib/tap.h"

#include <string.h>

static inline ex_rules *rules_of(const char *text) {
  ex_rules *r = ex_rules_new();
  ex_error error;
  if (!ex_rules_read(r, text, strlen(text), EX_RULES_INFIX, &error)) {
    tap_note("%zu:%zu: expected %s", error.line, error.column, error.expected);
    tap_require(false);
  }
  tap_require(ex_rules_compile(r));
  return r;
}

static inline ex norm(const ex_rules *r, ex e, ex_strategy s) {
  ex_norm_status status;
  ex result = ex_norm(r, e, s, NULL, &status);
  tap_require(result != NULL && status.end == EX_NORM_DONE);
  return result;
}

/* By both strategies. */
static inline void becomes(const ex_rules *r, const char *text,
                           const char *want) {
  tap_note("%s", text);
  tap_eq_p(norm(r, parse(text), EX_INNERMOST), parse(want));
  tap_eq_p(norm(r, parse(text), EX_OUTERMOST), parse(want));
}

#endif
