/* tests/unit/plat_lock.c: locks, and stop-deferring regions.
 * SPDX-License-Identifier: MIT
 */
#include "plat/lock.h"
#include "plat/plat.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/tap.h"

#define THREADS 4u

static struct gc_lock lock = GC_LOCK_INIT(RANK_LEAF);
static uint64_t plain_counter; /* a race on it would lose increments */
static bool use_stoppable;

static unsigned rounds(void) { return tap_long() ? 1000000 : 100000; }

static void *increment(void *arg) {
  for (unsigned i = 0; i < rounds(); i++) {
    use_stoppable ? gc_lock_stoppable(&lock) : gc_lock(&lock);
    plain_counter++;
    use_stoppable ? gc_unlock_stoppable(&lock) : gc_unlock(&lock);
  }
  return arg;
}

static void *increment_by_trying(void *arg) {
  for (unsigned i = 0; i < rounds();) {
    bool taken =
        use_stoppable ? gc_lock_try_stoppable(&lock) : gc_lock_try(&lock);
    if (!taken) {
      gc_plat_yield();
      continue;
    }
    plain_counter++;
    i++;
    use_stoppable ? gc_unlock_stoppable(&lock) : gc_unlock(&lock);
  }
  return arg;
}

static void contend(void) {
  pthread_t threads[THREADS];
  for (unsigned i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, i == 0 ? increment_by_trying : increment,
                   NULL);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  tap_eq_u(plain_counter, (uint64_t)THREADS * rounds());
  tap_check(!gc_lock_is_held(&lock));
}

static void internal_locks_exclude(void) { contend(); }

static void stoppable_locks_exclude(void) {
  use_stoppable = true;
  contend();
}

static void trying_a_held_lock_fails(void) {
  gc_lock(&lock);
  tap_check(gc_lock_is_held(&lock));
  tap_check(!gc_lock_try(&lock));
  tap_check(!gc_lock_try_stoppable(&lock));
  gc_unlock(&lock);
  tap_check(gc_lock_try(&lock));
  gc_unlock(&lock);
  gc_lock_stoppable(&lock);
  gc_lock_reset(&lock);
  tap_check(!gc_lock_is_held(&lock));
}

/* ---- Waiting through signals ---- */

static _Atomic unsigned signals;
static _Atomic bool is_waiting, has_lock;

static void count_signal(int signo, void *context) {
  (void)signo;
  (void)context;
  gc_add_rlx(&signals, 1);
}

static void *wait_for_lock(void *tid) {
  gc_store_rlx((_Atomic int *)tid, gc_plat_tid());
  gc_store_rel(&is_waiting, true);
  gc_lock_stoppable(&lock);
  gc_store_rel(&has_lock, true);
  gc_unlock_stoppable(&lock);
  return NULL;
}

static void a_waiter_survives_signals(void) {
  pthread_t thread;
  _Atomic int tid = 0;
  gc_plat_install_handler(SIGUSR1, count_signal);
  gc_lock_stoppable(&lock);
  pthread_create(&thread, NULL, wait_for_lock, (void *)&tid);
  while (!gc_load_acq(&is_waiting))
    gc_plat_yield();
  for (unsigned i = 0; i < 20; i++) {
    gc_plat_signal_thread(gc_load_rlx(&tid), SIGUSR1);
    usleep(1000);
  }
  tap_check(!gc_load_acq(&has_lock));
  gc_unlock_stoppable(&lock);
  pthread_join(thread, NULL);
  tap_check(gc_load_acq(&has_lock));
  tap_check(gc_load_rlx(&signals) > 0);
}

/* ---- Regions ---- */

static struct {
  struct gc_self head;
  char upper[GC_SELF_UPPER_BYTES];
} record;

static unsigned parked;

static void count_parking(void) {
  parked++;
  gc_store_rlx(&gc_self()->stop_wanted, 0);
}

static void become_known(void) {
  gc_self_park = count_parking;
  gc_self_tls = &record.head;
}

static void unknown_threads_share_a_record(void) {
  tap_check(!gc_self_is_known());
  tap_eq_p(gc_self(), gc_self_none);
  const unsigned char *upper = gc_self_upper(gc_self());
  for (unsigned i = 0; i < GC_SELF_UPPER_BYTES; i++)
    tap_require(upper[i] == 0);
  tap_eq_u((uintptr_t)upper - (uintptr_t)gc_self(), sizeof(struct gc_self));
}

static void a_wanted_stop_waits_for_the_end_of_the_region(void) {
  become_known();
  gc_nostop_enter();
  tap_check(gc_nostop_inside());
  gc_nostop_enter();
  gc_store_rlx(&gc_self()->stop_wanted, 1);
  gc_nostop_leave();
  tap_eq_u(parked, 0);
  gc_nostop_leave();
  tap_eq_u(parked, 1);
  tap_check(!gc_nostop_inside());
  gc_nostop_enter();
  gc_nostop_leave();
  tap_eq_u(parked, 1);
}

static void an_internal_lock_is_a_region(void) {
  become_known();
  gc_lock(&lock);
  tap_check(gc_nostop_inside());
  tap_check(!gc_lock_try(&lock));
  gc_store_rlx(&gc_self()->stop_wanted, 1);
  tap_eq_u(parked, 0);
  gc_unlock(&lock);
  tap_eq_u(parked, 1);
  gc_lock_stoppable(&lock);
  tap_check(!gc_nostop_inside());
  gc_unlock_stoppable(&lock);
}

/* ---- Ranks ---- */

static bool dies(void (*fn)(void)) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    become_known();
    fn();
    _exit(0);
  }
  waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

static struct gc_lock space_lock = GC_LOCK_INIT(RANK_SPACE);
static struct gc_lock pool_a = GC_LOCK_INIT(RANK_POOL);
static struct gc_lock pool_b = GC_LOCK_INIT(RANK_POOL);

static void take_upwards(void) {
  gc_lock(&pool_a);
  gc_lock(&space_lock);
  gc_lock(&lock);
  gc_unlock(&space_lock);
  gc_unlock(&lock);
  gc_unlock(&pool_a);
  gc_lock(&pool_b);
}

static void take_downwards(void) {
  gc_lock(&space_lock);
  gc_lock(&pool_a);
}

static void take_two_pools(void) {
  gc_lock(&pool_a);
  gc_lock(&pool_b);
}

static void take_two_pools_for_fork(void) {
  gc_lock_allow_many(true);
  gc_lock(&pool_a);
  gc_lock(&pool_b);
  gc_lock(&space_lock);
}

static void locks_are_taken_upwards(void) {
  if (!GC_DEBUG_BUILD)
    tap_skip("ranks are checked in debug builds");
  tap_check(!dies(take_upwards));
  tap_check(dies(take_downwards));
  tap_check(dies(take_two_pools));
  tap_check(!dies(take_two_pools_for_fork));
}

TAP_MAIN(TAP_CASE(internal_locks_exclude), TAP_CASE(stoppable_locks_exclude),
         TAP_CASE(trying_a_held_lock_fails),
         TAP_CASE(a_waiter_survives_signals),
         TAP_CASE(unknown_threads_share_a_record),
         TAP_CASE(a_wanted_stop_waits_for_the_end_of_the_region),
         TAP_CASE(an_internal_lock_is_a_region),
         TAP_CASE(locks_are_taken_upwards))
