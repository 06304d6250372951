/* tests/unit/reclaim_pool.c: claiming, freeing and classifying slots against a
 * model. SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "cycle/gc_start.h"
#include "heap/find.h"
#include "heap/meta.h"
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

static void claim_whole_block(char **out_start) {
  gc_block_id b = gc_space_take(1, true);
  tap_require(b != 0 && gc_pool_add_block(pool, b));
  tap_require(gc_pool_claim(pool, &cell, GC_BLOCK_BYTES));
  tap_eq_u(gc_block_of(cell.cur), b);
  *out_start = cell.cur;
}

/* Runs lie between the slots in use, wherever words of the map end, and are no
 * longer than asked; together they are all that was free. */
static void claims_fit_between_objects_in_use(void) {
  static bool is_free[GC_BLOCK_MAX_OBJECTS];
  char *start_of_block;
  start();
  unsigned slots = gc_sizes.of[pool->size_class].slots, wrong = 0;
  claim_whole_block(&start_of_block);
  gc_block_id b = gc_block_of(start_of_block);
  for (unsigned round = 0; round < 50; round++) {
    unsigned in_a_row = 1 + (unsigned)(tap_rand() % 90), left = 0;
    for (unsigned s = 0; s < slots; s++) {
      is_free[s] = s / in_a_row % 2 == round % 2;
      left += is_free[s];
      if (is_free[s])
        gc_pool_free_slot(b, s);
    }
    while (left > 0) {
      size_t want = 1 + tap_rand() % 8192;
      tap_require(gc_pool_claim(pool, &cell, want));
      size_t got = (size_t)(cell.end - cell.cur);
      tap_check(got <= want || got == SIZE);
      for (char *p = cell.cur; p < cell.end; p += SIZE, left--) {
        wrong += gc_block_of(p) != b;
        wrong += !is_free[(p - start_of_block) / SIZE];
        is_free[(p - start_of_block) / SIZE] = false;
      }
      tap_require(wrong == 0);
    }
    tap_check(!gc_pool_claim(pool, &cell, SIZE));
  }
}

/* What nobody asked to be clear is not touched. */
static void pointer_free_runs_are_not_cleared(void) {
  gc_start();
  pool = gc_pool_of(KIND_ATOMIC, gc_sizeclass_of(SIZE));
  claim(SIZE);
  char *p = cell.cur;
  __builtin_memset(p, 0x5a, SIZE);
  gc_pool_retire_cell(pool, &cell);
  claim(SIZE);
  tap_eq_p(cell.cur, p);
  tap_check(p[0] == 0x5a && p[SIZE - 1] == 0x5a);
}

static bool is_allocated(gc_block_id b, unsigned slot) {
  return gc_map_test(b, slot, gc_map_alloc());
}

/* What was handed out stays; the rest of the run and the freed slots are free. */
static void a_retired_cell_gives_its_slots_back(void) {
  gc_block_id b;
  start();
  claim(10 * SIZE);
  unsigned first = slot_of(cell.cur, &b);
  cell.freed = gc_meta_alloc(sizeof *cell.freed);
  cell.freed->slot[cell.freed->count++] = cell.cur + SIZE;
  cell.cur += 4 * SIZE;
  gc_pool_retire_cell(pool, &cell);
  tap_check(cell.cur == NULL && cell.end == NULL && cell.freed == NULL);
  for (unsigned i = 0; i < 10; i++)
    tap_eq_u(is_allocated(b, first + i), i < 4 && i != 1);
  claim(SIZE);
  tap_eq_u(slot_of(cell.cur, &b), first + 1);
}

/* ---- Blocks with freed slots ---- */

#define BLOCKS 4u

/* Slots freed in blocks that were passed come before any new block, as often as
 * that happens. */
static void passed_blocks_come_again(void) {
  char *at[BLOCKS];
  start();
  for (unsigned i = 0; i < BLOCKS; i++)
    claim_whole_block(&at[i]);
  for (unsigned round = 0; round < 3; round++) {
    unsigned found = 0;
    for (unsigned i = 0; i < BLOCKS; i++) /* the last in the first's block */
      gc_pool_free_slot(gc_block_of(at[i % (BLOCKS - 1)]), 7 * i + round);
    while (found < 10 && gc_pool_claim(pool, &cell, SIZE))
      found++;
    tap_eq_u(found, BLOCKS);
    tap_check(!gc_pool_claim(pool, &cell, SIZE));
  }
}

