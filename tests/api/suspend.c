/* tests/api/suspend.c: suspending single threads (javaxfc.h). SPDX-License-Identifier: MIT */

/*
 * Contract: a suspended thread does not run, whatever it was doing, until it is
 * resumed once; meanwhile collections go on, keep what it refers to, and others
 * allocate, take the allocator lock, fork and exit as they like.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include <gc/gc.h>
#include <gc/javaxfc.h>

#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/slots.h"

static atomic_ulong steps;
static atomic_bool stop_flag;
static atomic_int place; /* where the thread under test is */

/* Long enough for a thread that runs to be seen running, unless the machine is
 * busy: only "stands still" is concluded from one look. */
static bool stands_still(void) {
  unsigned long before = atomic_load(&steps);
  usleep(20000);
  return atomic_load(&steps) == before;
}

static void check_moves(void) {
  unsigned long before = atomic_load(&steps);
  for (int i = 0; i < 5000 && atomic_load(&steps) == before; i++)
    usleep(1000);
  tap_check(atomic_load(&steps) != before);
}

static void await_place(int n) {
  for (int i = 0; i < 20000 && atomic_load(&place) != n; i++)
    usleep(1000);
  tap_require(atomic_load(&place) == n);
}

static void suspend(pthread_t t) {
  GC_suspend_thread(t);
  tap_eq_u(GC_is_thread_suspended(t), 1);
}

static void resume(pthread_t t) {
  GC_resume_thread(t);
  tap_eq_u(GC_is_thread_suspended(t), 0);
}

/* Holds objects, runs, and allocates now and then. */
static void *run_with_slots(void *arg) {
  void *volatile slots[N_SLOTS];
  fill_slots(slots, 3);
  atomic_store(&place, 1);
  while (!atomic_load(&stop_flag)) {
    if (atomic_fetch_add(&steps, 1) % 256 == 0)
      GC_malloc_atomic(24);
  }
  check_slots(slots, 3);
  return arg;
}

static pthread_t start_running(void) {
  pthread_t t;
  GC_INIT();
  start(&t, run_with_slots, NULL);
  await_place(1);
  return t;
}

static void finish_running(pthread_t t) {
  atomic_store(&stop_flag, true);
  finish(t);
}

/* ---- One thread ---- */

static void a_suspended_thread_stands_still(void) {
  pthread_t t = start_running();
  tap_eq_u(GC_is_thread_suspended(t), 0);
  for (int i = 0; i < 20; i++) {
    suspend(t);
    tap_check(stands_still());
    resume(t);
    check_moves();
  }
  finish_running(t);
}

static void one_resumption_undoes_many(void) {
  pthread_t t = start_running();
  for (int i = 0; i < 5; i++)
    suspend(t);
  tap_check(stands_still());
  resume(t);
  check_moves();
  resume(t);
  suspend(t);
  tap_check(stands_still());
  resume(t);
  finish_running(t);
}

static void collections_keep_what_it_holds(void) {
  pthread_t t = start_running();
  for (int i = 0; i < 10; i++) {
    suspend(t);
    collect_and_overwrite();
    tap_check(stands_still());
    collect_and_overwrite();
    resume(t);
    check_moves();
  }
  finish_running(t);
}

static GU_NOINLINE void run_deep_down(void) {
  volatile char room[20000];
  room[0] = room[sizeof room - 1] = 1;
  run_with_slots(NULL);
}

static void *run_then_run_deep_down(void *arg) {
  while (atomic_load(&place) != 10) {
    if (atomic_fetch_add(&steps, 1) % 256 == 0)
      GC_malloc_atomic(24);
  }
  run_deep_down();
  return arg;
}

/* The stack of the last collection was a shorter one. */
static void a_stack_that_has_grown_is_scanned(void) {
  pthread_t t;
  GC_INIT();
  start(&t, run_then_run_deep_down, NULL);
  check_moves();
  GC_gcollect();
  GC_disable();
  atomic_store(&place, 10);
  await_place(1);
  GC_enable();
  suspend(t);
  collect_and_overwrite();
  resume(t);
  finish_running(t);
}

