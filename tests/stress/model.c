/* tests/stress/model.c: shadow of an object graph, kept outside the heap. SPDX-License-Identifier: MIT */

#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include "stress/model.h"

#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <stdlib.h>
#include <string.h>

#include "lib/edges.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

enum { FRONT_BYTES = 320, BACK_BYTES = 64, HEAD_BYTES = 8 * (1 + MODEL_EDGES) };

static int bitmap_kind, proc_kind;

void model_init(void) {
  GC_word bits = 0;
  GC_INIT();
  for (int i = 1; i <= MODEL_EDGES; i++)
    bits |= (GC_word)1 << (63 - i);
  bitmap_kind = (int)GC_new_kind(GC_new_free_list(), bits | GC_DS_BITMAP, 0, 1);
  GC_word proc = GC_MAKE_PROC(GC_new_proc(gu_mark_edges), MODEL_EDGES);
  proc_kind = (int)GC_new_kind(GC_new_free_list(), proc, 0, 1);
}

static uint64_t rnd(struct model_graph *g, uint64_t below) {
  return (tap_rand_r(&g->rand) >> 11) % below;
}

/* ---- Objects ---- */

static bool has_edges(uint8_t family) { return family < FAM_ATOMIC; }

static bool is_fixed(uint8_t family) {
  return family == FAM_UNCOLLECTABLE || family == FAM_ATOMIC_UNCOLLECTABLE;
}

static void *address(const struct model_object *o) {
  return gu_reveal(o->hidden);
}

/* A cell of a fresh list; the others are garbage at once. */
static void *take_from_many(size_t size) {
  void **cell = GC_malloc_many(size);
  if (cell != NULL)
    cell[0] = NULL;
  return cell;
}

static void *allocate(model_family family, size_t size) {
  switch (family) {
  case FAM_OFF_PAGE:
    return GC_malloc_ignore_off_page(size);
  case FAM_MANY:
    return take_from_many(size);
  case FAM_BITMAP:
    return GC_generic_malloc(size, bitmap_kind);
  case FAM_PROC:
    return GC_generic_malloc(size, proc_kind);
  case FAM_UNCOLLECTABLE:
    return GC_malloc_uncollectable(size);
  case FAM_ATOMIC:
    return GC_malloc_atomic(size);
  case FAM_ATOMIC_OFF_PAGE:
    return GC_malloc_atomic_ignore_off_page(size);
  case FAM_ATOMIC_UNCOLLECTABLE:
    return GC_malloc_atomic_uncollectable(size);
  case FAM_ALIGNED:
    return GC_memalign(64, size);
  default:
    return GC_malloc(size);
  }
}

static size_t pattern_start(const struct model_object *o) {
  return has_edges(o->family) ? HEAD_BYTES : 0;
}

static size_t front_end(const struct model_object *o) {
  return o->size < FRONT_BYTES ? o->size : FRONT_BYTES;
}

static void write_contents(struct model_object *o) {
  char *p = address(o);
  size_t from = pattern_start(o), to = front_end(o);
  if (has_edges(o->family))
    memcpy(p, &o->serial, sizeof o->serial);
  gu_fill(p + from, to - from, o->serial);
  if (o->size > FRONT_BYTES + BACK_BYTES)
    gu_fill(p + o->size - BACK_BYTES, BACK_BYTES, ~o->serial);
}

static bool contents_are_right(const struct model_graph *g,
                               const struct model_object *o) {
  const char *p = address(o);
  size_t from = pattern_start(o), to = front_end(o);
  void *const *words = (void *const *)(const void *)p;
  if (has_edges(o->family)) {
    if (memcmp(p, &o->serial, sizeof o->serial) != 0)
      return false;
    for (size_t e = 0; e < MODEL_EDGES; e++) {
      const struct model_object *t =
          o->edge[e] != 0 ? &g->object[o->edge[e] - 1] : NULL;
      if (words[1 + e] != (t != NULL ? address(t) : NULL))
        return false;
    }
  }
  return gu_is_intact(p + from, to - from, o->serial) &&
         (o->size <= FRONT_BYTES + BACK_BYTES ||
          gu_is_intact(p + o->size - BACK_BYTES, BACK_BYTES, ~o->serial));
}

static void require_right(const struct model_graph *g,
                          const struct model_object *o) {
  if (!contents_are_right(g, o))
    tap_note("object %llu of family %u, size %zu, at %p, step %zu",
             (unsigned long long)o->serial, o->family, o->size, address(o),
             g->n_steps);
  tap_require(contents_are_right(g, o));
}

/* ---- References ---- */

/*
 * The target may hang on the very place that is overwritten: the new reference
 * replaces the old one in one store, with no moment without either.
 */
