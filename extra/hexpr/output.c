/* extra/hexpr/output.c: results and errors of the command. SPDX-License-Identifier: MIT */
/* With --json standard output is one object: the command, its results, and the
 * errors, which are kept until the end. */
#include "hexpr/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool as_json;
static bool first = true; /* nothing was written into the innermost bracket */
static char *kept;        /* errors as JSON */
static size_t kept_bytes;
static FILE *keep_to;

/* ---- JSON ---- */

static bool continues_character(char c) {
  return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the UTF-8 sequence at TEXT; 0 when it is none. */
static size_t character(const char *text) {
  unsigned char c = (unsigned char)text[0];
  size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  if (c >= 0xf5 || (c >= 0x80 && c < 0xc2))
    return 0;
  if ((c == 0xe0 && (unsigned char)text[1] < 0xa0) ||
      (c == 0xed && (unsigned char)text[1] > 0x9f) ||
      (c == 0xf0 && (unsigned char)text[1] < 0x90) ||
      (c == 0xf4 && (unsigned char)text[1] > 0x8f))
    return 0;
  for (size_t i = 1; i < n; i++)
    if (!continues_character(text[i]))
      return 0;
  return n;
}

/* Bytes that are no UTF-8 become the character for that. */
static void put_string(FILE *to, const char *text) {
  putc('"', to);
  while (*text != '\0') {
    unsigned char c = (unsigned char)*text;
    size_t n = character(text);
    if (c == '"' || c == '\\')
      fprintf(to, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      fprintf(to, "\\u%04x", c);
    else if (n == 0)
      fputs("\\ufffd", to);
    else
      fwrite(text, 1, n, to);
    text += n == 0 ? 1 : n;
  }
  putc('"', to);
}

void cmd_json_key(const char *key) {
  if (!first)
    fputs(", ", stdout);
  first = false;
  if (key == NULL)
    return;
  put_string(stdout, key);
  fputs(": ", stdout);
}

void cmd_json_string(const char *key, const char *value) {
  cmd_json_key(key);
  put_string(stdout, value);
}

void cmd_json_number(const char *key, const char *digits) {
  cmd_json_key(key);
  fputs(digits, stdout);
}

void cmd_json_count(const char *key, uint64_t value) {
  cmd_json_key(key);
  printf("%" PRIu64, value);
}

void cmd_json_bool(const char *key, bool value) {
  cmd_json_number(key, value ? "true" : "false");
}

void cmd_json_open(const char *key, char bracket) {
  cmd_json_key(key);
  putchar(bracket);
  first = true;
}

void cmd_json_close(char bracket) {
  putchar(bracket);
  first = false;
}

/* ---- Errors ---- */

static bool begin_error(void) {
  if (keep_to == NULL)
    keep_to = open_memstream(&kept, &kept_bytes);
  if (keep_to != NULL)
    fputs(ftell(keep_to) > 0 ? ", {" : "{", keep_to);
  return keep_to != NULL;
}

static void keep_error(const char *file, const ex_error *error) {
  if (!begin_error())
    return;
  fputs("\"file\": ", keep_to);
  put_string(keep_to, file);
  fprintf(keep_to, ", \"line\": %zu, \"column\": %zu, \"byte\": %zu",
          error->line, error->column, error->byte);
  fputs(", \"expected\": ", keep_to);
  put_string(keep_to, error->expected);
  fputs(", \"found\": ", keep_to);
  put_string(keep_to, error->found);
  putc('}', keep_to);
}

/* How much of a long line stands before and after the place. */
enum { SHOWN = 60 };

/* The line of the place with a mark under it. */
static void point(const char *text, size_t bytes, size_t at) {
  size_t start = at;
  size_t end = at;
  while (start > 0 && text[start - 1] != '\n' && at - start < SHOWN)
    start--;
  while (start < at && continues_character(text[start]))
    start++;
  while (end < bytes && text[end] != '\n' && end - at < SHOWN)
    end++;
  fputs("  ", stderr);
  for (size_t i = start; i < end; i++)
    putc((unsigned char)text[i] < 0x20 ? ' ' : text[i], stderr);
  fputs("\n  ", stderr);
  for (size_t i = start; i < at; i++)
    if (!continues_character(text[i]))
      putc(' ', stderr);
  fputs("^\n", stderr);
}

void cmd_error(const char *file, const char *text, size_t bytes,
               const ex_error *error) {
  if (as_json) {
    keep_error(file, error);
    return;
  }
  cmd_progress_end();
  if (error->line == 0) {
    fprintf(stderr, "%s: byte %zu: expected %s, found %s\n", file, error->byte,
            error->expected, error->found);
    return;
  }
  fprintf(stderr, "%s:%zu:%zu: expected %s, found %s\n", file, error->line,
          error->column, error->expected, error->found);
  if (text != NULL && error->byte <= bytes)
    point(text, bytes, error->byte);
}

/* A line on standard error, or with JSON a message among the errors. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *to = as_json ? open_memstream(&text, &bytes) : stderr;
  va_list arguments;
  if (to == NULL)
    return;
  if (!as_json) {
    cmd_progress_end();
    fputs("hexpr: ", to);
  }
  va_start(arguments, format);
  vfprintf(to, format, arguments);
  va_end(arguments);
  if (!as_json) {
    putc('\n', to);
    return;
  }
  if (fclose(to) == 0 && begin_error()) {
    fputs("\"message\": ", keep_to);
    put_string(keep_to, text);
    putc('}', keep_to);
  }
  free(text);
}

void cmd_complain(const char *what, const char *which) {
  say("%s %s", what, which);
}

int cmd_misuse(const char *what, const char *which) {
  say("%s%s%s%s", what, which[0] != '\0' ? " " : "", which,
      as_json ? "" : " (hexpr --help tells more)");
  return CMD_TROUBLE;
}

int cmd_cannot(const char *what, const char *path, int error) {
  say("cannot %s %s: %s", what, path, strerror(error));
  return CMD_TROUBLE;
}

int cmd_no_memory(void) {
  say("out of memory");
  return CMD_TROUBLE;
}

/* ---- Results ---- */

void cmd_out_start(const struct cmd_options *o) {
  as_json = o->json;
  cmd_progress_start(o->progress);
  if (!as_json)
    return;
  first = true;
  putchar('{');
  cmd_json_string("command", o->command);
}

int cmd_out_end(const struct cmd_options *o, int status) {
  cmd_progress_end();
  if (!o->json)
    return status;
  cmd_json_open("errors", '[');
  if (keep_to != NULL) {
    fclose(keep_to);
    fputs(kept, stdout);
    free(kept);
    keep_to = NULL;
  }
  cmd_json_close(']');
  cmd_json_count("status", (uint64_t)status);
  fputs("}\n", stdout);
  as_json = false;
  return status;
}

static bool print(const struct cmd_options *o, ex e, FILE *to) {
  if (o->to == FMT_SEXPR)
    return ex_print_sexpr(e, to);
  return o->share ? ex_print_shared(e, 0, to) : ex_print(e, to);
}

bool cmd_out_formula(const struct cmd_options *o, ex name, ex e) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *to;
  bool ok;
  if (e == NULL)
    return false;
  cmd_progress_end();
  if (!o->json) {
    if (name != NULL && o->to != FMT_SEXPR) {
      ex_print(name, stdout);
      fputs(" : ", stdout);
    }
    ok = print(o, e, stdout);
    putchar('\n');
    return ok || ferror(stdout) != 0;
  }
  to = open_memstream(&text, &bytes);
  if (to == NULL)
    return false;
  ok = print(o, e, to);
  ok = fclose(to) == 0 && ok;
  cmd_json_open(NULL, '{');
  if (name != NULL)
    cmd_json_string("name", ex_name(name));
  if (ok)
    cmd_json_string("formula", text);
  cmd_json_close('}');
  free(text);
  return ok;
}
