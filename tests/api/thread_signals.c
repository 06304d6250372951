/* tests/api/thread_signals.c: masks, handlers, alternative stacks, thread destructors. SPDX-License-Identifier: MIT */

/*
 * Contract: masks, handlers and alternative signal stacks of the client do no
 * harm to the stop signal, nor it to them; what a handler holds on its stack,
 * and what the interrupted stack holds, is root; destructors of thread-specific
 * data may use the library.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include <gc/gc.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/slots.h"

static pthread_barrier_t barrier;
static atomic_bool stop_flag;

/* ---- Signals ---- */

/* A turn of waiting for a flag. Stopped most often while it runs; where signals
 * are kept back until a call sleeps (ThreadSanitizer), while it sleeps. */
static void run_and_sleep(void) {
  for (volatile int i = 0; i < 100000; i++)
    continue;
  usleep(10);
}

static void *block_signals_and_wait(void *arg) {
  sigset_t all;
  void *volatile slots[N_SLOTS];
  sigfillset(&all);
  tap_eq_u(GC_pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
  fill_slots(slots, 23);
  pthread_barrier_wait(&barrier);
  while (!atomic_load(&stop_flag))
    run_and_sleep();
  check_slots(slots, 23);
  return arg;
}

static void masks_leave_the_stop_signal_open(void) {
  pthread_t t;
  GC_INIT();
  pthread_barrier_init(&barrier, NULL, 2);
  start(&t, block_signals_and_wait, NULL);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 5; i++)
    collect_and_overwrite();
  atomic_store(&stop_flag, true);
  finish(t);
}

