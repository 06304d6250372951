/* tests/gcx/weak_map_threads.c: weak maps under threads, fork, and without memory. SPDX-License-Identifier: MIT */

/*
 * Each thread has keys of its own and a model of what the shared maps must say about
 * them; maps are shared, so tables grow, shrink and lose dead entries under
 * everybody. A key's serial number is in it: a walk checks that key and value belong
 * together, whoever put them.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gcx/weak_map.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_THREADS = 4, N_MAPS = 3, N_KEYS = 3000 };

struct key {
  uint64_t serial;
  uint64_t rest;
};

/* The value of a key in a map: refers to the key. */
struct value {
  const struct key *key;
  uint64_t serial;
  uint64_t stamp;
};

static gcx_weak_map *maps[N_MAPS];
static atomic_size_t serials;
static atomic_bool is_over;

/* ---- Random steps with a model ---- */

struct worker {
  uint64_t rand;
  struct key *keys[N_KEYS];
  uint64_t stamps[N_MAPS][N_KEYS]; /* 0: not there */
};

static struct key *new_key(void) {
  struct key *k = GC_malloc(sizeof *k);
  tap_require(k != NULL);
  k->serial = atomic_fetch_add(&serials, 1) + 1;
  return k;
}

static void check_value(const struct worker *w, size_t m, size_t i, int there,
                        const struct value *v) {
  uint64_t stamp = w->stamps[m][i];
  tap_require(there == (stamp != 0));
  tap_require(!there || (v->key == w->keys[i] && v->stamp == stamp &&
                         v->serial == w->keys[i]->serial));
}

static void put(struct worker *w, size_t m, size_t i) {
  struct value *v = GC_malloc(sizeof *v);
  void *old;
  v->key = w->keys[i];
  v->serial = w->keys[i]->serial;
  v->stamp = tap_rand_r(&w->rand) | 1;
  int was_there = gcx_weak_map_put(maps[m], w->keys[i], v, &old);
  check_value(w, m, i, was_there, old);
  w->stamps[m][i] = v->stamp;
}

static void forget(struct worker *w, size_t i, bool by_hand) {
  if (by_hand)
    GC_free(w->keys[i]);
  w->keys[i] = NULL;
  for (size_t m = 0; m < N_MAPS; m++)
    w->stamps[m][i] = 0;
}

static void step(struct worker *w) {
  size_t i = tap_rand_r(&w->rand) % N_KEYS, m = tap_rand_r(&w->rand) % N_MAPS;
  unsigned what = (unsigned)(tap_rand_r(&w->rand) % 100);
  void *p;
  if (w->keys[i] == NULL)
    w->keys[i] = new_key();
  if (what < 30) {
    put(w, m, i);
  } else if (what < 80) {
    int there = gcx_weak_map_get(maps[m], w->keys[i], &p);
    check_value(w, m, i, there, p);
  } else if (what < 90) {
    int there = gcx_weak_map_remove(maps[m], w->keys[i], &p);
    check_value(w, m, i, there, p);
    w->stamps[m][i] = 0;
  } else {
    forget(w, i, what == 99);
  }
}

/* Now and then nearly all keys go, so that tables shrink. */
static void forget_many(struct worker *w) {
  for (size_t i = 0; i < N_KEYS; i++)
    if (w->keys[i] != NULL && tap_rand_r(&w->rand) % 16 != 0)
      forget(w, i, false);
}

static int check_entry(void *key, void *value, void *cd) {
  const struct key *k = key;
  const struct value *v = value;
  ++*(size_t *)cd;
  tap_require(v->key == k && v->serial == k->serial);
  return 0;
}

static void run_steps(struct worker *w, size_t steps) {
  for (size_t n = 1; n <= steps; n++) {
    step(w);
    if (n % 20000 == 0)
      GC_gcollect();
    if (n % 50000 == 0)
      forget_many(w);
  }
}

static struct worker *new_worker(uint64_t seed) {
  struct worker *w = GC_malloc_uncollectable(sizeof *w);
  tap_require(w != NULL);
  w->rand = seed;
  return w;
}

static void register_me(void) {
  struct GC_stack_base base;
  tap_require(GC_get_stack_base(&base) == GC_SUCCESS);
  GC_register_my_thread(&base);
}

static void *work(void *number) {
  register_me();
  struct worker *w = new_worker(tap_seed() + (uintptr_t)number);
  run_steps(w, (tap_long() ? 5000000 : 300000) / (TAP_TSAN ? 20 : 1));
  GC_free(w);
  GC_unregister_my_thread();
  return NULL;
}

