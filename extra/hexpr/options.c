/* extra/hexpr/options.c: options of the subcommands. SPDX-License-Identifier: MIT */
#include "hexpr/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const struct option table[] = {
    {"file", required_argument, NULL, 'f'},
    {"from", required_argument, NULL, 'F'},
    {"to", required_argument, NULL, 't'},
    {"share", no_argument, NULL, 's'},
    {"json", no_argument, NULL, 'j'},
    {"progress", no_argument, NULL, 'p'},
    {"simplify", no_argument, NULL, 'S'},
    {"outermost", no_argument, NULL, 'o'},
    {"by-rules", no_argument, NULL, 'R'},
    {"unsimplified", no_argument, NULL, 'u'},
    {"order", required_argument, NULL, 'n'},
    {"max-steps", required_argument, NULL, 'm'},
    {"max-nodes", required_argument, NULL, 'N'},
    {"max-depth", required_argument, NULL, 'L'},
    {"max-bytes", required_argument, NULL, 'B'},
    {"rules", required_argument, NULL, 'r'},
    {"variable", required_argument, NULL, 'x'},
    {"define", required_argument, NULL, 'D'},
    {"operator", required_argument, NULL, 'O'},
};

enum { OPTIONS = sizeof table / sizeof table[0] };

/* Options of every subcommand that reads formulas. */
static const char common[] = "fFjpNLBO";

cmd_format cmd_format_named(const char *name) {
  static const char *const names[] = {
      [FMT_INFIX] = "infix", [FMT_SEXPR] = "sexpr", [FMT_BINARY] = "binary",
      [FMT_SMT] = "smt2",    [FMT_DOT] = "dot",
  };
  for (size_t i = FMT_INFIX; i <= FMT_DOT; i++)
    if (strcmp(names[i], name) == 0)
      return (cmd_format)i;
  return FMT_AUTO;
}

