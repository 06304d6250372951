/* src/alloc/free_realloc.h: explicit free, realloc, questions about objects.
 * SPDX-License-Identifier: MIT
 */
#ifndef GC_ALLOC_FREE_REALLOC_H
#define GC_ALLOC_FREE_REALLOC_H

#include "base/config.h"

/* Null is ignored. A pointer that is not the start of an allocated object, and a
 * double free, are reported through the warn procedure and ignored; a pointer
 * into an object made by gc_alloc_aligned frees it. Never calls notifiers. */
void gc_free(void *object);

/* Null: allocates; 0 bytes: frees, returns null. Keeps the kind. Objects of debug
 * kinds always move. */
void *gc_realloc(void *object, size_t bytes);

/* Start of the object that contains p, or null. Cheap; the entry of the block
 * decides, not whether the slot is allocated. */
void *gc_base(const void *p);
/* Bytes of the object that contains p; 0 if none. */
size_t gc_size(const void *p);
/* The same without the red zone of a debug kind. */
size_t gc_usable_size(const void *p);
/* Kind and usable bytes. False: no object. */
bool gc_kind_and_size(const void *p, unsigned *out_kind, size_t *out_bytes);

/* Mark bits for clients (design rule 15). */
bool gc_object_is_marked(const void *p);
void gc_object_set_mark(const void *p);
void gc_object_clear_mark(const void *p);

#endif
