/* tests/gcx/weak_map_one.c: weak maps on every library that has them. SPDX-License-Identifier: MIT */
/* With one key an entry, and nothing of gcx/weak.h. */
#include "gcx/keyed.h"

#include <gcx/weak_map.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

enum { N = 4000, CHAIN = 50000, THREADS = 3, STEPS = 20000 };

static gcx_weak_map *map;
static void *volatile keep[CHAIN];

static void begin(void) {
  GC_INIT();
  map = gcx_weak_map_new(NULL, NULL);
  tap_require(map != NULL);
}

/* Value i refers to its key. */
static void enter_all(void *count) {
  for (size_t i = 0; i < *(size_t *)count; i++) {
    keep[i] = kd_key();
    tap_require(gcx_weak_map_put(map, keep[i], kd_value(i, keep[i]), NULL) ==
                0);
  }
}

static void make(size_t n) { gu_apart(enter_all, &n); }

static void make_garbage(void *unused) {
  (void)unused;
  for (size_t i = 0; i < 4 * N; i++)
    kd_value(i, NULL);
}

static GU_NOINLINE void check_kept(size_t n) {
  for (size_t i = 0; i < n; i++) {
    void *p;
    if (keep[i] == NULL)
      continue;
    tap_require(gcx_weak_map_get(map, keep[i], &p) == 1);
    const struct kd_value *v = p;
    tap_require(v->next == keep[i] && kd_is_intact(v, i));
  }
  gu_scrub_stack();
}

static void check_life(void) {
  begin();
  make(N);
  for (int i = 0; i < 3; i++) {
    gu_collect();
    gu_apart(make_garbage, NULL);
    tap_eq_u(gcx_weak_map_count(map), N);
    check_kept(N);
  }
  for (size_t i = 0; i < N / 2; i++)
    keep[i] = NULL;
  gu_collect();
  tap_ge(gcx_weak_map_count(map), N / 2);
  tap_le(gcx_weak_map_count(map), N / 2 + N / 20);
  check_kept(N);
  gcx_weak_map_free(map);
  gu_collect();
}

static void entries_live_with_their_keys(void) { check_life(); }

/* ---- Notified keys ---- */

static atomic_uint told;

static gcx_verdict keep_it(void *object, size_t bytes, void *cd) {
  void *p;
  (void)bytes, (void)cd;
  atomic_fetch_add(&told, 1);
  tap_check(gcx_weak_map_get(map, object, &p) == 0);
  tap_check(gcx_weak_map_put(map, object, object, NULL) == -EINVAL);
  return GCX_DONE;
}

static void notified_keys_lose_their_values(gcx_refs refs) {
  gcx_kind_opts o = {.struct_size = sizeof o, .notify = keep_it, .refs = refs};
  GC_INIT();
  kd_keys.kind = gcx_kind_new(&o, NULL);
  tap_require(kd_keys.kind != NULL);
  begin();
  make(N);
  for (size_t i = 0; i < N; i++)
    keep[i] = NULL;
  gu_collect();
  tap_eq_u(gcx_drain(60000), 0);
  tap_ge(atomic_load(&told), 0.9 * N);
}

static void plain_keys_are_notified(void) {
  notified_keys_lose_their_values(GCX_REFS_NONE);
}
static void holding_keys_are_notified(void) {
  notified_keys_lose_their_values(GCX_REFS_HELD);
}

/* ---- Chains ---- */

/* Each value leads to the next key; every second one is the next key itself. Entered
 * from both ends, so that no order of entries is the chain's. */
static void make_chain(void *unused) {
  (void)unused;
  for (size_t i = 0; i < CHAIN; i++)
    keep[i] = GC_malloc_atomic(32);
  for (size_t j = 0; j < CHAIN; j++) {
    size_t i = j % 2 != 0 ? j / 2 : CHAIN - 1 - j / 2;
    void *next = i + 1 < CHAIN ? keep[i + 1] : NULL;
    void *value = i % 2 != 0 ? next : kd_value(i, next);
    tap_require(gcx_weak_map_put(map, keep[i], value, NULL) == 0);
  }
  for (size_t i = 1; i < CHAIN; i++)
    keep[i] = NULL;
}

static GU_NOINLINE size_t length(void) {
  size_t i = 0;
  for (void *key = keep[0]; key != NULL; i++) {
    void *p;
    tap_require(gcx_weak_map_get(map, key, &p) == 1);
    key = i % 2 != 0 || p == NULL ? p : ((struct kd_value *)p)->next;
  }
  gu_scrub_stack();
  return i;
}

