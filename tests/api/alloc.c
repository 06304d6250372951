/* tests/api/alloc.c: allocation families, zeroing, alignment and sizes. SPDX-License-Identifier: MIT */

/*
 * Contract: every family gives 16-byte aligned memory of at least the asked
 * size; pointerful and uncollectable families give zeroed memory also when the
 * memory was used before; atomic memory is not scanned, all other is.
 */
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <errno.h>
#include <string.h>
#include <wchar.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 2000 };

extern wchar_t *GC_wcsdup(const wchar_t *) __attribute__((weak));

typedef struct {
  const char *name;
  void *(*alloc)(size_t);
  bool zeroed;
} family;

static const family families[] = {
    {"malloc", GC_malloc, true},
    {"malloc_atomic", GC_malloc_atomic, false},
    {"malloc_uncollectable", GC_malloc_uncollectable, true},
    {"malloc_atomic_uncollectable", GC_malloc_atomic_uncollectable, false},
    {"malloc_ignore_off_page", GC_malloc_ignore_off_page, true},
    {"malloc_atomic_ignore_off_page", GC_malloc_atomic_ignore_off_page, false},
};
#define N_FAMILIES (sizeof families / sizeof families[0])

static const size_t sizes[] = {
    0,     1,     7,     8,     15,    16,    17,     24,     31,      32,
    33,    63,    64,    100,   255,   256,   511,    512,    513,     1000,
    1024,  2047,  2048,  2049,  4095,  4096,  5000,   8192,   9999,    16384,
    32767, 32768, 32769, 65535, 65536, 65537, 100000, 262144, 1048576, 3000001};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

static uintptr_t hidden[N_OBJ];
static void *volatile keep[N_OBJ];

static void objects_are_aligned_and_big_enough(void) {
  for (size_t f = 0; f < N_FAMILIES; f++)
    for (size_t s = 0; s < N_SIZES; s++) {
      char *p = families[f].alloc(sizes[s]);
      tap_require(p != NULL);
      tap_eq_u((uintptr_t)p % 16, 0);
      tap_ge(GC_size(p), sizes[s]);
      tap_eq_p(GC_base(p), p);
    }
}

static void zero_size_gives_distinct_objects(void) {
  for (size_t f = 0; f < N_FAMILIES; f++) {
    void *a = families[f].alloc(0);
    void *b = families[f].alloc(0);
    tap_check(a != NULL && b != NULL && a != b);
  }
}

/* Dirties memory of all classes, then asks for it again. */
static void fresh_memory_is_zero_after_reuse(void) {
  for (int round = 0; round < 4; round++) {
    for (size_t s = 0; s < N_SIZES; s++)
      for (int i = 0; i < (sizes[s] < 5000 ? 60 : 4); i++) {
        char *p = GC_malloc(sizes[s]);
        tap_require(gu_is_zero(p, sizes[s]));
        memset(p, 0xff, sizes[s]);
      }
    gu_collect();
  }
}

static void uncollectable_memory_is_zero_after_reuse(void) {
  for (int round = 0; round < 4; round++)
    for (size_t s = 0; s < N_SIZES; s++) {
      void *p = GC_malloc_uncollectable(sizes[s]);
      tap_require(gu_is_zero(p, sizes[s]));
      memset(p, 0xff, sizes[s]);
      GC_free(p);
    }
}

static void whole_object_is_zero_up_to_its_size(void) {
  for (int round = 0; round < 3; round++) {
    for (size_t n = 1; n < 600; n++) {
      char *p = GC_malloc(n);
      tap_require(gu_is_zero(p, GC_size(p)));
      memset(p, 0xff, GC_size(p));
    }
    gu_collect();
  }
}

static void contents_of_all_sizes_stay(void) {
  for (size_t n = 0; n < N_OBJ; n++) {
    keep[n] = GC_malloc_atomic(n);
    gu_fill(keep[n], n, n);
  }
  gu_collect();
  for (size_t n = 0; n < N_OBJ; n++) /* fill what may have been freed */
    memset(GC_malloc_atomic(n), 0x7f, n);
  for (size_t n = 0; n < N_OBJ; n++)
    tap_require(gu_is_intact(keep[n], n, n));
}

static void neighbours_do_not_overlap(void) {
  for (size_t i = 0; i < N_OBJ; i++) {
    size_t n = tap_rand() % 3000;
    keep[i] = families[i % N_FAMILIES].alloc(n);
    gu_fill(keep[i], n, i);
    hidden[i] = n;
  }
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(keep[i], hidden[i], i));
}

