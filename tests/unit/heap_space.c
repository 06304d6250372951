/* tests/unit/heap_space.c: free blocks against a model; growth, limit, discard.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "base/switches.h"
#include "heap/space.h"
#include "plat/plat.h"

#define MAX_BLOCKS 2000u

static void random_takes_and_gives(void) {
  static uint8_t owner[MAX_BLOCKS];
  struct {
    gc_block_id b;
    uint32_t n;
  } held[200] = {{0, 0}};
  gc_heap_start(true);
  for (unsigned step = 0; step < 20000; step++) {
    unsigned i = (unsigned)(tap_rand() % 200);
    if (held[i].b != 0) {
      for (uint32_t k = 0; k < held[i].n; k++)
        owner[held[i].b + k] = 0;
      gc_space_give(held[i].b, held[i].n);
      held[i].b = 0;
      continue;
    }
    uint32_t n = 1 + (uint32_t)(tap_rand() % 4 == 0 ? tap_rand() % 20 : 0);
    gc_block_id b = gc_space_take(n, tap_rand() % 2);
    if (b == 0 || b + n >= MAX_BLOCKS)
      continue;
    for (uint32_t k = 0; k < n; k++) {
      tap_check(owner[b + k] == 0);
      owner[b + k] = 1;
    }
    held[i].b = b;
    held[i].n = n;
    if (step % 500 == 0) {
      gc_space_discard(0, (size_t)(tap_rand() % 100) << GC_BLOCK_SHIFT);
      tap_check(gc_space_check());
    }
  }
  tap_check(gc_space_check());
}

static void discarded_blocks_read_as_zero(void) {
  gc_heap_start(true);
  gc_block_id b = gc_space_take(4, true);
  tap_require(b != 0);
  __builtin_memset(gc_block_address(b), 0xaa, 4 * GC_BLOCK_BYTES);
  for (unsigned i = 0; i < 4; i++)
    gc_heap.blocks[b + i].pristine_from = GC_BLOCK_BYTES;
  gc_space_give(b, 4);
  size_t heap = gc_space_heap_bytes();
  tap_eq_u(gc_space_discard(0, 0), 4 * GC_BLOCK_BYTES);
  tap_eq_u(gc_space_heap_bytes(), heap - 4 * GC_BLOCK_BYTES);
  tap_eq_u(gc_space_discarded_bytes(), 4 * GC_BLOCK_BYTES);
  tap_eq_u(gc_space_take(4, false), 0); /* using them again is growth */
  tap_eq_u(gc_space_take(4, true), b);
  for (size_t i = 0; i < 4 * GC_BLOCK_BYTES; i++)
    if (gc_block_address(b)[i] != 0)
      tap_require(false);
  tap_eq_u(gc_heap.blocks[b].pristine_from, 0);
}

static void young_free_blocks_stay(void) {
  gc_heap_start(true);
  gc_block_id b = gc_space_take(2, true);
  gc_space_give(b, 2);
  tap_eq_u(gc_space_discard(2, 0), 0);
  gc_heap.epoch++;
  tap_eq_u(gc_space_discard(2, 0), 0);
  gc_heap.epoch++;
  tap_eq_u(gc_space_discard(2, 0), 2 * GC_BLOCK_BYTES);
}

static void what_is_to_be_kept_is_not_discarded(void) {
  gc_heap_start(true);
  gc_block_id b = gc_space_take(10, true);
  gc_space_give(b, 10);
  size_t heap = gc_space_heap_bytes();
  tap_eq_u(gc_space_discard(0, heap), 0);
  tap_eq_u(gc_space_discard(0, heap - 3 * GC_BLOCK_BYTES), 3 * GC_BLOCK_BYTES);
  tap_eq_u(gc_space_free_bytes(), 7 * GC_BLOCK_BYTES);
  tap_eq_u(gc_space_take(7, false), b); /* the low ones stay */
}

