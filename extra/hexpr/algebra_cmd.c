/* extra/hexpr/algebra_cmd.c: simplify, differentiate, evaluate, substitute. SPDX-License-Identifier: MIT */
#include "hexpr/cmd.h"
#include "hexpr/lex.h"
#include "hexpr/rewrite.h"

#include <stdlib.h>
#include <string.h>

/* What a subcommand does to each formula; false, after a message, when it cannot.
 */
struct work {
  struct cmd_options *o;
  struct cmd_input in;
  ex variable;
  struct ex_nodes names; /* of -D */
  struct ex_nodes values;
};

typedef ex (*change)(struct work *w, ex e);

/* ---- The loop ---- */

static int run(struct work *w, change each) {
  struct cmd_options *o = w->o;
  int status = CMD_OK;
  if (o->json)
    cmd_json_open("results", '[');
  for (size_t i = 0; i < w->in.formula.n && status != CMD_TROUBLE; i++) {
    ex made;
    cmd_progress(o->command, i + 1, w->in.formula.n);
    ex_errno = EX_OK;
    made = each(w, w->in.formula.at[i]);
    if (made == NULL && ex_errno == EX_ETYPE) {
      cmd_complain("not possible under binders or with these operators:",
                   o->command);
      ex_errno = EX_OK;
    }
    if (made == NULL && ex_errno == EX_OK)
      status = CMD_BAD_FORMULA;
    else if (made == NULL || !cmd_out_formula(o, w->in.name.at[i], made))
      status = cmd_no_memory();
  }
  if (o->json)
    cmd_json_close(']');
  return status;
}

static void add_given(struct work *w, const char *text) {
  size_t quoted = text[0] == '|' ? ex_lex_quoted(text, strlen(text)) : 0;
  const char *sign = strchr(text + quoted, '=');
  ex name = sign == NULL
                ? NULL
                : ex_parse(text, (size_t)(sign - text), &(ex_error){0});
  ex value;
  if (name == NULL || ex_kind_of(name) != EX_SYM) {
    cmd_misuse("a definition is NAME=FORMULA, not", text);
    w->in.trouble = true;
    return;
  }
  value = cmd_parse(&w->in, w->o, sign + 1, text);
  if (value != NULL &&
      (!ex_nodes_push(&w->names, name) || !ex_nodes_push(&w->values, value))) {
    w->in.trouble = true;
    cmd_no_memory();
  }
}

static int work_on(struct cmd_options *o, ex variable, change each) {
  struct work w = {.o = o, .variable = variable};
  int status;
  cmd_out_start(o);
  cmd_input_read(&w.in, o);
  for (size_t i = 0; i < o->givens && !w.in.trouble; i++)
    add_given(&w, o->given[i]);
  status = cmd_input_status(&w.in);
  if (w.in.trouble || w.values.n < o->givens)
    w.in.formula.n = 0;
  status = status == CMD_TROUBLE ? status : status | run(&w, each);
  cmd_input_drop(&w.in);
  ex_nodes_drop(&w.names);
  ex_nodes_drop(&w.values);
  return cmd_out_end(o, status > CMD_TROUBLE ? CMD_TROUBLE : status);
}

/* ---- simplify ---- */

static ex simplified(struct work *w, ex e) {
  return w->o->by_rules ? ex_simplify_by_rules(e) : ex_simplify(e);
}

int cmd_simplify(struct cmd_options *o) { return work_on(o, NULL, simplified); }

/* ---- differentiate ---- */

static ex differentiated(struct work *w, ex e) {
  for (long i = 0; i < w->o->order && e != NULL; i++) {
    if (w->o->order > 1)
      cmd_progress("derivative", (size_t)i + 1, (size_t)w->o->order);
    e = w->o->by_rules ? ex_derive_by_rules(e, w->variable)
                       : ex_derive(e, w->variable);
    if (!w->o->unsimplified)
      e = simplified(w, e);
  }
  return e;
}

/* Without -x the last of two arguments is the variable. */
int cmd_differentiate(struct cmd_options *o) {
  const char *name = o->variable;
  ex variable;
  if (name == NULL && (o->formulas != 2 || o->files > 0))
    return cmd_misuse(o->command, "needs -x VARIABLE, or a FORMULA and a "
                                  "VARIABLE");
  if (name == NULL)
    name = o->formula[--o->formulas];
  variable = ex_parse(name, strlen(name), &(ex_error){0});
  if (variable == NULL || ex_kind_of(variable) != EX_SYM)
    return cmd_misuse("not a variable:", name);
  return work_on(o, variable, differentiated);
}

/* ---- substitute ---- */

static ex substituted(struct work *w, ex e) {
  return ex_subst_all(e, w->names.at, w->values.at, w->names.n);
}

int cmd_substitute(struct cmd_options *o) {
  if (o->givens == 0)
    return cmd_misuse(o->command, "needs -D NAME=FORMULA");
  return work_on(o, NULL, substituted);
}

/* ---- evaluate ---- */

/* Notes a part that has no value whatever the variables are. */
static int note_unknown(ex e, void *out) {
  ex_kind kind = ex_kind_of(e);
  bool known = kind == EX_UNARY || kind == EX_BINARY || kind == EX_SYM ||
               (kind <= EX_RAT);
  if (!known)
    *(ex *)out = e;
  return !known;
}

static size_t place_of(const struct work *w, ex name) {
  size_t k = 0;
  while (k < w->names.n && w->names.at[k] != name)
    k++;
  return k;
}

/* A part of E that has no value, which a variable has if it is DEFINED and its definition
 * has none; NULL if there is none. */
static ex without_value(const struct work *w, ex e, bool defined) {
  size_t n = 0;
  ex *variables;
  ex missing = NULL;
  if (ex_each(e, note_unknown, &missing, 0) != 0)
    return missing;
  variables = ex_variables(e, &n);
  for (size_t i = 0; i < n && missing == NULL; i++) {
    size_t k = place_of(w, variables[i]);
    if (defined && k < w->names.n)
      missing = without_value(w, w->values.at[k], false);
    else
      missing = variables[i];
  }
  free(variables);
  return missing;
}

static void complain_of(ex missing) {
  char *text = ex_string(missing, 200);
  cmd_complain("no value is given for", text == NULL ? "a function" : text);
  free(text);
}

static ex evaluated(struct work *w, ex e) {
  ex missing = without_value(w, e, true);
  double *values;
  ex made;
  if (missing != NULL) {
    complain_of(missing);
    ex_errno = EX_OK;
    return NULL;
  }
  values = calloc(w->names.n + 1, sizeof *values);
  if (values == NULL) {
    ex_errno = EX_ENOMEM;
    return NULL;
  }
  for (size_t i = 0; i < w->names.n; i++)
    values[i] = ex_eval(w->values.at[i], NULL, NULL, 0);
  made = ex_real(ex_eval(e, w->names.at, values, w->names.n));
  free(values);
  return made;
}

int cmd_evaluate(struct cmd_options *o) { return work_on(o, NULL, evaluated); }
