/* tests/gcx/weak_map.c: maps that forget their keys. SPDX-License-Identifier: MIT */
#include "gcx/keyed.h"

#include <gcx/weak.h>
#include <gcx/weak_map.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  N_FEW = 4000,
  N_CHAIN = TAP_ASAN || TAP_TSAN ? 20000 : 100000,
  N_MANY = TAP_ASAN || TAP_TSAN ? 100000 : 1000000
};

static gcx_weak_map *map;
static void *volatile keep[N_MANY];
static size_t order[N_MANY];

static void begin(void) {
  GC_INIT();
  map = gcx_weak_map_new(NULL, NULL);
  tap_require(map != NULL);
}

/* Value i refers to its key. */
static void enter(size_t i) {
  void *old = order;
  keep[i] = kd_key();
  tap_require(gcx_weak_map_put(map, keep[i], kd_value(i, keep[i]), &old) == 0);
  tap_require(old == NULL);
}

static void enter_all(void *count) {
  for (size_t i = 0; i < *(size_t *)count; i++)
    enter(i);
}

static void make(size_t n) { gu_apart(enter_all, &n); }

/* What was freed is used again. */
static void make_garbage(void *count) {
  for (size_t i = 0; i < 2 * *(size_t *)count; i++)
    kd_value(i + 1, NULL);
}

/* Of the keys that are kept; returns how many. */
static GU_NOINLINE size_t check_kept(size_t n) {
  size_t kept = 0;
  void *p;
  for (size_t i = 0; i < n; i++) {
    if (keep[i] == NULL)
      continue;
    tap_require(gcx_weak_map_get(map, keep[i], &p) == 1);
    const struct kd_value *v = p;
    tap_require(v->next == keep[i] && kd_is_intact(v, i));
    kept++;
  }
  gu_scrub_stack();
  return kept;
}

/* ---- Calls ---- */

static void put_get_and_remove(void) {
  int x;
  void *old = &x, *p = &x;
  begin();
  char *volatile key = GC_malloc(100), *volatile other = GC_malloc(100);
  tap_eq_u(gcx_weak_map_get(map, key, &p), 0);
  tap_check(p == NULL);
  tap_eq_u(gcx_weak_map_put(map, key, NULL, &old), 0);
  tap_check(old == NULL);
  tap_eq_u(gcx_weak_map_get(map, key, NULL), 1);
  tap_eq_u(gcx_weak_map_put(map, key + 50, (void *)7, &old), 1);
  tap_eq_u((uintptr_t)old, 0);
  tap_eq_u(gcx_weak_map_put(map, key, (void *)8, &old), 1);
  tap_eq_u((uintptr_t)old, 7);
  tap_eq_u(gcx_weak_map_get(map, key + 99, &p), 1);
  tap_eq_u((uintptr_t)p, 8);
  tap_eq_u(gcx_weak_map_count(map), 1);
  tap_eq_u(gcx_weak_map_get(map, other, &p), 0);
  tap_eq_u(gcx_weak_map_remove(map, other, &p), 0);
  tap_eq_u(gcx_weak_map_remove(map, key + 1, &p), 1);
  tap_eq_u((uintptr_t)p, 8);
  tap_eq_u(gcx_weak_map_remove(map, key, NULL), 0);
  tap_eq_u(gcx_weak_map_count(map), 0);
}

static void what_is_no_object_is_no_key(void) {
  void *p = map;
  begin();
  const void *const none[] = {NULL, &p, "text", (void *)-1, (void *)1};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    tap_check(gcx_weak_map_put(map, none[i], none, NULL) == -EINVAL);
    tap_eq_u(gcx_weak_map_get(map, none[i], &p), 0);
    tap_eq_u(gcx_weak_map_remove(map, none[i], &p), 0);
  }
  tap_eq_u(gcx_weak_map_count(map), 0);
}

static void options_are_checked(void) {
  int e = -1;
  gcx_weak_map_opts o = {.struct_size = sizeof o, .initial_capacity = 5000};
  GC_INIT();
  map = gcx_weak_map_new(&o, &e);
  tap_require(map != NULL && e == 0);
  make(N_FEW);
  tap_eq_u(check_kept(N_FEW), N_FEW);
  gcx_weak_map_free(map);
  o.initial_capacity = (size_t)-1;
  map = gcx_weak_map_new(&o, &e);
  tap_require(map != NULL && e == 0);
  make(N_FEW);
  tap_eq_u(check_kept(N_FEW), N_FEW);
  gcx_weak_map_free(map);
  o.struct_size = 4;
  tap_check(gcx_weak_map_new(&o, &e) == NULL && e == EINVAL);
  gcx_weak_map_free(NULL);
}

