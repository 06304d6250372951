/* bdwgc-patch/sweep.c: deaths are found when the collection ends. SPDX-License-Identifier: MIT
 *
 * libgc sweeps a block when memory of its size is wanted, and one that is nearly
 * full never. So at the end of each collection, told by libgc's event while its lock
 * is held and after it has cleared the links to what is dead, all blocks with objects
 * of ours are gone through: what lives has a mark then, and no object can be young,
 * because nothing is handed out without the lock. What is found dead is condemned and
 * marked, and so kept by the sweeps of libgc that are still owed.
 *
 * The event has one function in a process. Ours calls the program's: the two
 * functions of libgc that change it are wrapped here, under their own names, which
 * works if this library comes before libgc. They are weak for programs that libgc is
 * linked into; there, and elsewhere now and then, it is looked whether ours is still
 * in place.
 */
#define _GNU_SOURCE
#include "adapter.h"

#include <dlfcn.h>
#include <pthread.h>

enum { PAGE_BYTES = 4096 };

/* ---- Going through a block ---- */

/* The collection after which everything was gone through. [lock] */
static unsigned long gone_through_at;
static bool is_gap; /* [lock] something dead could not be condemned */

static void look_at_cell(char *cell, size_t bytes, int kind) {
  struct bdw_object o;
  if (GC_is_marked(cell) || !bdw_look(cell, bytes, kind, &o) ||
      bdw_state_of(&o) != BDW_LIVE)
    return;
  if (atomic_load(&o.kind->is_closed))
    bdw_set_state(&o, BDW_NOTHING);
  else if (bdw_condemn_locked(&o))
    GC_set_mark_bit(cell);
  else
    is_gap = true;
}

/* False when it is no block of ours any more. A large object is not in the set: libgc
 * itself looks at it in each collection. */
static bool look_at_block(char *page) {
  size_t bytes;
  if (GC_base(page) != page)
    return false;
  int kind = GC_get_kind_and_size(page, &bytes);
  if (!bdw_is_ours(kind) || bytes > PAGE_BYTES)
    return false;
  for (char *cell = page; cell + bytes <= page + PAGE_BYTES; cell += bytes)
    look_at_cell(cell, bytes, kind);
  return true;
}

/* ---- When a collection ends ---- */

typedef void (*set_event_fn)(GC_on_collection_event_proc fn);
typedef GC_on_collection_event_proc (*get_event_fn)(void);

static set_event_fn set_event; /* [const] after start */
static get_event_fn get_event; /* likewise */
static _Atomic(GC_on_collection_event_proc) of_program;
static pthread_once_t start_once = PTHREAD_ONCE_INIT;

/* Nothing follows from it for look-ups, for gcx_undecided() is never 0. */
static atomic_size_t collections;

const size_t *gcx_collections(void) {
  return (const size_t *)(const void *)&collections;
}

static void go_through(void) {
  is_gap = false;
  bdw_each_block_locked(look_at_block);
  if (!is_gap)
    gone_through_at = GC_get_gc_no();
}

bool bdw_is_all_found_locked(void) {
  return gone_through_at == (unsigned long)GC_get_gc_no();
}

static void GC_CALLBACK on_event(GC_EventType event) {
  GC_on_collection_event_proc fn = atomic_load(&of_program);
  if (event == GC_EVENT_MARK_END) {
    atomic_fetch_add(&collections, 1);
    bdw_maps_mark();
  }
  if (event == GC_EVENT_RECLAIM_END)
    bdw_maps_settle();
  if (event == GC_EVENT_RECLAIM_END && !GC_get_find_leak())
    go_through();
  if (fn != NULL)
    fn(event);
}

/* There are no objects of ours yet. */
static void *begin(void *arg) {
  gone_through_at = GC_get_gc_no();
  return arg;
}

/* Without a next library it is linked into the program, and its functions have
 * taken the place of ours. */
static void find_libgc(void) {
  set_event = (set_event_fn)dlsym(RTLD_NEXT, "GC_set_on_collection_event");
  get_event = (get_event_fn)dlsym(RTLD_NEXT, "GC_get_on_collection_event");
  if (set_event == NULL || get_event == NULL) {
    set_event = GC_set_on_collection_event;
    get_event = GC_get_on_collection_event;
  }
  GC_call_with_alloc_lock(begin, NULL);
}

void bdw_watch_collections(void) {
  pthread_once(&start_once, find_libgc);
  GC_on_collection_event_proc now = get_event();
  if (now == on_event)
    return;
  atomic_store(&of_program, now);
  set_event(on_event);
}

/* ---- In place of libgc's functions ---- */

__attribute__((weak, visibility("default"))) void GC_CALL
GC_set_on_collection_event(GC_on_collection_event_proc fn) {
  pthread_once(&start_once, find_libgc);
  if (get_event() == on_event)
    atomic_store(&of_program, fn);
  else
    set_event(fn);
}

__attribute__((weak, visibility("default"))) GC_on_collection_event_proc GC_CALL
GC_get_on_collection_event(void) {
  pthread_once(&start_once, find_libgc);
  GC_on_collection_event_proc now = get_event();
  return now == on_event ? atomic_load(&of_program) : now;
}
