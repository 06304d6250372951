/* extra/hcons/slots.c: placing, erasing and moving of slots. SPDX-License-Identifier: MIT */
/* See slots.h for the form of a slot and the invariants. The load stays
 * between 1/8 and 5/8; growing doubles, shrinking aims at 1/4 to 1/2, so that
 * a move is paid for by at least an eighth of the size in changes, and at
 * HC_SLOTS_STEP places a change is over after a 32nd. */
#include "hcons/slots.h"

#include "hcons/hcons.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

enum {
  HUGE_BYTES = 1 << 21,
  EMPTY_PLACES = 1 << 13,                     /* 64 KB a piece */
  EMPTY_HUGE = HUGE_BYTES / sizeof(uint64_t), /* large pages go as a whole */
};

/* At an address that is a multiple of the size, up to HUGE_BYTES, so that the kernel
 * can take large pages: look-ups go all over the array. */
static void *map_aligned(size_t bytes) {
  size_t slack = bytes >= HUGE_BYTES ? HUGE_BYTES : 0;
  char *p = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  size_t before;
  if (p == MAP_FAILED || slack == 0)
    return p;
  before = -(uintptr_t)p & (slack - 1);
  if (before > 0)
    munmap(p, before);
  if (slack > before)
    munmap(p + before + bytes, slack - before);
  madvise(p + before, bytes, MADV_HUGEPAGE);
  return p + before;
}

/* NULL without address space. */
static uint64_t *take_empty(struct hc_slots *s, unsigned bits) {
  void *p = s->retired[bits];
  if (p == NULL)
    p = map_aligned(sizeof(uint64_t) << bits);
  s->retired[bits] = NULL;
  return p == MAP_FAILED ? NULL : p;
}

static bool make_array(struct hc_slots *s, unsigned bits,
                       struct hc_array *out) {
  uint64_t *slot = take_empty(s, bits);
  if (slot == NULL)
    return false;
  *out = (struct hc_array){.slot = slot,
                           .mask = ((size_t)1 << bits) - 1,
                           .lines = ((size_t)1 << bits) -
                                    ((size_t)1 << HC_SLOT_NEAR_BITS),
                           .bits = bits,
                           .shift = 32 - s->skip - bits,
                           .wide_shift = 64 - s->skip - bits};
  return true;
}

/* Pages that are locked in memory are not taken back. */
static void empty(uint64_t *slot, size_t places) {
  if (madvise(slot, places * sizeof *slot, MADV_DONTNEED) != 0)
    for (size_t i = 0; i < places; i++)
      hc_slot_write(&slot[i], 0);
}

static unsigned max_bits(const struct hc_slots *s) {
  return HC_SLOTS_MAX_BITS - s->skip;
}

static unsigned bits_for(const struct hc_slots *s, size_t entries) {
  unsigned bits = HC_SLOTS_MIN_BITS;
  while (bits < max_bits(s) && entries > (size_t)1 << (bits - 1))
    bits++;
  return bits;
}

/* Arrays and what a search without the lock sees of them go together. */
static void publish(struct hc_slots *s) {
  uintptr_t moving = s->old.slot != NULL ? HC_OPEN_MOVING : 0;
  atomic_store_explicit(&s->open, (uintptr_t)s->now.slot | s->now.bits | moving,
                        memory_order_release);
}

bool hc_slots_init(struct hc_slots *s, size_t hint, unsigned skip) {
  *s = (struct hc_slots){.skip = skip}; /* nothing to spare until a change */
  if (!make_array(s, bits_for(s, hint), &s->now))
    return false;
  publish(s);
  return true;
}

/* Gives the places of `old` up to END back. */
static void empty_old(struct hc_slots *s, size_t end) {
  if (end > s->emptied)
    empty(s->old.slot + s->emptied, end - s->emptied);
  s->emptied = end;
}

static void unmap(const uint64_t *slot, unsigned bits) {
  if (slot != NULL)
    munmap((void *)(uintptr_t)slot, sizeof *slot << bits);
}

void hc_slots_drop(struct hc_slots *s) {
  unmap(s->old.slot, s->old.bits);
  unmap(s->now.slot, s->now.bits);
  for (unsigned bits = 0; bits <= HC_SLOTS_MAX_BITS; bits++)
    unmap(s->retired[bits], bits);
  *s = (struct hc_slots){.skip = s->skip};
}

/* ---- Homes without reading nodes ---- */

/* The tag has what of a home is needed, in so far as it is asked of places fewer than
 * 2^shared_bits away. */
