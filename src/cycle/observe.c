/* src/cycle/observe.c: the thread that tells observers of deaths.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/observe.h"

#include "cycle/api_lock.h"
#include "cycle/hold_phase.h"
#include "reclaim/classify.h"
#include "reclaim/large.h"
#include "reclaim/pool.h"
#include "world/stack.h"
#include "world/stop.h"

/* Blocks that are classified under a pool's lock at a time: some 10 us. */
#define BLOCKS_AT_ONCE 64u
#define MS ((uint64_t)1000000)
#define LOOK_EVERY_NS (GC_TSAN_BUILD ? 2 * MS : 20 * MS)

/* Who wants something told adds one to `asked`; the thread notes which value it saw
 * before it looked, and publishes that in `told_until` when it is through. */
static _Atomic uint32_t asked, told_until;
static _Atomic uint32_t telling_count; /* with a function */
static _Atomic bool is_thread_alive;
static struct gc_self *_Atomic own_self; /* the thread's; null: there is none */

/* Epoch in which all of a kind was last classified. */
static _Atomic uint32_t classified_in[GC_MAX_KINDS];

bool gc_observe_inside(void) { return gc_load_acq(&own_self) == gc_self(); }

/* ---- Classifying ---- */

static void classify_kind(unsigned kind) {
  uint32_t epoch = gc_heap.epoch;
  if (gc_load_acq(&classified_in[kind]) == epoch)
    return;
  gc_hold_phase_await(); /* it closes again in another epoch only */
  for (unsigned c = 1; c < gc_sizes.count; c++) {
    struct gc_pool *pool = &gc_kinds[kind].pools[c];
    uint32_t at = 0;
    if (gc_load_rlx(&pool->has_blocks))
      do
        at = gc_pool_classify_some(pool, at, BLOCKS_AT_ONCE);
      while (at != 0);
  }
  gc_large_reclaim();
  gc_store_rel(&classified_in[kind], epoch);
}

static void classify_observed(void) {
  for (unsigned k = 0; k < gc_load_acq(&gc_kind_count); k++)
    if (gc_observed_is(k))
      classify_kind(k);
}

/* ---- Telling ---- */

static void call_observer(const struct gc_observed_call *c) {
  if (c->many != NULL) {
    c->many(c->deaths, c->count, c->cd);
    return;
  }
  for (size_t i = 0; i < c->count; i++)
    c->each((void *)c->deaths[i].address, c->deaths[i].bytes, c->cd);
}

static void poll_stop(void) {
  if (GC_TSAN_BUILD)
    gc_stop_poll();
}

/* Has a frame of its own, which ends with it: an observer's data that stood in the
 * thread's lasting frame would be a root after the observer is gone. */
static gc_noinline void tell_taken(unsigned kind) {
  struct gc_observed_call c;
  enum gc_observed_answer answer;
  while ((answer = gc_observed_take(kind, &c)) != TAKE_NOTHING) {
    if (answer == TAKE_SOME)
      call_observer(&c);
    else
      gc_plat_futex_wait(&asked, gc_load_acq(&asked), MS);
    poll_stop();
  }
}

/* One exchange of the halves, so that a pass ends however fast objects die. What is
 * left of the other half is the work of a thread that ended in a call. */
static void tell_all(void) {
  for (unsigned k = 0; k < gc_load_acq(&gc_kind_count); k++) {
    if (!(gc_kind_flags(k) & KIND_OBSERVED))
      continue;
    tell_taken(k);
    gc_observed_turn(k);
    tell_taken(k);
  }
}

/* In a blocking call: stops need not wake the thread. */
static void *sleep_until_asked(void *seen) {
  gc_plat_futex_wait(&asked, *(const uint32_t *)seen,
                     GC_TSAN_BUILD ? 2 * MS : 0);
  return NULL;
}

static void run_observers(void *arg) {
  bool oom = false;
  (void)arg;
  gc_thread_register(NULL, true, &oom);
  if (oom)
    gc_fatal("no memory to register the thread of observers; raise the memory "
             "limit");
  gc_store_rel(&own_self, gc_self());
  for (;;) {
    uint32_t seen = gc_load_acq(&asked);
    classify_observed();
    tell_all();
    gc_store_rel(&told_until, seen);
    gc_plat_futex_wake(&told_until, -1);
    gc_blocking_call(sleep_until_asked, &seen);
    poll_stop();
  }
}

/* An observer may end its thread. */
static void observers_ended(void *arg) {
  (void)arg;
  gc_observed_leave();
  gc_store_rel(&own_self, (struct gc_self *)NULL);
  gc_store_rel(&is_thread_alive, false);
}

static bool start_observing(void) {
  static struct gc_thread_plan plan = {run_observers, observers_ended, NULL};
  bool expected = false;
  if (!gc_cas_acq_rel(&is_thread_alive, &expected, true))
    return true;
  if (gc_plat_thread_start(&plan))
    return true;
  gc_store_rel(&is_thread_alive, false);
  return false;
}

