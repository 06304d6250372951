/* tests/api/threads.c: thread creation, registration, blocking, locks. SPDX-License-Identifier: MIT */

/*
 * Contract: stacks of registered threads are roots wherever the threads are;
 * both ways of coming in work and report their results; blocking regions nest;
 * the allocator lock excludes.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "api/slots.h"

static pthread_barrier_t barrier;
static atomic_bool stop_flag;

/* ThreadSanitizer keeps signals back from a thread that waits at a barrier, so
 * that no collection could stop it. */
static void skip_if_barriers_hold_signals(void) {
  if (TAP_TSAN)
    tap_skip("the sanitiser delays signals at a barrier");
}

/* ---- Stacks of other threads ---- */

static void *hold_at_barrier(void *arg) {
  void *volatile slots[N_SLOTS];
  uint64_t id = (uint64_t)(uintptr_t)arg * 1000;
  fill_slots(slots, id);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  check_slots(slots, id);
  return arg;
}

static void stacks_of_waiting_threads_are_roots(void) {
  pthread_t t[N_THREADS];
  skip_if_barriers_hold_signals();
  GC_INIT();
  pthread_barrier_init(&barrier, NULL, N_THREADS + 1);
  for (uintptr_t i = 0; i < N_THREADS; i++)
    start(&t[i], hold_at_barrier, (void *)(i + 1));
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 5; i++)
    collect_and_overwrite();
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < N_THREADS; i++)
    finish(t[i]);
}

static void *hold_while_running(void *arg) {
  void *volatile slots[N_SLOTS];
  uint64_t id = (uint64_t)(uintptr_t)arg * 1000;
  while (!atomic_load(&stop_flag)) {
    fill_slots(slots, id);
    for (int i = 0; i < 20; i++)
      check_slots(slots, id);
    id += N_SLOTS;
  }
  return arg;
}

static void stacks_of_running_threads_are_roots(void) {
  pthread_t t[N_THREADS];
  GC_INIT();
  for (uintptr_t i = 0; i < N_THREADS; i++)
    start(&t[i], hold_while_running, (void *)(i + 1));
  for (int i = 0; i < 300; i++)
    GC_gcollect();
  atomic_store(&stop_flag, true);
  for (int i = 0; i < N_THREADS; i++)
    finish(t[i]);
}

/* ---- Create, join, detach, exit, cancel ---- */

static void *return_argument(void *arg) { return arg; }

static void join_gives_the_result(void) {
  pthread_t t;
  void *result = NULL;
  start(&t, return_argument, &barrier);
  tap_eq_u(GC_pthread_join(t, &result), 0);
  tap_eq_p(result, &barrier);
}

static void *exit_with_argument(void *arg) {
  GC_malloc(100);
  GC_pthread_exit(arg);
}

static void exit_gives_the_result(void) {
  pthread_t t;
  void *result = NULL;
  for (int i = 0; i < 100; i++) {
    start(&t, exit_with_argument, &barrier);
    tap_eq_u(GC_pthread_join(t, &result), 0);
    tap_eq_p(result, &barrier);
  }
  collect_and_overwrite();
}

static void *allocate_result(void *arg) {
  void *p = GC_malloc_atomic(OBJ_BYTES);
  gu_fill(p, OBJ_BYTES, 9);
  (void)arg;
  return p;
}

/* Between the end of the thread and the join only the library knows it. */
static void result_of_a_finished_thread_lives(void) {
  struct timespec pause = {0, 50 * 1000 * 1000};
  pthread_t t;
  void *result = NULL;
  start(&t, allocate_result, NULL);
  nanosleep(&pause, NULL);
  for (int i = 0; i < 3; i++)
    collect_and_overwrite();
  tap_eq_u(GC_pthread_join(t, &result), 0);
  tap_check(gu_is_intact(result, OBJ_BYTES, 9));
}

static atomic_uint n_finished;

static void *check_argument(void *arg) {
  void **box = arg;
  tap_check(gu_is_intact(box[1], OBJ_BYTES, (uintptr_t)box[0]));
  atomic_fetch_add(&n_finished, 1);
  return NULL;
}

static GU_NOINLINE void start_with_object(uintptr_t id, bool detach) {
  pthread_t t;
  void **box = GC_malloc(16);
  box[0] = (void *)id;
  box[1] = GC_malloc_atomic(OBJ_BYTES);
  gu_fill(box[1], OBJ_BYTES, id);
  start(&t, check_argument, box);
  box = NULL;
  if (detach)
    tap_eq_u(GC_pthread_detach(t), 0);
  else
    finish(t);
}

