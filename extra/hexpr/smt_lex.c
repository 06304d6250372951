/* extra/hexpr/smt_lex.c: tokens and leaves of SMT-LIB 2. SPDX-License-Identifier: MIT */
#include "hexpr/smt.h"

#include <stdlib.h>
#include <string.h>

/* ---- Tokens ---- */

static size_t word_length(const char *text, size_t bytes) {
  size_t n = 0;
  while (n < bytes && (unsigned char)text[n] > 0x20 &&
         strchr("()|\";", text[n]) == NULL)
    n++;
  return n;
}

/* A quote in a string is written twice. 0 when there is no end. */
static size_t quoted_length(const char *text, size_t bytes) {
  for (size_t i = 1; i < bytes; i++) {
    if (text[i] != text[0])
      continue;
    if (text[0] == '"' && i + 1 < bytes && text[i + 1] == '"')
      i++;
    else
      return i + 1;
  }
  return 0;
}

static lex_kind kind_of_word(const char *text, size_t n) {
  size_t digits = 0;
  if (text[0] == ':')
    return n > 1 ? LEX_LABEL : LEX_BAD;
  if (text[0] == '#')
    return n > 2 && (text[1] == 'x' || text[1] == 'b') ? LEX_RAT : LEX_BAD;
  while (digits < n && text[digits] >= '0' && text[digits] <= '9')
    digits++;
  if (digits == n)
    return LEX_INT;
  if (digits == 0)
    return LEX_NAME;
  if (text[digits] != '.' || digits + 1 == n)
    return LEX_BAD;
  for (size_t i = digits + 1; i < n; i++)
    if (text[i] < '0' || text[i] > '9')
      return LEX_BAD;
  return LEX_REAL;
}

void smt_next(struct ex_lex *l) {
  const char *at;
  size_t left;
  size_t n = 1;
  if (!ex_lex_begin(l, ';'))
    return;
  at = ex_lex_text(l);
  left = l->bytes - l->pos;
  if (*at == '(' || *at == ')')
    l->kind = LEX_CHAR;
  else if (*at == '"' || *at == '|') {
    n = quoted_length(at, left);
    l->kind = n == 0 ? LEX_BAD : LEX_QUOTED;
    if (n == 0)
      l->fault = *at == '"' ? "a closing '\"'" : "a closing '|'";
  } else {
    n = word_length(at, left);
    l->kind = n == 0 ? LEX_BAD : kind_of_word(at, n);
  }
  ex_lex_finish(l, n);
}

void smt_start(struct ex_lex *l, const char *text, size_t bytes) {
  *l = (struct ex_lex){.text = text, .bytes = bytes, .line = 1, .column = 1};
  smt_next(l);
}

/* ---- Things as a whole ---- */

static bool goes_on(const struct ex_lex *l, size_t *depth) {
  if (l->kind == LEX_END || l->kind == LEX_BAD)
    return false;
  if (ex_lex_is(l, '('))
    ++*depth;
  else if (ex_lex_is(l, ')')) {
    if (*depth == 0)
      return false;
    --*depth;
  }
  return true;
}

bool smt_skip(struct ex_lex *l) {
  size_t depth = 0;
  do {
    if (!goes_on(l, &depth))
      return false;
    smt_next(l);
  } while (depth > 0);
  return true;
}

/* Writes the tokens to OUT unless it is NULL; how many bytes they are. */
static size_t join(struct ex_lex *l, char *out, bool *out_whole) {
  size_t depth = 0;
  size_t n = 0;
  bool blank = false;
  do {
    bool closing = ex_lex_is(l, ')');
    if (!goes_on(l, &depth)) {
      *out_whole = false;
      return n;
    }
    if (blank && !closing) {
      if (out != NULL)
        out[n] = ' ';
      n++;
    }
    if (out != NULL)
      memcpy(out + n, ex_lex_text(l), l->length);
    n += l->length;
    blank = !ex_lex_is(l, '(');
    smt_next(l);
  } while (depth > 0);
  *out_whole = true;
  return n;
}

