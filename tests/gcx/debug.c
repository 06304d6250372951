/* tests/gcx/debug.c: mistakes with objects of debug kinds are reported. SPDX-License-Identifier: MIT */

/*
 * Contract: gcx/debug.h. Every mistake is made once, and is reported once, with the
 * right object, site and place. Objects are made and dropped in threads that end.
 */
#define GCX_DEBUG
#include "gcx/facts.h"

#include <gc/gc_mark.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MB = 1024 * 1024, N_REPORTED_AT_ONCE = 64 };

struct node {
  struct node *ref[2];
  int what; /* the notifier is to do */
  char text[20];
};

enum { NOTHING, STORE, STORE_IN_BOX, KEEP, KEEP_EARLY, SMASH, FREE, NEW_KIND };

static struct node *stored;
static void **volatile box;
static int new_line, kept_now;
static uintptr_t last;
static atomic_size_t n_told, n_wrong;

/* Compilers see such mistakes, too, when they see the allocation. */
static GU_NOINLINE char *byte_of(const void *object, size_t offset) {
  return (char *)(uintptr_t)object + offset;
}

static gcx_verdict GC_CALLBACK on_death(void *object, size_t bytes, void *cd) {
  struct node *n = object;
  (void)cd;
  atomic_fetch_add(&n_told, 1);
  if (bytes != sizeof *n && bytes < MB)
    atomic_fetch_add(&n_wrong, 1);
  switch (n->what) {
  case STORE:
    stored = n;
    break;
  case STORE_IN_BOX:
    box[5] = n->text;
    break;
  case KEEP:
    return GCX_KEEP;
  case KEEP_EARLY:
    kept_now = gcx_keep(n);
    break;
  case SMASH:
    *byte_of(object, bytes + 3) = 0;
    break;
  case FREE:
    GC_free(n);
    break;
  case NEW_KIND:
    gcx_kind_new(&(gcx_kind_opts){.struct_size = sizeof(gcx_kind_opts),
                                  .name = "new",
                                  .notify = on_death,
                                  .cd = n},
                 NULL);
    break;
  }
  return GCX_DONE;
}

static gcx_kind *new_kind(gcx_kind_opts opts) {
  opts.notify = on_death;
  opts.name = "node";
  opts.flags = GCX_KIND_DEBUG_IF;
  return sh_kind(opts);
}

static gcx_kind *begin(gcx_kind_opts opts) {
  sh_begin(1);
  facts_begin();
  return new_kind(opts);
}

static struct node *make(gcx_kind *kind, int what) {
  new_line = __LINE__ + 1;
  struct node *n = GCX_KIND_ALLOC(kind, sizeof *n);
  tap_require(n != NULL);
  n->what = what;
  last = gu_hide(n);
  return n;
}

struct plan {
  gcx_kind *kind;
  int what;
  size_t n;
};

static void make_and_drop(void *arg) {
  const struct plan *p = arg;
  for (size_t i = 0; i < p->n; i++)
    make(p->kind, p->what);
}

/* An object that dies, in a thread that ends. */
static void drop_one(gcx_kind *kind, int what) {
  struct plan p = {kind, what, 1};
  sh_apart(make_and_drop, &p);
}

/* Whoever looks at a dead object does so in such a thread, too: a stack that goes on
 * may show the address for long. */
struct poke {
  size_t offset;
  unsigned char value, seen;
};

static void poke_last(void *arg) {
  struct poke *p = arg;
  char *at = byte_of(gu_reveal(last), p->offset);
  p->seen = (unsigned char)*at;
  *at = (char)p->value;
}

/* Returns what was there. */
static unsigned char write_dead(size_t offset, unsigned char value) {
  struct poke p = {offset, value, 0};
  sh_apart(poke_last, &p);
  return p.seen;
}

static void free_last(void *arg) {
  (void)arg;
  GC_free(gu_reveal(last));
}

static void check_too_late(void *arg) {
  (void)arg;
  tap_eq_u(gcx_revive(gu_reveal(last)), 0);
}

