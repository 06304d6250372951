/* tests/gcx/door.c: simple mode, closures, and the old interface. SPDX-License-Identifier: MIT */

/*
 * Contract: notifiers of simple kinds run on allocating or collecting threads,
 * or in gcx_poll; objects with a closure of their own keep it beside the block;
 * procedures of the old interface can be moved to the notifier threads.
 */
#include "gcx/shadow.h"
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { N = 2000 };

static pthread_t main_thread;
static atomic_size_t n_here, n_elsewhere, n_wrong;

static void note_where(void) {
  bool here = pthread_equal(pthread_self(), main_thread);
  atomic_fetch_add(here ? &n_here : &n_elsewhere, 1);
}

static void make_nodes(void *kind) {
  for (size_t i = 0; i < N; i++)
    sh_node(kind, 0, sh_take_serial());
}

/* ---- Simple mode ---- */

static gcx_verdict GC_CALLBACK on_simple(void *object, size_t bytes, void *cd) {
  (void)cd;
  note_where();
  if (gcx_in_notifier() != 1 || gcx_poll() != 0 || gcx_drain(0) != EDEADLK)
    atomic_fetch_add(&n_wrong, 1);
  sh_note(object, bytes);
  memset(GC_malloc(40), 0x55, 40);
  return sh_notified(((struct sh_node *)object)->serial) == 1 &&
                 ((struct sh_node *)object)->serial % 8 == 0
             ? GCX_KEEP
             : GCX_DONE;
}

/* One thread, so it must be this one; what is kept dies once more. */
static void simple_mode(gcx_refs refs) {
  sh_begin(N);
  main_thread = pthread_self();
  gcx_kind *kind = sh_kind((gcx_kind_opts){
      .notify = on_simple, .refs = refs, .mode = GCX_MODE_SIMPLE});
  sh_apart(make_nodes, kind);
  gu_collect();
  for (int i = 0; i < 100000 && sh_total() < N; i++)
    GC_malloc(64);
  tap_ge(sh_total(), N - 2);
  sh_settle();
  sh_settle();
  tap_ge(sh_total(), N + N / 8 - 4);
  for (size_t i = 0; i < N; i++)
    tap_require(sh_notified(i) <= (i % 8 == 0 ? 2 : 1));
  tap_eq_u(atomic_load(&n_elsewhere), 0);
  tap_eq_u(atomic_load(&n_wrong), 0);
  tap_ge(sh_stats().kept, N / 8 - 2);
  sh_check_errors();
  sh_check_stats();
}

static void simple_mode_calls_on_the_allocating_thread(void) {
  simple_mode(GCX_REFS_NONE);
}
static void simple_mode_with_held_references(void) {
  simple_mode(GCX_REFS_HELD);
}

static void *collect_once(void *arg) {
  GC_gcollect();
  return arg;
}

/* Another thread holds the lock that the collection would deliver under. */
static void polling_helps(void) {
  size_t told = 0;
  pthread_t t;
  sh_begin(N);
  main_thread = pthread_self();
  gcx_kind *kind =
      sh_kind((gcx_kind_opts){.notify = on_simple, .mode = GCX_MODE_SIMPLE});
  sh_apart(make_nodes, kind);
  sh_start(&t, collect_once, NULL);
  sh_join(t);
  for (size_t n = 1; n > 0; told += n)
    n = gcx_poll();
  tap_eq_u(told, atomic_load(&n_here));
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  tap_eq_u(gcx_poll(), 0);
  tap_eq_u(sh_stats().pending_objects, 0);
  tap_ge(sh_total(), N - 2);
}

/* ---- Objects with a closure of their own ---- */

struct parcel {
  size_t serial;
  unsigned char data[40];
};

static atomic_size_t n_closures;

static gcx_verdict GC_CALLBACK on_parcel(void *object, size_t bytes, void *cd) {
  const struct parcel *p = object, *twin = cd;
  note_where();
  if (bytes < sizeof *p || p->serial != twin->serial ||
      !gu_is_intact(p->data, sizeof p->data, p->serial) ||
      !gu_is_intact(twin->data, sizeof twin->data, p->serial))
    atomic_fetch_add(&n_wrong, 1);
  atomic_fetch_add(&n_closures, 1);
  return GCX_DONE;
}

static void fill_parcel(struct parcel *p, size_t serial) {
  p->serial = serial;
  gu_fill(p->data, sizeof p->data, serial);
}

/* The closure and its data are in the heap, and only the table names them. */
static void make_parcels(void *arg) {
  bool with_closure = *(bool *)arg;
  for (size_t i = 0; i < N; i++) {
    gcx_closure *c = GC_malloc(sizeof *c);
    c->notify = on_parcel;
    c->cd = GC_malloc(sizeof(struct parcel));
    fill_parcel(c->cd, i);
    size_t bytes = i % 100 == 3 ? 100000 : sizeof(struct parcel);
    struct parcel *p = gcx_finalized_alloc(bytes, with_closure ? c : NULL);
    tap_require(p != NULL && gu_is_zero(p, bytes));
    tap_require(GC_base(p) == p && GC_size(p) >= bytes);
    fill_parcel(p, i);
  }
}

