/* include/gc/gc_debug.h: the macros for allocation. SPDX-License-Identifier: MIT */

/* Part of gc.h, which includes it; contracts in brackets are explained there. */
#ifndef GC_DEBUG_H
#define GC_DEBUG_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Macros for allocation ---- */

/* The forms that portable programs use. */
#define GC_MALLOC(sz) GC_malloc(sz)
#define GC_MALLOC_ATOMIC(sz) GC_malloc_atomic(sz)
#define GC_MALLOC_UNCOLLECTABLE(sz) GC_malloc_uncollectable(sz)
#define GC_MALLOC_ATOMIC_UNCOLLECTABLE(sz) GC_malloc_atomic_uncollectable(sz)
#define GC_MALLOC_IGNORE_OFF_PAGE(sz) GC_malloc_ignore_off_page(sz)
#define GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(sz) \
  GC_malloc_atomic_ignore_off_page(sz)
#define GC_REALLOC(old, sz) GC_realloc(old, sz)
#define GC_FREE(p) GC_free(p)
#define GC_STRDUP(s) GC_strdup(s)
#define GC_STRNDUP(s, n) GC_strndup(s, n)
#ifdef GC_REQUIRE_WCSDUP
# define GC_WCSDUP(s) GC_wcsdup(s)
#endif
#define GC_END_STUBBORN_CHANGE(p) GC_end_stubborn_change(p)
#define GC_PTR_STORE_AND_DIRTY(p, q) GC_ptr_store_and_dirty(p, q)
#define GC_REGISTER_DISPLACEMENT(n) GC_register_displacement(n)

/* An object of the given type. */
#define GC_NEW(t) ((t *)GC_MALLOC(sizeof(t)))
#define GC_NEW_ATOMIC(t) ((t *)GC_MALLOC_ATOMIC(sizeof(t)))
#define GC_NEW_UNCOLLECTABLE(t) ((t *)GC_MALLOC_UNCOLLECTABLE(sizeof(t)))

/* Names from before a write barrier was optional. */
#define GC_MALLOC_STUBBORN(sz) GC_malloc_stubborn(sz)
#define GC_NEW_STUBBORN(t) ((t *)GC_MALLOC_STUBBORN(sizeof(t)))
#define GC_CHANGE_STUBBORN(p) GC_change_stubborn(p)

#ifdef __cplusplus
}
#endif

#endif /* GC_DEBUG_H */
