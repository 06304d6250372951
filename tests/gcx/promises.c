/* tests/gcx/promises.c: what notifiers of dead objects may rely on. SPDX-License-Identifier: MIT */

/*
 * Contract, one case or more for each promise of docs/design: every death is
 * notified exactly once, on a thread of its own, with the world running and no
 * lock held, with the object's bytes as they were. The order of notifications and
 * the use of memory have programs of their own.
 */
#include "gcx/shadow.h"
#include "gcx/steps.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { MB = 1024 * 1024, N_THREADS = 4 };

/* ---- Exactly once ---- */

static void each_death_is_notified_exactly_once(void) {
  struct sp_plan plan = {.threads = 8,
                         .steps = TAP_TSAN     ? 5000
                                  : tap_long() ? 1250000
                                               : 30000,
                         .collect_every = 20000};
  sh_begin(plan.threads * plan.steps);
  plan.kind[0] = sh_kind((gcx_kind_opts){.notify = sp_on_death});
  plan.kind[1] =
      sh_kind((gcx_kind_opts){.notify = sp_on_death, .release = sh_batch()});
  plan.kind[2] =
      sh_kind((gcx_kind_opts){.notify = sp_on_death, .refs = GCX_REFS_HELD});
  sp_run(&plan);
  /* What was kept dies in the next collection, and its children with it. */
  for (int i = 0; i < 4; i++)
    sh_settle_deep(10);
  sp_check();
  tap_ge(sh_stats().revived, 1);
}

/* Live objects of every kind through many collections. */
static void live_objects_are_not_notified(void) {
  static struct sh_node *volatile keep[3000];
  sh_begin(3000);
  gcx_kind *kinds[2] = {sh_counting_kind(GCX_REFS_NONE),
                        sh_counting_kind(GCX_REFS_HELD)};
  for (size_t i = 0; i < 3000; i++) {
    keep[i] = sh_node(kinds[i & 1], i % 100 == 0 ? 40000 : i % 200, i);
    sh_take_serial();
    sh_hold(i);
  }
  for (int i = 0; i < 5; i++)
    sh_settle();
  tap_eq_u(sh_total(), 0);
  for (size_t i = 0; i < 3000; i++)
    tap_require(sh_is_intact(keep[i]) && keep[i]->serial == i);
  sh_check_errors();
}

/* ---- Where notifiers run ---- */

enum { N_PROBES = 50 };

static atomic_size_t n_progress, n_probes, n_stalled, n_strange;
static atomic_bool stop_flag;
static pthread_t allocator_ids[N_THREADS + 1];
static pthread_mutex_t busy_lock = PTHREAD_MUTEX_INITIALIZER;

static void *touch(void *arg) {
  atomic_fetch_add((atomic_size_t *)arg, 1);
  return arg;
}

/* Allocates, and holds a lock half of the time. */
static void *make_progress(void *arg) {
  allocator_ids[(uintptr_t)arg] = pthread_self();
  while (!atomic_load(&stop_flag)) {
    bool locked = atomic_fetch_add(&n_progress, 1) & 1;
    if (locked)
      sh_lock(&busy_lock);
    memset(GC_malloc(400), 0xa5, 400);
    if (locked)
      pthread_mutex_unlock(&busy_lock);
  }
  return NULL;
}

/* Another thread gets through allocations while this notifier runs. */
static void wait_for_progress(void) {
  size_t from = atomic_load(&n_progress);
  uint64_t end = gu_now_ns() + (uint64_t)SH_PATIENCE_MS / 5 * 1000000;
  while (atomic_load(&n_progress) < from + 50) {
    if (gu_now_ns() > end) {
      atomic_fetch_add(&n_stalled, 1);
      return;
    }
    sched_yield();
  }
}

static void note_thread(void) {
  for (int i = 0; i <= N_THREADS; i++)
    if (pthread_equal(allocator_ids[i], pthread_self()))
      atomic_fetch_add(&n_strange, 1);
  if (gcx_in_notifier() != 1)
    atomic_fetch_add(&n_strange, 1);
}

static gcx_verdict GC_CALLBACK probe(void *object, size_t bytes, void *cd) {
  static atomic_size_t locked_calls;
  (void)cd;
  sh_note(object, bytes);
  note_thread();
  memset(GC_malloc(100), 0xff, 100);
  size_t calls = atomic_load(&locked_calls);
  if (GC_call_with_alloc_lock(touch, &locked_calls) != &locked_calls ||
      atomic_load(&locked_calls) != calls + 1)
    atomic_fetch_add(&n_strange, 1);
  sh_lock(&busy_lock);
  pthread_mutex_unlock(&busy_lock);
  if (atomic_fetch_add(&n_probes, 1) < N_PROBES)
    wait_for_progress();
  return GCX_DONE;
}

static void make_probes(void *kind) {
  for (size_t i = 0; i < 10 * N_PROBES; i++)
    sh_node(kind, 0, sh_take_serial());
}

static void notifiers_run_beside_the_world(void) {
  pthread_t t[N_THREADS];
  sh_begin(10 * N_PROBES);
  allocator_ids[N_THREADS] = pthread_self();
  for (uintptr_t i = 0; i < N_THREADS; i++)
    allocator_ids[i] = pthread_self();
  gcx_kind *kind = sh_kind((gcx_kind_opts){.notify = probe});
  for (uintptr_t i = 0; i < N_THREADS; i++)
    sh_start(&t[i], make_progress, (void *)i);
  while (atomic_load(&n_progress) < 1000)
    sched_yield();
  sh_apart(make_probes, kind);
  sh_settle();
  tap_eq_u(gcx_in_notifier(), 0);
  atomic_store(&stop_flag, true);
  for (int i = 0; i < N_THREADS; i++)
    sh_join(t[i]);
  sh_settle();
  tap_eq_u(atomic_load(&n_stalled), 0);
  tap_eq_u(atomic_load(&n_strange), 0);
  sh_check_once(0, sh_taken());
  sh_check_errors();
}

