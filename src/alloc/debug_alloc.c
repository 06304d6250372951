/* src/alloc/debug_alloc.c: allocation of debug kinds. SPDX-License-Identifier: MIT
 */
#include "alloc/debug_alloc.h"

#include "alloc/alloc.h"
#include "alloc/free_realloc.h"
#include "notify/debug.h"

/* Until the record is full nobody looks at the object. */
void *gc_debug_alloc(size_t bytes, unsigned kind, const char *file,
                     unsigned line) {
  struct gc_object o;
  size_t with_zone = bytes + GC_RED_BYTES;
  void *p = gc_alloc(with_zone > bytes ? with_zone : bytes, kind);
  if (p != NULL && gc_find(p, &o) && o.start == p && o.kind == kind)
    gc_debug_fill_record(&o, bytes, file, line);
  return p;
}

void *gc_debug_realloc(const struct gc_object *o, void *object, size_t bytes) {
  struct gc_debug_record *r = gc_debug_record_of(o);
  size_t offset = (size_t)((char *)object - o->start);
  size_t usable = gc_debug_usable(o);
  size_t keep = offset < usable ? usable - offset : 0;
  if (!gc_debug_on_free(o))
    return NULL;
  void *to = gc_debug_alloc(bytes, o->kind, r->file, r->line);
  if (to == NULL) {
    r->is_freed = false;
    return NULL;
  }
  __builtin_memcpy(to, object, keep < bytes ? keep : bytes);
  gc_free(o->start);
  return to;
}
