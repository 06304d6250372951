/* tests/unit/heap_meta.c: the collector's own memory: pieces and growing arrays.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "heap/meta.h"
#include "plat/plat.h"

#define PIECES 500u
#define KB ((size_t)1024)

static size_t random_size(void) {
  static const size_t edges[] = {1,   63,  64,   65,   127,  128,   129,
                                 255, 257, 4096, 5000, 8192, 65536, 65537};
  return tap_rand() % 2 ? edges[tap_rand() % 14] : 1 + tap_rand() % 3000;
}

static bool is_filled(const uint8_t *p, size_t bytes, uint8_t with) {
  for (size_t i = 0; i < bytes; i++)
    if (p[i] != with)
      return false;
  return true;
}

/* Every piece is full of its number; what one writes no other sees. */
static void pieces_are_zero_and_disjoint(void) {
  static struct {
    uint8_t *p;
    size_t bytes;
  } piece[PIECES];
  for (unsigned step = 0; step < 20000; step++) {
    unsigned i = (unsigned)(tap_rand() % PIECES);
    if (piece[i].p != NULL) {
      tap_require(is_filled(piece[i].p, piece[i].bytes, (uint8_t)(i + 1)));
      gc_meta_free(piece[i].p, piece[i].bytes);
      piece[i].p = NULL;
      continue;
    }
    size_t bytes = random_size();
    piece[i].p = gc_meta_alloc(bytes);
    piece[i].bytes = bytes;
    tap_require(piece[i].p != NULL);
    tap_require(is_filled(piece[i].p, bytes, 0));
    tap_check(bytes < 64 || (uintptr_t)piece[i].p % 64 == 0);
    __builtin_memset(piece[i].p, (int)(i + 1) & 0xff, bytes);
  }
}

static void freed_pieces_are_used_again(void) {
  void *p = gc_meta_alloc(200);
  gc_meta_free(p, 200);
  tap_check(gc_meta_alloc(500) != p);
  tap_check(gc_meta_alloc(100) != p);
  tap_eq_p(gc_meta_alloc(250), p);
  gc_meta_free(NULL, 100);
}

static void absurd_sizes_and_missing_memory_give_null(void) {
  tap_eq_p(gc_meta_alloc((size_t)1 << 41), NULL);
  gc_plat_fail_every(1);
  tap_eq_p(gc_meta_alloc(256 * KB), NULL);
  tap_eq_p(gc_meta_alloc(64), NULL);
  gc_plat_fail_every(0);
  tap_check(gc_meta_alloc(64) != NULL);
}

/* ---- Arrays ---- */

static void arrays_grow_in_place_up_to_their_end(void) {
  struct gc_extent e;
  tap_require(gc_extent_reserve(&e, 1024 * KB, 1024 * KB));
  tap_eq_u(e.committed, 0);
  char *base = e.base;
  for (size_t bytes = 1; bytes <= 1024 * KB; bytes = bytes * 3 / 2 + 1) {
    tap_require(gc_extent_commit(&e, bytes));
    tap_ge(e.committed, bytes);
    tap_check(e.base[bytes - 1] == 0);
    e.base[bytes - 1] = 1;
  }
  tap_require(gc_extent_commit(&e, 1024 * KB));
  tap_eq_u(e.committed, 1024 * KB);
  tap_check(!gc_extent_commit(&e, 1024 * KB + 1));
  tap_eq_p(e.base, base);
}

/* The generous step fails, whatever is smaller than it is enough. */
static void a_refused_step_is_tried_smaller(void) {
  for (size_t wanted = 1; wanted < 200 * KB; wanted = wanted * 2 + 3000) {
    struct gc_extent e;
    tap_require(gc_extent_reserve(&e, 1024 * KB, 1024 * KB));
    gc_plat_fail_every(2);
    tap_require(gc_extent_commit(&e, 100)); /* the first call of two */
    tap_require(gc_extent_commit(&e, e.committed + wanted)); /* second, first */
    gc_plat_fail_every(0);
    tap_ge(e.committed, 256 * KB + wanted);
    e.base[256 * KB + wanted - 1] = 1;
  }
}

static void without_memory_an_array_stays_as_it_is(void) {
  struct gc_extent e;
  tap_require(gc_extent_reserve(&e, 1024 * KB, 1024 * KB));
  tap_require(gc_extent_commit(&e, 100));
  size_t committed = e.committed;
  gc_plat_fail_every(1);
  tap_check(gc_extent_commit(&e, committed));
  tap_check(!gc_extent_commit(&e, committed + 1));
  gc_plat_fail_every(0);
  tap_eq_u(e.committed, committed);
  tap_check(gc_extent_commit(&e, committed + 1));
}

static void trimmed_arrays_are_zero_and_usable(void) {
  struct gc_extent e;
  tap_require(gc_extent_reserve(&e, 1024 * KB, 1024 * KB));
  tap_require(gc_extent_commit(&e, 1024 * KB));
  __builtin_memset(e.base, 1, 1024 * KB);
  gc_extent_trim(&e);
  tap_check(is_filled((uint8_t *)e.base + 512 * KB, 512 * KB, 0));
  tap_check(e.base[0] == 1);
  __builtin_memset(e.base, 2, 1024 * KB);
}

TAP_MAIN(TAP_CASE(pieces_are_zero_and_disjoint),
         TAP_CASE(freed_pieces_are_used_again),
         TAP_CASE(absurd_sizes_and_missing_memory_give_null),
         TAP_CASE(arrays_grow_in_place_up_to_their_end),
         TAP_CASE(a_refused_step_is_tried_smaller),
         TAP_CASE(without_memory_an_array_stays_as_it_is),
         TAP_CASE(trimmed_arrays_are_zero_and_usable))
