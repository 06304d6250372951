/* bdwgc-patch/fork.c: notifiers go on in a forked child. SPDX-License-Identifier: MIT
 *
 * Before the fork no further object is claimed, and notifiers that run are waited for,
 * for a while; then the lock of kinds is taken, and libgc's, in that order. The locks
 * that go with conditions are made anew in the child and guard nothing else: whoever has
 * libgc's lock may take them, so they can not be taken before it. In the child what a
 * notifier of the parent still works on is lost; the queue is there. Threads are started
 * by the next call that may want them, for most children exec at once.
 */
#include "adapter.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void before(void) {
  bdw_hold_notifiers();
  bdw_lock_kinds();
  GC_atfork_prepare(); /* nothing where libgc handles forks by itself */
}

static void in_parent(void) {
  GC_atfork_parent();
  bdw_unlock_kinds();
  bdw_release_notifiers();
}

/* Before libgc's lock is free again, where that is ours to say, nobody else runs. */
static void in_child(void) {
  GC_atfork_child();
  bdw_forget_workers();
  bdw_forget_waiters();
  bdw_unlock_kinds();
  bdw_release_notifiers();
}

static void install(void) { pthread_atfork(before, in_parent, in_child); }

void bdw_handle_forks(void) { pthread_once(&once, install); }
