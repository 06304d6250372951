/* tests/api/trap_signals.c: alarm handlers that allocate, and threads that can not be stopped. SPDX-License-Identifier: MIT */

/*
 * Handlers: a storm of alarms hits a thread outside the library, and the
 * handler allocates, while others allocate and collect. Neither may an alarm
 * run its handler in a thread that is stopped for a collection, nor may a stop
 * be lost in a handler.
 *
 * Threads that do not answer a stop, because they block every signal behind the
 * library's back, or because a debugger or the shell holds them, are waited
 * for: a collection that went on without them would lose what they hold.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include <gc/gc.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/slots.h"

static atomic_bool stop_flag;

static uint64_t deadline(unsigned seconds) {
  return gu_now_ns() + seconds * UINT64_C(1000000000);
}

/* ---- Alarms ---- */

enum { ALARM_US = 100, N_CAUGHT = 32 };

static atomic_uint n_alarms, n_refused, n_damaged;
static volatile sig_atomic_t in_library;
static void *volatile caught[N_CAUGHT];

/* Allocating is allowed only where the interrupted code is not in the library
 * itself. */
static void allocate_in_handler(int signo) {
  int saved = errno;
  (void)signo;
  unsigned n = atomic_fetch_add(&n_alarms, 1);
  if (!in_library) {
    void *volatile *slot = &caught[n % N_CAUGHT];
    if (*slot != NULL && !gu_is_intact(*slot, OBJ_BYTES, 7))
      atomic_fetch_add(&n_damaged, 1);
    void *p = n % 2 ? GC_malloc(OBJ_BYTES) : GC_malloc_atomic(OBJ_BYTES);
    if (p == NULL)
      atomic_fetch_add(&n_refused, 1);
    else
      gu_fill(p, OBJ_BYTES, 7);
    *slot = p;
  }
  errno = saved;
}

