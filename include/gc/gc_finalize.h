/* include/gc/gc_finalize.h: finalisers, disappearing links, toggle references. SPDX-License-Identifier: MIT */

/* A part of gc.h, which includes it; contracts in brackets are those of gc.h. */
#ifndef GC_FINALIZE_H
#define GC_FINALIZE_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Finalisers ---- */

/* An object may have a finaliser: when a collection finds that nothing refers
 * to the object, it revives the object and everything that the object refers
 * to, and fn(obj, cd) is called once, after that collection.  The object is
 * an ordinary one then, without a finaliser: fn may store it somewhere, or
 * register it again; else a later collection reclaims it.
 *
 * Finalisers are called with no lock held, on the thread that allocates or
 * collects (GC_malloc and its relatives at their slow path, GC_gcollect), but
 * not inside another finaliser that these calls are made from; or, when
 * GC_finalize_on_demand is set, by GC_invoke_finalizers only.  They may
 * allocate, collect, register, and leave by longjmp or an exception; those
 * that were not called yet are called later.  The order of calls is not
 * specified.  A dying object of a disclaim kind is finalised first.
 *
 * cd is kept alive as long as the finaliser is registered.  The previous
 * finaliser of the object and its data are stored in *ofn and *ocd, or zeroes
 * if it had none; both may be NULL.  fn = NULL removes the finaliser.
 *
 * obj is the start of an object, or an address up to 16383 bytes inside it,
 * which fn gets; an object has one finaliser.  Other addresses are ignored.
 * GC_free removes the finaliser.  A finaliser takes 16 bytes, in blocks
 * where few objects have one up to 80.
 *
 * When there is no memory, the out-of-memory function is called; if it
 * returns NULL, nothing is registered.  [manage] */

/* Ordered: an object is not finalised as long as another unreachable one with
 * an ordered finaliser refers to it, directly or not: chains take a collection
 * a link.  Objects in cycles, be it by a reference to itself, never are; the
 * warning procedure is told of cycles after each collection. */
GC_API void GC_CALL GC_register_finalizer(void * /* obj */,
                                          GC_finalization_proc /* fn */,
                                          void * /* cd */,
                                          GC_finalization_proc * /* ofn */,
                                          void ** /* ocd */)
    GC_ATTR_NONNULL(1);

/* The same, but references from the object itself to itself do not count. */
GC_API void GC_CALL GC_register_finalizer_ignore_self(
    void * /* obj */, GC_finalization_proc /* fn */, void * /* cd */,
    GC_finalization_proc * /* ofn */, void ** /* ocd */) GC_ATTR_NONNULL(1);

/* In any order: all that are unreachable are finalised after one collection,
 * and what they refer to is intact. */
GC_API void GC_CALL GC_register_finalizer_no_order(
    void * /* obj */, GC_finalization_proc /* fn */, void * /* cd */,
    GC_finalization_proc * /* ofn */, void ** /* ocd */) GC_ATTR_NONNULL(1);

/* Ordered, and only when the object is not kept by a finaliser without order
 * either: for what such finalisers still use.  Needs GC_java_finalization. */
GC_API void GC_CALL GC_register_finalizer_unreachable(
    void * /* obj */, GC_finalization_proc /* fn */, void * /* cd */,
    GC_finalization_proc * /* ofn */, void ** /* ocd */) GC_ATTR_NONNULL(1);

/* Nonzero: finalisers are called by GC_invoke_finalizers only.  Default 0.
 * [set] */
GC_API int GC_finalize_on_demand;
GC_API void GC_CALL GC_set_finalize_on_demand(int);
GC_API int GC_CALL GC_get_finalize_on_demand(void);

/* Nonzero, the default: `unreachable' finalisers wait for those without order.
 * What objects without order refer to is intact either way (with libgc only
 * when this is set).  [set] */
GC_API int GC_java_finalization;
GC_API void GC_CALL GC_set_java_finalization(int);
GC_API int GC_CALL GC_get_java_finalization(void);

/* With GC_finalize_on_demand: called once after each collection as long as
 * finalisers wait, on the thread that then allocates or collects, with no
 * lock held.  NULL for none.  [set] */
typedef void (GC_CALLBACK *GC_finalizer_notifier_proc)(void);
GC_API GC_finalizer_notifier_proc GC_finalizer_notifier;
GC_API void GC_CALL GC_set_finalizer_notifier(GC_finalizer_notifier_proc);
GC_API GC_finalizer_notifier_proc GC_CALL GC_get_finalizer_notifier(void);

/* Called for each object that a collection found ready for its finaliser, by
 * the collecting thread after the world was restarted, with the allocator lock
 * held: it must not call the collector, but for [query] and [set].  NULL for
 * none.  [set] */
typedef void (GC_CALLBACK *GC_await_finalize_proc)(void * /* obj */);
GC_API void GC_CALL GC_set_await_finalize_proc(GC_await_finalize_proc);
GC_API GC_await_finalize_proc GC_CALL GC_get_await_finalize_proc(void);

