/* tests/unit/world_stop.c: stopping and restarting the world.
 * SPDX-License-Identifier: MIT
 *
 * "Nothing moves" is tested by counters that the stopped threads increment, and
 * by a pair of words that agree outside stop-deferring regions only.
 */
#include "unit/world.h"

#include "base/switches.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORKERS 4u

struct worker {
  pthread_t thread;
  _Atomic uint64_t count;
  _Atomic uint64_t first, second; /* equal when the thread is stopped */
  _Atomic bool is_ready;
};

static struct worker workers[WORKERS];
static _Atomic bool must_end;

static void begin_work(struct worker *w) {
  register_thread();
  gc_store_rel(&w->is_ready, true);
}

static void start_workers(void *(*body)(void *)) {
  for (unsigned i = 0; i < WORKERS; i++) {
    pthread_create(&workers[i].thread, NULL, body, &workers[i]);
    await(&workers[i].is_ready);
  }
}

static void end_workers(void) {
  gc_store_rel(&must_end, true);
  for (unsigned i = 0; i < WORKERS; i++)
    pthread_join(workers[i].thread, NULL);
  tap_eq_u(gc_thread_count(), 1);
}

static void *count_in_regions(void *arg) {
  struct worker *w = arg;
  begin_work(w);
  while (!gc_load_rlx(&must_end)) {
    gc_add_rlx(&w->count, 1);
    gc_nostop_enter();
    gc_add_rlx(&w->first, 1);
    gc_nostop_enter();
    gc_nostop_leave();
    gc_add_rlx(&w->second, 1);
    gc_nostop_leave();
    gc_stop_poll();
  }
  return NULL;
}

static void check_stillness(void) {
  uint64_t before[WORKERS];
  for (unsigned i = 0; i < WORKERS; i++) {
    before[i] = gc_load_rlx(&workers[i].count);
    tap_eq_u(gc_load_rlx(&workers[i].first), gc_load_rlx(&workers[i].second));
  }
  if (tap_rand() % 16 == 0)
    sched_yield();
  for (unsigned i = 0; i < WORKERS; i++)
    tap_eq_u(gc_load_rlx(&workers[i].count), before[i]);
}

static unsigned stop_rounds(void) {
  return tap_long() ? 20000 : GC_TSAN_BUILD ? 300 : 2000;
}

static void stopped_threads_stand_still(void) {
  start_world_layer();
  start_workers(count_in_regions);
  for (unsigned i = 0; i < stop_rounds(); i++) {
    stop_all();
    tap_check(gc_world_is_stopped());
    check_stillness();
    start_all();
    if (i % 3 == 0)
      sched_yield();
  }
  tap_check(!gc_world_is_stopped());
  end_workers();
  for (unsigned i = 0; i < WORKERS; i++)
    tap_check(gc_load_rlx(&workers[i].count) > 0);
}

/* ---- Blocked threads ---- */

static void *sleep_blocked(void *arg) {
  (void)arg;
  sleep_us((unsigned)gc_plat_now_ns() % 200);
  return NULL;
}

static void *alternate(void *arg) {
  struct worker *w = arg;
  begin_work(w);
  while (!gc_load_rlx(&must_end)) {
    gc_blocking_call(sleep_blocked, w);
    gc_add_rlx(&w->count, 1);
    gc_add_rlx(&w->first, 1);
    gc_compiler_barrier();
    gc_stop_poll();
  }
  return NULL;
}

/* The counter moves only outside the blocking call, so it stands still whether
 * the thread is blocked, parked, or on its way. */
static void threads_that_block_stand_still(void) {
  start_world_layer();
  start_workers(alternate);
  for (unsigned i = 0; i < stop_rounds(); i++) {
    uint64_t before[WORKERS];
    stop_all();
    for (unsigned k = 0; k < WORKERS; k++)
      before[k] = gc_load_rlx(&workers[k].count);
    if (i % 8 == 0)
      sleep_us(150);
    for (unsigned k = 0; k < WORKERS; k++)
      tap_eq_u(gc_load_rlx(&workers[k].count), before[k]);
    start_all();
    if (i % 4 == 0)
      sleep_us(100);
  }
  end_workers();
}

static void *wait_in_call(void *arg) {
  struct worker *w = arg;
  gc_store_rel(&w->is_ready, true);
  while (!gc_load_rlx(&must_end))
    sleep_us(1000);
  return w;
}

/* All signals stay blocked in it, so a signal could not stop it. */
static void *block_for_good(void *arg) {
  struct worker *w = arg;
  sigset_t all;
  register_thread();
  sigfillset(&all);
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(uint64_t));
  tap_eq_p(gc_blocking_call(wait_in_call, w), w);
  return NULL;
}

