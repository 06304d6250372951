/* tests/api/marking.c: client kinds, descriptors, mark procedures, mark bits. SPDX-License-Identifier: MIT */

/*
 * Contract: a kind's descriptor decides which words of its objects are
 * references: a length, a bitmap, a procedure with an environment, or found in
 * the object. Words that it does not name keep nothing, words that it names
 * keep everything. Bits set by hand count for the object alone.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 1000, WORDS = 8, OBJ_BYTES = WORDS * 8, CHILD_BYTES = 64 };

#define BIT(i) ((GC_word)1 << (63 - (i)))

static uintptr_t child[WORDS][N_OBJ];
static void **volatile parent[N_OBJ];
static int kind_in_use;

static void *make_child(uint64_t id) {
  void *p = GC_malloc_atomic(CHILD_BYTES);
  gu_fill(p, CHILD_BYTES, id);
  return p;
}

/* Each parent gets a child in every word from `first` on. */
static void make_family(void *arg) {
  size_t first = *(size_t *)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void **p = GC_generic_malloc(OBJ_BYTES, kind_in_use);
    tap_require(p != NULL);
    for (size_t w = first; w < WORDS; w++) {
      p[w] = make_child(i * WORDS + w);
      child[w][i] = gu_hide(p[w]);
    }
    parent[i] = p;
  }
}

static int make_kind(GC_word descriptor, int adjust, int clear) {
  GC_INIT();
  return (int)GC_new_kind(GC_new_free_list(), descriptor, adjust, clear);
}

static void check_word(size_t word, bool is_reference) {
  char what[40] = "children in word ?";
  what[strlen(what) - 1] = (char)('0' + word);
  if (is_reference)
    gu_check_none_dead(child[word], N_OBJ, what);
  else
    gu_check_most_dead(child[word], N_OBJ, what);
}

/* Bit w of `mask` tells whether word w must be a reference. */
static void check_kind(int kind, unsigned mask, size_t first) {
  kind_in_use = kind;
  gu_apart(make_family, &first);
  gu_collect();
  for (size_t w = first; w < WORDS; w++)
    check_word(w, mask >> w & 1);
}

static void kinds_are_new_and_distinct(void) {
  int a = make_kind(GC_DS_LENGTH, 1, 1);
  int b = make_kind(GC_DS_LENGTH, 1, 1);
  tap_check(a > 3 && b > 3 && a != b);
  tap_eq_u(GC_get_kind_and_size(GC_generic_malloc(40, a), NULL), a);
  tap_eq_u(GC_get_kind_and_size(GC_generic_malloc(40000, b), NULL), b);
}

static void ten_kinds_can_be_made(void) {
  int kinds[10];
  for (int i = 0; i < 10; i++)
    kinds[i] = make_kind(i % 2 ? GC_DS_LENGTH : 0, i % 2, 1);
  for (int i = 0; i < 10; i++)
    for (size_t n = 8; n < 20000; n *= 3)
      tap_eq_u(GC_get_kind_and_size(GC_generic_malloc(n, kinds[i]), NULL),
               kinds[i]);
}

static void adjusted_length_covers_the_object(void) {
  check_kind(make_kind(GC_DS_LENGTH, 1, 1), 0xff, 0);
}

static void zero_length_covers_nothing(void) {
  check_kind(make_kind(GC_DS_LENGTH, 0, 1), 0, 0);
}

static void fixed_length_covers_the_front(void) {
  check_kind(make_kind(24 | GC_DS_LENGTH, 0, 1), 0x07, 0);
}

static void bitmap_selects_words(void) {
  check_kind(make_kind(BIT(0) | BIT(2) | BIT(7) | GC_DS_BITMAP, 0, 1), 0x85, 0);
}

static void empty_bitmap_selects_nothing(void) {
  check_kind(make_kind(GC_DS_BITMAP, 0, 1), 0, 0);
}

static void cleared_kinds_give_zeroed_memory(void) {
  int kind = make_kind(GC_DS_LENGTH, 1, 1);
  for (int round = 0; round < 3; round++) {
    for (size_t n = 1; n < 5000; n += 13) {
      void *p = GC_generic_malloc(n, kind);
      tap_require(gu_is_zero(p, n));
      memset(p, 0xff, n);
    }
    gu_collect();
  }
}

/* ---- Mark procedures ---- */

