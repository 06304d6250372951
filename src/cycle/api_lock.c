/* src/cycle/api_lock.c: the allocator lock of the API. SPDX-License-Identifier: MIT
 *
 * The owner is named by the address of its record. Threads that the collector
 * does not know share one record and are told apart by thread number.
 */
#include "cycle/api_lock.h"

#include "base/check.h"
#include "cycle/collect.h"
#include "world/thread.h"

static struct gc_lock api_lock = GC_LOCK_INIT(RANK_API);
static _Atomic uint32_t owner_tid; /* 0: nobody; written by the owner */
static unsigned depth;             /* [lock api] */
static _Atomic bool requested;

static uint32_t my_tid(void) {
  const struct gc_thread *self = gc_thread_self();
  return (uint32_t)(self != NULL ? self->tid : gc_plat_tid());
}

bool gc_api_is_mine(void) { return gc_load_rlx(&owner_tid) == my_tid(); }

static void become_owner(void) {
  gc_store_rlx(&owner_tid, my_tid());
  depth = 1;
}

void gc_api_lock(void) {
  if (gc_api_is_mine()) {
    depth++;
    return;
  }
  gc_lock_stoppable(&api_lock);
  become_owner();
}

bool gc_api_try_lock(void) {
  if (gc_api_is_mine()) {
    depth++;
    return true;
  }
  if (!gc_lock_try_stoppable(&api_lock))
    return false;
  become_owner();
  return true;
}

void gc_api_unlock_only(void) {
  gc_check(gc_api_is_mine());
  if (--depth > 0)
    return;
  gc_store_rlx(&owner_tid, 0);
  gc_unlock_stoppable(&api_lock);
}

void gc_api_unlock(void) {
  gc_api_unlock_only();
  if (gc_api_take_request())
    gc_collect(COLLECT_BUDGET);
}

void gc_api_unlock_waking(void) {
  gc_check(gc_api_is_mine());
  gc_lock_expect_waiters(&api_lock);
  gc_api_unlock();
}

void gc_api_unlock_after_fork(void) {
  gc_store_rlx(&owner_tid, my_tid());
  gc_api_unlock_only();
}

void gc_api_request_collection(void) { gc_store_rlx(&requested, true); }

bool gc_api_take_request(void) {
  if (gc_likely(!gc_load_rlx(&requested)) || gc_api_is_mine())
    return false;
  gc_store_rlx(&requested, false);
  return true;
}
