/* extra/hexpr/smt.c: terms of SMT-LIB 2 scripts. SPDX-License-Identifier: MIT */
/* Explicit stacks: of open terms, of finished operands, and of what names mean.
 * Meanings of one name are linked, the last first; a table finds the last. The
 * meaning of a let name was read under some binders and may be used under more, so
 * that its loose bound variables are raised by the difference. */
#include "hexpr/smt.h"

#include <stdlib.h>
#include <string.h>

enum frame_kind {
  FRM_APPLY,    /* head and operands */
  FRM_BINDINGS, /* of let: finished values */
  FRM_BINDING,  /* one value and a bracket */
  FRM_LET,      /* the body */
  FRM_QUANTIFIER,
  FRM_NOTED /* a term and its attributes */
};

struct frame {
  enum frame_kind kind;
  size_t base;     /* operands below */
  size_t names;    /* names below, of let and quantifiers */
  size_t meanings; /* meanings below */
  ex_op op;        /* of a quantifier */
};

struct meaning {
  size_t key;
  size_t before; /* 1 + the place of the earlier meaning, 0 for none */
  size_t depth;  /* binders around what it stands for */
  size_t params; /* of a function; its parameters are before it in `value` */
  enum { MNG_FREE, MNG_VALUE, MNG_BOUND } kind;
};

struct reader {
  struct ex_reader in;
  struct ex_nodes name; /* names to be bound, and what they are bound with */
  struct frame *stack;
  struct ex_nodes value; /* by place in `meaning` */
  struct meaning *meaning;
  size_t meanings;
  size_t meaning_room;
  struct ex_nodes key; /* names that ever had a meaning */
  size_t *last;        /* by key: 1 + the place of its last meaning, or 0 */
  size_t last_room;
  size_t *slot; /* 1 + a key; open addressing */
  unsigned bits;
  size_t binders; /* around the term that is read */
  size_t fresh;
  struct ex_nodes *roots;
  struct ex_nodes *names;
  struct smt_counts *counts;
  ex given; /* the name that :named gave */
};

/* ---- Failure and stacks ---- */

static bool fail_as(struct reader *r, ex_errcode code, const char *expected) {
  return ex_reader_fail_as(&r->in, code, expected);
}

static bool fail(struct reader *r, const char *expected) {
  return ex_reader_fail(&r->in, expected);
}

static bool fail_made(struct reader *r, const char *expected) {
  return ex_reader_fail_made(&r->in, expected);
}

static bool push(struct reader *r, struct ex_nodes *list, ex e) {
  return ex_reader_push(&r->in, list, e);
}

static bool push_operand(struct reader *r, ex e) {
  return ex_reader_push_operand(&r->in, e);
}

static bool push_frame(struct reader *r, enum frame_kind kind) {
  if (!ex_reader_widen_stack(&r->in, &r->stack, sizeof *r->stack))
    return false;
  r->stack[r->in.depth++] =
      (struct frame){kind, r->in.operand.n, r->name.n, r->meanings, EX_NONE};
  return true;
}

static bool take(struct reader *r, char bracket, const char *expected) {
  if (!ex_lex_is(&r->in.lex, bracket))
    return fail(r, expected);
  smt_next(&r->in.lex);
  return true;
}

static bool is_symbol(const struct ex_lex *l) {
  return l->kind == LEX_NAME ||
         (l->kind == LEX_QUOTED && ex_lex_text(l)[0] == '|');
}

static ex take_symbol(struct reader *r, const char *expected) {
  ex e = is_symbol(&r->in.lex) ? smt_symbol(&r->in.lex) : NULL;
  if (!is_symbol(&r->in.lex))
    fail(r, expected);
  else if (e == NULL)
    fail_made(r, expected);
  else
    smt_next(&r->in.lex);
  return e;
}

/* ---- Meanings ---- */

static size_t *slot_of(const struct reader *r, ex name) {
  size_t mask = ((size_t)1 << r->bits) - 1;
  uint64_t h = (uint64_t)(uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15);
  size_t i = h >> (64 - r->bits);
  while (r->slot[i] != 0 && r->key.at[r->slot[i] - 1] != name)
    i = (i + 1) & mask;
  return &r->slot[i];
}

