/* extra/hexpr/quote.c: how leaves are written and quoted ones read. SPDX-License-Identifier: MIT */
#include "hexpr/quote.h"

#include "hexpr/atom.h"
#include "hexpr/decimal.h"
#include "hexpr/lex.h"
#include "hexpr/ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Writing ---- */

/* The shortest form that reads back as the same double. */
static void put_real(struct ex_sink *to, double value) {
  char text[40];
  if (isnan(value) || isinf(value)) {
    ex_sink_text(to, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
    return;
  }
  ex_decimal_write(value, text, sizeof text);
  if (strpbrk(text, ".e") == NULL)
    memcpy(text + strlen(text), ".0", 3);
  ex_sink_text(to, text);
}

static void put_exact(struct ex_sink *to, ex e, const char *bar) {
  char *text = ex_exact_string(e, bar);
  if (text == NULL)
    to->failed = true;
  else
    ex_sink_text(to, text);
  free(text);
}

static void put_quoted(struct ex_sink *to, const char *text, size_t n,
                       char quote) {
  ex_sink_bytes(to, &quote, 1);
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)text[i];
    char escape[8];
    if (c == '\n')
      ex_sink_text(to, "\\n");
    else if (c < 0x20 || c == 0x7f) {
      snprintf(escape, sizeof escape, "\\x%02x", c);
      ex_sink_text(to, escape);
    } else {
      if (c == (unsigned char)quote || c == '\\')
        ex_sink_text(to, "\\");
      ex_sink_bytes(to, &c, 1);
    }
  }
  ex_sink_bytes(to, &quote, 1);
}

static void put_blob(struct ex_sink *to, ex e) {
  size_t n;
  const unsigned char *data = (const unsigned char *)ex_bytes(e, &n);
  ex_sink_text(to, "%\"");
  for (size_t i = 0; i < n; i++) {
    char digits[4];
    snprintf(digits, sizeof digits, "%02x", data[i]);
    ex_sink_text(to, digits);
  }
  ex_sink_text(to, "\"");
}

static bool is_number_word(const char *name) {
  return strcmp(name, "inf") == 0 || strcmp(name, "nan") == 0 ||
         strcmp(name, "-inf") == 0;
}

bool ex_quote_is_infix_name(const char *name) {
  struct ex_lex l;
  ex_lex_start(&l, name, strlen(name), 1, 1);
  return l.kind == LEX_NAME && l.length == strlen(name);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool ex_quote_is_word(const char *name) {
  size_t n = strcspn(name, " \t\r\n()|\"%;@");
  bool sign = name[0] != '\0' && strchr("-+.", name[0]) != NULL;
  bool digits =
      is_digit(name[0]) || (sign && (is_digit(name[1]) || name[1] == '.'));
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
      return false;
  return n > 0 && name[n] == '\0' && !digits && strcmp(name, "let") != 0;
}

static bool is_operator(const char *name) {
  return strcmp(name, "log") == 0 || ex_op_known(name);
}

static bool is_plain(const char *name, enum quote_place place) {
  switch (place) {
  case QUO_INFIX:
    return ex_quote_is_infix_name(name) && !is_number_word(name) &&
           ex_op_word(name, strlen(name), EX_PREFIX) == EX_NONE;
  case QUO_INFIX_HEAD:
    return ex_quote_is_infix_name(name) && !is_operator(name);
  case QUO_SEXPR:
    return ex_quote_is_word(name) && !is_number_word(name);
  default:
    return ex_quote_is_word(name) && !is_operator(name);
  }
}

static void put_symbol(struct ex_sink *to, ex e, enum quote_place place) {
  const char *name = ex_name(e);
  if (is_plain(name, place))
    ex_sink_text(to, name);
  else
    put_quoted(to, name, strlen(name), '|');
}

void ex_quote_operator(struct ex_sink *to, ex_op op) {
  const char *name = ex_op_name(op);
  bool plain = ex_quote_is_infix_name(name) && strcmp(name, "log") != 0 &&
               ex_op_word(name, strlen(name), EX_PREFIX) == EX_NONE;
  if (plain)
    ex_sink_text(to, name);
  else
    put_quoted(to, name, strlen(name), '`');
}

void ex_quote_leaf(struct ex_sink *to, ex e, enum quote_place place) {
  size_t n;
  switch (kind_of(e)) {
  case EX_REAL:
    put_real(to, ex_real_value(e));
    break;
  case EX_SYM:
    put_symbol(to, e, place);
    break;
  case EX_STR: {
    const char *text = ex_bytes(e, &n);
    put_quoted(to, text, n, '"');
    break;
  }
  case EX_BLOB:
    put_blob(to, e);
    break;
  case EX_BVAR:
    ex_sink_text(to, "%");
    ex_sink_number(to, ex_bvar_index(e));
    break;
  default:
    put_exact(to, e, place <= QUO_INFIX_HEAD ? "//" : "/");
  }
}

/* ---- Reading ---- */

static unsigned char hex_pair(const char *text) {
  return (unsigned char)(ex_lex_hex_digit(text[0]) * 16 +
                         ex_lex_hex_digit(text[1]));
}

static size_t unescape(const char *text, size_t n, char *out) {
  size_t length = 0;
  for (size_t i = 0; i < n; i++) {
    char c = text[i];
    if (c == '\\') {
      c = text[++i];
      if (c == 'n')
        c = '\n';
      else if (c == 'x') {
        c = (char)hex_pair(text + i + 1);
        i += 2;
      }
    }
    out[length++] = c;
  }
  return length;
}

static ex read_index(const char *text, size_t bytes) {
  uint64_t index = 0;
  for (size_t i = 1; i < bytes; i++) {
    index = 10 * index + (uint64_t)(text[i] - '0');
    if (index > UINT32_MAX)
      return ex_node_fail(EX_ELIMIT);
  }
  return ex_bvar((uint32_t)index);
}

ex ex_quote_read(const char *text, size_t bytes) {
  char *plain;
  size_t n = 0;
  ex e;
  if (text[0] == '%' && text[1] != '"')
    return read_index(text, bytes);
  plain = malloc(bytes);
  if (plain == NULL)
    return ex_node_fail(EX_ENOMEM);
  if (text[0] == '%') {
    for (size_t i = 2; i + 1 < bytes; i += 2)
      plain[n++] = (char)hex_pair(text + i);
    e = ex_blob(plain, n);
  } else {
    n = unescape(text + 1, bytes - 2, plain);
    e = text[0] == '"' ? ex_str(plain, n) : ex_sym_n(plain, n);
  }
  free(plain);
  return e;
}
