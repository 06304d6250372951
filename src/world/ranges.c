/* src/world/ranges.c: sets of addresses as sorted, disjoint ranges.
 * SPDX-License-Identifier: MIT
 */
#include "world/ranges.h"

#include "base/bits.h"
#include "plat/plat.h"

#define FIRST_TABLE_BYTES ((size_t)4096)

/* Makes room for one more range: an operation adds at most one. */
static bool has_room_for_one(struct gc_ranges *set) {
  if (set->count < set->capacity)
    return true;
  size_t old_bytes = set->capacity * sizeof *set->at;
  size_t bytes = old_bytes == 0
                     ? gc_round_up(FIRST_TABLE_BYTES, gc_plat_page_bytes())
                     : old_bytes * 2;
  struct gc_range *at = gc_plat_reserve(NULL, bytes);
  if (at == NULL)
    return false;
  if (!gc_plat_commit(at, bytes)) {
    gc_plat_release(at, bytes);
    return false;
  }
  if (old_bytes != 0) {
    __builtin_memcpy(at, set->at, set->count * sizeof *at);
    gc_plat_release(set->at, old_bytes);
  }
  set->at = at;
  set->capacity = bytes / sizeof *at;
  return true;
}

/* Index of the first range that ends at p or behind it. */
static size_t first_ending_from(const struct gc_ranges *set, const char *p) {
  size_t below = 0, above = set->count;
  while (below < above) {
    size_t middle = below + (above - below) / 2;
    if (set->at[middle].hi < p)
      below = middle + 1;
    else
      above = middle;
  }
  return below;
}

/* Replaces ranges [from, to) by n ranges, for which there is room. */
static void replace_ranges(struct gc_ranges *set, size_t from, size_t to,
                           const struct gc_range *with, size_t n) {
  __builtin_memmove(&set->at[from + n], &set->at[to],
                    (set->count - to) * sizeof *set->at);
  __builtin_memcpy(&set->at[from], with, n * sizeof *with);
  set->count = set->count - (to - from) + n;
}

bool gc_ranges_add(struct gc_ranges *set, char *lo, char *hi) {
  if (lo >= hi)
    return true;
  if (!has_room_for_one(set))
    return false;
  size_t from = first_ending_from(set, lo), to = from;
  struct gc_range merged = {lo, hi};
  for (; to < set->count && set->at[to].lo <= hi; to++) {
    if (set->at[to].lo < merged.lo)
      merged.lo = set->at[to].lo;
    if (set->at[to].hi > merged.hi)
      merged.hi = set->at[to].hi;
  }
  replace_ranges(set, from, to, &merged, 1);
  return true;
}

bool gc_ranges_remove(struct gc_ranges *set, char *lo, char *hi) {
  if (lo >= hi)
    return true;
  if (!has_room_for_one(set))
    return false;
  size_t from = first_ending_from(set, lo), to = from, n = 0;
  struct gc_range rest[2];
  for (; to < set->count && set->at[to].lo < hi; to++) {
    struct gc_range r = set->at[to];
    if (r.lo < lo)
      rest[n++] = (struct gc_range){r.lo, r.hi < lo ? r.hi : lo};
    if (r.hi > hi)
      rest[n++] = (struct gc_range){hi, r.hi};
  }
  replace_ranges(set, from, to, rest, n);
  return true;
}

void gc_ranges_clear(struct gc_ranges *set) { set->count = 0; }

bool gc_ranges_add_all(struct gc_ranges *set, const struct gc_ranges *other) {
  for (size_t i = 0; i < other->count; i++)
    if (!gc_ranges_add(set, other->at[i].lo, other->at[i].hi))
      return false;
  return true;
}

bool gc_ranges_remove_all(struct gc_ranges *set,
                          const struct gc_ranges *other) {
  for (size_t i = 0; i < other->count; i++)
    if (!gc_ranges_remove(set, other->at[i].lo, other->at[i].hi))
      return false;
  return true;
}

bool gc_ranges_contain(const struct gc_ranges *set, const char *p) {
  size_t i = first_ending_from(set, p + 1);
  return i < set->count && set->at[i].lo <= p;
}

size_t gc_ranges_bytes(const struct gc_ranges *set) {
  size_t bytes = 0;
  for (size_t i = 0; i < set->count; i++)
    bytes += (size_t)(set->at[i].hi - set->at[i].lo);
  return bytes;
}