static atomic_size_t n_proc_calls, last_env;

/* Marks word 2 and word `env`; cells without the mark in word 1 are unused. */
static struct GC_ms_entry *mark_two(GC_word *addr, struct GC_ms_entry *sp,
                                    struct GC_ms_entry *limit, GC_word env) {
  void **p = (void **)addr;
  atomic_fetch_add(&n_proc_calls, 1);
  atomic_store(&last_env, env);
  sp = GC_MARK_AND_PUSH(p[2], sp, limit, &p[2]);
  return GC_MARK_AND_PUSH(p[env], sp, limit, &p[env]);
}

static void procedures_choose_words(void) {
  GC_INIT();
  unsigned proc = GC_new_proc(mark_two);
  int kind = make_kind(GC_MAKE_PROC(proc, 5), 0, 1);
  check_kind(kind, 1u << 2 | 1u << 5, 1);
  tap_ge(atomic_load(&n_proc_calls), N_OBJ);
  tap_eq_u(atomic_load(&last_env), 5);
}

static void environments_are_passed(void) {
  GC_INIT();
  unsigned proc = GC_new_proc(mark_two);
  for (GC_word env = 3; env < WORDS; env++) {
    check_kind(make_kind(GC_MAKE_PROC(proc, env), 0, 1), 1u << 2 | 1u << env,
               1);
    tap_eq_u(atomic_load(&last_env), env);
  }
}

static void forty_procedures_can_be_made(void) {
  unsigned seen[40];
  GC_INIT();
  for (unsigned i = 0; i < 40; i++) {
    seen[i] = GC_new_proc(mark_two);
    tap_check(seen[i] < GC_MAX_MARK_PROCS);
    for (unsigned j = 0; j < i; j++)
      tap_check(seen[i] != seen[j]);
  }
  check_kind(make_kind(GC_MAKE_PROC(seen[39], 6), 0, 1), 1u << 2 | 1u << 6, 1);
}

enum { MAGIC = 0x5a5a5a };
static atomic_size_t n_bad_calls;

static struct GC_ms_entry *mark_tagged(GC_word *addr, struct GC_ms_entry *sp,
                                       struct GC_ms_entry *limit, GC_word env) {
  (void)env;
  void **p = (void **)addr;
  if (addr[1] == 0 && gu_is_zero(addr + 1, OBJ_BYTES - 8))
    return sp; /* unused cell: only word 0 may be a link */
  if (addr[1] != MAGIC)
    atomic_fetch_add(&n_bad_calls, 1);
  return GC_MARK_AND_PUSH(p[2], sp, limit, &p[2]);
}

/* Procedures see live objects or cells that are zero but for word 0. */
static void procedures_see_sound_objects(void) {
  GC_INIT();
  kind_in_use = make_kind(GC_MAKE_PROC(GC_new_proc(mark_tagged), 0), 0, 1);
  for (size_t i = 0; i < 300000; i++) {
    GC_word *p = GC_generic_malloc(OBJ_BYTES, kind_in_use);
    p[1] = MAGIC;
    p[2] = (GC_word)parent[i % N_OBJ];
    for (size_t w = 3; w < WORDS; w++)
      p[w] = ~(GC_word)i;
    parent[tap_rand() % N_OBJ] = (void **)p;
    if (i % 30000 == 0)
      GC_gcollect();
  }
  tap_eq_u(atomic_load(&n_bad_calls), 0);
}

/* A list whose links only the procedure knows. */
static void long_lists_by_procedure(void) {
  enum { N = 200000 };
  GC_INIT();
  int kind = make_kind(GC_MAKE_PROC(GC_new_proc(mark_two), 3), 0, 1);
  void **head = NULL;
  for (size_t i = 0; i < N; i++) {
    void **p = GC_generic_malloc(40, kind);
    p[1] = (void *)i;
    p[2] = head;
    parent[0] = head = p;
  }
  head = NULL;
  gu_collect();
  size_t i = N;
  for (void **p = parent[0]; p != NULL; p = p[2])
    tap_require((size_t)p[1] == --i);
  tap_eq_u(i, 0);
}

static struct GC_ms_entry *mark_wide(GC_word *addr, struct GC_ms_entry *sp,
                                     struct GC_ms_entry *limit, GC_word env) {
  void **p = (void **)addr;
  for (size_t i = 1; i < env; i++)
    sp = GC_MARK_AND_PUSH(p[i], sp, limit, &p[i]);
  return sp;
}

