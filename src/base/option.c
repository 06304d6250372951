/* src/base/option.c: reading the run-time options. SPDX-License-Identifier: MIT
 */
#include "base/option.h"

struct gc_options gc_options;

enum option_type { FLAG, NUMBER, SIZE, TEXT };

static unsigned suffix_shift(char c) {
  switch (c) {
  case 'k':
  case 'K':
    return 10;
  case 'm':
  case 'M':
    return 20;
  case 'g':
  case 'G':
    return 30;
  default:
    return 0;
  }
}

/* Decimal digits, with a suffix if `suffix` says so; nothing may follow. */
static bool parse_number(const char *s, bool suffix, size_t *out) {
  size_t n = 0;
  if (*s < '0' || *s > '9')
    return false;
  for (; *s >= '0' && *s <= '9'; s++)
    if (__builtin_mul_overflow(n, (size_t)10, &n) ||
        __builtin_add_overflow(n, (size_t)(*s - '0'), &n))
      return false;
  if (suffix && suffix_shift(*s) != 0) {
    unsigned shift = suffix_shift(*s++);
    if (n > SIZE_MAX >> shift)
      return false;
    n <<= shift;
  }
  *out = n;
  return *s == '\0';
}

static bool parse(enum option_type type, const char *s,
                  struct gc_option_value *value) {
  value->text = s;
  value->is_set = true;
  switch (type) {
  case TEXT:
    return *s != '\0';
  case FLAG:
    value->number = !(s[0] == '0' && s[1] == '\0');
    return true;
  case NUMBER:
    return parse_number(s, false, &value->number);
  case SIZE:
    return parse_number(s, true, &value->number);
  }
  return false;
}

static void read_one(const char *name, enum option_type type,
                     struct gc_option_value *value,
                     const char *(*get)(const char *),
                     void (*complain)(const char *, const char *)) {
  const char *s = get(name);
  value->name = name;
  if (s == NULL || parse(type, s, value))
    return;
  *value = (struct gc_option_value){0};
  complain(name, s);
}

void gc_options_read(const char *(*get)(const char *name),
                     void (*complain)(const char *name, const char *value)) {
#define READ_OPTION(name, type, field, help)                                   \
  read_one(name, type, &gc_options.field, get, complain);
  GC_OPTIONS(READ_OPTION)
#undef READ_OPTION
}
