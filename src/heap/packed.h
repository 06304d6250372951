/* src/heap/packed.h: 64 places of which only those in use take memory.
 * SPDX-License-Identifier: MIT
 *
 * A word says which places are in use; their entries of one or two words stand side
 * by side in the order of the places, so an entry's index is the number of bits below
 * its own. Memory comes in powers of two from heap/meta. Who fills the places in
 * rising order, as objects are allocated, moves nothing. The caller has the lock.
 */
#ifndef GC_HEAP_PACKED_H
#define GC_HEAP_PACKED_H

#include "base/bits.h"
#include "base/compiler.h"

#include <stdbool.h>

struct gc_packed {
  uint64_t used; /* bit i: place i has an entry */
  uint64_t at; /* address of the entries, a multiple of 64; in its low bits the
                    logarithm of how many there is room for, in the upper ones how
                    many there are; 0: none */
};

#define PACKED_ROOM_MASK UINT64_C(63)
#define PACKED_COUNT_SHIFT 56u
#define PACKED_ADDRESS_MASK                                                    \
  (((UINT64_C(1) << PACKED_COUNT_SHIFT) - 1) & ~PACKED_ROOM_MASK)

gc_inline uint64_t *gc_packed_entries(const struct gc_packed *p) {
  return (uint64_t *)(uintptr_t)(p->at & PACKED_ADDRESS_MASK);
}

gc_inline bool gc_packed_has(const struct gc_packed *p, unsigned place) {
  return p->used >> place & 1;
}

gc_inline unsigned gc_packed_count(const struct gc_packed *p) {
  return (unsigned)(p->at >> PACKED_COUNT_SHIFT);
}

/* Number of entries before a place. Counting bits is a call, and the last place or the
 * one behind it is what mostly is asked for. */
gc_inline unsigned gc_packed_rank(const struct gc_packed *p, unsigned place) {
  uint64_t from = p->used >> place;
  if (gc_likely(from <= 1))
    return gc_packed_count(p) - (unsigned)from;
  return gc_bits_count(p->used & (((uint64_t)1 << place) - 1));
}

/* The entry of a place in use. */
gc_inline uint64_t *gc_packed_entry(const struct gc_packed *p, unsigned place,
                                    unsigned words) {
  return gc_packed_entries(p) + gc_packed_rank(p, place) * words;
}

/* Room for an entry at a place that has none; its words are not set. Null: no memory,
 * and nothing is changed. */
uint64_t *gc_packed_add(struct gc_packed *p, unsigned place, unsigned words);
/* Takes out the entries of these places, all of them in use. */
void gc_packed_remove(struct gc_packed *p, uint64_t places, unsigned words);

#endif
