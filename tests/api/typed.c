/* tests/api/typed.c: objects and arrays with descriptors, and by their tables. SPDX-License-Identifier: MIT */

/*
 * Contract: the words that a descriptor names keep alive what they refer to, the
 * others keep nothing; that holds for bit maps of any length, for each element
 * of an array, and for descriptors that the table of an object's class has.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_gcj.h>
#include <gc/gc_mark.h>
#include <gc/gc_typed.h>

#include <stdlib.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 200, MAX_WORDS = 200, MAP_WORDS = 4, CHILD_BYTES = 48 };

static GC_word map[MAP_WORDS];
static size_t words; /* of an object, or of an element */
static size_t count; /* of elements; 0: no array */
static bool is_large;
static GC_descr descriptor;
static void **volatile parent[N_OBJ];
static uintptr_t named[N_OBJ * MAX_WORDS], unnamed[N_OBJ * MAX_WORDS];
static size_t named_count, unnamed_count;

static void *make_child(void) {
  void *p = GC_malloc_atomic(CHILD_BYTES);
  gu_fill(p, CHILD_BYTES, 7);
  return p;
}

static void **make_parent(void) {
  if (count != 0)
    return GC_calloc_explicitly_typed(count, words * sizeof(GC_word),
                                      descriptor);
  if (is_large)
    return GC_malloc_explicitly_typed_ignore_off_page(words * sizeof(GC_word),
                                                      descriptor);
  return GC_malloc_explicitly_typed(words * sizeof(GC_word), descriptor);
}

/* The first words of large arrays get children, and the last ones. */
static void fill_parent(void **p, size_t all) {
  for (size_t i = 0; i < all; i++) {
    if (i >= MAX_WORDS / 4 && i + MAX_WORDS / 4 < all)
      continue;
    p[i] = make_child();
    if (GC_get_bit(map, i % words))
      named[named_count++] = gu_hide(p[i]);
    else
      unnamed[unnamed_count++] = gu_hide(p[i]);
  }
}

static void make_families(void *arg) {
  size_t all = words * (count == 0 ? 1 : count);
  size_t n = all > MAX_WORDS ? N_OBJ / 10 : N_OBJ;
  (void)arg;
  for (size_t i = 0; i < n; i++) {
    void **p = make_parent();
    tap_require(p != NULL && gu_is_zero(p, all * sizeof *p));
    tap_ge(GC_size(p), all * sizeof *p);
    tap_eq_p(GC_base(p + all), p);
    fill_parent(p, all);
    parent[i] = p;
  }
}

/* Marks of GC_gcollect tell, and contents. */
static void check_families(void) {
  named_count = unnamed_count = 0;
  gu_apart(make_families, NULL);
  gu_collect();
  gu_check_none_dead(named, named_count, "named words");
  for (size_t i = 0; i < named_count; i++)
    tap_require(gu_is_intact(gu_reveal(named[i]), CHILD_BYTES, 7));
  if (unnamed_count >= 100)
    gu_check_most_dead(unnamed, unnamed_count, "other words");
  memset((void *)parent, 0, sizeof parent);
}

static void choose_map(size_t n, unsigned density) {
  memset(map, 0, sizeof map);
  words = n;
  for (size_t i = 0; i < n; i++)
    if (tap_rand() % 8 < density)
      GC_set_bit(map, i);
  descriptor = GC_make_descriptor(map, n);
}

/* ---- Descriptors ---- */

static void simple_maps_have_known_descriptors(void) {
  GC_INIT();
  map[0] = 7;
  tap_eq_u(GC_make_descriptor(map, 3), 24);
  tap_eq_u(GC_make_descriptor(map, 40), 24);
  map[0] = 0;
  tap_eq_u(GC_make_descriptor(map, 3), 0);
  tap_eq_u(GC_make_descriptor(map, 0), 0);
  map[0] = 5;
  tap_eq_u(GC_make_descriptor(map, 3), (GC_word)5 << 61 | GC_DS_BITMAP);
  map[0] = 1 | (GC_word)1 << 61;
  tap_eq_u(GC_make_descriptor(map, 62) & GC_DS_TAGS, GC_DS_BITMAP);
  map[0] = 1 | (GC_word)1 << 62;
  tap_eq_u(GC_make_descriptor(map, 63) & GC_DS_TAGS, GC_DS_PROC);
}

static void bits_are_counted_from_the_lowest(void) {
  struct type {
    void *a;
    long b;
    void *c[70];
  };
  tap_eq_u(GC_WORD_OFFSET(struct type, c), 2);
  tap_eq_u(GC_WORD_LEN(struct type), 72);
  tap_eq_u(GC_BITMAP_SIZE(struct type), 2);
  GC_set_bit(map, 0);
  GC_set_bit(map, 65);
  tap_eq_u(map[0], 1);
  tap_eq_u(map[1], 2);
  tap_eq_u(GC_get_bit(map, 65), 1);
  tap_eq_u(GC_get_bit(map, 64), 0);
}

/* ---- Objects ---- */

static void objects_of_every_length(void) {
  GC_INIT();
  for (size_t n = 1; n < 80; n += 1 + n / 8) {
    choose_map(n, 4);
    check_families();
  }
}

static void objects_with_long_maps(void) {
  static const size_t lengths[] = {61, 62, 63, 64, 65, 127, 128, 129, 190};
  GC_INIT();
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    choose_map(lengths[i], 4);
    map[(lengths[i] - 1) / GC_WORDSZ] |= (GC_word)1
                                         << (lengths[i] - 1) % GC_WORDSZ;
    descriptor = GC_make_descriptor(map, lengths[i]);
    check_families();
  }
}

