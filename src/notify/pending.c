/* src/notify/pending.c: condemned objects that wait for their notifier.
 * SPDX-License-Identifier: MIT
 */
#include "notify/pending.h"

#define TABLE_BYTES ((size_t)16 << 30)
#define TABLE_MIN_BYTES ((size_t)1 << 20)

struct gc_queue gc_queues[GC_QUEUES];
struct gc_pending gc_pending;
_Atomic size_t gc_pending_any;
struct gc_lock gc_drain_lock = GC_LOCK_INIT(RANK_DRAIN);

bool gc_pending_start_queue(unsigned queue) {
  for (unsigned i = 0; i < 2; i++) {
    struct gc_batch *batch = &gc_queues[queue].batch[i];
    if (batch->block_memory.base != NULL)
      continue;
    if ((batch->order_memory.base == NULL &&
         !gc_extent_reserve(&batch->order_memory, TABLE_BYTES,
                            TABLE_MIN_BYTES)) ||
        !gc_extent_reserve(&batch->block_memory, TABLE_BYTES / 64,
                           TABLE_MIN_BYTES / 16))
      return false;
  }
  return true;
}

bool gc_pending_start(void) { return gc_pending_start_queue(QUEUE_SIMPLE); }

bool gc_pending_append(const struct gc_object *o) {
  uint8_t byte = gc_load_rlx(gc_state_of(o));
  struct gc_batch *batch =
      &gc_queue_of_kind(o->kind)->batch[byte >> ST_BATCH_SHIFT];
  size_t bytes = (batch->order_count + 1) * sizeof(char *);
  if (bytes > batch->order_memory.committed &&
      !gc_extent_commit(&batch->order_memory, bytes))
    return false;
  gc_batch_order(batch)[batch->order_count++] = o->start;
  return true;
}

/* ---- Claim protocol ---- */

bool gc_pending_revive(const struct gc_object *o) {
  _Atomic uint8_t *state = gc_state_of(o);
  uint8_t byte = gc_load_acq(state);
  if (gc_state_code(byte) == ST_COND &&
      gc_cas_acq_rel(state, &byte, (uint8_t)ST_NONE)) {
    gc_sub_rlx(&gc_heap.blocks[o->block].pending, 1);
    gc_add_rlx(&gc_kinds[o->kind].revived, 1);
    gc_add_rlx(&gc_pending.revived_bytes, o->bytes);
    gc_add_rlx(&gc_pending.revived, 1);
    return true;
  }
  return byte == ST_NONE;
}

/* ---- Lists ---- */

void gc_pending_each_block(void (*f)(gc_block_id, const struct gc_queue *)) {
  for (unsigned k = 0; k < GC_QUEUES; k++)
    for (unsigned i = 0; i < 2; i++) {
      const struct gc_batch *batch = &gc_queues[k].batch[i];
      for (size_t j = 0; j < batch->block_count; j++)
        f(gc_batch_blocks(batch)[j], &gc_queues[k]);
    }
}

static void list_block(struct gc_batch *batch, gc_block_id b) {
  size_t bytes = (batch->block_count + 1) * sizeof b;
  if (!gc_extent_commit(&batch->block_memory, bytes))
    gc_fatal("no memory for the list of blocks with dead objects to notify; "
             "raise the memory limit");
  gc_batch_blocks(batch)[batch->block_count++] = b;
  gc_add_rlx(&gc_queue_of_kind(gc_hot_kind(gc_block_hot(b)))->waiting, 1);
}

static void clear_lists(void) {
  for (unsigned k = 0; k < GC_QUEUES; k++)
    for (unsigned i = 0; i < 2; i++) {
      struct gc_batch *batch = &gc_queues[k].batch[i];
      batch->order_count = batch->block_count = batch->block_cursor = 0;
      batch->slot = 0;
    }
}

/* ---- Before marking ---- */

/* The upper bit of each byte that is not zero. */
static uint64_t nonzero_bytes(uint64_t eight) {
  uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
  return (((eight & low) + low) | eight) & ~low;
}

