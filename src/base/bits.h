/* src/base/bits.h: arithmetic on words as sets of bits. SPDX-License-Identifier: MIT
 */
#ifndef GC_BASE_BITS_H
#define GC_BASE_BITS_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

gc_inline unsigned gc_bits_count(uint64_t w) {
  return (unsigned)__builtin_popcountll(w);
}

/* Index of the lowest set bit; w is not zero. */
gc_inline unsigned gc_bits_lowest(uint64_t w) {
  return (unsigned)__builtin_ctzll(w);
}

/* Floor of the binary logarithm; w is not zero. */
gc_inline unsigned gc_bits_log2(uint64_t w) {
  return 63u - (unsigned)__builtin_clzll(w);
}

/* Bits [lo, hi) of a word; 0 <= lo <= hi <= 64. */
gc_inline uint64_t gc_bits_range(unsigned lo, unsigned hi) {
  uint64_t below_hi = hi == 64 ? ~(uint64_t)0 : ((uint64_t)1 << hi) - 1;
  return lo == 64 ? 0 : below_hi & (~(uint64_t)0 << lo);
}

/* Rounds up or down to a multiple of a power of two. */
gc_inline uintptr_t gc_round_up(uintptr_t n, uintptr_t unit) {
  return (n + unit - 1) & ~(unit - 1);
}

gc_inline uintptr_t gc_round_down(uintptr_t n, uintptr_t unit) {
  return n & ~(unit - 1);
}

#endif
