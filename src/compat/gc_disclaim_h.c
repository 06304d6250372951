/* src/compat/gc_disclaim_h.c: gc_disclaim.h. SPDX-License-Identifier: MIT
 */
#include "alloc/finalized.h"
#include "compat/compat.h"
#include "cycle/deliver.h"
#include "cycle/notifier.h"

#include <errno.h>

#include <gcx/reclaim.h>

/* KIND_PROPER once gcx_set_disclaim_mode has moved the procedures of this
 * interface to the notifier threads. */
static _Atomic unsigned mode_flags;

int gcx_set_disclaim_mode(gcx_mode mode) {
  if (mode != GCX_MODE_PROPER && mode != GCX_MODE_SIMPLE)
    return EINVAL;
  gc_start();
  if (mode == GCX_MODE_PROPER && !gc_notifier_start_queue())
    return EAGAIN;
  gc_store_rlx(&mode_flags, mode == GCX_MODE_PROPER ? KIND_PROPER : 0);
  return 0;
}

static int call_procedure(void *object, size_t bytes, void *proc) {
  (void)bytes;
  return proc == NULL ? 0 : ((GC_disclaim_proc)proc)(object);
}

void GC_register_disclaim_proc(int kind, GC_disclaim_proc proc,
                               int mark_from_all) {
  const struct gc_notifier notifier = {
      call_procedure, (void *)proc, NULL, (const void *)proc, NULL, "disclaim"};
  gc_start();
  if (!gc_deliver_register(gc_compat_kind(kind), &notifier,
                           gc_load_rlx(&mode_flags) | KIND_BATCH |
                               (mark_from_all != 0 ? KIND_HELD : 0)))
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
  if (!gc_finalized_start(gc_load_rlx(&mode_flags)))
    gc_fatal("GC_init_finalized_malloc: no memory for the kind's tables");
}

void *GC_finalized_malloc(size_t bytes,
                          const struct GC_finalizer_closure *closure) {
  return gc_finalized_alloc(bytes,
                            (const struct gc_finalized_closure *)closure);
}
