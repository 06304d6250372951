/* src/diag/stats.c: statistics for clients. SPDX-License-Identifier: MIT
 */
#include "diag/stats.h"

#include "base/switches.h"
#include "cycle/collect.h"
#include "heap/space.h"
#include "heap/tlab.h"

size_t gc_stats_heap_bytes(void) { return gc_space_heap_bytes(); }

/* What other threads have not passed on yet is less than a block each. */
static size_t freed_since_gc(void) {
  return gc_load_rlx(&gc_heap.freed) + gc_tlab_of(gc_self())->freed_bytes;
}

/* What neither survived the last collection nor was allocated since is free: whole
 * blocks and free slots alike. */
size_t gc_stats_free_bytes(void) {
  size_t heap = gc_space_heap_bytes();
  size_t used = gc_load_rlx(&gc_heap.live) + gc_load_rlx(&gc_heap.allocated);
  size_t freed = freed_since_gc();
  used = used > freed ? used - freed : 0;
  return heap > used ? heap - used : 0;
}

void gc_stats_read(struct gc_stats *out) {
  struct gc_cycle_stats *c = &gc_cycle_stats;
  size_t before = gc_load_rlx(&gc_heap.allocated_before);
  size_t since = gc_load_rlx(&gc_heap.allocated);
  *out = (struct gc_stats){
      .heap_bytes = gc_space_heap_bytes(),
      .free_bytes = gc_stats_free_bytes(),
      .unmapped_bytes = gc_space_discarded_bytes(),
      .since_gc = since,
      .freed_since_gc = freed_since_gc(),
      .before_gc = before,
      .total = before + since,
      .non_gc_bytes = *gc_switches.non_gc_bytes,
      .reclaimed_last = c->last_reclaimed_bytes,
      .reclaimed_before = c->reclaimed_bytes - c->last_reclaimed_bytes,
      .obtained = gc_load_rlx(&gc_heap.used),
      .collections = gc_load_rlx(&c->collections),
      .pause_total_ns = c->total_ns,
      .pause_longest_ns = c->longest_pause_ns,
  };
}
