/* src/cycle/drain.c: claiming, deciding and releasing condemned objects.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/drain.h"

#include "cycle/claims.h"
#include "cycle/hold_phase.h"
#include "mark/hold.h"
#include "notify/debug.h"
#include "notify/quarantine.h"
#include "reclaim/large.h"
#include "reclaim/pool.h"

void (*gc_drain_on_progress)(void);
_Atomic uint32_t gc_drain_waiters;
_Atomic size_t gc_drain_memory_goal;

static uint64_t max_lag_ns; /* [lock drain] */

/* What the lock guards is read as the hold trace leaves it. */
void gc_drain_lock_take(void) {
  gc_lock(&gc_drain_lock);
  gc_hold_phase_settle();
}
void gc_drain_lock_leave(void) { gc_unlock(&gc_drain_lock); }

uint64_t gc_drain_max_lag_ns(void) { return max_lag_ns; }

static bool is_memory_awaited(void) {
  return gc_pending_bytes() < gc_load_rlx(&gc_drain_memory_goal);
}

static void tell_if(bool is_awaited) {
  if (is_awaited && gc_drain_on_progress != NULL)
    gc_drain_on_progress();
}

static void tell_progress(void) {
  tell_if(gc_load_rlx(&gc_drain_waiters) != 0 || is_memory_awaited());
}

/* A listed block may have been released, given back and taken for another kind since:
 * then nothing in it is pending. While something is, its slots are allocated and
 * the block stays what it is; the drain lock keeps that so. */
static bool is_pending_block(gc_block_id b) {
  return gc_load_acq(&gc_heap.blocks[b].pending) != 0;
}

/* ---- Release ---- */

/* What the hold trace met, of whatever kind, may be in use by a notifier that runs
 * or is still to come. */
static bool is_block_held(gc_block_id b) {
  return gc_load_rlx(&gc_heap.blocks[b].held) != NULL ||
         (gc_kind_flags(gc_hot_kind(gc_block_hot(b))) & KIND_HELD) != 0;
}

static bool may_release(gc_block_id b, const struct gc_queue *q) {
  return q->stuck == 0 || !is_block_held(b);
}

static void release_large(gc_block_id b, uint8_t done) {
  struct gc_block *block = &gc_heap.blocks[b];
  if (gc_load_rlx(block->states) != done)
    return;
  GC_PENDING_ADD(&gc_pending.freed_bytes, block->large_bytes);
  gc_store_rlx(&block->pending, 0);
  gc_large_free(b);
  tell_if(is_memory_awaited());
}

static void release_block(gc_block_id b, uint8_t done) {
  struct gc_block *block = &gc_heap.blocks[b];
  if (!is_pending_block(b))
    return;
  uint64_t hot = gc_block_hot(b);
  if (gc_unlikely(gc_debug_is_kind(gc_hot_kind(hot))))
    gc_quarantine_take(b, done);
  if (gc_hot_state(hot) == BLK_LARGE) {
    release_large(b, done);
    return;
  }
  unsigned n = gc_pool_release(b, done);
  gc_sub_rlx(&block->pending, n);
  GC_PENDING_ADD(&gc_pending.freed_bytes, n * gc_hot_bytes(hot));
  tell_if(is_memory_awaited());
}

static uint8_t done_byte(const struct gc_queue *q, const struct gc_batch *b) {
  return (uint8_t)(ST_DONE | (unsigned)(b - q->batch) << ST_BATCH_SHIFT);
}

static void note_lag(struct gc_batch *batch) {
  uint64_t now = gc_plat_now_ns();
  if (batch->since_ns != 0 && now - batch->since_ns > max_lag_ns)
    max_lag_ns = now - batch->since_ns;
  batch->since_ns = 0;
}