static void free_twice_role(void) {
  begin();
  gcx_weak_map_free(map);
  gcx_weak_map_free(map);
}

static void freeing_twice_is_told(void) {
  static char out[1024];
  gu_exec x = {"free_twice_role", NULL, 0, out, sizeof out};
  int status = gu_run_role(&x);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  tap_check(strstr(out, "gcx_weak_map_free") != NULL);
}

/* ---- Life ---- */

static void check_life(size_t n) {
  begin();
  make(n);
  for (int i = 0; i < 3; i++) {
    gu_collect();
    gu_apart(make_garbage, &n);
    tap_eq_u(gcx_weak_map_count(map), n);
    tap_eq_u(check_kept(n), n);
  }
  kd_drop(keep, 0, n / 2);
  gu_collect();
  tap_ge(gcx_weak_map_count(map), n - n / 2);
  tap_le(gcx_weak_map_count(map), n - n / 2 + n / 20 + 1);
  tap_eq_u(check_kept(n), n - n / 2);
  size_t half = n / 2;
  gu_apart(enter_all, &half);
  tap_eq_u(check_kept(n), n);
  kd_drop(keep, 0, n);
  gu_collect();
  tap_le(gcx_weak_map_count(map), n / 20 + 1);
}

static void entries_live_with_their_keys(void) { check_life(N_FEW); }

static void keys_without_pointers_too(void) {
  kd_keys.are_leaves = true;
  check_life(N_FEW);
}

static void large_keys_too(void) {
  kd_keys.bytes = 100000;
  check_life(100);
}

static gcx_verdict keep_it(void *object, size_t bytes, void *cd) {
  void *p;
  (void)bytes, (void)cd;
  tap_check(gcx_weak_map_get(map, object, &p) == 0);
  tap_check(gcx_weak_map_put(map, object, object, NULL) == -EINVAL);
  return GCX_KEEP;
}

/* A condemned key has no value, though it is revived, kept, or told of again. */
static void notified_keys_lose_their_values(void) {
  gcx_kind_opts opts = {.struct_size = sizeof opts, .notify = keep_it};
  opts.refs = GCX_REFS_HELD;
  GC_INIT();
  kd_keys.kind = gcx_kind_new(&opts, NULL);
  check_life(N_FEW);
  tap_eq_u(gcx_drain(60000), 0);
}

static gcx_weak *of_values[N_FEW];

static void enter_and_watch(void *unused) {
  (void)unused;
  for (size_t i = 0; i < N_FEW; i++) {
    void *p;
    enter(i);
    gcx_weak_map_get(map, keep[i], &p);
    of_values[i] = gcx_weak_new(p);
  }
}

static size_t count_values(void) {
  size_t n = 0;
  for (size_t i = 0; i < N_FEW; i++)
    n += gcx_weak_get(of_values[i]) != NULL;
  gu_scrub_stack();
  return n;
}

static void replace_values(void *unused) {
  (void)unused;
  for (size_t i = 0; i < N_FEW; i++)
    gcx_weak_map_put(map, keep[i], (void *)1, NULL);
}

static void remove_entries(void *unused) {
  (void)unused;
  for (size_t i = 0; i < N_FEW; i++)
    gcx_weak_map_remove(map, keep[i], NULL);
}

static void check_values_die_by(void (*act)(void *)) {
  begin();
  gu_apart(enter_and_watch, NULL);
  gu_collect();
  tap_eq_u(count_values(), N_FEW);
  gu_apart(act, NULL);
  gu_collect();
  tap_le(count_values(), N_FEW / 20);
}

static void free_map(void *unused) {
  (void)unused;
  gcx_weak_map_free(map);
}

static void replaced_values_die(void) { check_values_die_by(replace_values); }
static void removed_values_die(void) { check_values_die_by(remove_entries); }
static void values_of_freed_maps_die(void) { check_values_die_by(free_map); }

/* ---- Addresses that are used again ---- */

