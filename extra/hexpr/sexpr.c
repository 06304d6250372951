/* extra/hexpr/sexpr.c: the reader of S-expressions. SPDX-License-Identifier: MIT */
/* One stack of open brackets and one of finished operands, which lies in scanned
 * memory like the labels. A label is a number that counts up in the order of
 * definition, so labels are an array, and one that is not yet defined is an
 * error that needs no search. */
#include "hexpr/atom.h"
#include "hexpr/decimal.h"
#include "hexpr/ops.h"
#include "hexpr/quote.h"
#include "hexpr/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct open {
  enum { OPN_LIST, OPN_BINDINGS, OPN_BINDING, OPN_BODY } kind;
  bool quoted; /* the head is never an operator */
  size_t base; /* operands below the head, or below the one that is due */
};

struct reader {
  struct ex_reader in;
  struct open *stack;
};

/* ---- Tokens ---- */

static size_t word_length(const char *text, size_t bytes) {
  size_t n = 0;
  while (n < bytes && (unsigned char)text[n] > 0x20 && text[n] != 0x7f &&
         strchr("()|\"%;", text[n]) == NULL)
    n++;
  return n;
}

static void next(struct ex_lex *l) {
  const char *at;
  size_t left;
  size_t n = 1;
  if (!ex_lex_begin(l, ';'))
    return;
  at = ex_lex_text(l);
  left = l->bytes - l->pos;
  if (*at == '(' || *at == ')')
    l->kind = LEX_CHAR;
  else if (*at == '"' || *at == '|' || *at == '%')
    n = ex_lex_quote(l);
  else {
    n = word_length(at, left);
    l->kind = n == 0 ? LEX_BAD : LEX_NAME;
  }
  ex_lex_finish(l, n);
}

static const char *token(const struct reader *r) {
  return r->in.lex.text + r->in.lex.start;
}

static bool is_label(const struct reader *r) {
  return r->in.lex.kind == LEX_NAME && token(r)[0] == '@';
}

/* ---- Stacks ---- */

static void fail(struct reader *r, const char *expected) {
  ex_reader_fail(&r->in, expected);
}

static void push_open(struct reader *r, struct open o) {
  if (ex_reader_widen_stack(&r->in, &r->stack, sizeof *r->stack))
    r->stack[r->in.depth++] = o;
}

/* ---- Atoms ---- */

static size_t digits(const char *text, size_t n) {
  size_t i = 0;
  while (i < n && text[i] >= '0' && text[i] <= '9')
    i++;
  return i;
}

static ex decimal(const char *text, size_t n) {
  char *copy = strndup(text, n);
  char *end = NULL;
  double value = 0;
  if (copy == NULL)
    return ex_node_fail(EX_ENOMEM);
  if (strspn(copy, "0123456789+-.eE") == n)
    value = ex_decimal_read(copy, &end);
  n = end == NULL ? n : (size_t)(copy + n - end);
  free(copy);
  return n == 0 ? ex_real(value) : ex_node_fail(EX_EFORMAT);
}

static ex number(const char *text, size_t n) {
  bool negative = text[0] == '-';
  size_t sign = negative || text[0] == '+';
  size_t top = digits(text + sign, n - sign);
  size_t below = sign + top + 1;
  if (top > 0 && sign + top == n)
    return ex_exact_parse(text + sign, top, negative);
  if (top > 0 && text[sign + top] == '/' && below < n &&
      digits(text + below, n - below) == n - below)
    return ex_exact_quotient(ex_exact_parse(text + sign, top, negative),
                             ex_exact_parse(text + below, n - below, false));
  return decimal(text, n);
}

static bool starts_number(const char *text, size_t n) {
  if (text[0] >= '0' && text[0] <= '9')
    return true;
  return n > 1 && strchr("+-.", text[0]) != NULL &&
         (digits(text + 1, 1) == 1 || text[1] == '.');
}