static void a_chain_lives_by_its_first_key(void) {
  begin();
  gu_apart(make_chain, NULL);
  for (int i = 0; i < 3; i++) {
    gu_collect();
    gu_apart(make_garbage, NULL);
    tap_eq_u(length(), CHAIN);
  }
  tap_eq_u(gcx_weak_map_count(map), CHAIN);
}

/* ---- Walks ---- */

struct walk {
  unsigned seen[N];
  size_t calls;
  size_t end;
};

static int visit(void *key, void *value, void *cd) {
  struct walk *w = cd;
  const struct kd_value *v = value;
  tap_require(v->next == key && v->id < N);
  w->seen[v->id]++;
  if (v->id % 2 == 0 && v->id + 1 < N && w->seen[v->id + 1] == 0)
    tap_eq_u(gcx_weak_map_remove(map, keep[v->id + 1], NULL), 1);
  return ++w->calls == w->end ? 77 : 0;
}

static void a_walk_may_change_the_map(void) {
  static struct walk all, some = {.end = 10};
  begin();
  make(N);
  tap_eq_u(gcx_weak_map_each(map, visit, &all), 0);
  size_t visited = 0;
  for (size_t i = 0; i < N; i++) {
    tap_require(all.seen[i] <= 1 && (i % 2 != 0 || all.seen[i] == 1));
    visited += all.seen[i];
  }
  tap_eq_u(all.calls, visited);
  tap_le(gcx_weak_map_count(map), visited);
  gcx_weak_map_free(map);
  begin();
  make(N);
  tap_eq_u(gcx_weak_map_each(map, visit, &some), 77);
  tap_eq_u(some.calls, 10);
}

/* ---- Threads ---- */

/* Each has keys of its own on its stack, which nothing else refers to. */
static void *work(void *unused) {
  void *key[16] = {0};
  for (size_t i = 0; i < STEPS; i++) {
    void *p;
    size_t k = i * 7 % 16;
    if (key[k] != NULL)
      tap_require(gcx_weak_map_get(map, key[k], &p) == 1 &&
                  ((struct kd_value *)p)->next == key[k]);
    key[k] = kd_key();
    tap_require(gcx_weak_map_put(map, key[k], kd_value(i, key[k]), NULL) == 0);
  }
  GC_reachable_here(key);
  return unused;
}

static void *collect_on(void *is_over) {
  while (!atomic_load((atomic_bool *)is_over))
    GC_gcollect();
  return NULL;
}

static void threads_have_keys_on_their_stacks(void) {
  static atomic_bool is_over;
  pthread_t thread[THREADS], collector;
  begin();
  GC_allow_register_threads();
  tap_require(GC_pthread_create(&collector, NULL, collect_on, &is_over) == 0);
  for (int i = 0; i < THREADS; i++)
    tap_require(GC_pthread_create(&thread[i], NULL, work, NULL) == 0);
  for (int i = 0; i < THREADS; i++)
    tap_require(GC_pthread_join(thread[i], NULL) == 0);
  atomic_store(&is_over, true);
  tap_require(GC_pthread_join(collector, NULL) == 0);
  gu_collect();
  tap_le(gcx_weak_map_count(map), THREADS * STEPS / 20);
}

/* ---- Collections that are not as usual ---- */

static int polls_left;
static int GC_CALLBACK give_up(void) { return --polls_left < 0; }

static unsigned events;
static void GC_CALLBACK count_events(GC_EventType event) {
  events += event == GC_EVENT_MARK_END;
}

static void collections_that_are_given_up_or_watched(void) {
  begin();
  make(N);
  for (int polls = 0; polls < 60; polls += 3) {
    polls_left = polls;
    GC_try_to_collect(give_up);
    check_kept(N);
  }
  GC_set_on_collection_event(count_events);
  gu_collect();
  tap_ge(events, 1);
  gu_apart(make_garbage, NULL);
  tap_eq_u(gcx_weak_map_count(map), N);
  check_kept(N);
  GC_set_on_collection_event(NULL);
  gu_collect();
  gu_apart(make_garbage, NULL);
  check_kept(N);
}

TAP_MAIN(TAP_CASE(entries_live_with_their_keys),
         TAP_CASE(plain_keys_are_notified), TAP_CASE(holding_keys_are_notified),
         TAP_CASE(a_chain_lives_by_its_first_key),
         TAP_CASE(a_walk_may_change_the_map),
         TAP_CASE_T(threads_have_keys_on_their_stacks, 120),
         TAP_CASE(collections_that_are_given_up_or_watched))
