/* src/compat/gc_inline_h.c: gc_inline.h: allocation by kind, lists of cells.
 * SPDX-License-Identifier: MIT
 */
#include "alloc/alloc_inline.h"
#include "compat/compat.h"

void *GC_malloc_kind(size_t bytes, int kind) {
  switch (kind) {
  case KIND_ATOMIC:
    return gc_alloc_fast(bytes, KIND_ATOMIC);
  case KIND_NORMAL:
    return gc_alloc_fast(bytes, KIND_NORMAL);
  default:
    return gc_alloc(bytes, gc_compat_kind(kind));
  }
}

void *GC_malloc_kind_global(size_t bytes, int kind) {
  return gc_alloc(bytes, gc_compat_kind(kind));
}

void GC_generic_malloc_many(size_t bytes, int kind, void **list) {
  *list = gc_alloc_many(bytes, gc_compat_kind(kind));
}
