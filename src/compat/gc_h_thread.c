/* src/compat/gc_h_thread.c: gc.h: threads, the allocator lock, fork.
 * SPDX-License-Identifier: MIT
 */
#include "compat/compat.h"
#include "cycle/api_lock.h"
#include "world/fork.h"
#include "world/roots.h"
#include "world/stack.h"
#include "world/stop.h"
#include "world/suspend.h"

/* ---- Registration ---- */

void GC_allow_register_threads(void) { gc_start(); }

/* A thread that became known by allocating has not been registered by anyone
 * yet: its first registration succeeds and binds the client to undo it. */
int GC_register_my_thread(const struct GC_stack_base *base) {
  bool oom = false;
  gc_start();
  const struct gc_thread *self = gc_thread_self();
  bool was_registered = self != NULL && (self->is_explicit || self->is_main);
  gc_thread_register(base != NULL ? base->mem_base : NULL, true, &oom);
  if (oom)
    gc_fatal("no memory to register a thread; raise the memory limit");
  return was_registered ? GC_DUPLICATE : GC_SUCCESS;
}

int GC_unregister_my_thread(void) {
  return gc_thread_unregister() ? GC_SUCCESS : GC_NOT_FOUND;
}

int GC_thread_is_registered(void) { return gc_self_is_known(); }

/* ---- Stacks ---- */

int GC_get_stack_base(struct GC_stack_base *base) {
  char *low, *cold;
  if (!gc_plat_stack_bounds(&low, &cold))
    return GC_UNIMPLEMENTED;
  base->mem_base = cold;
  return GC_SUCCESS;
}

/* fn's frame lies below the base, which is in this one. */
gc_noinline void *GC_call_with_stack_base(GC_stack_base_func fn, void *data) {
  struct GC_stack_base base = {__builtin_frame_address(0)};
  void *result = fn(&base, data);
  GC_reachable_here(&base);
  return result;
}

void *GC_get_my_stackbottom(struct GC_stack_base *base) {
  gc_start();
  gc_start_thread();
  base->mem_base = gc_stack_get_cold();
  return gc_thread_self();
}

/* Before the start there are no handles: the variable alone says where the
 * stack of the thread that will be the main one begins. */
void GC_set_stackbottom(void *handle, const struct GC_stack_base *base) {
  if (handle == NULL && !gc_is_started())
    GC_stackbottom = base->mem_base;
  else
    gc_stack_set_cold(handle, base->mem_base);
}

void *GC_do_blocking(GC_fn_type fn, void *data) {
  return gc_blocking_call(fn, data);
}

void *GC_call_with_gc_active(GC_fn_type fn, void *data) {
  return gc_active_call(fn, data);
}

/* ---- The allocator lock ---- */

/* What the program changed under the lock may not fit together before it has done
 * something more (Guile moves a stack, then notes where it is), so letting go starts no
 * collection. */

void GC_alloc_lock(void) { gc_api_lock(); }
void GC_alloc_unlock(void) { gc_api_unlock_only(); }

void *GC_call_with_alloc_lock(GC_fn_type fn, void *data) {
  gc_api_lock();
  void *result = fn(data);
  gc_api_unlock_only();
  return result;
}

/* ---- Suspending threads ---- */

static bool is_own_id(pthread_t id) {
  return (uint64_t)id == gc_plat_pthread_id();
}

/* As between GC_stop_world_external and GC_start_world_external. */
static bool is_stopped_by_me(void) {
  return gc_world_is_stopped() && gc_api_is_mine();
}

/* Without the allocator lock for itself: it would keep it until it is resumed. */
void GC_suspend_thread(pthread_t id) {
  gc_start();
  gc_check(!is_stopped_by_me() && !(is_own_id(id) && gc_api_is_mine()));
  if (is_own_id(id)) {
    gc_suspend_self();
    return;
  }
  gc_compat_await_start(id);
  gc_api_lock();
  gc_suspend_other(id);
  gc_api_unlock_waking();
}

void GC_resume_thread(pthread_t id) {
  gc_start();
  gc_check(!is_stopped_by_me());
  gc_suspend_resume(id);
}

int GC_is_thread_suspended(pthread_t id) {
  gc_start();
  gc_check(!is_stopped_by_me());
  return gc_suspend_is_suspended(id);
}

/* ---- Stopping the world by hand ---- */

void GC_stop_world_external(void) {
  gc_start();
  gc_start_thread();
  gc_api_lock();
  gc_roots_prepare();
  gc_thread_lock_list();
  gc_stop_world();
}

void GC_start_world_external(void) {
  gc_start_world();
  gc_thread_unlock_list();
  gc_api_unlock_only();
}

/* ---- Signals ---- */

/* Stacks in use are found when a thread stops, alternate ones too. */
void GC_register_altstack(void *stack, GC_word stack_bytes, void *altstack,
                          GC_word altstack_bytes) {
  (void)stack, (void)stack_bytes, (void)altstack, (void)altstack_bytes;
}

void GC_set_suspend_signal(int signal) { gc_stop_set_signal(signal); }
int GC_get_suspend_signal(void) { return gc_stop_signal(); }

void GC_set_thr_restart_signal(int signal) {
  gc_stop_set_restart_signal(signal);
}

int GC_get_thr_restart_signal(void) { return gc_stop_restart_signal(); }

/* ---- Fork ---- */

/* There are none to be started anew. */
void GC_start_mark_threads(void) {}

void GC_set_handle_fork(int mode) { gc_start_set_fork(mode); }
void GC_atfork_prepare(void) { gc_fork_prepare(); }
void GC_atfork_parent(void) { gc_fork_parent(); }
void GC_atfork_child(void) { gc_fork_child(); }
