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
#include "hexpr/lex.h"
#include "hexpr/ops.h"
#include "hexpr/quote.h"

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

struct values {
  ex *at; /* scanned */
  size_t n;
  size_t room;
};

struct parser {
  struct ex_lex lex;
  struct values value;
  struct values label;
  struct pending *stack;
  size_t depth;
  size_t room;
  size_t made;
  ex_limits limits;
  ex_error *error;
  bool failed;
};

/* ---- Failure ---- */

static void fail_as(struct parser *p, ex_errcode code, const char *expected) {
  if (!p->failed) {
    ex_lex_error(&p->lex, expected, p->error);
    ex_errno = code;
  }
  p->failed = true;
}

static void fail(struct parser *p, const char *expected) {
  fail_as(p, EX_EFORMAT, expected);
}

static void fail_limit(struct parser *p, size_t limit, const char *what) {
  char text[64];
  snprintf(text, sizeof text, "at most %zu %s", limit, what);
  fail_as(p, EX_ELIMIT, text);
}

/* ---- Stacks ---- */

static bool widen(struct values *v) {
  size_t room = v->room == 0 ? 32 : 2 * v->room;
  ex *bigger = hc_scanned_alloc(room * sizeof *bigger);
  if (bigger == NULL)
    return false;
  if (v->at != NULL) {
    memcpy(bigger, v->at, v->n * sizeof *bigger);
    hc_scanned_free(v->at);
  }
  v->at = bigger;
  v->room = room;
  return true;
}

static void push(struct parser *p, struct values *v, ex e) {
  if (p->failed)
    return;
  if (e == NULL && ex_errno == EX_ELIMIT)
    fail_as(p, EX_ELIMIT, "something that fits a node");
  else if (e == NULL || (v->n == v->room && !widen(v)))
    fail_as(p, EX_ENOMEM, "more memory");
  else
    v->at[v->n++] = e;
}

static void push_value(struct parser *p, ex e) {
  if (p->limits.nodes != 0 && p->made >= p->limits.nodes)
    fail_limit(p, p->limits.nodes, "nodes");
  p->made++;
  push(p, &p->value, e);
}

/* What was made of N operands, which may have more by flattening. */
static void push_made(struct parser *p, ex e, size_t n) {
  if (e != NULL && argc_of(e) > n)
    p->made += argc_of(e) - n;
  push_value(p, e);
}

static void push_pending(struct parser *p, struct pending entry) {
  if (p->limits.depth != 0 && p->depth >= p->limits.depth) {
    fail_limit(p, p->limits.depth, "levels");
    return;
  }
  if (p->depth == p->room) {
    size_t room = p->room == 0 ? 32 : 2 * p->room;
    struct pending *bigger = realloc(p->stack, room * sizeof *bigger);
    if (bigger == NULL) {
      fail_as(p, EX_ENOMEM, "more memory");
      return;
    }
    p->stack = bigger;
    p->room = room;
  }
  p->stack[p->depth++] = entry;
}

static struct pending pending_op(ex_op op) {
  unsigned flags = ex_op_flags(op);
  return (struct pending){(flags & EX_INFIX) != 0 ? PND_INFIX : PND_PREFIX, op,
                          ex_op_priority(op), flags, 2};
}

static struct pending *top_of(const struct parser *p) {
  return p->depth == 0 ? NULL : &p->stack[p->depth - 1];
}

/* ---- Reducing ---- */