/* Freeing by hand while others walk would free under their eyes, so the walker looks
 * at a map of its own, of which keys are never freed. */
static void *walk(void *unused) {
  size_t walks = 0, visited = 0;
  register_me();
  gcx_weak_map *own = gcx_weak_map_new(NULL, NULL);
  struct key *volatile keys[500];
  while (!atomic_load(&is_over)) {
    for (size_t i = walks % 3; i < 500; i += 3) {
      struct value *v = GC_malloc(sizeof *v);
      keys[i] = new_key();
      v->key = keys[i];
      v->serial = keys[i]->serial;
      tap_require(gcx_weak_map_put(own, keys[i], v, NULL) == 0);
    }
    tap_require(gcx_weak_map_each(own, check_entry, &visited) == 0);
    walks++;
  }
  tap_note("%zu walks, %zu entries", walks, visited);
  gcx_weak_map_free(own);
  GC_unregister_my_thread();
  return unused;
}

static void begin(void) {
  GC_INIT();
  GC_allow_register_threads();
  for (size_t m = 0; m < N_MAPS; m++) {
    maps[m] = gcx_weak_map_new(NULL, NULL);
    tap_require(maps[m] != NULL);
  }
}

static void run_threads(pthread_t *threads) {
  for (size_t i = 0; i < N_THREADS; i++)
    tap_require(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) == 0);
}

static void random_steps(void) {
  pthread_t threads[N_THREADS], walker;
  begin();
  tap_require(pthread_create(&walker, NULL, walk, NULL) == 0);
  run_threads(threads);
  for (size_t i = 0; i < N_THREADS; i++)
    pthread_join(threads[i], NULL);
  atomic_store(&is_over, true);
  pthread_join(walker, NULL);
  gu_collect();
  for (size_t m = 0; m < N_MAPS; m++) {
    tap_le(gcx_weak_map_count(maps[m]), N_THREADS * N_KEYS / 20);
    gcx_weak_map_free(maps[m]);
  }
}

static void one_thread_alone(void) {
  begin();
  struct worker *w = new_worker(tap_seed());
  run_steps(w, TAP_TSAN ? 50000 : 400000);
}

/* ---- Fork ---- */

static void live_in_child(struct worker *w) {
  run_steps(w, 30000);
  gcx_weak_map_free(maps[0]);
  maps[0] = gcx_weak_map_new(NULL, NULL);
  tap_require(maps[0] != NULL);
  _exit(tap_failures() != 0);
}

static void a_child_has_its_own(void) {
  pthread_t threads[N_THREADS];
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser allows no threads in the child");
  begin();
  struct worker *w = new_worker(tap_seed());
  run_steps(w, 10000);
  run_threads(threads);
  for (int i = 0; i < (tap_long() ? 200 : 20); i++) {
    pid_t pid = fork();
    if (pid == 0)
      live_in_child(w);
    gu_check_child(pid);
    run_steps(w, 1000);
  }
  for (size_t i = 0; i < N_THREADS; i++)
    pthread_join(threads[i], NULL);
}

/* ---- No memory ---- */

/* A put that is refused changes nothing. */
static size_t put_numbers(void *const *keys, size_t n) {
  size_t refused = 0;
  for (size_t i = 0; i < n; i++) {
    void *p = maps;
    size_t count = gcx_weak_map_count(maps[0]);
    int answer = gcx_weak_map_put(maps[0], keys[i], (void *)(i + 1), &p);
    tap_require((answer == 0 || answer == -ENOMEM) && p == NULL);
    refused += answer != 0;
    tap_require(gcx_weak_map_count(maps[0]) == count + (answer == 0));
    tap_require(gcx_weak_map_get(maps[0], keys[i], &p) == (answer == 0));
  }
  return refused;
}

/* Every other map of memory fails, so nearly every growth is refused at first. */
static void poor_role(void) {
  enum { N = 200000 };
  GC_INIT();
  int error = 0, tries = 0;
  void **keys = GC_malloc_uncollectable(N * sizeof *keys);
  tap_require(keys != NULL);
  for (size_t i = 0; i < N; i++)
    while ((keys[i] = GC_malloc(16)) == NULL)
      tap_require(++tries < 1000);
  while ((maps[0] = gcx_weak_map_new(NULL, &error)) == NULL)
    tap_require(error == ENOMEM && ++tries < 1000);
  size_t refused = put_numbers(keys, N);
  tap_note("%zu of %d refused", refused, N);
  for (int round = 0; round < 4; round++) {
    GC_gcollect();
    for (size_t i = 0; i < N; i++) {
      void *p;
      if (gcx_weak_map_get(maps[0], keys[i], &p))
        tap_require(p == (void *)(i + 1));
      else
        refused--;
    }
    tap_eq_u(refused, 0);
    refused = N - gcx_weak_map_count(maps[0]);
  }
  exit(tap_failures() != 0);
}

