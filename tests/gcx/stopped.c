/* tests/gcx/stopped.c: notifier threads that somebody stops. SPDX-License-Identifier: MIT */

/*
 * Contract: a notifier thread that stands still, in a notifier or anywhere else, is
 * taken for stuck; others go on with the rest, and nothing is lost or told twice when
 * it runs again. One thread cannot be sent SIGSTOP (it stops the process), so a
 * handler on that thread stands for it; the process as a whole is stopped as well.
 */
#define _GNU_SOURCE
#include "gcx/shadow.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { N = 200, STUCK_MS = 20 };

static gcx_kind *kind;
static atomic_int notifier_tid; /* of who was called last */
static atomic_uint stop_for_us; /* how long a handler holds its thread up */
static atomic_size_t n_stops, n_stuck, n_strange;

/* ---- Stopping one thread ---- */

static void hold_up(int signo) {
  int saved = errno;
  (void)signo;
  atomic_fetch_add(&n_stops, 1);
  sh_sleep_us(atomic_load(&stop_for_us));
  errno = saved;
}

static void install(void) {
  struct sigaction sa = {.sa_handler = hold_up, .sa_flags = SA_RESTART};
  if (TAP_TSAN)
    tap_skip("the sanitiser delays signals");
  sigemptyset(&sa.sa_mask);
  tap_require(sigaction(SIGUSR1, &sa, NULL) == 0);
}

/* The threads of the collector have all signals blocked. */
static void be_stoppable(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  atomic_store(&notifier_tid, (int)syscall(SYS_gettid));
}

/* The thread may have ended meanwhile. */
static void stop_notifier(unsigned us) {
  atomic_store(&stop_for_us, us);
  if (syscall(SYS_tgkill, getpid(), atomic_load(&notifier_tid), SIGUSR1) != 0)
    tap_check(errno == ESRCH);
}

static gcx_verdict GC_CALLBACK take_some_time(void *object, size_t bytes,
                                              void *cd) {
  (void)cd;
  be_stoppable();
  sh_note_held(object, bytes);
  uint64_t end = gu_now_ns() + 20000;
  while (gu_now_ns() < end)
    continue;
  return GCX_DONE;
}

static void GC_CALLBACK on_event(gcx_event event, void *object,
                                 const char *name) {
  bool is_known = object != NULL && strcmp(name, "stopped") == 0;
  atomic_fetch_add(event == GCX_EVENT_STUCK && is_known ? &n_stuck : &n_strange,
                   1);
}

static void begin(size_t serials, gcx_notify_fn notify, gcx_refs refs) {
  install();
  sh_begin(serials);
  sh_configure(
      (gcx_finaliser_opts){.stuck_ms = STUCK_MS, .on_event = on_event});
  kind = sh_kind(
      (gcx_kind_opts){.notify = notify, .name = "stopped", .refs = refs});
}

static void make_pairs(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N / 2; i++) {
    struct sh_node *child = sh_node(kind, 0, sh_take_serial());
    struct sh_node *parent = sh_node(kind, 0, sh_take_serial());
    parent->ref[0] = child;
  }
}

static void check_all(void) {
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  sh_check_once(0, sh_taken());
  tap_eq_u(sh_stats().lost, 0);
  tap_eq_u(atomic_load(&n_strange), 0);
  sh_check_errors();
  sh_check_stats();
}

/* ---- Inside a notifier ---- */

static sem_t entered;
static atomic_bool may_leave;

static gcx_verdict GC_CALLBACK enter_once(void *object, size_t bytes,
                                          void *cd) {
  static atomic_bool is_taken;
  (void)cd;
  sh_note(object, bytes);
  if (!atomic_exchange(&is_taken, true)) {
    be_stoppable();
    sem_post(&entered);
    while (!atomic_load(&may_leave))
      sh_sleep_us(1000);
  }
  return GCX_DONE;
}

static void stopped_in_a_notifier(void) {
  begin(2 * N, enter_once, GCX_REFS_NONE);
  sem_init(&entered, 0, 0);
  sh_apart(make_pairs, NULL);
  gu_collect();
  while (sem_wait(&entered) != 0)
    continue;
  stop_notifier(1000000);
  atomic_store(&may_leave, true);
  /* The others are told, and later ones, long before the thread goes on. */
  uint64_t start = gu_now_ns();
  for (size_t round = 1; round <= 2; round++) {
    sh_settle();
    sh_check_once(0, sh_taken());
    if (round == 1)
      sh_apart(make_pairs, NULL);
  }
  if (gu_now_ns() - start < 900000000)
    tap_eq_u(gcx_kind_quiesce(kind, 0), ETIMEDOUT);
  check_all();
  tap_eq_u(atomic_load(&n_stuck), 1);
  tap_eq_u(atomic_load(&n_stops), 1);
}

/* ---- Anywhere ---- */

static void stopped_anywhere(gcx_refs refs) {
  size_t rounds = tap_long() ? 1000 : 40;
  begin((rounds + 1) * N, take_some_time, refs);
  for (size_t i = 0; i < rounds && tap_failures() == 0; i++) {
    sh_apart(make_pairs, NULL);
    gu_collect();
    sh_sleep_us((unsigned)(tap_rand() % 3000));
    if (atomic_load(&notifier_tid) != 0)
      stop_notifier((unsigned)(tap_rand() % (4 * STUCK_MS * 1000)));
    if (i % 4 == 3)
      tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  }
  sh_settle();
  tap_note("%zu stops, %zu notifiers were stuck", atomic_load(&n_stops),
           atomic_load(&n_stuck));
  check_all();
  tap_ge(atomic_load(&n_stops), rounds / 4);
  tap_ge(atomic_load(&n_stuck), 1);
}

static void stopped_at_any_moment(void) { stopped_anywhere(GCX_REFS_NONE); }
static void stopped_at_any_moment_holding(void) {
  stopped_anywhere(GCX_REFS_HELD);
}

/* ---- The process ---- */

static void stop_this_process(unsigned ms) {
  pid_t me = getpid(), pid = fork();
  if (pid == 0) {
    kill(me, SIGSTOP);
    usleep(1000 * ms);
    kill(me, SIGCONT);
    _exit(0);
  }
  gu_check_child(pid);
}

static void the_process_is_stopped(void) {
  size_t rounds = tap_long() ? 100 : 5;
  if (TAP_ASAN)
    tap_skip("the sanitiser allows no threads in the child");
  begin((rounds + 1) * N, take_some_time, GCX_REFS_HELD);
  for (size_t i = 0; i < rounds; i++) {
    sh_apart(make_pairs, NULL);
    gu_collect();
    sh_sleep_us((unsigned)(tap_rand() % 1000));
    stop_this_process(3 * STUCK_MS);
  }
  sh_settle();
  check_all();
}

TAP_MAIN(TAP_CASE(stopped_in_a_notifier), TAP_CASE(stopped_at_any_moment),
         TAP_CASE(stopped_at_any_moment_holding),
         TAP_CASE(the_process_is_stopped))
