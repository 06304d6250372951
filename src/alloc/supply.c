/* src/alloc/supply.c: the ladder from "no free slot" to memory.
 * SPDX-License-Identifier: MIT
 */
#include "alloc/supply.h"

#include "base/switches.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/hold_phase.h"
#include "cycle/notifier.h"
#include "cycle/pacer.h"
#include "reclaim/classify.h"

/* A collection of another thread may lie between the failure and this call: then
 * the figures say "just collected", and growing would be a mistake that every
 * thread repeats in every cycle. */
enum gc_supply_answer gc_supply_next(struct gc_supply *s) {
  if (s->epoch != gc_heap.epoch) {
    s->epoch = gc_heap.epoch;
    return SUPPLY_RETRY;
  }
  if (gc_classify_is_closed()) {
    if (gc_hold_phase_may_grow(s->bytes))
      return SUPPLY_GROW;
    gc_hold_phase_await();
    return SUPPLY_RETRY;
  }
  if (!gc_classify_is_complete()) {
    gc_classify_rest();
    return SUPPLY_RETRY;
  }
  if (!s->delivered) {
    s->delivered = true;
    if (gc_deliver_all())
      return SUPPLY_RETRY;
  }
  /* What this request's own collection found may have gone to other threads
   * before it ran again; then the next one is decided by what they took. */
  size_t wanted = s->collected ? 0 : s->bytes;
  if (gc_pacer_decide(wanted).collect && gc_supply_collect(s)) {
    s->delivered = false;
    return SUPPLY_RETRY;
  }
  return SUPPLY_GROW;
}

bool gc_supply_collect(struct gc_supply *s) {
  s->collected = true;
  return gc_collect(COLLECT_BUDGET);
}

enum gc_supply_answer gc_supply_refused(struct gc_supply *s) {
  if (gc_notifier_await_memory())
    return SUPPLY_RETRY;
  if (s->retries++ > *gc_switches.max_retries)
    return SUPPLY_NONE;
  return gc_collect(COLLECT_EXPLICIT) ? SUPPLY_RETRY : SUPPLY_NONE;
}
