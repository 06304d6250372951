/* tests/api/trap_step.c: a collection between any two instructions of the allocator. SPDX-License-Identifier: MIT */

/*
 * The calling thread is stepped through the allocator, see lib/stepping.h.
 *
 * The collecting thread allocates in the same size classes and holds some of
 * what it gets. Objects that both sides believe to own are found by their
 * contents.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>

#include "lib/gcutil.h"
#include "lib/stepping.h"
#include "lib/tap.h"

/* ---- What is held ---- */

enum { N_HELD = 48 };

struct held {
  void *volatile object;
  size_t size;
  uint64_t id;
};

static struct held mine[N_HELD], theirs[N_HELD];

static void check_held(const struct held *held) {
  for (size_t i = 0; i < N_HELD; i++)
    tap_require(held[i].object == NULL ||
                gu_is_intact(held[i].object, held[i].size, held[i].id));
}

static void hold(struct held *held, void *object, size_t size, uint64_t id) {
  gu_fill(object, size, id);
  held->object = object;
  held->size = size;
  held->id = id;
}

/* ---- Between collections ---- */

enum { N_TAKEN = 48 };

static const size_t sizes[] = {16, 24, 40, 56, 100, 200};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

static void take_some(void) {
  static uint64_t id = 1000000;
  for (unsigned i = 0; i < N_TAKEN; i++, id++) {
    size_t n = sizes[id % N_SIZES];
    void *p = GC_malloc(n);
    tap_require(p != NULL && gu_is_zero(p, n));
    hold(&theirs[id % N_HELD], p, n, id);
  }
}

static void check_and_take(void) {
  check_held(theirs);
  take_some();
}

/* ---- Stepping ---- */

static uint64_t time_limit, rand_state;

static void begin(void) {
  GC_INIT();
  rand_state = tap_rand();
  time_limit = gu_now_ns() + (tap_long() ? 50 : 2) * UINT64_C(1000000000);
  st_start(check_and_take);
}

static void end(size_t n_objects) {
  st_stop();
  check_held(mine);
  check_held(theirs);
  tap_note("%zu objects, %zu instructions, %zu collections at one of them",
           n_objects, st_steps(), st_awaited());
  tap_ge(n_objects, 5);
  tap_ge(st_steps(), n_objects);
  tap_ge(st_awaited(), TAP_ASAN ? 5 : 30);
}

static void *step_malloc(size_t n) {
  st_begin(&rand_state);
  void *p = GC_malloc(n);
  st_end();
  return p;
}

static void *step_malloc_atomic(size_t n) {
  st_begin(&rand_state);
  void *p = GC_malloc_atomic(n);
  st_end();
  return p;
}

static void step_free(void *p) {
  st_begin(&rand_state);
  GC_free(p);
  st_end();
}

static void *step_realloc(void *p, size_t n) {
  st_begin(&rand_state);
  p = GC_realloc(p, n);
  st_end();
  return p;
}

static void allocate(const size_t *of, size_t n_of, bool with_free) {
  uint64_t id = 0;
  begin();
  for (; gu_now_ns() < time_limit; id++) {
    size_t i = tap_rand() % N_HELD, n = of[tap_rand() % n_of];
    bool is_atomic = id % 4 == 3;
    void *old = mine[i].object;
    mine[i].object = NULL;
    if (with_free && old != NULL)
      step_free(old);
    void *p = is_atomic ? step_malloc_atomic(n) : step_malloc(n);
    tap_require(p != NULL && (is_atomic || gu_is_zero(p, n)));
    hold(&mine[i], p, n, id);
    check_held(mine);
  }
  end(id);
}

static void collections_inside_malloc(void) { allocate(sizes, N_SIZES, false); }

static void collections_inside_free(void) { allocate(sizes, N_SIZES, true); }

static void collections_inside_large_malloc(void) {
  static const size_t large[] = {40000, 70000, 140000};
  allocate(large, 3, true);
}

static void collections_inside_realloc(void) {
  uint64_t id = 0;
  begin();
  for (; gu_now_ns() < time_limit; id++) {
    size_t i = tap_rand() % N_HELD, n = 1 + tap_rand() % 400;
    size_t common = mine[i].object == NULL ? 0 : mine[i].size;
    if (common > n)
      common = n;
    void *old = mine[i].object;
    mine[i].object = NULL;
    char *p = step_realloc(old, n);
    tap_require(p != NULL && gu_is_intact(p, common, mine[i].id) &&
                gu_is_zero(p + common, n - common));
    hold(&mine[i], p, n, id);
    check_held(mine);
  }
  end(id);
}

/* ---- A refill at each allocation ---- */

static void role_refills(void) { collections_inside_malloc(); }

static const tap_case roles[] = {TAP_CASE(role_refills)};

static void collections_inside_refills(void) {
  static const char *const env[] = {"GCX_TORTURE_CLAIM=1", "GCX_VERIFY=1",
                                    NULL};
  gu_check_role("role_refills", env, 0);
}

int main(int argc, char **argv) {
  static const tap_case cases[] = {TAP_CASE(collections_inside_malloc),
                                   TAP_CASE(collections_inside_free),
                                   TAP_CASE(collections_inside_large_malloc),
                                   TAP_CASE(collections_inside_realloc),
                                   TAP_CASE(collections_inside_refills)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
