/* tests/api/fork.c: the heap in forked children. SPDX-License-Identifier: MIT */

/*
 * Contract: with fork handling on, the child of a program with many threads has
 * one thread and a heap that it may use at once: nothing that was live is lost,
 * collections work, threads may be created; the parent does not notice.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 1000, OBJ_BYTES = 64, N_THREADS = 4, MB = 1024 * 1024 };

static void *volatile keep[N_OBJ];
static atomic_bool stop_flag;

static void fill(void *volatile *slots, size_t n, uint64_t id) {
  for (size_t i = 0; i < n; i++) {
    slots[i] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(slots[i], OBJ_BYTES, id + i);
  }
}

static void check(void *volatile *slots, size_t n, uint64_t id) {
  for (size_t i = 0; i < n; i++)
    tap_require(gu_is_intact(slots[i], OBJ_BYTES, id + i));
}

static void allocate_mb(size_t mb) {
  for (size_t i = 0; i < mb * 1024 * 4; i++)
    memset(GC_malloc(240), 0x7f, 240);
  GC_gcollect();
}

static void child_life(void) {
  allocate_mb(20);
  check(keep, N_OBJ, 0);
  void *volatile slots[50];
  fill(slots, 50, 7);
  allocate_mb(2);
  check(slots, 50, 7);
  _exit(0);
}

static void fork_and_check(void) {
  pid_t pid = fork();
  if (pid == 0)
    child_life();
  gu_check_child(pid);
}

static void prepare(int handle_fork) {
  GC_set_handle_fork(handle_fork);
  GC_INIT();
  fill(keep, N_OBJ, 0);
}

static void child_of_one_thread(void) {
  prepare(1);
  fork_and_check();
  check(keep, N_OBJ, 0);
}

static void child_without_handling_may_leave(void) {
  GC_INIT();
  fill(keep, N_OBJ, 0);
  pid_t pid = fork();
  if (pid == 0)
    _exit(0);
  gu_check_child(pid);
  allocate_mb(2);
  check(keep, N_OBJ, 0);
}

static void grandchildren(void) {
  prepare(1);
  pid_t pid = fork();
  if (pid == 0) {
    allocate_mb(2);
    fork_and_check();
    check(keep, N_OBJ, 0);
    _exit(tap_failures() != 0);
  }
  gu_check_child(pid);
}

static void *work(void *arg) {
  void *volatile slots[50];
  uint64_t id = (uintptr_t)arg;
  while (!atomic_load(&stop_flag)) {
    fill(slots, 50, id);
    for (size_t i = 0; i < 100; i++)
      memset(GC_malloc(i * 8), 0x7f, i * 8);
    check(slots, 50, id);
    id++;
  }
  return NULL;
}

static void start_workers(pthread_t *t) {
  for (uintptr_t i = 0; i < N_THREADS; i++)
    tap_require(GC_pthread_create(&t[i], NULL, work, (void *)i) == 0);
}

static void stop_workers(pthread_t *t) {
  atomic_store(&stop_flag, true);
  for (int i = 0; i < N_THREADS; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
}

static void child_of_many_threads(void) {
  pthread_t t[N_THREADS];
  prepare(1);
  start_workers(t);
  for (int i = 0; i < 10; i++)
    fork_and_check();
  stop_workers(t);
  check(keep, N_OBJ, 0);
}

static void fork_by_hand(void) {
  GC_atfork_prepare();
  pid_t pid = fork();
  if (pid == 0) {
    GC_atfork_child();
    child_life();
  }
  GC_atfork_parent();
  gu_check_child(pid);
}

static void child_with_handlers_called_by_hand(void) {
  pthread_t t[N_THREADS];
  prepare(-1);
  fork_by_hand();
  start_workers(t);
  for (int i = 0; i < 5; i++)
    fork_by_hand();
  stop_workers(t);
  check(keep, N_OBJ, 0);
}

/* The forking thread becomes the main one: its own stack stays root. */
static void *fork_here(void *arg) {
  void *volatile slots[50];
  int n = (int)(uintptr_t)arg;
  for (int i = 0; i < n; i++) {
    fill(slots, 50, 99);
    pid_t pid = fork();
    if (pid == 0) {
      allocate_mb(20);
      check(slots, 50, 99);
      child_life();
    }
    gu_check_child(pid);
    check(slots, 50, 99);
  }
  return NULL;
}

static void fork_from_another_thread(void) {
  pthread_t t;
  prepare(1);
  tap_require(GC_pthread_create(&t, NULL, fork_here, (void *)3) == 0);
  tap_eq_u(GC_pthread_join(t, NULL), 0);
}

