/* tests/gcx/keyed.h: keys of one sort, and values that lead to other objects. SPDX-License-Identifier: MIT */

/*
 * For tests of what lives as long as its key. A word that looks like an address may keep
 * a key, and with it whatever hangs on its values. So what dies is asked of many with
 * tolerance, and what lives is compared exactly.
 */
#ifndef TESTS_GCX_KEYED_H
#define TESTS_GCX_KEYED_H

#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gcx/reclaim.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { KD_DATA_BYTES = 16 };

struct kd_value {
  void *next; /* seen by the collector */
  size_t id;
  unsigned char data[KD_DATA_BYTES];
};

/* What keys of this case are: of a kind, without pointers, or ordinary objects. */
static struct {
  size_t bytes;
  gcx_kind *kind;
  bool are_leaves;
} kd_keys = {.bytes = 32};

static inline void *kd_key(void) {
  void *key = kd_keys.kind != NULL ? gcx_kind_alloc(kd_keys.kind, kd_keys.bytes)
              : kd_keys.are_leaves ? GC_malloc_atomic(kd_keys.bytes)
                                   : GC_malloc(kd_keys.bytes);
  tap_require(key != NULL);
  return key;
}

static inline struct kd_value *kd_value(size_t id, void *next) {
  struct kd_value *v = GC_malloc(sizeof *v);
  tap_require(v != NULL);
  gu_fill(v->data, KD_DATA_BYTES, id);
  v->next = next;
  v->id = id;
  return v;
}

static inline bool kd_is_intact(const struct kd_value *v, size_t id) {
  return v->id == id && gu_is_intact(v->data, KD_DATA_BYTES, id);
}

static inline void kd_drop(void *volatile *keep, size_t from, size_t to) {
  for (size_t i = from; i < to; i++)
    keep[i] = NULL;
}

/* The numbers below n in an order by chance. */
static inline void kd_shuffle(size_t *order, size_t n) {
  for (size_t i = 0; i < n; i++)
    order[i] = i;
  for (size_t i = n - 1; i > 0; i--) {
    size_t j = tap_rand() % (i + 1), t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
}

/* For GC_try_to_collect: true when it was asked so often. */
static int kd_polls_left;

static inline int GC_CALLBACK kd_give_up(void) { return --kd_polls_left < 0; }

#endif
