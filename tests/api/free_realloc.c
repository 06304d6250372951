/* tests/api/free_realloc.c: explicit free and realloc. SPDX-License-Identifier: MIT */

/*
 * Contract: freed memory is used again also without a collection; realloc keeps
 * contents and kind, zeroes the grown tail of pointerful kinds, frees with size
 * zero, and leaves the object alone when it fails.
 */
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 3000, MB = 1024 * 1024 };

static uintptr_t hidden[N_OBJ];
static void *volatile keep[N_OBJ];
static size_t length[N_OBJ];

static void free_of_null_is_allowed(void) {
  GC_free(NULL);
  GC_INIT();
  GC_free(NULL);
  tap_check(GC_malloc(10) != NULL);
}

static void freed_small_memory_is_used_again(void) {
  GC_INIT();
  GC_disable();
  for (size_t i = 0; i < 2000000; i++)
    GC_free(GC_malloc(16 + i % 30 * 16));
  tap_le(GC_get_heap_size(), 16 * MB);
}

static void freed_large_memory_is_used_again(void) {
  GC_INIT();
  GC_disable();
  for (size_t i = 0; i < 2000; i++)
    GC_free(GC_malloc_atomic(200000 + i % 50 * 30000));
  tap_le(GC_get_heap_size(), 64 * MB);
}

static void freed_batches_are_used_again(void) {
  GC_INIT();
  GC_disable();
  for (int round = 0; round < 300; round++) {
    for (size_t i = 0; i < N_OBJ; i++)
      keep[i] = GC_malloc(64);
    for (size_t i = 0; i < N_OBJ; i++)
      GC_free(keep[i]);
  }
  tap_le(GC_get_heap_size(), 16 * MB);
}

static void freed_uncollectable_memory_is_used_again(void) {
  for (size_t i = 0; i < 500000; i++)
    GC_free(i % 2 ? GC_malloc_uncollectable(i % 400)
                  : GC_malloc_atomic_uncollectable(i % 400));
  for (size_t i = 0; i < 500; i++)
    GC_free(GC_malloc_uncollectable(MB));
  tap_le(GC_get_heap_size(), 64 * MB);
}

static void reused_memory_is_zero(void) {
  for (size_t i = 0; i < 20000; i++) {
    size_t n = 1 + tap_rand() % (i % 100 == 0 ? 100000 : 600);
    void *p = GC_malloc(n);
    tap_require(gu_is_zero(p, n));
    memset(p, 0xff, n);
    GC_free(p);
  }
}

static void make_parents(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void **p = GC_malloc_uncollectable(64);
    p[3] = GC_malloc(48);
    hidden[i] = gu_hide(p[3]);
    keep[i] = p;
  }
}

static void free_parents(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    GC_free(keep[i]);
    keep[i] = NULL;
  }
}

static void children_of_freed_objects_die(void) {
  gu_apart(make_parents, NULL);
  gu_collect();
  gu_check_none_dead(hidden, N_OBJ, "children of uncollectable objects");
  gu_apart(free_parents, NULL);
  gu_collect();
  gu_check_most_dead(hidden, N_OBJ, "children of freed objects");
}

/* Frees at random and checks that no neighbour changes. */
static void random_frees_do_not_hurt_neighbours(void) {
  for (size_t step = 0; step < 60000; step++) {
    size_t i = tap_rand() % N_OBJ;
    if (keep[i] != NULL) {
      tap_require(gu_is_intact(keep[i], length[i], i));
      GC_free(keep[i]);
    }
    length[i] = tap_rand() % (step % 50 == 0 ? 50000 : 500);
    keep[i] =
        tap_rand() % 2 ? GC_malloc(length[i]) : GC_malloc_atomic(length[i]);
    gu_fill(keep[i], length[i], i);
    if (step % 10000 == 0)
      gu_collect();
  }
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(keep[i] == NULL || gu_is_intact(keep[i], length[i], i));
}

static void freed_bytes_are_counted(void) {
  GC_INIT();
  GC_disable();
  void *p = GC_malloc_atomic(100000);
  size_t before = GC_get_expl_freed_bytes_since_gc();
  GC_free(p);
  tap_ge(GC_get_expl_freed_bytes_since_gc(), before + 100000);
}

static void realloc_of_null_allocates(void) {
  void *p = GC_realloc(NULL, 100);
  tap_require(p != NULL);
  tap_check(gu_is_zero(p, 100));
  tap_eq_u(GC_get_kind_and_size(p, NULL), 1);
}

static void realloc_to_zero_frees(void) {
  void *p = GC_malloc(100);
  tap_eq_p(GC_realloc(p, 0), NULL);
  GC_disable();
  for (size_t i = 0; i < 300000; i++)
    GC_realloc(GC_malloc(200), 0);
  tap_le(GC_get_heap_size(), 16 * MB);
}

static void realloc_keeps_contents_and_zeroes_the_tail(void) {
  for (size_t i = 0; i < 4000; i++) {
    size_t a = tap_rand() % (i % 20 == 0 ? 200000 : 3000);
    size_t b = tap_rand() % (i % 20 == 0 ? 200000 : 3000) + 1;
    size_t common = a < b ? a : b;
    char *p = GC_malloc(a);
    gu_fill(p, a, i);
    char *q = GC_realloc(p, b);
    tap_require(q != NULL);
    tap_require(gu_is_intact(q, common, i));
    tap_require(gu_is_zero(q + common, b - common));
    tap_ge(GC_size(q), b);
    memset(q, 0xff, b);
  }
}

