/* src/reclaim/classify.c: what a collection left in a block.
 * SPDX-License-Identifier: MIT
 */
#include "reclaim/classify.h"

#include "reclaim/large.h"
#include "reclaim/observed.h"
#include "reclaim/pool.h"
#include "reclaim/weak_cells.h"

_Atomic bool gc_classify_closed;

void gc_classify_set_closed(bool closed) {
  gc_store_rel(&gc_classify_closed, closed);
}

/* Epoch of which everything is known to be classified. */
static _Atomic uint32_t complete_epoch;

unsigned gc_classify_block(gc_block_id b) {
  struct gc_block *block = &gc_heap.blocks[b];
  unsigned words = gc_map_words(block->slots), live = 0;
  _Atomic uint64_t *alloc = gc_maps_of(b) + gc_map_alloc();
  _Atomic uint64_t *old = gc_maps_of(b) + gc_map_mark();
  if (gc_unlikely(gc_weak_is_in(b)))
    gc_weak_clear_dead(b);
  if (gc_unlikely(gc_observed_is(gc_hot_kind(gc_block_hot(b)))))
    gc_observed_block(b);
  for (unsigned i = 0; i < words; i++) {
    live += gc_bits_count(gc_load_rlx(alloc + (i << 1)));
    gc_store_rlx(old + (i << 1), 0);
  }
  block->live = live;
  block->epoch = gc_heap.epoch;
  return live;
}

static void classify_pool(struct gc_pool *pool, void *cx) {
  (void)cx;
  gc_pool_classify_rest(pool);
}

bool gc_classify_is_complete(void) {
  return gc_load_acq(&complete_epoch) == gc_heap.epoch;
}

void gc_classify_rest(void) {
  uint32_t epoch = gc_heap.epoch;
  if (gc_classify_is_complete() || gc_classify_is_closed())
    return;
  gc_pool_each(classify_pool, NULL);
  gc_large_reclaim();
  gc_store_rel(&complete_epoch, epoch);
}

void gc_classify_restart(void) { gc_pool_restart_all(); }
