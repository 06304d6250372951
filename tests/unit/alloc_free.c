/* tests/unit/alloc_free.c: objects freed by a thread that did not allocate them.
 * SPDX-License-Identifier: MIT
 *
 * A thread that has never allocated in a size class has no run there, yet may
 * have freed slots. They stay claimed through collections, are handed out again
 * by that thread only, and each once.
 */
#include "lib/tap.h"

#include <pthread.h>

#include "alloc/alloc.h"
#include "alloc/free_realloc.h"
#include "base/atomic.h"
#include "cycle/collect.h"
#include "cycle/gc_start.h"
#include "heap/find.h"
#include "heap/tlab.h"
#include "world/stack.h"

#define SIZE 80u
#define OTHER_SIZE 16u
#define FREED 10u /* less than a cell's list takes */
#define OTHERS 4000u

static char **objects; /* uncollectable: what is in it lives */
static uintptr_t freed[FREED], again[FREED], others[OTHERS];
static _Atomic unsigned step;

static void await_step(unsigned n) {
  while (gc_load_acq(&step) < n)
    sched_yield();
}

static bool is_allocated(uintptr_t hidden) {
  struct gc_object o;
  return gc_find((void *)~hidden, &o) && gc_object_is_allocated(&o);
}

static bool contains(const uintptr_t *set, size_t n, uintptr_t x) {
  for (size_t i = 0; i < n; i++)
    if (set[i] == x)
      return true;
  return false;
}

/* The kind is used by the thread, the class is not. */
static gc_noinline void free_all(void) {
  tap_check(gc_alloc(OTHER_SIZE, KIND_NORMAL) != NULL);
  for (unsigned i = 0; i < FREED; i++) {
    freed[i] = ~(uintptr_t)objects[i];
    gc_free(objects[i]);
    objects[i] = NULL;
  }
  const struct gc_cell *cell =
      &gc_tlab_of(gc_self())->normal[gc_sizeclass_of(SIZE + 1)];
  tap_check(cell->end == NULL);
  tap_require(cell->freed != NULL);
  tap_eq_u(cell->freed->count, FREED);
}

static gc_noinline void allocate_again(void) {
  for (unsigned i = 0; i < FREED; i++) {
    char *p = gc_alloc(SIZE, KIND_NORMAL);
    tap_require(p != NULL);
    for (unsigned k = 0; k < SIZE; k++)
      tap_require(p[k] == 0);
    again[i] = ~(uintptr_t)p;
    objects[i] = p;
  }
}

static void *stranger(void *arg) {
  free_all();
  gc_store_rel(&step, 1);
  await_step(2);
  allocate_again();
  gc_store_rel(&step, 3);
  await_step(4);
  return arg;
}

static gc_noinline void clear_stack(void) {
  volatile char dead[16384];
  for (size_t i = 0; i < sizeof dead; i++)
    dead[i] = 0;
}

static gc_noinline void make_objects(void) {
  objects = gc_alloc((FREED + OTHERS) * sizeof *objects, KIND_UNCOLL);
  for (unsigned i = 0; i < FREED; i++)
    objects[i] = gc_alloc(SIZE, KIND_NORMAL);
}

static void collect(void) {
  for (unsigned i = 0; i < 3; i++) {
    clear_stack();
    tap_check(gc_collect(COLLECT_EXPLICIT));
  }
}

/* More than the free slots of all blocks of the class there are. */
static void allocate_others(void) {
  for (unsigned i = 0; i < OTHERS; i++) {
    char *p = gc_alloc(SIZE, KIND_NORMAL);
    tap_require(p != NULL);
    p[0] = 1;
    objects[FREED + i] = p;
    others[i] = ~(uintptr_t)p;
  }
}

static void check_unique(void) {
  for (unsigned i = 0; i < FREED; i++) {
    tap_check(contains(freed, FREED, again[i]));
    tap_check(!contains(again, i, again[i]));
    tap_check(!contains(others, OTHERS, again[i]));
  }
}

static void run(void (*before_reuse)(void), void (*after_reuse)(void)) {
  pthread_t thread;
  gc_start();
  make_objects();
  tap_require(pthread_create(&thread, NULL, stranger, NULL) == 0);
  await_step(1);
  collect();
  for (unsigned i = 0; i < FREED; i++)
    tap_check(is_allocated(freed[i]));
  before_reuse();
  gc_store_rel(&step, 2);
  await_step(3);
  after_reuse();
  check_unique();
  gc_store_rel(&step, 4);
  tap_eq_u(pthread_join(thread, NULL), 0);
}

static void nothing(void) {}

static void slots_freed_by_a_stranger_stay_his(void) {
  run(allocate_others, nothing);
}

static void reused_slots_are_not_handed_out_again(void) {
  run(nothing, allocate_others);
}

/* When he ends, they are everybody's again. */
static void slots_of_an_ended_stranger_are_free(void) {
  run(nothing, nothing);
  for (unsigned i = 0; i < FREED; i++)
    objects[i] = NULL;
  collect();
  allocate_others();
  unsigned back = 0;
  for (unsigned i = 0; i < FREED; i++)
    back += contains(others, OTHERS, freed[i]);
  tap_ge(back, FREED - 2);
}

TAP_MAIN(TAP_CASE(slots_freed_by_a_stranger_stay_his),
         TAP_CASE(reused_slots_are_not_handed_out_again),
         TAP_CASE(slots_of_an_ended_stranger_are_free))