static void set_root(struct model_graph *g, size_t r, uint32_t target) {
  void *volatile *slot =
      r < MODEL_STACK_ROOTS ? &g->stack_roots[r] : &g->heap_roots[r];
  if (g->root[r] != 0)
    g->object[g->root[r] - 1].in_degree--;
  g->root[r] = target;
  g->root_at[r] = 0;
  if (target == 0) {
    *slot = NULL;
    return;
  }
  struct model_object *o = &g->object[target - 1];
  o->in_degree++;
  bool whole = g->whole_only || o->family == FAM_OFF_PAGE ||
               o->family == FAM_ATOMIC_OFF_PAGE;
  if (!whole && rnd(g, 4) == 0)
    g->root_at[r] = rnd(g, o->size);
  *slot = (char *)address(o) + g->root_at[r];
}

static void set_edge(struct model_graph *g, struct model_object *o, size_t e,
                     uint32_t target) {
  void *volatile *words = address(o);
  if (o->edge[e] != 0)
    g->object[o->edge[e] - 1].in_degree--;
  o->edge[e] = target;
  if (target != 0)
    g->object[target - 1].in_degree++;
  words[1 + e] = target != 0 ? address(&g->object[target - 1]) : NULL;
}

static void forget(struct model_graph *g, struct model_object *o) {
  for (size_t e = 0; e < MODEL_EDGES; e++)
    if (o->edge[e] != 0) {
      g->object[o->edge[e] - 1].in_degree--;
      o->edge[e] = 0;
    }
  o->hidden = 0;
}

/* ---- Reachability ---- */

static size_t reach(struct model_graph *g, size_t n, uint32_t target) {
  if (target == 0 || g->object[target - 1].reached)
    return n;
  g->object[target - 1].reached = true;
  g->queue[n] = target - 1;
  return n + 1;
}

size_t model_verify(struct model_graph *g) {
  size_t n = 0;
  for (size_t i = 0; i < MODEL_OBJECTS; i++)
    g->object[i].reached = false;
  for (size_t r = 0; r < MODEL_ROOTS; r++)
    n = reach(g, n, g->root[r]);
  for (uint32_t i = 0; i < MODEL_OBJECTS; i++)
    if (g->object[i].hidden != 0 && is_fixed(g->object[i].family))
      n = reach(g, n, i + 1);
  for (size_t done = 0; done < n; done++) {
    struct model_object *o = &g->object[g->queue[done]];
    require_right(g, o);
    for (size_t e = 0; e < MODEL_EDGES; e++)
      n = reach(g, n, o->edge[e]);
  }
  for (size_t i = 0; i < MODEL_OBJECTS; i++)
    if (g->object[i].hidden != 0 && !g->object[i].reached)
      forget(g, &g->object[i]);
  g->n_verified += n;
  return n;
}

/* A random walk from a random root: all that it meets is reachable. */
static uint32_t pick(struct model_graph *g) {
  uint32_t at = g->root[rnd(g, MODEL_ROOTS)];
  for (uint64_t steps = rnd(g, 8); at != 0 && steps > 0; steps--) {
    uint32_t next = g->object[at - 1].edge[rnd(g, MODEL_EDGES)];
    if (next != 0)
      at = next;
  }
  return at;
}

/* ---- Operations ---- */

static size_t random_size(struct model_graph *g) {
  uint64_t dice = rnd(g, 1000);
  uint64_t extra = dice < 600   ? rnd(g, 100)
                   : dice < 950 ? rnd(g, 2000)
                   : dice < 998 ? rnd(g, 40000)
                                : rnd(g, 400000);
  return HEAD_BYTES + extra;
}

static model_family random_family(struct model_graph *g) {
  uint64_t dice = rnd(g, 100);
  if (dice < 40)
    return FAM_MALLOC;
  if (dice < 70)
    return FAM_ATOMIC;
  return (model_family)rnd(g, FAM_COUNT);
}

static struct model_object *spare_entry(struct model_graph *g) {
  for (size_t i = 0; i < MODEL_OBJECTS; i++) {
    g->spare = (g->spare + 1) % MODEL_OBJECTS;
    if (g->object[g->spare].hidden == 0)
      return &g->object[g->spare];
  }
  return NULL;
}

static void do_allocate(struct model_graph *g) {
  struct model_object *o = spare_entry(g);
  if (o == NULL)
    return;
  memset(o, 0, sizeof *o);
  o->family = (uint8_t)random_family(g);
  o->size = random_size(g);
  o->serial = ++g->serial;
  /* The model keeps complements only: until it is a root, this one holds it. */
  void *volatile p = allocate((model_family)o->family, o->size);
  tap_require(p != NULL);
  if (has_edges(o->family))
    tap_require(gu_is_zero(p, o->size < 4096 ? o->size : 4096));
  o->hidden = gu_hide(p);
  write_contents(o);
  set_root(g, rnd(g, MODEL_ROOTS), (uint32_t)(o - g->object) + 1);
  g->n_made++;
}