ex smt_capture(struct ex_lex *l) {
  struct ex_lex again = *l;
  bool whole;
  size_t n = join(l, NULL, &whole);
  char *text;
  ex e;
  ex_errno = EX_EFORMAT;
  if (!whole)
    return NULL;
  text = malloc(n + 1);
  if (text == NULL) {
    ex_errno = EX_ENOMEM;
    return NULL;
  }
  join(&again, text, &whole);
  e = ex_sym_n(text, n);
  free(text);
  return e;
}

/* ---- Leaves ---- */

static ex leaf_from(const struct ex_lex *l, ex (*make)(char *copy)) {
  char small[64];
  char *copy = l->length < sizeof small ? small : malloc(l->length + 1);
  ex e;
  if (copy == NULL) {
    ex_errno = EX_ENOMEM;
    return NULL;
  }
  memcpy(copy, ex_lex_text(l), l->length);
  copy[l->length] = '\0';
  e = make(copy);
  if (copy != small)
    free(copy);
  return e;
}

static ex numeral(char *digits) {
  mpz_t z;
  ex e;
  mpz_init_set_str(z, digits, 10);
  e = ex_mpz(z);
  mpz_clear(z);
  return e;
}

static ex decimal(char *digits) {
  char *point = strchr(digits, '.');
  size_t places = strlen(point + 1);
  mpq_t q;
  ex e;
  memmove(point, point + 1, places + 1);
  mpq_init(q);
  mpz_set_str(mpq_numref(q), digits, 10);
  mpz_ui_pow_ui(mpq_denref(q), 10, places);
  e = ex_mpq(q);
  mpq_clear(q);
  return e;
}

/* #x0f as (_ bv15 8). */
static ex bits(char *digits) {
  bool hex = digits[1] == 'x';
  size_t width = (strlen(digits) - 2) * (hex ? 4 : 1);
  char *text = NULL;
  mpz_t z;
  ex e = NULL;
  ex_errno = EX_EFORMAT;
  mpz_init(z);
  if (mpz_set_str(z, digits + 2, hex ? 16 : 2) == 0 &&
      gmp_asprintf(&text, "(_ bv%Zd %zu)", z, width) > 0) {
    void (*release)(void *, size_t);
    mp_get_memory_functions(NULL, NULL, &release);
    e = ex_sym(text);
    release(text, strlen(text) + 1);
  }
  mpz_clear(z);
  return e;
}

static ex string(char *text) {
  size_t n = 0;
  for (size_t i = 1; text[i + 1] != '\0'; i++) {
    if (text[i] == '"')
      i++;
    text[n++] = text[i];
  }
  return ex_str(text, n);
}

ex smt_symbol(const struct ex_lex *l) {
  bool quoted = l->kind == LEX_QUOTED;
  return ex_sym_n(ex_lex_text(l) + quoted, l->length - 2 * (size_t)quoted);
}

/* Longer numbers do not fit a node, and are slow to convert. */
enum { MOST_DIGITS = 1200000 };

ex smt_leaf(const struct ex_lex *l) {
  bool number = l->kind != LEX_NAME && l->kind != LEX_QUOTED;
  if (number && l->length > MOST_DIGITS) {
    ex_errno = EX_ELIMIT;
    return NULL;
  }
  switch (l->kind) {
  case LEX_INT:
    return leaf_from(l, numeral);
  case LEX_REAL:
    return leaf_from(l, decimal);
  case LEX_RAT:
    return leaf_from(l, bits);
  case LEX_QUOTED:
    return ex_lex_text(l)[0] == '"' ? leaf_from(l, string) : smt_symbol(l);
  case LEX_NAME:
    return smt_symbol(l);
  default:
    ex_errno = EX_EFORMAT;
    return NULL;
  }
}
