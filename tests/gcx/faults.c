/* tests/gcx/faults.c: notifiers that misbehave, fork, exit. SPDX-License-Identifier: MIT */

/*
 * Contract: a notifier that ends its thread costs its object; a forked child
 * notifies what was pending, once; at exit the kinds that ask for it are served,
 * within a limit; notifiers may do what any thread may do.
 */
#include "gcx/shadow.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 1000, MB = 1024 * 1024 };

static gcx_kind *kind;

static void make_nodes(void *arg) {
  for (size_t i = 0; i < *(size_t *)arg; i++)
    sh_node(kind, 0, sh_take_serial());
}

static void make(size_t n) { sh_apart(make_nodes, &n); }

/* ---- Notifiers that end their thread ---- */

static gcx_verdict GC_CALLBACK leave_now_and_then(void *object, size_t bytes,
                                                  void *cd) {
  const struct sh_node *n = object;
  (void)cd;
  sh_note(object, bytes);
  if (n->serial % 100 == 50)
    pthread_exit(NULL);
  return GCX_DONE;
}

static void leave_thread(gcx_refs refs) {
  sh_begin(2 * N);
  kind = sh_kind((gcx_kind_opts){.notify = leave_now_and_then, .refs = refs});
  for (int round = 1; round <= 2; round++) {
    make(N);
    sh_settle();
    sh_check_once(0, (size_t)round * N);
    tap_eq_u(sh_stats().lost, (unsigned)round * N / 100);
  }
  sh_check_errors();
  sh_check_stats();
}

static atomic_size_t n_lost_events;

static void GC_CALLBACK count_lost(gcx_event event, void *object,
                                   const char *name) {
  (void)object, (void)name;
  if (event == GCX_EVENT_LOST)
    atomic_fetch_add(&n_lost_events, 1);
}

static gcx_verdict GC_CALLBACK keep_and_leave(void *object, size_t bytes,
                                              void *cd) {
  const struct sh_node *n = object;
  (void)cd;
  sh_note(object, bytes);
  if (sh_notified(n->serial) == 1 && n->serial % 100 == 50) {
    tap_eq_u(gcx_keep(object), 1);
    pthread_exit(NULL);
  }
  return GCX_DONE;
}

/* What it kept before is not lost, and nobody is told that it were. */
static void a_kept_object_whose_notifier_ends_its_thread_lives(void) {
  sh_need(GCX_CAP_FAULTS, "notifiers may not end their thread");
  sh_begin(2 * N);
  sh_configure((gcx_finaliser_opts){.on_event = count_lost});
  kind = sh_kind((gcx_kind_opts){.notify = keep_and_leave});
  make(N);
  sh_settle_until(N + N / 100);
  tap_eq_u(sh_count_notified(0, N, 2), N / 100);
  tap_eq_u(sh_stats().lost, 0);
  tap_eq_u(atomic_load(&n_lost_events), 0);
  sh_check_errors();
}

static void a_notifier_that_ends_its_thread_costs_its_object(void) {
  sh_need(GCX_CAP_FAULTS, "notifiers may not end their thread");
  leave_thread(GCX_REFS_NONE);
}
static void a_held_object_whose_notifier_ends_its_thread(void) {
  sh_need(GCX_CAP_FAULTS, "notifiers may not end their thread");
  leave_thread(GCX_REFS_HELD);
}

static void role_abort_outside(void) {
  sh_begin(1);
  gcx_notifier_abort();
}

static void aborting_outside_a_notifier_is_an_error(void) {
  static char out[1024];
  gu_exec x = {"role_abort_outside", NULL, 0, out, sizeof out};
  int status = gu_run_role(&x);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  tap_check(strstr(out, "gcx_notifier_abort") != NULL);
}

static jmp_buf outside;

static gcx_verdict GC_CALLBACK jump_out(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  longjmp(outside, 1);
}

