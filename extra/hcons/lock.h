/* extra/hcons/lock.h: the lock of a shard. SPDX-License-Identifier: MIT */
/* A spinning lock that yields and sleeps. Sections under it are short, allocate nothing and
 * never wait for the collector, so whoever holds it comes out soon, be it after a
 * stop of the world.
 *
 * The lock of a table for one user (HC_SINGLE) is biased: the user enters by two
 * plain memory accesses, and only reclaim notifications, which run on another
 * thread, use the lock proper. The user raises `busy` and then reads `revoked`; a
 * notifier raises `revoked`, makes every thread of the process pass a barrier
 * (membarrier), and then reads `busy`. So one of them sees the other: a user that
 * saw `revoked` low had raised `busy` before the barrier, and the notifier waits
 * for it. Once revoked, both use the lock; the user takes the bias back when
 * notifiers have left it alone for a while, holding the lock, so that none is
 * inside. The argument is that of asymmetric Dekker locks; without membarrier the
 * bias is never given. */
#ifndef HCONS_LOCK_H
#define HCONS_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { HC_LOCK_UNBIASED_USES = 256 };

struct hc_lock {
  atomic_uint held;
  /* [atomic: w by notifiers and users under `held` / r by users] */
  atomic_uint revoked;
  atomic_uint busy; /* [atomic: w by the user / r by notifiers] */
  unsigned uses;    /* of the user since a notifier came. [lock: held] */
  bool may_bias;    /* [const] */
};

/* Nobody is inside. All zero is a lock that is free and not biased. */
void hc_lock_bias(struct hc_lock *lock);

/* Out of line: waits until the lock is free and takes it. */
void hc_lock_wait(struct hc_lock *lock);
void hc_lock_enter_revoked(struct hc_lock *lock);
void hc_lock_leave_revoked(struct hc_lock *lock);

/* For whoever is not the user of the table. */
void hc_lock_enter_foreign(struct hc_lock *lock);

static inline void hc_lock_take(struct hc_lock *lock) {
  if (atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) != 0)
    hc_lock_wait(lock);
}

static inline void hc_lock_release(struct hc_lock *lock) {
  atomic_store_explicit(&lock->held, 0, memory_order_release);
}

static inline void hc_lock_enter(struct hc_lock *lock) {
  if (!lock->may_bias) {
    hc_lock_take(lock);
    return;
  }
  atomic_store_explicit(&lock->busy, 1, memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst);
  if (atomic_load_explicit(&lock->revoked, memory_order_acquire) != 0)
    hc_lock_enter_revoked(lock);
}

static inline void hc_lock_leave(struct hc_lock *lock) {
  if (!lock->may_bias)
    hc_lock_release(lock);
  else if (atomic_load_explicit(&lock->busy, memory_order_relaxed) != 0)
    atomic_store_explicit(&lock->busy, 0, memory_order_release);
  else
    hc_lock_leave_revoked(lock);
}

/* For the user of a table whose lock may be biased: false, and nothing has
 * happened, when it is revoked. What leaves is for the one that entered so. */
static inline bool hc_lock_enter_own(struct hc_lock *lock) {
  atomic_store_explicit(&lock->busy, 1, memory_order_relaxed);
  atomic_signal_fence(memory_order_seq_cst);
  if (atomic_load_explicit(&lock->revoked, memory_order_acquire) == 0)
    return true;
  atomic_store_explicit(&lock->busy, 0, memory_order_release);
  return false;
}

static inline void hc_lock_leave_own(struct hc_lock *lock) {
  atomic_store_explicit(&lock->busy, 0, memory_order_release);
}

#endif
