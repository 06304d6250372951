/* include/gcx/reclaim.h: notifiers for objects that died, by kind. SPDX-License-Identifier: MIT */

/* A kind of objects may have a notifier: a function that is called once for each
 * object of the kind that became unreachable, before its memory is used again.
 * Notifiers run on a thread of the collector, with the world running and no lock
 * of the library held; they may allocate, take locks, look up other objects,
 * revive condemned ones, and keep the object that they are called for.
 *
 * Life of an object of a notified kind:
 *
 *   live --(a collection does not reach it)--> condemned --> notified --> freed
 *     ^                                           |             |
 *     +------------- gcx_revive ------------------+             |
 *     +------------- the notifier keeps it ---------------------+
 *
 * Objects of every other kind may have an observer, which learns of deaths after
 * the fact and can neither look at the dead nor keep them: see "Observers" below.
 *
 * What is promised: each death is notified exactly once, unless the object was
 * revived before; with GCX_REFS_HELD everything that the object refers to is as
 * the program left it, and parents are notified before children where the
 * references form no cycle.  What is not: when, in which order otherwise, and
 * whether at all when the process exits (see exit_ms).
 *
 * The names start with gcx_; a program that must also run on libgc checks for
 * their presence (weak symbols).  Functions that fail return an errno value.
 * The ideas are those of P. Urkedal's reclaim-notification patch to libgc, 2007,
 * with the notification on a thread of its own that he describes but leaves
 * out.  Since 0.2.0. */
#ifndef GCX_RECLAIM_H
#define GCX_RECLAIM_H

#include "../gc/gc_config_macros.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Kinds ---- */

typedef struct gcx_kind gcx_kind;

/* What a notifier decides. */
typedef enum gcx_verdict {
  GCX_DONE, /* the memory may be used again */
  GCX_KEEP  /* the object lives on, and will be notified of its next death */
} gcx_verdict;

/* A notifier.  `bytes` is the usable size.  It may do what any thread may do,
 * blocking included (a notifier that blocks for ever costs its object and a
 * thread; see stuck_ms).  It must not let the object's address live on anywhere
 * and return GCX_DONE; nor jump out (see gcx_notifier_abort).
 *
 * A C++ exception that leaves it is destroyed, the object is lost as by
 * gcx_notifier_abort (unless it was kept before), and GCX_EVENT_LOST is told, or a
 * message printed when there is no on_event.  In GCX_MODE_SIMPLE, where the caller
 * is in the middle of an allocation, it ends the process with a message, at the
 * throw.  The thread's end goes through either.
 *
 * Keeping an object of a GCX_REFS_NONE kind keeps its bytes only: what it refers
 * to may be gone, or may be notified as well. */
typedef gcx_verdict(GC_CALLBACK *gcx_notify_fn)(void * /* object */,
                                                size_t /* bytes */,
                                                void * /* cd */);

/* See notify_many. */
typedef void(GC_CALLBACK *gcx_notify_many_fn)(void *const * /* objects */,
                                              size_t /* count */,
                                              void * /* cd */);

/* See on_revive. */
typedef void(GC_CALLBACK *gcx_revive_fn)(void * /* object */, void * /* cd */);

/* Where an object has its pointers. */
typedef enum gcx_layout {
  GCX_LAYOUT_CONSERVATIVE, /* every word may be one */
  GCX_LAYOUT_LEAF,         /* none; objects are not cleared */
  GCX_LAYOUT_BITMAP, /* word i may be one if bit i of `layout_word` is set,
                            * i < 62; no word behind */
  GCX_LAYOUT_PROC    /* `layout_word` is GC_MAKE_PROC(index, environment) of
                            * a mark procedure, see gc/gc_mark.h */
} gcx_layout;

/* What becomes of the objects that a condemned object refers to. */
typedef enum gcx_refs {
  GCX_REFS_NONE, /* nothing is done: the notifier may read the object's own bytes
                  * only.  For keys, handles, buffers */
  GCX_REFS_HELD /* all of it is held, unchanged, until the notifier has run; but
                  * dead objects of kinds of the other mode go their own way */
} gcx_refs;

/* When the memory of a notified object may be used again. */
typedef enum gcx_release {
  GCX_RELEASE_BLOCK, /* soon */
  GCX_RELEASE_BATCH  /* when all that was condemned with it, in the same or an
                      * earlier collection, is at least being notified: no new
                      * object can appear at the address of a dead one that a
                      * dead key still names.  GCX_REFS_HELD implies this, and
                      * waits until they are notified */
} gcx_release;

