/* src/reclaim/joint_table.h: from two or three addresses together to words.
 * SPDX-License-Identifier: MIT
 *
 * Open addressing in parts, each an array of its own that is written anew when it is
 * full or nearly empty; so no operation moves more than one part. Addresses are stored
 * complemented, as in reclaim/weak_table, and the rest of what is said there holds here
 * too: the table knows no collector; who uses it has the lock, keeps stops away, and
 * drops what died, in the stop. A dropped entry stays as a gap until its part is
 * written anew.
 */
#ifndef GC_RECLAIM_JOINT_TABLE_H
#define GC_RECLAIM_JOINT_TABLE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GC_JOINT_KEYS 3u
#define GC_JOINT_PARTS 64u

enum { JOINT_EMPTY = 0, JOINT_GAP = 1 }; /* instead of the first address */

struct gc_joint_entry {
  uint64_t hidden[GC_JOINT_KEYS]; /* ~address; 0 from the table's `keys` on */
  uint64_t value;
};

struct gc_joint_part {
  struct gc_joint_entry *at; /* null: none yet */
  size_t slots;              /* a power of two, or 0 */
  size_t used;               /* live ones and gaps; some slot is always empty */
  size_t live;
};

struct gc_joint_table {
  unsigned keys;   /* 2 or 3 */
  unsigned cursor; /* the part that is looked at next */
  struct gc_joint_part part[GC_JOINT_PARTS];
};

/* Null: no memory. */
struct gc_joint_table *gc_joint_table_new(unsigned keys);
void gc_joint_table_free(struct gc_joint_table *t);

/* The entry of the complemented addresses, or null. Valid until the next operation. */
struct gc_joint_entry *gc_joint_table_find(struct gc_joint_table *t,
                                           const uint64_t *hidden);
/* Enters what is not there. False: no memory. */
bool gc_joint_table_add(struct gc_joint_table *t, const uint64_t *hidden,
                        uint64_t value);

/* The entry leaves a gap. */
void gc_joint_table_drop(struct gc_joint_table *t, struct gc_joint_entry *e);

/* Drops all entries with this address among their keys. Looks at all entries. */
void gc_joint_table_forget(struct gc_joint_table *t, const void *address);

/* A share of the work on gaps; to be called by each operation, first. */
void gc_joint_table_tidy(struct gc_joint_table *t);

size_t gc_joint_table_count(const struct gc_joint_table *t);

gc_inline bool gc_joint_entry_is_live(const struct gc_joint_entry *e) {
  return e->hidden[0] > JOINT_GAP;
}

#endif
