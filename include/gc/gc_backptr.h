/* include/gc/gc_backptr.h: who refers to an object. SPDX-License-Identifier: MIT */

/* The answer is found when it is asked for: the world is stopped, and roots and
 * live objects are searched, so nothing has to be remembered and every object
 * of the heap has an answer, one with a site (gc_debug.h) or not.  A question
 * takes about as long as a collection.
 *
 * What died since the last collection still counts as a referrer: collect
 * before.  Weak references, links and the keys of weak maps do not refer, nor
 * is told what only their tables keep.  Any thread that may allocate; also the
 * one that has stopped the world by GC_stop_world_external.  Not in callbacks
 * of a collection or of a notifier that holds locks of the program's.
 * Debian's libgc declares these functions and does not have them. */
#ifndef GC_BACKPTR_H
#define GC_BACKPTR_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  GC_UNREFERENCED,   /* nobody was found */
  GC_NO_SPACE,       /* the address lies in no object of the heap */
  GC_REFD_FROM_ROOT, /* in static data, a stack, thread-local data, or a kind */
  GC_REFD_FROM_REG,  /* a register of the calling thread */
  GC_REFD_FROM_HEAP, /* in another object */
  GC_FINALIZER_REFD  /* it waits for its finaliser, or is the data of one */
} GC_ref_kind;

/* Who refers to the object that the first address lies in, itself apart.  If
 * there are several, roots come before objects, but stacks and registers last.
 * *base is the address of the root's word and *offset 0; or, from the heap,
 * *base is the referring object, as the program knows it when it has a site,
 * and *offset where in it the reference is; NULL and 0 with the other
 * answers.  [query] */
GC_API GC_ref_kind GC_CALL GC_get_back_ptr_info(void * /* dest */,
                                                void ** /* base */,
                                                size_t * /* offset */)
    GC_ATTR_NONNULL(1);

/* An address in a part of the heap that is used, inside an object or not; one
 * inside a live object.  Where objects are rare the choice is not even.  NULL:
 * there is none.  [query] */
GC_API void *GC_CALL GC_generate_random_heap_address(void);
GC_API void *GC_CALL GC_generate_random_valid_address(void);

/* Prints the way from the object that the address lies in to a root, as
 * messages (GC_LOG_FILE): the shortest one that stacks have no part in, if there
 * is one; at most 64 objects long, and given up when 1024 objects were seen to
 * lead there.  [query] */
GC_API void GC_CALL GC_print_backtrace(void *) GC_ATTR_NONNULL(1);

/* Collects, and prints this of some live object.  [alloc] */
GC_API void GC_CALL GC_generate_random_backtrace(void);

#ifdef __cplusplus
}
#endif

#endif /* GC_BACKPTR_H */
