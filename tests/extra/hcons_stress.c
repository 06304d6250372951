/* tests/extra/hcons_stress.c: identity of nodes under constant collection. SPDX-License-Identifier: MIT */
/* Two threads made by plain pthread_create, that no library was told of, churn one table
 * while a third one collects all the time. Every key has a record in plain memory: while
 * somebody holds the node, its address, id and payload are those in the record. What a
 * node is notified with is compared to what is known of living ones.
 *
 * Six seconds; ten minutes with --long. Numbers are drawn from the seed, but what the
 * threads do to each other is not repeated by it. */
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <hcons/hcons.h>

#include "extra/hcons_kit.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
  KEYS = 20000,
  HELD = 200,
  ROOTS = 40,
  TREE_LEAVES = 24,
  LOCKS = 256,
  THREADS = 2,
  IDS = 1 << 16,
  CHAIN = 5000
};

enum violation {
  TWO_LIVE_NODES,  /* of one key */
  TOLD_WHILE_HELD, /* a notifier was called for a held node */
  ID_USED_AGAIN,
  PAYLOAD_MIXED_UP,
  KEY_MIXED_UP,
  MEMO_STALE,
  WALK_WRONG,
  KINDS_OF_VIOLATIONS
};

static const char *const violation_name[] = {
    "two live nodes of one key", "notified while held", "id used again",
    "payload mixed up",          "key mixed up",        "stale memo",
    "wrong node in a walk"};

/* [lock of the key], but for what notifiers read and write */
struct record {
  _Atomic uintptr_t hidden; /* address while it is held */
  atomic_uint holders;
  _Atomic uint64_t dead_id; /* of the youngest notified node */
  uint64_t id;
  uint64_t serial; /* what the first holder put into the payload */
};

static hc_table *table;
static hc_class *number;
static hc_class *pair;
static hc_memo *memo;
static struct record record[KEYS];
static _Atomic uint64_t id_owner[IDS]; /* id, and its key in the low bits */
static pthread_mutex_t locks[LOCKS];
static atomic_uint violations[KINDS_OF_VIOLATIONS];
static atomic_uint told, taken, rebuilt, memo_hits;
static atomic_bool is_over;

static void note(enum violation v) { atomic_fetch_add(&violations[v], 1); }

/* ---- The classes ---- */

