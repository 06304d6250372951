/* src/mark/mark_inline.h: marking one word. SPDX-License-Identifier: MIT
 *
 * The hottest code of a collection. Everything it reads again and again is in a
 * view, a local struct whose address is never taken, so that it lives in
 * registers: stack stores could alias globals and force reloads.
 */
#ifndef GC_MARK_MARK_INLINE_H
#define GC_MARK_MARK_INLINE_H

#include "mark/mark.h"

struct gc_mark_view {
  uint64_t base, used;
  const _Atomic uint64_t *hot;
  uint64_t *alloc; /* maps + parity */
  ptrdiff_t mark;  /* from an allocation word to its mark word: +1 or -1 */
};

gc_inline struct gc_mark_view gc_mark_view(void) {
  return (struct gc_mark_view){
      (uint64_t)(uintptr_t)gc_heap.base, gc_load_rlx(&gc_heap.used),
      gc_heap.hot, (uint64_t *)(void *)gc_heap.maps + gc_map_alloc(),
      gc_map_alloc() == 0 ? 1 : -1};
}

#define GREY_SIZE_SHIFT 48u
#define GREY_ADDRESS_MASK (((uint64_t)1 << GREY_SIZE_SHIFT) - 1)

/* A large object or nothing; out of line. Returns the new stack pointer. */
uint64_t *gc_mark_large_word(uint64_t off, uint64_t hot, uint64_t *sp,
                             uint64_t *live);

/* There is room for one entry at sp. */
gc_inline uint64_t *gc_mark_one(const struct gc_mark_view v, uint64_t word,
                                uint64_t *sp, uint64_t *live) {
  uint64_t off = word - v.base;
  if (gc_likely(off >= v.used))
    return sp;
  uint64_t hot = gc_load_rlx(&v.hot[off >> GC_BLOCK_SHIFT]);
  if (gc_unlikely(hot >> HOT_STATE_SHIFT > BLK_SMALL))
    return gc_mark_large_word(off, hot, sp, live);
  uint64_t slot = ((off & GC_BLOCK_MASK) * (uint32_t)hot) >> 32;
  uint64_t *alloc =
      v.alloc + ((off >> GC_BLOCK_SHIFT) << GC_MAP_SHIFT) + ((slot >> 6) << 1);
  uint64_t bit = (uint64_t)1 << (slot & 63);
  if (!(*alloc & ~alloc[v.mark] & bit))
    return sp;
  alloc[v.mark] |= bit;
  uint64_t size = (hot >> HOT_SIZE_SHIFT) & 0xffff;
  uint64_t granules = size & HOT_GRANULES_MASK;
  if (size & HOT_LEAF) {
    live[1] += granules;
    return sp;
  }
  live[0] += granules;
  *sp = (v.base + (off & ~(uint64_t)GC_BLOCK_MASK) +
         slot * (granules << GC_GRANULE_SHIFT)) |
        size << GREY_SIZE_SHIFT;
  return sp + 1;
}

#endif
