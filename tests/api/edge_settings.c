/* tests/api/edge_settings.c: settings and sizes out of their range. SPDX-License-Identifier: MIT */

/*
 * Contract: values that make no sense never end a program that libgc lets live,
 * the same in alignments, settings, and what a thread announces about itself.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

/* Compilers warn of what they know. */
static void *volatile nothing;

static void use_the_heap(void) {
  for (int i = 0; i < 20000; i++)
    GC_malloc(100);
  GC_gcollect();
}

/* ---- Alignments ---- */

static void alignments_of_any_number(void) {
  enum { SIZES = 8 };
  static const size_t aligns[] = {24, 48, 100, 1000};
  char *kept[sizeof aligns / sizeof *aligns][SIZES];
  GC_INIT();
  for (size_t a = 0; a < sizeof aligns / sizeof *aligns; a++)
    for (size_t i = 0; i < SIZES; i++) {
      kept[a][i] = GC_memalign(aligns[a], 1 + 77 * i);
      tap_require(kept[a][i] != NULL);
      tap_eq_u((uintptr_t)kept[a][i] % aligns[a], 0);
      gu_fill(kept[a][i], 1 + 77 * i, a + i);
    }
  use_the_heap();
  for (size_t a = 0; a < sizeof aligns / sizeof *aligns; a++)
    for (size_t i = 0; i < SIZES; i++)
      tap_require(gu_is_intact(kept[a][i], 1 + 77 * i, a + i));
}

static void small_alignments_of_any_number(void) {
  GC_INIT();
  for (size_t align = 0; align <= 16; align++) {
    char *p = GC_memalign(align, 40);
    tap_require(p != NULL);
    tap_check(GC_base(p) == p);
    gu_fill(p, 40, align);
  }
}

/* ---- Settings ---- */

static void amounts_of_increments_out_of_range(void) {
  struct GC_timeval_s tv = {3, 5000000};
  GC_INIT();
  GC_set_full_freq(-1);
  tap_check(GC_get_full_freq() == -1);
  GC_set_rate(-2);
  tap_check(GC_get_rate() == -2);
  GC_set_rate(0);
  tap_check(GC_get_rate() == 0);
  GC_set_max_prior_attempts(-3);
  tap_check(GC_get_max_prior_attempts() == -3);
  GC_set_time_limit_tv(tv);
  tv = GC_get_time_limit_tv();
  tap_eq_u(tv.tv_ms, 3);
  tap_eq_u(tv.tv_nsec, 5000000);
  use_the_heap();
}

static void no_least_allocation_at_all(void) {
  GC_INIT();
  GC_set_min_bytes_allocd(0);
  tap_le(GC_get_min_bytes_allocd(), 1);
  GC_word before = GC_get_gc_no();
  for (int i = 0; i < 40; i++)
    use_the_heap();
  tap_ge(GC_get_gc_no(), before + 40);
}

/* ---- Threads ---- */

static void a_known_thread_needs_no_base(void) {
  GC_INIT();
  GC_allow_register_threads();
  tap_eq_u(GC_register_my_thread(nothing), GC_DUPLICATE);
  tap_eq_u(GC_thread_is_registered(), 1);
  use_the_heap();
}

static void alternate_stacks_at_no_address(void) {
  GC_INIT();
  GC_register_altstack(nothing, 100, nothing, 100);
  GC_register_altstack(nothing, 0, nothing, 0);
  tap_eq_u(GC_thread_is_registered(), 1);
}

TAP_MAIN(TAP_CASE(alignments_of_any_number),
         TAP_CASE(small_alignments_of_any_number),
         TAP_CASE(amounts_of_increments_out_of_range),
         TAP_CASE(no_least_allocation_at_all),
         TAP_CASE(a_known_thread_needs_no_base),
         TAP_CASE(alternate_stacks_at_no_address))
