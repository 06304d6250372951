/* src/heap/side.h: the side tables of a block. SPDX-License-Identifier: MIT
 */
#ifndef GC_HEAP_SIDE_H
#define GC_HEAP_SIDE_H

#include "heap/mark_bits_inline.h"

/* Gives a block with known slots the tables that its kind wants. False: no memory;
 * then it has none. */
bool gc_side_add(struct gc_block *block, unsigned kind);

/* A block is given up: all its tables go, the hold trace's too. */
void gc_side_drop(struct gc_block *block);

gc_inline size_t gc_side_held_bytes(const struct gc_block *block) {
  return (block->slots + GC_WORD_BITS - 1) / GC_WORD_BITS * sizeof(uint64_t);
}

/* The hold trace has visited the slot. Whoever saw that the slot is allocated, with
 * acquire, sees that. */
gc_inline bool gc_side_is_held(const struct gc_block *block, unsigned slot) {
  const _Atomic uint64_t *held = gc_load_acq(&block->held);
  return held != NULL &&
         (gc_load_rlx(held + (slot >> 6)) & gc_slot_bit(slot)) != 0;
}

#endif
