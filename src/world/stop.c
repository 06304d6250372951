/* src/world/stop.c: stopping and restarting the world.
 * SPDX-License-Identifier: MIT
 *
 * The generation is odd while the world is stopped. A stop sets `missing` to
 * the number of other threads and waits until it is zero. Every thread is
 * counted off exactly once a stop, by whoever moves its parked_gen to the
 * generation:
 *
 * - the thread itself, in the handler or when it leaves a stop-deferring
 *   region;
 * - the thread itself when it enters a blocking call during the stop;
 * - the stopper for it, when it finds it blocked, or gone (ESRCH).
 *
 * Why nobody is missed. A thread enters the blocked state by storing the state
 * and then loading the generation; the stopper stores the generation and then
 * loads the state, all sequentially consistent. So either the stopper sees it
 * blocked, or the thread sees the stop and answers. It leaves the state only
 * under the list lock, which the stopper holds until after the restart, so a
 * thread found blocked stays so. A signal that reaches it there answers (or
 * finds that already done) and returns: its stack pointer was published when it
 * entered.
 *
 * Why nobody is counted twice. parked_gen is read before the generation and
 * changed by compare and swap. While a running thread has not answered, the
 * generation cannot move on; and a blocked one that was overtaken finds its
 * parked_gen changed.
 *
 * Why a stop that is over parks nobody. Parking looks at the generation, never
 * at the signal; `stop_wanted` only says that it is worth looking, and is
 * cleared before. While a thread parks, its nostop counter is up, so a second
 * signal only sets `stop_wanted`, and the thread looks once more.
 *
 * A suspended thread (world/suspend) stands still already: the stopper counts it
 * off as it does a blocked one, and for the same reason it stays so.
 *
 * The stop begins while the loader's list of images is locked: if images have
 * come or gone since the roots were read, the world runs on and they are read
 * again. No thread is ever stopped in the middle of a change to that list.
 */
#include "world/stop.h"

#include "base/check.h"
#include "base/switches.h"
#include "world/roots.h"
#include "world/stack.h"
#include "world/suspend.h"

#define RESEND_FIRST_NS GC_STOP_RESEND_FIRST_NS
#define RESEND_MOST_NS GC_STOP_RESEND_MOST_NS
#define COMPLAIN_AFTER_NS ((uint64_t)20000 * 1000000u)

static _Atomic uint32_t generation;        /* [atomic: w by the stopper] */
static _Atomic uint32_t missing;           /* threads that have not answered */
static int suspend_signal, restart_signal; /* [const] after start */
static uint64_t last_stop_ns;              /* [lock threads] */

/* ---- Settings ---- */

int gc_stop_signal(void) {
  return suspend_signal != 0 ? suspend_signal
                             : gc_plat_signal_suspend_default();
}

int gc_stop_restart_signal(void) {
  return restart_signal != 0 ? restart_signal
                             : gc_plat_signal_restart_default();
}

void gc_stop_set_signal(int signo) { suspend_signal = signo; }

void gc_stop_set_restart_signal(int signo) { restart_signal = signo; }

/* Not the generation: while it is odd and a stop is under way, threads inside
 * stop-deferring regions still run, and must not believe that it is complete.
 */
static _Atomic bool is_stopped;

bool gc_world_is_stopped(void) { return gc_load_rlx(&is_stopped); }

uint64_t gc_stop_last_ns(void) { return last_stop_ns; }

/* ---- The side that is stopped ---- */

/* Counts the thread off, unless that was done; `seen` is its parked_gen from
 * before `gen` was read. The release part publishes the stack pointer. */
static void answer(struct gc_thread *t, uint32_t seen, uint32_t gen) {
  if (seen == gen || !gc_cas_acq_rel(&t->parked_gen, &seen, gen))
    return;
  if (gc_add_acq_rel(&missing, UINT32_MAX) == 1)
    gc_plat_futex_wake(&missing, 1);
}

void gc_stop_answer_still(struct gc_thread *t) {
  uint32_t seen = gc_load_acq(&t->parked_gen);
  /* Pairs with the stopper's store, see above. */
  uint32_t gen = gc_load_seq(&generation);
  if (gen & 1)
    answer(t, seen, gen);
}