static void *suspend_oneself(void *arg) {
  void *volatile slots[N_SLOTS];
  fill_slots(slots, 5);
  for (int i = 1; i <= 10; i++) {
    atomic_store(&place, i);
    GC_suspend_thread(pthread_self());
    atomic_fetch_add(&steps, 1);
    check_slots(slots, 5);
  }
  return arg;
}

static void a_thread_may_suspend_itself(void) {
  pthread_t t;
  GC_INIT();
  start(&t, suspend_oneself, NULL);
  for (int i = 1; i <= 10; i++) {
    await_place(i);
    while (!GC_is_thread_suspended(t))
      usleep(1000);
    tap_check(stands_still());
    collect_and_overwrite();
    tap_eq_u(atomic_load(&steps), i - 1);
    GC_resume_thread(t); /* it may be suspended again at once */
  }
  finish(t);
  tap_eq_u(atomic_load(&steps), 10);
}

/* ---- Blocking regions ---- */

static void *run_blocked(void *arg) {
  atomic_store(&place, 2);
  while (atomic_load(&place) == 2)
    atomic_fetch_add(&steps, 1);
  return arg;
}

static void *run_in_blocking_region(void *arg) {
  void *volatile slots[N_SLOTS];
  fill_slots(slots, 7);
  GC_do_blocking(run_blocked, arg);
  atomic_store(&place, 4);
  check_slots(slots, 7);
  return arg;
}

static void a_blocked_thread_stands_still_when_it_comes_out(void) {
  pthread_t t;
  GC_INIT();
  start(&t, run_in_blocking_region, NULL);
  await_place(2);
  suspend(t);
  check_moves();
  collect_and_overwrite();
  atomic_store(&place, 3);
  tap_check(stands_still() || stands_still());
  collect_and_overwrite();
  tap_eq_u(atomic_load(&place), 3);
  tap_eq_u(GC_is_thread_suspended(t), 1);
  resume(t);
  await_place(4);
  finish(t);
}

/* Resumed before it comes out, it does not notice. */
static void a_blocked_thread_may_be_resumed_inside(void) {
  pthread_t t;
  GC_INIT();
  start(&t, run_in_blocking_region, NULL);
  await_place(2);
  suspend(t);
  resume(t);
  atomic_store(&place, 3);
  await_place(4);
  finish(t);
}

static void *go_on_active(void *arg) {
  void *volatile slots[N_SLOTS];
  atomic_store(&place, 5);
  fill_slots(slots, 11);
  GC_gcollect();
  check_slots(slots, 11);
  return arg;
}

static void *become_active(void *arg) {
  run_blocked(arg);
  return GC_call_with_gc_active(go_on_active, arg);
}

static void *block_then_be_active(void *arg) {
  GC_do_blocking(become_active, arg);
  return arg;
}

static void a_blocked_thread_stands_still_when_it_becomes_active(void) {
  pthread_t t;
  GC_INIT();
  start(&t, block_then_be_active, NULL);
  await_place(2);
  suspend(t);
  atomic_store(&place, 3);
  tap_check(stands_still() || stands_still());
  collect_and_overwrite();
  tap_eq_u(atomic_load(&place), 3);
  resume(t);
  await_place(5);
  finish(t);
}

/* ---- Threads that are not there, or not yet ---- */

static void *run_unregistered(void *arg) {
  while (!atomic_load(&stop_flag))
    atomic_fetch_add(&steps, 1);
  return arg;
}

static void unregistered_threads_are_left_alone(void) {
  pthread_t t;
  GC_INIT();
  tap_require(pthread_create(&t, NULL, run_unregistered, NULL) == 0);
  check_moves();
  GC_suspend_thread(t);
  tap_eq_u(GC_is_thread_suspended(t), 0);
  check_moves();
  GC_resume_thread(t);
  GC_gcollect();
  atomic_store(&stop_flag, true);
  pthread_join(t, NULL);
}

