/* include/gc/gc_mark.h: kinds, descriptors, mark procedures. SPDX-License-Identifier: MIT */

/* For language runtimes that know the layout of their objects.  A *kind* is a
 * sort of object with one layout, told by a *descriptor*; where no descriptor
 * is enough, a *mark procedure* finds the references of an object.
 *
 * Contracts in brackets are those of gc.h, and one more:
 *
 *  [marking]  Only in a mark procedure or in a push-other-roots procedure:
 *             the world is stopped.  Neither calls back nor fails.  Several
 *             markers may run at once, each on its own token. */
#ifndef GC_MARK_H
#define GC_MARK_H

#include "gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Mark procedures ---- */

/* What a mark procedure passes around: a token of the marker that runs it.
 * Its contents and its position mean nothing to the client. */
#ifdef GC_BUILD
struct GC_ms_entry;
#else
struct GC_ms_entry { void *opaque; };
#endif

/* Gives every reference of the object to GC_MARK_AND_PUSH, passing the token
 * on from call to call, and returns the last one.  env is the one of the
 * object's descriptor.
 *
 * It runs with the world stopped, perhaps on several threads at once and more
 * than once for an object, and must not allocate nor take locks.  It may be
 * given a cell that was never handed out (as from GC_generic_malloc_many):
 * all its words but the first are zero.  It may look at words of the object
 * only where conservative scanning would, since the collector may scan the
 * object that way instead. */
typedef struct GC_ms_entry *(*GC_mark_proc)(
    GC_word * /* obj */, struct GC_ms_entry * /* token */,
    struct GC_ms_entry * /* limit */, GC_word /* env */);

/* Work, in bytes looked at, that one call should not exceed by much. */
#define GC_PROC_BYTES 100

/* The number of procedures is limited by their field in a descriptor; the
 * first few are kept for compilers that need fixed numbers. */
#define GC_LOG_MAX_MARK_PROCS 6
#define GC_MAX_MARK_PROCS (1 << GC_LOG_MAX_MARK_PROCS)
#define GC_RESERVED_MARK_PROCS 8
#define GC_GCJ_RESERVED_MARK_PROC_INDEX 0

/* A number for the procedure, for GC_MAKE_PROC.  The second form is for
 * callers that hold the allocator lock.  More than GC_MAX_MARK_PROCS end the
 * process.  [manage] */
GC_API unsigned GC_CALL GC_new_proc(GC_mark_proc);
GC_API unsigned GC_CALL GC_new_proc_inner(GC_mark_proc);

/* Bounds of all addresses that objects can have.  They only widen.  Within a
 * mark procedure they are fixed. */
GC_API void *GC_least_plausible_heap_addr;
GC_API void *GC_greatest_plausible_heap_addr;

/* Marks the object that contains the address, if it is one, and sees to it
 * that its own references are followed.  src, the place of the reference, is
 * for reports only.  Returns the token to go on with.  [marking] */
GC_API struct GC_ms_entry *GC_CALL GC_mark_and_push(
    void * /* address */, struct GC_ms_entry * /* token */,
    struct GC_ms_entry * /* limit */, void ** /* src */);

/* The same, saving the call for words that are no heap addresses. */
#define GC_MARK_AND_PUSH(obj, msp, lim, src) \
  ((GC_word)(obj) < (GC_word)GC_least_plausible_heap_addr \
           || (GC_word)(obj) > (GC_word)GC_greatest_plausible_heap_addr \
       ? (msp) \
       : GC_mark_and_push((void *)(obj), msp, lim, (void **)(src)))

/* ---- Descriptors ---- */

/* A descriptor is a word whose two low bits say how to read the others. */
#define GC_DS_TAG_BITS 2
#define GC_DS_TAGS ((1 << GC_DS_TAG_BITS) - 1)

/* The word is a length in bytes, a multiple of 4: so much of the object is
 * scanned conservatively, from its start. */
#define GC_DS_LENGTH 0

/* The other bits tell, from the highest down, which words of the object, from
 * the first on, may be references.  Further words are none. */
