/* extra/hexpr/parse.c: the infix parser. SPDX-License-Identifier: MIT */
/* Operator precedence with two explicit stacks: finished operands, which lie in
 * scanned memory because nothing else refers to them yet, and pending operators
 * and brackets. A call puts its function's name among the operands first.
 *
 * A minus sign right before a number makes a negative number, unless a power
 * follows: -5 is one number, -5^2 is the negative of a square. With that rule
 * every expression has a notation that reads back as the same one. */
#include "hexpr/atom.h"
#include "hexpr/lex.h"
#include "hexpr/quote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum level { LVL_SUM = 1, LVL_PRODUCT, LVL_MINUS, LVL_POWER };

struct pending {
  enum { PND_BINARY, PND_MINUS, PND_PAREN, PND_CALL, PND_APPLY } kind;
  ex_op op;
  int level;
  size_t base; /* of a call: operands below its name */
};

struct parser {
  struct ex_lex lex;
  ex *value; /* scanned */
  size_t values;
  size_t value_room;
  struct pending *stack;
  size_t depth;
  size_t room;
  ex_error *error;
  bool failed;
};

/* ---- Stacks ---- */

static void fail(struct parser *p, const char *expected) {
  if (!p->failed)
    ex_lex_error(&p->lex, expected, p->error);
  p->failed = true;
}

static void push_value(struct parser *p, ex e) {
  if (p->values == p->value_room) {
    size_t room = p->value_room == 0 ? 32 : 2 * p->value_room;
    ex *bigger = hc_scanned_alloc(room * sizeof *bigger);
    if (bigger != NULL && p->value != NULL) {
      memcpy(bigger, p->value, p->values * sizeof *bigger);
      hc_scanned_free(p->value);
    }
    if (bigger != NULL) {
      p->value = bigger;
      p->value_room = room;
    }
  }
  if (e == NULL || p->values == p->value_room)
    fail(p, "more memory");
  else
    p->value[p->values++] = e;
}

static void push_pending(struct parser *p, struct pending entry) {
  if (p->depth == p->room) {
    size_t room = p->room == 0 ? 32 : 2 * p->room;
    struct pending *bigger = realloc(p->stack, room * sizeof *bigger);
    if (bigger == NULL) {
      fail(p, "more memory");
      return;
    }
    p->stack = bigger;
    p->room = room;
  }
  p->stack[p->depth++] = entry;
}

/* ---- Reducing ---- */

static void reduce_one(struct parser *p) {
  struct pending top = p->stack[--p->depth];
  ex b = p->value[--p->values];
  if (top.kind == PND_MINUS)
    push_value(p, ex_unary(EX_NEG, b));
  else {
    ex a = p->value[--p->values];
    push_value(p, ex_binary(top.op, a, b));
  }
}

/* Applies pending operators that bind at least as tightly as LEVEL. */
static void reduce(struct parser *p, int level) {
  while (!p->failed && p->depth > 0) {
    struct pending *top = &p->stack[p->depth - 1];
    if (top->kind >= PND_PAREN)
      return;
    if (top->level < level)
      return;
    reduce_one(p);
  }
}

/* A function of the language or of the program. The built-in signs are no
 * names, so they never get here. */
static ex_op op_by_name(const char *name, size_t argc) {
  ex_op op;
  if (strcmp(name, "log") == 0)
    return EX_LN;
  op = ex_op_find(name, argc);
  for (size_t n = 1; op == EX_NONE && n <= 2; n++)
    op = ex_op_find(name, n);
  return op;
}

static void wrong_count(struct parser *p, ex name, size_t want, size_t have) {
  char text[80];
  snprintf(text, sizeof text, "%zu argument%s of %.40s", want,
           want == 1 ? "" : "s", ex_name(name));
  fail(p, text);
  snprintf(p->error->found, sizeof p->error->found, "%zu", have);
}

