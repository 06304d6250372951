/* tests/api/init_macros.c: settings that a program makes by macros before gc.h. SPDX-License-Identifier: MIT */

/*
 * Contract: GC_INIT() makes the settings that the program chose by macros; those
 * that it did not choose are the defaults.
 */
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#define GC_DONT_EXPAND
#define GC_FORCE_UNMAP_ON_GCOLLECT
#define GC_MAX_RETRIES 4
#define GC_FREE_SPACE_DIVISOR 9
#define GC_ALLOCD_BYTES_PER_FINALIZER 333
#define GC_FULL_FREQ 7
#define GC_TIME_LIMIT 25
#define GC_SIG_SUSPEND 35
#define GC_SIG_THR_RESTART 36
#define GC_INITIAL_HEAP_SIZE (5 << 20)
#define GC_MAXIMUM_HEAP_SIZE (16 << 20)
#define GC_IGNORE_WARN
#include <gc/gc.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

static void nothing_is_set_before(void) {
  tap_eq_u(GC_get_dont_expand(), 0);
  tap_eq_u(GC_get_free_space_divisor(), 3);
  tap_eq_u(GC_get_full_freq(), 19);
  tap_eq_u(GC_get_heap_size(), 0);
}

static void numbers_are_set(void) {
  GC_INIT();
  tap_eq_u(GC_get_dont_expand(), 1);
  tap_eq_u(GC_get_force_unmap_on_gcollect(), 1);
  tap_eq_u(GC_get_max_retries(), 4);
  tap_eq_u(GC_get_free_space_divisor(), 9);
  tap_eq_u(GC_get_allocd_bytes_per_finalizer(), 333);
  tap_eq_u(GC_get_full_freq(), 7);
  tap_eq_u(GC_get_time_limit(), 25);
}

static void signals_are_set(void) {
  GC_INIT();
  tap_eq_u(GC_get_suspend_signal(), 35);
  tap_eq_u(GC_get_thr_restart_signal(), 36);
}

static void warnings_are_ignored(void) {
  GC_INIT();
  tap_check(GC_get_warn_proc() == GC_ignore_warn_proc);
}

static void the_heap_has_its_sizes(void) {
  GC_INIT();
  tap_ge(GC_get_heap_size(), 5 << 20);
  tap_check(GC_malloc_atomic(1 << 20) != NULL);
  tap_check(GC_malloc_atomic(20 << 20) == NULL);
  tap_le(GC_get_heap_size(), 16 << 20);
}

TAP_MAIN(TAP_CASE(nothing_is_set_before), TAP_CASE(numbers_are_set),
         TAP_CASE(signals_are_set), TAP_CASE(warnings_are_ignored),
         TAP_CASE(the_heap_has_its_sizes))