static void check_site(const struct fact *f) {
  tap_eq_s(f->kind, "node");
  tap_eq_s(strrchr(f->file, '/') + 1, "debug.c");
  tap_eq_u(f->line, new_line);
  tap_eq_u(f->bytes, sizeof(struct node));
  tap_le(f->collection, GC_get_gc_no());
  tap_check(strstr(f->text, "kind \"node\"") != NULL);
}

static void make_others(void *kind) {
  for (int i = 0; i < 20; i++)
    tap_require(gcx_kind_alloc(kind, 16) != NULL);
}

static gcx_verdict GC_CALLBACK on_other(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  return GCX_DONE;
}

/* Others die in the same collection, and of later kinds: so the registers of the
 * notifier thread remember one of them. */
static void settle(unsigned times) {
  static gcx_kind *other[2];
  for (int i = 0; i < 2; i++)
    if (other[i] == NULL)
      other[i] = sh_kind(
          (gcx_kind_opts){.notify = on_other,
                          .flags = GCX_KIND_DEBUG,
                          .mode = i == 0 ? GCX_MODE_SIMPLE : GCX_MODE_PROPER});
  for (unsigned i = 0; i < times; i++) {
    sh_apart(make_others, other[0]);
    sh_apart(make_others, other[1]);
    sh_settle();
  }
}

/* Everything has left the quarantine, and was told. */
static void end(void) {
  settle(4);
  tap_eq_u(gcx_debug_check(), 0);
  tap_eq_u(atomic_load(&n_wrong), 0);
  facts_check_none();
}

/* ---- Beyond the end ---- */

static void smash_one(void *kind) {
  struct node *n = make(kind, NOTHING);
  *byte_of(n, sizeof *n + 1) = 'x';
}

static void smashed_is_seen_when_notified(void) {
  gcx_kind *kind = begin((gcx_kind_opts){.refs = GCX_REFS_HELD});
  sh_apart(smash_one, kind);
  settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_SMASHED, last);
  check_site(f);
  tap_eq_u(f->offset, sizeof(struct node) + 1);
  tap_eq_u(f->place, GCX_DEBUG_NOWHERE);
  tap_check(strstr(f->text, "written beyond its end") != NULL);
  tap_eq_u(atomic_load(&n_told), 1);
  end();
}

static void smash_and_free(void *kind) {
  struct node *n = make(kind, NOTHING);
  *byte_of(n, sizeof *n) = 'x';
  GC_free(n);
  tap_eq_u(facts_take(GCX_DEBUG_SMASHED, gu_hide(n))->offset, sizeof *n);
}

static void smashed_is_seen_when_freed(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  sh_apart(smash_and_free, kind);
  end();
}

static void smashed_by_its_notifier(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  drop_one(kind, SMASH);
  settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_SMASHED, last);
  tap_eq_u(f->offset, sizeof(struct node) + 3);
  end();
}

static void smashed_is_seen_by_a_check(void) {
  gcx_kind *kind = begin((gcx_kind_opts){.layout = GCX_LAYOUT_LEAF});
  struct node *volatile n = make(kind, NOTHING);
  tap_eq_u(gcx_debug_check(), 0);
  facts_check_none();
  char *last_byte = byte_of(n, sizeof *n + 15);
  *last_byte ^= 1;
  for (int i = 0; i < 3; i++)
    tap_eq_u(gcx_debug_check(), 1);
  check_site(facts_take(GCX_DEBUG_SMASHED, gu_hide(n)));
  *last_byte ^= 1;
  tap_eq_u(gcx_debug_check(), 0);
  n->what = NOTHING;
}

