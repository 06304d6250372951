/* src/heap/layout.c: descriptors and the table of mark procedures.
 * SPDX-License-Identifier: MIT
 */
#include "heap/layout.h"

static gc_mark_proc _Atomic procs[GC_MAX_MARK_PROCS];
/* The first numbers are reserved by libgc's headers. */
#define RESERVED_PROCS 8u
static _Atomic uint32_t proc_count = RESERVED_PROCS;

unsigned gc_layout_new_proc(gc_mark_proc proc) {
  uint32_t i = gc_load_rlx(&proc_count);
  do {
    if (i >= GC_MAX_MARK_PROCS)
      return GC_MAX_MARK_PROCS;
  } while (!gc_cas_acq_rel(&proc_count, &i, i + 1));
  gc_store_rel(&procs[i], proc);
  return i;
}

void gc_layout_set_proc(unsigned index, gc_mark_proc proc) {
  gc_check(index < GC_MAX_MARK_PROCS);
  gc_store_rel(&procs[index], proc);
}

gc_mark_proc gc_layout_proc(unsigned index) {
  return gc_load_acq(&procs[index & (GC_MAX_MARK_PROCS - 1)]);
}

gc_scans_memory static uint64_t read_word(const char *p) {
  return *(const uint64_t *)(const void *)p;
}

/* The word that a per-object descriptor names. A type record that word 0 does
 * not point to yet means an object under construction: nothing to scan. */
static uint64_t per_object(uint64_t d, const char *object) {
  int64_t displacement = (int64_t)(d & ~(uint64_t)DESC_TAG_MASK);
  if (displacement >= 0)
    return read_word(object + displacement);
  const char *type = (const char *)read_word(object);
  if (type == NULL)
    return 0;
  return read_word(type - (displacement + DESC_INDIRECT_BIAS));
}

uint64_t gc_layout_resolve(uint64_t d, const char *object) {
  return (d & DESC_TAG_MASK) == DESC_PER_OBJECT ? per_object(d, object) : d;
}

uint64_t gc_layout_descriptor(unsigned kind, const char *object, size_t bytes) {
  uint64_t d = gc_kinds[kind].descriptor;
  if (gc_kinds[kind].adjust)
    d += bytes;
  return gc_layout_resolve(d, object);
}
