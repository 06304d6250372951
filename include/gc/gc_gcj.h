/* include/gc/gc_gcj.h: objects whose first word leads to their descriptor. SPDX-License-Identifier: MIT */

/* For compilers of object-oriented languages: the first word of an object is
 * the address of its class's table, whose second word is a descriptor of
 * gc_mark.h.  The tables are the program's: static, or uncollectable objects,
 * or kept alive in another way.
 *
 * Contracts in brackets are those of gc.h. */
#ifndef GC_GCJ_H
#define GC_GCJ_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* To be called once before the other functions.  The procedure, of type
 * GC_mark_proc or NULL, gets the number, below GC_RESERVED_MARK_PROCS or
 * usually GC_GCJ_RESERVED_MARK_PROC_INDEX, so that tables may name it by
 * GC_MAKE_PROC.  It scans debugging objects, too: then the lowest bit of its
 * environment is set, and the object begins GC_get_debug_header_size() bytes
 * behind the address that it gets.  [manage] */
GC_API void GC_CALL GC_init_gcj_malloc(int /* number */, void * /* proc */);

/* A zeroed object but for its first word, which is the table's address.
 * [alloc] */
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_gcj_malloc(size_t, void * /* table */);

/* The same for large objects of which the caller keeps a reference into the
 * first 256 bytes.  [alloc] */
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_gcj_malloc_ignore_off_page(size_t, void * /* table */);

/* The kinds of these objects, and of those with a debugging header. */
GC_API int GC_gcj_kind;
GC_API int GC_gcj_debug_kind;

/* With a site (gc_debug.h).  [alloc] */
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_gcj_malloc(size_t, void * /* table */, const char * /* file */,
                    int /* line */);

#ifdef GC_DEBUG
# define GC_GCJ_MALLOC(bytes, table) \
    GC_debug_gcj_malloc(bytes, table, GC_EXTRAS)
#else
# define GC_GCJ_MALLOC(bytes, table) GC_gcj_malloc(bytes, table)
#endif
#define GC_GCJ_MALLOC_IGNORE_OFF_PAGE(bytes, table) \
  GC_gcj_malloc_ignore_off_page(bytes, table)

#ifdef __cplusplus
}
#endif

#endif /* GC_GCJ_H */
