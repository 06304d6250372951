/* extra/hcons/slots.h: open-addressing array of node addresses. SPDX-License-Identifier: MIT */
/* A slot is one word: the node's address over 16 in the low 43 bits and the low
 * 21 bits of its hash above.  0 is an empty slot. An entry's home is the top
 * bits of its hash, so the array is nearly sorted by hash, a rehash streams
 * through both arrays, and probing goes upwards from the home.
 *
 * Invariants: (1) no empty slot lies between an entry's home and its place;
 * (2) `reach` is at least the distance of any entry from its home; (3) at least
 * one slot is empty. There are no tombstones: erasing shifts later entries
 * back. That and a rehash need the homes of entries; in an array of more than
 * 2^11 slots the bits that tag and home share, together with (2), give the home
 * without reading the node, which is likely to be cold or dead.
 *
 * The memory is mapped, not taken from malloc: the array is used under the
 * collector's lock, where a malloc that might itself be the collector's would
 * deadlock, and the collector must not scan it. Callers do the locking. */
#ifndef HCONS_SLOTS_H
#define HCONS_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  HC_SLOT_TAG_BITS = 21,
  HC_SLOT_ADDR_BITS = 64 - HC_SLOT_TAG_BITS,
  HC_SLOT_ADDR_SHIFT = 4,
  HC_SLOTS_MIN_BITS = 9,
  HC_SLOTS_MAX_BITS = 31
};

struct hc_slots {
  uint64_t *slot;
  unsigned bits;
  size_t used;
  size_t reach;
};

bool hc_slots_init(struct hc_slots *s, size_t hint);
void hc_slots_drop(struct hc_slots *s);

/* Makes room for one more entry; false when the array is full and cannot grow.
 * Sets *OUT_RESIZED to +1, -1 or 0 for grown, shrunk or untouched. */
bool hc_slots_reserve(struct hc_slots *s, int *out_resized);

/* Shrinks a sparse array; true when it did. */
bool hc_slots_trim(struct hc_slots *s);

/* Needs a successful reserve; the node is not in the array yet. */
void hc_slots_insert(struct hc_slots *s, uint32_t hash, const void *node);

/* Removes this very node; false when it is not there. */
bool hc_slots_erase(struct hc_slots *s, uint32_t hash, const void *node);

/* Distance of the entry at POS from its home. */
size_t hc_slots_distance(const struct hc_slots *s, size_t pos);

static inline size_t hc_slots_mask(const struct hc_slots *s) {
  return ((size_t)1 << s->bits) - 1;
}

static inline size_t hc_slots_home(const struct hc_slots *s, uint32_t hash) {
  return hash >> (32 - s->bits);
}

static inline uint64_t hc_slots_tag(uint32_t hash) {
  return (uint64_t)hash << HC_SLOT_ADDR_BITS;
}

static inline bool hc_slots_tag_is(uint64_t slot, uint64_t tag) {
  return (slot ^ tag) >> HC_SLOT_ADDR_BITS == 0;
}

static inline void *hc_slots_node(uint64_t slot) {
  uint64_t low = slot & (((uint64_t)1 << HC_SLOT_ADDR_BITS) - 1);
  return (void *)(uintptr_t)(low << HC_SLOT_ADDR_SHIFT);
}

#endif
