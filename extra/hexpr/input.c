/* extra/hexpr/input.c: formulas from arguments, files and standard input. SPDX-License-Identifier: MIT */
/* Infix text has one formula a line, with a name and a colon before it or
 * without, and a comment after it; an error spoils its own line only. Other
 * notations are read up to their first error. */
#include "hexpr/cmd.h"
#include "hexpr/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
  struct cmd_input *in;
  const struct cmd_options *o;
  const char *path; /* as messages name it */
  const char *text;
  size_t bytes;
  ex *taken; /* names; open addressing, malloc'ed: the list keeps them alive */
  size_t taken_n;
  unsigned bits;
};

/* ---- The list ---- */

static bool add(struct cmd_input *in, ex name, ex formula) {
  bool ok =
      ex_nodes_push(&in->formula, formula) && ex_nodes_push(&in->name, name);
  if (!ok) {
    in->formula.n = in->name.n < in->formula.n ? in->name.n : in->formula.n;
    cmd_no_memory();
    in->trouble = true;
  }
  return ok;
}

static void report(struct reader *r, const ex_error *error) {
  cmd_error(r->path, r->text, r->bytes, error);
  r->in->errors++;
}

/* ---- Infix lines ---- */

static ex *place_of(const struct reader *r, ex name) {
  size_t mask = ((size_t)1 << r->bits) - 1;
  uint64_t h = (uint64_t)(uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15);
  size_t i = h >> (64 - r->bits);
  while (r->taken[i] != NULL && r->taken[i] != name)
    i = (i + 1) & mask;
  return &r->taken[i];
}

static bool grow_taken(struct reader *r) {
  struct reader old = *r;
  r->bits = old.taken == NULL ? 6 : old.bits + 1;
  r->taken = calloc((size_t)1 << r->bits, sizeof *r->taken);
  if (r->taken == NULL) {
    *r = old;
    return false;
  }
  for (size_t i = 0; old.taken != NULL && i < (size_t)1 << old.bits; i++)
    if (old.taken[i] != NULL)
      *place_of(r, old.taken[i]) = old.taken[i];
  free(old.taken);
  return true;
}

/* Whether NAME is new; it then is so no more. */
static bool take_name(struct reader *r, ex name) {
  ex *place;
  if ((r->taken == NULL || 2 * r->taken_n >= (size_t)1 << r->bits) &&
      !grow_taken(r))
    return false;
  place = place_of(r, name);
  if (*place != NULL)
    return false;
  *place = name;
  r->taken_n++;
  return true;
}

/* The name that a line begins with, before a colon; NULL for none. L then stands
 * on the colon. */
static ex line_name(struct ex_lex *l) {
  const char *text = ex_lex_text(l);
  size_t n = l->length;
  ex name;
  if (l->kind == LEX_QUOTED && text[0] == '|')
    name = ex_parse(text, n, &(ex_error){0});
  else if (l->kind == LEX_NAME)
    name = ex_sym_n(text, n);
  else
    return NULL;
  if (name == NULL || !ex_lex_sees(l, ':'))
    return NULL;
  ex_lex_next(l);
  return name;
}

static void report_line(struct reader *r, ex_error *error, size_t start) {
  error->byte += start;
  report(r, error);
}

static void read_line(struct reader *r, size_t start, size_t end) {
  struct ex_lex l;
  struct ex_lex first;
  ex_error error;
  ex name;
  ex e;
  size_t from = start;
  size_t column = 1;
  ex_lex_start(&l, r->text + start, end - start, r->in->lines, 1);
  if (l.kind == LEX_END)
    return;
  first = l;
  name = line_name(&l);
  if (name != NULL && !take_name(r, name)) {
    ex_lex_error(&first, "a name not used before", &error);
    report_line(r, &error, start);
    return;
  }
  if (name != NULL) {
    from = start + l.start + 1;
    column = l.token_column + 1;
  }
  e = ex_read_infix_at(r->text + from, end - from, r->in->lines, column,
                       &r->o->limits, &error);
  if (e != NULL)
    add(r->in, name, e);
  else
    report_line(r, &error, from);
}