/* The creator drops the argument at once; it must live until the start. */
static void argument_of_a_starting_thread_lives(void) {
  for (uintptr_t i = 0; i < 300; i++) {
    start_with_object(i, true);
    if (i % 10 == 0)
      collect_and_overwrite();
  }
  for (int i = 0; i < 2000 && atomic_load(&n_finished) < 300; i++)
    usleep(5000);
  tap_eq_u(atomic_load(&n_finished), 300);
}

static void *wait_to_be_cancelled(void *arg) {
  void *volatile slots[N_SLOTS];
  fill_slots(slots, 77);
  pthread_barrier_wait(&barrier);
  for (;;)
    pause();
  return arg;
}

static void cancelled_threads_are_forgotten(void) {
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser loses track of a thread that is unwound");
  GC_INIT();
  pthread_barrier_init(&barrier, NULL, 2);
  for (int i = 0; i < 30; i++) {
    pthread_t t;
    void *result = NULL;
    start(&t, wait_to_be_cancelled, NULL);
    pthread_barrier_wait(&barrier);
    GC_gcollect();
    tap_eq_u(GC_pthread_cancel(t), 0);
    tap_eq_u(GC_pthread_join(t, &result), 0);
    tap_check(result == PTHREAD_CANCELED);
    GC_gcollect();
  }
}

static void *allocate_a_lot(void *arg) {
  size_t n = (size_t)(uintptr_t)arg;
  void *volatile slots[N_SLOTS];
  for (size_t i = 0; i < n; i++) {
    fill_slots(slots, i);
    check_slots(slots, i);
  }
  return NULL;
}

static void many_threads_come_and_go(void) {
  pthread_t load, t[20];
  GC_INIT();
  start(&load, hold_while_running, (void *)1);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 20; i++)
      start(&t[i], allocate_a_lot, (void *)20);
    GC_gcollect();
    for (int i = 0; i < 20; i++)
      finish(t[i]);
  }
  atomic_store(&stop_flag, true);
  finish(load);
}

static void attributes_are_honoured(void) {
  pthread_attr_t attr;
  pthread_t t;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 256 * 1024);
  tap_eq_u(GC_pthread_create(&t, &attr, allocate_a_lot, (void *)100), 0);
  finish(t);
  pthread_attr_destroy(&attr);
}

static void a_failed_creation_leaves_no_trace(void) {
  pthread_attr_t attr;
  pthread_t t;
  GC_INIT();
  pthread_attr_init(&attr);
  tap_require(pthread_attr_setstacksize(&attr, (size_t)1 << 46) == 0);
  for (int i = 0; i < 20; i++)
    tap_check(GC_pthread_create(&t, &attr, return_argument, NULL) != 0);
  pthread_attr_destroy(&attr);
  collect_and_overwrite();
  start(&t, allocate_a_lot, (void *)100);
  GC_gcollect();
  finish(t);
}

static GU_NOINLINE void detached_body(void) {
  pthread_attr_t attr;
  pthread_t t;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  for (int i = 0; i < 50; i++) {
    void **box = GC_malloc(16);
    box[0] = (void *)3;
    box[1] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(box[1], OBJ_BYTES, 3);
    tap_eq_u(GC_pthread_create(&t, &attr, check_argument, box), 0);
  }
  pthread_attr_destroy(&attr);
}

static void threads_may_start_detached(void) {
  detached_body();
  for (int i = 0; i < 2000 && atomic_load(&n_finished) < 50; i++)
    usleep(5000);
  tap_eq_u(atomic_load(&n_finished), 50);
  collect_and_overwrite();
}

/* ---- Registration by hand ---- */

static void *register_and_check(void *arg) {
  struct GC_stack_base base;
  void *volatile slots[N_SLOTS];
  tap_eq_u(GC_thread_is_registered(), 0);
  tap_eq_u(GC_get_stack_base(&base), GC_SUCCESS);
  tap_eq_u(GC_register_my_thread(&base), GC_SUCCESS);
  tap_eq_u(GC_register_my_thread(&base), GC_DUPLICATE);
  tap_eq_u(GC_thread_is_registered(), 1);
  fill_slots(slots, 5);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  check_slots(slots, 5);
  tap_eq_u(GC_unregister_my_thread(), GC_SUCCESS);
  tap_eq_u(GC_thread_is_registered(), 0);
  return arg;
}

