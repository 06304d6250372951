/* src/compat/gc_gcj_h.c: gc_gcj.h. SPDX-License-Identifier: MIT
 *
 * The kind of debugging objects is scanned by the program's procedure, which is told
 * by its environment that the object follows a header.
 */
#include "alloc/typed.h"
#include "compat/compat.h"
#include "cycle/api_lock.h"

int GC_gcj_kind, GC_gcj_debug_kind;

static _Atomic bool is_ready;

static unsigned gcj_kind_or_die(unsigned kind) {
  if (kind == 0)
    gc_fatal("GC_init_gcj_malloc: too many object kinds (%u), or no memory",
             GC_MAX_KINDS);
  return kind;
}

void GC_init_gcj_malloc(int index, void *proc) {
  gc_start();
  gc_check(index >= 0 && index < GC_MAX_MARK_PROCS);
  gc_api_lock();
  if (!gc_load_rlx(&is_ready)) {
    gc_layout_set_proc((unsigned)index, (gc_mark_proc)proc);
    GC_gcj_kind = (int)gcj_kind_or_die(gc_typed_record_kind(sizeof(GC_word)));
    GC_gcj_debug_kind = (int)gcj_kind_or_die(
        gc_kind_new(GC_MAKE_PROC((unsigned)index, 1), false, true));
    gc_store_rel(&is_ready, true);
  }
  gc_api_unlock();
}

static unsigned ready_kind(void) {
  gc_check(gc_load_acq(&is_ready)); /* GC_init_gcj_malloc comes first */
  return (unsigned)GC_gcj_kind;
}

void *GC_gcj_malloc(size_t bytes, void *vtable) {
  return gc_typed_alloc_record(bytes, ready_kind(), vtable, false);
}

void *GC_gcj_malloc_ignore_off_page(size_t bytes, void *vtable) {
  return gc_typed_alloc_record(bytes, ready_kind(), vtable, true);
}
