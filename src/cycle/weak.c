/* src/cycle/weak.c: references that do not keep their object alive.
 * SPDX-License-Identifier: MIT
 *
 * What is condemned or held is looked at again under the drain lock. It is taken
 * inside the region: its owners are in such a region themselves and wait for no
 * stop, so the region stays short; and with the lock nothing is claimed, released
 * or revived by others, so a cell that is set still means its object. The order is
 * drain lock, then the lock of the cells, as a release has it.
 */
#include "cycle/weak.h"

#include "cycle/drain.h"
#include "cycle/gc_start.h"
#include "heap/side.h"
#include "mark/hold.h"
#include "reclaim/classify.h"
#include "world/stop.h"

/* ---- Making ---- */

bool gc_weak_is_live(const struct gc_object *o) {
  const _Atomic uint8_t *state = gc_state_of(o);
  return gc_map_test(o->block, o->slot, gc_map_alloc()) &&
         (state == NULL || gc_load_acq(state) == ST_NONE);
}

struct gc_weak *gc_weak_new(const void *address) {
  struct gc_object o;
  struct gc_weak *weak = NULL;
  gc_nostop_enter();
  if (gc_find(address, &o) && gc_weak_is_live(&o))
    weak = gc_weak_cell_new(&o, address);
  gc_hold_pointer(address);
  gc_nostop_leave();
  return weak;
}

/* ---- Reading ---- */

enum sight { SEEN_LIVE, SEEN_DEAD, SEEN_WAITING };

/* The object lived at the last collection, or is younger: whatever is said of its
 * slot since then was said of the one before it. */
static bool is_of_this_epoch(const struct gc_weak *weak) {
  return weak->epoch == gc_heap.epoch;
}

/* The tables of a block that is given back at the same time may be somebody else's
 * already: they stay readable, and the second look at the cell rejects what was
 * read. An ordinary object that only condemned ones refer to is dead; it is allocated
 * and held after the hold trace, and looks free before: a refusal must be final. */
gc_scans_memory static enum sight look_at(const struct gc_weak *weak) {
  const struct gc_block *block = &gc_heap.blocks[weak->block];
  unsigned slot = weak->slot;
  bool is_closed = gc_classify_is_closed();
  uint64_t allocated =
      gc_load_acq(gc_map_word(weak->block, slot, gc_map_alloc()));
  if (!(allocated & gc_slot_bit(slot)))
    return is_closed ? SEEN_WAITING : SEEN_DEAD;
  const _Atomic uint8_t *states = block->states;
  if (states != NULL)
    return gc_load_acq(states + slot) == ST_NONE ? SEEN_LIVE : SEEN_WAITING;
  bool is_held = !is_of_this_epoch(weak) && gc_side_is_held(block, slot);
  return is_held ? SEEN_WAITING : SEEN_LIVE;
}

static bool revive(const struct gc_weak *weak, const void *address) {
  struct gc_object o;
  if (!gc_find(address, &o))
    return false;
  if (gc_state_of(&o) != NULL)
    return gc_drain_revive_locked(&o);
  return gc_map_test(o.block, o.slot, gc_map_alloc()) &&
         (is_of_this_epoch(weak) || !gc_hold_has(&o));
}

/* Condemned or held when we looked: decides, and makes a refusal final. */
static gc_noinline bool ask(struct gc_weak *weak, uint64_t hidden) {
  gc_drain_lock_take();
  bool lives = gc_load_acq(&weak->hidden) == hidden &&
               revive(weak, (const void *)(uintptr_t)~hidden);
  if (!lives)
    gc_weak_cell_clear(weak);
  gc_drain_lock_leave();
  return lives;
}

static bool lives(struct gc_weak *weak, uint64_t hidden) {
  enum sight sight = look_at(weak);
  if (gc_unlikely(sight == SEEN_WAITING))
    return ask(weak, hidden);
  return sight == SEEN_LIVE && gc_load_acq(&weak->hidden) == hidden;
}

void *gc_weak_get(struct gc_weak *weak) {
  if (gc_unlikely(!gc_self_is_known()) && !gc_start_thread())
    return NULL;
  if (GC_TSAN_BUILD)
    gc_stop_poll();
  gc_nostop_enter();
  uint64_t hidden = gc_load_acq(&weak->hidden);
  void *object = NULL;
  if (hidden != 0 && lives(weak, hidden))
    object = (void *)(uintptr_t)~hidden;
  gc_hold_pointer(object);
  gc_nostop_leave();
  return object;
}
