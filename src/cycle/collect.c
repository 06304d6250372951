/* src/cycle/collect.c: a collection, from the first phase to the last.
 * SPDX-License-Identifier: MIT
 *
 *   idle -> prepare -> stop -> mark -> examine -> flip -> start -> settle -> idle
 *
 * prepare   world running: what is left of the last epoch is held and classified, so
 *           all mark maps are zero; loaded images are read (never in the stop: a
 *           stopped thread may hold the loader's lock)
 * stop      the api and thread-list locks are held from here to start
 * mark      tails, pending objects, uncollectable ones, roots, then all that is
 *           reachable, then values whose keys are, and what they reach, then what
 *           finalisers revive, see cycle/finalise
 * examine   dead objects of notified kinds are condemned
 * flip      the marks become the allocation map; what condemned objects refer to is
 *           held afterwards, see cycle/hold_phase
 * settle    world running: sizes for the next cycle, pages returned, events
 */
#include "cycle/collect.h"

#include "base/switches.h"
#include "cycle/api_lock.h"
#include "cycle/deliver.h"
#include "cycle/ephemeron.h"
#include "cycle/finalise.h"
#include "cycle/gc_start.h"
#include "cycle/hold_phase.h"
#include "cycle/notifier.h"
#include "cycle/observe.h"
#include "cycle/pacer.h"
#include "heap/space.h"
#include "mark/mark.h"
#include "mark/rootscan.h"
#include "notify/debug.h"
#include "notify/pending.h"
#include "notify/quarantine.h"
#include "reclaim/classify.h"
#include "reclaim/large.h"
#include "world/roots.h"
#include "world/stop.h"

struct gc_cycle_stats gc_cycle_stats;
void (*gc_collect_leaks)(void);
void (*gc_collect_tell)(void);
void (*gc_collect_search)(char *own_sp, char *own_end);
void (*gc_collect_verify)(void);
void (*gc_collect_report)(bool at_end);

/* Free blocks that nobody wanted for so many collections are returned. */
#define DISCARD_AGE 4u

struct cycle {
  enum gc_collect_cause cause;
  int (*stop)(void);
  size_t root_bytes;
  size_t allocated; /* since the last collection */
  uint64_t cpu_start_ns, stop_start_ns;
  char *own_end; /* cold end of the collector's own part of the stack */
  bool abandoned;
};

static struct cycle *current; /* [lock api] */

static void emit(enum gc_collection_event event) {
  if (gc_hooks.event != NULL)
    gc_hooks.event(event);
}

/* ---- Phases ---- */

static void prepare(struct cycle *c) {
  emit(EVENT_START);
  if (gc_collect_report != NULL)
    gc_collect_report(false);
  if (gc_hooks.start != NULL)
    gc_hooks.start();
  c->cpu_start_ns = gc_plat_cpu_ns();
  gc_hold_phase_await();
  gc_classify_rest();
  gc_roots_prepare();
}

static void stop(struct cycle *c) {
  gc_thread_lock_list();
  emit(EVENT_PRE_STOP_WORLD);
  c->stop_start_ns = gc_plat_now_ns();
  gc_stop_world();
  emit(EVENT_POST_STOP_WORLD);
}

static bool poll_stop_function(void) {
  return current->stop != NULL && current->stop() != 0;
}

static void mark(struct cycle *c, char *own_sp) {
  struct gc_marker *m = &gc_marker_main;
  emit(EVENT_MARK_START);
  gc_marker_reset(m, c->stop == NULL ? NULL : poll_stop_function);
  c->abandoned = poll_stop_function();
  if (!c->abandoned) {
    gc_rootscan_tails();
    gc_pending_mark_untraced();
    gc_rootscan_uncollectable(m, gc_large_each);
    gc_rootscan_all(m, own_sp, &c->root_bytes);
    gc_finalise_mark_roots(m);
    gc_mark_drain(m);
    gc_ephemeron_mark(m);
    c->abandoned = m->abandoned;
    if (!c->abandoned)
      gc_finalise_mark_dead(m);
  }
  if (c->abandoned)
    gc_mark_forget_all();
  emit(EVENT_MARK_END);
}

