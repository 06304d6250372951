/* src/cycle/hold_phase.c: when the hold trace runs. SPDX-License-Identifier: MIT
 */
#include "cycle/hold_phase.h"

#include "cycle/collect.h"
#include "cycle/drain.h"
#include "heap/space.h"
#include "mark/hold.h"
#include "plat/plat.h"
#include "reclaim/classify.h"

/* While the gate is closed the heap may grow by this part of what lives. */
#define GROWTH_SHARE 8u
#define LEAST_GROWTH ((size_t)1 << 20)

static size_t heap_at_close; /* bytes; [stw] */

static void trace_block(gc_block_id b, const struct gc_queue *q) {
  (void)q;
  gc_hold_trace(b, gc_pending_append);
}

static void trace_all(void) {
  gc_pending_each_block(trace_block);
  gc_hold_finish(gc_pending_append);
}

static bool has_sources;
static void look_for_sources(gc_block_id b, const struct gc_queue *q) {
  (void)q;
  has_sources = has_sources || gc_hold_has_sources(b);
}

static bool is_any_stuck(void) {
  for (unsigned k = 0; k < GC_QUEUES; k++)
    if (gc_queues[k].stuck > 0)
      return true;
  return false;
}

void gc_hold_phase_begin(void) {
  gc_hold_forget();
  if (is_any_stuck()) { /* examine has left out what is done, of any kind */
    trace_all();
    gc_pending_drop_unreached();
    return;
  }
  has_sources = false;
  gc_pending_each_block(look_for_sources);
  if (!has_sources)
    return;
  heap_at_close = gc_space_heap_bytes();
  gc_classify_set_closed(true);
}

void gc_hold_phase_settle(void) {
  if (gc_likely(!gc_classify_is_closed()))
    return;
  trace_all();
  gc_plat_scrub_stack();
  if (gc_collect_verify != NULL)
    gc_hold_check();
  gc_classify_set_closed(false);
}

void gc_hold_phase_await(void) {
  if (!gc_classify_is_closed())
    return;
  gc_drain_lock_take();
  gc_drain_lock_leave();
}

bool gc_hold_phase_may_grow(size_t bytes) {
  size_t most = gc_load_rlx(&gc_heap.live) / GROWTH_SHARE;
  if (most < LEAST_GROWTH)
    most = LEAST_GROWTH;
  return gc_space_heap_bytes() + bytes <= heap_at_close + most;
}
