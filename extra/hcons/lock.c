/* extra/hcons/lock.c: waiting for and revoking the lock of a shard. SPDX-License-Identifier: MIT */
#include "hcons/lock.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  SPINS_BEFORE_YIELD = 64,
  SPINS_BEFORE_NAP = 8 * SPINS_BEFORE_YIELD,
  NAP_NS = 50000, /* doubled at each of the next */
  MAX_DOUBLINGS = 4
};

static bool barrier(int command) {
  return syscall(SYS_membarrier, command, 0, 0) == 0;
}

static bool register_barrier(void) {
  return barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

/* Registration cannot be lost but by a fork; then it is made good. */
static void all_threads_pass(void) {
  if (barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
    return;
  if (!register_barrier() || !barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
    abort();
}

void hc_lock_bias(struct hc_lock *lock) {
  hc_lock_take(lock);
  lock->uses = 0;
  atomic_store_explicit(&lock->revoked, 1, memory_order_relaxed);
  lock->may_bias = register_barrier();
  hc_lock_release(lock);
}

/* Who is inside comes out within a microsecond, or was preempted there: then to yield
 * again and again would only use up time, which may be that of who is waited for. */
static void wait_a_little(unsigned *spins) {
  unsigned naps = ++*spins > SPINS_BEFORE_NAP ? *spins - SPINS_BEFORE_NAP : 0;
  struct timespec nap = {.tv_nsec = NAP_NS};
  if (naps > 0) {
    nap.tv_nsec <<= naps < MAX_DOUBLINGS ? naps : MAX_DOUBLINGS;
    nanosleep(&nap, NULL);
  } else if (*spins % SPINS_BEFORE_YIELD == 0)
    sched_yield();
  else
    __builtin_ia32_pause();
}

void hc_lock_wait(struct hc_lock *lock) {
  unsigned spins = 0;
  do
    while (atomic_load_explicit(&lock->held, memory_order_relaxed) != 0)
      wait_a_little(&spins);
  while (atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) != 0);
}

void hc_lock_enter_revoked(struct hc_lock *lock) {
  atomic_store_explicit(&lock->busy, 0, memory_order_release);
  hc_lock_take(lock);
}

void hc_lock_leave_revoked(struct hc_lock *lock) {
  if (++lock->uses > HC_LOCK_UNBIASED_USES)
    atomic_store_explicit(&lock->revoked, 0, memory_order_relaxed);
  hc_lock_release(lock);
}

void hc_lock_enter_foreign(struct hc_lock *lock) {
  unsigned spins = 0;
  hc_lock_take(lock);
  if (!lock->may_bias)
    return;
  lock->uses = 0;
  if (atomic_load_explicit(&lock->revoked, memory_order_relaxed) == 0) {
    atomic_store_explicit(&lock->revoked, 1, memory_order_relaxed);
    all_threads_pass();
  }
  while (atomic_load_explicit(&lock->busy, memory_order_acquire) != 0)
    wait_a_little(&spins);
}
