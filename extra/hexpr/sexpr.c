/* extra/hexpr/sexpr.c: the reader of S-expressions. SPDX-License-Identifier: MIT */
/* One stack of open brackets and one of finished operands, which lies in scanned
 * memory like the labels. A label is a number that counts up in the order of
 * definition, so labels are an array, and one that is not yet defined is an
 * error that needs no search. */
#include "hexpr/atom.h"
#include "hexpr/lex.h"
#include "hexpr/ops.h"
#include "hexpr/quote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct open {
  enum { OPN_LIST, OPN_BINDINGS, OPN_BINDING, OPN_BODY } kind;
  bool quoted; /* the head is never an operator */
  size_t base; /* operands below the head, or below the one that is due */
};

struct nodes {
  ex *at; /* scanned */
  size_t n;
  size_t room;
};

struct reader {
  struct ex_lex lex;
  struct nodes operand;
  struct nodes label;
  struct open *stack;
  size_t depth;
  size_t room;
  size_t made;
  ex_limits limits;
  ex_error *error;
  bool failed;
};

/* ---- Tokens ---- */

static size_t after_blanks(const struct ex_lex *l) {
  size_t pos = l->pos;
  for (; pos < l->bytes; pos++) {
    if (l->text[pos] == ';')
      while (pos + 1 < l->bytes && l->text[pos + 1] != '\n')
        pos++;
    else if (strchr(" \t\r\n", l->text[pos]) == NULL || l->text[pos] == '\0')
      break;
  }
  return pos;
}

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
  ex_lex_advance(l, after_blanks(l));
  l->start = l->pos;
  l->token_line = l->line;
  l->token_column = l->column;
  at = l->text + l->pos;
  left = l->bytes - l->pos;
  if (left == 0) {
    l->kind = LEX_END;
    n = 0;
  } else if (*at == '(' || *at == ')')
    l->kind = LEX_CHAR;
  else if (*at == '"' || *at == '|' || *at == '%') {
    n = ex_lex_quoted(at, left);
    l->kind = n == 0 ? LEX_BAD : LEX_QUOTED;
    n = n == 0 ? 1 : n;
  } else {
    n = word_length(at, left);
    l->kind = n == 0 ? LEX_BAD : LEX_NAME;
    n = n == 0 ? 1 : n;
  }
  ex_lex_advance(l, l->start + n);
  l->length = n;
}

static const char *token(const struct reader *r) {
  return r->lex.text + r->lex.start;
}

static bool is_word(const struct reader *r, const char *word) {
  return r->lex.kind == LEX_NAME && r->lex.length == strlen(word) &&
         memcmp(token(r), word, r->lex.length) == 0;
}

static bool is_label(const struct reader *r) {
  return r->lex.kind == LEX_NAME && token(r)[0] == '@';
}

/* ---- Failure and stacks ---- */

static void fail_as(struct reader *r, ex_errcode code, const char *expected) {
  if (!r->failed) {
    ex_lex_error(&r->lex, expected, r->error);
    ex_errno = code;
  }
  r->failed = true;
}

static void fail(struct reader *r, const char *expected) {
  fail_as(r, EX_EFORMAT, expected);
}

static void fail_limit(struct reader *r, size_t limit, const char *what) {
  char text[64];
  snprintf(text, sizeof text, "at most %zu %s", limit, what);
  fail_as(r, EX_ELIMIT, text);
}

/* A constructor failed and said why. */
static void fail_made(struct reader *r) {
  ex_errcode code = ex_errno;
  fail_as(r, code,
          code == EX_ELIMIT ? "something that fits a node" : "more memory");
}

static void push(struct reader *r, struct nodes *s, ex e) {
  if (r->failed)
    return;
  if (e == NULL) {
    fail_made(r);
    return;
  }
  if (s->n == s->room) {
    size_t room = s->room == 0 ? 64 : 2 * s->room;
    ex *bigger = hc_scanned_alloc(room * sizeof *bigger);
    if (bigger == NULL) {
      fail_as(r, EX_ENOMEM, "more memory");
      return;
    }
    if (s->at != NULL) {
      memcpy(bigger, s->at, s->n * sizeof *bigger);
      hc_scanned_free(s->at);
    }
    s->at = bigger;
    s->room = room;
  }
  s->at[s->n++] = e;
}

