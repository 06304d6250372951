/* extra/hexpr/show_cmd.c: print, convert, dot and stats. SPDX-License-Identifier: MIT */
#include "hexpr/cmd.h"

#include <stdlib.h>
#include <string.h>

/* All formulas as results. */
static bool put_all(const struct cmd_options *o, const struct cmd_input *in) {
  bool ok = true;
  if (o->json)
    cmd_json_open("results", '[');
  for (size_t i = 0; ok && i < in->formula.n; i++) {
    cmd_progress("writing", i + 1, in->formula.n);
    ok = cmd_out_formula(o, in->name.at[i], in->formula.at[i]);
  }
  if (o->json)
    cmd_json_close(']');
  return ok;
}

int cmd_print(struct cmd_options *o) {
  struct cmd_input in;
  int status;
  cmd_out_start(o);
  cmd_input_read(&in, o);
  status = cmd_input_status(&in);
  if (!put_all(o, &in))
    status = cmd_no_memory();
  cmd_input_drop(&in);
  return cmd_out_end(o, status);
}

/* ---- convert ---- */

static int write_binary(struct cmd_options *o) {
  struct cmd_input in;
  int status;
  cmd_progress_start(o->progress);
  cmd_input_read(&in, o);
  status = cmd_input_status(&in);
  if (!in.trouble && !ex_write(in.formula.at, in.formula.n, stdout) &&
      ferror(stdout) == 0)
    status = cmd_no_memory();
  cmd_progress_end();
  cmd_input_drop(&in);
  return status;
}

int cmd_convert(struct cmd_options *o) {
  if (o->formulas > 0 && o->to == FMT_AUTO) {
    o->to = cmd_format_named(o->formula[0]);
    o->formula++;
    o->formulas--;
  }
  if (o->to == FMT_AUTO || o->to == FMT_SMT)
    return cmd_misuse("convert needs a notation: infix, sexpr, binary or dot",
                      "");
  if (o->to == FMT_DOT)
    return cmd_dot(o);
  if (o->to != FMT_BINARY)
    return cmd_print(o);
  if (o->json)
    return cmd_misuse("binary output is no JSON", "");
  return write_binary(o);
}

/* ---- dot ---- */

int cmd_dot(struct cmd_options *o) {
  struct cmd_input in;
  int status;
  if (o->json)
    return cmd_misuse("a graph is no JSON", "");
  cmd_progress_start(o->progress);
  cmd_input_read(&in, o);
  status = cmd_input_status(&in);
  for (size_t i = 0; i < in.formula.n; i++)
    if (!ex_dot(in.formula.at[i], stdout) && ferror(stdout) == 0)
      status = cmd_no_memory();
  cmd_progress_end();
  cmd_input_drop(&in);
  return status;
}

/* ---- stats ---- */

static void put_row(const struct cmd_options *o, const char *label,
                    const char *digits) {
  if (o->json)
    cmd_json_number(label, digits);
  else
    printf("  %-16s %s\n", label, digits);
}

static void put_count(const struct cmd_options *o, const char *label,
                      size_t value) {
  char text[32];
  snprintf(text, sizeof text, "%zu", value);
  put_row(o, label, text);
}

/* A tree size in full, or rounded where it is long and not for machines. */
static void put_tree(const struct cmd_options *o, const char *tree) {
  char text[48];
  if (o->json)
    cmd_json_string("tree nodes", tree);
  else if (strlen(tree) <= 40)
    put_row(o, "tree nodes", tree);
  else {
    snprintf(text, sizeof text, "%.1s.%.8se%zu", tree, tree + 1,
             strlen(tree) - 1);
    put_row(o, "tree nodes", text);
  }
}

static void put_factor(const struct cmd_options *o, const char *tree,
                       size_t nodes) {
  char text[64];
  double value = strtod(tree, NULL) / (double)nodes;
  if (value > 1e300 && o->json)
    return;
  snprintf(text, sizeof text, value < 1e6 ? "%.2f" : "%.8g", value);
  put_row(o, "sharing factor", text);
}

static void put_kinds(const struct cmd_options *o, const ex_measures *m) {
  size_t leaves = 0;
  for (int k = EX_INT; k < EX_UNARY; k++)
    leaves += m->kinds[k];
  put_count(o, "leaves", leaves);
  put_count(o, "symbols", m->kinds[EX_SYM]);
  put_count(o, "numbers",
            m->kinds[EX_INT] + m->kinds[EX_REAL] + m->kinds[EX_BIG] +
                m->kinds[EX_RAT]);
  put_count(o, "compounds", m->nodes - leaves);
  put_count(o, "edges", m->edges);
  put_count(o, "shared nodes", m->shared);
  put_count(o, "depth", m->depth);
}

/* The sizes of N expressions together. */
static bool put_sizes(const struct cmd_options *o, const ex *roots, size_t n) {
  ex_measures m;
  char *tree = NULL;
  if (!ex_measure(roots, n, &m) || !ex_count(roots, n, NULL, &tree))
    return false;
  put_count(o, "graph nodes", m.nodes);
  put_tree(o, tree);
  put_factor(o, tree, m.nodes);
  put_kinds(o, &m);
  free(tree);
  return true;
}

static void put_script(const struct cmd_options *o,
                       const struct smt_counts *smt) {
  if (smt->declared + smt->defined + smt->asserted == 0)
    return;
  if (o->json)
    cmd_json_open("script", '{');
  put_count(o, "declared", smt->declared);
  put_count(o, "defined", smt->defined);
  put_count(o, "asserted", smt->asserted);
  put_count(o, "let names", smt->lets);
  put_count(o, "quantified", smt->quantified);
  if (o->json)
    cmd_json_close('}');
}

static bool put_each(const struct cmd_options *o, const struct cmd_input *in) {
  bool ok = true;
  if (o->json)
    cmd_json_open("formulas", '[');
  for (size_t i = 0; ok && i < in->formula.n; i++) {
    ex name = in->name.at[i];
    cmd_progress("counting", i + 1, in->formula.n);
    if (o->json) {
      cmd_json_open(NULL, '{');
      if (name != NULL)
        cmd_json_string("name", ex_name(name));
    } else
      printf("formula %zu%s%s\n", i + 1, name == NULL ? "" : ": ",
             name == NULL ? "" : ex_name(name));
    ok = put_sizes(o, &in->formula.at[i], 1);
    if (o->json)
      cmd_json_close('}');
  }
  if (o->json)
    cmd_json_close(']');
  return ok;
}

static bool put_together(const struct cmd_options *o,
                         const struct cmd_input *in) {
  bool ok;
  if (o->json)
    cmd_json_open("together", '{');
  else
    printf("together\n");
  put_count(o, "formulas", in->formula.n);
  put_script(o, &in->smt);
  ok = in->formula.n == 0 || put_sizes(o, in->formula.at, in->formula.n);
  if (o->json)
    cmd_json_close('}');
  return ok;
}

int cmd_stats(struct cmd_options *o) {
  struct cmd_input in;
  int status;
  cmd_out_start(o);
  cmd_input_read(&in, o);
  status = cmd_input_status(&in);
  if (!in.trouble && (!put_each(o, &in) || !put_together(o, &in)))
    status = cmd_no_memory();
  cmd_input_drop(&in);
  return cmd_out_end(o, status);
}
