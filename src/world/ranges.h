/* src/world/ranges.h: sets of addresses as sorted, disjoint ranges.
 * SPDX-License-Identifier: MIT
 *
 * Ranges that overlap or touch are one. The table lies in pages of its own and
 * doubles when it is full. Not locked: the owner does that. A zeroed struct is
 * an empty set.
 */
#ifndef GC_WORLD_RANGES_H
#define GC_WORLD_RANGES_H

#include "base/config.h"

struct gc_range {
  char *lo, *hi; /* lo < hi */
};

struct gc_ranges {
  struct gc_range *at;
  size_t count, capacity;
};

/* An empty or reversed range changes nothing. False: no memory, and the set is
 * as it was. */
bool gc_ranges_add(struct gc_ranges *set, char *lo, char *hi);
bool gc_ranges_remove(struct gc_ranges *set, char *lo, char *hi);
void gc_ranges_clear(struct gc_ranges *set);
/* Adds, or removes, all ranges of another set. */
bool gc_ranges_add_all(struct gc_ranges *set, const struct gc_ranges *other);
bool gc_ranges_remove_all(struct gc_ranges *set, const struct gc_ranges *other);
bool gc_ranges_contain(const struct gc_ranges *set, const char *p);
size_t gc_ranges_bytes(const struct gc_ranges *set);

#endif
