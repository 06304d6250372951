/* src/alloc/debug_alloc.h: allocation of debug kinds. SPDX-License-Identifier: MIT
 */
#ifndef GC_ALLOC_DEBUG_ALLOC_H
#define GC_ALLOC_DEBUG_ALLOC_H

#include "heap/find.h"

/* Of a kind with KIND_DEBUG; the file's name must stay, and may be null. */
void *gc_debug_alloc(size_t bytes, unsigned kind, const char *file,
                     unsigned line);

/* The object o, to which `object` leads, always moves: so a pointer that was not
 * changed leads to a dead object, which is found. */
void *gc_debug_realloc(const struct gc_object *o, void *object, size_t bytes);

#endif
