/* src/plat/self.h: the one thread-local pointer. SPDX-License-Identifier: MIT
 *
 * gc_self points to this thread's record: a head that the lowest layers use,
 * followed at once by GC_SELF_UPPER_BYTES that belong to the allocator
 * (heap/tlab.h). It is never null: threads that the collector does not know
 * point to one shared, all-zero record, in which every allocation cell is
 * empty, so the allocator's fast path needs no test of its own.
 *
 * Stop rule: a thread is never parked while `nostop` is above zero. The signal
 * handler sees the counter, sets `stop_wanted` and returns; leaving the region
 * parks. Every internal lock, and all code that reads the role of the maps, is
 * such a region. Regions are short and call no user code.
 */
#ifndef GC_PLAT_SELF_H
#define GC_PLAT_SELF_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/config.h"

#define GC_SELF_UPPER_BYTES (12u * 1024u)

/* A number in a frame of this thread's stack; see world/frame. */
struct gc_frame_mark {
  const uint64_t *word;
  uint64_t number;
};

struct gc_self {
  _Atomic uint32_t nostop;      /* [thread] read by the own signal handler */
  _Atomic uint32_t stop_wanted; /* [thread] set by the own signal handler */
  void *thread;        /* [const] struct gc_thread of world; null if unknown */
  uint32_t held_ranks; /* [thread] bit set of held lock ranks, debug builds */
  uint32_t nowait;     /* [thread] depth of sections that do not wait */
  void *notifier;      /* [thread] record of a notifier thread, or null */
  /* [thread] see cycle/finalise: who calls finalisers, or null; how deep, and how
   * often others were refused. */
  struct gc_frame_mark finaliser_run;
  uint32_t finaliser_depth, finaliser_refused;
  void *escape; /* [thread] where gc_plat_escape goes to, or null */
} gc_align(64);

extern __thread struct gc_self *gc_self_tls
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The record of threads the collector does not know. */
extern struct gc_self *const gc_self_none;

gc_inline struct gc_self *gc_self(void) { return gc_self_tls; }
gc_inline void *gc_self_upper(struct gc_self *self) { return self + 1; }
gc_inline bool gc_self_is_known(void) { return gc_self_tls != gc_self_none; }

/* Set by world/stop: parks the calling thread if a stop is still wanted. */
extern void (*gc_self_park)(void);

gc_inline void gc_nostop_enter(void) {
  struct gc_self *self = gc_self_tls;
  gc_store_rlx(&self->nostop, gc_load_rlx(&self->nostop) + 1);
  gc_compiler_barrier();
}

gc_inline void gc_nostop_leave(void) {
  struct gc_self *self = gc_self_tls;
  gc_compiler_barrier();
  uint32_t depth = gc_load_rlx(&self->nostop) - 1;
  gc_store_rlx(&self->nostop, depth);
  gc_compiler_barrier();
  if (gc_unlikely(depth == 0 && gc_load_rlx(&self->stop_wanted)))
    gc_self_park();
}

gc_inline bool gc_nostop_inside(void) {
  return gc_load_rlx(&gc_self_tls->nostop) != 0;
}

#endif