/* As many as are found are told, some at a time. */
static void many_are_told_after_all(void) {
  enum { N = 3 * N_REPORTED_AT_ONCE };
  static struct node *volatile all[N];
  gcx_kind *kind = begin((gcx_kind_opts){0});
  for (int i = 0; i < N; i++) {
    all[i] = make(kind, NOTHING);
    *byte_of(all[i], sizeof *all[i] + 4) = 1;
  }
  for (size_t i = 1; i <= 3; i++) {
    tap_eq_u(gcx_debug_check(), N);
    tap_eq_u(facts_count(), i * N_REPORTED_AT_ONCE);
  }
  tap_eq_u(gcx_debug_check(), N);
  tap_eq_u(facts_of(GCX_DEBUG_SMASHED), N);
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < i; j++)
      tap_require(facts_at(i)->object != facts_at(j)->object);
}

/* ---- Freed twice ---- */

static void free_twice(void *kind) {
  struct node *n = make(kind, NOTHING);
  GC_free(n);
  facts_check_none();
  GC_free(n);
  GC_free(n);
}

static void freed_twice_is_told_at_once(void) {
  gcx_kind *kind = begin((gcx_kind_opts){.release = GCX_RELEASE_BATCH});
  sh_close_gate();
  sh_apart(free_twice, kind);
  const struct fact *f = facts_take(GCX_DEBUG_FREED_TWICE, last);
  check_site(f);
  tap_check(strstr(f->text, "freed by hand before") != NULL);
  tap_check(strstr(f->text, "still to be called") != NULL);
  sh_open_gate();
  settle(1);
  tap_eq_u(atomic_load(&n_told), 1);
  end();
}

static void freed_in_quarantine(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  drop_one(kind, NOTHING);
  settle(1);
  tap_eq_u(atomic_load(&n_told), 1);
  sh_apart(free_last, NULL);
  const struct fact *f = facts_take(GCX_DEBUG_FREED_TWICE, last);
  tap_check(strstr(f->text, "found it dead") != NULL);
  tap_check(strstr(f->text, "has returned") != NULL);
  end();
}

static void freed_by_its_notifier(void) {
  gcx_kind *kind = begin((gcx_kind_opts){.mode = GCX_MODE_SIMPLE});
  drop_one(kind, FREE);
  settle(1);
  facts_take(GCX_DEBUG_FREED_TWICE, last);
  tap_eq_u(atomic_load(&n_told), 1);
  end();
}

static void make_and_free(void *kind) {
  stored = make(kind, NOTHING);
  GC_free(stored);
}

/* As with malloc, a pointer that is not used is no mistake. */
static void freed_and_still_named(void) {
  gcx_kind *kind = begin((gcx_kind_opts){.refs = GCX_REFS_HELD});
  sh_apart(make_and_free, kind);
  settle(1);
  write_dead(3, 0);
  tap_eq_u(gcx_debug_check(), 1);
  facts_take(GCX_DEBUG_WRITTEN, last);
  settle(4);
  write_dead(3, 0);
  tap_eq_u(gcx_debug_check(), 0);
  facts_check_none();
}

/* ---- References to the dead ---- */

/* Once, however many collections find it; while it is there the object stays. */
static void check_stored(gcx_kind_opts opts) {
  gcx_kind *kind = begin(opts);
  drop_one(kind, STORE);
  settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, last);
  check_site(f);
  tap_eq_u(f->place, GCX_DEBUG_IN_STATIC);
  tap_eq_u(f->word, gu_hide(&stored));
  tap_eq_u(f->offset, 0);
  settle(5);
  tap_eq_u(write_dead(0, 0xde), 0xde);
  sh_apart(check_too_late, NULL);
  stored = NULL;
  end();
}

static void stored_in_static_data(void) {
  check_stored((gcx_kind_opts){.refs = GCX_REFS_HELD});
}
static void stored_by_a_simple_notifier(void) {
  check_stored((gcx_kind_opts){.mode = GCX_MODE_SIMPLE});
}
static void stored_though_a_leaf(void) {
  check_stored((gcx_kind_opts){.layout = GCX_LAYOUT_LEAF});
}

