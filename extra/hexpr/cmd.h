/* extra/hexpr/cmd.h: parts of the hexpr command. SPDX-License-Identifier: MIT */
/* A subcommand parses its options, reads all its input, works through it and
 * writes results, as text or as one JSON object. Exit status: 0 all well, 1 errors
 * in formulas, 2 wrong use or bad files; `equal` has its own. */
#ifndef HEXPR_CMD_H
#define HEXPR_CMD_H

#include "hexpr/rewrite.h"
#include "hexpr/smt.h"

enum { CMD_OK = 0, CMD_BAD_FORMULA = 1, CMD_TROUBLE = 2 };

/* Say what was wrong with the use, what cannot be done with a file, and why, and that
 * there is no memory: on standard error, or with JSON among the errors once output has
 * begun. CMD_TROUBLE. */
int cmd_misuse(const char *what, const char *which);
int cmd_cannot(const char *what, const char *path, int error);
int cmd_no_memory(void);

/* ---- Options ---- */

typedef enum cmd_format {
  FMT_AUTO,
  FMT_INFIX,
  FMT_SEXPR,
  FMT_BINARY,
  FMT_SMT,
  FMT_DOT
} cmd_format;

struct cmd_options {
  const char *command;
  cmd_format from;
  cmd_format to;
  bool share;
  bool json;
  bool progress;
  bool simplify;
  bool outermost;
  bool by_rules;     /* simplify and derive by rule sets */
  bool unsimplified; /* derivatives as they are */
  bool may_be_empty; /* input without a formula is no error */
  long order;        /* of a derivative */
  long max_steps;    /* of rewriting; 0: no limit */
  ex_limits limits;
  const char *rules;    /* a file, or NULL */
  const char *variable; /* or NULL */
  const char *const *file;
  size_t files;
  const char *const *given; /* NAME=FORMULA */
  size_t givens;
  char *const *formula; /* arguments that are no options */
  size_t formulas;
};

/* Reads the options of a subcommand that takes those of LETTERS; returns an exit
 * status, or -1 to go on. The arrays are malloc'ed; see cmd_options_drop. */
int cmd_options_read(struct cmd_options *o, const char *letters, int argc,
                     char **argv);
void cmd_options_drop(struct cmd_options *o);

/* The format of that name, FMT_AUTO for none. */
cmd_format cmd_format_named(const char *name);

/* ---- Input ---- */

struct cmd_input {
  struct ex_nodes formula;
  struct ex_nodes name; /* a symbol or NULL for each */
  size_t *end;          /* by source: one after its last formula */
  size_t sources;
  size_t errors;
  size_t lines;
  struct smt_counts smt;
  bool trouble; /* a file could not be read, or memory is out */
};

/* Reads the formulas among the arguments and then the files; standard input when
 * there are neither. Errors are reported. */
void cmd_input_read(struct cmd_input *in, const struct cmd_options *o);
void cmd_input_drop(struct cmd_input *in);

/* The exit status after reading. */
int cmd_input_status(const struct cmd_input *in);

/* One formula of infix text or, in brackets, an S-expression; NULL after a report
 * of the error, which is counted. */
ex cmd_parse(struct cmd_input *in, const struct cmd_options *o,
             const char *text, const char *where);

/* All of a file, malloc'ed; `-` is standard input. NULL after a report. */
char *cmd_read_all(const char *path, size_t *out_bytes);

/* ---- Messages and progress ---- */

/* Prints an error in FILE, with the line of TEXT and a mark under the place; TEXT
 * may be NULL. With JSON it is kept for the output. */
void cmd_error(const char *file, const char *text, size_t bytes,
               const ex_error *error);

/* Any other error of a formula. */
void cmd_complain(const char *what, const char *which);

/* A line on standard error that the next one replaces, a few times a second; where work
 * takes long it tells how many nodes were looked up and the time. WHAT is static, TOTAL
 * may be 0. A thread of the command calls for itself, so nothing else is needed. */
void cmd_progress_start(bool wanted);
void cmd_progress(const char *what, size_t done, size_t total);
void cmd_progress_end(void);

/* ---- Output ---- */

/* Begins and ends the output of a subcommand, which gives the exit status. */
void cmd_out_start(const struct cmd_options *o);
int cmd_out_end(const struct cmd_options *o, int status);

/* One expression as a result; false when there is no memory. */
bool cmd_out_formula(const struct cmd_options *o, ex name, ex e);

/* Parts of a JSON object; STRING and EX give quoted strings. */
void cmd_json_key(const char *key);
void cmd_json_string(const char *key, const char *value);
void cmd_json_number(const char *key, const char *digits);
void cmd_json_count(const char *key, uint64_t value);
void cmd_json_bool(const char *key, bool value);
void cmd_json_open(const char *key, char bracket); /* '{' or '['; KEY or NULL */
void cmd_json_close(char bracket);

/* ---- Rules ---- */

struct cmd_rules {
  ex_rules *set; /* NULL: no rules */
};

/* Reads the file of rules, if there is one; false after a report. */
bool cmd_rules_load(struct cmd_rules *rules, const struct cmd_options *o);
void cmd_rules_drop(struct cmd_rules *rules);

/* The normal form of E by the rules and, if wanted, simplified; NULL after a
 * report. */
ex cmd_rules_apply(struct cmd_rules *rules, const struct cmd_options *o, ex e);

/* ---- Subcommands ---- */

int cmd_print(struct cmd_options *o);
int cmd_convert(struct cmd_options *o);
int cmd_dot(struct cmd_options *o);
int cmd_stats(struct cmd_options *o);
int cmd_simplify(struct cmd_options *o);
int cmd_differentiate(struct cmd_options *o);
int cmd_evaluate(struct cmd_options *o);
int cmd_substitute(struct cmd_options *o);
int cmd_rewrite(struct cmd_options *o);
int cmd_rules(struct cmd_options *o);
int cmd_equal(struct cmd_options *o);

/* ---- The report ---- */

struct ex_report_options {
  const char *file;
  const char *picture; /* NULL: none */
  const char *nested;  /* formula of the heavy run in x, and k for the round */
  long order;
  long volume_mb;    /* the heavy run goes on until this is allocated */
  bool unsimplified; /* the high derivative */
  bool json;
  bool progress;
};

/* Returns an exit status. */
int ex_report(const struct ex_report_options *o);

#endif
