/* tests/gcx/weak_map_keys.c: weak maps with two or three keys an entry. SPDX-License-Identifier: MIT */

/*
 * A word that looks like an address may keep a key. So what dies is asked of many
 * entries with tolerance; what lives is compared exactly.
 */
#include <gc/gc.h>
#include <gcx/backend.h>
#include <gcx/weak_map.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_MANY = TAP_ASAN || TAP_TSAN ? 6000 : 60000, MAX_KEYS = 3 };

struct value {
  void *refers_to[MAX_KEYS];
  size_t id;
};

static gcx_weak_map *map;
static unsigned keys;
static void *volatile keep[N_MANY][MAX_KEYS];

static void begin(unsigned n) {
  gcx_weak_map_opts o = {.struct_size = sizeof o, .keys = n};
  GC_INIT();
  keys = n;
  map = gcx_weak_map_new(&o, NULL);
  tap_require(map != NULL);
}

static void *new_key(size_t i) {
  void *key =
      i % 3 == 0 ? GC_malloc_atomic(32) : GC_malloc(i % 50 == 1 ? 10000 : 32);
  tap_require(key != NULL);
  return key;
}

/* The value refers to all of its keys. */
static void enter(size_t i) {
  const void *key[MAX_KEYS] = {0};
  struct value *v = GC_malloc(sizeof *v);
  tap_require(v != NULL);
  v->id = i;
  for (unsigned k = 0; k < keys; k++)
    key[k] = v->refers_to[k] = keep[i][k] = new_key(i);
  tap_require(gcx_weak_map_put_keys(map, key, v, NULL) == 0);
}

static void enter_all(void *n) {
  for (size_t i = 0; i < *(size_t *)n; i++)
    enter(i);
}

static GU_NOINLINE bool has(size_t i) {
  const void *key[MAX_KEYS];
  void *p;
  for (unsigned k = 0; k < keys; k++)
    key[k] = keep[i][k];
  if (gcx_weak_map_get_keys(map, key, &p) == 0)
    return false;
  const struct value *v = p;
  tap_require(v->id == i && v->refers_to[0] == key[0] &&
              v->refers_to[keys - 1] == key[keys - 1]);
  return true;
}

/* ---- Calls ---- */

static void put_get_and_remove(void) {
  int x;
  void *old = &x;
  begin(2);
  char *volatile a = GC_malloc(100), *volatile b = GC_malloc(100);
  const void *ab[] = {a, b}, *ba[] = {b, a}, *aa[] = {a, a};
  const void *inside[] = {a + 50, b + 99}, *none[] = {a, &x};
  tap_eq_u(gcx_weak_map_get_keys(map, ab, &old), 0);
  tap_check(old == NULL);
  tap_eq_u(gcx_weak_map_put_keys(map, ab, (void *)7, &old), 0);
  tap_eq_u(gcx_weak_map_put_keys(map, aa, (void *)9, NULL), 0);
  tap_eq_u(gcx_weak_map_get_keys(map, ba, NULL), 0);
  tap_eq_u(gcx_weak_map_put_keys(map, inside, (void *)8, &old), 1);
  tap_eq_u((uintptr_t)old, 7);
  tap_eq_u(gcx_weak_map_get_keys(map, ab, &old), 1);
  tap_eq_u((uintptr_t)old, 8);
  tap_eq_u(gcx_weak_map_get_keys(map, aa, &old), 1);
  tap_eq_u((uintptr_t)old, 9);
  tap_eq_u(gcx_weak_map_count(map), 2);
  tap_check(gcx_weak_map_put_keys(map, none, a, NULL) == -EINVAL);
  tap_eq_u(gcx_weak_map_get_keys(map, none, NULL), 0);
  tap_eq_u(gcx_weak_map_remove_keys(map, ab, &old), 1);
  tap_eq_u((uintptr_t)old, 8);
  tap_eq_u(gcx_weak_map_remove_keys(map, ab, &old), 0);
  tap_eq_u(gcx_weak_map_count(map), 1);
}

