/* tests/gcx/observe.c: observers: what is counted and told. SPDX-License-Identifier: MIT */

/*
 * Every object has a weak reference, which knows by itself whether its object is
 * dead; the observer must agree exactly, however many of them a stray word keeps.
 * Addresses are kept hidden, so that a table of them keeps nothing alive.
 */
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>
#include <gcx/reclaim.h>
#include <gcx/weak.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 5000, OBJ_BYTES = 48, LARGE_BYTES = 200000, WAIT_MS = 60000 };

/* ---- Objects and what is known of them ---- */

static struct object {
  void *volatile keep;
  gcx_weak *weak;
  uintptr_t hidden;
  size_t bytes;
  atomic_uint found, freed; /* how often it was told */
} obj[N_OBJ];

static atomic_size_t calls, strangers, bad;
static unsigned kind_number;

static unsigned new_kind(void) {
  return GC_new_kind(GC_new_free_list(), 0, 1, 1);
}

struct plan {
  size_t n, bytes;
};

/* Sizes differ with `bytes` 0. */
static void make(void *plan) {
  const struct plan *p = plan;
  for (size_t i = 0; i < p->n; i++) {
    size_t bytes = p->bytes != 0 ? p->bytes : 1 + i * 7 % 3000;
    void *object = GC_generic_malloc(bytes, (int)kind_number);
    tap_require(object != NULL);
    obj[i].keep = object;
    obj[i].hidden = gu_hide(object);
    obj[i].bytes = GC_size(object);
    obj[i].weak = gcx_weak_new(object);
    tap_require(obj[i].weak != NULL);
  }
}

static void make_objects(size_t n, size_t bytes) {
  struct plan p = {n, bytes};
  gu_apart(make, &p);
}

static void drop(size_t from, size_t to) {
  for (size_t i = from; i < to; i++)
    obj[i].keep = NULL;
}

static GU_NOINLINE bool is_dead(size_t i) {
  return gcx_weak_get(obj[i].weak) == NULL;
}

static size_t count_dead(size_t n, size_t *out_bytes) {
  size_t dead = 0;
  *out_bytes = 0;
  for (size_t i = 0; i < n; i++)
    if (is_dead(i)) {
      dead++;
      *out_bytes += obj[i].bytes;
    }
  gu_scrub_stack();
  return dead;
}

/* Marks the object that a death names. Linear search would be too slow for all. */
static void note(const gcx_death *d) {
  static size_t next; /* neighbours die together */
  for (size_t tried = 0; tried < N_OBJ; tried++) {
    struct object *o = &obj[(next + tried) % N_OBJ];
    if (o->hidden != ~(uintptr_t)d->address || o->bytes != d->bytes)
      continue;
    next = (size_t)(o - obj) + 1;
    atomic_fetch_add(d->how == GCX_DEATH_BY_HAND ? &o->freed : &o->found, 1);
    return;
  }
  atomic_fetch_add(&strangers, 1);
}

static void GC_CALLBACK on_deaths(const gcx_death *deaths, size_t n, void *cd) {
  (void)cd;
  for (size_t i = 0; i < n; i++) {
    note(&deaths[i]);
    if (deaths[i].collection > GC_get_gc_no() || deaths[i].how > 1)
      atomic_fetch_add(&bad, 1);
  }
  atomic_fetch_add(&calls, n);
}

/* ---- Observers ---- */

static gcx_observer *observe_number(unsigned kind, gcx_observe_fn fn,
                                    unsigned flags) {
  gcx_observe_opts o = {.struct_size = sizeof o, .observe = fn, .flags = flags};
  int error = -1;
  gcx_observer *observer = gcx_observe(kind, &o, &error);
  tap_require(observer != NULL && error == 0);
  return observer;
}

static gcx_observer *begin(gcx_observe_fn fn, unsigned flags) {
  GC_INIT();
  kind_number = new_kind();
  return observe_number(kind_number, fn, flags);
}

static gcx_observer_stats stats_of(gcx_observer *o) {
  gcx_observer_stats s = {.struct_size = sizeof s};
  gcx_get_observer_stats(o, &s);
  return s;
}