static void byte_past_the_end_belongs_to_the_object(void) {
  GC_INIT();
  tap_eq_u(GC_get_all_interior_pointers(), 1);
  for (size_t s = 0; s < N_SIZES; s++) {
    char *p = GC_malloc(sizes[s]);
    tap_eq_p(GC_base(p + sizes[s]), p);
    char *a = GC_malloc_atomic(sizes[s]);
    tap_eq_p(GC_base(a + sizes[s]), a);
  }
}

static void make_past_end(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    size_t n = 16 * (1 + i % 64);
    char *p = GC_malloc_atomic(n);
    gu_fill(p, n, i);
    keep[i] = p + n;
  }
}

static void pointer_past_the_end_keeps_the_object(void) {
  gu_apart(make_past_end, NULL);
  gu_collect();
  for (size_t i = 0; i < N_OBJ; i++)
    memset(GC_malloc_atomic(16 * (1 + i % 64)), 0x7f, 16);
  for (size_t i = 0; i < N_OBJ; i++) {
    size_t n = 16 * (1 + i % 64);
    tap_require(gu_is_intact((char *)keep[i] - n, n, i));
  }
}

static void make_children(void *arg) {
  void *(*alloc)(size_t) = ((const family *)arg)->alloc;
  for (size_t i = 0; i < N_OBJ; i++) {
    void **parent = alloc(sizeof(void *) * 2);
    parent[1] = GC_malloc_atomic(40);
    hidden[i] = gu_hide(parent[1]);
    keep[i] = parent;
  }
}

static void atomic_objects_are_not_scanned(void) {
  gu_apart(make_children, (void *)&families[1]);
  gu_collect();
  gu_check_most_dead(hidden, N_OBJ, "children of atomic objects");
  gu_apart(make_children, (void *)&families[3]);
  gu_collect();
  gu_check_most_dead(hidden, N_OBJ, "children of atomic uncollectable objects");
  gu_apart(make_children, (void *)&families[5]);
  gu_collect();
  gu_check_most_dead(hidden, N_OBJ, "children of atomic off-page objects");
}

static void pointerful_objects_are_scanned(void) {
  for (size_t f = 0; f < N_FAMILIES; f += 2) {
    gu_apart(make_children, (void *)&families[f]);
    gu_collect();
    gu_check_none_dead(hidden, N_OBJ, families[f].name);
  }
}

static void drop_kept(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    hidden[i] = gu_hide(keep[i]);
    keep[i] = NULL;
  }
}

static void uncollectable_objects_need_no_reference(void) {
  for (size_t f = 2; f < 4; f++) {
    for (size_t i = 0; i < N_OBJ; i++) {
      keep[i] = families[f].alloc(i);
      gu_fill(keep[i], i, i);
    }
    gu_apart(drop_kept, NULL);
    gu_collect();
    for (size_t i = 0; i < N_OBJ; i++)
      memset(families[f].alloc(i), 0x7f, i);
    for (size_t i = 0; i < N_OBJ; i++)
      tap_require(gu_is_intact(gu_reveal(hidden[i]), i, i));
  }
}

static void every_word_of_a_large_object_is_scanned(void) {
  enum { WORDS = 400 * 1024 };
  void **big = GC_malloc(WORDS * sizeof(void *));
  for (size_t i = 0; i < N_OBJ; i++) {
    size_t at = i == 0 ? 0 : i == 1 ? WORDS - 1 : i * (WORDS / N_OBJ);
    big[at] = GC_malloc_atomic(64);
    gu_fill(big[at], 64, i);
    hidden[i] = gu_hide(big[at]);
  }
  gu_collect();
  gu_check_none_dead(hidden, N_OBJ, "children of a large object");
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(gu_reveal(hidden[i]), 64, i));
  GC_reachable_here(big);
}

static void make_large(void *arg) {
  (void)arg;
  for (size_t i = 0; i < 20; i++)
    hidden[i] = gu_hide(GC_malloc_atomic(500000 + i * 77777));
}

static void dropped_large_objects_die(void) {
  gu_apart(make_large, NULL);
  gu_collect();
  tap_ge(gu_dead_count(hidden, 20), 18);
}

