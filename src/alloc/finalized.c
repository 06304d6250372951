/* src/alloc/finalized.c: objects with a closure that runs when they die.
 * SPDX-License-Identifier: MIT
 */
#include "alloc/finalized.h"

#include "alloc/alloc.h"
#include "alloc/debug_alloc.h"
#include "cycle/api_lock.h"
#include "cycle/deliver.h"
#include "cycle/gc_start.h"
#include "cycle/notifier.h"
#include "heap/find.h"
#include "heap/side.h"
#include "notify/debug.h"
#include "reclaim/large.h"
#include "reclaim/pool.h"

/* One kind for libgc's closures, one for ours, and its debug form; 0: not started. */
static _Atomic unsigned finalized_kind, own_kind, debug_kind;

static void *_Atomic *side_word(const void *object) {
  struct gc_object o;
  bool found = gc_find(object, &o);
  gc_check(found);
  return &gc_heap.blocks[o.block].side[o.slot];
}

/* Runs the closure once; an object without one just dies. */
static int run_closure(void *object, size_t bytes, void *cd) {
  void *_Atomic *word = side_word(object);
  const struct gc_finalized_closure *closure = gc_load_rlx(word);
  (void)bytes;
  (void)cd;
  gc_store_rlx(word, NULL);
  if (closure != NULL)
    closure->proc(object, closure->data);
  return 0;
}

/* A kept object has its closure for the next time. */
static int run_own_closure(void *object, size_t bytes, void *cd) {
  void *_Atomic *word = side_word(object);
  const struct gc_own_closure *closure = gc_load_rlx(word);
  (void)cd;
  int keep = closure == NULL ? 0 : closure->notify(object, bytes, closure->cd);
  if (!keep)
    gc_store_rlx(word, NULL);
  return keep;
}

static bool start_kind(_Atomic unsigned *out_kind, gc_notify_fn run,
                       unsigned flags) {
  bool is_debug = flags & KIND_DEBUG;
  const struct gc_notifier notifier = {
      is_debug ? gc_debug_notify : run, NULL, NULL, NULL, NULL, "finalized"};
  gc_start();
  gc_api_lock();
  unsigned kind = gc_load_rlx(out_kind);
  if (kind == 0) {
    kind = gc_kind_new(0, true, true);
    if (kind != 0)
      gc_or_rlx(&gc_kinds[kind].flags, KIND_SIDE | (flags & KIND_DEBUG));
    if (kind != 0 && (!is_debug || gc_debug_register(kind, run)) &&
        gc_deliver_register(kind, &notifier, KIND_HELD | flags))
      gc_store_rel(out_kind, kind);
    else
      kind = 0;
  }
  gc_api_unlock();
  return kind != 0;
}

bool gc_finalized_start(unsigned flags) {
  return start_kind(&finalized_kind, run_closure, flags);
}

static void *with_side(void *object, const void *closure) {
  struct gc_object o;
  if (object != NULL && gc_find(object, &o) && o.start == object)
    gc_store_rlx(&gc_heap.blocks[o.block].side[o.slot],
                 (void *)(uintptr_t)closure);
  return object;
}

void *gc_finalized_alloc(size_t bytes,
                         const struct gc_finalized_closure *closure) {
  if (gc_load_acq(&finalized_kind) == 0 && !gc_finalized_start(0))
    return NULL;
  return with_side(gc_alloc(bytes, gc_load_acq(&finalized_kind)), closure);
}

/* The collector starts before its threads do: they register with it. */
static bool start_own_kind(void) {
  gc_start();
  return gc_notifier_start_queue() &&
         start_kind(&own_kind, run_own_closure, KIND_PROPER | KIND_OWN_FREE);
}

void *gc_finalized_own_alloc(size_t bytes,
                             const struct gc_own_closure *closure) {
  if (gc_load_acq(&own_kind) == 0 && !start_own_kind())
    return NULL;
  return with_side(gc_alloc(bytes, gc_load_acq(&own_kind)), closure);
}

static bool start_debug_kind(void) {
  gc_start();
  return gc_notifier_start_queue() &&
         start_kind(&debug_kind, run_own_closure,
                    KIND_PROPER | KIND_OWN_FREE | KIND_DEBUG);
}

void *gc_finalized_debug_alloc(size_t bytes,
                               const struct gc_own_closure *closure,
                               const char *file, unsigned line) {
  if (gc_load_acq(&debug_kind) == 0 && !start_debug_kind())
    return NULL;
  unsigned kind = gc_load_acq(&debug_kind);
  return with_side(gc_debug_alloc(bytes, kind, file, line), closure);
}

/* ---- Taking closures away ---- */

struct code_range {
  uintptr_t low, high;
  unsigned kind;
};

/* Both forms of a closure begin with the procedure. */
static bool is_in_range(const struct code_range *r, void *const *closure) {
  uintptr_t proc = closure == NULL ? 0 : (uintptr_t)*closure;
  return proc >= r->low && proc < r->high;
}

static void cancel_in_block(const struct code_range *r, gc_block_id b) {
  struct gc_block *block = &gc_heap.blocks[b];
  for (unsigned s = 0; block->side != NULL && s < block->slots; s++)
    if ((gc_map_test(b, s, 0) || gc_map_test(b, s, 1)) &&
        is_in_range(r, gc_side_word(block, s)))
      gc_store_rlx(&block->side[s], NULL);
}

static void cancel_if_of_kind(gc_block_id head, void *cx) {
  const struct code_range *r = cx;
  if (gc_hot_kind(gc_block_hot(head)) == r->kind)
    cancel_in_block(r, head);
}

static void cancel_in_kind(struct code_range *r, unsigned kind) {
  r->kind = kind;
  for (unsigned c = 1; kind != 0 && c < gc_sizes.count; c++) {
    struct gc_pool *pool = &gc_kinds[kind].pools[c];
    gc_lock(&pool->lock);
    for (uint32_t i = 0; i < pool->count; i++)
      cancel_in_block(r, pool->blocks[i]);
    gc_unlock(&pool->lock);
  }
  if (kind != 0)
    gc_large_each(cancel_if_of_kind, r);
}

/* The api lock keeps collections away, and so the notifiers of simple mode. */
void gc_finalized_cancel(const void *low, const void *high) {
  struct code_range r = {(uintptr_t)low, (uintptr_t)high, 0};
  gc_api_lock();
  cancel_in_kind(&r, gc_load_acq(&finalized_kind));
  cancel_in_kind(&r, gc_load_acq(&own_kind));
  cancel_in_kind(&r, gc_load_acq(&debug_kind));
  gc_api_unlock();
}