static void registered_threads_are_scanned(void) {
  pthread_t t;
  skip_if_barriers_hold_signals();
  GC_INIT();
  GC_allow_register_threads();
  pthread_barrier_init(&barrier, NULL, 2);
  tap_require(pthread_create(&t, NULL, register_and_check, NULL) == 0);
  pthread_barrier_wait(&barrier);
  collect_and_overwrite();
  pthread_barrier_wait(&barrier);
  pthread_join(t, NULL);
  collect_and_overwrite();
}

static void main_thread_is_registered(void) {
  struct GC_stack_base base;
  GC_INIT();
  GC_allow_register_threads();
  tap_eq_u(GC_thread_is_registered(), 1);
  tap_eq_u(GC_get_stack_base(&base), GC_SUCCESS);
  tap_check((char *)base.mem_base > (char *)&base);
  tap_eq_u(GC_register_my_thread(&base), GC_DUPLICATE);
}

static void *register_again_and_again(void *arg) {
  struct GC_stack_base base;
  GC_get_stack_base(&base);
  for (int i = 0; i < 200; i++) {
    tap_eq_u(GC_register_my_thread(&base), GC_SUCCESS);
    allocate_a_lot((void *)2);
    tap_eq_u(GC_unregister_my_thread(), GC_SUCCESS);
  }
  return arg;
}

static void threads_register_again_and_again(void) {
  pthread_t t[N_THREADS];
  GC_INIT();
  GC_allow_register_threads();
  for (int i = 0; i < N_THREADS; i++)
    tap_require(pthread_create(&t[i], NULL, register_again_and_again, NULL) ==
                0);
  for (int i = 0; i < 100; i++)
    GC_gcollect();
  for (int i = 0; i < N_THREADS; i++)
    pthread_join(t[i], NULL);
}

static void *do_nothing_unregistered(void *arg) {
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  return arg;
}

static void unregistered_threads_are_left_alone(void) {
  pthread_t t;
  GC_INIT();
  pthread_barrier_init(&barrier, NULL, 2);
  tap_require(pthread_create(&t, NULL, do_nothing_unregistered, NULL) == 0);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 10; i++)
    collect_and_overwrite();
  pthread_barrier_wait(&barrier);
  pthread_join(t, NULL);
}

static void *see_base(struct GC_stack_base *base, void *arg) {
  tap_check(base->mem_base > __builtin_frame_address(0));
  return arg;
}

static void call_with_stack_base_passes_it(void) {
  tap_eq_p(GC_call_with_stack_base(see_base, &barrier), &barrier);
}

static void *register_with_base(struct GC_stack_base *base, void *arg) {
  tap_eq_u(GC_register_my_thread(base), GC_SUCCESS);
  allocate_a_lot((void *)50);
  collect_and_overwrite();
  tap_eq_u(GC_unregister_my_thread(), GC_SUCCESS);
  return arg;
}

static void *use_stack_base(void *arg) {
  return GC_call_with_stack_base(register_with_base, arg);
}

static void stack_base_serves_registration(void) {
  pthread_t t;
  GC_INIT();
  GC_allow_register_threads();
  tap_require(pthread_create(&t, NULL, use_stack_base, NULL) == 0);
  pthread_join(t, NULL);
}

/* ---- Blocking regions ---- */

static sem_t inside, leave;

static void stay_until_told(void) {
  sem_post(&inside);
  while (sem_wait(&leave) != 0)
    continue;
}

/* Returns when the thread says that it is inside. */
static void start_inside(pthread_t *t, void *(*fn)(void *)) {
  sem_init(&inside, 0, 0);
  sem_init(&leave, 0, 0);
  start(t, fn, &barrier);
  while (sem_wait(&inside) != 0)
    continue;
}

static void let_leave(pthread_t t) {
  sem_post(&leave);
  finish(t);
}

static void *block_until_told(void *arg) {
  stay_until_told();
  return arg;
}

static void *hold_and_block(void *arg) {
  void *volatile slots[N_SLOTS];
  fill_slots(slots, 11);
  void *result = GC_do_blocking(block_until_told, arg);
  tap_eq_p(result, arg);
  check_slots(slots, 11);
  return arg;
}

static void stacks_of_blocked_threads_are_roots(void) {
  pthread_t t;
  GC_INIT();
  start_inside(&t, hold_and_block);
  for (int i = 0; i < 5; i++)
    collect_and_overwrite();
  let_leave(t);
}

static atomic_uint n_suspended;

static void count_suspended(GC_EventType e, void *id) {
  (void)id;
  if (e == GC_EVENT_THREAD_SUSPENDED)
    atomic_fetch_add(&n_suspended, 1);
}

