/* src/reclaim/pool.c: free slots of one kind and size class.
 * SPDX-License-Identifier: MIT
 */
#include "reclaim/pool.h"

#include "heap/find.h"
#include "heap/meta.h"
#include "heap/side.h"
#include "heap/sited.h"
#include "heap/space.h"
#include "reclaim/classify.h"
#include "reclaim/weak_cells.h"

/* ---- The available list ---- */

static void make_available(struct gc_pool *pool, gc_block_id b) {
  struct gc_block *block = &gc_heap.blocks[b];
  if (b == pool->current || gc_load_rlx(&block->flags) & BF_AVAILABLE)
    return;
  gc_or_rlx(&block->flags, BF_AVAILABLE);
  block->next = 0;
  if (pool->available_tail != 0)
    gc_heap.blocks[pool->available_tail].next = b;
  else
    pool->available_head = b;
  pool->available_tail = b;
}

static gc_block_id pop_available(struct gc_pool *pool) {
  gc_block_id b = pool->available_head;
  if (b == 0)
    return 0;
  struct gc_block *block = &gc_heap.blocks[b];
  pool->available_head = block->next;
  if (pool->available_head == 0)
    pool->available_tail = 0;
  block->next = 0;
  gc_and_rlx(&block->flags, (uint8_t)~BF_AVAILABLE);
  return b;
}

/* ---- Choosing the next block ---- */

/* Makes the next block with a free slot current. */
static bool next_block(struct gc_pool *pool) {
  pool->position = 0;
  while (pool->cursor < pool->count) {
    gc_block_id b = pool->blocks[pool->cursor];
    struct gc_block *block = &gc_heap.blocks[b];
    if (!gc_block_is_classified(b)) {
      if (gc_classify_is_closed())
        break;
      gc_classify_block(b);
    }
    pool->cursor++;
    if (block->live < block->slots &&
        !(gc_load_rlx(&block->flags) & BF_AVAILABLE)) {
      pool->current = b;
      return true;
    }
  }
  pool->current = pop_available(pool);
  return pool->current != 0;
}

/* ---- Claiming ---- */

/* Finds the first free run at or after the position in the current block: at most
 * max slots. False: none. */
static bool find_slots(struct gc_pool *pool, unsigned max, unsigned *out_from,
                       unsigned *out_to) {
  gc_block_id b = pool->current;
  unsigned slots = gc_heap.blocks[b].slots, at = pool->position;
  _Atomic uint64_t *alloc = gc_maps_of(b) + gc_map_alloc();
  while (at < slots) {
    unsigned i = at >> 6;
    uint64_t free = ~gc_load_rlx(alloc + (i << 1)) & gc_map_valid(slots, i) &
                    (~(uint64_t)0 << (at & 63));
    if (free == 0) {
      at = (i + 1) << 6;
      continue;
    }
    unsigned from = (i << 6) + gc_bits_lowest(free), to = from;
    while (to < slots && to - from < max) {
      uint64_t taken = gc_load_rlx(alloc + ((to >> 6) << 1)) >> (to & 63);
      unsigned ones = taken == 0 ? 64 - (to & 63) : gc_bits_lowest(taken);
      if (ones == 0)
        break;
      to += ones;
    }
    if (to > slots)
      to = slots;
    if (to - from > max)
      to = from + max;
    *out_from = from;
    *out_to = to;
    return true;
  }
  return false;
}

/* Takes the run out of the current block; the lock is held. Returns how much of
 * it, from its start, has to be cleared. */
static size_t publish_run(struct gc_pool *pool, struct gc_cell *cell,
                          unsigned from, unsigned to) {
  gc_block_id b = pool->current;
  struct gc_block *block = &gc_heap.blocks[b];
  size_t bytes = gc_sizes.of[pool->size_class].bytes;
  uint32_t lo = (uint32_t)(from * bytes), hi = (uint32_t)(to * bytes);
  size_t dirty =
      lo < block->pristine_from
          ? (block->pristine_from < hi ? block->pristine_from : hi) - lo
          : 0;
  if (dirty != 0)
    gc_sited_forget(pool->kind, gc_block_address(b) + lo, bytes, to - from);
  gc_map_set_range(b, from, to, gc_map_alloc());
  if (gc_unlikely(gc_load_rlx(&block->flags) & BF_FRESH))
    gc_and_rlx(&block->flags, (uint8_t)~BF_FRESH);
  pool->position = to;
  if (block->pristine_from < hi)
    block->pristine_from = hi;
  gc_add_rlx(&gc_heap.allocated, hi - lo);
  cell->end = gc_block_address(b) + hi;
  cell->cur = gc_block_address(b) + lo;
  return dirty;
}

