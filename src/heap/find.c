/* src/heap/find.c: words that point into large objects. SPDX-License-Identifier: MIT
 */
#include "heap/find.h"

bool gc_find_large(gc_block_id b, uint64_t hot, const char *p,
                   struct gc_object *out) {
  if (gc_hot_state(hot) == BLK_FREE)
    return false;
  gc_block_id head = gc_hot_state(hot) == BLK_TAIL ? (gc_block_id)hot : b;
  char *start = gc_block_address(head);
  out->start = start;
  out->bytes = gc_heap.blocks[head].large_bytes;
  out->block = head;
  out->slot = 0;
  out->kind = gc_hot_kind(gc_block_hot(head));
  out->is_large = true;
  return (size_t)(p - start) < out->bytes;
}
