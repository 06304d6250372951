/* bench/hcons/churn.h: nodes that come again by Zipf's law, or die. SPDX-License-Identifier: MIT */
/* Roots are in four levels: leaves, and nodes over a root of the level below and
 * a leaf. Half of the requests are for the key of a root, by Zipf's law; the others
 * are for keys of fresh choices. Of those nodes nine in ten are dropped at once,
 * and one replaces a root of its level. So what is alive stays of one size, up to
 * what older nodes still refer to. */
#ifndef BENCH_HCONS_CHURN_H
#define BENCH_HCONS_CHURN_H

#include "store.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { CHURN_LEVELS = 4, CHURN_SAMPLES = 1 << 16, CHURN_CHUNK = 1024 };

struct churn {
  ref *root;
  size_t roots;
  uint64_t seed;
  uintptr_t fresh;  /* the next leaf nobody has seen */
  unsigned *sample; /* slots of a level, by Zipf's law */
  double stall_s;   /* longest time for CHURN_CHUNK requests, stops left out */
  double stop_s;    /* longest stop, of all that fell into such a time */
};

static double churn_clock_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Ranks whose logarithm is spread evenly; ranks are scattered over the slots. */
static void churn_draw_samples(struct churn *c) {
  size_t slots = c->roots / CHURN_LEVELS;
  c->sample = bench_need(malloc(CHURN_SAMPLES * sizeof *c->sample));
  for (size_t i = 0; i < CHURN_SAMPLES; i++) {
    double u = (double)bench_below(&c->seed, 1u << 30) / (1u << 30);
    size_t rank = (size_t)exp(u * log((double)slots));
    c->sample[i] = (unsigned)(rank * 40503 % slots);
  }
}

static inline ref *churn_slot(const struct churn *c, unsigned level,
                              size_t slot) {
  return &c->root[slot * CHURN_LEVELS + level];
}

static inline ref *churn_pick(struct churn *c, unsigned level) {
  return churn_slot(c, level, c->sample[bench_below(&c->seed, CHURN_SAMPLES)]);
}

static ref churn_fresh(struct churn *c, unsigned level) {
  unsigned op = (unsigned)bench_below(&c->seed, 256);
  if (level == 0)
    return store_leaf(c->fresh++);
  return store_2(op, *churn_pick(c, level - 1), *churn_pick(c, 0));
}

static void churn_again(const ref *root, unsigned level) {
  ref n = *root;
  ref again = level == 0
                  ? store_leaf(store_value(n))
                  : store_2(store_op(n), store_arg(n, 0), store_arg(n, 1));
  if (again != n)
    bench_fail("a root that is alive was not found by its key");
}

static void churn_one(struct churn *c) {
  uint64_t dice = bench_rand(&c->seed) >> 32;
  unsigned level = dice % CHURN_LEVELS;
  ref n;
  if (dice & 64) {
    churn_again(churn_pick(c, level), level);
    return;
  }
  n = churn_fresh(c, level);
  if ((dice >> 8) % 10 == 0)
    *churn_slot(c, level, bench_below(&c->seed, c->roots / CHURN_LEVELS)) = n;
}

static void churn_note_stall(struct churn *c, double cpu_s, double stop_s) {
  if (cpu_s - stop_s > c->stall_s)
    c->stall_s = cpu_s - stop_s;
  if (stop_s > c->stop_s)
    c->stop_s = stop_s;
}

static void churn_open(struct churn *c, size_t roots, unsigned thread) {
  *c = (struct churn){.roots = roots / CHURN_LEVELS * CHURN_LEVELS,
                      .seed = 17 + thread,
                      .fresh = (uintptr_t)thread << 40};
  c->root = store_refs(c->roots);
  churn_draw_samples(c);
  for (size_t i = 0; i < c->roots; i++)
    *churn_slot(c, 0, i / CHURN_LEVELS) = c->root[0];
  for (unsigned level = 0; level < CHURN_LEVELS; level++)
    for (size_t i = 0; i < c->roots / CHURN_LEVELS; i++)
      *churn_slot(c, level, i) = churn_fresh(c, level);
}

static void churn_run(struct churn *c, size_t ops) {
  double cpu_s = churn_clock_s(), stop_s = store_stop_s();
  for (size_t i = 0; i < ops; i++) {
    churn_one(c);
    if ((i + 1) % CHURN_CHUNK == 0) {
      double now_s = churn_clock_s(), stopped_s = store_stop_s();
      churn_note_stall(c, now_s - cpu_s, stopped_s - stop_s);
      cpu_s = now_s;
      stop_s = stopped_s;
    }
  }
}

#endif