bool gc_pool_claim(struct gc_pool *pool, struct gc_cell *cell,
                   size_t want_bytes) {
  size_t bytes = gc_sizes.of[pool->size_class].bytes;
  unsigned max = (unsigned)(want_bytes / bytes), from, to;
  if (max == 0)
    max = 1;
  gc_lock(&pool->lock);
  while (pool->current == 0 || !find_slots(pool, max, &from, &to)) {
    if (!next_block(pool)) {
      gc_unlock(&pool->lock);
      return false;
    }
  }
  size_t dirty = publish_run(pool, cell, from, to);
  char *start = cell->cur;
  gc_unlock(&pool->lock);
  if (dirty != 0 && gc_kind_flags(pool->kind) & KIND_CLEAR)
    __builtin_memset(start, 0, dirty);
  return true;
}

/* ---- Adding and freeing ---- */

static bool grow_block_table(struct gc_pool *pool) {
  if (pool->count < pool->capacity)
    return true;
  uint32_t capacity = pool->capacity == 0 ? 16 : 2 * pool->capacity;
  gc_block_id *blocks = gc_meta_alloc(capacity * sizeof *blocks);
  if (blocks == NULL)
    return false;
  for (uint32_t i = 0; i < pool->count; i++)
    blocks[i] = pool->blocks[i];
  gc_meta_free(pool->blocks, pool->capacity * sizeof *blocks);
  pool->blocks = blocks;
  pool->capacity = capacity;
  return true;
}

bool gc_pool_add_block(struct gc_pool *pool, gc_block_id b) {
  struct gc_block *block = &gc_heap.blocks[b];
  const struct gc_size_class *sc = &gc_sizes.of[pool->size_class];
  gc_lock(&pool->lock);
  block->slots = (uint16_t)sc->slots;
  if (!grow_block_table(pool) || !gc_side_add(block, pool->kind)) {
    gc_unlock(&pool->lock);
    gc_space_give(b, 1);
    return false;
  }
  block->size_class = pool->size_class;
  block->epoch = gc_heap.epoch;
  block->live = 0;
  gc_store_rlx(&block->flags, BF_FRESH);
  unsigned size = sc->bytes >> GC_GRANULE_SHIFT;
  gc_store_rel(&gc_heap.hot[b],
               gc_hot_pack(sc->reciprocal, size | gc_kind_hot_flags(pool->kind),
                           pool->kind, BLK_SMALL));
  pool->blocks[pool->count++] = b;
  gc_store_rlx(&pool->has_blocks, true);
  if (gc_classify_is_closed()) /* the cursor does not come as far */
    make_available(pool, b);
  gc_unlock(&pool->lock);
  return true;
}

uint32_t gc_pool_count(struct gc_pool *pool) {
  gc_lock(&pool->lock);
  uint32_t count = pool->count;
  gc_unlock(&pool->lock);
  return count;
}

/* Bits of n slots were cleared in the current map; the lock is held. */
static void note_free_slots(struct gc_pool *pool, gc_block_id b, unsigned n,
                            unsigned first) {
  struct gc_block *block = &gc_heap.blocks[b];
  if (n == 0 || !gc_block_is_classified(b))
    return;
  block->live -= n < block->live ? n : block->live;
  make_available(pool, b);
  if (b == pool->current && first < pool->position)
    pool->position = first;
}

/* In a block that is not classified both bits go, the old one first, or the slot would
 * look like a dead object. */
static void clear_slots(gc_block_id b, unsigned from, unsigned to) {
  if (!gc_block_is_classified(b))
    gc_map_clear_range(b, from, to, gc_map_mark());
  gc_map_clear_range(b, from, to, gc_map_alloc());
}

void gc_pool_free_slot(gc_block_id b, unsigned slot) {
  uint64_t hot = gc_block_hot(b);
  struct gc_pool *pool =
      gc_pool_of(gc_hot_kind(hot), gc_heap.blocks[b].size_class);
  gc_lock(&pool->lock);
  clear_slots(b, slot, slot + 1);
  note_free_slots(pool, b, 1, slot);
  gc_unlock(&pool->lock);
}