static void freeing_by_hand_ends_it(void) {
  void *p;
  begin();
  gcx_weak_map *other = gcx_weak_map_new(NULL, NULL);
  for (size_t i = 0; i < N_FEW; i++) {
    void *key = kd_key();
    tap_require(gcx_weak_map_put(map, key, map, NULL) == 0);
    tap_require(gcx_weak_map_put(other, key, map, NULL) == 0);
    GC_free(key);
    tap_require(gcx_weak_map_get(map, key, &p) == 0);
    tap_require(gcx_weak_map_get(other, key, &p) == 0);
    key = kd_key();
    tap_require(gcx_weak_map_get(map, key, &p) == 0);
  }
  tap_eq_u(gcx_weak_map_count(map) + gcx_weak_map_count(other), 0);
}

static void large_keys_freed_by_hand(void) {
  kd_keys.bytes = 100000;
  freeing_by_hand_ends_it();
}

/* New objects at old addresses: each that was never put has no value. */
static void new_objects_are_not_taken_for_old_ones(void) {
  begin();
  make(N_FEW);
  for (int round = 0; round < 20; round++) {
    kd_drop(keep, (size_t)round % 2 * N_FEW / 2,
            (size_t)(round % 2 + 1) * N_FEW / 2);
    GC_gcollect();
    for (size_t i = 0; i < N_FEW; i++) {
      void *p;
      if (keep[i] != NULL)
        continue;
      keep[i] = kd_key();
      tap_require(gcx_weak_map_get(map, keep[i], &p) == 0);
      tap_require(gcx_weak_map_put(map, keep[i], kd_value(i, keep[i]), NULL) ==
                  0);
    }
    check_kept(N_FEW);
  }
}

/* ---- Chains ---- */

enum { N_MAPS = 50 };
static gcx_weak_map *maps[N_MAPS];
static gcx_ephemeron *ephemerons[N_CHAIN];

/* Each value refers to the next key. Key i is in map i % n_maps; if there are none,
 * or every 7th time, it has an ephemeron instead. */
static void make_chain(void *n_maps) {
  size_t n = *(size_t *)n_maps;
  kd_shuffle(order, N_CHAIN);
  for (size_t i = 0; i < N_CHAIN; i++)
    keep[i] = kd_key();
  for (size_t j = 0; j < N_CHAIN; j++) {
    size_t i = order[j];
    struct kd_value *v = kd_value(i, i + 1 < N_CHAIN ? keep[i + 1] : NULL);
    if (n > 1 && i % 7 == 0)
      ephemerons[i] = gcx_ephemeron_new(keep[i], v);
    else
      tap_require(gcx_weak_map_put(maps[i % n], keep[i], v, NULL) == 0);
  }
  kd_drop(keep, 1, N_CHAIN);
}

static GU_NOINLINE size_t length_of_chain(size_t n_maps) {
  size_t i = 0;
  void *p = keep[0];
  while (p != NULL) {
    if (ephemerons[i] != NULL)
      p = gcx_ephemeron_value(ephemerons[i]);
    else
      tap_require(gcx_weak_map_get(maps[i % n_maps], p, &p) == 1);
    const struct kd_value *v = p;
    tap_require(v != NULL && kd_is_intact(v, i));
    p = v->next;
    i++;
  }
  gu_scrub_stack();
  return i;
}

static void check_chain(size_t n_maps) {
  GC_INIT();
  for (size_t i = 0; i < n_maps; i++)
    maps[i] = gcx_weak_map_new(NULL, NULL);
  gu_apart(make_chain, &n_maps);
  for (int i = 0; i < 3; i++) {
    gu_collect();
    tap_eq_u(length_of_chain(n_maps), N_CHAIN);
  }
  /* A chain that is cut at many places, since a stray word keeps what follows. */
  size_t left = 0;
  keep[0] = NULL;
  gu_collect();
  for (size_t i = 0; i < n_maps; i++)
    left += gcx_weak_map_count(maps[i]);
  tap_note("%zu left", left);
}

static void a_chain_lives_by_its_first_key(void) { check_chain(1); }

static void leaves_make_chains_too(void) {
  kd_keys.are_leaves = true;
  check_chain(1);
}

static void through_maps_and_ephemerons(void) { check_chain(N_MAPS); }

