/* extra/examples/algebra.c: a small session of computer algebra. SPDX-License-Identifier: MIT */
/* Reads lines from standard input, or a session of its own with the argument
 * `demo`:
 *
 *   NAME = FORMULA    names the result
 *   FORMULA           prints the result
 *   value FORMULA     as a floating-point number
 *   shared FORMULA    as an S-expression where shared parts are written once
 *   size FORMULA      the number of nodes, as a graph and as a tree
 *   dot FORMULA       as a graph for Graphviz
 *
 * In formulas, diff(f, x) is the derivative, put(f, x, a) is f with a for x,
 * solve_linear(f, x) the zero of an f that is linear in x; names mean what they
 * were given. All this happens in one walk from the leaves up, which meets each
 * distinct part once. */
#include <hexpr/hexpr.h>

#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 100 };

/* Static variables are where the collector looks. */
static ex names[MOST_NAMES];
static ex values[MOST_NAMES];
static size_t known;

static ex put(ex e, ex variable, ex value) {
  return ex_simplify(ex_subst(e, variable, value));
}

/* With f = slope*x + rest. */
static ex solve_linear(ex f, ex x) {
  ex slope = ex_simplify(ex_derive(f, x));
  ex rest = put(f, x, ex_int(0));
  if (slope == ex_int(0) || ex_simplify(ex_derive(slope, x)) != ex_int(0))
    return ex_apply(ex_sym("solve_linear"), (ex[]){f, x}, 2);
  return ex_simplify(ex_unary(EX_NEG, ex_binary(EX_DIV, rest, slope)));
}

/* The second argument is a variable. */
static bool is_call(ex e, const char *name, size_t argc) {
  return ex_kind_of(e) == EX_APPLY && ex_function(e) == ex_sym(name) &&
         ex_argc(e) == argc && ex_kind_of(ex_arg(e, 1)) == EX_SYM;
}

static ex evaluate(ex e, void *cd) {
  (void)cd;
  for (size_t i = 0; i < known; i++)
    if (e == names[i])
      return values[i];
  if (is_call(e, "diff", 2))
    return ex_simplify(ex_derive(ex_arg(e, 0), ex_arg(e, 1)));
  if (is_call(e, "put", 3))
    return put(ex_arg(e, 0), ex_arg(e, 1), ex_arg(e, 2));
  if (is_call(e, "solve_linear", 2))
    return solve_linear(ex_arg(e, 0), ex_arg(e, 1));
  return e;
}

static ex result_of(const char *text) {
  ex_error error;
  ex e = ex_parse(text, strlen(text), &error);
  if (e == NULL)
    printf("column %zu: expected %s, found %s\n", error.column, error.expected,
           error.found);
  return ex_simplify(ex_map_bottomup(e, evaluate, NULL, NULL, 0));
}

static void define(const char *name, const char *formula) {
  ex value = result_of(formula);
  ex variable = ex_sym(name);
  size_t i = 0;
  while (i < known && names[i] != variable)
    i++;
  if (value == NULL || i == MOST_NAMES)
    return;
  known = i < known ? known : i + 1;
  names[i] = variable;
  values[i] = value;
}

static void print_size(ex e) {
  char *tree = ex_tree_size(e);
  printf("%zu nodes, as a tree %s\n", ex_dag_size(e), tree);
  free(tree);
}

/* The rest of TEXT behind the word, or NULL. */
static const char *after(const char *text, const char *word) {
  size_t n = strlen(word);
  return strncmp(text, word, n) == 0 && text[n] == ' ' ? text + n + 1 : NULL;
}

static void answer(const char *line) {
  const char *words[] = {"value", "shared", "size", "dot", ""};
  const char *formula = NULL;
  size_t w = 0;
  ex e;
  while (w < 4 && (formula = after(line, words[w])) == NULL)
    w++;
  e = result_of(formula != NULL ? formula : line);
  if (e == NULL)
    return;
  if (w == 0)
    printf("%.12g\n", ex_eval(e, NULL, NULL, 0));
  else if (w == 2)
    print_size(e);
  else if (w == 3)
    ex_dot(e, stdout);
  else {
    (w == 1 ? ex_print_sexpr : ex_print)(e, stdout);
    putchar('\n');
  }
}

static void obey(char *line) {
  char *equals = strchr(line, '=');
  char *end = equals;
  if (equals == NULL) {
    answer(line);
    return;
  }
  while (end > line && end[-1] == ' ')
    end--;
  *end = '\0';
  define(line, equals + 1);
}

int main(int argc, char **argv) {
  char demo[] = "f = exp(-x^2/2)*sin(w*x)\n"
                "diff(f, x)\n"
                "value put(put(diff(f, x), w, 2), x, 1//4)\n"
                "solve_linear(a*(t - 3) - b, t)\n"
                "s = (a + b)^2\nshared s*sin(s) + cos(s)\nsize s*sin(s) + s\n";
  char line[4096];
  if (argc > 1 && strcmp(argv[1], "demo") == 0)
    for (char *s = strtok(demo, "\n"); s != NULL; s = strtok(NULL, "\n")) {
      printf("> %s\n", s);
      obey(s);
    }
  else
    while (fgets(line, sizeof line, stdin) != NULL) {
      line[strcspn(line, "\n")] = '\0';
      if (line[0] != '\0')
        obey(line);
    }
  return 0;
}