static int never(void *key, void *value, void *cd) {
  (void)key, (void)value, (void)cd;
  return 5;
}

static void the_number_of_keys_is_the_maps(void) {
  gcx_weak_map_opts o = {.struct_size = sizeof o, .keys = 4};
  int error = 0;
  void *p;
  begin(3);
  char *volatile a = GC_malloc(10);
  const void *key[] = {a, a, a};
  tap_check(gcx_weak_map_new(&o, &error) == NULL);
  tap_eq_u(error, EINVAL);
  tap_check(gcx_weak_map_put(map, a, a, NULL) == -EINVAL);
  tap_eq_u(gcx_weak_map_get(map, a, &p), 0);
  tap_eq_u(gcx_weak_map_remove(map, a, &p), 0);
  tap_check(gcx_weak_map_each(map, never, NULL) == -EINVAL);
  gcx_weak_map_free(map);
  begin(1);
  tap_eq_u(gcx_weak_map_put_keys(map, key, (void *)3, NULL), 0);
  tap_eq_u(gcx_weak_map_get(map, a, &p), 1);
  tap_eq_u((uintptr_t)p, 3);
  tap_eq_u(gcx_weak_map_remove_keys(map, key, NULL), 1);
}

/* ---- Life ---- */

/* A fourth of the entries loses each key, a fourth none. */
static void each_key_counts(unsigned n) {
  size_t many = N_MANY, whole = 0;
  begin(n);
  gu_apart(enter_all, &many);
  gu_collect();
  tap_eq_u(gcx_weak_map_count(map), many);
  for (size_t i = 0; i < many; i++)
    if (i % 4 < n)
      keep[i][i % 4] = NULL;
  gu_collect();
  for (size_t i = 0; i < many; i++)
    if (i % 4 >= n) {
      tap_require(has(i));
      whole++;
    }
  tap_le(gcx_weak_map_count(map), (double)whole + 0.02 * (double)many);
  gu_collect();
  for (size_t i = 0; i < many; i++)
    tap_require(i % 4 < n || has(i));
}

static void two_keys_count(void) { each_key_counts(2); }
static void three_keys_count(void) { each_key_counts(3); }

/* The value for these keys leads to OBJECT, which marking finds late, step by step. */
static void lead_to(const void *a, const void *b, void *object) {
  void **near = GC_malloc(16), **far = GC_malloc(16);
  const void *key[] = {a, b};
  tap_require(near != NULL && far != NULL);
  near[0] = far;
  far[0] = object;
  tap_require(gcx_weak_map_put_keys(map, key, near, NULL) == 0);
}

struct held {
  void *key;    /* held from the start */
  void *late;   /* found when values are */
  bool is_late; /* which one the entries have */
};

/* One key of all entries is held; the other is referred to by the value only. */
static void enter_with_held(void *arg) {
  struct held *h = arg;
  void *held = h->is_late ? GC_malloc(32) : h->key;
  if (h->is_late)
    lead_to(h->key, h->key, held);
  for (size_t i = 0; i < N_MANY; i++) {
    void *other = GC_malloc(200);
    lead_to(i % 2 != 0 ? held : other, i % 2 != 0 ? other : held, other);
  }
}

static void values_with_one_key_die(bool is_late) {
  begin(2);
  struct held h = {.key = GC_malloc(32), .is_late = is_late};
  gu_apart(enter_with_held, &h);
  tap_eq_u(gcx_weak_map_count(map), N_MANY + is_late);
  gu_collect();
  tap_le(gcx_weak_map_count(map), 0.02 * N_MANY);
  tap_ge(gcx_weak_map_count(map), is_late);
  GC_reachable_here(h.key);
}

static void values_do_not_keep_keys(void) { values_with_one_key_die(false); }
static void keys_found_late_keep_no_more(void) {
  values_with_one_key_die(true);
}

/* Entry i leads to the first key of entry i + 1, which alone leads to the second one;
 * so marking finds keys one by one. Seconds have blocks of their own. */
