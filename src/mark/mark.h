/* src/mark/mark.h: from roots to mark bits. SPDX-License-Identifier: MIT
 *
 * A marker owns a stack of grey objects and its counters; all functions take it
 * as their first argument, so that several markers can work side by side later.
 * The world is stopped throughout.
 *
 * Grey entry: address | size field of hot[b] << 48. A size of 0 granules means
 * "the object from here on": large and big small objects are scanned in pieces,
 * the rest going back to the stack first, so the stack stays shallow.
 *
 * Overflow. When the stack cannot grow, an object stays marked but is not scanned;
 * its block is flagged and scanned again when the stack has drained, until no
 * block is flagged. Each round marks at least one piece's worth of new objects
 * or clears a flag, so it ends.
 */
#ifndef GC_MARK_MARK_H
#define GC_MARK_MARK_H

#include "heap/find.h"
#include "heap/meta.h"

struct gc_marker {
  uint64_t *sp;    /* next free entry */
  uint64_t *limit; /* end of the committed stack */
  struct gc_extent stack;
  size_t max_stack_bytes; /* torture: small */
  uint64_t live[2];       /* granules marked: [1] pointer-free */
  bool (*poll)(void);     /* asked now and then: true abandons the collection */
  bool abandoned;         /* poll said so: nothing is marked any more */
  bool overflowed;        /* some block is flagged */
  gc_block_id rescan_block; /* where the rescan stands; 0: none under way */
  unsigned rescan_slot;
};

/* The marker of the collecting thread. */
extern struct gc_marker gc_marker_main;

bool gc_marker_start(struct gc_marker *m, size_t max_entries);
/* Before a collection; poll may be null. */
void gc_marker_reset(struct gc_marker *m, bool (*poll)(void));
/* After it: a stack that grew large is returned to the system. */
void gc_marker_trim(struct gc_marker *m);

/* Marks what one ambiguous word points to and pushes it. */
void gc_mark_word(struct gc_marker *m, uint64_t word);
/* Marks from all aligned words of [lo, hi); drains as needed to make room. */
void gc_mark_range(struct gc_marker *m, const char *lo, const char *hi);
/* Marks from a known object, allocated or not yet: pushes it if it was white. */
void gc_mark_object(struct gc_marker *m, const struct gc_object *object);
/* Marks from what an object refers to, without marking the object. */
void gc_mark_contents(struct gc_marker *m, const struct gc_object *object);
/* The same of objects of a block whose slots are bits of a line of 64, in rising order
 * and up to the first that makes anything grey: its bit, 0: none did. The objects of
 * `self` count as marked while they are looked at. Nothing is grey before. */
uint64_t gc_mark_contents_of_line(struct gc_marker *m, gc_block_id b,
                                  unsigned line, uint64_t slots, uint64_t self);
/* Counts objects of the block that are marked by their bits. */
void gc_mark_count(struct gc_marker *m, gc_block_id b, unsigned objects);
/* Marks from what the descriptor tells of the bytes, an object or a part of one. */
void gc_mark_described(struct gc_marker *m, char *at, size_t bytes,
                       uint64_t descriptor);
/* Scans until nothing is grey; runs overflow rescans. */
void gc_mark_drain(struct gc_marker *m);

/* Pushes the client's mark procedures' finds: tests, sets, pushes. */
void gc_mark_from_proc(struct gc_marker *m, const void *object);

/* Called for each newly marked object in a block that is flagged BF_WATCHED and whose
 * entry makes it special and no leaf, before the object is scanned; perhaps more than
 * once. It may mark from further words. Set by cycle. */
extern void (*gc_mark_watched)(struct gc_marker *m,
                               const struct gc_object *object);

/* Forgets all marks (an abandoned collection). */
void gc_mark_forget_all(void);

#endif
