/* tests/api/finalise_when.c: when and where finalisers are called. SPDX-License-Identifier: MIT */

/*
 * Contract: by allocation and collection, or on demand only; the notifier and
 * the function for ready objects; at the end; with threads and over a fork.
 */
#include "finalise.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4 };

static void make_ready_ones(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    put(new_node(i), GC_register_finalizer_no_order);
}

/* ---- When ---- */

static size_t n_notified, n_awaited;

static void on_notify(void) { n_notified++; }
static void on_await(void *obj) {
  n_awaited++;
  n_bad += !GC_is_heap_ptr(obj);
}

static void on_demand_they_wait(void) {
  GC_INIT();
  tap_eq_u(GC_get_finalize_on_demand(), 0);
  tap_check(GC_get_finalizer_notifier() == NULL);
  GC_set_finalize_on_demand(1);
  tap_eq_u(GC_finalize_on_demand, 1);
  GC_set_finalizer_notifier(on_notify);
  tap_check(GC_finalizer_notifier == on_notify &&
            GC_get_finalizer_notifier() == on_notify);
  tap_check(!GC_should_invoke_finalizers());
  gu_apart(make_ready_ones, NULL);
  gu_collect();
  tap_eq_u(n_notified, 1);
  tap_eq_u(n_ran, 0);
  for (size_t i = 0; i < 100; i++)
    GC_malloc(100);
  tap_eq_u(n_notified, 1);
  GC_gcollect();
  tap_eq_u(n_notified, 2);
  tap_check(GC_should_invoke_finalizers());
  size_t ran = (size_t)GC_invoke_finalizers();
  tap_eq_u(ran, n_ran);
  check_most_ran(0, N_OBJ);
  tap_check(!GC_should_invoke_finalizers());
  tap_eq_u(GC_invoke_finalizers(), 0);
  GC_gcollect();
  tap_eq_u(n_notified, 2);
  check_sane();
}

static void the_variables_are_the_settings(void) {
  GC_INIT();
  GC_finalize_on_demand = 1;
  GC_finalizer_notifier = on_notify;
  gu_apart(make_ready_ones, NULL);
  gu_collect();
  tap_eq_u(n_ran, 0);
  tap_eq_u(n_notified, 1);
  GC_finalize_on_demand = 0;
  GC_gcollect();
  check_most_ran(0, N_OBJ);
  tap_eq_u(n_notified, 1);
  tap_eq_u(GC_get_java_finalization(), 1);
  GC_set_java_finalization(0);
  tap_eq_u(GC_java_finalization, 0);
}

static void the_notifier_is_for_demand_only(void) {
  GC_INIT();
  GC_set_finalizer_notifier(on_notify);
  gu_apart(make_ready_ones, NULL);
  gu_collect();
  tap_eq_u(n_notified, 0);
  check_most_ran(0, N_OBJ);
}

static void ready_ones_are_told(void) {
  GC_INIT();
  tap_check(GC_get_await_finalize_proc() == NULL);
  GC_set_await_finalize_proc(on_await);
  tap_check(GC_get_await_finalize_proc() == on_await);
  GC_set_finalize_on_demand(1);
  gu_apart(make_ready_ones, NULL);
  gu_collect();
  tap_ge(n_awaited, N_OBJ * 95 / 100);
  tap_eq_u((size_t)GC_invoke_finalizers(), n_awaited);
  size_t before = n_awaited;
  gu_collect();
  tap_eq_u(n_awaited, before);
  tap_eq_u(n_bad, 0);
}

static void allocation_runs_them(void) {
  GC_INIT();
  gu_apart(make_ready_ones, NULL);
  for (size_t i = 0; i < 1000000 && n_ran < N_OBJ / 2; i++)
    memset(GC_malloc(100), 1, 100);
  tap_ge(n_ran, N_OBJ / 2);
  check_sane();
}

static void make_live(void) {
  for (size_t i = 0; i < N_OBJ; i++) {
    keep[i] = new_node(i);
    put(keep[i],
        i % 2 ? GC_register_finalizer : GC_register_finalizer_no_order);
    keep[i + N_OBJ] = keep[i]->next = keep[i];
  }
}

static void finalize_all_runs_live_ones(void) {
  GC_INIT();
  GC_set_finalize_on_demand(1);
  make_live();
  GC_finalize_all();
  tap_eq_u(count_ran(0, N_OBJ), N_OBJ);
  GC_finalize_all();
  tap_eq_u(n_ran, N_OBJ);
  check_sane();
}

/* ---- Threads and processes ---- */

static void *register_in_thread(void *arg) {
  size_t from = *(size_t *)arg;
  for (size_t i = from; i < from + N_OBJ / THREADS; i++) {
    put(new_node(i), GC_register_finalizer_no_order);
    put(new_node(i + N_OBJ), GC_register_finalizer);
    if (i % 50 == 0)
      GC_gcollect();
  }
  return NULL;
}

static void threads_register_at_the_same_time(void) {
  pthread_t t[THREADS];
  size_t from[THREADS];
  GC_INIT();
  for (size_t i = 0; i < THREADS; i++) {
    from[i] = i * (N_OBJ / THREADS);
    tap_require(GC_pthread_create(&t[i], NULL, register_in_thread, &from[i]) ==
                0);
  }
  for (size_t i = 0; i < THREADS; i++)
    GC_pthread_join(t[i], NULL);
  gu_collect();
  gu_collect();
  check_most_ran(0, 2 * N_OBJ);
  check_sane();
}

static void the_child_of_a_fork_has_its_own(void) {
  GC_set_handle_fork(1);
  GC_INIT();
  make_live();
  pid_t pid = fork();
  tap_require(pid >= 0);
  if (pid == 0) {
    GC_finalize_all();
    tap_eq_u(n_ran, N_OBJ);
    _exit(tap_failures() != 0);
  }
  int status = -1;
  tap_eq_u((uint64_t)waitpid(pid, &status, 0), (uint64_t)pid);
  tap_eq_u((uint64_t)status, 0);
  tap_eq_u(n_ran, 0);
}

TAP_MAIN(TAP_CASE(on_demand_they_wait),
         TAP_CASE(the_variables_are_the_settings),
         TAP_CASE(the_notifier_is_for_demand_only),
         TAP_CASE(ready_ones_are_told), TAP_CASE(allocation_runs_them),
         TAP_CASE(finalize_all_runs_live_ones),
         TAP_CASE(threads_register_at_the_same_time),
         TAP_CASE(the_child_of_a_fork_has_its_own))
