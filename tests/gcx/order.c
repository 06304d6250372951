/* tests/gcx/order.c: parents are notified before their children. SPDX-License-Identifier: MIT */

/*
 * Contract, for kinds whose references are held: everything that became
 * unreachable together is notified after one collection, chains and cycles
 * included; where references form no cycle, parents come before children, also
 * through ordinary objects, and a notifier finds its children intact.
 */
#include "gcx/shadow.h"

#include <stdlib.h>
#include <string.h>

static gcx_kind *kind;

/* A serial's two children; those from the limit on are none. */
typedef size_t (*child_fn)(size_t serial, int which);

/* As many links deep. */
static void build_all(void (*build)(void *), size_t n, size_t links) {
  if (links > 2)
    sh_need(GCX_CAP_DEEP, "a link of a chain dies in each collection");
  sh_begin(n);
  kind = sh_counting_kind(GCX_REFS_HELD);
  size_t collections = GC_get_gc_no();
  GC_disable();
  sh_apart(build, &n);
  GC_enable();
  tap_eq_u(sh_total(), 0);
  sh_settle_deep((unsigned)links);
  if (sh_can(GCX_CAP_PROMPT | GCX_CAP_DEEP))
    tap_eq_u(GC_get_gc_no(), collections + 1);
}

/* Notified: the child, and the parent not before it. */
static bool is_misplaced(size_t parent, size_t child) {
  size_t place = sh_place(child);
  return place != 0 && (sh_place(parent) == 0 || sh_place(parent) >= place);
}

static void check_order(size_t n, child_fn child) {
  size_t misplaced = 0;
  for (size_t i = 0; i < n; i++)
    for (int which = 0; which < 2; which++) {
      size_t c = child(i, which);
      misplaced += c < n && is_misplaced(i, c);
    }
  tap_eq_u(misplaced, 0);
  sh_check_once(0, n);
  sh_check_errors();
  sh_check_stats();
}

/* ---- A chain ---- */

/* The last one first, so that a stray word to the newest names the first. */
static void build_chain(void *arg) {
  struct sh_node *volatile next = NULL;
  for (size_t i = *(size_t *)arg; i-- > 0;) {
    struct sh_node *n = sh_node(kind, 0, i);
    n->ref[i % 2] = next;
    next = n;
  }
}

static size_t next_of(size_t i, int which) {
  return which == 0 ? i + 1 : SIZE_MAX;
}

static void a_chain(void) {
  size_t n = tap_long() ? 1000000 : 100000;
  build_all(build_chain, n, n);
  check_order(n, next_of);
}

/* ---- Parents with a child each ---- */

static void build_couples(void *arg) {
  for (size_t i = 0; i < *(size_t *)arg; i += 2) {
    struct sh_node *child = sh_node(kind, 0, i + 1);
    sh_node(kind, 0, i)->ref[1] = sh_box(child);
  }
}

static size_t child_in_couple(size_t i, int which) {
  return i % 2 == 0 && which == 1 ? i + 1 : SIZE_MAX;
}

static void couples_through_ordinary_objects(void) {
  build_all(build_couples, 20000, 2);
  check_order(20000, child_in_couple);
}

/* ---- A tree ---- */

static size_t child_in_tree(size_t i, int which) {
  return 2 * i + 1 + (size_t)which;
}

static struct sh_node *build_subtree(size_t i, size_t n) {
  struct sh_node *left = NULL, *right = NULL;
  if (child_in_tree(i, 0) < n)
    left = build_subtree(child_in_tree(i, 0), n);
  if (child_in_tree(i, 1) < n)
    right = build_subtree(child_in_tree(i, 1), n);
  struct sh_node *o = sh_node(kind, 0, i);
  o->ref[0] = left;
  o->ref[1] = right;
  return o;
}

static void build_tree(void *arg) { build_subtree(0, *(size_t *)arg); }

static void a_tree(void) {
  size_t n = ((size_t)1 << (tap_long() ? 20 : 14)) - 1;
  build_all(build_tree, n, 20);
  check_order(n, child_in_tree);
}

/* ---- A grid with ordinary objects on every edge ---- */

static size_t width;

static size_t child_in_grid(size_t i, int which) {
  if (which == 0)
    return i % width + 1 < width ? i + 1 : SIZE_MAX;
  return i + width;
}

static void build_grid(void *arg) {
  size_t n = *(size_t *)arg;
  struct sh_node *volatile *nodes =
      GC_malloc(n * sizeof *nodes); /* seen by collections, then garbage */
  for (size_t i = n; i-- > 0;) {
    struct sh_node *o = sh_node(kind, 0, i);
    for (int which = 0; which < 2; which++) {
      size_t c = child_in_grid(i, which);
      if (c < n)
        o->ref[which] = sh_box(sh_box(nodes[c]));
    }
    nodes[i] = o;
  }
}

static void a_grid_through_ordinary_objects(void) {
  width = tap_long() ? 400 : 70;
  build_all(build_grid, width * width, 2 * width);
  check_order(width * width, child_in_grid);
}

/* ---- Cycles: no order, but all of them ---- */

static void build_pairs(void *arg) {
  for (size_t i = 0; i < *(size_t *)arg; i += 2) {
    struct sh_node *a = sh_node(kind, 0, i), *b = sh_node(kind, 0, i + 1);
    a->ref[0] = b;
    b->ref[1] = a;
  }
}

static void build_loops(void *arg) {
  for (size_t i = 0; i < *(size_t *)arg; i++) {
    struct sh_node *o = sh_node(kind, 0, i);
    o->ref[i % 2] = i % 3 == 0 ? sh_box(o) : o;
  }
}

