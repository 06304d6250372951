/* src/heap/side.h: the side tables of a block. SPDX-License-Identifier: MIT
 *
 * Blocks of debug kinds have a record for each slot, behind the side words, so that
 * other blocks need no field for it.
 */
#ifndef GC_HEAP_SIDE_H
#define GC_HEAP_SIDE_H

#include "heap/mark_bits_inline.h"

/* What is known of an object of a debug kind. */
struct gc_debug_record {
  const char *file; /* site of the allocation, or null */
  size_t asked;     /* bytes; from there to the slot's end is the red zone */
  uint32_t line;
  uint32_t born;           /* collections before the allocation */
  uint32_t died;           /* collections before it came into quarantine */
  _Atomic uint8_t is_full; /* set last: the rest holds, the red zone is there */
  bool is_freed;           /* by hand */
  uint8_t told;            /* bit i: mistake i was reported; [lock reports] */
  uint8_t sightings;       /* [stw] see diag/referrers */
};

/* Gives a block with known slots the tables that its kind wants. False: no memory;
 * then it has none. */
bool gc_side_add(struct gc_block *block, unsigned kind);

/* A block of the kind is given up: all its tables go, the hold trace's too. */
void gc_side_drop(struct gc_block *block, unsigned kind);

gc_inline size_t gc_side_held_bytes(const struct gc_block *block) {
  return (block->slots + GC_WORD_BITS - 1) / GC_WORD_BITS * sizeof(uint64_t);
}

/* Of a block with side words. A notifier may be taking it away meanwhile. */
gc_inline void *gc_side_word(const struct gc_block *block, unsigned slot) {
  return gc_load_rlx(block->side + slot);
}

/* The hold trace has visited the slot. Whoever saw that the slot is allocated, with
 * acquire, sees that. */
gc_inline bool gc_side_is_held(const struct gc_block *block, unsigned slot) {
  const _Atomic uint64_t *held = gc_load_acq(&block->held);
  return held != NULL &&
         (gc_load_rlx(held + (slot >> 6)) & gc_slot_bit(slot)) != 0;
}

/* Of a block of a debug kind. */
gc_inline struct gc_debug_record *gc_side_record(const struct gc_block *block,
                                                 unsigned slot) {
  return (struct gc_debug_record *)(void *)(block->side + block->slots) + slot;
}

#endif
