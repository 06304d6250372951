/* src/base/format.c: a small printf into a buffer. SPDX-License-Identifier: MIT
 */
#include "base/format.h"

#include <stdbool.h>
#include <stdint.h>

struct out {
  char *at, *end; /* end is the place of the closing zero */
};

static void put_char(struct out *o, char c) {
  if (o->at < o->end)
    *o->at++ = c;
}

static void put_text(struct out *o, const char *s) {
  for (s = s == NULL ? "(null)" : s; *s != '\0'; s++)
    put_char(o, *s);
}

static void put_number(struct out *o, uint64_t n, unsigned base) {
  char digits[20];
  unsigned count = 0;
  do
    digits[count++] = "0123456789abcdef"[n % base];
  while ((n /= base) != 0);
  while (count > 0)
    put_char(o, digits[--count]);
}

static void put_signed(struct out *o, int64_t n) {
  if (n < 0)
    put_char(o, '-');
  put_number(o, n < 0 ? -(uint64_t)n : (uint64_t)n, 10);
}

/* The lists travel by pointer: a va_list passed by value may not be used again.
 */
static void put_integer(struct out *o, char conversion, bool is_long,
                        va_list *args) {
  if (conversion == 'd') {
    put_signed(o, is_long ? va_arg(*args, long) : va_arg(*args, int));
    return;
  }
  uint64_t n = is_long ? va_arg(*args, unsigned long) : va_arg(*args, unsigned);
  put_number(o, n, conversion == 'x' ? 16 : 10);
}

static void put_conversion(struct out *o, char conversion, bool is_long,
                           va_list *args) {
  switch (conversion) {
  case 's':
    put_text(o, va_arg(*args, const char *));
    break;
  case 'c':
    put_char(o, (char)va_arg(*args, int));
    break;
  case 'p':
    put_text(o, "0x");
    put_number(o, (uintptr_t)va_arg(*args, void *), 16);
    break;
  case 'd':
  case 'u':
  case 'x':
    put_integer(o, conversion, is_long, args);
    break;
  default:
    put_char(o, conversion);
  }
}

/* ---- Widths ---- */

struct field {
  size_t width;
  bool left, zeros;
};

static const char *read_field(const char *f, struct field *field,
                              va_list *args) {
  *field = (struct field){0};
  for (; *f == '-' || *f == '0'; f++)
    *(*f == '-' ? &field->left : &field->zeros) = true;
  if (*f == '*') {
    long n = va_arg(*args, int);
    field->left |= n < 0;
    field->width = (size_t)(n < 0 ? -n : n);
    return f + 1;
  }
  for (; *f >= '0' && *f <= '9'; f++)
    field->width = field->width * 10 + (size_t)(*f - '0');
  return f;
}

/* What was written from `start` on is widened; what does not fit is cut off at the end. */
static void widen(struct out *o, char *start, const struct field *field) {
  size_t len = (size_t)(o->at - start), room = (size_t)(o->end - o->at);
  size_t more = field->width > len ? field->width - len : 0;
  if (field->left) {
    while (more-- > 0 && o->at < o->end)
      put_char(o, ' ');
    return;
  }
  bool after_sign = field->zeros && len > 0 && *start == '-';
  start += after_sign;
  len -= after_sign;
  size_t space = len + room;
  size_t shift = more < space ? more : space;
  size_t stays = len < space - shift ? len : space - shift;
  __builtin_memmove(start + shift, start, stays);
  __builtin_memset(start, field->zeros ? '0' : ' ', shift);
  o->at = start + shift + stays;
}

size_t gc_format_args(char *buffer, size_t size, const char *format,
                      va_list args) {
  if (size == 0)
    return 0;
  struct out o = {buffer, buffer + size - 1};
  va_list copy;
  va_copy(copy, args);
  for (const char *f = format; *f != '\0'; f++) {
    if (*f != '%') {
      put_char(&o, *f);
      continue;
    }
    struct field field;
    bool is_long = false;
    for (f = read_field(f + 1, &field, &copy); *f == 'l' || *f == 'z'; f++)
      is_long = true;
    if (*f == '\0')
      break;
    char *start = o.at;
    put_conversion(&o, *f, is_long, &copy);
    widen(&o, start, &field);
  }
  va_end(copy);
  *o.at = '\0';
  return (size_t)(o.at - buffer);
}

size_t gc_format(char *buffer, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t n = gc_format_args(buffer, size, format, args);
  va_end(args);
  return n;
}

size_t gc_format_message(char *buffer, size_t size, const char *format,
                         va_list args) {
  size_t at = gc_format(buffer, size, "Reclaim: ");
  at += gc_format_args(buffer + at, size - at - 1, format, args);
  if (buffer[at - 1] != '\n')
    buffer[at++] = '\n';
  buffer[at] = '\0';
  return at;
}
