/* src/heap/space.c: the reserved range, free blocks, growth, pages given back.
 * SPDX-License-Identifier: MIT
 *
 * One range, so that "is this word a heap address" is one subtraction and one
 * comparison. Without an address-space limit a terabyte is reserved, halved until
 * the system agrees. Under RLIMIT_AS a part of what is left is reserved and the
 * range is extended in place, as far as the addresses behind it are free; the
 * tables are dimensioned for all that the limit could ever allow.
 *
 * The base is random and high: byte 5 of an address stays below 0x20, so that
 * text, small integers and common doubles do not look like heap addresses.
 */
#include "heap/space.h"

#include "base/switches.h"
#include "heap/mark_bits_inline.h"
#include "heap/meta.h"
#include "plat/plat.h"

#define MAX_RESERVE ((size_t)1 << 40)
#define MIN_RESERVE ((size_t)4 << 20)
#define MIN_COMMIT_STEP ((size_t)4 << 20)
#define MAX_COMMIT_STEP ((size_t)64 << 20)

struct gc_heap gc_heap;
size_t gc_heap_round = GC_GRANULE_BYTES - 1;
void (*gc_space_on_resize)(size_t heap_bytes);

static struct gc_lock blocks_lock = GC_LOCK_INIT(RANK_BLOCKS);

static struct {
  size_t reserved, capacity, committed; /* bytes of the heap range */
  struct gc_extent hot, blocks, maps, resident, discarded;
  uint32_t used_blocks; /* block 0 included */
  uint32_t lowest_free; /* no free block lies below */
  uint32_t resident_count, discarded_count;
  size_t limit;
  _Atomic size_t heap_bytes, reported_bytes;
} space;

/* ---- Reservation ---- */

static char *random_hint(void) {
  uint64_t r = gc_plat_random();
  return (char *)(((uint64_t)0x10 + (r & 7)) << 40 | ((r >> 8) & 63) << 34);
}

static bool reserve_heap(size_t bytes) {
  char *p = gc_plat_reserve(random_hint(), bytes + GC_BLOCK_BYTES);
  if (p == NULL)
    return false;
  gc_heap.base = (char *)gc_round_up((uintptr_t)p, GC_BLOCK_BYTES);
  space.reserved = bytes;
  return true;
}

static bool reserve_tables(size_t capacity) {
  size_t n = capacity >> GC_BLOCK_SHIFT;
  size_t map_bytes = n * GC_MAP_PAIR_WORDS * sizeof(uint64_t);
  size_t bit_bytes = gc_round_up(n / 8 + 8, gc_plat_page_bytes());
  if (!gc_extent_reserve(&space.hot, n * 8, n * 8) ||
      !gc_extent_reserve(&space.blocks, n * sizeof(struct gc_block),
                         n * sizeof(struct gc_block)) ||
      !gc_extent_reserve(&space.maps, map_bytes, map_bytes) ||
      !gc_extent_reserve(&space.resident, bit_bytes, bit_bytes) ||
      !gc_extent_reserve(&space.discarded, bit_bytes, bit_bytes))
    return false;
  space.capacity = capacity;
  return true;
}

static bool reserve_unlimited(void) {
  for (size_t bytes = MAX_RESERVE; bytes >= MIN_RESERVE; bytes /= 2)
    if (reserve_heap(bytes))
      return reserve_tables(bytes);
  return false;
}

static bool reserve_within(size_t left) {
  size_t capacity = gc_round_up(left, GC_BLOCK_BYTES);
  for (size_t bytes = gc_round_up(left / 4, GC_BLOCK_BYTES);
       bytes >= MIN_RESERVE; bytes = gc_round_up(bytes / 2, GC_BLOCK_BYTES))
    if (reserve_heap(bytes))
      return reserve_tables(capacity);
  return false;
}

