/* extra/hexpr/scope.c: rewriting of leaves with the binders around them. SPDX-License-Identifier: MIT */
/* A depth-first walk with an explicit stack. Results wait on a second stack
 * until the node above is complete; both that stack and the memo's values lie
 * in scanned memory, since nothing else may refer to them. */
#include "hexpr/scope.h"

#include <stdlib.h>
#include <string.h>

struct frame {
  ex node;
  uint32_t depth;
  uint32_t next;
};

struct memo_key {
  ex node;
  uint32_t depth;
};

struct walk {
  const struct ex_scope *scope;
  struct frame *frame;
  size_t frames;
  size_t frame_room;
  ex *result; /* scanned */
  size_t results;
  size_t result_room;
  struct memo_key *key;
  ex *value; /* scanned; of the key at the same place */
  size_t used;
  unsigned bits;
  bool failed;
};

bool ex_scope_is_inside(ex e, size_t i) {
  return kind_of(e) == EX_TERM && i + 1 == argc_of(e) &&
         (ex_op_flags(ex_op_of(e)) & EX_BINDER) != 0;
}

static void fail(struct walk *w) {
  ex_node_fail(EX_ENOMEM);
  w->failed = true;
}

/* ---- Stacks ---- */

static ex *moved(ex *old, size_t n, size_t room) {
  ex *bigger = hc_scanned_alloc(room * sizeof *bigger);
  if (bigger != NULL && old != NULL) {
    memcpy(bigger, old, n * sizeof *old);
    hc_scanned_free(old);
  }
  return bigger;
}

static void push_result(struct walk *w, ex e) {
  if (e == NULL) {
    w->failed = true;
    return;
  }
  if (w->results == w->result_room) {
    size_t room = w->result_room == 0 ? 64 : 2 * w->result_room;
    ex *bigger = moved(w->result, w->results, room);
    if (bigger == NULL) {
      fail(w);
      return;
    }
    w->result = bigger;
    w->result_room = room;
  }
  w->result[w->results++] = e;
}

static void push_frame(struct walk *w, ex e, uint32_t depth) {
  if (w->frames == w->frame_room) {
    size_t room = w->frame_room == 0 ? 64 : 2 * w->frame_room;
    struct frame *bigger = realloc(w->frame, room * sizeof *bigger);
    if (bigger == NULL) {
      fail(w);
      return;
    }
    w->frame = bigger;
    w->frame_room = room;
  }
  w->frame[w->frames++] = (struct frame){e, depth, 0};
}

/* ---- Memo ---- */

static size_t place_of(const struct walk *w, struct memo_key k) {
  size_t mask = ((size_t)1 << w->bits) - 1;
  uint64_t h = ((uint64_t)(uintptr_t)k.node ^ (uint64_t)k.depth << 32) *
               UINT64_C(0x9e3779b97f4a7c15);
  size_t i = h >> (64 - w->bits);
  while (w->key[i].node != NULL &&
         (w->key[i].node != k.node || w->key[i].depth != k.depth))
    i = (i + 1) & mask;
  return i;
}

static bool grow_memo(struct walk *w) {
  struct walk bigger = *w;
  size_t size = w->key == NULL ? 0 : (size_t)1 << w->bits;
  bigger.bits = w->key == NULL ? 7 : w->bits + 1;
  bigger.key = calloc((size_t)1 << bigger.bits, sizeof *bigger.key);
  bigger.value =
      hc_scanned_alloc(((size_t)1 << bigger.bits) * sizeof *bigger.value);
  if (bigger.key == NULL || bigger.value == NULL) {
    free(bigger.key);
    return false;
  }
  for (size_t i = 0; i < size; i++)
    if (w->key[i].node != NULL) {
      size_t to = place_of(&bigger, w->key[i]);
      bigger.key[to] = w->key[i];
      bigger.value[to] = w->value[i];
    }
  free(w->key);
  if (w->value != NULL)
    hc_scanned_free(w->value);
  *w = bigger;
  return true;
}

static ex recall(const struct walk *w, struct memo_key k) {
  ex known = w->key == NULL ? NULL : w->value[place_of(w, k)];
  void *noted;
  if (known == NULL && w->scope->memo != NULL &&
      hc_memo_get(w->scope->memo, k.node, &noted))
    known = noted;
  return known;
}

/* A memo without memory forgets, which costs time only. */
static void remember(struct walk *w, struct memo_key k, ex e) {
  size_t i;
  if (w->scope->every_occurrence)
    return;
  if (w->scope->memo != NULL)
    hc_memo_put(w->scope->memo, k.node, e);
  if ((w->key == NULL || 4 * w->used >= (size_t)3 << w->bits) &&
      !grow_memo(w)) {
    fail(w);
    return;
  }
  i = place_of(w, k);
  w->key[i] = k;
  w->value[i] = e;
  w->used++;
}

/* ---- The walk ---- */

static bool is_unaffected(const struct walk *w, ex e, uint32_t depth) {
  unsigned open;
  if (!w->scope->loose_only)
    return false;
  open = ex_node_open(e);
  return open != EX_OPEN_MANY && open <= depth;
}

static void visit(struct walk *w, ex e, uint32_t depth) {
  ex known;
  if (is_unaffected(w, e, depth))
    push_result(w, e);
  else if (is_leaf(e) && w->scope->leaf != NULL)
    push_result(w, w->scope->leaf(w->scope->closure, e, depth));
  else {
    known = recall(w, (struct memo_key){e, depth});
    if (known != NULL)
      push_result(w, known);
    else
      push_frame(w, e, depth);
  }
}

static void complete(struct walk *w) {
  struct frame top = w->frame[--w->frames];
  ex made;
  w->results -= argc_of(top.node);
  made = ex_node_rebuild(top.node, w->result + w->results);
  if (made != NULL && w->scope->node != NULL)
    made = w->scope->node(w->scope->closure, made);
  push_result(w, made);
  if (!w->failed)
    remember(w, (struct memo_key){top.node, top.depth}, made);
}

static void descend(struct walk *w, struct frame *top) {
  uint32_t i = top->next++;
  uint32_t depth = top->depth;
  if (!w->scope->every_depth && ex_scope_is_inside(top->node, i))
    depth++;
  visit(w, arg_of(top->node, i), depth);
}

ex ex_scope_rewrite(ex root, const struct ex_scope *s) {
  struct walk w = {.scope = s};
  ex e;
  if (root == NULL)
    return NULL;
  visit(&w, root, 0);
  while (w.frames > 0 && !w.failed) {
    struct frame *top = &w.frame[w.frames - 1];
    if (top->next < argc_of(top->node))
      descend(&w, top);
    else
      complete(&w);
  }
  e = w.failed ? NULL : w.result[0];
  free(w.frame);
  free(w.key);
  if (w.result != NULL)
    hc_scanned_free(w.result);
  if (w.value != NULL)
    hc_scanned_free(w.value);
  hc_keep(root);
  return e;
}
