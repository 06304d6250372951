/* tests/unit/mark_scan.c: marking against a model graph, with roomy and with tiny
 * mark stacks. SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "alloc/alloc.h"
#include "cycle/gc_start.h"
#include "heap/find.h"
#include "mark/mark.h"
#include "reclaim/classify.h"

#define NODES 20000u
#define DEGREE 5u
#define ROOTS 32u /* so many that what they reach never dies out early */

static char **node; /* uncollectable table */
static unsigned (*edge)[DEGREE];
static bool *reached;

static size_t node_bytes(unsigned i) {
  static const size_t sizes[] = {48, 64, 80, 200, 1000, 5000, 9000, 70000};
  return sizes[i % 400 == 0 ? 7 : i % 50 == 0 ? 5 + i % 2 : i % 5];
}

/* Edges sit at random word offsets; the last word of large nodes is used too. */
static void build_graph(void) {
  gc_start();
  node = gc_alloc(NODES * sizeof *node, KIND_UNCOLL);
  edge = gc_alloc(NODES * sizeof *edge, KIND_ATOMIC_UNCOLL);
  reached = gc_alloc(NODES, KIND_UNCOLL);
  for (unsigned i = 0; i < NODES; i++)
    node[i] = gc_alloc(node_bytes(i), KIND_NORMAL);
  for (unsigned i = 0; i < NODES; i++) {
    size_t words = node_bytes(i) / sizeof(char *);
    for (unsigned d = 0; d < DEGREE; d++) {
      unsigned to = (unsigned)(tap_rand() % NODES);
      size_t at = d == 0 ? words - 1 : d - 1;
      ((char **)(void *)node[i])[at] = node[to] + tap_rand() % 16;
      edge[i][d] = to;
    }
  }
}

static unsigned reach_from(unsigned root) {
  static unsigned stack[NODES * DEGREE];
  unsigned depth = 0, count = 0;
  stack[depth++] = root;
  while (depth > 0) {
    unsigned i = stack[--depth];
    if (reached[i])
      continue;
    reached[i] = true;
    count++;
    for (unsigned d = 0; d < DEGREE; d++)
      if (!reached[edge[i][d]])
        stack[depth++] = edge[i][d];
  }
  return count;
}

static bool is_marked(const char *p) {
  struct gc_object o;
  return gc_find(p, &o) && gc_map_test(o.block, o.slot, gc_map_mark());
}

static void mark_and_compare(size_t stack_entries) {
  struct gc_marker m;
  build_graph();
  tap_require(gc_marker_start(&m, stack_entries));
  gc_classify_rest();
  gc_marker_reset(&m, NULL);
  unsigned count = 0;
  /* cut the graph: only some thousand nodes stay reachable */
  for (unsigned i = ROOTS; i < NODES; i++)
    if (tap_rand() % 100 < 60)
      for (unsigned d = 0; d < DEGREE; d++) {
        size_t words = node_bytes(i) / sizeof(char *);
        ((char **)(void *)node[i])[d == 0 ? words - 1 : d - 1] = NULL;
        edge[i][d] = i;
      }
  for (unsigned i = 0; i < ROOTS; i++) {
    count += reach_from(i);
    gc_mark_word(&m, (uint64_t)(uintptr_t)node[i]);
  }
  gc_mark_drain(&m);
  unsigned wrong = 0;
  for (unsigned i = 0; i < NODES; i++)
    wrong += is_marked(node[i]) != reached[i];
  tap_note("%u of %u nodes reachable", count, NODES);
  tap_ge(count, NODES / 4);
  tap_le(count, NODES - NODES / 20);
  tap_eq_u(wrong, 0);
  gc_mark_forget_all();
}

static void roomy_stack(void) { mark_and_compare(0); }

/* The least size: every graph overflows it. */
static void tiny_stack(void) { mark_and_compare(1); }

static bool stop_at_once(void) { return true; }

static void abandoned_marking_leaves_no_marks(void) {
  struct gc_marker m;
  build_graph();
  tap_require(gc_marker_start(&m, 0));
  gc_classify_rest();
  gc_marker_reset(&m, stop_at_once);
  for (unsigned i = 0; i < NODES; i++)
    gc_mark_word(&m, (uint64_t)(uintptr_t)node[i]);
  gc_mark_drain(&m);
  tap_check(m.abandoned);
  gc_mark_forget_all();
  for (unsigned i = 0; i < NODES; i++)
    if (is_marked(node[i]))
      tap_require(false);
}

TAP_MAIN(TAP_CASE(roomy_stack), TAP_CASE(tiny_stack),
         TAP_CASE(abandoned_marking_leaves_no_marks))
