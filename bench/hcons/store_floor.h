/* bench/hcons/store_floor.h: nodes that are never freed. SPDX-License-Identifier: MIT */
/* The yardstick: what maximal sharing costs when nothing is ever reclaimed, no
 * other thread exists and nodes have one shape. A node is a header word (operator,
 * hash) and two words, bumped off an arena; the table is an array of 4-byte
 * indices at a load of at most one half, doubled at one stroke. */
#ifndef BENCH_HCONS_STORE_FLOOR_H
#define BENCH_HCONS_STORE_FLOOR_H

#include "store.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { FLOOR_WORDS = 3, FLOOR_LEAF = 256, FLOOR_ARENA_LOG = 34 };

static uint64_t *floor_arena;
static uint32_t *floor_slot;
static size_t floor_mask, floor_used; /* node 0 is nobody's */

static void *floor_map(size_t bytes) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return bench_need(p == MAP_FAILED ? NULL : p);
}

static void store_open(bool single, size_t hint) {
  (void)single;
  (void)hint;
  floor_mask = (1 << 10) - 1;
  floor_slot = floor_map((floor_mask + 1) * sizeof *floor_slot);
  floor_arena = floor_map((size_t)1 << FLOOR_ARENA_LOG);
}

static inline uint32_t floor_hash(unsigned op, uint64_t a, uint64_t b) {
  unsigned __int128 product =
      (unsigned __int128)(a ^ UINT64_C(0x9e3779b97f4a7c15)) *
      (b ^ op ^ UINT64_C(0xc2b2ae3d27d4eb4f));
  uint64_t h = (uint64_t)product ^ (uint64_t)(product >> 64);
  return (uint32_t)((h * UINT64_C(0x9fb21c651e98df25)) >> 32);
}

static void floor_grow(void) {
  size_t size = 2 * (floor_mask + 1);
  munmap(floor_slot, (floor_mask + 1) * sizeof *floor_slot);
  floor_slot = floor_map(size * sizeof *floor_slot);
  floor_mask = size - 1;
  for (size_t i = 1; i <= floor_used; i++) {
    size_t at = (floor_arena[i * FLOOR_WORDS] >> 32) & floor_mask;
    while (floor_slot[at] != 0)
      at = (at + 1) & floor_mask;
    floor_slot[at] = (uint32_t)i;
  }
}

static __attribute__((noinline)) ref floor_make(size_t at, uint64_t header,
                                                uint64_t a, uint64_t b) {
  uint64_t *node = floor_arena + ++floor_used * FLOOR_WORDS;
  node[0] = header;
  node[1] = a;
  node[2] = b;
  floor_slot[at] = (uint32_t)floor_used;
  if (floor_used > floor_mask / 2)
    floor_grow();
  return node;
}

static inline ref floor_intern(unsigned op, uint64_t a, uint64_t b) {
  uint32_t hash = floor_hash(op, a, b);
  uint64_t header = (uint64_t)hash << 32 | op;
  size_t at = hash & floor_mask;
  for (; floor_slot[at] != 0; at = (at + 1) & floor_mask) {
    ref n = floor_arena + (size_t)floor_slot[at] * FLOOR_WORDS;
    if (n[0] == header && n[1] == a && n[2] == b)
      return n;
  }
  return floor_make(at, header, a, b);
}

static inline ref store_leaf(uintptr_t value) {
  return floor_intern(FLOOR_LEAF, value, 0);
}

static inline ref store_1(unsigned op, ref a) {
  return floor_intern(op, (uintptr_t)a, 0);
}

static inline ref store_2(unsigned op, ref a, ref b) {
  return floor_intern(op, (uintptr_t)a, (uintptr_t)b);
}

static inline unsigned store_op(ref n) { return n[0] & 255; }

static inline ref store_arg(ref n, unsigned i) {
  return (ref)(uintptr_t)n[1 + i];
}

static inline uintptr_t store_value(ref n) { return n[1]; }

static ref *store_refs(size_t n) { return bench_need(calloc(n, sizeof(ref))); }

static void store_refs_free(ref *array) { free((void *)array); }

static void store_settle(void) {}

static double store_stop_s(void) { return 0; }

static void store_check(void) {
  if (floor_used >= floor_mask)
    bench_fail("the table of the floor is too full");
}

#endif
