/* extra/hexpr/parse.c: the infix parser. SPDX-License-Identifier: MIT */
/* Operator precedence with two explicit stacks: finished operands, which lie in
 * scanned memory because nothing else refers to them yet, and pending operators
 * and brackets. A call puts its function's name among the operands first.
 * Built-in operators and those of the program are treated alike; a postfix one
 * is never pending.
 *
 * A minus sign right before a number makes a negative number, unless an operator
 * that binds closer follows: -5 is one number, -5^2 is the negative of a square.
 * With that rule every expression has a notation that reads back as the same
 * one.
 *
 * Labels count up in the order of definition, as in S-expressions, and `let` and
 * `in` do nothing but begin and end definitions. */
#include "hexpr/atom.h"
#include "hexpr/ops.h"
#include "hexpr/quote.h"
#include "hexpr/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pending {
  enum {
    PND_INFIX,
    PND_PREFIX,
    PND_PAREN,
    PND_LET,     /* a definition */
    PND_CALL,    /* by name */
    PND_APPLY,   /* of a function whatever its name */
    PND_OPERATOR /* of an operator whatever its name */
  } kind;
  ex_op op;
  unsigned priority;
  unsigned flags;
  size_t base; /* of a call: operands below its name; of an infix operator: how
                  many operands it has */
};

struct parser {
  struct ex_reader in;
  struct pending *stack;
};

/* ---- Stacks ---- */

static void fail(struct parser *p, const char *expected) {
  ex_reader_fail(&p->in, expected);
}

static void push_value(struct parser *p, ex e) {
  ex_reader_push_operand(&p->in, e);
}

/* What was made of N operands, which may have more by flattening. */
static void push_made(struct parser *p, ex e, size_t n) {
  if (e != NULL && argc_of(e) > n)
    p->in.made += argc_of(e) - n;
  push_value(p, e);
}

static void push_pending(struct parser *p, struct pending entry) {
  if (ex_reader_widen_stack(&p->in, &p->stack, sizeof *p->stack))
    p->stack[p->in.depth++] = entry;
}

static struct pending pending_op(ex_op op) {
  unsigned flags = ex_op_flags(op);
  return (struct pending){(flags & EX_INFIX) != 0 ? PND_INFIX : PND_PREFIX, op,
                          ex_op_priority(op), flags, 2};
}

static struct pending *top_of(const struct parser *p) {
  return p->in.depth == 0 ? NULL : &p->stack[p->in.depth - 1];
}

/* ---- Reducing ---- */

static void reduce_one(struct parser *p) {
  struct pending top = p->stack[--p->in.depth];
  size_t n = top.kind == PND_PREFIX ? 1 : top.base;
  p->in.operand.n -= n;
  push_made(p, ex_n(top.op, p->in.operand.at + p->in.operand.n, n), n);
}

/* Whether TOP takes what is before the operator NEXT. */
static bool goes_first(const struct pending *top, const struct pending *next) {
  if (top->priority != next->priority)
    return top->priority > next->priority;
  return (next->flags & EX_RIGHT) == 0;
}

/* Whether NEXT goes on with the chain of operands of TOP. */
static bool continues(const struct pending *top, const struct pending *next) {
  return top->kind == PND_INFIX && top->op == next->op &&
         ex_op_arity(next->op) == EX_NARY;
}

static bool clashes(const struct pending *top, const struct pending *next) {
  return top->kind == PND_INFIX && next->kind == PND_INFIX &&
         top->priority == next->priority &&
         ((top->flags | next->flags) & EX_NOCHAIN) != 0;
}

/* Applies pending operators that come before NEXT; all of them up to a bracket
 * for NULL. */
