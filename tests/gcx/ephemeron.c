/* tests/gcx/ephemeron.c: values that live as long as their keys. SPDX-License-Identifier: MIT */
/* Chains are cut at many places, since one stray word keeps what follows. */
#include "gcx/keyed.h"

#include <gcx/weak.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { N_KEYS = 4000, N_CHAIN = TAP_ASAN || TAP_TSAN ? 20000 : 200000 };

static void *volatile keep[N_CHAIN];
static gcx_ephemeron *eph[N_CHAIN];
static gcx_weak *of_value[N_CHAIN];
static size_t order[N_CHAIN]; /* numbers, shuffled */

static void pair(size_t i, void *key, void *next) {
  struct kd_value *v = kd_value(i, next);
  eph[i] = gcx_ephemeron_new(key, v);
  of_value[i] = gcx_weak_new(v);
  tap_require(eph[i] != NULL && of_value[i] != NULL);
}

/* Each value refers to its own key. */
static void make_pairs(void *count) {
  for (size_t i = 0; i < *(size_t *)count; i++) {
    keep[i] = kd_key();
    pair(i, keep[i], keep[i]);
  }
}

static void make(size_t n) {
  GC_INIT();
  gu_apart(make_pairs, &n);
}

/* Key and value are there, or none of them. */
static GU_NOINLINE size_t count_alive(size_t n) {
  size_t alive = 0;
  for (size_t i = 0; i < n; i++) {
    const struct kd_value *v = gcx_ephemeron_value(eph[i]);
    tap_require((v != NULL) == (gcx_ephemeron_key(eph[i]) != NULL));
    tap_require(gcx_weak_get(of_value[i]) == v);
    tap_require(v == NULL || kd_is_intact(v, i));
    alive += v != NULL;
  }
  gu_scrub_stack();
  return alive;
}

/* The first half once more. */
static void renew(void *count) {
  size_t half = *(size_t *)count / 2;
  for (size_t i = 0; i < half; i++) {
    gcx_ephemeron_free(eph[i]);
    gcx_weak_free(of_value[i]);
    keep[i] = kd_key();
    pair(i, keep[i], keep[i]);
  }
}

static void check_pairs(size_t n) {
  make(n);
  for (int i = 0; i < 3; i++) {
    gu_collect();
    tap_eq_u(count_alive(n), n);
  }
  kd_drop(keep, 0, n / 2);
  gu_collect();
  size_t alive = count_alive(n);
  tap_ge(alive, n - n / 2);
  tap_le(alive, n - n / 2 + n / 20 + 1);
  for (size_t i = n / 2; i < n; i++)
    tap_require(gcx_ephemeron_key(eph[i]) == keep[i]);
  gu_apart(renew, &n);
  tap_eq_u(count_alive(n), n);
  for (size_t i = 0; i < n; i++)
    gcx_ephemeron_free(eph[i]);
  gu_collect();
  alive = 0;
  for (size_t i = 0; i < n; i++)
    alive += gcx_weak_get(of_value[i]) != NULL;
  tap_le(alive, n / 20 + 1);
}

/* ---- One and one ---- */

static void values_live_with_their_keys(void) { check_pairs(N_KEYS); }

static void keys_without_pointers_too(void) {
  kd_keys.are_leaves = true;
  check_pairs(N_KEYS);
}

static void large_keys_too(void) {
  kd_keys.bytes = 100000;
  check_pairs(40);
  kd_keys.are_leaves = true;
  check_pairs(40);
}

static gcx_verdict on_dead(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  return GCX_DONE;
}

static void notified_keys_too(void) {
  gcx_kind_opts opts = {.struct_size = sizeof opts, .notify = on_dead};
  opts.refs = GCX_REFS_HELD;
  GC_INIT();
  kd_keys.kind = gcx_kind_new(&opts, NULL);
  check_pairs(N_KEYS);
  tap_eq_u(gcx_drain(60000), 0);
}

static void a_value_is_exchanged(void) {
  make(N_KEYS);
  for (size_t i = 0; i < N_KEYS; i++)
    tap_check(gcx_ephemeron_set_value(eph[i], kd_value(i + 1, NULL)) == 1);
  gu_collect();
  for (size_t i = 0; i < N_KEYS; i++) {
    const struct kd_value *v = gcx_ephemeron_value(eph[i]);
    tap_require(v != NULL && kd_is_intact(v, i + 1));
  }
  GC_free(keep[0]);
  tap_check(gcx_ephemeron_key(eph[0]) == NULL);
  tap_check(gcx_ephemeron_value(eph[0]) == NULL);
  tap_check(gcx_ephemeron_set_value(eph[0], NULL) == 0);
}

static void no_key_no_ephemeron(void) {
  GC_INIT();
  tap_check(gcx_ephemeron_new(NULL, NULL) == NULL);
  tap_check(gcx_ephemeron_new(order, NULL) == NULL);
  gcx_ephemeron_free(NULL);
  void *volatile key = GC_malloc(16);
  gcx_ephemeron *e = gcx_ephemeron_new(key, (void *)(uintptr_t)12345);
  gu_collect();
  tap_eq_u((uintptr_t)gcx_ephemeron_value(e), 12345);
}

static void make_many_of_one(void *key) {
  for (size_t i = 0; i < N_KEYS; i++)
    pair(i, key, key);
  keep[0] = key;
}

static void one_key_may_have_many(void) {
  GC_INIT();
  gu_apart(make_many_of_one, GC_malloc(48));
  gu_collect();
  tap_eq_u(count_alive(N_KEYS), N_KEYS);
  for (size_t i = 0; i < N_KEYS; i += 3) {
    gcx_ephemeron_free(eph[i]);
    pair(i, keep[0], NULL);
  }
  gu_collect();
  tap_eq_u(count_alive(N_KEYS), N_KEYS);
}