/* The tail must be zero also where an earlier, longer text ended. */
static void shrink_and_grow_gives_a_zero_tail(void) {
  for (size_t n = 64; n <= 40000; n = n * 2 + 48) {
    char *p = GC_malloc(n);
    memset(p, 0xff, n);
    p = GC_realloc(p, n - 16);
    p = GC_realloc(p, 3 * n);
    tap_require(p != NULL);
    tap_check(gu_is_zero(p + n, 2 * n));
  }
}

static void realloc_keeps_the_kind(void) {
  GC_INIT();
  for (size_t n = 10; n < 300000; n *= 3) {
    for (int kind = 0; kind < 4; kind++) {
      void *p = GC_generic_or_special_malloc(n, kind);
      p = GC_realloc(p, n * 2);
      tap_require(p != NULL);
      tap_eq_u(GC_get_kind_and_size(p, NULL), kind);
      p = GC_realloc(p, n / 5 + 1);
      tap_require(p != NULL);
      tap_eq_u(GC_get_kind_and_size(p, NULL), kind);
    }
  }
}

static void realloc_keeps_a_client_kind(void) {
  GC_INIT();
  unsigned kind = GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
  void *p = GC_generic_malloc(100, (int)kind);
  p = GC_realloc(p, 1000);
  tap_eq_u(GC_get_kind_and_size(p, NULL), kind);
  tap_check(gu_is_zero(p, 1000));
}

static void reallocated_uncollectable_stays_without_references(void) {
  for (size_t i = 0; i < 500; i++) {
    void *p = GC_malloc_uncollectable(i + 1);
    gu_fill(p, i + 1, i);
    hidden[i] = gu_hide(GC_realloc(p, 3 * i + 1));
  }
  gu_collect();
  for (size_t i = 0; i < 500; i++)
    memset(GC_malloc_uncollectable(3 * i + 1), 0x7f, 1);
  for (size_t i = 0; i < 500; i++)
    tap_require(gu_is_intact(gu_reveal(hidden[i]), i + 1, i));
}

static void growing_text_stays_whole(void) {
  char *text = GC_malloc_atomic(1);
  size_t n = 0;
  while (n < 24 * MB) {
    size_t more = n + n / 2 + 7;
    text = GC_realloc(text, more);
    tap_require(text != NULL);
    memset(text + n, 'a' + (int)(n % 26), more - n);
    n = more;
  }
  size_t at = 0;
  while (at < n) {
    size_t more = at + at / 2 + 7;
    tap_require(text[at] == 'a' + (int)(at % 26));
    tap_require(text[more - 1] == 'a' + (int)(at % 26));
    at = more;
  }
  tap_le(GC_get_heap_size(), 400u * MB);
}

static void small_steps_of_growth_stay_bounded(void) {
  char *p = GC_malloc_atomic(16);
  for (size_t n = 16; n < 400000; n += 1000) {
    p = GC_realloc(p, n);
    tap_require(p != NULL);
    p[n - 1] = 1;
  }
  tap_le(GC_get_heap_size(), 64 * MB);
}

static void realloc_of_objects_in_a_graph(void) {
  void ***nodes = GC_malloc(N_OBJ * sizeof(void **));
  for (size_t i = 0; i < N_OBJ; i++) {
    nodes[i] = GC_malloc(16);
    nodes[i][0] = GC_malloc_atomic(32);
    gu_fill(nodes[i][0], 32, i);
  }
  for (size_t step = 0; step < 20000; step++) {
    size_t i = tap_rand() % N_OBJ;
    nodes[i] = GC_realloc(nodes[i], 16 + tap_rand() % 600);
    tap_require(nodes[i] != NULL);
  }
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(nodes[i][0], 32, i));
}

TAP_MAIN(TAP_CASE(free_of_null_is_allowed),
         TAP_CASE(freed_small_memory_is_used_again),
         TAP_CASE(freed_large_memory_is_used_again),
         TAP_CASE(freed_batches_are_used_again),
         TAP_CASE(freed_uncollectable_memory_is_used_again),
         TAP_CASE(reused_memory_is_zero),
         TAP_CASE(children_of_freed_objects_die),
         TAP_CASE(random_frees_do_not_hurt_neighbours),
         TAP_CASE(freed_bytes_are_counted), TAP_CASE(realloc_of_null_allocates),
         TAP_CASE(realloc_to_zero_frees),
         TAP_CASE(realloc_keeps_contents_and_zeroes_the_tail),
         TAP_CASE(shrink_and_grow_gives_a_zero_tail),
         TAP_CASE(realloc_keeps_the_kind),
         TAP_CASE(realloc_keeps_a_client_kind),
         TAP_CASE(reallocated_uncollectable_stays_without_references),
         TAP_CASE(growing_text_stays_whole),
         TAP_CASE(small_steps_of_growth_stay_bounded),
         TAP_CASE(realloc_of_objects_in_a_graph))
