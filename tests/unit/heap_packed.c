/* tests/unit/heap_packed.c: 64 places against a plain array. SPDX-License-Identifier: MIT */
#include "heap/packed.h"

#include "lib/tap.h"

enum { N_OPS = 20000 };

static uint64_t model[64][2];
static bool has[64];

static void check_all(const struct gc_packed *p, unsigned words) {
  for (unsigned i = 0; i < 64; i++) {
    tap_require(gc_packed_has(p, i) == has[i]);
    for (unsigned k = 0; has[i] && k < words; k++)
      tap_require(gc_packed_entry(p, i, words)[k] == model[i][k]);
  }
}

static void add_one(struct gc_packed *p, unsigned i, unsigned words) {
  uint64_t *entry = gc_packed_add(p, i, words);
  tap_require(entry != NULL && entry == gc_packed_entry(p, i, words));
  for (unsigned k = 0; k < words; k++)
    entry[k] = model[i][k] = tap_rand();
  has[i] = true;
}

static void remove_some(struct gc_packed *p, uint64_t places, unsigned words) {
  places &= p->used;
  if (places == 0)
    return;
  gc_packed_remove(p, places, words);
  for (unsigned i = 0; i < 64; i++)
    has[i] &= !(places >> i & 1);
}

/* How full it is changes slowly, so that it grows and shrinks all the way. */
static void check_random(unsigned words) {
  struct gc_packed p = {0, 0};
  for (unsigned op = 0; op < N_OPS; op++) {
    unsigned i = tap_rand() % 64, wanted = op / 50 % 96;
    if (!has[i] && gc_bits_count(p.used) < wanted)
      add_one(&p, i, words);
    else if (op % 7 == 0)
      remove_some(&p, tap_rand() & tap_rand(), words);
    else if (has[i] && gc_bits_count(p.used) > wanted / 2)
      remove_some(&p, UINT64_C(1) << i, words);
    check_all(&p, words);
  }
  remove_some(&p, ~UINT64_C(0), words);
  tap_eq_u(p.used, 0);
  tap_eq_u(p.at, 0);
}

static void one_word_an_entry(void) { check_random(1); }
static void two_words_an_entry(void) { check_random(2); }

static void places_in_rising_order_use_all_room(void) {
  struct gc_packed p = {0, 0};
  for (unsigned i = 0; i < 64; i++)
    add_one(&p, i, 2);
  check_all(&p, 2);
  tap_eq_u(p.at & PACKED_ROOM_MASK, 6);
}

TAP_MAIN(TAP_CASE(one_word_an_entry), TAP_CASE(two_words_an_entry),
         TAP_CASE(places_in_rising_order_use_all_room))