static void sigmask_blocks_other_signals(void) {
  sigset_t set, now;
  GC_INIT();
  sigfillset(&set);
  tap_eq_u(GC_pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
  tap_eq_u(GC_pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
  tap_check(sigismember(&now, SIGUSR1));
  tap_check(!sigismember(&now, GC_get_suspend_signal()));
}

/* The alarm may strike in any thread. */
static _Atomic(void *) handler_object;
static atomic_uint n_alarms;

static void touch_heap(int sig) {
  (void)sig;
  int saved = errno;
  /* The handler's own reference for a moment. */
  void *p = atomic_load(&handler_object);
  if (p != NULL && ((volatile char *)p)[5] == 0)
    _exit(9); /* no byte of the pattern is zero */
  atomic_fetch_add(&n_alarms, 1);
  errno = saved;
}

static void *watch_errno(void *arg) {
  void *volatile slots[N_SLOTS];
  uint64_t id = 0;
  while (!atomic_load(&stop_flag)) {
    errno = 1234;
    for (volatile int i = 0; i < 2000; i++)
      continue;
    tap_require(errno == 1234);
    fill_slots(slots, id);
    check_slots(slots, id++);
  }
  return arg;
}

static void storm_of_alarms(unsigned interval_us, int rounds) {
  struct sigaction sa = {.sa_handler = touch_heap, .sa_flags = SA_RESTART};
  struct itimerval timer = {{0, (suseconds_t)interval_us},
                            {0, (suseconds_t)interval_us}};
  pthread_t t[2];
  sigaction(SIGALRM, &sa, NULL);
  for (int i = 0; i < 2; i++)
    start(&t[i], watch_errno, NULL);
  setitimer(ITIMER_REAL, &timer, NULL);
  for (int i = 0; i < rounds; i++) {
    void *p = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(p, OBJ_BYTES, 1);
    atomic_store(&handler_object, p);
    GC_gcollect();
  }
  memset(&timer, 0, sizeof timer);
  setitimer(ITIMER_REAL, &timer, NULL);
  atomic_store(&stop_flag, true);
  for (int i = 0; i < 2; i++)
    finish(t[i]);
}

static void alarms_do_not_disturb(void) {
  GC_INIT();
  storm_of_alarms(500, 1500);
  tap_ge(atomic_load(&n_alarms), 5);
}

static atomic_int handler_state;

static GU_NOINLINE void allocate_on_altstack(void *volatile *slots) {
  fill_slots(slots, 31);
}

static void hold_on_altstack(int sig) {
  void *volatile slots[N_SLOTS];
  (void)sig;
  allocate_on_altstack(slots);
  atomic_store(&handler_state, 1);
  while (atomic_load(&handler_state) != 2)
    run_and_sleep();
  check_slots(slots, 31);
}

enum { ALT_BYTES = 256 * 1024 };

static void map_altstack(void) {
  struct sigaction sa = {.sa_handler = hold_on_altstack,
                         .sa_flags = SA_ONSTACK};
  stack_t alt = {.ss_size = ALT_BYTES};
  alt.ss_sp = mmap(NULL, ALT_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tap_require(alt.ss_sp != MAP_FAILED);
  tap_require(sigaltstack(&alt, NULL) == 0);
  tap_require(sigaction(SIGUSR1, &sa, NULL) == 0);
}

/* Nobody tells the collector: it has to look at sigaltstack itself. */
static void *run_on_altstack(void *arg) {
  map_altstack();
  raise(SIGUSR1);
  return arg;
}

static void *hold_below_altstack(void *arg) {
  void *volatile slots[N_SLOTS];
  map_altstack();
  fill_slots(slots, 37);
  raise(SIGUSR1);
  check_slots(slots, 37);
  return arg;
}

static void with_altstack(void *(*body)(void *)) {
  pthread_t t;
  if (TAP_TSAN)
    tap_skip("ThreadSanitizer blocks all signals while a handler runs");
  GC_INIT();
  start(&t, body, NULL);
  for (int i = 0; i < 4000 && atomic_load(&handler_state) != 1; i++)
    usleep(1000);
  tap_eq_u(atomic_load(&handler_state), 1);
  for (int i = 0; i < 3; i++)
    collect_and_overwrite();
  atomic_store(&handler_state, 2);
  finish(t);
}

static void altstack_holds_references(void) { with_altstack(run_on_altstack); }

static void stack_below_an_altstack_holds_references(void) {
  with_altstack(hold_below_altstack);
}

/* ---- Destructors of thread-specific data ---- */

static pthread_key_t key;
static atomic_uint n_destroyed;

static void use_and_free(void **box) {
  tap_check(gu_is_intact(box[0], OBJ_BYTES, 41));
  for (int i = 0; i < 200; i++) {
    void *p = GC_malloc(48);
    tap_check(gu_is_zero(p, 48));
    memset(p, 0xff, 48);
  }
  tap_check(gu_is_intact(box[0], OBJ_BYTES, 41));
  GC_free(box);
  atomic_fetch_add(&n_destroyed, 1);
}

/* The thread may have left the collector already: it registers if needed. */
static void register_and_destroy(void *value) {
  struct GC_stack_base base;
  GC_get_stack_base(&base);
  int result = GC_register_my_thread(&base);
  tap_check(result == GC_SUCCESS || result == GC_DUPLICATE);
  use_and_free(value);
  if (result == GC_SUCCESS)
    GC_unregister_my_thread();
}

static void simply_destroy(void *value) { use_and_free(value); }

static void *set_value(void *arg) {
  void **box = GC_malloc_uncollectable(16);
  box[0] = GC_malloc_atomic(OBJ_BYTES);
  gu_fill(box[0], OBJ_BYTES, 41);
  pthread_setspecific(key, box);
  return arg;
}

static void with_destructor(void (*destructor)(void *)) {
  pthread_t t[N_THREADS];
  GC_INIT();
  GC_allow_register_threads();
  pthread_key_create(&key, destructor);
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < N_THREADS; i++)
      start(&t[i], set_value, NULL);
    GC_gcollect();
    for (int i = 0; i < N_THREADS; i++)
      finish(t[i]);
  }
  tap_eq_u(atomic_load(&n_destroyed), 20 * N_THREADS);
  collect_and_overwrite();
}

static void thread_destructors_may_register_and_allocate(void) {
  with_destructor(register_and_destroy);
}

static void thread_destructors_may_simply_allocate(void) {
  with_destructor(simply_destroy);
}

TAP_MAIN(TAP_CASE(masks_leave_the_stop_signal_open),
         TAP_CASE(sigmask_blocks_other_signals),
         TAP_CASE(alarms_do_not_disturb), TAP_CASE(altstack_holds_references),
         TAP_CASE(stack_below_an_altstack_holds_references),
         TAP_CASE(thread_destructors_may_register_and_allocate),
         TAP_CASE(thread_destructors_may_simply_allocate))
