/* tests/gcx/kinds.c: notified kinds and their options. SPDX-License-Identifier: MIT */

/*
 * Contract: a kind's notifier gets its own data, with every layout and size;
 * keeping, reviving, freeing by hand, quiescing and the simple mode do what
 * gcx/reclaim.h says; options that make no sense are refused.
 */
#include "gcx/shadow.h"
#include <gc/gc_mark.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MB = 1024 * 1024 };

/* ---- Many kinds, all sizes ---- */

enum { N_KINDS = 64, PER_KIND = 60 };

struct own {
  size_t number;
  atomic_size_t calls, wrong, objects;
};

static struct own own[N_KINDS];

/* The number of the kind is in each byte, the size can be told from the table. */
static gcx_verdict GC_CALLBACK on_own(void *object, size_t bytes, void *cd) {
  struct own *o = cd;
  const unsigned char *b = object;
  atomic_fetch_add(&o->calls, 1);
  if (o < own || o >= own + N_KINDS || bytes < 1 || b[0] != o->number + 100 ||
      (uintptr_t)object % 16 != 0)
    atomic_fetch_add(&o->wrong, 1);
  return GCX_DONE;
}

static size_t size_of(size_t i) {
  static const size_t sizes[] = {1,     7,     8,      16,     17,   48,
                                 100,   255,   1000,   4096,   5000, 32768,
                                 65536, 65537, 300000, 1048576};
  return sizes[i % (sizeof sizes / sizeof sizes[0])];
}

static void fill_kinds(void *arg) {
  gcx_kind **kinds = arg;
  for (size_t i = 0; i < N_KINDS * PER_KIND; i++) {
    size_t k = i % N_KINDS, bytes = size_of(i / N_KINDS + k);
    unsigned char *o = gcx_kind_alloc(kinds[k], bytes);
    tap_require(o != NULL && gu_is_zero(o, bytes));
    if (k % 2 == 0 || sh_can(GCX_CAP_BASE))
      tap_require(GC_base(o) == o && GC_size(o) >= bytes);
    memset(o, (int)(k + 100), bytes);
    atomic_fetch_add(&own[k].objects, 1);
  }
}

static void sixty_four_kinds_of_all_sizes(void) {
  static gcx_kind *kinds[N_KINDS];
  size_t missing = 0;
  sh_begin(1);
  for (size_t k = 0; k < N_KINDS; k++) {
    own[k].number = k;
    kinds[k] = sh_kind((gcx_kind_opts){
        .notify = on_own,
        .cd = &own[k],
        .refs = k & 1 ? GCX_REFS_HELD : GCX_REFS_NONE,
        .release = k & 2 ? k & 1 ? GCX_RELEASE_BATCH : sh_batch()
                         : GCX_RELEASE_BLOCK});
  }
  sh_apart(fill_kinds, kinds);
  sh_settle();
  for (size_t k = 0; k < N_KINDS; k++) {
    tap_eq_u(atomic_load(&own[k].wrong), 0);
    tap_le(atomic_load(&own[k].calls), atomic_load(&own[k].objects));
    missing += atomic_load(&own[k].objects) - atomic_load(&own[k].calls);
  }
  tap_le(missing, 4);
  sh_check_stats();
}

/* ---- Layouts ---- */

enum { N_LAYOUT = 500 };

static size_t n_outer, n_leaf;

static gcx_verdict GC_CALLBACK on_outer(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  n_outer++;
  return GCX_DONE;
}

static gcx_verdict GC_CALLBACK on_leaf(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  n_leaf++;
  return GCX_DONE;
}

struct layout {
  gcx_kind *outer, *leaf;
  size_t word, words;
};

static void **volatile outer[N_LAYOUT];

static void make_layout(void *arg) {
  const struct layout *l = arg;
  for (size_t i = 0; i < N_LAYOUT; i++) {
    void **o = gcx_kind_alloc(l->outer, l->words * sizeof *o);
    o[l->word] = gcx_kind_alloc(l->leaf, 32);
    outer[i] = o;
  }
}

/* Live objects with a pointer in that word: does it keep what it names? Then
 * everything goes. */
