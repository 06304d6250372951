/* src/world/suspend.c: one thread suspended by another, or by itself.
 * SPDX-License-Identifier: MIT
 *
 * Whatever the suspended thread was doing rests with it, so it must not be in the
 * middle of what others need:
 *
 * Locks. Inside an internal lock the signal is deferred. The api and the list lock
 * are the suspender's. But a wakening may rest with the thread: it can have released
 * one of the two and not yet woken who waits, or have been woken and not yet tried
 * again. So the suspender wakes somebody for both when it releases them.
 *
 * Images. The thread is asked while the loader's list of images is locked, as in a
 * stop; else every later stop might wait for that lock.
 */
#include "world/suspend.h"

#include "base/check.h"
#include "world/stop.h"

/* ---- The thread's side ---- */

void gc_suspend_answer(struct gc_thread *t) {
  uint32_t asked = SUSP_ASKED;
  /* Pairs with the look at the state in ask_to_stand, as in a stop: first the thread
   * stored that it is blocked. */
  if (gc_load_seq(&t->suspension) == SUSP_ASKED &&
      gc_cas_acq_rel(&t->suspension, &asked, SUSP_YES))
    gc_plat_futex_wake(&t->suspension, -1);
}

void gc_suspend_await_resumption(struct gc_thread *t) {
  while (gc_load_acq(&t->suspension) == SUSP_YES)
    gc_plat_futex_wait(&t->suspension, SUSP_YES, 0);
}

/* ---- The other side ---- */

static struct gc_thread *find_thread_locked(uint64_t pthread_id) {
  struct gc_thread *t = gc_thread_first_locked();
  /* The main thread has no number before its first call. */
  while (t != NULL && (t->pthread_id != pthread_id || t->is_gone))
    t = t->next;
  return pthread_id != 0 ? t : NULL;
}

static void ask_to_stand(struct gc_thread *t) {
  gc_store_seq(&t->suspension, SUSP_ASKED);
  if (gc_load_seq(&t->state) == THR_BLOCKED)
    gc_suspend_answer(t);
  else
    gc_stop_signal_thread(t);
}

static void await_answer(struct gc_thread *t) {
  uint64_t pause = GC_STOP_RESEND_FIRST_NS;
  while (!t->is_gone && gc_load_acq(&t->suspension) == SUSP_ASKED) {
    if (gc_plat_futex_wait(&t->suspension, SUSP_ASKED, pause))
      continue;
    t->is_gone = gc_plat_thread_has_ended(t->tid);
    if (!t->is_gone)
      gc_stop_signal_thread(t);
    if (pause < GC_STOP_RESEND_MOST_NS)
      pause *= 2;
  }
}

static void ask_and_await(uint64_t images, void *thread) {
  (void)images;
  ask_to_stand(thread);
  await_answer(thread);
}

/* In ThreadSanitizer's builds without the loader's lock, for the reason that
 * stop.c gives. */
static void suspend_locked(struct gc_thread *t) {
  if (GC_TSAN_BUILD)
    ask_and_await(0, t);
  else
    gc_plat_with_images_locked(ask_and_await, t);
  if (t->is_gone)
    gc_store_rlx(&t->suspension, SUSP_NO);
}

/* One that has asked for itself is awaited as well. */
void gc_suspend_other(uint64_t pthread_id) {
  gc_thread_lock_list();
  struct gc_thread *t = find_thread_locked(pthread_id);
  gc_assert(t == NULL || t != gc_thread_self());
  if (t != NULL && gc_load_acq(&t->suspension) != SUSP_YES)
    suspend_locked(t);
  gc_thread_unlock_list_waking();
}

/* In the handler no other signal comes in between. The poll is for a thread that
 * blocks the signal, the wait for one inside a blocking call. Until the lock is
 * released and who waits for it is awake, a stop that comes is deferred: it would
 * end in the suspension. */
void gc_suspend_self(void) {
  struct gc_thread *t = gc_thread_self();
  if (t == NULL)
    return;
  gc_thread_lock_list();
  gc_nostop_enter();
  gc_store_seq(&t->suspension, SUSP_ASKED);
  if (gc_load_rlx(&t->state) == THR_BLOCKED)
    gc_suspend_answer(t);
  gc_thread_unlock_list();
  gc_nostop_leave();
  gc_stop_signal_thread(t);
  gc_stop_poll();
  gc_suspend_await_resumption(t);
}

void gc_suspend_resume(uint64_t pthread_id) {
  gc_thread_lock_list();
  struct gc_thread *t = find_thread_locked(pthread_id);
  if (t != NULL && gc_load_acq(&t->suspension) != SUSP_NO) {
    gc_store_seq(&t->suspension, SUSP_NO);
    gc_plat_futex_wake(&t->suspension, -1);
  }
  gc_thread_unlock_list();
}

bool gc_suspend_is_suspended(uint64_t pthread_id) {
  gc_thread_lock_list();
  const struct gc_thread *t = find_thread_locked(pthread_id);
  bool is_suspended = t != NULL && gc_load_acq(&t->suspension) != SUSP_NO;
  gc_thread_unlock_list();
  return is_suspended;
}
