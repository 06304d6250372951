/* src/alloc/sited.h: allocation with a header that tells where. SPDX-License-Identifier: MIT
 */
#ifndef GC_ALLOC_SITED_H
#define GC_ALLOC_SITED_H

#include "base/config.h"

/* Addresses here are the program's: behind the header. One of the first four kinds is
 * replaced by the kind for objects with headers. */
void *gc_sited_alloc(size_t bytes, unsigned kind, const char *file,
                     unsigned line);
void gc_sited_free(void *object);
void *gc_sited_realloc(void *object, size_t bytes, const char *file,
                       unsigned line);
/* The object belongs to a kind for objects with headers. */
bool gc_sited_has(const void *object);

#endif
