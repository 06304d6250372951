/* src/plat/lock.c: mutex over futex. SPDX-License-Identifier: MIT
 *
 * The word is 0 (free), 1 (held) or 2 (held, somebody may sleep). A sleeper
 * always takes the lock with 2, so at worst one wake is wasted (Drepper,
 * "Futexes Are Tricky", mutex 2). Waiting for an internal lock is short by
 * rule, hence a little spinning first.
 *
 * A thread that waits for a stoppable lock may be stopped there: the futex wait
 * ends with the stop signal's handler, and the loop looks again. Where signals
 * are delivered late (ThreadSanitizer), the loop asks for a pending stop
 * itself.
 *
 * Ranks are recorded for known threads only: the others share one record.
 */
#include "plat/lock.h"

#include "base/check.h"
#include "plat/plat.h"

#define LOCK_SPINS 60u
#define LOCK_MANY_BIT ((uint32_t)1 << 31)

/* ---- Ranks (debug builds) ---- */

static void note_taken(const struct gc_lock *lock) {
  struct gc_self *self = gc_self();
  if (!GC_DEBUG_BUILD || self == gc_self_none)
    return;
  uint32_t bit = (uint32_t)1 << lock->rank;
  uint32_t not_below = self->held_ranks & ~LOCK_MANY_BIT & ~(bit - 1);
  bool may_be_many = lock->rank == RANK_POOL || lock->rank == RANK_MAP;
  if (may_be_many && (self->held_ranks & LOCK_MANY_BIT))
    not_below &= ~bit;
  if (not_below != 0)
    gc_fatal("lock of rank %u taken while ranks 0x%x are held", lock->rank,
             self->held_ranks);
  self->held_ranks |= bit;
}

static void note_released(const struct gc_lock *lock) {
  struct gc_self *self = gc_self();
  if (GC_DEBUG_BUILD && self != gc_self_none)
    self->held_ranks &= ~((uint32_t)1 << lock->rank);
}

void gc_lock_allow_many(bool allow) {
  struct gc_self *self = gc_self();
  if (!GC_DEBUG_BUILD || self == gc_self_none)
    return;
  self->held_ranks &= ~LOCK_MANY_BIT;
  self->held_ranks |= allow ? LOCK_MANY_BIT : 0;
}

/* ---- The word ---- */

/* While the process has one thread, nobody can come between the load and the
 * store; glibc tells. A second thread can only be made by the first, which orders
 * what it wrote before. */
static bool take_free_word(struct gc_lock *lock) {
  uint32_t expected = 0;
  if (gc_plat_single_threaded()) {
    if (gc_load_rlx(&lock->word) != 0)
      return false;
    gc_store_rlx(&lock->word, 1);
    return true;
  }
  return gc_cas_acq_rel(&lock->word, &expected, 1);
}

static bool spin_for_word(struct gc_lock *lock) {
  for (unsigned i = 0; i < LOCK_SPINS; i++) {
    if (gc_load_rlx(&lock->word) == 0 && take_free_word(lock))
      return true;
    gc_cpu_relax();
  }
  return false;
}

static gc_noinline void wait_for_word(struct gc_lock *lock) {
  if (spin_for_word(lock))
    return;
  while (gc_swap_acq_rel(&lock->word, 2) != 0)
    gc_plat_futex_wait(&lock->word, 2, 0);
}

static void release_word(struct gc_lock *lock) {
  if (gc_plat_single_threaded())
    gc_store_rlx(&lock->word, 0);
  else if (gc_swap_acq_rel(&lock->word, 0) == 2)
    gc_plat_futex_wake(&lock->word, 1);
}

/* ---- Internal locks ---- */

void gc_lock_init(struct gc_lock *lock, enum gc_lock_rank rank) {
  gc_store_rlx(&lock->word, 0);
  lock->rank = rank;
}

void gc_lock_reset(struct gc_lock *lock) {
  gc_store_rlx(&lock->word, 0);
  note_released(lock);
}

bool gc_lock_is_held(const struct gc_lock *lock) {
  return gc_load_rlx(&lock->word) != 0;
}

void gc_lock(struct gc_lock *lock) {
  gc_nostop_enter();
  if (!take_free_word(lock))
    wait_for_word(lock);
  note_taken(lock);
}

bool gc_lock_try(struct gc_lock *lock) {
  gc_nostop_enter();
  bool taken = take_free_word(lock);
  if (taken)
    note_taken(lock);
  else
    gc_nostop_leave();
  return taken;
}

void gc_unlock(struct gc_lock *lock) {
  note_released(lock);
  release_word(lock);
  gc_nostop_leave();
}

/* ---- Stoppable locks ---- */

/* The kernel restarts the wait after the sanitiser's own handler. */
#define LATE_SIGNAL_POLL_NS ((uint64_t)(GC_TSAN_BUILD ? 2000000 : 0))

static void park_if_signals_are_late(void) {
  if (GC_TSAN_BUILD && gc_self_park != NULL && gc_self_is_known())
    gc_self_park();
}

static gc_noinline void wait_stoppably(struct gc_lock *lock) {
  while (gc_swap_acq_rel(&lock->word, 2) != 0) {
    gc_plat_futex_wait(&lock->word, 2, LATE_SIGNAL_POLL_NS);
    park_if_signals_are_late();
  }
}

void gc_lock_stoppable(struct gc_lock *lock) {
  gc_assert(!gc_self_is_known() || !gc_nostop_inside());
  if (!take_free_word(lock))
    wait_stoppably(lock);
  note_taken(lock);
}

bool gc_lock_try_stoppable(struct gc_lock *lock) {
  bool taken = take_free_word(lock);
  if (taken)
    note_taken(lock);
  return taken;
}

void gc_unlock_stoppable(struct gc_lock *lock) {
  note_released(lock);
  release_word(lock);
}

void gc_lock_expect_waiters(struct gc_lock *lock) {
  gc_store_rlx(&lock->word, 2);
}