static bool grow(struct reader *r) {
  unsigned bits = r->slot == NULL ? 6 : r->bits + 1;
  size_t *slot = calloc((size_t)1 << bits, sizeof *slot);
  if (slot == NULL)
    return fail_as(r, EX_ENOMEM, "more memory");
  free(r->slot);
  r->slot = slot;
  r->bits = bits;
  for (size_t i = 0; i < r->key.n; i++)
    *slot_of(r, r->key.at[i]) = i + 1;
  return true;
}

/* Makes NAME a key unless it is one. */
static bool key_of(struct reader *r, ex name, size_t *out) {
  size_t *slot;
  if ((r->slot == NULL || 2 * r->key.n >= (size_t)1 << r->bits) && !grow(r))
    return false;
  slot = slot_of(r, name);
  if (*slot == 0) {
    if (!ex_reader_widen(&r->in, &r->last, &r->last_room, r->key.n,
                         sizeof *r->last) ||
        !ex_nodes_push(&r->key, name))
      return fail_as(r, EX_ENOMEM, "more memory");
    r->last[r->key.n - 1] = 0;
    *slot = r->key.n;
  }
  *out = *slot - 1;
  return true;
}

/* VALUE may be NULL. */
static bool mean(struct reader *r, ex name, ex value, struct meaning m) {
  if (!key_of(r, name, &m.key))
    return false;
  if (!ex_reader_widen(&r->in, &r->meaning, &r->meaning_room, r->meanings,
                       sizeof *r->meaning) ||
      !ex_nodes_push(&r->value, value))
    return fail_as(r, EX_ENOMEM, "more memory");
  m.before = r->last[m.key];
  r->meaning[r->meanings] = m;
  r->last[m.key] = ++r->meanings;
  return true;
}

static void forget(struct reader *r, size_t left) {
  while (r->meanings > left) {
    const struct meaning *m = &r->meaning[--r->meanings];
    r->last[m->key] = m->before;
  }
  r->value.n = left;
}

/* The last meaning of NAME; false for none. */
static bool find(const struct reader *r, ex name, size_t *out) {
  size_t key = r->slot == NULL ? 0 : *slot_of(r, name);
  if (key == 0 || r->last[key - 1] == 0)
    return false;
  *out = r->last[key - 1] - 1;
  return r->meaning[*out].kind != MNG_FREE;
}

/* ---- Terms of names ---- */

static ex shifted(const struct reader *r, ex value, size_t from) {
  return ex_shift(value, (uint32_t)(r->binders - from));
}

static ex term_of_name(struct reader *r, ex name) {
  size_t i;
  const struct meaning *m;
  if (!find(r, name, &i))
    return name;
  m = &r->meaning[i];
  if (m->kind == MNG_BOUND)
    return ex_bvar((uint32_t)(r->binders - m->depth - 1));
  if (m->params == 0)
    return shifted(r, r->value.at[i], m->depth);
  fail(r, "operands of a defined function");
  return NULL;
}

static ex chain(ex_op op, const ex *args, size_t n) {
  ex e = args[0];
  for (size_t i = 1; i < n; i++)
    e = ex_binary(op, e, args[i]);
  return e;
}

static ex built_in(ex name, const ex *args, size_t n) {
  const char *text = ex_name(name);
  ex_op op;
  if (text[0] == '\0' || text[1] != '\0' || strchr("+-*/", text[0]) == NULL)
    return NULL;
  op = ex_op_find(text, n == 1 ? 1 : 2);
  if (n == 0 || op == EX_NONE)
    return NULL;
  return n == 1 ? ex_unary(op, args[0]) : chain(op, args, n);
}

/* A function on N operands: defined, built in or any other. */
static ex applied(struct reader *r, ex name, const ex *args, size_t n) {
  size_t i;
  ex e;
  if (find(r, name, &i)) {
    const struct meaning *m = &r->meaning[i];
    if (m->kind != MNG_VALUE || m->params != n) {
      fail(r, "as many operands as the function was defined with");
      return NULL;
    }
    return ex_subst_all(r->value.at[i], r->value.at + i - n, args, n);
  }
  ex_errno = EX_OK;
  e = built_in(name, args, n);
  return e != NULL || ex_errno != EX_OK ? e : ex_apply(name, args, n);
}

/* ---- Beginnings of terms ---- */

