/* bdwgc-patch/adapter.h: gcx/reclaim.h on an unmodified libgc, the nouns. SPDX-License-Identifier: MIT */

/*
 * An object of a notified kind carries one word of ours, its tag: the number of
 * its kind and its state. Cells that hold no object have none, so that the disclaim
 * procedure, which libgc calls with unused cells as well, can tell them apart.
 *
 *   GCX_REFS_NONE   | the object ...                     | tag |   base is the object
 *   GCX_REFS_HELD   | tag | closure | the object ...           |   base + 16 is
 *
 * libgc lets a dead object hold what it refers to ("mark from all") only if the
 * low two bits of its first word are not both zero; so there the tag comes first,
 * and is odd. No tag looks like an address to a conservative scan.
 *
 * States and who changes them, always under libgc's allocation lock:
 *
 *   LIVE --disclaim procedure--> COND --notifier thread--> CLAIM --> (DONE) --> no tag, GC_free
 *     ^                           |                          |
 *     +-------- gcx_revive -------+------ kept --------------+
 *
 * From COND on libgc is told to keep the object each time it asks. Three things
 * make that sound:
 *
 * - Revive and claim set the mark bit under the lock. So an object that is live
 *   again, or one that is about to be given to GC_free, is not found dead by a
 *   sweep of the last collection that is still owed; later collections see it
 *   from the stack of its holder.
 * - The queue of condemned objects holds addresses that nothing keeps valid: an
 *   entry counts only if its address is that of an object in state COND when it is
 *   taken. So revival never searches the queue, and a stale entry that meets a new
 *   condemned object at its address just calls that one earlier.
 * - An object is claimed one at a time, when its notifier is called next.
 */
#ifndef BDWGC_PATCH_ADAPTER_H
#define BDWGC_PATCH_ADAPTER_H

#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>

#include <gcx/backend.h>
#include <gcx/reclaim.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BDW_HIDDEN __attribute__((visibility("hidden")))

enum { BDW_MAX_KINDS = 256, BDW_MAX_THREADS = 16, BDW_HEAD_BYTES = 16 };

/* In memory that libgc scans and never frees, so that `cd` is a root. */
struct gcx_kind {
  gcx_notify_fn notify; /* [const] */
  void *cd;             /* [lock] null when quiesced */
  unsigned number;      /* [const] */
  int libgc_kind;       /* [const] */
  bool has_head;        /* [const] the tag comes first */
  bool is_batched;      /* [const] memory waits, see batch.c */
  bool is_told_at_exit; /* [const] */
  atomic_bool is_closed;
  atomic_size_t undecided; /* condemned, neither revived nor through */
  char name[24];           /* [const] */
};

/* Whether the object is not condemned, for tables that want to know before they revive;
 * mostly without a lock. It is of a GCX_REFS_NONE kind, and its notifier can not be
 * through before the caller is. For programs that look for a weak symbol. */
extern int gcx_bdw_is_live(const void *object);

/* From BDW_CLAIM on it is too late to revive. */
enum bdw_state {
  BDW_NOTHING,
  BDW_LIVE,
  BDW_COND,
  BDW_CLAIM,
  BDW_LOST,
  BDW_DONE
};

/* An object of ours. */
struct bdw_object {
  char *base, *start;
  size_t bytes; /* usable, from start */
  _Atomic uint64_t *tag;
  struct gcx_kind *kind;
};

/* By number. An entry is there before the kind's first object, for ever. */
BDW_HIDDEN extern _Atomic(struct gcx_kind *) bdw_kinds[BDW_MAX_KINDS];

/* ---- object.c ---- */

/* Whether it is an object of a notified kind; the lock is held, or the object can
 * not be freed meanwhile. */
BDW_HIDDEN bool bdw_find(const void *base, struct bdw_object *out);
/* The same for the cell of a known kind of libgc. */
BDW_HIDDEN bool bdw_look(const void *base, size_t bytes, int libgc_kind,
                         struct bdw_object *out);
/* A kind of libgc is one of ours. */
BDW_HIDDEN bool bdw_is_ours(int libgc_kind);
/* Its objects refer to nothing. */
BDW_HIDDEN bool bdw_is_leaf(int libgc_kind);
/* Which of libgc's own is such a kind. */
BDW_HIDDEN void bdw_learn_leaf(void);
BDW_HIDDEN enum bdw_state bdw_state_of(const struct bdw_object *o);
/* BDW_NOTHING: takes the tag away. */
BDW_HIDDEN void bdw_set_state(const struct bdw_object *o, enum bdw_state s);
/* A cleared object of the kind, or null. */
BDW_HIDDEN void *bdw_new_object(struct gcx_kind *kind, size_t bytes,
                                const void *closure);
/* The kind of libgc for the layout, made if need be: 0, ENOTSUP, ENOSPC. */
BDW_HIDDEN int bdw_libgc_kind(const gcx_kind_opts *o, bool has_head, int *out);
/* Of an object with a head. */
BDW_HIDDEN const gcx_closure *bdw_closure_of(const void *object);

/* ---- blocks.c: pages with objects of ours ---- */

/* Before a new small object is answered; false without memory. Any thread. */
BDW_HIDDEN bool bdw_note_block(const void *object);
/* Calls LOOK for each; it answers whether the page belongs to the set. */
BDW_HIDDEN void bdw_each_block_locked(bool (*look)(char *page));

/* ---- sweep.c ---- */

/* From now on deaths are found when a collection ends. To be repeated now and then,
 * for a program may have replaced the function that libgc calls. */
