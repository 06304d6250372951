/* src/reclaim/classify.h: what a collection left in a block.
 * SPDX-License-Identifier: MIT
 *
 * There is no sweep of objects: the marks are the new allocation map. A block
 * only has to be classified once an epoch, before anything is claimed in it:
 * its slots counted and its old map cleared for the next marking.
 */
#ifndef GC_RECLAIM_CLASSIFY_H
#define GC_RECLAIM_CLASSIFY_H

#include "heap/mark_bits_inline.h"

gc_inline bool gc_block_is_classified(gc_block_id b) {
  return gc_heap.blocks[b].epoch == gc_heap.epoch;
}

/* The pool's lock is held. Returns the number of allocated slots. */
unsigned gc_classify_block(gc_block_id b);

/* All of the heap, small and large: before the next marking, or when free blocks
 * are wanted. Returns quickly when there is nothing left to do. */
void gc_classify_rest(void);
bool gc_classify_is_complete(void);

/* After a flip (world stopped). */
void gc_classify_restart(void);

#endif
