/* tests/gcx/debug_refs.c: references to dead objects of debug kinds are reported. SPDX-License-Identifier: MIT */

/*
 * Contract: gcx/debug.h. Wherever a reference to an object in quarantine is stored,
 * it is reported once, with the object, its site, and the place.
 */
#define GCX_DEBUG
#include "gcx/mistakes.h"

#include <gc/gc_mark.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- References to the dead ---- */

/* Once, however many collections find it; while it is there the object stays. */
static void check_stored(gcx_kind_opts opts) {
  gcx_kind *kind = mk_begin(opts);
  mk_drop_one(kind, STORE);
  mk_settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, mk_last);
  mk_check_site(f);
  tap_eq_u(f->place, GCX_DEBUG_IN_STATIC);
  tap_eq_u(f->word, gu_hide(&mk_stored));
  tap_eq_u(f->offset, 0);
  mk_settle(5);
  tap_eq_u(mk_write_dead(0, 0xde), 0xde);
  sh_apart(mk_check_too_late, NULL);
  mk_stored = NULL;
  mk_end();
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
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  mk_box = GC_malloc(100);
  mk_drop_one(kind, STORE_IN_BOX);
  mk_settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, mk_last);
  mk_check_site(f);
  tap_eq_u(f->place, GCX_DEBUG_IN_OBJECT);
  tap_eq_u(f->from, gu_hide(mk_box));
  tap_eq_u(f->word, gu_hide(mk_box + 5));
  tap_eq_u(f->offset, offsetof(struct node, text));
  tap_eq_u(f->from_line, 0);
  mk_box[5] = NULL;
  mk_end();
}

static void stored_in_an_object_with_a_site(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  gcx_kind *boxes = sh_kind((gcx_kind_opts){
      .name = "box", .notify = mk_on_death, .flags = GCX_KIND_DEBUG});
  int line = __LINE__ + 1;
  mk_box = GCX_KIND_ALLOC(boxes, 300000);
  mk_drop_one(kind, STORE_IN_BOX);
  mk_settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, mk_last);
  tap_eq_s(f->from_kind, "box");
  tap_eq_u(f->from_line, (unsigned)line);
  tap_eq_s(strrchr(f->from_file, '/') + 1, "debug_refs.c");
  tap_eq_u(f->word - f->from, (uintptr_t)-40);
  tap_check(strstr(f->text, "At offset 40, live object") != NULL);
  mk_box[5] = NULL;
  mk_end();
}

static void stored_as_data_of_a_kind(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  mk_drop_one(kind, NEW_KIND);
  mk_settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, mk_last);
  tap_eq_u(f->place, GCX_DEBUG_IN_KIND);
  tap_eq_s(f->from_kind, "new");
}

static void copy_in_box(void *arg) {
  (void)arg;
  mk_box[2] = mk_box[5];
}

/* Word 5 is a reference, word 2 is none. */
static void only_what_the_layout_names_counts(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  gcx_kind *boxes = sh_kind((gcx_kind_opts){.name = "box",
                                            .notify = mk_on_death,
                                            .layout = GCX_LAYOUT_BITMAP,
                                            .layout_word = 1 << 5,
                                            .flags = GCX_KIND_DEBUG});
  void **volatile mine = GCX_KIND_ALLOC(boxes, 64);
  mk_drop_one(kind, NOTHING);
  mk_drop_one(kind, STORE_IN_BOX);
  mk_box = (void **)mine;
  mk_settle(1);
  sh_apart(copy_in_box, NULL);
  mk_settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, mk_last);
  tap_eq_u(f->word, gu_hide(mine + 5));
  mine[2] = mine[5] = NULL;
  mk_end();
}

static uintptr_t hidden_range;

static void GC_CALLBACK push_range(void) {
  void **words = gu_reveal(hidden_range);
  GC_push_all(words, words + 4);
}

static void move_stored(void *words) {
  ((void **)words)[1] = mk_stored;
  mk_stored = NULL;
}

static void pushed_by_the_program(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  void **words = calloc(4, sizeof *words);
  hidden_range = gu_hide(words);
  GC_set_push_other_roots(push_range);
  mk_drop_one(kind, STORE);
  mk_settle(1);
  sh_apart(move_stored, words);
  mk_settle(1);
  facts_check_none();
  mk_settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, mk_last);
  tap_eq_u(f->place, GCX_DEBUG_UNKNOWN);
  words[1] = NULL;
  mk_end();
}

/* A thread that has the address, until it is told to go on. */
static atomic_int step;

static void *hold_address(void *arg) {
  struct node *volatile mine = gu_reveal(mk_last);
  *(int *)arg = (int)syscall(SYS_gettid);
  atomic_store(&step, 1);
  while (atomic_load(&step) == 1)
    sh_sleep_us(1000);
  tap_check(mine != NULL);
  return NULL;
}

