/* extra/hexpr/formulas.c: reader of formula files. SPDX-License-Identifier: MIT */
/* A line is `name : formula  # comment`, or blank, or only a comment. An error
 * spoils its own line only. */
#include "hexpr/cmd.h"
#include "hexpr/lex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
  struct ex_formulas *to;
  const char *path;
  size_t line;
};

void ex_formulas_error(const char *file, const ex_error *error) {
  fprintf(stderr, "%s:%zu:%zu: expected %s, found %s\n", file, error->line,
          error->column, error->expected, error->found);
}

static ex *widen(ex *old, size_t n, size_t room) {
  ex *bigger = hc_scanned_alloc(room * sizeof *bigger);
  if (bigger == NULL)
    return NULL;
  if (n > 0)
    memcpy(bigger, old, n * sizeof *bigger);
  if (old != NULL)
    hc_scanned_free(old);
  return bigger;
}

static bool add(struct ex_formulas *f, ex name, ex formula) {
  if (f->n == f->room) {
    size_t room = f->room == 0 ? 64 : 2 * f->room;
    ex *names = widen(f->name, f->n, room);
    ex *formulas = widen(f->formula, f->n, room);
    if (names != NULL)
      f->name = names;
    if (formulas != NULL)
      f->formula = formulas;
    if (names == NULL || formulas == NULL)
      return false;
    f->room = room;
  }
  f->name[f->n] = name;
  f->formula[f->n++] = formula;
  return true;
}

static bool is_taken(const struct ex_formulas *f, ex name) {
  for (size_t i = 0; i < f->n; i++)
    if (f->name[i] == name)
      return true;
  return false;
}

static void spoil(struct reader *r, const struct ex_lex *l,
                  const char *expected) {
  ex_error error;
  ex_lex_error(l, expected, &error);
  ex_formulas_error(r->path, &error);
  r->to->errors++;
}

static void read_formula(struct reader *r, const struct ex_lex *l, ex name,
                         size_t bytes) {
  ex_error error;
  size_t start = l->start + 1;
  ex e = ex_parse_at(l->text + start, bytes - start, r->line,
                     l->token_column + 1, &error);
  if (e != NULL && add(r->to, name, e))
    return;
  if (e == NULL)
    ex_formulas_error(r->path, &error);
  r->to->errors++;
}

static void read_line(struct reader *r, const char *text, size_t bytes) {
  struct ex_lex l;
  ex name;
  ex_lex_start(&l, text, bytes, r->line, 1);
  if (l.kind == LEX_END)
    return;
  if (l.kind != LEX_NAME) {
    spoil(r, &l, "the name of a formula");
    return;
  }
  name = ex_sym_n(text + l.start, l.length);
  if (name == NULL || is_taken(r->to, name)) {
    spoil(r, &l, "a name not used before");
    return;
  }
  ex_lex_next(&l);
  if (l.kind == LEX_BAD && text[l.start] == ':')
    read_formula(r, &l, name, bytes);
  else
    spoil(r, &l, "':' and a formula");
}

static void read_lines(struct reader *r, const char *text, size_t bytes) {
  while (bytes > 0) {
    const char *end = memchr(text, '\n', bytes);
    size_t length = end == NULL ? bytes : (size_t)(end - text);
    r->line++;
    read_line(r, text, length);
    if (end != NULL)
      length++;
    text += length;
    bytes -= length;
  }
}

static char *read_all(FILE *from, size_t *out_bytes) {
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

bool ex_formulas_read(struct ex_formulas *f, const char *path) {
  struct reader r = {f, path, 0};
  FILE *from = fopen(path, "r");
  size_t bytes;
  char *text;
  memset(f, 0, sizeof *f);
  if (from == NULL) {
    fprintf(stderr, "hexpr: cannot read %s: %s\n", path, strerror(errno));
    return false;
  }
  text = read_all(from, &bytes);
  if (text == NULL || ferror(from) != 0) {
    fprintf(stderr, "hexpr: cannot read %s: %s\n", path, strerror(errno));
    fclose(from);
    free(text);
    return false;
  }
  fclose(from);
  read_lines(&r, text, bytes);
  free(text);
  return true;
}

void ex_formulas_drop(struct ex_formulas *f) {
  if (f->name != NULL)
    hc_scanned_free(f->name);
  if (f->formula != NULL)
    hc_scanned_free(f->formula);
  memset(f, 0, sizeof *f);
}
