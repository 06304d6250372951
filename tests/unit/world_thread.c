/* tests/unit/world_thread.c: which threads are known. SPDX-License-Identifier: MIT
 */
#include "unit/world.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

static _Atomic unsigned leave_calls;
static struct gc_self *_Atomic last_left;

static void note_leaving(struct gc_self *self) {
  tap_check(self->thread != NULL);
  gc_add_rlx(&leave_calls, 1);
  gc_store_rel(&last_left, self);
}

static void unknown_then_known_then_unknown(void) {
  bool oom;
  gc_thread_start();
  gc_stop_start();
  tap_check(!gc_self_is_known());
  tap_check(gc_thread_self() == NULL);
  tap_check(!gc_thread_unregister());
  tap_check(gc_thread_register(NULL, false, &oom));
  struct gc_thread *t = gc_thread_self();
  tap_require(t != NULL);
  tap_eq_p(t->self, gc_self());
  tap_eq_u(gc_thread_tid(gc_self()), gc_plat_tid());
  tap_check(t->is_main && !t->is_explicit);
  tap_eq_u(gc_thread_count(), 1);
  tap_check(gc_thread_unregister());
  tap_check(!gc_self_is_known());
  tap_eq_u(gc_thread_count(), 0);
}

static void a_second_registration_makes_it_explicit(void) {
  bool oom;
  gc_thread_start();
  tap_check(gc_thread_register(NULL, false, &oom));
  char *base = gc_stack_get_cold();
  tap_check(!gc_thread_register(base - 64, true, &oom) && !oom);
  tap_check(gc_thread_self()->is_explicit);
  tap_eq_p(gc_stack_get_cold(), base - 64);
  tap_check(!gc_thread_register(base, true, &oom) && !oom);
  tap_eq_p(gc_stack_get_cold(), base - 64);
}

static void no_memory_is_reported(void) {
  bool oom = false;
  gc_thread_start();
  gc_plat_fail_every(1);
  tap_check(!gc_thread_register(NULL, true, &oom));
  tap_check(oom && !gc_self_is_known());
  gc_plat_fail_every(0);
  tap_check(gc_thread_register(NULL, true, &oom) && !oom);
}

/* ---- Many threads ---- */

static void *use_upper_part(void *arg) {
  bool oom;
  tap_check(gc_thread_register(NULL, true, &oom));
  unsigned char *upper = gc_self_upper(gc_self());
  for (unsigned i = 0; i < GC_SELF_UPPER_BYTES; i++)
    if (upper[i] != 0) {
      tap_check(!"the upper part is zero");
      break;
    }
  memset(upper, 0xa5, GC_SELF_UPPER_BYTES);
  tap_check(!gc_thread_self()->is_main);
  if (arg != NULL)
    tap_check(gc_thread_unregister());
  return NULL;
}

static void records_are_used_again(void) {
  unsigned n = tap_long() ? 100000 : 1000;
  pthread_t thread;
  start_world_layer();
  gc_thread_on_leave = note_leaving;
  void *first = NULL;
  for (unsigned i = 0; i < n; i++) {
    tap_require(pthread_create(&thread, NULL, use_upper_part,
                               i % 2 ? &thread : NULL) == 0);
    pthread_join(thread, NULL);
    if (i == 0)
      first = gc_load_acq(&last_left);
    tap_eq_p(gc_load_acq(&last_left), first);
  }
  tap_eq_u(gc_load_rlx(&leave_calls), n);
  tap_eq_u(gc_thread_count(), 1);
}

#define TOGETHER 1000u

static _Atomic bool may_end;
static _Atomic unsigned arrived;

static void *register_and_wait(void *arg) {
  (void)arg;
  register_thread();
  gc_add_rlx(&arrived, 1);
  while (!gc_load_acq(&may_end))
    sleep_us(2000);
  return NULL;
}