/* Who calls the notifier. */
typedef enum gcx_mode {
  GCX_MODE_PROPER, /* a notifier thread */
  GCX_MODE_SIMPLE, /* an allocating or collecting thread, after its allocation,
                    * holding the allocator lock: as libgc's disclaim interface,
                    * for programs that want no further thread */
  GCX_MODE_OBSERVE /* the thread of observers, some time after the object's memory
                    * may have been used again: the address is a number, the
                    * verdict is ignored.  Objects cost what ordinary ones do.
                    * Freeing by hand is told, too.  Wants GCX_REFS_NONE,
                    * GCX_RELEASE_BLOCK, no on_revive and no flags */
} gcx_mode;

/* Pending objects of the kind are notified at exit, see exit_ms. */
#define GCX_KIND_AT_EXIT 1u
/* Mistakes with objects of the kind are reported, see gcx/debug.h. */
#define GCX_KIND_DEBUG 2u

/* Set struct_size to sizeof (gcx_kind_opts) and clear the rest: zero is the
 * default everywhere. */
typedef struct gcx_kind_opts {
  size_t struct_size;
  const char
      *name; /* its first 23 bytes are copied; for messages; may be null */
  gcx_layout layout;
  size_t layout_word;
  gcx_notify_fn notify; /* required */
  void *cd;             /* handed to notify and on_revive; a root while the kind
                         * is not quiesced */
  gcx_refs refs;
  gcx_release release;
  gcx_mode mode;
  gcx_revive_fn
      on_revive; /* GCX_REFS_HELD: called, under an internal lock, for a
                            * revived or kept object that refers to one of its
                            * cycle whose notifier has been called already; it may
                            * drop references to such, must not allocate, lock or
                            * call the library.  May be null */
  unsigned flags;
  /* May be null. GCX_MODE_PROPER with GCX_REFS_NONE only: may be called in place of
   * notify for 2 to 32 objects that wait at that moment, so that a table takes its lock once
   * and fetches ahead; notify, which is required all the same, is for a single one.
   * The array is gone when it returns. None of the objects can be kept: all are done.
   * If it ends early (see gcx_notifier_abort) all of them are lost, if it is stuck all of
   * them stay; either is told once. With GCX_KIND_DEBUG it is not used. It lies in
   * the same library as notify. */
  gcx_notify_many_fn notify_many;
} gcx_kind_opts;

/* Makes a kind.  Null on failure, with an errno value in *error (which may be
 * null): EINVAL (no notifier, unknown values, struct_size of another version),
 * ENOSPC (256 kinds exist), ENOMEM, EAGAIN (no thread for notifiers or observers).  Kinds live
 * until the process ends.  Any thread; does not collect; takes no lock of yours. */
GC_API gcx_kind *GC_CALL gcx_kind_new(const gcx_kind_opts * /* opts */,
                                      int * /* error */) GC_ATTR_NONNULL(1);

/* The name that it was given, "" without one.  Any thread; neither collects nor calls
 * back. */
GC_API const char *GC_CALL gcx_kind_name(const gcx_kind * /* kind */)
    GC_ATTR_NONNULL(1);

/* A cleared object (GCX_LAYOUT_LEAF: not cleared) of at least so many bytes, of
 * any size.  May collect, may call notifiers of GCX_MODE_SIMPLE, and may wait for
 * notifiers (see hard_limit_bytes).  Out of memory: waits for pending
 * notifications first, then answers what GC_oom_fn answers, by default null.
 * Any thread. */
GC_API void *GC_CALL gcx_kind_alloc(gcx_kind * /* kind */, size_t /* bytes */)
    GC_ATTR_NONNULL(1);

/* The pair for a table of weak entries: after gcx_revive said 1 the object is an
 * ordinary live object again; after 0 it is too late and the entry counts as
 * gone (its notifier has been called or is being called).
 *
 * Call it with the table's lock held, the lock that the notifier takes to remove
 * the entry, by address; or the object might be freed meanwhile.  Live objects
 * and those of other kinds answer 1.  GCX_REFS_HELD: revives everything that the
 * object refers to; the cost is that of walking it.  Any thread; neither
 * collects nor calls back, but for on_revive. */
GC_API int GC_CALL gcx_revive(void * /* object */) GC_ATTR_NONNULL(1);

/* The address of a number, the same in every call, that is 0 only while no object
 * of a GCX_MODE_PROPER kind is condemned or being notified: a weak table that finds
 * 0 there need not ask about each object that it looks up. To be read with
 * acquire order, under the table's lock, when the object's plain address is in a
 * variable already that stays in use: then a collection that comes later finds the
 * object alive, and one that came before has changed the number.  Read only.  Any
 * thread; neither collects nor calls back. */
