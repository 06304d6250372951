/* tests/api/trap_storm.c: allocating threads under a storm of collections. SPDX-License-Identifier: MIT */

/*
 * A collecting thread aims at 2000 collections a second while others allocate.
 * Every object carries its thread's and its own number, so that memory which is
 * handed out twice, or freed while somebody holds it, is found.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include <gc/gc.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { MAX_THREADS = 16, INTERVAL_NS = 500000 };

static atomic_bool stop_flag;
static uint64_t end_ns;

/* ---- The storm ---- */

static void *collect_at_a_rate(void *arg) {
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  while (!atomic_load(&stop_flag)) {
    GC_gcollect();
    next.tv_nsec += INTERVAL_NS;
    if (next.tv_nsec >= 1000000000) {
      next.tv_nsec -= 1000000000;
      next.tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
  }
  return arg;
}

static void *collect_without_rest(void *arg) {
  while (!atomic_load(&stop_flag))
    GC_gcollect();
  return arg;
}

static void storm(unsigned n_threads, void *(*work)(void *),
                  void *(*collect)(void *)) {
  pthread_t t[MAX_THREADS], collector;
  GC_INIT();
  size_t before = GC_get_gc_no();
  uint64_t start = gu_now_ns();
  end_ns = start + (tap_long() ? 60 : 3) * UINT64_C(1000000000);
  tap_require(GC_pthread_create(&collector, NULL, collect, NULL) == 0);
  for (uintptr_t i = 0; i < n_threads; i++)
    tap_require(GC_pthread_create(&t[i], NULL, work, (void *)i) == 0);
  for (unsigned i = 0; i < n_threads; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
  atomic_store(&stop_flag, true);
  tap_eq_u(GC_pthread_join(collector, NULL), 0);
  size_t n = GC_get_gc_no() - before;
  tap_note("%zu collections, %zu a second", n,
           (size_t)(n * UINT64_C(1000000000) / (gu_now_ns() - start)));
  tap_ge(n, 50);
}

/* ---- Small objects ---- */

enum { N_HELD = 60, NAP_EVERY = 50 };

/* A stop waits for every thread that runs or wants to. With more of them than
 * processors it would take as long as their turns, and there would be few. */
static void nap(void) {
  struct timespec pause = {0, 20000};
  nanosleep(&pause, NULL);
}

static void *work_with_small(void *arg) {
  void *volatile slots[N_HELD] = {NULL};
  size_t length[N_HELD];
  uint64_t ids[N_HELD], id = (uint64_t)(uintptr_t)arg << 40;
  uint64_t state = tap_seed() + (uintptr_t)arg;
  while (gu_now_ns() < end_ns) {
    size_t i = tap_rand_r(&state) % N_HELD;
    if (slots[i] != NULL)
      tap_require(gu_is_intact(slots[i], length[i], ids[i]));
    if (slots[i] != NULL && tap_rand_r(&state) % 4 == 0)
      GC_free(slots[i]);
    size_t n = 1 + tap_rand_r(&state) % (id % 50 == 0 ? 3000 : 120);
    void *p = id % 3 == 0 ? GC_malloc_atomic(n) : GC_malloc(n);
    tap_require(p != NULL && (id % 3 == 0 || gu_is_zero(p, n)));
    gu_fill(p, n, id);
    slots[i] = p;
    length[i] = n;
    ids[i] = id++;
    if (id % NAP_EVERY == 0)
      nap();
  }
  for (size_t i = 0; i < N_HELD; i++)
    tap_require(slots[i] == NULL || gu_is_intact(slots[i], length[i], ids[i]));
  return NULL;
}

static void two_thousand_collections_a_second(void) {
  storm(4, work_with_small, collect_at_a_rate);
}

static void role_claims(void) {
  storm(12, work_with_small, collect_without_rest);
}

/* Every allocation claims, so every one may meet a stop there. */
static void a_claim_at_each_allocation(void) {
  static const char *const env[] = {"GCX_TORTURE_CLAIM=1", NULL};
  gu_check_role("role_claims", env, 0);
}

/* ---- Large objects ---- */

/* A stop that waits for the end of the allocator's own region comes between
 * the making of an object and its return. Whoever gets the same blocks then
 * writes into them at once. */
static void *work_with_large(void *arg) {
  enum { N_LARGE = 4, STEP = 4096 / sizeof(uint64_t) };
  uint64_t *volatile slots[N_LARGE] = {NULL};
  size_t words[N_LARGE];
  uint64_t mark[N_LARGE], id = (uint64_t)(uintptr_t)arg << 40 | 1;
  uint64_t state = tap_seed() + (uintptr_t)arg;
  for (size_t i = 0; gu_now_ns() < end_ns; i = (i + 1) % N_LARGE, id += 2) {
    if (slots[i] != NULL)
      for (size_t w = 0; w < words[i]; w += STEP)
        tap_require(slots[i][w] == mark[i]);
    size_t n = 40000 + tap_rand_r(&state) % 200000;
    slots[i] = GC_malloc_atomic(n);
    tap_require(slots[i] != NULL);
    words[i] = n / sizeof(uint64_t);
    mark[i] = id;
    for (size_t w = 0; w < words[i]; w += STEP)
      slots[i][w] = id;
  }
  return NULL;
}

static void large_objects_in_a_storm(void) {
  storm(4, work_with_large, collect_without_rest);
}

static const tap_case roles[] = {TAP_CASE(role_claims)};

int main(int argc, char **argv) {
  static const tap_case cases[] = {
      TAP_CASE_T(two_thousand_collections_a_second, 90),
      TAP_CASE_T(a_claim_at_each_allocation, 90),
      TAP_CASE_T(large_objects_in_a_storm, 90)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