static void read_lines(struct reader *r) {
  size_t pos = 0;
  r->in->lines = 0;
  while (pos < r->bytes && !r->in->trouble) {
    const char *at = memchr(r->text + pos, '\n', r->bytes - pos);
    size_t end = at == NULL ? r->bytes : (size_t)(at - r->text);
    r->in->lines++;
    cmd_progress("reading line", r->in->lines, 0);
    read_line(r, pos, end);
    pos = end + 1;
  }
  free(r->taken);
  r->taken = NULL;
}

/* ---- Other notations ---- */

static void read_sexprs(struct reader *r) {
  ex_place place = {0, 1, 1};
  ex_error error;
  while (!r->in->trouble) {
    ex e = ex_next_sexpr(r->text, r->bytes, &place, &r->o->limits, &error);
    if (e == NULL)
      break;
    cmd_progress("reading expression", r->in->formula.n + 1, 0);
    add(r->in, NULL, e);
  }
  if (ex_errno != EX_OK)
    report(r, &error);
}

static void read_binary(struct reader *r) {
  FILE *from = fmemopen((void *)(uintptr_t)r->text, r->bytes, "r");
  ex_error error;
  if (from == NULL) {
    r->in->trouble = true;
    cmd_no_memory();
    return;
  }
  do {
    size_t n;
    long start = ftell(from);
    ex *roots = ex_read(from, &r->o->limits, &n, &error);
    for (size_t i = 0; i < n; i++)
      add(r->in, NULL, roots[i]);
    if (roots == NULL) {
      error.byte += (size_t)start;
      report(r, &error);
      break;
    }
    hc_scanned_free(roots);
  } while ((size_t)ftell(from) < r->bytes);
  fclose(from);
}

static void read_smt(struct reader *r) {
  ex_error error;
  cmd_progress("reading bytes", r->bytes, 0);
  if (!smt_read(r->text, r->bytes, &r->o->limits, &r->in->formula, &r->in->name,
                &r->in->smt, &error))
    report(r, &error);
}

/* What begins with a bracket may be either: infix text if the first line is. */
static void read_either(struct reader *r) {
  const char *start = memchr(r->text, '(', r->bytes);
  size_t left = r->bytes - (size_t)(start - r->text);
  const char *end = memchr(start, '\n', left);
  ex_error error;
  ex_errno = EX_OK;
  if (ex_read_infix(start, end == NULL ? left : (size_t)(end - start),
                    &r->o->limits, &error) != NULL ||
      ex_errno == EX_ELIMIT || ex_errno == EX_EDEPTH)
    read_lines(r);
  else
    read_sexprs(r);
}

static cmd_format looks_like(const char *text, size_t bytes) {
  size_t i = 0;
  if (bytes > 0 && (unsigned char)text[0] == 0x89)
    return FMT_BINARY;
  if (smt_looks_like(text, bytes))
    return FMT_SMT;
  while (i < bytes && memchr(" \t\r\n", text[i], 4) != NULL)
    i++;
  if (i < bytes && text[i] == ';')
    return FMT_SEXPR;
  return i < bytes && text[i] == '(' ? FMT_AUTO : FMT_INFIX;
}

static void read_text(struct reader *r) {
  cmd_format format = r->o->from;
  if (format == FMT_AUTO)
    format = looks_like(r->text, r->bytes);
  if (format == FMT_BINARY) {
    ex_opdef("lambda", 2, EX_BINDER);
    ex_collect_define();
  }
  switch (format) {
  case FMT_INFIX:
    read_lines(r);
    break;
  case FMT_SEXPR:
    read_sexprs(r);
    break;
  case FMT_BINARY:
    read_binary(r);
    break;
  case FMT_SMT:
    read_smt(r);
    break;
  default:
    read_either(r);
  }
}

/* ---- Sources ---- */

