/* tests/unit/base_bits.c: words as sets of bits. SPDX-License-Identifier: MIT
 */
#include "base/bits.h"

#include "lib/tap.h"

static unsigned count_slowly(uint64_t w) {
  unsigned n = 0;
  for (; w != 0; w >>= 1)
    n += w & 1;
  return n;
}

static void counts_and_positions(void) {
  for (unsigned i = 0; i < 64; i++) {
    uint64_t bit = (uint64_t)1 << i;
    tap_eq_u(gc_bits_lowest(bit), i);
    tap_eq_u(gc_bits_log2(bit), i);
    tap_eq_u(gc_bits_log2(bit | 1), i);
  }
  for (unsigned i = 0; i < 10000; i++) {
    uint64_t w = tap_rand() & tap_rand();
    if (!tap_eq_u(gc_bits_count(w), count_slowly(w)))
      return;
  }
}

static void ranges_of_bits(void) {
  for (unsigned lo = 0; lo <= 64; lo++)
    for (unsigned hi = lo; hi <= 64; hi++) {
      uint64_t want = 0;
      for (unsigned i = lo; i < hi; i++)
        want |= (uint64_t)1 << i;
      tap_eq_u(gc_bits_range(lo, hi), want);
    }
}

static void rounding(void) {
  for (unsigned shift = 0; shift < 20; shift++)
    for (unsigned i = 0; i < 1000; i++) {
      uintptr_t unit = (uintptr_t)1 << shift, n = tap_rand() >> 20;
      uintptr_t down = n / unit * unit;
      tap_eq_u(gc_round_down(n, unit), down);
      tap_eq_u(gc_round_up(n, unit), down == n ? n : down + unit);
    }
}

TAP_MAIN(TAP_CASE(counts_and_positions), TAP_CASE(ranges_of_bits),
         TAP_CASE(rounding))
