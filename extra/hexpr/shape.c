/* extra/hexpr/shape.c: weight, binders wanted and hash of an expression. SPDX-License-Identifier: MIT */
/* A compound's shape is worked out from those of its operands when somebody wants it, and
 * then kept in the node; most nodes die before. The word is 0 before that, and again after
 * the node was dead and revived, for its operands may have died before it and be others
 * now (hc_revive_fn). Any number of threads may work out one shape: all get the same.
 *
 * Nothing may fail here, as the order of expressions cannot. So the way down to operands
 * that have no shape is kept in an array of limited size; when it is full and there is no
 * larger one, every other step is forgotten, and found again from the one above when its
 * turn comes. With room for MOST_STEPS that happens a few times at most for each step of
 * any chain that fits the memory; without memory for that, it takes long. */
#include "hexpr/node.h"

#include "hexpr/ops.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_STEPS = 64, MOST_STEPS = 1 << 18 };

/* All operands before `next` have their shape, or had. */
struct step {
  ex node;
  size_t next;
};

static uint32_t fold(uint64_t a, uint64_t b) {
  unsigned __int128 product =
      (unsigned __int128)(a ^ UINT64_C(0x9e3779b97f4a7c15)) *
      (b ^ UINT64_C(0xd1b54a32d192ed03));
  return (uint32_t)(product >> 64) ^ (uint32_t)product;
}

static uint64_t pack(uint32_t weight, unsigned open, uint32_t hash) {
  return UINT64_C(1) << 63 | (uint64_t)(hash & 0x7fffff) << 40 |
         (uint64_t)open << 32 | weight;
}

/* ---- One node ---- */

static uint64_t leaf_shape(ex e) {
  uint32_t hash = fold(kind_of(e), 0);
  uintptr_t open = kind_of(e) == EX_BVAR ? hc_key(e)[0] + 1 : 0;
  for (size_t i = 0; i < hc_words(e); i++)
    hash = fold(hash, hc_key(e)[i]);
  return pack(1, open < EX_OPEN_MANY ? (unsigned)open : EX_OPEN_MANY, hash);
}

/* 0 for a compound whose shape is not known. */
static uint64_t known_shape(ex e) {
  return is_leaf(e) ? leaf_shape(e)
                    : __atomic_load_n(hc_extra(e), __ATOMIC_RELAXED);
}

/* What an operand wants, seen from outside its operator. */
static unsigned open_outside(unsigned open, bool is_bound) {
  return is_bound && open > 0 && open < EX_OPEN_MANY ? open - 1 : open;
}

/* 0 if an operand's is not known, which is then that of *AT. */
static uint64_t compound_shape(ex e, size_t *at) {
  const uintptr_t *key = hc_key(e);
  size_t words = hc_words(e);
  bool is_term = kind_of(e) == EX_TERM;
  bool binds = is_term && (ex_op_flags(term_op_of(e)) & EX_BINDER) != 0;
  uint64_t sum = 1;
  uint32_t most = (uint32_t)1 << 31;
  unsigned open = 0;
  uint32_t hash = fold(op_of(e), kind_of(e));
  if (is_term)
    hash = fold(hash, ex_op_hash(term_op_of(e)));
  for (size_t i = is_term ? head_of(e) : 0; i < words; i++) {
    uint64_t shape = known_shape((ex)key[i]);
    uint32_t weight = ex_node_weight(shape);
    unsigned wants = open_outside(shape >> 32 & 255, binds && i + 1 == words);
    *at = i;
    if (shape == 0)
      return 0;
    hash = fold(hash, shape >> 40);
    sum += weight;
    most = weight > most ? weight : most;
    open = wants > open ? wants : open;
  }
  return pack(sum >> 31 == 0 ? (uint32_t)sum : most + 1, open, hash);
}

/* ---- All below ---- */

/* From S->next on, the first operand whose shape is not known; NULL if there is none, and
 * the shape is in the node now. */
static ex next_unknown(struct step *s) {
  const uintptr_t *key = hc_key(s->node);
  size_t words = hc_words(s->node);
  uint64_t shape;
  for (; s->next < words; s->next++)
    if (known_shape((ex)key[s->next]) == 0)
      return (ex)key[s->next];
  shape = compound_shape(s->node, &s->next);
  if (shape == 0)
    return (ex)key[s->next];
  __atomic_store_n(hc_extra(s->node), shape, __ATOMIC_RELAXED);
  return NULL;
}

struct way {
  struct step *step; /* `few`, or of malloc */
  size_t n;
  size_t room;
  struct step few[FIRST_STEPS];
};

static bool widen(struct way *w) {
  struct step *more = w->step == w->few ? NULL : w->step;
  if (w->room == MOST_STEPS)
    return false;
  more = realloc(more, 2 * w->room * sizeof *more);
  if (more == NULL)
    return false;
  if (w->step == w->few)
    memcpy(more, w->few, sizeof w->few);
  w->step = more;
  w->room *= 2;
  return true;
}

static void forget_half(struct way *w) {
  for (size_t i = 0; 2 * i < w->n; i++)
    w->step[i] = w->step[2 * i];
  w->n = (w->n + 1) / 2;
}

static void push(struct way *w, ex e) {
  size_t first = kind_of(e) == EX_TERM ? head_of(e) : 0;
  if (w->n == w->room && !widen(w))
    forget_half(w);
  w->step[w->n++] = (struct step){e, first};
}

static void work_out(ex top) {
  struct way w = {.n = 0, .room = FIRST_STEPS};
  w.step = w.few;
  push(&w, top);
  while (w.n > 0) {
    ex below = next_unknown(&w.step[w.n - 1]);
    if (below == NULL)
      w.n--;
    else
      push(&w, below);
  }
  if (w.step != w.few)
    free(w.step);
}

uint64_t ex_node_shape(ex e) {
  uint64_t shape;
  while ((shape = known_shape(e)) == 0)
    work_out(e);
  return shape;
}

void ex_node_forget_shape(void *node, void *closure) {
  (void)closure;
  if (__atomic_load_n(hc_extra(node), __ATOMIC_RELAXED) != 0)
    __atomic_store_n(hc_extra(node), 0, __ATOMIC_RELAXED);
}