/* More pushes in one call than a small mark stack holds. */
static void wide_objects_by_procedure(void) {
  enum { N = 60000 };
  GC_INIT();
  int kind = make_kind(GC_MAKE_PROC(GC_new_proc(mark_wide), N), 0, 1);
  void ***wide = GC_generic_malloc(N * sizeof(void *), kind);
  parent[0] = (void **)wide;
  for (size_t i = 1; i < N; i++) {
    wide[i] = GC_malloc(16);
    wide[i][1] = make_child(i);
  }
  gu_collect();
  for (size_t i = 0; i < N; i++)
    memset(GC_malloc_atomic(CHILD_BYTES), 0x7f, CHILD_BYTES);
  for (size_t i = 1; i < N; i++)
    tap_require(gu_is_intact(wide[i][1], CHILD_BYTES, i));
}

/* ---- Descriptors in the object ---- */

static void make_self_described(void *arg) {
  size_t at = *(size_t *)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    GC_word *p = GC_generic_malloc(OBJ_BYTES, kind_in_use);
    for (size_t w = 2; w < WORDS - 1; w++) {
      void *c = make_child(i);
      p[w] = (GC_word)c;
      child[w][i] = gu_hide(c);
    }
    p[at] = BIT(2) | BIT(5) | GC_DS_BITMAP;
    parent[i] = (void **)p;
  }
}

static void descriptor_at_an_offset(void) {
  static const size_t places[] = {0, 1, WORDS - 1};
  for (size_t i = 0; i < 3; i++) {
    size_t at = places[i];
    kind_in_use = make_kind(at * 8 | GC_DS_PER_OBJECT, 0, 1);
    gu_apart(make_self_described, &at);
    gu_collect();
    for (size_t w = 2; w < WORDS - 1; w++)
      check_word(w, w == 2 || w == 5);
  }
}

static GC_word *type_record; /* word 3 holds the descriptor */

static void make_typed(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    GC_word *p = GC_generic_malloc(OBJ_BYTES, kind_in_use);
    for (size_t w = 1; w < WORDS; w++) {
      void *c = make_child(i);
      p[w] = (GC_word)c;
      child[w][i] = gu_hide(c);
    }
    p[0] = (GC_word)type_record;
    parent[i] = (void **)p;
  }
}

static void descriptor_in_a_type_record(void) {
  GC_word offset = 3 * sizeof(GC_word);
  GC_word descriptor =
      (GC_word)0 - (offset + GC_INDIR_PER_OBJ_BIAS) + GC_DS_PER_OBJECT;
  type_record = GC_malloc_uncollectable(4 * sizeof(GC_word));
  type_record[3] = BIT(1) | BIT(6) | GC_DS_BITMAP;
  kind_in_use = make_kind(descriptor, 0, 1);
  gu_apart(make_typed, NULL);
  gu_collect();
  for (size_t w = 1; w < WORDS; w++)
    check_word(w, w == 1 || w == 6);
}

/* ---- Mark bits ---- */

static void marks_tell_life_after_a_collection(void) {
  void *volatile live = GC_malloc(40);
  void *volatile fixed = GC_malloc_uncollectable(40);
  gu_collect();
  tap_check(GC_is_marked(live));
  tap_check(GC_is_marked(fixed));
}

static uintptr_t dropped[N_OBJ];

static void make_dropped(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void *p = GC_malloc_atomic(CHILD_BYTES);
    gu_fill(p, CHILD_BYTES, i);
    dropped[i] = gu_hide(p);
  }
}

/* Every second one stays in use, so that no block goes away as a whole. */
static void make_half_dropped(void *arg) {
  make_dropped(arg);
  for (size_t i = 0; i < N_OBJ; i += 2)
    parent[i] = gu_reveal(dropped[i]);
}

static void a_mark_set_by_hand_saves_the_object(void) {
  gu_apart(make_half_dropped, NULL);
  gu_collect();
  for (size_t i = 1; i < N_OBJ; i += 2) {
    GC_set_mark_bit(gu_reveal(dropped[i]));
    tap_check(GC_is_marked(gu_reveal(dropped[i])));
  }
  GC_disable();
  for (size_t i = 0; i < 2 * N_OBJ; i++)
    memset(GC_malloc_atomic(CHILD_BYTES), 0x7f, CHILD_BYTES);
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(gu_reveal(dropped[i]), CHILD_BYTES, i));
}

