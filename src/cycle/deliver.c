/* src/cycle/deliver.c: notifiers on allocating and collecting threads.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/deliver.h"

#include "cycle/api_lock.h"
#include "cycle/drain.h"
#include "mark/hold.h"
#include "reclaim/large.h"

/* Notifiers called at one safepoint, and claimed at once. */
#define SOME 1024u
#define AT_ONCE 32u

static struct {
  bool inside;                    /* a notifier runs */
  const struct gc_object *object; /* for which */
  bool is_kept;
  struct gc_object claimed[AT_ONCE];
  uint8_t verdicts[AT_ONCE]; /* of gc_drain_verdict, or KEPT_ALREADY */
} delivery;                  /* [lock api] */

enum { KEPT_ALREADY = DRAIN_LOST + 1 };

bool gc_deliver_inside(void) { return delivery.inside && gc_api_is_mine(); }

bool gc_deliver_keep(const void *object) {
  if (!gc_deliver_inside() || delivery.object->start != object ||
      delivery.is_kept)
    return false;
  gc_drain_lock_take();
  gc_drain_keep(delivery.object);
  gc_drain_lock_leave();
  delivery.is_kept = true;
  return true;
}

static uint8_t call_notifier(const struct gc_object *o, gc_notify_fn notify,
                             void *cd) {
  delivery.object = o;
  delivery.inside = true;
  delivery.is_kept = false;
  int keep = notify == NULL ? 0 : notify(o->start, o->bytes, cd);
  delivery.inside = false;
  return delivery.is_kept ? KEPT_ALREADY : keep ? DRAIN_KEEP : DRAIN_DONE;
}

/* All objects of a claim are of one kind. */
static void call_all(size_t n, gc_notify_fn notify, void *cd) {
  for (size_t i = 0; i < n; i++)
    delivery.verdicts[i] = call_notifier(&delivery.claimed[i], notify, cd);
}

static void finish_all(size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (delivery.verdicts[i] == KEPT_ALREADY)
      gc_drain_leave_kept(&delivery.claimed[i]);
    else
      gc_drain_finish(&delivery.claimed[i],
                      (enum gc_drain_verdict)delivery.verdicts[i]);
    delivery.claimed[i].start = NULL; /* a root where the library is static */
  }
}

static size_t portion_of(size_t left) {
  return left < AT_ONCE ? left : AT_ONCE;
}

/* The verdicts on some objects and the claim of the next are one critical section. */
size_t gc_deliver(enum gc_deliver_amount amount) {
  struct gc_queue *q = &gc_queues[QUEUE_SIMPLE];
  size_t n, called = 0, max = amount == DELIVER_ALL ? SIZE_MAX : SOME;
  if (delivery.inside || gc_load_rlx(&q->waiting) == 0)
    return 0;
  gc_drain_lock_take();
  while (called < max &&
         (n = gc_drain_take_many(q, delivery.claimed,
                                 portion_of(max - called))) != 0) {
    const struct gc_notifier *by = &gc_kinds[delivery.claimed[0].kind].notifier;
    gc_notify_fn notify = by->notify;
    void *cd = by->cd;
    gc_drain_lock_leave();
    call_all(n, notify, cd);
    called += n;
    gc_drain_lock_take();
    finish_all(n);
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
  if (flags & KIND_HELD && !gc_hold_start())
    return false;
  gc_api_lock();
  gc_drain_lock_take();
  gc_kinds[kind].notifier = *notifier;
  gc_drain_lock_leave();
  bool ok = gc_pending_attach(kind, flags, gc_large_each);
  gc_api_unlock();
  return ok;
}
