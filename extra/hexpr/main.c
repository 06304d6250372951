/* extra/hexpr/main.c: command line of hexpr. SPDX-License-Identifier: MIT */
#include "hexpr/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: hexpr report FILE [-o SVG | --no-picture] [-n ORDER] [-m MB]"
    " [-e FORMULA]\n"
    "       hexpr print FORMULA...\n"
    "       hexpr simplify FORMULA...\n"
    "       hexpr diff FORMULA VARIABLE\n"
    "       hexpr convert infix|sexpr FORMULA...\n"
    "       hexpr dot FORMULA\n"
    "       hexpr --help | --version\n"
    "\n"
    "report      parse the formulas of FILE, derive and simplify them, then\n"
    "            derive one nested formula many times; print what the "
    "collector\n"
    "            had to do, and draw its heap\n"
    "  -o, --output SVG     where the picture goes (heap.svg)\n"
    "      --no-picture     draw nothing\n"
    "  -n, --order ORDER    order of the nested derivative, 0 for none (17)\n"
    "  -m, --volume MB      repeat it until so much is allocated (256)\n"
    "  -e, --nested FORMULA what to derive by x; k is the number of the round\n"
    "                       (exp(x*sin(k*x^2)))\n"
    "print       parse and print\n"
    "simplify    parse, simplify and print\n"
    "diff        print the simplified derivative\n"
    "convert     print in that notation; a FORMULA that begins with '(' and "
    "is\n"
    "            an S-expression is read as one, any other as infix\n"
    "dot         print the graph in the language of Graphviz\n"
    "\n"
    "Exit status: 0 all well, 1 an error in a formula, 2 any other trouble.\n";

static int misuse(const char *what, const char *which) {
  fprintf(stderr, "hexpr: %s%s%s (hexpr --help tells more)\n", what,
          which[0] != '\0' ? " " : "", which);
  return CMD_TROUBLE;
}

static int finish_output(int status) {
  if (fflush(stdout) == 0 && ferror(stdout) == 0)
    return status;
  fprintf(stderr, "hexpr: cannot write: %s\n", strerror(errno));
  return CMD_TROUBLE;
}

/* ---- report ---- */

