/* src/diag/leak.c: leak finding (GC_FIND_LEAK). SPDX-License-Identifier: MIT
 *
 * Slots that a thread has claimed but not handed out, or got back by an explicit
 * free, carry a mark, so whatever is allocated and unmarked was handed out and
 * lost.
 */
#include "diag/leak.h"

#include "heap/find.h"
#include "plat/plat.h"
#include "reclaim/large.h"

/* Objects named in one report; the others are counted. */
#define NAMED 50u

struct leaks {
  size_t count, bytes;
};

static void note_leak(struct leaks *l, const char *object, size_t bytes,
                      unsigned kind) {
  l->bytes += bytes;
  if (l->count++ < NAMED)
    gc_plat_message("leaked %s object at %p, %zu bytes",
                    gc_kind_flags(kind) & KIND_LEAF ? "pointer-free"
                                                    : "pointerful",
                    (const void *)object, bytes);
}

static void search_block(gc_block_id b, void *cx) {
  uint64_t hot = gc_block_hot(b);
  unsigned kind = gc_hot_kind(hot);
  const struct gc_block *block = &gc_heap.blocks[b];
  if (gc_kind_flags(kind) & (KIND_UNCOLLECTABLE | KIND_NOTIFIED))
    return;
  bool is_large = gc_hot_state(hot) == BLK_LARGE;
  for (unsigned s = 0; s < block->slots; s++)
    if (gc_map_test(b, s, gc_map_alloc()) && !gc_map_test(b, s, gc_map_mark()))
      note_leak(cx, gc_slot_address(b, hot, s),
                is_large ? block->large_bytes : gc_hot_bytes(hot), kind);
}

void gc_leak_report(void) {
  struct leaks l = {0, 0};
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  for (gc_block_id b = 1; b < blocks; b++)
    if (gc_hot_state(gc_block_hot(b)) == BLK_SMALL)
      search_block(b, &l);
  gc_large_each(search_block, &l);
  if (l.count > NAMED)
    gc_plat_message("%zu more leaked objects are not named", l.count - NAMED);
  if (l.count > 0)
    gc_plat_message("found %zu leaked objects, %zu bytes", l.count, l.bytes);
}
