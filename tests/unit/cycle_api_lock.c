/* tests/unit/cycle_api_lock.c: the allocator lock: owner, depth, requests.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include <pthread.h>

#include "base/atomic.h"
#include "cycle/api_lock.h"
#include "cycle/collect.h"
#include "cycle/gc_start.h"
#include "heap/heap.h"

/* What another thread finds; it never waits. */
static void *look_at_the_lock(void *arg) {
  bool *is_free = arg;
  tap_require(gc_start_thread());
  tap_check(!gc_api_is_mine());
  *is_free = gc_api_try_lock();
  if (*is_free) {
    tap_check(gc_api_is_mine());
    gc_api_unlock_only();
  }
  tap_check(!gc_api_is_mine());
  return NULL;
}

static bool is_free(void) {
  pthread_t t;
  bool found = false;
  tap_require(pthread_create(&t, NULL, look_at_the_lock, &found) == 0);
  tap_eq_u(pthread_join(t, NULL), 0);
  return found;
}

static void the_owner_may_lock_again(void) {
  gc_start();
  tap_check(!gc_api_is_mine() && is_free());
  gc_api_lock();
  gc_api_lock();
  tap_require(gc_api_try_lock());
  for (unsigned i = 0; i < 3; i++) {
    tap_check(gc_api_is_mine() && !is_free());
    gc_api_unlock();
  }
  tap_check(!gc_api_is_mine() && is_free());
}

/* The owner's collections wait for the outermost unlock, and one serves all. */
static void requests_are_served_by_the_last_unlock(void) {
  gc_start();
  uint32_t epoch = gc_heap.epoch;
  gc_api_lock();
  gc_api_lock();
  tap_check(!gc_collect(COLLECT_BUDGET));
  tap_check(!gc_collect(COLLECT_EXPLICIT));
  gc_api_unlock();
  tap_eq_u(gc_heap.epoch, epoch);
  tap_check(gc_api_is_mine());
  gc_api_unlock();
  tap_eq_u(gc_heap.epoch, epoch + 1);
  tap_check(is_free());
  gc_api_lock();
  gc_api_unlock();
  tap_eq_u(gc_heap.epoch, epoch + 1);
}

static void the_collectors_own_unlock_serves_nobody(void) {
  gc_start();
  uint32_t epoch = gc_heap.epoch;
  gc_api_lock();
  gc_api_request_collection();
  gc_api_unlock_only();
  tap_eq_u(gc_heap.epoch, epoch);
  tap_check(is_free());
}

static _Atomic unsigned shared;

/* Read and write are apart: an addition is lost where two come in between. */
static void *add_under_the_lock(void *arg) {
  tap_require(gc_start_thread());
  for (unsigned i = 0; i < 20000; i++) {
    gc_api_lock();
    unsigned was = gc_load_rlx(&shared);
    if (i % 3 == 0) {
      gc_api_lock();
      gc_api_unlock();
    }
    gc_store_rlx(&shared, was + 1);
    gc_api_unlock();
  }
  return arg;
}

static void owners_exclude_each_other(void) {
  pthread_t t[4];
  gc_start();
  for (unsigned i = 0; i < 4; i++)
    tap_require(pthread_create(&t[i], NULL, add_under_the_lock, NULL) == 0);
  for (unsigned i = 0; i < 4; i++)
    tap_eq_u(pthread_join(t[i], NULL), 0);
  tap_eq_u(shared, 80000);
}

TAP_MAIN(TAP_CASE(the_owner_may_lock_again),
         TAP_CASE(requests_are_served_by_the_last_unlock),
         TAP_CASE(the_collectors_own_unlock_serves_nobody),
         TAP_CASE(owners_exclude_each_other))
