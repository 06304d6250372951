/* extra/hexpr/cmd.h: parts of the hexpr command. SPDX-License-Identifier: MIT */
/* Exit status: 0 all well, 1 errors in formulas, 2 wrong use or bad files. */
#ifndef HEXPR_CMD_H
#define HEXPR_CMD_H

#include "hexpr/hexpr.h"

enum { CMD_OK = 0, CMD_BAD_FORMULA = 1, CMD_TROUBLE = 2 };

/* ---- Formula files ---- */

struct ex_formulas {
  ex *formula; /* scanned */
  ex *name;    /* scanned; the name as a symbol */
  size_t n;
  size_t room;
  size_t errors;
};

/* Reads PATH, one formula a line, reporting each error on standard error; false
 * when the file cannot be read, also reported. */
bool ex_formulas_read(struct ex_formulas *f, const char *path);
void ex_formulas_drop(struct ex_formulas *f);

/* Prints an error of ex_parse in FILE. */
void ex_formulas_error(const char *file, const ex_error *error);

/* ---- The report ---- */

struct ex_report_options {
  const char *file;
  const char *picture; /* NULL: none */
  const char *nested;  /* formula of the heavy run in x, and k for the round */
  long order;
  long volume_mb; /* the heavy run goes on until this is allocated */
};

/* Returns an exit status. */
int ex_report(const struct ex_report_options *o);

#endif
