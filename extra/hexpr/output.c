/* extra/hexpr/output.c: results and errors of the command. SPDX-License-Identifier: MIT */
/* With --json standard output is one object: the command, its results, and the
 * errors, which are kept until the end. */
#include "hexpr/cmd.h"
#include "hexpr/utf8.h"

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

/* Bytes that are no UTF-8 become the character for that. */
static void put_string(FILE *to, const char *text) {
  putc('"', to);
  for (size_t left = strlen(text); left > 0;) {
    unsigned char c = (unsigned char)*text;
    size_t n = ex_utf8_length(text, left);
    if (c == '"' || c == '\\')
      fprintf(to, "\\%c", c);
    else if (n == 0)
      fputs("\\ufffd", to);
    else if (ex_utf8_is_control(text, n))
      fprintf(to, "\\u%04x", (unsigned char)text[n - 1]);
    else
      fwrite(text, 1, n, to);
    n = n == 0 ? 1 : n;
    text += n;
    left -= n;
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

/* The text in standard error, on one line, with nothing in it that a terminal obeys. */
static void put_visible(const char *text) {
  for (size_t left = strlen(text); left > 0;) {
    size_t n = ex_utf8_length(text, left);
    size_t step = n == 0 ? 1 : n;
    if (n > 0 && !ex_utf8_is_control(text, n))
      fwrite(text, 1, n, stderr);
    else
      for (size_t i = 0; i < step; i++)
        fprintf(stderr, "\\x%02x", (unsigned char)text[i]);
    text += step;
    left -= step;
  }
}

/* How much of a long line stands before and after the place. */
enum { AROUND = 60 };

/* Each character takes the place that the mark's line counts for it; a byte that goes on
 * with no character takes none there. */
static void put_line(const char *text, size_t start, size_t end, size_t bytes) {
  for (size_t i = start; i < end;) {
    size_t n = ex_utf8_length(text + i, bytes - i);
    if (n == 0 && !ex_utf8_continues(text[i]))
      putc('?', stderr);
    else if (n > 0 && ex_utf8_is_control(text + i, n))
      putc(' ', stderr);
    else
      fwrite(text + i, 1, n, stderr);
    i += n == 0 ? 1 : n;
  }
}

/* The line of the place with a mark under it. */
static void point(const char *text, size_t bytes, size_t at) {
  size_t start = at;
  size_t end = at;
  while (start > 0 && text[start - 1] != '\n' && at - start < AROUND)
    start--;
  while (start < at && ex_utf8_continues(text[start]))
    start++;
  while (end < bytes && text[end] != '\n' && end - at < AROUND)
    end++;
  fputs("  ", stderr);
  put_line(text, start, end, bytes);
  fputs("\n  ", stderr);
  for (size_t i = start; i < at; i++)
    if (!ex_utf8_continues(text[i]))
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
  put_visible(file);
  if (error->line == 0)
    fprintf(stderr, ": byte %zu: expected ", error->byte);
  else
    fprintf(stderr, ":%zu:%zu: expected ", error->line, error->column);
  put_visible(error->expected);
  fputs(", found ", stderr);
  put_visible(error->found);
  putc('\n', stderr);
  if (error->line > 0 && text != NULL && error->byte <= bytes)
    point(text, bytes, error->byte);
}

/* A line on standard error, or with JSON a message among the errors. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *to = open_memstream(&text, &bytes);
  va_list arguments;
  if (to == NULL) {
    fputs("hexpr: out of memory\n", stderr);
    return;
  }
  va_start(arguments, format);
  vfprintf(to, format, arguments);
  va_end(arguments);
  if (fclose(to) != 0) {
    free(text);
    return;
  }
  if (!as_json) {
    cmd_progress_end();
    fputs("hexpr: ", stderr);
    put_visible(text);
    putc('\n', stderr);
  } else if (begin_error()) {
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
