/* tests/gcx/weak_notified.c: weak references to objects that are notified. SPDX-License-Identifier: MIT */

/*
 * A gate keeps the one notifier thread inside its first call, so that everything
 * else that the collection condemned stays condemned for as long as a case wants.
 */
#include <gc/gc.h>
#include <gcx/reclaim.h>
#include <gcx/weak.h>

#include <stdatomic.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 400, DATA_BYTES = 40, LARGE_BYTES = 1 << 20, WAIT_MS = 60000 };

struct node {
  void *child;
  gcx_weak *own; /* of a node that reads it in its notifier */
  uint64_t id;
  unsigned char data[DATA_BYTES];
};

static struct node *volatile keep[N_OBJ];
static gcx_weak *weak[N_OBJ];
static uintptr_t hidden[N_OBJ];
static atomic_uint told[N_OBJ];
static _Atomic(uintptr_t) own_seen; /* by a notifier, hidden */
static atomic_bool is_gated, has_entered, is_open, keeps;

/* A thread that sleeps can be stopped whatever watches the program. */
static void await(const atomic_bool *flag) {
  while (!atomic_load(flag))
    usleep(100);
}

static gcx_verdict on_dead(void *object, size_t bytes, void *cd) {
  struct node *n = object;
  (void)bytes, (void)cd;
  tap_check(gu_is_intact(n->data, DATA_BYTES, n->id));
  atomic_fetch_add(&told[n->id], 1);
  if (n->own != NULL)
    atomic_store(&own_seen, gu_hide(gcx_weak_get(n->own)));
  if (atomic_exchange(&is_gated, false)) {
    atomic_store(&has_entered, true);
    await(&is_open);
  }
  return atomic_load(&keeps) ? GCX_KEEP : GCX_DONE;
}

static gcx_kind *new_kind(gcx_refs refs, gcx_mode mode) {
  gcx_kind_opts opts = {.struct_size = sizeof opts, .notify = on_dead};
  opts.refs = refs;
  opts.mode = mode;
  GC_INIT();
  gcx_kind *kind = gcx_kind_new(&opts, NULL);
  tap_require(kind != NULL);
  return kind;
}

static struct node *new_node(gcx_kind *kind, size_t id) {
  struct node *n = gcx_kind_alloc(kind, sizeof *n);
  tap_require(n != NULL);
  n->id = id;
  gu_fill(n->data, DATA_BYTES, id);
  return n;
}

static void make(void *kind) {
  for (size_t i = 0; i < N_OBJ; i++) {
    keep[i] = new_node(kind, i);
    hidden[i] = gu_hide(keep[i]);
    weak[i] = gcx_weak_new(keep[i]);
    tap_require(weak[i] != NULL);
  }
}

static void drop_all(void) {
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = NULL;
}

/* Collects, and returns when the first notifier is at the gate. */
static void collect_to_the_gate(void) {
  atomic_store(&is_gated, true);
  gu_collect();
  await(&has_entered);
}

static void open_gate(void) {
  atomic_store(&is_open, true);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
}

static size_t told_count(void) {
  size_t n = 0;
  for (size_t i = 0; i < N_OBJ; i++)
    n += atomic_load(&told[i]);
  return n;
}

/* ---- Reviving ---- */

/* All but the one at the gate come back. */
static GU_NOINLINE void read_all(void) {
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = gcx_weak_get(weak[i]);
    if (!tap_check((n == NULL) == (atomic_load(&told[i]) != 0)) || n == NULL)
      continue;
    tap_check(n->id == i && gu_is_intact(n->data, DATA_BYTES, i));
    keep[i] = n;
  }
  gu_scrub_stack();
}

static void check_dead_now(void) {
  size_t found = 0;
  for (size_t i = 0; i < N_OBJ; i++) {
    const struct node *n = gcx_weak_get(weak[i]);
    tap_check((n == NULL) == (atomic_load(&told[i]) != 0));
    found += n != NULL;
  }
  tap_le(found, N_OBJ / 20);
}

