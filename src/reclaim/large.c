/* src/reclaim/large.c: objects of whole blocks. SPDX-License-Identifier: MIT
 */
#include "reclaim/large.h"

#include "heap/meta.h"
#include "heap/side.h"
#include "heap/sited.h"
#include "heap/space.h"
#include "reclaim/classify.h"
#include "reclaim/observed.h"
#include "reclaim/weak_cells.h"

static struct gc_lock large_lock = GC_LOCK_INIT(RANK_POOL);
static struct {
  gc_block_id *heads;
  uint32_t count, capacity;
} table;

static uint32_t blocks_for(size_t bytes) {
  return (uint32_t)(gc_round_up(bytes, GC_BLOCK_BYTES) >> GC_BLOCK_SHIFT);
}

static bool grow_head_table(void) {
  if (table.count < table.capacity)
    return true;
  uint32_t capacity = table.capacity == 0 ? 64 : 2 * table.capacity;
  gc_block_id *heads = gc_meta_alloc(capacity * sizeof *heads);
  if (heads == NULL)
    return false;
  for (uint32_t i = 0; i < table.count; i++)
    heads[i] = table.heads[i];
  gc_meta_free(table.heads, table.capacity * sizeof *heads);
  table.heads = heads;
  table.capacity = capacity;
  return true;
}

/* A head knows its place in the table: `next` of its entry. */
static void put_head(uint32_t at, gc_block_id head) {
  table.heads[at] = head;
  gc_heap.blocks[head].next = at;
}

/* ---- Making and freeing ---- */

/* Clears what is not known to be zero. */
static void clear_blocks(gc_block_id b, size_t bytes) {
  for (uint32_t i = 0, n = blocks_for(bytes); i < n; i++) {
    size_t dirty = gc_heap.blocks[b + i].pristine_from;
    size_t want = bytes - i * GC_BLOCK_BYTES;
    __builtin_memset(gc_block_address(b + i), 0, dirty < want ? dirty : want);
  }
}

static void mark_tails(gc_block_id head, uint32_t from, uint32_t n,
                       unsigned kind) {
  for (uint32_t i = from; i < n; i++)
    gc_store_rel(&gc_heap.hot[head + i], gc_hot_pack(head, 0, kind, BLK_TAIL));
}

static void note_dirty(gc_block_id b, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    gc_heap.blocks[b + i].pristine_from = (uint32_t)GC_BLOCK_BYTES;
}

/* The head becomes LARGE last: until then the marker sees free blocks. */
static void publish(gc_block_id b, size_t bytes, unsigned kind,
                    unsigned block_flags) {
  struct gc_block *block = &gc_heap.blocks[b];
  uint32_t n = blocks_for(bytes);
  block->size_class = 0;
  block->length = n;
  block->large_bytes = bytes;
  block->epoch = gc_heap.epoch;
  block->live = 1;
  gc_store_rlx(&block->flags, (uint8_t)block_flags);
  gc_map_set(b, 0, gc_map_alloc());
  mark_tails(b, 1, n, kind);
  gc_store_rel(&gc_heap.hot[b],
               gc_hot_pack(0, gc_kind_hot_flags(kind), kind, BLK_LARGE));
}

void *gc_large_alloc(size_t bytes, unsigned kind, unsigned block_flags,
                     bool may_grow) {
  uint32_t n = blocks_for(bytes);
  gc_block_id b = gc_space_take(n, may_grow);
  if (b == 0)
    return NULL;
  if (gc_kind_flags(kind) & KIND_CLEAR)
    clear_blocks(b, bytes);
  gc_sited_forget(kind, gc_block_address(b), bytes, 1);
  /* From the unlock on a collection may come, and a block number keeps nothing
   * alive. */
  void *object = gc_block_address(b);
  gc_hold_pointer(object);
  gc_lock(&large_lock);
  gc_heap.blocks[b].slots = 1;
  bool ok = grow_head_table() && gc_side_add(&gc_heap.blocks[b], kind);
  if (ok) {
    note_dirty(b, n);
    publish(b, bytes, kind, block_flags);
    put_head(table.count++, b);
  }
  gc_unlock(&large_lock);
  if (!ok) {
    gc_space_give(b, n);
    return NULL;
  }
  gc_add_rlx(&gc_heap.allocated, (size_t)n << GC_BLOCK_SHIFT);
  return object;
}

