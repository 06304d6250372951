/* src/heap/side.c: the side tables of a block. SPDX-License-Identifier: MIT
 */
#include "heap/side.h"

#include "heap/meta.h"

void gc_side_drop(struct gc_block *block) {
  gc_meta_free((void *)block->states, block->slots);
  gc_meta_free(block->side, block->slots * sizeof(void *));
  gc_meta_free((void *)gc_load_rlx(&block->held), gc_side_held_bytes(block));
  block->states = NULL;
  block->side = NULL;
  gc_store_rlx(&block->held, NULL);
}

bool gc_side_add(struct gc_block *block, unsigned kind) {
  unsigned flags = gc_kind_flags(kind);
  if (flags & KIND_NOTIFIED)
    block->states = gc_meta_alloc(block->slots);
  if (flags & KIND_SIDE)
    block->side = gc_meta_alloc(block->slots * sizeof(void *));
  if ((flags & KIND_NOTIFIED && block->states == NULL) ||
      (flags & KIND_SIDE && block->side == NULL)) {
    gc_side_drop(block);
    return false;
  }
  return true;
}
