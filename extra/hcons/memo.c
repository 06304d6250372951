/* extra/hcons/memo.c: results noted by node, forgotten with the node. SPDX-License-Identifier: MIT */
/* An exact memo is a weak map of the collector's, whose entries are ephemerons, with
 * one to three keys each; a lossy one is in lossy.c. This file adds agreement between
 * threads that compute the same result: a lock chosen by the keys is held over looking
 * again and noting, not over computing, so computing may use the memo. The locks are
 * everybody's and are taken over a fork, so that the child finds all of them free. */
#include "hcons/internal.h"
#include "hcons/lossy.h"

#include <pthread.h>
#include <stdlib.h>

enum { LOCKS = 64, DEFAULT_LOSSY = 1 << 14 };

/* See gcx/weak_map.h; a program may run on a library without them. */
struct gcx_weak_map;
struct weak_map_opts {
  size_t struct_size;
  size_t initial_capacity;
  unsigned keys;
};
extern struct gcx_weak_map *gcx_weak_map_new(const struct weak_map_opts *opts,
                                             int *error) __attribute__((weak));
extern void gcx_weak_map_free(struct gcx_weak_map *map) __attribute__((weak));
extern int gcx_weak_map_put_keys(struct gcx_weak_map *map,
                                 const void *const *keys, const void *value,
                                 void **old_value) __attribute__((weak));
extern int gcx_weak_map_get_keys(struct gcx_weak_map *map,
                                 const void *const *keys, void **value)
    __attribute__((weak));
extern size_t gcx_weak_map_count(struct gcx_weak_map *map)
    __attribute__((weak));

struct hc_memo {
  unsigned keys;            /* [const] */
  struct gcx_weak_map *map; /* [const] exact */
  struct hc_lossy lossy;    /* [the locks] else */
};

/* ---- Locks ---- */

static struct { _Alignas(64) struct hc_lock lock; } locks[LOCKS];

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_set_up;

static void before_fork(void) {
  for (int i = 0; i < LOCKS; i++)
    hc_lock_take(&locks[i].lock);
}

static void after_fork(void) {
  for (int i = 0; i < LOCKS; i++)
    hc_lock_release(&locks[i].lock);
}

static void set_up(void) {
  is_set_up = hc_table_set_up() &&
              pthread_atfork(before_fork, after_fork, after_fork) == 0;
}

static uint64_t hash_of(const void *const *key) {
  uint64_t h = 0;
  for (int i = 0; i < HC_MEMO_KEYS; i++) {
    h = (h ^ (uintptr_t)key[i]) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 29;
  }
  return h;
}

/* The bits that choose a lock are among those that choose a set in lossy.c. */
static struct hc_lock *lock_of(uint64_t hash) {
  return &locks[hash & (LOCKS - 1)].lock;
}
_Static_assert((int)LOCKS <= (int)HC_LOSSY_LEAST_SETS, "a set has one lock");

/* ---- Memos ---- */

static bool open_memo(hc_memo *m, const hc_memo_opts *o) {
  struct weak_map_opts w = {sizeof w, o->hint, m->keys};
  if (o->flags & HC_MEMO_LOSSY)
    return hc_lossy_open(&m->lossy, o->hint != 0 ? o->hint : DEFAULT_LOSSY);
  if (gcx_weak_map_new == NULL)
    return false;
  m->map = gcx_weak_map_new(&w, NULL);
  return m->map != NULL;
}

hc_memo *hc_memo_open(const hc_memo_opts *opts) {
  hc_memo *m;
  if (opts->keys > HC_MEMO_KEYS || (opts->flags & ~HC_MEMO_LOSSY) != 0)
    return NULL;
  pthread_once(&once, set_up);
  m = is_set_up ? calloc(1, sizeof *m) : NULL;
  if (m == NULL)
    return NULL;
  m->keys = opts->keys == 0 ? 1 : opts->keys;
  if (open_memo(m, opts))
    return m;
  free(m);
  return NULL;
}

hc_memo *hc_memo_new(void) {
  hc_memo_opts o = {.keys = 1};
  return hc_memo_open(&o);
}

void hc_memo_free(hc_memo *memo) {
  if (memo == NULL)
    return;
  if (memo->map != NULL)
    gcx_weak_map_free(memo->map);
  hc_lossy_close(&memo->lossy);
  free(memo);
}

