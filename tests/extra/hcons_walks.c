/* tests/extra/hcons_walks.c: walks over tables that change, and condemned nodes. SPDX-License-Identifier: MIT */
/* A walk goes on by hashes, not by places: an array that is a sixteenth as large
 * in the next step has other places for all of them. */
#include <gc/gc.h>
#include <hcons/hcons.h>

#include "extra/hcons_kit.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <stdlib.h>

enum { HELD = 6000, DEAD = 200000, HELD_TAG = 0, DEAD_TAG = 1 };

static hc_table *table;
static hc_class *number;

struct walk {
  unsigned *seen;
  size_t calls;
  size_t held_calls;
  void (*change)(size_t held_calls); /* called now and then */
};

static void start(unsigned flags) {
  table = hk_table(flags, 1);
  number = hk_class(table, (hc_class_desc){.leaf = true});
}

static void make_dead(void *unused) {
  (void)unused;
  for (uintptr_t i = 0; i < DEAD; i++)
    hc_intern1(number, DEAD_TAG, i * 7919);
}

static int visit(const void *node, void *cd) {
  struct walk *w = cd;
  w->calls++;
  if (hc_tag(node) != HELD_TAG)
    return 0;
  w->seen[hc_key(node)[0] / 7919]++;
  w->held_calls++;
  if (w->held_calls % 1000 == 500)
    w->change(w->held_calls);
  return 0;
}

/* ---- Changes ---- */

static void shrink_at_once(size_t held_calls) {
  if (held_calls > 1000)
    return;
  hk_collect();
  hc_trim(table);
}

/* By one insertion, whose move the walk finishes. */
static void shrink_in_steps(size_t held_calls) {
  if (held_calls == 500)
    hk_collect();
  hc_intern1(number, DEAD_TAG, held_calls);
}

static void shrink_and_grow(size_t held_calls) {
  if (held_calls / 1000 % 2 == 0)
    shrink_at_once(0);
  else
    gu_apart(make_dead, NULL);
}

static void walk_while(unsigned flags, void (*change)(size_t held_calls)) {
  start(flags);
  struct walk w = {.seen = calloc(HELD, sizeof(unsigned)), .change = change};
  const void **held = hc_scanned_alloc(HELD * sizeof *held);
  size_t wrong = 0;
  for (uintptr_t i = 0; i < HELD; i++)
    held[i] = hc_intern1(number, HELD_TAG, i * 7919);
  gu_apart(make_dead, NULL);
  size_t slots = hk_stats(table).slots;
  tap_eq_u(hc_each(table, visit, &w), 0);
  for (size_t i = 0; i < HELD; i++)
    wrong += w.seen[i] != 1;
  tap_eq_u(wrong, 0);
  tap_note("%zu slots, later %zu; %zu calls", slots, hk_stats(table).slots,
           w.calls);
  tap_ge(hk_stats(table).shrunk, 1);
  hk_check_sound(table);
  hc_keep(held);
  free(w.seen);
}

static void walks_bear_trimming(void) { walk_while(0, shrink_at_once); }
static void walks_bear_trimming_by_one_user(void) {
  walk_while(HC_SINGLE, shrink_at_once);
}
static void walks_bear_shrinking_in_steps(void) {
  walk_while(0, shrink_in_steps);
}
static void walks_bear_shrinking_and_growing(void) {
  walk_while(0, shrink_and_grow);
}

/* ---- Condemned nodes ---- */

static struct hk_gate gate;

static void do_nothing(size_t held_calls) { (void)held_calls; }

/* The first notifier waits, and so all that is dead is condemned and in the table. */
static void condemned_nodes_are_refused(void) {
  if (!hk_is_proper())
    tap_skip("deaths are told when the collector comes upon them");
  start(0);
  number = hk_class(table, (hc_class_desc){.leaf = true,
                                           .on_reclaim = hk_wait_at_gate,
                                           .closure = &gate});
  struct walk w = {.seen = calloc(HELD, sizeof(unsigned)),
                   .change = do_nothing};
  const void **held = hc_scanned_alloc(HELD * sizeof *held);
  for (uintptr_t i = 0; i < HELD; i++)
    held[i] = hc_intern1(number, HELD_TAG, i * 7919);
  gu_apart(make_dead, NULL);
  atomic_store(&gate.is_shut, true);
  gu_collect();
  tap_check(hk_somebody_arrives(&gate));
  tap_ge(hk_stats(table).live, DEAD / 2);
  tap_eq_u(hc_each(table, visit, &w), 0);
  tap_eq_u(w.held_calls, HELD);
  tap_le(w.calls, HELD + DEAD / 50);
  tap_eq_u(hk_stats(table).revived, 0);
  atomic_store(&gate.is_shut, false);
  hk_drain();
  tap_le(hk_stats(table).live, HELD + DEAD / 50);
  hk_check_sound(table);
  hc_keep(held);
  free(w.seen);
}

TAP_MAIN(TAP_CASE(walks_bear_trimming),
         TAP_CASE(walks_bear_trimming_by_one_user),
         TAP_CASE(walks_bear_shrinking_in_steps),
         TAP_CASE(walks_bear_shrinking_and_growing),
         TAP_CASE(condemned_nodes_are_refused))