static void role_jump_out(void) {
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = jump_out, .mode = GCX_MODE_SIMPLE});
  if (setjmp(outside) == 0) {
    GC_free(gcx_kind_alloc(kind, 64));
    gcx_poll();
    exit(3);
  }
  for (int i = 0; i < 100000; i++)
    tap_require(gcx_kind_alloc(kind, 64) != NULL);
}

/* Not so on a thread of the library's own: there it has nowhere to jump to. */
static void a_jump_out_of_a_simple_notifier_is_an_error(void) {
  sh_need(GCX_CAP_SIMPLE, "no simple mode");
  static char out[1024];
  gu_exec x = {"role_jump_out", NULL, 0, out, sizeof out};
  int status = gu_run_role(&x);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  tap_check(strstr(out, "longjmp") != NULL);
}

/* ---- Fork ---- */

enum { PER_FORK = 100 };

static void skip_fork_under_sanitisers(void) {
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser allows no threads in the child");
}

static gcx_verdict GC_CALLBACK count_slowly(void *object, size_t bytes,
                                            void *cd) {
  (void)cd;
  sh_note(object, bytes);
  uint64_t end = gu_now_ns() + 20000;
  while (gu_now_ns() < end)
    continue;
  return GCX_DONE;
}

/* The object in flight is lost in the child, all others are notified once. */
static void live_in_child(size_t pending_from) {
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  size_t n = sh_taken();
  size_t once = sh_count_notified(pending_from, n, 1);
  size_t never = sh_count_notified(pending_from, n, 0);
  tap_eq_u(once + never, n - pending_from);
  if (!tap_check(never <= 3))
    tap_note("%zu of %zu not notified in the child, %lu lost", never,
             n - pending_from, sh_stats().lost);
  /* The child's own objects. */
  make(PER_FORK);
  sh_settle();
  tap_ge(sh_count_notified(n, sh_taken(), 1), PER_FORK - 2);
  sh_check_errors();
  _exit(tap_failures() != 0);
}

static void fork_while_draining(gcx_refs refs) {
  sh_need(GCX_CAP_FORK, "no notifiers in a child");
  skip_fork_under_sanitisers();
  int rounds = tap_long() ? 1000 : 100;
  sh_begin((size_t)(rounds + 1) * PER_FORK);
  kind = sh_kind((gcx_kind_opts){.notify = count_slowly, .refs = refs});
  for (int i = 0; i < rounds && tap_failures() == 0; i++) {
    size_t from = sh_taken();
    make(PER_FORK);
    gu_collect();
    sh_sleep_us((unsigned)(tap_rand() % 2000));
    pid_t pid = fork();
    if (pid == 0)
      live_in_child(from);
    gu_check_child(pid);
  }
  sh_settle();
  sh_check_once(0, sh_taken());
  tap_eq_u(sh_stats().lost, 0);
  sh_check_errors();
}

static void a_child_drains_what_was_pending(void) {
  fork_while_draining(GCX_REFS_NONE);
}
static void a_child_drains_what_was_held(void) {
  fork_while_draining(GCX_REFS_HELD);
}

/* Exactly: the notifier waits at the gate, so nothing of the kind is in flight. */
static void a_child_drains_everything_behind_a_stuck_notifier(void) {
  skip_fork_under_sanitisers();
  sh_begin(N);
  kind = sh_counting_kind(GCX_REFS_HELD);
  sh_close_gate();
  make(N);
  gu_collect();
  pid_t pid = fork();
  if (pid == 0) {
    tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
    sh_check_once(0, N);
    tap_eq_u(sh_stats().lost, 1);
    sh_check_errors();
    _exit(tap_failures() != 0);
  }
  gu_check_child(pid);
  tap_eq_u(sh_total(), 0);
  sh_open_gate();
  sh_settle();
  sh_check_once(0, N);
}

static sem_t unstick;

static atomic_bool has_stuck;

