/* extra/hexpr/rules_cmd.c: rewriting with a file of rules. SPDX-License-Identifier: MIT */
#include "hexpr/cmd.h"
#include "hexpr/rewrite.h"

#include <stdlib.h>
#include <string.h>

static ex_rules_syntax syntax_of(const char *text, size_t bytes) {
  size_t i = 0;
  while (i < bytes && memchr(" \t\r\n", text[i], 4) != NULL)
    i++;
  return i < bytes && (text[i] == '(' || text[i] == ';') ? EX_RULES_SEXPR
                                                         : EX_RULES_INFIX;
}

bool cmd_rules_load(struct cmd_rules *rules, const struct cmd_options *o) {
  ex_error error;
  size_t bytes;
  char *text;
  bool ok = false;
  if (o->rules == NULL)
    return true;
  text = cmd_read_all(o->rules, &bytes);
  if (text == NULL)
    return false;
  rules->set = ex_rules_new();
  if (rules->set == NULL)
    cmd_no_memory();
  else if (!ex_rules_read(rules->set, text, bytes, syntax_of(text, bytes),
                          &error))
    cmd_error(o->rules, text, bytes, &error);
  else if (!ex_rules_compile(rules->set))
    cmd_no_memory();
  else
    ok = true;
  free(text);
  return ok;
}

void cmd_rules_drop(struct cmd_rules *rules) {
  ex_rules_free(rules->set);
  rules->set = NULL;
}

static ex normal_form(const struct cmd_rules *rules,
                      const struct cmd_options *o, ex e) {
  ex_norm_limits limits = {.steps = (size_t)o->max_steps};
  ex_norm_status status;
  char steps[32];
  ex made = ex_norm(rules->set, e, o->outermost ? EX_OUTERMOST : EX_INNERMOST,
                    &limits, &status);
  if (made == NULL)
    cmd_no_memory();
  if (made == NULL || status.end == EX_NORM_DONE)
    return made;
  snprintf(steps, sizeof steps, "%zu steps", status.steps);
  cmd_complain("no normal form after", steps);
  return NULL;
}

ex cmd_rules_apply(struct cmd_rules *rules, const struct cmd_options *o, ex e) {
  if (rules->set != NULL)
    e = normal_form(rules, o, e);
  if (e != NULL && o->simplify) {
    e = ex_simplify(e);
    if (e == NULL)
      cmd_no_memory();
  }
  return e;
}

static int rewrite_all(const struct cmd_options *o, const struct cmd_input *in,
                       struct cmd_rules *rules) {
  int status = CMD_OK;
  if (o->json)
    cmd_json_open("results", '[');
  for (size_t i = 0; i < in->formula.n && status == CMD_OK; i++) {
    ex made;
    cmd_progress("rewriting", i + 1, in->formula.n);
    made = cmd_rules_apply(rules, o, in->formula.at[i]);
    if (made == NULL || !cmd_out_formula(o, in->name.at[i], made))
      status = CMD_TROUBLE;
  }
  if (o->json)
    cmd_json_close(']');
  return status;
}

int cmd_rewrite(struct cmd_options *o) {
  struct cmd_input in;
  struct cmd_rules rules = {NULL};
  int status = CMD_TROUBLE;
  if (o->rules == NULL)
    return cmd_misuse(o->command, "needs -r RULES");
  cmd_out_start(o);
  if (cmd_rules_load(&rules, o)) {
    cmd_input_read(&in, o);
    status = cmd_input_status(&in);
    if (!in.trouble)
      status |= rewrite_all(o, &in, &rules);
    cmd_input_drop(&in);
  }
  cmd_rules_drop(&rules);
  return cmd_out_end(o, status > CMD_TROUBLE ? CMD_TROUBLE : status);
}

/* ---- rules ---- */

int cmd_rules(struct cmd_options *o) {
  static const char *const names[] = {
      [EX_SET_DERIVATIVE] = "derivative", [EX_SET_SIMPLIFIER] = "simplifier"};
  if (o->formulas != 1 || o->files > 0)
    return cmd_misuse(o->command, "needs derivative or simplifier");
  for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
    if (strcmp(o->formula[0], names[i]) == 0) {
      cmd_out_start(o);
      if (o->json)
        cmd_json_string("rules", ex_ruleset_text((ex_ruleset)i));
      else
        fputs(ex_ruleset_text((ex_ruleset)i), stdout);
      return cmd_out_end(o, CMD_OK);
    }
  return cmd_misuse("no set of rules is named", o->formula[0]);
}