static void blocked_threads_need_no_signal(void) {
  start_world_layer();
  start_workers(block_for_good);
  uint64_t start = gc_plat_now_ns();
  for (unsigned i = 0; i < 100; i++) {
    stop_all();
    start_all();
  }
  tap_le(gc_plat_now_ns() - start, 2000000000u);
  end_workers();
}

/* ---- Signals that come late, or never ---- */

static void *block_signal_for_50_ms(void *arg) {
  struct worker *w = arg;
  sigset_t all, old;
  register_thread();
  sigfillset(&all);
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &old, sizeof(uint64_t));
  gc_store_rel(&w->is_ready, true);
  sleep_us(50000);
  gc_add_rlx(&w->count, 1);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(uint64_t));
  while (!gc_load_rlx(&must_end))
    sleep_us(100);
  return NULL;
}

static void a_thread_that_blocks_the_signal_is_awaited(void) {
  start_world_layer();
  start_workers(block_signal_for_50_ms);
  stop_all();
  for (unsigned i = 0; i < WORKERS; i++)
    tap_eq_u(gc_load_rlx(&workers[i].count), 1);
  tap_ge(gc_stop_last_ns(), 1000000);
  start_all();
  end_workers();
}

/* The thread throws the first signals away, as a lost one would be. */
static void *swallow_signals(void *arg) {
  struct worker *w = arg;
  sigset_t one, old;
  struct timespec limit = {1, 0};
  register_thread();
  sigemptyset(&one);
  sigaddset(&one, gc_stop_signal());
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &one, &old, sizeof(uint64_t));
  gc_store_rel(&w->is_ready, true);
  if (syscall(SYS_rt_sigtimedwait, &one, NULL, &limit, sizeof(uint64_t)) > 0)
    gc_add_rlx(&w->count, 1);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(uint64_t));
  while (!gc_load_rlx(&must_end))
    sleep_us(100);
  return NULL;
}

static void a_lost_signal_is_sent_again(void) {
  start_world_layer();
  start_workers(swallow_signals);
  stop_all();
  for (unsigned i = 0; i < WORKERS; i++)
    tap_eq_u(gc_load_rlx(&workers[i].count), 1);
  start_all();
  end_workers();
}

static void count_range(char *lo, char *hi, void *bytes) {
  *(size_t *)bytes += (size_t)(hi - lo);
}

/* Ends without the library's help, so no destructor runs. */
static void *vanish(void *arg) {
  struct worker *w = arg;
  register_thread();
  gc_store_rel(&w->is_ready, true);
  syscall(SYS_exit, 0);
  return NULL;
}

static _Atomic unsigned left;

static void count_leaving(struct gc_self *self) {
  (void)self;
  gc_add_rlx(&left, 1);
}

static void threads_that_vanish_are_forgotten(void) {
  if (TAP_TSAN || TAP_ASAN)
    tap_skip("the sanitiser follows the ends of threads");
  start_world_layer();
  gc_thread_on_leave = count_leaving;
  for (unsigned i = 0; i < WORKERS; i++) {
    pthread_create(&workers[i].thread, NULL, vanish, &workers[i]);
    pthread_join(workers[i].thread, NULL);
  }
  tap_ge(gc_thread_count(), 2);
  stop_all();
  size_t bytes = 0;
  for (struct gc_thread *t = gc_thread_first_locked(); t != NULL; t = t->next)
    if (t != gc_thread_self())
      gc_stack_each_range(t, NULL, count_range, &bytes);
  tap_eq_u(bytes, 0);
  start_all();
  tap_eq_u(gc_thread_count(), 1);
  tap_eq_u(gc_load_rlx(&left), WORKERS);
}

/* ---- The handler ---- */

static void *watch_errno(void *arg) {
  struct worker *w = arg;
  begin_work(w);
  while (!gc_load_rlx(&must_end)) {
    errno = 4711;
    for (unsigned i = 0; i < 100; i++)
      gc_add_rlx(&w->count, 1);
    gc_stop_poll();
    if (errno != 4711)
      gc_add_rlx(&w->first, 1);
  }
  return NULL;
}

static void errno_survives(void) {
  start_world_layer();
  start_workers(watch_errno);
  for (unsigned i = 0; i < 200; i++) {
    stop_all();
    start_all();
  }
  end_workers();
  for (unsigned i = 0; i < WORKERS; i++)
    tap_eq_u(gc_load_rlx(&workers[i].first), 0);
}

