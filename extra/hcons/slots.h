/* extra/hcons/slots.h: open-addressing array of node addresses. SPDX-License-Identifier: MIT */
/* A slot is one word: the node's address over 16 in the low 43 bits and the low
 * 21 bits of its hash above.  0 is an empty slot. The two cache lines of an
 * entry's home, sixteen places, are taken from the top of its hash, below `skip`
 * bits that chose the shard, so the array is nearly sorted by hash, moving it
 * streams through both arrays, and probing goes upwards from the home. The place in
 * them is the low bits of the hash: keys that are near each other (keys.h) differ
 * in them only, and so share the lines in arrays of any size.
 *
 * Invariants of an array: (1) no empty slot lies between an entry's home and its
 * place; (2) at least one slot is empty. There are no tombstones: erasing shifts
 * later entries back. That and moving need the homes of entries; in an array of at
 * least 2^15 slots the bits that tag and home share, together with (1) and an empty
 * slot not far before, give the home without reading the node, which is likely to be
 * cold or dead.
 *
 * A resize is a move in steps. Entries go to `now` in the order of their places
 * in `old`; those below `moved` have gone, and what still stands there counts no
 * more. Every change moves HC_SLOTS_STEP places on, which is often enough to be
 * through before the next resize falls due, and gives `old` back in pieces. New entries
 * go to `old`, too, if their home there has not moved. An
 * entry that dies in the part that has not moved leaves a mark that ends nothing
 * (HC_SLOT_GONE); the marks go with `old`.
 *
 * `now` can be searched without the lock (unlocked.h), by way of `open`, one word. What
 * such a search finds has been in the table since it read that word; what it does not
 * find may be there all the same, when entries were shifted meanwhile. So memory of arrays
 * stays mapped until the table goes: pages are given back, which leaves empty
 * slots, and the address range waits for the next array of its size.
 *
 * A place that a look-up found empty is still the first empty one for its key if
 * `changes` is what it was; and if there was something to spare then, there is now.
 *
 * The memory is mapped, not taken from malloc: the array is used under locks that
 * reclaim callbacks take, where a malloc that might itself be the collector's
 * would deadlock, and the collector must not scan it. Callers do the locking. */
#ifndef HCONS_SLOTS_H
#define HCONS_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  HC_SLOT_TAG_BITS = 21,
  HC_SLOT_ADDR_BITS = 64 - HC_SLOT_TAG_BITS,
  HC_SLOT_ADDR_SHIFT = 4,
  HC_SLOT_NEAR_BITS = 4, /* of a place in two cache lines */
  HC_SLOT_NEAR_MASK = (1 << HC_SLOT_NEAR_BITS) - 1,
  HC_SLOT_GONE = 1, /* no node lies at address 16 */
  HC_SLOTS_MIN_BITS = 9,
  HC_SLOTS_MAX_BITS = 31,
  HC_OPEN_BITS = 31,   /* in `open`: the array's `bits` */
  HC_OPEN_MOVING = 32, /* entries are in `old`, too */
  HC_SLOTS_STEP = 32
};

struct hc_array {
  uint64_t *slot; /* NULL: there is none */
  size_t mask;    /* of places */
  size_t lines;   /* the same without the bits within a line */
  unsigned bits;
  unsigned shift;      /* of a hash: what is below the home */
  unsigned wide_shift; /* the same of a hash in the upper half of a word */
};

/* What every change writes comes first, beside the lock in a shard; what look-ups
 * without the lock read lies in other cache lines. */
struct hc_slots {
  size_t used;
  size_t
      spare; /* so many may be put before a reserve; 0 while a move is under way */
  uint64_t changes;         /* of `spare` and of which places are empty */
  uint64_t entered, erased; /* since the beginning; `used` is the difference */
  _Atomic uintptr_t open;   /* [atomic: w under the lock / r by any] */
  unsigned skip;            /* [const] */
  struct hc_array now;
  struct hc_array old;
  size_t moved; /* places of `old` that count no more */
  size_t run; /* so many places before that one were taken, or more than are */
  size_t emptied; /* places of `old` whose memory is given back */
  uint64_t *retired[HC_SLOTS_MAX_BITS + 1]; /* empty arrays, by bits */
};

