/* src/alloc/alloc_inline.h: the allocator's fast path. SPDX-License-Identifier: MIT
 *
 * Size to granules, granules to cell, bump. An unknown thread, a collector that
 * has not started, an empty cell: all are an empty cell. Objects were cleared
 * when their run was claimed.
 */
#ifndef GC_ALLOC_ALLOC_INLINE_H
#define GC_ALLOC_ALLOC_INLINE_H

#include "alloc/alloc.h"
#include "heap/tlab.h"
#include "world/stop.h"

/* Null when the run is used up. */
gc_inline void *gc_cell_bump(struct gc_cell *cell, size_t bytes) {
  char *p = cell->cur;
  if (gc_unlikely((size_t)(cell->end - p) < bytes))
    return NULL;
  cell->cur = p + bytes;
  return p;
}

/* kind is KIND_NORMAL or KIND_ATOMIC, a constant. */
gc_inline void *gc_alloc_fast(size_t bytes, unsigned kind) {
  if (GC_TSAN_BUILD)
    gc_stop_poll(); /* the sanitiser delays signals */
  size_t granules = (bytes + gc_heap_round) >> GC_GRANULE_SHIFT;
  if (gc_likely(granules <= GC_EXACT_CLASSES)) {
    struct gc_tlab *tlab = gc_tlab_of(gc_self());
    struct gc_cell *cell =
        kind == KIND_NORMAL ? &tlab->normal[granules] : &tlab->atomic[granules];
    char *p = cell->cur;
    char *q = p + (granules << GC_GRANULE_SHIFT);
    if (gc_likely(q <= cell->end && granules != 0)) {
      cell->cur = q;
      return p;
    }
  }
  return gc_alloc_slow(bytes, kind);
}

/* Of a kind that somebody made, of which the thread may have no cells yet; not of an
 * uncollectable one, whose objects have no spare byte. */
gc_inline void *gc_alloc_of_kind(size_t bytes, unsigned kind) {
  if (GC_TSAN_BUILD)
    gc_stop_poll();
  size_t granules = (bytes + gc_heap_round) >> GC_GRANULE_SHIFT;
  struct gc_cell *cells = gc_tlab_of(gc_self())->kinds[kind];
  if (gc_likely(cells != NULL && granules - 1 < GC_EXACT_CLASSES)) {
    char *p = gc_cell_bump(&cells[granules], granules << GC_GRANULE_SHIFT);
    if (gc_likely(p != NULL))
      return p;
  }
  return gc_alloc(bytes, kind);
}

#endif
