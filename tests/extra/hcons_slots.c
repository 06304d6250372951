/* tests/extra/hcons_slots.c: the arrays of a weak table, by themselves. SPDX-License-Identifier: MIT */
/* White box: slots.c is compiled into this program. Nodes are plain memory with a header. */
#include "hcons/slots.h"

#include "hcons/hcons.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 6000, SKIP = 3 };

struct cell {
  _Alignas(16) uint64_t header;
};

static struct cell node[NODES];
static bool is_in[NODES];
static struct hc_slots slots;

/* Hashes agree in their SKIP top bits, as in a shard, and some are equal. */
static void start(void) {
  uint64_t random = tap_seed();
  for (size_t i = 0; i < NODES; i++) {
    uint32_t hash = (uint32_t)tap_rand_r(&random) >> SKIP;
    node[i].header = (uint64_t)(i % 7 == 0 ? hash & ~0xfffu : hash) << 32 | 1;
  }
  tap_require(hc_slots_init(&slots, 0, SKIP));
}

static void enter(size_t i) {
  int resized;
  tap_require(hc_slots_reserve(&slots, &resized));
  hc_slots_insert(&slots, hc_hash(&node[i]), &node[i]);
  is_in[i] = true;
}

static void erase(size_t i) {
  tap_require(hc_slots_erase(&slots, hc_hash(&node[i]), &node[i]));
  is_in[i] = false;
}

static uint64_t *opened(unsigned *out_bits, bool *out_moves) {
  uintptr_t open = atomic_load(&slots.open);
  *out_bits = open & HC_OPEN_BITS;
  *out_moves = (open & HC_OPEN_MOVING) != 0;
  return (uint64_t *)(open & ~(uintptr_t)(HC_OPEN_BITS | HC_OPEN_MOVING));
}

/* From its home on, before an empty slot. */
static bool is_found(size_t i) {
  uint32_t hash = hc_hash(&node[i]);
  size_t pos = hc_slots_home(&slots, hash);
  for (; slots.now.slot[pos] != 0; pos = (pos + 1) & slots.now.mask)
    if (slots.now.slot[pos] == hc_slots_word(hash, &node[i]))
      return true;
  return false;
}

static void check_all(void) {
  size_t wrong = 0, count = 0;
  hc_slots_move(&slots, SIZE_MAX);
  for (size_t i = 0; i < NODES; i++) {
    wrong += is_found(i) != is_in[i];
    count += is_in[i];
  }
  tap_eq_u(wrong, 0);
  tap_eq_u(slots.used, count);
  tap_eq_u(slots.entered - slots.erased, count);
}

/* ---- Cases ---- */

static void entries_are_found_after_any_changes(void) {
  uint64_t random = tap_seed() + 1;
  start();
  for (unsigned step = 0; step < 60000; step++) {
    size_t i = tap_rand_r(&random) % NODES;
    /* for a while mostly in, then mostly out */
    bool goes_in = tap_rand_r(&random) % 8 != 0;
    if (step / 10000 % 2 == 1)
      goes_in = !goes_in;
    if (goes_in && !is_in[i])
      enter(i);
    else if (!goes_in && is_in[i])
      erase(i);
    if (step % 4000 == 0)
      check_all();
  }
  check_all();
  hc_slots_drop(&slots);
}

static void a_search_is_told_of_a_move(void) {
  unsigned bits, first_bits;
  bool moves;
  size_t i = 0;
  start();
  tap_check(opened(&first_bits, &moves) == slots.now.slot && !moves);
  do
    enter(i++);
  while (slots.old.slot == NULL);
  tap_check(opened(&bits, &moves) == slots.now.slot && moves);
  tap_eq_u(bits, first_bits + 1);
  check_all();
  tap_check(opened(&bits, &moves) == slots.now.slot && !moves);
}

static bool is_in_old(size_t i) {
  uint64_t word = hc_slots_word(hc_hash(&node[i]), &node[i]);
  for (size_t pos = slots.moved; pos <= slots.old.mask; pos++)
    if (slots.old.slot[pos] == word)
      return true;
  return false;
}

static void new_entries_enter_where_the_move_has_not_been(void) {
  size_t i = 0, entered_old = 0, entered_now = 0, wrong = 0;
  start();
  while (slots.now.bits < 12 || slots.old.slot == NULL)
    enter(i++);
  while (slots.old.slot != NULL) {
    size_t home = hc_array_home(&slots.old, hc_hash(&node[i]));
    size_t moved = slots.moved + HC_SLOTS_STEP; /* by the entry itself */
    enter(i);
    if (slots.old.slot == NULL)
      break;
    wrong += is_in_old(i) && home < moved;
    wrong += !is_in_old(i) && home >= moved && home + 64 < slots.old.mask;
    entered_old += is_in_old(i);
    entered_now += !is_in_old(i);
    i++;
  }
  tap_eq_u(wrong, 0);
  tap_ge(entered_old, 5);
  tap_ge(entered_now, 5);
  check_all();
}

/* A search that is late reads empty slots there, and the range is used again. */
static void memory_of_moved_arrays_stays_and_is_empty(void) {
  unsigned bits;
  bool moves;
  size_t i = 0, full = 0;
  start();
  const uint64_t *first = opened(&bits, &moves);
  while (slots.now.slot == first || slots.old.slot != NULL)
    enter(i++);
  for (size_t pos = 0; pos < (size_t)1 << bits; pos++)
    full += __atomic_load_n(&first[pos], __ATOMIC_RELAXED) != 0;
  tap_eq_u(full, 0);
  while (i > 1)
    erase(--i);
  tap_check(hc_slots_trim(&slots));
  tap_check(slots.now.slot == first);
  check_all();
}

static void what_changes_is_counted(void) {
  uint64_t changes;
  start();
  enter(0);
  changes = slots.changes;
  enter(1);
  tap_check(slots.changes != changes);
  changes = slots.changes;
  erase(0);
  tap_check(slots.changes != changes);
}

TAP_MAIN(TAP_CASE(entries_are_found_after_any_changes),
         TAP_CASE(a_search_is_told_of_a_move),
         TAP_CASE(new_entries_enter_where_the_move_has_not_been),
         TAP_CASE(memory_of_moved_arrays_stays_and_is_empty),
         TAP_CASE(what_changes_is_counted))
