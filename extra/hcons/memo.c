/* extra/hcons/memo.c: results noted by node, forgotten with the node. SPDX-License-Identifier: MIT */
/* A memo is a weak map of the collector's, whose entries are ephemerons; this file
 * adds agreement between threads that compute the same result. The lock is held
 * over looking again and noting, not over computing, so computing may use the memo. */
#include "hcons/backend.h"
#include "hcons/hcons.h"

#include <pthread.h>
#include <stdlib.h>

/* See gcx/weak_map.h; a program may run on a library without them. */
struct gcx_weak_map;
extern struct gcx_weak_map *gcx_weak_map_new(const void *opts, int *error)
    __attribute__((weak));
extern void gcx_weak_map_free(struct gcx_weak_map *map) __attribute__((weak));
extern int gcx_weak_map_put(struct gcx_weak_map *map, const void *key,
                            const void *value, void **old_value)
    __attribute__((weak));
extern int gcx_weak_map_get(struct gcx_weak_map *map, const void *key,
                            void **value) __attribute__((weak));
extern size_t gcx_weak_map_count(struct gcx_weak_map *map)
    __attribute__((weak));

struct hc_memo {
  struct gcx_weak_map *map;
  pthread_mutex_t agree; /* who notes a result has seen that there is none */
};

hc_memo *hc_memo_new(void) {
  hc_memo *m;
  if (gcx_weak_map_new == NULL)
    return NULL;
  m = malloc(sizeof *m);
  if (m == NULL)
    return NULL;
  m->map = gcx_weak_map_new(NULL, NULL);
  if (m->map == NULL) {
    free(m);
    return NULL;
  }
  pthread_mutex_init(&m->agree, NULL);
  return m;
}

void hc_memo_free(hc_memo *memo) {
  if (memo == NULL)
    return;
  gcx_weak_map_free(memo->map);
  pthread_mutex_destroy(&memo->agree);
  free(memo);
}

bool hc_memo_get(hc_memo *memo, const void *key, void **out_value) {
  return gcx_weak_map_get(memo->map, key, out_value) == 1;
}

bool hc_memo_put(hc_memo *memo, const void *key, const void *value) {
  return gcx_weak_map_put(memo->map, key, value, NULL) >= 0;
}

size_t hc_memo_count(hc_memo *memo) { return gcx_weak_map_count(memo->map); }

const void *hc_memo_compute(hc_memo *memo, const void *key, hc_memo_fn fn,
                            void *cd) {
  void *first;
  const void *value;
  if (hc_memo_get(memo, key, &first))
    return first;
  value = fn(key, cd);
  if (value == NULL)
    return NULL;
  pthread_mutex_lock(&memo->agree);
  if (hc_memo_get(memo, key, &first))
    value = first;
  else
    hc_memo_put(memo, key, value);
  pthread_mutex_unlock(&memo->agree);
  return value;
}
