/* include/gc/gc_debug.h: allocation with sites, and the macros for all allocation. SPDX-License-Identifier: MIT */

/* Part of gc.h, which includes it; contracts in brackets are explained there.
 *
 * An object that is allocated with its site has a header, which says where in
 * the program, and a red zone behind its last byte.  When the zone was written,
 * a collection and GC_debug_free say that the object is smashed.  A program that
 * defines GC_DEBUG before it includes gc.h and uses the macros below gets such
 * objects.  What the functions return is not the base: GC_base of it is the
 * header. */
#ifndef GC_DEBUG_H
#define GC_DEBUG_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Allocation with sites ---- */

/* As the functions without _debug_.  The file's name is not copied.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_malloc(size_t, const char * /* file */, int /* line */);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_malloc_atomic(size_t, const char * /* file */, int /* line */);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_malloc_uncollectable(size_t, const char * /* file */, int /* line */);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_malloc_atomic_uncollectable(size_t, const char * /* file */, int /* line */);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_malloc_stubborn(size_t, const char * /* file */, int /* line */);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_malloc_ignore_off_page(size_t, const char * /* file */, int /* line */);
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_malloc_atomic_ignore_off_page(size_t, const char * /* file */, int /* line */);
GC_API GC_ATTR_MALLOC char *GC_CALL
GC_debug_strdup(const char *, const char * /* file */, int /* line */);
GC_API GC_ATTR_MALLOC char *GC_CALL
GC_debug_strndup(const char *, size_t /* n */, const char * /* file */, int /* line */)
    GC_ATTR_NONNULL(1);
#ifdef GC_REQUIRE_WCSDUP
GC_API GC_ATTR_MALLOC wchar_t *GC_CALL
GC_debug_wcsdup(const wchar_t *, const char * /* file */, int /* line */)
    GC_ATTR_NONNULL(1);
#endif

/* The address is one of these objects, which is looked at; others are freed or
 * moved as they are.  [manage], [alloc] */
GC_API void GC_CALL GC_debug_free(void *);
GC_API void *GC_CALL GC_debug_realloc(void *, size_t, const char * /* file */, int /* line */)
    GC_ATTR_ALLOC_SIZE(2);

/* For code that has no site to give: addresses of functions like malloc's.
 * [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_malloc_replacement(size_t);
GC_API void *GC_CALL GC_debug_realloc_replacement(void *, size_t)
    GC_ATTR_ALLOC_SIZE(2);

/* As the functions without _debug_; GC_debug_ptr_store_and_dirty also checks both
 * addresses as GC_PTR_STORE does. */
GC_API void GC_CALL GC_debug_change_stubborn(const void *);
GC_API void GC_CALL GC_debug_end_stubborn_change(const void *)
    GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_debug_ptr_store_and_dirty(void *, const void *);
GC_API void GC_CALL GC_debug_register_displacement(size_t);

/* ---- Finalisers ---- */

/* As the functions without _debug_.  The address is one of these objects, and fn
 * gets it.  If it lies elsewhere in such an object, that is told, and the
 * finaliser is its; if in an object without a header, that is told, too, and fn
 * gets the address as it is.  [manage] */
GC_API void GC_CALL GC_debug_register_finalizer(
    void * /* obj */, GC_finalization_proc /* fn */, void * /* cd */,
    GC_finalization_proc * /* ofn */, void ** /* ocd */) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_debug_register_finalizer_ignore_self(
    void * /* obj */, GC_finalization_proc /* fn */, void * /* cd */,
    GC_finalization_proc * /* ofn */, void ** /* ocd */) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_debug_register_finalizer_no_order(
    void * /* obj */, GC_finalization_proc /* fn */, void * /* cd */,
    GC_finalization_proc * /* ofn */, void ** /* ocd */) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_debug_register_finalizer_unreachable(
    void * /* obj */, GC_finalization_proc /* fn */, void * /* cd */,
    GC_finalization_proc * /* ofn */, void ** /* ocd */) GC_ATTR_NONNULL(1);

/* ---- Macros for allocation ---- */

/* The forms that portable programs use. */
#define GC_EXTRAS __FILE__, __LINE__
#define GC_EXTRA_PARAMS const char *s, int i
#ifdef GC_DEBUG
# define GC_MALLOC(sz) GC_debug_malloc(sz, GC_EXTRAS)
# define GC_MALLOC_ATOMIC(sz) GC_debug_malloc_atomic(sz, GC_EXTRAS)
# define GC_MALLOC_UNCOLLECTABLE(sz) \
    GC_debug_malloc_uncollectable(sz, GC_EXTRAS)
# define GC_MALLOC_ATOMIC_UNCOLLECTABLE(sz) \
    GC_debug_malloc_atomic_uncollectable(sz, GC_EXTRAS)
# define GC_MALLOC_IGNORE_OFF_PAGE(sz) \
    GC_debug_malloc_ignore_off_page(sz, GC_EXTRAS)
