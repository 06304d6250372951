/* extra/hexpr/print.c: the infix printer. SPDX-License-Identifier: MIT */
/* Prints from an explicit stack of what is still to come. Brackets appear where
 * the parser needs them to build the same nodes again, and around right operands
 * that begin with a prefix operator: so what such an operator could take in too
 * much always ends at a bracket or at an operator that does not bind closer. A
 * number under a unary minus is bracketed, since a minus sign right before a
 * number belongs to the number. Two signs get a blank between them where a sign
 * of the program could begin in the one and go on in the other. */
#include "hexpr/atom.h"
#include "hexpr/dag.h"
#include "hexpr/ops.h"
#include "hexpr/quote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where something stands: in brackets of its own or as a whole, left of or before
 * or right of or after its operator. */
enum side { SIDE_FREE, SIDE_LEFT, SIDE_RIGHT, SIDE_UNDER };

struct place {
  enum side side;
  ex_op parent;
};

struct item {
  ex node;          /* NULL: print `text` */
  const char *text; /* NULL: the call of the operator `place.parent` */
  struct place place;
  bool head; /* the name of a function */
};

struct printer {
  struct ex_sink *to;
  struct item *stack;
  size_t depth;
  size_t stack_room;
  char last;                /* byte if it may be of a sign, else 0 */
  const struct ex_dag *dag; /* NULL: no labels */
  const uint32_t *label;    /* by place in `dag`; 0 for none */
};

/* ---- What is still to come ---- */

static void push(struct printer *p, struct item item) {
  if (p->depth == p->stack_room) {
    size_t room = p->stack_room == 0 ? 64 : 2 * p->stack_room;
    struct item *bigger = realloc(p->stack, room * sizeof *bigger);
    if (bigger == NULL) {
      p->to->failed = true;
      return;
    }
    p->stack = bigger;
    p->stack_room = room;
  }
  p->stack[p->depth++] = item;
}

static void push_text(struct printer *p, const char *text) {
  push(p, (struct item){.text = text});
}

static void push_node(struct printer *p, ex e, struct place place) {
  push(p, (struct item){.node = e, .place = place});
}

static void put_text(struct printer *p, const char *text) {
  size_t n = strlen(text);
  if (p->last != 0 && ex_op_glues(p->last, text[0]))
    ex_sink_text(p->to, " ");
  ex_sink_bytes(p->to, text, n);
  p->last = n > 0 ? text[n - 1] : 0;
}

/* ---- Brackets ---- */

static bool is_negative(ex e) {
  if (kind_of(e) == EX_REAL)
    return !isnan(ex_real_value(e)) && signbit(ex_real_value(e));
  return is_number(e) && ex_exact_is_negative(e);
}

/* The operator that E is written with, other than as a call; EX_NONE for none.
 * A negative number is a sign before a number. */
static ex_op fix_of(ex e) {
  ex_op op;
  if (is_leaf(e))
    return is_negative(e) ? EX_NEG : EX_NONE;
  op = ex_op_of(e);
  if (op == EX_NONE || ex_op_fix(op) == FIX_CALL)
    return EX_NONE;
  return (ex_op_flags(op) & EX_INFIX) != 0 && argc_of(e) < 2 ? EX_NONE : op;
}

static bool fits_equal(ex_op op, struct place place) {
  unsigned inner = ex_op_flags(op);
  unsigned outer = ex_op_flags(place.parent);
  if (((inner | outer) & EX_NOCHAIN) != 0)
    return false;
  if (ex_op_arity(place.parent) == EX_NARY)
    return false;
  if (place.side == SIDE_LEFT)
    return (outer & EX_RIGHT) == 0;
  if (place.side == SIDE_UNDER && (inner & EX_PREFIX) != 0)
    return true;
  return (inner & EX_RIGHT) != 0;
}

/* Whether E needs no brackets there; see reduce in parse.c. */
static bool fits(ex e, struct place place) {
  ex_op op = fix_of(e);
  if (place.side == SIDE_FREE)
    return true;
  if (place.side == SIDE_UNDER && place.parent == EX_NEG && is_number(e))
    return false;
  if (op == EX_NONE)
    return true;
  if (place.side == SIDE_RIGHT && (ex_op_flags(op) & EX_PREFIX) != 0)
    return false;
  if (ex_op_priority(op) != ex_op_priority(place.parent))
    return ex_op_priority(op) > ex_op_priority(place.parent);
  return fits_equal(op, place);
}

/* ---- Nodes ---- */

static const struct place anywhere = {SIDE_FREE, EX_NONE};

static void push_call(struct printer *p, ex e) {
  push_text(p, ")");
  for (size_t i = argc_of(e); i-- > 0;) {
    push_node(p, arg_of(e, i), anywhere);
    if (i > 0)
      push_text(p, ", ");
  }
  push_text(p, "(");
  if (kind_of(e) == EX_APPLY)
    push(p, (struct item){.node = ex_function(e), .head = true});
  else
    push(p, (struct item){.place = {SIDE_FREE, ex_op_of(e)}});
}

static bool has_blanks(ex_op op) {
  return op == EX_ADD || op == EX_SUB || op >= EX_OPS;
}

static void push_infix(struct printer *p, ex e, ex_op op) {
  for (size_t i = argc_of(e); i-- > 0;) {
    enum side side = i == 0 ? SIDE_LEFT : SIDE_RIGHT;
    push_node(p, arg_of(e, i), (struct place){side, op});
    if (i == 0)
      return;
    if (has_blanks(op))
      push_text(p, " ");
    push_text(p, ex_op_name(op));
    if (has_blanks(op))
      push_text(p, " ");
  }
}

