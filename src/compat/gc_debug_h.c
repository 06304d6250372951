/* src/compat/gc_debug_h.c: gc_debug.h: allocation with sites. SPDX-License-Identifier: MIT
 */
#include "alloc/free_realloc.h"
#include "alloc/sited.h"
#include "compat/compat.h"
#include "diag/told.h"
#include "heap/sited.h"
#include "plat/plat.h"

#include <string.h>
#include <wchar.h>

const size_t GC_debug_header_size = sizeof(struct gc_sited);

size_t GC_get_debug_header_size(void) { return GC_debug_header_size; }

static void *alloc_with_site(size_t bytes, unsigned kind, const char *file,
                             int line) {
  return gc_sited_alloc(bytes, kind, file == NULL ? "unknown" : file,
                        line < 0 ? 0 : (unsigned)line);
}

/* ---- Objects ---- */

void *GC_debug_malloc(size_t bytes, const char *file, int line) {
  return alloc_with_site(bytes, KIND_NORMAL, file, line);
}

void *GC_debug_malloc_atomic(size_t bytes, const char *file, int line) {
  return alloc_with_site(bytes, KIND_ATOMIC, file, line);
}

void *GC_debug_malloc_uncollectable(size_t bytes, const char *file, int line) {
  return alloc_with_site(bytes, KIND_UNCOLL, file, line);
}

void *GC_debug_malloc_atomic_uncollectable(size_t bytes, const char *file,
                                           int line) {
  return alloc_with_site(bytes, KIND_ATOMIC_UNCOLL, file, line);
}

void *GC_debug_malloc_stubborn(size_t bytes, const char *file, int line) {
  return alloc_with_site(bytes, KIND_NORMAL, file, line);
}

/* References to the inside count: the promise need not be used. */
void *GC_debug_malloc_ignore_off_page(size_t bytes, const char *file,
                                      int line) {
  return alloc_with_site(bytes, KIND_NORMAL, file, line);
}

void *GC_debug_malloc_atomic_ignore_off_page(size_t bytes, const char *file,
                                             int line) {
  return alloc_with_site(bytes, KIND_ATOMIC, file, line);
}

void *GC_debug_generic_or_special_malloc(size_t bytes, int kind,
                                         const char *file, int line) {
  return alloc_with_site(bytes, gc_compat_kind(kind), file, line);
}

void *GC_debug_gcj_malloc(size_t bytes, void *vtable, const char *file,
                          int line) {
  gc_check(GC_gcj_debug_kind != 0); /* GC_init_gcj_malloc comes first */
  void **p = alloc_with_site(bytes < sizeof vtable ? sizeof vtable : bytes,
                             (unsigned)GC_gcj_debug_kind, file, line);
  if (p != NULL && GC_is_heap_ptr(p))
    *p = vtable;
  return p;
}

void GC_debug_free(void *object) { gc_sited_free(object); }

void *GC_debug_realloc(void *object, size_t bytes, const char *file, int line) {
  return gc_sited_realloc(object, bytes, file == NULL ? "unknown" : file,
                          line < 0 ? 0 : (unsigned)line);
}

/* For code that has no site to give. */
void *GC_debug_malloc_replacement(size_t bytes) {
  return GC_debug_malloc(bytes, NULL, 0);
}

void *GC_debug_realloc_replacement(void *object, size_t bytes) {
  return GC_debug_realloc(object, bytes, NULL, 0);
}

/* ---- Finalisers ---- */

/* Where the program's part of the object begins, which the finaliser gets; what has no
 * header is told of, and registered as it is. */
static void *user_address(void *object, const char *name) {
  struct gc_object o;
  size_t offset;
  if (!gc_find(object, &o))
    return object; /* ignored without a word, as everywhere */
  bool has_header = gc_sited_look(&o, &offset) != SITED_NONE;
  char *user = o.start + sizeof(struct gc_sited);
  if (has_header && object == user)
    return object;
  gc_plat_message("%s: %p is not the address of a debugging object", name,
                  object);
  return has_header ? user : object;
}

void GC_debug_register_finalizer(void *object, GC_finalization_proc fn,
                                 void *cd, GC_finalization_proc *ofn,
                                 void **ocd) {
  GC_register_finalizer(user_address(object, __func__), fn, cd, ofn, ocd);
}

void GC_debug_register_finalizer_ignore_self(void *object,
                                             GC_finalization_proc fn, void *cd,
                                             GC_finalization_proc *ofn,
                                             void **ocd) {
  GC_register_finalizer_ignore_self(user_address(object, __func__), fn, cd, ofn,
                                    ocd);
}

void GC_debug_register_finalizer_no_order(void *object, GC_finalization_proc fn,
                                          void *cd, GC_finalization_proc *ofn,
                                          void **ocd) {
  GC_register_finalizer_no_order(user_address(object, __func__), fn, cd, ofn,
                                 ocd);
}

void GC_debug_register_finalizer_unreachable(void *object,
                                             GC_finalization_proc fn, void *cd,
                                             GC_finalization_proc *ofn,
                                             void **ocd) {
  GC_register_finalizer_unreachable(user_address(object, __func__), fn, cd, ofn,
                                    ocd);
}

/* ---- Strings ---- */

static void *copy_with_site(const void *text, size_t used, size_t bytes,
                            const char *file, int line) {
  char *copy = GC_debug_malloc_atomic(bytes, file, line);
  if (copy == NULL)
    return NULL;
  memset(copy + used, 0, bytes - used);
  return memcpy(copy, text, used);
}

char *GC_debug_strdup(const char *text, const char *file, int line) {
  if (text == NULL)
    return NULL;
  size_t bytes = strlen(text) + 1;
  return copy_with_site(text, bytes, bytes, file, line);
}

char *GC_debug_strndup(const char *text, size_t n, const char *file, int line) {
  size_t used = strnlen(text, n);
  return copy_with_site(text, used, used + 1, file, line);
}

wchar_t *GC_debug_wcsdup(const wchar_t *text, const char *file, int line) {
  size_t bytes = (wcslen(text) + 1) * sizeof(wchar_t);
  return copy_with_site(text, bytes, bytes, file, line);
}

/* ---- Reports ---- */

_Static_assert(GC_TYPE_DESCR_LEN == GC_TOLD_TEXT_BYTES, "descriptions");

void GC_register_describe_type_fn(int kind, GC_describe_type_fn describe) {
  gc_told_set_describe(gc_compat_kind(kind), describe, gc_free);
}

/* ---- Stores and displacements ---- */

void GC_debug_change_stubborn(const void *object) {
  GC_change_stubborn(object);
}

void GC_debug_end_stubborn_change(const void *object) {
  GC_end_stubborn_change(object);
}

void GC_debug_ptr_store_and_dirty(void *slot, const void *value) {
  GC_ptr_store_and_dirty(GC_is_visible(slot),
                         GC_is_valid_displacement((void *)(uintptr_t)value));
}

void GC_debug_register_displacement(size_t displacement) {
  GC_register_displacement(displacement);
  GC_register_displacement(displacement + GC_debug_header_size);
}
