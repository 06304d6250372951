/* extra/hcons/unlocked.h: searching a shard without its lock. SPDX-License-Identifier: MIT */
/* A moment begins where nothing is condemned, and lasts until the next collection. Every
 * entry in use in a moment is of a node that lives all through it. So a search reads
 * the word that leads to the array within the moment, and before it reads what a slot
 * leads to, it has the address in a variable and sees that the moment still lasts: then the
 * node lives now, and because of the variable it goes on to live. tests/model/unlocked.py
 * has this order and what goes wrong in others.
 *
 * Not to find a node proves nothing, since entries may be shifted under the search. */
#ifndef HCONS_UNLOCKED_H
#define HCONS_UNLOCKED_H

#include "hcons/keys.h"

/* False if something may be condemned. */
HC_ALWAYS_INLINE bool hc_moment_begin(size_t *out_moment) {
  *out_moment = __atomic_load_n(hc_backend_collections_word, __ATOMIC_ACQUIRE);
  return __atomic_load_n(hc_backend_undecided, __ATOMIC_ACQUIRE) == 0;
}

HC_ALWAYS_INLINE bool hc_moment_lasts(size_t moment, const void *node) {
  __asm__ volatile("" : : "r"(node) : "memory");
  return __atomic_load_n(hc_backend_collections_word, __ATOMIC_ACQUIRE) ==
         moment;
}

struct hc_search {
  size_t moment;
  const uint64_t *slots;
  size_t mask;
  size_t pos;
  size_t probes; /* beyond the first */
  uint64_t tag;
  bool lasts;     /* the moment does; else nothing follows from the search */
  bool is_moving; /* what is not found may be in another array */
};

HC_ALWAYS_INLINE void hc_search_begin(struct hc_search *q,
                                      const struct hc_shard *s, uint32_t hash) {
  const struct hc_slots *slots = &s->slots;
  uintptr_t open;
  unsigned bits;
  q->lasts = hc_moment_begin(&q->moment);
  open = atomic_load_explicit(&slots->open, memory_order_acquire);
  bits = open & HC_OPEN_BITS;
  q->is_moving = (open & HC_OPEN_MOVING) != 0;
  q->slots =
      (const uint64_t *)(open & ~(uintptr_t)(HC_OPEN_BITS | HC_OPEN_MOVING));
  q->mask = ((size_t)1 << bits) - 1;
  q->pos = hc_slot_home((uint32_t)(hash << slots->skip) >> (32 - bits),
                        ~(size_t)HC_SLOT_NEAR_MASK, hash);
  q->probes = SIZE_MAX; /* none yet, the first not counted */
  q->tag = hc_slots_tag(hash);
}

/* The next node that may be the one, and can be read; or NULL, and then it is absent if the
 * moment lasts and nothing moves, as far as a search without the lock can say. */
HC_ALWAYS_INLINE const uint64_t *hc_search_next(struct hc_search *q) {
  for (;;) {
    uint64_t slot = __atomic_load_n(&q->slots[q->pos], __ATOMIC_ACQUIRE);
    if (slot == 0)
      return NULL;
    q->pos = (q->pos + 1) & q->mask;
    q->probes++;
    if (hc_slots_tag_is(slot, q->tag)) {
      const uint64_t *node = hc_slots_held_node(slot);
      q->lasts = hc_moment_lasts(q->moment, node);
      return q->lasts ? node : NULL;
    }
  }
}

#endif
