/* src/alloc/finalized.c: objects with a closure that runs when they die.
 * SPDX-License-Identifier: MIT
 */
#include "alloc/finalized.h"

#include "alloc/alloc.h"
#include "cycle/api_lock.h"
#include "cycle/deliver.h"
#include "cycle/gc_start.h"
#include "cycle/notifier.h"
#include "heap/find.h"

/* One kind for libgc's closures, one for ours; 0: not started. */
static _Atomic unsigned finalized_kind, own_kind;

static void **side_word(const void *object) {
  struct gc_object o;
  bool found = gc_find(object, &o);
  gc_check(found);
  return &gc_heap.blocks[o.block].side[o.slot];
}

/* Runs the closure once; an object without one just dies. */
static int run_closure(void *object, size_t bytes, void *cd) {
  void **word = side_word(object);
  const struct gc_finalized_closure *closure = *word;
  (void)bytes;
  (void)cd;
  *word = NULL;
  if (closure != NULL)
    closure->proc(object, closure->data);
  return 0;
}

/* A kept object has its closure for the next time. */
static int run_own_closure(void *object, size_t bytes, void *cd) {
  void **word = side_word(object);
  const struct gc_own_closure *closure = *word;
  (void)cd;
  int keep = closure == NULL ? 0 : closure->notify(object, bytes, closure->cd);
  if (!keep)
    *word = NULL;
  return keep;
}

static bool start_kind(_Atomic unsigned *out_kind, gc_notify_fn run,
                       unsigned flags) {
  const struct gc_notifier notifier = {run, NULL, NULL, "finalized"};
  gc_start();
  gc_api_lock();
  unsigned kind = gc_load_rlx(out_kind);
  if (kind == 0) {
    kind = gc_kind_new(0, true, true);
    if (kind != 0)
      gc_or_rlx(&gc_kinds[kind].flags, KIND_SIDE);
    if (kind != 0 && gc_deliver_register(kind, &notifier, KIND_HELD | flags))
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

static void *alloc_with_side(size_t bytes, unsigned kind, const void *closure) {
  void *object = gc_alloc(bytes, kind);
  struct gc_object o;
  if (object != NULL && gc_find(object, &o) && o.start == object)
    gc_heap.blocks[o.block].side[o.slot] = (void *)(uintptr_t)closure;
  return object;
}

void *gc_finalized_alloc(size_t bytes,
                         const struct gc_finalized_closure *closure) {
  if (gc_load_acq(&finalized_kind) == 0 && !gc_finalized_start(0))
    return NULL;
  return alloc_with_side(bytes, gc_load_acq(&finalized_kind), closure);
}

void *gc_finalized_own_alloc(size_t bytes,
                             const struct gc_own_closure *closure) {
  if (gc_load_acq(&own_kind) == 0 &&
      !(gc_notifier_start_queue() &&
        start_kind(&own_kind, run_own_closure, KIND_PROPER | KIND_OWN_FREE)))
    return NULL;
  return alloc_with_side(bytes, gc_load_acq(&own_kind), closure);
}