void gc_pool_keep_slot(gc_block_id b, unsigned slot) {
  uint64_t hot = gc_block_hot(b);
  struct gc_pool *pool =
      gc_pool_of(gc_hot_kind(hot), gc_heap.blocks[b].size_class);
  gc_lock(&pool->lock);
  if (!gc_block_is_classified(b) && gc_map_test(b, slot, gc_map_mark()))
    gc_or_rlx(gc_map_word(b, slot, gc_map_alloc()), gc_slot_bit(slot));
  gc_unlock(&pool->lock);
}

/* Eight states at once, when all of them are `done`: nobody else changes such. Next to
 * others that may be revived meanwhile each byte is stored for itself. */
static bool take_eight_done(struct gc_block *block, unsigned slot,
                            uint8_t done) {
  _Atomic uint64_t *eight = (_Atomic uint64_t *)(void *)(block->states + slot);
  if (gc_load_rlx(eight) != done * UINT64_C(0x0101010101010101))
    return false;
  gc_store_rlx(eight, (uint64_t)0);
  return true;
}

static uint64_t take_done_singly(struct gc_block *block, unsigned from,
                                 unsigned to, uint8_t done) {
  uint64_t bits = 0;
  for (unsigned slot = from; slot < to; slot++) {
    if (gc_load_rlx(block->states + slot) != done)
      continue;
    bits |= gc_slot_bit(slot);
    gc_store_rlx(block->states + slot, (uint8_t)ST_NONE);
  }
  return bits;
}

/* The bits of the slots, from 64*i on, whose state is `done`, which becomes NONE. */
static uint64_t take_done(struct gc_block *block, unsigned i, uint8_t done) {
  unsigned end = (i + 1) << 6;
  uint64_t bits = 0;
  if (end > block->slots)
    end = block->slots;
  for (unsigned slot = i << 6; slot < end; slot += 8) {
    unsigned to = slot + 8 < end ? slot + 8 : end;
    if (to - slot == 8 && take_eight_done(block, slot, done))
      bits |= (uint64_t)0xff << (slot & 63);
    else
      bits |= take_done_singly(block, slot, to, done);
  }
  return bits;
}

/* A slot is claimed under the lock only, and weak references are cleared before, so
 * nobody sees the states and the map in between. */
unsigned gc_pool_release(gc_block_id b, uint8_t done) {
  struct gc_block *block = &gc_heap.blocks[b];
  struct gc_pool *pool =
      gc_pool_of(gc_hot_kind(gc_block_hot(b)), block->size_class);
  unsigned n = 0, first = block->slots;
  gc_lock(&pool->lock);
  if (gc_unlikely(gc_weak_is_in(b)))
    gc_weak_clear_state(b, done);
  for (unsigned i = 0; i < gc_map_words(block->slots); i++) {
    uint64_t bits = take_done(block, i, done);
    if (bits == 0)
      continue;
    _Atomic uint64_t *w = gc_map_word(b, i << 6, gc_map_alloc());
    gc_store_rlx(w, gc_load_rlx(w) & ~bits);
    if (n == 0)
      first = (i << 6) + gc_bits_lowest(bits);
    n += gc_bits_count(bits);
  }
  note_free_slots(pool, b, n, first);
  gc_unlock(&pool->lock);
  return n;
}

/* ---- Retiring ---- */

static void retire_run(struct gc_pool *pool, char *cur, char *end) {
  if (cur >= end)
    return;
  gc_block_id b = gc_block_of(cur);
  size_t bytes = gc_sizes.of[pool->size_class].bytes;
  char *start = gc_block_address(b);
  unsigned from = (unsigned)((size_t)(cur - start) / bytes);
  unsigned to = (unsigned)((size_t)(end - start) / bytes);
  clear_slots(b, from, to);
  if (!gc_block_is_classified(b))
    return;
  make_available(pool, b);
  if (b == pool->current && from < pool->position)
    pool->position = from;
}

void gc_pool_retire_cell(struct gc_pool *pool, struct gc_cell *cell) {
  size_t bytes = gc_sizes.of[pool->size_class].bytes;
  gc_lock(&pool->lock);
  retire_run(pool, cell->cur, cell->end);
  cell->cur = cell->end = NULL;
  for (uint32_t i = 0; cell->freed != NULL && i < cell->freed->count; i++)
    retire_run(pool, cell->freed->slot[i], cell->freed->slot[i] + bytes);
  gc_unlock(&pool->lock);
  gc_meta_free(cell->freed, sizeof *cell->freed);
  cell->freed = NULL;
}