static void blocked_threads_need_no_signal(void) {
  pthread_t t;
  GC_INIT();
  GC_set_on_thread_event(count_suspended);
  start_inside(&t, hold_and_block);
  GC_gcollect();
  tap_eq_u(atomic_load(&n_suspended), 0);
  let_leave(t);
}

static void *active_again(void *arg) {
  void *volatile slots[N_SLOTS];
  fill_slots(slots, 13);
  collect_and_overwrite();
  check_slots(slots, 13);
  stay_until_told();
  check_slots(slots, 13);
  return arg;
}

static void *go_active(void *arg) {
  void *result = GC_call_with_gc_active(active_again, arg);
  tap_eq_p(result, arg);
  return result;
}

static void *nest_regions(void *arg) {
  void *volatile slots[N_SLOTS];
  fill_slots(slots, 17);
  tap_eq_p(GC_do_blocking(go_active, arg), arg);
  check_slots(slots, 17);
  return arg;
}

static void active_calls_nest_in_blocking_regions(void) {
  pthread_t t;
  GC_INIT();
  start_inside(&t, nest_regions);
  for (int i = 0; i < 5; i++)
    collect_and_overwrite();
  let_leave(t);
}

static void *nest_deeper(void *arg);

static void *recurse_active(void *arg) {
  return GC_do_blocking(nest_deeper, arg);
}

static void *nest_deeper(void *arg) {
  uintptr_t depth = (uintptr_t)arg;
  if (depth == 0)
    return NULL;
  return GC_call_with_gc_active(recurse_active, (void *)(depth - 1));
}

static void regions_nest_deeply(void) {
  GC_INIT();
  tap_eq_p(GC_do_blocking(nest_deeper, (void *)200), NULL);
  collect_and_overwrite();
}

static void main_may_block(void) {
  void *volatile slots[N_SLOTS];
  pthread_t t;
  GC_INIT();
  fill_slots(slots, 19);
  sem_init(&inside, 0, 0);
  sem_init(&leave, 0, 0);
  start(&t, allocate_a_lot, (void *)2000);
  sem_post(&leave);
  GC_do_blocking(block_until_told, NULL);
  finish(t);
  check_slots(slots, 19);
}

/* ---- The allocator lock ---- */

static int shared_count; /* guarded by the allocator lock */

static void *count_locked(void *arg) {
  int seen = shared_count;
  for (volatile int i = 0; i < 20; i++)
    continue;
  shared_count = seen + 1;
  return arg;
}

static void *count_often(void *arg) {
  for (int i = 0; i < 20000; i++) {
    tap_check(GC_call_with_alloc_lock(count_locked, arg) == arg);
    if (i % 100 == 0)
      GC_malloc(64);
  }
  return arg;
}

static void allocator_lock_excludes(void) {
  pthread_t t[N_THREADS];
  GC_INIT();
  for (int i = 0; i < N_THREADS; i++)
    start(&t[i], count_often, &barrier);
  for (int i = 0; i < 50; i++)
    GC_gcollect();
  for (int i = 0; i < N_THREADS; i++)
    finish(t[i]);
  tap_eq_u(shared_count, N_THREADS * 20000);
}

static void lock_and_unlock_by_hand(void) {
  GC_INIT();
  for (int i = 0; i < 1000; i++) {
    GC_alloc_lock();
    count_locked(NULL);
    GC_alloc_unlock();
    GC_malloc(40);
  }
  tap_eq_u(shared_count, 1000);
  collect_and_overwrite();
}

static void *ask_for_a_collection(void *no) {
  GC_gcollect();
  *(GC_word *)no = GC_get_gc_no();
  return no;
}

/* A program may put right after the unlock what it made wrong under the lock. */
static void unlocking_starts_no_collection(void) {
  GC_word no = 0;
  if (!gu_on_reclaim())
    tap_skip("who asks for a collection under the lock waits for itself there");
  GC_INIT();
  GC_call_with_alloc_lock(ask_for_a_collection, &no);
  tap_eq_u(GC_get_gc_no(), no);
  GC_alloc_lock();
  ask_for_a_collection(&no);
  GC_alloc_unlock();
  tap_eq_u(GC_get_gc_no(), no);
  for (int i = 0; i < 200 && GC_get_gc_no() == no; i++)
    GC_malloc(1000);
  tap_eq_u(GC_get_gc_no(), no + 1);
}

static uintptr_t weak_cell; /* hidden pointer */

static void *reveal_cell(void *arg) {
  (void)arg;
  void *p = gu_reveal(weak_cell);
  return GC_base(p) != NULL && GC_is_marked(p) ? p : NULL;
}