static void do_link(struct model_graph *g) {
  uint32_t from = pick(g), to = pick(g);
  if (from != 0 && to != 0 && has_edges(g->object[from - 1].family))
    set_edge(g, &g->object[from - 1], rnd(g, MODEL_EDGES), to);
}

static void do_unlink(struct model_graph *g) {
  uint32_t from = pick(g);
  if (from != 0 && has_edges(g->object[from - 1].family))
    set_edge(g, &g->object[from - 1], rnd(g, MODEL_EDGES), 0);
}

static void do_set_root(struct model_graph *g) {
  set_root(g, rnd(g, MODEL_ROOTS), rnd(g, 3) == 0 ? 0 : pick(g));
}

/* Index of a root that is the only reference to its object, or none. */
static size_t sole_root(struct model_graph *g) {
  size_t r = rnd(g, MODEL_ROOTS);
  bool sole = g->root[r] != 0 && g->object[g->root[r] - 1].in_degree == 1;
  return sole ? r : MODEL_ROOTS;
}

static void do_free(struct model_graph *g) {
  size_t r = sole_root(g);
  if (r == MODEL_ROOTS)
    return;
  struct model_object *o = &g->object[g->root[r] - 1];
  require_right(g, o);
  void *volatile p = address(o); /* no root holds it from here on */
  set_root(g, r, 0);
  forget(g, o);
  GC_free(GC_base(p));
  g->n_freed++;
}

static void do_free_fixed(struct model_graph *g) {
  struct model_object *o = &g->object[rnd(g, MODEL_OBJECTS)];
  if (o->hidden == 0 || !is_fixed(o->family) || o->in_degree != 0)
    return;
  require_right(g, o);
  void *p = address(o);
  forget(g, o);
  GC_free(p);
  g->n_freed++;
}

static void do_realloc(struct model_graph *g) {
  size_t r = sole_root(g);
  if (r == MODEL_ROOTS)
    return;
  struct model_object *o = &g->object[g->root[r] - 1];
  if (o->family == FAM_ALIGNED) /* may not start where its block does */
    return;
  size_t old_size = o->size, new_size = random_size(g);
  size_t common = old_size < new_size ? old_size : new_size;
  size_t front = common < FRONT_BYTES ? common : FRONT_BYTES;
  size_t from = pattern_start(o);
  require_right(g, o);
  char *volatile p = GC_realloc(address(o), new_size);
  tap_require(p != NULL);
  tap_require(gu_is_intact(p + from, front - from, o->serial));
  if (has_edges(o->family) && new_size > old_size)
    tap_require(gu_is_zero(p + old_size, new_size - old_size));
  o->hidden = gu_hide(p);
  o->size = new_size;
  write_contents(o);
  set_root(g, r, g->root[r]); /* the object may have moved */
}

static void do_garbage(struct model_graph *g) {
  for (size_t i = 0; i < 4; i++) {
    size_t n = random_size(g);
    void *p = rnd(g, 2) ? GC_malloc(n) : GC_malloc_atomic(n);
    tap_require(p != NULL);
    memset(p, 0xff, n < 4096 ? n : 4096);
  }
}

void model_step(struct model_graph *g) {
  uint64_t dice = rnd(g, 1000);
  g->n_steps++;
  if (dice < 300)
    do_allocate(g);
  else if (dice < 550)
    do_link(g);
  else if (dice < 650)
    do_unlink(g);
  else if (dice < 770)
    do_set_root(g);
  else if (dice < 830)
    do_free(g);
  else if (dice < 880)
    do_realloc(g);
  else if (dice < 930)
    do_free_fixed(g);
  else
    do_garbage(g);
  if (g->n_steps % 2000 == 0)
    model_verify(g);
}

/* ---- Life of a graph ---- */

struct model_graph *model_new(uint64_t seed) {
  struct model_graph *g = calloc(1, sizeof *g);
  tap_require(g != NULL);
  g->rand = seed;
  g->whole_only = !GC_get_all_interior_pointers();
  g->heap_roots = GC_malloc_uncollectable(MODEL_ROOTS * sizeof(void *));
  tap_require(g->heap_roots != NULL);
  return g;
}

void model_enter(struct model_graph *g, void *volatile *stack_roots) {
  g->stack_roots = stack_roots;
  for (size_t r = 0; r < MODEL_STACK_ROOTS; r++) {
    stack_roots[r] = g->heap_roots[r];
    g->heap_roots[r] = NULL;
  }
}

void model_leave(struct model_graph *g) {
  for (size_t r = 0; r < MODEL_STACK_ROOTS; r++) {
    g->heap_roots[r] = g->stack_roots[r];
    g->stack_roots[r] = NULL;
  }
  g->stack_roots = NULL;
}

void model_drop(struct model_graph *g) {
  for (size_t i = 0; i < MODEL_OBJECTS; i++)
    if (g->object[i].hidden != 0 && is_fixed(g->object[i].family))
      GC_free(address(&g->object[i]));
  GC_free((void *)g->heap_roots);
  free(g);
}
