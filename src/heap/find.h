/* src/heap/find.h: from a word to the object that it points into.
 * SPDX-License-Identifier: MIT
 *
 * Uses the block's entry only, never the bits: an address inside an allocated or
 * free slot gives that slot. Whether it is allocated is another question.
 */
#ifndef GC_HEAP_FIND_H
#define GC_HEAP_FIND_H

#include "heap/mark_bits_inline.h"

struct gc_object {
  char *start;
  size_t bytes;
  gc_block_id block; /* head for large objects */
  unsigned slot;
  unsigned kind;
  bool is_large;
};

/* Start of slot s of a SMALL or LARGE block. */
gc_inline char *gc_slot_address(gc_block_id b, uint64_t hot, unsigned slot) {
  return gc_block_address(b) + (size_t)slot * gc_hot_bytes(hot);
}

/* The object in a slot of a SMALL or LARGE block. */
gc_inline void gc_object_at(gc_block_id b, unsigned slot,
                            struct gc_object *out) {
  uint64_t hot = gc_block_hot(b);
  out->is_large = gc_hot_state(hot) == BLK_LARGE;
  out->start = gc_slot_address(b, hot, slot);
  out->bytes =
      out->is_large ? gc_heap.blocks[b].large_bytes : gc_hot_bytes(hot);
  out->block = b;
  out->slot = slot;
  out->kind = gc_hot_kind(hot);
}

/* The word points into a LARGE or TAIL block. */
bool gc_find_large(gc_block_id b, uint64_t hot, const char *p,
                   struct gc_object *out);

/* False when the word points to no object block, into a block's unused tail, or
 * behind the end of a large object. */
gc_inline bool gc_find(const void *word, struct gc_object *out) {
  size_t off = (size_t)((const char *)word - gc_heap.base);
  if (off >= gc_load_rlx(&gc_heap.used))
    return false;
  gc_block_id b = (gc_block_id)(off >> GC_BLOCK_SHIFT);
  uint64_t hot = gc_block_hot(b);
  if (gc_unlikely(gc_hot_state(hot) != BLK_SMALL))
    return gc_find_large(b, hot, (const char *)word, out);
  unsigned slot = (unsigned)(((off & GC_BLOCK_MASK) * (uint32_t)hot) >> 32);
  out->start = gc_slot_address(b, hot, slot);
  out->bytes = gc_hot_bytes(hot);
  out->block = b;
  out->slot = slot;
  out->kind = gc_hot_kind(hot);
  out->is_large = false;
  return slot < gc_heap.blocks[b].slots;
}

/* Allocated: in a block that is not classified yet the old bit counts too, since
 * a dead object that nobody has claimed is still there. */
gc_inline bool gc_object_is_allocated(const struct gc_object *o) {
  if (gc_likely(gc_map_test(o->block, o->slot, gc_map_alloc())))
    return true;
  return gc_heap.blocks[o->block].epoch != gc_heap.epoch &&
         gc_map_test(o->block, o->slot, gc_map_mark());
}

#endif
