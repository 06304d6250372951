/* tests/gcx/race.c: look-ups in a weak table race with its nodes' deaths. SPDX-License-Identifier: MIT */

/*
 * Contract: a look-up under the table's lock returns a node that is valid for as
 * long as it is held, and the only one of its key. The table follows the pattern
 * of gcx/reclaim.h: look-ups revive under the lock, the notifier takes the lock
 * and removes by address. Four threads look up what they dropped a moment ago, a
 * fifth collects half of the time. What is looked up is verified at once and again
 * when it is dropped; beside the protocol, the table counts who holds which node.
 */
#include "gcx/shadow.h"

#include <pthread.h>
#include <stdlib.h>

#define LIVE UINT64_C(0x1111777711117777)
#define DEAD UINT64_C(0x3333555533335555)

enum { N_THREADS = 4, N_KEYS = 20000, N_RECENT = 1024 };
enum { MIN_COLLECTIONS = TAP_TSAN ? 10 : 100 };

struct node {
  uint64_t key, magic;
  struct node *payload; /* an ordinary object with the same key, or null */
};

struct entry {
  uintptr_t hidden;
  uintptr_t held;   /* what the last look-up answered, hidden */
  unsigned holders; /* of that node */
};

static struct entry table[N_KEYS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static gcx_kind *kind;
static bool has_payload, keeps_some;
static atomic_size_t n_hits, n_too_late, n_misses, n_removed, n_wrong;
static size_t n_lookups;
static atomic_bool stop_flag;
static _Atomic uint64_t dying_key; /* often looked up */

static void expect(bool ok) {
  if (!ok)
    atomic_fetch_add(&n_wrong, 1);
}

static bool is_right(const struct node *n, uint64_t key) {
  if (n->key != key || n->magic != LIVE)
    return false;
  return !has_payload || (n->payload->key == key && n->payload->magic == LIVE);
}

/* ---- The table ---- */

/* Some deaths of nodes that are still in the table are put off. */
static bool keep_locked(struct node *n, bool is_entered) {
  return keeps_some && is_entered && n->key % 4 == 0 && gcx_keep(n) == 1;
}

/* Waits a moment now and then between its claim and the lock, so that look-ups of
 * its key come too late. */
static gcx_verdict GC_CALLBACK on_death(void *object, size_t bytes, void *cd) {
  static atomic_size_t deaths;
  struct node *n = object;
  (void)bytes, (void)cd;
  if (atomic_fetch_add(&deaths, 1) % 64 == 0) {
    atomic_store(&dying_key, n->key % N_KEYS);
    sh_sleep_us(50);
  }
  sh_lock(&lock);
  expect(n->key < N_KEYS && is_right(n, n->key));
  struct entry *e = &table[n->key % N_KEYS];
  bool is_entered = e->hidden == gu_hide(n);
  expect(e->holders == 0 || e->held != gu_hide(n));
  if (!keep_locked(n, is_entered)) {
    if (is_entered)
      e->hidden = 0;
    n->magic = DEAD;
    atomic_fetch_add(&n_removed, 1);
  }
  pthread_mutex_unlock(&lock);
  return GCX_DONE;
}

/* For the next miss: made without the lock, since allocation may wait. */
static struct node *make_spare(void) {
  struct node *n = gcx_kind_alloc(kind, sizeof *n);
  tap_require(n != NULL && n->magic == 0 && n->payload == NULL);
  if (has_payload) {
    n->payload = GC_malloc(sizeof *n->payload);
    n->payload->magic = LIVE;
  }
  n->magic = LIVE;
  return n;
}

/* The entry's node, made live again, or null. */
static struct node *find_locked(const struct entry *e) {
  if (e->hidden == 0)
    return NULL;
  struct node *n = gu_reveal(e->hidden);
  bool lives = gcx_revive(n) == 1;
  atomic_fetch_add(lives ? &n_hits : &n_too_late, 1);
  return lives ? n : NULL;
}

static struct node *enter_locked(struct entry *e, uint64_t key,
                                 struct node **spare) {
  struct node *n = *spare;
  *spare = NULL;
  n->key = key;
  if (has_payload)
    n->payload->key = key;
  e->hidden = gu_hide(n);
  atomic_fetch_add(&n_misses, 1);
  return n;
}

/* The key's only node; the caller holds it until let_go. */
static struct node *look_up(uint64_t key, struct node **spare) {
  struct entry *e = &table[key];
  sh_lock(&lock);
  struct node *n = find_locked(e);
  if (n == NULL)
    n = enter_locked(e, key, spare);
  expect(is_right(n, key));
  expect(e->holders == 0 || e->held == gu_hide(n));
  e->held = gu_hide(n);
  e->holders++;
  pthread_mutex_unlock(&lock);
  return n;
}

/* Before the reference goes. */
static void let_go(const struct node *n, uint64_t key) {
  expect(is_right(n, key));
  sh_lock(&lock);
  table[key].holders--;
  pthread_mutex_unlock(&lock);
}

/* ---- The race ---- */

struct recent {
  struct node *node;
  uint64_t key;
};

/* Few collections are no race: then it goes on, to a limit. */
static bool is_enough(size_t i) {
  return i >= n_lookups &&
         (GC_get_gc_no() >= MIN_COLLECTIONS || i >= 50 * n_lookups);
}

static GU_NOINLINE void *work(void *arg) {
  struct recent recent[N_RECENT] = {{NULL, 0}};
  struct node *spare = NULL;
  uint64_t rand = tap_seed() * 77 + (uintptr_t)arg;
  for (size_t i = 0; i % 1024 != 0 || !is_enough(i); i++) {
    struct recent *r = &recent[i % N_RECENT];
    if (spare == NULL)
      spare = make_spare();
    if (r->node != NULL)
      let_go(r->node, r->key);
    r->node = NULL;
    r->key = i % 8 == 0 ? atomic_load(&dying_key) : tap_rand_r(&rand) % N_KEYS;
    r->node = look_up(r->key, &spare);
    expect(is_right(r->node, r->key));
  }
  for (size_t i = 0; i < N_RECENT; i++)
    if (recent[i].node != NULL)
      let_go(recent[i].node, recent[i].key);
  return NULL;
}

/* Rests for as long as it took: a stop can take most of a round of collections that
 * follow each other, and then hardly anybody looks up. */
static void *collect(void *arg) {
  while (!atomic_load(&stop_flag)) {
    uint64_t start = gu_now_ns();
    GC_gcollect();
    sh_sleep_us((unsigned)((gu_now_ns() - start) / 1000));
  }
  return arg;
}

static void check_race(void) {
  gcx_finaliser_stats s = sh_stats();
  tap_note("%zu hits, %zu too late, %zu misses, %zu removed, %lu revived, "
           "%lu kept, %zu collections",
           atomic_load(&n_hits), atomic_load(&n_too_late),
           atomic_load(&n_misses), atomic_load(&n_removed), s.revived, s.kept,
           (size_t)GC_get_gc_no());
  tap_eq_u(atomic_load(&n_wrong), 0);
  tap_ge(atomic_load(&n_hits), n_lookups / 100);
  tap_ge(atomic_load(&n_removed), 1000);
  tap_ge(atomic_load(&n_too_late), 1);
  tap_ge(s.revived, 10);
  tap_check(!keeps_some || s.kept >= 10);
  sh_check_stats();
}

static void race(size_t lookups) {
  pthread_t t[N_THREADS], collector;
  n_lookups = lookups / N_THREADS / (TAP_TSAN ? 20 : 1) /
              (sh_can(GCX_CAP_PROMPT) ? 1 : 4);
  sh_begin(1);
  kind = sh_kind(
      (gcx_kind_opts){.notify = on_death,
                      .refs = has_payload ? GCX_REFS_HELD : GCX_REFS_NONE,
                      .release = has_payload ? GCX_RELEASE_BATCH : sh_batch()});
  sh_start(&collector, collect, NULL);
  for (uintptr_t i = 0; i < N_THREADS; i++)
    sh_start(&t[i], work, (void *)i);
  for (int i = 0; i < N_THREADS; i++)
    sh_join(t[i]);
  atomic_store(&stop_flag, true);
  sh_join(collector);
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  check_race();
}

static void lookups_find_the_only_node_of_a_key(void) {
  race(tap_long() ? 100000000 : 2000000);
}

static void lookups_of_nodes_that_are_kept_now_and_then(void) {
  keeps_some = true;
  race(tap_long() ? 20000000 : 500000);
}

static void lookups_of_nodes_with_payload(void) {
  has_payload = true;
  race(tap_long() ? 100000000 : 1000000);
}

static void lookups_of_kept_nodes_with_payload(void) {
  has_payload = keeps_some = true;
  race(tap_long() ? 20000000 : 500000);
}

TAP_MAIN(TAP_CASE_T(lookups_find_the_only_node_of_a_key, 240),
         TAP_CASE_T(lookups_of_nodes_that_are_kept_now_and_then, 240),
         TAP_CASE_T(lookups_of_nodes_with_payload, 240),
         TAP_CASE_T(lookups_of_kept_nodes_with_payload, 240))
