/* src/reclaim/large.h: objects of whole blocks. SPDX-License-Identifier: MIT
 *
 * A large object is a LARGE block and TAIL blocks that name it. Its bits are slot
 * 0 of the head's maps. Dead ones are freed together, once an epoch, before the
 * heap would grow. The large lock guards the table of heads and their bits.
 */
#ifndef GC_RECLAIM_LARGE_H
#define GC_RECLAIM_LARGE_H

#include "heap/find.h"

/* Takes blocks for an object of `bytes` (a multiple of 16) and makes it
 * allocated, cleared if its kind wants it. Null: no room without growth, or
 * growth refused. */
void *gc_large_alloc(size_t bytes, unsigned kind, unsigned block_flags,
                     bool may_grow);
void gc_large_free(gc_block_id head);

/* Changes the size in place; false when the blocks behind are not free. The new
 * part is cleared if the kind wants it. */
bool gc_large_resize(gc_block_id head, size_t bytes);

void gc_large_reclaim(void);

/* Runs f for each large object (world stopped, or under no lock at all). */
void gc_large_each(void (*f)(gc_block_id head, void *), void *cx);
/* The same while the world runs; what it calls takes no lock of this rank or below. */
void gc_large_each_locked(void (*f)(gc_block_id head, void *), void *cx);

void gc_large_lock_for_fork(void);
void gc_large_unlock_after_fork(void);

#endif
