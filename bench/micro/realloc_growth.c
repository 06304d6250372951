/* bench/micro/realloc_growth.c: vectors that grow by appending. SPDX-License-Identifier: MIT */
/*
 * A vector of words starts at 16 entries and grows by half whenever it is
 * full.  Many short vectors and a few long ones: lengths are spread evenly on
 * a logarithmic scale up to `max`, the last 32 vectors stay alive.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define KEEP 32

static struct bench_param params[] = {
    {"ops", 150000000, "appended words"},
    {"max", 1000000, "words of the longest vector"},
    {"atomic", 0, "1: vectors of numbers, 0: vectors of pointers"},
};

struct vector {
  uintptr_t *words;
  size_t used, room;
};

static void append(struct vector *v, uintptr_t word) {
  if (v->used == v->room) {
    v->room += v->room / 2;
    v->words = bench_need(GC_REALLOC(v->words, v->room * sizeof *v->words));
  }
  v->words[v->used++] = word;
}

static uintptr_t *grow_one(size_t length, int atomic) {
  struct vector v = {NULL, 0, 16};
  size_t bytes = v.room * sizeof *v.words;
  v.words = bench_need(atomic ? GC_MALLOC_ATOMIC(bytes) : GC_MALLOC(bytes));
  for (size_t i = 0; i < length; i++)
    append(&v, i & 0xff);
  return v.words;
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  uintptr_t *keep[KEEP] = {0};
  uint64_t seed = 42;
  size_t done = 0, vectors = 0;
  bench_use(keep);
  bench_start();
  while (done < params[0].value) {
    /* Every quarter of a doubling is equally likely. */
    size_t length = params[1].value >> bench_below(&seed, 12);
    length -= length * bench_below(&seed, 4) / 8;
    keep[vectors++ % KEEP] = grow_one(length, params[2].value != 0);
    done += length;
  }
  bench_stop();
  bench_use(keep);
  bench_report((double)done, "vectors=%zu", vectors);
  return 0;
}
