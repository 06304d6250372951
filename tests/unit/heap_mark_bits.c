/* tests/unit/heap_mark_bits.c: bit maps of a block against a model of bytes.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "heap/mark_bits_inline.h"
#include "heap/space.h"

#define SLOTS 4096u

static gc_block_id take_block(unsigned slots) {
  gc_heap_start(true);
  gc_block_id b = gc_space_take(1, true);
  tap_require(b != 0);
  gc_heap.blocks[b].slots = (uint16_t)slots;
  return b;
}

static void ranges_match_a_model(void) {
  static bool model[2][SLOTS];
  gc_block_id b = take_block(SLOTS);
  for (unsigned step = 0; step < 3000; step++) {
    unsigned from = (unsigned)(tap_rand() % (SLOTS + 1));
    unsigned to = from + (unsigned)(tap_rand() % (SLOTS + 1 - from));
    if (tap_rand() % 2)
      to = from + (to - from) % 130;
    unsigned which = (unsigned)tap_rand() % 2;
    bool on = tap_rand() % 2;
    if (on)
      gc_map_set_range(b, from, to, which);
    else
      gc_map_clear_range(b, from, to, which);
    for (unsigned i = from; i < to; i++)
      model[which][i] = on;
  }
  unsigned count[2] = {0, 0}, wrong = 0;
  for (unsigned w = 0; w < 2; w++)
    for (unsigned i = 0; i < SLOTS; i++) {
      count[w] += model[w][i];
      wrong += gc_map_test(b, i, w) != model[w][i];
    }
  tap_eq_u(wrong, 0);
  tap_eq_u(gc_map_count(b, 0), count[0]);
  tap_eq_u(gc_map_count(b, 1), count[1]);
}

static void single_bits(void) {
  gc_block_id b = take_block(100);
  tap_check(gc_map_is_zero(b, 0) && gc_map_is_zero(b, 1));
  gc_map_set(b, 99, 1);
  tap_check(gc_map_test(b, 99, 1) && !gc_map_test(b, 99, 0));
  tap_check(!gc_map_is_zero(b, 1) && gc_map_is_zero(b, 0));
  gc_map_clear(b, 99, 1);
  tap_check(gc_map_is_zero(b, 1));
}

static void valid_bits_end_at_the_last_slot(void) {
  for (unsigned slots = 1; slots <= SLOTS; slots++) {
    unsigned valid = 0;
    for (unsigned i = 0; i < gc_map_words(slots); i++)
      valid += gc_bits_count(gc_map_valid(slots, i));
    tap_eq_u(valid, slots);
  }
  tap_eq_u(gc_map_valid(64, 0), UINT64_MAX);
  tap_eq_u(gc_map_valid(65, 1), 1);
  tap_eq_u(gc_map_valid(1, 0), 1);
  tap_eq_u(gc_map_words(65), 2);
  tap_eq_u(gc_map_words(64), 1);
}

TAP_MAIN(TAP_CASE(ranges_match_a_model), TAP_CASE(single_bits),
         TAP_CASE(valid_bits_end_at_the_last_slot))
