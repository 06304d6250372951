/* src/cycle/watch.c: the service thread. SPDX-License-Identifier: MIT
 */
#include "cycle/watch.h"

#include "base/check.h"
#include "cycle/drain.h"
#include "world/stop.h"
#include "world/thread.h"

#define MAX_EVENTS 64u
/* The sanitiser delays signals until a thread looks. */
#define LATE_SIGNAL_POLL_NS ((uint64_t)(GC_TSAN_BUILD ? 2000000 : 0))

static _Atomic uint32_t
    alarm_count; /* changes when there is something to watch */

static struct {
  struct report {
    enum gc_notifier_event event;
    char *object;
    unsigned kind;
  } of[MAX_EVENTS];
  unsigned count;
} reports; /* [lock drain] */

void gc_watch_wake(void) {
  gc_add_acq_rel(&alarm_count, 1);
  gc_plat_futex_wake(&alarm_count, 1);
}

static void add_report(enum gc_notifier_event event, char *object,
                       unsigned kind) {
  if (reports.count < MAX_EVENTS)
    reports.of[reports.count++] = (struct report){event, object, kind};
}

void gc_watch_report(enum gc_notifier_event event, char *object,
                     unsigned kind) {
  gc_drain_lock_take();
  add_report(event, object, kind);
  gc_drain_lock_leave();
  gc_watch_wake();
}

static bool next_report(struct report *out) {
  gc_drain_lock_take();
  bool have = reports.count > 0;
  if (have)
    *out = reports.of[--reports.count];
  gc_drain_lock_leave();
  return have;
}

static void tell_client(void) {
  struct report r;
  while (next_report(&r)) {
    void (*f)(int, void *, const char *) =
        gc_load_acq(&gc_notifier_config.on_event);
    if (f != NULL)
      f((int)r.event, r.object, gc_kinds[r.kind].notifier.name);
  }
}

/* True while a notifier runs that is not stuck. */
static bool check_thread(struct gc_notifier_thread *t, uint64_t now) {
  uint64_t stuck_ns =
      (uint64_t)gc_load_rlx(&gc_notifier_config.stuck_ms) * 1000000;
  uint32_t serial = gc_load_rlx(&t->serial);
  if (!gc_load_acq(&t->is_used) || !t->is_busy || t->is_stuck)
    return false;
  if (serial != t->seen_serial || t->seen_ns == 0) {
    t->seen_serial = serial;
    t->seen_ns = now;
  } else if (now - t->seen_ns >= stuck_ns && gc_notifier_leave_stuck(t)) {
    add_report(NOTIFIER_STUCK, t->given_up[0].start, t->given_up[0].kind);
    return false;
  }
  return true;
}

/* True while something has to be watched: a thread that was woken may not have
 * begun yet. */
static bool check_threads(void) {
  struct gc_notifier_thread *t;
  uint64_t now = gc_plat_now_ns();
  bool some_run = gc_load_rlx(&gc_queues[QUEUE_PROPER].waiting) != 0;
  gc_drain_lock_take();
  for (unsigned i = 0; (t = gc_notifier_thread_at(i)) != NULL; i++)
    some_run = check_thread(t, now) || some_run;
  gc_drain_lock_leave();
  return some_run;
}

static uint64_t tick_ns(void) {
  uint64_t ns = (uint64_t)gc_load_rlx(&gc_notifier_config.stuck_ms) * 250000;
  if (GC_TSAN_BUILD)
    return LATE_SIGNAL_POLL_NS;
  return ns < 100000000 ? ns + 1 : 100000000;
}

void gc_watch_run(void *arg) {
  bool oom = false;
  (void)arg;
  gc_thread_register(NULL, true, &oom);
  if (oom)
    gc_fatal(
        "no memory to register the service thread; raise the memory limit");
  for (;;) {
    uint32_t seen = gc_load_acq(&alarm_count);
    bool some_run = check_threads();
    tell_client();
    gc_notifier_start();
    gc_plat_scrub_stack();
    gc_plat_futex_wait(&alarm_count, seen,
                       some_run ? tick_ns() : LATE_SIGNAL_POLL_NS);
    if (GC_TSAN_BUILD)
      gc_stop_poll();
  }
}
