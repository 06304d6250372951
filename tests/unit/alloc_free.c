/* tests/unit/alloc_free.c: objects freed by a thread that did not allocate them.
 * SPDX-License-Identifier: MIT
 *
 * A thread that has never allocated in a size class has no run there, yet may
 * have freed slots. They stay claimed through collections, are handed out again
 * by that thread only, and each once.
 */
#include "lib/tap.h"

#include <pthread.h>
#include <stdlib.h>

#include "alloc/alloc.h"
#include "alloc/free_realloc.h"
#include "base/atomic.h"
#include "base/switches.h"
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

/* ---- Freeing twice ---- */

static unsigned warnings;

static void count_warning(char *format, uint64_t arg) {
  (void)format;
  (void)arg;
  warnings++;
}

static void start_counting(void) {
  gc_start();
  *gc_switches.dont_gc = 1;
  gc_hooks.warn = count_warning;
}

static void check_distinct(char *const *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < i; k++)
      tap_require(p[i] != p[k]);
}

/* The first lies before others, the last at the end of what was handed out. */
static void a_second_free_is_refused(void) {
  char *p[4];
  start_counting();
  for (unsigned i = 0; i < 4; i++)
    p[i] = gc_alloc(SIZE, KIND_NORMAL);
  for (unsigned i = 0; i < 4; i += 3) {
    gc_free(p[i]);
    tap_eq_u(warnings, i / 3);
    gc_free(p[i]);
    tap_eq_u(warnings, i / 3 + 1);
  }
  p[0] = gc_alloc(SIZE, KIND_NORMAL);
  p[3] = gc_alloc(SIZE, KIND_NORMAL);
  check_distinct(p, 4);
  gc_free(&p); /* no heap object */
  tap_eq_u(warnings, 3);
}

#define MANY 100u

/* More than a cell's list takes: what overflows is free for everybody. */
static void many_freed_slots_come_again_once(void) {
  char *p[MANY], *old[MANY];
  start_counting();
  for (unsigned i = 0; i < MANY; i++)
    old[i] = p[i] = gc_alloc(SIZE, KIND_NORMAL);
  for (unsigned i = 0; i < MANY; i++)
    gc_free(p[i]);
  for (unsigned i = 0; i < MANY; i++) {
    gc_free(p[i]);
    tap_eq_u(warnings, i + 1);
  }
  for (unsigned i = 0; i < MANY; i++)
    p[i] = gc_alloc(SIZE, KIND_NORMAL);
  check_distinct(p, MANY);
  unsigned reused = 0;
  for (unsigned i = 0; i < MANY; i++)
    for (unsigned k = 0; k < MANY; k++)
      reused += p[i] == old[k];
  tap_ge(reused, GC_FREED_MAX);
}

/* ---- Back to the run ---- */

/* The first slot of a block goes back to the run; the last one of the block just
 * before it is its neighbour by address only. */
static void runs_stay_within_their_block(void) {
  char *last = NULL, *first = NULL;
  start_counting();
  const struct gc_cell *cell =
      &gc_tlab_of(gc_self())->normal[gc_sizeclass_of(64)];
  for (unsigned i = 0; i < 100000 && first == NULL; i++) {
    char *p = gc_alloc(63, KIND_NORMAL);
    if (p == last + 64 && gc_block_of(p) != gc_block_of(last))
      first = p;
    else
      last = p;
  }
  tap_require(first != NULL);
  gc_free(first);
  tap_eq_p(cell->cur, first);
  gc_free(last);
  tap_eq_p(cell->cur, first);
  tap_eq_u(gc_block_of(cell->cur), gc_block_of(cell->end - 1));
}

static uintptr_t left_behind[2]; /* freed into the list, freed into the run */

