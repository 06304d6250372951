/* tests/unit/cycle_pacer.c: when a collection is due, by figures alone.
 * SPDX-License-Identifier: MIT
 *
 * No collection runs: what it would report is made up, and the budget that
 * follows is found by trying.
 */
#include "lib/tap.h"

#include "base/switches.h"
#include "cycle/pacer.h"
#include "heap/space.h"

#define KB ((size_t)1024)
#define MB ((size_t)1 << 20)

static void finish(size_t live, size_t leaf, size_t roots) {
  struct gc_pacer_cycle c = {.live = live, .live_leaf = leaf, .roots = roots};
  gc_pacer_finish_cycle(&c);
}

static bool is_due(size_t allocated) {
  gc_store_rlx(&gc_heap.allocated, allocated);
  return gc_pacer_decide(GC_BLOCK_BYTES).collect;
}

/* The least allocation after which a collection is due. */
static size_t budget(void) {
  size_t below = 0, above = (size_t)1 << 40;
  while (below < above) {
    size_t middle = below + (above - below) / 2;
    if (is_due(middle))
      above = middle;
    else
      below = middle + 1;
  }
  return below + 2 * GC_BLOCK_BYTES;
}

static void the_first_comes_within_a_megabyte(void) {
  gc_heap_start(true);
  tap_ge(budget(), 512 * KB);
  tap_le(budget(), MB + 1);
}

static void a_heap_of_nothing_has_a_budget(void) {
  gc_heap_start(true);
  finish(0, 0, 0);
  tap_ge(budget(), 512 * KB);
  tap_le(budget(), 2 * MB + 1);
}

/* Three quarters of libgc's formula for small heaps: twice what is to be scanned, a
 * quarter of what is not, and the roots, by the divisor. */
static void small_heaps_get_less_than_the_formula(void) {
  gc_heap_start(true);
  *gc_switches.free_space_divisor = 3;
  finish(12 * MB, 0, 0);
  tap_ge(budget(), 6 * MB);
  tap_le(budget(), 6 * MB + 1);
  finish(12 * MB, 8 * MB, 2 * MB);
  tap_ge(budget(), 3 * MB);
  tap_le(budget(), 3 * MB + 1);
  *gc_switches.free_space_divisor = 1;
  finish(12 * MB, 8 * MB, 2 * MB);
  tap_ge(budget(), 9 * MB);
}

static void larger_heaps_get_a_quarter_more(void) {
  gc_heap_start(true);
  *gc_switches.free_space_divisor = 4;
  finish(400 * MB, 0, 0);
  tap_ge(budget(), 250 * MB);
  tap_le(budget(), 250 * MB + 1);
}

static void shares_grow_by_and_by(void) {
  gc_heap_start(true);
  *gc_switches.free_space_divisor = 3;
  size_t before = 0;
  for (size_t live = 8 * MB; live < 100 * MB; live += MB) {
    finish(live, 0, 0);
    size_t now = budget();
    tap_ge(now, before);
    tap_check(before == 0 || now - before <= MB * 3 / 2);
    before = now;
  }
  tap_ge(before, 99 * MB * 5 / 6 - MB / 2);
}

static void steps_are_quarter_megabytes(void) {
  gc_heap_start(true);
  finish(12 * MB, 0, 0);
  size_t before = budget();
  finish(12 * MB, 0, 60 * KB);
  tap_eq_u(budget(), before);
}

static void a_divisor_of_zero_counts_as_one(void) {
  gc_heap_start(true);
  *gc_switches.free_space_divisor = 0;
  finish(10 * MB, 0, 0);
  tap_ge(budget(), 15 * MB);
}

static void disabled_means_never(void) {
  gc_heap_start(true);
  tap_check(is_due(100 * MB));
  *gc_switches.dont_gc = 1;
  tap_check(!is_due(100 * MB) && !gc_pacer_is_overdue());
  *gc_switches.dont_gc = 0;
  gc_hooks.disable_automatic = 1;
  tap_check(!is_due(100 * MB));
  gc_hooks.disable_automatic = 0;
  gc_hooks.min_bytes_allocd = 100 * MB;
  tap_check(!is_due(100 * MB - 1));
  tap_check(is_due(100 * MB));
}

static void without_expansion_the_first_budget_stays(void) {
  gc_heap_start(true);
  finish(20 * MB, 0, 0);
  tap_check(!is_due(2 * MB));
  *gc_switches.dont_expand = 1;
  tap_check(is_due(MB));
  tap_check(!is_due(512 * KB));
}

/* What is free may be used up first, then the budget. */
static void free_blocks_delay_the_overdue(void) {
  gc_heap_start(true);
  tap_require(gc_space_expand(100 * MB));
  finish(10 * MB, 0, 0);
  size_t b = budget(), heap = gc_space_heap_bytes();
  gc_store_rlx(&gc_heap.allocated, b + heap - 10 * MB - KB);
  tap_check(!gc_pacer_is_overdue());
  gc_store_rlx(&gc_heap.allocated, b + heap - 10 * MB + KB);
  tap_check(gc_pacer_is_overdue());
}

/* The live, the budget, and a quarter over. */
static void what_the_next_cycle_needs_is_kept(void) {
  gc_heap_start(true);
  *gc_switches.free_space_divisor = 4;
  finish(8 * MB, 0, 0);
  tap_eq_u(gc_pacer_keep_bytes(), (8 + 3) * MB * 5 / 4);
}

/* It is not marked, so marking costs no more; but it is not free. */
static void what_waits_for_notifiers_is_kept(void) {
  struct gc_pacer_cycle c = {.live = 8 * MB, .waiting = 6 * MB};
  gc_heap_start(true);
  *gc_switches.free_space_divisor = 4;
  tap_require(gc_space_expand(200 * MB));
  gc_pacer_finish_cycle(&c);
  tap_le(budget(), 3 * MB + 1);
  tap_eq_u(gc_pacer_keep_bytes(), 14 * MB * 5 / 4 + 3 * MB * 5 / 4);
  size_t spare = gc_space_heap_bytes() - 14 * MB;
  gc_store_rlx(&gc_heap.allocated, 3 * MB + spare - KB);
  tap_check(!gc_pacer_is_overdue());
  gc_store_rlx(&gc_heap.allocated, 3 * MB + spare + KB);
  tap_check(gc_pacer_is_overdue());
}

static void much_that_waits_counts(void) {
  struct gc_pacer_cycle c = {.live = 8 * MB, .waiting = 100 * MB};
  gc_heap_start(true);
  *gc_switches.free_space_divisor = 4;
  gc_pacer_finish_cycle(&c);
  tap_ge(budget(), 30 * MB);
}

TAP_MAIN(TAP_CASE(the_first_comes_within_a_megabyte),
         TAP_CASE(a_heap_of_nothing_has_a_budget),
         TAP_CASE(small_heaps_get_less_than_the_formula),
         TAP_CASE(larger_heaps_get_a_quarter_more),
         TAP_CASE(shares_grow_by_and_by), TAP_CASE(steps_are_quarter_megabytes),
         TAP_CASE(a_divisor_of_zero_counts_as_one),
         TAP_CASE(disabled_means_never),
         TAP_CASE(without_expansion_the_first_budget_stays),
         TAP_CASE(free_blocks_delay_the_overdue),
         TAP_CASE(what_the_next_cycle_needs_is_kept),
         TAP_CASE(what_waits_for_notifiers_is_kept),
         TAP_CASE(much_that_waits_counts))
