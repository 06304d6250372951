/* extra/hcons/backend.h: all contact with the collector. SPDX-License-Identifier: MIT */
/* Everything that hcons, hexpr and the hexpr command need from a collector
 * goes through these few wrappers, so that they run on any library with one of
 * two doors, told apart when the program runs:
 *
 * - gcx/reclaim.h: kinds with GCX_MODE_PROPER, GCX_REFS_NONE and
 *   GCX_RELEASE_BATCH, whose notifiers run on a thread of the collector. Its
 *   names are weak here and its types stay in kinds.c.
 * - the disclaim interface of libgc ("the old door"), whose callbacks run under
 *   the allocation lock. There cells come in batches linked through their first
 *   word, which the collector must be able to follow: so even the leaf kind has
 *   one scanned word, the header, which never looks like an address because its
 *   upper half is a hash and its low bit is set. New cells are cleared, lest a
 *   cell that waits in a list keeps what an earlier node pointed to. */
#ifndef HCONS_BACKEND_H
#define HCONS_BACKEND_H

/* For GC_get_parallel; this header calls no thread functions. */
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HC_BACKEND_LARGE_BYTES = 1 << 16 };

/* Only Reclaim has this one, which also tells that it is there. */
extern int gcx_write_heap_map(const char *path) __attribute__((weak));

/* See gcx/reclaim.h. */
struct gcx_kind;
extern void *gcx_kind_alloc(struct gcx_kind *kind, size_t bytes)
    __attribute__((weak));
extern int gcx_revive(void *object) __attribute__((weak));
extern const size_t *gcx_undecided(void) __attribute__((weak));
extern const size_t *gcx_collections(void) __attribute__((weak));
extern int gcx_drain(unsigned ms) __attribute__((weak));
extern int gcx_in_notifier(void) __attribute__((weak));

/* Only the adapter to an unmodified libgc has it, where mark bits do not tell what
 * is condemned. See bdwgc-patch/adapter.h. */
extern int gcx_bdw_is_live(const void *object) __attribute__((weak));

/* In kinds.c. A kind whose dead objects are given to NOTIFY, or several of them to
 * NOTIFY_MANY: LEAF without pointers, else with MAP for a bit map of the words that
 * may be pointers, or 0 for all of them. NULL when the collector refuses, or has no
 * such kinds. */
struct gcx_kind *hc_backend_notified_kind(
    bool leaf, size_t map, void (*notify)(void *node),
    void (*notify_many)(void *const *nodes, size_t n, void *));

/* [const] after hc_table_set_up: nodes are objects of notified kinds. */
extern bool hc_backend_is_proper;

static inline void hc_backend_init(void) {
  if (!GC_is_init_called())
    GC_INIT();
}

/* Threads may join later. One that is registered already does not join; who joined has
 * to leave, but for Reclaim, where that happens by itself. */
static inline void hc_backend_allow_threads(void) {
  GC_allow_register_threads();
}

static inline bool hc_backend_join_thread(void) {
  struct GC_stack_base base;
  return !GC_thread_is_registered() && GC_get_stack_base(&base) == GC_SUCCESS &&
         GC_register_my_thread(&base) == GC_SUCCESS;
}

static inline void hc_backend_leave_thread(void) { GC_unregister_my_thread(); }

/* A kind whose dead objects are given to PROC exactly once, without keeping
 * what they refer to. */
static inline int hc_backend_new_kind(int leaf, int (*proc)(void *)) {
  GC_word whole = 0 | GC_DS_LENGTH;
  GC_word header_only = sizeof(GC_word) | GC_DS_LENGTH;
  void **free_list = GC_new_free_list();
  int kind;
  if (leaf)
    kind = (int)GC_new_kind(free_list, header_only, 0, 1);
  else
    kind = (int)GC_new_kind(free_list, whole, 1, 1);
  GC_register_disclaim_proc(kind, proc, 0);
  return kind;
}

static inline int hc_backend_is_reclaim(void) {
  return gcx_write_heap_map != NULL;
}

/* One cell. The collector adds a byte to what is asked for, so that the
 * address after an object keeps it alive; nodes do not need that. */
