/* bdwgc-patch/blocks.c: where objects of ours lie. SPDX-License-Identifier: MIT
 *
 * A set of pages that have held a small object of ours, in malloc's memory: a bit
 * for each, in parts of 16 MB that hang in buckets and are never taken away. An
 * allocation tests its bit without a lock. A bit is cleared only under libgc's lock,
 * when the page is no block of ours at that moment: whoever makes an object there
 * later takes the lock after that, and sees the bit clear.
 */
#include "adapter.h"

#include <stdlib.h>

enum { PART_BITS = 24, PAGE_BITS = 12, WORDS = 64, N_BUCKETS = 4096 };

struct part {
  uintptr_t number;  /* [const] */
  struct part *next; /* [const] in its bucket */
  _Atomic uint64_t pages[WORDS];
};

/* [atomic: w by allocators (release, CAS) / r by any (acquire)] */
static _Atomic(struct part *) buckets[N_BUCKETS];

static _Atomic(struct part *) *bucket_of(uintptr_t number) {
  return &buckets[number % N_BUCKETS];
}

static struct part *find(struct part *first, uintptr_t number) {
  while (first != NULL && first->number != number)
    first = first->next;
  return first;
}

/* Null without memory. */
static struct part *make(uintptr_t number) {
  _Atomic(struct part *) *bucket = bucket_of(number);
  struct part *fresh = calloc(1, sizeof *fresh);
  if (fresh == NULL)
    return NULL;
  fresh->number = number;
  fresh->next = atomic_load_explicit(bucket, memory_order_acquire);
  while (find(fresh->next, number) == NULL)
    if (atomic_compare_exchange_weak(bucket, &fresh->next, fresh))
      return fresh;
  struct part *other = find(fresh->next, number);
  free(fresh);
  return other;
}

bool bdw_note_block(const void *object) {
  uintptr_t number = (uintptr_t)object >> PART_BITS;
  size_t page = (uintptr_t)object >> PAGE_BITS & (64 * WORDS - 1);
  struct part *p = find(
      atomic_load_explicit(bucket_of(number), memory_order_acquire), number);
  if (p == NULL && (p = make(number)) == NULL)
    return false;
  uint64_t bit = UINT64_C(1) << page % 64;
  _Atomic uint64_t *word = &p->pages[page / 64];
  if ((atomic_load_explicit(word, memory_order_relaxed) & bit) == 0)
    atomic_fetch_or(word, bit);
  return true;
}

/* The pages of a word; `bits` is what was there. */
static void look_at_word(_Atomic uint64_t *word, char *first,
                         bool (*look)(char *page)) {
  uint64_t bits = atomic_load(word);
  while (bits != 0) {
    unsigned i = (unsigned)__builtin_ctzll(bits);
    bits &= bits - 1;
    if (!look(first + ((size_t)i << PAGE_BITS)))
      atomic_fetch_and(word, ~(UINT64_C(1) << i));
  }
}

static void look_at_part(struct part *p, bool (*look)(char *page)) {
  uintptr_t first = p->number << PART_BITS;
  for (size_t i = 0; i < WORDS; i++)
    look_at_word(&p->pages[i], (char *)first + (i * 64 << PAGE_BITS), look);
}

void bdw_each_block_locked(bool (*look)(char *page)) {
  for (size_t i = 0; i < N_BUCKETS; i++)
    for (struct part *p = atomic_load(&buckets[i]); p != NULL; p = p->next)
      look_at_part(p, look);
}