static void check_layout(gcx_layout layout, GC_word layout_word, size_t word,
                         bool keeps) {
  struct layout l = {.word = word, .words = 70};
  n_outer = n_leaf = 0;
  l.leaf =
      sh_kind((gcx_kind_opts){.notify = on_leaf, .layout = GCX_LAYOUT_LEAF});
  l.outer = sh_kind((gcx_kind_opts){
      .notify = on_outer, .layout = layout, .layout_word = layout_word});
  sh_apart(make_layout, &l);
  sh_settle();
  tap_eq_u(n_outer, 0);
  if (keeps)
    tap_eq_u(n_leaf, 0);
  else
    tap_ge(n_leaf, N_LAYOUT * 99 / 100);
  for (size_t i = 0; i < N_LAYOUT; i++)
    outer[i] = NULL;
  sh_settle();
  tap_ge(n_outer, N_LAYOUT * 99 / 100);
  tap_ge(n_leaf, N_LAYOUT * 98 / 100);
  sh_check_stats();
}

static void a_conservative_kind_refers_with_any_word(void) {
  sh_begin(1);
  check_layout(GCX_LAYOUT_CONSERVATIVE, 0, 0, true);
  check_layout(GCX_LAYOUT_CONSERVATIVE, 0, 69, true);
}

static void a_leaf_kind_refers_to_nothing(void) {
  sh_begin(1);
  check_layout(GCX_LAYOUT_LEAF, 0, 0, false);
}

static void a_bitmap_says_which_words_refer(void) {
  GC_word bits = (GC_word)1 << 3 | (GC_word)1 << 61;
  sh_begin(1);
  check_layout(GCX_LAYOUT_BITMAP, bits, 3, true);
  check_layout(GCX_LAYOUT_BITMAP, bits, 61, true);
  check_layout(GCX_LAYOUT_BITMAP, bits, 4, false);
  check_layout(GCX_LAYOUT_BITMAP, bits, 65, false);
}

/* Pushes the word that the environment names. */
static struct GC_ms_entry *push_one(GC_word *object,
                                    struct GC_ms_entry *mark_stack_top,
                                    struct GC_ms_entry *mark_stack_limit,
                                    GC_word env) {
  void **slot = (void **)object + env;
  return *slot == NULL
             ? mark_stack_top
             : GC_mark_and_push(*slot, mark_stack_top, mark_stack_limit, slot);
}

static void a_procedure_says_which_words_refer(void) {
  sh_begin(1);
  GC_word proc = GC_MAKE_PROC(GC_new_proc(push_one), 5);
  check_layout(GCX_LAYOUT_PROC, proc, 5, true);
  check_layout(GCX_LAYOUT_PROC, proc, 6, false);
}

/* ---- Options ---- */

static void expect_refused(gcx_kind_opts opts) {
  int error = 0;
  tap_eq_p(gcx_kind_new(&opts, &error), NULL);
  tap_eq_u(error, EINVAL);
  tap_eq_p(gcx_kind_new(&opts, NULL), NULL);
}

static void options_without_sense_are_refused(void) {
  gcx_kind_opts good = {.struct_size = sizeof good, .notify = sh_count};
  gcx_kind_opts o;
  sh_begin(1);
  expect_refused((o = good, o.notify = NULL, o));
  expect_refused((o = good, o.struct_size = 0, o));
  expect_refused((o = good, o.struct_size = sizeof o + 8, o));
  expect_refused((o = good, o.layout = (gcx_layout)4, o));
  expect_refused((o = good, o.refs = (gcx_refs)2, o));
  expect_refused((o = good, o.release = (gcx_release)2, o));
  expect_refused((o = good, o.mode = (gcx_mode)3, o));
  expect_refused((o = good, o.flags = 4, o));
  gcx_finaliser_opts f = {.struct_size = sizeof f, .threads = 17};
  tap_eq_u(gcx_finaliser_config(&f), EINVAL);
  f = (gcx_finaliser_opts){.struct_size = 0};
  tap_eq_u(gcx_finaliser_config(&f), EINVAL);
  tap_eq_u(gcx_set_disclaim_mode((gcx_mode)7), EINVAL);
  tap_eq_u(gcx_set_disclaim_mode(GCX_MODE_OBSERVE), EINVAL);
}

static void kinds_run_out_at_256(void) {
  gcx_kind_opts o = {.struct_size = sizeof o, .notify = sh_count};
  int error = 0, n = 0;
  sh_begin(1);
  while (gcx_kind_new(&o, &error) != NULL)
    tap_require(++n <= 256);
  tap_eq_u(error, ENOSPC);
  tap_ge(n, 200);
}

