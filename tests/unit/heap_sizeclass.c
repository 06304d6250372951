/* tests/unit/heap_sizeclass.c: size classes and the exact reciprocal.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "heap/heap.h"

/* ceil(2^32/size) finds the slot of every offset, for every multiple of 16. */
static void reciprocal_is_exact(void) {
  for (uint32_t size = 16; size <= GC_SMALL_MAX_BYTES; size += 16) {
    uint64_t r = (((uint64_t)1 << 32) + size - 1) / size;
    unsigned wrong = 0;
    for (uint32_t off = 0; off < GC_BLOCK_BYTES; off++)
      wrong += (off * r) >> 32 != off / size;
    if (wrong != 0)
      tap_note("size %u: %u offsets", size, wrong);
    tap_check(wrong == 0);
  }
}

/* So do those of the table. */
static void classes_have_their_reciprocal(void) {
  gc_sizeclass_start();
  for (unsigned c = 1; c < gc_sizes.count; c++) {
    const struct gc_size_class *k = &gc_sizes.of[c];
    unsigned wrong = 0;
    for (uint32_t off = 0; off < GC_BLOCK_BYTES; off++)
      wrong += (off * (uint64_t)k->reciprocal) >> 32 != off / k->bytes;
    tap_eq_u(wrong, 0);
  }
}

static void classes_fit_and_grow(void) {
  gc_sizeclass_start();
  tap_check(gc_sizes.count <= GC_MAX_CLASSES);
  tap_eq_u(gc_sizes.of[gc_sizes.count - 1].bytes, GC_SMALL_MAX_BYTES);
  for (unsigned c = 1; c < gc_sizes.count; c++) {
    const struct gc_size_class *k = &gc_sizes.of[c];
    tap_check(k->bytes % GC_GRANULE_BYTES == 0);
    tap_check(k->bytes > gc_sizes.of[c - 1].bytes);
    tap_eq_u(k->slots, GC_BLOCK_BYTES / k->bytes);
    if (c <= GC_EXACT_CLASSES)
      tap_eq_u(k->bytes, c * GC_GRANULE_BYTES);
    if (k->bytes > 1024) /* little of a block is left over */
      tap_le((GC_BLOCK_BYTES - k->slots * k->bytes) * 1000,
             12 * GC_BLOCK_BYTES);
  }
}

static void every_size_gets_the_smallest_class(void) {
  gc_sizeclass_start();
  for (size_t n = 1; n <= GC_SMALL_MAX_BYTES; n++) {
    unsigned c = gc_sizeclass_of(n);
    if (gc_sizes.of[c].bytes < n || (c > 1 && gc_sizes.of[c - 1].bytes >= n)) {
      tap_note("size %zu got class %u", n, c);
      tap_check(false);
    }
  }
}

/* At most an eighth apart, where so many parts of a block differ at all. */
static void steps_are_small(void) {
  gc_sizeclass_start();
  for (unsigned c = GC_EXACT_CLASSES + 1; c < gc_sizes.count; c++) {
    uint32_t below = gc_sizes.of[c - 1].bytes, size = gc_sizes.of[c].bytes;
    if (gc_sizes.of[c - 1].slots - gc_sizes.of[c].slots > 1)
      tap_le((size - below) * 8, below);
  }
}

/* Mean waste over sizes 1..2048: what libgc wastes there is 16.8 %. */
static void waste_is_small(void) {
  gc_sizeclass_start();
  size_t asked = 0, given = 0;
  for (size_t n = 1; n <= 2048; n++) {
    asked += n;
    given += gc_sizes.of[gc_sizeclass_of(n)].bytes;
  }
  tap_le((given - asked) * 100, 8 * asked);
}

TAP_MAIN(TAP_CASE(reciprocal_is_exact), TAP_CASE(classes_have_their_reciprocal),
         TAP_CASE(classes_fit_and_grow),
         TAP_CASE(every_size_gets_the_smallest_class),
         TAP_CASE(steps_are_small), TAP_CASE(waste_is_small))