static void what_names_no_thread_has_no_effect(void) {
  pthread_t t;
  GC_INIT();
  GC_suspend_thread((pthread_t)0);
  tap_eq_u(GC_is_thread_suspended((pthread_t)0), 0);
  GC_resume_thread((pthread_t)0);
  t = start_running();
  finish_running(t);
  GC_suspend_thread(t);
  tap_eq_u(GC_is_thread_suspended(t), 0);
  GC_resume_thread(t);
  tap_eq_u(GC_is_thread_suspended(pthread_self()), 0);
  GC_resume_thread(pthread_self());
  collect_and_overwrite();
}

static void *count_one(void *arg) {
  atomic_fetch_add(&steps, 1);
  atomic_store(&place, 6);
  return arg;
}

/* Whether or not the creator is there before the thread is. */
static void new_threads_can_be_suspended_at_once(void) {
  pthread_attr_t detached;
  GC_INIT();
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  for (int i = 0; i < 200; i++) {
    pthread_t t;
    bool is_detached = i % 2 != 0;
    atomic_store(&place, 0);
    tap_require(GC_pthread_create(&t, is_detached ? &detached : NULL, count_one,
                                  NULL) == 0);
    GC_suspend_thread(t);
    bool is_suspended = GC_is_thread_suspended(t);
    unsigned long before = atomic_load(&steps);
    if (i % 20 < 2) {
      GC_gcollect();
      tap_check(!is_suspended || atomic_load(&steps) == before);
    }
    tap_check(is_suspended || before == (unsigned long)i + 1);
    GC_resume_thread(t);
    if (!is_detached)
      finish(t);
    await_place(6);
  }
  tap_eq_u(atomic_load(&steps), 200);
  pthread_attr_destroy(&detached);
}

/* ---- What reaches the thread meanwhile ---- */

static void note_signal(int signo) {
  (void)signo;
  atomic_store(&place, 7);
}

static void signals_wait(void) {
  if (TAP_TSAN)
    tap_skip("the sanitiser has handlers of its own");
  signal(SIGUSR1, note_signal);
  pthread_t t = start_running();
  suspend(t);
  pthread_kill(t, SIGUSR1);
  usleep(20000);
  tap_eq_u(atomic_load(&place), 1);
  collect_and_overwrite();
  resume(t);
  await_place(7);
  finish_running(t);
}

static void *run_cancellable(void *arg) {
  void *volatile slots[N_SLOTS];
  fill_slots(slots, 9);
  atomic_store(&place, 1);
  for (;;)
    pthread_testcancel();
  return arg;
}

static void cancellation_waits(void) {
  pthread_t t;
  void *result = NULL;
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser loses track of a thread that is unwound");
  GC_INIT();
  start(&t, run_cancellable, NULL);
  await_place(1);
  suspend(t);
  tap_eq_u(GC_pthread_cancel(t), 0);
  usleep(20000);
  tap_eq_u(GC_is_thread_suspended(t), 1);
  collect_and_overwrite();
  resume(t);
  tap_eq_u(pthread_join(t, &result), 0);
  tap_check(result == PTHREAD_CANCELED);
  collect_and_overwrite();
}

/* ---- Processes ---- */

static void fork_while_suspended(void) {
  if (TAP_TSAN || TAP_ASAN)
    tap_skip("the sanitiser allows no such child");
  pthread_t t = start_running();
  suspend(t);
  pid_t pid = fork();
  if (pid == 0) {
    tap_eq_u(GC_is_thread_suspended(t), 0);
    GC_suspend_thread(t);
    GC_resume_thread(t);
    collect_and_overwrite();
    _exit(0);
  }
  gu_check_child(pid);
  tap_eq_u(GC_is_thread_suspended(t), 1);
  tap_check(stands_still());
  resume(t);
  finish_running(t);
}

static void *fork_inside(void *arg) {
  run_blocked(arg);
  pid_t pid = fork();
  if (pid == 0) {
    atomic_store(&place, 8);
    return arg;
  }
  gu_check_child(pid);
  return arg;
}