/* Extends the reservation in place, for `bytes` more at least. */
static bool extend_reservation(size_t bytes) {
  char *end = gc_heap.base + space.reserved;
  size_t room = space.capacity - space.reserved;
  if (room < bytes)
    return false;
  size_t step = gc_round_up(space.reserved / 4, GC_BLOCK_BYTES);
  if (step < bytes)
    step = bytes;
  if (step > room)
    step = room;
  for (; step >= bytes; step = gc_round_down(step / 2, GC_BLOCK_BYTES)) {
    if (gc_plat_reserve_at(end, step)) {
      space.reserved += step;
      return true;
    }
  }
  return false;
}

/* ---- Commitment ---- */

static bool commit_tables(size_t heap_bytes) {
  size_t n = heap_bytes >> GC_BLOCK_SHIFT;
  return gc_extent_commit(&space.hot, n * 8) &&
         gc_extent_commit(&space.blocks, n * sizeof(struct gc_block)) &&
         gc_extent_commit(&space.maps,
                          n * GC_MAP_PAIR_WORDS * sizeof(uint64_t)) &&
         gc_extent_commit(&space.resident, n / 8 + 8) &&
         gc_extent_commit(&space.discarded, n / 8 + 8);
}

static bool commit_heap(size_t to) {
  if (to <= space.committed)
    return true;
  if (to > space.reserved && !extend_reservation(to - space.reserved))
    return false;
  size_t step = gc_round_up(space.committed / 4, GC_BLOCK_BYTES);
  if (step < MIN_COMMIT_STEP)
    step = MIN_COMMIT_STEP;
  if (step > MAX_COMMIT_STEP)
    step = MAX_COMMIT_STEP;
  size_t want = space.committed + step;
  if (want < to)
    want = to;
  if (want > space.reserved)
    want = space.reserved;
  for (;; want = to) {
    if (commit_tables(want) && gc_plat_commit(gc_heap.base + space.committed,
                                              want - space.committed)) {
      space.committed = want;
      return true;
    }
    if (want == to)
      return false;
  }
}

void gc_space_start(void) {
  size_t left = gc_plat_address_space_left();
  bool ok = left == SIZE_MAX ? reserve_unlimited() : reserve_within(left);
  if (!ok)
    gc_fatal("cannot reserve address space for the heap; "
             "raise the address-space limit (ulimit -v)");
  gc_heap.hot = (void *)space.hot.base;
  gc_heap.blocks = (void *)space.blocks.base;
  gc_heap.maps = (void *)space.maps.base;
  space.used_blocks = space.lowest_free = 1;
  if (!commit_heap(2 * GC_BLOCK_BYTES))
    gc_fatal("cannot commit memory for the first block of the heap; "
             "raise the memory limit");
  gc_store_rel(&gc_heap.used, GC_BLOCK_BYTES);
  *gc_switches.least_plausible = gc_heap.base + GC_BLOCK_BYTES;
}

void gc_heap_start(bool spare_byte) {
  gc_heap.slop = spare_byte ? 1 : 0;
  gc_heap_round = GC_GRANULE_BYTES - 1 + gc_heap.slop;
  gc_sizeclass_start();
  gc_space_start();
  gc_kind_start();
}

/* ---- Free blocks ---- */

static uint64_t *bits_of(struct gc_extent *e) {
  return (uint64_t *)(void *)e->base;
}

static void set_bit(struct gc_extent *e, uint32_t b, bool on) {
  uint64_t bit = (uint64_t)1 << (b & 63), *w = bits_of(e) + (b >> 6);
  *w = on ? *w | bit : *w & ~bit;
}

static bool test_bit(struct gc_extent *e, uint32_t b) {
  return bits_of(e)[b >> 6] >> (b & 63) & 1;
}

static uint64_t free_bits(uint32_t i, bool discarded_too) {
  uint64_t w = bits_of(&space.resident)[i];
  return discarded_too ? w | bits_of(&space.discarded)[i] : w;
}

