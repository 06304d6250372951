/* tests/api/redirects.c: thread calls redirected by the header's macros. SPDX-License-Identifier: MIT */

/*
 * A program that defines GC_THREADS and uses the plain names gets registered
 * threads; the macros do that, nothing else in this file does.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#include <gc/gc.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_SLOTS = 40, OBJ_BYTES = 64 };

static pthread_barrier_t barrier;

static void *hold(void *arg) {
  void *volatile slots[N_SLOTS];
  tap_check(GC_thread_is_registered());
  for (size_t i = 0; i < N_SLOTS; i++) {
    slots[i] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(slots[i], OBJ_BYTES, i);
  }
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  for (size_t i = 0; i < N_SLOTS; i++)
    tap_require(gu_is_intact(slots[i], OBJ_BYTES, i));
  pthread_exit(arg);
}

static void plain_names_register_threads(void) {
  pthread_t t;
  void *result = NULL;
  if (TAP_TSAN)
    tap_skip("the sanitiser delays signals at a barrier");
  GC_INIT();
  GC_allow_register_threads();
  pthread_barrier_init(&barrier, NULL, 2);
  tap_require(pthread_create(&t, NULL, hold, &barrier) == 0);
  pthread_barrier_wait(&barrier);
  GC_gcollect();
  for (size_t i = 0; i < 3000; i++)
    memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
  pthread_barrier_wait(&barrier);
  tap_eq_u(pthread_join(t, &result), 0);
  tap_eq_p(result, &barrier);
}

static void plain_mask_leaves_the_stop_signal_open(void) {
  sigset_t set, now;
  GC_INIT();
  sigfillset(&set);
  tap_eq_u(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
  tap_eq_u(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
  tap_check(sigismember(&now, SIGUSR2));
  tap_check(!sigismember(&now, GC_get_suspend_signal()));
}

static void *sleep_long(void *arg) {
  for (;;)
    pause();
  return arg;
}

static void plain_cancel_and_detach(void) {
  pthread_t t;
  void *result = NULL;
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser loses track of a thread that is unwound");
  GC_INIT();
  tap_require(pthread_create(&t, NULL, sleep_long, NULL) == 0);
  tap_eq_u(pthread_cancel(t), 0);
  tap_eq_u(pthread_join(t, &result), 0);
  tap_check(result == PTHREAD_CANCELED);
  GC_gcollect();
}

static void plain_dlopen_gives_a_handle(void) {
  GC_INIT();
  void *handle = dlopen(NULL, RTLD_NOW);
  tap_check(handle != NULL);
  GC_gcollect();
}

TAP_MAIN(TAP_CASE(plain_names_register_threads),
         TAP_CASE(plain_mask_leaves_the_stop_signal_open),
         TAP_CASE(plain_cancel_and_detach),
         TAP_CASE(plain_dlopen_gives_a_handle))
