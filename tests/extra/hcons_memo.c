/* tests/extra/hcons_memo.c: memos of hcons. SPDX-License-Identifier: MIT */
/* Runs on any libgc with the disclaim interface; exact memos are there on Reclaim
 * only, lossy ones everywhere. */
#define GC_THREADS
#include <gc/gc.h>
#include <hcons/hcons.h>

#include "extra/hcons_kit.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { MANY = TAP_ASAN || TAP_TSAN ? 4000 : 20000, THREADS = 4 };

static hc_table *table;
static hc_class *number;
static hc_class *pair;
static struct hk_gate gate;

static void start(void) {
  hc_class_desc n = {.name = "number",
                     .leaf = true,
                     .on_reclaim = hk_wait_at_gate,
                     .closure = &gate};
  hc_class_desc p = {.name = "pair"};
  GC_INIT();
  GC_allow_register_threads();
  table = hk_table(0, 0);
  number = hk_class(table, n);
  pair = hk_class(table, p);
}

static hc_memo *memo_of(unsigned keys, unsigned flags) {
  hc_memo_opts o = {.keys = keys, .flags = flags, .hint = 1000};
  hc_memo *m = hc_memo_open(&o);
  if (m == NULL && flags == HC_MEMO_EXACT && !gu_has_kinds())
    tap_skip("exact memos need gcx/weak_map.h");
  tap_require(m != NULL);
  return m;
}

static const void *num(uintptr_t n) { return hc_intern1(number, 0, n); }

static const void *two(const void *a, const void *b) {
  return hc_intern2(pair, 0, (uintptr_t)a, (uintptr_t)b);
}

/* ---- Calls ---- */

static void keys_and_order(unsigned flags) {
  void *v = &v;
  start();
  hc_memo *m = memo_of(2, flags);
  const void *a = num(1), *b = num(2), *c = num(3);
  tap_check(!hc_memo_get2(m, a, b, &v) && v == NULL);
  tap_check(hc_memo_put2(m, a, b, c));
  tap_check(hc_memo_get2(m, a, b, &v) && v == c);
  tap_check(!hc_memo_get2(m, b, a, &v));
  tap_check(!hc_memo_get2(m, a, a, &v));
  tap_check(hc_memo_put2(m, a, b, NULL));
  tap_check(hc_memo_get2(m, a, b, &v) && v == NULL);
  tap_eq_u(hc_memo_count(m), 1);
  tap_check(!hc_memo_put2(m, NULL, a, b) && !hc_memo_get2(m, a, NULL, &v));
  tap_check(!hc_memo_put(m, a, b) && !hc_memo_get(m, a, &v));
  tap_check(!hc_memo_put3(m, a, b, c, a) && !hc_memo_get3(m, a, b, c, &v));
  tap_eq_u(hc_memo_count(m), 1);
  hc_memo_free(m);
  m = memo_of(3, flags);
  tap_check(hc_memo_put3(m, a, b, c, b));
  tap_check(hc_memo_get3(m, a, b, c, &v) && v == b);
  tap_check(!hc_memo_get3(m, a, b, b, &v) && !hc_memo_get2(m, a, b, &v));
  hc_memo_free(m);
  hc_memo_free(NULL);
}

static void exact_keys_and_order(void) { keys_and_order(HC_MEMO_EXACT); }
static void lossy_keys_and_order(void) { keys_and_order(HC_MEMO_LOSSY); }

static void options_are_checked(void) {
  start();
  tap_check(hc_memo_open(&(hc_memo_opts){.keys = 4}) == NULL);
  tap_check(hc_memo_open(&(hc_memo_opts){.keys = 4, .flags = HC_MEMO_LOSSY}) ==
            NULL);
  tap_check(hc_memo_open(&(hc_memo_opts){.flags = 2}) == NULL);
  hc_memo *m = memo_of(0, HC_MEMO_EXACT);
  int no_object;
  tap_check(hc_memo_put(m, num(1), num(2)));
  tap_check(!hc_memo_put(m, &no_object, num(2)));
  hc_memo_free(m);
}

/* ---- Life ---- */