/* In an ordinary object, and the reference leads to the middle. */
static void stored_in_an_object(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  box = GC_malloc(100);
  drop_one(kind, STORE_IN_BOX);
  settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, last);
  check_site(f);
  tap_eq_u(f->place, GCX_DEBUG_IN_OBJECT);
  tap_eq_u(f->from, gu_hide(box));
  tap_eq_u(f->word, gu_hide(box + 5));
  tap_eq_u(f->offset, offsetof(struct node, text));
  tap_eq_u(f->from_line, 0);
  box[5] = NULL;
  end();
}

static void stored_in_an_object_with_a_site(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  gcx_kind *boxes = sh_kind((gcx_kind_opts){
      .name = "box", .notify = on_death, .flags = GCX_KIND_DEBUG});
  int line = __LINE__ + 1;
  box = GCX_KIND_ALLOC(boxes, 300000);
  drop_one(kind, STORE_IN_BOX);
  settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, last);
  tap_eq_s(f->from_kind, "box");
  tap_eq_u(f->from_line, (unsigned)line);
  tap_eq_s(strrchr(f->from_file, '/') + 1, "debug.c");
  tap_eq_u(f->word - f->from, (uintptr_t)-40);
  tap_check(strstr(f->text, "At offset 40, live object") != NULL);
  box[5] = NULL;
  end();
}

static void stored_as_data_of_a_kind(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  drop_one(kind, NEW_KIND);
  settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, last);
  tap_eq_u(f->place, GCX_DEBUG_IN_KIND);
  tap_eq_s(f->from_kind, "new");
}

static void copy_in_box(void *arg) {
  (void)arg;
  box[2] = box[5];
}

/* Word 5 is a reference, word 2 is none. */
static void only_what_the_layout_names_counts(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  gcx_kind *boxes = sh_kind((gcx_kind_opts){.name = "box",
                                            .notify = on_death,
                                            .layout = GCX_LAYOUT_BITMAP,
                                            .layout_word = 1 << 5,
                                            .flags = GCX_KIND_DEBUG});
  void **volatile mine = GCX_KIND_ALLOC(boxes, 64);
  drop_one(kind, NOTHING);
  drop_one(kind, STORE_IN_BOX);
  box = (void **)mine;
  settle(1);
  sh_apart(copy_in_box, NULL);
  settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, last);
  tap_eq_u(f->word, gu_hide(mine + 5));
  mine[2] = mine[5] = NULL;
  end();
}

static uintptr_t hidden_range;

static void GC_CALLBACK push_range(void) {
  void **words = gu_reveal(hidden_range);
  GC_push_all(words, words + 4);
}

static void move_stored(void *words) {
  ((void **)words)[1] = stored;
  stored = NULL;
}

static void pushed_by_the_program(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  void **words = calloc(4, sizeof *words);
  hidden_range = gu_hide(words);
  GC_set_push_other_roots(push_range);
  drop_one(kind, STORE);
  settle(1);
  sh_apart(move_stored, words);
  settle(1);
  facts_check_none();
  settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, last);
  tap_eq_u(f->place, GCX_DEBUG_UNKNOWN);
  words[1] = NULL;
  end();
}

/* A thread that has the address, until it is told to go on. */
static atomic_int step;

static void *hold_address(void *arg) {
  struct node *volatile mine = gu_reveal(last);
  *(int *)arg = (int)syscall(SYS_gettid);
  atomic_store(&step, 1);
  while (atomic_load(&step) == 1)
    sh_sleep_us(1000);
  tap_check(mine != NULL);
  return NULL;
}

/* One sighting may be an accident. */
static void a_thread_that_has_it(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  static int tid;
  pthread_t t;
  drop_one(kind, NOTHING);
  settle(1);
  tap_eq_u(atomic_load(&n_told), 1);
  sh_start(&t, hold_address, &tid);
  while (atomic_load(&step) == 0)
    sh_sleep_us(1000);
  settle(1);
  facts_check_none();
  settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, last);
  tap_eq_u(f->place, GCX_DEBUG_IN_THREAD);
  tap_eq_u((unsigned)f->thread, (unsigned)tid);
  atomic_store(&step, 2);
  sh_join(t);
  end();
}

/* ---- Writes after death ---- */