static void retire_kind(unsigned kind, struct gc_cell *cells) {
  for (unsigned c = 1; c < gc_sizes.count; c++)
    if (cells[c].cur != cells[c].end || cells[c].freed != NULL)
      gc_pool_retire_cell(gc_pool_of(kind, c), &cells[c]);
}

void gc_pool_retire_all(struct gc_self *self) {
  struct gc_tlab *tlab = gc_tlab_of(self);
  for (unsigned k = 0; k < gc_load_acq(&gc_kind_count); k++) {
    struct gc_cell *cells = tlab->kinds[k];
    if (cells == NULL)
      continue;
    retire_kind(k, cells);
    tlab->kinds[k] = NULL;
    if (k >= KIND_FIRST_NEW || k == KIND_UNCOLL || k == KIND_ATOMIC_UNCOLL)
      gc_meta_free(cells, GC_MAX_CLASSES * sizeof *cells);
  }
}

/* ---- Epochs ---- */

/* An empty block has no weak references but such as were made of a slot that was
 * never handed out. */
static void free_empty_block(gc_block_id b) {
  if (gc_unlikely(gc_weak_is_in(b)))
    gc_weak_clear_block(b);
  gc_side_drop(&gc_heap.blocks[b], gc_hot_kind(gc_block_hot(b)));
  gc_space_give(b, 1);
}

/* The count may be older than the last claim; the map is the truth. */
static bool may_give_back(const struct gc_pool *pool, gc_block_id b) {
  struct gc_block *block = &gc_heap.blocks[b];
  return block->live == 0 && b != pool->current &&
         !(gc_load_rlx(&block->flags) & (BF_AVAILABLE | BF_FRESH)) &&
         gc_map_is_zero(b, gc_map_alloc());
}

void gc_pool_classify_rest(struct gc_pool *pool) {
  gc_lock(&pool->lock);
  uint32_t kept = pool->cursor;
  bool is_closed = gc_classify_is_closed();
  for (uint32_t i = pool->cursor; !is_closed && i < pool->count; i++) {
    gc_block_id b = pool->blocks[i];
    if (!gc_block_is_classified(b))
      gc_classify_block(b);
    if (may_give_back(pool, b))
      free_empty_block(b);
    else
      pool->blocks[kept++] = b;
  }
  if (!is_closed)
    pool->count = kept;
  gc_unlock(&pool->lock);
}

uint32_t gc_pool_classify_some(struct gc_pool *pool, uint32_t from,
                               uint32_t max) {
  gc_lock(&pool->lock);
  if (from < pool->cursor)
    from = pool->cursor;
  bool is_closed = gc_classify_is_closed();
  for (; !is_closed && from < pool->count && max != 0; from++, max--)
    if (!gc_block_is_classified(pool->blocks[from]))
      gc_classify_block(pool->blocks[from]);
  uint32_t next = !is_closed && from < pool->count ? from : 0;
  gc_unlock(&pool->lock);
  return next;
}

void gc_pool_each(void (*f)(struct gc_pool *, void *), void *cx) {
  for (unsigned k = 0; k < gc_load_acq(&gc_kind_count); k++)
    for (unsigned c = 1; c < gc_sizes.count; c++)
      if (gc_load_rlx(&gc_kinds[k].pools[c].has_blocks))
        f(&gc_kinds[k].pools[c], cx);
}

static void restart(struct gc_pool *pool, void *cx) {
  (void)cx;
  while (pop_available(pool) != 0)
    continue;
  pool->cursor = 0;
  pool->current = 0;
  pool->position = 0;
}

void gc_pool_restart_all(void) { gc_pool_each(restart, NULL); }

static void each_lock(void (*f)(struct gc_lock *)) {
  for (unsigned k = 0; k < gc_load_acq(&gc_kind_count); k++)
    for (unsigned c = 1; c < gc_sizes.count; c++)
      f(&gc_kinds[k].pools[c].lock);
}

void gc_pool_lock_all_for_fork(void) { each_lock(gc_lock); }
void gc_pool_unlock_all_after_fork(void) { each_lock(gc_unlock); }