GC_API const size_t *GC_CALL gcx_undecided(void);

/* The address of another number, which every collection changes while the threads are
 * stopped.  With it a table can be looked up without its lock: read this number, find 0
 * at gcx_undecided(), read which memory the table has its entries in, read the entry,
 * put the object's plain address into a variable that stays in use, and read this
 * number again, each with acquire order.  If it is the same, the object is alive and
 * stays so; only then may it be read.  If not, or if something was undecided, look up
 * with the lock.  Memory that entries were in has to stay readable, and entries that
 * moved have to stay in it until then.  Read only.  Any thread that the collector knows;
 * neither collects nor calls back. */
GC_API const size_t *GC_CALL gcx_collections(void);

/* In the object's own notifier: keeps it now, rather than when the notifier
 * returns; the verdict is ignored then.  For weak tables: under the table's
 * lock, after checking that no equal object was entered meanwhile.  1, or 0 when
 * it is not the object of the notifier that runs, or no notifier does.  Any
 * thread; neither collects nor calls back, but for on_revive. */
GC_API int GC_CALL gcx_keep(void * /* object */) GC_ATTR_NONNULL(1);

/* Returns when no notifier of the kind runs and none will: what is pending has
 * been notified, later deaths are not.  Needed before what notifiers use is
 * destroyed.  0; ETIMEDOUT after `ms` (GCX_FOREVER: none): later deaths are not
 * notified all the same; EDEADLK in a notifier.  Any other thread without locks
 * that notifiers take. */
GC_API int GC_CALL gcx_kind_quiesce(gcx_kind * /* kind */, unsigned /* ms */)
    GC_ATTR_NONNULL(1);

#define GCX_FOREVER (~0u)

/* What becomes of deaths that are pending when their code is about to go. */
typedef enum gcx_retire {
  GCX_RETIRE_RUN,   /* they are notified first */
  GCX_RETIRE_CANCEL /* they are released without a call */
} gcx_retire;

/* Returns when no notifier or observer whose code lies in [low, high) runs and none
 * will: those of kinds, closures of gcx_finalized_alloc, disclaim procedures.  Needed before
 * dlclose of a library that has made some; its kinds and objects may stay, their
 * deaths are not told any more.  Closures themselves may lie in the library: they are
 * not read afterwards.  0; ETIMEDOUT after `ms` (a notifier of the range still
 * runs: do not unload); EDEADLK in a notifier; EINVAL.  Any other thread without
 * locks that notifiers take. */
GC_API int GC_CALL gcx_retire_code_range(const void * /* low */,
                                         const void * /* high */,
                                         gcx_retire /* how */,
                                         unsigned /* ms */);

/* ---- Waiting and helping ---- */

/* Returns when everything condemned until now is decided, in both modes, and
 * everything found dead until now is told to observers: 0, or ETIMEDOUT after
 * `ms`, or EDEADLK in a notifier or observer.  Does not collect: call
 * GC_gcollect() before if that is wanted.  Objects of stuck notifiers are not
 * waited for.  Calls notifiers of GCX_MODE_SIMPLE.  Any other thread without locks
 * that notifiers or observers take. */
GC_API int GC_CALL gcx_drain(unsigned /* ms */);

/* Runs some pending notifiers of GCX_MODE_SIMPLE kinds in the calling thread, which
 * therefore holds no lock that they take.  Returns how many.  0 in a notifier.
 * Any thread; does not collect. */
GC_API size_t GC_CALL gcx_poll(void);

/* 1 in a notifier or observer, else 0.  Any thread; neither collects nor calls back. */
GC_API int GC_CALL gcx_in_notifier(void);

/* Ends the running notifier at once: its object is lost, that is never notified
 * again and never freed.  For fatal errors deep in a notifier, in place of
 * longjmp, which must not leave it: one that leaves a notifier of GCX_MODE_SIMPLE
 * ends the process with a message when that thread next allocates from a
 * stack no deeper than the notifier's.  Outside a
 * notifier of GCX_MODE_PROPER this aborts the process with a message. */
GC_API void GC_CALL gcx_notifier_abort(void);

/* Between the two, which nest, allocation in this thread never waits for
 * notifiers.  For code that allocates while it holds a lock that notifiers
 * take.  Any thread; take no lock, neither collect nor call back. */
GC_API void GC_CALL gcx_nowait_begin(void);
GC_API void GC_CALL gcx_nowait_end(void);

