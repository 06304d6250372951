/* src/cycle/gc_start.c: starting the collector. SPDX-License-Identifier: MIT
 *
 * Once, by the first call that needs the heap, on whatever thread, in the order of
 * the layers. Two threads may come at the same time: one starts, the other waits.
 */
#include "cycle/gc_start.h"

#include "base/option.h"
#include "base/switches.h"
#include "cycle/api_lock.h"
#include "cycle/collect.h"
#include "cycle/notifier.h"
#include "cycle/observe.h"
#include "cycle/weak_map.h"
#include "heap/meta.h"
#include "heap/sited.h"
#include "heap/space.h"
#include "heap/tlab.h"
#include "mark/mark.h"
#include "notify/debug.h"
#include "notify/final.h"
#include "notify/pending.h"
#include "reclaim/large.h"
#include "reclaim/pool.h"
#include "reclaim/weak_cells.h"
#include "world/fork.h"
#include "world/roots.h"
#include "world/stop.h"

enum { NOT_STARTED, STARTING, STARTED };
static _Atomic uint32_t phase = NOT_STARTED;
static int fork_mode = 1;
static int log_fd = -1;

void (*gc_start_observers)(void);

/* ---- Options ---- */

static void complain(const char *name, const char *value) {
  gc_plat_message("the value \"%s\" of %s makes no sense and is ignored", value,
                  name);
}

static void write_log(const char *text, size_t len) {
  gc_plat_write_text(log_fd, text, len);
}

static void open_log(const char *path) {
  int error = 0;
  log_fd = gc_plat_open_file(path, true, &error);
  if (log_fd < 0)
    gc_plat_message("cannot write the log file %s (error %d); "
                    "messages go to stderr",
                    path, error);
  else
    gc_message_sink = write_log;
}

/* The environment overrides what the program's setters said. */
static void apply_options(void) {
  const struct gc_options *o = &gc_options;
  gc_options_read(gc_plat_getenv, complain);
  if (o->log_file.is_set)
    open_log(o->log_file.text);
  if (o->all_interior_pointers.is_set)
    *gc_switches.all_interior_pointers = o->all_interior_pointers.number != 0;
  if (o->free_space_divisor.is_set && o->free_space_divisor.number == 0)
    complain(o->free_space_divisor.name, o->free_space_divisor.text);
  else if (o->free_space_divisor.is_set)
    *gc_switches.free_space_divisor = o->free_space_divisor.number;
  if (o->dont_gc.is_set && o->dont_gc.number != 0)
    *gc_switches.dont_gc = 1;
  if (o->find_leak.is_set)
    *gc_switches.find_leak = o->find_leak.number != 0;
  if (o->force_unmap.is_set)
    gc_hooks.force_unmap = o->force_unmap.number != 0;
}

static void start_traces(void) {
  size_t wanted = gc_options.call_chain.number;
  if (wanted == 0)
    return;
  gc_plat_trace_start();
  gc_sited_frames = wanted < GC_TRACE_MAX ? (unsigned)wanted : GC_TRACE_MAX;
}

/* ---- Upcalls ---- */

static void on_resize(size_t heap_bytes) {
  void (*f)(uint64_t) = *gc_switches.on_heap_resize;
  if (f != NULL)
    f(heap_bytes);
}

static void pause_and_lock(void) {
  gc_notifier_pause_for_fork();
  gc_observe_pause_for_fork();
  gc_api_lock();
}

static void unlock_and_resume(void) {
  gc_api_unlock_only();
  gc_observe_resume_after_fork();
  gc_notifier_resume_after_fork();
}

static void unlock_in_child(void) {
  gc_api_unlock_after_fork();
  gc_observe_resume_after_fork();
}

static void lock_inner(void) {
  gc_notifier_lock_for_fork();
  gc_kind_lock_for_fork();
  gc_pool_lock_all_for_fork();
  gc_large_lock_for_fork();
  gc_weak_map_lock_for_fork();
  gc_weak_lock_for_fork();
  gc_final_lock();
  gc_observed_lock_for_fork();
  gc_space_lock_for_fork();
  gc_meta_lock_for_fork();
}

static void unlock_inner(void) {
  gc_meta_unlock_after_fork(false);
  gc_space_unlock_after_fork(false);
  gc_observed_unlock_after_fork();
  gc_final_unlock();
  gc_weak_unlock_after_fork();
  gc_weak_map_unlock_after_fork();
  gc_large_unlock_after_fork();
  gc_pool_unlock_all_after_fork();
  gc_kind_unlock_after_fork();
  gc_notifier_unlock_after_fork();
}

static void unlock_inner_in_child(void) {
  gc_notifier_reset_in_child();
  gc_observe_reset_in_child();
  gc_debug_reset_in_child();
  unlock_inner();
}

/* The forking thread owns all of these, so the child unlocks them as the parent
 * does. */
static void install_upcalls(void) {
  static const struct gc_fork_steps steps = {
      pause_and_lock,        lock_inner,     unlock_inner, unlock_and_resume,
      unlock_inner_in_child, unlock_in_child};
  gc_space_on_resize = on_resize;
  gc_thread_on_leave = gc_pool_retire_all;
  gc_fork_set_steps(&steps);
  if (fork_mode == 1 && !gc_fork_install())
    gc_plat_message("no memory for fork handlers; a forked child must not "
                    "use the collector");
}

/* ---- Start ---- */

static void start_layers(void) {
  apply_options();
  gc_heap_start(*gc_switches.all_interior_pointers != 0);
  if (gc_options.maximum_heap.is_set)
    gc_space_set_limit(gc_options.maximum_heap.number);
  if (!gc_marker_start(&gc_marker_main, gc_options.torture_mark_stack.number) ||
      !gc_pending_start())
    gc_fatal("no memory for the mark stack; raise the memory limit");
  gc_thread_start();
  gc_stop_start();
  gc_roots_start();
  install_upcalls();
  start_traces();
  size_t initial = gc_options.initial_heap.number;
  if (initial == 0)
    initial = GC_BLOCK_BYTES;
  if (!gc_space_expand(initial))
    gc_plat_message("the initial heap of %zu bytes is not to be had", initial);
  on_resize(gc_space_heap_bytes());
  if (gc_start_observers != NULL)
    gc_start_observers();
}

static void start_once(void) {
  start_layers();
  gc_thread_register_main();
  gc_store_rel(&phase, STARTED);
  gc_plat_futex_wake(&phase, -1);
  if (!gc_start_thread())
    gc_fatal("no memory to register the first thread; raise the memory limit");
  /* Only now: a start that fails has nothing to fall back on. */
  gc_plat_fail_every((unsigned)gc_options.torture_map_fail.number);
  if (*gc_switches.dont_precollect == 0)
    gc_collect(COLLECT_EXPLICIT);
}

void gc_start(void) {
  uint32_t now = gc_load_acq(&phase);
  if (now == STARTED)
    return;
  now = NOT_STARTED;
  if (gc_cas_acq_rel(&phase, &now, STARTING)) {
    start_once();
    return;
  }
  while (gc_load_acq(&phase) != STARTED)
    gc_plat_futex_wait(&phase, STARTING, 0);
}

bool gc_is_started(void) { return gc_load_acq(&phase) == STARTED; }

bool gc_start_thread(void) {
  bool oom = false;
  return gc_self_is_known() || gc_thread_register(NULL, false, &oom) || !oom;
}

void gc_start_set_fork(int mode) { fork_mode = mode; }
int gc_start_get_fork(void) { return fork_mode; }