static char *read_stream(FILE *from, size_t *out_bytes) {
  size_t room = 1 << 16;
  size_t n = 0;
  char *text = malloc(room);
  while (text != NULL) {
    char *bigger;
    n += fread(text + n, 1, room - n, from);
    if (n < room)
      break;
    bigger = realloc(text, room *= 2);
    if (bigger == NULL)
      free(text);
    text = bigger;
  }
  *out_bytes = n;
  return text;
}

char *cmd_read_all(const char *path, size_t *out_bytes) {
  bool standard = strcmp(path, "-") == 0;
  FILE *from = standard ? stdin : fopen(path, "r");
  char *text;
  if (from == NULL) {
    cmd_cannot("read", path, errno);
    return NULL;
  }
  text = read_stream(from, out_bytes);
  if (text == NULL || ferror(from) != 0) {
    cmd_cannot("read", path, errno);
    free(text);
    text = NULL;
  }
  if (!standard)
    fclose(from);
  return text;
}

static void end_source(struct cmd_input *in) {
  in->end[in->sources++] = in->formula.n;
}

static void read_file(struct cmd_input *in, const struct cmd_options *o,
                      const char *path) {
  struct reader r = {.in = in, .o = o, .path = path};
  char *text = cmd_read_all(path, &r.bytes);
  if (strcmp(path, "-") == 0)
    r.path = "standard input";
  in->trouble |= text == NULL;
  r.text = text;
  if (text != NULL)
    read_text(&r);
  free(text);
  end_source(in);
}

/* Binders that scripts have and other notations may keep. */
static void define_quantifiers(void) {
  ex_opdef("forall", 2, EX_BINDER);
  ex_opdef("exists", 2, EX_BINDER);
}

ex cmd_parse(struct cmd_input *in, const struct cmd_options *o,
             const char *text, const char *where) {
  ex_error error;
  size_t n = strlen(text);
  ex_error other;
  bool either = o->from == FMT_AUTO && text[0] == '(';
  ex e = o->from == FMT_SEXPR ? ex_read_sexpr(text, n, &o->limits, &error)
                              : ex_read_infix(text, n, &o->limits, &error);
  if (e == NULL && either)
    e = ex_read_sexpr(text, n, &o->limits, &other);
  if (e == NULL) {
    cmd_error(where, text, n, &error);
    in->errors++;
  }
  return e;
}

/* The argument at I. Scripts and binary files are read as files with them are. */
static void read_argument(struct cmd_input *in, const struct cmd_options *o,
                          size_t i) {
  struct reader r = {.in = in, .o = o, .text = o->formula[i]};
  char where[32];
  ex e;
  snprintf(where, sizeof where, "argument %zu", i + 1);
  r.path = where;
  r.bytes = strlen(r.text);
  if (o->from == FMT_SMT || o->from == FMT_BINARY) {
    read_text(&r);
    return;
  }
  e = cmd_parse(in, o, r.text, where);
  if (e != NULL)
    add(in, NULL, e);
}

void cmd_input_read(struct cmd_input *in, const struct cmd_options *o) {
  *in = (struct cmd_input){.end = NULL};
  in->end = calloc(o->formulas + o->files + 1, sizeof *in->end);
  in->trouble = in->end == NULL;
  define_quantifiers();
  for (size_t i = 0; i < o->formulas && !in->trouble; i++) {
    read_argument(in, o, i);
    end_source(in);
  }
  for (size_t i = 0; i < o->files && !in->trouble; i++)
    read_file(in, o, o->file[i]);
  if (o->formulas + o->files == 0 && !in->trouble)
    read_file(in, o, "-");
  if (in->formula.n + in->errors == 0 && !in->trouble && !o->may_be_empty) {
    cmd_misuse(o->command, "needs a FORMULA");
    in->trouble = true;
  }
}

void cmd_input_drop(struct cmd_input *in) {
  ex_nodes_drop(&in->formula);
  ex_nodes_drop(&in->name);
  free(in->end);
}

int cmd_input_status(const struct cmd_input *in) {
  if (in->trouble)
    return CMD_TROUBLE;
  return in->errors > 0 ? CMD_BAD_FORMULA : CMD_OK;
}
