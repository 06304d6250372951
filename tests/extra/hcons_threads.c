/* tests/extra/hcons_threads.c: one weak table, several threads. SPDX-License-Identifier: MIT */
/* Every key has a counter of holders in plain memory. A holder counts itself
 * in when it has the node and out before it lets go, so a node may be notified
 * only while its counter is zero, or counts holders of another node that came
 * after it left the table; and two holders must see one address. */
#define GC_THREADS
#include <gc/gc.h>
#include <hcons/hcons.h>

#include "extra/hcons_kit.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { KEYS = 4000, HELD = 64, THREADS = 4, DEPTH = 6, LOCKS = 64 };

static hc_table *table;
static hc_class *number;
static hc_class *two;
static atomic_uint holders[KEYS];
/* Hidden; of the last one that was taken when nobody held it. Written under the
 * lock of the key, before the holder counts itself in. */
static _Atomic uintptr_t seen_at[KEYS];
static pthread_mutex_t locks[LOCKS];
static atomic_uint notified[KEYS];
static atomic_uint taken_while_held;
static atomic_uint wrong_address;
static unsigned steps;

static void on_reclaim(const void *node, void *closure) {
  uintptr_t key = hc_key(node)[0];
  (void)closure;
  if (atomic_load(&holders[key]) != 0 &&
      atomic_load(&seen_at[key]) == gu_hide(node))
    atomic_fetch_add(&taken_while_held, 1);
  atomic_fetch_add(&notified[key], 1);
}

static void start(void) {
  hc_class_desc leaf = {
      .name = "number", .leaf = true, .on_reclaim = on_reclaim};
  hc_class_desc inner = {.name = "two"};
  for (size_t i = 0; i < LOCKS; i++)
    pthread_mutex_init(&locks[i], NULL);
  GC_INIT();
  GC_allow_register_threads();
  table = hk_table(0, 0);
  number = hk_class(table, leaf);
  two = hk_class(table, inner);
  steps = tap_long() ? 2000000 : 150000;
}

static pthread_mutex_t *lock_of(uintptr_t key) { return &locks[key % LOCKS]; }

/* ThreadSanitizer keeps the stop signal back from a thread that waits for a
 * mutex, and the owner of the mutex may be stopped already. */
static void lock(uintptr_t key) {
  if (!TAP_TSAN)
    pthread_mutex_lock(lock_of(key));
  else
    while (pthread_mutex_trylock(lock_of(key)) != 0)
      sched_yield();
}

/* While one holder is counted, the node cannot die, so a second must have got
 * the address that the first one noted. */
static const void *take(uintptr_t key) {
  const void *node = hc_intern1(number, 0, key);
  if (node == NULL || hc_key(node)[0] != key)
    atomic_fetch_add(&wrong_address, 1);
  lock(key);
  if (atomic_load(&holders[key]) == 0)
    atomic_store(&seen_at[key], gu_hide(node));
  else if (atomic_load(&seen_at[key]) != gu_hide(node))
    atomic_fetch_add(&wrong_address, 1);
  atomic_fetch_add(&holders[key], 1);
  pthread_mutex_unlock(lock_of(key));
  return node;
}

static void let_go(uintptr_t key) {
  lock(key);
  atomic_fetch_sub(&holders[key], 1);
  pthread_mutex_unlock(lock_of(key));
}

/* A tree of pairs over random leaves, checked for uniqueness on the way. */
static void build(uint64_t *random, const void *leaf) {
  const void *tree = leaf;
  for (int i = 0; i < DEPTH; i++) {
    const void *other = hc_intern1(number, 0, tap_rand_r(random) % KEYS);
    const void *again;
    tree = hc_intern2(two, 1, (uintptr_t)tree, (uintptr_t)other);
    again = hc_intern(two, 1, hc_key(tree), 2);
    if (again != tree)
      atomic_fetch_add(&wrong_address, 1);
  }
}

static void *work(void *arg) {
  uint64_t random = tap_seed() * 2654435761u + *(unsigned *)arg + 1;
  const void *held[HELD] = {0};
  uintptr_t key[HELD];
  for (unsigned i = 0; i < steps; i++) {
    size_t slot = tap_rand_r(&random) % HELD;
    if (held[slot] != NULL)
      let_go(key[slot]);
    key[slot] = tap_rand_r(&random) % KEYS;
    held[slot] = take(key[slot]);
    if (i % 16 == 0)
      build(&random, held[slot]);
    if (i % 65536 == 65535)
      GC_gcollect();
  }
  for (size_t i = 0; i < HELD; i++)
    if (held[i] != NULL)
      let_go(key[i]);
  return NULL;
}

static void run_threads(void *(*fn)(void *), unsigned n) {
  pthread_t thread[THREADS];
  unsigned id[THREADS];
  for (unsigned i = 0; i < n; i++) {
    id[i] = i;
    tap_require(pthread_create(&thread[i], NULL, fn, &id[i]) == 0);
  }
  for (unsigned i = 0; i < n; i++)
    tap_require(pthread_join(thread[i], NULL) == 0);
}

static void held_nodes_are_never_notified(void) {
  uint64_t sum = 0;
  start();
  run_threads(work, THREADS);
  tap_eq_u(atomic_load(&taken_while_held), 0);
  tap_eq_u(atomic_load(&wrong_address), 0);
  for (size_t i = 0; i < KEYS; i++) {
    tap_eq_u(atomic_load(&holders[i]), 0);
    sum += atomic_load(&notified[i]);
  }
  hk_check_sound(table);
  hc_stats s = hk_stats(table);
  tap_note("made %llu, removed %llu, revived %llu, numbers notified %llu",
           (unsigned long long)s.made, (unsigned long long)s.removed,
           (unsigned long long)s.revived, (unsigned long long)sum);
  tap_le(sum, s.removed);
  tap_ge(s.removed, 1);
}

/* All threads make the same nodes in the same order at the same time. */
static void *same_nodes(void *arg) {
  const void **mine = hc_scanned_alloc(KEYS * sizeof *mine);
  (void)arg;
  for (unsigned round = 0; round < steps / 5000; round++) {
    for (uintptr_t k = 0; k < KEYS; k++)
      mine[k] = take(k);
    for (uintptr_t k = 0; k < KEYS; k++)
      let_go(k);
  }
  hc_scanned_free(mine);
  return NULL;
}

static void same_keys_meet(void) {
  start();
  run_threads(same_nodes, 2);
  tap_eq_u(atomic_load(&taken_while_held), 0);
  tap_eq_u(atomic_load(&wrong_address), 0);
  hk_check_sound(table);
}

TAP_MAIN(TAP_CASE_T(held_nodes_are_never_notified, 300),
         TAP_CASE_T(same_keys_meet, 120))