/* A thread that is still here when the next stop begins answers again. While it
 * is suspended, its record is the collector's. */
static void wait_for_restart(struct gc_thread *t, char *sp) {
  for (;;) {
    uint32_t seen = gc_load_acq(&t->parked_gen);
    uint32_t gen = gc_load_seq(&generation);
    uint32_t suspension = gc_load_seq(&t->suspension);
    if (suspension == SUSP_YES) {
      gc_suspend_await_resumption(t);
      continue;
    }
    if ((gen & 1) == 0 && suspension == SUSP_NO)
      return;
    if (seen != gen)
      gc_stack_publish(t, sp);
    if ((gen & 1) == 0) {
      gc_suspend_answer(t);
      gc_stop_answer_still(t); /* who suspends itself holds off no stop */
      continue;
    }
    answer(t, seen, gen);
    gc_plat_futex_wait(&generation, gen, 0);
  }
}

static void park(void *thread, char *sp) {
  struct gc_thread *t = thread;
  struct gc_self *self = t->self;
  do {
    gc_store_rlx(&self->nostop, 1);
    gc_compiler_barrier();
    gc_store_rlx(&self->stop_wanted, 0);
    gc_compiler_barrier();
    if (gc_load_rlx(&t->state) == THR_BLOCKED)
      gc_stop_answer_still(t);
    else
      wait_for_restart(t, sp);
    gc_compiler_barrier();
    gc_store_rlx(&self->nostop, 0);
    gc_compiler_barrier();
  } while (gc_load_rlx(&self->stop_wanted));
}

static void park_with_registers(void) {
  struct gc_thread *t = gc_thread_self();
  if (t != NULL && !gc_nostop_inside())
    gc_plat_with_registers(park, t);
}

/* Signals that the absent main thread lets pass while somebody without a record
 * seems to hold an internal lock. The shared counter is not exact, so patience
 * has an end; the stopper sends the signal again. */
#define ABSENT_MAIN_PATIENCE 8u

static bool may_park_absent_main(void) {
  static unsigned passed; /* [main thread] */
  if (gc_load_rlx(&gc_self_none->nostop) != 0 &&
      passed < ABSENT_MAIN_PATIENCE) {
    passed++;
    return false;
  }
  passed = 0;
  return true;
}

/* The registers of the interrupted code are in the kernel's frame, which lies
 * above this function's. */
static gc_noinline void handle_signal(int signo, void *context) {
  struct gc_thread *t = gc_thread_self();
  (void)signo;
  (void)context;
  if (t == NULL) {
    t = gc_thread_absent_main();
    if (t == NULL || !may_park_absent_main())
      return;
    t->thread_pointer = gc_plat_thread_pointer();
  }
  if (gc_load_rlx(&t->self->nostop) != 0)
    gc_store_rlx(&t->self->stop_wanted, 1);
  else
    park(t, __builtin_frame_address(0));
}

void gc_stop_poll(void) {
  struct gc_thread *t = gc_thread_self();
  if (t == NULL || gc_nostop_inside())
    return;
  uint32_t gen = gc_load_acq(&generation);
  if (((gen & 1) && gc_load_rlx(&t->parked_gen) != gen) ||
      gc_load_rlx(&t->suspension) == SUSP_ASKED)
    park_with_registers();
}

void gc_stop_start(void) {
  gc_self_park = park_with_registers;
  gc_plat_install_handler(gc_stop_signal(), handle_signal);
}

/* ---- The side that stops ---- */

bool gc_stop_signal_thread(struct gc_thread *t) {
  int error = gc_plat_signal_thread(t->tid, gc_stop_signal());
  /* No store for one that is there: it may be the caller, without the lock. */
  if (gc_plat_is_no_such_thread(error))
    t->is_gone = true;
  return !t->is_gone;
}

/* The looks at the state and at the suspension pair with the thread's change of
 * either before it looks at the generation. Nobody resumes a suspended thread while
 * the list is locked. */
static bool stands_still(struct gc_thread *t) {
  return t->is_gone || gc_load_seq(&t->state) == THR_BLOCKED ||
         gc_load_seq(&t->suspension) == SUSP_YES;
}

