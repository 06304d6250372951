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

/* While the gate is closed nothing is classified: the hold trace still reads from the
 * old maps what died. A closed gate closes in the stop only, so who is in a region
 * that defers stops may rely on an open one. */
extern _Atomic bool gc_classify_closed;
gc_inline bool gc_classify_is_closed(void) {
  return gc_load_acq(&gc_classify_closed);
}
void gc_classify_set_closed(bool closed);

/* The pool's lock is held. Returns the number of allocated slots. */
unsigned gc_classify_block(gc_block_id b);

/* All of the heap, small and large: before the next marking, or when free blocks
 * are wanted. Returns quickly when there is nothing left to do, or when the gate is
 * closed. */
void gc_classify_rest(void);
bool gc_classify_is_complete(void);

/* After a flip (world stopped). */
void gc_classify_restart(void);

#endif
