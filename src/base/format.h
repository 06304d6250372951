/* src/base/format.h: a small printf into a buffer. SPDX-License-Identifier: MIT
 *
 * No malloc, no locale, no errno: usable in signal handlers and in the stop.
 * Understands %s %c %d %u %x %p %% with the lengths l and z, a width, as digits or *,
 * and the flags - and 0 with it.
 */
#ifndef GC_BASE_FORMAT_H
#define GC_BASE_FORMAT_H

#include "base/compiler.h"

#include <stdarg.h>
#include <stddef.h>

/* Writes at most size-1 characters and a zero. Returns the characters written.
 */
size_t gc_format(char *buffer, size_t size, const char *format, ...)
    gc_printf_like(3, 4);
size_t gc_format_args(char *buffer, size_t size, const char *format,
                      va_list args) __attribute__((format(printf, 3, 0)));
/* A line for people: begins with the collector's name, ends with one newline. */
size_t gc_format_message(char *buffer, size_t size, const char *format,
                         va_list args) __attribute__((format(printf, 3, 0)));

#endif
