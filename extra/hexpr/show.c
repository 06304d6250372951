/* extra/hexpr/show.c: S-expressions and graphs of shared parts. SPDX-License-Identifier: MIT */
/* Both go over the list of distinct nodes. A compound that more than one place
 * refers to gets a label, in the order of the list, so that a label is defined
 * before it is used. */
#include "hexpr/dag.h"
#include "hexpr/quote.h"

#include <stdlib.h>

struct item {
  uint32_t place;
  uint32_t next; /* operand */
};

struct show {
  struct ex_dag dag;
  struct ex_sink *to;
  uint32_t *label; /* by place; 0 for none */
  uint32_t labels;
  struct item *stack;
  size_t depth;
  size_t room;
};

/* ---- Labels ---- */

static bool find_shared(struct show *s) {
  const struct ex_dag *d = &s->dag;
  s->label = calloc(d->n + 1, sizeof *s->label);
  if (s->label == NULL)
    return false;
  for (size_t i = 0; i < d->args; i++)
    if (s->label[d->arg[i]] < 2)
      s->label[d->arg[i]]++;
  for (size_t i = 0; i < d->n; i++) {
    bool shared = s->label[i] == 2 && !is_leaf(d->node[i]);
    s->label[i] = shared ? ++s->labels : 0;
  }
  return true;
}

static void put_label(struct show *s, uint32_t label) {
  ex_sink_text(s->to, "@");
  ex_sink_number(s->to, label);
}

/* ---- S-expressions ---- */

static void push(struct show *s, size_t place) {
  if (s->depth == s->room) {
    size_t room = s->room == 0 ? 64 : 2 * s->room;
    struct item *bigger = realloc(s->stack, room * sizeof *bigger);
    if (bigger == NULL) {
      s->to->failed = true;
      return;
    }
    s->stack = bigger;
    s->room = room;
  }
  s->stack[s->depth++] = (struct item){(uint32_t)place, 0};
}

static void put_head(struct show *s, ex e) {
  ex_sink_text(s->to, "(");
  if (kind_of(e) == EX_APPLY)
    ex_quote_leaf(s->to, ex_function(e), QUO_SEXPR_HEAD);
  else
    ex_sink_text(s->to, ex_name(e));
}

static void begin(struct show *s, size_t place) {
  ex e = s->dag.node[place];
  if (is_leaf(e)) {
    ex_quote_leaf(s->to, e, QUO_SEXPR);
    return;
  }
  put_head(s, e);
  push(s, place);
}

/* One node in full, what is labelled below it by label. */
static void put_body(struct show *s, size_t place) {
  begin(s, place);
  while (s->depth > 0 && !s->to->failed) {
    struct item *top = &s->stack[s->depth - 1];
    uint32_t next;
    if (top->next == argc_of(s->dag.node[top->place])) {
      ex_sink_text(s->to, ")");
      s->depth--;
      continue;
    }
    next = s->dag.arg[s->dag.first[top->place] + top->next++];
    ex_sink_text(s->to, " ");
    if (s->label[next] != 0)
      put_label(s, s->label[next]);
    else
      begin(s, next);
  }
}

static void put_labels(struct show *s) {
  for (size_t i = 0; i < s->dag.n && !s->to->failed; i++) {
    if (s->label[i] == 0)
      continue;
    ex_sink_text(s->to, s->label[i] == 1 ? "(let ((" : "\n      (");
    put_label(s, s->label[i]);
    ex_sink_text(s->to, " ");
    put_body(s, i);
    ex_sink_text(s->to, ")");
  }
}

static void put_sexpr(struct show *s) {
  put_labels(s);
  if (s->labels > 0)
    ex_sink_text(s->to, ")\n  ");
  put_body(s, s->dag.n - 1);
  if (s->labels > 0)
    ex_sink_text(s->to, ")");
}

/* Runs PUT over the list of E; false without memory or when the sink failed. */
static bool run(ex e, struct ex_sink *to, void (*put)(struct show *)) {
  struct show s = {.to = to};
  if (!ex_dag_build(&s.dag, &e, 1)) {
    to->failed = true;
    return false;
  }
  if (find_shared(&s))
    put(&s);
  else
    to->failed = true;
  free(s.label);
  free(s.stack);
  ex_dag_drop(&s.dag);
  return !to->failed;
}

bool ex_print_sexpr(ex e, FILE *file) {
  struct ex_sink to = {.file = file};
  return run(e, &to, put_sexpr);
}

char *ex_sexpr_string(ex e, size_t max_bytes) {
  struct ex_sink to = {.limit = max_bytes};
  run(e, &to, put_sexpr);
  return ex_sink_string(&to);
}

/* ---- Graphviz ---- */

/* The text of a node between quotes of that language, where a backslash and a
 * quote are escaped. */
static void put_quoted(struct ex_sink *to, const char *text) {
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\')
      ex_sink_text(to, "\\");
    ex_sink_bytes(to, text, 1);
  }
}

static void put_node(struct show *s, size_t place) {
  ex e = s->dag.node[place];
  struct ex_sink text = {.limit = (size_t)1 << 20};
  char *label;
  if (is_leaf(e))
    ex_quote_leaf(&text, e, QUO_SEXPR);
  else
    ex_sink_text(&text, ex_name(e));
  label = ex_sink_string(&text);
  ex_sink_text(s->to, "  n");
  ex_sink_number(s->to, place);
  ex_sink_text(s->to, " [label=\"");
  put_quoted(s->to, label == NULL ? "..." : label);
  ex_sink_text(s->to, is_leaf(e) ? "\", shape=box];\n" : "\"];\n");
  free(label);
}

static void put_graph(struct show *s) {
  const struct ex_dag *d = &s->dag;
  ex_sink_text(s->to, "digraph expression {\n");
  for (size_t i = d->n; i-- > 0;)
    put_node(s, i);
  for (size_t i = d->n; i-- > 0;)
    for (size_t k = 0; k < argc_of(d->node[i]); k++) {
      ex_sink_text(s->to, "  n");
      ex_sink_number(s->to, i);
      ex_sink_text(s->to, " -> n");
      ex_sink_number(s->to, ex_dag_arg(d, i, k));
      ex_sink_text(s->to, ";\n");
    }
  ex_sink_text(s->to, "}\n");
}

bool ex_dot(ex e, FILE *file) {
  struct ex_sink to = {.file = file};
  return run(e, &to, put_graph);
}