/* First fit: n adjacent free blocks below `used`, or 0. */
static gc_block_id find_free_blocks(uint32_t n, bool discarded_too) {
  uint32_t run = 0, b = space.lowest_free;
  while (b < space.used_blocks) {
    uint64_t w = free_bits(b >> 6, discarded_too) >> (b & 63);
    if (w == 0) {
      run = 0;
      b = (b | 63) + 1;
      continue;
    }
    unsigned skip = gc_bits_lowest(w);
    if (skip != 0)
      run = 0;
    w >>= skip;
    b += skip;
    uint32_t ones = ~w == 0 ? 64 : gc_bits_lowest(~w);
    if (ones > 64 - (b & 63))
      ones = 64 - (b & 63);
    run += ones;
    b += ones;
    if (run >= n)
      return b - run;
  }
  return 0;
}

static void take_free(gc_block_id b, uint32_t n) {
  for (uint32_t i = b; i < b + n; i++) {
    if (test_bit(&space.resident, i)) {
      set_bit(&space.resident, i, false);
      space.resident_count--;
    } else {
      set_bit(&space.discarded, i, false);
      space.discarded_count--;
    }
  }
}

static void update_heap_bytes(void) {
  size_t n = space.used_blocks - 1 - space.discarded_count;
  gc_store_rlx(&space.heap_bytes, n << GC_BLOCK_SHIFT);
}

static bool within_limit(uint32_t more_blocks) {
  size_t now = gc_load_rlx(&space.heap_bytes);
  size_t more = (size_t)more_blocks << GC_BLOCK_SHIFT;
  return space.limit == 0 || now + more <= space.limit;
}

/* Moves the frontier; the new blocks are zero and belong to the caller. */
static gc_block_id advance_frontier(uint32_t n) {
  size_t to = ((size_t)space.used_blocks + n) << GC_BLOCK_SHIFT;
  if (to >> GC_BLOCK_SHIFT > UINT32_MAX || !within_limit(n) || !commit_heap(to))
    return 0;
  gc_block_id b = space.used_blocks;
  space.used_blocks += n;
  gc_store_rel(&gc_heap.used, to);
  /* Before anything is allocated there: client mark procedures test it. */
  *gc_switches.greatest_plausible = gc_heap.base + to;
  update_heap_bytes();
  return b;
}

static uint32_t count_discarded(gc_block_id b, uint32_t n) {
  uint32_t count = 0;
  for (uint32_t i = b; i < b + n; i++)
    count += test_bit(&space.discarded, i);
  return count;
}

static gc_block_id take_locked(uint32_t n, bool may_grow) {
  gc_block_id b = find_free_blocks(n, false);
  if (b == 0 && may_grow) {
    b = find_free_blocks(n, true);
    if (b != 0 && !within_limit(count_discarded(b, n)))
      b = 0;
    if (b == 0)
      return advance_frontier(n);
  }
  if (b == 0)
    return 0;
  take_free(b, n);
  update_heap_bytes();
  if (b == space.lowest_free)
    space.lowest_free = b + n;
  return b;
}

gc_block_id gc_space_take(uint32_t n, bool may_grow) {
  gc_lock(&blocks_lock);
  gc_block_id b = take_locked(n, may_grow);
  gc_unlock(&blocks_lock);
  return b;
}

bool gc_space_take_at(gc_block_id b, uint32_t n) {
  gc_lock(&blocks_lock);
  bool ok = b + n <= space.used_blocks;
  for (uint32_t i = b; ok && i < b + n; i++)
    ok = test_bit(&space.resident, i);
  if (ok)
    take_free(b, n);
  gc_unlock(&blocks_lock);
  return ok;
}

static void give_locked(gc_block_id b, uint32_t n) {
  for (uint32_t i = b; i < b + n; i++) {
    gc_store_rel(&gc_heap.hot[i], 0);
    gc_heap.blocks[i].freed_epoch = gc_heap.epoch;
    set_bit(&space.resident, i, true);
  }
  space.resident_count += n;
  if (b < space.lowest_free)
    space.lowest_free = b;
}