static void written_in_quarantine(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  drop_one(kind, NOTHING);
  settle(1);
  write_dead(offsetof(struct node, text) + 2, 'x');
  for (int i = 0; i < 2; i++)
    tap_eq_u(gcx_debug_check(), 1);
  const struct fact *f = facts_take(GCX_DEBUG_WRITTEN, last);
  check_site(f);
  tap_eq_u(f->offset, offsetof(struct node, text) + 2);
  end();
}

static void written_before_it_leaves(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  drop_one(kind, NOTHING);
  settle(1);
  write_dead(0, 0);
  settle(2);
  tap_eq_u(facts_take(GCX_DEBUG_WRITTEN, last)->offset, 0);
  end();
}

/* ---- Kept ---- */

static void check_not_kept(gcx_kind_opts opts, int what) {
  gcx_kind *kind = begin(opts);
  drop_one(kind, what);
  kept_now = -1;
  settle(1);
  check_site(facts_take(GCX_DEBUG_KEPT, last));
  tap_check(kept_now == (what == KEEP ? -1 : 0));
  tap_eq_u(sh_stats().kept, 0);
  sh_apart(check_too_late, NULL);
  end();
  tap_eq_u(atomic_load(&n_told), 1);
}

static void refs_none_is_not_kept(void) {
  check_not_kept((gcx_kind_opts){0}, KEEP);
}
static void nor_in_simple_mode(void) {
  check_not_kept((gcx_kind_opts){.mode = GCX_MODE_SIMPLE}, KEEP);
}
static void nor_early(void) { check_not_kept((gcx_kind_opts){0}, KEEP_EARLY); }

/* These may be kept, and are told again when they die again. */
static void check_kept(gcx_kind_opts opts, int what) {
  gcx_kind *kind = begin(opts);
  drop_one(kind, what);
  for (size_t i = 1; i <= 3; i++) {
    settle(1);
    tap_eq_u(sh_stats().kept, i);
    tap_eq_u(atomic_load(&n_told), i);
  }
  write_dead(offsetof(struct node, what), NOTHING);
  end();
  tap_eq_u(atomic_load(&n_told), 4);
}

static void what_is_held_may_be_kept(void) {
  check_kept((gcx_kind_opts){.refs = GCX_REFS_HELD}, KEEP);
}
static void what_is_held_may_be_kept_early(void) {
  check_kept((gcx_kind_opts){.refs = GCX_REFS_HELD}, KEEP_EARLY);
}
static void leaves_may_be_kept(void) {
  check_kept((gcx_kind_opts){.layout = GCX_LAYOUT_LEAF}, KEEP);
}

/* ---- Large objects ---- */

static void make_large(void *kind) {
  struct node *n = GCX_KIND_ALLOC(kind, MB + 5);
  n->what = STORE;
  tap_eq_u(GC_size(n), MB + 5);
  tap_eq_p(GC_base((char *)n + MB), n);
  *byte_of(n, MB + 5) = 1;
  last = gu_hide(n);
}

static void large_objects_too(void) {
  gcx_kind *kind = begin((gcx_kind_opts){.refs = GCX_REFS_HELD});
  sh_apart(make_large, kind);
  settle(1);
  tap_eq_u(facts_take(GCX_DEBUG_SMASHED, last)->offset, MB + 5);
  settle(1);
  facts_take(GCX_DEBUG_REFERENCED, last);
  write_dead(MB, 0);
  tap_eq_u(gcx_debug_check(), 1);
  tap_eq_u(facts_take(GCX_DEBUG_WRITTEN, last)->offset, MB);
  stored = NULL;
  end();
}

/* ---- GC_realloc ---- */