#define GC_DS_BITMAP 1

/* A mark procedure finds the references: GC_MAKE_PROC joins its number and an
 * env of up to 56 bits. */
#define GC_DS_PROC 2
#define GC_MAKE_PROC(proc_index, env) \
  ((GC_word)GC_DS_PROC \
   | ((GC_word)(proc_index) << GC_DS_TAG_BITS) \
   | ((GC_word)(env) << (GC_DS_TAG_BITS + GC_LOG_MAX_MARK_PROCS)))

/* The descriptor is in memory: at the offset, in bytes, that the word without
 * the tag gives, counted from the start of the object.  When that is negative
 * as a signed number, it is found through the object's first word, a pointer:
 * at that pointer minus the offset minus GC_INDIR_PER_OBJ_BIAS.  A descriptor
 * found there is never of this sort again. */
#define GC_DS_PER_OBJECT 3
#define GC_INDIR_PER_OBJ_BIAS 0x10

/* ---- Kinds ---- */

/* What libgc made of the list heads of a kind: a handle, used up by one call
 * of GC_new_kind.  The second form is for holders of the lock.  [manage] */
GC_API void **GC_CALL GC_new_free_list(void);
GC_API void **GC_CALL GC_new_free_list_inner(void);

/* A new kind of object with this descriptor.  add_size: an object's size is
 * added to the descriptor, which then is a length.  clear: new objects are
 * zeroed, as they must be unless the descriptor needs no contents.  Returns
 * its number, above the ones of gc_inline.h.  The second form is for holders
 * of the lock.  [manage] */
GC_API unsigned GC_CALL GC_new_kind(
    void ** /* free_list */, GC_word /* descriptor */, int /* add_size */,
    int /* clear */) GC_ATTR_NONNULL(1);
GC_API unsigned GC_CALL GC_new_kind_inner(
    void ** /* free_list */, GC_word /* descriptor */, int /* add_size */,
    int /* clear */) GC_ATTR_NONNULL(1);

/* An object of the kind.  (No GC_ATTR_MALLOC here: with it compilers leave out
 * stores into objects that the program only drops, which a disclaim procedure
 * would read.)  A descriptor that lies in the object is not there
 * yet when a collection comes between this call and its being stored: it must
 * be one that a zeroed object can stand.  [alloc] */
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_generic_malloc(size_t, int /* kind */);

/* The same for large objects of which the caller keeps a reference into the
 * first 256 bytes.  [alloc] */
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_generic_malloc_ignore_off_page(size_t, int /* kind */);

/* The same, alive until GC_free, for the uncollectable kinds.  [alloc] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_generic_malloc_uncollectable(size_t, int /* kind */);

/* The same for whatever kind GC_get_kind_and_size told, uncollectable ones
 * included.  [alloc] */
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_generic_or_special_malloc(size_t, int /* kind */);
#ifdef GC_DEBUG
# define GC_GENERIC_OR_SPECIAL_MALLOC(sz, knd) \
    GC_debug_generic_or_special_malloc(sz, knd, GC_EXTRAS)
#else
# define GC_GENERIC_OR_SPECIAL_MALLOC(sz, knd) \
    GC_generic_or_special_malloc(sz, knd)
#endif

/* The kind of the object with this base, and its size if asked for.
 * [query] */
GC_API int GC_CALL GC_get_kind_and_size(const void *, size_t * /* size */)
    GC_ATTR_NONNULL(1);

/* As GC_generic_or_special_malloc, with a site (gc_debug.h).  [alloc] */
GC_API GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_debug_generic_or_special_malloc(size_t, int /* kind */,
                                   const char * /* file */, int /* line */);

/* Bytes of the header of an object with a site, by the variable also, which
 * only old programs use.  [query] */
GC_API size_t GC_CALL GC_get_debug_header_size(void);
GC_API const size_t GC_debug_header_size;
#define GC_USR_PTR_FROM_BASE(p) \
  ((void *)((char *)(p) + GC_get_debug_header_size()))

/* ---- Mark bits ---- */

