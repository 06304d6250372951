/* tests/api/finalise.h: objects with finalisers that count their calls. SPDX-License-Identifier: MIT */

/*
 * Which of many dropped objects die is asked with tolerance, everything else
 * exactly.
 */
#ifndef TESTS_API_FINALISE_H
#define TESTS_API_FINALISE_H

#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/javaxfc.h>

#include <stdatomic.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 1000, DATA_BYTES = 40 };

struct node {
  size_t id;
  struct node *next;
  unsigned char data[DATA_BYTES];
};

typedef void register_fn(void *, GC_finalization_proc, void *,
                         GC_finalization_proc *, void **);

static struct node *volatile keep[2 * N_OBJ];
static _Atomic unsigned char count[3 * N_OBJ];
static _Atomic size_t n_ran, n_bad;

static inline struct node *new_node(size_t id) {
  struct node *n = GC_malloc(sizeof *n);
  n->id = id;
  gu_fill(n->data, DATA_BYTES, id);
  return n;
}

static inline void on_final(void *obj, void *cd) {
  const struct node *n = obj;
  n_ran++;
  if (n->id >= 3 * N_OBJ || !gu_is_intact(n->data, DATA_BYTES, n->id) ||
      cd != (void *)&count[n->id]) {
    n_bad++;
    return;
  }
  count[n->id]++;
}

/* With the node's counter as data. */
static inline void put(struct node *n, register_fn *reg) {
  reg(n, on_final, (void *)&count[n->id], NULL, NULL);
}

static inline size_t count_ran(size_t from, size_t to) {
  size_t n = 0;
  for (size_t i = from; i < to; i++)
    n += count[i] != 0;
  return n;
}

static inline void check_most_ran(size_t from, size_t to) {
  tap_ge(count_ran(from, to), (to - from) * 95 / 100);
}

/* Stray words keep a few of many. */
static inline void check_few_ran(size_t from, size_t to) {
  tap_le(count_ran(from, to), (to - from) * 5 / 100);
}

static inline void check_sane(void) {
  tap_eq_u(n_bad, 0);
  for (size_t i = 0; i < 3 * N_OBJ; i++)
    if (!tap_check(count[i] <= 1))
      return;
}

static inline void drop_all(void *arg) {
  (void)arg;
  for (size_t i = 0; i < 2 * N_OBJ; i++)
    keep[i] = NULL;
}

#endif
