/* src/plat/lock.h: mutex and condition over futex. SPDX-License-Identifier: MIT
 *
 * Two ways to take a lock.
 *
 * gc_lock, for internal locks: a stop-deferring region around the whole time
 * that the lock is wanted and held. Held for short, bounded work; no user code.
 *
 * gc_lock_stoppable, for the api, thread-list and images locks: the
 * thread may be stopped while it waits and while it holds the lock; nostop must
 * be 0 on entry. The waiting survives the stop signal.
 *
 * Ranks order the locks; debug builds check that a thread takes them upwards
 * only (held_ranks of struct gc_self). Pools and weak maps are taken one at a time
 * except by fork, which says so.
 */
#ifndef GC_PLAT_LOCK_H
#define GC_PLAT_LOCK_H

#include "base/atomic.h"
#include "plat/self.h"

enum gc_lock_rank {
  RANK_API,
  RANK_THREADS,
  RANK_IMAGES,
  RANK_ROOTS,
  RANK_DRAIN,
  RANK_NOTIFY,
  RANK_POOL,
  RANK_MAPS,
  RANK_MAP,
  RANK_WEAK,
  RANK_FINAL,
  RANK_OBSERVED,
  RANK_BLOCKS,
  RANK_SPACE,
  RANK_ARENA,
  RANK_LEAF
};

struct gc_lock {
  _Atomic uint32_t word; /* 0 free, 1 held, 2 held with waiters */
  uint32_t rank;
};

#define GC_LOCK_INIT(r)                                                        \
  { 0, (r) }

void gc_lock_init(struct gc_lock *lock, enum gc_lock_rank rank);
void gc_lock(struct gc_lock *lock);
bool gc_lock_try(struct gc_lock *lock);
void gc_unlock(struct gc_lock *lock);
void gc_lock_stoppable(struct gc_lock *lock);
bool gc_lock_try_stoppable(struct gc_lock *lock);
void gc_unlock_stoppable(struct gc_lock *lock);
/* The caller holds the lock: the unlock will wake one waiter, even if none is
 * known of. */
void gc_lock_expect_waiters(struct gc_lock *lock);

/* Child of fork: the lock is free again, whatever it was. */
void gc_lock_reset(struct gc_lock *lock);

/* While set, the calling thread may hold several locks of rank POOL, and
 * of rank MAP (fork). */
void gc_lock_allow_many(bool allow);

/* True when some thread holds it (assertions only). */
bool gc_lock_is_held(const struct gc_lock *lock);

#endif
