/* src/heap/mark_bits.c: ranges and counts of a block's bit maps.
 * SPDX-License-Identifier: MIT
 */
#include "heap/mark_bits_inline.h"

/* Applies op to each word of [from, to) with the bits that lie in the range. */
#define EACH_WORD(b, from, to, which, word, bits, op)                          \
  for (unsigned i_ = (from) >> 6; i_ << 6 < (to); i_++) {                      \
    unsigned lo_ = (from) > i_ << 6 ? (from) - (i_ << 6) : 0;                  \
    unsigned hi_ = (to) - (i_ << 6) < 64 ? (to) - (i_ << 6) : 64;              \
    uint64_t bits = gc_bits_range(lo_, hi_);                                   \
    _Atomic uint64_t *word = gc_maps_of(b) + (i_ << 1) + (which);              \
    op;                                                                        \
  }

void gc_map_set_range(gc_block_id b, unsigned from, unsigned to,
                      unsigned which) {
  EACH_WORD(b, from, to, which, w, bits,
            gc_store_rlx(w, gc_load_rlx(w) | bits));
}

void gc_map_clear_range(gc_block_id b, unsigned from, unsigned to,
                        unsigned which) {
  EACH_WORD(b, from, to, which, w, bits, (void)gc_and_acq_rel(w, ~bits));
}

unsigned gc_map_count(gc_block_id b, unsigned which) {
  unsigned n = 0, words = gc_map_words(gc_heap.blocks[b].slots);
  for (unsigned i = 0; i < words; i++)
    n += gc_bits_count(gc_load_rlx(gc_maps_of(b) + (i << 1) + which));
  return n;
}

bool gc_map_is_zero(gc_block_id b, unsigned which) {
  unsigned words = gc_map_words(gc_heap.blocks[b].slots);
  for (unsigned i = 0; i < words; i++)
    if (gc_load_rlx(gc_maps_of(b) + (i << 1) + which))
      return false;
  return true;
}