/* Both bits are cleared: nobody may find the blocks allocated any more. */
static void give_back(gc_block_id b) {
  struct gc_block *block = &gc_heap.blocks[b];
  if (gc_unlikely(gc_weak_is_in(b)))
    gc_weak_clear_block(b);
  gc_map_clear(b, 0, 0);
  gc_map_clear(b, 0, 1);
  gc_side_drop(block, gc_hot_kind(gc_block_hot(b)));
  gc_space_give(b, block->length);
}

void gc_large_free(gc_block_id head) {
  gc_lock(&large_lock);
  uint32_t at = gc_heap.blocks[head].next;
  gc_check(at < table.count && table.heads[at] == head);
  gc_block_id last = table.heads[--table.count];
  put_head(at, last);
  give_back(head);
  gc_unlock(&large_lock);
}

/* ---- Resizing ---- */

static void shrink_tail(gc_block_id b, uint32_t from, uint32_t n) {
  gc_heap.blocks[b].length = from;
  gc_space_give(b + from, n - from);
}

static bool grow_tail(gc_block_id b, uint32_t from, uint32_t n) {
  if (!gc_space_take_at(b + from, n - from))
    return false;
  gc_heap.blocks[b].length = n;
  return true;
}

bool gc_large_resize(gc_block_id b, size_t bytes) {
  struct gc_block *block = &gc_heap.blocks[b];
  unsigned kind = gc_hot_kind(gc_block_hot(b));
  gc_lock(&large_lock);
  size_t old = block->large_bytes;
  uint32_t have = block->length, need = blocks_for(bytes);
  bool ok = need <= have || grow_tail(b, have, need);
  if (ok && bytes > old && gc_kind_flags(kind) & KIND_CLEAR) {
    size_t in_place = (size_t)have << GC_BLOCK_SHIFT;
    size_t to = bytes < in_place ? bytes : in_place;
    if (to > old)
      __builtin_memset(gc_block_address(b) + old, 0, to - old);
    if (need > have)
      clear_blocks(b + have, bytes - in_place);
  }
  if (ok && need > have) {
    note_dirty(b + have, need - have);
    gc_add_rlx(&gc_heap.allocated, (size_t)(need - have) << GC_BLOCK_SHIFT);
  }
  if (ok) {
    block->large_bytes = bytes;
    mark_tails(b, have, need, kind);
    if (need < have)
      shrink_tail(b, need, have);
  }
  gc_unlock(&large_lock);
  return ok;
}

/* ---- Epochs ---- */

void gc_large_reclaim(void) {
  gc_lock(&large_lock);
  uint32_t kept = 0;
  if (gc_classify_is_closed()) {
    gc_unlock(&large_lock);
    return;
  }
  for (uint32_t i = 0; i < table.count; i++) {
    gc_block_id b = table.heads[i];
    if (gc_map_test(b, 0, gc_map_alloc())) {
      gc_map_clear(b, 0, gc_map_mark());
      gc_heap.blocks[b].epoch = gc_heap.epoch;
      put_head(kept++, b);
    } else {
      if (gc_unlikely(gc_observed_is(gc_hot_kind(gc_block_hot(b)))))
        gc_observed_large(b);
      give_back(b);
    }
  }
  table.count = kept;
  gc_unlock(&large_lock);
}

void gc_large_each(void (*f)(gc_block_id, void *), void *cx) {
  for (uint32_t i = 0; i < table.count; i++)
    f(table.heads[i], cx);
}

void gc_large_each_locked(void (*f)(gc_block_id, void *), void *cx) {
  gc_lock(&large_lock);
  gc_large_each(f, cx);
  gc_unlock(&large_lock);
}

void gc_large_lock_for_fork(void) { gc_lock(&large_lock); }
void gc_large_unlock_after_fork(void) { gc_unlock(&large_lock); }