/* After `(let`: the bracket of the bindings. */
static void begin_let(struct reader *r) {
  smt_next(&r->in.lex);
  if (take(r, '(', "'(' and the bindings"))
    push_frame(r, FRM_BINDINGS);
}

/* Sorted variables in brackets, each bound under one more binder, or taken as
 * parameters; pushes the sorts to `name`. */
static void sorted_names(struct reader *r, bool parameters) {
  if (!take(r, '(', "'(' and variables with their sorts"))
    return;
  while (!r->in.failed && !ex_lex_is(&r->in.lex, ')')) {
    ex name;
    ex sort;
    struct meaning m = {.depth = r->binders, .kind = MNG_BOUND};
    if (!take(r, '(', "'(' and a variable, or ')'"))
      return;
    name = take_symbol(r, "a variable");
    if (r->in.failed)
      return;
    sort = smt_capture(&r->in.lex);
    if (!push(r, &r->name, sort) || !take(r, ')', "')'"))
      return;
    if (!parameters && mean(r, name, NULL, m))
      r->binders++;
    if (parameters)
      push(r, &r->name, name);
  }
  smt_next(&r->in.lex);
}

static void begin_quantifier(struct reader *r) {
  ex name = smt_symbol(&r->in.lex);
  ex_op op = name == NULL ? EX_NONE : ex_opdef(ex_name(name), 2, EX_BINDER);
  if (op == EX_NONE) {
    fail(r, "a quantifier that is not defined as something else");
    return;
  }
  smt_next(&r->in.lex);
  if (!push_frame(r, FRM_QUANTIFIER))
    return;
  r->stack[r->in.depth - 1].op = op;
  sorted_names(r, false);
}

/* A function's name may be indexed or have a sort. */
static void begin_application(struct reader *r) {
  ex head;
  if (ex_lex_is(&r->in.lex, '(')) {
    head = smt_capture(&r->in.lex);
    if (head == NULL) {
      fail_made(r, "the name of a function");
      return;
    }
  } else
    head = take_symbol(r, "the name of a function");
  if (!r->in.failed && push_frame(r, FRM_APPLY))
    push(r, &r->in.operand, head);
}

/* At '(', which has been looked at only. */
static void begin(struct reader *r) {
  struct ex_lex before = r->in.lex;
  smt_next(&r->in.lex);
  if (ex_lex_is_word(&r->in.lex, "let"))
    begin_let(r);
  else if (ex_lex_is_word(&r->in.lex, "forall") ||
           ex_lex_is_word(&r->in.lex, "exists") ||
           ex_lex_is_word(&r->in.lex, "lambda"))
    begin_quantifier(r);
  else if (ex_lex_is_word(&r->in.lex, "!")) {
    smt_next(&r->in.lex);
    push_frame(r, FRM_NOTED);
  } else if (ex_lex_is_word(&r->in.lex, "match"))
    fail(r, "a term other than match");
  else if (ex_lex_is_word(&r->in.lex, "_") ||
           ex_lex_is_word(&r->in.lex, "as")) {
    r->in.lex = before;
    push_operand(r, smt_capture(&r->in.lex));
  } else
    begin_application(r);
}

/* ---- Ends of terms ---- */

static void end_application(struct reader *r, const struct frame *f) {
  ex *at = r->in.operand.at + f->base;
  size_t n = r->in.operand.n - f->base - 1;
  ex e;
  if (n == 0) {
    fail(r, "an operand");
    return;
  }
  e = applied(r, at[0], at + 1, n);
  r->in.operand.n = f->base;
  if (!r->in.failed)
    push_operand(r, e);
}

/* At the bracket that ends the bindings: all names get their meanings. */
static void bind_names(struct reader *r, struct frame *f) {
  size_t n = r->in.operand.n - f->base;
  f->meanings = r->meanings;
  for (size_t i = 0; i < n && !r->in.failed; i++)
    mean(r, r->name.at[f->names + i], r->in.operand.at[f->base + i],
         (struct meaning){.depth = r->binders, .kind = MNG_VALUE});
  r->in.operand.n = f->base;
  r->name.n = f->names;
  r->counts->lets += n;
  f->kind = FRM_LET;
}