static void build_ring(void *arg) {
  size_t n = *(size_t *)arg;
  struct sh_node *first = sh_node(kind, 0, 0), *volatile last = first;
  for (size_t i = 1; i < n; i++) {
    struct sh_node *o = sh_node(kind, 0, i);
    last->ref[0] = sh_box(o);
    last = o;
  }
  last->ref[0] = sh_box(first);
}

static void check_cycle(void (*build)(void *), size_t n) {
  sh_need(GCX_CAP_CYCLES, "cycles of dead objects are not notified");
  build_all(build, n, 1);
  tap_eq_u(sh_count_notified(0, n, 1), n);
  sh_check_errors();
  sh_check_stats();
}

static void two_object_cycles(void) { check_cycle(build_pairs, 2000); }
static void self_loops(void) { check_cycle(build_loops, 999); }
static void a_ring_through_ordinary_objects(void) {
  check_cycle(build_ring, tap_long() ? 100000 : 5000);
}

/* Each member of a small ring has a box, and each notifier looks at all of them,
 * also at those of members that were notified before the last collection. */
enum { RING = 5, N_RINGS = 300 };

static atomic_size_t n_boxes_damaged;

static void spoil_free_memory(void) {
  GC_gcollect();
  for (int i = 0; i < 3000; i++)
    memset(GC_malloc(sizeof(struct sh_node)), 0xee, sizeof(struct sh_node));
}

static gcx_verdict GC_CALLBACK look_around(void *object, size_t bytes,
                                           void *cd) {
  static atomic_size_t calls;
  const struct sh_node *n = object;
  (void)cd;
  sh_note_held(n, bytes);
  if (atomic_fetch_add(&calls, 1) % 64 == 2)
    spoil_free_memory();
  for (int i = 0; i < RING; i++, n = n->ref[0])
    if (!sh_is_intact(n) || !sh_is_intact(n->ref[1]))
      atomic_fetch_add(&n_boxes_damaged, 1);
  return GCX_DONE;
}

static void build_small_rings(void *arg) {
  struct sh_node *n[RING];
  for (size_t i = 0; i < *(size_t *)arg; i += RING) {
    for (size_t j = 0; j < RING; j++) {
      n[j] = sh_node(kind, 0, i + j);
      n[j]->ref[1] = sh_box(NULL);
    }
    for (size_t j = 0; j < RING; j++)
      n[j]->ref[0] = n[(j + 1) % RING];
  }
}

static void a_ring_is_held_until_its_last_notifier(void) {
  size_t n = RING * N_RINGS;
  sh_need(GCX_CAP_CYCLES, "cycles of dead objects are not notified");
  sh_begin(n);
  kind = sh_kind((gcx_kind_opts){.notify = look_around, .refs = GCX_REFS_HELD});
  sh_apart(build_small_rings, &n);
  sh_settle();
  tap_eq_u(atomic_load(&n_boxes_damaged), 0);
  sh_check_once(0, n);
  sh_check_errors();
}

/* ---- Parents before what dies later ---- */

/* The end of a dead chain has another holder, and dies in the next collection
 * while the chain still waits. It comes last all the same. */
static struct sh_node *volatile end_of_chain;

static void build_chain_with_end(void *arg) {
  size_t last = *(size_t *)arg - 1;
  struct sh_node *volatile next = end_of_chain = sh_node(kind, 0, last);
  for (size_t i = last; i-- > 0;) {
    struct sh_node *n = sh_node(kind, 0, i);
    n->ref[0] = next;
    next = n;
  }
}

static void children_that_die_later_come_later(void) {
  size_t n = 500;
  sh_need(GCX_CAP_DEEP, "a link of a chain dies in each collection");
  sh_begin(n);
  kind = sh_counting_kind(GCX_REFS_HELD);
  sh_close_gate();
  sh_apart(build_chain_with_end, &n);
  gu_collect();
  tap_ge(sh_stats().pending_objects, n - 1);
  end_of_chain = NULL;
  gu_collect();
  tap_eq_u(sh_total(), 0);
  sh_open_gate();
  sh_settle();
  check_order(n, next_of);
}

/* The children of kinds without held references are held and ordered, too, when a
 * held one refers to them. */
static void build_mixed_chain(void *arg) {
  gcx_kind *plain = *(gcx_kind **)arg;
  struct sh_node *volatile next = NULL;
  for (size_t i = 5000; i-- > 0;) {
    struct sh_node *n = sh_node(i % 4 == 3 ? plain : kind, 0, i);
    n->ref[0] = next;
    next = n;
  }
}

static void plain_kinds_between_held_ones(void) {
  sh_need(GCX_CAP_DEEP, "a link of a chain dies in each collection");
  sh_begin(5000);
  kind = sh_counting_kind(GCX_REFS_HELD);
  gcx_kind *plain = sh_counting_kind(GCX_REFS_NONE);
  GC_disable();
  sh_apart(build_mixed_chain, &plain);
  GC_enable();
  sh_settle();
  check_order(5000, next_of);
}

TAP_MAIN(TAP_CASE(couples_through_ordinary_objects), TAP_CASE_T(a_chain, 120),
         TAP_CASE_T(a_tree, 120), TAP_CASE(a_grid_through_ordinary_objects),
         TAP_CASE(two_object_cycles), TAP_CASE(self_loops),
         TAP_CASE(a_ring_through_ordinary_objects),
         TAP_CASE(a_ring_is_held_until_its_last_notifier),
         TAP_CASE(children_that_die_later_come_later),
         TAP_CASE(plain_kinds_between_held_ones))