static inline bool has_home_in_tag(const struct hc_array *a) {
  return a->shift + HC_SLOT_NEAR_BITS <= HC_SLOT_TAG_BITS;
}

/* A run of so many taken places before an entry, or fewer, tells its home by its tag. */
static inline size_t longest_run(const struct hc_array *a) {
  return has_home_in_tag(a) ? ((size_t)1 << (HC_SLOT_TAG_BITS - a->shift)) - 1
                            : 0;
}

static inline uint32_t tag_at(const struct hc_array *a, size_t pos) {
  return (uint32_t)(a->slot[pos] >> HC_SLOT_ADDR_BITS);
}

/* With no more than longest_run() taken places before POS. */
static inline size_t distance_by_tag(const struct hc_array *a, size_t pos) {
  size_t window = ((size_t)1 << (HC_SLOT_TAG_BITS - a->shift)) - 1;
  return (pos - hc_array_home(a, tag_at(a, pos))) & window;
}

static inline size_t distance_by_node(const struct hc_array *a, size_t pos) {
  uint32_t hash = hc_hash(hc_slots_node(a->slot[pos]));
  return (pos - hc_array_home(a, hash)) & a->mask;
}

/* Likewise. The hash but for the bits that all entries agree in. */
static inline uint32_t hash_by_tag(const struct hc_array *a, size_t pos) {
  unsigned below = a->shift + HC_SLOT_NEAR_BITS;
  size_t home = (pos - distance_by_tag(a, pos)) & a->mask;
  return (uint32_t)(home >> HC_SLOT_NEAR_BITS) << below |
         (tag_at(a, pos) & (((uint32_t)1 << below) - 1));
}

/* ---- Changes ---- */

static bool is_sparse(const struct hc_slots *s) {
  return s->now.bits > HC_SLOTS_MIN_BITS && s->used < (size_t)1
                                                          << (s->now.bits - 3);
}

static size_t limit_of(const struct hc_slots *s) {
  return hc_array_size(&s->now) / 8 * 5;
}

/* After each change but a put. Sparse arrays spare nothing, so that the next entry
 * comes by a reserve, which shrinks them. */
static void settle(struct hc_slots *s) {
  size_t limit = limit_of(s);
  bool is_plain = s->old.slot == NULL && s->used < limit && !is_sparse(s);
  s->spare = is_plain ? limit - s->used : 0;
  s->changes++;
}

static inline void place(struct hc_array *a, uint32_t hash, uint64_t word) {
  size_t home = hc_array_home(a, hash);
  size_t distance = 0;
  while (a->slot[(home + distance) & a->mask] != 0)
    distance++;
  hc_slot_write(&a->slot[(home + distance) & a->mask], word);
}

/* Into the part of `old` that has not moved, and without going round its end. So pages of
 * `now` are written one after the other, as the move gets there: large ones cost the
 * kernel so much that a thousand entries all over the new array would stall. */
static bool place_in_old(const struct hc_slots *s, uint32_t hash,
                         uint64_t word) {
  const struct hc_array *a = &s->old;
  size_t pos = a->slot == NULL ? 0 : hc_array_home(a, hash);
  if (a->slot == NULL || pos < s->moved)
    return false;
  while (pos <= a->mask && a->slot[pos] != 0)
    pos++;
  if (pos > a->mask)
    return false;
  hc_slot_write(&a->slot[pos], word);
  return true;
}

void hc_slots_insert(struct hc_slots *s, uint32_t hash, const void *node) {
  uint64_t word = hc_slots_word(hash, node);
  if (!place_in_old(s, hash, word))
    place(&s->now, hash, word);
  s->used++;
  s->entered++;
  settle(s);
}

static inline uint32_t hash_at(const struct hc_array *a, size_t pos,
                               bool by_tag) {
  return by_tag ? hash_by_tag(a, pos) : hc_hash(hc_slots_node(a->slot[pos]));
}

/* With copies of the arrays, which stores to them cannot change. */
static void move_up_to(struct hc_slots *s, size_t end) {
  const struct hc_array old = s->old;
  struct hc_array now = s->now;
  bool has_home = has_home_in_tag(&old);
  size_t longest = longest_run(&old);
  size_t run = s->run;
  for (size_t pos = s->moved; pos < end; pos++) {
    uint64_t word = old.slot[pos];
    if (word == 0) {
      run = 0;
      continue;
    }
    if (word != HC_SLOT_GONE)
      place(&now, hash_at(&old, pos, has_home && run <= longest), word);
    run++;
  }
  s->run = run;
  s->moved = end;
}