static void a_thousand_at_once(void) {
  static pthread_t threads[TOGETHER];
  pthread_attr_t attr;
  unsigned n = 0;
  start_world_layer();
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, GC_TSAN_BUILD ? 1 << 20 : 128 << 10);
  while (n < TOGETHER &&
         pthread_create(&threads[n], &attr, register_and_wait, NULL) == 0)
    n++;
  tap_note("%u threads", n);
  while (gc_load_rlx(&arrived) < n)
    sleep_us(1000);
  tap_eq_u(gc_thread_count(), n + 1);
  for (unsigned i = 0; i < 5; i++) {
    stop_all();
    for (struct gc_thread *t = gc_thread_first_locked(); t; t = t->next)
      tap_check(t == gc_thread_self() ||
                (t->sp > t->stack_low && t->sp < t->stack_top));
    start_all();
  }
  gc_store_rel(&may_end, true);
  for (unsigned i = 0; i < n; i++)
    pthread_join(threads[i], NULL);
  tap_eq_u(gc_thread_count(), 1);
}

/* ---- Ends ---- */

static pthread_key_t late_key;

/* Runs in each round of destructors: the thread is still known. */
static void look_again(void *rounds) {
  tap_check(gc_self_is_known());
  if ((uintptr_t)rounds > 1)
    pthread_setspecific(late_key, (void *)((uintptr_t)rounds - 1));
}

static void *end_with_destructors(void *arg) {
  (void)arg;
  register_thread();
  pthread_setspecific(late_key, (void *)(uintptr_t)(GC_TSAN_BUILD ? 2 : 3));
  return NULL;
}

static void destructors_run_while_the_thread_is_known(void) {
  pthread_t thread;
  start_world_layer();
  pthread_key_create(&late_key, look_again);
  pthread_create(&thread, NULL, end_with_destructors, NULL);
  pthread_join(thread, NULL);
  tap_eq_u(gc_thread_count(), 1);
}

static void *sleep_until_cancelled(void *arg) {
  gc_store_rel((_Atomic bool *)arg, true);
  while (!gc_load_acq(&may_end))
    sleep_us(100000);
  return NULL;
}

static void *be_cancelled_while_blocked(void *arg) {
  register_thread();
  return gc_blocking_call(sleep_until_cancelled, arg);
}

static void a_blocked_thread_may_be_cancelled(void) {
  static _Atomic bool is_blocked;
  pthread_t thread;
  start_world_layer();
  pthread_create(&thread, NULL, be_cancelled_while_blocked,
                 (void *)&is_blocked);
  await(&is_blocked);
  pthread_cancel(thread);
  pthread_join(thread, NULL);
  tap_eq_u(gc_thread_count(), 1);
}

/* ---- The main thread, started from another ---- */

static _Atomic bool has_started, has_stopped;
static char *stopped_main_sp;

static void *start_from_here(void *arg) {
  (void)arg;
  start_world_layer();
  gc_thread_register_main();
  tap_eq_u(gc_thread_count(), 2);
  gc_store_rel(&has_started, true);
  stop_all();
  for (struct gc_thread *t = gc_thread_first_locked(); t; t = t->next)
    if (t->is_main)
      stopped_main_sp = t->sp;
  start_all();
  gc_store_rel(&has_stopped, true);
  return NULL;
}

static void the_main_thread_is_known_before_it_comes(void) {
  bool oom;
  pthread_t thread;
  char *here = __builtin_frame_address(0);
  pthread_create(&thread, NULL, start_from_here, NULL);
  while (!gc_load_acq(&has_stopped))
    sleep_us(100);
  pthread_join(thread, NULL);
  tap_check(stopped_main_sp < here && here - stopped_main_sp < 1 << 20);
  tap_check(!gc_self_is_known());
  tap_check(gc_thread_absent_main() != NULL);
  tap_check(gc_thread_register(NULL, true, &oom));
  tap_check(gc_thread_absent_main() == NULL);
  tap_eq_u(gc_thread_count(), 1);
  tap_check(gc_thread_self()->is_main);
  tap_check(gc_thread_unregister());
}

TAP_MAIN(TAP_CASE(unknown_then_known_then_unknown),
         TAP_CASE(a_second_registration_makes_it_explicit),
         TAP_CASE(no_memory_is_reported),
         TAP_CASE_T(records_are_used_again, 240),
         TAP_CASE_T(a_thousand_at_once, 120),
         TAP_CASE(destructors_run_while_the_thread_is_known),
         TAP_CASE(a_blocked_thread_may_be_cancelled),
         TAP_CASE(the_main_thread_is_known_before_it_comes))
