/* extra/hexpr/equal_cmd.c: whether two inputs are the same. SPDX-License-Identifier: MIT */
/* Equal expressions are one node, so that after bringing both sides to a form
 * nothing is left but to compare pointers. */
#include "hexpr/cmd.h"

#include <stdlib.h>
#include <string.h>

enum { CMD_DIFFERENT = 1 };

/* How the formula at I of one source differs from that of the other; NULL for
 * none. */
static void put_side(const struct cmd_options *o, const char *key, ex e) {
  char *text = e == NULL ? NULL : ex_shared_string(e, 8, 2000);
  const char *shown = text != NULL ? text : e == NULL ? "nothing" : "(long)";
  if (o->json)
    cmd_json_string(key, shown);
  else
    printf("  %s: %s\n", key, shown);
  free(text);
}

static void put_difference(const struct cmd_options *o, size_t i, ex a, ex b) {
  if (o->json) {
    cmd_json_open("difference", '{');
    cmd_json_count("formula", i + 1);
  } else
    printf("different: formula %zu\n", i + 1);
  put_side(o, "first", a);
  put_side(o, "second", b);
  if (o->json)
    cmd_json_close('}');
}

static ex nth(const struct cmd_input *in, size_t source, size_t i) {
  size_t start = source == 0 ? 0 : in->end[source - 1];
  return start + i < in->end[source] ? in->formula.at[start + i] : NULL;
}

/* Both sources in order; an exit status. */
static int compare(const struct cmd_options *o, const struct cmd_input *in,
                   struct cmd_rules *rules) {
  size_t n = in->end[0] > in->end[1] - in->end[0] ? in->end[0]
                                                  : in->end[1] - in->end[0];
  for (size_t i = 0; i < n; i++) {
    ex a = nth(in, 0, i);
    ex b = nth(in, 1, i);
    cmd_progress("comparing", i + 1, n);
    if (a != NULL && b != NULL && a != b) {
      a = cmd_rules_apply(rules, o, a);
      b = cmd_rules_apply(rules, o, b);
      if (a == NULL || b == NULL)
        return CMD_TROUBLE;
    }
    if (a != b) {
      cmd_progress_end();
      if (o->json)
        cmd_json_bool("equal", false);
      put_difference(o, i, a, b);
      return CMD_DIFFERENT;
    }
  }
  cmd_progress_end();
  if (o->json)
    cmd_json_bool("equal", true);
  else
    puts("equal");
  return CMD_OK;
}

int cmd_equal(struct cmd_options *o) {
  struct cmd_input in;
  struct cmd_rules rules = {NULL};
  int status = CMD_TROUBLE;
  if (o->formulas + o->files != 2)
    return cmd_misuse(o->command, "needs two of FORMULA or -f FILE");
  cmd_out_start(o);
  o->may_be_empty = true;
  if (cmd_rules_load(&rules, o)) {
    cmd_input_read(&in, o);
    if (cmd_input_status(&in) == CMD_OK)
      status = compare(o, &in, &rules);
    cmd_input_drop(&in);
  }
  cmd_rules_drop(&rules);
  return cmd_out_end(o, status);
}
