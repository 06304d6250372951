/* src/reclaim/weak_table.h: from addresses of objects to words.
 * SPDX-License-Identifier: MIT
 *
 * Extendible hashing: the upper bits of an address's hash choose, through a
 * directory, a segment of at most 1023 entries, in which the bits that follow choose
 * a place; what is taken is passed (linear probing). A segment that is full of
 * entries becomes two, one that is full of gaps is written anew, and two that
 * are nearly empty become one. So no operation touches more than a few segments,
 * however large the table is, but for the copying of the directory, 8 bytes for
 * hundreds of entries, when it doubles. A table that doubles as a whole would need
 * three times its memory then, and either a long time at once or two tables to look
 * into.
 *
 * Addresses are stored complemented, so that what the table's code leaves on a stack
 * keeps nothing alive. The table knows no collector: who uses it has the lock, keeps
 * stops away, and drops what died, in the stop. A dropped entry stays as a gap until
 * its segment is written anew; a few segments are looked at by the way, a header for
 * every few operations, as long as gaps are many or segments nearly empty.
 */
#ifndef GC_RECLAIM_WEAK_TABLE_H
#define GC_RECLAIM_WEAK_TABLE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEAK_EMPTY = 0, WEAK_GAP = 1 }; /* instead of a complemented address */

struct gc_weak_entry {
  uint64_t hidden; /* ~address, or one of the above */
  uint64_t value;
};

struct gc_weak_segment {
  struct gc_weak_table *table;
  uint16_t slots; /* 2^n - 1, so that the whole has a size of 2^n entries */
  uint16_t used;  /* live ones and gaps; some slot is always empty */
  uint16_t live;
  uint16_t depth; /* bits of the hash that all its entries share */
  struct gc_weak_entry at[];
};
_Static_assert(sizeof(struct gc_weak_segment) == sizeof(struct gc_weak_entry),
               "the header takes the place of an entry");

#define GC_WEAK_SEGMENT_SLOTS 1023u

struct gc_weak_table {
  struct gc_weak_segment **segments; /* 2^depth; null: closed */
  unsigned depth, least_depth;
  unsigned least_slots; /* of a segment that is alone */
  size_t deepest;       /* segments of this depth */
  size_t live, used, slots;
  size_t cursor; /* where the next look is */
  unsigned ticks;
};

/* Room for so many entries, which it never shrinks below. False: no memory. */
bool gc_weak_table_open(struct gc_weak_table *t, size_t capacity);
void gc_weak_table_close(struct gc_weak_table *t);

/* The entry of an address, or null. Valid until the next operation. */
struct gc_weak_entry *gc_weak_table_find(struct gc_weak_table *t,
                                         const void *address);
/* Enters what is not there. False: no memory. */
bool gc_weak_table_add(struct gc_weak_table *t, const void *address,
                       uint64_t value);
void gc_weak_table_remove(struct gc_weak_table *t, const void *address);

/* A share of the work on gaps; to be called by each operation, first. */
void gc_weak_table_tidy(struct gc_weak_table *t);

/* Copies addresses, complemented, in the order of their hash, which nothing changes:
 * all of those from *cursor on, at most GC_WEAK_COPY, up to some hash. Returns how
 * many; *cursor is where to go on, 0 at the end. */
#define GC_WEAK_COPY 64u
unsigned gc_weak_table_copy(const struct gc_weak_table *t, uint64_t *cursor,
                            uint64_t *out_hidden);

/* Segment after segment, for a walk over all: null at the end. *i starts at 0. */
struct gc_weak_segment *gc_weak_table_next(const struct gc_weak_table *t,
                                           size_t *i);

gc_inline bool gc_weak_entry_is_live(const struct gc_weak_entry *e) {
  return e->hidden > WEAK_GAP;
}

/* The entry leaves a gap. */
gc_inline void gc_weak_entry_drop(struct gc_weak_segment *s,
                                  struct gc_weak_entry *e) {
  e->hidden = WEAK_GAP;
  e->value = 0;
  s->live--;
  s->table->live--;
}

#endif