/* One sighting may be an accident. */
static void a_thread_that_has_it(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  static int tid;
  pthread_t t;
  mk_drop_one(kind, NOTHING);
  mk_settle(1);
  tap_eq_u(atomic_load(&mk_told), 1);
  sh_start(&t, hold_address, &tid);
  while (atomic_load(&step) == 0)
    sh_sleep_us(1000);
  mk_settle(1);
  facts_check_none();
  mk_settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, mk_last);
  tap_eq_u(f->place, GCX_DEBUG_IN_THREAD);
  tap_eq_u((unsigned)f->thread, (unsigned)tid);
  atomic_store(&step, 2);
  sh_join(t);
  mk_end();
}

static void stored_in_thread_local_data(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  mk_drop_one(kind, STORE_IN_THREAD);
  uintptr_t hidden = mk_last;
  mk_settle(2);
  facts_check_none();
  mk_settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, hidden);
  tap_eq_u(f->place, GCX_DEBUG_IN_THREAD);
  tap_check(f->thread != 0 && f->thread != (int)getpid());
  mk_drop_one(kind, CLEAR_IN_THREAD);
  mk_settle(1);
  mk_end();
}

/* ---- Large objects ---- */

static void make_large(void *kind) {
  struct node *n = GCX_KIND_ALLOC(kind, MK_MB + 5);
  n->what = STORE;
  tap_eq_u(GC_size(n), MK_MB + 5);
  tap_eq_p(GC_base((char *)n + MK_MB), n);
  *mk_byte_of(n, MK_MB + 5) = 1;
  mk_last = gu_hide(n);
}

/* Collections are counted, and so large an object asks for one of its own. */
static void large_objects_too(void) {
  gcx_kind *kind = mk_begin((gcx_kind_opts){.refs = GCX_REFS_HELD});
  GC_set_disable_automatic_collection(1);
  sh_apart(make_large, kind);
  mk_settle(1);
  tap_eq_u(facts_take(GCX_DEBUG_SMASHED, mk_last)->offset, MK_MB + 5);
  mk_settle(1);
  facts_take(GCX_DEBUG_REFERENCED, mk_last);
  mk_write_dead(MK_MB, 0);
  tap_eq_u(gcx_debug_check(), 1);
  tap_eq_u(facts_take(GCX_DEBUG_WRITTEN, mk_last)->offset, MK_MB);
  mk_stored = NULL;
  mk_end();
}

/* ---- Closures ---- */

static const gcx_closure closure = {mk_on_death, NULL};

static void make_with_closure(void *arg) {
  mk_line = __LINE__ + 1;
  struct node *n = GCX_FINALIZED_ALLOC(sizeof *n, &closure);
  (void)arg;
  tap_eq_p(GC_base(n), n);
  tap_eq_p(GC_base((char *)n + sizeof *n), n);
  tap_eq_u(GC_size(n), sizeof *n);
  tap_check(gu_is_zero(n, sizeof *n));
  n->what = STORE;
  mk_last = gu_hide(n);
}

static void objects_with_closures(void) {
  sh_begin(1);
  facts_begin();
  sh_apart(make_with_closure, NULL);
  mk_settle(2);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, mk_last);
  tap_eq_u(f->line, mk_line);
  tap_eq_s(f->kind, "finalized");
  tap_eq_u(atomic_load(&mk_told), 1);
  mk_stored = NULL;
  mk_end();
}

/* ---- A child of fork ---- */

static void child_goes_on(void) {
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("a child of fork is not for sanitisers");
  gcx_kind *kind = mk_begin((gcx_kind_opts){.mode = GCX_MODE_SIMPLE});
  mk_drop_one(kind, STORE);
  mk_settle(1);
  pid_t pid = fork();
  tap_require(pid >= 0);
  mk_settle(1);
  const struct fact *f = facts_take(GCX_DEBUG_REFERENCED, mk_last);
  tap_eq_u(f->word, gu_hide(&mk_stored));
  mk_stored = NULL;
  mk_end();
  if (pid == 0)
    _exit(0);
  gu_check_child(pid);
}

/* ---- Nobody refers ---- */

/* While a batch waits, its blocks are listed and their pending slots marked. Which of
 * the two batches it is changes with the number of collections. */
static void nobody_refers_while_notifiers_wait(void) {
  setenv("GCX_QUARANTINE", "8", 1);
  gcx_kind *kind = mk_begin((gcx_kind_opts){0});
  for (unsigned round = 0; round < 4; round++) {
    mk_drop_one(kind, NOTHING);
    mk_settle(1 + round);
    sh_close_gate();
    for (int i = 0; i < 4; i++)
      gu_collect();
    facts_check_none();
    sh_open_gate();
    mk_settle(1);
  }
  facts_check_none();
}

TAP_MAIN(TAP_CASE(nobody_refers_while_notifiers_wait),
         TAP_CASE(stored_in_static_data), TAP_CASE(stored_by_a_simple_notifier),
         TAP_CASE(stored_though_a_leaf), TAP_CASE(stored_in_an_object),
         TAP_CASE(stored_in_an_object_with_a_site),
         TAP_CASE(stored_as_data_of_a_kind),
         TAP_CASE(only_what_the_layout_names_counts),
         TAP_CASE(pushed_by_the_program), TAP_CASE(a_thread_that_has_it),
         TAP_CASE(stored_in_thread_local_data), TAP_CASE(large_objects_too),
         TAP_CASE(objects_with_closures), TAP_CASE(child_goes_on))