/* One stray word keeps one ring only. */
static void make_rings(void *unused) {
  enum { RING = 20 };
  (void)unused;
  for (size_t i = 0; i < N_FEW; i++)
    keep[i] = kd_key();
  for (size_t i = 0; i < N_FEW; i++) {
    size_t next = i % RING == RING - 1 ? i - RING + 1 : i + 1;
    gcx_weak_map_put(map, keep[i], kd_value(i, keep[next]), NULL);
  }
  kd_drop(keep, 0, N_FEW);
}

static void rings_die_at_once(void) {
  begin();
  gu_apart(make_rings, NULL);
  gu_collect();
  tap_le(gcx_weak_map_count(map), N_FEW / 20);
}

static void a_collection_is_given_up(void) {
  size_t one = 1;
  GC_INIT();
  maps[0] = gcx_weak_map_new(NULL, NULL);
  gu_apart(make_chain, &one);
  for (int polls = 0; polls < 200; polls += 11) {
    kd_polls_left = polls;
    GC_try_to_collect(kd_give_up);
  }
  tap_eq_u(length_of_chain(1), N_CHAIN);
  gu_collect();
  tap_eq_u(length_of_chain(1), N_CHAIN);
}

static void chain_role(void) {
  kd_keys.are_leaves = true;
  check_chain(2);
  exit(tap_failures() != 0);
}

static void with_a_small_mark_stack(void) {
  static const char *const env[] = {"GCX_TORTURE_MARK_STACK=4", "GCX_VERIFY=1",
                                    NULL};
  gu_check_role("chain_role", env, 0);
}

/* ---- Sizes ---- */