static void a_waiting_block_is_not_given_back(void) {
  char *at[BLOCKS];
  start();
  for (unsigned i = 0; i < BLOCKS; i++)
    claim_whole_block(&at[i]);
  gc_block_id b = gc_block_of(at[1]);
  pool->cursor = 0; /* as after a collection that kept one object */
  gc_map_clear_range(b, 1, gc_heap.blocks[b].slots, gc_map_alloc());
  gc_heap.blocks[b].live = 1;
  gc_pool_free_slot(b, 0);
  gc_pool_classify_rest(pool);
  bool kept = false;
  for (uint32_t i = 0; i < pool->count; i++)
    kept = kept || pool->blocks[i] == b;
  tap_check(kept);
  tap_require(gc_pool_claim(pool, &cell, SIZE));
  tap_eq_u(gc_block_of(cell.cur), b);
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

/* Marks the first slot of each block. */
static void flip_keeping_first_slots(void) {
  gc_classify_rest();
  for (uint32_t i = 0; i < pool->count; i++)
    gc_map_set(pool->blocks[i], 0, gc_map_mark());
  gc_heap.parity ^= 1;
  gc_heap.epoch++;
  gc_classify_restart();
}

/* Else the next marking would meet the old map. */
static void blocks_are_classified_before_a_claim(void) {
  char *at[BLOCKS];
  start();
  for (unsigned i = 0; i < BLOCKS; i++)
    claim_whole_block(&at[i]);
  flip_keeping_first_slots();
  for (unsigned i = 0; i < BLOCKS; i++) {
    tap_require(gc_pool_claim(pool, &cell, GC_BLOCK_BYTES));
    gc_block_id b = gc_block_of(cell.cur);
    tap_check(gc_block_is_classified(b));
    tap_check(gc_map_is_zero(b, gc_map_mark()));
    tap_eq_u(cell.cur - gc_block_address(b), SIZE);
  }
  tap_check(!gc_pool_claim(pool, &cell, SIZE));
}

static void classifying_the_rest_keeps_what_was_passed(void) {
  char *at[BLOCKS];
  start();
  for (unsigned i = 0; i < BLOCKS; i++)
    claim_whole_block(&at[i]);
  flip_keeping_first_slots();
  tap_require(gc_pool_claim(pool, &cell, GC_BLOCK_BYTES));
  tap_require(gc_pool_claim(pool, &cell, GC_BLOCK_BYTES));
  gc_classify_rest();
  tap_eq_u(pool->count, BLOCKS);
  for (unsigned i = 0; i < BLOCKS; i++)
    tap_check(has_block(gc_block_of(at[i])));
}

/* A dead object can be kept until its block is classified, not after. */
static void only_what_was_allocated_is_kept(void) {
  char *at;
  start();
  claim_whole_block(&at);
  gc_block_id b = gc_block_of(at);
  gc_pool_free_slot(b, 5);
  gc_pool_keep_slot(b, 5);
  tap_check(!is_allocated(b, 5));
  flip_keeping_first_slots();
  gc_pool_keep_slot(b, 3);
  gc_pool_keep_slot(b, 5);
  tap_check(is_allocated(b, 0) && is_allocated(b, 3));
  tap_check(!is_allocated(b, 4) && !is_allocated(b, 5));
  gc_classify_rest();
  gc_pool_keep_slot(b, 4);
  tap_check(!is_allocated(b, 4));
  tap_eq_u(gc_map_count(b, gc_map_alloc()), 2);
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
         TAP_CASE(claims_fit_between_objects_in_use),
         TAP_CASE(pointer_free_runs_are_not_cleared),
         TAP_CASE(a_retired_cell_gives_its_slots_back),
         TAP_CASE(passed_blocks_come_again),
         TAP_CASE(a_waiting_block_is_not_given_back),
         TAP_CASE(freed_slots_are_claimed_again),
         TAP_CASE(blocks_are_classified_before_a_claim),
         TAP_CASE(classifying_the_rest_keeps_what_was_passed),
         TAP_CASE(only_what_was_allocated_is_kept),
         TAP_CASE(a_fresh_block_outlives_collections),
         TAP_CASE(an_empty_block_is_given_back),
         TAP_CASE(classify_keeps_what_is_marked))
