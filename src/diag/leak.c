/* src/diag/leak.c: leak finding (GC_FIND_LEAK). SPDX-License-Identifier: MIT
 *
 * Slots that a thread has claimed but not handed out, or got back by an explicit
 * free, carry a mark, so whatever is allocated and unmarked was handed out and
 * lost.
 */
#include "diag/leak.h"

#include "diag/told.h"
#include "reclaim/large.h"

static void search_block(gc_block_id b, void *cx) {
  uint64_t hot = gc_block_hot(b);
  unsigned kind = gc_hot_kind(hot);
  (void)cx;
  const struct gc_block *block = &gc_heap.blocks[b];
  if (gc_kind_flags(kind) & (KIND_UNCOLLECTABLE | KIND_NOTIFIED))
    return;
  for (unsigned s = 0; s < block->slots; s++) {
    struct gc_object o;
    gc_object_at(b, s, &o);
    if (gc_map_test(b, s, gc_map_alloc()) && !gc_map_test(b, s, gc_map_mark()))
      gc_told_note(TOLD_LEAK, &o, 0);
  }
}

void gc_leak_search(void) {
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  for (gc_block_id b = 1; b < blocks; b++)
    if (gc_hot_state(gc_block_hot(b)) == BLK_SMALL)
      search_block(b, NULL);
  gc_large_each(search_block, NULL);
}
