/* extra/hexpr/lex.c: the lexer of the infix notation. SPDX-License-Identifier: MIT */
/* A number is digits with an optional fraction and exponent; without these two
 * it is an integer. A name starts with a letter, an underscore or any byte of
 * a UTF-8 sequence and goes on with these, digits and primes. Quoted things are
 * those of quote.h. */
#include "hexpr/lex.h"

#include "hexpr/decimal.h"
#include "hexpr/utf8.h"

#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (unsigned char)c >= 0x80;
}

static bool continues_name(char c) {
  return starts_name(c) || is_digit(c) || c == '\'';
}

static char byte_at(const struct ex_lex *l, size_t pos) {
  return pos < l->bytes ? l->text[pos] : '\0';
}

void ex_lex_advance(struct ex_lex *l, size_t end) {
  for (; l->pos < end; l->pos++) {
    char c = l->text[l->pos];
    if (c == '\n') {
      l->line++;
      l->column = 1;
    } else if (((unsigned char)c & 0xc0) != 0x80)
      l->column++;
  }
}

static size_t after_blanks(const struct ex_lex *l, size_t pos, char comment) {
  for (; pos < l->bytes; pos++) {
    char c = l->text[pos];
    if (c == comment)
      while (pos + 1 < l->bytes && l->text[pos + 1] != '\n')
        pos++;
    else if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
      break;
  }
  return pos;
}

static size_t after_digits(const struct ex_lex *l, size_t pos) {
  while (is_digit(byte_at(l, pos)))
    pos++;
  return pos;
}

static size_t after_exponent(const struct ex_lex *l, size_t pos) {
  size_t digits = pos + 1;
  if (byte_at(l, pos) != 'e' && byte_at(l, pos) != 'E')
    return pos;
  if (byte_at(l, digits) == '+' || byte_at(l, digits) == '-')
    digits++;
  return is_digit(byte_at(l, digits)) ? after_digits(l, digits) : pos;
}

static void read_real(struct ex_lex *l, size_t end) {
  char small[64];
  size_t n = end - l->start;
  char *copy = n < sizeof small ? small : malloc(n + 1);
  l->kind = LEX_BAD;
  if (copy == NULL)
    return;
  memcpy(copy, l->text + l->start, n);
  copy[n] = '\0';
  l->kind = LEX_REAL;
  l->real = ex_decimal_read(copy, NULL);
  if (copy != small)
    free(copy);
}

static size_t read_number(struct ex_lex *l) {
  size_t digits = after_digits(l, l->start);
  size_t end = digits;
  if (byte_at(l, end) == '.')
    end = after_digits(l, end + 1);
  end = after_exponent(l, end);
  if (end != digits) {
    read_real(l, end);
    return end;
  }
  l->kind = LEX_INT;
  if (byte_at(l, end) == '/' && byte_at(l, end + 1) == '/' &&
      is_digit(byte_at(l, end + 2))) {
    l->kind = LEX_RAT;
    end = after_digits(l, end + 2);
  }
  return end;
}

static size_t read_name(struct ex_lex *l) {
  size_t end = l->start;
  while (continues_name(byte_at(l, end)))
    end++;
  l->kind = LEX_NAME;
  return end;
}

static bool is_hex_pair(const char *text) {
  return ex_lex_hex_digit(text[0]) >= 0 && ex_lex_hex_digit(text[1]) >= 0;
}

/* The end of text between quotes whose first is at 0; \x needs its digits. */
static size_t string_length(const char *text, size_t bytes) {
  for (size_t i = 1; i < bytes; i++) {
    if (text[i] == text[0])
      return i + 1;
    if (text[i] != '\\')
      continue;
    if (++i < bytes && text[i] == 'x') {
      if (bytes - i < 3 || !is_hex_pair(text + i + 1))
        return 0;
      i += 2;
    }
  }
  return 0;
}

static size_t percent_length(const char *text, size_t bytes) {
  size_t i = 1;
  if (bytes > 1 && text[1] == '"') {
    for (i = 2; i + 1 < bytes && is_hex_pair(text + i);)
      i += 2;
    return i < bytes && text[i] == '"' ? i + 1 : 0;
  }
  while (i < bytes && text[i] >= '0' && text[i] <= '9')
    i++;
  return i > 1 ? i : 0;
}

size_t ex_lex_quoted(const char *text, size_t bytes) {
  return text[0] == '%' ? percent_length(text, bytes)
                        : string_length(text, bytes);
}

static bool is_closed(const char *text, size_t bytes) {
  for (size_t i = 1; i < bytes; i++) {
    if (text[i] == text[0])
      return true;
    if (text[i] == '\\')
      i++;
  }
  return false;
}