static void *free_and_end(void *arg) {
  char *p[3];
  for (unsigned i = 0; i < 3; i++)
    p[i] = gc_alloc(SIZE, KIND_NORMAL);
  gc_free(p[0]);
  gc_free(p[2]);
  left_behind[0] = ~(uintptr_t)p[0];
  left_behind[1] = ~(uintptr_t)p[2];
  return arg;
}

/* No collection has to come first. */
static void an_ended_thread_gives_back_at_once(void) {
  pthread_t thread;
  unsigned back = 0;
  start_counting();
  tap_require(pthread_create(&thread, NULL, free_and_end, NULL) == 0);
  tap_eq_u(pthread_join(thread, NULL), 0);
  for (unsigned i = 0; i < OTHERS; i++)
    back += contains(left_behind, 2, ~(uintptr_t)gc_alloc(SIZE, KIND_NORMAL));
  tap_eq_u(back, 2);
}

/* ---- Realloc ---- */

static void what_is_shrunk_away_is_cleared(void) {
  start_counting();
  for (size_t n = 100; n < 100000; n = n * 3 / 2) {
    char *p = gc_alloc(n, KIND_NORMAL);
    struct gc_object o;
    tap_require(p != NULL && gc_find(p, &o));
    __builtin_memset(p, 1, n);
    size_t less = n - n / 4;
    tap_eq_p(gc_realloc(p, less), p);
    unsigned dirty = 0;
    for (size_t i = less; i < n; i++)
      dirty += p[i] != 0;
    tap_check(dirty == 0 || o.is_large); /* that gives its blocks back */
    tap_check(p[less - 1] == 1);
  }
}

static void what_moved_leaves_its_place(void) {
  start_counting();
  char *p = gc_alloc(SIZE, KIND_NORMAL), *other = gc_alloc(SIZE, KIND_NORMAL);
  char *q = gc_realloc(p, 5 * SIZE);
  tap_require(q != NULL && q != p);
  tap_check(other != p);
  gc_free(p);
  tap_eq_u(warnings, 1);
}

/* ---- Dead already ---- */

#define LOST 2000u
static uintptr_t lost[LOST], taken[2 * LOST];

static gc_noinline void lose_some(void) {
  for (unsigned i = 0; i < LOST; i++)
    lost[i] = ~(uintptr_t)gc_alloc(SIZE, KIND_NORMAL);
}

static int compare(const void *a, const void *b) {
  const uintptr_t *x = a, *y = b;
  return *x < *y ? -1 : *x > *y;
}

/* A program that frees what a collection found dead gets the slot once at most. */
static void what_is_dead_is_not_handed_out_twice(void) {
  size_t same = 0;
  gc_start();
  char **kept = gc_alloc(2 * LOST * sizeof *kept, KIND_UNCOLL);
  lose_some();
  clear_stack();
  gc_collect(COLLECT_EXPLICIT);
  for (unsigned i = 0; i < LOST; i += 100)
    gc_free((void *)~lost[i]);
  for (unsigned i = 0; i < 2 * LOST; i++) {
    kept[i] = gc_alloc(SIZE, KIND_NORMAL);
    taken[i] = (uintptr_t)kept[i];
  }
  qsort(taken, 2 * LOST, sizeof *taken, compare);
  for (unsigned i = 1; i < 2 * LOST; i++)
    same += taken[i] == taken[i - 1];
  tap_eq_u(same, 0);
}

TAP_MAIN(TAP_CASE(what_is_dead_is_not_handed_out_twice),
         TAP_CASE(a_second_free_is_refused),
         TAP_CASE(many_freed_slots_come_again_once),
         TAP_CASE(runs_stay_within_their_block),
         TAP_CASE(an_ended_thread_gives_back_at_once),
         TAP_CASE(what_is_shrunk_away_is_cleared),
         TAP_CASE(what_moved_leaves_its_place),
         TAP_CASE(slots_freed_by_a_stranger_stay_his),
         TAP_CASE(reused_slots_are_not_handed_out_again),
         TAP_CASE(slots_of_an_ended_stranger_are_free))