static void revive_by_reading(gcx_refs refs) {
  gu_apart(make, new_kind(refs, GCX_MODE_PROPER));
  drop_all();
  collect_to_the_gate();
  read_all();
  tap_eq_u(told_count(), 1);
  open_gate();
  tap_eq_u(told_count(), 1);
  gu_collect();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(told_count(), 1);
  read_all();
  drop_all();
  gu_collect();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  check_dead_now();
  for (size_t i = 0; i < N_OBJ; i++)
    tap_check(atomic_load(&told[i]) <= 1);
}

static void condemned_ones_are_revived(void) {
  revive_by_reading(GCX_REFS_NONE);
}
static void held_ones_are_revived(void) { revive_by_reading(GCX_REFS_HELD); }

/* How many of n new objects have an address of old ones. */
static size_t use_addresses_again(gcx_kind *kind, size_t n, size_t bytes) {
  size_t again = 0;
  GC_disable();
  for (size_t i = 0; i < n; i++) {
    struct node *p = gcx_kind_alloc(kind, bytes);
    gu_fill(p->data, DATA_BYTES, 0);
    for (size_t j = 0; j < N_OBJ; j++)
      again += gu_reveal(hidden[j]) == p;
  }
  GC_enable();
  return again;
}

/* The first round of allocation has their blocks looked at while they are pending:
 * so only the release stands between the dead and the second round. */
static void notified_ones_are_gone(void) {
  gcx_kind *kind = new_kind(GCX_REFS_NONE, GCX_MODE_PROPER);
  gu_apart(make, kind);
  drop_all();
  collect_to_the_gate();
  tap_eq_u(use_addresses_again(kind, 10 * N_OBJ, sizeof(struct node)), 0);
  open_gate();
  tap_ge(told_count(), N_OBJ * 95 / 100);
  tap_ge(use_addresses_again(kind, 10 * N_OBJ, sizeof(struct node)), N_OBJ / 2);
  for (size_t i = 0; i < N_OBJ; i++)
    tap_check((gcx_weak_get(weak[i]) == NULL) == (atomic_load(&told[i]) != 0));
}

static void in_simple_mode_too(void) {
  gcx_kind *kind = new_kind(GCX_REFS_HELD, GCX_MODE_SIMPLE);
  gu_apart(make, kind);
  drop_all();
  gu_collect();
  tap_ge(told_count(), N_OBJ * 95 / 100);
  tap_ge(use_addresses_again(kind, 10 * N_OBJ, sizeof(struct node)), N_OBJ / 2);
  check_dead_now();
}

static void make_large(void *kind) {
  for (size_t i = 0; i < 10; i++) {
    keep[i] = gcx_kind_alloc(kind, 300000);
    keep[i]->id = i;
    gu_fill(keep[i]->data, DATA_BYTES, i);
    hidden[i] = gu_hide(keep[i]);
    weak[i] = gcx_weak_new(keep[i]);
  }
}

static void large_ones_too(void) {
  gcx_kind *kind = new_kind(GCX_REFS_HELD, GCX_MODE_PROPER);
  gu_apart(make_large, kind);
  drop_all();
  collect_to_the_gate();
  size_t found = 0;
  for (size_t i = 0; i < 10; i++)
    found += (keep[i] = gcx_weak_get(weak[i])) != NULL;
  tap_eq_u(found, 9);
  drop_all();
  open_gate();
  gu_collect();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_ge(use_addresses_again(kind, 100, 40000), 5); /* of one block each */
  for (size_t i = 0; i < 10; i++)
    tap_check((gcx_weak_get(weak[i]) == NULL) == (atomic_load(&told[i]) == 1));
  tap_ge(told_count(), 9);
}

/* ---- Too late ---- */

/* Two references to an object that its notifier keeps: asked meanwhile, not asked. */
static gcx_weak *asked, *silent;

static void make_stubborn(void *kind) {
  struct node *n = new_node(kind, 0);
  asked = n->own = gcx_weak_new(n);
  silent = gcx_weak_new(n);
}