static uintptr_t payload_of(uintptr_t key) {
  return key * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* Extra words: one by the key, one by its first holder; the id is behind them. */
static void fill(void *node, void *closure) {
  (void)closure;
  hc_extra(node)[0] = payload_of(hc_key(node)[0]);
}

static void on_reclaim(const void *node, void *closure) {
  uintptr_t key = hc_key(node)[0];
  uint64_t id = hc_extra(node)[2];
  struct record *r;
  (void)closure;
  atomic_fetch_add(&told, 1);
  if (key >= KEYS || hc_extra(node)[0] != payload_of(key)) {
    note(KEY_MIXED_UP);
    return;
  }
  r = &record[key];
  if (atomic_load(&r->holders) != 0 && atomic_load(&r->hidden) == gu_hide(node))
    note(TOLD_WHILE_HELD);
  if (id > atomic_load(&r->dead_id))
    atomic_store(&r->dead_id, id);
}

static void start(unsigned shards) {
  hc_class_desc n = {.name = "number",
                     .leaf = true,
                     .extra_words = 2,
                     .flags = HC_CLASS_IDS,
                     .fill = fill,
                     .on_reclaim = on_reclaim};
  hc_class_desc p = {.name = "pair", .min_words = 2, .max_words = 2};
  hc_memo_opts m = {.flags = HC_MEMO_LOSSY};
  for (size_t i = 0; i < LOCKS; i++)
    pthread_mutex_init(&locks[i], NULL);
  table = hk_table(0, shards);
  number = hk_class(table, n);
  pair = hk_class(table, p);
  memo = gu_has_kinds() ? hc_memo_new() : hc_memo_open(&m);
  tap_require(memo != NULL);
}

/* ---- Numbers ---- */

/* ThreadSanitizer keeps the stop signal back from a thread that waits for a
 * mutex, and the owner of the mutex may be stopped already. */
static void lock(uintptr_t key) {
  while (pthread_mutex_trylock(&locks[key % LOCKS]) != 0)
    sched_yield();
}

static void unlock(uintptr_t key) { pthread_mutex_unlock(&locks[key % LOCKS]); }

static void check_id(uintptr_t key, uint64_t id) {
  uint64_t mine = id << 16 | key, other;
  if (id <= atomic_load(&record[key].dead_id))
    note(ID_USED_AGAIN);
  other = atomic_exchange(&id_owner[id % IDS], mine);
  if (other != mine && other >> 16 == id)
    note(ID_USED_AGAIN);
}

static void take_first(struct record *r, const void *node, uint64_t id) {
  static _Atomic uint64_t serial;
  if (id < r->id)
    note(ID_USED_AGAIN);
  r->id = id;
  r->serial = hc_extra(node)[1] = atomic_fetch_add(&serial, 1) + 1;
  atomic_store(&r->hidden, gu_hide(node));
}

static const void *take(uintptr_t key) {
  const void *node = hc_intern1(number, 0, key);
  struct record *r = &record[key];
  uint64_t id;
  tap_require(node != NULL);
  if (hc_key(node)[0] != key || !hc_is_interned(node))
    note(KEY_MIXED_UP);
  if (hc_extra(node)[0] != payload_of(key))
    note(PAYLOAD_MIXED_UP);
  lock(key);
  id = hc_id(node);
  if (atomic_load(&r->holders) == 0)
    take_first(r, node, id);
  else if (atomic_load(&r->hidden) != gu_hide(node))
    note(TWO_LIVE_NODES);
  else if (r->id != id)
    note(ID_USED_AGAIN);
  else if (hc_extra(node)[1] != r->serial)
    note(PAYLOAD_MIXED_UP);
  check_id(key, id);
  atomic_fetch_add(&r->holders, 1);
  unlock(key);
  atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
  return node;
}

/* While the caller still has the node in a variable. */
static void let_go(uintptr_t key, const void *node) {
  struct record *r = &record[key];
  lock(key);
  if (atomic_load(&r->hidden) != gu_hide(node))
    note(TWO_LIVE_NODES);
  if (hc_extra(node)[1] != r->serial)
    note(PAYLOAD_MIXED_UP);
  atomic_fetch_sub(&r->holders, 1);
  unlock(key);
  hc_keep(node);
}

/* ---- Trees ---- */

/* A tree that its seed tells all of; a held one must come out again. */
static const void *tree_of(uint64_t seed) {
  const void *tree = hc_intern1(number, 0, seed % KEYS);
  for (int i = 0; i < TREE_LEAVES; i++) {
    uint64_t random = tap_rand_r(&seed);
    const void *leaf = hc_intern1(number, 0, random % KEYS);
    const void *next =
        random & 1u << 20
            ? hc_intern2(pair, 0, (uintptr_t)tree, (uintptr_t)leaf)
            : hc_intern2(pair, 0, (uintptr_t)leaf, (uintptr_t)tree);
    const uintptr_t *key = hc_key(next);
    if (key[0] + key[1] != (uintptr_t)tree + (uintptr_t)leaf)
      note(KEY_MIXED_UP);
    tree = next;
  }
  return tree;
}

/* The value refers to its key. */
static const void *wrap(const void *key, void *cd) {
  (void)cd;
  return hc_intern2(pair, 1, (uintptr_t)key, (uintptr_t)key);
}

static void check_memo(const void *root) {
  void *v;
  bool has = hc_memo_get(memo, root, &v);
  if (!has)
    v = (void *)(uintptr_t)hc_memo_compute(memo, root, wrap, NULL);
  atomic_fetch_add_explicit(&memo_hits, has, memory_order_relaxed);
  if (hc_key(v)[0] != (uintptr_t)root || wrap(root, NULL) != v)
    note(MEMO_STALE);
}

static void check_tree(const void *root, uint64_t seed) {
  if (tree_of(seed) != root)
    note(TWO_LIVE_NODES);
  check_memo(root);
  atomic_fetch_add_explicit(&rebuilt, 1, memory_order_relaxed);
}

static void make_chain(uint64_t random) {
  const void *tail = hc_intern1(number, 0, random % KEYS);
  for (int i = 0; i < CHAIN; i++)
    tail = hc_intern2(pair, 2, (uintptr_t)tail, (uintptr_t)tail);
}

/* ---- Walks and other tables ---- */

static int check_walked(const void *node, void *cd) {
  bool is_number = hc_node_class(node) == hc_class_number(number);
  if (hc_is_interned(node) && is_number &&
      (hc_key(node)[0] >= KEYS ||
       hc_extra(node)[0] != payload_of(hc_key(node)[0])))
    note(WALK_WRONG);
  return ++*(unsigned *)cd == 20000;
}

static void short_table(void) {
  hc_table *t = hc_table_new(0);
  hc_class *c =
      hc_class_new(t, &(hc_class_desc){.name = "short", .leaf = true});
  tap_require(c != NULL);
  for (uintptr_t i = 0; i < 500; i++)
    if (hc_key(hc_intern1(c, 0, i))[0] != i)
      note(KEY_MIXED_UP);
  hc_table_free(t);
}

/* ---- Threads ---- */

struct holdings {
  const void *node[HELD];
  uintptr_t key[HELD];
  const void *root[ROOTS];
  uint64_t seed[ROOTS];
};

static void hold_other_number(struct holdings *h, uint64_t random) {
  size_t i = random % HELD;
  /* Some keys are used often, and most of them by both threads. */
  uintptr_t key =
      random >> 20 & 1 ? (random >> 32) % 500 : (random >> 32) % KEYS;
  if (h->node[i] != NULL)
    let_go(h->key[i], h->node[i]);
  h->node[i] = take(key);
  h->key[i] = key;
}

static void hold_other_tree(struct holdings *h, uint64_t random) {
  size_t i = random % ROOTS;
  if (h->root[i] != NULL)
    check_tree(h->root[i], h->seed[i]);
  h->seed[i] = (random >> 8) % 1000;
  h->root[i] = tree_of(h->seed[i]);
}

static void step(struct holdings *h, uint64_t random, unsigned long i) {
  unsigned walked = 0;
  hold_other_number(h, random);
  if (i % 8 == 0)
    hold_other_tree(h, random >> 3);
  if (i % 4096 == 4095)
    make_chain(random);
  if (i % 65536 == 65535)
    hc_each(table, check_walked, &walked);
  if (i % 16384 == 16383)
    short_table();
}

static void *churn(void *arg) {
  uint64_t random = tap_seed() * 2654435761u + *(unsigned *)arg;
  struct holdings *h = hc_scanned_alloc(sizeof *h);
  for (unsigned long i = 0; !atomic_load(&is_over); i++)
    step(h, tap_rand_r(&random), i);
  for (size_t i = 0; i < HELD; i++)
    if (h->node[i] != NULL)
      let_go(h->key[i], h->node[i]);
  hc_scanned_free(h);
  return NULL;
}

static void *collect_on(void *arg) {
  (void)arg;
  while (!atomic_load(&is_over)) {
    hc_find(number, 0, &(uintptr_t){1}, 1);
    GC_gcollect();
    usleep(300);
  }
  return NULL;
}

/* A thread that lives shortly, with a node in its hands. */
static void *pass_by(void *arg) {
  const void *node = take((uintptr_t)arg);
  sched_yield();
  let_go((uintptr_t)arg, node);
  return NULL;
}

static void make_pthread(pthread_t *thread, void *(*fn)(void *), void *arg) {
  tap_require(pthread_create(thread, NULL, fn, arg) == 0);
}

/* Short threads come and go meanwhile, and the table is checked. */
static void let_run(unsigned threads) {
  uint64_t end = gu_now_ns() + UINT64_C(1000000000) * (tap_long() ? 300 : 3);
  for (uintptr_t i = 0; gu_now_ns() < end && tap_failures() == 0; i++) {
    pthread_t thread;
    usleep(5000);
    if (i % 200 == 0)
      hk_check_sound(table);
    if (threads > 1) {
      make_pthread(&thread, pass_by, (void *)(i % KEYS));
      tap_require(pthread_join(thread, NULL) == 0);
    }
  }
  atomic_store(&is_over, true);
}

static void report(void) {
  hc_stats s = hk_stats(table);
  tap_note("%u numbers taken, %u trees built again, %u memo hits, %u notified",
           atomic_load(&taken), atomic_load(&rebuilt), atomic_load(&memo_hits),
           atomic_load(&told));
  tap_note("made %llu, revived %llu, late %llu, removed %llu, %lu collections",
           (unsigned long long)s.made, (unsigned long long)s.revived,
           (unsigned long long)s.late, (unsigned long long)s.removed,
           (unsigned long)GC_get_gc_no());
  for (int v = 0; v < KINDS_OF_VIOLATIONS; v++)
    if (!tap_check(atomic_load(&violations[v]) == 0))
      tap_note("%s: %u", violation_name[v], atomic_load(&violations[v]));
  tap_ge(atomic_load(&taken), 1000);
  tap_ge(atomic_load(&told), 1000);
}

static void churn_with(unsigned threads, unsigned shards) {
  pthread_t thread[THREADS + 1];
  unsigned id[THREADS];
  start(shards);
  for (unsigned i = 0; i < threads; i++) {
    id[i] = i;
    make_pthread(&thread[i], churn, &id[i]);
  }
  make_pthread(&thread[threads], collect_on, NULL);
  let_run(threads);
  for (unsigned i = 0; i <= threads; i++)
    tap_require(pthread_join(thread[i], NULL) == 0);
  hk_check_sound(table);
  report();
}

static void two_threads_churn(void) { churn_with(THREADS, 0); }
static void two_threads_on_one_shard(void) { churn_with(THREADS, 1); }

/* ---- New threads ---- */

enum { NEW_THREADS = 40 };

static atomic_uint arrived;
static const void *volatile held_for[NEW_THREADS];

/* Looking up is the first thing that it does, and it finds. */
static void *find_and_hold(void *arg) {
  uintptr_t key = (uintptr_t)arg;
  const void *node = hc_intern1(number, 0, key);
  atomic_fetch_add(&arrived, 1);
  while (!atomic_load(&is_over))
    usleep(1000);
  if (hc_key(node)[0] != key || hc_intern1(number, 0, key) != node)
    note(TWO_LIVE_NODES);
  return NULL;
}

static void make_numbers(void *unused) {
  (void)unused;
  for (uintptr_t i = 0; i < NEW_THREADS; i++)
    held_for[i] = hc_intern1(number, 0, i);
}

static void new_threads_are_known(void) {
  pthread_t thread[NEW_THREADS];
  start(0);
  gu_apart(make_numbers, NULL);
  for (uintptr_t i = 0; i < NEW_THREADS; i++)
    make_pthread(&thread[i], find_and_hold, (void *)i);
  while (atomic_load(&arrived) < NEW_THREADS)
    usleep(1000);
  for (size_t i = 0; i < NEW_THREADS; i++)
    held_for[i] = NULL;
  hk_collect();
  tap_eq_u(atomic_load(&told), 0);
  atomic_store(&is_over, true);
  for (size_t i = 0; i < NEW_THREADS; i++)
    tap_require(pthread_join(thread[i], NULL) == 0);
  tap_eq_u(atomic_load(&violations[TWO_LIVE_NODES]), 0);
  hk_check_sound(table);
}

TAP_MAIN(TAP_CASE(new_threads_are_known), TAP_CASE_T(two_threads_churn, 700),
         TAP_CASE_T(two_threads_on_one_shard, 700))
