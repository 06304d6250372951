/* tests/unit/reclaim_large.c: large objects: making, freeing, resizing, epochs.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "cycle/gc_start.h"
#include "heap/space.h"
#include "reclaim/classify.h"
#include "reclaim/large.h"

#define MANY 200u

/* No block is free, so that every object lies behind what there was. */
static void start(void) {
  gc_start();
  while (gc_space_take(1, false) != 0)
    continue;
}

static char *make(size_t blocks, unsigned kind) {
  char *p = gc_large_alloc(blocks << GC_BLOCK_SHIFT, kind, 0, true);
  tap_require(p != NULL);
  return p;
}

static gc_block_id head_of(const char *p) {
  struct gc_object o;
  tap_require(gc_find(p, &o) && o.is_large);
  return o.block;
}

static void dirty(char *p, size_t blocks) {
  __builtin_memset(p, 0xaa, blocks << GC_BLOCK_SHIFT);
}

static bool is_zero(const char *p, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (p[i] != 0)
      return false;
  return true;
}

/* A collection that marks the objects with an even number of blocks. */
static void mark_if_even(gc_block_id head, void *cx) {
  (void)cx;
  if (gc_heap.blocks[head].length % 2 == 0)
    gc_map_set(head, 0, gc_map_mark());
}

static void collect_odd_ones(void) {
  gc_classify_rest();
  gc_large_each(mark_if_even, NULL);
  gc_heap.parity ^= 1;
  gc_heap.epoch++;
  gc_classify_restart();
  gc_classify_rest();
}

static void count_one(gc_block_id head, void *count) {
  tap_check(gc_map_test(head, 0, gc_map_alloc()));
  tap_check(!gc_map_test(head, 0, gc_map_mark()));
  ++*(unsigned *)count;
}

static unsigned count_all(void) {
  unsigned count = 0;
  gc_large_each(count_one, &count);
  return count;
}

static void memory_is_clear_when_used_again(void) {
  start();
  for (size_t blocks = 1; blocks < 6; blocks++) {
    char *p = make(blocks, KIND_NORMAL);
    tap_check(is_zero(p, blocks << GC_BLOCK_SHIFT));
    dirty(p, blocks);
    gc_large_free(head_of(p));
    tap_eq_p(make(blocks, KIND_NORMAL), p);
    tap_check(is_zero(p, blocks << GC_BLOCK_SHIFT));
    make(1, KIND_ATOMIC); /* keeps the next ones from reaching back */
  }
}

/* In random order, so that heads move in the table. */
static void frees_leave_the_others(void) {
  char *object[MANY];
  start();
  unsigned before = count_all(), left = MANY;
  for (unsigned i = 0; i < MANY; i++)
    object[i] = make(1 + i % 4, KIND_ATOMIC);
  while (left > 0) {
    unsigned i = (unsigned)(tap_rand() % left);
    gc_large_free(head_of(object[i]));
    object[i] = object[--left];
    tap_eq_u(count_all(), before + left);
  }
  tap_check(gc_space_check());
}

static void the_dead_go_with_all_their_blocks(void) {
  char *object[MANY];
  start();
  collect_odd_ones();
  unsigned before = count_all();
  size_t free_before = gc_space_free_bytes();
  size_t heap_before = gc_space_heap_bytes(), freed = 0;
  for (unsigned i = 0; i < MANY; i++)
    object[i] = make(1 + i % 4, KIND_ATOMIC);
  for (unsigned i = 0; i < MANY; i += 2)
    freed += (1 + i % 4) << GC_BLOCK_SHIFT;
  collect_odd_ones();
  tap_eq_u(count_all(), before + MANY / 2);
  size_t grown = gc_space_heap_bytes() - heap_before;
  size_t taken = (size_t)MANY / 4 * 10 << GC_BLOCK_SHIFT;
  tap_eq_u(gc_space_free_bytes() + taken, free_before + grown + freed);
  tap_check(gc_space_check());
  collect_odd_ones(); /* survivors are ordinary objects of the next cycle */
  tap_eq_u(count_all(), before + MANY / 2);
  for (unsigned i = 1; i < MANY; i += 2)
    gc_large_free(head_of(object[i]));
  tap_eq_u(count_all(), before);
  tap_check(gc_space_check());
}

/* Blocks behind the object, used before and free. */
static char *make_with_dirty_room(size_t blocks, size_t room) {
  char *p = make(blocks + room, KIND_NORMAL);
  dirty(p, blocks + room);
  gc_large_free(head_of(p));
  char *q = make(blocks, KIND_NORMAL);
  tap_require(p == q);
  return q;
}

static void growth_in_place_is_clear_and_found(void) {
  start();
  char *p = make_with_dirty_room(2, 3);
  gc_block_id b = head_of(p);
  tap_require(gc_large_resize(b, (4 << GC_BLOCK_SHIFT) - 4096));
  tap_check(is_zero(p, (4 << GC_BLOCK_SHIFT) - 4096));
  tap_eq_u(head_of(p + (3 << GC_BLOCK_SHIFT) + 100), b);
  dirty(p, 4); /* also behind the end */
  tap_require(gc_large_resize(b, 4 << GC_BLOCK_SHIFT));
  tap_check(is_zero(p + (4 << GC_BLOCK_SHIFT) - 4096, 4096));
  tap_check(!is_zero(p, 4096));
  tap_eq_u(gc_heap.blocks[b].large_bytes, 4 << GC_BLOCK_SHIFT);
  tap_check(!gc_large_resize(b, 1000 << GC_BLOCK_SHIFT));
  tap_eq_u(gc_heap.blocks[b].large_bytes, 4 << GC_BLOCK_SHIFT);
  gc_large_free(b);
  tap_check(gc_space_check());
}

static void a_neighbour_stops_growth(void) {
  start();
  char *p = make_with_dirty_room(2, 1);
  char *q = make(1, KIND_ATOMIC);
  tap_require(q == p + (2 << GC_BLOCK_SHIFT));
  tap_check(!gc_large_resize(head_of(p), 3 << GC_BLOCK_SHIFT));
  gc_large_free(head_of(q));
  tap_check(gc_large_resize(head_of(p), 3 << GC_BLOCK_SHIFT));
}

static void shrinking_gives_blocks_back_once(void) {
  start();
  char *p = make(6, KIND_NORMAL);
  size_t free_before = gc_space_free_bytes();
  tap_require(gc_large_resize(head_of(p), 2 << GC_BLOCK_SHIFT));
  tap_eq_u(gc_space_free_bytes(), free_before + 4 * GC_BLOCK_BYTES);
  struct gc_object o;
  tap_check(!gc_find(p + (2 << GC_BLOCK_SHIFT), &o));
  gc_large_free(head_of(p));
  tap_eq_u(gc_space_free_bytes(), free_before + 6 * GC_BLOCK_BYTES);
  tap_check(gc_space_check());
}

TAP_MAIN(TAP_CASE(memory_is_clear_when_used_again),
         TAP_CASE(frees_leave_the_others),
         TAP_CASE(the_dead_go_with_all_their_blocks),
         TAP_CASE(growth_in_place_is_clear_and_found),
         TAP_CASE(a_neighbour_stops_growth),
         TAP_CASE(shrinking_gives_blocks_back_once))