static void objects_without_references_and_full_of_them(void) {
  GC_INIT();
  choose_map(30, 0);
  check_families();
  choose_map(30, 8);
  check_families();
  choose_map(100, 8);
  check_families();
}

static void large_objects_with_few_references(void) {
  GC_INIT();
  choose_map(90, 4);
  words = 20000;
  for (int i = 0; i < 2; i++, is_large = true) {
    memset(named, 0, sizeof named);
    named_count = unnamed_count = 0;
    void **p = parent[0] = make_parent();
    for (size_t w = 0; w < 90; w++) {
      p[w] = make_child();
      if (GC_get_bit(map, w))
        named[named_count++] = gu_hide(p[w]);
    }
    gu_collect();
    gu_check_none_dead(named, named_count, "words of a large object");
  }
}

static void objects_of_no_bytes(void) {
  GC_INIT();
  void *p = GC_malloc_explicitly_typed(0, 0);
  tap_check(p != NULL && GC_base(p) == p);
  p = GC_calloc_explicitly_typed(0, 24, 8);
  tap_check(p != NULL && GC_base(p) == p);
}

/* ---- Arrays ---- */

static void arrays_of_every_count(void) {
  GC_INIT();
  for (count = 1; count < 40; count += 1 + count / 4) {
    choose_map(3, 4);
    check_families();
    choose_map(1 + count % 5, 4);
    check_families();
  }
}

static void arrays_of_long_elements(void) {
  GC_INIT();
  for (count = 1; count < 6; count++) {
    choose_map(70, 4);
    GC_set_bit(map, 69);
    descriptor = GC_make_descriptor(map, 70);
    check_families();
  }
}

static void large_arrays(void) {
  GC_INIT();
  count = 10000;
  choose_map(3, 4);
  map[0] = 5;
  descriptor = GC_make_descriptor(map, 3);
  check_families();
}

static void large_arrays_with_a_length(void) {
  GC_INIT();
  count = 10000;
  choose_map(3, 0);
  map[0] = 1; /* shorter than the element */
  descriptor = GC_make_descriptor(map, 3);
  check_families();
}

static size_t asked;

static void *answer(size_t bytes) {
  asked = bytes;
  return (void *)parent;
}

static void too_large_arrays(void) {
  volatile size_t huge = (size_t)1 << 40;
  GC_INIT();
  GC_set_oom_fn(answer);
  tap_eq_p(GC_calloc_explicitly_typed(huge, huge, 8), (void *)parent);
  tap_ge(asked, huge);
}

/* ---- Tables ---- */

struct table {
  void *other;
  GC_descr descr;
};

static struct table length_table, map_table, proc_table;

static struct GC_ms_entry *mark_second(GC_word *object,
                                       struct GC_ms_entry *token,
                                       struct GC_ms_entry *limit, GC_word env) {
  void **p = (void **)object;
  (void)env;
  return GC_MARK_AND_PUSH(p[2], token, limit, p + 2);
}

static void make_objects(void *arg) {
  struct table *t = arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void **p = i % 2 ? GC_gcj_malloc(5 * sizeof *p, t)
                     : GC_gcj_malloc_ignore_off_page(5 * sizeof *p, t);
    tap_eq_p(p[0], t);
    tap_require(gu_is_zero(p + 1, 4 * sizeof *p));
    for (size_t w = 1; w < 5; w++) {
      p[w] = make_child();
      if (w == 2 || (t == &length_table && w < 4))
        named[named_count++] = gu_hide(p[w]);
      else
        unnamed[unnamed_count++] = gu_hide(p[w]);
    }
    parent[i] = p;
  }
}

static void check_table(struct table *t) {
  named_count = unnamed_count = 0;
  gu_apart(make_objects, t);
  gu_collect();
  gu_check_none_dead(named, named_count, "named by the table");
  gu_check_most_dead(unnamed, unnamed_count, "not named by the table");
}

static void tables_tell_of_their_objects(void) {
  GC_INIT();
  GC_init_gcj_malloc(GC_GCJ_RESERVED_MARK_PROC_INDEX, (void *)mark_second);
  length_table.descr = 4 * sizeof(void *);
  map_table.descr = (GC_word)1 << 61 | GC_DS_BITMAP;
  proc_table.descr = GC_MAKE_PROC(GC_GCJ_RESERVED_MARK_PROC_INDEX, 0);
  check_table(&length_table);
  check_table(&map_table);
  check_table(&proc_table);
  tap_check(GC_gcj_kind > 3 && GC_gcj_debug_kind > 3);
  tap_eq_u(GC_get_kind_and_size(parent[0], NULL), GC_gcj_kind);
}

TAP_MAIN(TAP_CASE(simple_maps_have_known_descriptors),
         TAP_CASE(bits_are_counted_from_the_lowest),
         TAP_CASE(objects_of_every_length), TAP_CASE(objects_with_long_maps),
         TAP_CASE(objects_without_references_and_full_of_them),
         TAP_CASE(large_objects_with_few_references),
         TAP_CASE(objects_of_no_bytes), TAP_CASE(arrays_of_every_count),
         TAP_CASE(arrays_of_long_elements), TAP_CASE(large_arrays),
         TAP_CASE(large_arrays_with_a_length), TAP_CASE(too_large_arrays),
         TAP_CASE(tables_tell_of_their_objects))