static void push_operand(struct reader *r, ex e) {
  if (r->limits.nodes != 0 && r->made >= r->limits.nodes)
    fail_limit(r, r->limits.nodes, "nodes");
  r->made++;
  push(r, &r->operand, e);
}

static void push_open(struct reader *r, struct open o) {
  if (r->limits.depth != 0 && r->depth >= r->limits.depth) {
    fail_limit(r, r->limits.depth, "levels");
    return;
  }
  if (r->depth == r->room) {
    size_t room = r->room == 0 ? 64 : 2 * r->room;
    struct open *bigger = realloc(r->stack, room * sizeof *bigger);
    if (bigger == NULL) {
      fail_as(r, EX_ENOMEM, "more memory");
      return;
    }
    r->stack = bigger;
    r->room = room;
  }
  r->stack[r->depth++] = o;
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
    value = strtod(copy, &end);
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

static ex atom_word(const char *text, size_t n) {
  if (n == 3 && memcmp(text, "nan", 3) == 0)
    return ex_real((double)NAN);
  if (n == 3 && memcmp(text, "inf", 3) == 0)
    return ex_real((double)INFINITY);
  if (n == 4 && memcmp(text, "-inf", 4) == 0)
    return ex_real(-(double)INFINITY);
  return starts_number(text, n) ? number(text, n) : ex_sym_n(text, n);
}

/* The label that the token is; 0 when it is none of those that may stand here.
 */
static size_t label_number(const struct reader *r) {
  size_t n = 0;
  for (size_t i = 1; i < r->lex.length; i++) {
    char c = token(r)[i];
    if (c < '0' || c > '9' || n > r->label.n)
      return 0;
    n = 10 * n + (size_t)(c - '0');
  }
  return n <= r->label.n + 1 ? n : 0;
}

static void atom(struct reader *r) {
  ex e = NULL;
  if (is_label(r)) {
    size_t n = label_number(r);
    if (n == 0 || n > r->label.n)
      fail(r, "a label that is defined before");
    else
      push_operand(r, r->label.at[n - 1]);
    return;
  }
  e = r->lex.kind == LEX_QUOTED ? ex_quote_read(token(r), r->lex.length)
                                : atom_word(token(r), r->lex.length);
  if (e == NULL && (ex_errno == EX_EFORMAT || ex_errno == EX_ETYPE))
    fail(r, "a number, a name or '('");
  else
    push_operand(r, e);
}

/* ---- Lists ---- */

/* After '(': a head or the word let. */
static void open_list(struct reader *r) {
  struct open o = {OPN_LIST, r->lex.kind == LEX_QUOTED, r->operand.n};
  ex head;
  if (is_word(r, "let")) {
    next(&r->lex);
    if (r->lex.kind != LEX_CHAR || token(r)[0] != '(')
      fail(r, "'(' and the labels");
    else
      push_open(r, (struct open){OPN_BINDINGS, false, r->operand.n});
    return;
  }
  if ((r->lex.kind != LEX_NAME && r->lex.kind != LEX_QUOTED) || is_label(r) ||
      (!o.quoted && starts_number(token(r), r->lex.length))) {
    fail(r, "the name of an operator or a function");
    return;
  }
  head = o.quoted ? ex_quote_read(token(r), r->lex.length)
                  : ex_sym_n(token(r), r->lex.length);
  if (head != NULL && kind_of(head) != EX_SYM) {
    fail(r, "the name of an operator or a function");
    return;
  }
  push(r, &r->operand, head);
  if (!r->failed)
    push_open(r, o);
}

static void wrong_count(struct reader *r, const char *name, size_t have) {
  char text[80];
  snprintf(text, sizeof text, "another number of operands of %.40s", name);
  fail(r, text);
  snprintf(r->error->found, sizeof r->error->found, "%zu", have);
}

static void close_list(struct reader *r, const struct open *o) {
  ex *at = r->operand.at + o->base;
  size_t n = r->operand.n - o->base - 1;
  const char *name = ex_name(at[0]);
  ex_op op = o->quoted ? EX_NONE : ex_op_find(name, n);
  ex made;
  if (op == EX_NONE && !o->quoted && ex_op_known(name)) {
    wrong_count(r, name, n);
    return;
  }
  made = op == EX_NONE ? ex_apply(at[0], at + 1, n) : ex_n(op, at + 1, n);
  if (made != NULL && argc_of(made) > n)
    r->made += argc_of(made) - n;
  r->operand.n = o->base;
  push_operand(r, made);
}

/* At ')'. */
static void close_bracket(struct reader *r) {
  struct open *top;
  if (r->depth == 0) {
    fail(r, "one expression");
    return;
  }
  top = &r->stack[r->depth - 1];
  if (top->kind >= OPN_BINDING && r->operand.n != top->base + 1) {
    fail(r, "one expression");
    return;
  }
  switch (top->kind) {
  case OPN_LIST:
    r->depth--;
    close_list(r, top);
    break;
  case OPN_BINDINGS:
    top->kind = OPN_BODY;
    break;
  case OPN_BINDING:
    r->depth--;
    push(r, &r->label, r->operand.at[--r->operand.n]);
    break;
  case OPN_BODY:
    r->depth--;
  }
}

/* At '(' among the labels. */
static void open_binding(struct reader *r) {
  if (r->lex.kind != LEX_CHAR) {
    fail(r, "'(' and a label, or ')'");
    return;
  }
  next(&r->lex);
  if (!is_label(r) || label_number(r) != r->label.n + 1)
    fail(r, "the next label");
  else
    push_open(r, (struct open){OPN_BINDING, false, r->operand.n});
}

static bool is_full(const struct reader *r) {
  const struct open *top = r->depth == 0 ? NULL : &r->stack[r->depth - 1];
  if (top == NULL)
    return r->operand.n == 1;
  return top->kind >= OPN_BINDING && r->operand.n > top->base;
}

static void step(struct reader *r) {
  bool character = r->lex.kind == LEX_CHAR;
  if (character && token(r)[0] == ')')
    close_bracket(r);
  else if (is_full(r))
    fail(r, r->depth == 0 ? "the end" : "')'");
  else if (r->lex.kind == LEX_END || r->lex.kind == LEX_BAD)
    fail(r, r->depth == 0 ? "an expression" : "an expression or ')'");
  else if (r->depth > 0 && r->stack[r->depth - 1].kind == OPN_BINDINGS)
    open_binding(r);
  else if (character) {
    next(&r->lex);
    open_list(r);
  } else
    atom(r);
  if (!r->failed)
    next(&r->lex);
}

/* Stands on the first token from PLACE on, or on none when nothing is left. */
static void start(struct reader *r, const char *text, size_t bytes,
                  const ex_place *place) {
  r->lex.text = text;
  r->lex.bytes = bytes;
  r->lex.pos = place->byte;
  r->lex.line = place->line;
  r->lex.column = place->column;
  if (r->limits.bytes != 0 && bytes > r->limits.bytes)
    fail_limit(r, r->limits.bytes, "bytes");
  else
    next(&r->lex);
}

static bool is_complete(const struct reader *r) {
  return r->depth == 0 && r->operand.n == 1;
}

static ex finish(struct reader *r) {
  ex e = r->failed ? NULL : r->operand.at[0];
  free(r->stack);
  if (r->operand.at != NULL)
    hc_scanned_free(r->operand.at);
  if (r->label.at != NULL)
    hc_scanned_free(r->label.at);
  return e;
}

ex ex_read_sexpr(const char *text, size_t bytes, const ex_limits *limits,
                 ex_error *out_error) {
  struct reader r = {.error = out_error};
  ex_place place = {0, 1, 1};
  if (limits != NULL)
    r.limits = *limits;
  start(&r, text, bytes, &place);
  while (!r.failed && !(r.lex.kind == LEX_END && is_complete(&r)))
    step(&r);
  return finish(&r);
}

ex ex_next_sexpr(const char *text, size_t bytes, ex_place *place,
                 const ex_limits *limits, ex_error *out_error) {
  struct reader r = {.error = out_error};
  ex e;
  if (limits != NULL)
    r.limits = *limits;
  ex_errno = EX_OK;
  start(&r, text, bytes, place);
  if (!r.failed && r.lex.kind == LEX_END)
    return NULL;
  while (!r.failed && !is_complete(&r))
    step(&r);
  /* The lexer is one token ahead. */
  *place = (ex_place){r.lex.start, r.lex.token_line, r.lex.token_column};
  e = finish(&r);
  if (e != NULL)
    ex_errno = EX_OK;
  return e;
}