/* Whichever object comes first: it need not be the first that was made. */
static gcx_verdict GC_CALLBACK stick_at_first(void *object, size_t bytes,
                                              void *cd) {
  (void)cd;
  bool is_first = !atomic_exchange(&has_stuck, true);
  sh_note(object, bytes);
  if (is_first)
    while (sem_wait(&unstick) != 0)
      continue;
  return GCX_DONE;
}

/* One notifier runs in the parent; what its thread has claimed besides is told in
 * both. */
static void a_child_drains_what_a_thread_has_claimed(void) {
  skip_fork_under_sanitisers();
  sh_begin(N);
  sem_init(&unstick, 0, 0);
  sh_configure((gcx_finaliser_opts){.fork_wait_ms = 1});
  kind = sh_kind((gcx_kind_opts){.notify = stick_at_first});
  make(N);
  gu_collect();
  while (sh_total() == 0)
    sh_sleep_us(100);
  pid_t pid = fork();
  if (pid == 0) {
    tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
    tap_eq_u(sh_stats().lost, 1);
    sh_check_once(0, N);
    _exit(tap_failures() != 0);
  }
  gu_check_child(pid);
  sem_post(&unstick);
  sh_settle();
  sh_check_once(0, N);
}

/* A stuck notifier is nobody's in the child. */
static void a_child_is_free_of_a_stuck_notifier(void) {
  sh_need(GCX_CAP_FAULTS, "stuck notifiers are not replaced");
  skip_fork_under_sanitisers();
  sh_begin(2 * N);
  sem_init(&unstick, 0, 0);
  sh_configure((gcx_finaliser_opts){.stuck_ms = 50});
  kind = sh_kind((gcx_kind_opts){.notify = stick_at_first});
  make(N);
  sh_settle();
  sh_check_once(0, N);
  pid_t pid = fork();
  if (pid == 0) {
    tap_eq_u(sh_stats().lost, 1);
    make(N);
    sh_settle();
    sh_check_once(0, 2 * N);
    tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
    sh_check_stats();
    _exit(tap_failures() != 0);
  }
  gu_check_child(pid);
  sem_post(&unstick);
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  tap_eq_u(sh_stats().lost, 0);
}

static atomic_size_t n_forks_inside;

static gcx_verdict GC_CALLBACK fork_inside(void *object, size_t bytes,
                                           void *cd) {
  (void)cd;
  sh_note(object, bytes);
  if (atomic_fetch_add(&n_forks_inside, 1) >= 3)
    return GCX_DONE;
  pid_t pid = fork();
  if (pid == 0) {
    memset(GC_malloc(1000), 0x11, 1000);
    GC_gcollect();
    _exit(tap_failures() != 0);
  }
  gu_check_child(pid);
  return GCX_DONE;
}

static void a_notifier_may_fork(void) {
  skip_fork_under_sanitisers();
  sh_begin(N);
  kind = sh_kind((gcx_kind_opts){.notify = fork_inside});
  make(N);
  sh_settle();
  sh_check_once(0, N);
  sh_check_errors();
}

/* ---- Exit ---- */

static gcx_verdict GC_CALLBACK say_letter(void *object, size_t bytes,
                                          void *cd) {
  (void)object, (void)bytes;
  sh_sleep_us(500);
  if (write(STDOUT_FILENO, cd, 1) != 1)
    abort();
  return GCX_DONE;
}

enum { N_EXIT = 200 };

static void *volatile live_at_exit;

static void make_letters(void *arg) {
  gcx_kind **kinds = arg;
  for (int i = 0; i < N_EXIT; i++)
    for (int k = 0; k < 2; k++)
      tap_require(gcx_kind_alloc(kinds[k], 30) != NULL);
  live_at_exit = gcx_kind_alloc(kinds[2], 30);
}