/* Closes a call at its bracket; a quoted name is never an operator's. */
static void finish_call(struct parser *p, size_t base, bool plain) {
  ex *at = p->value + base;
  size_t argc = p->values - base - 1;
  ex_op op = plain ? EX_NONE : op_by_name(ex_name(at[0]), argc);
  int arity = op == EX_NONE ? EX_NARY : ex_op_arity(op);
  ex made = NULL;
  if (arity != EX_NARY && argc != (size_t)arity)
    wrong_count(p, at[0], (size_t)arity, argc);
  else if (op == EX_NONE)
    made = ex_apply(at[0], at + 1, argc);
  else
    made = ex_n(op, at + 1, argc);
  p->values = base;
  if (!p->failed)
    push_value(p, made);
}

/* ---- Operands ---- */

static ex word_number(const struct ex_lex *l, bool negative) {
  const char *name = l->text + l->start;
  if (l->length != 3)
    return NULL;
  if (memcmp(name, "nan", 3) == 0)
    return ex_real((double)NAN);
  if (memcmp(name, "inf", 3) != 0)
    return NULL;
  return ex_real(negative ? (double)-INFINITY : (double)INFINITY);
}

static ex fraction(struct parser *p, bool negative) {
  const struct ex_lex *l = &p->lex;
  const char *text = l->text + l->start;
  size_t top = (size_t)((const char *)memchr(text, '/', l->length) - text);
  ex e = ex_exact_quotient(
      ex_exact_parse(text, top, negative),
      ex_exact_parse(text + top + 2, l->length - top - 2, false));
  if (e == NULL && ex_errno == EX_ETYPE)
    fail(p, "a denominator other than 0");
  return e;
}

/* The number that the lexer stands on, or NULL when it is none. */
static ex number(struct parser *p, bool negative) {
  const struct ex_lex *l = &p->lex;
  if (l->kind == LEX_REAL)
    return ex_real(negative ? -l->real : l->real);
  if (l->kind == LEX_NAME && !ex_lex_sees(l, '('))
    return word_number(l, negative);
  if (l->kind == LEX_RAT)
    return fraction(p, negative);
  if (l->kind == LEX_INT)
    return ex_exact_parse(l->text + l->start, l->length, negative);
  return NULL;
}

static bool on_number(const struct ex_lex *l) {
  if (l->kind == LEX_INT || l->kind == LEX_REAL || l->kind == LEX_RAT)
    return true;
  if (l->kind != LEX_NAME || l->length != 3 || ex_lex_sees(l, '('))
    return false;
  return memcmp(l->text + l->start, "inf", 3) == 0 ||
         memcmp(l->text + l->start, "nan", 3) == 0;
}

/* After a minus sign; returns whether an operand is complete. */
static bool minus(struct parser *p) {
  ex_lex_next(&p->lex);
  if (on_number(&p->lex) && !ex_lex_sees(&p->lex, '^')) {
    push_value(p, number(p, true));
    ex_lex_next(&p->lex);
    return true;
  }
  push_pending(p, (struct pending){PND_MINUS, EX_NEG, LVL_MINUS, 0});
  return false;
}

/* A name or a quoted thing; a symbol of either may head a call. */
static bool name(struct parser *p) {
  bool quoted = p->lex.kind == LEX_QUOTED;
  const char *text = p->lex.text + p->lex.start;
  ex symbol = quoted ? ex_quote_read(text, p->lex.length)
                     : ex_sym_n(text, p->lex.length);
  size_t base = p->values;
  push_value(p, symbol);
  ex_lex_next(&p->lex);
  if (!ex_lex_is(&p->lex, '(') || p->failed || kind_of(symbol) != EX_SYM)
    return true;
  push_pending(
      p, (struct pending){quoted ? PND_APPLY : PND_CALL, EX_NONE, 0, base});
  ex_lex_next(&p->lex);
  return false;
}

static bool bracket(struct parser *p);

/* Whether the lexer stands on the bracket that ends a call right after the one
 * that begins it. */
static bool ends_empty_call(const struct parser *p) {
  const struct pending *top = p->depth == 0 ? NULL : &p->stack[p->depth - 1];
  return top != NULL && top->kind >= PND_CALL && p->values == top->base + 1 &&
         ex_lex_is(&p->lex, ')');
}