/* ---- Observers ---- */

/* A kind without a notifier may have one observer: deaths are counted, and told in
 * batches on a thread of the collector, after the fact.  Nothing is done in the
 * stop, and objects cost nothing.  For leak tools, profilers, statistics.
 *
 * What is promised: the counts are exact, and each death that is counted is told
 * once, or counted as lost, which happens when the log of deaths overflows because
 * the observer does not keep up; an observer is told of earlier collections first,
 * and of deaths at one address in their order.  What is not: anything about the
 * contents of a dead object, another order, and that its address does not belong to
 * another object when it is told.  Which one is meant: a death found by collection
 * n is that of an object made while GC_get_gc_no() was less than n. */
typedef struct gcx_observer gcx_observer;

/* Numbers of the kinds that always exist; GC_new_kind returns others. */
typedef enum gcx_builtin {
  GCX_BUILTIN_LEAF,          /* GC_malloc_atomic */
  GCX_BUILTIN_NORMAL,        /* GC_malloc */
  GCX_BUILTIN_UNCOLLECTABLE, /* GC_malloc_uncollectable: die by hand only */
  GCX_BUILTIN_LEAF_UNCOLLECTABLE
} gcx_builtin;

typedef struct gcx_death {
  size_t address;           /* of the first byte; a number, not a reference */
  size_t bytes;             /* usable size */
  unsigned long collection; /* that found it, as GC_get_gc_no() had it then; by
                             * hand: the last one before */
  unsigned how;             /* GCX_DEATH_FOUND or GCX_DEATH_BY_HAND */
} gcx_death;

#define GCX_DEATH_FOUND 0u   /* a collection did not reach it */
#define GCX_DEATH_BY_HAND 1u /* GC_free, or moved by GC_realloc */

/* An observer; the array is gone when it returns.  It may do what any thread may
 * do, allocation included.  All observers share one thread, so one that blocks
 * keeps the others waiting.  It must not jump out, nor let a C++ exception out. */
typedef void(GC_CALLBACK *gcx_observe_fn)(const gcx_death * /* deaths */,
                                          size_t /* count */, void * /* cd */);

/* Objects that are freed by hand are counted and told, too.  Otherwise they are
 * not, since that is no discovery of the collector. */
#define GCX_OBSERVE_FREES 1u

/* Zero is the default everywhere. */
typedef struct gcx_observe_opts {
  size_t struct_size;
  gcx_observe_fn observe; /* null: deaths are counted only, without a thread */
  void *cd;               /* handed to observe; a root until gcx_unobserve */
  size_t log_bytes; /* memory for deaths that are not told yet; default 4 MB,
                           * at 24 bytes for up to 64 neighbours, or one large object */
  unsigned flags;
} gcx_observe_opts;

/* Attaches an observer to a kind, by number: from the next collection on its deaths
 * are counted, those of objects that exist already, too.  Null on failure, with an
 * errno value in *error (which may be null): EINVAL (no such kind, unknown values,
 * an uncollectable kind without GCX_OBSERVE_FREES), EBUSY (the kind has an observer
 * or a notifier), ENOMEM, EAGAIN (no thread).  A kind that gets a disclaim procedure
 * afterwards is not observed any more.  Any thread; does not collect. */
GC_API gcx_observer *GC_CALL gcx_observe(unsigned /* kind */,
                                         const gcx_observe_opts * /* opts */,
                                         int * /* error */) GC_ATTR_NONNULL(2);

/* Returns when the observer is not running and will not be called again; then it is
 * gone.  What was found dead until now is told before, as far as that succeeds
 * within `ms`.  0; ETIMEDOUT: it still runs, is not called again, and remains, for
 * another gcx_unobserve; EDEADLK in an observer.  Any other thread without locks
 * that the observer takes. */
GC_API int GC_CALL gcx_unobserve(gcx_observer * /* observer */,
                                 unsigned /* ms */) GC_ATTR_NONNULL(1);

/* The observer of a GCX_MODE_OBSERVE kind, for its figures; gcx_kind_quiesce ends
 * it.  Null for other kinds and afterwards. */
GC_API gcx_observer *GC_CALL gcx_kind_observer(const gcx_kind * /* kind */)
    GC_ATTR_NONNULL(1);

typedef struct gcx_observer_stats {
  size_t struct_size;               /* in: of the caller's structure */
  unsigned long found, found_bytes; /* dead, by collections until now */
  unsigned long freed, freed_bytes; /* by hand, with GCX_OBSERVE_FREES */
  unsigned long told;               /* handed to the observer */
  unsigned long lost;    /* counted but never told: the log was full */
  unsigned long pending; /* to be told */
} gcx_observer_stats;