static void role_exit(void) {
  static char letters[] = "apl";
  static gcx_kind *kinds[3];
  sh_begin(1);
  sh_configure((gcx_finaliser_opts){.exit_ms = SH_PATIENCE_MS});
  for (int i = 0; i < 3; i++) {
    unsigned flags = letters[i] == 'p' ? 0 : GCX_KIND_AT_EXIT;
    kinds[i] = sh_kind((gcx_kind_opts){
        .notify = say_letter, .cd = &letters[i], .flags = flags});
  }
  sh_apart(make_letters, kinds);
  gu_collect();
}

static size_t count_letters(const char *text, char letter) {
  size_t n = 0;
  for (; *text != '\0'; text++)
    n += *text == letter;
  return n;
}

static void at_exit_the_pending_of_some_kinds_are_notified(void) {
  sh_need(GCX_CAP_AT_EXIT, "nothing is done at exit");
  static char out[4096];
  gu_exec x = {"role_exit", NULL, 0, out, sizeof out};
  tap_eq_u(gu_run_role(&x), 0);
  tap_ge(count_letters(out, 'a'), N_EXIT - 2);
  tap_le(count_letters(out, 'a'), N_EXIT);
  tap_le(count_letters(out, 'p'), N_EXIT);
  tap_eq_u(count_letters(out, 'l'), 0);
}

static atomic_bool never;

static gcx_verdict GC_CALLBACK wait_for_ever(void *object, size_t bytes,
                                             void *cd) {
  (void)object, (void)bytes, (void)cd;
  while (!atomic_load(&never))
    pause();
  return GCX_DONE;
}

/* The role ends well and long before the time for pending objects at exit is over. */
static void exits_at_once(const char *role) {
  uint64_t start = gu_now_ns();
  gu_check_role(role, NULL, 0);
  tap_le(gu_now_ns() - start, UINT64_C(15000000000));
}

/* One kind is to be told at exit, but nothing of it is pending; of the other all is. */
static void role_exit_stuck_others(void) {
  sh_begin(N);
  sh_configure((gcx_finaliser_opts){.exit_ms = SH_PATIENCE_MS});
  sh_kind((gcx_kind_opts){.notify = sh_count, .flags = GCX_KIND_AT_EXIT});
  kind = sh_kind((gcx_kind_opts){.notify = wait_for_ever});
  make(N);
  gu_collect();
}

static void exit_does_not_wait_for_other_kinds(void) {
  sh_need(GCX_CAP_AT_EXIT, "nothing is done at exit");
  exits_at_once("role_exit_stuck_others");
}

enum { N_STUCK_KINDS = 30 };

static void role_exit_stuck(void) {
  sh_begin(N_STUCK_KINDS * N);
  sh_configure((gcx_finaliser_opts){.exit_ms = 1000});
  for (int i = 0; i < N_STUCK_KINDS; i++) {
    kind = sh_kind(
        (gcx_kind_opts){.notify = wait_for_ever, .flags = GCX_KIND_AT_EXIT});
    make(N);
  }
  gu_collect();
}

/* All kinds share the time. */
static void exit_does_not_wait_for_ever(void) {
  sh_need(GCX_CAP_AT_EXIT, "nothing is done at exit");
  uint64_t start = gu_now_ns();
  gu_check_role("role_exit_stuck", NULL, 0);
  tap_ge(gu_now_ns() - start, 1000000000);
  tap_le(gu_now_ns() - start, 15000000000);
}

/* What is freed by hand waits for a safepoint, and there is none any more. */
static atomic_size_t n_simple_told;

static gcx_verdict GC_CALLBACK count_simple(void *object, size_t bytes,
                                            void *cd) {
  (void)object, (void)bytes, (void)cd;
  atomic_fetch_add(&n_simple_told, 1);
  return GCX_DONE;
}

static void say_what_was_told(void) {
  gcx_finaliser_stats s = sh_stats();
  printf("pending %zu, told %zu\n", s.pending_objects,
         atomic_load(&n_simple_told));
}