void gc_space_give(gc_block_id b, uint32_t n) {
  gc_lock(&blocks_lock);
  give_locked(b, n);
  gc_unlock(&blocks_lock);
}

bool gc_space_expand(size_t bytes) {
  size_t n = gc_round_up(bytes, GC_BLOCK_BYTES) >> GC_BLOCK_SHIFT;
  if (n == 0)
    n = 1;
  if (bytes > MAX_RESERVE)
    return false;
  gc_lock(&blocks_lock);
  gc_block_id b = advance_frontier((uint32_t)n);
  if (b != 0)
    give_locked(b, (uint32_t)n);
  gc_unlock(&blocks_lock);
  return b != 0;
}

/* ---- Returning pages ---- */

static bool may_discard(uint32_t b, uint32_t age) {
  return test_bit(&space.resident, b) &&
         gc_heap.epoch - gc_heap.blocks[b].freed_epoch >= age;
}

static void discard_run(uint32_t b, uint32_t n) {
  gc_plat_discard(gc_block_address(b), (size_t)n << GC_BLOCK_SHIFT);
  for (uint32_t i = b; i < b + n; i++) {
    set_bit(&space.resident, i, false);
    set_bit(&space.discarded, i, true);
    gc_heap.blocks[i].pristine_from = 0;
  }
  space.resident_count -= n;
  space.discarded_count += n;
}

/* From high addresses down, so that the heap's low part stays dense. */
size_t gc_space_discard(uint32_t age, size_t keep_bytes) {
  size_t before = gc_load_rlx(&space.heap_bytes);
  gc_lock(&blocks_lock);
  size_t excess = before > keep_bytes ? before - keep_bytes : 0;
  uint32_t budget = (uint32_t)(excess >> GC_BLOCK_SHIFT);
  for (uint32_t b = space.used_blocks; budget > 0 && b > 1;) {
    uint32_t n = 0;
    while (b > 1 && n < budget && may_discard(b - 1, age)) {
      b--;
      n++;
    }
    if (n > 0)
      discard_run(b, n);
    else
      b--;
    budget -= n;
  }
  update_heap_bytes();
  gc_unlock(&blocks_lock);
  return before - gc_load_rlx(&space.heap_bytes);
}

/* ---- Questions ---- */

void gc_space_set_limit(size_t bytes) { space.limit = bytes; }
size_t gc_space_limit(void) { return space.limit; }

size_t gc_space_heap_bytes(void) { return gc_load_rlx(&space.heap_bytes); }

size_t gc_space_free_bytes(void) {
  return (size_t)space.resident_count << GC_BLOCK_SHIFT;
}

size_t gc_space_discarded_bytes(void) {
  return (size_t)space.discarded_count << GC_BLOCK_SHIFT;
}

void gc_space_report_growth(void) {
  size_t now = gc_load_rlx(&space.heap_bytes);
  size_t then = gc_load_rlx(&space.reported_bytes);
  if (now <= then || gc_space_on_resize == NULL)
    return;
  gc_store_rlx(&space.reported_bytes, now);
  gc_space_on_resize(now);
}

void gc_space_lock_for_fork(void) { gc_lock(&blocks_lock); }

void gc_space_unlock_after_fork(bool in_child) {
  (void)in_child;
  gc_unlock(&blocks_lock);
}

/* Free blocks have zero maps and a zero entry; counts agree. */
bool gc_space_check(void) {
  uint32_t resident = 0, discarded = 0;
  for (uint32_t b = 1; b < space.used_blocks; b++) {
    bool r = test_bit(&space.resident, b), d = test_bit(&space.discarded, b);
    resident += r;
    discarded += d;
    if (!r && !d)
      continue;
    if ((r && d) || gc_block_hot(b) != 0 || b < space.lowest_free)
      return false;
    for (unsigned i = 0; i < GC_MAP_PAIR_WORDS; i++)
      if (gc_load_rlx(gc_maps_of(b) + i) != 0)
        return false;
  }
  return resident == space.resident_count && discarded == space.discarded_count;
}
