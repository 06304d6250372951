/* src/compat/gc_dump_h.c: looking at the heap. SPDX-License-Identifier: MIT
 */
#include "compat/compat.h"
#include "diag/dump.h"

void GC_dump_named(const char *name) { gc_dump_all(name); }

void GC_dump(void) { GC_dump_named(NULL); }

void GC_dump_regions(void) { gc_dump_regions(); }

void GC_dump_finalization(void) { gc_dump_finals(); }

void GC_print_free_list(int kind, size_t granules) {
  gc_dump_free(gc_compat_kind(kind), granules << GC_GRANULE_SHIFT);
}

void GC_enumerate_reachable_objects_inner(GC_reachable_object_proc proc,
                                          void *data) {
  gc_start();
  gc_each_object(proc, data);
}