static void storm_from_four_threads(void) {
  pthread_t t[N_THREADS];
  uintptr_t n = tap_long() ? 100 : 6;
  prepare(1);
  for (int i = 0; i < N_THREADS; i++)
    tap_require(GC_pthread_create(&t[i], NULL, fork_here, (void *)n) == 0);
  for (int i = 0; i < N_THREADS; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
  allocate_mb(5);
  check(keep, N_OBJ, 0);
}

static void *count_to_thousand(void *arg) {
  void *volatile slots[50];
  for (uint64_t i = 0; i < 200; i++) {
    fill(slots, 50, i);
    check(slots, 50, i);
  }
  return arg;
}

static void child_may_create_threads(void) {
  pthread_t t[N_THREADS];
  if (TAP_TSAN || TAP_ASAN)
    tap_skip("the sanitiser does not allow threads in such a child");
  prepare(1);
  start_workers(t);
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t mine[2];
    for (int i = 0; i < 2; i++)
      tap_require(GC_pthread_create(&mine[i], NULL, count_to_thousand, NULL) ==
                  0);
    for (int i = 0; i < 30; i++)
      GC_gcollect();
    for (int i = 0; i < 2; i++)
      tap_eq_u(GC_pthread_join(mine[i], NULL), 0);
    check(keep, N_OBJ, 0);
    _exit(tap_failures() != 0);
  }
  gu_check_child(pid);
  stop_workers(t);
}

/* ---- Kinds ---- */

enum { N_KINDS = 8, N_KIND_ROUNDS = 40 }; /* libgc has room for 16 kinds */

static atomic_int n_registered = -1; /* -1: not yet allowed */

static void register_kind_and_use_it(void) {
  unsigned kind = GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
  tap_require(kind != 0);
  tap_check(gu_is_zero(GC_generic_malloc(48, (int)kind), 48));
}

static void *register_kinds(void *arg) {
  while (atomic_load(&n_registered) < 0)
    continue;
  for (int i = 0; i < N_KINDS; i++) {
    register_kind_and_use_it();
    atomic_fetch_add(&n_registered, 1);
  }
  /* Still there at the fork: TSan wants ended threads to be joined in the child
   * as well. */
  while (!atomic_load(&stop_flag))
    usleep(100);
  return arg;
}

/* A child that waits for a lock which nobody owns there is ended by the alarm. */
static void fork_among_new_kinds(int after) {
  pthread_t t;
  tap_require(GC_pthread_create(&t, NULL, register_kinds, NULL) == 0);
  atomic_store(&n_registered, 0);
  while (atomic_load(&n_registered) < after)
    continue;
  pid_t pid = fork();
  if (pid == 0) {
    alarm(10);
    register_kind_and_use_it();
    GC_gcollect();
    _exit(tap_failures() != 0);
  }
  gu_check_child(pid);
  atomic_store(&stop_flag, true);
  tap_eq_u(GC_pthread_join(t, NULL), 0);
  register_kind_and_use_it();
  GC_gcollect();
}

/* Each round in a process of its own, since kinds are never removed. */
static void kinds_are_registered_meanwhile(void) {
  for (int i = 0; i < N_KIND_ROUNDS && tap_failures() == 0; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      prepare(1);
      fork_among_new_kinds(i % N_KINDS);
      _exit(tap_failures() != 0);
    }
    gu_check_child(pid);
  }
}

static void children_do_not_change_the_parent(void) {
  prepare(1);
  pid_t pid = fork();
  if (pid == 0) {
    for (size_t i = 0; i < N_OBJ; i++) {
      memset(keep[i], 0, OBJ_BYTES);
      keep[i] = NULL;
    }
    allocate_mb(5);
    _exit(0);
  }
  allocate_mb(5);
  gu_check_child(pid);
  check(keep, N_OBJ, 0);
}

/* A child that only starts another program must need nothing of the heap. */
static void *collect_until_stopped(void *arg) {
  while (!atomic_load(&stop_flag))
    GC_gcollect();
  return arg;
}

static void exec_while_collecting(void) {
  pthread_t t;
  prepare(1);
  tap_require(GC_pthread_create(&t, NULL, collect_until_stopped, NULL) == 0);
  for (int i = 0; i < 30; i++) {
    pid_t pid = i % 2 ? vfork() : fork();
    if (pid == 0) {
      execl("/bin/true", "true", (char *)NULL);
      _exit(1);
    }
    gu_check_child(pid);
  }
  atomic_store(&stop_flag, true);
  tap_eq_u(GC_pthread_join(t, NULL), 0);
}

TAP_MAIN(TAP_CASE(child_of_one_thread),
         TAP_CASE(child_without_handling_may_leave), TAP_CASE(grandchildren),
         TAP_CASE(child_of_many_threads),
         TAP_CASE(child_with_handlers_called_by_hand),
         TAP_CASE(fork_from_another_thread), TAP_CASE(storm_from_four_threads),
         TAP_CASE(child_may_create_threads),
         TAP_CASE(kinds_are_registered_meanwhile),
         TAP_CASE(children_do_not_change_the_parent),
         TAP_CASE(exec_while_collecting))
