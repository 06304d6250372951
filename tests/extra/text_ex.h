/* tests/extra/text_ex.h: expressions from text that has to be right. SPDX-License-Identifier: MIT */
#ifndef TESTS_EXTRA_TEXT_EX_H
#define TESTS_EXTRA_TEXT_EX_H

#include <hexpr/hexpr.h>

#include "lib/tap.h"

#include <string.h>

static inline ex ex_or_end(ex e, const char *text, const ex_error *error) {
  if (e == NULL)
    tap_note("%s: %zu:%zu: expected %s, found %s", text, error->line,
             error->column, error->expected, error->found);
  tap_require(e != NULL);
  return e;
}

/* Of infix text. */
static inline ex parse(const char *text) {
  ex_error error = {0};
  return ex_or_end(ex_parse(text, strlen(text), &error), text, &error);
}

/* Of an S-expression. */
static inline ex sexpr(const char *text) {
  ex_error error = {0};
  return ex_or_end(ex_read_sexpr(text, strlen(text), NULL, &error), text,
                   &error);
}

#endif
