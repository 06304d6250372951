/* src/world/fork.c: fork in a process with threads.
 * SPDX-License-Identifier: MIT
 *
 * The order is that of the ranks: api, thread list, roots, kinds, pools and
 * what is below. The thread that forks is inside a stop-deferring region from
 * the first internal lock on; in the child the locks are made free instead of
 * being released, so the region is left by resetting its counter.
 */
#include "world/fork.h"

#include "world/roots.h"
#include "world/thread.h"

static struct gc_fork_steps fork_steps;
static bool is_installed;

static void run_step(void (*step)(void)) {
  if (step != NULL)
    step();
}

void gc_fork_set_steps(const struct gc_fork_steps *steps) {
  fork_steps = *steps;
}

void gc_fork_prepare(void) {
  run_step(fork_steps.lock_outer);
  gc_thread_lock_list();
  gc_roots_lock_for_fork();
  gc_lock_allow_many(true);
  run_step(fork_steps.lock_inner);
}

void gc_fork_parent(void) {
  run_step(fork_steps.unlock_inner);
  gc_lock_allow_many(false);
  gc_roots_unlock_after_fork();
  gc_thread_unlock_list();
  run_step(fork_steps.unlock_outer);
}

static void leave_regions(void) {
  struct gc_self *self = gc_self();
  gc_store_rlx(&self->nostop, 0);
  gc_store_rlx(&self->stop_wanted, 0);
}

/* The records of the others can be retired only when the inner locks are free,
 * and nobody may look at the list before that. */
void gc_fork_child(void) {
  run_step(fork_steps.reset_inner);
  gc_lock_allow_many(false);
  gc_roots_reset_locks();
  leave_regions();
  gc_thread_keep_only_self();
  run_step(fork_steps.reset_outer);
}

bool gc_fork_install(void) {
  if (!is_installed)
    is_installed =
        gc_plat_at_fork(gc_fork_prepare, gc_fork_parent, gc_fork_child);
  return is_installed;
}
