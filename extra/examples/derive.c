/* extra/examples/derive.c: reads a formula and prints its derivative. SPDX-License-Identifier: MIT */
/* Usage: derive [FORMULA [VARIABLE]]. */
#include <hexpr/hexpr.h>

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  const char *text = argc > 1 ? argv[1] : "exp(-x^2/2)*sin(w*x)";
  const char *variable = argc > 2 ? argv[2] : "x";
  ex_error error;
  ex e = ex_parse(text, strlen(text), &error);
  if (e == NULL) {
    fprintf(stderr, "column %zu: expected %s, found %s\n", error.column,
            error.expected, error.found);
    return 1;
  }
  ex_print(ex_simplify(ex_derive(e, ex_sym(variable))), stdout);
  putchar('\n');
  return 0;
}