static void use_memory(void) {
  for (size_t i = 0; i < 50000; i++)
    memset(GC_malloc(16 + i % 4 * 16), 0xee, 16);
}

static void closures_are_called_and_traced(void) {
  bool with_closure = true;
  sh_begin(1);
  main_thread = pthread_self();
  sh_close_gate();
  sh_apart(make_parcels, &with_closure);
  for (int i = 0; i < 3; i++) {
    gu_collect();
    use_memory();
  }
  tap_eq_u(atomic_load(&n_closures), 0);
  sh_open_gate();
  sh_settle();
  tap_ge(atomic_load(&n_closures), N - 2);
  tap_le(atomic_load(&n_closures), N);
  tap_eq_u(atomic_load(&n_wrong), 0);
  tap_eq_u(atomic_load(&n_here), 0);
  sh_settle();
  tap_le(atomic_load(&n_closures), N);
}

static void objects_without_closure_just_die(void) {
  bool with_closure = false;
  sh_begin(1);
  sh_apart(make_parcels, &with_closure);
  for (int i = 0; i < 3; i++)
    sh_settle();
  tap_eq_u(atomic_load(&n_closures), 0);
  tap_eq_u(sh_stats().pending_objects, 0);
}

/* ---- The old interface on notifier threads ---- */

static int old_kind;
static atomic_size_t n_locked_calls;

static void *count_call(void *arg) {
  atomic_fetch_add(&n_locked_calls, 1);
  return arg;
}

/* The first word is odd in objects in use, as the convention is. */
static int GC_CALLBACK on_old(void *object) {
  struct sh_node *n = object;
  note_where();
  if ((n->serial & 1) == 0) {
    atomic_fetch_add(&n_wrong, 1);
    return 0;
  }
  sh_note(n, GC_size(n));
  GC_call_with_alloc_lock(count_call, NULL);
  return n->serial % 16 == 1 && sh_notified(n->serial) == 1;
}

static void make_old(void *arg) {
  (void)arg;
  for (size_t i = 1; i < 2 * N; i += 2) {
    struct sh_node *n = GC_generic_malloc(sizeof *n, old_kind);
    gu_fill(n->data, SH_DATA_BYTES, i);
    n->serial = i;
  }
}

static void check_old(void) {
  sh_settle_until(N + N / 8);
  for (size_t i = 1; i < 2 * N; i += 2)
    tap_require(sh_notified(i) <= (i % 16 == 1 ? 2 : 1));
  tap_ge(sh_total(), N + N / 8 - 4);
  tap_eq_u(atomic_load(&n_wrong), 0);
  tap_eq_u(atomic_load(&n_locked_calls), sh_total());
  sh_check_errors();
  sh_check_stats();
}

static void old_procedures(gcx_mode mode, int mark_from_all) {
  sh_begin(2 * N);
  main_thread = pthread_self();
  tap_eq_u(gcx_set_disclaim_mode(mode), 0);
  old_kind = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
  GC_register_disclaim_proc(old_kind, on_old, mark_from_all);
  sh_apart(make_old, NULL);
  gu_collect();
}

static void old_procedures_stay_on_allocating_threads(void) {
  old_procedures(GCX_MODE_SIMPLE, 0);
  check_old();
  tap_eq_u(atomic_load(&n_elsewhere), 0);
}

static void old_procedures_move_to_notifier_threads(void) {
  old_procedures(GCX_MODE_PROPER, 1);
  check_old();
  tap_eq_u(atomic_load(&n_here), 0);
}

static void GC_CALLBACK on_old_closure(void *object, void *cd) {
  note_where();
  if (cd != &n_closures || !sh_is_intact(object))
    atomic_fetch_add(&n_wrong, 1);
  atomic_fetch_add(&n_closures, 1);
}

static void make_old_finalized(void *arg) {
  for (size_t i = 0; i < N; i++) {
    struct sh_node *n = GC_finalized_malloc(sizeof *n, arg);
    n->serial = i;
    gu_fill(n->data, SH_DATA_BYTES, i);
  }
}

static void old_closures_move_to_notifier_threads(void) {
  static struct GC_finalizer_closure closure = {on_old_closure, &n_closures};
  sh_begin(1);
  main_thread = pthread_self();
  tap_eq_u(gcx_set_disclaim_mode(GCX_MODE_PROPER), 0);
  GC_init_finalized_malloc();
  sh_apart(make_old_finalized, &closure);
  sh_settle();
  tap_ge(atomic_load(&n_closures), N - 2);
  tap_le(atomic_load(&n_closures), N);
  tap_eq_u(atomic_load(&n_here), 0);
  tap_eq_u(atomic_load(&n_wrong), 0);
}

TAP_MAIN(TAP_CASE(simple_mode_calls_on_the_allocating_thread),
         TAP_CASE(simple_mode_with_held_references), TAP_CASE(polling_helps),
         TAP_CASE(closures_are_called_and_traced),
         TAP_CASE(objects_without_closure_just_die),
         TAP_CASE(old_procedures_stay_on_allocating_threads),
         TAP_CASE(old_procedures_move_to_notifier_threads),
         TAP_CASE(old_closures_move_to_notifier_threads))
