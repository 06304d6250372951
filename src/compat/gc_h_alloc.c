/* src/compat/gc_h_alloc.c: gc.h: allocation and questions about addresses.
 * SPDX-License-Identifier: MIT
 *
 * The two functions that programs call most are the core's inlined fast path
 * and nothing else.
 */
#include "alloc/alloc_inline.h"
#include "alloc/free_realloc.h"
#include "alloc/sited.h"
#include "compat/compat.h"

#include <errno.h>
#include <string.h>
#include <wchar.h>

/* ---- Objects ---- */

void *GC_malloc(size_t bytes) { return gc_alloc_fast(bytes, KIND_NORMAL); }

void *GC_malloc_atomic(size_t bytes) {
  return gc_alloc_fast(bytes, KIND_ATOMIC);
}

void *GC_malloc_uncollectable(size_t bytes) {
  return gc_alloc(bytes, KIND_UNCOLL);
}

void *GC_malloc_atomic_uncollectable(size_t bytes) {
  return gc_alloc(bytes, KIND_ATOMIC_UNCOLL);
}

void *GC_malloc_ignore_off_page(size_t bytes) {
  return gc_alloc_ignore_off_page(bytes, KIND_NORMAL);
}

void *GC_malloc_atomic_ignore_off_page(size_t bytes) {
  return gc_alloc_ignore_off_page(bytes, KIND_ATOMIC);
}

void *GC_malloc_many(size_t bytes) {
  gc_start();
  size_t with_spare = bytes + gc_heap.slop;
  void *list =
      gc_alloc_many(with_spare < bytes ? bytes : with_spare, KIND_NORMAL);
  return list != NULL ? list : gc_alloc_failed(bytes);
}

void *GC_realloc(void *object, size_t bytes) {
  return gc_unlikely(gc_sited_has(object))
             ? gc_sited_realloc(object, bytes, "GC_realloc", 0)
             : gc_realloc(object, bytes);
}

void GC_free(void *object) { gc_free(object); }

/* ---- Aligned objects ---- */

static bool is_power_of_two(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

void *GC_memalign(size_t align, size_t bytes) {
  return gc_alloc_aligned(align, bytes, KIND_NORMAL);
}

int GC_posix_memalign(void **out, size_t align, size_t bytes) {
  if (!is_power_of_two(align) || align < sizeof(void *))
    return EINVAL;
  void *p = gc_alloc_aligned(align, bytes, KIND_NORMAL);
  if (p == NULL)
    return ENOMEM;
  *out = p;
  return 0;
}

/* ---- Strings ---- */

/* A pointer-free copy of `used` bytes, and zeroes up to `bytes`. */
static void *copy_text(const void *text, size_t used, size_t bytes) {
  char *copy = gc_alloc(bytes, KIND_ATOMIC);
  if (copy == NULL) {
    errno = ENOMEM;
    return NULL;
  }
  memset(copy + used, 0, bytes - used);
  return memcpy(copy, text, used);
}

char *GC_strdup(const char *text) {
  if (text == NULL)
    return NULL;
  size_t bytes = strlen(text) + 1;
  return copy_text(text, bytes, bytes);
}

char *GC_strndup(const char *text, size_t n) {
  size_t used = strnlen(text, n);
  return copy_text(text, used, used + 1);
}

wchar_t *GC_wcsdup(const wchar_t *text) {
  size_t bytes = (wcslen(text) + 1) * sizeof(wchar_t);
  return copy_text(text, bytes, bytes);
}

/* ---- Addresses ---- */

void *GC_base(void *p) { return gc_base(p); }

size_t GC_size(const void *object) { return gc_usable_size(object); }

int GC_is_heap_ptr(const void *p) { return gc_heap_has(p); }

/* One past the end of the object counts: that is its spare byte or, where
 * objects have none, perhaps the start of the next one. */
static bool lies_in_object_of(const char *p, const void *q) {
  const char *base = gc_base(q);
  return base != NULL && p >= base && p <= base + gc_size(base) - gc_heap.slop;
}

void *GC_same_obj(void *p, void *q) {
  bool is_heap = gc_base(q) != NULL || gc_base(p) != NULL;
  if (is_heap && !lies_in_object_of(p, q) && !lies_in_object_of(q, p))
    GC_same_obj_print_proc(p, q);
  return p;
}

void *GC_pre_incr(void **p, ptrdiff_t n) {
  *p = GC_same_obj((char *)*p + n, *p);
  return *p;
}

void *GC_post_incr(void **p, ptrdiff_t n) {
  void *old = *p;
  *p = GC_same_obj((char *)old + n, old);
  return old;
}

/* ---- Values that the compiler must not see through ---- */

void GC_noop1(GC_word value) { __asm__ __volatile__("" : : "r"(value)); }

void GC_end_stubborn_change(const void *object) {
  (void)object;
  gc_fence_rel();
}

void GC_ptr_store_and_dirty(void *slot, const void *value) {
  *(const void **)slot = value;
  GC_end_stubborn_change(slot);
  GC_reachable_here(value);
}
