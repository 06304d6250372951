/* extra/hcons/slots.c: placing, erasing and rehashing of slots. SPDX-License-Identifier: MIT */
/* See slots.h for the form of a slot and the invariants. The load stays
 * between 1/8 and 3/4; growing doubles, shrinking aims at 1/4 to 1/2, so that
 * a rehash is paid for by at least an eighth of the size in changes. */
#include "hcons/slots.h"

#include "hcons/hcons.h"

#include <sys/mman.h>

static uint64_t *map_slots(unsigned bits) {
  size_t bytes = sizeof(uint64_t) << bits;
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static unsigned bits_for(size_t entries) {
  unsigned bits = HC_SLOTS_MIN_BITS;
  while (bits < HC_SLOTS_MAX_BITS && entries > (size_t)1 << (bits - 1))
    bits++;
  return bits;
}

bool hc_slots_init(struct hc_slots *s, size_t hint) {
  s->bits = bits_for(hint);
  s->used = 0;
  s->reach = 0;
  s->slot = map_slots(s->bits);
  return s->slot != NULL;
}

void hc_slots_drop(struct hc_slots *s) {
  if (s->slot != NULL)
    munmap(s->slot, sizeof(uint64_t) << s->bits);
  s->slot = NULL;
  s->used = 0;
}

/* How many low bits of a home the tag also holds. */
static unsigned shared_bits(const struct hc_slots *s) {
  unsigned below_home = 32 - s->bits;
  return below_home < HC_SLOT_TAG_BITS ? HC_SLOT_TAG_BITS - below_home : 0;
}

size_t hc_slots_distance(const struct hc_slots *s, size_t pos) {
  size_t window = ((size_t)1 << shared_bits(s)) - 1;
  size_t home;
  if (s->reach <= window)
    home = s->slot[pos] >> HC_SLOT_ADDR_BITS >> (32 - s->bits);
  else {
    home = hc_slots_home(s, hc_hash(hc_slots_node(s->slot[pos])));
    window = hc_slots_mask(s);
  }
  return (pos - home) & window;
}

static uint32_t hash_at(const struct hc_slots *s, size_t pos) {
  unsigned below_home = 32 - s->bits;
  uint32_t tag = (uint32_t)(s->slot[pos] >> HC_SLOT_ADDR_BITS);
  size_t home = (pos - hc_slots_distance(s, pos)) & hc_slots_mask(s);
  if (below_home > HC_SLOT_TAG_BITS)
    return hc_hash(hc_slots_node(s->slot[pos]));
  return (uint32_t)home << below_home |
         (tag & (((uint32_t)1 << below_home) - 1));
}

static void place(struct hc_slots *s, uint32_t hash, uint64_t word) {
  size_t mask = hc_slots_mask(s);
  size_t home = hc_slots_home(s, hash);
  size_t distance = 0;
  while (s->slot[(home + distance) & mask] != 0)
    distance++;
  s->slot[(home + distance) & mask] = word;
  if (distance > s->reach)
    s->reach = distance;
}

void hc_slots_insert(struct hc_slots *s, uint32_t hash, const void *node) {
  uint64_t low = (uint64_t)(uintptr_t)node >> HC_SLOT_ADDR_SHIFT;
  place(s, hash, low | hc_slots_tag(hash));
  s->used++;
}

static bool rehash(struct hc_slots *s, unsigned bits) {
  struct hc_slots to = {map_slots(bits), bits, s->used, 0};
  size_t size = (size_t)1 << s->bits;
  if (to.slot == NULL)
    return false;
  for (size_t i = 0; i < size; i++)
    if (s->slot[i] != 0)
      place(&to, hash_at(s, i), s->slot[i]);
  hc_slots_drop(s);
  *s = to;
  return true;
}

bool hc_slots_trim(struct hc_slots *s) {
  if (s->bits <= HC_SLOTS_MIN_BITS)
    return false;
  if (s->used >= (size_t)1 << (s->bits - 3))
    return false;
  return rehash(s, bits_for(s->used + 1));
}

bool hc_slots_reserve(struct hc_slots *s, int *out_resized) {
  size_t size = (size_t)1 << s->bits;
  *out_resized = 0;
  if (s->used < size / 4 * 3) {
    if (hc_slots_trim(s))
      *out_resized = -1;
    return true;
  }
  if (s->bits < HC_SLOTS_MAX_BITS && rehash(s, s->bits + 1)) {
    *out_resized = 1;
    return true;
  }
  return s->used < size / 16 * 15;
}

/* Moves the entries after the hole at POS back until none is out of place. */
static void close_hole(struct hc_slots *s, size_t pos) {
  size_t mask = hc_slots_mask(s);
  size_t hole = pos;
  for (size_t i = (pos + 1) & mask; s->slot[i] != 0; i = (i + 1) & mask) {
    if (hc_slots_distance(s, i) < ((i - hole) & mask))
      continue;
    s->slot[hole] = s->slot[i];
    hole = i;
  }
  s->slot[hole] = 0;
}

bool hc_slots_erase(struct hc_slots *s, uint32_t hash, const void *node) {
  uint64_t low = (uint64_t)(uintptr_t)node >> HC_SLOT_ADDR_SHIFT;
  uint64_t word = low | hc_slots_tag(hash);
  size_t mask = hc_slots_mask(s);
  size_t pos = hc_slots_home(s, hash);
  while (s->slot[pos] != word) {
    if (s->slot[pos] == 0)
      return false;
    pos = (pos + 1) & mask;
  }
  close_hole(s, pos);
  s->used--;
  return true;
}
