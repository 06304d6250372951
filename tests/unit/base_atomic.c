/* tests/unit/base_atomic.c: both sets of atomics are the same. SPDX-License-Identifier: MIT
 *
 * Each operation on operands of each size and sort that the collector has, alone and
 * with threads against each other. What is checked is what C11 says.
 */
#include "base/atomic.h"

#include "base/config.h"
#include "lib/tap.h"

#include <pthread.h>
#include <string.h>

/* The same on a number of any size; neighbours show who writes too much. */
#define ARITHMETIC(type, name)                                                 \
  static void name(void) {                                                     \
    static struct {                                                            \
      type before;                                                             \
      _Atomic type x;                                                          \
      type after;                                                              \
    } s = {(type)-1, 5, (type)-1};                                             \
    const type top = (type)((type)1 << (8 * sizeof(type) - 1));                \
    tap_eq_u(gc_load_rlx(&s.x), 5);                                            \
    tap_eq_u(gc_load_acq(&s.x), 5);                                            \
    tap_eq_u(gc_load_seq(&s.x), 5);                                            \
    gc_store_rlx(&s.x, 6);                                                     \
    tap_eq_u(gc_add_rlx(&s.x, 3), 6);                                          \
    tap_eq_u(gc_add_acq_rel(&s.x, (type)-1), 9);                               \
    tap_eq_u(gc_sub_rlx(&s.x, 9), 8);                                          \
    tap_eq_u(gc_load_rlx(&s.x), (type)-1);                                     \
    gc_store_rel(&s.x, top);                                                   \
    tap_eq_u(gc_or_rlx(&s.x, 1), top);                                         \
    tap_eq_u(gc_or_acq_rel(&s.x, 6), (type)(top | 1));                         \
    tap_eq_u(gc_and_rlx(&s.x, (type)~3), (type)(top | 7));                     \
    tap_eq_u(gc_and_acq_rel(&s.x, (type)~top), (type)(top | 4));               \
    tap_eq_u(gc_swap_acq_rel(&s.x, top), 4);                                   \
    type expected = 4;                                                         \
    tap_check(!gc_cas_acq_rel(&s.x, &expected, 9));                            \
    tap_eq_u(expected, top);                                                   \
    tap_eq_u(gc_load_rlx(&s.x), top);                                          \
    tap_check(gc_cas_acq_rel(&s.x, &expected, (type)-2));                      \
    tap_eq_u(expected, top);                                                   \
    gc_fence_rel();                                                            \
    gc_store_seq(&s.x, (type)(gc_load_rlx(&s.x) + 3));                         \
    tap_eq_u(gc_load_rlx(&s.x), 1);                                            \
    tap_check(s.before == (type)-1 && s.after == (type)-1);                    \
  }
ARITHMETIC(uint8_t, bytes)
ARITHMETIC(uint32_t, halves)
ARITHMETIC(uint64_t, words)
#undef ARITHMETIC

static void signed_numbers(void) {
  static int plain = -3;
  static _Atomic int x = -1;
  int expected = -1;
  tap_check(gc_load_rlx(&x) == -1);
  tap_check(gc_cas_acq_rel(&x, &expected, -2));
  tap_check(gc_add_rlx(&x, -3) == -2 && gc_load_acq(&x) == -5);
  tap_check(!gc_cas_acq_rel(&x, &expected, 0) && expected == -5);
  tap_check(gc_add_rlx(gc_client_int(&plain), 1) == -3 && plain == -2);
  tap_check(gc_load_rlx(gc_client_int(&plain)) < 0);
}

static void answer(void) {}

static void flags_and_addresses(void) {
  static _Atomic bool flag;
  static int a, b;
  static int *_Atomic at = &a;
  static void (*_Atomic call)(void);
  bool no = false;
  int *expected = &b;
  tap_check(!gc_swap_acq_rel(&flag, true) && gc_load_rlx(&flag));
  tap_check(!gc_cas_acq_rel(&flag, &no, false) && no);
  tap_check(!gc_cas_acq_rel(&at, &expected, &b) && expected == &a);
  tap_check(gc_cas_acq_rel(&at, &expected, &b) && gc_load_acq(&at) == &b);
  tap_check(gc_swap_acq_rel(&at, NULL) == &b && gc_load_rlx(&at) == NULL);
  gc_store_rel(&call, answer);
  tap_check(gc_load_acq(&call) == answer);
}

/* ---- Threads ---- */

#define ROUNDS 50000u
#define THREADS 4u

static struct {
  _Atomic uint64_t sum;
  _Atomic uint32_t sum_by_cas;
  _Atomic uint8_t small, bits;
  uint64_t swapped[THREADS];
  _Atomic uint64_t place;
} shared;

static void one_round(unsigned me, unsigned i) {
  uint32_t seen = gc_load_rlx(&shared.sum_by_cas);
  uint8_t mine = (uint8_t)(1u << me);
  gc_add_rlx(&shared.sum, i);
  gc_add_acq_rel(&shared.small, 1);
  while (!gc_cas_acq_rel(&shared.sum_by_cas, &seen, seen + 1))
    ;
  /* Nobody else changes this bit. */
  tap_check((gc_or_rlx(&shared.bits, mine) & mine) == 0);
  tap_check((gc_and_acq_rel(&shared.bits, (uint8_t)~mine) & mine) != 0);
  shared.swapped[me] += gc_swap_acq_rel(&shared.place, i);
}

static void *work(void *number) {
  for (unsigned i = 1; i <= ROUNDS; i++)
    one_round((unsigned)(uintptr_t)number, i);
  return NULL;
}

/* All numbers that went into the place came out once, but for the last one. */
static void against_each_other(void) {
  pthread_t id[THREADS];
  uint64_t all = (uint64_t)ROUNDS * (ROUNDS + 1) / 2 * THREADS;
  uint64_t out = 0;
  for (unsigned t = 0; t < THREADS; t++)
    tap_eq_u(pthread_create(&id[t], NULL, work, (void *)(uintptr_t)t), 0);
  for (unsigned t = 0; t < THREADS; t++)
    tap_eq_u(pthread_join(id[t], NULL), 0);
  for (unsigned t = 0; t < THREADS; t++)
    out += shared.swapped[t];
  tap_eq_u(gc_load_rlx(&shared.sum), all);
  tap_eq_u(out + gc_load_rlx(&shared.place), all);
  tap_eq_u(gc_load_rlx(&shared.sum_by_cas), THREADS * ROUNDS);
  tap_eq_u(gc_load_rlx(&shared.small), (uint8_t)(THREADS * ROUNDS));
  tap_eq_u(gc_load_rlx(&shared.bits), 0);
}

TAP_MAIN(TAP_CASE(bytes), TAP_CASE(halves), TAP_CASE(words),
         TAP_CASE(signed_numbers), TAP_CASE(flags_and_addresses),
         TAP_CASE(against_each_other))
