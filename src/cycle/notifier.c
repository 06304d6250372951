/* src/cycle/notifier.c: the threads that notify.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/notifier.h"

#include "base/check.h"
#include "cycle/api_lock.h"
#include "cycle/deliver.h"
#include "cycle/drain.h"
#include "cycle/watch.h"
#include "notify/debug.h"
#include "world/stop.h"
#include "world/thread.h"

struct gc_notifier_config gc_notifier_config = {.threads = 1,
                                                .wait_ms = 50,
                                                .stuck_ms = 10000,
                                                .exit_ms = 1000,
                                                .fork_wait_ms = 100};

static struct gc_notifier_thread threads[GC_MAX_NOTIFIERS];

/* The calling thread's record; null in other threads than ours. */
static struct gc_notifier_thread *own(void) { return gc_self()->notifier; }

static _Atomic uint32_t work;  /* changes when there is something to do */
static _Atomic bool is_paused; /* for fork */
static _Atomic bool is_service_alive;
static _Atomic uint32_t alive; /* notifier threads that are not stuck */

/* ---- One thread ---- */

static void unstick(struct gc_notifier_thread *t) {
  if (!t->is_stuck)
    return;
  for (uint32_t i = 0; i < t->given_count; i++)
    gc_drain_take_back(&t->given_up[i]);
  t->is_stuck = false;
  gc_add_rlx(&alive, 1);
}

/* The notifiers of what the thread has claimed have returned, or never will.
 * [lock drain] */
static void end_calls(struct gc_notifier_thread *t) {
  unstick(t);
  gc_claims_finish(&t->claims);
  t->is_busy = false;
}

/* Where several threads share the work each takes what it can call at once. */
static unsigned portion(void) {
  return gc_load_rlx(&gc_notifier_config.threads) == 1 ? GC_CLAIMS_MAX : 1;
}

/* Under the drain lock: ends the last calls and claims the next. */
static bool step(struct gc_notifier_thread *t) {
  gc_drain_lock_take();
  if (t->is_busy)
    end_calls(t);
  bool surplus = gc_load_rlx(&alive) > gc_load_rlx(&gc_notifier_config.threads);
  if (!gc_load_acq(&is_paused) && !surplus)
    t->is_busy =
        gc_claims_take(&t->claims, &gc_queues[QUEUE_PROPER], portion());
  t->is_surplus = surplus && !t->is_busy;
  gc_drain_lock_leave();
  return t->is_busy;
}

static enum gc_drain_verdict call_claimed(const struct gc_object *o,
                                          const struct gc_call *call) {
  if (call->notify == NULL)
    return DRAIN_DONE;
  return call->notify(o->start, o->bytes, call->cd) ? DRAIN_KEEP : DRAIN_DONE;
}

static bool call_many(struct gc_notifier_thread *t) {
  void *object[GC_CLAIMS_MAX];
  struct gc_call call;
  unsigned n = gc_claims_next_many(&t->claims, object, &call);
  if (n == 0)
    return false;
  call.many(object, n, call.cd);
  gc_claims_decide_many(&t->claims);
  return true;
}

static bool call_one(struct gc_notifier_thread *t) {
  struct gc_call call;
  const struct gc_object *o = gc_claims_next(&t->claims, &call);
  if (o == NULL)
    return false;
  gc_claims_decide(&t->claims, call_claimed(o, &call));
  return true;
}

static void notify_all(void *thread) {
  struct gc_notifier_thread *t = thread;
  while (step(t))
    do
      gc_store_rlx(&t->serial, gc_load_rlx(&t->serial) + 1);
    while (call_many(t) || call_one(t));
}

static void wait_for_work(uint32_t seen) {
  gc_debug_leave();
  gc_plat_scrub_stack();
  gc_plat_futex_wait(&work, seen, GC_TSAN_BUILD ? 2000000 : 0);
  if (GC_TSAN_BUILD)
    gc_stop_poll();
}