static void end_quantifier(struct reader *r, const struct frame *f) {
  ex e = r->in.operand.at[--r->in.operand.n];
  while (r->name.n > f->names && !r->in.failed) {
    ex sort = r->name.at[--r->name.n];
    r->binders--;
    r->counts->quantified++;
    e = ex_2(f->op, sort, e);
  }
  forget(r, f->meanings);
  push_operand(r, e);
}

/* Attributes up to the bracket. */
static void attributes(struct reader *r) {
  while (!r->in.failed && !ex_lex_is(&r->in.lex, ')')) {
    bool named = r->in.lex.kind == LEX_LABEL && r->in.lex.length == 6 &&
                 memcmp(ex_lex_text(&r->in.lex), ":named", 6) == 0;
    if (named) {
      smt_next(&r->in.lex);
      r->given = take_symbol(r, "a name");
      if (!r->in.failed && r->binders == 0)
        mean(r, r->given, r->in.operand.at[r->in.operand.n - 1],
             (struct meaning){.kind = MNG_VALUE});
    } else if (!smt_skip(&r->in.lex))
      fail(r, "attributes and ')'");
  }
}

/* At ')'. */
static void end(struct reader *r) {
  struct frame *top = &r->stack[r->in.depth - 1];
  struct frame f = *top;
  bool one = r->in.operand.n == f.base + 1;
  if (f.kind != FRM_APPLY && f.kind != FRM_BINDINGS && !one) {
    fail(r, "one term");
    return;
  }
  if (f.kind == FRM_BINDINGS) {
    bind_names(r, top);
    smt_next(&r->in.lex);
    return;
  }
  r->in.depth--;
  if (f.kind == FRM_APPLY)
    end_application(r, &f);
  else if (f.kind == FRM_LET)
    forget(r, f.meanings);
  else if (f.kind == FRM_QUANTIFIER)
    end_quantifier(r, &f);
  if (!r->in.failed)
    smt_next(&r->in.lex);
}

/* ---- One term ---- */

/* At '(' among bindings. */
static void begin_binding(struct reader *r) {
  if (!take(r, '(', "'(' and a name, or ')'"))
    return;
  push(r, &r->name, take_symbol(r, "a name"));
  if (!r->in.failed)
    push_frame(r, FRM_BINDING);
}

static bool is_full(const struct reader *r) {
  const struct frame *top = &r->stack[r->in.depth - 1];
  return top->kind != FRM_APPLY && top->kind != FRM_BINDINGS &&
         r->in.operand.n > top->base;
}

static void atom(struct reader *r) {
  ex e = r->in.lex.kind == LEX_LABEL ? NULL : smt_leaf(&r->in.lex);
  if (e == NULL && (ex_errno == EX_EFORMAT || r->in.lex.kind == LEX_LABEL)) {
    fail(r, "a term");
    return;
  }
  if (e != NULL && is_symbol(&r->in.lex))
    e = term_of_name(r, e);
  if (!r->in.failed && push_operand(r, e))
    smt_next(&r->in.lex);
}

static void step(struct reader *r) {
  const struct frame *top =
      r->in.depth == 0 ? NULL : &r->stack[r->in.depth - 1];
  if (top != NULL && ex_lex_is(&r->in.lex, ')'))
    end(r);
  else if (top != NULL && is_full(r)) {
    if (top->kind == FRM_NOTED)
      attributes(r);
    else
      fail(r, "')'");
  } else if (top != NULL && top->kind == FRM_BINDINGS)
    begin_binding(r);
  else if (ex_lex_is(&r->in.lex, '('))
    begin(r);
  else
    atom(r);
}

/* The term that the lexer stands on; NULL on failure. */
static ex term(struct reader *r) {
  size_t base = r->in.operand.n;
  do
    step(r);
  while (!r->in.failed && (r->in.depth > 0 || r->in.operand.n == base));
  return r->in.failed ? NULL : r->in.operand.at[--r->in.operand.n];
}

/* ---- Commands ---- */

static void read_assert(struct reader *r) {
  ex e;
  r->given = NULL;
  e = term(r);
  if (e == NULL)
    return;
  if (!ex_nodes_push(r->roots, e) || !ex_nodes_push(r->names, r->given))
    fail_as(r, EX_ENOMEM, "more memory");
  r->counts->asserted++;
}

