/* src/compat/gc_h_collect.c: gc.h: starting, collections and their callbacks.
 * SPDX-License-Identifier: MIT
 */
#include "base/switches.h"
#include "compat/compat.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/finalise.h"
#include "heap/space.h"
#include "notify/pending.h"

/* ---- Start ---- */

/* The thread that asks becomes known, as in libgc, though it may never
 * allocate. */
static void start_with_thread(void) {
  gc_start();
  gc_start_thread();
}

/* Nothing needs to be given back at the end; but it is told. */
static _Atomic bool is_shut_down;

void GC_init(void) {
  gc_store_rlx(&is_shut_down, false);
  start_with_thread();
}

void GC_deinit(void) { gc_store_rlx(&is_shut_down, gc_is_started()); }

int GC_is_init_called(void) {
  return gc_is_started() && !gc_load_rlx(&is_shut_down);
}

unsigned GC_get_version(void) {
  return (unsigned)GC_VERSION_MAJOR << 16 | (unsigned)GC_VERSION_MINOR << 8 |
         (unsigned)GC_VERSION_MICRO;
}

/* ---- Collections ---- */

void GC_gcollect(void) {
  start_with_thread();
  gc_collect(gc_hooks.force_unmap ? COLLECT_UNMAP : COLLECT_EXPLICIT);
  gc_finalise_poll();
}

void GC_gcollect_and_unmap(void) {
  start_with_thread();
  gc_collect(COLLECT_UNMAP);
  gc_finalise_poll();
}

int GC_try_to_collect(GC_stop_func stop_func) {
  start_with_thread();
  bool ran = gc_collect_unless(
      stop_func, gc_hooks.force_unmap ? COLLECT_UNMAP : COLLECT_EXPLICIT);
  gc_finalise_poll();
  return ran;
}

void GC_set_force_unmap_on_gcollect(int value) {
  gc_hooks.force_unmap = value != 0;
}
int GC_get_force_unmap_on_gcollect(void) { return gc_hooks.force_unmap; }

/* Clients read the nesting depth in the variable, so it is counted there. */
void GC_disable(void) { gc_add_rlx(gc_client_int(&GC_dont_gc), 1); }

void GC_enable(void) { gc_sub_rlx(gc_client_int(&GC_dont_gc), 1); }

int GC_is_disabled(void) { return GC_dont_gc != 0; }

int GC_collect_a_little(void) {
  start_with_thread();
  gc_deliver_poll();
  gc_finalise_poll();
  return gc_load_rlx(&gc_queues[QUEUE_SIMPLE].waiting) != 0;
}

/* ---- Callbacks ---- */

/* What the getter answers while no stop function is set; the core then does not
 * ask at all. */
static int never_stop(void) { return 0; }

void GC_set_stop_func(GC_stop_func stop_func) {
  gc_hooks.stop = stop_func == never_stop ? NULL : stop_func;
}

GC_stop_func GC_get_stop_func(void) {
  GC_stop_func stop_func = gc_hooks.stop;
  return stop_func == NULL ? never_stop : stop_func;
}

/* The core passes its own numbers of events; they are the public ones. */
_Static_assert((int)EVENT_THREAD_UNSUSPENDED ==
                   (int)GC_EVENT_THREAD_UNSUSPENDED,
               "numbers of events");

void GC_set_on_collection_event(GC_on_collection_event_proc event) {
  gc_hooks.event = (void (*)(int))event;
}

GC_on_collection_event_proc GC_get_on_collection_event(void) {
  return (GC_on_collection_event_proc)gc_hooks.event;
}

void GC_set_on_thread_event(GC_on_thread_event_proc event) {
  gc_hooks.thread_event = (void (*)(int, void *))event;
}

GC_on_thread_event_proc GC_get_on_thread_event(void) {
  return (GC_on_thread_event_proc)gc_hooks.thread_event;
}

/* ---- The heap grows ---- */

int GC_expand_hp(size_t bytes) {
  gc_start();
  bool grown = gc_space_expand(bytes);
  gc_space_report_growth();
  return grown;
}

void GC_set_max_heap_size(GC_word bytes) { gc_space_set_limit(bytes); }
