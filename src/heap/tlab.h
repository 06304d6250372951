/* src/heap/tlab.h: a thread's allocation cells. SPDX-License-Identifier: MIT
 *
 * For each kind and size class a cell: the run [cur, end) from which objects are
 * bumped, and a few cells freed by hand that are used again first. Only the owner
 * changes a cell; the collector never takes a run away (it marks the run's tail,
 * see mark/rootscan), because the owner may be stopped between loading and
 * storing `cur`.
 */
#ifndef GC_HEAP_TLAB_H
#define GC_HEAP_TLAB_H

#include "heap/heap.h"
#include "plat/self.h"

#define GC_FREED_MAX 16u

/* Objects freed by hand that keep their allocation bit; newest last. */
struct gc_freed {
  uint32_t count;
  char *slot[GC_FREED_MAX];
};

struct gc_cell {
  char *cur, *end;
  struct gc_freed *freed; /* null until the first free */
  uint32_t claim_bytes;   /* size of the next claim: grows with use */
  uint32_t pad;
};
_Static_assert(sizeof(struct gc_cell) == 32, "a cell is found by a shift");

struct gc_tlab {
  struct gc_cell atomic[GC_MAX_CLASSES]; /* kind 0 */
  struct gc_cell normal[GC_MAX_CLASSES]; /* kind 1 */
  struct gc_cell *kinds[GC_MAX_KINDS];   /* all kinds; null until used */
  size_t freed_bytes; /* freed by hand, not yet added to the heap's account */
};
_Static_assert(sizeof(struct gc_tlab) <= GC_SELF_UPPER_BYTES,
               "the allocator's part of a thread record");

gc_inline struct gc_tlab *gc_tlab_of(struct gc_self *self) {
  return (struct gc_tlab *)gc_self_upper(self);
}

/* The slot at `p` is claimed but belongs to nobody: it was not handed out yet, or
 * was freed by hand. To be asked by the owner or in the stop. */
gc_inline bool gc_cell_has(const struct gc_cell *cell, const char *p) {
  if (p >= cell->cur && p < cell->end)
    return true;
  for (uint32_t i = 0; cell->freed != NULL && i < cell->freed->count; i++)
    if (cell->freed->slot[i] == p)
      return true;
  return false;
}

#endif