static void set_alarm(suseconds_t us) {
  struct itimerval timer = {{0, us}, {0, us}};
  tap_require(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void block_alarms(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  tap_require(pthread_sigmask(how, &set, NULL) == 0);
}

static void *allocate_meanwhile(void *arg) {
  void *volatile slots[N_SLOTS];
  for (uint64_t id = 0; !atomic_load(&stop_flag); id += N_SLOTS) {
    fill_slots(slots, id);
    check_slots(slots, id);
  }
  return arg;
}

static void *collect_meanwhile(void *arg) {
  while (!atomic_load(&stop_flag))
    GC_gcollect();
  return arg;
}

/* Computes without the library most of the time; errno is its own. */
static void work_under_alarms(uint64_t end) {
  void *volatile slots[N_SLOTS];
  uint64_t id = 0;
  while (gu_now_ns() < end) {
    in_library = 1;
    fill_slots(slots, id);
    in_library = 0;
    errno = 1234;
    for (int i = 0; i < 20; i++)
      check_slots(slots, id);
    tap_require(errno == 1234);
    id += N_SLOTS;
  }
}

static void handlers_may_allocate_outside_the_library(void) {
  struct sigaction sa = {.sa_handler = allocate_in_handler,
                         .sa_flags = SA_RESTART};
  pthread_t t[3];
  GC_INIT();
  block_alarms(SIG_BLOCK); /* inherited: alarms hit the main thread only */
  start(&t[0], allocate_meanwhile, NULL);
  start(&t[1], allocate_meanwhile, NULL);
  start(&t[2], collect_meanwhile, NULL);
  tap_require(sigaction(SIGALRM, &sa, NULL) == 0);
  block_alarms(SIG_UNBLOCK);
  set_alarm(ALARM_US);
  work_under_alarms(deadline(tap_long() ? 60 : 3));
  set_alarm(0);
  atomic_store(&stop_flag, true);
  for (int i = 0; i < 3; i++)
    finish(t[i]);
  tap_note("%u alarms, %zu collections", atomic_load(&n_alarms),
           (size_t)GC_get_gc_no());
  tap_ge(atomic_load(&n_alarms), 100);
  tap_eq_u(atomic_load(&n_refused), 0);
  tap_eq_u(atomic_load(&n_damaged), 0);
}

/* ---- A thread that blocks all signals ---- */

enum { SILENCE_US = 100000, N_SILENCES = 5 };

static atomic_uint silent_round, collected_round;

static void set_raw_mask(uint64_t mask) {
  tap_require(
      syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask) == 0);
}

static void *fall_silent(void *arg) {
  void *volatile slots[N_SLOTS];
  for (unsigned round = 1; round <= N_SILENCES; round++) {
    set_raw_mask(UINT64_MAX);
    fill_slots(slots, round * 1000);
    atomic_store(&silent_round, round);
    usleep(SILENCE_US);
    tap_require(atomic_load(&collected_round) < round);
    set_raw_mask(0);
    while (atomic_load(&collected_round) < round)
      sched_yield();
    check_slots(slots, round * 1000);
  }
  return arg;
}

static void a_thread_without_signals_is_awaited(void) {
  pthread_t t;
  GC_INIT();
  start(&t, fall_silent, NULL);
  for (unsigned round = 1; round <= N_SILENCES; round++) {
    while (atomic_load(&silent_round) < round)
      sched_yield();
    collect_and_overwrite();
    atomic_store(&collected_round, round);
  }
  finish(t);
}

/* ---- A process that others hold ---- */

/* Shared with the child process. */
static struct {
  atomic_int tid; /* of the thread that is held */
  atomic_uint asked, collected;
  atomic_bool is_over;
} * shared;

static void *hold_slots(void *arg) {
  void *volatile slots[N_SLOTS];
  fill_slots(slots, 5);
  atomic_store(&shared->tid, (int)syscall(SYS_gettid));
  while (!atomic_load(&shared->is_over)) {
    check_slots(slots, 5);
    fill_slots(slots, 5);
  }
  return arg;
}

/* The child: one thread holds objects, the main one collects when asked. */
static _Noreturn void collect_when_asked(void) {
  pthread_t t;
  GC_INIT();
  start(&t, hold_slots, NULL);
  while (!atomic_load(&shared->is_over)) {
    unsigned asked = atomic_load(&shared->asked);
    if (asked == atomic_load(&shared->collected)) {
      sched_yield();
      continue;
    }
    collect_and_overwrite();
    atomic_store(&shared->collected, asked);
  }
  finish(t);
  _exit(tap_failures() != 0);
}

static pid_t start_child(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  tap_require(shared != MAP_FAILED);
  pid_t pid = fork();
  if (pid == 0)
    collect_when_asked();
  tap_require(pid > 0);
  uint64_t end = deadline(20);
  while (atomic_load(&shared->tid) == 0 && gu_now_ns() < end)
    usleep(1000);
  tap_require(atomic_load(&shared->tid) != 0);
  return pid;
}

static bool await_collection(unsigned n) {
  uint64_t end = deadline(20);
  while (atomic_load(&shared->collected) != n && gu_now_ns() < end)
    usleep(1000);
  return atomic_load(&shared->collected) == n;
}

static void end_child(pid_t pid) {
  atomic_store(&shared->is_over, true);
  gu_check_child(pid);
}

/* Holds one thread, has a collection asked for, and lets it go. */
static void hold_thread(unsigned round) {
  int tid = atomic_load(&shared->tid), status = 0;
  tap_require(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0);
  tap_require(waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status));
  atomic_store(&shared->asked, round);
  usleep(SILENCE_US);
  tap_check(atomic_load(&shared->collected) != round);
  tap_require(ptrace(PTRACE_DETACH, tid, NULL, NULL) == 0);
  tap_check(await_collection(round));
}

static void a_thread_in_a_debugger_is_awaited(void) {
  pid_t pid = start_child();
  for (unsigned round = 1; round <= N_SILENCES; round++) {
    if (ptrace(PTRACE_SEIZE, atomic_load(&shared->tid), NULL, NULL) != 0) {
      end_child(pid);
      tap_skip("threads can not be traced here");
    }
    hold_thread(round);
  }
  end_child(pid);
}

static void a_stopped_process_goes_on(void) {
  pid_t pid = start_child();
  for (unsigned round = 1; round <= 60; round++) {
    atomic_store(&shared->asked, round);
    usleep((unsigned)(tap_rand() % 400));
    tap_require(kill(pid, SIGSTOP) == 0);
    usleep((unsigned)(tap_rand() % 5000));
    tap_require(kill(pid, SIGCONT) == 0);
    tap_require(await_collection(round));
  }
  end_child(pid);
}

TAP_MAIN(TAP_CASE_T(handlers_may_allocate_outside_the_library, 90),
         TAP_CASE(a_thread_without_signals_is_awaited),
         TAP_CASE(a_thread_in_a_debugger_is_awaited),
         TAP_CASE(a_stopped_process_goes_on))
