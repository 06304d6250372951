/* tests/unit/mark_hold.c: what dead objects refer to is there when their notifiers run.
 * SPDX-License-Identifier: MIT
 *
 * That its bytes are still the same proves nothing: nobody may have used them
 * yet. So each notifier asks whether the object is allocated in the new map.
 */
#include "lib/tap.h"
#include "unit/notify.h"

#include "alloc/alloc.h"
#include "alloc/finalized.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/gc_start.h"
#include "heap/find.h"

#define COUNT 500u

struct node {
  struct node *next;
  uintptr_t at; /* word that has the child */
  void *words[];
};

static size_t notified, children_gone, kept;
static bool keep_once;

static bool is_allocated(const void *p) {
  struct gc_object o;
  return gc_find(p, &o) && o.start == p &&
         gc_map_test(o.block, o.slot, gc_map_alloc());
}

static int look_at_child(void *object) {
  struct node *n = object;
  void *child = n->words[n->at];
  notified++;
  children_gone += child != NULL && !is_allocated(child);
  if (!keep_once || child == NULL)
    return 0;
  n->words[n->at] = NULL;
  kept++;
  return 1;
}

static unsigned start_kind(void) {
  gc_start();
  unsigned kind = gc_kind_new(0, true, true);
  tap_require(kind != 0 && notify_by(kind, look_at_child, true));
  return kind;
}

static gc_noinline void clear_stack(void) {
  volatile char dead[16384];
  for (size_t i = 0; i < sizeof dead; i++)
    dead[i] = 0;
}

static void collect(void) {
  clear_stack();
  gc_collect(COLLECT_EXPLICIT);
}

static gc_noinline struct node *make(unsigned kind, size_t bytes, void *child) {
  struct node *n = gc_alloc(bytes, kind);
  tap_require(n != NULL);
  n->at = (bytes - sizeof *n) / sizeof(void *) - 1; /* the last word */
  n->words[n->at] = child;
  return n;
}

static gc_noinline void drop_parents(unsigned kind, size_t bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    make(kind, bytes, gc_alloc(i % 2 ? 40 : 50000, KIND_NORMAL));
}

/* Exactly as large as asked for, so that the last word is the object's last. */
static void children_of_all_sizes_are_held(void) {
  unsigned kind = start_kind();
  gc_heap.slop = 0;
  for (size_t bytes = 48; bytes < 200000; bytes *= 2) {
    size_t before = notified;
    drop_parents(kind, bytes, 20);
    collect();
    tap_ge(notified, before + 15);
    tap_eq_u(children_gone, 0);
  }
}

/* The same slots die again and again, with other children. */
static void each_trace_starts_anew(void) {
  unsigned kind = start_kind();
  for (unsigned round = 0; round < 10; round++) {
    drop_parents(kind, 64, COUNT);
    collect();
    tap_ge(notified, (COUNT - 10) * (round + 1));
    tap_eq_u(children_gone, 0);
  }
}

/* The child of a child, through ordinary objects. */
static gc_noinline void drop_grandparents(unsigned kind) {
  for (size_t i = 0; i < COUNT; i++) {
    void **middle = gc_alloc(64, KIND_NORMAL);
    middle[3] = make(kind, 64, gc_alloc(40, KIND_NORMAL));
    make(kind, 64, middle);
  }
}

static void all_that_is_reached_is_held(void) {
  unsigned kind = start_kind();
  drop_grandparents(kind);
  collect();
  tap_ge(notified, 2 * COUNT - 20);
  tap_eq_u(children_gone, 0);
}

/* ---- Not more than that ---- */

static uintptr_t hidden[COUNT];

static gc_noinline void drop_leaves(unsigned kind) {
  for (size_t i = 0; i < COUNT; i++) {
    void **leaf = gc_alloc(64, KIND_ATOMIC);
    leaf[2] = gc_alloc(40, KIND_NORMAL);
    hidden[i] = ~(uintptr_t)leaf[2];
    make(kind, 64, leaf);
  }
}

static void pointer_free_children_hold_nothing(void) {
  unsigned kind = start_kind(), left = 0;
  drop_leaves(kind);
  collect();
  tap_eq_u(children_gone, 0);
  for (size_t i = 0; i < COUNT; i++)
    left += is_allocated((void *)~hidden[i]);
  tap_le(left, COUNT / 20);
}

/* ---- Kept objects ---- */

/* a -> b -> c -> b, and a is kept: following it goes round once. */
static gc_noinline void drop_loops(unsigned kind) {
  for (size_t i = 0; i < COUNT; i++) {
    struct node *a = gc_alloc(64, kind), *b = gc_alloc(64, kind),
                *c = gc_alloc(64, kind);
    a->next = b;
    b->next = c;
    c->next = b;
    a->words[0] = gc_alloc(40, KIND_NORMAL);
  }
}

static void keeping_what_leads_to_a_ring_ends(void) {
  unsigned kind = start_kind();
  keep_once = true;
  drop_loops(kind);
  collect();
  tap_ge(kept, COUNT - 10);
  size_t first = notified;
  tap_le(first, COUNT + 30); /* b and c live with a */
  collect();
  tap_ge(notified, first + 3 * (COUNT - 10));
}

/* ---- Closures ---- */

static size_t closures_run, closures_gone;

static void run_closure(void *object, void *data) {
  (void)object;
  closures_run++;
  closures_gone += !is_allocated(data);
}

static gc_noinline void drop_finalised(void) {
  for (size_t i = 0; i < COUNT; i++) {
    struct gc_finalized_closure *c = gc_alloc(sizeof *c, KIND_NORMAL);
    c->proc = run_closure;
    c->data = c;
    tap_require(gc_finalized_alloc(40, c) != NULL);
  }
}

static void closures_are_held(void) {
  tap_require(gc_finalized_start(0));
  drop_finalised();
  collect();
  tap_ge(closures_run, COUNT - 10);
  tap_eq_u(closures_gone, 0);
}

TAP_MAIN(TAP_CASE(children_of_all_sizes_are_held),
         TAP_CASE(each_trace_starts_anew),
         TAP_CASE(all_that_is_reached_is_held),
         TAP_CASE(pointer_free_children_hold_nothing),
         TAP_CASE(keeping_what_leads_to_a_ring_ends),
         TAP_CASE(closures_are_held))
