/* src/cycle/deliver.c: calling notifiers and releasing what is done.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/deliver.h"

#include "cycle/api_lock.h"
#include "mark/hold.h"
#include "notify/pending.h"
#include "reclaim/large.h"
#include "reclaim/pool.h"

/* Notifiers called at one safepoint. */
#define SOME 1024u

static bool inside; /* [lock api] a notifier runs */

bool gc_deliver_inside(void) { return inside && gc_api_is_mine(); }

/* ---- Revival ---- */

static void revive_one(const struct gc_object *o) {
  gc_pending_revive(gc_state_of(o));
}

bool gc_deliver_revive(const struct gc_object *o) {
  _Atomic uint8_t *state = gc_state_of(o);
  if (state == NULL)
    return true;
  if (!(gc_kind_flags(o->kind) & KIND_HELD))
    return gc_pending_revive(state);
  gc_api_lock();
  bool was_condemned = gc_load_rlx(state) == ST_COND;
  bool lives = gc_pending_revive(state);
  if (lives && was_condemned)
    gc_hold_each_condemned(o, revive_one);
  gc_api_unlock();
  return lives;
}

/* ---- Notification ---- */

static void decide(const struct gc_object *o, _Atomic uint8_t *state) {
  int (*proc)(void *) = gc_kinds[o->kind].disclaim;
  inside = true;
  bool keep = proc != NULL && proc(o->start) != 0;
  inside = false;
  gc_pending.notified++;
  if (!keep) {
    gc_store_rel(state, ST_DONE);
    return;
  }
  gc_pending.kept++;
  gc_store_rel(state, ST_NONE);
  if (gc_kind_flags(o->kind) & KIND_HELD)
    gc_hold_each_condemned(o, revive_one);
}

static bool notify_object(char *start) {
  struct gc_object o;
  if (!gc_find(start, &o))
    return false;
  _Atomic uint8_t *state = gc_state_of(&o);
  if (state == NULL || !gc_pending_claim(state))
    return false;
  decide(&o, state);
  return true;
}

/* Ordered objects, parents first. Returns how many were called. */
static size_t notify_ordered(size_t max) {
  struct gc_pending *p = &gc_pending;
  size_t called = 0;
  while (p->order_count > 0 && called < max)
    called += notify_object(p->order[--p->order_count]);
  return called;
}

/* The rest of one block. */
static size_t notify_block(gc_block_id b, size_t max) {
  struct gc_block *block = &gc_heap.blocks[b];
  uint64_t hot = gc_block_hot(b);
  size_t called = 0;
  if (block->states == NULL)
    return 0; /* freed by hand meanwhile */
  for (unsigned s = 0; s < block->slots && called < max; s++)
    if (gc_load_rlx(block->states + s) == ST_COND)
      called += notify_object(gc_slot_address(b, hot, s));
  return called;
}

static size_t notify_blocks(size_t max) {
  struct gc_pending *p = &gc_pending;
  size_t called = 0;
  while (p->block_cursor < p->block_count && called < max) {
    size_t n = notify_block(p->blocks[p->block_cursor], max - called);
    called += n;
    if (called < max)
      p->block_cursor++;
  }
  return called;
}

/* ---- Release ---- */

static void release_large(gc_block_id b) {
  if (gc_load_rlx(gc_heap.blocks[b].states) == ST_DONE)
    gc_large_free(b);
}

static void release_block(gc_block_id b) {
  if (gc_heap.blocks[b].states == NULL)
    return;
  if (gc_hot_state(gc_block_hot(b)) == BLK_LARGE)
    release_large(b);
  else
    gc_pool_release_done(b);
}

static void release_all(void) {
  struct gc_pending *p = &gc_pending;
  for (size_t i = 0; i < p->block_count; i++)
    release_block(p->blocks[i]);
  p->block_count = p->block_cursor = 0;
  gc_store_rlx(&p->waiting, 0);
  gc_extent_trim(&p->order_memory);
}

/* ---- Entry points ---- */

void gc_deliver(enum gc_deliver_amount amount) {
  struct gc_pending *p = &gc_pending;
  if (inside || p->block_count == 0)
    return;
  size_t max = amount == DELIVER_ALL ? SIZE_MAX : SOME;
  size_t called = notify_ordered(max);
  if (called < max)
    called += notify_blocks(max - called);
  if (p->order_count == 0 && p->block_cursor == p->block_count)
    release_all();
}

void gc_deliver_poll(void) {
  if (gc_load_rlx(&gc_pending.waiting) == 0 || gc_api_is_mine() ||
      !gc_api_try_lock())
    return;
  gc_deliver(DELIVER_SOME);
  gc_api_unlock_only();
}

bool gc_deliver_all(void) {
  if (gc_load_rlx(&gc_pending.waiting) == 0 || gc_api_is_mine())
    return false;
  gc_api_lock();
  gc_deliver(DELIVER_ALL);
  gc_api_unlock_only();
  return true;
}

bool gc_deliver_register(unsigned kind, int (*proc)(void *), bool held) {
  gc_api_lock();
  gc_kinds[kind].disclaim = proc;
  bool ok = gc_pending_attach(kind, held, gc_large_each);
  gc_api_unlock();
  return ok;
}