static void names_are_copied(void) {
  char name[] = "first";
  sh_begin(1);
  gcx_kind *k = sh_kind((gcx_kind_opts){.notify = sh_count, .name = name});
  memcpy(name, "later", 5);
  tap_eq_s(gcx_kind_name(k), "first");
}

/* ---- Data in the collected heap ---- */

struct box {
  uint64_t id;
  atomic_size_t *calls;
};

static atomic_size_t n_boxed, n_box_wrong;

static gcx_verdict GC_CALLBACK on_boxed(void *object, size_t bytes, void *cd) {
  const struct box *b = cd;
  (void)object, (void)bytes;
  if (b->id != 0x123456789 || b->calls != &n_boxed)
    atomic_fetch_add(&n_box_wrong, 1);
  else
    atomic_fetch_add(b->calls, 1);
  return GCX_DONE;
}

static void make_boxed(void *arg) {
  gcx_kind **kinds = arg;
  for (int i = 0; i < 32; i++) {
    struct box *b = GC_malloc(sizeof *b);
    *b = (struct box){0x123456789, &n_boxed};
    kinds[i] = sh_kind((gcx_kind_opts){.notify = on_boxed, .cd = b});
    for (int j = 0; j < 20; j++)
      tap_require(gcx_kind_alloc(kinds[i], 40) != NULL);
  }
}

/* The kinds are the only roots of their data. */
static void data_of_a_kind_is_a_root(void) {
  static gcx_kind *kinds[32];
  sh_begin(1);
  sh_close_gate();
  sh_apart(make_boxed, kinds);
  for (int i = 0; i < 3; i++) {
    gu_collect();
    for (int j = 0; j < 20000; j++)
      memset(GC_malloc(sizeof(struct box)), 0x77, sizeof(struct box));
  }
  sh_open_gate();
  sh_settle();
  tap_eq_u(atomic_load(&n_box_wrong), 0);
  tap_ge(atomic_load(&n_boxed), 32 * 20 - 2);
}

/* ---- Keeping ---- */

enum { N_KEEP = 2000, N_FILL = 20000 };

static int how_to_keep; /* 0: the verdict, 1: gcx_keep, 2: both */
static atomic_size_t n_keep_refused;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static gcx_verdict GC_CALLBACK keep_twice(void *object, size_t bytes,
                                          void *cd) {
  const struct sh_node *n = object;
  (void)cd;
  sh_note(n, bytes);
  if (n->serial >= N_KEEP || sh_notified(n->serial) > 2)
    return GCX_DONE;
  if (how_to_keep == 0)
    return GCX_KEEP;
  sh_lock(&table_lock);
  if (gcx_keep(object) != 1)
    atomic_fetch_add(&n_keep_refused, 1);
  pthread_mutex_unlock(&table_lock);
  return how_to_keep == 1 ? GCX_DONE : GCX_KEEP;
}

static void make_keepers(void *kind) {
  for (size_t i = 0; i < N_KEEP; i++)
    sh_node(kind, i % 50 == 0 ? 70000 : 0, sh_take_serial());
}

/* These would be put into memory that is free, and spoil what was kept. */
static void make_fillers(void *kind) {
  for (size_t i = 0; i < N_FILL; i++)
    sh_node(kind, 0, sh_take_serial());
}

static void keep_in_way(int how, gcx_refs refs) {
  how_to_keep = how;
  sh_begin(N_KEEP + 3 * N_FILL);
  gcx_kind *kind = sh_kind((gcx_kind_opts){.notify = keep_twice, .refs = refs});
  GC_disable(); /* each round does one collection */
  sh_apart(make_keepers, kind);
  for (unsigned round = 1; round <= 3; round++) {
    GC_enable();
    sh_settle();
    GC_disable();
    if (sh_can(GCX_CAP_PROMPT))
      tap_ge(sh_count_notified(0, N_KEEP, round), N_KEEP - 4);
    sh_apart(make_fillers, kind);
  }
  GC_enable();
  for (int i = 0; i < 3; i++)
    sh_settle();
  tap_ge(sh_count_notified(0, N_KEEP, 3), N_KEEP - 4);
  tap_eq_u(sh_count_notified(0, N_KEEP, 4), 0);
  sh_check_once(N_KEEP, sh_taken());
  tap_eq_u(atomic_load(&n_keep_refused), 0);
  tap_ge(sh_stats().kept, 2 * N_KEEP - 8);
  sh_check_errors();
  sh_check_stats();
}