static void garbage_does_not_grow_the_heap(void) {
  for (size_t i = 0; i < 4000000; i++)
    GC_malloc(16 + i % 7 * 16);
  tap_le(GC_get_heap_size(), 32 * 1024 * 1024);
  for (size_t i = 0; i < 2000; i++)
    GC_malloc_atomic(300000);
  tap_le(GC_get_heap_size(), 64 * 1024 * 1024);
}

static void strings_are_copied(void) {
  char text[] = "a string that will change";
  char *p = GC_strdup(text);
  char *q = GC_strndup(text, 8);
  char *r = GC_strndup(text, 1000);
  text[0] = '?';
  tap_eq_s(p, "a string that will change");
  tap_eq_s(q, "a string");
  tap_eq_s(r, "a string that will change");
  tap_eq_p(GC_strdup(NULL), NULL);
  tap_eq_s(GC_strdup(""), "");
  tap_eq_u(GC_get_kind_and_size(p, NULL), 0);
}

static void wide_strings_are_copied(void) {
  if (GC_wcsdup == NULL)
    tap_skip("this library has no GC_wcsdup");
  wchar_t text[] = L"wide";
  wchar_t *p = GC_wcsdup(text);
  text[0] = L'?';
  tap_check(p != NULL && wcscmp(p, L"wide") == 0);
}

/* Asks for ten sizes of each alignment and looks again after a collection. */
static void check_alignments(size_t from, size_t to) {
  size_t n_kept = 0;
  for (size_t align = from; align <= to; align *= 2)
    for (size_t i = 0; i < 10; i++) {
      size_t n = 1 + i * 333;
      char *p = GC_memalign(align, n);
      tap_require(p != NULL);
      tap_eq_u((uintptr_t)p % align, 0);
      tap_check(GC_base(p) != NULL);
      gu_fill(p, n, n_kept);
      keep[n_kept++] = p;
    }
  gu_collect();
  for (size_t i = 0; i < n_kept; i++)
    memset(GC_malloc_atomic(1 + i % 10 * 333), 0x7f, 1);
  for (size_t i = 0; i < n_kept; i++)
    tap_require(gu_is_intact(keep[i], 1 + i % 10 * 333, i));
}

static void memalign_aligns_and_keeps(void) { check_alignments(16, 1024); }

static void memalign_above_half_a_page(void) { check_alignments(2048, 65536); }

static void memalign_of_small_alignments(void) {
  for (size_t align = 1; align <= 16; align *= 2)
    tap_eq_u((uintptr_t)GC_memalign(align, 40) % align, 0);
}

static void posix_memalign_checks_its_argument(void) {
  void *p = NULL;
  tap_eq_u(GC_posix_memalign(&p, 3, 10), EINVAL);
  tap_eq_u(GC_posix_memalign(&p, 4, 10), EINVAL);
  tap_eq_u(GC_posix_memalign(&p, 48, 10), EINVAL);
  for (size_t align = sizeof(void *); align <= 1024; align *= 2) {
    tap_eq_u(GC_posix_memalign(&p, align, 100), 0);
    tap_check(p != NULL && (uintptr_t)p % align == 0);
  }
}

/* Counts cells; all words but the link must be zero, no cell comes twice. */
static size_t check_list(char *list, size_t cell_bytes, void *volatile *cells) {
  size_t n = 0;
  for (char *c = list; c != NULL; c = GC_NEXT((void *)c)) {
    tap_require(n < N_OBJ);
    tap_require(gu_is_zero(c + sizeof(void *), cell_bytes - sizeof(void *)));
    tap_require(GC_base(c) == c);
    cells[n++] = c;
  }
  return n;
}

static void malloc_many_gives_a_list_of_zeroed_cells(void) {
  for (size_t size = 8; size <= 2000; size = size * 3 / 2) {
    void *list = GC_malloc_many(size);
    size_t n = check_list(list, size, keep);
    tap_ge(n, 1);
    for (size_t i = 0; i < n; i++)
      gu_fill(keep[i], size, i);
    for (size_t i = 0; i < n; i++)
      tap_require(gu_is_intact(keep[i], size, i));
  }
  void *one = GC_malloc_many(200000);
  tap_eq_u(check_list(one, 200000, keep), 1);
}

static void *volatile list_head;

static void take_list(void *arg) {
  (void)arg;
  list_head = GC_malloc_many(48);
  hidden[0] = check_list(list_head, 48, keep);
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = NULL;
}

static void cells_live_while_the_head_is_held(void) {
  gu_apart(take_list, NULL);
  size_t n = hidden[0];
  gu_collect();
  for (size_t i = 0; i < 20000; i++)
    memset(GC_malloc(48), 0x7f, 48);
  tap_eq_u(check_list(list_head, 48, keep), n);
}