/* Counters first: nothing waits for classification to answer a query. */
static void flip(struct cycle *c) {
  const struct gc_marker *m = &gc_marker_main;
  c->allocated = gc_load_rlx(&gc_heap.allocated);
  gc_add_rlx(&gc_heap.allocated_before, c->allocated);
  gc_store_rlx(&gc_heap.allocated, 0);
  gc_store_rlx(&gc_heap.freed, 0);
  size_t leaf = m->live[1] << GC_GRANULE_SHIFT;
  size_t live = leaf + (m->live[0] << GC_GRANULE_SHIFT);
  size_t before = gc_load_rlx(&gc_heap.live) + c->allocated;
  gc_cycle_stats.last_reclaimed_bytes = before > live ? before - live : 0;
  gc_cycle_stats.reclaimed_bytes += gc_cycle_stats.last_reclaimed_bytes;
  gc_store_rlx(&gc_heap.live, live);
  gc_store_rlx(&gc_heap.live_leaf, leaf);
  gc_heap.parity ^= 1;
  gc_heap.epoch++;
  gc_classify_restart();
  ++*gc_switches.gc_no;
}

static void start(struct cycle *c) {
  emit(EVENT_PRE_START_WORLD);
  gc_start_world();
  uint64_t pause = gc_plat_now_ns() - c->stop_start_ns;
  gc_cycle_stats.last_pause_ns = pause;
  if (pause > gc_cycle_stats.longest_pause_ns)
    gc_cycle_stats.longest_pause_ns = pause;
  gc_cycle_stats.total_ns += pause;
  emit(EVENT_POST_START_WORLD);
  gc_thread_unlock_list();
}

static void settle(struct cycle *c) {
  emit(EVENT_RECLAIM_START);
  struct gc_pacer_cycle p = {.live = gc_load_rlx(&gc_heap.live),
                             .live_leaf = gc_load_rlx(&gc_heap.live_leaf),
                             .roots = c->root_bytes,
                             .waiting = gc_pending_bytes(),
                             .cpu_ns = gc_plat_cpu_ns() - c->cpu_start_ns};
  gc_pacer_finish_cycle(&p);
  if (gc_notifier_threads() == 0)
    gc_hold_phase_await();
  gc_notifier_wake();
  gc_observe_wake();
  gc_finalise_settle();
  gc_marker_trim(&gc_marker_main);
  if (c->cause == COLLECT_UNMAP) {
    gc_hold_phase_await();
    gc_classify_rest();
    gc_space_discard(0, 0);
  } else {
    gc_space_discard(DISCARD_AGE, gc_pacer_keep_bytes());
  }
  if (gc_collect_report != NULL)
    gc_collect_report(true);
  emit(EVENT_RECLAIM_END);
  emit(EVENT_END);
}

/* ---- The state machine ---- */

static void run_phases(void *arg, char *own_sp) {
  struct cycle *c = arg;
  prepare(c);
  stop(c);
  mark(c, own_sp);
  if (!c->abandoned) {
    if (gc_collect_leaks != NULL)
      gc_collect_leaks();
    if (gc_collect_search != NULL)
      gc_collect_search(own_sp, c->own_end);
    gc_pending_examine(gc_large_each);
    gc_quarantine_leave();
    if (gc_collect_verify != NULL)
      gc_collect_verify();
    flip(c);
    gc_hold_phase_begin();
    gc_add_rlx(&gc_cycle_stats.collections, 1);
  }
  start(c);
  settle(c);
}

static bool run_owning_api_lock(enum gc_collect_cause cause,
                                int (*stop_function)(void)) {
  struct cycle c = {.cause = cause,
                    .stop = stop_function,
                    .own_end = __builtin_frame_address(0)};
  current = &c;
  gc_plat_with_registers(run_phases, &c);
  current = NULL;
  return !c.abandoned;
}

bool gc_collect_unless(int (*stop_function)(void),
                       enum gc_collect_cause cause) {
  uint64_t before = gc_load_rlx(&gc_cycle_stats.collections);
  if (gc_load_rlx(gc_client_int(gc_switches.dont_gc)) > 0)
    return false;
  if (gc_api_is_mine()) {
    gc_api_request_collection();
    return false;
  }
  if (!gc_start_thread())
    return false;
  gc_api_lock();
  bool ran = cause == COLLECT_BUDGET &&
             gc_load_rlx(&gc_cycle_stats.collections) != before;
  if (!ran)
    ran = run_owning_api_lock(cause, stop_function);
  if (ran && cause != COLLECT_BUDGET)
    gc_deliver(DELIVER_ALL);
  gc_api_unlock_only();
  if (ran && gc_collect_tell != NULL)
    gc_collect_tell();
  gc_debug_leave();
  return ran;
}

bool gc_collect(enum gc_collect_cause cause) {
  return gc_collect_unless(gc_hooks.stop, cause);
}
