/* src/diag/sited_check.c: damage to objects that know where they were allocated.
 * SPDX-License-Identifier: MIT
 *
 * A damaged object is reported by each collection that finds it, a dead one by the
 * last.
 */
#include "diag/sited_check.h"

#include "heap/sited.h"
#include "plat/plat.h"
#include "reclaim/large.h"

/* A dead one may be claimed again before it is handed out: it is told once. */
static void check_sited(const struct gc_object *o, size_t *damaged) {
  size_t offset;
  struct gc_sited *s = gc_sited_of(o);
  switch (gc_sited_look(o, &offset)) {
  case SITED_SMASHED:
    gc_plat_message("smashed: object at %p (%s:%u, %zu bytes) was written at "
                    "offset %zu",
                    (void *)(o->start + sizeof *s), s->file, s->line, s->bytes,
                    offset);
    break;
  case SITED_UNDER:
    gc_plat_message("smashed: object at %p was written before its start",
                    (void *)(o->start + sizeof *s));
    break;
  default:
    return;
  }
  ++*damaged;
  if (!gc_map_test(o->block, o->slot, gc_map_mark()))
    s->guard = 0;
}

static void check_sited_block(gc_block_id b, void *damaged) {
  if (!gc_sited_is_kind(gc_hot_kind(gc_block_hot(b))))
    return;
  for (unsigned s = 0; s < gc_heap.blocks[b].slots; s++) {
    struct gc_object o;
    gc_object_at(b, s, &o);
    if (gc_map_test(b, s, gc_map_alloc()))
      check_sited(&o, damaged);
  }
}

void gc_sited_check(void) {
  size_t damaged = 0;
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  if (!gc_sited_is_used())
    return;
  for (gc_block_id b = 1; b < blocks; b++)
    if (gc_hot_state(gc_block_hot(b)) == BLK_SMALL)
      check_sited_block(b, &damaged);
  gc_large_each(check_sited_block, &damaged);
  if (damaged > 0)
    gc_plat_message("found %zu smashed objects", damaged);
}
