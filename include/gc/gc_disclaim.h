/* include/gc/gc_disclaim.h: procedures run for dead objects of a kind. SPDX-License-Identifier: MIT */

/* A *disclaim procedure* belongs to a kind (GC_new_kind) and is told of every
 * object of it that a collection found dead, before the memory is used again:
 * for objects that own something outside the heap, and for tables that must
 * not keep their entries alive.  It costs far less than a finaliser.
 *
 * What is promised:
 *  - every dead object is told exactly once, all of them by the end of the
 *    GC_gcollect that found them, also in nearly full blocks;
 *  - when the kind was registered with mark_from_all, everything that a dead
 *    object refers to is intact while its procedure runs; dead objects that
 *    refer to one another, in chains or cycles, go in one collection, and one
 *    that refers to another is told before it unless they form a cycle;
 *  - objects freed by GC_free are not told.
 *
 * Contracts in brackets are those of gc.h. */
#ifndef GC_DISCLAIM_H
#define GC_DISCLAIM_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Called with a dead object.  0 lets it go.  Any other result keeps it, and
 * it is told again when a later collection finds it dead; with mark_from_all
 * what it refers to is kept, too.
 *
 * It runs on the thread that allocates or collects, after the world has been
 * restarted and with the allocator lock held as far as GC_alloc_lock and
 * GC_call_with_alloc_lock of other threads are concerned, so that a lookup
 * under that lock either sees the object before it was told or not at all.
 * It may allocate; it must not take the allocator lock again, nor a lock that
 * a thread holds while it allocates. */
typedef int (GC_CALLBACK *GC_disclaim_proc)(void * /* obj */);

/* Sets the procedure of a kind, for objects of the kind that die from now on.
 * mark_from_all: what dead objects refer to has to stay intact for it; costs
 * one more trace, over dead objects only.  [manage] */
GC_API void GC_CALL GC_register_disclaim_proc(int /* kind */,
                                              GC_disclaim_proc,
                                              int /* mark_from_all */)
    GC_ATTR_NONNULL(2);

/* ---- Objects with a procedure of their own ---- */

/* Called as proc(obj, cd) when the object is dead; a NULL proc is not.  The
 * structure and what it refers to live as long as an object refers to it. */
struct GC_finalizer_closure {
  GC_finalization_proc proc;
  void *cd;
};

/* Makes the kind of the objects below; to be called once before the first of
 * them.  [manage] */
GC_API void GC_CALL GC_init_finalized_malloc(void);

/* A zeroed, scanned object whose closure is called when it is dead, as with
 * mark_from_all; it is always let go.  On other implementations GC_base of it
 * is a word before it.  [alloc] */
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_finalized_malloc(size_t, const struct GC_finalizer_closure *)
    GC_ATTR_NONNULL(2);

#ifdef __cplusplus
}
#endif

#endif /* GC_DISCLAIM_H */