static bool read_count(const char *text, long most, long *out) {
  char *end;
  errno = 0;
  *out = strtol(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && *out >= 0 && *out <= most;
}

static int wrong_option(int opt, char *const *argv) {
  char letter[3] = {'-', (char)optopt, '\0'};
  const char *which = optopt != 0 ? letter : argv[optind - 1];
  return misuse(opt == ':' ? "no value for option" : "unknown option", which);
}

/* Takes one option into O; an exit status, or -1 to go on. */
static int take_option(int opt, char *const *argv,
                       struct ex_report_options *o) {
  switch (opt) {
  case 'o':
    o->picture = optarg;
    return -1;
  case 'p':
    o->picture = NULL;
    return -1;
  case 'e':
    o->nested = optarg;
    return -1;
  case 'n':
    if (read_count(optarg, 1000, &o->order))
      return -1;
    return misuse("the order is a number from 0 to 1000, not", optarg);
  case 'm':
    if (read_count(optarg, 1000000, &o->volume_mb))
      return -1;
    return misuse("the volume is a number of MB, not", optarg);
  default:
    return wrong_option(opt, argv);
  }
}

static int report(int argc, char **argv) {
  static const struct option options[] = {
      {"output", required_argument, NULL, 'o'},
      {"no-picture", no_argument, NULL, 'p'},
      {"order", required_argument, NULL, 'n'},
      {"volume", required_argument, NULL, 'm'},
      {"nested", required_argument, NULL, 'e'},
      {NULL, 0, NULL, 0},
  };
  struct ex_report_options o = {NULL, "heap.svg", "exp(x*sin(k*x^2))", 17, 256};
  int opt;
  opterr = 0;
  while ((opt = getopt_long(argc, argv, ":o:n:m:e:", options, NULL)) != -1) {
    int status = take_option(opt, argv, &o);
    if (status >= 0)
      return status;
  }
  if (optind == argc)
    return misuse("report needs a FILE", "");
  if (optind + 1 < argc)
    return misuse("report takes one FILE, not also", argv[optind + 1]);
  o.file = argv[optind];
  return ex_report(&o);
}

/* ---- print, simplify, diff ---- */

static ex parse_argument(const char *text, size_t number) {
  ex_error error;
  char where[32];
  ex e = ex_parse(text, strlen(text), &error);
  snprintf(where, sizeof where, "argument %zu", number);
  if (e == NULL)
    ex_formulas_error(where, &error);
  return e;
}

static int print_line(ex e) {
  if (e == NULL)
    return misuse("out of memory", "");
  ex_print(e, stdout);
  putchar('\n');
  return CMD_OK;
}

static int print_each(int argc, char **argv, ex (*change)(ex)) {
  int status = CMD_OK;
  if (argc < 2)
    return misuse(argv[0], "needs a FORMULA");
  for (int i = 1; i < argc; i++) {
    ex e = parse_argument(argv[i], (size_t)i);
    if (e == NULL)
      status = CMD_BAD_FORMULA;
    else if (print_line(change == NULL ? e : change(e)) != CMD_OK)
      return CMD_TROUBLE;
  }
  return status;
}

static int diff(int argc, char **argv) {
  ex e;
  ex variable;
  if (argc != 3)
    return misuse("diff needs a FORMULA and a VARIABLE", "");
  e = parse_argument(argv[1], 1);
  variable = parse_argument(argv[2], 2);
  if (e == NULL || variable == NULL)
    return CMD_BAD_FORMULA;
  if (ex_kind_of(variable) != EX_SYM)
    return misuse("not a variable:", argv[2]);
  return print_line(ex_simplify(ex_derive(e, variable)));
}

/* ---- convert, dot ---- */

/* Brackets begin formulas of both notations: what the first one can not read
 * is left to the infix parser and its messages. */
static ex parse_either(const char *text, size_t number) {
  ex_error error;
  ex e =
      text[0] == '(' ? ex_read_sexpr(text, strlen(text), NULL, &error) : NULL;
  return e != NULL ? e : parse_argument(text, number);
}

static int convert(int argc, char **argv) {
  int status = CMD_OK;
  bool sexpr = argc > 1 && strcmp(argv[1], "sexpr") == 0;
  if (argc < 3 || (!sexpr && strcmp(argv[1], "infix") != 0))
    return misuse("convert needs a notation, infix or sexpr, and a FORMULA",
                  "");
  for (int i = 2; i < argc; i++) {
    ex e = parse_either(argv[i], (size_t)i - 1);
    if (e == NULL)
      status = CMD_BAD_FORMULA;
    else if (!sexpr)
      print_line(e);
    else if (ex_print_sexpr(e, stdout))
      putchar('\n');
  }
  return status;
}

static int dot(int argc, char **argv) {
  ex e;
  if (argc != 2)
    return misuse("dot needs a FORMULA", "");
  e = parse_either(argv[1], 1);
  if (e == NULL)
    return CMD_BAD_FORMULA;
  return ex_dot(e, stdout) ? CMD_OK : misuse("cannot write the graph", "");
}

static int command(int argc, char **argv) {
  const char *name = argv[0];
  if (strcmp(name, "report") == 0)
    return report(argc, argv);
  if (strcmp(name, "print") == 0)
    return print_each(argc, argv, NULL);
  if (strcmp(name, "simplify") == 0)
    return print_each(argc, argv, ex_simplify);
  if (strcmp(name, "diff") == 0)
    return diff(argc, argv);
  if (strcmp(name, "convert") == 0)
    return convert(argc, argv);
  if (strcmp(name, "dot") == 0)
    return dot(argc, argv);
  if (name[0] == '-')
    return misuse("unknown option", name);
  return misuse("unknown command", name);
}

int main(int argc, char **argv) {
  if (argc < 2)
    return misuse("no command", "");
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    fputs(help, stdout);
    return finish_output(CMD_OK);
  }
  if (strcmp(argv[1], "--version") == 0) {
    puts("hexpr " HEXPR_VERSION);
    return finish_output(CMD_OK);
  }
  return finish_output(command(argc - 1, argv + 1));
}