/* Counts are those of the weak references, and each death was told once. */
static void check_found(gcx_observer *o, size_t n, bool is_told) {
  size_t bytes, dead = count_dead(n, &bytes);
  gcx_observer_stats s = stats_of(o);
  tap_eq_u(s.found, dead);
  tap_eq_u(s.found_bytes, bytes);
  if (!is_told)
    return;
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  s = stats_of(o);
  tap_eq_u(s.told, s.found + s.freed);
  tap_eq_u(s.lost + s.pending, 0);
  tap_eq_u(atomic_load(&calls), s.told);
  tap_eq_u(atomic_load(&strangers) + atomic_load(&bad), 0);
  for (size_t i = 0; i < n; i++)
    if (atomic_load(&obj[i].freed) == 0)
      tap_require(atomic_load(&obj[i].found) == (is_dead(i) ? 1 : 0));
}

/* ---- What collections find ---- */

static void deaths_are_told_once(void) {
  gcx_observer *o = begin(on_deaths, 0);
  make_objects(N_OBJ, OBJ_BYTES);
  gu_collect();
  check_found(o, N_OBJ, true);
  tap_eq_u(stats_of(o).found, 0);
  drop(0, N_OBJ / 2);
  gu_collect();
  check_found(o, N_OBJ, true);
  tap_ge(stats_of(o).found, N_OBJ / 2 * 95 / 100);
  drop(0, N_OBJ);
  for (int i = 0; i < 3; i++)
    gu_collect();
  check_found(o, N_OBJ, true);
  tap_ge(stats_of(o).found, N_OBJ * 95 / 100);
}

static void all_sizes(void) {
  gcx_observer *o = begin(on_deaths, 0);
  make_objects(N_OBJ, 0);
  for (size_t i = 0; i < N_OBJ; i += 3)
    drop(i, i + 1);
  gu_collect();
  check_found(o, N_OBJ, true);
  tap_ge(stats_of(o).found, N_OBJ / 3 * 95 / 100);
}

static void large_objects(void) {
  enum { N = 200 };
  gcx_observer *o = begin(on_deaths, 0);
  make_objects(N, LARGE_BYTES);
  drop(0, N / 2);
  gu_collect();
  check_found(o, N, true);
  tap_ge(stats_of(o).found, N / 2 - 5);
  drop(0, N);
  gu_collect();
  check_found(o, N, true);
}

/* Blocks without a live object are given back when they are classified. */
static void blocks_that_are_given_back(void) {
  gcx_observer *o = begin(NULL, 0);
  make_objects(N_OBJ, 1000);
  drop(0, N_OBJ);
  gu_collect();
  GC_gcollect_and_unmap();
  check_found(o, N_OBJ, false);
  tap_ge(stats_of(o).found, N_OBJ * 95 / 100);
  tap_eq_u(stats_of(o).told + stats_of(o).pending + stats_of(o).lost, 0);
}

/* Without a call of the library, of any thread, between the collection and the
 * telling. */
static void nothing_else_is_needed(void) {
  begin(on_deaths, 0);
  make_objects(N_OBJ, OBJ_BYTES);
  drop(0, N_OBJ);
  gu_collect();
  for (int i = 0; i < WAIT_MS && atomic_load(&calls) < N_OBJ * 95 / 100; i++)
    usleep(1000);
  tap_ge(atomic_load(&calls), N_OBJ * 95 / 100);
}

/* A single thread, no other allocation of these kinds: exact. */
static void built_in_kinds(void) {
  static const unsigned kinds[] = {GCX_BUILTIN_NORMAL, GCX_BUILTIN_LEAF};
  GC_INIT();
  for (int i = 0; i < 2; i++) {
    memset(obj, 0, sizeof obj);
    kind_number = kinds[i];
    gcx_observer *o = observe_number(kinds[i], on_deaths, 0);
    make_objects(N_OBJ, OBJ_BYTES);
    drop(N_OBJ / 4, N_OBJ);
    gu_collect();
    check_found(o, N_OBJ, true);
    tap_ge(stats_of(o).found, N_OBJ * 3 / 4 * 95 / 100);
    tap_eq_u(gcx_unobserve(o, WAIT_MS), 0);
    atomic_store(&calls, 0);
  }
}

/* What died before is nobody's, what lived already is the observer's. */
static void attached_later(void) {
  size_t bytes;
  GC_INIT();
  kind_number = new_kind();
  make_objects(N_OBJ, OBJ_BYTES);
  drop(0, N_OBJ / 2);
  gu_collect();
  size_t before = count_dead(N_OBJ, &bytes);
  gcx_observer *o = observe_number(kind_number, NULL, 0);
  tap_eq_u(stats_of(o).found, 0);
  drop(0, N_OBJ);
  gu_collect();
  tap_eq_u(stats_of(o).found, count_dead(N_OBJ, &bytes) - before);
  tap_ge(stats_of(o).found, N_OBJ / 2 * 95 / 100);
}