static void reallocate(void *kind) {
  struct node *n = make(kind, NOTHING);
  memcpy(n->text, "nineteen letters...", 20);
  struct node *m = GC_realloc(n, sizeof *n + 4);
  tap_require(m != NULL && m != n);
  tap_eq_u(GC_size(m), sizeof *n + 4);
  tap_eq_s(m->text, "nineteen letters...");
  tap_eq_u((unsigned char)*byte_of(m, sizeof *m + 3), 0);
  tap_eq_p(GC_realloc(n, 100), NULL);
  facts_take(GCX_DEBUG_FREED_TWICE, gu_hide(n));
  *byte_of(m, sizeof *n + 4) = 0;
  tap_eq_u(gcx_debug_check(), 1);
  const struct fact *f = facts_take(GCX_DEBUG_SMASHED, gu_hide(m));
  tap_eq_u(f->line, new_line);
  tap_eq_u(f->bytes, sizeof *n + 4);
  *byte_of(m, sizeof *n + 4) = (char)0xfd;
  m = GC_realloc(m, sizeof *n);
  tap_eq_s(m->text, "nineteen letters...");
}

static void realloc_always_moves(void) {
  gcx_kind *kind = begin((gcx_kind_opts){0});
  sh_apart(reallocate, kind);
  settle(1);
  tap_eq_u(atomic_load(&n_told), 3);
  atomic_store(&n_wrong, 0); /* one of another size */
  end();
}

/* ---- Closures ---- */

static const gcx_closure closure = {on_death, NULL};

static void make_with_closure(void *arg) {
  new_line = __LINE__ + 1;
  struct node *n = GCX_FINALIZED_ALLOC(sizeof *n, &closure);
  (void)arg;
  tap_eq_p(GC_base(n), n);
  tap_eq_p(GC_base((char *)n + sizeof *n), n);
  tap_eq_u(GC_size(n), sizeof *n);
  tap_check(gu_is_zero(n, sizeof *n));
  n->what = STORE;
  last = gu_hide(n);
}

static void objects_with_closures(void) {
  sh_begin(1);
  facts_begin();
  sh_apart(make_with_closure, NULL);
  settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, last);
  tap_eq_u(f->line, new_line);
  tap_eq_s(f->kind, "finalized");
  tap_eq_u(atomic_load(&n_told), 1);
  stored = NULL;
  end();
}

/* ---- How long, and without the program's doing ---- */

static void set_and_begin(const char *name, const char *value) {
  setenv(name, value, 1);
  sh_begin(1);
  facts_begin();
}

/* In the collection after the release it is the first time, ... */
static void check_quarantine(const char *length, unsigned collections) {
  set_and_begin("GCX_QUARANTINE", length);
  gcx_kind *kind = new_kind((gcx_kind_opts){0});
  drop_one(kind, NOTHING);
  settle(1);
  for (unsigned i = 0; i < collections; i++) {
    tap_eq_u(write_dead(0, 0), 0xde);
    tap_eq_u(gcx_debug_check(), 1);
    tap_eq_u(write_dead(0, 0xde), 0);
    settle(1);
  }
  write_dead(0, 0);
  tap_eq_u(gcx_debug_check(), 0);
}

static void quarantine_as_long_as_wanted(void) { check_quarantine("5", 5); }
static void quarantine_of_one(void) { check_quarantine("1", 1); }
static void no_quarantine(void) { check_quarantine("0", 0); }

static void every_kind_by_the_environment(void) {
  set_and_begin("GCX_DEBUG_KINDS", "1");
  gcx_kind *kind =
      sh_kind((gcx_kind_opts){.notify = on_death, .name = "plain"});
  struct node *volatile n = gcx_kind_alloc(kind, sizeof *n);
  struct node *volatile m = gcx_finalized_alloc(sizeof *m, &closure);
  *byte_of(n, sizeof *n) = *byte_of(m, sizeof *m) = 0;
  tap_eq_u(gcx_debug_check(), 2);
  tap_eq_u(facts_of(GCX_DEBUG_SMASHED), 2);
  for (size_t i = 0; i < 2; i++) {
    bool is_n = facts_at(i)->object == gu_hide(n);
    tap_eq_s(facts_at(i)->kind, is_n ? "plain" : "finalized");
    tap_eq_s(facts_at(i)->file, "");
    tap_eq_u(facts_at(i)->line, 0);
  }
}

