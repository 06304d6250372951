/* extra/hexpr/decimal.h: doubles as text, in any locale. SPDX-License-Identifier: MIT */
/* The C library writes and reads the decimal point of the program's locale. Texts of
 * expressions have a full stop everywhere, so the thread has the locale "C" meanwhile,
 * which always exists. */
#ifndef HEXPR_DECIMAL_H
#define HEXPR_DECIMAL_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

/* What strtod does. */
static inline double ex_decimal_read(const char *text, char **out_end) {
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  locale_t before = uselocale(plain);
  double value = strtod(text, out_end);
  uselocale(before);
  if (plain != (locale_t)0)
    freelocale(plain);
  return value;
}

/* The fewest of at least 15 digits, which is what every decimal of so many keeps, that
 * read back as the same VALUE, which is finite. */
static inline void ex_decimal_write(double value, char *out, size_t bytes) {
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  locale_t before = uselocale(plain);
  int digits = 15;
  do
    snprintf(out, bytes, "%.*g", digits++, value);
  while (strtod(out, NULL) != value && digits <= 17);
  uselocale(before);
  if (plain != (locale_t)0)
    freelocale(plain);
}

#endif
