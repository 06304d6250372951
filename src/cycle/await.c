/* src/cycle/await.c: waiting for notifiers. SPDX-License-Identifier: MIT
 *
 * Who waits sleeps on a word that changes when memory is released or a kind has
 * nothing undecided any more. Nobody waits who is in a notifier, who owns
 * the api lock or who has asked not to: the notifier that is waited for may want
 * what they hold.
 */
#include "cycle/notifier.h"

#include "cycle/api_lock.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/drain.h"
#include "cycle/gc_start.h"
#include "world/stop.h"

#define LEAST_HARD_LIMIT ((size_t)64 << 20)
#define MS ((uint64_t)1000000)
/* Who waits for the limit waits for that part of it: woken for each block it would be
 * asleep again after one page of objects. */
#define SLACK_SHIFT 3
/* Other threads' allocation moves the goal, and so do verdicts that nobody tells. */
#define MEMORY_LOOK_NS (2 * MS)
#define LOOK_EVERY_NS (GC_TSAN_BUILD ? 2 * MS : 20 * MS)

static _Atomic uint32_t progress;
static _Atomic uint64_t overruns;

static void on_progress(void) {
  gc_store_rlx(&gc_drain_memory_goal, 0);
  gc_add_acq_rel(&progress, 1);
  gc_plat_futex_wake(&progress, -1);
}

__attribute__((constructor)) static void install(void) {
  gc_drain_on_progress = on_progress;
}

static bool may_wait(void) {
  return !gc_notifier_inside() && !gc_api_is_mine();
}

/* Sleeps until something happens; false when the time is over. */
static bool sleep_until(uint32_t seen, uint64_t end_ns, uint64_t look_ns) {
  uint64_t now = gc_plat_now_ns();
  if (now >= end_ns)
    return false;
  uint64_t left = end_ns - now;
  /* Single verdicts are not told; looking for them now and then is enough. */
  gc_plat_futex_wait(&progress, seen, left < look_ns ? left : look_ns);
  if (GC_TSAN_BUILD)
    gc_stop_poll();
  return true;
}

static uint64_t end_of(unsigned ms) {
  return ms == GC_WAIT_FOREVER ? UINT64_MAX : gc_plat_now_ns() + ms * MS;
}

/* ---- Drain ---- */

/* What notifiers wrote before their verdict is visible to who waited for it: verdicts
 * are given under the lock. */
static enum gc_wait_result end_wait(bool in_time) {
  gc_drain_lock_take();
  gc_drain_lock_leave();
  return in_time ? WAIT_OVER : WAIT_TIMEOUT;
}

/* Rounds are counted modulo 2^32. A batch of which everything was revived is
 * decided without a round. */
static bool is_reached(const struct gc_queue *q, uint32_t target) {
  if ((int32_t)(gc_load_acq(&q->rounds) - target) >= 0)
    return true;
  gc_drain_lock_take();
  bool is_busy = gc_drain_is_busy(q);
  gc_drain_lock_leave();
  return !is_busy;
}

enum gc_wait_result gc_notifier_drain(unsigned ms) {
  struct gc_queue *q = &gc_queues[QUEUE_PROPER];
  if (!may_wait())
    return WAIT_DEADLOCK;
  gc_deliver_all();
  gc_drain_lock_take();
  uint32_t target = gc_drain_target(q);
  gc_drain_lock_leave();
  if (is_reached(q, target))
    return WAIT_OVER;
  uint64_t end = end_of(ms);
  bool in_time = true;
  gc_add_acq_rel(&gc_drain_waiters, 1);
  gc_notifier_wake();
  while (in_time && !is_reached(q, target)) {
    uint32_t seen = gc_load_acq(&progress);
    if (!is_reached(q, target))
      in_time = sleep_until(seen, end, LOOK_EVERY_NS);
  }
  gc_sub_rlx(&gc_drain_waiters, 1);
  return end_wait(in_time);
}

static enum gc_wait_result await_kind(unsigned kind, uint64_t end) {
  if (!may_wait())
    return WAIT_DEADLOCK;
  gc_deliver_all();
  bool in_time = true;
  gc_add_acq_rel(&gc_drain_waiters, 1);
  gc_notifier_wake();
  while (in_time && gc_pending_undecided(kind) != 0) {
    uint32_t seen = gc_load_acq(&progress);
    if (gc_pending_undecided(kind) != 0)
      in_time = sleep_until(seen, end, LOOK_EVERY_NS);
  }
  gc_sub_rlx(&gc_drain_waiters, 1);
  return end_wait(in_time);
}

