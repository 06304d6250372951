/* src/cycle/deliver.c: notifiers on allocating and collecting threads.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/deliver.h"

#include "base/check.h"
#include "cycle/api_lock.h"
#include "cycle/claims.h"
#include "mark/hold.h"
#include "reclaim/large.h"
#include "world/frame.h"

/* Notifiers called at one safepoint. */
#define SOME 1024u

static struct {
  bool inside; /* a notifier runs */
  struct gc_frame_mark caller;
  struct gc_claims claims;
} delivery; /* [lock api] */

bool gc_deliver_inside(void) { return gc_api_is_mine() && delivery.inside; }

bool gc_deliver_keep(const void *object) {
  return gc_deliver_inside() && gc_claims_keep(&delivery.claims, object);
}

/* A notifier that was left by a jump: the api lock will never be given back, and other
 * threads wait for it. Whoever has changed to a stack of his own may still be inside. */
static void check_not_left(void) {
  if (gc_deliver_inside() && gc_frame_use(&delivery.caller) == FRAME_LEFT)
    gc_fatal("a notifier was left by longjmp: it must return (or be of "
             "GCX_MODE_PROPER and call gcx_notifier_abort)");
}

static void call_notifier(const struct gc_object *o,
                          const struct gc_call *call) {
  uint64_t word;
  delivery.inside = true;
  delivery.caller = gc_frame_enter(&word);
  int keep =
      call->notify == NULL ? 0 : call->notify(o->start, o->bytes, call->cd);
  gc_frame_leave(&word);
  delivery.inside = false;
  gc_claims_decide(&delivery.claims, keep ? DRAIN_KEEP : DRAIN_DONE);
}

/* Counts the calls. */
static void call_all(void *called) {
  const struct gc_object *o;
  struct gc_call call;
  while ((o = gc_claims_next(&delivery.claims, &call)) != NULL) {
    call_notifier(o, &call);
    ++*(size_t *)called;
  }
}

static unsigned portion_of(size_t left) {
  return left < GC_CLAIMS_MAX ? (unsigned)left : GC_CLAIMS_MAX;
}

/* The verdicts on some objects and the claim of the next are one critical section. */
size_t gc_deliver(enum gc_deliver_amount amount) {
  struct gc_queue *q = &gc_queues[QUEUE_SIMPLE];
  size_t called = 0, max = amount == DELIVER_ALL ? SIZE_MAX : SOME;
  if (delivery.inside || gc_load_rlx(&q->waiting) == 0)
    return 0;
  gc_drain_lock_take();
  while (called < max &&
         gc_claims_take(&delivery.claims, q, portion_of(max - called))) {
    gc_drain_lock_leave();
    gc_plat_call_refusing(call_all, &called);
    gc_drain_lock_take();
    gc_claims_finish(&delivery.claims);
  }
  gc_drain_lock_leave();
  return called;
}

size_t gc_deliver_poll(void) {
  check_not_left();
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
  bool ok = gc_pending_attach(kind, flags, gc_large_each_locked);
  gc_api_unlock();
  return ok;
}