static void role_exit_simple(void) {
  atexit(say_what_was_told); /* after the library's */
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = count_simple,
                                 .mode = GCX_MODE_SIMPLE,
                                 .flags = GCX_KIND_AT_EXIT});
  void *o[100];
  for (int i = 0; i < 100; i++)
    o[i] = gcx_kind_alloc(kind, 64);
  for (int i = 0; i < 100; i++)
    GC_free(o[i]);
  tap_eq_u(sh_stats().pending_objects, 100);
  tap_eq_u(atomic_load(&n_simple_told), 0);
}

static void at_exit_simple_kinds_are_notified(void) {
  sh_need(GCX_CAP_AT_EXIT | GCX_CAP_SIMPLE, "nothing is done at exit");
  static char out[1024];
  gu_exec x = {"role_exit_simple", NULL, 0, out, sizeof out};
  tap_eq_u(gu_run_role(&x), 0);
  if (!tap_check(strstr(out, "pending 0, told 100\n") != NULL))
    tap_note("%s", out);
}

static gcx_verdict GC_CALLBACK leave_process(void *object, size_t bytes,
                                             void *cd) {
  (void)object, (void)bytes, (void)cd;
  exit(0);
}

static void role_exit_inside(void) {
  sh_begin(N);
  sh_configure((gcx_finaliser_opts){.exit_ms = SH_PATIENCE_MS});
  kind = sh_kind(
      (gcx_kind_opts){.notify = leave_process, .flags = GCX_KIND_AT_EXIT});
  make(N);
  gu_collect();
  gcx_drain(SH_PATIENCE_MS);
  _exit(1); /* the notifier should have ended the process */
}

/* What is pending behind it cannot be told meanwhile, and is not waited for. */
static void a_notifier_may_end_the_process(void) {
  sh_need(GCX_CAP_AT_EXIT, "nothing is done at exit");
  exits_at_once("role_exit_inside");
}

/* ---- Notifiers that do much ---- */

static atomic_size_t n_new_kinds;

static gcx_verdict GC_CALLBACK work_hard(void *object, size_t bytes, void *cd) {
  const struct sh_node *n = object;
  sh_note(object, bytes);
  memset(GC_malloc(1024), 0x77, 1024);
  if (n->serial % 40 == 0) {
    sh_counting_kind(GCX_REFS_HELD);
    atomic_fetch_add(&n_new_kinds, 1);
  }
  if (n->serial % 50 == 0)
    GC_gcollect();
  if (n->serial == 500)
    sh_sleep_us(300000);
  if (cd != NULL && !sh_is_intact(n->ref[0]))
    atomic_fetch_add(&n_new_kinds, 1000000);
  return GCX_DONE;
}

static void make_workers(void *arg) {
  for (size_t i = 0; i < N; i++) {
    struct sh_node *n = sh_node(kind, 0, sh_take_serial());
    if (arg != NULL)
      n->ref[0] = sh_box(NULL);
  }
}

static void notifiers_may_work_hard(gcx_refs refs) {
  void *cd = refs == GCX_REFS_HELD ? &kind : NULL;
  sh_begin(N);
  kind = sh_kind((gcx_kind_opts){.notify = work_hard, .cd = cd, .refs = refs});
  sh_apart(make_workers, cd);
  sh_settle();
  sh_check_once(0, N);
  tap_ge(atomic_load(&n_new_kinds), N / 40 - 1);
  tap_le(atomic_load(&n_new_kinds), N / 40);
  sh_check_errors();
  sh_check_stats();
}

static void notifiers_may_allocate_collect_and_make_kinds(void) {
  notifiers_may_work_hard(GCX_REFS_NONE);
}
static void notifiers_of_held_objects_may_as_well(void) {
  notifiers_may_work_hard(GCX_REFS_HELD);
}

/* ---- Collections at every turn ---- */

enum { N_THREADS = 4, N_RING = 100 };

