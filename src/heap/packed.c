/* src/heap/packed.c: 64 places of which only those in use take memory.
 * SPDX-License-Identifier: MIT
 */
#include "heap/packed.h"

#include "heap/meta.h"

/* As the logarithm: what fits into the smallest piece of heap/meta. */
static unsigned least_room(unsigned words) { return words == 1 ? 3 : 2; }

static size_t packed_bytes_of(unsigned room, unsigned words) {
  return ((size_t)words * sizeof(uint64_t)) << room;
}

static unsigned room_of(const struct gc_packed *p) {
  return (unsigned)(p->at & PACKED_ROOM_MASK);
}

static void copy_words(uint64_t *to, const uint64_t *from, size_t n) {
  for (size_t i = 0; i < n; i++)
    to[i] = from[i];
}

/* The entries move to memory of another size. */
static bool resize_packed(struct gc_packed *p, unsigned room, unsigned words) {
  uint64_t *to = gc_meta_alloc(packed_bytes_of(room, words));
  if (to == NULL)
    return false;
  copy_words(to, gc_packed_entries(p), (size_t)gc_packed_count(p) * words);
  if (p->at != 0)
    gc_meta_free(gc_packed_entries(p), packed_bytes_of(room_of(p), words));
  p->at = (uint64_t)(uintptr_t)to | room |
          (uint64_t)gc_packed_count(p) << PACKED_COUNT_SHIFT;
  return true;
}

uint64_t *gc_packed_add(struct gc_packed *p, unsigned place, unsigned words) {
  unsigned count = gc_packed_count(p), rank = gc_packed_rank(p, place);
  if (p->at == 0 && !resize_packed(p, least_room(words), words))
    return NULL;
  if (gc_unlikely(count == 1u << room_of(p)) &&
      !resize_packed(p, room_of(p) + 1, words))
    return NULL;
  uint64_t *entry = gc_packed_entries(p) + rank * words;
  for (size_t i = (size_t)(count - rank) * words; i > 0; i--)
    entry[i - 1 + words] = entry[i - 1];
  p->used |= (uint64_t)1 << place;
  p->at += UINT64_C(1) << PACKED_COUNT_SHIFT;
  return entry;
}

/* Moves what stays down; returns how many entries go. */
static unsigned close_gaps(const struct gc_packed *p, uint64_t places,
                           unsigned words) {
  unsigned lowest = gc_bits_lowest(places);
  unsigned from = gc_packed_rank(p, lowest), to = from;
  uint64_t *entries = gc_packed_entries(p);
  for (uint64_t left = p->used >> lowest << lowest; left != 0;
       left &= left - 1, from++)
    if (!(places >> gc_bits_lowest(left) & 1))
      copy_words(entries + (size_t)to++ * words, entries + (size_t)from * words,
                 words);
  return from - to;
}

/* Nothing moves when the last one goes, as it does when all are taken one by one.
 * Memory is given back when three quarters of it are not used. */
void gc_packed_remove(struct gc_packed *p, uint64_t places, unsigned words) {
  bool is_last = p->used >> gc_bits_lowest(places) == 1;
  uint64_t gone = is_last ? 1 : close_gaps(p, places, words);
  p->used &= ~places;
  p->at -= gone << PACKED_COUNT_SHIFT;
  if (p->used == 0) {
    gc_meta_free(gc_packed_entries(p), packed_bytes_of(room_of(p), words));
    p->at = 0;
  } else if (room_of(p) > least_room(words) &&
             gc_packed_count(p) <= (1u << room_of(p)) / 4) {
    resize_packed(p, room_of(p) - 1, words);
  }
}