static uint32_t ask_to_tell(void) {
  uint32_t target = gc_add_acq_rel(&asked, 1) + 1;
  gc_plat_futex_wake(&asked, 1);
  return target;
}

static void on_backlog(void) { ask_to_tell(); }

__attribute__((constructor)) static void install_on_backlog(void) {
  gc_observed_on_backlog = on_backlog;
}

void gc_observe_wake(void) {
  if (gc_load_rlx(&telling_count) == 0)
    return;
  start_observing();
  ask_to_tell();
}

/* ---- Waiting ---- */

static uint64_t deadline_of(unsigned ms) {
  return ms == GC_WAIT_FOREVER ? UINT64_MAX : gc_plat_now_ns() + ms * MS;
}

/* False when the time is over. */
static bool sleep_until_told(uint32_t seen, uint64_t end_ns) {
  uint64_t now = gc_plat_now_ns();
  if (now >= end_ns)
    return false;
  uint64_t left = end_ns - now;
  gc_plat_futex_wait(&told_until, seen,
                     left < LOOK_EVERY_NS ? left : LOOK_EVERY_NS);
  poll_stop();
  return true;
}

static bool is_told(uint32_t target) {
  return (int32_t)(gc_load_acq(&told_until) - target) >= 0;
}

/* The thread may end meanwhile, and another one goes on with what is left. */
static bool await_told(uint64_t end_ns) {
  uint32_t target = ask_to_tell();
  bool in_time = true;
  while (in_time && !is_told(target)) {
    uint32_t seen = gc_load_acq(&told_until);
    start_observing();
    if (!is_told(target))
      in_time = sleep_until_told(seen, end_ns);
  }
  return in_time;
}

/* An observer may wait for the api lock, so its owner does not wait for one. */
static bool may_wait_for_observers(void) {
  return !gc_observe_inside() && !gc_api_is_mine();
}

enum gc_wait_result gc_observe_drain(unsigned ms) {
  if (gc_load_rlx(&telling_count) == 0)
    return WAIT_OVER;
  if (!may_wait_for_observers())
    return WAIT_DEADLOCK;
  return await_told(deadline_of(ms)) ? WAIT_OVER : WAIT_TIMEOUT;
}

/* ---- Observers ---- */

static bool is_telling(const struct gc_observer_plan *plan) {
  return plan->many != NULL || plan->each != NULL;
}

bool gc_observe_begin(const struct gc_observer_plan *plan,
                      enum gc_observe_result *out_result,
                      struct gc_observer **out) {
  if (is_telling(plan) && !start_observing())
    return false;
  gc_api_lock();
  gc_hold_phase_await();
  gc_classify_rest();
  *out_result = gc_observed_add(plan, out);
  if (*out_result == OBSERVE_OK && is_telling(plan))
    gc_add_rlx(&telling_count, 1);
  gc_api_unlock();
  return true;
}

static bool await_return(const struct gc_observer *o, uint64_t end_ns) {
  bool in_time = true;
  while (in_time && gc_observed_is_running(o)) {
    ask_to_tell();
    in_time = sleep_until_told(gc_load_acq(&told_until), end_ns);
  }
  return in_time;
}

enum gc_wait_result gc_observe_end(struct gc_observer *o, bool tell,
                                   unsigned ms) {
  uint64_t end_ns = deadline_of(ms);
  if (!may_wait_for_observers())
    return WAIT_DEADLOCK;
  bool in_time = true;
  if (tell && is_telling(gc_observed_plan(o)))
    in_time = await_told(end_ns);
  gc_observed_close(o);
  if (!await_return(o, in_time ? end_ns : 0))
    return WAIT_TIMEOUT;
  if (is_telling(gc_observed_plan(o)))
    gc_sub_rlx(&telling_count, 1);
  gc_observed_drop(o);
  return WAIT_OVER;
}

void gc_observe_count(const struct gc_observer *o,
                      struct gc_observer_counts *out) {
  classify_kind(gc_observed_plan(o)->kind);
  gc_observed_count(o, out);
}

/* ---- Fork ---- */

void gc_observe_pause_for_fork(void) {
  uint64_t limit = gc_load_rlx(&gc_notifier_config.fork_wait_ms);
  uint64_t end = gc_plat_now_ns() + limit * MS;
  gc_observed_pause(true);
  if (gc_observe_inside())
    return;
  while (gc_observed_any_running() && gc_plat_now_ns() < end)
    gc_plat_yield();
}

/* What a call was being told is told: the parent goes on with it. */
void gc_observe_reset_in_child(void) {
  if (gc_observe_inside())
    return;
  gc_store_rlx(&is_thread_alive, false);
  gc_store_rlx(&own_self, (struct gc_self *)NULL);
}

void gc_observe_resume_after_fork(void) {
  if (!gc_load_rlx(&is_thread_alive))
    gc_observed_leave();
  gc_observed_pause(false);
}
