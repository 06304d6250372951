/* extra/hexpr/dag.c: depth-first listing of the nodes of expressions. SPDX-License-Identifier: MIT */
/* The stack of the walk is a malloc'ed array, so depth is bounded by memory
 * only. A node gets its place in the list when its operands have theirs; it is
 * entered in the index then, and a node met again on the stack before that
 * cannot be its own descendant, so entering late is enough. Places of operands
 * wait on a second stack until their user is complete. */
#include "hexpr/dag.h"

#include <stdlib.h>

struct frame {
  ex node;
  size_t next;
};

struct walk {
  struct frame *frame;
  size_t depth;
  size_t room;
  uint32_t *place;
  size_t places;
  size_t place_room;
};

static size_t start_of(const struct ex_dag *d, ex e) {
  uint64_t h = (uint64_t)(uintptr_t)e * UINT64_C(0x9e3779b97f4a7c15);
  return h >> (64 - d->bits);
}

/* The slot of E, or the empty one where it belongs. */
static uint32_t *slot_of(const struct ex_dag *d, ex e) {
  size_t mask = ((size_t)1 << d->bits) - 1;
  size_t i = start_of(d, e);
  while (d->slot[i] != 0 && d->node[d->slot[i] - 1] != e)
    i = (i + 1) & mask;
  return &d->slot[i];
}

size_t ex_dag_index(const struct ex_dag *d, ex e) { return *slot_of(d, e) - 1; }

/* ---- The list ---- */

static bool widen(void *array, size_t bytes) {
  void *bigger = realloc(*(void **)array, bytes);
  if (bigger != NULL)
    *(void **)array = bigger;
  return bigger != NULL;
}

static bool grow(struct ex_dag *d) {
  unsigned bits = d->bits == 0 ? 6 : d->bits + 1;
  size_t room = (size_t)1 << (bits - 1);
  uint32_t *slot = calloc((size_t)1 << bits, sizeof *slot);
  if (slot == NULL || bits > 32 || !widen(&d->node, room * sizeof *d->node) ||
      !widen(&d->first, room * sizeof *d->first)) {
    free(slot);
    return false;
  }
  free(d->slot);
  d->slot = slot;
  d->bits = bits;
  d->room = room;
  for (size_t i = 0; i < d->n; i++)
    *slot_of(d, d->node[i]) = (uint32_t)i + 1;
  return true;
}

static bool append_args(struct ex_dag *d, const uint32_t *place, size_t n) {
  while (d->args + n > d->arg_room) {
    size_t room = d->arg_room == 0 ? 64 : 2 * d->arg_room;
    if (room > UINT32_MAX || !widen(&d->arg, room * sizeof *d->arg))
      return false;
    d->arg_room = room;
  }
  for (size_t i = 0; i < n; i++)
    d->arg[d->args + i] = place[i];
  d->args += n;
  return true;
}

static bool append(struct ex_dag *d, ex e, const uint32_t *place, size_t argc) {
  if (d->n == d->room && !grow(d))
    return false;
  d->node[d->n] = e;
  d->first[d->n] = (uint32_t)d->args;
  if (!append_args(d, place, argc))
    return false;
  *slot_of(d, e) = (uint32_t)++d->n;
  return true;
}

/* ---- The walk ---- */

static bool push_frame(struct walk *w, ex e) {
  if (w->depth == w->room) {
    size_t room = w->room == 0 ? 64 : 2 * w->room;
    if (!widen(&w->frame, room * sizeof *w->frame))
      return false;
    w->room = room;
  }
  w->frame[w->depth++] = (struct frame){e, 0};
  return true;
}

static bool push_place(struct walk *w, size_t i) {
  if (w->places == w->place_room) {
    size_t room = w->place_room == 0 ? 64 : 2 * w->place_room;
    if (!widen(&w->place, room * sizeof *w->place))
      return false;
    w->place_room = room;
  }
  w->place[w->places++] = (uint32_t)i;
  return true;
}

/* Takes E as the next operand: its place if it has one, else a new frame. */
static bool visit(struct ex_dag *d, struct walk *w, ex e) {
  uint32_t listed = d->n == 0 ? 0 : *slot_of(d, e);
  return listed != 0 ? push_place(w, listed - 1) : push_frame(w, e);
}

/* Lists the top frame's node, whose operands are the last places. */
static bool complete(struct ex_dag *d, struct walk *w) {
  ex e = w->frame[--w->depth].node;
  size_t argc = argc_of(e);
  w->places -= argc;
  return append(d, e, w->place + w->places, argc) && push_place(w, d->n - 1);
}

static bool walk_from(struct ex_dag *d, struct walk *w, ex root) {
  w->places = 0;
  if (!push_place(w, 0) || !visit(d, w, root))
    return false;
  while (w->depth > 0) {
    struct frame *top = &w->frame[w->depth - 1];
    bool ok = top->next < argc_of(top->node)
                  ? visit(d, w, arg_of(top->node, top->next++))
                  : complete(d, w);
    if (!ok)
      return false;
  }
  return true;
}

static bool none_is_missing(const ex *roots, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (roots[i] == NULL)
      return false;
  return true;
}

bool ex_dag_build(struct ex_dag *d, const ex *roots, size_t n_roots) {
  struct walk w = {0};
  bool ok = true;
  *d = (struct ex_dag){.roots = roots, .n_roots = n_roots};
  for (size_t i = 0; ok && i < n_roots; i++)
    ok = roots[i] != NULL && walk_from(d, &w, roots[i]);
  free(w.frame);
  free(w.place);
  if (!ok)
    ex_dag_drop(d);
  if (!ok && none_is_missing(roots, n_roots))
    ex_node_fail(EX_ENOMEM);
  return ok;
}

bool ex_dag_make_values(struct ex_dag *d) {
  d->value = hc_scanned_alloc((d->n + 1) * sizeof *d->value);
  if (d->value == NULL) {
    ex_dag_drop(d);
    ex_node_fail(EX_ENOMEM);
  }
  return d->value != NULL;
}

void ex_dag_drop(struct ex_dag *d) {
  free(d->node);
  free(d->first);
  free(d->arg);
  free(d->slot);
  if (d->value != NULL)
    hc_scanned_free(d->value);
  d->node = NULL;
  d->first = NULL;
  d->arg = NULL;
  d->slot = NULL;
  d->value = NULL;
  for (size_t i = 0; i < d->n_roots; i++)
    hc_keep(d->roots[i]);
}

static ex rebuild_long(const struct ex_dag *d, size_t i) {
  ex e = d->node[i];
  size_t argc = argc_of(e);
  ex *args = hc_scanned_alloc(argc * sizeof *args);
  ex made;
  if (args == NULL)
    return NULL;
  for (size_t k = 0; k < argc; k++)
    args[k] = ex_dag_value(d, i, k);
  made = ex_node_rebuild(e, args);
  hc_scanned_free(args);
  return made;
}

ex ex_dag_rebuild(const struct ex_dag *d, size_t i) {
  ex e = d->node[i];
  ex args[8];
  if (argc_of(e) > 8)
    return rebuild_long(d, i);
  for (size_t k = 0; k < argc_of(e); k++)
    args[k] = ex_dag_value(d, i, k);
  return ex_node_rebuild(e, args);
}