enum { LINKS = N_MANY / 4 };
static void *volatile first;
static bool are_turned;

static void enter_chain(void *unused) {
  void *a = GC_malloc(32);
  (void)unused;
  first = a;
  for (size_t i = 0; i < LINKS; i++) {
    void *b = GC_malloc(200), *next = GC_malloc(32);
    bool is_turned = are_turned && i % 2 != 0;
    lead_to(a, a, b);
    lead_to(is_turned ? b : a, is_turned ? a : b, next);
    a = next;
  }
}

static void check_chain(bool turned) {
  begin(2);
  are_turned = turned;
  gu_apart(enter_chain, NULL);
  tap_eq_u(gcx_weak_map_count(map), 2 * LINKS);
  gu_collect();
  tap_eq_u(gcx_weak_map_count(map), 2 * LINKS);
  first = NULL;
  gu_collect();
  tap_le(gcx_weak_map_count(map), LINKS / 50);
  for (int i = 0; i < 10000; i++) /* memory comes back by and by */
    gcx_weak_map_count(map);
}

static void chains_live_by_their_first_key(void) { check_chain(false); }
static void in_either_order(void) { check_chain(true); }

static void freeing_by_hand_ends_it(void) {
  size_t n = 300;
  if ((gcx_backend_caps() & GCX_CAP_WEAK) == 0)
    tap_skip("keys may not be freed by hand");
  begin(3);
  enter_all(&n);
  for (size_t i = 0; i < n; i++)
    if (i % 4 < 3) {
      GC_free(keep[i][i % 4]);
      tap_eq_u(gcx_weak_map_count(map), n - (i / 4 * 3 + i % 4 + 1));
    }
  for (size_t i = 3; i < n; i += 4)
    tap_require(has(i));
}

/* ---- Against a model ---- */

enum { KEYS = 100, STEPS = 200000 };

static void random_against_model(void) {
  void **key = GC_malloc(KEYS * sizeof *key);
  uintptr_t(*model)[KEYS] = calloc(KEYS, sizeof *model);
  begin(2);
  for (int i = 0; i < KEYS; i++)
    key[i] = GC_malloc(16);
  for (int step = 0; step < STEPS; step++) {
    size_t a = tap_rand() % KEYS, b = tap_rand() % (1 + a);
    const void *pair[] = {key[a], key[b]};
    void *old;
    uintptr_t value = 1 + tap_rand() % 1000;
    if (tap_rand() % 3 != 0) {
      tap_require(gcx_weak_map_put_keys(map, pair, (void *)value, &old) ==
                  (model[a][b] != 0));
      tap_require((uintptr_t)old == model[a][b]);
      model[a][b] = value;
    } else {
      tap_require(gcx_weak_map_remove_keys(map, pair, &old) ==
                  (model[a][b] != 0));
      tap_require((uintptr_t)old == model[a][b]);
      model[a][b] = 0;
    }
    if (step % 20000 == 0) { /* a key dies, and another takes its place */
      key[a] = GC_malloc(16);
      gu_collect();
      for (size_t i = 0; i < KEYS; i++)
        model[a][i] = model[i][a] = 0;
    }
  }
  size_t live = 0;
  for (size_t i = 0; i < KEYS * KEYS; i++)
    live += model[i / KEYS][i % KEYS] != 0;
  gu_collect();
  tap_ge(gcx_weak_map_count(map), live);
  tap_le(gcx_weak_map_count(map), live + 300);
}

TAP_MAIN(TAP_CASE(put_get_and_remove), TAP_CASE(the_number_of_keys_is_the_maps),
         TAP_CASE(two_keys_count), TAP_CASE(three_keys_count),
         TAP_CASE(values_do_not_keep_keys),
         TAP_CASE(keys_found_late_keep_no_more),
         TAP_CASE(chains_live_by_their_first_key), TAP_CASE(in_either_order),
         TAP_CASE(freeing_by_hand_ends_it), TAP_CASE(random_against_model))
