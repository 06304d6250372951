/* src/mark/typed.h: layouts that no plain descriptor holds: long bit maps, arrays.
 * SPDX-License-Identifier: MIT
 *
 * Both are mark procedures of our own, under reserved numbers. A long bit map is a
 * record in memory that is never given back; the descriptor's environment is its
 * address. An array of elements has its layout in its last words, so that its kind
 * serves all element types.
 */
#ifndef GC_MARK_TYPED_H
#define GC_MARK_TYPED_H

#include "heap/find.h"

/* The last words of an array. All zero: nothing is scanned. */
struct gc_typed_array {
  uint64_t element_bytes; /* whole words */
  uint64_t element;       /* descriptor */
  uint64_t count;         /* stored last */
};

/* Installs the procedures. Idempotent. */
void gc_typed_start(void);
/* Bit i % 64 of map[i / 64]: word i may be a reference. Without memory for a long map
 * the descriptor is the length up to the last set bit. */
uint64_t gc_typed_descriptor(const uint64_t *map, size_t words);
/* Descriptor of a kind of arrays. */
uint64_t gc_typed_array_descriptor(void);
/* Descriptor for count elements in a row, each of so many words; 0: there is none
 * without a record. */
uint64_t gc_typed_repeat(uint64_t element, size_t element_words, size_t count);

#endif
