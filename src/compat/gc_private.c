/* src/compat/gc_private.c: symbols of libgc that no header declares.
 * SPDX-License-Identifier: MIT
 *
 * Its own tests and a few programs use them.
 */
#include "base/format.h"
#include "compat/compat.h"
#include "plat/plat.h"

#include <stdarg.h>

/* ---- Output ---- */

/* Without floating point, and up to a thousand characters. */

GC_API void GC_printf(const char *format, ...) gc_printf_like(1, 2);
GC_API void GC_err_printf(const char *format, ...) gc_printf_like(1, 2);
GC_API void GC_log_printf(const char *format, ...) gc_printf_like(1, 2);

static void write_stdout(const char *text, size_t len) {
  gc_plat_write_text(1, text, len);
}

static void write_stderr(const char *text, size_t len) {
  gc_plat_write_text(2, text, len);
}

__attribute__((format(printf, 2, 0))) static void
print_to(void (*sink)(const char *, size_t), const char *format, va_list args) {
  char text[1024];
  sink(text, gc_format_args(text, sizeof text, format, args));
}

void GC_printf(const char *format, ...) {
  va_list args;
  va_start(args, format);
  print_to(write_stdout, format, args);
  va_end(args);
}

void GC_err_printf(const char *format, ...) {
  va_list args;
  va_start(args, format);
  print_to(write_stderr, format, args);
  va_end(args);
}

void GC_log_printf(const char *format, ...) {
  va_list args;
  va_start(args, format);
  print_to(gc_message_sink, format, args);
  va_end(args);
}

/* ---- Accounts ---- */

GC_API void GC_incr_bytes_allocd(size_t bytes);
GC_API void GC_incr_bytes_freed(size_t bytes);

void GC_incr_bytes_allocd(size_t bytes) {
  gc_add_rlx(&gc_heap.allocated, bytes);
}

void GC_incr_bytes_freed(size_t bytes) { gc_add_rlx(&gc_heap.freed, bytes); }

/* ---- Data ---- */

/* Heads of libgc's lists of free cells. This collector has no such lists, so that
 * who reads a head finds no cell. */
#define LIST_HEADS (2048 / 16 + 1)

static void *no_cells[4][LIST_HEADS];

GC_API void **GC_aobjfreelist_ptr, **GC_objfreelist_ptr, **GC_uobjfreelist_ptr,
    **GC_auobjfreelist_ptr;
void **GC_aobjfreelist_ptr = no_cells[KIND_ATOMIC];
void **GC_objfreelist_ptr = no_cells[KIND_NORMAL];
void **GC_uobjfreelist_ptr = no_cells[KIND_UNCOLL];
void **GC_auobjfreelist_ptr = no_cells[KIND_ATOMIC_UNCOLL];

/* All of libgc's state, whose layout is its own: the size is all that is the same. */
GC_API char GC_arrays[182768];
char GC_arrays[182768];
