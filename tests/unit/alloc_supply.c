/* tests/unit/alloc_supply.c: each rung of the ladder from "no free slot" to memory.
 * SPDX-License-Identifier: MIT
 *
 * One thread plays the others: what they do between the failure of a request and
 * its next question is done by hand.
 */
#include "lib/tap.h"
#include "unit/notify.h"

#include "alloc/alloc.h"
#include "alloc/supply.h"
#include "base/switches.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/gc_start.h"
#include "heap/heap.h"
#include "reclaim/classify.h"

static struct gc_supply request(void) {
  return (struct gc_supply){.bytes = GC_BLOCK_BYTES, .epoch = gc_heap.epoch};
}

static void allocate_garbage(size_t bytes) {
  ++*gc_switches.dont_gc;
  for (size_t done = 0; done < bytes; done += 1024)
    tap_require(gc_alloc(1000, KIND_ATOMIC) != NULL);
  --*gc_switches.dont_gc;
}

/* More than any budget of an almost empty heap, also where a sanitiser's data are
 * roots. */
#define OVER_BUDGET ((size_t)64 << 20)

static void the_rest_is_classified_first(void) {
  gc_start();
  allocate_garbage(OVER_BUDGET);
  gc_collect(COLLECT_BUDGET);
  struct gc_supply s = request();
  tap_check(!gc_classify_is_complete());
  tap_eq_u(gc_supply_next(&s), SUPPLY_RETRY);
  tap_check(gc_classify_is_complete());
  tap_check(!s.collected);
}

static void a_young_budget_allows_growth(void) {
  gc_start();
  gc_classify_rest();
  struct gc_supply s = request();
  uint32_t epoch = gc_heap.epoch;
  tap_eq_u(gc_supply_next(&s), SUPPLY_GROW);
  tap_eq_u(gc_heap.epoch, epoch);
}

static void a_used_budget_means_a_collection(void) {
  gc_start();
  gc_classify_rest();
  allocate_garbage(OVER_BUDGET);
  struct gc_supply s = request();
  uint32_t epoch = gc_heap.epoch;
  tap_eq_u(gc_supply_next(&s), SUPPLY_RETRY);
  tap_eq_u(gc_heap.epoch, epoch + 1);
  tap_check(s.collected);
}

/* Its figures say "nothing allocated yet", whatever it found. */
static void a_collection_of_others_means_another_look(void) {
  gc_start();
  struct gc_supply s = request();
  allocate_garbage(OVER_BUDGET);
  gc_collect(COLLECT_BUDGET);
  gc_classify_rest();
  tap_eq_u(gc_supply_next(&s), SUPPLY_RETRY);
  tap_check(!s.collected);
  tap_eq_u(gc_supply_next(&s), SUPPLY_GROW);
}

static void what_others_took_is_collected_again(void) {
  gc_start();
  gc_classify_rest();
  allocate_garbage(OVER_BUDGET);
  struct gc_supply s = request();
  tap_eq_u(gc_supply_next(&s), SUPPLY_RETRY);
  allocate_garbage(OVER_BUDGET);
  gc_classify_rest();
  s.epoch = gc_heap.epoch;
  s.delivered = true;
  uint32_t epoch = gc_heap.epoch;
  tap_eq_u(gc_supply_next(&s), SUPPLY_RETRY);
  tap_eq_u(gc_heap.epoch, epoch + 1);
}

/* ---- Notification ---- */

#define CONDEMNED 5000u
static size_t notified;

static int count_death(void *object) {
  (void)object;
  notified++;
  return 0;
}

static gc_noinline void drop_objects(unsigned kind) {
  for (unsigned i = 0; i < CONDEMNED; i++)
    tap_require(gc_alloc(100, kind) != NULL);
}

static void what_waits_is_delivered_before_growth(void) {
  gc_start();
  unsigned kind = gc_kind_new(0, true, true);
  tap_require(kind != 0 && notify_by(kind, count_death, false));
  drop_objects(kind);
  gc_collect(COLLECT_BUDGET);
  gc_classify_rest();
  tap_eq_u(notified, 0);
  struct gc_supply s = request();
  tap_eq_u(gc_supply_next(&s), SUPPLY_RETRY);
  tap_ge(notified, CONDEMNED - 10);
  tap_eq_u(gc_supply_next(&s), SUPPLY_GROW);
}

/* ---- The last resort ---- */

static void a_refusal_is_answered_by_a_collection(void) {
  gc_start();
  for (unsigned retries = 0; retries < 3; retries++) {
    *gc_switches.max_retries = retries;
    struct gc_supply s = request();
    uint32_t epoch = gc_heap.epoch;
    for (unsigned i = 0; i <= retries; i++)
      tap_eq_u(gc_supply_refused(&s), SUPPLY_RETRY);
    tap_eq_u(gc_supply_refused(&s), SUPPLY_NONE);
    tap_eq_u(gc_heap.epoch, epoch + retries + 1);
  }
}

static void without_collections_a_refusal_is_final(void) {
  gc_start();
  ++*gc_switches.dont_gc;
  struct gc_supply s = request();
  tap_eq_u(gc_supply_refused(&s), SUPPLY_NONE);
}

TAP_MAIN(TAP_CASE(the_rest_is_classified_first),
         TAP_CASE(a_young_budget_allows_growth),
         TAP_CASE(a_used_budget_means_a_collection),
         TAP_CASE(a_collection_of_others_means_another_look),
         TAP_CASE(what_others_took_is_collected_again),
         TAP_CASE(what_waits_is_delivered_before_growth),
         TAP_CASE(a_refusal_is_answered_by_a_collection),
         TAP_CASE(without_collections_a_refusal_is_final))
