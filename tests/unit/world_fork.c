/* tests/unit/world_fork.c: fork in a process with threads.
 * SPDX-License-Identifier: MIT
 *
 * The steps of the layers above are played by two locks and counters.
 */
#include "unit/world.h"

#include "world/fork.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct gc_lock outer_lock = GC_LOCK_INIT(RANK_API);
static struct gc_lock pool_locks[2] = {GC_LOCK_INIT(RANK_POOL),
                                       GC_LOCK_INIT(RANK_POOL)};
static struct gc_lock arena_lock = GC_LOCK_INIT(RANK_ARENA);
static _Atomic unsigned left;
static char log_text[16];

static void note_step(char c) {
  size_t n = strlen(log_text);
  if (n + 1 < sizeof log_text)
    log_text[n] = c;
}

static void lock_outer(void) {
  gc_lock_stoppable(&outer_lock);
  note_step('O');
}

static void lock_inner(void) {
  gc_lock(&pool_locks[0]);
  gc_lock(&pool_locks[1]);
  gc_lock(&arena_lock);
  note_step('I');
}

static void unlock_inner(void) {
  note_step('i');
  gc_unlock(&arena_lock);
  gc_unlock(&pool_locks[1]);
  gc_unlock(&pool_locks[0]);
}

static void unlock_outer(void) {
  note_step('o');
  gc_unlock_stoppable(&outer_lock);
}

static void reset_inner(void) {
  note_step('r');
  gc_lock_reset(&pool_locks[0]);
  gc_lock_reset(&pool_locks[1]);
  gc_lock_reset(&arena_lock);
}

static void reset_outer(void) {
  note_step('R');
  gc_lock_reset(&outer_lock);
}

static const struct gc_fork_steps steps = {lock_outer,   lock_inner,
                                           unlock_inner, unlock_outer,
                                           reset_inner,  reset_outer};

/* What the pools do when a thread leaves needs their locks. */
static void count_leaving(struct gc_self *self) {
  (void)self;
  gc_lock(&pool_locks[0]);
  gc_unlock(&pool_locks[0]);
  gc_add_rlx(&left, 1);
}

static void start_with_fork(void) {
  start_world_layer();
  gc_thread_on_leave = count_leaving;
  gc_fork_set_steps(&steps);
  tap_check(gc_fork_install());
  tap_check(gc_fork_install());
}

static void check_child(unsigned leavers) {
  tap_eq_u(gc_thread_count(), gc_self_is_known());
  tap_eq_u(gc_load_rlx(&left), leavers);
  tap_eq_u(gc_load_rlx(&gc_self()->nostop), 0);
  tap_check(!gc_lock_is_held(&outer_lock) && !gc_lock_is_held(&pool_locks[0]) &&
            !gc_lock_is_held(&pool_locks[1]) && !gc_lock_is_held(&arena_lock));
  if (gc_self_is_known())
    tap_eq_u(gc_thread_tid(gc_self()), (uint32_t)getpid());
  gc_roots_prepare();
  stop_all();
  start_all();
}

static void await_child(pid_t child) {
  int status = -1;
  tap_check(child > 0);
  tap_check(waitpid(child, &status, 0) == child);
  tap_check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void steps_come_in_order(void) {
  start_with_fork();
  pid_t child = fork();
  if (child == 0) {
    tap_eq_s(log_text, "OIrR");
    check_child(0);
    _exit(tap_failures() != 0);
  }
  tap_eq_s(log_text, "OIio");
  tap_eq_u(gc_load_rlx(&gc_self()->nostop), 0);
  await_child(child);
}

static void steps_by_hand(void) {
  start_world_layer();
  gc_fork_set_steps(&steps);
  gc_fork_prepare();
  pid_t child = fork();
  if (child == 0) {
    gc_fork_child();
    check_child(0);
    _exit(tap_failures() != 0);
  }
  gc_fork_parent();
  tap_eq_s(log_text, "OIio");
  await_child(child);
}

static void an_unknown_thread_forks(void) {
  start_with_fork();
  gc_thread_unregister();
  gc_store_rlx(&left, 0);
  pid_t child = fork();
  if (child == 0) {
    check_child(0);
    register_thread();
    _exit(tap_failures() != 0);
  }
  await_child(child);
}

/* ---- Storm ---- */

#define FORKERS 4u

static _Atomic bool must_end;

static void *register_and_churn(void *arg) {
  while (!gc_load_acq(&must_end)) {
    register_thread();
    gc_lock(&pool_locks[1]);
    gc_unlock(&pool_locks[1]);
    gc_roots_add((char *)log_text, (char *)log_text + 8);
    gc_stop_poll();
    gc_thread_unregister();
  }
  return arg;
}

static void *run_in_child(void *arg) {
  register_thread();
  return arg;
}

static void use_child(void) {
  pthread_t thread;
  stop_all();
  start_all();
  if (pthread_create(&thread, NULL, run_in_child, NULL) == 0)
    pthread_join(thread, NULL);
  tap_eq_u(gc_thread_count(), 1);
  stop_all();
  start_all();
}

static void *fork_often(void *arg) {
  register_thread();
  for (unsigned i = 0; i < (tap_long() ? 300 : 25); i++) {
    pid_t child = fork();
    if (child == 0) {
      use_child();
      _exit(tap_failures() != 0);
    }
    await_child(child);
    stop_all();
    start_all();
  }
  return arg;
}

static void storm(void) {
  pthread_t forkers[FORKERS], churner;
  if (TAP_TSAN || TAP_ASAN)
    tap_skip("the sanitiser does not allow threads in such a child");
  start_with_fork();
  pthread_create(&churner, NULL, register_and_churn, NULL);
  for (unsigned i = 0; i < FORKERS; i++)
    pthread_create(&forkers[i], NULL, fork_often, NULL);
  for (unsigned i = 0; i < FORKERS; i++)
    pthread_join(forkers[i], NULL);
  gc_store_rel(&must_end, true);
  pthread_join(churner, NULL);
  tap_eq_u(gc_thread_count(), 1);
}

TAP_MAIN(TAP_CASE(steps_come_in_order), TAP_CASE(steps_by_hand),
         TAP_CASE(an_unknown_thread_forks), TAP_CASE_T(storm, 240))