static void generic_malloc_many_of_both_kinds(void) {
  for (int kind = 0; kind < 2; kind++)
    for (size_t size = 16; size <= 512; size += 16) {
      void *list = NULL;
      GC_generic_malloc_many(size, kind, &list);
      tap_require(list != NULL);
      size_t n = 0;
      for (char *c = list; c != NULL; c = GC_NEXT((void *)c), n++) {
        tap_require(n < 100000);
        size_t got = 0;
        tap_eq_u(GC_get_kind_and_size(c, &got), kind);
        tap_ge(got, size);
        tap_require(kind == 0 || gu_is_zero(c + 8, size - 8));
      }
    }
}

static void generic_malloc_takes_the_kind(void) {
  GC_INIT();
  for (int kind = 0; kind < 2; kind++)
    for (size_t s = 0; s < N_SIZES; s++) {
      size_t got = 0;
      void *p = GC_generic_malloc(sizes[s], kind);
      void *q = GC_generic_malloc_ignore_off_page(sizes[s], kind);
      void *r = GC_malloc_kind(sizes[s], kind);
      tap_require(p != NULL && q != NULL && r != NULL);
      tap_eq_u(GC_get_kind_and_size(p, &got), kind);
      tap_ge(got, sizes[s]);
      tap_eq_u(GC_get_kind_and_size(q, NULL), kind);
      tap_eq_u(GC_get_kind_and_size(r, NULL), kind);
      tap_check(kind == 0 || gu_is_zero(p, sizes[s]));
    }
}

static void special_malloc_knows_all_four_kinds(void) {
  GC_INIT();
  for (int kind = 0; kind < 4; kind++) {
    void *p = GC_generic_or_special_malloc(100, kind);
    tap_require(p != NULL);
    tap_eq_u(GC_get_kind_and_size(p, NULL), kind);
  }
}

static void macros_call_the_functions(void) {
  long *p = GC_NEW(long);
  tap_check(p != NULL && *p == 0);
  tap_eq_u(GC_get_kind_and_size(GC_NEW_ATOMIC(long), NULL), 0);
  tap_eq_u(GC_get_kind_and_size(GC_NEW_UNCOLLECTABLE(long), NULL), 2);
  tap_eq_u(GC_get_kind_and_size(GC_MALLOC(10), NULL), 1);
  tap_eq_u(GC_get_kind_and_size(GC_MALLOC_ATOMIC(10), NULL), 0);
  tap_eq_s(GC_STRDUP("x"), "x");
  tap_check(GC_MALLOC_IGNORE_OFF_PAGE(200000) != NULL);
}

TAP_MAIN(TAP_CASE(objects_are_aligned_and_big_enough),
         TAP_CASE(zero_size_gives_distinct_objects),
         TAP_CASE(fresh_memory_is_zero_after_reuse),
         TAP_CASE(uncollectable_memory_is_zero_after_reuse),
         TAP_CASE(whole_object_is_zero_up_to_its_size),
         TAP_CASE(contents_of_all_sizes_stay),
         TAP_CASE(neighbours_do_not_overlap),
         TAP_CASE(byte_past_the_end_belongs_to_the_object),
         TAP_CASE(pointer_past_the_end_keeps_the_object),
         TAP_CASE(atomic_objects_are_not_scanned),
         TAP_CASE(pointerful_objects_are_scanned),
         TAP_CASE(uncollectable_objects_need_no_reference),
         TAP_CASE(every_word_of_a_large_object_is_scanned),
         TAP_CASE(dropped_large_objects_die),
         TAP_CASE(garbage_does_not_grow_the_heap), TAP_CASE(strings_are_copied),
         TAP_CASE(wide_strings_are_copied), TAP_CASE(memalign_aligns_and_keeps),
         TAP_CASE(memalign_above_half_a_page),
         TAP_CASE(memalign_of_small_alignments),
         TAP_CASE(posix_memalign_checks_its_argument),
         TAP_CASE(malloc_many_gives_a_list_of_zeroed_cells),
         TAP_CASE(cells_live_while_the_head_is_held),
         TAP_CASE(generic_malloc_many_of_both_kinds),
         TAP_CASE(generic_malloc_takes_the_kind),
         TAP_CASE(special_malloc_knows_all_four_kinds),
         TAP_CASE(macros_call_the_functions))