/* For an object's base, under the allocator lock.  In a collection they are
 * its marks.  Otherwise an ordinary object is marked while it is allocated,
 * and an object of a disclaim kind until it is found dead; to mark a dead one
 * that is not yet notified takes it back, and to clear has no effect.  Marking
 * does not mark what the object refers to.  [query] */
GC_API int GC_CALL GC_is_marked(const void *) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_set_mark_bit(const void *) GC_ATTR_NONNULL(1);
GC_API void GC_CALL GC_clear_mark_bit(const void *) GC_ATTR_NONNULL(1);

/* ---- Hooks of a collection ---- */

/* Called when a collection starts, with the allocator lock held, before the
 * world is stopped.  It must not call the collector nor wait.  NULL for none.
 * [set] */
typedef void (GC_CALLBACK *GC_start_callback_proc)(void);
GC_API void GC_CALL GC_set_start_callback(GC_start_callback_proc);
GC_API GC_start_callback_proc GC_CALL GC_get_start_callback(void);

/* Called while roots are scanned, to scan more with the functions below.  A
 * client's procedure calls the one that was set before it.  [set] */
typedef void (GC_CALLBACK *GC_push_other_roots_proc)(void);
GC_API void GC_CALL GC_set_push_other_roots(GC_push_other_roots_proc);
GC_API GC_push_other_roots_proc GC_CALL GC_get_push_other_roots(void);

/* Scans [low, high) conservatively.  The eager form does so before it
 * returns, so the range need not stay valid; the conditional one may leave
 * out parts that did not change since the last collection unless all is
 * nonzero, and scans everything in this release.  [marking] */
GC_API void GC_CALL GC_push_all(void * /* low */, void * /* high */);
GC_API void GC_CALL GC_push_all_eager(void * /* low */, void * /* high */);
GC_API void GC_CALL GC_push_conditional(void * /* low */, void * /* high */,
                                        int /* all */);

/* Marks what finalisers keep, their data and the objects that wait for them.  The
 * collector does so in any case; this is for procedures that put together all
 * roots.  [marking] */
GC_API void GC_CALL GC_push_finalizer_structures(void);

/* 1 when the address lies in data of the program or of a library, found by
 * itself; 0 elsewhere, in ranges of GC_add_roots too.  [manage] */
GC_API int GC_CALL GC_is_tmp_root(void *);

/* Calls the procedure with each object: what the last collection found
 * reachable, and what was allocated since.  The caller owns the allocator lock;
 * the procedure must neither call functions that allocate nor start threads. */
typedef void (GC_CALLBACK *GC_reachable_object_proc)(void * /* obj */,
                                                     size_t /* bytes */,
                                                     void * /* data */);
GC_API void GC_CALL GC_enumerate_reachable_objects_inner(
    GC_reachable_object_proc, void * /* data */) GC_ATTR_NONNULL(1);

/* ---- Describing objects ---- */

/* Writes what an object is, in fewer than GC_TYPE_DESCR_LEN characters and a
 * zero, for a report about it: of leaked objects of the kind.  Objects of
 * GC_debug_malloc and the like are described by the function of the kind that
 * they stand for.  The argument is the object as the program knows it.
 *
 * It is called after the collection, by the thread that made it, with no lock
 * of the library held, and may do what [alloc] functions do; the object and what
 * it refers to are there until then.  Programs for libgc should only read. */
#define GC_TYPE_DESCR_LEN 40
typedef void (GC_CALLBACK *GC_describe_type_fn)(void * /* obj */,
                                                char * /* text */);

/* Sets the function for a kind; NULL for none.  An unknown kind is reported,
 * and ends the process.  [set] */
GC_API void GC_CALL GC_register_describe_type_fn(int /* kind */,
                                                 GC_describe_type_fn);

/* ---- The stack ---- */

/* Overwrites some of the unused stack below the caller, where old frames may
 * have left references, and returns its argument, which may be NULL: so it
 * can be called last.  Any thread, any time. */
GC_API void *GC_CALL GC_clear_stack(void *);

#ifdef __cplusplus
}
#endif

#endif /* GC_MARK_H */
