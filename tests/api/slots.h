/* tests/api/slots.h: stack slots and threads shared by the thread tests. SPDX-License-Identifier: MIT */

/*
 * A test holds objects in an array of volatile slots in some frame, has a
 * collection run, and looks whether the contents are still there.
 */
#ifndef TESTS_API_SLOTS_H
#define TESTS_API_SLOTS_H

#include <gc/gc.h>

#include <pthread.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_SLOTS = 40, OBJ_BYTES = 64, N_THREADS = 4 };

static inline void fill_slots(void *volatile *slots, uint64_t id) {
  for (size_t i = 0; i < N_SLOTS; i++) {
    slots[i] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(slots[i], OBJ_BYTES, id + i);
  }
}

static inline void check_slots(void *volatile *slots, uint64_t id) {
  for (size_t i = 0; i < N_SLOTS; i++)
    tap_require(gu_is_intact(slots[i], OBJ_BYTES, id + i));
}

/* Overwrites whatever a wrong collection would have freed. */
static inline void collect_and_overwrite(void) {
  GC_gcollect();
  for (size_t i = 0; i < 5000; i++)
    memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
}

static inline void start(pthread_t *t, void *(*fn)(void *), void *arg) {
  tap_require(GC_pthread_create(t, NULL, fn, arg) == 0);
}

static inline void finish(pthread_t t) {
  tap_eq_u(GC_pthread_join(t, NULL), 0);
}

#endif
