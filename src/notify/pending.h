/* src/notify/pending.h: condemned objects that wait for their notifier.
 * SPDX-License-Identifier: MIT
 *
 * Two collections of pending work, rebuilt by every collection:
 *   order    condemned objects reachable from held ones, in the order in which
 *            the hold trace left them: notified from the end, so that parents
 *            come before children (see mark/hold)
 *   blocks   every block with a state byte that is not NONE, for the rest, and
 *            for the release of what is done
 * All under the api lock, or in the stop.
 */
#ifndef GC_NOTIFY_PENDING_H
#define GC_NOTIFY_PENDING_H

#include "heap/find.h"
#include "heap/meta.h"

struct gc_pending {
  struct gc_extent order_memory, block_memory;
  char **order;
  size_t order_count;
  gc_block_id *blocks;
  size_t block_count;
  size_t block_cursor;    /* blocks before it have no COND slot left */
  _Atomic size_t waiting; /* COND slots, an upper bound; 0: nothing to do */
  uint64_t condemned, notified, kept, revived; /* totals */
};

extern struct gc_pending gc_pending;

bool gc_pending_start(void);

/* World stopped, before roots are scanned: marks every pending slot, untraced, so
 * that marking ends there. What pending objects refer to is for the hold trace to
 * keep and to order, and for a revival to walk through; neither goes on from what
 * a stray word made live. */
void gc_pending_mark_untraced(void);

/* World stopped, marking done, before the flip: finds what died. Dead slots
 * become COND and stay allocated. */
void gc_pending_examine(gc_large_iterator each_large);

/* Appends to the order; false when there is no memory (the object is found through its
 * block later). */
bool gc_pending_append(char *object);

/* State byte of a slot; null for kinds that are not notified. */
gc_inline _Atomic uint8_t *gc_state_of(const struct gc_object *o) {
  _Atomic uint8_t *states = gc_heap.blocks[o->block].states;
  return states == NULL ? NULL : states + o->slot;
}

/* COND to CLAIM: true when the caller won. */
bool gc_pending_claim(_Atomic uint8_t *state);
/* COND to NONE: true when the object lives (it was NONE already, or was won). */
bool gc_pending_revive(_Atomic uint8_t *state);

/* A kind becomes notified: gives its existing blocks state bytes. False: no memory. */
bool gc_pending_attach(unsigned kind, bool held, gc_large_iterator each_large);

#endif
