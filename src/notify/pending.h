/* src/notify/pending.h: condemned objects that wait for their notifier.
 * SPDX-License-Identifier: MIT
 *
 * A queue for each way of notification (on notifier threads; on allocating
 * threads), and in it two batches. What a collection condemns belongs to the open
 * batch; the other one, frozen, is being decided, and then released as a whole;
 * then the open one is frozen. So what dies later never delays a release, and no
 * address is used again while a dead object that names it still waits. The upper
 * bit of a slot's state byte says to which batch it belongs.
 *
 * The lists of a batch are rebuilt by every collection:
 *   order    condemned objects reachable from held ones, in the order in which
 *            the hold trace left them: notified from the end, so that parents
 *            come before children (see mark/hold)
 *   blocks   every block with a state byte of this batch that is not NONE, for
 *            the rest, and for the release of what is done
 * All under the drain lock, or in the stop.
 */
#ifndef GC_NOTIFY_PENDING_H
#define GC_NOTIFY_PENDING_H

#include "heap/find.h"
#include "heap/meta.h"
#include "plat/plat.h"

struct gc_batch {
  struct gc_extent order_memory, block_memory;
  size_t order_count;
  size_t block_count;
  size_t block_cursor; /* blocks before it have no COND slot left */
  unsigned slot;       /* nor has the block at the cursor before this slot */
  size_t running;      /* CLAIM slots */
  uint64_t since_ns;   /* first condemned; 0: nothing is */
};

struct gc_queue {
  struct gc_batch batch[2];
  unsigned open;           /* which of them */
  _Atomic size_t waiting;  /* listed blocks; 0: nothing to do */
  _Atomic uint32_t rounds; /* batches decided so far */
  unsigned stuck;          /* CLAIM slots that nobody waits for any more */
};

enum { QUEUE_SIMPLE, QUEUE_PROPER, GC_QUEUES };

extern struct gc_queue gc_queues[GC_QUEUES];
extern struct gc_lock gc_drain_lock;

/* Totals, and the account of dead memory. What changes without a lock, by revival,
 * has a counter of its own, so that the others need no atomic addition. */
struct gc_pending {
  _Atomic uint64_t condemned, notified, kept, lost; /* [lock drain] */
  _Atomic size_t condemned_bytes, freed_bytes;      /* [lock drain] */
  _Atomic uint64_t revived;
  _Atomic size_t revived_bytes;
};
extern struct gc_pending gc_pending;

/* 0 only while no object of a queue of notifier threads is condemned or claimed, a
 * claim that nobody waits for included. [atomic: w in the stop, or lock drain / r by
 * anybody, after it has the address of an object in a register] */
extern _Atomic size_t gc_pending_any;

/* Dead and not freed. */
gc_inline size_t gc_pending_bytes(void) {
  return gc_load_rlx(&gc_pending.condemned_bytes) -
         gc_load_rlx(&gc_pending.freed_bytes) -
         gc_load_rlx(&gc_pending.revived_bytes);
}

/* COND and CLAIM slots of a kind. */
gc_inline size_t gc_pending_undecided(unsigned kind) {
  const struct gc_kind *k = &gc_kinds[kind];
  return gc_load_rlx(&k->condemned) - gc_load_rlx(&k->decided) -
         gc_load_rlx(&k->revived);
}

/* Adds to a counter that is written under a lock. */
#define GC_PENDING_ADD(counter, n)                                             \
  gc_store_rlx((counter), gc_load_rlx(counter) + (n))

bool gc_pending_start(void);
/* Room for the lists of a queue; false: no address space. [lock api] */
bool gc_pending_start_queue(unsigned queue);

gc_inline struct gc_queue *gc_queue_of_kind(unsigned kind) {
  return &gc_queues[gc_kind_flags(kind) & KIND_PROPER ? QUEUE_PROPER
                                                      : QUEUE_SIMPLE];
}
gc_inline struct gc_batch *gc_queue_frozen(struct gc_queue *q) {
  return &q->batch[q->open ^ 1];
}
gc_inline char **gc_batch_order(const struct gc_batch *batch) {
  return (char **)(void *)batch->order_memory.base;
}
gc_inline gc_block_id *gc_batch_blocks(const struct gc_batch *batch) {
  return (gc_block_id *)(void *)batch->block_memory.base;
}

/* World stopped, before roots are scanned: marks every pending slot, untraced, so
 * that marking ends there. What pending objects refer to is for the hold trace to
 * keep and to order, and for a revival to walk through; neither goes on from what
 * a stray word made live. Behind a stuck notifier DONE slots are left out: then
 * gc_pending_drop_unreached frees those that nothing reaches. */
void gc_pending_mark_untraced(void);

/* Every block with a state byte that is not NONE; a block of two batches comes
 * twice. [lock drain, or stw] */
void gc_pending_each_block(void (*f)(gc_block_id, const struct gc_queue *));

/* World stopped, marking done, before the flip: finds what died. Dead slots
 * become COND and stay allocated. */
void gc_pending_examine(gc_large_iterator each_large);

/* World stopped, after the flip and the hold trace, see gc_pending_mark_untraced. */
void gc_pending_drop_unreached(void);

/* Appends a COND object to the order of its batch; false when there is no memory
 * (the object is found through its block later). */
bool gc_pending_append(const struct gc_object *object);

/* ---- State bytes ---- */

/* State byte of a slot; null for kinds that are not notified. */
gc_inline _Atomic uint8_t *gc_state_of(const struct gc_object *o) {
  _Atomic uint8_t *states = gc_heap.blocks[o->block].states;
  return states == NULL ? NULL : states + o->slot;
}

gc_inline enum gc_slot_state gc_state_code(uint8_t byte) {
  return (enum gc_slot_state)(byte & ST_MASK);
}
gc_inline uint8_t gc_state_byte(enum gc_slot_state code, uint8_t batch_of) {
  return (uint8_t)(code | (batch_of & ~ST_MASK));
}

/* COND to CLAIM: true when the caller won. While the process has one thread nobody
 * can revive in between. */
gc_inline bool gc_pending_claim(_Atomic uint8_t *state) {
  uint8_t byte = gc_load_rlx(state);
  if (gc_state_code(byte) != ST_COND)
    return false;
  if (!gc_plat_single_threaded())
    return gc_cas_acq_rel(state, &byte, gc_state_byte(ST_CLAIM, byte));
  gc_store_rlx(state, gc_state_byte(ST_CLAIM, byte));
  return true;
}
/* The same of eight slots side by side, aligned, all of them or none. On the processors
 * that we know a wide exchange and one of a byte within it exclude each other. */
gc_inline bool gc_pending_claim_eight(_Atomic uint8_t *states, uint64_t cond,
                                      uint64_t claim) {
  _Atomic uint64_t *eight = (_Atomic uint64_t *)(void *)states;
  uint64_t now = gc_load_rlx(eight);
  return now == cond && gc_cas_acq_rel(eight, &now, claim);
}
/* COND to NONE: true when the object lives (it was NONE already, or was won). */
bool gc_pending_revive(const struct gc_object *object);

/* A live object is freed by hand: it is notified as if it had died. False: it is
 * condemned already, or no memory for the list. [lock drain] */
bool gc_pending_condemn(const struct gc_object *object);

/* A kind becomes notified: gives its existing blocks state bytes. Flags as for
 * gc_deliver_register. False: no memory. */
bool gc_pending_attach(unsigned kind, unsigned flags,
                       gc_large_iterator each_large);

#endif