size_t hc_memo_count(hc_memo *memo) {
  return memo->map != NULL ? gcx_weak_map_count(memo->map)
                           : hc_lossy_count(&memo->lossy);
}

/* ---- Results ---- */

/* The keys, and null behind them. False when one of them is null, or N is wrong. */
static bool take_keys(const hc_memo *m, const void *const *keys, unsigned n,
                      const void **out_key) {
  if (n != m->keys)
    return false;
  for (unsigned i = 0; i < HC_MEMO_KEYS; i++) {
    out_key[i] = i < m->keys ? keys[i] : NULL;
    if (i < m->keys && out_key[i] == NULL)
      return false;
  }
  return true;
}

/* The lock is held, unless the memo is an exact one. */
static bool look(hc_memo *m, uint64_t hash, const void *const *key,
                 const void **out_value) {
  void *value;
  if (m->map == NULL)
    return hc_lossy_get(&m->lossy, hash, key, out_value);
  if (gcx_weak_map_get_keys(m->map, key, &value) != 1)
    return false;
  *out_value = value;
  return true;
}

static bool note(hc_memo *m, uint64_t hash, const void *const *key,
                 const void *value) {
  if (m->map != NULL)
    return gcx_weak_map_put_keys(m->map, key, value, NULL) >= 0;
  hc_lossy_put(&m->lossy, hash, key, value);
  return true;
}

static bool get(hc_memo *m, const void *const *key, const void **out_value) {
  uint64_t hash;
  bool is_there;
  hc_thread_enter();
  if (m->map != NULL)
    return look(m, 0, key, out_value);
  hash = hash_of(key);
  hc_lock_take(lock_of(hash));
  is_there = look(m, hash, key, out_value);
  hc_lock_release(lock_of(hash));
  return is_there;
}

bool hc_memo_get_keys(hc_memo *memo, const void *const *keys, unsigned n,
                      void **out_value) {
  const void *key[HC_MEMO_KEYS];
  const void *value = NULL;
  bool is_there = take_keys(memo, keys, n, key) && get(memo, key, &value);
  *out_value = (void *)(uintptr_t)value;
  return is_there;
}

bool hc_memo_put_keys(hc_memo *memo, const void *const *keys, unsigned n,
                      const void *value) {
  const void *key[HC_MEMO_KEYS];
  uint64_t hash;
  bool is_noted;
  if (!take_keys(memo, keys, n, key))
    return false;
  hash = hash_of(key);
  hc_lock_take(lock_of(hash));
  is_noted = note(memo, hash, key, value);
  hc_lock_release(lock_of(hash));
  return is_noted;
}

/* The value that was noted first, by us or by another thread meanwhile. */
static const void *agree(hc_memo *m, const void *const *key,
                         const void *value) {
  uint64_t hash = hash_of(key);
  hc_lock_take(lock_of(hash));
  const void *first;
  if (look(m, hash, key, &first))
    value = first;
  else
    note(m, hash, key, value);
  hc_lock_release(lock_of(hash));
  return value;
}

const void *hc_memo_compute_keys(hc_memo *memo, const void *const *keys,
                                 unsigned n, hc_memo_keys_fn fn, void *cd) {
  const void *key[HC_MEMO_KEYS];
  const void *value;
  if (!take_keys(memo, keys, n, key))
    return NULL;
  if (get(memo, key, &value))
    return value;
  value = fn(key, cd);
  return value == NULL ? NULL : agree(memo, key, value);
}

/* ---- One key ---- */

bool hc_memo_get(hc_memo *memo, const void *key, void **out_value) {
  return hc_memo_get_keys(memo, &key, 1, out_value);
}

bool hc_memo_put(hc_memo *memo, const void *key, const void *value) {
  return hc_memo_put_keys(memo, &key, 1, value);
}

struct for_one {
  hc_memo_fn fn;
  void *cd;
};

static const void *compute_one(const void *const *keys, void *cd) {
  struct for_one *f = cd;
  return f->fn(keys[0], f->cd);
}

const void *hc_memo_compute(hc_memo *memo, const void *key, hc_memo_fn fn,
                            void *cd) {
  struct for_one f = {fn, cd};
  return hc_memo_compute_keys(memo, &key, 1, compute_one, &f);
}
