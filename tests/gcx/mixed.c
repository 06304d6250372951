/* tests/gcx/mixed.c: kinds that refer to one another; lost and stuck notifiers.
 * SPDX-License-Identifier: MIT
 *
 * Objects of a leaf kind, which alone would be freed at once, belong to objects of
 * a held kind, whose notifiers look at them for a while. Meanwhile the program
 * allocates leaves, so that a freed one is used again.
 */
#include "lib/tap.h"

#include <gc.h>
#include <gcx/reclaim.h>

#include <stdatomic.h>
#include <unistd.h>

#define ALIVE 0x1234567L
#define WAIT_MS 30000u

struct leaf {
  long magic, pad;
};
struct parent {
  struct leaf *leaf;
  long pad;
};

static gcx_kind *parents, *leaves;
static atomic_uint begun, over, changed, leaves_told;
static unsigned looks_ms;

static gcx_verdict look_at_leaf(void *object, size_t bytes, void *cd) {
  const struct parent *p = object;
  (void)bytes, (void)cd;
  begun++;
  for (unsigned ms = 0; ms < looks_ms && p->leaf->magic == ALIVE; ms++)
    usleep(1000);
  changed += p->leaf->magic != ALIVE;
  over++;
  return GCX_DONE;
}

static gcx_verdict count_leaf(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  leaves_told++;
  return GCX_DONE;
}

static struct leaf *new_leaf(long magic) {
  struct leaf *leaf = gcx_kind_alloc(leaves, sizeof *leaf);
  tap_require(leaf != NULL);
  leaf->magic = magic;
  leaf->pad = 0;
  return leaf;
}

static __attribute__((noinline)) void drop_parents(unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    struct parent *p = gcx_kind_alloc(parents, sizeof *p);
    tap_require(p != NULL);
    p->leaf = new_leaf(ALIVE);
  }
}

static void make_kinds(void) {
  gcx_kind_opts held = {.struct_size = sizeof held,
                        .name = "parent",
                        .notify = look_at_leaf,
                        .refs = GCX_REFS_HELD};
  gcx_kind_opts leaf = {.struct_size = sizeof leaf,
                        .name = "leaf",
                        .layout = GCX_LAYOUT_LEAF,
                        .notify = count_leaf};
  parents = gcx_kind_new(&held, NULL);
  leaves = gcx_kind_new(&leaf, NULL);
  tap_require(parents != NULL && leaves != NULL);
}

/* Allocates, and so collects, as long as a notifier looks. */
static void allocate_meanwhile(void) {
  for (unsigned ms = 0; ms < WAIT_MS && begun == 0; ms++)
    usleep(1000);
  for (unsigned n = 0; n < 100000000 && begun != over; n++)
    new_leaf(-1);
}

static void leaves_wait_for_parents_in_other_threads(void) {
  gcx_finaliser_opts opts = {.struct_size = sizeof opts, .threads = 4};
  GC_INIT();
  tap_eq_u(gcx_finaliser_config(&opts), 0);
  make_kinds();
  looks_ms = 50;
  for (int round = 0; round < 5; round++) {
    begun = over = 0;
    drop_parents(4);
    GC_gcollect();
    allocate_meanwhile();
    tap_eq_u(gcx_drain(WAIT_MS), 0);
  }
  tap_eq_u(changed, 0);
  tap_ge(leaves_told, 18);
}

static void leaves_stay_behind_a_stuck_parent(void) {
  gcx_finaliser_opts opts = {.struct_size = sizeof opts, .stuck_ms = 50};
  GC_INIT();
  tap_eq_u(gcx_finaliser_config(&opts), 0);
  make_kinds();
  looks_ms = 600;
  drop_parents(1);
  GC_gcollect();
  /* The stuck one is not waited for, and another thread tells the leaf. */
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  for (int i = 0; i < 3; i++) {
    GC_gcollect();
    allocate_meanwhile();
  }
  for (unsigned ms = 0; ms < WAIT_MS && begun != over; ms++)
    usleep(1000);
  tap_eq_u(changed, 0);
}

/* ---- Lost notifiers ---- */

static unsigned char called[1000];

static gcx_verdict give_up_now_and_then(void *object, size_t bytes, void *cd) {
  const struct leaf *leaf = object;
  (void)bytes, (void)cd;
  called[leaf->magic]++;
  if (leaf->magic % 10 == 0)
    gcx_notifier_abort();
  return GCX_DONE;
}

static void after_a_lost_notifier_the_next_is_called(void) {
  gcx_kind_opts opts = {.struct_size = sizeof opts,
                        .layout = GCX_LAYOUT_LEAF,
                        .notify = give_up_now_and_then};
  gcx_finaliser_stats stats = {.struct_size = sizeof stats};
  unsigned told = 0;
  GC_INIT();
  leaves = gcx_kind_new(&opts, NULL);
  tap_require(leaves != NULL);
  for (long i = 0; i < 1000; i++)
    new_leaf(i);
  GC_gcollect();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  gcx_get_finaliser_stats(&stats);
  for (int i = 0; i < 1000; i++)
    told += called[i];
  tap_eq_u(told, stats.condemned);
  tap_eq_u(stats.notified + stats.lost, stats.condemned);
  tap_ge(stats.lost, 90);
}

/* ---- Kept before the end of the call ---- */

static gcx_verdict keep_and_go_on(void *object, size_t bytes, void *cd) {
  (void)bytes, (void)cd;
  begun++;
  tap_check(gcx_keep(object));
  usleep(300000);
  over++;
  return GCX_DONE;
}

static void quiescing_waits_for_who_kept_its_object(void) {
  gcx_kind_opts opts = {.struct_size = sizeof opts,
                        .layout = GCX_LAYOUT_LEAF,
                        .notify = keep_and_go_on};
  GC_INIT();
  leaves = gcx_kind_new(&opts, NULL);
  tap_require(leaves != NULL);
  new_leaf(1);
  new_leaf(2);
  GC_gcollect();
  for (unsigned ms = 0; ms < WAIT_MS && begun == 0; ms++)
    usleep(1000);
  usleep(10000);
  tap_eq_u(gcx_kind_quiesce(leaves, WAIT_MS), 0);
  tap_ge(begun, 1);
  tap_eq_u(begun, over);
}

TAP_MAIN(TAP_CASE(leaves_wait_for_parents_in_other_threads),
         TAP_CASE(leaves_stay_behind_a_stuck_parent),
         TAP_CASE(after_a_lost_notifier_the_next_is_called),
         TAP_CASE(quiescing_waits_for_who_kept_its_object))