/* ---- Chains ---- */

/* The value of each key refers to the next key; they are made in a random order. */
static void make_chain(void *unused) {
  (void)unused;
  kd_shuffle(order, N_CHAIN);
  for (size_t i = 0; i < N_CHAIN; i++)
    keep[i] = kd_key();
  for (size_t i = 0; i < N_CHAIN; i++) {
    size_t at = order[i];
    pair(at, keep[at], at + 1 < N_CHAIN ? keep[at + 1] : keep[0]);
  }
  kd_drop(keep, 1, N_CHAIN);
}

/* Only the first key is kept. Cost that grows with the square would not end. */
static void a_chain_lives_by_its_first_key(void) {
  GC_INIT();
  gu_apart(make_chain, NULL);
  for (int i = 0; i < 3; i++) {
    gu_collect();
    tap_eq_u(count_alive(N_CHAIN), N_CHAIN);
  }
  keep[0] = NULL;
}

static void leaves_make_chains_too(void) {
  kd_keys.are_leaves = true;
  a_chain_lives_by_its_first_key();
}

/* Many rings: one stray word keeps one ring only. */
static void make_rings(void *unused) {
  enum { RING = 20 };
  (void)unused;
  for (size_t i = 0; i < N_KEYS; i++)
    keep[i] = kd_key();
  for (size_t i = 0; i < N_KEYS; i++)
    pair(i, keep[i], keep[i % RING == RING - 1 ? i - RING + 1 : i + 1]);
  kd_drop(keep, 0, N_KEYS);
}

static void rings_die_at_once(void) {
  GC_INIT();
  gu_apart(make_rings, NULL);
  gu_collect();
  tap_le(count_alive(N_KEYS), N_KEYS / 20);
}

/* ---- Beside the path ---- */

/* Marking may be given up before, while and after values are marked. */
static void a_collection_is_given_up(void) {
  GC_INIT();
  gu_apart(make_chain, NULL);
  for (int polls = 0; polls < 200; polls += 11) {
    kd_polls_left = polls;
    GC_try_to_collect(kd_give_up);
  }
  tap_eq_u(count_alive(N_CHAIN), N_CHAIN);
  gu_collect();
  tap_eq_u(count_alive(N_CHAIN), N_CHAIN);
}

static void chain_role(void) {
  kd_keys.are_leaves = true;
  a_chain_lives_by_its_first_key();
  exit(tap_failures() != 0);
}

static void with_a_small_mark_stack(void) {
  static const char *const env[] = {"GCX_TORTURE_MARK_STACK=4", "GCX_VERIFY=1",
                                    NULL};
  gu_check_role("chain_role", env, 0);
}

static void child_life(void) {
  tap_eq_u(count_alive(N_KEYS), N_KEYS);
  kd_drop(keep, 0, N_KEYS);
  gu_collect();
  tap_le(count_alive(N_KEYS), N_KEYS / 20);
  _exit(0);
}

static void a_child_has_its_own(void) {
  make(N_KEYS);
  pid_t pid = fork();
  if (pid == 0)
    child_life();
  gu_check_child(pid);
  gu_collect();
  tap_eq_u(count_alive(N_KEYS), N_KEYS);
}

/* ---- Threads ---- */

/* Each has pairs of its own, drops and renews them, and compares. */
static void *work(void *seed) {
  enum { N = 200 };
  gcx_ephemeron *mine[N] = {NULL};
  void *volatile keys[N] = {NULL};
  uint64_t rand = (uint64_t)(uintptr_t)seed;
  struct GC_stack_base base;
  tap_require(GC_get_stack_base(&base) == GC_SUCCESS);
  GC_register_my_thread(&base);
  for (size_t step = 0; step < (TAP_TSAN ? 5000 : 100000); step++) {
    size_t i = tap_rand_r(&rand) % N;
    const struct kd_value *v =
        mine[i] == NULL ? NULL : gcx_ephemeron_value(mine[i]);
    tap_require(keys[i] == NULL ||
                (v != NULL && v->next == keys[i] && kd_is_intact(v, i)));
    if (tap_rand_r(&rand) % 4 == 0) {
      keys[i] = NULL;
      continue;
    }
    gcx_ephemeron_free(mine[i]);
    keys[i] = kd_key();
    mine[i] = gcx_ephemeron_new(keys[i], kd_value(i, keys[i]));
    if (step % 10000 == 9999)
      GC_gcollect();
  }
  GC_unregister_my_thread();
  return NULL;
}

static void threads_have_their_own(void) {
  pthread_t threads[4];
  GC_INIT();
  GC_allow_register_threads();
  for (size_t i = 0; i < 4; i++)
    tap_require(
        pthread_create(&threads[i], NULL, work, (void *)(tap_seed() + i)) == 0);
  for (size_t i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
}

int main(int argc, char **argv) {
  static const tap_case roles[] = {TAP_CASE(chain_role)};
  static const tap_case cases[] = {TAP_CASE(values_live_with_their_keys),
                                   TAP_CASE(keys_without_pointers_too),
                                   TAP_CASE(large_keys_too),
                                   TAP_CASE(notified_keys_too),
                                   TAP_CASE(a_value_is_exchanged),
                                   TAP_CASE(no_key_no_ephemeron),
                                   TAP_CASE(one_key_may_have_many),
                                   TAP_CASE(a_chain_lives_by_its_first_key),
                                   TAP_CASE(leaves_make_chains_too),
                                   TAP_CASE(rings_die_at_once),
                                   TAP_CASE(a_collection_is_given_up),
                                   TAP_CASE(with_a_small_mark_stack),
                                   TAP_CASE(a_child_has_its_own),
                                   TAP_CASE(threads_have_their_own)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