static void memory_fails_now_and_then(void) {
  static const char *const env[] = {"GCX_TORTURE_MAP_FAIL=2", NULL};
  gu_check_role("poor_role", env, 0);
}

static void limit_address_space(size_t more) {
  struct rlimit limit;
  unsigned long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  tap_require(f != NULL && fscanf(f, "%lu", &pages) == 1);
  fclose(f);
  tap_require(getrlimit(RLIMIT_AS, &limit) == 0);
  limit.rlim_cur = pages * (size_t)sysconf(_SC_PAGESIZE) + more;
  tap_require(setrlimit(RLIMIT_AS, &limit) == 0);
}

enum { N_LIMITED = 1000000 };
static void *limited_keys[N_LIMITED];

static size_t put_limited(void) {
  size_t refused = 0;
  for (size_t i = 0; i < N_LIMITED; i++) {
    void *key = limited_keys[i];
    int answer = gcx_weak_map_put(maps[0], key, key, NULL);
    tap_require(answer == 0 || answer == -ENOMEM);
    refused += answer != 0;
  }
  return refused;
}

static void check_limited(size_t refused) {
  tap_eq_u(gcx_weak_map_count(maps[0]), N_LIMITED - refused);
  for (size_t i = 0; i < N_LIMITED; i++) {
    void *p;
    if (gcx_weak_map_get(maps[0], limited_keys[i], &p))
      tap_require(p == limited_keys[i]);
    else
      refused--;
  }
  tap_eq_u(refused, 0);
}

/* From some time on puts are refused; what is there stays, and when much has died
 * there is room again. */
static void there_is_no_memory(void) {
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser reserves most of the address space");
  GC_INIT();
  maps[0] = gcx_weak_map_new(NULL, NULL);
  for (size_t i = 0; i < N_LIMITED; i++)
    tap_require((limited_keys[i] = GC_malloc(16)) != NULL);
  limit_address_space((size_t)8 << 20);
  size_t refused = put_limited();
  tap_note("%zu of %d refused", refused, N_LIMITED);
  tap_ge(refused, 1000);
  check_limited(refused);
  GC_gcollect();
  check_limited(refused);
  for (size_t i = 0; i < N_LIMITED - N_LIMITED / 20; i++)
    limited_keys[i] = NULL;
  gu_collect();
  for (size_t i = N_LIMITED - N_LIMITED / 20; i < N_LIMITED; i++)
    tap_require(gcx_weak_map_put(maps[0], limited_keys[i], NULL, NULL) >= 0);
}

/* Value i refers to key i + 1, which only it keeps. */
static void make_chain(void *unused) {
  (void)unused;
  for (size_t i = 0; i < N_KEYS; i++)
    limited_keys[i] = new_key();
  for (size_t j = 0; j < N_KEYS; j++) {
    size_t i = j * 7 % N_KEYS, next = (i + 1) % N_KEYS;
    tap_require(gcx_weak_map_put(maps[0], limited_keys[i], limited_keys[next],
                                 NULL) == 0);
  }
  for (size_t i = 1; i < N_KEYS; i++)
    limited_keys[i] = NULL;
}

/* A collection gets no memory to note what waits. */
static void chains_need_no_notes(void) {
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser reserves most of the address space");
  _Static_assert(N_KEYS % 7 != 0, "a permutation");
  begin();
  gu_apart(make_chain, NULL);
  limit_address_space(0);
  for (int i = 0; i < 2; i++) {
    gu_collect();
    tap_eq_u(gcx_weak_map_count(maps[0]), N_KEYS);
    void *p = limited_keys[0];
    for (size_t n = 1; n <= N_KEYS; n++) {
      tap_require(gcx_weak_map_get(maps[0], p, &p) == 1);
      tap_require(((struct key *)p)->serial == n % N_KEYS + 1);
    }
  }
}

int main(int argc, char **argv) {
  static const tap_case roles[] = {TAP_CASE(poor_role)};
  static const tap_case cases[] = {
      TAP_CASE(one_thread_alone),           TAP_CASE_T(random_steps, 120),
      TAP_CASE_T(a_child_has_its_own, 120), TAP_CASE(memory_fails_now_and_then),
      TAP_CASE(there_is_no_memory),         TAP_CASE(chains_need_no_notes)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