/* What a word lacks that starts as a number does, but is none. */
static const char *fault_of_number(const char *text, size_t n) {
  size_t sign = text[0] == '-' || text[0] == '+';
  size_t whole = sign + digits(text + sign, n - sign);
  size_t decimal = whole;
  if (whole > sign && whole < n && text[whole] == '/') {
    whole++;
    return whole < n && digits(text + whole, n - whole) == n - whole
               ? "a denominator other than 0"
               : "a whole number after '/'";
  }
  if (decimal < n && text[decimal] == '.')
    decimal += 1 + digits(text + decimal + 1, n - decimal - 1);
  if (decimal == sign || decimal == n)
    return "a number, or a name between '|'";
  if (text[decimal] == '/')
    return "whole numbers before and after '/'";
  if (text[decimal] == 'e' || text[decimal] == 'E') {
    decimal++;
    decimal += decimal < n && (text[decimal] == '+' || text[decimal] == '-');
    if (decimal == n)
      return "digits of an exponent";
  }
  return "a number, or a name between '|'";
}

static ex atom_word(const char *text, size_t n) {
  if (n == 3 && memcmp(text, "nan", 3) == 0)
    return ex_real((double)NAN);
  if (n == 3 && memcmp(text, "inf", 3) == 0)
    return ex_real((double)INFINITY);
  if (n == 4 && memcmp(text, "-inf", 4) == 0)
    return ex_real(-(double)INFINITY);
  return starts_number(text, n) ? number(text, n) : ex_sym_n(text, n);
}

static void atom(struct reader *r) {
  size_t n = r->in.lex.length;
  bool quoted = r->in.lex.kind == LEX_QUOTED;
  ex e = NULL;
  if (is_label(r)) {
    ex_reader_use_label(&r->in);
    return;
  }
  e = quoted ? ex_quote_read(token(r), n) : atom_word(token(r), n);
  if (e == NULL && (ex_errno == EX_EFORMAT || ex_errno == EX_ETYPE))
    fail(r, quoted || !starts_number(token(r), n)
                ? "a number, a name or '('"
                : fault_of_number(token(r), n));
  else
    ex_reader_push_operand(&r->in, e);
}

/* ---- Lists ---- */

/* After '(': a head or the word let. */
static void open_list(struct reader *r) {
  struct open o = {OPN_LIST, r->in.lex.kind == LEX_QUOTED, r->in.operand.n};
  ex head;
  if (ex_lex_is_word(&r->in.lex, "let")) {
    next(&r->in.lex);
    if (r->in.lex.kind != LEX_CHAR || token(r)[0] != '(')
      fail(r, "'(' and the labels");
    else
      push_open(r, (struct open){OPN_BINDINGS, false, r->in.operand.n});
    return;
  }
  if ((r->in.lex.kind != LEX_NAME && r->in.lex.kind != LEX_QUOTED) ||
      is_label(r) || (!o.quoted && starts_number(token(r), r->in.lex.length))) {
    fail(r, "the name of an operator or a function");
    return;
  }
  head = o.quoted ? ex_quote_read(token(r), r->in.lex.length)
                  : ex_sym_n(token(r), r->in.lex.length);
  if (head != NULL && kind_of(head) != EX_SYM) {
    fail(r, "the name of an operator or a function");
    return;
  }
  ex_reader_push(&r->in, &r->in.operand, head);
  if (!r->in.failed)
    push_open(r, o);
}

static void wrong_count(struct reader *r, const char *name, size_t have) {
  char text[80];
  snprintf(text, sizeof text, "another number of operands of %.40s", name);
  fail(r, text);
  snprintf(r->in.error->found, sizeof r->in.error->found, "%zu", have);
}

static void close_list(struct reader *r, const struct open *o) {
  ex *at = r->in.operand.at + o->base;
  size_t n = r->in.operand.n - o->base - 1;
  const char *name = ex_name(at[0]);
  ex_op op = o->quoted ? EX_NONE : ex_op_find(name, n);
  ex made;
  if (op == EX_NONE && !o->quoted && ex_op_known(name)) {
    wrong_count(r, name, n);
    return;
  }
  made = op == EX_NONE ? ex_apply(at[0], at + 1, n) : ex_n(op, at + 1, n);
  if (made != NULL && argc_of(made) > n)
    r->in.made += argc_of(made) - n;
  r->in.operand.n = o->base;
  ex_reader_push_operand(&r->in, made);
}