static GC_push_other_roots_proc previous;
static uintptr_t saved_parent, saved_child;

static void mark_during_collection(void) {
  void *p = gu_reveal(saved_parent);
  GC_set_mark_bit(p);
  tap_check(GC_is_marked(p));
  if (previous != NULL)
    previous();
}

static void make_parent_and_child(void *arg) {
  (void)arg;
  void **p = GC_malloc(CHILD_BYTES);
  p[0] = GC_malloc_atomic(CHILD_BYTES);
  saved_parent = gu_hide(p);
  saved_child = gu_hide(p[0]);
  p[1] = (void *)saved_child;
}

/* Set while marking, the bit keeps the object and nothing that it refers to. */
static void a_mark_set_while_marking_keeps_the_object_alone(void) {
  size_t n_child_dead = 0;
  const char *kind = getenv("BUILD_KIND");
  if (getenv("GCX_VERIFY") || (kind && strcmp(kind, "debug") == 0))
    tap_skip("the verifier takes such an object for one that was traced");
  GC_INIT();
  previous = GC_get_push_other_roots();
  for (int i = 0; i < 20; i++) {
    gu_apart(make_parent_and_child, NULL);
    GC_set_push_other_roots(mark_during_collection);
    gu_collect();
    GC_set_push_other_roots(previous);
    tap_check(!gu_is_dead(saved_parent));
    tap_eq_u(((uintptr_t *)gu_reveal(saved_parent))[1], saved_child);
    n_child_dead += gu_is_dead(saved_child);
  }
  tap_ge(n_child_dead, 15);
}

/* ---- Inlined allocation ---- */

static void *tiny[GC_TINY_FREELISTS];
static void *tiny_atomic[GC_TINY_FREELISTS];

static void inline_macros_allocate(void) {
  GC_INIT();
  for (size_t step = 0; step < 200000; step++) {
    void **p;
    size_t words = 1 + step % 70;
    GC_MALLOC_WORDS(p, words, tiny);
    tap_require(p != NULL && gu_is_zero(p, words * 8));
    tap_require(GC_base(p) == p);
    memset(p, 0, words * 8);
    p[0] = (void *)parent[step % N_OBJ];
    parent[tap_rand() % N_OBJ] = step % 50 == 0 ? NULL : p;
  }
}

/* Cells of a pointer-free list are not linked for the marker: drop the list. */
static void forget_atomic_lists(void) {
  memset(tiny_atomic, 0, sizeof tiny_atomic);
}

static void inline_atomic_allocation_keeps_contents(void) {
  static void *volatile slots[N_OBJ];
  static size_t words[N_OBJ];
  GC_INIT();
  GC_set_start_callback(forget_atomic_lists);
  for (size_t step = 0; step < 200000; step++) {
    size_t i = tap_rand() % N_OBJ;
    void *p;
    if (slots[i] != NULL)
      tap_require(gu_is_intact(slots[i], words[i] * 8, i));
    words[i] = 1 + tap_rand() % 60;
    GC_MALLOC_ATOMIC_WORDS(p, words[i], tiny_atomic);
    tap_require(p != NULL);
    gu_fill(p, words[i] * 8, i);
    slots[i] = p;
  }
}

static void inline_pairs_form_lists(void) {
  enum { N = 100000 };
  void **list = NULL;
  GC_set_all_interior_pointers(0); /* else the last word is the spare byte's */
  GC_INIT();
  for (size_t i = 0; i < N; i++) {
    void **cell;
    GC_CONS(cell, i, list, tiny);
    tap_require(cell != NULL);
    list = cell;
    if (i % 10000 == 0)
      GC_gcollect();
  }
  size_t i = N;
  for (void **c = list; c != NULL; c = c[1])
    tap_require((size_t)c[0] == --i);
  tap_eq_u(i, 0);
}

static void many_cells_of_a_client_kind(void) {
  int kind = make_kind(BIT(1) | GC_DS_BITMAP, 0, 1);
  for (size_t n = 16; n <= 400; n += 48) {
    void *list = NULL;
    GC_generic_malloc_many(n, kind, &list);
    tap_require(list != NULL);
    for (char *c = list; c != NULL; c = GC_NEXT((void *)c)) {
      tap_require(GC_get_kind_and_size(c, NULL) == kind);
      tap_require(gu_is_zero(c + 8, n - 8));
    }
  }
}