/* Room for HINT entries whose hashes agree in their SKIP top bits. */
bool hc_slots_init(struct hc_slots *s, size_t hint, unsigned skip);
void hc_slots_drop(struct hc_slots *s);

/* Makes room for one more entry; false when the array is full and cannot grow.
 * Sets *OUT_RESIZED to +1, -1 or 0: a resize to more or less slots began. */
bool hc_slots_reserve(struct hc_slots *s, int *out_resized);

/* Shrinks a sparse array and waits for the end of it; true when it did. */
bool hc_slots_trim(struct hc_slots *s);

/* Goes on with a move; all the way for SIZE_MAX. */
void hc_slots_move(struct hc_slots *s, size_t places);

/* Needs a successful reserve; the node is not in the array yet. */
void hc_slots_insert(struct hc_slots *s, uint32_t hash, const void *node);

/* Removes this very node; false when it is not there. */
bool hc_slots_erase(struct hc_slots *s, uint32_t hash, const void *node);

static inline size_t hc_array_size(const struct hc_array *a) {
  return (size_t)1 << a->bits;
}

static inline size_t hc_slots_mask(const struct hc_slots *s) {
  return s->now.mask;
}

/* From the bits of the hash above those that are too many. */
static inline size_t hc_slot_home(uint32_t top, size_t lines, uint32_t hash) {
  return (top & lines) + (hash & HC_SLOT_NEAR_MASK);
}

static inline size_t hc_array_home(const struct hc_array *a, uint32_t hash) {
  return hc_slot_home(hash >> a->shift, a->lines, hash);
}

static inline size_t hc_slots_home(const struct hc_slots *s, uint32_t hash) {
  return hc_array_home(&s->now, hash);
}

/* The same, of a hash in the upper half of a word, in fewer steps from one to the other. */
static inline size_t hc_slots_home_wide(const struct hc_slots *s,
                                        uint64_t hash) {
  const struct hc_array *a = &s->now;
  return (hash >> a->wide_shift & a->lines) + (hash >> 32 & HC_SLOT_NEAR_MASK);
}

/* Has the places where an entry with this hash is looked for first brought near. */
static inline void hc_slots_fetch(const struct hc_slots *s, uint32_t hash) {
  __builtin_prefetch(&s->now.slot[hc_slots_home(s, hash)], 1);
}

static inline uint64_t hc_slots_word(uint32_t hash, const void *node) {
  return (uint64_t)(uintptr_t)node >> HC_SLOT_ADDR_SHIFT |
         (uint64_t)hash << HC_SLOT_ADDR_BITS;
}

/* Whoever finds the word without the lock finds the node written. */
static inline void hc_slot_write(uint64_t *slot, uint64_t word) {
  __atomic_store_n(slot, word, __ATOMIC_RELEASE);
}

/* Inserts into the first empty place from the entry's home on, while there is
 * something to spare. */
static inline void hc_slots_put(struct hc_slots *s, uint32_t hash, size_t pos,
                                const void *node) {
  hc_slot_write(&s->now.slot[pos], hc_slots_word(hash, node));
  s->used++;
  s->entered++;
  s->spare--;
  s->changes++;
}

static inline uint64_t hc_slots_tag(uint32_t hash) {
  return (uint64_t)hash << HC_SLOT_ADDR_BITS;
}

static inline bool hc_slots_tag_is(uint64_t slot, uint64_t tag) {
  return (slot ^ tag) >> HC_SLOT_ADDR_BITS == 0;
}

static inline void *hc_slots_node(uint64_t slot) {
  uint64_t address =
      slot << HC_SLOT_TAG_BITS >> (HC_SLOT_TAG_BITS - HC_SLOT_ADDR_SHIFT);
  return (void *)(uintptr_t)address;
}

/* The same in a variable that the compiler cannot make again from the slot. So it is
 * there, in a register or on the stack, as long as it is used, and keeps the node. */
static inline void *hc_slots_held_node(uint64_t slot) {
  void *node = hc_slots_node(slot);
  __asm__ volatile("" : "+r"(node));
  return node;
}

#endif
