/* src/alloc/finalized.c: objects with a closure that runs when they die.
 * SPDX-License-Identifier: MIT
 */
#include "alloc/finalized.h"

#include "alloc/alloc.h"
#include "cycle/api_lock.h"
#include "cycle/deliver.h"
#include "cycle/gc_start.h"
#include "heap/find.h"

static _Atomic unsigned finalized_kind; /* 0: not started */

static void **side_word(const void *object) {
  struct gc_object o;
  bool found = gc_find(object, &o);
  gc_check(found);
  return &gc_heap.blocks[o.block].side[o.slot];
}

/* Runs the closure once; an object without one just dies. */
static int run_closure(void *object) {
  void **word = side_word(object);
  const struct gc_finalized_closure *closure = *word;
  *word = NULL;
  if (closure != NULL)
    closure->proc(object, closure->data);
  return 0;
}

bool gc_finalized_start(void) {
  gc_start();
  gc_api_lock();
  unsigned kind = gc_load_rlx(&finalized_kind);
  if (kind == 0) {
    kind = gc_kind_new(0, true, true);
    if (kind != 0)
      gc_or_rlx(&gc_kinds[kind].flags, KIND_SIDE);
    if (kind != 0 && gc_deliver_register(kind, run_closure, true))
      gc_store_rel(&finalized_kind, kind);
    else
      kind = 0;
  }
  gc_api_unlock();
  return kind != 0;
}

void *gc_finalized_alloc(size_t bytes,
                         const struct gc_finalized_closure *closure) {
  unsigned kind = gc_load_acq(&finalized_kind);
  if (kind == 0 && !gc_finalized_start())
    return NULL;
  void *object = gc_alloc(bytes, gc_load_acq(&finalized_kind));
  struct gc_object o;
  if (object != NULL && gc_find(object, &o) && o.start == object)
    gc_heap.blocks[o.block].side[o.slot] = (void *)(uintptr_t)closure;
  return object;
}