/* Nonzero when finalisers wait to be called.  [query] */
GC_API int GC_CALL GC_should_invoke_finalizers(void);

/* Calls all finalisers that wait, whatever GC_finalize_on_demand says; also
 * from inside a finaliser.  Returns how many.  [collect] */
GC_API int GC_CALL GC_invoke_finalizers(void);

/* What a finaliser counts for when the collector decides between collecting and
 * growing the heap: each one that was registered since the last collection as
 * so many bytes allocated, up to half of those that were in truth, and while
 * collections do find objects with finalisers dead.  0 for nothing.  Default
 * 10000.  [set] */
GC_API void GC_CALL GC_set_allocd_bytes_per_finalizer(GC_word);
GC_API GC_word GC_CALL GC_get_allocd_bytes_per_finalizer(void);

/* Prints the links and the objects that have finalisers, as addresses and in no
 * order, to standard output, for people.  [manage] */
GC_API void GC_CALL GC_dump_finalization(void);

/* The macros are in gc_debug.h. */

/* ---- Disappearing links ---- */

/* A disappearing link is a word that is set to 0 when an object dies.  It is
 * weak only where the collector does not see the address: in a pointer-free
 * object, in memory of malloc, or stored as GC_HIDE_POINTER.  It is cleared
 * with the world stopped and the allocator lock held, so code that reveals the
 * address reads the word under that lock (GC_call_with_alloc_lock).
 *
 * Short links are cleared when nothing refers to the object but what is dead,
 * before finalisers revive anything; long links only when no finaliser has
 * revived it.  A word may be a link of either sort, or both.
 *
 * The word must be writable until it is unregistered or cleared.  A link in an
 * object ends with the object, by a collection or by GC_free.  When an object
 * with links to it is freed by GC_free, the next collection clears them and
 * reuses the memory; links to large and to uncollectable objects are cleared
 * by GC_free, at a cost in proportion to the number of all links.  A link to
 * what is no object is never cleared.
 *
 * link is a multiple of the size of a word, else the process ends with a
 * message.  A link takes 8 bytes, where links are far apart up to 100.
 * [manage] */

/* The object is the one that contains the link itself: used when the link is
 * the only word that tells that the object is alive. */
GC_API int GC_CALL GC_register_disappearing_link(void ** /* link */)
    GC_ATTR_NONNULL(1);

/* GC_SUCCESS; GC_DUPLICATE when the word was a link, which then belongs to
 * this object; GC_NO_MEMORY. */
GC_API int GC_CALL GC_general_register_disappearing_link(
    void ** /* link */, const void * /* obj */) GC_ATTR_NONNULL(1)
    GC_ATTR_NONNULL(2);
GC_API int GC_CALL GC_register_long_link(void ** /* link */,
                                         const void * /* obj */)
    GC_ATTR_NONNULL(1) GC_ATTR_NONNULL(2);

/* Another word takes the place of a link; neither word is changed.
 * GC_SUCCESS; GC_DUPLICATE when the new word is a link already, GC_NOT_FOUND
 * when the old one is none, GC_NO_MEMORY: nothing has changed then. */
GC_API int GC_CALL GC_move_disappearing_link(void ** /* link */,
                                             void ** /* new_link */)
    GC_ATTR_NONNULL(2);
GC_API int GC_CALL GC_move_long_link(void ** /* link */,
                                     void ** /* new_link */)
    GC_ATTR_NONNULL(2);

/* 1 when the word was a link, else 0. */
GC_API int GC_CALL GC_unregister_disappearing_link(void ** /* link */);
GC_API int GC_CALL GC_unregister_long_link(void ** /* link */);

#define GC_GENERAL_REGISTER_DISAPPEARING_LINK(link, obj) \
  GC_general_register_disappearing_link(link, obj)
#define GC_REGISTER_LONG_LINK(link, obj) GC_register_long_link(link, obj)

/* ---- Toggle references ---- */

/* References for which the program decides at each collection whether they
 * keep their object, for instance by a count in it. */
typedef enum {
  GC_TOGGLE_REF_DROP,   /* It is none any more. */
  GC_TOGGLE_REF_STRONG, /* The object stays. */
  GC_TOGGLE_REF_WEAK    /* The reference goes when the object is dead. */
} GC_ToggleRefStatus;

/* Asked for each toggle reference by each collection, with the world stopped:
 * it must look at the object only.  NULL, the default, for none; then the
 * references stay as they are.  [set] */
typedef GC_ToggleRefStatus (GC_CALLBACK *GC_toggleref_func)(void * /* obj */);
GC_API void GC_CALL GC_set_toggleref_func(GC_toggleref_func);
GC_API GC_toggleref_func GC_CALL GC_get_toggleref_func(void);

/* Adds a toggle reference; without a function to ask nothing happens.
 * GC_SUCCESS or GC_NO_MEMORY.  [manage] */
GC_API int GC_CALL GC_toggleref_add(void * /* obj */,
                                    int /* is_strong_ref */)
    GC_ATTR_NONNULL(1);

#ifdef __cplusplus
}
#endif

#endif /* GC_FINALIZE_H */
