/* tests/unit/world_ranges.c: sets of ranges against a bitmap.
 * SPDX-License-Identifier: MIT
 */
#include "world/ranges.h"

#include "plat/plat.h"

#include <string.h>

#include "lib/tap.h"

#define UNIVERSE 2048u

static char universe[UNIVERSE + 1];
static bool model[UNIVERSE];

static bool is_sorted_and_disjoint(const struct gc_ranges *set) {
  for (size_t i = 0; i < set->count; i++) {
    if (set->at[i].lo >= set->at[i].hi)
      return false;
    if (i > 0 && set->at[i - 1].hi >= set->at[i].lo)
      return false;
  }
  return true;
}

static void compare_with_model(const struct gc_ranges *set) {
  size_t bytes = 0;
  for (unsigned i = 0; i < UNIVERSE; i++) {
    bytes += model[i];
    if (gc_ranges_contain(set, &universe[i]) != model[i])
      tap_require(!"a member differs");
  }
  tap_eq_u(gc_ranges_bytes(set), bytes);
  tap_require(is_sorted_and_disjoint(set));
}

static void change_at_random(struct gc_ranges *set, unsigned most) {
  unsigned lo = (unsigned)(tap_rand() % UNIVERSE);
  unsigned hi = lo + (unsigned)(tap_rand() % most);
  bool add = tap_rand() % 2;
  hi = hi > UNIVERSE ? UNIVERSE : hi;
  tap_require((add ? gc_ranges_add : gc_ranges_remove)(set, &universe[lo],
                                                       &universe[hi]));
  memset(&model[lo], add, hi - lo);
}

static void random_changes(void) {
  static const unsigned most[] = {3, 10, 100, UNIVERSE};
  for (unsigned i = 0; i < sizeof most / sizeof *most; i++) {
    struct gc_ranges set = {0};
    memset(model, 0, sizeof model);
    for (unsigned step = 0; step < (tap_long() ? 100000 : 5000); step++) {
      change_at_random(&set, most[i]);
      compare_with_model(&set);
    }
  }
}

static void touching_ranges_are_one(void) {
  struct gc_ranges set = {0};
  gc_ranges_add(&set, universe, universe + 8);
  gc_ranges_add(&set, universe + 16, universe + 24);
  tap_eq_u(set.count, 2);
  gc_ranges_add(&set, universe + 8, universe + 16);
  tap_eq_u(set.count, 1);
  gc_ranges_remove(&set, universe + 4, universe + 4);
  gc_ranges_add(&set, universe + 40, universe + 30);
  tap_eq_u(set.count, 1);
  tap_eq_u(gc_ranges_bytes(&set), 24);
}

static void many_ranges_make_the_table_grow(void) {
  struct gc_ranges set = {0};
  char *base = (char *)0x1000;
  size_t n = 20000;
  for (size_t i = 0; i < n; i++)
    tap_require(gc_ranges_add(&set, base + 16 * i, base + 16 * i + 8));
  tap_eq_u(set.count, n);
  tap_check(is_sorted_and_disjoint(&set));
  tap_require(gc_ranges_remove(&set, base, base + 16 * n));
  tap_eq_u(set.count, 0);
}

static void without_memory_nothing_changes(void) {
  struct gc_ranges set = {0};
  gc_plat_fail_every(1);
  tap_check(!gc_ranges_add(&set, universe, universe + 8));
  tap_eq_u(set.count, 0);
  gc_plat_fail_every(0);
  tap_check(gc_ranges_add(&set, universe, universe + 8));
}

TAP_MAIN(TAP_CASE(random_changes), TAP_CASE(touching_ranges_are_one),
         TAP_CASE(many_ranges_make_the_table_grow),
         TAP_CASE(without_memory_nothing_changes))