static void reduce(struct parser *p, const struct pending *next) {
  while (!p->in.failed && p->in.depth > 0) {
    const struct pending *top = top_of(p);
    if (top->kind >= PND_PAREN)
      return;
    if (next != NULL && clashes(top, next)) {
      fail(p, "brackets around one of two operators that do not chain");
      return;
    }
    if (next != NULL && (!goes_first(top, next) || continues(top, next)))
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
  snprintf(p->in.error->found, sizeof p->in.error->found, "%zu", have);
}

static ex_op op_of_call(const struct pending *call, ex name, size_t argc) {
  if (call->kind == PND_APPLY)
    return EX_NONE;
  if (call->kind == PND_CALL)
    return op_by_name(ex_name(name), argc);
  return ex_op_find(ex_name(name), argc);
}

/* Closes a call at its bracket. */
static void finish_call(struct parser *p, const struct pending *call) {
  ex *at = p->in.operand.at + call->base;
  size_t argc = p->in.operand.n - call->base - 1;
  ex_op op = op_of_call(call, at[0], argc);
  int arity = op == EX_NONE ? EX_NARY : ex_op_arity(op);
  ex made = NULL;
  if (call->kind == PND_OPERATOR && op == EX_NONE)
    fail(p, "an operator of that many operands");
  else if (arity != EX_NARY && argc != (size_t)arity)
    wrong_count(p, at[0], (size_t)arity, argc);
  else if (op == EX_NONE)
    made = ex_apply(at[0], at + 1, argc);
  else
    made = ex_n(op, at + 1, argc);
  p->in.operand.n = call->base;
  if (!p->in.failed)
    push_made(p, made, argc);
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
  const struct ex_lex *l = &p->in.lex;
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
  const struct ex_lex *l = &p->in.lex;
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

/* The operator that the token begins with, of the kinds WANT. */
static ex_op operator_at(const struct ex_lex *l, unsigned want,
                         size_t *out_bytes) {
  if (l->kind == LEX_END)
    return EX_NONE;
  *out_bytes = l->length;
  if (l->kind == LEX_NAME)
    return ex_op_word(ex_lex_text(l), l->length, want);
  return ex_op_sign(ex_lex_text(l), l->bytes - l->start, want, out_bytes);
}

/* Whether a minus sign before the number that the lexer stands on is the
 * number's: not if what follows binds closer. */
static bool sign_is_numbers(const struct parser *p) {
  struct ex_lex ahead = p->in.lex;
  struct pending minus = pending_op(EX_NEG);
  struct pending next;
  size_t bytes;
  ex_op op;
  ex_lex_next(&ahead);
  op = operator_at(&ahead, EX_INFIX | EX_POSTFIX, &bytes);
  if (op == EX_NONE)
    return true;
  next = pending_op(op);
  return goes_first(&minus, &next);
}

/* At a prefix operator of so many bytes; returns whether an operand is complete.
 */
static bool prefix(struct parser *p, ex_op op, size_t bytes) {
  ex_lex_take(&p->in.lex, bytes);
  ex_lex_next(&p->in.lex);
  if (op == EX_NEG && on_number(&p->in.lex) && sign_is_numbers(p)) {
    ex e = number(p, true);
    if (!p->in.failed)
      push_value(p, e);
    ex_lex_next(&p->in.lex);
    return true;
  }
  push_pending(p, pending_op(op));
  return false;
}

static void fail_operand(struct parser *p) {
  fail(p, "a number, a name, a sign or '('");
}

/* A name or a quoted thing; a symbol of either may head a call, and what stands
 * between backquotes must. */
static bool name(struct parser *p) {
  const char *text = ex_lex_text(&p->in.lex);
  bool quoted = p->in.lex.kind == LEX_QUOTED;
  bool is_op = quoted && text[0] == '`';
  ex symbol = quoted ? ex_quote_read(text, p->in.lex.length)
                     : ex_sym_n(text, p->in.lex.length);
  struct pending call = {.kind = is_op ? PND_OPERATOR : PND_CALL};
  if (quoted && !is_op)
    call.kind = PND_APPLY;
  call.base = p->in.operand.n;
  push_value(p, symbol);
  ex_lex_next(&p->in.lex);
  if (p->in.failed)
    return true;
  if (!ex_lex_is(&p->in.lex, '(') || kind_of(symbol) != EX_SYM) {
    if (is_op)
      fail(p, "'(' and the operands");
    return true;
  }
  push_pending(p, call);
  ex_lex_next(&p->in.lex);
  return false;
}

/* ---- Labels ---- */

static bool label(struct parser *p) {
  ex_reader_use_label(&p->in);
  ex_lex_next(&p->in.lex);
  return true;
}

static bool begins_let(const struct ex_lex *l) {
  return ex_lex_is_word(l, "let") && ex_lex_sees(l, '@');
}

/* After `let` or ';': a label and '='. */
static void definition(struct parser *p) {
  ex_lex_next(&p->in.lex);
  if (p->in.lex.kind != LEX_LABEL ||
      ex_reader_label(&p->in) != p->in.label.n + 1) {
    fail(p, "the next label");
    return;
  }
  ex_lex_next(&p->in.lex);
  if (p->in.lex.kind == LEX_END || ex_lex_text(&p->in.lex)[0] != '=') {
    fail(p, "'=' and what the label stands for");
    return;
  }
  ex_lex_take(&p->in.lex, 1);
  ex_lex_next(&p->in.lex);
  push_pending(p, (struct pending){.kind = PND_LET});
}

/* At ';' or `in` after a definition. */
static void end_definition(struct parser *p) {
  bool more = p->in.lex.kind != LEX_NAME;
  reduce(p, NULL);
  if (p->in.failed)
    return;
  p->in.depth--;
  ex_reader_push(&p->in, &p->in.label, p->in.operand.at[--p->in.operand.n]);
  if (more)
    definition(p);
  else
    ex_lex_next(&p->in.lex);
}

/* The innermost bracket, call or definition; NULL for none. */
static const struct pending *around(const struct parser *p) {
  for (size_t i = p->in.depth; i-- > 0;)
    if (p->stack[i].kind >= PND_PAREN)
      return &p->stack[i];
  return NULL;
}

static bool ends_definition(const struct parser *p) {
  bool here = ex_lex_is_word(&p->in.lex, "in") ||
              (p->in.lex.kind == LEX_BAD && ex_lex_text(&p->in.lex)[0] == ';');
  const struct pending *in = here ? around(p) : NULL;
  return in != NULL && in->kind == PND_LET;
}

/* ---- Steps ---- */

static bool bracket(struct parser *p);

/* Whether the lexer stands on the bracket that ends a call right after the one
 * that begins it. */
static bool ends_empty_call(const struct parser *p) {
  const struct pending *top = top_of(p);
  return top != NULL && top->kind >= PND_CALL &&
         p->in.operand.n == top->base + 1 && ex_lex_is(&p->in.lex, ')');
}

/* One step where an operand must begin and there is no number; true when one is
 * complete. */
static bool other_operand(struct parser *p) {
  size_t bytes;
  ex_op op = operator_at(&p->in.lex, EX_PREFIX, &bytes);
  if (op != EX_NONE)
    return prefix(p, op, bytes);
  if (p->in.lex.kind == LEX_LABEL)
    return label(p);
  if (begins_let(&p->in.lex)) {
    definition(p);
    return false;
  }
  if (p->in.lex.kind == LEX_NAME || p->in.lex.kind == LEX_QUOTED)
    return name(p);
  if (ends_empty_call(p))
    return bracket(p);
  if (ex_lex_is(&p->in.lex, '('))
    push_pending(p, (struct pending){.kind = PND_PAREN});
  else if (!ex_lex_is(&p->in.lex, '+'))
    fail_operand(p);
  ex_lex_next(&p->in.lex);
  return false;
}

static bool operand(struct parser *p) {
  ex e;
  if (!on_number(&p->in.lex))
    return other_operand(p);
  e = number(p, false);
  if (!p->in.failed)
    push_value(p, e);
  ex_lex_next(&p->in.lex);
  return true;
}

static void expected_after_operand(struct parser *p) {
  if (p->in.depth == 0)
    fail(p, "an operator or the end");
  else if (top_of(p)->kind == PND_LET)
    fail(p, "an operator, ';' or 'in'");
  else if (top_of(p)->kind >= PND_CALL)
    fail(p, "an operator, ',' or ')'");
  else
    fail(p, "an operator or ')'");
}

/* At ')' or ','; returns whether the next thing is again an operator. */
static bool bracket(struct parser *p) {
  bool closing = ex_lex_is(&p->in.lex, ')');
  struct pending top;
  reduce(p, NULL);
  if (p->in.failed)
    return true;
  if (p->in.depth == 0 || top_of(p)->kind == PND_LET ||
      (!closing && top_of(p)->kind < PND_CALL)) {
    expected_after_operand(p);
    return true;
  }
  top = *top_of(p);
  if (closing) {
    p->in.depth--;
    if (top.kind >= PND_CALL)
      finish_call(p, &top);
  }
  ex_lex_next(&p->in.lex);
  return closing;
}

/* At an infix or postfix operator of so many bytes; false when an operand must
 * follow. */
static bool take_operator(struct parser *p, ex_op op, size_t bytes) {
  struct pending next = pending_op(op);
  ex_lex_take(&p->in.lex, bytes);
  reduce(p, &next);
  if (p->in.failed)
    return true;
  if (next.kind == PND_INFIX && p->in.depth > 0 && continues(top_of(p), &next))
    top_of(p)->base++;
  else
    push_pending(p, next);
  if (next.kind == PND_PREFIX && !p->in.failed)
    reduce_one(p);
  ex_lex_next(&p->in.lex);
  return next.kind != PND_INFIX;
}

/* One step after an operand; false when an operand must follow. */
static bool after_operand(struct parser *p) {
  size_t bytes;
  ex_op op;
  if (ends_definition(p)) {
    end_definition(p);
    return false;
  }
  op = operator_at(&p->in.lex, EX_INFIX | EX_POSTFIX, &bytes);
  if (op != EX_NONE)
    return take_operator(p, op, bytes);
  if (ex_lex_is(&p->in.lex, ')') || ex_lex_is(&p->in.lex, ','))
    return bracket(p);
  reduce(p, NULL);
  expected_after_operand(p);
  return true;
}

static ex finish(struct parser *p) {
  reduce(p, NULL);
  if (!p->in.failed && p->in.depth > 0)
    expected_after_operand(p);
  return p->in.failed ? NULL : p->in.operand.at[0];
}

ex ex_read_infix_at(const char *text, size_t bytes, size_t line, size_t column,
                    const ex_limits *limits, ex_error *out_error) {
  struct parser p = {.stack = NULL};
  bool complete = false;
  ex result;
  ex_lex_start(&p.in.lex, text, bytes, line, column);
  ex_reader_start(&p.in, limits, out_error);
  while (!p.in.failed && !(complete && p.in.lex.kind == LEX_END))
    complete = complete ? after_operand(&p) : operand(&p);
  result = finish(&p);
  free(p.stack);
  ex_reader_drop(&p.in);
  return result;
}

ex ex_read_infix(const char *text, size_t bytes, const ex_limits *limits,
                 ex_error *out_error) {
  return ex_read_infix_at(text, bytes, 1, 1, limits, out_error);
}

ex ex_parse_at(const char *text, size_t bytes, size_t line, size_t column,
               ex_error *out_error) {
  return ex_read_infix_at(text, bytes, line, column, NULL, out_error);
}

ex ex_parse(const char *text, size_t bytes, ex_error *out_error) {
  return ex_read_infix_at(text, bytes, 1, 1, NULL, out_error);
}
