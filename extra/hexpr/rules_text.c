/* extra/hexpr/rules_text.c: rule sets from text. SPDX-License-Identifier: MIT */
#include "hexpr/lex.h"
#include "hexpr/node.h"
#include "hexpr/rules.h"

#include <stdio.h>
#include <string.h>

struct reader {
  ex_rules *rules;
  const char *line;
  size_t bytes;
  size_t number; /* of the line, from 1 */
  size_t offset; /* of the line */
  ex_error *error;
};

static const struct {
  const char *word;
  unsigned flags;
} declarations[] = {
    {"var", 0},          {"one", EX_VAR_ONE},       {"rest", EX_VAR_REST},
    {"int", EX_VAR_INT}, {"number", EX_VAR_NUMBER}, {"symbol", EX_VAR_SYMBOL},
};

enum { DECLARATIONS = sizeof declarations / sizeof declarations[0] };

static size_t declaration(const char *word, size_t bytes) {
  size_t i = 0;
  while (i < DECLARATIONS && (strlen(declarations[i].word) != bytes ||
                              memcmp(declarations[i].word, word, bytes) != 0))
    i++;
  return i;
}

/* Why ex_rule_add refused. */
static const char *refusal(const struct reader *r) {
  switch (ex_errno) {
  case EX_ETYPE:
    return r->rules->wanted;
  case EX_ELIMIT:
    return "a smaller rule";
  default:
    return "more memory";
  }
}

/* ---- Infix ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* An error at byte AT of the line. */
static bool bad(const struct reader *r, size_t at, const char *expected) {
  ex_error *e = r->error;
  e->line = r->number;
  e->column = 1;
  for (size_t i = 0; i < at; i++)
    e->column += ((unsigned char)r->line[i] & 0xc0) != 0x80;
  e->byte = r->offset + at;
  snprintf(e->expected, sizeof e->expected, "%s", expected);
  snprintf(e->found, sizeof e->found, "%s",
           at < r->bytes ? "this" : "the end of the line");
  return false;
}

/* Bytes of the quoted thing that begins at AT, or 0. */
static size_t quoted_at(const struct reader *r, size_t at) {
  char c = r->line[at];
  if (c != '"' && c != '|' && c != '%' && c != '`')
    return 0;
  return ex_lex_quoted(r->line + at, r->bytes - at);
}

/* Where the comment or the line ends, and where the arrow is, or the end. */
static size_t scan(const struct reader *r, size_t *out_arrow) {
  size_t i = 0;
  *out_arrow = r->bytes;
  while (i < r->bytes && r->line[i] != '#') {
    size_t quoted = quoted_at(r, i);
    if (quoted == 0 && r->line[i] == '-' && i + 1 < r->bytes &&
        r->line[i + 1] == '>' && *out_arrow == r->bytes)
      *out_arrow = i;
    i += quoted > 0 ? quoted : 1;
  }
  if (*out_arrow > i)
    *out_arrow = i;
  return i;
}

static size_t skip_blanks(const struct reader *r, size_t at, size_t end) {
  while (at < end && is_blank(r->line[at]))
    at++;
  return at;
}

static size_t word_end(const struct reader *r, size_t at, size_t end) {
  while (at < end && !is_blank(r->line[at]) && r->line[at] != ',') {
    size_t quoted = quoted_at(r, at);
    at += quoted > 0 ? quoted : 1;
  }
  return at;
}

static bool declare(const struct reader *r, size_t start, size_t end) {
  size_t at = word_end(r, start, end);
  size_t which = declaration(r->line + start, at - start);
  if (which == DECLARATIONS)
    return bad(r, start, "a rule with -> or a declaration of variables");
  for (;;) {
    size_t from = skip_blanks(r, at, end);
    ex symbol;
    if (from < end && r->line[from] == ',')
      from = skip_blanks(r, from + 1, end);
    at = word_end(r, from, end);
    if (at == from)
      return from == end || bad(r, from, "the name of a variable");
    symbol = ex_parse_at(r->line + from, at - from, r->number, 1, r->error);
    if (symbol == NULL || kind_of(symbol) != EX_SYM)
      return bad(r, from, "the name of a variable");
    if (!ex_rules_variable(r->rules, symbol, declarations[which].flags))
      return bad(r, from, refusal(r));
  }
}