static void kinds_without_the_flag_are_as_ever(void) {
  sh_begin(1);
  facts_begin();
  gcx_kind *kind = sh_kind((gcx_kind_opts){.notify = on_death});
  struct node *volatile n = GCX_KIND_ALLOC(kind, 32);
  tap_ge(GC_size(n), 33);
  *byte_of(n, 32) = 1;
  tap_eq_u(gcx_debug_check(), 0);
  facts_check_none();
}

/* ---- A child of fork ---- */

static void child_goes_on(void) {
  gcx_kind *kind = begin((gcx_kind_opts){.mode = GCX_MODE_SIMPLE});
  drop_one(kind, STORE);
  settle(1);
  pid_t pid = fork();
  tap_require(pid >= 0);
  settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, last);
  tap_eq_u(f->word, gu_hide(&stored));
  stored = NULL;
  end();
  if (pid == 0)
    _exit(0);
  gu_check_child(pid);
}

/* ---- The text ---- */

static void role_mistake(void) {
  sh_begin(1);
  gcx_kind *kind = new_kind((gcx_kind_opts){0});
  smash_one(kind);
  gcx_debug_check();
}

static const tap_case roles[] = {TAP_CASE(role_mistake)};

static void without_a_function_the_text_is_printed(void) {
  static char out[4096], site[64];
  gu_exec x = {.role = "role_mistake", .out = out, .out_size = sizeof out};
  tap_eq_u(gu_run_role(&x), 0);
  snprintf(site, sizeof site, "(%zu bytes, made at ", sizeof(struct node));
  tap_note("%s", out);
  tap_check(strncmp(out, "Reclaim: object 0x", 18) == 0);
  tap_check(strstr(out, site) != NULL);
  tap_check(strstr(out, "debug.c:") != NULL);
  tap_check(strstr(out, "\n  The first changed byte is at offset") != NULL);
  tap_check(strstr(out, "\n  Look for ") != NULL);
}

static const tap_case cases[] = {
    TAP_CASE(smashed_is_seen_when_notified),
    TAP_CASE(smashed_is_seen_when_freed),
    TAP_CASE(smashed_by_its_notifier),
    TAP_CASE(smashed_is_seen_by_a_check),
    TAP_CASE(many_are_told_after_all),
    TAP_CASE(freed_twice_is_told_at_once),
    TAP_CASE(freed_in_quarantine),
    TAP_CASE(freed_by_its_notifier),
    TAP_CASE(freed_and_still_named),
    TAP_CASE(stored_in_static_data),
    TAP_CASE(stored_by_a_simple_notifier),
    TAP_CASE(stored_though_a_leaf),
    TAP_CASE(stored_in_an_object),
    TAP_CASE(stored_in_an_object_with_a_site),
    TAP_CASE(stored_as_data_of_a_kind),
    TAP_CASE(only_what_the_layout_names_counts),
    TAP_CASE(pushed_by_the_program),
    TAP_CASE(a_thread_that_has_it),
    TAP_CASE(written_in_quarantine),
    TAP_CASE(written_before_it_leaves),
    TAP_CASE(refs_none_is_not_kept),
    TAP_CASE(nor_in_simple_mode),
    TAP_CASE(nor_early),
    TAP_CASE(what_is_held_may_be_kept),
    TAP_CASE(what_is_held_may_be_kept_early),
    TAP_CASE(leaves_may_be_kept),
    TAP_CASE(large_objects_too),
    TAP_CASE(realloc_always_moves),
    TAP_CASE(objects_with_closures),
    TAP_CASE(quarantine_as_long_as_wanted),
    TAP_CASE(quarantine_of_one),
    TAP_CASE(no_quarantine),
    TAP_CASE(every_kind_by_the_environment),
    TAP_CASE(kinds_without_the_flag_are_as_ever),
    TAP_CASE(child_goes_on),
    TAP_CASE(without_a_function_the_text_is_printed)};

int main(int argc, char **argv) {
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
