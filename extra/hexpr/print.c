/* extra/hexpr/print.c: the infix printer. SPDX-License-Identifier: MIT */
/* Prints as a tree, from an explicit stack of what is still to come. Brackets
 * appear where the parser needs them to build the same nodes again, and around
 * negative right operands, for the reader. A number under a unary minus is
 * bracketed, since a minus sign right before a number belongs to the number. */
#include "hexpr/atom.h"
#include "hexpr/quote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum level { LVL_SUM = 1, LVL_PRODUCT, LVL_MINUS, LVL_POWER, LVL_PRIMARY };

/* What may stand somewhere without brackets: levels from `level` up, and a
 * sign in front or a number only if allowed. */
struct place {
  unsigned char level;
  bool sign;
  bool number;
};

struct item {
  ex node; /* NULL: print `text` */
  const char *text;
  struct place place;
  bool head; /* the name of a function */
};

struct printer {
  struct ex_sink *to;
  struct item *stack;
  size_t depth;
  size_t stack_room;
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

static bool has_sign(ex e) {
  if (kind_of(e) == EX_REAL)
    return !isnan(ex_real_value(e)) && signbit(ex_real_value(e));
  if (is_number(e))
    return ex_exact_is_negative(e);
  return ex_node_is_op(e, EX_NEG);
}

static int level_of(ex e) {
  switch (op_of(e)) {
  case EX_ADD:
  case EX_SUB:
    return LVL_SUM;
  case EX_MUL:
  case EX_DIV:
    return LVL_PRODUCT;
  case EX_NEG:
    return LVL_MINUS;
  case EX_POW:
    return LVL_POWER;
  default:
    return LVL_PRIMARY;
  }
}

static bool fits(ex e, struct place place) {
  if (is_number(e) && !place.number)
    return false;
  if (has_sign(e) && !place.sign)
    return false;
  return level_of(e) >= place.level;
}

static const struct place anywhere = {LVL_SUM, true, true};

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
    push_text(p, ex_name(e));
}

static const char *sign_of(ex_op op) {
  if (op == EX_ADD)
    return " + ";
  return op == EX_SUB ? " - " : ex_op_name(op);
}

static void push_binary(struct printer *p, ex e) {
  int level = level_of(e);
  bool power = level == LVL_POWER;
  struct place left = {(unsigned char)(power ? LVL_PRIMARY : level), !power,
                       true};
  struct place right = {(unsigned char)(power ? LVL_MINUS : level + 1), false,
                        true};
  push_node(p, arg_of(e, 1), right);
  push_text(p, sign_of(op_of(e)));
  push_node(p, arg_of(e, 0), left);
}

static void push_minus(struct printer *p, ex e) {
  struct place under = {LVL_MINUS, true, false};
  push_node(p, arg_of(e, 0), under);
  push_text(p, "-");
}

static void print_node(struct printer *p, ex e) {
  if (is_leaf(e))
    ex_quote_leaf(p->to, e, QUO_INFIX);
  else if (level_of(e) == LVL_PRIMARY)
    push_call(p, e);
  else if (level_of(e) == LVL_MINUS)
    push_minus(p, e);
  else
    push_binary(p, e);
}

static void print_all(struct printer *p, ex e) {
  push_node(p, e, anywhere);
  while (p->depth > 0 && !p->to->failed) {
    struct item top = p->stack[--p->depth];
    if (top.node == NULL)
      ex_sink_text(p->to, top.text);
    else if (top.head)
      ex_quote_leaf(p->to, top.node, QUO_INFIX_HEAD);
    else if (fits(top.node, top.place))
      print_node(p, top.node);
    else {
      push_text(p, ")");
      push_node(p, top.node, anywhere);
      push_text(p, "(");
    }
  }
  free(p->stack);
  hc_keep(e);
}

bool ex_print(ex e, FILE *file) {
  struct ex_sink to = {.file = file};
  struct printer p = {.to = &to};
  print_all(&p, e);
  return !to.failed;
}

char *ex_string(ex e, size_t max_bytes) {
  struct ex_sink to = {.limit = max_bytes};
  struct printer p = {.to = &to};
  print_all(&p, e);
  return ex_sink_string(&to);
}