/* Claims nothing: what the thread finds claimed when it starts over would count as
 * called. */
static void lose(struct gc_notifier_thread *t) {
  gc_drain_lock_take();
  gc_claims_take_back(&t->claims);
  bool is_kept = false;
  const struct gc_object *o = gc_claims_running(&t->claims, &is_kept);
  char *lost = o == NULL || is_kept ? NULL : o->start;
  unsigned kind = o == NULL ? 0 : o->kind;
  end_calls(t);
  gc_drain_lock_leave();
  if (lost != NULL)
    gc_watch_report(NOTIFIER_LOST, lost, kind);
}

/* An exception that nobody hears of would be hard to find. */
static void complain_of_exception(const struct gc_notifier_thread *t) {
  static _Atomic bool is_said;
  bool expected = false;
  unsigned kind = t->claims.object[t->claims.called - 1].kind;
  if (gc_load_acq(&gc_notifier_config.on_event) == NULL &&
      gc_cas_acq_rel(&is_said, &expected, true))
    gc_plat_message(
        "an exception left a notifier of kind \"%s\"; its object is "
        "lost (on_event is told every time, this is said once)",
        gc_kinds[kind].notifier.name);
}

static void run_notifier(void *thread) {
  struct gc_notifier_thread *t = thread;
  bool oom = false;
  gc_thread_register(NULL, true, &oom);
  if (oom)
    gc_fatal("no memory to register a notifier thread; raise the memory limit");
  gc_self()->notifier = t;
  while (!t->is_surplus) {
    uint32_t seen = gc_load_acq(&work);
    enum gc_plat_end end = gc_plat_catch(notify_all, t);
    if (end == END_EXCEPTION)
      complain_of_exception(t);
    if (end != END_RETURNED)
      lose(t);
    else if (!t->is_surplus)
      wait_for_work(seen);
  }
}

/* The thread may end in the middle of a notifier (pthread_exit). */
static void end_notifier(void *thread) {
  struct gc_notifier_thread *t = thread;
  if (t->is_busy)
    lose(t);
  gc_sub_rlx(&alive, 1);
  gc_store_rel(&t->is_used, false);
  gc_notifier_wake();
}

/* ---- The set of threads ---- */

static struct gc_notifier_thread *take_thread_record(void) {
  for (unsigned i = 0; i < GC_MAX_NOTIFIERS; i++) {
    bool expected = false;
    if (gc_cas_acq_rel(&threads[i].is_used, &expected, true))
      return &threads[i];
  }
  return NULL;
}

static bool start_one(void) {
  struct gc_notifier_thread *t = take_thread_record();
  if (t == NULL)
    return false;
  t->is_surplus = false; /* the rest is as its last owner left it: idle */
  gc_add_rlx(&alive, 1);
  t->plan = (struct gc_thread_plan){run_notifier, end_notifier, t};
  if (gc_plat_thread_start(&t->plan))
    return true;
  gc_sub_rlx(&alive, 1);
  gc_store_rel(&t->is_used, false);
  return false;
}

static void service_ended(void *arg) {
  (void)arg;
  gc_store_rel(&is_service_alive, false);
}

static bool start_service(void) {
  static struct gc_thread_plan plan = {gc_watch_run, service_ended, NULL};
  bool expected = false;
  if (!gc_cas_acq_rel(&is_service_alive, &expected, true))
    return true;
  if (gc_plat_thread_start(&plan))
    return true;
  gc_store_rel(&is_service_alive, false);
  return false;
}

bool gc_notifier_start(void) {
  while (gc_load_rlx(&alive) < gc_load_rlx(&gc_notifier_config.threads))
    if (!start_one())
      break;
  return gc_load_rlx(&alive) > 0 && start_service();
}

bool gc_notifier_start_queue(void) {
  gc_api_lock();
  bool ok = gc_pending_start_queue(QUEUE_PROPER) && gc_notifier_start();
  gc_api_unlock();
  return ok;
}

