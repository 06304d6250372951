/* src/heap/sizeclass.c: the table of size classes. SPDX-License-Identifier: MIT
 *
 * Steps of a granule up to 512 bytes, eight steps a doubling up to 1 KB, above
 * that sizes that divide a block almost without rest, at most an eighth apart
 * where such sizes exist.
 */
#include "heap/heap.h"

struct gc_size_table gc_sizes;

static void add_class(uint32_t bytes) {
  unsigned c = gc_sizes.count++;
  gc_check(c < GC_MAX_CLASSES);
  gc_sizes.of[c].bytes = bytes;
  if (bytes == 0)
    return;
  gc_sizes.of[c].reciprocal =
      (uint32_t)((((uint64_t)1 << 32) + bytes - 1) / bytes);
  gc_sizes.of[c].slots = (uint32_t)(GC_BLOCK_BYTES / bytes);
}

/* The largest size that fits n times into a block. */
static uint32_t nth_part(uint32_t n) {
  return (uint32_t)gc_round_down(GC_BLOCK_BYTES / n, GC_GRANULE_BYTES);
}

/* The next size of the upper range: at most an eighth larger, if there is one. */
static uint32_t next_part(uint32_t size) {
  uint32_t limit = size + size / 8, best = 0;
  for (uint32_t n = (uint32_t)(GC_BLOCK_BYTES / size); n >= 2; n--) {
    uint32_t s = nth_part(n);
    if (s <= size)
      continue;
    if (best != 0 && s > limit)
      break;
    best = s;
  }
  return best;
}

void gc_sizeclass_start(void) {
  if (gc_sizes.count != 0)
    return;
  for (uint32_t c = 0; c <= GC_EXACT_CLASSES; c++)
    add_class(c * (uint32_t)GC_GRANULE_BYTES);
  for (uint32_t s = 576; s <= 1024; s += 64)
    add_class(s);
  for (uint32_t s = next_part(1024); s != 0; s = next_part(s))
    add_class(s);
  unsigned c = 1;
  for (size_t g = 0; g <= GC_SMALL_MAX_BYTES / GC_GRANULE_BYTES; g++) {
    while (gc_sizes.of[c].bytes < g * GC_GRANULE_BYTES)
      c++;
    gc_sizes.of_granules[g] = (uint8_t)c;
  }
}