static size_t rss_bytes(void) {
  static char text[4096];
  FILE *f = fopen("/proc/self/statm", "r");
  unsigned long total = 0, resident = 0;
  tap_require(f != NULL && fgets(text, sizeof text, f) != NULL &&
              sscanf(text, "%lu %lu", &total, &resident) == 2);
  fclose(f);
  return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void enter_numbers(void *unused) {
  (void)unused;
  for (size_t i = 0; i < N_MANY; i++) {
    void *p;
    size_t old = tap_rand() % (i + 1);
    tap_require(gcx_weak_map_put(map, keep[i], (void *)(i + 1), NULL) == 0);
    tap_require(gcx_weak_map_get(map, keep[old], &p) == 1);
    tap_require(p == (void *)(old + 1));
  }
}

static void check_numbers(void) {
  for (size_t i = 0; i < N_MANY; i++) {
    void *p;
    if (keep[i] == NULL)
      continue;
    tap_require(gcx_weak_map_get(map, keep[i], &p) == 1);
    tap_require(p == (void *)(i + 1));
  }
}

static void look_up(size_t times) {
  for (size_t i = 0; i < times; i++)
    gcx_weak_map_get(map, &i, NULL);
}

/* Entries without a key of their own are gone by use, and so is their memory. */
static void it_grows_and_shrinks(void) {
  begin();
  for (size_t i = 0; i < N_MANY; i++)
    keep[i] = kd_key();
  size_t before = rss_bytes();
  gu_apart(enter_numbers, NULL);
  size_t grown = rss_bytes() - before;
  tap_note("%.1f bytes an entry", (double)grown / N_MANY);
  if (!TAP_ASAN && !TAP_TSAN)
    tap_le(grown, 48 * (size_t)N_MANY);
  check_numbers();
  for (size_t i = 0; i < N_MANY; i += 2)
    keep[i] = NULL;
  gu_collect();
  tap_ge(gcx_weak_map_count(map), N_MANY / 2);
  tap_le(gcx_weak_map_count(map), N_MANY / 2 + N_MANY / 20);
  check_numbers();
  kd_drop(keep, 0, N_MANY);
  gu_collect();
  tap_le(gcx_weak_map_count(map), N_MANY / 20);
  size_t full = rss_bytes();
  look_up(N_MANY / 2);
  if (!TAP_ASAN && !TAP_TSAN)
    tap_le(rss_bytes() + grown / 3, full);
  make(N_FEW);
  tap_eq_u(check_kept(N_FEW), N_FEW);
}

/* ---- Walks ---- */

static unsigned char seen[N_FEW];
static size_t visits;

static int note_visit(void *key, void *value, void *cd) {
  const struct kd_value *v = value;
  tap_require(v->next == key && kd_is_intact(v, v->id));
  seen[v->id]++;
  return ++visits == *(size_t *)cd ? 77 : 0;
}

static void a_walk_visits_each_once(void) {
  static const size_t sizes[] = {0, 1, 11, 100, 700, 2000, N_FEW};
  size_t never = (size_t)-1, some = 500;
  begin();
  for (size_t s = 0, n = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    for (; n < sizes[s]; n++)
      enter(n);
    memset(seen, 0, sizeof seen);
    tap_eq_u(gcx_weak_map_each(map, note_visit, &never), 0);
    for (size_t i = 0; i < N_FEW; i++)
      tap_require(seen[i] == (i < n));
  }
  visits = 0;
  tap_eq_u(gcx_weak_map_each(map, note_visit, &some), 77);
  tap_eq_u(visits, 500);
}

/* Entries 0 to N / 2 stay; the others come and go during the walk, so the table
 * becomes many times larger and smaller. */
static int change_all(void *key, void *value, void *cd) {
  const struct kd_value *v = value;
  (void)cd;
  tap_require(v->next == key);
  if (v->id >= N_FEW / 2)
    return 0;
  seen[v->id]++;
  size_t from = N_FEW / 2 + (size_t)(tap_rand() % (N_FEW / 2 - 100));
  for (size_t j = from; j < from + 100; j++) {
    if (keep[j] == NULL)
      enter(j);
    else if (tap_rand() % 2 == 0)
      tap_require(gcx_weak_map_remove(map, keep[j], NULL) == 1);
    else
      continue;
    if (gcx_weak_map_get(map, keep[j], NULL) == 0)
      keep[j] = NULL;
  }
  if (++visits % 100 == 0) {
    GC_gcollect();
    for (size_t j = N_FEW / 2; j < N_FEW; j++)
      if (visits % 300 == 0 && keep[j] != NULL) {
        tap_require(gcx_weak_map_remove(map, keep[j], NULL) == 1);
        keep[j] = NULL;
      }
    look_up(2000);
  }
  return 0;
}

static void a_walk_may_change_the_map(void) {
  begin();
  for (size_t i = 0; i < N_FEW / 2; i++)
    enter(i);
  tap_eq_u(gcx_weak_map_each(map, change_all, NULL), 0);
  for (size_t i = 0; i < N_FEW / 2; i++)
    tap_require(seen[i] == 1);
  check_kept(N_FEW);
}

static int remove_all(void *key, void *value, void *cd) {
  (void)key, (void)value, (void)cd;
  visits++;
  for (size_t i = 0; i < N_FEW; i++)
    gcx_weak_map_remove(map, keep[i], NULL);
  return 0;
}

static void what_is_removed_is_not_visited(void) {
  begin();
  make(N_FEW);
  tap_eq_u(gcx_weak_map_each(map, remove_all, NULL), 0);
  tap_eq_u(visits, 1);
}

int main(int argc, char **argv) {
  static const tap_case roles[] = {TAP_CASE(chain_role),
                                   TAP_CASE(free_twice_role)};
  static const tap_case cases[] = {
      TAP_CASE(put_get_and_remove),
      TAP_CASE(what_is_no_object_is_no_key),
      TAP_CASE(options_are_checked),
      TAP_CASE(freeing_twice_is_told),
      TAP_CASE(entries_live_with_their_keys),
      TAP_CASE(keys_without_pointers_too),
      TAP_CASE(large_keys_too),
      TAP_CASE(notified_keys_lose_their_values),
      TAP_CASE(replaced_values_die),
      TAP_CASE(removed_values_die),
      TAP_CASE(values_of_freed_maps_die),
      TAP_CASE(freeing_by_hand_ends_it),
      TAP_CASE(large_keys_freed_by_hand),
      TAP_CASE(new_objects_are_not_taken_for_old_ones),
      TAP_CASE(a_chain_lives_by_its_first_key),
      TAP_CASE(leaves_make_chains_too),
      TAP_CASE(through_maps_and_ephemerons),
      TAP_CASE(rings_die_at_once),
      TAP_CASE(a_collection_is_given_up),
      TAP_CASE(with_a_small_mark_stack),
      TAP_CASE(it_grows_and_shrinks),
      TAP_CASE(a_walk_visits_each_once),
      TAP_CASE(a_walk_may_change_the_map),
      TAP_CASE(what_is_removed_is_not_visited)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