static inline void *hc_backend_cell(size_t bytes, int kind) {
  return GC_generic_malloc(bytes - 1, kind);
}

/* A list of cells, linked through the first word; NULL without memory. Other
 * libraries with parallel markers sweep for a batch without holding the lock,
 * so that callbacks would not be excluded; there a batch is one cell. */
static inline void *hc_backend_cells(size_t bytes, int kind) {
  void *list = NULL;
  if (!hc_backend_is_reclaim() && GC_get_parallel() != 0)
    return hc_backend_cell(bytes, kind);
  GC_generic_malloc_many(bytes, kind, &list);
  return list;
}

/* Runs FN under the lock that reclaim callbacks also run under. */
static inline void *hc_backend_locked(void *(*fn)(void *), void *arg) {
  return GC_call_with_alloc_lock(fn, arg);
}

/* Not condemned. The caller has the node in a variable that it goes on using,
 * which keeps a node that is live now. */
static inline bool hc_backend_is_live(const void *node) {
  if (gcx_bdw_is_live != NULL && hc_backend_is_proper)
    return gcx_bdw_is_live(node) != 0;
  return GC_is_marked(node) != 0;
}

/* [const] after hc_table_set_up: where 0 says that every node is live. */
extern const size_t *hc_backend_undecided;

/* [const] likewise: what every collection changes in the stop. It means nothing where
 * the other number is never 0. */
extern const size_t *hc_backend_collections_word;

/* True only if every node in tables is live; else each is to be asked about. The caller
 * has the lock of the shard. The node is in a variable before the number is read. */
static inline bool hc_backend_all_live(const void *node) {
  __asm__ volatile("" : : "r"(node) : "memory");
  return __atomic_load_n(hc_backend_undecided, __ATOMIC_ACQUIRE) == 0;
}

/* Under the lock that the callback takes to remove the node; false when it is
 * too late, and the node counts as gone. */
static inline bool hc_backend_revive(const void *node) {
  if (hc_backend_is_proper)
    return gcx_revive((void *)(uintptr_t)node) != 0;
  GC_set_mark_bit(node);
  return true;
}

static inline int hc_backend_kind_of(const void *object) {
  size_t bytes;
  return GC_get_kind_and_size(object, &bytes);
}

static inline void *hc_backend_base(const void *p) {
  return GC_base((void *)(uintptr_t)p);
}

static inline void *hc_backend_root_alloc(size_t bytes) {
  return GC_malloc_uncollectable(bytes);
}

static inline void *hc_backend_scanned_alloc(size_t bytes) {
  if (bytes >= HC_BACKEND_LARGE_BYTES)
    return GC_malloc_ignore_off_page(bytes);
  return GC_malloc(bytes);
}

static inline void hc_backend_free(void *memory) { GC_free(memory); }

static inline void hc_backend_collect(void) { GC_gcollect(); }

static inline unsigned long hc_backend_collections(void) {
  return (unsigned long)GC_get_gc_no();
}

static inline size_t hc_backend_allocated_bytes(void) {
  return GC_get_total_bytes();
}

static inline size_t hc_backend_heap_bytes(void) { return GC_get_heap_size(); }

static inline unsigned hc_backend_version(void) { return GC_get_version(); }

/* Calls FN with 1 just before the world stops and 0 when it runs again. There
 * is one watcher in a source file that includes this header. */
static void (*hc_backend_pause_hook)(int stopping);

static inline void hc_backend_on_event(GC_EventType event) {
  if (event == GC_EVENT_PRE_STOP_WORLD)
    hc_backend_pause_hook(1);
  if (event == GC_EVENT_POST_START_WORLD)
    hc_backend_pause_hook(0);
}

static inline void hc_backend_watch_pauses(void (*fn)(int stopping)) {
  hc_backend_pause_hook = fn;
  GC_set_on_collection_event(hc_backend_on_event);
}

/* 0 or an errno value; only on Reclaim. */
static inline int hc_backend_draw_heap(const char *path) {
  return gcx_write_heap_map(path);
}

#endif