static void reduce_one(struct parser *p) {
  struct pending top = p->stack[--p->depth];
  size_t n = top.kind == PND_PREFIX ? 1 : top.base;
  p->value.n -= n;
  push_made(p, ex_n(top.op, p->value.at + p->value.n, n), n);
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
  while (!p->failed && p->depth > 0) {
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
  snprintf(p->error->found, sizeof p->error->found, "%zu", have);
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
  ex *at = p->value.at + call->base;
  size_t argc = p->value.n - call->base - 1;
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
  p->value.n = call->base;
  if (!p->failed)
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
  struct ex_lex ahead = p->lex;
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
  ex_lex_take(&p->lex, bytes);
  ex_lex_next(&p->lex);
  if (op == EX_NEG && on_number(&p->lex) && sign_is_numbers(p)) {
    ex e = number(p, true);
    if (!p->failed)
      push_value(p, e);
    ex_lex_next(&p->lex);
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
  const char *text = ex_lex_text(&p->lex);
  bool quoted = p->lex.kind == LEX_QUOTED;
  bool is_op = quoted && text[0] == '`';
  ex symbol = quoted ? ex_quote_read(text, p->lex.length)
                     : ex_sym_n(text, p->lex.length);
  struct pending call = {.kind = is_op ? PND_OPERATOR : PND_CALL};
  if (quoted && !is_op)
    call.kind = PND_APPLY;
  call.base = p->value.n;
  push_value(p, symbol);
  ex_lex_next(&p->lex);
  if (p->failed)
    return true;
  if (!ex_lex_is(&p->lex, '(') || kind_of(symbol) != EX_SYM) {
    if (is_op)
      fail(p, "'(' and the operands");
    return true;
  }
  push_pending(p, call);
  ex_lex_next(&p->lex);
  return false;
}

/* ---- Labels ---- */

/* The label that the token is; 0 when it is none of those that may stand here.
 */
static size_t label_number(const struct parser *p) {
  size_t n = 0;
  for (size_t i = 1; i < p->lex.length; i++) {
    if (n > p->label.n)
      return 0;
    n = 10 * n + (size_t)(ex_lex_text(&p->lex)[i] - '0');
  }
  return n <= p->label.n + 1 ? n : 0;
}

static bool label(struct parser *p) {
  size_t n = label_number(p);
  if (n == 0 || n > p->label.n)
    fail(p, "a label that is defined before");
  else
    push_value(p, p->label.at[n - 1]);
  ex_lex_next(&p->lex);
  return true;
}

static bool is_word(const struct ex_lex *l, const char *word) {
  return l->kind == LEX_NAME && l->length == strlen(word) &&
         memcmp(ex_lex_text(l), word, l->length) == 0;
}

static bool begins_let(const struct ex_lex *l) {
  return is_word(l, "let") && ex_lex_sees(l, '@');
}

/* After `let` or ';': a label and '='. */
static void definition(struct parser *p) {
  ex_lex_next(&p->lex);
  if (p->lex.kind != LEX_LABEL || label_number(p) != p->label.n + 1) {
    fail(p, "the next label");
    return;
  }
  ex_lex_next(&p->lex);
  if (p->lex.kind == LEX_END || ex_lex_text(&p->lex)[0] != '=') {
    fail(p, "'=' and what the label stands for");
    return;
  }
  ex_lex_take(&p->lex, 1);
  ex_lex_next(&p->lex);
  push_pending(p, (struct pending){.kind = PND_LET});
}

/* At ';' or `in` after a definition. */
static void end_definition(struct parser *p) {
  bool more = p->lex.kind != LEX_NAME;
  reduce(p, NULL);
  if (p->failed)
    return;
  p->depth--;
  push(p, &p->label, p->value.at[--p->value.n]);
  if (more)
    definition(p);
  else
    ex_lex_next(&p->lex);
}

/* The innermost bracket, call or definition; NULL for none. */
static const struct pending *around(const struct parser *p) {
  for (size_t i = p->depth; i-- > 0;)
    if (p->stack[i].kind >= PND_PAREN)
      return &p->stack[i];
  return NULL;
}

static bool ends_definition(const struct parser *p) {
  bool here = is_word(&p->lex, "in") ||
              (p->lex.kind == LEX_BAD && ex_lex_text(&p->lex)[0] == ';');
  const struct pending *in = here ? around(p) : NULL;
  return in != NULL && in->kind == PND_LET;
}

/* ---- Steps ---- */

static bool bracket(struct parser *p);

/* Whether the lexer stands on the bracket that ends a call right after the one
 * that begins it. */
static bool ends_empty_call(const struct parser *p) {
  const struct pending *top = top_of(p);
  return top != NULL && top->kind >= PND_CALL && p->value.n == top->base + 1 &&
         ex_lex_is(&p->lex, ')');
}

/* One step where an operand must begin and there is no number; true when one is
 * complete. */
static bool other_operand(struct parser *p) {
  size_t bytes;
  ex_op op = operator_at(&p->lex, EX_PREFIX, &bytes);
  if (op != EX_NONE)
    return prefix(p, op, bytes);
  if (p->lex.kind == LEX_LABEL)
    return label(p);
  if (begins_let(&p->lex)) {
    definition(p);
    return false;
  }
  if (p->lex.kind == LEX_NAME || p->lex.kind == LEX_QUOTED)
    return name(p);
  if (ends_empty_call(p))
    return bracket(p);
  if (ex_lex_is(&p->lex, '('))
    push_pending(p, (struct pending){.kind = PND_PAREN});
  else if (!ex_lex_is(&p->lex, '+'))
    fail_operand(p);
  ex_lex_next(&p->lex);
  return false;
}

static bool operand(struct parser *p) {
  ex e;
  if (!on_number(&p->lex))
    return other_operand(p);
  e = number(p, false);
  if (!p->failed)
    push_value(p, e);
  ex_lex_next(&p->lex);
  return true;
}

static void expected_after_operand(struct parser *p) {
  if (p->depth == 0)
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
  bool closing = ex_lex_is(&p->lex, ')');
  struct pending top;
  reduce(p, NULL);
  if (p->failed)
    return true;
  if (p->depth == 0 || top_of(p)->kind == PND_LET ||
      (!closing && top_of(p)->kind < PND_CALL)) {
    expected_after_operand(p);
    return true;
  }
  top = *top_of(p);
  if (closing) {
    p->depth--;
    if (top.kind >= PND_CALL)
      finish_call(p, &top);
  }
  ex_lex_next(&p->lex);
  return closing;
}

/* At an infix or postfix operator of so many bytes; false when an operand must
 * follow. */
static bool take_operator(struct parser *p, ex_op op, size_t bytes) {
  struct pending next = pending_op(op);
  ex_lex_take(&p->lex, bytes);
  reduce(p, &next);
  if (p->failed)
    return true;
  if (next.kind == PND_INFIX && p->depth > 0 && continues(top_of(p), &next))
    top_of(p)->base++;
  else
    push_pending(p, next);
  if (next.kind == PND_PREFIX && !p->failed)
    reduce_one(p);
  ex_lex_next(&p->lex);
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
  op = operator_at(&p->lex, EX_INFIX | EX_POSTFIX, &bytes);
  if (op != EX_NONE)
    return take_operator(p, op, bytes);
  if (ex_lex_is(&p->lex, ')') || ex_lex_is(&p->lex, ','))
    return bracket(p);
  reduce(p, NULL);
  expected_after_operand(p);
  return true;
}

static ex finish(struct parser *p) {
  reduce(p, NULL);
  if (!p->failed && p->depth > 0)
    expected_after_operand(p);
  return p->failed ? NULL : p->value.at[0];
}

static void drop(struct values *v) {
  if (v->at != NULL)
    hc_scanned_free(v->at);
}

ex ex_read_infix_at(const char *text, size_t bytes, size_t line, size_t column,
                    const ex_limits *limits, ex_error *out_error) {
  struct parser p = {.error = out_error};
  bool complete = false;
  ex result;
  if (limits != NULL)
    p.limits = *limits;
  ex_lex_start(&p.lex, text, bytes, line, column);
  if (p.limits.bytes != 0 && bytes > p.limits.bytes)
    fail_limit(&p, p.limits.bytes, "bytes");
  while (!p.failed && !(complete && p.lex.kind == LEX_END))
    complete = complete ? after_operand(&p) : operand(&p);
  result = finish(&p);
  free(p.stack);
  drop(&p.value);
  drop(&p.label);
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
