/* src/diag/debug_check.c: looking for damage to objects of debug kinds.
 * SPDX-License-Identifier: MIT
 */
#include "diag/debug_check.h"

#include "cycle/api_lock.h"
#include "notify/debug.h"
#include "notify/pending.h"
#include "notify/quarantine.h"
#include "reclaim/large.h"
#include "world/stop.h"

/* What is in quarantine has no red zone any more. */
static void check_block(gc_block_id b, void *damaged) {
  uint64_t hot = gc_block_hot(b);
  size_t *n = damaged;
  if (!gc_debug_is_kind(gc_hot_kind(hot)))
    return;
  for (unsigned s = 0; s < gc_heap.blocks[b].slots; s++) {
    struct gc_object o;
    if (gc_load_acq(&gc_side_record(&gc_heap.blocks[b], s)->is_full) &&
        gc_find(gc_slot_address(b, hot, s), &o) && !gc_quarantine_has(&o))
      *n += !gc_debug_check_red_zone(&o);
  }
}

static size_t check_heap(void) {
  size_t damaged = gc_quarantine_check();
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  for (gc_block_id b = 1; b < blocks; b++)
    if (gc_hot_state(gc_block_hot(b)) == BLK_SMALL)
      check_block(b, &damaged);
  gc_large_each(check_block, &damaged);
  return damaged;
}

size_t gc_debug_check_all(void) {
  gc_api_lock();
  gc_thread_lock_list();
  gc_stop_world();
  size_t damaged = check_heap();
  gc_start_world();
  gc_thread_unlock_list();
  gc_api_unlock();
  gc_debug_flush_all();
  return damaged;
}
