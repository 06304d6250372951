/* tests/gcx/debug_clean.c: right programs run with debug kinds as with others. SPDX-License-Identifier: MIT */

/*
 * Contract: nothing is reported that is no mistake; all promises of gcx/reclaim.h
 * hold; and what has been in quarantine is used again. The collector is a
 * conservative one, so a stack may show a stale address now and then.
 */
#include "gcx/facts.h"

#include <stdlib.h>
#include <string.h>

enum { N_THREADS = 3, N_HELD = 200, N_WEAK = 512, COLLECT_EVERY = 5000 };

/* Each thread holds some nodes, drops, links, frees and makes new ones, and finds
 * others through a table of weak entries. */
static struct {
  pthread_mutex_t lock;
  struct {
    uintptr_t hidden;
    size_t serial;
  } entry[N_WEAK];
} weak = {.lock = PTHREAD_MUTEX_INITIALIZER};

static gcx_kind *kinds[3];
static atomic_size_t n_found, n_kept, n_wrong;
static size_t n_steps;

static bool is_held_kind(const struct sh_node *n) { return n->serial % 3 == 2; }

static void enter_weak(struct sh_node *n) {
  size_t i = n->serial % N_WEAK;
  sh_lock(&weak.lock);
  weak.entry[i].hidden = gu_hide(n);
  weak.entry[i].serial = n->serial;
  pthread_mutex_unlock(&weak.lock);
}

static struct sh_node *find_weak(size_t i) {
  struct sh_node *found = NULL;
  sh_lock(&weak.lock);
  if (weak.entry[i].hidden != 0 && gcx_revive(gu_reveal(weak.entry[i].hidden)))
    found = gu_reveal(weak.entry[i].hidden);
  if (found != NULL) {
    sh_hold(found->serial);
    if (found->serial != weak.entry[i].serial || !sh_is_intact(found))
      atomic_fetch_add(&n_wrong, 1);
    atomic_fetch_add(&n_found, 1);
  }
  pthread_mutex_unlock(&weak.lock);
  return found;
}

static void let_go(const struct sh_node *n) {
  for (int i = 0; i < 2; i++)
    if (n->ref[i] != NULL)
      sh_drop(n->ref[i]->serial);
}

/* What is held may be kept: some are, once. */
static gcx_verdict GC_CALLBACK on_death(void *object, size_t bytes, void *cd) {
  struct sh_node *n = object;
  size_t i = n->serial % N_WEAK;
  (void)cd;
  is_held_kind(n) ? sh_note_held(n, bytes) : sh_note(n, bytes);
  if (n->serial % 30 == 5 && sh_notified(n->serial) == 1) {
    atomic_fetch_add(&n_kept, 1);
    return GCX_KEEP;
  }
  sh_lock(&weak.lock);
  if (weak.entry[i].hidden == gu_hide(n))
    weak.entry[i].hidden = 0;
  pthread_mutex_unlock(&weak.lock);
  if (is_held_kind(n))
    let_go(n);
  return GCX_DONE;
}

static struct sh_node *new_node(struct sh_node *volatile *held,
                                uint64_t *rand) {
  size_t serial = sh_take_serial(), size = tap_rand_r(rand) % 256;
  if (size == 0)
    size = tap_rand_r(rand) % (200 * 1024);
  struct sh_node *n = sh_node(kinds[serial % 3], size, serial);
  sh_hold(n->serial);
  for (int i = 0; i < 2 && is_held_kind(n); i++) {
    struct sh_node *child = held[tap_rand_r(rand) % N_HELD];
    if (child == NULL)
      continue;
    sh_hold(child->serial);
    n->ref[i] = child;
  }
  enter_weak(n);
  return n;
}

static void release(struct sh_node *volatile *slot) {
  struct sh_node *n = *slot;
  if (n == NULL)
    return;
  if (!sh_is_intact(n))
    atomic_fetch_add(&n_wrong, 1);
  sh_drop(n->serial);
  *slot = NULL;
}

static GU_NOINLINE void *take_steps(void *arg) {
  struct sh_node *volatile held[N_HELD] = {NULL};
  uint64_t rand = tap_seed() * 31 + (uintptr_t)arg;
  for (size_t i = 0; i < n_steps; i++) {
    size_t slot = tap_rand_r(&rand) % N_HELD;
    struct sh_node *n = tap_rand_r(&rand) % 3 == 0
                            ? find_weak(tap_rand_r(&rand) % N_WEAK)
                            : new_node(held, &rand);
    release(&held[slot]);
    held[slot] = n;
    if (i % COLLECT_EVERY == COLLECT_EVERY - 1)
      GC_gcollect();
  }
  for (size_t i = 0; i < N_HELD; i++)
    release(&held[i]);
  return NULL;
}

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

static void check_steps(void) {
  size_t n = sh_taken(), exact = 0, missing = 0;
  for (size_t i = 0; i < n; i++) {
    unsigned want = i % 30 == 5 ? 2 : 1;
    exact += sh_notified(i) == want;
    missing += sh_notified(i) < want;
  }
  tap_eq_u(exact + missing, n);
  tap_le(missing, n / 1000 + 2);
  tap_eq_u(atomic_load(&n_wrong), 0);
  tap_ge(atomic_load(&n_found), 100);
  tap_ge(atomic_load(&n_kept), 10);
  sh_check_errors();
  sh_check_stats();
}

static gcx_kind *debug_kind(gcx_kind_opts opts) {
  opts.flags = GCX_KIND_DEBUG;
  return sh_kind(opts);
}

static void threads_with_a_weak_table(void) {
  pthread_t t[N_THREADS];
  n_steps = TAP_TSAN ? 4000 : tap_long() ? 1000000 : 30000;
  sh_begin(N_THREADS * n_steps);
  facts_begin();
  kinds[0] = debug_kind((gcx_kind_opts){.notify = on_death});
  kinds[1] = debug_kind((gcx_kind_opts){.notify = on_death,
                                        .layout = GCX_LAYOUT_BITMAP,
                                        .layout_word = 6,
                                        .release = GCX_RELEASE_BATCH});
  kinds[2] =
      debug_kind((gcx_kind_opts){.notify = on_death, .refs = GCX_REFS_HELD});
  for (uintptr_t i = 0; i < N_THREADS; i++)
    sh_start(&t[i], take_steps, (void *)i);
  for (int i = 0; i < N_THREADS; i++)
    sh_join(t[i]);
  for (int i = 0; i < 6; i++)
    sh_settle();
  tap_eq_u(gcx_debug_check(), 0);
  check_steps();
  check_silence();
}

/* ---- Memory ---- */

enum { CHURN_BYTES = 200, HEAP_LIMIT = 64 * 1024 * 1024 };

static atomic_size_t n_churned;

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
