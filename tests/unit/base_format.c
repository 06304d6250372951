/* tests/unit/base_format.c: the small printf. SPDX-License-Identifier: MIT
 *
 * The C library's snprintf is the model for everything that both know.
 */
#include "base/format.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/tap.h"

static void conversions(void) {
  char text[128];
  tap_eq_u(gc_format(text, sizeof text, "%s-%c-%%", "abc", 'x'), 7);
  tap_eq_s(text, "abc-x-%");
  gc_format(text, sizeof text, "%d %d %d", 0, INT_MIN, INT_MAX);
  tap_eq_s(text, "0 -2147483648 2147483647");
  gc_format(text, sizeof text, "%ld %lu", LONG_MIN, ULONG_MAX);
  tap_eq_s(text, "-9223372036854775808 18446744073709551615");
  gc_format(text, sizeof text, "%u %x %lx %zu", UINT_MAX, 0xbeefu,
            0x123456789abcdefUL, (size_t)1 << 40);
  tap_eq_s(text, "4294967295 beef 123456789abcdef 1099511627776");
  gc_format(text, sizeof text, "%p", (void *)(uintptr_t)0xfee1);
  tap_eq_s(text, "0xfee1");
}

static void widths_match_the_library(void) {
  for (int i = 0; i < 20000; i++) {
    uint64_t r = tap_rand() >> (tap_rand() & 63);
    int width = (int)(tap_rand() % 24), negative = -width;
    char mine[300], model[300];
    gc_format(mine, sizeof mine, "%5d|%-7u|%09d|%*ld|%-*x|%4s|%-6s|%3c|%*zu",
              (int)r, (unsigned)r, (int)r, width, (long)r, width, (unsigned)r,
              "ab", "longer than that", 'x', negative, (size_t)r);
    snprintf(model, sizeof model, "%5d|%-7u|%09d|%*ld|%-*x|%4s|%-6s|%3c|%*zu",
             (int)r, (unsigned)r, (int)r, width, (long)r, width, (unsigned)r,
             "ab", "longer than that", 'x', negative, (size_t)r);
    if (!tap_eq_s(mine, model))
      return;
  }
}

static void widths_end_with_the_room(void) {
  for (size_t size = 1; size < 12; size++) {
    char mine[16], model[16];
    memset(mine, '#', sizeof mine);
    gc_format(mine, size, "a%-6db", 42);
    snprintf(model, sizeof model, "a%-6db", 42);
    tap_eq_u(strlen(mine), size - 1 < 8 ? size - 1 : 8);
    tap_eq_u(memcmp(mine, model, strlen(mine)), 0);
    tap_check(mine[size] == '#');
    gc_format(mine, size, "a%*db", 1000000, 42);
    tap_eq_u(strlen(mine), size - 1);
    tap_check(mine[size] == '#');
  }
}

static void null_string(void) {
  const char *volatile none = NULL;
  char text[32];
  gc_format(text, sizeof text, "<%s>", none);
  tap_eq_s(text, "<(null)>");
}

static void random_numbers_match_the_library(void) {
  for (unsigned i = 0; i < 100000; i++) {
    uint64_t r = tap_rand() >> (tap_rand() & 63);
    char mine[200], model[200];
    gc_format(mine, sizeof mine, "%d|%u|%x|%ld|%lu|%lx|%zu", (int)r,
              (unsigned)r, (unsigned)r, (long)r, (unsigned long)r,
              (unsigned long)r, (size_t)r);
    snprintf(model, sizeof model, "%d|%u|%x|%ld|%lu|%lx|%zu", (int)r,
             (unsigned)r, (unsigned)r, (long)r, (unsigned long)r,
             (unsigned long)r, (size_t)r);
    if (!tap_eq_s(mine, model))
      return;
  }
}

static void long_texts_are_cut(void) {
  for (size_t size = 1; size < 12; size++) {
    char text[16];
    memset(text, '#', sizeof text);
    size_t n = gc_format(text, size, "12345%d", 678);
    tap_eq_u(n, size - 1 < 8 ? size - 1 : 8);
    tap_eq_u(strlen(text), n);
    tap_eq_u(memcmp(text, "12345678", n), 0);
    tap_check(text[size] == '#');
  }
}

static void no_room_at_all(void) {
  char c = '#';
  tap_eq_u(gc_format(&c, 0, "%d", 5), 0);
  tap_check(c == '#');
}

static size_t message(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static size_t message(char *text, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t n = gc_format_message(text, size, format, args);
  va_end(args);
  return n;
}

static void messages_are_one_line(void) {
  char text[32];
  tap_eq_u(message(text, sizeof text, "%d things", 5), 18);
  tap_eq_s(text, "Reclaim: 5 things\n");
  message(text, sizeof text, "%d things\n", 5);
  tap_eq_s(text, "Reclaim: 5 things\n");
  message(text, sizeof text, "%s", "");
  tap_eq_s(text, "Reclaim: \n");
  memset(text, '#', sizeof text);
  tap_eq_u(message(text, 20, "%s", "a text that is much too long"), 19);
  tap_eq_s(text, "Reclaim: a text th\n");
  tap_check(text[20] == '#');
}

TAP_MAIN(TAP_CASE(conversions), TAP_CASE(widths_match_the_library),
         TAP_CASE(widths_end_with_the_room), TAP_CASE(null_string),
         TAP_CASE(random_numbers_match_the_library),
         TAP_CASE(long_texts_are_cut), TAP_CASE(no_room_at_all),
         TAP_CASE(messages_are_one_line))
