/* src/cycle/deliver.c: notifiers on allocating and collecting threads.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/deliver.h"

#include "cycle/api_lock.h"
#include "cycle/drain.h"
#include "reclaim/large.h"

/* Notifiers called at one safepoint. */
#define SOME 1024u

static struct {
  bool inside; /* a notifier runs */
  bool is_kept;
  struct gc_object object; /* for which */
} current;                 /* [lock api] */

bool gc_deliver_inside(void) { return current.inside && gc_api_is_mine(); }

bool gc_deliver_keep(const void *object) {
  if (!gc_deliver_inside() || current.object.start != object || current.is_kept)
    return false;
  gc_drain_lock_take();
  gc_drain_keep(&current.object);
  gc_drain_lock_leave();
  current.is_kept = true;
  return true;
}

static int call(const struct gc_object *o, gc_notify_fn notify, void *cd) {
  current.inside = true;
  current.is_kept = false;
  int keep = notify == NULL ? 0 : notify(o->start, o->bytes, cd);
  current.inside = false;
  return keep;
}

/* The verdict on one object and the claim of the next are one critical section. */
size_t gc_deliver(enum gc_deliver_amount amount) {
  struct gc_queue *q = &gc_queues[QUEUE_SIMPLE];
  size_t called = 0, max = amount == DELIVER_ALL ? SIZE_MAX : SOME;
  if (current.inside || gc_load_rlx(&q->waiting) == 0)
    return 0;
  gc_drain_lock_take();
  while (called < max && gc_drain_take(q, &current.object)) {
    const struct gc_notifier *n = &gc_kinds[current.object.kind].notifier;
    gc_notify_fn notify = n->notify;
    void *cd = n->cd;
    gc_drain_lock_leave();
    int keep = call(&current.object, notify, cd);
    called++;
    gc_drain_lock_take();
    if (current.is_kept)
      gc_drain_leave_kept(&current.object);
    else
      gc_drain_finish(&current.object, keep ? DRAIN_KEEP : DRAIN_DONE);
  }
  gc_drain_lock_leave();
  return called;
}

size_t gc_deliver_poll(void) {
  if (gc_load_rlx(&gc_queues[QUEUE_SIMPLE].waiting) == 0 || gc_api_is_mine() ||
      !gc_api_try_lock())
    return 0;
  size_t called = gc_deliver(DELIVER_SOME);
  gc_api_unlock_only();
  return called;
}

bool gc_deliver_all(void) {
  if (gc_load_rlx(&gc_queues[QUEUE_SIMPLE].waiting) == 0 || gc_api_is_mine())
    return false;
  gc_api_lock();
  gc_deliver(DELIVER_ALL);
  gc_api_unlock_only();
  return true;
}

bool gc_deliver_register(unsigned kind, const struct gc_notifier *notifier,
                         unsigned flags) {
  gc_api_lock();
  gc_drain_lock_take();
  gc_kinds[kind].notifier = *notifier;
  gc_drain_lock_leave();
  bool ok = gc_pending_attach(kind, flags, gc_large_each);
  gc_api_unlock();
  return ok;
}
