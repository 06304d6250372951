/* src/heap/space.h: free blocks, growth of the heap, pages given back.
 * SPDX-License-Identifier: MIT
 *
 * Free blocks below `used` are in one of two bit maps: resident, or discarded
 * (pages returned to the system; using one again is growth). Search is first fit
 * by address. All under the blocks lock.
 */
#ifndef GC_HEAP_SPACE_H
#define GC_HEAP_SPACE_H

#include "heap/heap.h"

void gc_space_start(void);

/* n adjacent blocks. Without `may_grow` only resident free ones. Returns 0 when
 * there are none, or when the limit or the system refuses. Both maps of the
 * blocks are zero; hot is still FREE; `pristine_from` tells what is zero. */
gc_block_id gc_space_take(uint32_t n, bool may_grow);

/* Takes exactly these blocks if all are free (growth in place). */
bool gc_space_take_at(gc_block_id b, uint32_t n);

/* Gives blocks back; maps are zero, hot is set to FREE here. */
void gc_space_give(gc_block_id b, uint32_t n);

/* Enlarges the heap by free blocks that are used before the next collection is
 * considered. False when refused. */
bool gc_space_expand(size_t bytes);

/* Returns pages of blocks that have been free for `age` epochs; all: at once.
 * Keeps at least `keep_bytes` resident. Returns bytes given back. */
size_t gc_space_discard(uint32_t age, size_t keep_bytes);

void gc_space_set_limit(size_t bytes); /* 0: none */
size_t gc_space_limit(void);

/* Bytes in blocks below used, discarded ones not counted. */
size_t gc_space_heap_bytes(void);
size_t gc_space_free_bytes(void); /* resident free blocks */
size_t gc_space_discarded_bytes(void);

/* Called after the heap grew, outside all locks of this layer, with the new size. */
extern void (*gc_space_on_resize)(size_t heap_bytes);
/* Runs the upcall if the heap grew since it last ran. No lock is held. */
void gc_space_report_growth(void);

void gc_space_lock_for_fork(void);
void gc_space_unlock_after_fork(bool in_child);

bool gc_space_check(void);

#endif
