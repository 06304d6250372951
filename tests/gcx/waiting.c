/* tests/gcx/waiting.c: draining and quiescing, and events of collections. SPDX-License-Identifier: MIT */

/*
 * Contract: when gcx_drain returns, notifiers of what was condemned have returned, not
 * only been called; once gcx_kind_quiesce gave a kind up, neither what was pending nor
 * what dies later is notified. The program's function for events of collections, set when
 * there are kinds already, is called and hinders nothing.
 */
#include "gcx/shadow.h"

#include <errno.h>

enum { N = 2000, LAZY_US = 300000 };

static gcx_kind *kind;
static atomic_size_t n_called, n_returned;

static void make(void *n) {
  for (size_t i = 0; i < *(size_t *)n; i++)
    tap_require(gcx_kind_alloc(kind, 48) != NULL);
}

static void make_apart(size_t n) { sh_apart(make, &n); }

static gcx_verdict GC_CALLBACK be_lazy(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  if (atomic_fetch_add(&n_called, 1) == 0)
    sh_sleep_us(LAZY_US);
  atomic_fetch_add(&n_returned, 1);
  return GCX_DONE;
}

static void wait_for_call(void) {
  for (int i = 0; i < 200 && atomic_load(&n_called) == 0; i++)
    sh_sleep_us(1000);
}

/* The queue is empty then, and one notifier runs; a stale word may hold an object. */
static void a_drain_waits_for_the_one_that_runs(void) {
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = be_lazy});
  for (int i = 0; i < 50 && atomic_load(&n_called) == 0; i++) {
    make_apart(1);
    gu_collect();
    wait_for_call();
  }
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  tap_ge(atomic_load(&n_returned), 1);
}

static gcx_verdict GC_CALLBACK count(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  atomic_fetch_add(&n_called, 1);
  return GCX_DONE;
}

/* What is pending behind the gate when the kind is given up. */
static void what_was_pending_is_not_called_any_more(void) {
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = count});
  sh_close_gate();
  make_apart(N);
  gu_collect();
  tap_ge(sh_stats().pending_objects, N * 9 / 10);
  tap_eq_u(gcx_kind_quiesce(kind, 50), ETIMEDOUT);
  sh_open_gate();
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  sh_settle();
  tap_eq_u(atomic_load(&n_called), 0);
}

/* In blocks that are full of live objects, and in such that die as a whole. */
static void what_dies_later_is_not_notified(void) {
  static void *held[N];
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = count});
  for (size_t i = 0; i < N; i++)
    held[i] = gcx_kind_alloc(kind, 48);
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  for (size_t i = 0; i < N; i += 16)
    held[i] = NULL;
  make_apart(N);
  for (int i = 0; i < 3; i++)
    sh_settle();
  tap_eq_u(atomic_load(&n_called), 0);
  tap_check(held[1] != NULL);
}

static atomic_size_t n_events;

static void GC_CALLBACK count_event(GC_EventType event) {
  (void)event;
  atomic_fetch_add(&n_events, 1);
}

/* Nearly full blocks: where a library does not look by itself. */
static void events_of_the_program_hinder_nothing(void) {
  static void *held[N];
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = count});
  for (size_t i = 0; i < N; i++)
    held[i] = gcx_kind_alloc(kind, 48);
  GC_set_on_collection_event(count_event);
  tap_check(GC_get_on_collection_event() == count_event);
  for (size_t i = 0; i < N; i += 16)
    held[i] = NULL;
  gu_collect();
  tap_ge(atomic_load(&n_events), 4);
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  tap_ge(atomic_load(&n_called), N / 16 * 9 / 10);
  tap_check(held[1] != NULL);
}

TAP_MAIN(TAP_CASE(a_drain_waits_for_the_one_that_runs),
         TAP_CASE(what_was_pending_is_not_called_any_more),
         TAP_CASE(what_dies_later_is_not_notified),
         TAP_CASE(events_of_the_program_hinder_nothing))