static void unknown_threads_ignore_the_signal(void) {
  start_world_layer();
  gc_thread_unregister();
  tap_eq_u(gc_plat_signal_thread(gc_plat_tid(), gc_stop_signal()), 0);
  register_thread();
  tap_eq_u(gc_plat_signal_thread(gc_plat_tid(), gc_stop_signal()), 0);
  tap_eq_u(gc_load_rlx(&gc_self()->stop_wanted), 0);
  tap_eq_u(gc_load_rlx(&gc_self()->nostop), 0);
}

/* A signal inside a region after the stop it belonged to is over. */
static void a_late_signal_parks_nobody(void) {
  start_world_layer();
  gc_nostop_enter();
  raise(gc_stop_signal());
  sleep_us(10);
  tap_check(GC_TSAN_BUILD || gc_load_rlx(&gc_self()->stop_wanted) == 1);
  gc_nostop_leave();
  tap_eq_u(gc_load_rlx(&gc_self()->stop_wanted), 0);
}

/* ---- Threads that wait for the locks of the stop ---- */

static void *register_again_and_again(void *arg) {
  struct worker *w = arg;
  begin_work(w);
  while (!gc_load_rlx(&must_end)) {
    gc_thread_unregister();
    register_thread();
    gc_thread_lock_list();
    gc_thread_unlock_list();
    gc_add_rlx(&w->count, 1);
    gc_stop_poll();
  }
  return NULL;
}

static void waiters_for_the_list_can_be_stopped(void) {
  start_world_layer();
  start_workers(register_again_and_again);
  for (unsigned i = 0; i < stop_rounds() / 2; i++) {
    stop_all();
    unsigned n = gc_thread_count();
    sched_yield();
    tap_eq_u(gc_thread_count(), n);
    start_all();
    sched_yield();
  }
  end_workers();
}

/* ---- Images that change ---- */

static void *load_and_unload(void *arg) {
  struct worker *w = arg;
  begin_work(w);
  while (!gc_load_rlx(&must_end)) {
    void *image = dlopen("libresolv.so.2", RTLD_NOW | RTLD_LOCAL);
    if (image == NULL)
      break;
    gc_add_rlx(&w->count, 1);
    dlclose(image);
    gc_stop_poll();
  }
  return NULL;
}

gc_scans_memory static void read_range(char *lo, char *hi, void *sum) {
  for (char *p = lo; p < hi; p += 512)
    *(uint64_t *)sum += (unsigned char)*p;
}

static void read_all_roots(void *sum, char *own_sp) {
  gc_roots_prepare();
  stop_all();
  for (struct gc_thread *t = gc_thread_first_locked(); t != NULL; t = t->next)
    gc_stack_each_range(t, own_sp, read_range, sum);
  gc_roots_each_stopped(read_range, sum);
  start_all();
}

static void loading_goes_on_while_roots_are_read(void) {
  uint64_t sum = 0;
  if (GC_TSAN_BUILD)
    tap_skip("signals never reach threads that wait for the loader there");
  start_world_layer();
  start_workers(load_and_unload);
  for (unsigned i = 0; i < stop_rounds() / 4; i++) {
    gc_plat_with_registers(read_all_roots, &sum);
    sched_yield();
  }
  end_workers();
  tap_check(sum > 0);
}

/* ---- Events ---- */

static unsigned suspended, resumed;

static void count_event(int event, void *thread_id) {
  bool is_worker = false;
  for (unsigned i = 0; i < WORKERS; i++)
    is_worker |= (void *)workers[i].thread == thread_id;
  tap_check(is_worker);
  suspended += event == EVENT_THREAD_SUSPENDED;
  resumed += event == EVENT_THREAD_UNSUSPENDED;
}

static void events_name_the_threads(void) {
  start_world_layer();
  start_workers(count_in_regions);
  gc_hooks.thread_event = count_event;
  stop_all();
  tap_eq_u(suspended, WORKERS);
  tap_eq_u(resumed, 0);
  start_all();
  tap_eq_u(resumed, WORKERS);
  end_workers();
}

TAP_MAIN(TAP_CASE_T(stopped_threads_stand_still, 240),
         TAP_CASE_T(threads_that_block_stand_still, 240),
         TAP_CASE(blocked_threads_need_no_signal),
         TAP_CASE(a_thread_that_blocks_the_signal_is_awaited),
         TAP_CASE(a_lost_signal_is_sent_again),
         TAP_CASE(threads_that_vanish_are_forgotten), TAP_CASE(errno_survives),
         TAP_CASE(unknown_threads_ignore_the_signal),
         TAP_CASE(a_late_signal_parks_nobody),
         TAP_CASE_T(waiters_for_the_list_can_be_stopped, 240),
         TAP_CASE_T(loading_goes_on_while_roots_are_read, 120),
         TAP_CASE(events_name_the_threads))
