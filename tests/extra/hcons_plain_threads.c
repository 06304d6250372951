/* tests/extra/hcons_plain_threads.c: threads of which the collector was told nothing. SPDX-License-Identifier: MIT */
/* Contract: a thread made by the system's own pthread_create uses tables without a
 * call at its start or end; what only its stack holds stays, and dies with it. So
 * here no header of the collector changes what pthread_create means. */
#include <hcons/hcons.h>

#include "extra/hcons_kit.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 3, HELD = 500, ROUNDS = TAP_TSAN ? 5 : 40 };

static hc_table *table;
static hc_class *number;
static atomic_uint wrong;
static atomic_uint late_interns;
static atomic_bool stop;
static pthread_key_t key;

static void start(void) {
  table = hk_table(0, 0);
  number = hk_class(table, (hc_class_desc){.name = "number", .leaf = true});
}

static void expect(bool ok) {
  if (!ok)
    atomic_fetch_add(&wrong, 1);
}

/* Only the stack of this thread has the nodes, while others are made and collected. */
static GU_NOINLINE void hold_and_churn(uintptr_t first) {
  const void *held[HELD];
  for (uintptr_t i = 0; i < HELD; i++)
    held[i] = hc_intern1(number, 0, first + i);
  for (uintptr_t round = 0; round < ROUNDS; round++) {
    for (uintptr_t i = 0; i < 2000; i++)
      hc_intern2(number, 1, first + i, round);
    for (uintptr_t i = 0; i < HELD; i++) {
      uintptr_t word = first + i;
      expect(hc_key(held[i])[0] == word);
      expect(hc_find(number, 0, &word, 1) == held[i]);
    }
  }
  hc_keep(held);
}

static void *work(void *arg) {
  hold_and_churn((uintptr_t)arg);
  return NULL;
}

static void run(void *(*fn)(void *)) {
  pthread_t thread[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    tap_require(
        pthread_create(&thread[i], NULL, fn, (void *)(1000000 * (i + 1))) == 0);
  for (size_t i = 0; i < THREADS; i++)
    tap_require(pthread_join(thread[i], NULL) == 0);
}

/* A thread that asks for a collection is known to the collector, by a look-up. */
static void *collect(void *arg) {
  uintptr_t absent = 1;
  expect(hc_find(number, 4, &absent, 1) == NULL);
  hc_intern1(number, 4, 1);
  while (!atomic_load(&stop))
    gu_collect();
  return arg;
}

static void their_stacks_hold_nodes(void) {
  pthread_t collector;
  start();
  tap_require(pthread_create(&collector, NULL, collect, NULL) == 0);
  run(work);
  atomic_store(&stop, true);
  tap_require(pthread_join(collector, NULL) == 0);
  tap_eq_u(atomic_load(&wrong), 0);
  for (int i = 0; i < 3; i++)
    hk_collect();
  tap_le(hk_stats(table).live, THREADS * HELD / 20);
  hk_check_sound(table);
}

/* The first look at the table is one that finds a node which another thread holds. */
static void *find_first(void *arg) {
  uintptr_t word = 7;
  const void *found = hc_find(number, 0, &word, 1);
  expect(found != NULL && hc_key(found)[0] == 7);
  return arg;
}

static void many_come_and_go(void) {
  start();
  const void *held = hc_intern1(number, 0, 7);
  for (int i = 0; i < (TAP_TSAN ? 20 : 300); i++) {
    run(find_first);
    if (i % 10 == 0)
      gu_collect();
  }
  tap_eq_u(atomic_load(&wrong), 0);
  hk_check_sound(table);
  hc_keep(held);
}

/* Runs when the thread has left, perhaps after the library's own destructors, and
 * uses nodes once more. */
static void intern_late(void *arg) {
  const void *node = hc_intern1(number, 2, (uintptr_t)arg);
  for (uintptr_t i = 0; i < 5000; i++)
    hc_intern2(number, 3, (uintptr_t)arg, i);
  expect(node != NULL && hc_key(node)[0] == (uintptr_t)arg &&
         hc_intern1(number, 2, (uintptr_t)arg) == node);
  atomic_fetch_add(&late_interns, 1);
}

static void *intern_and_end(void *arg) {
  hc_intern1(number, 0, (uintptr_t)arg);
  pthread_setspecific(key, arg);
  return NULL;
}

static void destructors_of_a_thread_intern(void) {
  pthread_key_create(&key, intern_late);
  start();
  for (int i = 0; i < 20; i++) {
    run(intern_and_end);
    gu_collect();
  }
  tap_eq_u(atomic_load(&wrong), 0);
  tap_eq_u(atomic_load(&late_interns), 20 * THREADS);
  hk_check_sound(table);
}

TAP_MAIN(TAP_CASE_T(their_stacks_hold_nodes, 120),
         TAP_CASE_T(many_come_and_go, 120),
         TAP_CASE(destructors_of_a_thread_intern))
