/* tests/unit/world.h: what the tests of the world layer share.
 * SPDX-License-Identifier: MIT
 *
 * A core of base, plat and world alone, with the calling thread registered.
 */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "world/roots.h"
#include "world/stack.h"
#include "world/stop.h"
#include "world/thread.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "lib/tap.h"

static inline void register_thread(void) {
  bool oom;
  tap_check(gc_thread_register(NULL, true, &oom));
  tap_check(!oom);
}

static inline void start_world_layer(void) {
  gc_thread_start();
  gc_stop_start();
  gc_roots_start();
  register_thread();
}

static inline void stop_all(void) {
  gc_thread_lock_list();
  gc_stop_world();
}

static inline void start_all(void) {
  gc_start_world();
  gc_thread_unlock_list();
}

static inline void sleep_us(unsigned us) {
  struct timespec t = {us / 1000000, (long)(us % 1000000) * 1000};
  nanosleep(&t, NULL);
}

static inline void await(_Atomic bool *flag) {
  while (!gc_load_acq(flag))
    sched_yield();
}

#endif
