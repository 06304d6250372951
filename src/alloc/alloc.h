/* src/alloc/alloc.h: what the program calls to get memory.
 * SPDX-License-Identifier: MIT
 *
 * All functions start the collector and register the calling thread when needed,
 * may collect, may run notifiers (simple mode), and return null only after the
 * client's out-of-memory function had its say (its result is returned; it is
 * called with no lock held and may jump out). Sizes are what the client asks for:
 * the spare byte is added here.
 */
#ifndef GC_ALLOC_ALLOC_H
#define GC_ALLOC_ALLOC_H

#include "base/config.h"

void *gc_alloc(size_t bytes, unsigned kind);
/* Large objects: only pointers into the first page keep the object. */
void *gc_alloc_ignore_off_page(size_t bytes, unsigned kind);
/* At a multiple of `align`, or of 16 when that is more. The result may lie inside its
 * object. */
void *gc_alloc_aligned(size_t align, size_t bytes, unsigned kind);
/* A list of objects of exactly `bytes` (rounded to granules), linked through
 * their first word, other words as the kind clears them; null when out of
 * memory (the out-of-memory function is not called). */
void *gc_alloc_many(size_t bytes, unsigned kind);

/* Slow half of the inlined path, for any size. */
void *gc_alloc_slow(size_t bytes, unsigned kind);

/* Starts the collector and registers the thread. False: there is no memory for
 * its record, or this is a signal handler that interrupted the collector itself:
 * nothing can be allocated here, which is reported. */
bool gc_alloc_enter(void);

/* What an allocation without success returns: the answer of the client's
 * out-of-memory function, or NULL inside the collector. */
void *gc_alloc_failed(size_t bytes);

#endif
