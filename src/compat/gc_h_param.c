/* src/compat/gc_h_param.c: gc.h: settings. SPDX-License-Identifier: MIT
 *
 * Pairs of a setter and a getter. Where a public variable of the name exists,
 * it is the setting; hooks are the core's. All are one word, read racily.
 */
#include "base/switches.h"
#include "compat/compat.h"
#include "plat/plat.h"

#include <stdlib.h>

/* ---- Settings that are variables ---- */

void GC_set_dont_precollect(int value) { GC_dont_precollect = value; }
int GC_get_dont_precollect(void) { return GC_dont_precollect; }

void GC_set_all_interior_pointers(int value) {
  GC_all_interior_pointers = value != 0;
}

int GC_get_all_interior_pointers(void) { return GC_all_interior_pointers; }

void GC_set_find_leak(int value) { GC_find_leak = value != 0; }
int GC_get_find_leak(void) { return GC_find_leak; }

void GC_set_dont_expand(int value) { GC_dont_expand = value; }
int GC_get_dont_expand(void) { return GC_dont_expand; }

void GC_set_free_space_divisor(GC_word value) {
  gc_check(value > 0);
  GC_free_space_divisor = value;
}

GC_word GC_get_free_space_divisor(void) { return GC_free_space_divisor; }

void GC_set_non_gc_bytes(GC_word value) { GC_non_gc_bytes = value; }
GC_word GC_get_non_gc_bytes(void) { return GC_non_gc_bytes; }

void GC_set_max_retries(GC_word value) { GC_max_retries = value; }
GC_word GC_get_max_retries(void) { return GC_max_retries; }

void GC_set_no_dls(int value) { GC_no_dls = value; }
int GC_get_no_dls(void) { return GC_no_dls; }

int GC_get_parallel(void) { return GC_parallel; }
GC_word GC_get_gc_no(void) { return GC_gc_no; }

void GC_set_on_heap_resize(GC_on_heap_resize_proc proc) {
  GC_on_heap_resize = proc;
}

GC_on_heap_resize_proc GC_get_on_heap_resize(void) { return GC_on_heap_resize; }

void GC_set_push_other_roots(GC_push_other_roots_proc proc) {
  GC_push_other_roots = proc;
}

GC_push_other_roots_proc GC_get_push_other_roots(void) {
  return GC_push_other_roots;
}

/* ---- Settings of the core ---- */

void GC_set_disable_automatic_collection(int value) {
  gc_hooks.disable_automatic = value != 0;
}

int GC_get_disable_automatic_collection(void) {
  return gc_hooks.disable_automatic;
}

void GC_set_min_bytes_allocd(size_t value) {
  gc_hooks.min_bytes_allocd = value;
}

size_t GC_get_min_bytes_allocd(void) {
  size_t value = gc_hooks.min_bytes_allocd;
  return value == 0 ? 1 : value;
}

void GC_set_start_callback(GC_start_callback_proc proc) {
  gc_hooks.start = proc;
}

GC_start_callback_proc GC_get_start_callback(void) { return gc_hooks.start; }

void GC_set_pages_executable(int value) { gc_plat_set_executable(value != 0); }
int GC_get_pages_executable(void) { return gc_plat_is_executable(); }

/* The collecting thread marks alone, whatever the program wishes. */
void GC_set_markers_count(unsigned markers) { (void)markers; }

/* ---- Trouble ---- */

static int client_log_fd;

static void write_log_fd(const char *text, size_t len) {
  gc_plat_write_text(client_log_fd, text, len);
}

void GC_set_log_fd(int fd) {
  client_log_fd = fd;
  gc_message_sink = write_log_fd;
}

void GC_set_oom_fn(GC_oom_func fn) { GC_oom_fn = fn; }
GC_oom_func GC_get_oom_fn(void) { return GC_oom_fn; }

/* What the getters answer while the client has set nothing; for the core that
 * is a null hook. */
static void warn_on_stderr(char *format, GC_word arg) {
  gc_plat_message(format, arg);
}

void GC_set_warn_proc(GC_warn_proc proc) {
  gc_hooks.warn = proc == warn_on_stderr ? NULL : proc;
}

GC_warn_proc GC_get_warn_proc(void) {
  GC_warn_proc proc = gc_hooks.warn;
  return proc == NULL ? warn_on_stderr : proc;
}

void GC_ignore_warn_proc(char *format, GC_word arg) {
  (void)format;
  (void)arg;
}

static void write_message(const char *message) {
  if (message != NULL)
    gc_plat_message("%s", message);
}

/* The default: the core has written the message when it calls this. */
GC_abort_func GC_on_abort = write_message;

static void call_on_abort(const char *message) {
  if (GC_on_abort != write_message && GC_on_abort != NULL)
    GC_on_abort(message);
}

__attribute__((constructor)) static void hear_of_aborts(void) {
  gc_abort_hook = call_on_abort;
}

void GC_set_abort_func(GC_abort_func fn) { GC_on_abort = fn; }
GC_abort_func GC_get_abort_func(void) { return GC_on_abort; }

/* The end of a program that ran out of memory is no crash, in libgc as here. */
void GC_abort_on_oom(void) {
  gc_plat_message("insufficient memory for the allocation");
  call_on_abort(NULL);
  exit(1);
}
