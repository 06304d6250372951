/* tests/api/trap_threads.c: threads and processes that begin and end during collections. SPDX-License-Identifier: MIT */

/*
 * The end of a thread: destructors of thread-local objects and of keys run when
 * the thread has left its function. They may allocate, and what only a
 * thread-local variable refers to lives until the last of them. Stacks of ended
 * threads are used again by the C library, or unmapped, and may not be scanned.
 * A process that posix_spawn makes shares the memory for a moment; no signal of
 * a collection may reach it.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include <gc/gc.h>

#include <limits.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "api/slots.h"

static atomic_bool stop_flag;
static atomic_uint n_destroyed;

static void *collect_until_stopped(void *arg) {
  while (!atomic_load(&stop_flag))
    collect_and_overwrite();
  return arg;
}

static uint64_t deadline(void) {
  return gu_now_ns() + (tap_long() ? 60 : 2) * UINT64_C(1000000000);
}

/* ---- Destructors ---- */

/* What a C++ compiler calls for a thread_local object with a destructor. */
extern int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object,
                                    void *dso);
extern void *__dso_handle __attribute__((visibility("hidden")));

struct box {
  struct box *next;
  unsigned char data[OBJ_BYTES];
};

static __thread struct box *last; /* the only reference to a list of boxes */
static pthread_key_t key;

static void push_box(uint64_t id) {
  struct box *b = GC_malloc(sizeof *b);
  gu_fill(b->data, OBJ_BYTES, id);
  b->next = last;
  last = b;
}

static void check_boxes(size_t n) {
  size_t id = n;
  for (struct box *b = last; b != NULL; b = b->next)
    tap_require(gu_is_intact(b->data, OBJ_BYTES, --id));
  tap_require(id == 0);
}

/* Each run sees what the ones before have left, and adds to it. */
static void destroy(void *round) {
  size_t n = *(size_t *)round;
  check_boxes(n);
  void *volatile slots[N_SLOTS];
  fill_slots(slots, n);
  push_box(n);
  check_slots(slots, n);
  ++*(size_t *)round;
  atomic_fetch_add(&n_destroyed, 1);
}

static void destroy_and_come_again(void *round) {
  destroy(round);
  pthread_setspecific(key, round);
}

static void *end_with_objects(void *arg) {
  static __thread size_t round;
  round = 1;
  push_box(0);
  (void)arg;
  for (int i = 0; i < 3; i++)
    tap_require(__cxa_thread_atexit_impl(destroy, &round, &__dso_handle) == 0);
  return NULL;
}

/* The library comes again as well, whatever the order of the keys. */
static void *end_with_key(void *arg) {
  static __thread size_t round;
  round = 1;
  (void)arg;
  tap_require(pthread_setspecific(key, &round) == 0);
  push_box(0);
  return NULL;
}

static void end_threads(void *(*body)(void *), unsigned runs_each) {
  pthread_t t[N_THREADS], collector;
  unsigned n = 0;
  start(&collector, collect_until_stopped, NULL);
  for (uint64_t end = deadline(); gu_now_ns() < end; n += N_THREADS) {
    for (int i = 0; i < N_THREADS; i++)
      start(&t[i], body, NULL);
    for (int i = 0; i < N_THREADS; i++)
      finish(t[i]);
  }
  atomic_store(&stop_flag, true);
  finish(collector);
  tap_ge(n, 10);
  tap_eq_u(atomic_load(&n_destroyed), n * runs_each);
}

static void destructors_of_thread_local_objects(void) {
  GC_INIT();
  end_threads(end_with_objects, 3);
}

static void skip_if_thread_data_end_early(void) {
  if (TAP_TSAN)
    tap_skip("the sanitiser's thread data end before the last round");
}

static void destructors_of_a_key_made_before(void) {
  skip_if_thread_data_end_early();
  tap_require(pthread_key_create(&key, destroy_and_come_again) == 0);
  GC_INIT();
  end_threads(end_with_key, PTHREAD_DESTRUCTOR_ITERATIONS);
}

static void destructors_of_a_key_made_after(void) {
  skip_if_thread_data_end_early();
  GC_INIT();
  tap_require(pthread_key_create(&key, destroy_and_come_again) == 0);
  end_threads(end_with_key, PTHREAD_DESTRUCTOR_ITERATIONS);
}

/* ---- Many threads ---- */

enum { N_CREATORS = 3, MANY = TAP_ASAN ? 600 : 3000 };

static void *live_shortly(void *arg) {
  void *volatile slots[N_SLOTS];
  uint64_t id = (uint64_t)(uintptr_t)arg;
  fill_slots(slots, id);
  check_slots(slots, id);
  return arg;
}

/* Stack sizes differ, so that old stacks are unmapped and not only reused. */
static void *create_many(void *arg) {
  size_t n = (size_t)(uintptr_t)arg;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  for (size_t i = 0; i < n; i++) {
    pthread_t t;
    pthread_attr_setstacksize(&attr, (size_t)(128 + i % 7 * 1024) << 10);
    tap_require(GC_pthread_create(&t, &attr, live_shortly, (void *)i) == 0);
    tap_require(GC_pthread_join(t, NULL) == 0);
  }
  pthread_attr_destroy(&attr);
  return NULL;
}

static void *collect_quietly(void *arg) {
  while (!atomic_load(&stop_flag))
    GC_gcollect();
  return arg;
}

static void thousands_of_threads_come_and_go(void) {
  pthread_t t[N_CREATORS], collector;
  size_t each = (tap_long() ? 100000 : MANY) / N_CREATORS;
  GC_INIT();
  start(&collector, collect_quietly, NULL);
  for (int i = 0; i < N_CREATORS; i++)
    start(&t[i], create_many, (void *)each);
  for (int i = 0; i < N_CREATORS; i++)
    finish(t[i]);
  atomic_store(&stop_flag, true);
  finish(collector);
  tap_note("%zu collections", (size_t)GC_get_gc_no());
}

/* ---- New processes ---- */

extern char **environ;

static atomic_uint n_spawned;

static void *spawn_in_a_loop(void *arg) {
  static char *const argv[] = {(char *)(uintptr_t) "true", NULL};
  void *volatile slots[N_SLOTS];
  uint64_t end = deadline();
  fill_slots(slots, 3);
  for (int i = 0; i < 20 || gu_now_ns() < end; i++) {
    pid_t pid = 0;
    int status = -1;
    tap_require(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) == 0);
    tap_require(waitpid(pid, &status, 0) == pid && status == 0);
    atomic_fetch_add(&n_spawned, 1);
    check_slots(slots, 3);
  }
  return arg;
}

static void spawning_while_collecting(void) {
  pthread_t t[2], collector;
  GC_INIT();
  start(&collector, collect_quietly, NULL);
  for (int i = 0; i < 2; i++)
    start(&t[i], spawn_in_a_loop, NULL);
  for (int i = 0; i < 2; i++)
    finish(t[i]);
  atomic_store(&stop_flag, true);
  finish(collector);
  tap_note("%u processes, %zu collections", atomic_load(&n_spawned),
           (size_t)GC_get_gc_no());
}

TAP_MAIN(TAP_CASE_T(destructors_of_thread_local_objects, 90),
         TAP_CASE_T(destructors_of_a_key_made_before, 90),
         TAP_CASE_T(destructors_of_a_key_made_after, 90),
         TAP_CASE_T(thousands_of_threads_come_and_go, 240),
         TAP_CASE_T(spawning_while_collecting, 90))
