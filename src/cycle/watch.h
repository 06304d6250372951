/* src/cycle/watch.h: the service thread, which looks after notifier threads.
 * SPDX-License-Identifier: MIT
 *
 * It is the only thread that measures time: a notifier thread counts its calls,
 * and one whose count stands still while it is busy for stuck_ms is stuck. Then
 * the claimed object is given up, the client is told, and a new thread goes on
 * with the rest.
 */
#ifndef GC_CYCLE_WATCH_H
#define GC_CYCLE_WATCH_H

#include "cycle/claims.h"
#include "cycle/notifier.h"

struct gc_notifier_thread {
  _Atomic bool is_used;
  struct gc_thread_plan plan;
  bool is_busy;    /* it has claimed something; [lock drain] for others */
  bool is_stuck;   /* [lock drain] */
  bool is_surplus; /* [thread] there are more than configured */
  _Atomic uint32_t serial; /* calls */
  struct gc_claims claims;
  struct gc_object
      given_up[GC_CLAIMS_MAX]; /* while it is stuck; [lock drain] */
  uint32_t given_count;        /* [lock drain] */
  uint32_t seen_serial;        /* [watch] */
  uint64_t seen_ns;            /* [watch] when the count was seen to change */
};

/* Null behind the last. */
struct gc_notifier_thread *gc_notifier_thread_at(unsigned i);
/* The thread's notifier is not waited for any more, nor what else it has claimed.
 * False: it is between two. [lock drain] */
bool gc_notifier_leave_stuck(struct gc_notifier_thread *thread);

void gc_watch_run(void *arg);
void gc_watch_wake(void);
/* Has the service thread tell the client; events beyond a few are dropped. */
void gc_watch_report(enum gc_notifier_event event, char *object, unsigned kind);

#endif
