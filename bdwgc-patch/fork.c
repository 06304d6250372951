/* bdwgc-patch/fork.c: notifiers go on in a forked child. SPDX-License-Identifier: MIT
 *
 * Before the fork no further object is claimed, and notifiers that run are waited for,
 * for a while; then all locks are taken, those of the adapter before libgc's. In the child
 * what a notifier of the parent still works on is lost; the queue is there. Threads are
 * started by the next call that may want them, for most children exec at once.
 */
#include "adapter.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void before(void) {
  bdw_hold_notifiers();
  bdw_lock_kinds();
  bdw_lock_waiting();
  bdw_lock_work();
  GC_atfork_prepare(); /* nothing where libgc handles forks by itself */
}

static void in_parent(void) {
  GC_atfork_parent();
  bdw_unlock_work();
  bdw_unlock_waiting();
  bdw_unlock_kinds();
  bdw_release_notifiers();
}

/* Before libgc's lock is free again, where that is ours to say, nobody else runs. */
static void in_child(void) {
  GC_atfork_child();
  bdw_forget_workers();
  bdw_unlock_work();
  bdw_forget_waiters();
  bdw_unlock_waiting();
  bdw_unlock_kinds();
  bdw_release_notifiers();
}

static void install(void) { pthread_atfork(before, in_parent, in_child); }

void bdw_handle_forks(void) { pthread_once(&once, install); }