/* One step where an operand must begin; true when one is complete. */
static bool operand(struct parser *p) {
  if (on_number(&p->lex)) {
    ex e = number(p, false);
    if (!p->failed)
      push_value(p, e);
    ex_lex_next(&p->lex);
    return true;
  }
  if (p->lex.kind == LEX_NAME || p->lex.kind == LEX_QUOTED)
    return name(p);
  if (ex_lex_is(&p->lex, '-'))
    return minus(p);
  if (ex_lex_is(&p->lex, '('))
    push_pending(p, (struct pending){PND_PAREN, EX_NONE, 0, 0});
  else if (ends_empty_call(p))
    return bracket(p);
  else if (!ex_lex_is(&p->lex, '+'))
    fail(p, "a number, a name, a sign or '('");
  ex_lex_next(&p->lex);
  return false;
}

/* ---- Operators ---- */

static struct pending binary_operator(const struct ex_lex *l) {
  static const char signs[] = "+-*/^";
  static const struct pending meaning[] = {
      {PND_BINARY, EX_ADD, LVL_SUM, 0},
      {PND_BINARY, EX_SUB, LVL_SUM, 0},
      {PND_BINARY, EX_MUL, LVL_PRODUCT, 0},
      {PND_BINARY, EX_DIV, LVL_PRODUCT, 0},
      {PND_BINARY, EX_POW, LVL_POWER, 0},
  };
  for (size_t i = 0; i < sizeof signs - 1; i++)
    if (ex_lex_is(l, signs[i]))
      return meaning[i];
  return (struct pending){PND_BINARY, EX_NONE, 0, 0};
}

static void expected_after_operand(struct parser *p) {
  if (p->depth == 0)
    fail(p, "an operator or the end");
  else if (p->stack[p->depth - 1].kind >= PND_CALL)
    fail(p, "an operator, ',' or ')'");
  else
    fail(p, "an operator or ')'");
}

/* At ')' or ','; returns whether the next thing is again an operator. */
static bool bracket(struct parser *p) {
  bool closing = ex_lex_is(&p->lex, ')');
  struct pending top;
  reduce(p, 0);
  if (p->failed)
    return true;
  if (p->depth == 0 || (!closing && p->stack[p->depth - 1].kind < PND_CALL)) {
    expected_after_operand(p);
    return true;
  }
  top = p->stack[p->depth - 1];
  if (closing) {
    p->depth--;
    if (top.kind >= PND_CALL)
      finish_call(p, top.base, top.kind == PND_APPLY);
  }
  ex_lex_next(&p->lex);
  return closing;
}

/* One step after an operand; false when an operand must follow. */
static bool after_operand(struct parser *p) {
  struct pending next = binary_operator(&p->lex);
  if (next.op != EX_NONE) {
    reduce(p, next.op == EX_POW ? next.level + 1 : next.level);
    push_pending(p, next);
    ex_lex_next(&p->lex);
    return false;
  }
  if (ex_lex_is(&p->lex, ')') || ex_lex_is(&p->lex, ','))
    return bracket(p);
  reduce(p, 0);
  expected_after_operand(p);
  return true;
}

static ex finish(struct parser *p) {
  reduce(p, 0);
  if (!p->failed && p->depth > 0)
    expected_after_operand(p);
  return p->failed ? NULL : p->value[0];
}

ex ex_parse_at(const char *text, size_t bytes, size_t line, size_t column,
               ex_error *out_error) {
  struct parser p = {.error = out_error};
  bool complete = false;
  ex result;
  ex_lex_start(&p.lex, text, bytes, line, column);
  while (!p.failed && !(complete && p.lex.kind == LEX_END))
    complete = complete ? after_operand(&p) : operand(&p);
  result = finish(&p);
  free(p.stack);
  if (p.value != NULL)
    hc_scanned_free(p.value);
  return result;
}

ex ex_parse(const char *text, size_t bytes, ex_error *out_error) {
  return ex_parse_at(text, bytes, 1, 1, out_error);
}
