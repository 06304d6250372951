/* src/heap/side.c: the side tables of a block. SPDX-License-Identifier: MIT
 */
#include "heap/side.h"

#include "heap/meta.h"

static size_t side_bytes(const struct gc_block *block, unsigned flags) {
  size_t each = sizeof(void *);
  if (flags & KIND_DEBUG)
    each += sizeof(struct gc_debug_record);
  return block->slots * each;
}

void gc_side_drop(struct gc_block *block, unsigned kind) {
  gc_meta_free((void *)block->states, block->slots);
  gc_meta_free((void *)block->side, side_bytes(block, gc_kind_flags(kind)));
  gc_meta_free((void *)gc_load_rlx(&block->held), gc_side_held_bytes(block));
  block->states = NULL;
  block->side = NULL;
  gc_store_rlx(&block->held, NULL);
}

bool gc_side_add(struct gc_block *block, unsigned kind) {
  unsigned flags = gc_kind_flags(kind);
  bool wants_side = flags & (KIND_SIDE | KIND_DEBUG);
  if (flags & KIND_NOTIFIED)
    block->states = gc_meta_alloc(block->slots);
  if (wants_side)
    block->side = gc_meta_alloc(side_bytes(block, flags));
  if ((flags & KIND_NOTIFIED && block->states == NULL) ||
      (wants_side && block->side == NULL)) {
    gc_side_drop(block, kind);
    return false;
  }
  if (block->states != NULL)
    gc_store_rlx(block->states, (uint8_t)ST_NONE); /* its page comes now, not in
                                                      the stop that condemns */
  return true;
}