static void a_refusal_is_final(void) {
  gcx_kind *kind = new_kind(GCX_REFS_NONE, GCX_MODE_PROPER);
  atomic_store(&keeps, true);
  gu_apart(make_stubborn, kind);
  gu_collect();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_require(atomic_load(&told[0]) == 1);
  tap_check(gu_reveal(atomic_load(&own_seen)) == NULL);
  tap_check(gcx_weak_get(asked) == NULL);
  const struct node *volatile n = gcx_weak_get(silent);
  tap_check(n != NULL && n->id == 0);
  tap_check(gcx_weak_get(asked) == NULL);
}

static void freeing_by_hand_ends_it(void) {
  gcx_kind *kind = new_kind(GCX_REFS_NONE, GCX_MODE_PROPER);
  make(kind);
  for (size_t i = 0; i < N_OBJ; i++) {
    GC_free(keep[i]);
    tap_check(gcx_weak_get(weak[i]) == NULL);
  }
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(told_count(), N_OBJ);
}

/* ---- What the condemned refer to ---- */

static gcx_weak *of_parent, *of_middle, *of_middle_too, *of_child;
static uintptr_t hidden_middle;

/* parent (notified) -> middle (ordinary) -> child (notified) */
static void make_family(void *kind) {
  struct node *parent = new_node(kind, 0), *child = new_node(kind, 1);
  void **middle = GC_malloc(sizeof *middle);
  parent->child = middle;
  *middle = child;
  of_parent = gcx_weak_new(parent);
  of_middle = gcx_weak_new(middle);
  of_middle_too = gcx_weak_new(middle);
  of_child = gcx_weak_new(child);
  hidden_middle = gu_hide(middle);
}

/* The others are at the gate before the family dies, so nothing of it is told. Who frees a
 * large object waits for the hold trace, before which all that died is refused. */
static void condemn_family(void) {
  gcx_kind *kind = new_kind(GCX_REFS_HELD, GCX_MODE_PROPER);
  void *large = GC_malloc(LARGE_BYTES);
  gu_apart(make, kind);
  drop_all();
  collect_to_the_gate();
  gu_apart(make_family, kind);
  gu_collect();
  GC_free(large);
}

/* An ordinary object is dead although condemned ones hold it: what it refers to will
 * be notified. When its holder is revived it lives again. */
static void what_is_held_is_dead(void) {
  condemn_family();
  tap_check(gcx_weak_get(of_middle) == NULL);
  struct node *volatile parent = gcx_weak_get(of_parent);
  tap_require(parent != NULL);
  tap_check(gcx_weak_get(of_middle) == NULL);
  void **volatile middle = gcx_weak_get(of_middle_too);
  tap_require(middle != NULL && middle == parent->child);
  struct node *volatile child = *middle;
  tap_check(gcx_weak_get(of_child) == child);
  open_gate();
  tap_check(gu_is_intact(child->data, DATA_BYTES, 1));
  gu_collect();
  tap_check(gcx_weak_get(of_middle_too) == parent->child);
}

/* Somebody frees what is held, and the address goes to somebody else, whom nobody
 * holds. */
static void an_address_is_not_held_for_ever(void) {
  condemn_family();
  tap_check(gcx_weak_get(of_middle) == NULL);
  GC_disable();
  GC_free(gu_reveal(hidden_middle));
  void *volatile again = NULL;
  for (int i = 0; i < 100000 && gu_hide(again) != hidden_middle; i++)
    again = GC_malloc(sizeof(void *));
  tap_require(gu_hide(again) == hidden_middle);
  gcx_weak *w = gcx_weak_new(again);
  tap_check(gcx_weak_get(w) == again);
  GC_enable();
  open_gate();
}

TAP_MAIN(TAP_CASE(condemned_ones_are_revived), TAP_CASE(held_ones_are_revived),
         TAP_CASE(notified_ones_are_gone), TAP_CASE(in_simple_mode_too),
         TAP_CASE(large_ones_too), TAP_CASE(a_refusal_is_final),
         TAP_CASE(freeing_by_hand_ends_it), TAP_CASE(what_is_held_is_dead),
         TAP_CASE(an_address_is_not_held_for_ever))
