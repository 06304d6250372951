/* tests/gcx/caps.c: what the library says that it can give, it gives. SPDX-License-Identifier: MIT */

/*
 * Contract: a kind that depends on a capability is made where that is there, and
 * refused with ENOTSUP where it is not; what needs none is given everywhere.
 */
#include "gcx/shadow.h"
#include <gc/gc_mark.h>

#include <errno.h>
#include <string.h>

static void GC_CALLBACK on_revive(void *object, void *cd) {
  (void)object, (void)cd;
}

static void expect(gcx_kind_opts o, unsigned caps, const char *what) {
  int error = -1;
  o.struct_size = sizeof o;
  o.notify = sh_count;
  bool is_made = gcx_kind_new(&o, &error) != NULL;
  if (!tap_check(is_made == sh_can(caps)))
    tap_note("%s: made %d, error %d", what, is_made, error);
  tap_eq_u(error, is_made ? 0 : ENOTSUP);
}

static void kinds_are_made_or_refused_as_told(void) {
  sh_begin(1);
  expect((gcx_kind_opts){.refs = GCX_REFS_NONE}, 0, "plain");
  expect((gcx_kind_opts){.refs = GCX_REFS_HELD}, 0, "held");
  expect((gcx_kind_opts){.layout = GCX_LAYOUT_LEAF}, 0, "leaf");
  expect((gcx_kind_opts){.refs = GCX_REFS_HELD, .release = GCX_RELEASE_BATCH},
         0, "held batch");
  expect((gcx_kind_opts){.release = GCX_RELEASE_BATCH}, GCX_CAP_BATCH, "batch");
  expect((gcx_kind_opts){.mode = GCX_MODE_SIMPLE}, GCX_CAP_SIMPLE, "simple");
  expect((gcx_kind_opts){.mode = GCX_MODE_OBSERVE}, GCX_CAP_OBSERVE, "observe");
  expect((gcx_kind_opts){.flags = GCX_KIND_AT_EXIT}, GCX_CAP_AT_EXIT, "exit");
  expect((gcx_kind_opts){.flags = GCX_KIND_DEBUG}, GCX_CAP_DEBUG, "debug");
  expect((gcx_kind_opts){.refs = GCX_REFS_HELD, .on_revive = on_revive},
         GCX_CAP_CYCLES, "told of cycles");
}

static struct GC_ms_entry *push_none(GC_word *object, struct GC_ms_entry *top,
                                     struct GC_ms_entry *limit, GC_word env) {
  (void)object, (void)limit, (void)env;
  return top;
}

static void layouts_are_taken_or_refused_as_told(void) {
  sh_begin(1);
  GC_word proc = GC_MAKE_PROC(GC_new_proc(push_none), 0);
  gcx_kind_opts o = {.layout = GCX_LAYOUT_BITMAP, .layout_word = 5};
  expect(o, 0, "bitmap");
  o.refs = GCX_REFS_HELD;
  expect(o, 0, "held bitmap");
  o.layout_word = (GC_word)1 << 61;
  expect(o, GCX_CAP_LAYOUTS, "high bit of a held bitmap");
  o = (gcx_kind_opts){.layout = GCX_LAYOUT_PROC, .layout_word = proc};
  expect(o, 0, "procedure");
  o.refs = GCX_REFS_HELD;
  expect(o, GCX_CAP_LAYOUTS, "held procedure");
  o = (gcx_kind_opts){.layout = GCX_LAYOUT_BITMAP};
  for (o.layout_word = 100; o.layout_word < 102; o.layout_word++)
    expect(o, 0, "few bitmaps");
  for (; o.layout_word < 130; o.layout_word++)
    expect(o, GCX_CAP_LAYOUTS, "many bitmaps");
  o.layout_word = 5;
  expect(o, 0, "a bitmap again");
}

static void the_disclaim_mode_is_set_as_told(void) {
  GC_INIT();
  tap_eq_u(gcx_set_disclaim_mode(GCX_MODE_PROPER),
           sh_can(GCX_CAP_OLD_DOOR) ? 0 : ENOTSUP);
  tap_eq_u(gcx_set_disclaim_mode(GCX_MODE_SIMPLE), 0);
}

static void this_collector_can_everything(void) {
  if (!gu_on_reclaim())
    tap_skip("another collector");
  tap_eq_u(gcx_backend_caps(), GCX_CAP_ALL);
}

/* ---- Objects with closures of their own ---- */

enum { N_CLOSURES = 1000 };

static atomic_size_t n_called, n_wrong;

static gcx_verdict GC_CALLBACK on_closure(void *object, size_t bytes,
                                          void *cd) {
  const struct sh_node *child = *(struct sh_node **)object;
  if (bytes < 16 || cd != &n_called || !sh_is_intact(child))
    atomic_fetch_add(&n_wrong, 1);
  atomic_fetch_add(&n_called, 1);
  return GCX_DONE;
}

/* The object is all that refers to its closure and to its child. */
static void make_closures(void *arg) {
  (void)arg;
  for (int i = 0; i < N_CLOSURES; i++) {
    gcx_closure *c = GC_malloc(sizeof *c);
    *c = (gcx_closure){on_closure, &n_called};
    struct sh_node **o = gcx_finalized_alloc(16, i % 10 == 0 ? NULL : c);
    tap_require(o != NULL && gu_is_zero(o, 16));
    *o = sh_box(NULL);
  }
}

static void closures_are_called_with_what_they_need(void) {
  sh_begin(1);
  sh_close_gate();
  sh_apart(make_closures, NULL);
  for (int i = 0; i < 3; i++) {
    sh_collect();
    for (int j = 0; j < 20000; j++)
      memset(GC_malloc(48), 0x77, 48);
  }
  sh_open_gate();
  sh_settle();
  tap_eq_u(atomic_load(&n_wrong), 0);
  tap_ge(atomic_load(&n_called), N_CLOSURES * 9 / 10 - 4);
  tap_le(atomic_load(&n_called), N_CLOSURES * 9 / 10);
}

TAP_MAIN(TAP_CASE(kinds_are_made_or_refused_as_told),
         TAP_CASE(layouts_are_taken_or_refused_as_told),
         TAP_CASE(the_disclaim_mode_is_set_as_told),
         TAP_CASE(this_collector_can_everything),
         TAP_CASE(closures_are_called_with_what_they_need))
