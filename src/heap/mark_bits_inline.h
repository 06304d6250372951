/* src/heap/mark_bits_inline.h: the two bit maps of a block.
 * SPDX-License-Identifier: MIT
 *
 * Plain changes of words that others may read at the same time are written as
 * relaxed load and store: the writers exclude each other by the pool's lock or
 * because the world is stopped (see heap.h). In blocks that are not classified the
 * hold trace sets bits at the same time, so clearing ranges is one exchange a word.
 */
#ifndef GC_HEAP_MARK_BITS_INLINE_H
#define GC_HEAP_MARK_BITS_INLINE_H

#include "heap/heap.h"

/* First pair of a block. */
gc_inline _Atomic uint64_t *gc_maps_of(gc_block_id b) {
  return gc_heap.maps + ((size_t)b << GC_MAP_SHIFT);
}

/* Word of the map `which` (a parity) that holds a slot's bit. */
gc_inline _Atomic uint64_t *gc_map_word(gc_block_id b, unsigned slot,
                                        unsigned which) {
  return gc_maps_of(b) + ((slot >> 6) << 1) + which;
}

gc_inline uint64_t gc_slot_bit(unsigned slot) {
  return (uint64_t)1 << (slot & 63);
}

gc_inline bool gc_map_test(gc_block_id b, unsigned slot, unsigned which) {
  return gc_load_rlx(gc_map_word(b, slot, which)) & gc_slot_bit(slot);
}

gc_inline void gc_map_set(gc_block_id b, unsigned slot, unsigned which) {
  _Atomic uint64_t *w = gc_map_word(b, slot, which);
  gc_store_rlx(w, gc_load_rlx(w) | gc_slot_bit(slot));
}

gc_inline void gc_map_clear(gc_block_id b, unsigned slot, unsigned which) {
  _Atomic uint64_t *w = gc_map_word(b, slot, which);
  gc_store_rlx(w, gc_load_rlx(w) & ~gc_slot_bit(slot));
}

gc_inline unsigned gc_map_alloc(void) { return gc_heap.parity; }
gc_inline unsigned gc_map_mark(void) { return gc_heap.parity ^ 1; }

/* Words of one map that a block with this many slots uses. */
gc_inline unsigned gc_map_words(unsigned slots) { return (slots + 63) >> 6; }

/* Slot numbers that exist in word i of a map. */
gc_inline uint64_t gc_map_valid(unsigned slots, unsigned i) {
  unsigned below = slots - (i << 6);
  return below >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << below) - 1;
}

/* Sets bits [from, to) of one map. */
void gc_map_set_range(gc_block_id b, unsigned from, unsigned to,
                      unsigned which);
void gc_map_clear_range(gc_block_id b, unsigned from, unsigned to,
                        unsigned which);
unsigned gc_map_count(gc_block_id b, unsigned which);
bool gc_map_is_zero(gc_block_id b, unsigned which);

#endif
