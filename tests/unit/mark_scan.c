/* tests/unit/mark_scan.c: marking against a model graph, with roomy and with tiny
 * mark stacks. SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "alloc/alloc.h"
#include "base/switches.h"
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

/* ---- Single words and ranges ---- */

static struct gc_marker marker;

static void start_marking(size_t stack_entries) {
  tap_require(gc_marker_start(&marker, stack_entries));
  gc_classify_rest();
  gc_marker_reset(&marker, NULL);
}

/* Whether a word keeps an object, all by itself. */
static bool keeps(const char *word, const char *object) {
  gc_mark_word(&marker, (uint64_t)(uintptr_t)word);
  gc_mark_drain(&marker);
  bool kept = is_marked(object);
  gc_mark_forget_all();
  return kept;
}

static void free_slots_are_not_marked(void) {
  gc_start();
  char *p = gc_alloc(3000, KIND_NORMAL);
  struct gc_object o;
  tap_require(p != NULL && gc_find(p, &o));
  start_marking(0);
  tap_check(keeps(p, p));
  gc_map_clear(o.block, o.slot, gc_map_alloc());
  tap_check(!keeps(p, p));
}

static void large_objects_are_kept_from_within(void) {
  gc_start();
  char *p = gc_alloc(200000, KIND_NORMAL);
  char *q = gc_alloc_ignore_off_page(200000, KIND_NORMAL);
  tap_require(p != NULL && q != NULL);
  start_marking(0);
  for (size_t off = 0; off <= 200000; off += 4000) {
    tap_check(keeps(p + off, p));
    tap_eq_u(keeps(q + off, q), off < 4096);
  }
  tap_check(keeps(p + 200000, p)); /* the spare byte */
  tap_check(!keeps(p + 200016, p));
  tap_check(!keeps(p - 1, p));
}

static void ranges_are_rounded_inwards(void) {
  char *word[4];
  gc_start();
  for (unsigned i = 0; i < 4; i++)
    word[i] = gc_alloc(40, KIND_NORMAL);
  start_marking(0);
  gc_mark_range(&marker, (char *)word + 1, (char *)word + 31);
  gc_mark_drain(&marker);
  tap_check(!is_marked(word[0]) && is_marked(word[1]));
  tap_check(is_marked(word[2]) && !is_marked(word[3]));
  gc_mark_forget_all();
}

/* The range alone overflows the stack, and what it names has children. */
static void ranges_may_be_wider_than_the_stack(void) {
  static char *word[6000];
  unsigned wrong = 0;
  gc_start();
  for (unsigned i = 0; i < 6000; i++) {
    word[i] = gc_alloc(40 + i % 7 * 100, KIND_NORMAL);
    *(char **)(void *)word[i] = gc_alloc(24, KIND_NORMAL);
  }
  start_marking(1);
  gc_mark_range(&marker, (char *)word, (char *)(word + 6000));
  gc_mark_drain(&marker);
  for (unsigned i = 0; i < 6000; i++)
    wrong += !is_marked(word[i]) || !is_marked(*(char **)(void *)word[i]);
  tap_eq_u(wrong, 0);
  gc_mark_forget_all();
}

/* Objects of 16 bytes whose kind says that 64 are to be scanned. */
static void a_length_ends_with_the_object(void) {
  gc_start();
  unsigned kind = gc_kind_new(64, false, true);
  char *p = gc_alloc(8, kind), *next = gc_alloc(8, kind);
  tap_require(next == p + 16);
  char *own = gc_alloc(40, KIND_NORMAL), *foreign = gc_alloc(40, KIND_NORMAL);
  *(char **)(void *)p = own;
  *(char **)(void *)next = foreign;
  start_marking(0);
  tap_check(keeps(p, own));
  tap_check(!keeps(p, foreign));
}

#define LEVELS 4u
#define WIDTH 600u

/* Levels of wide objects, each level below the one that refers to it: scanning
 * again what did not fit flags blocks behind the place where it stands. */
static void overflow_may_hit_what_was_passed(void) {
  static char **level[LEVELS][WIDTH];
  unsigned lost = 0;
  gc_start();
  *gc_switches.dont_gc = 1;
  for (unsigned l = 0; l < LEVELS; l++)
    for (unsigned i = 0; i < WIDTH; i++) {
      level[l][i] = gc_alloc(500 * sizeof(char *), KIND_NORMAL);
      for (unsigned w = 0; w < 500; w++)
        level[l][i][w] = l == 0 ? gc_alloc(w == 0 ? 24 : 1, KIND_NORMAL)
                                : (char *)level[l - 1][(i * 7 + w) % WIDTH];
    }
  start_marking(1);
  gc_mark_range(&marker, (char *)level[LEVELS - 1],
                (char *)&level[LEVELS - 1][WIDTH]);
  gc_mark_drain(&marker);
  for (unsigned l = 0; l < LEVELS; l++)
    for (unsigned i = 0; i < WIDTH; i++)
      lost += !is_marked((char *)level[l][i]) || !is_marked(level[l][i][499]);
  tap_eq_u(lost, 0);
  gc_mark_forget_all();
}

TAP_MAIN(TAP_CASE(free_slots_are_not_marked),
         TAP_CASE(large_objects_are_kept_from_within),
         TAP_CASE(ranges_are_rounded_inwards),
         TAP_CASE(ranges_may_be_wider_than_the_stack),
         TAP_CASE(a_length_ends_with_the_object),
         TAP_CASE(overflow_may_hit_what_was_passed), TAP_CASE(roomy_stack),
         TAP_CASE(tiny_stack), TAP_CASE(abandoned_marking_leaves_no_marks))
