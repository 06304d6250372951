/* src/compat/gc_typed_h.c: gc_typed.h. SPDX-License-Identifier: MIT
 */
#include "alloc/typed.h"
#include "compat/compat.h"
#include "mark/typed.h"

GC_descr GC_make_descriptor(const GC_word *bitmap, size_t words) {
  gc_start();
  gc_typed_start();
  return gc_typed_descriptor(bitmap, words);
}

void *GC_malloc_explicitly_typed(size_t bytes, GC_descr descriptor) {
  return gc_typed_alloc(bytes, descriptor, false);
}

void *GC_malloc_explicitly_typed_ignore_off_page(size_t bytes,
                                                 GC_descr descriptor) {
  return gc_typed_alloc(bytes, descriptor, true);
}

void *GC_calloc_explicitly_typed(size_t count, size_t bytes,
                                 GC_descr descriptor) {
  return gc_typed_alloc_array(count, bytes, descriptor);
}