static void ignore_off_page_of_a_client_kind(void) {
  int kind = make_kind(GC_DS_LENGTH, 1, 1);
  void **p = GC_generic_malloc_ignore_off_page(300000, kind);
  tap_require(p != NULL);
  tap_eq_u(GC_get_kind_and_size(p, NULL), kind);
  tap_check(gu_is_zero(p, 300000));
  p[30000] = make_child(1);
  gu_collect();
  for (size_t i = 0; i < N_OBJ; i++)
    memset(GC_malloc_atomic(CHILD_BYTES), 0x7f, CHILD_BYTES);
  tap_check(gu_is_intact(p[30000], CHILD_BYTES, 1));
}

static void plausible_bounds_enclose_the_heap(void) {
  for (size_t n = 16; n < 4000000; n *= 5) {
    void *p = GC_malloc(n);
    tap_check(p >= GC_least_plausible_heap_addr);
    tap_check(p <= GC_greatest_plausible_heap_addr);
  }
}

enum { MB = 1 << 20, N_BIG = 20 };

static void *volatile big[N_BIG];
static void **volatile holder;
static uintptr_t newest;

static void make_big(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_BIG; i++)
    big[i] = GC_malloc_atomic(MB);
}

static void make_newest(void *arg) {
  (void)arg;
  holder[1] = GC_malloc_atomic(2 * MB);
  gu_fill(holder[1], CHILD_BYTES, 1);
  newest = gu_hide(holder[1]);
}

static struct GC_ms_entry *mark_word_1(GC_word *addr, struct GC_ms_entry *sp,
                                       struct GC_ms_entry *limit, GC_word env) {
  void **p = (void **)addr;
  (void)env;
  return GC_MARK_AND_PUSH(p[1], sp, limit, &p[1]);
}

/* Holes of a megabyte are returned to the system, so that twice as much comes
 * from new addresses although the heap is smaller than it has been. */
static void procedures_may_push_what_is_newest(void) {
  GC_INIT();
  unsigned proc = GC_new_proc(mark_word_1);
  holder =
      GC_generic_malloc(CHILD_BYTES, make_kind(GC_MAKE_PROC(proc, 0), 0, 1));
  gu_apart(make_big, NULL);
  for (size_t i = 0; i < N_BIG; i += 2)
    big[i] = NULL;
  for (int i = 0; i < 3; i++)
    GC_gcollect_and_unmap();
  for (int i = 0; i < 4; i++) {
    gu_apart(make_newest, NULL);
    gu_collect();
    tap_check(!gu_is_dead(newest));
    tap_check(gu_is_intact(gu_reveal(newest), CHILD_BYTES, 1));
  }
}

TAP_MAIN(TAP_CASE(kinds_are_new_and_distinct), TAP_CASE(ten_kinds_can_be_made),
         TAP_CASE(adjusted_length_covers_the_object),
         TAP_CASE(zero_length_covers_nothing),
         TAP_CASE(fixed_length_covers_the_front),
         TAP_CASE(bitmap_selects_words), TAP_CASE(empty_bitmap_selects_nothing),
         TAP_CASE(cleared_kinds_give_zeroed_memory),
         TAP_CASE(procedures_choose_words), TAP_CASE(environments_are_passed),
         TAP_CASE(forty_procedures_can_be_made),
         TAP_CASE(procedures_see_sound_objects),
         TAP_CASE(long_lists_by_procedure), TAP_CASE(wide_objects_by_procedure),
         TAP_CASE(descriptor_at_an_offset),
         TAP_CASE(descriptor_in_a_type_record),
         TAP_CASE(marks_tell_life_after_a_collection),
         TAP_CASE(a_mark_set_by_hand_saves_the_object),
         TAP_CASE(a_mark_set_while_marking_keeps_the_object_alone),
         TAP_CASE(inline_macros_allocate),
         TAP_CASE(inline_atomic_allocation_keeps_contents),
         TAP_CASE(inline_pairs_form_lists),
         TAP_CASE(many_cells_of_a_client_kind),
         TAP_CASE(ignore_off_page_of_a_client_kind),
         TAP_CASE(plausible_bounds_enclose_the_heap),
         TAP_CASE(procedures_may_push_what_is_newest))