static void ask_thread(struct gc_thread *t, uint32_t gen) {
  uint32_t seen = gc_load_acq(&t->parked_gen);
  if (seen != gen && (stands_still(t) || !gc_stop_signal_thread(t)))
    answer(t, seen, gen);
}

static void ask_others(uint32_t gen) {
  const struct gc_thread *self = gc_thread_self();
  for (struct gc_thread *t = gc_thread_first_locked(); t != NULL; t = t->next)
    if (t != self)
      ask_thread(t, gen);
}

/* A thread that has not answered in time may have ended without a word. */
static void ask_again(uint32_t gen) {
  for (struct gc_thread *t = gc_thread_first_locked(); t != NULL; t = t->next)
    if (gc_load_rlx(&t->parked_gen) != gen && t != gc_thread_self())
      t->is_gone = gc_plat_thread_has_ended(t->tid);
  ask_others(gen);
}

static void name_silent_threads(uint32_t gen) {
  const struct gc_thread *self = gc_thread_self();
  for (struct gc_thread *t = gc_thread_first_locked(); t != NULL; t = t->next)
    if (t != self && gc_load_rlx(&t->parked_gen) != gen)
      gc_plat_message("thread %d does not stop: does it block signal %d?",
                      t->tid, gc_stop_signal());
}

static void wait_for_answers(uint32_t gen) {
  uint64_t pause = RESEND_FIRST_NS;
  uint64_t complain_at = gc_plat_now_ns() + COMPLAIN_AFTER_NS;
  uint32_t left;
  while ((left = gc_load_acq(&missing)) != 0) {
    if (gc_plat_futex_wait(&missing, left, pause))
      continue;
    ask_again(gen);
    pause = pause * 2 < RESEND_MOST_NS ? pause * 2 : RESEND_MOST_NS;
    if (gc_plat_now_ns() > complain_at) {
      name_silent_threads(gen);
      complain_at = UINT64_MAX;
    }
  }
}

static void stop_others(uint64_t images, void *out_is_stale) {
  const struct gc_thread *self = gc_thread_self();
  gc_store_rlx(&missing, gc_thread_count() - (self != NULL));
  uint32_t gen = gc_load_rlx(&generation) + 1;
  gc_store_seq(&generation, gen);
  ask_others(gen);
  wait_for_answers(gen);
  *(bool *)out_is_stale = gc_roots_are_stale(images);
}

static void restart_others(void) {
  gc_store_rel(&generation, gc_load_rlx(&generation) + 1);
  gc_plat_futex_wake(&generation, -1);
}

static void emit_thread_events(enum gc_collection_event event) {
  const struct gc_thread *self = gc_thread_self();
  if (gc_hooks.thread_event == NULL)
    return;
  for (struct gc_thread *t = gc_thread_first_locked(); t != NULL; t = t->next)
    if (t != self && !stands_still(t))
      gc_hooks.thread_event((int)event, (void *)(uintptr_t)t->pthread_id);
}

/* ThreadSanitizer delivers no signal to a thread that waits for the loader's
 * lock, so there the stop does without it, and images that change at this very
 * moment are noticed by the next collection only. */
static void stop_others_with_images_fixed(bool *out_is_stale) {
  if (GC_TSAN_BUILD)
    stop_others(gc_plat_images_generation(), out_is_stale);
  else
    gc_plat_with_images_locked(stop_others, out_is_stale);
}

void gc_stop_world(void) {
  bool is_stale;
  gc_assert(!gc_world_is_stopped());
  uint64_t start = gc_plat_now_ns();
  for (;;) {
    stop_others_with_images_fixed(&is_stale);
    if (!is_stale)
      break;
    restart_others();
    gc_roots_prepare();
  }
  gc_store_rlx(&is_stopped, true);
  last_stop_ns = gc_plat_now_ns() - start;
  emit_thread_events(EVENT_THREAD_SUSPENDED);
}

void gc_start_world(void) {
  gc_assert(gc_world_is_stopped());
  emit_thread_events(EVENT_THREAD_UNSUSPENDED);
  gc_store_rlx(&is_stopped, false);
  restart_others();
  gc_thread_reap_gone_locked();
}
