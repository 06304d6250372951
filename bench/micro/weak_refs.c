/* bench/micro/weak_refs.c: a million things that do not keep their object. SPDX-License-Identifier: MIT */
/*
 * Makes one for each of many objects, reads all in a random order, collects while all
 * live, drops the objects, collects, and makes as many objects again, so that a
 * library that clears references while it looks for free memory has cleared them all
 * by then.  The words make_ns and get_ns are for each one; live_ms is the shortest
 * collection with all of them alive, dead_ms that in which they die, and again_ns the
 * allocation after it, for each object.
 *
 * Weak references are GC_general_register_disappearing_link where there are none of
 * gcx/weak.h: the links are read under the allocator's lock, as its documentation
 * wants.  Ephemerons and weak maps are measured on this library only.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <gcx/weak.h>
#include <gcx/weak_map.h>
#include <stdlib.h>
#include <time.h>

extern gcx_weak *gcx_weak_new(const void *) __attribute__((weak));
extern void *gcx_weak_get(gcx_weak *) __attribute__((weak));
extern gcx_ephemeron *gcx_ephemeron_new(const void *, const void *)
    __attribute__((weak));
extern void *gcx_ephemeron_value(gcx_ephemeron *) __attribute__((weak));
extern gcx_weak_map *gcx_weak_map_new(const gcx_weak_map_opts *, int *)
    __attribute__((weak));
extern int gcx_weak_map_put(gcx_weak_map *, const void *, const void *, void **)
    __attribute__((weak));
extern int gcx_weak_map_get(gcx_weak_map *, const void *, void **)
    __attribute__((weak));
extern size_t gcx_weak_map_count(gcx_weak_map *) __attribute__((weak));
extern int GC_general_register_disappearing_link(void **, const void *)
    __attribute__((weak));

enum { NOTHING, REFERENCE, EPHEMERON, MAP };

static struct bench_param params[] = {
    {"n", 1000000, "objects"},
    {"size", 32, "bytes of an object"},
    {"mode", 1, "0: nothing, 1: weak references, 2: ephemerons, 3: a map"},
};

static size_t n, *order;
static unsigned long mode;
static uintptr_t **objects;
static void **refs; /* hidden pointers are links of libgc */
static gcx_weak_map *map;

/* ---- One ---- */

static void make_link(size_t i) {
  if (!GC_general_register_disappearing_link)
    bench_fail("this library has no weak references");
  refs[i] = (void *)~(uintptr_t)objects[i];
  GC_general_register_disappearing_link(&refs[i], objects[i]);
}

static void make_ref(size_t i) {
  void *value = objects[n - 1 - i];
  if (mode == MAP)
    refs[i] = gcx_weak_map_put(map, objects[i], value, NULL) == 0 ? map : NULL;
  else if (mode == EPHEMERON)
    refs[i] = gcx_ephemeron_new(objects[i], value);
  else if (gcx_weak_new)
    refs[i] = gcx_weak_new(objects[i]);
  else
    make_link(i);
  bench_need(refs[i]);
}

static void *reveal(void *link) {
  uintptr_t hidden = (uintptr_t) * (void **)link;
  return hidden == 0 ? NULL : (void *)~hidden;
}

static void *get_ref(size_t i) {
  void *value;
  if (mode == MAP)
    return gcx_weak_map_get(map, objects[i], &value) ? value : NULL;
  if (mode == EPHEMERON)
    return gcx_ephemeron_value(refs[i]);
  return gcx_weak_get ? gcx_weak_get(refs[i])
                      : GC_call_with_alloc_lock(reveal, &refs[i]);
}

/* ---- All ---- */

static __attribute__((noinline)) void make_objects(void) {
  for (size_t i = 0; i < n; i++) {
    objects[i] = bench_need(GC_MALLOC(params[1].value));
    *objects[i] = 1;
  }
}

static __attribute__((noinline)) size_t count_alive(void) {
  size_t alive = 0;
  if (mode == MAP)
    return gcx_weak_map_count(map);
  for (size_t i = 0; i < n && mode != NOTHING; i++)
    alive += get_ref(i) != NULL;
  return alive;
}

static double thread_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Seconds of one step for all objects. */
static double time_of(void (*step)(void)) {
  double begin = thread_s();
  step();
  return thread_s() - begin;
}

static void make_refs(void) {
  for (size_t i = 0; i < n && mode != NOTHING; i++)
    make_ref(order[i]);
}

static void get_refs(void) {
  for (size_t i = 0; i < n && mode != NOTHING; i++)
    bench_need(get_ref(order[n - 1 - i]));
}

static void collect(void) { GC_gcollect(); }

static void begin(void) {
  n = params[0].value;
  mode = params[2].value;
  if (mode > REFERENCE && !gcx_weak_map_new)
    bench_fail("only this library has ephemerons and weak maps");
  order = bench_permutation(n, 1);
  objects = bench_need(GC_MALLOC_UNCOLLECTABLE(n * sizeof *objects));
  refs = bench_need(calloc(n, sizeof *refs));
  if (mode == MAP)
    map = bench_need(gcx_weak_map_new(NULL, NULL));
  make_objects();
  GC_gcollect();
}

int main(int argc, char **argv) {
  double live = 1e9;
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  begin();
  bench_start();
  double make = time_of(make_refs), get = time_of(get_refs);
  for (int i = 0; i < 5; i++) {
    double s = time_of(collect);
    live = s < live ? s : live;
  }
  for (size_t i = 0; i < n; i++)
    objects[i] = NULL;
  double dead = time_of(collect);
  if (count_alive() > n / 100)
    bench_fail("most of what was dropped is alive");
  double again = time_of(make_objects);
  bench_stop();
  bench_use(objects);
  bench_report((double)n,
               "make_ns=%.1f get_ns=%.1f live_ms=%.2f dead_ms=%.2f "
               "again_ns=%.1f",
               make / (double)n * 1e9, get / (double)n * 1e9, live * 1e3,
               dead * 1e3, again / (double)n * 1e9);
  return 0;
}
