/* bench/macro/lru_cache.c: cache with eviction by age of use. SPDX-License-Identifier: MIT */
/*
 * Entries with pointer-free values of 16 to 1023 bytes hang in a hash table
 * and in a doubly linked list.  Objects die in the order of their age, not of
 * their birth's neighbours, so free space is scattered over all blocks: the
 * worst case for collectors that hope for whole blocks to become free.
 * Requests are skewed towards low keys; most hit.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>
#include <string.h>

struct entry {
  struct entry *chain;
  struct entry *newer, *older;
  uint64_t key;
  unsigned char *value;
};

static struct bench_param params[] = {
    {"ops", 3000000, "requests"},
    {"room", 40000, "entries kept"},
    {"keys", 200000, "different keys"},
};

static struct entry **buckets, *newest, *oldest;
static size_t n_buckets, hits;

static struct entry **find(uint64_t key) {
  struct entry **at = &buckets[key * UINT64_C(0x9E3779B97F4A7C15) % n_buckets];
  while (*at && (*at)->key != key)
    at = &(*at)->chain;
  return at;
}

static void unlink_entry(struct entry *e) {
  if (e->newer)
    e->newer->older = e->older;
  else
    newest = e->older;
  if (e->older)
    e->older->newer = e->newer;
  else
    oldest = e->newer;
}

static void push_newest(struct entry *e) {
  e->newer = NULL;
  e->older = newest;
  if (newest)
    newest->newer = e;
  else
    oldest = e;
  newest = e;
}

static void evict(void) {
  struct entry *e = oldest;
  *find(e->key) = e->chain;
  unlink_entry(e);
  /* As careful clients do: a dead entry must not hold on to live ones. */
  e->chain = e->newer = e->older = NULL;
}

static size_t value_size(uint64_t key) {
  return 16 + (key * 2654435761U) % 1008;
}

static void insert(uint64_t key) {
  struct entry *e = bench_need(GC_MALLOC(sizeof *e));
  e->key = key;
  e->value = bench_need(GC_MALLOC_ATOMIC(value_size(key)));
  memset(e->value, (int)(key & 0xff), value_size(key));
  *find(key) = e;
  push_newest(e);
}

static void request(uint64_t key) {
  struct entry *e = *find(key);
  if (!e) {
    insert(key);
    return;
  }
  if (e->value[value_size(key) - 1] != (key & 0xff))
    bench_fail("a cached value is damaged");
  hits++;
  unlink_entry(e);
  push_newest(e);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t room = params[1].value, n = params[0].value, kept = 0;
  if (room < 2 || params[2].value < 2)
    bench_fail("room and keys must be at least 2");
  n_buckets = room * 2 + 1;
  buckets = bench_need(GC_MALLOC(n_buckets * sizeof *buckets));
  uint64_t seed = 31;
  bench_start();
  for (size_t i = 0; i < n; i++) {
    uint64_t span = bench_below(&seed, params[2].value) + 1;
    span = bench_below(&seed, span) + 1;
    size_t before = hits;
    request(bench_below(&seed, span));
    kept += hits == before;
    if (kept > room) {
      evict();
      kept--;
    }
  }
  bench_stop();
  bench_report((double)n, "hits=%zu", hits);
  return 0;
}
