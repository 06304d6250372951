/* tests/unit/heap_find.c: from any word to the object that it points into.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "alloc/alloc.h"
#include "cycle/gc_start.h"
#include "heap/find.h"
#include "reclaim/classify.h"

/* Every byte of a block of every size: in a slot, or in the unused end. */
static void every_byte_of_a_block_is_found(void) {
  gc_start();
  for (unsigned c = 1; c < gc_sizes.count; c++) {
    size_t size = gc_sizes.of[c].bytes, used = gc_sizes.of[c].slots * size;
    char *p = gc_alloc(size - 1, KIND_ATOMIC);
    tap_require(p != NULL);
    char *block = gc_block_address(gc_block_of(p));
    unsigned wrong = 0;
    for (size_t off = 0; off < GC_BLOCK_BYTES; off++) {
      struct gc_object o;
      bool found = gc_find(block + off, &o);
      wrong += found != (off < used);
      if (found)
        wrong += o.start != block + off / size * size || o.bytes != size ||
                 o.slot != off / size || o.kind != KIND_ATOMIC || o.is_large;
    }
    tap_eq_u(wrong, 0);
  }
}

static void large_objects_end_where_they_end(void) {
  gc_start();
  for (size_t size = 40000; size < 1000000; size = size * 5 / 4 + 999) {
    char *p = gc_alloc(size, KIND_NORMAL);
    tap_require(p != NULL);
    size_t rounded = gc_round_up(size + 1, GC_GRANULE_BYTES);
    struct gc_object o;
    for (size_t off = 0; off < rounded; off += 997) {
      tap_check(gc_find(p + off, &o));
      tap_check(o.start == p && o.bytes == rounded && o.is_large);
      tap_check(o.kind == KIND_NORMAL && o.slot == 0);
      tap_eq_u(o.block, gc_block_of(p));
    }
    tap_check(gc_find(p + rounded - 1, &o));
    if (rounded % GC_BLOCK_BYTES != 0)
      tap_check(!gc_find(p + rounded, &o));
  }
}

static void other_words_are_no_objects(void) {
  gc_start();
  static char here;
  struct gc_object o;
  char *used = gc_heap.base + gc_load_rlx(&gc_heap.used);
  tap_check(!gc_find(NULL, &o));
  tap_check(!gc_find(&here, &o));
  tap_check(!gc_find(gc_heap.base, &o));
  tap_check(!gc_find(gc_heap.base - 1, &o));
  tap_check(!gc_find(used, &o));
  for (unsigned i = 0; i < 10000; i++) {
    const char *p = (const char *)(uintptr_t)tap_rand();
    tap_check(p >= gc_heap.base || !gc_find(p, &o));
  }
}

/* ---- What is allocated ---- */

static struct gc_object object_at(const char *p) {
  struct gc_object o;
  tap_require(gc_find(p, &o));
  return o;
}

/* A dead object is there until its block is classified; who has claimed it then
 * is another one. */
static void dead_objects_are_allocated_until_classified(void) {
  gc_start();
  gc_classify_rest();
  uintptr_t hidden[100];
  for (unsigned i = 0; i < 100; i++)
    hidden[i] = ~(uintptr_t)gc_alloc(3000, KIND_ATOMIC);
  gc_heap.parity ^= 1; /* a collection that marked nothing */
  gc_heap.epoch++;
  gc_classify_restart();
  struct gc_object o;
  for (unsigned i = 0; i < 100; i++) {
    o = object_at((const char *)~hidden[i]);
    tap_check(gc_object_is_allocated(&o));
  }
  gc_classify_rest();
  unsigned left = 0;
  for (unsigned i = 0; i < 100; i++)
    if (gc_find((const char *)~hidden[i], &o))
      left += gc_object_is_allocated(&o);
  tap_eq_u(left, 0);
}

TAP_MAIN(TAP_CASE(every_byte_of_a_block_is_found),
         TAP_CASE(large_objects_end_where_they_end),
         TAP_CASE(other_words_are_no_objects),
         TAP_CASE(dead_objects_are_allocated_until_classified))
