/* tests/gcx/steps.c: threads that hold, link, drop and find notified nodes. SPDX-License-Identifier: MIT */
#include "gcx/steps.h"

enum { N_HELD = 300, N_WEAK = 1024, MAX_THREADS = 16 };

static struct {
  pthread_mutex_t lock;
  struct {
    uintptr_t hidden;
    size_t serial;
  } entry[N_WEAK];
} weak = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct sp_plan plan;
static atomic_size_t n_found, n_too_late, n_kept, n_wrong;

static bool is_holder(size_t serial) { return serial % 3 == 2; }
static bool is_stubborn(size_t serial) {
  return serial % 16 == 7 && (is_holder(serial) || !plan.keeps_holders_only);
}
static bool keeps_early(size_t serial) { return serial % 32 == 7; }
static bool is_entered(size_t serial) { return serial % 4 < 2; }

/* ---- The table ---- */

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
  if (weak.entry[i].hidden != 0) {
    struct sh_node *n = gu_reveal(weak.entry[i].hidden);
    if (gcx_revive(n) == 1)
      found = n;
  }
  if (found != NULL) {
    sh_hold(found->serial);
    if (found->serial != weak.entry[i].serial || !sh_is_intact(found))
      atomic_fetch_add(&n_wrong, 1);
  }
  pthread_mutex_unlock(&weak.lock);
  atomic_fetch_add(found != NULL ? &n_found : &n_too_late, 1);
  return found;
}

/* ---- Deaths ---- */

/* A dead parent lets go of its children; a kept one does not. */
static void let_go(const struct sh_node *n) {
  for (int i = 0; i < 2; i++)
    if (n->ref[i] != NULL)
      sh_drop(n->ref[i]->serial);
}

gcx_verdict GC_CALLBACK sp_on_death(void *object, size_t bytes, void *cd) {
  struct sh_node *n = object;
  size_t i = n->serial % N_WEAK;
  bool keep = false;
  (void)cd;
  is_holder(n->serial) ? sh_note_held(n, bytes) : sh_note(n, bytes);
  sh_lock(&weak.lock);
  if (is_stubborn(n->serial) && sh_notified(n->serial) == 1) {
    keep = true;
    if (keeps_early(n->serial) && gcx_keep(n) != 1)
      atomic_fetch_add(&n_wrong, 1);
  } else if (weak.entry[i].hidden == gu_hide(n)) {
    weak.entry[i].hidden = 0;
  }
  pthread_mutex_unlock(&weak.lock);
  if (keep)
    atomic_fetch_add(&n_kept, 1);
  else if (is_holder(n->serial))
    let_go(n);
  return keep ? GCX_KEEP : GCX_DONE;
}

/* ---- Steps ---- */

static struct sh_node *new_node(struct sh_node *volatile *held,
                                uint64_t *rand) {
  size_t serial = sh_take_serial(), size = tap_rand_r(rand) % 256;
  if (size == 0)
    size = tap_rand_r(rand) % (200 * 1024);
  struct sh_node *n = sh_node(plan.kind[serial % 3], size, serial);
  sh_hold(n->serial);
  for (int i = 0; i < 2 && is_holder(n->serial); i++) {
    struct sh_node *child = held[tap_rand_r(rand) % N_HELD];
    if (child == NULL)
      continue;
    sh_hold(child->serial);
    n->ref[i] = child;
  }
  if (is_entered(serial))
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
  for (size_t i = 0; i < plan.steps; i++) {
    size_t slot = tap_rand_r(&rand) % N_HELD;
    struct sh_node *n = tap_rand_r(&rand) % 3 == 0
                            ? find_weak(tap_rand_r(&rand) % N_WEAK)
                            : new_node(held, &rand);
    release(&held[slot]);
    held[slot] = n;
    if (i % plan.collect_every == plan.collect_every - 1)
      GC_gcollect();
  }
  for (size_t i = 0; i < N_HELD; i++)
    release(&held[i]);
  return NULL;
}

void sp_run(const struct sp_plan *p) {
  pthread_t t[MAX_THREADS];
  tap_require(p->threads <= MAX_THREADS);
  plan = *p;
  for (uintptr_t i = 0; i < plan.threads; i++)
    sh_start(&t[i], take_steps, (void *)i);
  for (size_t i = 0; i < plan.threads; i++)
    sh_join(t[i]);
}

/* ---- What must hold ---- */

void sp_check(void) {
  size_t n = sh_taken(), exact = 0, missing = 0;
  for (size_t i = 0; i < n; i++) {
    unsigned want = is_stubborn(i) ? 2 : 1;
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
  tap_note("%zu objects, %zu kept, %zu found, %zu too late, %lu revived", n,
           atomic_load(&n_kept), atomic_load(&n_found),
           atomic_load(&n_too_late), sh_stats().revived);
}