static atomic_size_t of_collection[64];

static void GC_CALLBACK on_numbered(const gcx_death *d, size_t n, void *cd) {
  (void)cd;
  for (size_t i = 0; i < n; i++)
    atomic_fetch_add(&of_collection[d[i].collection % 64], 1);
}

/* The number of the collection tells which object at an address is meant. */
static void the_collection_is_named(void) {
  size_t bytes;
  gcx_observer *o = begin(on_numbered, GCX_OBSERVE_FREES);
  for (int i = 0; i < 3; i++) {
    make_objects(N_OBJ, OBJ_BYTES);
    tap_require(GC_get_gc_no() < 60);
    unsigned long made = GC_get_gc_no();
    drop(0, N_OBJ);
    gu_collect();
    tap_eq_u(GC_get_gc_no(), made + 1);
    GC_free(GC_generic_malloc(OBJ_BYTES, (int)kind_number));
    tap_eq_u(gcx_drain(WAIT_MS), 0);
    size_t dead = count_dead(N_OBJ, &bytes);
    tap_ge(dead, N_OBJ * 95 / 100);
    tap_ge(atomic_load(&of_collection[made + 1]), dead + 1);
    tap_le(atomic_load(&of_collection[made + 1]), N_OBJ + 1 + 50);
  }
  tap_eq_u(gcx_unobserve(o, WAIT_MS), 0);
}

/* ---- Freed by hand ---- */

static GU_NOINLINE void free_objects(size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    GC_free(obj[i].keep);
    obj[i].keep = NULL;
  }
  gu_scrub_stack();
}

/* In blocks that no one has classified, and beyond what a thread keeps of what it
 * freed: they are not found dead as well. */
static void freed_is_not_found(void) {
  gcx_observer *o = begin(NULL, 0);
  make_objects(N_OBJ, OBJ_BYTES);
  gu_collect();
  free_objects(0, N_OBJ);
  tap_eq_u(stats_of(o).found, 0);
  gu_collect();
  tap_eq_u(stats_of(o).found, 0);
  tap_eq_u(stats_of(o).freed, 0);
}

static void freed_is_told_on_demand(void) {
  size_t bytes = 0;
  gcx_observer *o = begin(on_deaths, GCX_OBSERVE_FREES);
  make_objects(N_OBJ, 0);
  for (size_t i = 0; i < N_OBJ / 2; i++)
    bytes += obj[i].bytes;
  free_objects(0, N_OBJ / 2);
  gcx_observer_stats s = stats_of(o);
  tap_eq_u(s.freed, N_OBJ / 2);
  tap_eq_u(s.freed_bytes, bytes);
  tap_eq_u(s.found, 0);
  drop(0, N_OBJ);
  gu_collect();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  s = stats_of(o);
  tap_eq_u(s.freed, N_OBJ / 2);
  tap_ge(s.found, N_OBJ / 2 * 95 / 100);
  tap_eq_u(s.told, s.freed + s.found);
  for (size_t i = 0; i < N_OBJ; i++) {
    tap_require(atomic_load(&obj[i].freed) == (i < N_OBJ / 2));
    tap_require(atomic_load(&obj[i].found) == (i >= N_OBJ / 2 && is_dead(i)));
  }
}

/* The same slot again and again: each one counts. */
static void freed_at_once(void) {
  gcx_observer *o = begin(on_deaths, GCX_OBSERVE_FREES);
  for (int i = 0; i < N_OBJ; i++)
    GC_free(GC_generic_malloc(OBJ_BYTES, (int)kind_number));
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(stats_of(o).freed, N_OBJ);
  tap_eq_u(stats_of(o).told, N_OBJ);
  tap_eq_u(atomic_load(&calls), N_OBJ);
}