/* What a quoted thing lacks that ex_lex_quoted does not take. */
static const char *fault_of(const char *text, size_t bytes) {
  if (text[0] == '%')
    return bytes > 1 && text[1] == '"'
               ? "pairs of hexadecimal digits and a closing '\"'"
               : "an index or a quote after '%'";
  if (is_closed(text, bytes))
    return "two hexadecimal digits after each \\x";
  return text[0] == '"'   ? "a closing '\"'"
         : text[0] == '|' ? "a closing '|'"
                          : "a closing '`'";
}

size_t ex_lex_quote(struct ex_lex *l) {
  const char *text = l->text + l->start;
  size_t n = ex_lex_quoted(text, l->bytes - l->start);
  l->kind = n == 0 ? LEX_BAD : LEX_QUOTED;
  if (n == 0)
    l->fault = fault_of(text, l->bytes - l->start);
  return n == 0 ? 1 : n;
}

static size_t read_label(struct ex_lex *l) {
  size_t end = after_digits(l, l->start + 1);
  l->kind = end > l->start + 1 ? LEX_LABEL : LEX_BAD;
  return end;
}

static size_t read_char(struct ex_lex *l, char c) {
  l->kind = c != '\0' && strchr("+-*/^(),", c) != NULL ? LEX_CHAR : LEX_BAD;
  return l->start + 1;
}

bool ex_lex_begin(struct ex_lex *l, char comment) {
  ex_lex_advance(l, after_blanks(l, l->pos, comment));
  l->start = l->pos;
  l->token_line = l->line;
  l->token_column = l->column;
  l->length = 0;
  l->fault = NULL;
  if (l->pos < l->bytes)
    return true;
  l->kind = LEX_END;
  return false;
}

void ex_lex_finish(struct ex_lex *l, size_t n) {
  l->length = n > 0 ? n : 1;
  ex_lex_advance(l, l->start + l->length);
}

void ex_lex_next(struct ex_lex *l) {
  size_t end;
  char c;
  if (!ex_lex_begin(l, '#'))
    return;
  c = l->text[l->pos];
  if (is_digit(c) || (c == '.' && is_digit(byte_at(l, l->pos + 1))))
    end = read_number(l);
  else if (starts_name(c))
    end = read_name(l);
  else if (c == '"' || c == '|' || c == '%' || c == '`')
    end = l->start + ex_lex_quote(l);
  else if (c == '@')
    end = read_label(l);
  else
    end = read_char(l, c);
  ex_lex_finish(l, end - l->start);
}

void ex_lex_start(struct ex_lex *l, const char *text, size_t bytes, size_t line,
                  size_t column) {
  memset(l, 0, sizeof *l);
  l->text = text;
  l->bytes = bytes;
  l->line = line;
  l->column = column;
  ex_lex_next(l);
}

void ex_lex_take(struct ex_lex *l, size_t n) {
  l->kind = LEX_CHAR;
  l->pos = l->start;
  l->line = l->token_line;
  l->column = l->token_column;
  ex_lex_advance(l, l->start + n);
  l->length = n;
}

bool ex_lex_sees(const struct ex_lex *l, char c) {
  return byte_at(l, after_blanks(l, l->pos, '#')) == c;
}

bool ex_lex_is_word(const struct ex_lex *l, const char *word) {
  return l->kind == LEX_NAME && l->length == strlen(word) &&
         memcmp(ex_lex_text(l), word, l->length) == 0;
}

/* How much of a long token a message shows, and of a short one with escapes. */
enum { SHOWN = 32 };

/* What a terminal would obey, and what is no character, is written as in quotes. */
static void show_token(const char *token, size_t bytes, char *to, size_t room) {
  size_t at = 0;
  to[at++] = '\'';
  for (size_t i = 0; i < bytes && i < SHOWN;) {
    size_t n = ex_utf8_length(token + i, bytes - i);
    bool shows = n > 0 && !ex_utf8_is_control(token + i, n);
    size_t end = i + (n > 0 ? n : 1);
    if (at + (shows ? n : 4 * (end - i)) + 2 > room)
      break;
    for (; i < end; i++)
      if (shows)
        to[at++] = token[i];
      else
        at += (size_t)snprintf(to + at, room - at, "\\x%02x",
                               (unsigned char)token[i]);
  }
  to[at++] = '\'';
  to[at] = '\0';
}

void ex_lex_error(const struct ex_lex *l, const char *expected,
                  ex_error *out_error) {
  const char *token = l->text + l->start;
  out_error->line = l->token_line;
  out_error->column = l->token_column;
  out_error->byte = l->start;
  if (l->fault != NULL)
    expected = l->fault;
  snprintf(out_error->expected, sizeof out_error->expected, "%s", expected);
  if (l->fault != NULL)
    snprintf(out_error->found, sizeof out_error->found, "none");
  else if (l->kind == LEX_END)
    snprintf(out_error->found, sizeof out_error->found, "the end");
  else if (l->kind == LEX_BAD && ex_utf8_is_control(token, 1))
    snprintf(out_error->found, sizeof out_error->found, "byte 0x%02x",
             (unsigned char)token[0]);
  else
    show_token(token, l->length, out_error->found, sizeof out_error->found);
}