/* Exact at any time: looks at what collections left first.  Any thread; neither
 * collects nor calls back. */
GC_API void GC_CALL gcx_get_observer_stats(gcx_observer * /* observer */,
                                           gcx_observer_stats * /* stats */)
    GC_ATTR_NONNULL(1) GC_ATTR_NONNULL(2);

/* ---- Configuration and figures ---- */

typedef enum gcx_event {
  GCX_EVENT_STUCK,  /* a notifier runs longer than stuck_ms: another thread goes
                     * on with the rest */
  GCX_EVENT_LOST,   /* a notifier ended its thread, was aborted, or let an
                     * exception out */
  GCX_EVENT_OVERRUN /* the hard limit was passed: notifiers make no progress */
} gcx_event;

/* `object`: of the notifier in question, or null.  Called by the collector's
 * service thread (OVERRUN: by the allocating thread); it may do what any thread
 * may do. */
typedef void(GC_CALLBACK *gcx_event_fn)(gcx_event, void * /* object */,
                                        const char * /* kind_name */);

/* Zero leaves a value as it is. */
typedef struct gcx_finaliser_opts {
  size_t struct_size;
  unsigned threads; /* notifier threads, 1 to 16; default 1.  With several,
                            * notifiers of one kind run side by side, children
                            * may be called while their parent's notifier runs */
  size_t hard_limit_bytes; /* of objects that are dead and not freed; allocation
                            * of notified kinds waits when it is reached.  Default:
                            * what is live, at least 64 MB.  ~(size_t)0: none */
  unsigned wait_ms;      /* an allocation gives up waiting after so long without
                            * any progress of notifiers; default 50 */
  unsigned stuck_ms;     /* default 10000 */
  unsigned exit_ms;      /* at exit: time for pending objects of kinds with
                            * GCX_KIND_AT_EXIT; default 1000 */
  unsigned fork_wait_ms; /* fork waits so long for running notifiers and
                            * observers; a notifier that still runs is lost in
                            * the child; default 100 */
  gcx_event_fn on_event;
} gcx_finaliser_opts;

/* 0, or EINVAL for too many threads or a struct_size of another version; then
 * nothing is changed.  Any thread, any time; neither collects nor calls back. */
GC_API int GC_CALL gcx_finaliser_config(const gcx_finaliser_opts * /* opts */)
    GC_ATTR_NONNULL(1);

typedef struct gcx_finaliser_stats {
  size_t struct_size; /* in: of the caller's structure */
  unsigned long condemned, notified, revived, kept, lost;
  size_t pending_objects;   /* condemned and not decided */
  size_t pending_bytes;     /* dead and not freed */
  unsigned long max_lag_us; /* from condemnation until a batch was decided */
  unsigned long overruns;
  unsigned threads; /* that run notifiers now */
} gcx_finaliser_stats;

/* Of all kinds, as many figures as struct_size has room for.  Any thread; neither
 * collects nor calls back. */
GC_API void GC_CALL gcx_get_finaliser_stats(gcx_finaliser_stats * /* stats */)
    GC_ATTR_NONNULL(1);

/* ---- The old door ---- */

/* Where the procedures of GC_register_disclaim_proc and GC_finalized_malloc run:
 * GCX_MODE_SIMPLE, the default, or on the notifier threads, without the allocator
 * lock.  Holds for procedures that are registered afterwards; to be called before
 * GC_init_finalized_malloc.  0, EINVAL (another mode) or EAGAIN (no thread for
 * notifiers).  Any thread; neither collects nor calls back. */
GC_API int GC_CALL gcx_set_disclaim_mode(gcx_mode /* mode */);

/* ---- Objects with a notifier of their own ---- */

/* Must outlive the object, or be in the collected heap: it is traced. */
typedef struct gcx_closure {
  gcx_notify_fn notify;
  void *cd;
} gcx_closure;

/* A cleared object, scanned conservatively, whose closure is called in
 * GCX_MODE_PROPER with GCX_REFS_HELD when it died; a null closure means none.  The
 * closure is kept in a table beside the block: GC_base() of the object is the
 * object.  May collect, call back and wait as gcx_kind_alloc.  Null without memory.
 * Any thread. */
GC_API void *GC_CALL gcx_finalized_alloc(size_t /* bytes */,
                                         const gcx_closure * /* closure */);

#ifdef __cplusplus
}
#endif

#endif /* GCX_RECLAIM_H */
