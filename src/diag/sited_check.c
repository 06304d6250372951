/* src/diag/sited_check.c: damage to objects that know where they were allocated.
 * SPDX-License-Identifier: MIT
 *
 * A damaged object is reported by each collection that finds it, a dead one by the
 * last.
 */
#include "diag/sited_check.h"

#include "diag/told.h"
#include "reclaim/large.h"

/* A dead one may be claimed again before it is handed out: it is told once. */
static void check_sited(const struct gc_object *o) {
  size_t offset;
  enum gc_sited_state state = gc_sited_look(o, &offset);
  if (state == SITED_SMASHED)
    gc_told_note(TOLD_SMASHED, o, offset);
  else if (state == SITED_UNDER)
    gc_told_note(TOLD_SMASHED_UNDER, o, 0);
  else
    return;
  if (!gc_map_test(o->block, o->slot, gc_map_mark()))
    gc_sited_of(o)->guard = 0;
}

static void check_sited_block(gc_block_id b, void *cx) {
  (void)cx;
  if (!gc_sited_is_kind(gc_hot_kind(gc_block_hot(b))))
    return;
  for (unsigned s = 0; s < gc_heap.blocks[b].slots; s++) {
    struct gc_object o;
    gc_object_at(b, s, &o);
    if (gc_map_test(b, s, gc_map_alloc()))
      check_sited(&o);
  }
}

void gc_sited_check(void) {
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  if (!gc_sited_is_used())
    return;
  for (gc_block_id b = 1; b < blocks; b++)
    if (gc_hot_state(gc_block_hot(b)) == BLK_SMALL)
      check_sited_block(b, NULL);
  gc_large_each(check_sited_block, NULL);
}
