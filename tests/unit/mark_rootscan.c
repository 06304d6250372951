/* tests/unit/mark_rootscan.c: what lives by itself: uncollectable objects, claimed slots,
 * and what the client pushes. SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "alloc/alloc.h"
#include "base/switches.h"
#include "cycle/collect.h"
#include "cycle/gc_start.h"
#include "heap/find.h"
#include "heap/tlab.h"
#include "mark/rootscan.h"
#include "reclaim/pool.h"

#define COUNT 200u

static uintptr_t hidden[COUNT], child[COUNT];

static bool is_allocated(uintptr_t h) {
  struct gc_object o;
  return gc_find((void *)~h, &o) && gc_object_is_allocated(&o);
}

static unsigned count_allocated(const uintptr_t *set) {
  unsigned n = 0;
  for (unsigned i = 0; i < COUNT; i++)
    n += is_allocated(set[i]);
  return n;
}

static gc_noinline void clear_stack(void) {
  volatile char dead[16384];
  for (size_t i = 0; i < sizeof dead; i++)
    dead[i] = 0;
}

static void collect(void) {
  for (unsigned i = 0; i < 2; i++) {
    clear_stack();
    tap_check(gc_collect(COLLECT_UNMAP));
  }
}

/* Without a collection, which might let a slot serve twice. */
static gc_noinline void make_hidden(unsigned kind, size_t bytes) {
  ++*gc_switches.dont_gc;
  for (unsigned i = 0; i < COUNT; i++) {
    void **p = gc_alloc(bytes, kind);
    tap_require(p != NULL);
    p[bytes / 8 - 1] = gc_alloc(48, KIND_NORMAL);
    hidden[i] = ~(uintptr_t)p;
    child[i] = ~(uintptr_t)p[bytes / 8 - 1];
  }
  --*gc_switches.dont_gc;
}

static void check_kind(unsigned kind, bool lives, bool is_scanned) {
  gc_start();
  for (size_t bytes = 40; bytes < 100000; bytes *= 3) {
    make_hidden(kind, bytes);
    collect();
    if (lives)
      tap_eq_u(count_allocated(hidden), COUNT);
    else
      tap_le(count_allocated(hidden), COUNT / 10);
    if (is_scanned)
      tap_eq_u(count_allocated(child), COUNT);
    else
      tap_le(count_allocated(child), COUNT / 10);
  }
}

static void ordinary_objects_need_a_reference(void) {
  check_kind(KIND_NORMAL, false, false);
}

static void uncollectable_objects_keep_their_children(void) {
  check_kind(KIND_UNCOLL, true, true);
}

static void uncollectable_leaves_keep_themselves(void) {
  check_kind(KIND_ATOMIC_UNCOLL, true, false);
}

/* The rest of a run stays the thread's through collections, unscanned. */
static void runs_stay_claimed(void) {
  gc_start();
  struct gc_object o;
  tap_require(gc_alloc(40, KIND_NORMAL) != NULL);
  struct gc_cell *cell = &gc_tlab_of(gc_self())->normal[gc_sizeclass_of(41)];
  char *cur = cell->cur, *end = cell->end;
  tap_require(cur < end);
  *(void **)(void *)cur = NULL;
  for (unsigned i = 0; i < 3; i++) {
    collect();
    tap_check(cell->cur == cur && cell->end == end);
    for (char *p = cur; p < end; p += 48) {
      tap_require(gc_find(p, &o) && o.start == p);
      tap_check(gc_map_test(o.block, o.slot, gc_map_alloc()));
    }
  }
}

/* ---- The client's roots ---- */

static void *pushed[COUNT];
static unsigned asked;

/* Hidden in the program's data; the copy lies where nobody else looks. */
static void push_roots(void) {
  asked++;
  void *copy[COUNT];
  for (unsigned i = 0; i < COUNT; i++)
    copy[i] = (void *)~(uintptr_t)pushed[i];
  gc_rootscan_push_range((char *)copy, (char *)(copy + COUNT));
}

static void pushed_words_are_roots(void) {
  gc_start();
  make_hidden(KIND_NORMAL, 40);
  for (unsigned i = 0; i < COUNT; i++)
    pushed[i] = (void *)hidden[i];
  *gc_switches.push_other_roots = push_roots;
  collect();
  tap_eq_u(asked, 2);
  tap_eq_u(count_allocated(hidden), COUNT);
  tap_eq_u(count_allocated(child), COUNT);
}

TAP_MAIN(TAP_CASE(ordinary_objects_need_a_reference),
         TAP_CASE(uncollectable_objects_keep_their_children),
         TAP_CASE(uncollectable_leaves_keep_themselves),
         TAP_CASE(runs_stay_claimed), TAP_CASE(pushed_words_are_roots))