static void *block_and_fork(void *arg) {
  GC_do_blocking(fork_inside, arg);
  if (atomic_load(&place) == 8) {
    collect_and_overwrite();
    _exit(0);
  }
  atomic_store(&place, 9);
  return arg;
}

/* Nobody in the child could resume the thread that is left there. */
static void a_suspended_thread_may_fork_inside_a_blocking_region(void) {
  pthread_t t;
  if (TAP_TSAN || TAP_ASAN)
    tap_skip("the sanitiser allows no such child");
  GC_INIT();
  start(&t, block_and_fork, NULL);
  await_place(2);
  suspend(t);
  atomic_store(&place, 3);
  tap_check(stands_still() || stands_still());
  usleep(50000);
  tap_eq_u(atomic_load(&place), 3);
  resume(t);
  await_place(9);
  finish(t);
}

static void the_program_may_end_meanwhile(void) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t t = start_running();
    suspend(t);
    exit(0);
  }
  gu_check_child(pid);
}

/* ---- Many threads ---- */

enum { N_MANY = 6 };

static void *count_locked(void *arg) {
  ++*(unsigned long *)arg;
  return NULL;
}

static unsigned long locked_count; /* guarded by the allocator lock */

/* They wait for the allocator lock, for collections and for one another. */
static void *be_busy(void *arg) {
  void *volatile slots[N_SLOTS];
  unsigned long mine = 0;
  (void)arg;
  for (uint64_t id = 0; !atomic_load(&stop_flag); id++) {
    fill_slots(slots, id);
    GC_call_with_alloc_lock(count_locked, &locked_count);
    check_slots(slots, id);
    mine++;
  }
  return (void *)mine;
}

static void the_others_go_on(void) {
  pthread_t t[N_MANY];
  unsigned long total = 0;
  GC_INIT();
  for (int i = 0; i < N_MANY; i++)
    start(&t[i], be_busy, NULL);
  uint64_t end = gu_now_ns() + (tap_long() ? 30 : 2) * UINT64_C(1000000000);
  while (gu_now_ns() < end) {
    pthread_t one = t[tap_rand() % N_MANY], two = t[tap_rand() % N_MANY];
    GC_suspend_thread(one);
    GC_suspend_thread(two);
    for (uint64_t i = tap_rand() % 20; i > 0; i--)
      GC_call_with_alloc_lock(count_locked, &locked_count), total++;
    if (tap_rand() % 8 == 0)
      GC_gcollect();
    GC_resume_thread(two);
    GC_resume_thread(one);
  }
  atomic_store(&stop_flag, true);
  for (int i = 0; i < N_MANY; i++) {
    void *mine = NULL;
    tap_eq_u(GC_pthread_join(t[i], &mine), 0);
    total += (unsigned long)mine;
  }
  tap_eq_u(total, locked_count);
}

struct taker {
  sem_t go;
  atomic_uint taken;
};

static void *take_the_lock_when_told(void *arg) {
  struct taker *t = arg;
  while (!atomic_load(&stop_flag)) {
    while (sem_wait(&t->go) != 0)
      continue;
    GC_call_with_alloc_lock(count_locked, &locked_count);
    atomic_fetch_add(&t->taken, 1);
  }
  return arg;
}

static void await_taken(struct taker *t, unsigned n) {
  for (int i = 0; i < 5000 && atomic_load(&t->taken) < n; i++)
    usleep(1000);
  tap_require(atomic_load(&t->taken) == n);
}

/* The first of two that wait for the lock is suspended at the moment in which it
 * is woken. The second must not wait for its resumption. */
static void who_waits_for_a_lock_is_woken(void) {
  static struct taker takers[2];
  pthread_t t[2];
  GC_INIT();
  for (int i = 0; i < 2; i++) {
    sem_init(&takers[i].go, 0, 0);
    start(&t[i], take_the_lock_when_told, &takers[i]);
  }
  for (unsigned round = 1; round <= 100; round++) {
    GC_alloc_lock();
    for (int i = 0; i < 2; i++) {
      sem_post(&takers[i].go);
      usleep(1000);
    }
    GC_alloc_unlock();
    GC_suspend_thread(t[0]);
    await_taken(&takers[1], round);
    GC_resume_thread(t[0]);
    await_taken(&takers[0], round);
  }
  atomic_store(&stop_flag, true);
  for (int i = 0; i < 2; i++) {
    sem_post(&takers[i].go);
    finish(t[i]);
  }
}