unsigned gc_notifier_threads(void) { return gc_load_rlx(&alive); }

struct gc_notifier_thread *gc_notifier_thread_at(unsigned i) {
  return i < GC_MAX_NOTIFIERS ? &threads[i] : NULL;
}

bool gc_notifier_leave_stuck(struct gc_notifier_thread *t) {
  gc_claims_take_back(&t->claims);
  bool is_kept;
  const struct gc_object *o = gc_claims_running(&t->claims, &is_kept);
  if (o == NULL)
    return false;
  t->given_count = gc_load_rlx(&t->claims.together);
  for (uint32_t i = 0; i < t->given_count; i++) {
    t->given_up[i] = o[-(ptrdiff_t)i];
    gc_drain_give_up(&t->given_up[i]);
  }
  t->is_stuck = true;
  gc_sub_rlx(&alive, 1);
  return true;
}

void gc_notifier_wake(void) {
  if (gc_load_rlx(&gc_queues[QUEUE_PROPER].waiting) == 0)
    return;
  gc_notifier_start();
  gc_add_acq_rel(&work, 1);
  gc_plat_futex_wake(&work, -1);
  gc_watch_wake();
}

/* ---- From inside a notifier ---- */

bool gc_notifier_inside(void) {
  const struct gc_notifier_thread *me = own();
  return (me != NULL && me->is_busy) || gc_deliver_inside();
}

bool gc_notifier_keep(const void *object) {
  struct gc_notifier_thread *me = own();
  if (me == NULL || !me->is_busy)
    return gc_deliver_keep(object);
  return gc_claims_keep(&me->claims, object);
}

bool gc_notifier_abort(void) {
  const struct gc_notifier_thread *me = own();
  if (me == NULL || !me->is_busy)
    return false;
  gc_plat_escape();
}

/* ---- Fork ---- */

static bool others_run(void) {
  for (unsigned i = 0; i < GC_MAX_NOTIFIERS; i++)
    if (&threads[i] != own() && gc_load_acq(&threads[i].is_used) &&
        threads[i].is_busy && !threads[i].is_stuck)
      return true;
  return false;
}

void gc_notifier_pause_for_fork(void) {
  gc_store_rel(&is_paused, true);
  if (gc_load_rlx(&alive) == 0)
    return;
  gc_drain_lock_take();
  gc_claims_take_back_all();
  gc_drain_lock_leave();
  uint64_t limit = gc_load_rlx(&gc_notifier_config.fork_wait_ms);
  uint64_t end = gc_plat_now_ns() + limit * 1000000;
  for (bool run = true; run && gc_plat_now_ns() < end;) {
    gc_drain_lock_take();
    run = others_run();
    gc_drain_lock_leave();
    if (run)
      gc_plat_yield();
  }
}

void gc_notifier_lock_for_fork(void) { gc_drain_lock_take(); }
void gc_notifier_unlock_after_fork(void) { gc_drain_lock_leave(); }

/* The threads say what was in flight, not the lists: what a stuck one was called
 * for is in none. */
void gc_notifier_reset_in_child(void) {
  struct gc_notifier_thread *me = own();
  for (unsigned i = 0; i < GC_MAX_NOTIFIERS; i++) {
    struct gc_notifier_thread *t = &threads[i];
    if (t == me)
      continue;
    if (gc_load_rlx(&t->is_used) && t->is_busy)
      end_calls(t);
    gc_store_rlx(&t->is_used, false);
  }
  if (me != NULL && me->is_busy)
    unstick(me);
  gc_store_rlx(&alive, me != NULL);
  gc_store_rlx(&is_service_alive, false);
  gc_store_rel(&is_paused, false);
}

void gc_notifier_resume_after_fork(void) {
  gc_store_rel(&is_paused, false);
  gc_notifier_wake();
}