static void *collect_until_stopped(void *arg) {
  while (!atomic_load(&stop_flag))
    collect_and_overwrite();
  return arg;
}

/* What is revealed and marked under the lock is safe once on the stack. */
static void revealed_under_the_lock_stays(void) {
  pthread_t t;
  GC_INIT();
  void *volatile root = GC_malloc_atomic(OBJ_BYTES);
  gu_fill(root, OBJ_BYTES, 4);
  weak_cell = gu_hide(root);
  start(&t, collect_until_stopped, NULL);
  for (int i = 0; i < 5000; i++) {
    void *volatile p = GC_call_with_alloc_lock(reveal_cell, NULL);
    if (p != NULL)
      tap_require(gu_is_intact(p, OBJ_BYTES, 4));
  }
  atomic_store(&stop_flag, true);
  finish(t);
  tap_check(gu_is_intact(root, OBJ_BYTES, 4));
}

/* ---- Contention ---- */

static void *mix(void *arg) {
  uint64_t state = tap_seed() + (uintptr_t)arg;
  void *volatile slots[N_SLOTS] = {NULL};
  size_t length[N_SLOTS] = {0};
  for (int step = 0; step < 40000; step++) {
    size_t i = tap_rand_r(&state) % N_SLOTS;
    if (slots[i] != NULL)
      tap_require(gu_is_intact(slots[i], length[i], i));
    if (slots[i] != NULL && step % 3 == 0)
      GC_free(slots[i]);
    length[i] = tap_rand_r(&state) % (step % 100 == 0 ? 40000 : 300);
    slots[i] = GC_malloc_atomic(length[i]);
    gu_fill(slots[i], length[i], i);
  }
  return NULL;
}

static void threads_allocate_and_free_together(void) {
  pthread_t t[N_THREADS];
  for (uintptr_t i = 0; i < N_THREADS; i++)
    start(&t[i], mix, (void *)i);
  for (int i = 0; i < N_THREADS; i++)
    finish(t[i]);
}

static void *exchange[1000]; /* objects travel between threads through it */

static void *travel(void *arg) {
  uint64_t state = tap_seed() + (uintptr_t)arg + 1;
  for (int step = 0; step < 60000; step++) {
    size_t i = tap_rand_r(&state) % 1000;
    void *mine = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(mine, OBJ_BYTES, 55);
    void *theirs = __atomic_exchange_n(&exchange[i], mine, __ATOMIC_ACQ_REL);
    tap_require(theirs == NULL || gu_is_intact(theirs, OBJ_BYTES, 55));
    if (theirs != NULL && step % 2)
      GC_free(theirs);
  }
  return NULL;
}

static void objects_travel_between_threads(void) {
  pthread_t t[N_THREADS];
  for (uintptr_t i = 0; i < N_THREADS; i++)
    start(&t[i], travel, (void *)i);
  for (int i = 0; i < N_THREADS; i++)
    finish(t[i]);
}

TAP_MAIN(TAP_CASE(stacks_of_waiting_threads_are_roots),
         TAP_CASE(stacks_of_running_threads_are_roots),
         TAP_CASE(join_gives_the_result), TAP_CASE(exit_gives_the_result),
         TAP_CASE(result_of_a_finished_thread_lives),
         TAP_CASE(argument_of_a_starting_thread_lives),
         TAP_CASE(cancelled_threads_are_forgotten),
         TAP_CASE(many_threads_come_and_go), TAP_CASE(attributes_are_honoured),
         TAP_CASE(a_failed_creation_leaves_no_trace),
         TAP_CASE(threads_may_start_detached),
         TAP_CASE(registered_threads_are_scanned),
         TAP_CASE(main_thread_is_registered),
         TAP_CASE(threads_register_again_and_again),
         TAP_CASE(unregistered_threads_are_left_alone),
         TAP_CASE(call_with_stack_base_passes_it),
         TAP_CASE(stack_base_serves_registration),
         TAP_CASE(stacks_of_blocked_threads_are_roots),
         TAP_CASE(blocked_threads_need_no_signal),
         TAP_CASE(active_calls_nest_in_blocking_regions),
         TAP_CASE(regions_nest_deeply), TAP_CASE(main_may_block),
         TAP_CASE(allocator_lock_excludes), TAP_CASE(lock_and_unlock_by_hand),
         TAP_CASE(unlocking_starts_no_collection),
         TAP_CASE(revealed_under_the_lock_stays),
         TAP_CASE(threads_allocate_and_free_together),
         TAP_CASE(objects_travel_between_threads))