/* An entry each with the held key at every place; the value leads to all keys. */
static void note_with_held(hc_memo *m, const void *held, unsigned keys) {
  for (uintptr_t i = 1; i < MANY; i++) {
    const void *n = num(i);
    const void *v = two(two(n, held), n);
    const void *key[3] = {n, n, n};
    key[i % keys] = held;
    tap_require(hc_memo_put_keys(m, key, keys, v));
  }
}

struct job {
  hc_memo *memo;
  const void *held;
  unsigned keys;
};

static void note_job(void *arg) {
  struct job *j = arg;
  note_with_held(j->memo, j->held, j->keys);
}

static void values_keep_no_keys(void) {
  start();
  const void *held = num(0);
  for (unsigned keys = 2; keys <= 3; keys++) {
    struct job j = {memo_of(keys, HC_MEMO_EXACT), held, keys};
    gu_apart(note_job, &j);
    tap_eq_u(hc_memo_count(j.memo), MANY - 1);
    hk_collect();
    tap_le(hc_memo_count(j.memo), MANY / 50);
    tap_le(hk_stats(table).live, MANY / 10);
    hc_memo_free(j.memo);
  }
  hc_keep(held);
}

static void values_live_with_their_keys(void) {
  const void **key;
  void *v;
  start();
  hc_memo *m = memo_of(2, HC_MEMO_EXACT);
  key = hc_scanned_alloc(MANY * sizeof *key);
  for (uintptr_t i = 0; i < MANY; i++) {
    key[i] = num(i);
    if (i > 0)
      tap_require(hc_memo_put2(m, key[i - 1], key[i], two(key[i], key[i])));
  }
  hk_collect();
  for (uintptr_t i = 1; i < MANY; i++) {
    tap_require(hc_memo_get2(m, key[i - 1], key[i], &v));
    tap_require(v == two(key[i], key[i]));
  }
  hc_memo_free(m);
  hc_keep(key);
}

static void note_numbers(void *memo) {
  for (uintptr_t i = 0; i < MANY; i++)
    tap_require(hc_memo_put2(memo, num(i), num(i), two(num(i), num(i))));
}

/* With the first notifier held at the gate the others are condemned and can be found
 * again. What they had noted is gone. */
static void revived_keys_have_no_value(void) {
  size_t noted = 0;
  void *v;
  start();
  hc_memo *m = memo_of(2, HC_MEMO_EXACT);
  const void **held = hc_scanned_alloc(MANY * sizeof *held);
  gu_apart(note_numbers, m);
  atomic_store(&gate.is_shut, true);
  gu_collect();
  for (uintptr_t i = 0; i < MANY; i++) {
    held[i] = num(i);
    if (hc_memo_get2(m, held[i], held[i], &v)) {
      noted++; /* the key was not condemned */
      tap_require(hc_key(v)[0] == (uintptr_t)held[i]);
      tap_require(hc_is_interned(v) && two(held[i], held[i]) == v);
    }
  }
  if (hk_is_proper())
    tap_ge(hk_stats(table).revived, 0.9 * MANY);
  tap_le(noted, MANY / 50);
  for (uintptr_t i = 0; i < MANY; i++)
    tap_require(hc_memo_put2(m, held[i], held[i], num(i)));
  atomic_store(&gate.is_shut, false);
  hk_collect();
  for (uintptr_t i = 0; i < MANY; i++)
    tap_require(hc_memo_get2(m, held[i], held[i], &v) && v == num(i));
  hc_memo_free(m);
  hc_keep(held);
}

/* ---- Computing ---- */

static unsigned computed;

/* fib(n + k) with the memo on both sides, so that each is computed once. */
static const void *fib(const void *const *key, void *memo) {
  uintptr_t n = hc_key(key[0])[0], k = hc_key(key[1])[0];
  uintptr_t sum = 0;
  computed++;
  if (n + k < 2)
    return num(n + k);
  for (uintptr_t i = 1; i <= 2; i++) {
    const void *next[] = {num(n + k - i), num(0)};
    sum += hc_key(hc_memo_compute_keys(memo, next, 2, fib, memo))[0];
  }
  return num(sum);
}

