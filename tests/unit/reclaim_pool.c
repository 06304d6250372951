/* tests/unit/reclaim_pool.c: claiming, freeing and classifying slots against a
 * model. SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "cycle/gc_start.h"
#include "heap/find.h"
#include "heap/space.h"
#include "reclaim/classify.h"
#include "reclaim/pool.h"

#define SIZE 48u

static struct gc_pool *pool;
static struct gc_cell cell;

static void start(void) {
  gc_start();
  pool = gc_pool_of(KIND_NORMAL, gc_sizeclass_of(SIZE));
}

/* Claims a run, with a new block when the pool is full. */
static void claim(size_t want) {
  while (!gc_pool_claim(pool, &cell, want)) {
    gc_block_id b = gc_space_take(1, true);
    tap_require(b != 0 && gc_pool_add_block(pool, b));
  }
}

static unsigned slot_of(const char *p, gc_block_id *out_block) {
  struct gc_object o;
  tap_require(gc_find(p, &o) && o.start == p);
  *out_block = o.block;
  return o.slot;
}

/* Objects that stay claimed carry their own address; a second claim of one would
 * clear it. */
static void runs_are_disjoint_zero_and_allocated(void) {
  static char *kept[300000];
  size_t count = 0;
  start();
  for (unsigned i = 0; i < 4000; i++) {
    claim(1 + tap_rand() % 2000);
    tap_require(cell.cur < cell.end && (cell.end - cell.cur) % SIZE == 0);
    bool keep = tap_rand() % 2;
    for (char *p = cell.cur; p < cell.end; p += SIZE) {
      gc_block_id b;
      unsigned slot = slot_of(p, &b);
      tap_check(gc_map_test(b, slot, gc_map_alloc()));
      for (unsigned k = 0; k < SIZE; k++)
        if (p[k] != 0)
          tap_require(false);
      __builtin_memset(p, 0x5a, SIZE); /* the next claim must clear it */
      *(char **)(void *)p = p;
      if (keep)
        kept[count++] = p;
    }
    if (!keep)
      gc_pool_retire_cell(pool, &cell);
  }
  size_t lost = 0;
  for (size_t i = 0; i < count; i++)
    lost += *(char **)(void *)kept[i] != kept[i];
  tap_eq_u(lost, 0);
}

static void freed_slots_are_claimed_again(void) {
  start();
  claim(SIZE);
  char *p = cell.cur;
  gc_block_id b;
  unsigned slot = slot_of(p, &b);
  claim(8192);
  gc_pool_free_slot(b, slot);
  tap_check(!gc_map_test(b, slot, gc_map_alloc()));
  claim(SIZE);
  tap_eq_p(cell.cur, p);
}

/* A collection that finds nothing marked. */
static void flip(void) {
  gc_classify_rest();
  gc_heap.parity ^= 1;
  gc_heap.epoch++;
  gc_classify_restart();
  gc_classify_rest();
}

static bool has_block(gc_block_id b) {
  for (uint32_t i = 0; i < pool->count; i++)
    if (pool->blocks[i] == b)
      return true;
  return false;
}

/* However many collections come between adding a block and the first claim from
 * it: who added it would else start over, and perhaps for ever. */
static void a_fresh_block_outlives_collections(void) {
  start();
  gc_block_id b = gc_space_take(1, true);
  tap_require(b != 0 && gc_pool_add_block(pool, b));
  for (unsigned i = 0; i < 3; i++) {
    flip();
    tap_check(has_block(b));
  }
  tap_require(gc_pool_claim(pool, &cell, SIZE));
  tap_eq_u(gc_block_of(cell.cur), b);
}

/* Once claimed from it is a block like others. */
static void an_empty_block_is_given_back(void) {
  start();
  claim(SIZE);
  gc_block_id b = gc_block_of(cell.cur);
  size_t free_before = gc_space_free_bytes();
  flip();
  tap_check(!has_block(b));
  tap_eq_u(gc_space_free_bytes(), free_before + GC_BLOCK_BYTES);
  tap_check(gc_space_check());
}

/* Flips by hand: marks every third slot, as a collection would. */
static void classify_keeps_what_is_marked(void) {
  start();
  size_t free_before;
  for (unsigned i = 0; i < 200; i++)
    claim(8192);
  gc_pool_classify_rest(pool);
  free_before = gc_space_free_bytes();
  unsigned marked = 0;
  for (uint32_t i = 0; i < pool->count; i++) {
    gc_block_id b = pool->blocks[i];
    for (unsigned s = 0; s < gc_heap.blocks[b].slots; s++)
      if (gc_map_test(b, s, gc_map_alloc()) && i % 2 == 0 && s % 3 == 0) {
        gc_map_set(b, s, gc_map_mark());
        marked++;
      }
  }
  uint32_t half = pool->count / 2;
  gc_heap.parity ^= 1;
  gc_heap.epoch++;
  gc_classify_restart();
  gc_classify_rest();
  unsigned live = 0;
  for (uint32_t i = 0; i < pool->count; i++) {
    tap_check(gc_map_is_zero(pool->blocks[i], gc_map_mark()));
    live += gc_map_count(pool->blocks[i], gc_map_alloc());
  }
  tap_eq_u(live, marked);
  tap_eq_u(gc_space_free_bytes() - free_before, half * GC_BLOCK_BYTES);
  tap_check(gc_space_check());
}

TAP_MAIN(TAP_CASE(runs_are_disjoint_zero_and_allocated),
         TAP_CASE(freed_slots_are_claimed_again),
         TAP_CASE(a_fresh_block_outlives_collections),
         TAP_CASE(an_empty_block_is_given_back),
         TAP_CASE(classify_keeps_what_is_marked))
