/* extra/hexpr/utf8.h: characters in messages, and which a terminal would obey. SPDX-License-Identifier: MIT */
#ifndef HEXPR_UTF8_H
#define HEXPR_UTF8_H

#include <stdbool.h>
#include <stddef.h>

static inline bool ex_utf8_continues(char c) {
  return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the character at TEXT, which has at least one; 0 when it is none, by the table
 * of well-formed sequences of the Unicode standard (section 3.9). */
static inline size_t ex_utf8_length(const char *text, size_t bytes) {
  unsigned char c = (unsigned char)text[0];
  unsigned char second = bytes > 1 ? (unsigned char)text[1] : 0;
  size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  if (n > bytes || c >= 0xf5 || (c >= 0x80 && c < 0xc2))
    return 0;
  if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
      (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
    return 0;
  for (size_t i = 1; i < n; i++)
    if (!ex_utf8_continues(text[i]))
      return 0;
  return n;
}

/* Whether the character of N bytes is a control: U+0000 to U+001F, U+007F to U+009F. */
static inline bool ex_utf8_is_control(const char *text, size_t n) {
  unsigned char c = (unsigned char)text[0];
  return n == 1 ? c < 0x20 || c == 0x7f
                : n == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0;
}

#endif