/* A block is taken by number only while it is free and has its pages. */
static void growth_in_place_takes_free_blocks_only(void) {
  gc_heap_start(true);
  gc_block_id b = gc_space_take(8, true);
  tap_require(b != 0);
  gc_space_give(b + 2, 3);
  tap_check(!gc_space_take_at(b + 1, 1));
  tap_check(!gc_space_take_at(b + 2, 4));
  tap_check(gc_space_take_at(b + 2, 2));
  tap_check(!gc_space_take_at(b + 2, 1));
  tap_eq_u(gc_space_free_bytes(), GC_BLOCK_BYTES);
  gc_space_discard(0, 0);
  tap_check(!gc_space_take_at(b + 4, 1));
  gc_space_give(b + 5, 3);
  tap_check(!gc_space_take_at(b + 5, 4)); /* behind the last block */
  tap_check(gc_space_check());
}

static void limit_stops_growth(void) {
  gc_heap_start(true);
  gc_space_set_limit(8 * GC_BLOCK_BYTES);
  tap_check(gc_space_take(8, true) != 0);
  tap_eq_u(gc_space_take(1, true), 0);
  tap_check(!gc_space_expand(1));
  gc_space_set_limit(0);
  tap_check(gc_space_take(1, true) != 0);
}

/* Their pages come back: that is growth like any other. */
static void limit_counts_discarded_blocks_when_used_again(void) {
  gc_heap_start(true);
  gc_block_id b = gc_space_take(8, true);
  tap_require(b != 0);
  gc_space_give(b, 4);
  gc_space_discard(0, 0);
  gc_space_set_limit(6 * GC_BLOCK_BYTES);
  tap_eq_u(gc_space_take(3, true), 0);
  tap_eq_u(gc_space_take(2, true), b);
  tap_eq_u(gc_space_take(1, true), 0);
  tap_eq_u(gc_space_heap_bytes(), 6 * GC_BLOCK_BYTES);
}

static void failing_commits_are_survived(void) {
  gc_heap_start(true);
  gc_plat_fail_every(1);
  tap_eq_u(gc_space_take(4096, true), 0);
  gc_plat_fail_every(0);
  tap_check(gc_space_take(4096, true) != 0);
  tap_check(gc_space_check());
}

static void first_block_is_never_handed_out(void) {
  gc_heap_start(true);
  tap_check(gc_space_take(1, true) >= 1);
  tap_check(!gc_heap_has(gc_heap.base));
}

static bool is_plausible(const char *p) {
  return p >= (char *)*gc_switches.least_plausible &&
         p <= (char *)*gc_switches.greatest_plausible;
}

/* Client mark procedures compare with the bounds, so these enclose whatever has
 * been handed out, also where no growth is reported because discarded blocks
 * outweigh it. */
static void bounds_enclose_what_is_taken(void) {
  gc_heap_start(true);
  for (uint32_t n = 1; n < 200; n++) {
    gc_block_id b = gc_space_take(n, true);
    tap_require(b != 0);
    tap_check(is_plausible(gc_block_address(b)));
    tap_check(is_plausible(gc_block_address(b + n) - 1));
    gc_space_give(b, n);
    gc_space_discard(0, 0);
  }
  tap_check(!is_plausible(gc_heap.base));
  tap_check(gc_space_expand(300 * GC_BLOCK_BYTES));
  gc_block_id b = gc_space_take(300, false);
  tap_require(b != 0);
  tap_check(is_plausible(gc_block_address(b + 300) - 1));
}

TAP_MAIN(TAP_CASE(bounds_enclose_what_is_taken),
         TAP_CASE(random_takes_and_gives),
         TAP_CASE(discarded_blocks_read_as_zero),
         TAP_CASE(young_free_blocks_stay), TAP_CASE(limit_stops_growth),
         TAP_CASE(what_is_to_be_kept_is_not_discarded),
         TAP_CASE(growth_in_place_takes_free_blocks_only),
         TAP_CASE(limit_counts_discarded_blocks_when_used_again),
         TAP_CASE(failing_commits_are_survived),
         TAP_CASE(first_block_is_never_handed_out))