static bool read_count(const char *text, long most, long *out) {
  char *end;
  errno = 0;
  *out = strtol(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && *out >= 0 && *out <= most;
}

static int take_limit(const char *text, size_t *out) {
  long value;
  if (!read_count(text, INT64_MAX, &value))
    return cmd_misuse("a limit is a number, 0 for none, not", text);
  *out = (size_t)value;
  return -1;
}

/* ---- Operators ---- */

static const struct {
  const char *word;
  unsigned flags;
} operator_words[] = {
    {"infix", EX_INFIX}, {"prefix", EX_PREFIX}, {"postfix", EX_POSTFIX},
    {"right", EX_RIGHT}, {"alone", EX_NOCHAIN}, {"comm", EX_COMM},
    {"assoc", EX_ASSOC}, {"idem", EX_IDEM},     {"binder", EX_BINDER},
};

/* One word of a definition into FLAGS or ARITY; a number is the priority, or
 * with a slash before it the arity. */
static bool take_operator_word(const char *word, unsigned *flags, int *arity) {
  enum { WORDS = sizeof operator_words / sizeof operator_words[0] };
  long number;
  for (size_t i = 0; i < WORDS; i++)
    if (strcmp(word, operator_words[i].word) == 0) {
      *flags |= operator_words[i].flags;
      return true;
    }
  if (strcmp(word, "/n") == 0)
    *arity = EX_NARY;
  else if (word[0] == '/' && read_count(word + 1, EX_MAX_WORDS, &number))
    *arity = (int)number;
  else if (read_count(word, 99, &number))
    *flags |= EX_PRIORITY(number);
  else
    return false;
  return true;
}

static int natural_arity(unsigned flags) {
  if ((flags & EX_ASSOC) != 0)
    return EX_NARY;
  return (flags & (EX_PREFIX | EX_POSTFIX | EX_BINDER)) != 0 ? 1 : 2;
}

/* NAME:WORD,WORD... The name may have colons itself. */
static int define_operator(const char *text) {
  char *copy = strdup(text);
  char *words = copy == NULL ? NULL : strrchr(copy, ':');
  unsigned flags = 0;
  int arity = -2;
  bool good = words != NULL && words > copy;
  if (good) {
    char *rest = NULL;
    *words = '\0';
    for (char *word = strtok_r(words + 1, ",", &rest); good && word != NULL;
         word = strtok_r(NULL, ",", &rest))
      good = take_operator_word(word, &flags, &arity);
    if (arity == -2)
      arity = natural_arity(flags);
    good = good && ex_opdef(copy, arity, flags) != EX_NONE;
  }
  free(copy);
  return good ? -1 : cmd_misuse("not a definition of an operator:", text);
}

/* ---- All ---- */

static int take_format(const char *name, bool output, cmd_format *out) {
  *out = cmd_format_named(name);
  if (*out == FMT_AUTO || *out == (output ? FMT_SMT : FMT_DOT))
    return cmd_misuse("unknown notation", name);
  return -1;
}

/* Appends TEXT to an array with room for all arguments. */
static int append(const char *const **array, size_t *n, int argc,
                  const char *text) {
  if (*array == NULL)
    *array = calloc((size_t)argc + 1, sizeof **array);
  if (*array == NULL)
    return cmd_no_memory();
  ((const char **)*array)[(*n)++] = text;
  return -1;
}

static int take_flag(struct cmd_options *o, int letter) {
  o->share |= letter == 's';
  o->json |= letter == 'j';
  o->progress |= letter == 'p';
  o->simplify |= letter == 'S';
  o->outermost |= letter == 'o';
  o->by_rules |= letter == 'R';
  o->unsimplified |= letter == 'u';
  return -1;
}

static int take(struct cmd_options *o, int letter, int argc) {
  switch (letter) {
  case 'f':
    return append(&o->file, &o->files, argc, optarg);
  case 'D':
    return append(&o->given, &o->givens, argc, optarg);
  case 'F':
    return take_format(optarg, false, &o->from);
  case 't':
    return take_format(optarg, true, &o->to);
  case 'n':
    if (read_count(optarg, 1000, &o->order))
      return -1;
    return cmd_misuse("the order is a number from 0 to 1000, not", optarg);
  case 'm':
    if (read_count(optarg, INT64_MAX, &o->max_steps))
      return -1;
    return cmd_misuse("the steps are a number, 0 for no limit, not", optarg);
  case 'N':
    return take_limit(optarg, &o->limits.nodes);
  case 'L':
    return take_limit(optarg, &o->limits.depth);
  case 'B':
    return take_limit(optarg, &o->limits.bytes);
  case 'r':
    o->rules = optarg;
    return -1;
  case 'x':
    o->variable = optarg;
    return -1;
  case 'O':
    return define_operator(optarg);
  default:
    return take_flag(o, letter);
  }
}

/* The options that are among LETTERS or common; their short forms. */
static void choose(const char *letters, struct option *options, char *brief) {
  size_t n = 0;
  *brief++ = ':';
  for (size_t i = 0; i < OPTIONS; i++) {
    if (strchr(letters, table[i].val) == NULL &&
        strchr(common, table[i].val) == NULL)
      continue;
    options[n++] = table[i];
    *brief++ = (char)table[i].val;
    if (table[i].has_arg == required_argument)
      *brief++ = ':';
  }
  options[n] = (struct option){NULL, 0, NULL, 0};
  *brief = '\0';
}

static int wrong_option(int opt, char *const *argv) {
  char letter[3] = {'-', (char)optopt, '\0'};
  const char *which = optopt != 0 ? letter : argv[optind - 1];
  return cmd_misuse(opt == ':' ? "no value for option" : "unknown option",
                    which);
}

int cmd_options_read(struct cmd_options *o, const char *letters, int argc,
                     char **argv) {
  struct option options[OPTIONS + 1];
  char brief[2 * OPTIONS + 2];
  int opt;
  *o = (struct cmd_options){.command = argv[0], .order = 1};
  choose(letters, options, brief);
  opterr = 0;
  while ((opt = getopt_long(argc, argv, brief, options, NULL)) != -1) {
    int status =
        opt == ':' || opt == '?' ? wrong_option(opt, argv) : take(o, opt, argc);
    if (status >= 0)
      return status;
  }
  o->formula = argv + optind;
  o->formulas = (size_t)(argc - optind);
  return -1;
}

void cmd_options_drop(struct cmd_options *o) {
  free((void *)(uintptr_t)o->file);
  free((void *)(uintptr_t)o->given);
}