static void moved_and_resized(void) {
  enum { SMALL = 64 };
  gcx_observer *o = begin(NULL, GCX_OBSERVE_FREES);
  void *volatile p = GC_generic_malloc(SMALL, (int)kind_number);
  p = GC_realloc(p, SMALL); /* where it is */
  tap_eq_u(stats_of(o).freed, 0);
  p = GC_realloc(p, LARGE_BYTES);
  tap_eq_u(stats_of(o).freed, 1);
  tap_ge(stats_of(o).freed_bytes, SMALL);
  p = GC_realloc(p, 2 * LARGE_BYTES);
  size_t before = stats_of(o).freed_bytes, bytes = GC_size(p);
  GC_free(p);
  tap_eq_u(stats_of(o).freed_bytes, before + bytes);
  p = NULL;
}

static void uncollectable_kinds(void) {
  static const unsigned kinds[] = {GCX_BUILTIN_UNCOLLECTABLE,
                                   GCX_BUILTIN_LEAF_UNCOLLECTABLE};
  GC_INIT();
  for (int i = 0; i < 2; i++) {
    memset(obj, 0, sizeof obj);
    gcx_observe_opts none = {.struct_size = sizeof none};
    int error = 0;
    tap_check(gcx_observe(kinds[i], &none, &error) == NULL);
    tap_eq_u(error, EINVAL);
    kind_number = kinds[i];
    gcx_observer *o = observe_number(kinds[i], on_deaths, GCX_OBSERVE_FREES);
    make_objects(N_OBJ, OBJ_BYTES);
    gu_collect();
    tap_eq_u(stats_of(o).found + stats_of(o).freed, 0);
    free_objects(0, N_OBJ);
    gu_collect();
    tap_eq_u(gcx_drain(WAIT_MS), 0);
    tap_eq_u(stats_of(o).found, 0);
    tap_eq_u(stats_of(o).told, N_OBJ);
    tap_eq_u(gcx_unobserve(o, WAIT_MS), 0);
  }
}

/* ---- Kinds of our own ---- */

static gcx_verdict GC_CALLBACK on_object(void *object, size_t bytes, void *cd) {
  gcx_death d = {(size_t)object, bytes, 0, GCX_DEATH_FOUND};
  (void)cd;
  note(&d);
  atomic_fetch_add(&calls, 1);
  return GCX_KEEP;
}

static void make_own(void *kind) {
  for (size_t i = 0; i < N_OBJ; i++) {
    void *object = gcx_kind_alloc(kind, OBJ_BYTES);
    tap_require(object != NULL && gu_is_zero(object, OBJ_BYTES));
    obj[i].hidden = gu_hide(object);
    obj[i].bytes = GC_size(object);
    obj[i].weak = gcx_weak_new(object);
  }
}

static gcx_kind_opts own_opts(void) {
  return (gcx_kind_opts){.struct_size = sizeof(gcx_kind_opts),
                         .name = "seen",
                         .notify = on_object,
                         .mode = GCX_MODE_OBSERVE};
}

static void the_verdict_is_ignored(void) {
  gcx_kind_opts opts = own_opts();
  GC_INIT();
  gcx_kind *kind = gcx_kind_new(&opts, NULL);
  tap_require(kind != NULL);
  tap_eq_s(gcx_kind_name(kind), "seen");
  gcx_observer *o = gcx_kind_observer(kind);
  tap_require(o != NULL);
  gu_apart(make_own, kind);
  gu_collect();
  gu_collect();
  check_found(o, N_OBJ, true);
  tap_ge(stats_of(o).found, N_OBJ * 95 / 100);
  GC_free(gcx_kind_alloc(kind, OBJ_BYTES));
  tap_eq_u(stats_of(o).freed, 1);
  gcx_finaliser_stats f = {.struct_size = sizeof f};
  gcx_get_finaliser_stats(&f);
  tap_eq_u(f.condemned + f.kept, 0);
}

static void a_quiesced_kind_is_not_observed(void) {
  gcx_kind_opts opts = own_opts();
  GC_INIT();
  gcx_kind *kind = gcx_kind_new(&opts, NULL);
  tap_require(kind != NULL);
  gu_apart(make_own, kind);
  gu_collect();
  tap_eq_u(gcx_kind_quiesce(kind, WAIT_MS), 0);
  size_t before = atomic_load(&calls);
  tap_ge(before, N_OBJ * 95 / 100);
  tap_check(gcx_kind_observer(kind) == NULL);
  gu_apart(make_own, kind);
  gu_collect();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(atomic_load(&calls), before);
  tap_eq_u(gcx_kind_quiesce(kind, 0), 0);
}

/* ---- Refusals ---- */

static int error_of_kind(gcx_kind_opts opts) {
  int error = 0;
  tap_check(gcx_kind_new(&opts, &error) == NULL);
  return error;
}