static void computing_may_recur(unsigned flags) {
  start();
  hc_memo *m = memo_of(2, flags);
  const void *key[] = {num(80), num(10)};
  GC_disable();
  const void *f = hc_memo_compute_keys(m, key, 2, fib, m);
  GC_enable();
  tap_eq_u(hc_key(f)[0], 2880067194370816120u);
  tap_eq_u(computed, 91);
  tap_eq_p(hc_memo_compute_keys(m, key, 2, fib, m), f);
  tap_eq_u(computed, 91);
  tap_check(hc_memo_compute_keys(m, key, 1, fib, m) == NULL);
  hc_memo_free(m);
}

static void exact_recursion(void) { computing_may_recur(HC_MEMO_EXACT); }
static void lossy_recursion(void) { computing_may_recur(HC_MEMO_LOSSY); }

static hc_memo *shared;
static const void **shared_keys;
static const void **results[THREADS];
static atomic_uint waiting;

/* Every call gives another object. */
static const void *one_more(const void *key, void *cd) {
  const void **v = GC_MALLOC(2 * sizeof *v);
  v[0] = key;
  v[1] = cd;
  return v;
}

static void *compute_all(void *arg) {
  unsigned me = *(unsigned *)arg;
  atomic_fetch_add(&waiting, 1);
  while (atomic_load(&waiting) < THREADS)
    sched_yield();
  for (size_t i = 0; i < MANY; i++)
    results[me][i] = hc_memo_compute(shared, shared_keys[i], one_more, arg);
  return NULL;
}

static void run_threads(void *(*fn)(void *)) {
  pthread_t thread[THREADS];
  static unsigned id[THREADS];
  for (unsigned i = 0; i < THREADS; i++) {
    id[i] = i;
    tap_require(pthread_create(&thread[i], NULL, fn, &id[i]) == 0);
  }
  for (unsigned i = 0; i < THREADS; i++)
    tap_require(pthread_join(thread[i], NULL) == 0);
}

/* A lossy memo big enough for all forgets nothing without collections. */
static void racing_threads_agree(unsigned flags) {
  size_t different = 0;
  hc_memo_opts o = {.flags = flags, .hint = 256 * MANY};
  start();
  hc_memo_free(memo_of(1, flags));
  shared = hc_memo_open(&o);
  shared_keys = hc_scanned_alloc(MANY * sizeof *shared_keys);
  for (size_t i = 0; i < MANY; i++)
    shared_keys[i] = num(i);
  for (unsigned t = 0; t < THREADS; t++)
    results[t] = hc_scanned_alloc(MANY * sizeof **results);
  if (flags == HC_MEMO_LOSSY)
    GC_disable();
  run_threads(compute_all);
  for (size_t i = 0; i < MANY; i++)
    for (unsigned t = 0; t < THREADS; t++) {
      const void *const *v = results[t][i];
      tap_require(v != NULL && v[0] == shared_keys[i]);
      different += results[t][i] != results[0][i];
    }
  tap_le(different, flags == HC_MEMO_LOSSY ? MANY / 1000 : 0);
  hc_memo_free(shared);
}

static void exact_results_agree(void) { racing_threads_agree(HC_MEMO_EXACT); }
static void lossy_results_agree(void) { racing_threads_agree(HC_MEMO_LOSSY); }

/* ---- Lossy ---- */

static void lossy_memos_have_a_size(void) {
  void *v;
  size_t hits = 0;
  start();
  hc_memo *m = memo_of(1, HC_MEMO_LOSSY);
  const void **key = hc_scanned_alloc(MANY * sizeof *key);
  for (uintptr_t i = 0; i < MANY; i++)
    key[i] = num(i);
  GC_disable();
  for (uintptr_t i = 0; i < MANY; i++) {
    tap_require(hc_memo_put(m, key[i], key[MANY - 1 - i]));
    tap_require(hc_memo_get(m, key[i], &v) && v == key[MANY - 1 - i]);
  }
  tap_le(hc_memo_count(m), 1024);
  tap_ge(hc_memo_count(m), 900);
  for (uintptr_t i = 0; i < MANY; i++)
    if (hc_memo_get(m, key[i], &v)) {
      tap_require(v == key[MANY - 1 - i]);
      hits++;
    }
  tap_eq_u(hits, hc_memo_count(m));
  GC_enable();
  hk_collect();
  tap_eq_u(hc_memo_count(m), 0);
  for (uintptr_t i = 0; i < MANY; i++)
    tap_require(!hc_memo_get(m, key[i], &v));
  hc_memo_free(m);
  hc_keep(key);
}