/* Upper bits of eight bytes to eight bits, lowest first. */
static uint64_t gather_bits(uint64_t upper) {
  return (upper >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static uint64_t eight_states(const struct gc_block *block, unsigned slot) {
  return *((const uint64_t *)(const void *)block->states + (slot >> 3));
}

static bool ends_marking(uint8_t byte, bool leave_done) {
  enum gc_slot_state code = gc_state_code(byte);
  return code != ST_NONE && code != ST_QUARANTINE &&
         !(code == ST_DONE && leave_done);
}

/* What is in quarantine, and what is done behind a stuck notifier, stays unmarked. */
static void mark_choosing(gc_block_id b, bool leave_done) {
  const struct gc_block *block = &gc_heap.blocks[b];
  for (unsigned s = 0; s < block->slots; s++)
    if (ends_marking(gc_load_rlx(block->states + s), leave_done))
      gc_map_set(b, s, gc_map_mark());
}

static void mark_all_pending(gc_block_id b) {
  const struct gc_block *block = &gc_heap.blocks[b];
  for (unsigned s = 0; s < block->slots; s += 8) {
    uint64_t upper = nonzero_bytes(eight_states(block, s));
    if (upper == 0)
      continue;
    _Atomic uint64_t *w = gc_map_word(b, s, gc_map_mark());
    gc_store_rlx(w, gc_load_rlx(w) | gather_bits(upper) << (s & 63));
  }
}

static void mark_block(gc_block_id b, const struct gc_queue *q) {
  if (gc_heap.blocks[b].states == NULL)
    return; /* freed by hand meanwhile */
  unsigned flags = gc_kind_flags(gc_hot_kind(gc_block_hot(b)));
  if (q->stuck > 0 || flags & KIND_DEBUG)
    mark_choosing(b, q->stuck > 0);
  else
    mark_all_pending(b);
}

void gc_pending_mark_untraced(void) { gc_pending_each_block(mark_block); }

static size_t object_bytes(const struct gc_block *block, uint64_t hot) {
  return gc_hot_state(hot) == BLK_LARGE ? block->large_bytes
                                        : gc_hot_bytes(hot);
}

static void drop_block(gc_block_id b, const struct gc_queue *q) {
  struct gc_block *block = &gc_heap.blocks[b];
  if (q->stuck == 0 || block->states == NULL)
    return;
  for (unsigned s = 0; s < block->slots; s++) {
    if (gc_state_code(gc_load_rlx(block->states + s)) != ST_DONE ||
        gc_map_test(b, s, gc_map_alloc()))
      continue;
    if (gc_kind_flags(gc_hot_kind(gc_block_hot(b))) & KIND_DEBUG) {
      gc_map_set(b, s, gc_map_alloc()); /* only by way of the quarantine */
      continue;
    }
    gc_store_rlx(block->states + s, (uint8_t)ST_NONE);
    gc_sub_rlx(&block->pending, 1);
    GC_PENDING_ADD(&gc_pending.freed_bytes,
                   object_bytes(block, gc_block_hot(b)));
  }
}

void gc_pending_drop_unreached(void) { gc_pending_each_block(drop_block); }

/* ---- Examine ---- */

/* Eight bits to eight bytes of 0 or 1, lowest first. */
static uint64_t spread_bits(unsigned bits) {
  uint64_t copies = bits * UINT64_C(0x0101010101010101);
  uint64_t each = copies & UINT64_C(0x8040201008040201);
  return ((each + UINT64_C(0x7f7f7f7f7f7f7f7f)) | each) >> 7 &
         UINT64_C(0x0101010101010101);
}

/* A word of 64 slots without any state yet: eight at a time. */
static void condemn_clean(_Atomic uint8_t *states, uint64_t dead,
                          uint8_t byte) {
  uint64_t *eight = (uint64_t *)(void *)states;
  for (; dead != 0; dead >>= 8, eight++)
    *eight = spread_bits(dead & 0xff) * byte;
}

static unsigned condemn_among(_Atomic uint8_t *states, uint64_t dead,
                              uint8_t byte) {
  unsigned n = 0;
  for (; dead != 0; dead &= dead - 1) {
    _Atomic uint8_t *s = states + gc_bits_lowest(dead);
    if (gc_load_rlx(s) == ST_NONE) {
      gc_store_rlx(s, byte);
      n++;
    }
  }
  return n;
}

/* DONE slots among the dead ones that are not to stay allocated by themselves. */
static uint64_t done_bits(const _Atomic uint8_t *states, uint64_t dead) {
  uint64_t done = 0;
  for (uint64_t left = dead; left != 0; left &= left - 1) {
    unsigned s = gc_bits_lowest(left);
    if (gc_state_code(gc_load_rlx(states + s)) == ST_DONE)
      done |= gc_slot_bit(s);
  }
  return done;
}

/* Condemns in 64 slots; returns how many. What is dead stays allocated until it is
 * released, so that a pending object is an ordinary allocated slot for the marker
 * and for claims. */
static unsigned examine_word(gc_block_id b, unsigned i, uint8_t byte,
                             bool has_pending, bool leave_done) {
  const struct gc_block *block = &gc_heap.blocks[b];
  _Atomic uint64_t *pair = gc_maps_of(b) + (i << 1);
  uint64_t mark = gc_load_rlx(pair + gc_map_mark());
  uint64_t dead = gc_load_rlx(pair + gc_map_alloc()) & ~mark;
  if (dead == 0)
    return 0;
  _Atomic uint8_t *states = block->states + (i << 6);
  if (!has_pending && block->slots - (i << 6) >= 64) {
    condemn_clean(states, dead, byte);
    gc_store_rlx(pair + gc_map_mark(), mark | dead);
    return gc_bits_count(dead);
  }
  uint64_t keep =
      leave_done && has_pending ? dead & ~done_bits(states, dead) : dead;
  gc_store_rlx(pair + gc_map_mark(), mark | keep);
  return condemn_among(states, dead, byte);
}

/* Bit i: some slot belongs to batch i. */
static unsigned batches_in(const struct gc_block *block) {
  uint64_t first = 0, second = 0;
  for (unsigned s = 0; s < block->slots; s += 8) {
    uint64_t states = eight_states(block, s), upper = nonzero_bytes(states);
    first |= upper & ~states;
    second |= upper & states;
  }
  return (first != 0) | (unsigned)(second != 0) << 1;
}

static void count_condemned(const struct gc_block *block, unsigned n,
                            uint64_t hot, struct gc_queue *q) {
  unsigned kind = gc_hot_kind(hot);
  struct gc_batch *open = &q->batch[q->open];
  if (open->since_ns == 0)
    open->since_ns = gc_plat_now_ns();
  if (q == &gc_queues[QUEUE_PROPER])
    gc_store_rel(&gc_pending_any, 1);
  GC_PENDING_ADD(&gc_pending.condemned, n);
  GC_PENDING_ADD(&gc_pending.condemned_bytes, n * object_bytes(block, hot));
  GC_PENDING_ADD(&gc_kinds[kind].condemned, n);
}

static void examine_block(gc_block_id b, void *cx) {
  struct gc_block *block = &gc_heap.blocks[b];
  uint64_t hot = gc_block_hot(b);
  struct gc_queue *q = gc_queue_of_kind(gc_hot_kind(hot));
  uint8_t byte = (uint8_t)(ST_COND | q->open << ST_BATCH_SHIFT);
  uint32_t before = gc_load_rlx(&block->pending);
  unsigned n = 0;
  (void)cx;
  for (unsigned i = 0; i < gc_map_words(block->slots); i++)
    n += examine_word(b, i, byte, before != 0, q->stuck > 0);
  if (n == 0 && before == 0)
    return;
  gc_store_rlx(&block->pending, before + n);
  unsigned in = (before != 0 ? batches_in(block) : 0) | (n ? 1u << q->open : 0);
  for (unsigned i = 0; i < 2; i++)
    if (in >> i & 1)
      list_block(&q->batch[i], b);
  if (n != 0)
    count_condemned(block, n, hot, q);
}

static void examine_large(gc_block_id head, void *cx) {
  if (gc_kind_flags(gc_hot_kind(gc_block_hot(head))) & KIND_NOTIFIED)
    examine_block(head, cx);
}

/* What the examination of a block reads first is fetched while those before it are
 * examined: what describes it, then its bits and bytes. */
#define AHEAD 4u

static void prefetch_block(const struct gc_pool *pool, uint32_t i) {
  if (i + AHEAD < pool->count)
    gc_prefetch(&gc_heap.blocks[pool->blocks[i + AHEAD]]);
  if (i + AHEAD / 2 >= pool->count)
    return;
  gc_block_id b = pool->blocks[i + AHEAD / 2];
  const struct gc_block *block = &gc_heap.blocks[b];
  gc_prefetch(gc_maps_of(b));
  for (unsigned s = 0; s < block->slots; s += 64)
    gc_prefetch((const char *)block->states + s);
}

void gc_pending_examine(gc_large_iterator each_large) {
  clear_lists();
  for (unsigned k = 0; k < gc_load_rlx(&gc_kind_count); k++) {
    if (!(gc_kind_flags(k) & KIND_NOTIFIED))
      continue;
    for (unsigned c = 1; c < gc_sizes.count; c++) {
      struct gc_pool *pool = &gc_kinds[k].pools[c];
      for (uint32_t i = 0; i < pool->count; i++) {
        prefetch_block(pool, i);
        examine_block(pool->blocks[i], NULL);
      }
    }
  }
  each_large(examine_large, NULL);
}

/* ---- Freed by hand ---- */

bool gc_pending_condemn(const struct gc_object *o) {
  struct gc_queue *q = gc_queue_of_kind(o->kind);
  struct gc_block *block = &gc_heap.blocks[o->block];
  struct gc_batch *open = &q->batch[q->open];
  uint8_t expected = ST_NONE;
  if (!gc_extent_commit(&open->block_memory,
                        (open->block_count + 1) * sizeof(gc_block_id)) ||
      !gc_cas_acq_rel(gc_state_of(o), &expected,
                      (uint8_t)(ST_COND | q->open << ST_BATCH_SHIFT)))
    return false;
  gc_add_rlx(&block->pending, 1);
  list_block(open, o->block);
  count_condemned(block, 1, gc_block_hot(o->block), q);
  return true;
}

/* ---- Attaching to a kind ---- */

static bool give_states(gc_block_id b) {
  struct gc_block *block = &gc_heap.blocks[b];
  if (block->states == NULL)
    block->states = gc_meta_alloc(block->slots);
  return block->states != NULL;
}

struct attach {
  unsigned kind;
  bool failed;
};

static void attach_large(gc_block_id head, void *cx) {
  struct attach *a = cx;
  if (gc_hot_kind(gc_block_hot(head)) == a->kind && !give_states(head))
    a->failed = true;
}

/* The flag comes first: from then on new blocks bring their bytes along, and the
 * loop gives them to the old ones. The caller keeps collections out meanwhile. */
bool gc_pending_attach(unsigned kind, unsigned flags,
                       gc_large_iterator each_large) {
  struct attach a = {kind, false};
  gc_and_rlx(&gc_kinds[kind].flags, ~(uint32_t)KIND_HELD);
  gc_or_rlx(&gc_kinds[kind].flags, KIND_NOTIFIED | flags);
  for (unsigned c = 1; c < gc_sizes.count; c++) {
    struct gc_pool *pool = &gc_kinds[kind].pools[c];
    gc_lock(&pool->lock);
    for (uint32_t i = 0; i < pool->count; i++)
      a.failed = !give_states(pool->blocks[i]) || a.failed;
    gc_unlock(&pool->lock);
  }
  each_large(attach_large, &a);
  return !a.failed;
}
