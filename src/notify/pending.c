/* src/notify/pending.c: condemned objects that wait for their notifier.
 * SPDX-License-Identifier: MIT
 */
#include "notify/pending.h"

#define TABLE_BYTES ((size_t)16 << 30)
#define TABLE_MIN_BYTES ((size_t)1 << 20)

struct gc_pending gc_pending;

bool gc_pending_start(void) {
  struct gc_pending *p = &gc_pending;
  if (!gc_extent_reserve(&p->order_memory, TABLE_BYTES, TABLE_MIN_BYTES) ||
      !gc_extent_reserve(&p->block_memory, TABLE_BYTES / 64,
                         TABLE_MIN_BYTES / 16))
    return false;
  p->order = (char **)(void *)p->order_memory.base;
  p->blocks = (gc_block_id *)(void *)p->block_memory.base;
  return true;
}

bool gc_pending_append(char *object) {
  struct gc_pending *p = &gc_pending;
  size_t bytes = (p->order_count + 1) * sizeof *p->order;
  if (bytes > p->order_memory.committed &&
      !gc_extent_commit(&p->order_memory, bytes))
    return false;
  p->order[p->order_count++] = object;
  return true;
}

/* ---- Claim protocol ---- */

bool gc_pending_claim(_Atomic uint8_t *state) {
  uint8_t expected = ST_COND;
  return gc_cas_acq_rel(state, &expected, ST_CLAIM);
}

bool gc_pending_revive(_Atomic uint8_t *state) {
  uint8_t expected = ST_COND;
  if (gc_cas_acq_rel(state, &expected, ST_NONE)) {
    gc_pending.revived++;
    return true;
  }
  return expected == ST_NONE;
}

/* ---- Before marking ---- */

static void mark_block(gc_block_id b) {
  const struct gc_block *block = &gc_heap.blocks[b];
  if (block->states == NULL)
    return; /* freed by hand meanwhile */
  for (unsigned s = 0; s < block->slots; s++)
    if (gc_load_rlx(block->states + s) != ST_NONE)
      gc_map_set(b, s, gc_map_mark());
}

void gc_pending_mark_untraced(void) {
  const struct gc_pending *p = &gc_pending;
  for (size_t i = 0; i < p->block_count; i++)
    mark_block(p->blocks[i]);
}

/* ---- Examine ---- */

/* True if any of the 64 state bytes from s on is not NONE. */
static bool any_state(const _Atomic uint8_t *s, unsigned n) {
  for (unsigned i = 0; i < n; i++)
    if (gc_load_rlx(s + i) != ST_NONE)
      return true;
  return false;
}

/* Condemns the live slots among `dead`; returns how many. */
static unsigned condemn(_Atomic uint8_t *states, uint64_t dead) {
  unsigned n = 0;
  for (; dead != 0; dead &= dead - 1) {
    _Atomic uint8_t *s = states + gc_bits_lowest(dead);
    if (gc_load_rlx(s) == ST_NONE) {
      gc_store_rlx(s, ST_COND);
      n++;
    }
  }
  return n;
}

/* Everything dead in the block stays allocated until it is released, so that a
 * pending object is an ordinary allocated slot for the marker and for claims. */
static void examine_block(gc_block_id b, void *cx) {
  struct gc_block *block = &gc_heap.blocks[b];
  unsigned slots = block->slots, condemned = 0;
  bool pending = false;
  (void)cx;
  for (unsigned i = 0; i < gc_map_words(slots); i++) {
    _Atomic uint64_t *pair = gc_maps_of(b) + (i << 1);
    uint64_t alloc = gc_load_rlx(pair + gc_map_alloc());
    uint64_t mark = gc_load_rlx(pair + gc_map_mark());
    uint64_t dead = alloc & ~mark;
    unsigned in_word = slots - (i << 6) < 64 ? slots - (i << 6) : 64;
    if (dead != 0) {
      condemned += condemn(block->states + (i << 6), dead);
      gc_store_rlx(pair + gc_map_mark(), mark | dead);
    }
    pending =
        pending || dead != 0 || any_state(block->states + (i << 6), in_word);
  }
  if (!pending)
    return;
  struct gc_pending *p = &gc_pending;
  size_t bytes = (p->block_count + 1) * sizeof *p->blocks;
  if (!gc_extent_commit(&p->block_memory, bytes))
    gc_fatal("no memory for the list of blocks with dead objects to notify; "
             "raise the memory limit");
  p->blocks[p->block_count++] = b;
  p->condemned += condemned;
  gc_add_rlx(&p->waiting, condemned);
}

static void examine_large(gc_block_id head, void *cx) {
  if (gc_kind_flags(gc_hot_kind(gc_block_hot(head))) & KIND_NOTIFIED)
    examine_block(head, cx);
}

void gc_pending_examine(gc_large_iterator each_large) {
  gc_pending.order_count = 0;
  gc_pending.block_count = gc_pending.block_cursor = 0;
  for (unsigned k = 0; k < gc_load_rlx(&gc_kind_count); k++) {
    if (!(gc_kind_flags(k) & KIND_NOTIFIED))
      continue;
    for (unsigned c = 1; c < gc_sizes.count; c++) {
      struct gc_pool *pool = &gc_kinds[k].pools[c];
      for (uint32_t i = 0; i < pool->count; i++)
        examine_block(pool->blocks[i], NULL);
    }
  }
  each_large(examine_large, NULL);
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
bool gc_pending_attach(unsigned kind, bool held, gc_large_iterator each_large) {
  struct attach a = {kind, false};
  gc_or_rlx(&gc_kinds[kind].flags, KIND_NOTIFIED);
  if (held)
    gc_or_rlx(&gc_kinds[kind].flags, KIND_HELD);
  else
    gc_and_rlx(&gc_kinds[kind].flags, ~(uint32_t)KIND_HELD);
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