static void keep_by_verdict(void) { keep_in_way(0, GCX_REFS_NONE); }
static void keep_by_call(void) { keep_in_way(1, GCX_REFS_NONE); }
static void keep_both_ways(void) { keep_in_way(2, GCX_REFS_NONE); }
static void keep_held_by_verdict(void) { keep_in_way(0, GCX_REFS_HELD); }
static void keep_held_by_call(void) { keep_in_way(1, GCX_REFS_HELD); }

/* A kept parent refers to a box, that to a child, that to a box. */
static struct sh_node *volatile kept_parent[N_KEEP];

static gcx_verdict GC_CALLBACK keep_parent(void *object, size_t bytes,
                                           void *cd) {
  struct sh_node *n = object;
  (void)cd;
  sh_note_held(n, bytes);
  if (n->serial >= N_KEEP || sh_notified(n->serial) > 1)
    return GCX_DONE;
  sh_hold(n->serial);
  sh_hold(n->serial + N_KEEP);
  kept_parent[n->serial] = n;
  if (gcx_keep(n->ref[0]->ref[0]) != 0)
    atomic_fetch_add(&n_keep_refused, 1);
  return GCX_KEEP;
}

static void make_families(void *kind) {
  for (size_t i = 0; i < N_KEEP; i++) {
    struct sh_node *child = sh_node(kind, 0, i + N_KEEP);
    child->ref[1] = sh_box(NULL);
    sh_node(kind, 0, i)->ref[0] = sh_box(child);
  }
}

static size_t count_damaged_families(void) {
  size_t damaged = 0;
  for (size_t i = 0; i < N_KEEP; i++) {
    const struct sh_node *n = kept_parent[i];
    if (n == NULL)
      continue;
    const struct sh_node *child = n->ref[0]->ref[0];
    damaged += !sh_is_intact(n) || !sh_is_intact(n->ref[0]) ||
               child->serial != i + N_KEEP || !sh_is_intact(child) ||
               !sh_is_intact(child->ref[1]);
  }
  return damaged;
}

static void let_families_go(void) {
  for (size_t i = 0; i < N_KEEP; i++) {
    if (kept_parent[i] == NULL)
      continue;
    sh_drop(i);
    sh_drop(i + N_KEEP);
    kept_parent[i] = NULL;
  }
}

static void a_kept_object_keeps_what_it_refers_to(void) {
  sh_begin(2 * N_KEEP);
  gcx_kind *kind =
      sh_kind((gcx_kind_opts){.notify = keep_parent, .refs = GCX_REFS_HELD});
  GC_disable();
  sh_apart(make_families, kind);
  GC_enable();
  sh_settle();
  tap_ge(sh_count_notified(0, N_KEEP, 1), N_KEEP - 2);
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 20000; i++)
      memset(GC_malloc(sizeof(struct sh_node)), 0xee, sizeof(struct sh_node));
    sh_settle();
    tap_eq_u(count_damaged_families(), 0);
  }
  tap_eq_u(sh_count_notified(N_KEEP, 2 * N_KEEP, 0), N_KEEP);
  let_families_go();
  sh_settle_deep(2);
  tap_ge(sh_count_notified(0, N_KEEP, 2), N_KEEP - 4);
  tap_ge(sh_count_notified(N_KEEP, 2 * N_KEEP, 1), N_KEEP - 4);
  tap_eq_u(sh_count_notified(N_KEEP, 2 * N_KEEP, 2), 0);
  tap_eq_u(atomic_load(&n_keep_refused), 0);
  sh_check_errors();
}

TAP_MAIN(TAP_CASE(sixty_four_kinds_of_all_sizes),
         TAP_CASE(a_conservative_kind_refers_with_any_word),
         TAP_CASE(a_leaf_kind_refers_to_nothing),
         TAP_CASE(a_bitmap_says_which_words_refer),
         TAP_CASE(a_procedure_says_which_words_refer),
         TAP_CASE(options_without_sense_are_refused),
         TAP_CASE(kinds_run_out_at_256), TAP_CASE(names_are_copied),
         TAP_CASE(data_of_a_kind_is_a_root), TAP_CASE(keep_by_verdict),
         TAP_CASE(keep_by_call), TAP_CASE(keep_both_ways),
         TAP_CASE(keep_held_by_verdict), TAP_CASE(keep_held_by_call),
         TAP_CASE(a_kept_object_keeps_what_it_refers_to))