# define GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(sz) \
    GC_debug_malloc_atomic_ignore_off_page(sz, GC_EXTRAS)
# define GC_MALLOC_STUBBORN(sz) GC_debug_malloc_stubborn(sz, GC_EXTRAS)
# define GC_CHANGE_STUBBORN(p) GC_debug_change_stubborn(p)
# define GC_REALLOC(old, sz) GC_debug_realloc(old, sz, GC_EXTRAS)
# define GC_FREE(p) GC_debug_free(p)
# define GC_STRDUP(s) GC_debug_strdup(s, GC_EXTRAS)
# define GC_STRNDUP(s, n) GC_debug_strndup(s, n, GC_EXTRAS)
# ifdef GC_REQUIRE_WCSDUP
#  define GC_WCSDUP(s) GC_debug_wcsdup(s, GC_EXTRAS)
# endif
# define GC_END_STUBBORN_CHANGE(p) GC_debug_end_stubborn_change(p)
# define GC_PTR_STORE_AND_DIRTY(p, q) GC_debug_ptr_store_and_dirty(p, q)
# define GC_REGISTER_DISPLACEMENT(n) GC_debug_register_displacement(n)
# define GC_REGISTER_FINALIZER(p, fn, cd, ofn, ocd) \
    GC_debug_register_finalizer(p, fn, cd, ofn, ocd)
# define GC_REGISTER_FINALIZER_IGNORE_SELF(p, fn, cd, ofn, ocd) \
    GC_debug_register_finalizer_ignore_self(p, fn, cd, ofn, ocd)
# define GC_REGISTER_FINALIZER_NO_ORDER(p, fn, cd, ofn, ocd) \
    GC_debug_register_finalizer_no_order(p, fn, cd, ofn, ocd)
# define GC_REGISTER_FINALIZER_UNREACHABLE(p, fn, cd, ofn, ocd) \
    GC_debug_register_finalizer_unreachable(p, fn, cd, ofn, ocd)
#else
# define GC_MALLOC(sz) GC_malloc(sz)
# define GC_MALLOC_ATOMIC(sz) GC_malloc_atomic(sz)
# define GC_MALLOC_UNCOLLECTABLE(sz) GC_malloc_uncollectable(sz)
# define GC_MALLOC_ATOMIC_UNCOLLECTABLE(sz) GC_malloc_atomic_uncollectable(sz)
# define GC_MALLOC_IGNORE_OFF_PAGE(sz) GC_malloc_ignore_off_page(sz)
# define GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(sz) \
    GC_malloc_atomic_ignore_off_page(sz)
# define GC_REALLOC(old, sz) GC_realloc(old, sz)
# define GC_FREE(p) GC_free(p)
# define GC_STRDUP(s) GC_strdup(s)
# define GC_STRNDUP(s, n) GC_strndup(s, n)
# ifdef GC_REQUIRE_WCSDUP
#  define GC_WCSDUP(s) GC_wcsdup(s)
# endif
# define GC_END_STUBBORN_CHANGE(p) GC_end_stubborn_change(p)
# define GC_PTR_STORE_AND_DIRTY(p, q) GC_ptr_store_and_dirty(p, q)
# define GC_REGISTER_DISPLACEMENT(n) GC_register_displacement(n)
# define GC_MALLOC_STUBBORN(sz) GC_malloc_stubborn(sz)
# define GC_CHANGE_STUBBORN(p) GC_change_stubborn(p)
# define GC_REGISTER_FINALIZER(p, fn, cd, ofn, ocd) \
    GC_register_finalizer(p, fn, cd, ofn, ocd)
# define GC_REGISTER_FINALIZER_IGNORE_SELF(p, fn, cd, ofn, ocd) \
    GC_register_finalizer_ignore_self(p, fn, cd, ofn, ocd)
# define GC_REGISTER_FINALIZER_NO_ORDER(p, fn, cd, ofn, ocd) \
    GC_register_finalizer_no_order(p, fn, cd, ofn, ocd)
# define GC_REGISTER_FINALIZER_UNREACHABLE(p, fn, cd, ofn, ocd) \
    GC_register_finalizer_unreachable(p, fn, cd, ofn, ocd)
#endif

/* An object of the given type. */
#define GC_NEW(t) ((t *)GC_MALLOC(sizeof(t)))
#define GC_NEW_ATOMIC(t) ((t *)GC_MALLOC_ATOMIC(sizeof(t)))
#define GC_NEW_UNCOLLECTABLE(t) ((t *)GC_MALLOC_UNCOLLECTABLE(sizeof(t)))

/* Names from before a write barrier was optional. */
#define GC_NEW_STUBBORN(t) ((t *)GC_MALLOC_STUBBORN(sizeof(t)))

#ifdef __cplusplus
}
#endif

#endif /* GC_DEBUG_H */