static pthread_t rivals[2];

static void *suspend_the_other(void *arg) {
  pthread_t other = rivals[(uintptr_t)arg];
  while (!atomic_load(&stop_flag)) {
    GC_suspend_thread(other);
    atomic_fetch_add(&steps, 1);
    GC_resume_thread(other);
  }
  return arg;
}

/* A third thread sees to it that they come to an end. */
static void two_may_suspend_each_other(void) {
  pthread_t t[2];
  GC_INIT();
  rivals[0] = rivals[1] = (pthread_t)0;
  pthread_t idle = start_running();
  rivals[0] = rivals[1] = idle;
  for (uintptr_t i = 0; i < 2; i++)
    start(&t[i], suspend_the_other, (void *)i);
  check_moves();
  rivals[0] = t[1];
  rivals[1] = t[0];
  for (int i = 0; i < 200; i++) {
    GC_resume_thread(t[0]);
    GC_resume_thread(t[1]);
    if (i % 10 == 0)
      GC_gcollect();
    usleep(100);
  }
  atomic_store(&stop_flag, true);
  GC_resume_thread(idle);
  while (pthread_tryjoin_np(t[0], NULL) != 0) {
    GC_resume_thread(t[0]);
    GC_resume_thread(t[1]);
    usleep(1000);
  }
  GC_resume_thread(t[1]);
  GC_pthread_join(t[1], NULL);
  GC_resume_thread(idle);
  finish(idle);
}

/* ---- Misuse ---- */

static void *suspend_with_the_lock(void *arg) {
  GC_suspend_thread(pthread_self());
  return arg;
}

static void check_that_it_ends(void (*misuse)(void)) {
  int status = 0;
  if (!gu_on_reclaim())
    tap_skip("it hangs there");
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    tap_require(freopen("/dev/null", "w", stderr) != NULL);
    misuse();
    _exit(0);
  }
  tap_require(waitpid(pid, &status, 0) == pid);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void own_the_lock(void) {
  GC_INIT();
  GC_call_with_alloc_lock(suspend_with_the_lock, NULL);
}

static void suspending_oneself_with_the_lock_is_reported(void) {
  check_that_it_ends(own_the_lock);
}

static void stop_all(void) {
  GC_INIT();
  GC_stop_world_external();
  GC_suspend_thread(pthread_self());
}

static void suspending_in_a_stopped_world_is_reported(void) {
  check_that_it_ends(stop_all);
}

TAP_MAIN(TAP_CASE(a_suspended_thread_stands_still),
         TAP_CASE(one_resumption_undoes_many),
         TAP_CASE(collections_keep_what_it_holds),
         TAP_CASE(a_stack_that_has_grown_is_scanned),
         TAP_CASE(a_thread_may_suspend_itself),
         TAP_CASE(a_blocked_thread_stands_still_when_it_comes_out),
         TAP_CASE(a_blocked_thread_may_be_resumed_inside),
         TAP_CASE(a_blocked_thread_stands_still_when_it_becomes_active),
         TAP_CASE(unregistered_threads_are_left_alone),
         TAP_CASE(what_names_no_thread_has_no_effect),
         TAP_CASE(new_threads_can_be_suspended_at_once), TAP_CASE(signals_wait),
         TAP_CASE(cancellation_waits), TAP_CASE(fork_while_suspended),
         TAP_CASE(a_suspended_thread_may_fork_inside_a_blocking_region),
         TAP_CASE(the_program_may_end_meanwhile), TAP_CASE(the_others_go_on),
         TAP_CASE(who_waits_for_a_lock_is_woken),
         TAP_CASE(two_may_suspend_each_other),
         TAP_CASE(suspending_oneself_with_the_lock_is_reported),
         TAP_CASE(suspending_in_a_stopped_world_is_reported))