static void revive_never(void *object, void *cd) { (void)object, (void)cd; }

static void kinds_that_make_no_sense(void) {
  gcx_kind_opts o = own_opts();
  GC_INIT();
  o.refs = GCX_REFS_HELD;
  tap_eq_u(error_of_kind(o), EINVAL);
  o = own_opts();
  o.release = GCX_RELEASE_BATCH;
  tap_eq_u(error_of_kind(o), EINVAL);
  o = own_opts();
  o.flags = GCX_KIND_AT_EXIT;
  tap_eq_u(error_of_kind(o), EINVAL);
  o = own_opts();
  o.on_revive = revive_never;
  tap_eq_u(error_of_kind(o), EINVAL);
  o = own_opts();
  o.mode = (gcx_mode)(GCX_MODE_OBSERVE + 1);
  tap_eq_u(error_of_kind(o), EINVAL);
  o = own_opts();
  o.notify = NULL;
  tap_eq_u(error_of_kind(o), EINVAL);
}

static int error_of_observer(unsigned kind, gcx_observe_opts opts) {
  int error = 0;
  tap_check(gcx_observe(kind, &opts, &error) == NULL);
  return error;
}

static int disclaim_nothing(void *object) {
  (void)object;
  return 0;
}

static void observers_that_make_no_sense(void) {
  gcx_observe_opts good = {.struct_size = sizeof good}, o = good;
  gcx_observer *first = begin(NULL, 0);
  tap_eq_u(error_of_observer(kind_number, good), EBUSY);
  tap_eq_u(gcx_unobserve(first, 0), 0);
  first = observe_number(kind_number, NULL, 0);
  tap_eq_u(gcx_unobserve(first, 0), 0);
  o.struct_size--;
  tap_eq_u(error_of_observer(kind_number, o), EINVAL);
  o = good;
  o.flags = 2;
  tap_eq_u(error_of_observer(kind_number, o), EINVAL);
  tap_eq_u(error_of_observer(255, good), EINVAL);
  tap_eq_u(error_of_observer(~0u, good), EINVAL);
  GC_register_disclaim_proc((int)kind_number, disclaim_nothing, 0);
  tap_eq_u(error_of_observer(kind_number, good), EBUSY);
}

/* Its dead stay allocated until they are notified: nothing to be seen. */
static void a_notifier_ends_it(void) {
  gcx_observer *o = begin(NULL, GCX_OBSERVE_FREES);
  GC_register_disclaim_proc((int)kind_number, disclaim_nothing, 0);
  make_objects(N_OBJ, OBJ_BYTES);
  free_objects(0, 10);
  drop(0, N_OBJ);
  for (int i = 0; i < 3; i++)
    gu_collect();
  tap_eq_u(stats_of(o).found + stats_of(o).freed, 0);
  tap_eq_u(gcx_unobserve(o, WAIT_MS), 0);
}

/* A caller that was compiled with fewer fields gets as many. */
static void short_figures(void) {
  gcx_observer *o = begin(NULL, GCX_OBSERVE_FREES);
  gcx_observer_stats s;
  memset(&s, 0x55, sizeof s);
  s.struct_size = offsetof(gcx_observer_stats, freed);
  GC_free(GC_generic_malloc(OBJ_BYTES, (int)kind_number));
  gcx_get_observer_stats(o, &s);
  tap_eq_u(s.found, 0);
  tap_eq_u(s.freed & 0xff, 0x55);
}

TAP_MAIN(TAP_CASE(deaths_are_told_once), TAP_CASE(all_sizes),
         TAP_CASE(large_objects), TAP_CASE(blocks_that_are_given_back),
         TAP_CASE_T(nothing_else_is_needed, 120), TAP_CASE(built_in_kinds),
         TAP_CASE(attached_later), TAP_CASE(the_collection_is_named),
         TAP_CASE(freed_is_not_found), TAP_CASE(freed_is_told_on_demand),
         TAP_CASE(freed_at_once), TAP_CASE(moved_and_resized),
         TAP_CASE(uncollectable_kinds), TAP_CASE(the_verdict_is_ignored),
         TAP_CASE(a_quiesced_kind_is_not_observed),
         TAP_CASE(kinds_that_make_no_sense),
         TAP_CASE(observers_that_make_no_sense), TAP_CASE(a_notifier_ends_it),
         TAP_CASE(short_figures))