enum gc_wait_result gc_notifier_await_kind(unsigned kind, unsigned ms) {
  return await_kind(kind, end_of(ms));
}

/* ---- Memory ---- */

void gc_notifier_nowait(bool begin) {
  if (gc_start_thread())
    gc_self()->nowait += begin ? 1 : -1u;
}

unsigned long gc_notifier_overruns(void) { return gc_load_rlx(&overruns); }

static size_t hard_limit(void) {
  size_t limit = gc_load_rlx(&gc_notifier_config.hard_limit);
  if (limit != 0)
    return limit;
  limit = gc_load_rlx(&gc_heap.live);
  return limit > LEAST_HARD_LIMIT ? limit : LEAST_HARD_LIMIT;
}

static void count_overrun(void) {
  void (*f)(int, void *, const char *) =
      gc_load_acq(&gc_notifier_config.on_event);
  gc_add_rlx(&overruns, 1);
  if (f == NULL)
    return;
  gc_self()->nowait++; /* the client may allocate, and is told once */
  f(NOTIFIER_OVERRUN, NULL, "");
  gc_self()->nowait--;
}

static uint64_t decided(void) {
  return gc_load_rlx(&gc_pending.notified) + gc_load_rlx(&gc_pending.revived) +
         gc_load_rlx(&gc_pending.lost);
}

/* Everything allocated since the last collection may be dead as well. */
static bool is_over(size_t limit) {
  size_t bytes = gc_pending_bytes();
  return bytes != 0 && bytes + gc_load_rlx(&gc_heap.allocated) >= limit;
}

/* The least goal of several that wait may be told late: they look now and then. */
static void set_goal(size_t limit) {
  size_t allocated = gc_load_rlx(&gc_heap.allocated);
  gc_store_rel(&gc_drain_memory_goal,
               limit > allocated ? limit - allocated : 1);
}

/* True when it became less than the limit; gives up after wait_ms without any
 * verdict. */
static bool wait_below(size_t limit) {
  uint64_t patience = gc_load_rlx(&gc_notifier_config.wait_ms) * MS;
  uint64_t end = gc_plat_now_ns() + patience, last = decided();
  bool in_time = true;
  gc_notifier_wake();
  while (in_time && is_over(limit)) {
    uint32_t seen = gc_load_acq(&progress);
    if (decided() != last) {
      last = decided();
      end = gc_plat_now_ns() + patience;
    }
    set_goal(limit);
    if (is_over(limit))
      in_time = sleep_until(seen, end, MEMORY_LOOK_NS);
  }
  return in_time;
}

void gc_notifier_back_pressure(void) {
  size_t limit = hard_limit();
  if (gc_pending_bytes() + gc_load_rlx(&gc_heap.allocated) < limit ||
      gc_self()->nowait != 0 || !may_wait())
    return;
  if (is_over(limit) && !wait_below(limit - (limit >> SLACK_SHIFT))) {
    count_overrun();
    return;
  }
  /* What is pending is little, so most is not known to be dead yet. */
  if (gc_load_rlx(&gc_heap.allocated) >= limit)
    gc_collect(COLLECT_BUDGET);
}

bool gc_notifier_await_memory(void) {
  size_t before = gc_pending_bytes();
  if (before == 0 || gc_self()->nowait != 0 || !may_wait())
    return false;
  return wait_below(before);
}

/* All kinds share the time. */
static void at_exit(void) {
  uint64_t end = end_of(gc_load_rlx(&gc_notifier_config.exit_ms));
  for (unsigned k = 0; k < gc_load_acq(&gc_kind_count); k++)
    if (gc_kind_flags(k) & KIND_AT_EXIT && gc_pending_undecided(k) != 0)
      await_kind(k, end);
}

void gc_notifier_watch_exit(void) {
  static _Atomic bool is_watched;
  bool expected = false;
  if (gc_cas_acq_rel(&is_watched, &expected, true))
    gc_plat_at_exit(at_exit);
}
