/* tests/extra/hcons_unlocked.c: look-ups that take no lock. SPDX-License-Identifier: MIT */
#define GC_THREADS
#include <gc/gc.h>
#include <hcons/hcons.h>

#include "extra/hcons_kit.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
  KEYS = 300,
  THREADS = 3,
  ROUNDS = 5,
  TABLES = 7, /* more than a thread counts for at once */
  GROWN = 40000
};

static hc_table *table[TABLES];
static hc_class *number[TABLES];
static atomic_bool is_over;
static atomic_uint wrong, collections;

static void open_table(unsigned i) {
  table[i] = hk_table(0, 0);
  number[i] =
      hk_class(table[i], (hc_class_desc){.name = "number", .leaf = true});
}

static void start(void) {
  GC_INIT();
  GC_allow_register_threads();
  open_table(0);
}

static void run_beside(void *(*fn)(void *), unsigned n, pthread_t *thread) {
  for (unsigned i = 0; i < n; i++)
    tap_require(pthread_create(&thread[i], NULL, fn, NULL) == 0);
}

static void await(unsigned n, const pthread_t *thread) {
  for (unsigned i = 0; i < n; i++)
    tap_require(pthread_join(thread[i], NULL) == 0);
}

static const void **keep_all(uintptr_t n) {
  const void **kept = hc_scanned_alloc(n * sizeof *kept);
  for (uintptr_t k = 0; k < n; k++)
    kept[k] = hc_intern1(number[0], 0, k);
  return kept;
}

/* ---- Counting ---- */

static void *hit_in_turn(void *unused) {
  for (unsigned round = 0; round < ROUNDS; round++)
    for (uintptr_t k = 0; k < KEYS; k++)
      for (unsigned i = 0; i < TABLES; i++)
        if (hc_key(hc_intern1(number[i], 0, k))[0] != k)
          atomic_fetch_add(&wrong, 1);
  return unused;
}

/* Other threads and the program's own, whose counts are not handed in. */
static void all_hits_are_counted(void) {
  pthread_t thread[THREADS];
  const void **kept = hc_scanned_alloc(sizeof *kept * TABLES * KEYS);
  start();
  for (unsigned i = 1; i < TABLES; i++)
    open_table(i);
  for (uintptr_t k = 0; k < TABLES * KEYS; k++)
    kept[k] = hc_intern1(number[k % TABLES], 0, k / TABLES);
  run_beside(hit_in_turn, THREADS, thread);
  await(THREADS, thread);
  hit_in_turn(NULL);
  for (unsigned i = 0; i < TABLES; i++) {
    hc_stats s = hk_stats(table[i]);
    tap_eq_u(s.hits, (THREADS + 1) * ROUNDS * KEYS);
    tap_eq_u(s.made, KEYS);
    tap_ge(s.probes, s.hits + s.made);
    tap_check(kept[i] != NULL);
  }
  tap_eq_u(atomic_load(&wrong), 0);
}

static void a_new_table_begins_at_nothing(void) {
  start();
  for (int round = 0; round < 2 * TABLES; round++) {
    tap_eq_u(hk_stats(table[0]).hits, 0);
    for (int i = 0; i < 5; i++)
      hc_intern1(number[0], 0, 1);
    hc_table_free(table[0]);
    open_table(0);
  }
}

/* ---- Arrays that go and come ---- */

static void an_array_is_empty_when_it_comes_back(void) {
  start();
  for (int round = 0; round < 4; round++) {
    const void **kept = keep_all(GROWN);
    hc_scanned_free(kept);
    gu_scrub_stack();
    GC_gcollect();
    hc_drain(10000);
    hc_trim(table[0]);
    hk_check_sound(table[0]);
  }
  tap_ge(hk_stats(table[0]).grown, 4);
  tap_ge(hk_stats(table[0]).shrunk, 4);
}

static void *look_up_all(void *kept) {
  const void **node = kept;
  while (!atomic_load(&is_over))
    for (uintptr_t k = 0; k < KEYS; k++)
      if (hc_intern1(number[0], 0, k) != node[k])
        atomic_fetch_add(&wrong, 1);
  return NULL;
}

/* The nodes that the searches are for stay; others make the arrays come and go. */
static void arrays_move_under_searches(void) {
  pthread_t thread[2];
  const void **kept;
  start();
  kept = keep_all(KEYS);
  for (int i = 0; i < 2; i++)
    tap_require(pthread_create(&thread[i], NULL, look_up_all, kept) == 0);
  for (int round = 0; round < (tap_long() ? 200 : 12); round++) {
    for (uintptr_t k = KEYS; k < GROWN; k++)
      hc_intern1(number[0], 0, k);
    GC_gcollect();
    hc_drain(10000);
    hc_trim(table[0]);
  }
  atomic_store(&is_over, true);
  await(2, thread);
  tap_eq_u(atomic_load(&wrong), 0);
  hk_check_sound(table[0]);
}

/* ---- A collection in the middle ---- */

static void *collect_now_and_then(void *unused) {
  while (!atomic_load(&is_over)) {
    GC_gcollect();
    atomic_fetch_add(&collections, 1);
    hc_drain(10000);
    usleep(300); /* for nodes to be made and found again */
  }
  return unused;
}

/* Nobody holds what is looked up. If a collection came in between, what was found
 * is looked at again when all dead nodes have been told, which takes their header. */
static void what_is_found_lives(void) {
  pthread_t thread;
  unsigned middle = 0;
  start();
  tap_require(pthread_create(&thread, NULL, collect_now_and_then, NULL) == 0);
  for (uintptr_t k = 0; middle < (tap_long() ? 20000 : 400); k++) {
    size_t before = GC_get_gc_no();
    const void *node = hc_intern1(number[0], 0, k % KEYS);
    if (GC_get_gc_no() == before)
      continue;
    middle++;
    hc_drain(10000);
    if (hc_key(node)[0] != k % KEYS || hc_header(node) == 0 ||
        hc_find(number[0], 0, hc_key(node), 1) != node)
      atomic_fetch_add(&wrong, 1);
  }
  atomic_store(&is_over, true);
  await(1, &thread);
  tap_note("%u look-ups with a collection, %u collections", middle,
           atomic_load(&collections));
  tap_eq_u(atomic_load(&wrong), 0);
  hk_check_sound(table[0]);
}

TAP_MAIN(TAP_CASE(all_hits_are_counted),
         TAP_CASE(a_new_table_begins_at_nothing),
         TAP_CASE_T(an_array_is_empty_when_it_comes_back, 120),
         TAP_CASE_T(arrays_move_under_searches, 240),
         TAP_CASE_T(what_is_found_lives, 240))