static hc_class *plain;
static atomic_uint stale;

/* Keys die all the time and their addresses are used again, also by other classes. */
static void *churn_lossy(void *arg) {
  uint64_t random = tap_seed() + *(unsigned *)arg;
  unsigned steps = tap_long() ? 20 * MANY : 4 * MANY;
  for (unsigned i = 0; i < steps; i++) {
    uintptr_t n = tap_rand_r(&random) % 3000;
    const void *key[2] = {num(n), hc_intern1(plain, 0, i % 8)};
    void *v;
    if (hc_memo_get_keys(shared, key, 2, &v)) {
      const uintptr_t *word = hc_key(v);
      if (!hc_is_interned(v) || hc_node_class(v) != hc_class_number(pair) ||
          word[0] != (uintptr_t)key[0] || word[1] != (uintptr_t)key[1])
        atomic_fetch_add(&stale, 1);
    } else
      hc_memo_put_keys(shared, key, 2, two(key[0], key[1]));
    if (i % 1024 == 0)
      GC_gcollect();
  }
  return NULL;
}

static void lossy_is_never_stale(void) {
  start();
  plain = hk_class(table, (hc_class_desc){.name = "other", .leaf = true});
  shared = memo_of(2, HC_MEMO_LOSSY);
  run_threads(churn_lossy);
  tap_eq_u(atomic_load(&stale), 0);
  hc_memo_free(shared);
}

/* ---- Fork ---- */

static atomic_bool is_over;

static void *compute_on(void *arg) {
  uint64_t random = *(unsigned *)arg;
  while (!atomic_load(&is_over)) {
    const void *n = num(tap_rand_r(&random) % 64);
    hc_memo_compute(shared, n, one_more, NULL);
    hc_memo_put(shared, n, n);
  }
  return NULL;
}

static void child_uses(void) {
  void *v;
  for (uintptr_t i = 0; i < 64; i++) {
    const void *n = num(i);
    if (!hc_memo_put(shared, n, num(i + 1)) || !hc_memo_get(shared, n, &v) ||
        v != num(i + 1))
      _exit(1);
  }
  _exit(0);
}

static void the_child_has_the_memo(void) {
  pthread_t thread[2];
  unsigned id[2] = {1, 2};
  if (TAP_TSAN || TAP_ASAN)
    tap_skip("no fork of several threads under a sanitizer");
  start();
  shared = memo_of(1, gu_has_kinds() ? HC_MEMO_EXACT : HC_MEMO_LOSSY);
  for (int i = 0; i < 2; i++)
    tap_require(pthread_create(&thread[i], NULL, compute_on, &id[i]) == 0);
  for (int i = 0; i < 30; i++) {
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      child_uses();
    }
    gu_check_child(child);
  }
  atomic_store(&is_over, true);
  for (int i = 0; i < 2; i++)
    tap_require(pthread_join(thread[i], NULL) == 0);
  hc_memo_free(shared);
}

TAP_MAIN(TAP_CASE(exact_keys_and_order), TAP_CASE(lossy_keys_and_order),
         TAP_CASE(options_are_checked), TAP_CASE(values_keep_no_keys),
         TAP_CASE(values_live_with_their_keys),
         TAP_CASE(revived_keys_have_no_value), TAP_CASE(exact_recursion),
         TAP_CASE(lossy_recursion), TAP_CASE(exact_results_agree),
         TAP_CASE(lossy_results_agree), TAP_CASE(lossy_memos_have_a_size),
         TAP_CASE_T(lossy_is_never_stale, 300),
         TAP_CASE(the_child_has_the_memo))