static void push_prefix(struct printer *p, ex e, ex_op op) {
  push_node(p, arg_of(e, 0), (struct place){SIDE_UNDER, op});
  if (ex_op_fix(op) == FIX_WORD)
    push_text(p, " ");
  push_text(p, ex_op_name(op));
}

static void push_postfix(struct printer *p, ex e, ex_op op) {
  push_text(p, ex_op_name(op));
  if (ex_op_fix(op) == FIX_WORD)
    push_text(p, " ");
  push_node(p, arg_of(e, 0), (struct place){SIDE_LEFT, op});
}

static void put_leaf(struct printer *p, ex e, enum quote_place place) {
  if (p->last != 0 && is_negative(e) && ex_op_glues(p->last, '-'))
    ex_sink_text(p->to, " ");
  ex_quote_leaf(p->to, e, place);
  p->last = 0;
}

static void print_node(struct printer *p, ex e) {
  ex_op op = fix_of(e);
  unsigned flags = op == EX_NONE ? 0 : ex_op_flags(op);
  if (is_leaf(e))
    put_leaf(p, e, QUO_INFIX);
  else if ((flags & EX_INFIX) != 0)
    push_infix(p, e, op);
  else if ((flags & EX_PREFIX) != 0)
    push_prefix(p, e, op);
  else if ((flags & EX_POSTFIX) != 0)
    push_postfix(p, e, op);
  else
    push_call(p, e);
}

static uint32_t label_of(const struct printer *p, ex e) {
  return p->dag == NULL ? 0 : p->label[ex_dag_index(p->dag, e)];
}

static void print_item(struct printer *p, const struct item *item) {
  if (item->node == NULL && item->text != NULL)
    put_text(p, item->text);
  else if (item->node == NULL) {
    ex_quote_operator(p->to, item->place.parent);
    p->last = 0;
  } else if (item->head)
    put_leaf(p, item->node, QUO_INFIX_HEAD);
  else if (label_of(p, item->node) != 0) {
    ex_sink_text(p->to, "@");
    ex_sink_number(p->to, label_of(p, item->node));
    p->last = 0;
  } else if (fits(item->node, item->place))
    print_node(p, item->node);
  else {
    push_text(p, ")");
    push_node(p, item->node, anywhere);
    push_text(p, "(");
  }
}

/* E in full, with labels for what is below it. */
static void print_all(struct printer *p, ex e) {
  p->last = 0;
  print_node(p, e);
  while (p->depth > 0 && !p->to->failed) {
    struct item top = p->stack[--p->depth];
    print_item(p, &top);
  }
}

static void print_tree(struct ex_sink *to, ex e) {
  struct printer p = {.to = to};
  if (e == NULL)
    to->failed = true;
  else
    print_all(&p, e);
  free(p.stack);
  hc_keep(e);
}

bool ex_print(ex e, FILE *file) {
  struct ex_sink to = {.file = file};
  print_tree(&to, e);
  return !to.failed;
}

char *ex_string(ex e, size_t max_bytes) {
  struct ex_sink to = {.limit = max_bytes};
  print_tree(&to, e);
  return ex_sink_string(&to);
}

/* ---- Shared parts ---- */

/* How often each node is referred to, at most 2; then labels for the compounds
 * with 2 whose trees have MIN_SIZE nodes, in the order of the list. Weights are
 * tree sizes until they are too large for MIN_SIZE to matter. */
static uint32_t *find_labels(const struct ex_dag *d, size_t min_size) {
  uint32_t *label = calloc(d->n + 1, sizeof *label);
  uint32_t labels = 0;
  if (label == NULL)
    return NULL;
  for (size_t i = 0; i < d->args; i++)
    if (label[d->arg[i]] < 2)
      label[d->arg[i]]++;
  for (size_t i = 0; i < d->n; i++) {
    ex e = d->node[i];
    bool named = label[i] == 2 && !is_leaf(e) &&
                 ex_node_weight(ex_node_shape(e)) >= min_size;
    label[i] = named ? ++labels : 0;
  }
  return label;
}

static void print_definitions(struct printer *p) {
  const struct ex_dag *d = p->dag;
  bool any = false;
  for (size_t i = 0; i < d->n && !p->to->failed; i++) {
    if (p->label[i] == 0)
      continue;
    ex_sink_text(p->to, any ? "; @" : "let @");
    ex_sink_number(p->to, p->label[i]);
    ex_sink_text(p->to, " = ");
    print_all(p, d->node[i]);
    any = true;
  }
  if (any)
    ex_sink_text(p->to, " in ");
}

static void print_shared(struct ex_sink *to, ex e, size_t min_size) {
  struct ex_dag d;
  struct printer p = {.to = to, .dag = &d};
  uint32_t *label;
  if (!ex_dag_build(&d, &e, 1)) {
    to->failed = true;
    return;
  }
  label = find_labels(&d, min_size < INT32_MAX ? min_size : INT32_MAX);
  p.label = label;
  if (label != NULL) {
    print_definitions(&p);
    print_all(&p, e);
  } else
    to->failed = true;
  free(label);
  free(p.stack);
  ex_dag_drop(&d);
}

bool ex_print_shared(ex e, size_t min_size, FILE *file) {
  struct ex_sink to = {.file = file};
  print_shared(&to, e, min_size);
  return !to.failed;
}

char *ex_shared_string(ex e, size_t min_size, size_t max_bytes) {
  struct ex_sink to = {.limit = max_bytes};
  print_shared(&to, e, min_size);
  return ex_sink_string(&to);
}