static ex side(const struct reader *r, size_t from, size_t to) {
  ex e = ex_parse_at(r->line + from, to - from, r->number, 1, r->error);
  if (e == NULL) {
    r->error->byte += r->offset + from;
    for (size_t i = 0; r->error->line == r->number && i < from; i++)
      r->error->column += ((unsigned char)r->line[i] & 0xc0) != 0x80;
  }
  return e;
}

static bool read_line(const struct reader *r) {
  size_t arrow;
  size_t end = scan(r, &arrow);
  size_t start = skip_blanks(r, 0, end);
  ex lhs;
  ex rhs;
  if (start == end)
    return true;
  if (arrow == end)
    return declare(r, start, end);
  lhs = side(r, 0, arrow);
  rhs = lhs == NULL ? NULL : side(r, arrow + 2, end);
  if (rhs == NULL)
    return false;
  return ex_rule_add(r->rules, lhs, rhs, NULL, NULL) ||
         bad(r, start, refusal(r));
}

static bool read_infix(struct reader *r, const char *text, size_t bytes) {
  size_t at = 0;
  while (at < bytes) {
    const char *stop = memchr(text + at, '\n', bytes - at);
    r->line = text + at;
    r->bytes = stop == NULL ? bytes - at : (size_t)(stop - r->line);
    r->offset = at;
    r->number++;
    if (!read_line(r))
      return false;
    at += r->bytes + 1;
  }
  return true;
}

/* ---- S-expressions ---- */

static bool is_call(ex e, const char *name) {
  return kind_of(e) == EX_APPLY && strcmp(ex_name(e), name) == 0;
}

static bool bad_item(struct reader *r, size_t i, const char *expected) {
  *r->error = (ex_error){.line = 1, .column = 1};
  snprintf(r->error->expected, sizeof r->error->expected, "%s", expected);
  snprintf(r->error->found, sizeof r->error->found, "entry %zu of the rules",
           i + 1);
  return false;
}

static bool take_entry(struct reader *r, ex e, size_t i) {
  size_t which;
  if (is_call(e, "rule") && argc_of(e) == 2)
    return ex_rule_add(r->rules, arg_of(e, 0), arg_of(e, 1), NULL, NULL) ||
           bad_item(r, i, refusal(r));
  which = kind_of(e) == EX_APPLY ? declaration(ex_name(e), strlen(ex_name(e)))
                                 : DECLARATIONS;
  if (which == DECLARATIONS)
    return bad_item(r, i, "(rule left right) or (var name...)");
  for (size_t k = 0; k < argc_of(e); k++)
    if (!ex_rules_variable(r->rules, arg_of(e, k), declarations[which].flags))
      return bad_item(r, i, "names of variables");
  return true;
}

static bool read_sexpr(struct reader *r, const char *text, size_t bytes) {
  ex all = ex_read_sexpr(text, bytes, NULL, r->error);
  bool ok = all != NULL;
  if (ok && !is_call(all, "rules"))
    return bad_item(r, 0, "(rules ...)");
  for (size_t i = 0; ok && i < argc_of(all); i++)
    ok = take_entry(r, arg_of(all, i), i);
  hc_keep(all);
  return ok;
}

bool ex_rules_read(ex_rules *rules, const char *text, size_t bytes,
                   ex_rules_syntax syntax, ex_error *out_error) {
  struct reader r = {.rules = rules, .error = out_error};
  if (syntax == EX_RULES_SEXPR)
    return read_sexpr(&r, text, bytes);
  return read_infix(&r, text, bytes);
}