BDW_HIDDEN void bdw_watch_collections(void);
/* Whether all that the last collection found dead is condemned. */
BDW_HIDDEN bool bdw_is_all_found_locked(void);

/* ---- trace.c: in the stop, with the lock held ---- */

BDW_HIDDEN void bdw_trace_begin(void);
/* Marks the object that the word leads to, if it has no mark. */
BDW_HIDDEN void bdw_trace_word(uintptr_t word);
/* Marks what those objects lead to, and calls FOUND for each that got its mark; FOUND may
 * trace words. False, and marking is not complete, without memory since the beginning. */
BDW_HIDDEN bool bdw_trace_all(void (*found)(const void *base));

/* ---- entries.c: weak maps when a collection has marked, and when it ends ---- */

BDW_HIDDEN void bdw_maps_mark(void);
BDW_HIDDEN void bdw_maps_settle(void);

/* ---- threads.c ---- */

/* Before a thread takes hold of an object: libgc must know the thread. */
BDW_HIDDEN void bdw_enter_thread(void);

/* ---- queue.c: condemned objects, in the order of their discovery ---- */

/* Written under the lock. */
struct bdw_figures {
  unsigned long condemned, notified, revived, kept, lost;
  atomic_size_t pending_bytes;
  unsigned long max_lag_us;
};
BDW_HIDDEN extern struct bdw_figures bdw_figures;

/* Serial numbers: of the newest entry, and of the oldest that is still there. */
BDW_HIDDEN extern atomic_size_t bdw_pushed, bdw_first;

/* Condemns a live object; false without memory, then it stays as it is. */
BDW_HIDDEN bool bdw_condemn_locked(const struct bdw_object *o);
/* The next object to be notified, claimed; false if there is none. The number of
 * its entry is in *busy before it counts as taken from the queue. */
BDW_HIDDEN bool bdw_claim_locked(struct bdw_object *out, atomic_size_t *busy,
                                 uint64_t *out_since_ns);
/* A condemned or claimed object is pending no more: it is live, or nothing. */
BDW_HIDDEN void bdw_settle_locked(const struct bdw_object *o,
                                  enum bdw_state state);
BDW_HIDDEN uint64_t bdw_now_ns(void);

/* ---- batch.c ---- */

/* A claimed object that was notified, and settled. */
BDW_HIDDEN void bdw_batch_add_locked(const struct bdw_object *o);
/* False: there is nothing to take. */
BDW_HIDDEN bool bdw_batch_may_be_due(void);
/* Those whose memory is to be freed, marked and without a tag; the caller's stack holds
 * them. IS_NOTIFIED tells whether everything up to a serial number of the queue has been. */
BDW_HIDDEN size_t bdw_batch_take_locked(bool (*is_notified)(size_t serial),
                                        void *volatile *out, size_t most);

/* ---- exit.c ---- */

/* False without memory. */
BDW_HIDDEN bool bdw_handle_exit(void);

/* ---- notifier.c ---- */

/* Starts what is missing of so many threads: 0 or EAGAIN. */
BDW_HIDDEN int bdw_start_notifiers(unsigned threads);
/* There is something in the queue; the lock is held. */
BDW_HIDDEN void bdw_wake_notifier(void);
/* Whether a notifier was called, and has not returned, for an entry as old as that
 * or older. */
BDW_HIDDEN bool bdw_is_busy_until(size_t serial);
BDW_HIDDEN unsigned bdw_notifier_threads(void);

/* Before a fork: no notifier is called from now on; waits for those that run. */
BDW_HIDDEN void bdw_hold_notifiers(void);
BDW_HIDDEN void bdw_release_notifiers(void);
/* In the child: there are no threads but the caller. */
BDW_HIDDEN void bdw_forget_workers(void);
BDW_HIDDEN bool bdw_is_short_of_notifiers(void);

/* ---- fork.c ---- */

BDW_HIDDEN void bdw_handle_forks(void);

/* ---- kinds.c ---- */

/* Before anything else; starts libgc if need be. */
BDW_HIDDEN void bdw_start(void);
BDW_HIDDEN void bdw_lock_kinds(void);
BDW_HIDDEN void bdw_unlock_kinds(void);
/* Starts what a fork left behind. */
BDW_HIDDEN void bdw_ensure_notifiers(void);

/* ---- wait.c ---- */

/* 0 or ETIMEDOUT. */
BDW_HIDDEN int bdw_wait_until(bool (*is_over)(const void *), const void *arg,
                              unsigned ms);
BDW_HIDDEN void bdw_forget_waiters(void);

/* Something was decided. */
BDW_HIDDEN void bdw_progress(void);
/* Before an allocation: waits when too much is pending. */
BDW_HIDDEN void bdw_pay_back(void);
BDW_HIDDEN size_t bdw_decisions(void);
/* Without memory: waits for what is pending; whether something was decided since there
 * were so many decisions. */
BDW_HIDDEN bool bdw_wait_for_memory(size_t decided);
BDW_HIDDEN unsigned long bdw_overruns(void);
/* Calls on_event, if there is one. */
BDW_HIDDEN void bdw_tell(gcx_event event, void *object, const char *kind_name);

/* Zero: the default. */
struct bdw_config {
  atomic_uint threads, wait_ms, exit_ms, fork_wait_ms;
  atomic_size_t hard_limit;
  _Atomic(gcx_event_fn) on_event;
};
BDW_HIDDEN extern struct bdw_config bdw_config;

#endif
