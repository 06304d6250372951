/* include/gcx/observe.h: looking at the heap from outside. SPDX-License-Identifier: MIT */

/* What this collector offers beyond libgc's interface to see what it does.
 * The names start with gcx_; a program that must also run on libgc checks for
 * their presence (weak symbols). */
#ifndef GCX_OBSERVE_H
#define GCX_OBSERVE_H

#include "../gc/gc_config_macros.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of Reclaim that this header belongs to. */
#define GCX_VERSION "0.2.0"

/* The version of the library, such as "0.2.0"; a constant string.  (The version
 * of the libgc interface is GC_get_version().)  Any thread, any time; neither
 * collects, calls back nor needs memory.  Since 0.1.0. */
GC_API const char *GC_CALL gcx_version(void);

/* Writes a picture of the heap, as it is now, to the file: an SVG image for a
 * browser, with the use of each block and a legend.  0, or the errno value of
 * what failed on the file.
 *
 * Any registered thread, any time after initialisation, but not under the
 * allocator lock, which it takes while it looks: the file is written after
 * that.  Does not collect, does not call back, uses no heap memory.  Since
 * 0.1.0. */
GC_API int GC_CALL gcx_write_heap_map(const char * /* path */)
    GC_ATTR_NONNULL(1);

#ifdef __cplusplus
}
#endif

#endif /* GCX_OBSERVE_H */