/* Parameters stand for symbols that no script can write, so that nothing else is
 * replaced with them. */
static void declare_parameters(struct reader *r, size_t names) {
  for (size_t i = names; i < r->name.n && !r->in.failed; i += 2) {
    char text[40];
    ex parameter;
    snprintf(text, sizeof text, "|%zu|", r->fresh++);
    parameter = ex_sym(text);
    if (parameter == NULL)
      fail_made(r, "a parameter");
    else
      mean(r, r->name.at[i + 1], parameter,
           (struct meaning){.kind = MNG_VALUE});
  }
}

/* The definition goes above its parameters, which lose their names. */
static void define(struct reader *r, ex name, ex body, size_t meanings) {
  size_t params = r->meanings - meanings;
  for (size_t i = r->meanings; i-- > meanings;) {
    r->last[r->meaning[i].key] = r->meaning[i].before;
    r->meaning[i].kind = MNG_FREE;
  }
  mean(r, name, body, (struct meaning){.kind = MNG_VALUE, .params = params});
  r->counts->defined++;
}

static void read_definition(struct reader *r, bool function) {
  size_t names = r->name.n;
  size_t meanings = r->meanings;
  ex name = take_symbol(r, "a name");
  ex body;
  if (function && !r->in.failed)
    sorted_names(r, true);
  if (!r->in.failed && !smt_skip(&r->in.lex))
    fail(r, "a sort");
  declare_parameters(r, names);
  r->name.n = names;
  body = r->in.failed ? NULL : term(r);
  if (body != NULL)
    define(r, name, body, meanings);
}

static void read_declaration(struct reader *r) {
  ex name = take_symbol(r, "a name");
  if (name != NULL)
    mean(r, name, NULL, (struct meaning){.kind = MNG_FREE});
  r->counts->declared++;
}

static bool is_declaration(const struct ex_lex *word) {
  return ex_lex_is_word(word, "declare-fun") ||
         ex_lex_is_word(word, "declare-const") ||
         ex_lex_is_word(word, "define-fun-rec");
}

static void read_command(struct reader *r) {
  struct ex_lex word = r->in.lex;
  bool whole = true;
  if (word.kind != LEX_NAME) {
    fail(r, "a command");
    return;
  }
  smt_next(&r->in.lex);
  if (ex_lex_is_word(&word, "assert"))
    read_assert(r);
  else if (ex_lex_is_word(&word, "define-fun") ||
           ex_lex_is_word(&word, "define-const"))
    read_definition(r, ex_lex_is_word(&word, "define-fun"));
  else {
    whole = false;
    if (is_declaration(&word))
      read_declaration(r);
  }
  while (!whole && !r->in.failed && !ex_lex_is(&r->in.lex, ')'))
    if (!smt_skip(&r->in.lex))
      fail(r, "the end of the command");
}

static void drop(struct reader *r) {
  ex_reader_drop(&r->in);
  ex_nodes_drop(&r->name);
  ex_nodes_drop(&r->value);
  ex_nodes_drop(&r->key);
  free(r->stack);
  free(r->meaning);
  free(r->last);
  free(r->slot);
}

bool smt_read(const char *text, size_t bytes, const ex_limits *limits,
              struct ex_nodes *roots, struct ex_nodes *names,
              struct smt_counts *counts, ex_error *out_error) {
  struct reader r = {.roots = roots, .names = names, .counts = counts};
  smt_start(&r.in.lex, text, bytes);
  ex_reader_start(&r.in, limits, out_error);
  while (!r.in.failed && r.in.lex.kind != LEX_END) {
    if (!take(&r, '(', "'(' and a command"))
      break;
    read_command(&r);
    if (!r.in.failed)
      take(&r, ')', "')'");
  }
  drop(&r);
  return !r.in.failed;
}

bool smt_looks_like(const char *text, size_t bytes) {
  static const char *const words[] = {
      "set-logic",    "set-info",         "set-option", "declare-fun",
      "declare-sort", "declare-const",    "define-fun", "define-const",
      "assert",       "declare-datatypes"};
  struct ex_lex l;
  smt_start(&l, text, bytes);
  if (!ex_lex_is(&l, '('))
    return false;
  smt_next(&l);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (ex_lex_is_word(&l, words[i]))
      return true;
  return false;
}