/* At ')'. */
static void close_bracket(struct reader *r) {
  struct open *top;
  if (r->in.depth == 0) {
    fail(r, "one expression");
    return;
  }
  top = &r->stack[r->in.depth - 1];
  if (top->kind >= OPN_BINDING && r->in.operand.n != top->base + 1) {
    fail(r, "one expression");
    return;
  }
  switch (top->kind) {
  case OPN_LIST:
    r->in.depth--;
    close_list(r, top);
    break;
  case OPN_BINDINGS:
    top->kind = OPN_BODY;
    break;
  case OPN_BINDING:
    r->in.depth--;
    ex_reader_push(&r->in, &r->in.label, r->in.operand.at[--r->in.operand.n]);
    break;
  case OPN_BODY:
    r->in.depth--;
  }
}

/* At '(' among the labels. */
static void open_binding(struct reader *r) {
  if (r->in.lex.kind != LEX_CHAR) {
    fail(r, "'(' and a label, or ')'");
    return;
  }
  next(&r->in.lex);
  if (!is_label(r) || ex_reader_label(&r->in) != r->in.label.n + 1)
    fail(r, "the next label");
  else
    push_open(r, (struct open){OPN_BINDING, false, r->in.operand.n});
}

static bool is_full(const struct reader *r) {
  const struct open *top = r->in.depth == 0 ? NULL : &r->stack[r->in.depth - 1];
  if (top == NULL)
    return r->in.operand.n == 1;
  return top->kind >= OPN_BINDING && r->in.operand.n > top->base;
}

static void step(struct reader *r) {
  bool character = r->in.lex.kind == LEX_CHAR;
  if (character && token(r)[0] == ')')
    close_bracket(r);
  else if (is_full(r))
    fail(r, r->in.depth == 0 ? "the end" : "')'");
  else if (r->in.lex.kind == LEX_END || r->in.lex.kind == LEX_BAD)
    fail(r, r->in.depth == 0 ? "an expression" : "an expression or ')'");
  else if (r->in.depth > 0 && r->stack[r->in.depth - 1].kind == OPN_BINDINGS)
    open_binding(r);
  else if (character) {
    next(&r->in.lex);
    open_list(r);
  } else
    atom(r);
  if (!r->in.failed)
    next(&r->in.lex);
}

/* Stands on the first token from PLACE on, or on none when nothing is left. */
static void start(struct reader *r, const char *text, size_t bytes,
                  const ex_place *place, const ex_limits *limits,
                  ex_error *out_error) {
  r->in.lex = (struct ex_lex){.text = text,
                              .bytes = bytes,
                              .pos = place->byte,
                              .line = place->line,
                              .column = place->column};
  next(&r->in.lex);
  ex_reader_start(&r->in, limits, out_error);
}

static bool is_complete(const struct reader *r) {
  return r->in.depth == 0 && r->in.operand.n == 1;
}

static ex finish(struct reader *r) {
  ex e = r->in.failed ? NULL : r->in.operand.at[0];
  free(r->stack);
  ex_reader_drop(&r->in);
  return e;
}

ex ex_read_sexpr(const char *text, size_t bytes, const ex_limits *limits,
                 ex_error *out_error) {
  struct reader r = {.stack = NULL};
  ex_place place = {0, 1, 1};
  start(&r, text, bytes, &place, limits, out_error);
  while (!r.in.failed && !(r.in.lex.kind == LEX_END && is_complete(&r)))
    step(&r);
  return finish(&r);
}

ex ex_next_sexpr(const char *text, size_t bytes, ex_place *place,
                 const ex_limits *limits, ex_error *out_error) {
  struct reader r = {.stack = NULL};
  ex e;
  ex_errno = EX_OK;
  start(&r, text, bytes, place, limits, out_error);
  if (!r.in.failed && r.in.lex.kind == LEX_END)
    return NULL;
  while (!r.in.failed && !is_complete(&r))
    step(&r);
  /* The lexer is one token ahead. */
  *place =
      (ex_place){r.in.lex.start, r.in.lex.token_line, r.in.lex.token_column};
  e = finish(&r);
  if (e != NULL)
    ex_errno = EX_OK;
  return e;
}
