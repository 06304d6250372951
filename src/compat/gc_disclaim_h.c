/* src/compat/gc_disclaim_h.c: gc_disclaim.h. SPDX-License-Identifier: MIT
 */
#include "alloc/finalized.h"
#include "compat/compat.h"
#include "cycle/deliver.h"

void GC_register_disclaim_proc(int kind, GC_disclaim_proc proc,
                               int mark_from_all) {
  gc_start();
  if (!gc_deliver_register(gc_compat_kind(kind), proc, mark_from_all != 0))
    gc_fatal("GC_register_disclaim_proc: no memory for the kind's tables");
}

/* ---- Objects with closures ---- */

_Static_assert(sizeof(struct GC_finalizer_closure) ==
                       sizeof(struct gc_finalized_closure) &&
                   offsetof(struct GC_finalizer_closure, cd) ==
                       offsetof(struct gc_finalized_closure, data),
               "the client's closure is the core's");

void GC_init_finalized_malloc(void) {
  gc_start();
  if (!gc_finalized_start())
    gc_fatal("GC_init_finalized_malloc: no memory for the kind's tables");
}

void *GC_finalized_malloc(size_t bytes,
                          const struct GC_finalizer_closure *closure) {
  return gc_finalized_alloc(bytes,
                            (const struct gc_finalized_closure *)closure);
}
