/* extra/hexpr/main.c: command line of hexpr. SPDX-License-Identifier: MIT */
#include "hexpr/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: hexpr COMMAND [OPTION]... [FORMULA]... [-f FILE]...\n"
    "       hexpr report FILE [OPTION]...\n"
    "       hexpr [COMMAND] --help | --version\n"
    "\n"
    "print          parse and print\n"
    "convert TO     print in a notation: infix, sexpr, binary or dot\n"
    "dot            print graphs in the language of Graphviz\n"
    "stats          sizes as graph and as tree, depth, sharing\n"
    "simplify       simplify and print\n"
    "differentiate  print simplified derivatives; also diff FORMULA VARIABLE\n"
    "  -x, --variable X     by what\n"
    "  -n, --order N        which derivative (1)\n"
    "  -u, --unsimplified   derivatives as they are\n"
    "  -R, --by-rules       these two by sets of rules\n"
    "evaluate       print values\n"
    "substitute     print with variables replaced, all at once\n"
    "  -D, --define X=F     the value of a variable; may be repeated\n"
    "rewrite        print the normal forms by rules\n"
    "rules          print the rules of the derivative or the simplifier\n"
    "equal          whether two inputs are the same up to rules\n"
    "  -r, --rules FILE     lines such as `var x` and `x + 0 -> x`\n"
    "  -o, --outermost      rewrite outermost places first\n"
    "  -m, --max-steps N    give up after so many (no limit)\n"
    "  -S, --simplify       then simplify\n"
    "report         derive the formulas of FILE, then one nested formula many\n"
    "               times; print what the collector had to do, and draw its "
    "heap\n"
    "  -o, --output SVG     where the picture goes (heap.svg)\n"
    "      --no-picture     draw nothing\n"
    "  -n, --order N        order of the nested derivative, 0: none (17)\n"
    "  -m, --volume MB      repeat it until so much is allocated (256)\n"
    "  -u, --unsimplified   do not simplify it, for orders above 25\n"
    "  -e, --nested F       what to derive by x; k is the number of the round\n"
    "                       (exp(x*sin(k*x^2)))\n"
    "\n"
    "All but report read FORMULA and FILE, standard input for - or for "
    "neither:\n"
    "  -f, --file FILE      formulas from a file; may be repeated\n"
    "  -F, --from NOTATION  infix (a formula a line), sexpr, binary, smt2;\n"
    "                       without it, what the text looks like\n"
    "  -t, --to NOTATION    infix or sexpr\n"
    "  -s, --share          name shared parts with let\n"
    "  -O, --operator DEF   such as '&&:infix,5,comm,assoc,idem', "
    "'not:prefix,6'\n"
    "  -N, -L, -B, --max-nodes, --max-depth, --max-bytes N  limits for input\n"
    "All:\n"
    "  -j, --json           one JSON object\n"
    "  -p, --progress       on standard error, also when that is no terminal\n"
    "\n"
    "Exit status: 0 all well, 1 an error in a formula, 2 any other trouble; "
    "of\n"
    "equal 0 the same, 1 different, 2 trouble.\n";

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
  return cmd_misuse(opt == ':' ? "no value for option" : "unknown option",
                    which);
}

/* Takes one option into O; an exit status, or -1 to go on. */
static int take_option(int opt, char *const *argv,
                       struct ex_report_options *o) {
  switch (opt) {
  case 'o':
    o->picture = optarg;
    return -1;
  case 'q':
    o->picture = NULL;
    return -1;
  case 'e':
    o->nested = optarg;
    return -1;
  case 'j':
    o->json = true;
    return -1;
  case 'p':
    o->progress = true;
    return -1;
  case 'u':
    o->unsimplified = true;
    return -1;
  case 'n':
    if (read_count(optarg, 1000, &o->order))
      return -1;
    return cmd_misuse("the order is a number from 0 to 1000, not", optarg);
  case 'm':
    if (read_count(optarg, 1000000, &o->volume_mb))
      return -1;
    return cmd_misuse("the volume is a number of MB, not", optarg);
  default:
    return wrong_option(opt, argv);
  }
}

static int report(int argc, char **argv) {
  static const struct option options[] = {
      {"output", required_argument, NULL, 'o'},
      {"no-picture", no_argument, NULL, 'q'},
      {"order", required_argument, NULL, 'n'},
      {"volume", required_argument, NULL, 'm'},
      {"nested", required_argument, NULL, 'e'},
      {"unsimplified", no_argument, NULL, 'u'},
      {"json", no_argument, NULL, 'j'},
      {"progress", no_argument, NULL, 'p'},
      {NULL, 0, NULL, 0},
  };
  struct ex_report_options o = {.picture = "heap.svg",
                                .nested = "exp(x*sin(k*x^2))",
                                .order = 17,
                                .volume_mb = 256};
  int opt;
  opterr = 0;
  while ((opt = getopt_long(argc, argv, ":o:n:m:e:ujp", options, NULL)) != -1) {
    int status = take_option(opt, argv, &o);
    if (status >= 0)
      return status;
  }
  if (optind == argc)
    return cmd_misuse("report needs a FILE", "");
  if (optind + 1 < argc)
    return cmd_misuse("report takes one FILE, not also", argv[optind + 1]);
  o.file = argv[optind];
  return ex_report(&o);
}

/* ---- Dispatch ---- */

static const struct command {
  const char *name;
  const char *options; /* besides the common ones */
  int (*run)(struct cmd_options *o);
} commands[] = {
    {"print", "ts", cmd_print},
    {"convert", "ts", cmd_convert},
    {"dot", "", cmd_dot},
    {"stats", "", cmd_stats},
    {"rules", "", cmd_rules},
    {"simplify", "tsR", cmd_simplify},
    {"differentiate", "tsxnRu", cmd_differentiate},
    {"diff", "tsxnRu", cmd_differentiate},
    {"evaluate", "tD", cmd_evaluate},
    {"substitute", "tsD", cmd_substitute},
    {"rewrite", "tsromS", cmd_rewrite},
    {"equal", "romS", cmd_equal},
};

static int run(const struct command *c, int argc, char **argv) {
  struct cmd_options o;
  int status = cmd_options_read(&o, c->options, argc, argv);
  if (status < 0)
    status = c->run(&o);
  cmd_options_drop(&o);
  return status;
}

static int command(int argc, char **argv) {
  const char *name = argv[0];
  if (strcmp(name, "report") == 0)
    return report(argc, argv);
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
    if (strcmp(name, commands[i].name) == 0)
      return run(&commands[i], argc, argv);
  if (name[0] == '-')
    return cmd_misuse("unknown option", name);
  return cmd_misuse("unknown command", name);
}

static bool asks_for_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int main(int argc, char **argv) {
  if (argc < 2)
    return cmd_misuse("no command", "");
  if (asks_for_help(argv[1]) || strcmp(argv[1], "help") == 0 ||
      (argc > 2 && asks_for_help(argv[2]))) {
    fputs(help, stdout);
    return finish_output(CMD_OK);
  }
  if (strcmp(argv[1], "--version") == 0) {
    puts("hexpr " HEXPR_VERSION);
    return finish_output(CMD_OK);
  }
  return finish_output(command(argc - 1, argv + 1));
}
