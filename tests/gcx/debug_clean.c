/* tests/gcx/debug_clean.c: right programs run with debug kinds as with others. SPDX-License-Identifier: MIT */

/*
 * Contract: nothing is reported that is no mistake; all promises of gcx/reclaim.h
 * hold; and what has been in quarantine is used again. The collector is a
 * conservative one, so a stack may show a stale address now and then.
 */
#include "gcx/facts.h"
#include "gcx/steps.h"

#include <stdlib.h>
#include <string.h>

/* A stale word on a stack is no mistake, but it is told. */
static void check_silence(void) {
  size_t stale = 0;
  for (size_t i = 0; i < facts_count(); i++) {
    bool is_stale = facts_at(i)->place == GCX_DEBUG_IN_THREAD;
    stale += is_stale;
    if (!tap_check(is_stale))
      tap_note("%s", facts_at(i)->text);
  }
  tap_note("%zu stale words on stacks", stale);
  tap_le(stale, sh_taken() / 1000 + 2);
}

static gcx_kind *debug_kind(gcx_kind_opts opts) {
  opts.flags = GCX_KIND_DEBUG;
  return sh_kind(opts);
}

static void threads_with_a_weak_table(void) {
  struct sp_plan plan = {.threads = 3,
                         .steps = TAP_TSAN     ? 4000
                                  : tap_long() ? 1000000
                                               : 30000,
                         .collect_every = 5000,
                         .keeps_holders_only = true};
  sh_begin(plan.threads * plan.steps);
  facts_begin();
  plan.kind[0] = debug_kind((gcx_kind_opts){.notify = sp_on_death});
  plan.kind[1] = debug_kind((gcx_kind_opts){.notify = sp_on_death,
                                            .layout = GCX_LAYOUT_BITMAP,
                                            .layout_word = 6,
                                            .release = GCX_RELEASE_BATCH});
  plan.kind[2] =
      debug_kind((gcx_kind_opts){.notify = sp_on_death, .refs = GCX_REFS_HELD});
  sp_run(&plan);
  for (int i = 0; i < 6; i++)
    sh_settle();
  tap_eq_u(gcx_debug_check(), 0);
  sp_check();
  check_silence();
}

/* ---- Memory ---- */

enum { CHURN_BYTES = 200, HEAP_LIMIT = 64 * 1024 * 1024 };

static atomic_size_t n_churned, n_wrong;

static gcx_verdict GC_CALLBACK on_churned(void *object, size_t bytes,
                                          void *cd) {
  (void)cd;
  if (bytes != CHURN_BYTES || ((unsigned char *)object)[bytes - 1] != 1)
    atomic_fetch_add(&n_wrong, 1);
  atomic_fetch_add(&n_churned, 1);
  return GCX_DONE;
}

/* Every eighth is large, every fourth freed by hand. */
static void churn(void *kind) {
  size_t n = tap_long() ? 1000000 : 100000;
  for (size_t i = 0; i < n; i++) {
    unsigned char *p =
        gcx_debug_kind_alloc(kind, CHURN_BYTES, __FILE__, __LINE__);
    tap_require(gu_is_zero(p, CHURN_BYTES));
    memset(p, 1, CHURN_BYTES);
    if (i % 4 == 0)
      GC_free(p);
    if (i % 1000 == 0)
      GC_free(memset(GC_malloc_atomic(100000), 1, 100000));
  }
}

/* All in all far more than the heap may become; some collections' worth of it is in
 * quarantine. */
static void what_leaves_is_used_again(void) {
  sh_begin(1);
  facts_begin();
  gcx_kind *kind =
      debug_kind((gcx_kind_opts){.notify = on_churned, .refs = GCX_REFS_HELD});
  for (int i = 0; i < 10; i++) {
    sh_apart(churn, kind);
    sh_settle();
  }
  size_t n = tap_long() ? 10000000 : 1000000;
  tap_ge(atomic_load(&n_churned), n - n / 100);
  tap_eq_u(atomic_load(&n_wrong), 0);
  tap_le(GC_get_heap_size(), HEAP_LIMIT);
  tap_eq_u(gcx_debug_check(), 0);
  check_silence();
}

/* ---- Behind a stuck notifier ---- */

static atomic_bool is_stuck, may_go_on;

static void GC_CALLBACK on_event(gcx_event event, void *object,
                                 const char *name) {
  (void)object, (void)name;
  if (event == GCX_EVENT_STUCK)
    atomic_store(&is_stuck, true);
}

/* The parent's reads its child all the time. */
static gcx_verdict GC_CALLBACK on_pair_death(void *object, size_t bytes,
                                             void *cd) {
  const struct sh_node *n = object;
  (void)bytes, (void)cd;
  while (n->ref[0] != NULL && !atomic_load(&may_go_on)) {
    if (!sh_is_intact(n->ref[0]))
      atomic_fetch_add(&n_wrong, 1);
    sh_sleep_us(1000);
  }
  atomic_fetch_add(&n_churned, 1);
  return GCX_DONE;
}

static void make_pair(void *kind) {
  struct sh_node *parent = sh_node(kind, 0, sh_take_serial());
  parent->ref[0] = sh_node(kind, 0, sh_take_serial());
}

static void make_singles(void *kind) {
  for (int i = 0; i < 1000; i++)
    sh_node(kind, 0, sh_take_serial());
}

static void a_stuck_notifier_may_read_on(void) {
  sh_begin(5000);
  facts_begin();
  sh_configure((gcx_finaliser_opts){.stuck_ms = 20, .on_event = on_event});
  gcx_kind *kind = debug_kind(
      (gcx_kind_opts){.notify = on_pair_death, .refs = GCX_REFS_HELD});
  sh_apart(make_pair, kind);
  gu_collect();
  while (!atomic_load(&is_stuck))
    sh_sleep_us(1000);
  for (int i = 0; i < 4; i++) {
    sh_apart(make_singles, i == 0 ? kind : sh_counting_kind(GCX_REFS_NONE));
    sh_settle();
  }
  atomic_store(&may_go_on, true);
  while (sh_stats().pending_objects > 0)
    sh_sleep_us(1000);
  for (int i = 0; i < 6; i++)
    sh_settle();
  tap_ge(atomic_load(&n_churned), 990);
  tap_eq_u(atomic_load(&n_wrong), 0);
  tap_eq_u(gcx_debug_check(), 0);
  check_silence();
  /* Nothing is left: the child's slot, for one, may be used. */
  tap_eq_u(sh_stats().pending_objects, 0);
  tap_eq_u(sh_stats().pending_bytes, 0);
}

TAP_MAIN(TAP_CASE_T(threads_with_a_weak_table, 300),
         TAP_CASE_T(what_leaves_is_used_again, 300),
         TAP_CASE(a_stuck_notifier_may_read_on))
