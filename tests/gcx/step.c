/* tests/gcx/step.c: a collection between any two instructions of the protocol. SPDX-License-Identifier: MIT */

/*
 * Contract: whatever the step between a death and its release at which a collection
 * comes, each death is notified exactly once, with the object and what it refers to
 * intact. One thread allocates, drops, looks up and frees; its calls, or those of
 * the notifier thread from one verdict to the next notifier, are stepped through,
 * see lib/stepping.h.
 */
#include "gcx/shadow.h"
#include "lib/stepping.h"

#include <gcx/weak.h>

#include <pthread.h>
#include <string.h>

enum { N_HELD = 100, N_WEAK = 64, MAX_SERIALS = 2000000, N_ROUNDS = 5 };

enum place { AT_VERDICT, AT_KEEP, AT_REVIVE, AT_ALLOC, AT_FREE, AT_READ };

static enum place place; /* that is stepped through */
static gcx_kind *kinds[3];
static uint64_t mutator_rand, notifier_rand;
static atomic_size_t n_kept, n_wrong;
static size_t n_found, n_too_late;

static struct {
  pthread_mutex_t lock;
  struct {
    uintptr_t hidden;
    size_t serial;
  } entry[N_WEAK];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void step_at(enum place p, uint64_t *rand) {
  if (place == p)
    st_begin(rand);
}

/* ---- The notifier ---- */

static bool is_stubborn(size_t serial) { return serial % 8 == 7; }
static bool keeps_early(size_t serial) { return serial % 16 == 7; }

static void let_go(const struct sh_node *n) {
  if (n->ref[0] != NULL)
    sh_drop(n->ref[0]->serial);
}

static bool keep_now(struct sh_node *n) {
  step_at(AT_KEEP, &notifier_rand);
  int kept = gcx_keep(n);
  st_end();
  return kept == 1;
}

static gcx_verdict GC_CALLBACK on_death(void *object, size_t bytes, void *cd) {
  struct sh_node *n = object;
  size_t i = n->serial % N_WEAK;
  st_end(); /* since the verdict on the last one */
  sh_note_held(n, bytes);
  pthread_mutex_lock(&table.lock);
  bool keeps = is_stubborn(n->serial) && sh_notified(n->serial) == 1;
  if (keeps && keeps_early(n->serial) && !keep_now(n))
    atomic_fetch_add(&n_wrong, 1);
  if (!keeps && table.entry[i].hidden == gu_hide(n))
    table.entry[i].hidden = 0;
  pthread_mutex_unlock(&table.lock);
  if (keeps)
    atomic_fetch_add(&n_kept, 1);
  else if (cd != NULL)
    let_go(n);
  step_at(AT_VERDICT, &notifier_rand);
  return keeps ? GCX_KEEP : GCX_DONE;
}

/* ---- The mutator ---- */

static struct sh_node *new_node(size_t which) {
  size_t size = tap_rand_r(&mutator_rand) % 200;
  size_t serial = sh_take_serial();
  step_at(AT_ALLOC, &mutator_rand);
  struct sh_node *n = sh_node(kinds[which], size, serial);
  st_end();
  sh_hold(serial);
  return n;
}

static void enter_weak(struct sh_node *n) {
  size_t i = n->serial % N_WEAK;
  pthread_mutex_lock(&table.lock);
  table.entry[i].hidden = gu_hide(n);
  table.entry[i].serial = n->serial;
  pthread_mutex_unlock(&table.lock);
}

static struct sh_node *revive_locked(size_t i) {
  struct sh_node *n = gu_reveal(table.entry[i].hidden);
  step_at(AT_REVIVE, &mutator_rand);
  int lives = gcx_revive(n);
  st_end();
  if (lives != 1)
    return NULL;
  sh_hold(table.entry[i].serial);
  if (n->serial != table.entry[i].serial || !sh_is_intact(n))
    atomic_fetch_add(&n_wrong, 1);
  return n;
}

static struct sh_node *find_weak(void) {
  size_t i = tap_rand_r(&mutator_rand) % N_WEAK;
  struct sh_node *n = NULL;
  pthread_mutex_lock(&table.lock);
  if (table.entry[i].hidden != 0) {
    n = revive_locked(i);
    n != NULL ? n_found++ : n_too_late++;
  }
  pthread_mutex_unlock(&table.lock);
  return n;
}

static void free_by_hand(void) {
  struct sh_node *n = new_node(tap_rand_r(&mutator_rand) % 2);
  sh_drop(n->serial);
  step_at(AT_FREE, &mutator_rand);
  GC_free(n);
  st_end();
}

/* To a node that is held as well, perhaps, and to an ordinary object that is not. */
static void link_some(struct sh_node *n, struct sh_node *volatile *held) {
  struct sh_node *child = held[tap_rand_r(&mutator_rand) % N_HELD];
  if (child != NULL) {
    sh_hold(child->serial);
    n->ref[0] = child;
  }
  n->ref[1] = sh_box(NULL);
}

static struct sh_node *next_node(struct sh_node *volatile *held) {
  size_t dice = tap_rand_r(&mutator_rand) % 8, which = dice % 3;
  if (dice >= 6) {
    struct sh_node *found = find_weak();
    if (found != NULL)
      return found;
  }
  struct sh_node *n = new_node(which);
  if (which == 2)
    link_some(n, held);
  if (dice % 2 == 0)
    enter_weak(n);
  return n;
}

static void release(struct sh_node *volatile *slot) {
  if (*slot == NULL)
    return;
  if (!sh_is_intact(*slot))
    atomic_fetch_add(&n_wrong, 1);
  sh_drop((*slot)->serial);
  *slot = NULL;
}

/* The thread that is stepped through is slow. */
static void wait_for_notifiers(void) {
  if (tap_rand_r(&mutator_rand) % N_HELD == 0)
    GC_gcollect();
  while (sh_stats().pending_objects > N_HELD)
    sh_sleep_us(100);
}

enum { ENOUGH = 100, MORE_S = 30 };

/* On a busy machine a step takes long, and a few objects would show nothing. */
static bool goes_on(uint64_t end_ns) {
  uint64_t now = gu_now_ns(), more = MORE_S * UINT64_C(1000000000);
  return sh_taken() < MAX_SERIALS - 2 &&
         (now < end_ns || (sh_taken() < ENOUGH && now < end_ns + more));
}

static GU_NOINLINE void mutate(void *end_ns) {
  struct sh_node *volatile held[N_HELD] = {NULL};
  while (goes_on(*(uint64_t *)end_ns)) {
    size_t slot = tap_rand_r(&mutator_rand) % N_HELD;
    struct sh_node *n = next_node(held);
    release(&held[slot]);
    held[slot] = n;
    if (tap_rand_r(&mutator_rand) % 8 == 0)
      free_by_hand();
    wait_for_notifiers();
  }
  for (size_t i = 0; i < N_HELD; i++)
    release(&held[i]);
}

/* ---- Readers without a lock ---- */

enum { N_BETWEEN = 100, READ_INSTRUCTIONS = 80 };

/* Whatever a collection freed has other contents soon. */
static void use_what_is_free(void) {
  for (int i = 0; i < N_BETWEEN; i++)
    memset(GC_malloc(sizeof(struct sh_node)), 0xee, sizeof(struct sh_node));
}

/* Nothing but the reference remembers it. */
static GU_NOINLINE gcx_weak *new_reference(uint64_t *out_serial) {
  struct sh_node *n = tap_rand_r(&mutator_rand) % 2 == 0
                          ? sh_box(NULL)
                          : sh_node(kinds[0], 0, sh_take_serial());
  gcx_weak *weak = gcx_weak_new(n);
  tap_require(weak != NULL);
  *out_serial = n->serial;
  return weak;
}

static GU_NOINLINE void read_reference(gcx_weak *weak, uint64_t serial) {
  st_begin_once(&mutator_rand, READ_INSTRUCTIONS);
  struct sh_node *n = gcx_weak_get(weak);
  st_end();
  n != NULL ? n_found++ : n_too_late++;
  if (n != NULL && (n->serial != serial || !sh_is_intact(n)))
    atomic_fetch_add(&n_wrong, 1);
}

static GU_NOINLINE void read_references(void *end_ns) {
  while (goes_on(*(uint64_t *)end_ns)) {
    uint64_t serial;
    gcx_weak *weak = new_reference(&serial);
    gu_scrub_stack();
    read_reference(weak, serial);
    gcx_weak_free(weak);
    wait_for_notifiers();
  }
}

/* ---- Cases ---- */

/* Stray words may hold a few for ever; what was notified was so often enough. */
static void check_counts(void) {
  size_t n = sh_taken(), exact = 0, missing = 0;
  for (size_t i = 0; i < n; i++) {
    unsigned want = is_stubborn(i) ? 2 : 1;
    exact += sh_notified(i) == want;
    missing += sh_notified(i) < want;
  }
  tap_note("%zu objects, %zu kept, %zu found, %zu too late, %zu missing", n,
           atomic_load(&n_kept), n_found, n_too_late, missing);
  tap_note("%zu instructions, %zu collections at one of them", st_steps(),
           st_awaited());
  tap_eq_u(exact + missing, n);
  tap_le(missing, 20 + n / 1000);
  tap_eq_u(atomic_load(&n_wrong), 0);
  sh_check_errors();
  sh_check_stats();
}

static void step_through(enum place p) {
  uint64_t end = gu_now_ns() + (tap_long() ? 60 : 2) * UINT64_C(1000000000);
  place = p;
  mutator_rand = tap_rand();
  notifier_rand = tap_rand();
  sh_begin(MAX_SERIALS);
  kinds[0] = sh_kind((gcx_kind_opts){.notify = on_death});
  kinds[1] = sh_kind(
      (gcx_kind_opts){.notify = on_death, .release = GCX_RELEASE_BATCH});
  kinds[2] = sh_kind(
      (gcx_kind_opts){.notify = on_death, .refs = GCX_REFS_HELD, .cd = kinds});
  st_start(use_what_is_free);
  sh_apart(p == AT_READ ? read_references : mutate, &end);
  st_stop();
  for (int i = 0; i < N_ROUNDS; i++) /* what was kept dies then */
    sh_settle();
  check_counts();
  tap_ge(sh_total(), 50);
  tap_ge(st_awaited(), TAP_ASAN ? 1 : 5);
}

static void from_one_verdict_to_the_next_call(void) {
  step_through(AT_VERDICT);
}
static void inside_keep(void) { step_through(AT_KEEP); }
static void inside_revive(void) { step_through(AT_REVIVE); }
static void inside_allocation(void) { step_through(AT_ALLOC); }
static void inside_free(void) { step_through(AT_FREE); }
static void inside_reading_weak_references(void) { step_through(AT_READ); }

TAP_MAIN(TAP_CASE(from_one_verdict_to_the_next_call), TAP_CASE(inside_keep),
         TAP_CASE(inside_revive), TAP_CASE(inside_allocation),
         TAP_CASE(inside_free), TAP_CASE(inside_reading_weak_references))