void hc_slots_move(struct hc_slots *s, size_t places) {
  size_t size = hc_array_size(&s->old);
  size_t piece;
  if (s->old.slot == NULL)
    return;
  move_up_to(s, places < size - s->moved ? s->moved + places : size);
  piece = size >= EMPTY_HUGE ? EMPTY_HUGE : EMPTY_PLACES;
  if (s->moved - s->emptied >= piece || s->moved == size)
    empty_old(s, s->moved == size ? size : s->moved / piece * piece);
  if (s->moved == size) {
    s->retired[s->old.bits] = s->old.slot;
    s->old.slot = NULL;
    publish(s);
    settle(s);
  }
}

static bool begin_move(struct hc_slots *s, unsigned bits) {
  struct hc_array next;
  if (!make_array(s, bits, &next))
    return false;
  s->old = s->now;
  s->now = next;
  s->moved = s->emptied = 0;
  s->run = hc_array_size(&s->old); /* it is not known */
  publish(s);
  settle(s);
  return true;
}

bool hc_slots_trim(struct hc_slots *s) {
  hc_slots_move(s, SIZE_MAX);
  if (!is_sparse(s) || !begin_move(s, bits_for(s, s->used + 1)))
    return false;
  hc_slots_move(s, SIZE_MAX);
  return true;
}

bool hc_slots_reserve(struct hc_slots *s, int *out_resized) {
  size_t size = hc_array_size(&s->now);
  *out_resized = 0;
  hc_slots_move(s, HC_SLOTS_STEP);
  if (s->used < limit_of(s)) {
    if (s->old.slot == NULL && is_sparse(s) &&
        begin_move(s, bits_for(s, s->used + 1)))
      *out_resized = -1;
    return true;
  }
  hc_slots_move(s, SIZE_MAX);
  if (s->now.bits < max_bits(s) && begin_move(s, s->now.bits + 1)) {
    *out_resized = 1;
    return true;
  }
  return s->used < size / 16 * 15;
}

/* The places before POS that are taken, up to MOST. */
static inline size_t run_before(const struct hc_array *a, size_t pos,
                                size_t most) {
  size_t run = 0;
  while (run < most && a->slot[(pos - run - 1) & a->mask] != 0)
    run++;
  return run;
}

/* Moves the entries after the hole at POS back until none is out of place. */
static void close_hole(struct hc_slots *s, size_t pos) {
  const struct hc_array now = s->now;
  size_t longest = longest_run(&now);
  size_t hole = pos;
  size_t run = 0;
  if (now.slot[(pos + 1) & now.mask] != 0)
    run = run_before(&now, pos, longest);
  for (size_t i = (pos + 1) & now.mask; now.slot[i] != 0;
       i = (i + 1) & now.mask) {
    size_t distance =
        ++run <= longest ? distance_by_tag(&now, i) : distance_by_node(&now, i);
    if (distance < ((i - hole) & now.mask))
      continue;
    hc_slot_write(&now.slot[hole], now.slot[i]);
    hole = i;
  }
  hc_slot_write(&now.slot[hole], 0);
}

static bool erase_now(struct hc_slots *s, uint32_t hash, uint64_t word) {
  size_t mask = hc_slots_mask(s);
  size_t pos = hc_slots_home(s, hash);
  while (s->now.slot[pos] != word) {
    if (s->now.slot[pos] == 0)
      return false;
    pos = (pos + 1) & mask;
  }
  close_hole(s, pos);
  return true;
}

static bool erase_old(struct hc_slots *s, uint32_t hash, uint64_t word) {
  size_t size = hc_array_size(&s->old);
  size_t pos = hc_array_home(&s->old, hash);
  if (pos < s->moved)
    pos = s->moved;
  for (size_t left = size - s->moved; left > 0; left--) {
    if (s->old.slot[pos] == 0)
      return false;
    if (s->old.slot[pos] == word) {
      hc_slot_write(&s->old.slot[pos], HC_SLOT_GONE);
      return true;
    }
    if (++pos == size)
      pos = s->moved;
  }
  return false;
}

bool hc_slots_erase(struct hc_slots *s, uint32_t hash, const void *node) {
  uint64_t word = hc_slots_word(hash, node);
  hc_slots_move(s, HC_SLOTS_STEP);
  if (!erase_now(s, hash, word) &&
      (s->old.slot == NULL || !erase_old(s, hash, word)))
    return false;
  s->used--;
  s->erased++;
  settle(s);
  return true;
}
