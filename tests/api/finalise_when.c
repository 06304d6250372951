/* tests/api/finalise_when.c: when and where finalisers are called. SPDX-License-Identifier: MIT */

/*
 * Contract: by allocation and collection, or on demand only; the notifier and
 * the function for ready objects; at the end; with threads and over a fork.
 */
#include "finalise.h"

#include <gc/gc_mark.h>
#include <pthread.h>
#include <stdio.h>
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

static uintptr_t hidden_data[N_OBJ];

static void nothing_to_do(void *obj, void *cd) { (void)obj, (void)cd; }
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

static uintptr_t hidden_nodes[N_OBJ];

static void make_hidden_ones(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = new_node(i);
    put(n, GC_register_finalizer_no_order);
    hidden_nodes[i] = gu_hide(n);
  }
}

/* Of those that wait it is taken no more. */
static void take_finalisers_away(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    GC_register_finalizer_no_order(gu_reveal(hidden_nodes[i]), NULL, NULL, NULL,
                                   NULL);
}

static void finalize_all_runs_waiting_ones(void) {
  GC_INIT();
  GC_set_finalize_on_demand(1);
  GC_set_await_finalize_proc(on_await);
  gu_apart(make_hidden_ones, NULL);
  gu_collect();
  gu_apart(take_finalisers_away, NULL);
  tap_ge(n_awaited, N_OBJ * 95 / 100);
  GC_finalize_all();
  tap_eq_u(n_ran, n_awaited);
  tap_check(!GC_should_invoke_finalizers());
  check_sane();
}

/* ---- Pacing ---- */

enum { N_PACED = 200000, PACED_BYTES = 64 };

/* Of one in four objects nothing is dropped, so that the heap grows. */
static void grow_with_finalisers(size_t bytes_each) {
  static void **list;
  GC_INIT();
  GC_set_allocd_bytes_per_finalizer(bytes_each);
  for (size_t i = 0; i < N_PACED; i++) {
    GC_register_finalizer_no_order(GC_malloc(PACED_BYTES), nothing_to_do, NULL,
                                   NULL, NULL);
    if (i % 4 != 0)
      continue;
    void **next = GC_malloc(PACED_BYTES);
    *next = list;
    list = next;
  }
}

/* In a process of its own, by the number of its collections. */
static size_t collections_with(size_t bytes_each) {
  int ends[2];
  size_t n = 0;
  tap_require(pipe(ends) == 0);
  pid_t pid = fork();
  tap_require(pid >= 0);
  if (pid == 0) {
    grow_with_finalisers(bytes_each);
    n = GC_get_gc_no();
    _exit(write(ends[1], &n, sizeof n) != (ssize_t)sizeof n);
  }
  int status = -1;
  tap_eq_u((uint64_t)waitpid(pid, &status, 0), (uint64_t)pid);
  tap_eq_u((uint64_t)status, 0);
  tap_require(read(ends[0], &n, sizeof n) == (ssize_t)sizeof n);
  close(ends[0]);
  close(ends[1]);
  return n;
}

static void new_ones_hasten_the_next_collection(void) {
  size_t none = collections_with(0), many = collections_with(1000000);
  tap_note("%zu collections, %zu when finalisers count", none, many);
  tap_ge(many, none + none / 5);
}

static void what_one_counts_for_is_a_setting(void) {
  GC_INIT();
  tap_eq_u(GC_get_allocd_bytes_per_finalizer(), 10000);
  GC_set_allocd_bytes_per_finalizer(77);
  tap_eq_u(GC_get_allocd_bytes_per_finalizer(), 77);
}

/* ---- Looking at them ---- */

static char printed[1 << 16];

static void print(void) {
  FILE *file = tmpfile();
  fflush(NULL);
  int saved = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  GC_dump_finalization();
  fflush(NULL);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  rewind(file);
  printed[fread(printed, 1, sizeof printed - 1, file)] = '\0';
  fclose(file);
}

static bool is_printed(const void *address) {
  char text[32];
  snprintf(text, sizeof text, "%p", address);
  return strstr(printed, text) != NULL;
}

static void they_are_printed(void) {
  static void *links[2];
  GC_INIT();
  for (size_t i = 0; i < 4; i++)
    keep[i] = new_node(i);
  GC_register_finalizer(keep[0], on_final, NULL, NULL, NULL);
  links[0] = keep[1];
  GC_general_register_disappearing_link(&links[0], keep[1]);
  links[1] = keep[2];
  GC_register_long_link(&links[1], keep[2]);
  print();
  for (size_t i = 0; i < 4; i++)
    tap_check(is_printed(keep[i]) == (i < 3));
  tap_check(is_printed(&links[0]) && is_printed(&links[1]));
  GC_register_finalizer(keep[0], NULL, NULL, NULL, NULL);
  GC_unregister_disappearing_link(&links[0]);
  print();
  tap_check(!is_printed(keep[0]) && !is_printed(&links[0]));
  tap_check(is_printed(&links[1]));
}

/* ---- Their roots ---- */

static GC_push_other_roots_proc pushed_before;
static size_t n_pushed, n_marked;

static void push_finalisers(void) {
  GC_push_finalizer_structures();
  n_pushed++;
  for (size_t i = 0; i < N_OBJ; i++)
    n_marked += GC_is_marked(gu_reveal(hidden_data[i])) != 0;
  if (pushed_before != NULL)
    pushed_before();
}

static void make_with_hidden_data(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *data = new_node(i + N_OBJ);
    keep[i] = new_node(i);
    hidden_data[i] = gu_hide(data);
    GC_register_finalizer(keep[i], on_final, data, NULL, NULL);
  }
}

static void their_roots_can_be_marked_early(void) {
  GC_INIT();
  gu_apart(make_with_hidden_data, NULL);
  pushed_before = GC_get_push_other_roots();
  GC_set_push_other_roots(push_finalisers);
  gu_collect();
  tap_ge(n_pushed, 1);
  /* libgc only notes what is to be marked. */
  tap_check(!gu_on_reclaim() || n_marked == n_pushed * N_OBJ);
  for (size_t i = 0; i < N_OBJ; i++) {
    const struct node *data = gu_reveal(hidden_data[i]);
    tap_require(gu_is_intact(data->data, DATA_BYTES, i + N_OBJ));
  }
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
         TAP_CASE(finalize_all_runs_waiting_ones),
         TAP_CASE(new_ones_hasten_the_next_collection),
         TAP_CASE(what_one_counts_for_is_a_setting), TAP_CASE(they_are_printed),
         TAP_CASE(their_roots_can_be_marked_early),
         TAP_CASE(threads_register_at_the_same_time),
         TAP_CASE(the_child_of_a_fork_has_its_own))