/* While a notifier waits, everything else of the library goes on. */
static void no_lock_is_held_in_a_notifier(void) {
  static atomic_size_t calls;
  sh_begin(1000);
  gcx_kind *kind = sh_counting_kind(GCX_REFS_HELD);
  sh_close_gate();
  tap_eq_p(GC_call_with_alloc_lock(touch, &calls), &calls);
  struct sh_node *volatile node = sh_node(kind, 0, sh_take_serial());
  tap_eq_u(gcx_revive(node), 1);
  tap_eq_u(gcx_keep(node), 0);
  for (int i = 0; i < 3; i++) {
    GC_gcollect();
    for (int j = 0; j < 2000; j++)
      memset(GC_malloc(500), 0x5a, 500);
  }
  GC_free(GC_malloc(3 * MB));
  tap_eq_u(gcx_poll(), 0);
  sh_counting_kind(GCX_REFS_NONE);
  tap_eq_u(gcx_drain(50), ETIMEDOUT);
  tap_check(sh_is_intact(node));
  sh_open_gate();
  sh_settle();
  tap_eq_u(sh_total(), 0);
}

/* ---- Contents ---- */

enum { N_CONTENTS = 3000, BOX_LEVELS = 4, POISON_MB = 48 };

static atomic_size_t n_damaged, n_looked;

static struct sh_node *box_tree(int levels) {
  struct sh_node *n = sh_box(NULL);
  for (int i = 0; levels > 0 && i < 2; i++)
    n->ref[i] = box_tree(levels - 1);
  return n;
}

static void look_at_tree(const struct sh_node *n) {
  if (!sh_is_intact(n))
    atomic_fetch_add(&n_damaged, 1);
  atomic_fetch_add(&n_looked, 1);
  for (int i = 0; i < 2; i++)
    if (n->ref[i] != NULL)
      look_at_tree(n->ref[i]);
}

/* The tail of a big object is as the program left it, too. */
static gcx_verdict GC_CALLBACK on_contents_death(void *object, size_t bytes,
                                                 void *cd) {
  const struct sh_node *n = object;
  sh_note(n, bytes);
  const unsigned char *tail = (const unsigned char *)(n + 1);
  if (!gu_is_intact(tail, 100 + n->serial % 1000, n->serial))
    atomic_fetch_add(&n_damaged, 1);
  if (cd == NULL)
    return GCX_DONE;
  look_at_tree(n->ref[0]);
  /* An interior pointer is all that names the leaf. */
  const unsigned char *leaf = (const unsigned char *)n->ref[1] - 64;
  if (!gu_is_intact(leaf, 200, n->serial))
    atomic_fetch_add(&n_damaged, 1);
  return GCX_DONE;
}

static void make_contents(void *arg) {
  gcx_kind *const *kinds = arg;
  for (size_t i = 0; i < N_CONTENTS; i++) {
    size_t serial = sh_take_serial(), tail = 100 + serial % 1000;
    struct sh_node *n = sh_node(kinds[i & 1], sizeof *n + tail, serial);
    gu_fill(n + 1, tail, serial);
    n->ref[0] = box_tree(i & 1 ? BOX_LEVELS : 0);
    unsigned char *leaf = GC_malloc_atomic(200);
    gu_fill(leaf, 200, serial);
    n->ref[1] = (struct sh_node *)(void *)(leaf + 64);
  }
}

static void *poison(void *arg) {
  size_t mb = *(size_t *)arg;
  for (size_t used = 0; used < mb * MB;) {
    size_t size = 16 + used / 16 % 1200;
    memset(used & 32 ? GC_malloc(size) : GC_malloc_atomic(size), 0xff, size);
    used += size;
  }
  return NULL;
}

/* Nobody is notified before two threads have used a lot of memory, with
 * collections, and filled it. */
static void contents_are_as_the_program_left_them(void) {
  static gcx_kind *kinds[2];
  size_t mb = tap_long() ? POISON_MB * 10 : POISON_MB;
  pthread_t t[2];
  sh_begin(N_CONTENTS);
  kinds[0] = sh_kind((gcx_kind_opts){.notify = on_contents_death});
  kinds[1] = sh_kind((gcx_kind_opts){
      .notify = on_contents_death, .refs = GCX_REFS_HELD, .cd = kinds});
  sh_close_gate();
  sh_apart(make_contents, kinds);
  sh_collect();
  for (int i = 0; i < 2; i++)
    sh_start(&t[i], poison, &mb);
  for (int i = 0; i < 2; i++)
    sh_join(t[i]);
  gu_collect();
  tap_eq_u(sh_total(), 0);
  sh_open_gate();
  sh_settle();
  tap_eq_u(atomic_load(&n_damaged), 0);
  tap_ge(atomic_load(&n_looked), N_CONTENTS / 2 * 31 * 99 / 100);
  sh_check_once(0, N_CONTENTS);
  sh_check_errors();
}

TAP_MAIN(TAP_CASE_T(each_death_is_notified_exactly_once, 180),
         TAP_CASE(live_objects_are_not_notified),
         TAP_CASE_T(notifiers_run_beside_the_world, 120),
         TAP_CASE(no_lock_is_held_in_a_notifier),
         TAP_CASE_T(contents_are_as_the_program_left_them, 120))