static GU_NOINLINE void *churn(void *arg) {
  struct sh_node *volatile held[N_RING] = {NULL};
  uint64_t rand = tap_seed() * 13 + (uintptr_t)arg;
  for (size_t i = 0; i < 10000; i++) {
    struct sh_node *volatile *slot = &held[tap_rand_r(&rand) % N_RING];
    if (*slot != NULL)
      sh_drop((*slot)->serial);
    *slot = NULL;
    struct sh_node *n =
        sh_node(kind, tap_rand_r(&rand) % 200, sh_take_serial());
    sh_hold(n->serial);
    n->ref[0] = sh_box(NULL);
    *slot = n;
  }
  for (size_t i = 0; i < N_RING; i++)
    if (held[i] != NULL)
      sh_drop(held[i]->serial);
  return NULL;
}

static void role_churn(void) {
  pthread_t t[N_THREADS];
  sh_begin(N_THREADS * 10000);
  kind = sh_counting_kind(GCX_REFS_HELD);
  sh_configure((gcx_finaliser_opts){.threads = 3});
  for (uintptr_t i = 0; i < N_THREADS; i++)
    sh_start(&t[i], churn, (void *)i);
  for (int i = 0; i < N_THREADS; i++)
    sh_join(t[i]);
  /* What a running notifier has in its frame lives until it has returned. */
  sh_settle_until(sh_taken());
  sh_check_once(0, sh_taken());
  sh_check_errors();
  sh_check_stats();
}

static void churn_with_collections_at_every_turn(void) {
  const char *torture[] = {"GCX_TORTURE_ALLOC=50", NULL};
  const char *together[] = {"GCX_TORTURE_ALLOC=300", "GCX_TORTURE_CLAIM=1",
                            "GCX_TORTURE_MARK_STACK=16", "GCX_VERIFY=1", NULL};
  gu_check_role("role_churn", NULL, 0);
  gu_check_role("role_churn", torture, 0);
  gu_check_role("role_churn", together, 0);
}

int main(int argc, char **argv) {
  static const tap_case roles[] = {TAP_CASE(role_abort_outside),
                                   TAP_CASE(role_jump_out),
                                   TAP_CASE(role_exit),
                                   TAP_CASE(role_exit_stuck),
                                   TAP_CASE(role_exit_simple),
                                   TAP_CASE(role_exit_inside),
                                   TAP_CASE(role_exit_stuck_others),
                                   TAP_CASE(role_churn)};
  static const tap_case cases[] = {
      TAP_CASE(a_notifier_that_ends_its_thread_costs_its_object),
      TAP_CASE(a_kept_object_whose_notifier_ends_its_thread_lives),
      TAP_CASE(a_held_object_whose_notifier_ends_its_thread),
      TAP_CASE(aborting_outside_a_notifier_is_an_error),
      TAP_CASE(a_jump_out_of_a_simple_notifier_is_an_error),
      TAP_CASE_T(a_child_drains_what_was_pending, 120),
      TAP_CASE_T(a_child_drains_what_was_held, 120),
      TAP_CASE(a_child_drains_everything_behind_a_stuck_notifier),
      TAP_CASE(a_child_is_free_of_a_stuck_notifier),
      TAP_CASE(a_child_drains_what_a_thread_has_claimed),
      TAP_CASE(a_notifier_may_fork),
      TAP_CASE(at_exit_the_pending_of_some_kinds_are_notified),
      TAP_CASE(exit_does_not_wait_for_ever),
      TAP_CASE(exit_does_not_wait_for_other_kinds),
      TAP_CASE(at_exit_simple_kinds_are_notified),
      TAP_CASE(a_notifier_may_end_the_process),
      TAP_CASE(notifiers_may_allocate_collect_and_make_kinds),
      TAP_CASE(notifiers_of_held_objects_may_as_well),
      TAP_CASE_T(churn_with_collections_at_every_turn, 120)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
