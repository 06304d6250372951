/* tests/gcx/many.c: notifiers of several objects at once. SPDX-License-Identifier: MIT */

/*
 * Contract: each death is told once, be it alone or together with others; a call
 * for several that is aborted or stuck costs those and no others; nothing in it can
 * be kept; the number at gcx_undecided() is 0 only while nothing is condemned or
 * being notified.
 */
#include "gcx/shadow.h"

#include <errno.h>
#include <stdlib.h>

enum { N = 4000, MANY_MOST = 32 };

static atomic_uint told[N];
static atomic_size_t alone, together, calls, odd;
static atomic_int wish; /* of the next call for several */
static atomic_int is_waiting, may_go;
static atomic_size_t in_wish;

enum { WISH_NOTHING, WISH_KEEP, WISH_ABORT, WISH_WAIT };

struct numbered {
  size_t number, check;
};

static void note(const void *object) {
  const struct numbered *o = object;
  if (o->number >= N || o->check != ~o->number)
    atomic_fetch_add(&odd, 1);
  else
    atomic_fetch_add(&told[o->number], 1);
}

static gcx_verdict GC_CALLBACK on_one(void *object, size_t bytes, void *cd) {
  if (cd != told || bytes < sizeof(struct numbered))
    atomic_fetch_add(&odd, 1);
  note(object);
  atomic_fetch_add(&alone, 1);
  return GCX_DONE;
}

static void grant(int what, void *const *objects, size_t count) {
  atomic_store(&in_wish, count);
  if (what == WISH_KEEP &&
      (gcx_keep(objects[0]) || gcx_keep(objects[count - 1])))
    atomic_fetch_add(&odd, 1);
  if (what == WISH_ABORT)
    gcx_notifier_abort();
  if (what != WISH_WAIT)
    return;
  atomic_store(&is_waiting, 1);
  while (!atomic_load(&may_go))
    sh_sleep_us(500);
}

static void GC_CALLBACK on_many(void *const *objects, size_t count, void *cd) {
  if (cd != told || count < 2 || count > MANY_MOST || !gcx_in_notifier())
    atomic_fetch_add(&odd, 1);
  for (size_t i = 0; i < count; i++)
    note(objects[i]);
  atomic_fetch_add(&together, count);
  atomic_fetch_add(&calls, 1);
  grant(atomic_exchange(&wish, WISH_NOTHING), objects, count);
}

static gcx_kind *make_kind(void) {
  return sh_kind((gcx_kind_opts){
      .name = "many", .notify = on_one, .cd = told, .notify_many = on_many});
}

static void fill(void *kind) {
  for (size_t i = 0; i < N; i++) {
    struct numbered *o = gcx_kind_alloc(kind, sizeof *o);
    tap_require(o != NULL);
    *o = (struct numbered){i, ~i};
  }
}

static void check_all_told_once(void) {
  size_t missing = 0, twice = 0;
  for (size_t i = 0; i < N; i++) {
    missing += atomic_load(&told[i]) == 0;
    twice += atomic_load(&told[i]) > 1;
  }
  tap_le(missing, 2); /* a stray word may hold one */
  tap_eq_u(twice, 0);
  tap_eq_u(atomic_load(&odd), 0);
}

static size_t undecided(void) {
  return __atomic_load_n(gcx_undecided(), __ATOMIC_ACQUIRE);
}

/* ---- Cases ---- */

static void each_death_is_told_once(void) {
  sh_begin(1);
  sh_apart(fill, make_kind());
  sh_settle();
  check_all_told_once();
  tap_le(N - 2, atomic_load(&alone) + atomic_load(&together));
  tap_le(1000, atomic_load(&together));
  tap_le(atomic_load(&calls) * 2, atomic_load(&together));
  sh_check_stats();
}

static void nothing_is_kept(void) {
  sh_begin(1);
  atomic_store(&wish, WISH_KEEP);
  sh_apart(fill, make_kind());
  sh_settle();
  tap_le(2, atomic_load(&in_wish));
  check_all_told_once();
  tap_eq_u(sh_stats().kept, 0);
}

static void an_aborted_call_loses_its_own(void) {
  sh_begin(1);
  atomic_store(&wish, WISH_ABORT);
  sh_apart(fill, make_kind());
  sh_settle();
  tap_le(2, atomic_load(&in_wish));
  tap_eq_u(sh_stats().lost, atomic_load(&in_wish));
  tap_eq_u(sh_stats().pending_objects, 0);
  check_all_told_once();
}

static void await(const atomic_int *flag) {
  for (unsigned ms = 0; !atomic_load(flag); ms++) {
    tap_require(ms < SH_PATIENCE_MS);
    sh_sleep_us(1000);
  }
}

/* The others go on on another thread; when the call returns its objects are done. */
static void a_stuck_call_holds_its_own(void) {
  sh_begin(1);
  sh_configure((gcx_finaliser_opts){.stuck_ms = 50});
  atomic_store(&wish, WISH_WAIT);
  sh_apart(fill, make_kind());
  sh_collect();
  await(&is_waiting);
  tap_eq_u((unsigned)gcx_drain(SH_PATIENCE_MS), 0);
  check_all_told_once();
  tap_eq_u(sh_stats().pending_objects, atomic_load(&in_wish));
  tap_check(undecided() != 0);
  atomic_store(&may_go, 1);
  for (unsigned ms = 0; sh_stats().pending_objects != 0; ms++) {
    tap_require(ms < SH_PATIENCE_MS);
    sh_sleep_us(1000);
  }
  sh_settle();
  tap_eq_u(sh_stats().lost, 0);
  check_all_told_once();
}

static void the_number_is_0_only_when_all_is_decided(void) {
  gcx_kind *kind;
  sh_begin(1);
  tap_check(gcx_undecided() == gcx_undecided());
  kind = make_kind();
  sh_settle();
  tap_eq_u(undecided(), 0);
  sh_close_gate();
  sh_apart(fill, kind);
  sh_collect();
  tap_check(undecided() != 0);
  sh_open_gate();
  sh_settle();
  tap_eq_u(undecided(), 0);
  check_all_told_once();
}

static void a_single_one_is_told_by_notify(void) {
  sh_begin(1);
  atomic_store(&wish, WISH_WAIT);
  gcx_kind *kind = sh_kind((gcx_kind_opts){.notify = on_one, .cd = told});
  sh_apart(fill, kind);
  sh_settle();
  tap_eq_u(atomic_load(&together), 0);
  check_all_told_once();
}

static void what_makes_no_sense_is_refused(void) {
  int error = 0;
  gcx_kind_opts o = {.struct_size = sizeof o,
                     .notify = on_one,
                     .notify_many = on_many,
                     .refs = GCX_REFS_HELD};
  sh_begin(1);
  tap_check(gcx_kind_new(&o, &error) == NULL && error == EINVAL);
  o.refs = GCX_REFS_NONE;
  o.mode = GCX_MODE_SIMPLE;
  tap_check(gcx_kind_new(&o, &error) == NULL && error == EINVAL);
  o.mode = GCX_MODE_OBSERVE;
  tap_check(gcx_kind_new(&o, &error) == NULL && error == EINVAL);
}

TAP_MAIN(TAP_CASE(each_death_is_told_once), TAP_CASE(nothing_is_kept),
         TAP_CASE(an_aborted_call_loses_its_own),
         TAP_CASE(a_stuck_call_holds_its_own),
         TAP_CASE(the_number_is_0_only_when_all_is_decided),
         TAP_CASE(a_single_one_is_told_by_notify),
         TAP_CASE(what_makes_no_sense_is_refused))
