/* tests/unit/cycle_hold_phase.c: between the stop and the hold trace.
 * SPDX-License-Identifier: MIT
 *
 * The event after the restart comes before anybody is woken to trace, so there the
 * gate is still closed.
 */
#include "lib/tap.h"
#include "unit/notify.h"

#include "alloc/alloc.h"
#include "alloc/free_realloc.h"
#include "base/switches.h"
#include "cycle/collect.h"
#include "cycle/drain.h"
#include "cycle/gc_start.h"
#include "cycle/hold_phase.h"
#include "cycle/weak.h"
#include "heap/find.h"
#include "heap/space.h"
#include "reclaim/classify.h"

#define COUNT 2000u
#define CHILD_BYTES 200u

struct node {
  uintptr_t *child;
  uintptr_t serial;
};

static uintptr_t hidden_children[COUNT], hidden_first;
static size_t told, wrong;
static char *large;

static int look(void *object) {
  const struct node *n = object;
  told++;
  wrong += *n->child != n->serial;
  return 0;
}

static gc_noinline void drop_nodes(unsigned kind) {
  for (unsigned i = 0; i < COUNT; i++) {
    struct node *n = gc_alloc(sizeof *n, kind);
    n->child = gc_alloc(CHILD_BYTES, KIND_NORMAL);
    *n->child = n->serial = i;
    hidden_children[i] = ~(uintptr_t)n->child;
    if (i == COUNT / 2)
      hidden_first = ~(uintptr_t)n;
  }
}

static gc_noinline void clear_stack(void) {
  volatile char dead[16384];
  for (size_t i = 0; i < sizeof dead; i++)
    dead[i] = 0;
}

/* ---- What is done while the gate is closed ---- */

static void (*at_gate)(void);

static void on_event(int event) {
  if (event == EVENT_POST_START_WORLD && at_gate != NULL)
    at_gate();
}

static void collect_with(bool held, void (*f)(void)) {
  gc_start();
  unsigned kind = gc_kind_new(0, true, true);
  tap_require(kind != 0 && notify_by(kind, look, held));
  large = gc_alloc(300000, KIND_NORMAL);
  drop_nodes(kind);
  clear_stack();
  at_gate = f;
  gc_hooks.event = on_event;
  gc_collect(COLLECT_EXPLICIT);
  at_gate = NULL;
  tap_ge(told, COUNT - 10);
  if (held)
    tap_eq_u(wrong, 0);
}

static bool is_child(const void *p) {
  for (unsigned i = 0; i < COUNT; i++)
    if (hidden_children[i] == ~(uintptr_t)p)
      return true;
  return false;
}

static void allocate_and_classify(void) {
  size_t hits = 0, before = gc_space_heap_bytes();
  tap_check(gc_classify_is_closed());
  gc_classify_rest();
  tap_check(!gc_classify_is_complete());
  for (unsigned i = 0; i < COUNT / 4; i++) {
    char *p = gc_alloc(CHILD_BYTES, KIND_NORMAL);
    hits += is_child(p);
    for (unsigned j = 0; j < CHILD_BYTES; j++)
      p[j] = -1;
  }
  tap_check(gc_classify_is_closed());
  tap_le(gc_space_heap_bytes(), before + 4 * GC_BLOCK_BYTES);
  tap_eq_u(hits, 0);
}

static void what_died_is_left_alone_until_the_trace(void) {
  collect_with(true, allocate_and_classify);
  tap_check(!gc_classify_is_closed());
}

static void use_up_growth(void) {
  size_t before = gc_space_heap_bytes();
  for (unsigned i = 0; i < 200000 && gc_classify_is_closed(); i++)
    tap_require(gc_alloc(CHILD_BYTES, KIND_NORMAL) != NULL);
  tap_check(!gc_classify_is_closed());
  tap_le(gc_space_heap_bytes(), before + (2u << 20));
}

static void growth_before_the_trace_is_bounded(void) {
  collect_with(true, use_up_growth);
}

static void free_large_object(void) {
  gc_free(large);
  tap_check(!gc_classify_is_closed());
}

static void a_large_object_is_freed_after_the_trace(void) {
  collect_with(true, free_large_object);
}

static void gate_is_open(void) { tap_check(!gc_classify_is_closed()); }

static void nobody_waits_when_nothing_is_held(void) {
  collect_with(false, gate_is_open);
}

/* A child that looks free before the trace is held after it, and lives again when its
 * parent is revived; a reference that said null says so for ever. */
static struct gc_weak *of_child;
static void *volatile revived;

static gc_noinline void drop_and_refer(unsigned kind) {
  drop_nodes(kind);
  of_child = gc_weak_new((void *)~hidden_children[COUNT / 2]);
}

static void read_and_revive(void) {
  struct gc_object o;
  tap_require(of_child != NULL);
  tap_check(gc_classify_is_closed());
  tap_check(gc_weak_get(of_child) == NULL);
  tap_require(gc_find((void *)~hidden_first, &o));
  tap_check(gc_drain_revive(&o));
  revived = o.start;
  tap_check(gc_weak_get(of_child) == NULL);
}

static void a_refusal_before_the_trace_is_final(void) {
  gc_start();
  unsigned kind = gc_kind_new(0, true, true);
  tap_require(notify_by(kind, look, true));
  drop_and_refer(kind);
  clear_stack();
  at_gate = read_and_revive;
  gc_hooks.event = on_event;
  gc_collect(COLLECT_EXPLICIT);
  at_gate = NULL;
  tap_check(revived != NULL);
  tap_check(gc_weak_get(of_child) == NULL);
}

/* Slots that are freed by hand meanwhile do not look as if they had died. */
static void free_children(void) {
  struct gc_object o;
  for (unsigned i = 0; i < COUNT; i++)
    gc_free((void *)~hidden_children[i]);
  tap_require(gc_find((void *)~hidden_children[0], &o));
  tap_check(!gc_map_test(o.block, o.slot, gc_map_mark()) ||
            gc_map_test(o.block, o.slot, gc_map_alloc()));
}

static void freeing_what_is_held_is_survived(void) {
  gc_start();
  unsigned kind = gc_kind_new(0, true, true);
  tap_require(notify_by(kind, look, true));
  drop_nodes(kind);
  clear_stack();
  at_gate = free_children;
  gc_hooks.event = on_event;
  gc_collect(COLLECT_EXPLICIT);
  at_gate = NULL;
  tap_ge(told, COUNT - 10);
  gc_collect(COLLECT_EXPLICIT);
}

TAP_MAIN(TAP_CASE(what_died_is_left_alone_until_the_trace),
         TAP_CASE(growth_before_the_trace_is_bounded),
         TAP_CASE(a_large_object_is_freed_after_the_trace),
         TAP_CASE(nobody_waits_when_nothing_is_held),
         TAP_CASE(a_refusal_before_the_trace_is_final),
         TAP_CASE(freeing_what_is_held_is_survived))