static void release_batch(struct gc_queue *q, struct gc_batch *batch) {
  for (size_t i = 0; i < batch->block_count; i++)
    if (may_release(gc_batch_blocks(batch)[i], q))
      release_block(gc_batch_blocks(batch)[i], done_byte(q, batch));
  if (batch->block_count != 0)
    gc_add_rlx(&q->rounds, 1);
  note_lag(batch);
  batch->block_count = batch->block_cursor = batch->order_count = 0;
  batch->slot = 0;
  gc_extent_trim(&batch->order_memory);
  tell_progress();
}

/* ---- Taking ---- */

static bool claim(struct gc_batch *batch, const struct gc_object *o) {
  if (!gc_pending_claim(gc_state_of(o)))
    return false;
  batch->running++;
  return true;
}

static bool take_ordered(struct gc_batch *batch, struct gc_object *out) {
  while (batch->order_count > 0) {
    char *start = gc_batch_order(batch)[--batch->order_count];
    if (gc_find(start, out) && is_pending_block(out->block) &&
        claim(batch, out))
      return true;
  }
  return false;
}

static bool take_in_block(struct gc_batch *batch, gc_block_id b, uint8_t cond,
                          struct gc_object *out) {
  const struct gc_block *block = &gc_heap.blocks[b];
  if (!is_pending_block(b))
    return false;
  while (batch->slot < block->slots) {
    unsigned s = batch->slot++;
    if (gc_load_rlx(block->states + s) != cond)
      continue;
    gc_object_at(b, s, out);
    if (claim(batch, out))
      return true;
  }
  return false;
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Eight slots with one exchange, when the cursor is at eight condemned ones. */
static size_t take_eight(struct gc_batch *batch, gc_block_id b, uint8_t cond,
                         struct gc_object *out) {
  const struct gc_block *block = &gc_heap.blocks[b];
  if (batch->slot % 8 != 0 || batch->slot + 8 > block->slots ||
      !gc_pending_claim_eight(block->states + batch->slot, cond * EACH_BYTE,
                              gc_state_byte(ST_CLAIM, cond) * EACH_BYTE))
    return 0;
  for (unsigned i = 0; i < 8; i++)
    gc_object_at(b, batch->slot++, &out[i]);
  batch->running += 8;
  return 8;
}

/* From the block at the cursor, up to max more. */
static size_t take_more(struct gc_batch *batch, uint8_t cond,
                        struct gc_object *out, size_t max) {
  gc_block_id b = gc_batch_blocks(batch)[batch->block_cursor];
  size_t n = 0, taken;
  if (!is_pending_block(b))
    return 0;
  do {
    taken = max - n >= 8 ? take_eight(batch, b, cond, out + n) : 0;
    if (taken == 0 && n < max)
      taken = take_in_block(batch, b, cond, out + n);
    n += taken;
  } while (taken != 0 && n < max);
  return n;
}

/* Kinds that name no other objects need not wait for the batch, unless others
 * refer to an object of the block. */
static bool is_released_by_block(gc_block_id b) {
  return is_pending_block(b) &&
         !(gc_kind_flags(gc_hot_kind(gc_block_hot(b))) & KIND_BATCH) &&
         !is_block_held(b);
}

static bool take_from_blocks(struct gc_queue *q, struct gc_batch *batch,
                             struct gc_object *out) {
  uint8_t done = done_byte(q, batch);
  uint8_t cond = gc_state_byte(ST_COND, done);
  while (batch->block_cursor < batch->block_count) {
    gc_block_id b = gc_batch_blocks(batch)[batch->block_cursor];
    if (take_in_block(batch, b, cond, out))
      return true;
    if (is_released_by_block(b))
      release_block(b, done);
    batch->block_cursor++;
    batch->slot = 0;
  }
  return false;
}

/* Everything in it is decided; what another thread is still told keeps it open. */
static bool is_decided(const struct gc_batch *batch) {
  return batch->order_count == 0 && batch->block_cursor == batch->block_count &&
         batch->running == 0;
}

static bool has_any(const struct gc_batch *batch) {
  return batch->block_count != 0 || batch->running != 0;
}

static bool take_one(struct gc_queue *q, struct gc_object *out) {
  for (;;) {
    struct gc_batch *frozen = gc_queue_frozen(q);
    if (take_ordered(frozen, out) || take_from_blocks(q, frozen, out))
      return true;
    if (!is_decided(frozen))
      return false;
    release_batch(q, frozen);
    if (!has_any(&q->batch[q->open])) {
      gc_store_rlx(&q->waiting, 0);
      if (q == &gc_queues[QUEUE_PROPER] && q->stuck == 0)
        gc_store_rel(&gc_pending_any, 0);
      return false;
    }
    q->open ^= 1;
  }
}

size_t gc_drain_take(struct gc_queue *q, struct gc_object *out, size_t max) {
  if (!take_one(q, out))
    return 0;
  size_t n = 1;
  struct gc_batch *batch = gc_queue_frozen(q);
  while (n < max && take_ordered(batch, &out[n]))
    n++;
  if (n > 1 || batch->slot == 0) /* or it was the last in order */
    return n;
  uint8_t cond = gc_state_byte(ST_COND, done_byte(q, batch));
  if (gc_batch_blocks(batch)[batch->block_cursor] == out->block)
    n += take_more(batch, cond, out + n, max - n);
  return n;
}

/* Found through the order, or else by looking through the blocks again. */
void gc_drain_put_back(const struct gc_object *o) {
  struct gc_batch *batch = gc_queue_frozen(gc_queue_of_kind(o->kind));
  _Atomic uint8_t *state = gc_state_of(o);
  uint8_t byte = gc_load_rlx(state);
  gc_check(gc_state_code(byte) == ST_CLAIM && batch->running > 0);
  gc_store_rel(state, gc_state_byte(ST_COND, byte));
  batch->running--;
  if (!gc_pending_append(o))
    batch->block_cursor = batch->slot = 0;
}

bool gc_drain_is_busy(const struct gc_queue *q) {
  return has_any(&q->batch[0]) || has_any(&q->batch[1]);
}

uint32_t gc_drain_target(const struct gc_queue *q) {
  uint32_t now = gc_load_rlx(&q->rounds);
  return now + has_any(&q->batch[0]) + has_any(&q->batch[1]);
}

/* ---- Deciding ---- */

static void report_decided(const struct gc_object *o) {
  const struct gc_notifier *n = &gc_kinds[o->kind].notifier;
  if (n->on_revive != NULL)
    n->on_revive(o->start, n->cd);
}

/* Makes what the object refers to live with it; the object itself comes first, so
 * that nobody sees it condemned with a closure that is live. */
static bool revive_closure(const struct gc_object *object, bool is_claimed) {
  gc_claims_take_back_all();
  size_t n = gc_hold_list_closure(object, report_decided);
  bool lives = is_claimed || gc_pending_revive(object);
  for (size_t i = 1; i < n; i++) {
    struct gc_object o;
    if (gc_find(gc_hold_member(i), &o) && gc_state_of(&o) != NULL)
      gc_pending_revive(&o);
  }
  return lives;
}

static void keep(const struct gc_object *o) {
  gc_store_rel(gc_state_of(o), (uint8_t)ST_NONE);
  gc_sub_rlx(&gc_heap.blocks[o->block].pending, 1);
  GC_PENDING_ADD(&gc_pending.freed_bytes, o->bytes);
  GC_PENDING_ADD(&gc_pending.kept, 1);
  GC_PENDING_ADD(&gc_pending.notified, 1);
  if (gc_kind_flags(o->kind) & KIND_HELD)
    revive_closure(o, true);
}

/* The batch is in the byte, and the byte may be gone: a kept object can be
 * condemned again before its notifier returns. Batches in which something runs are
 * not exchanged, so the frozen one is meant. */
static void end_running(unsigned kind, size_t n) {
  struct gc_batch *batch = gc_queue_frozen(gc_queue_of_kind(kind));
  gc_check(batch->running >= n);
  batch->running -= n;
  GC_PENDING_ADD(&gc_kinds[kind].decided, n);
  if (gc_load_rlx(&gc_drain_waiters) != 0 && gc_pending_undecided(kind) == 0)
    tell_progress();
}

static void end_state(const struct gc_object *o, enum gc_slot_state code) {
  _Atomic uint8_t *state = gc_state_of(o);
  uint8_t byte = gc_load_rlx(state);
  gc_check(gc_state_code(byte) == ST_CLAIM);
  gc_store_rel(state, gc_state_byte(code, byte));
}

void gc_drain_finish_done(const struct gc_object *first, size_t n) {
  for (size_t i = 0; i < n; i++)
    end_state(first + i, ST_DONE);
  GC_PENDING_ADD(&gc_pending.notified, n);
  end_running(first->kind, n);
}

/* What is lost is never freed: nobody is to wait for its memory. */
void gc_drain_finish(const struct gc_object *o, enum gc_drain_verdict verdict) {
  if (verdict == DRAIN_KEEP) {
    keep(o);
  } else {
    gc_check(verdict == DRAIN_LOST);
    end_state(o, ST_LOST);
    GC_PENDING_ADD(&gc_pending.lost, 1);
    GC_PENDING_ADD(&gc_pending.freed_bytes, o->bytes);
  }
  end_running(o->kind, 1);
}

void gc_drain_keep(const struct gc_object *o) { keep(o); }
void gc_drain_leave_kept(const struct gc_object *o) { end_running(o->kind, 1); }

void gc_drain_give_up(const struct gc_object *o) {
  struct gc_queue *q = gc_queue_of_kind(o->kind);
  struct gc_batch *batch = gc_queue_frozen(q);
  gc_check(batch->running > 0);
  batch->running--;
  q->stuck++;
  GC_PENDING_ADD(&gc_pending.freed_bytes, o->bytes); /* as if it were */
  tell_progress();
}

void gc_drain_take_back(const struct gc_object *o) {
  struct gc_queue *q = gc_queue_of_kind(o->kind);
  gc_queue_frozen(q)->running++;
  q->stuck--;
  GC_PENDING_ADD(&gc_pending.freed_bytes, -o->bytes);
}

/* ---- Revival ---- */

/* What is claimed and not called yet can be had back. */
bool gc_drain_revive_locked(const struct gc_object *o) {
  const _Atomic uint8_t *state = gc_state_of(o);
  if (gc_state_code(gc_load_rlx(state)) == ST_CLAIM)
    gc_claims_take_back_object(o);
  if (gc_state_code(gc_load_rlx(state)) == ST_COND &&
      gc_kind_flags(o->kind) & KIND_HELD)
    return revive_closure(o, false);
  return gc_pending_revive(o);
}

static bool revive_under_lock(const struct gc_object *o) {
  gc_drain_lock_take();
  bool lives = gc_drain_revive_locked(o);
  gc_drain_lock_leave();
  return lives;
}

/* Claimed, or claimed a moment ago and put back since, when somebody revived another one
 * that was claimed with it. Whether it is too late is certain under the lock only. */
static bool may_come_back(const struct gc_object *o) {
  enum gc_slot_state code = gc_state_code(gc_load_acq(gc_state_of(o)));
  return code == ST_CLAIM || code == ST_COND;
}

bool gc_drain_revive(const struct gc_object *o) {
  const _Atomic uint8_t *state = gc_state_of(o);
  if (state == NULL || gc_load_acq(state) == ST_NONE)
    return true;
  if (gc_kind_flags(o->kind) & KIND_HELD)
    return revive_under_lock(o);
  return gc_pending_revive(o) || (may_come_back(o) && revive_under_lock(o));
}
