/* src/heap/meta.h: memory for the collector's own tables.
 * SPDX-License-Identifier: MIT
 *
 * Never malloc: a stopped thread may hold its lock. Pieces are powers of two with
 * a free list for each size; free ones of several pages give all but one back.
 * Whole arrays that grow without moving live in a reservation of their own.
 */
#ifndef GC_HEAP_META_H
#define GC_HEAP_META_H

#include "base/config.h"

/* Zeroed, aligned to 64 bytes for sizes of at least 64. Null when out of memory. */
void *gc_meta_alloc(size_t bytes);
/* `bytes` as in the allocation. */
void gc_meta_free(void *p, size_t bytes);

/* An array that grows in place. */
struct gc_extent {
  char *base;
  size_t reserved, committed;
};

/* Reserves `bytes`, or less down to `at_least` when addresses are scarce. */
bool gc_extent_reserve(struct gc_extent *e, size_t bytes, size_t at_least);
/* Makes at least `bytes` usable; false when refused or over the reservation. */
bool gc_extent_commit(struct gc_extent *e, size_t bytes);
/* Returns what exceeds a modest size to the system (it stays usable). */
void gc_extent_trim(struct gc_extent *e);

void gc_meta_lock_for_fork(void);
void gc_meta_unlock_after_fork(bool in_child);

#endif
