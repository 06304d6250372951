/* src/alloc/supply.c: the ladder from "no free slot" to memory.
 * SPDX-License-Identifier: MIT
 */
#include "alloc/supply.h"

#include "base/switches.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/pacer.h"
#include "reclaim/classify.h"

enum gc_supply_answer gc_supply_next(struct gc_supply *s) {
  if (!gc_classify_is_complete()) {
    gc_classify_rest();
    return SUPPLY_RETRY;
  }
  if (!s->delivered) {
    s->delivered = true;
    if (gc_deliver_all())
      return SUPPLY_RETRY;
  }
  if (!s->collected && gc_pacer_decide(s->bytes).collect) {
    s->collected = true;
    if (gc_collect(COLLECT_BUDGET)) {
      s->delivered = false;
      return SUPPLY_RETRY;
    }
  }
  return SUPPLY_GROW;
}

enum gc_supply_answer gc_supply_refused(struct gc_supply *s) {
  if (s->retries++ > *gc_switches.max_retries)
    return SUPPLY_NONE;
  return gc_collect(COLLECT_EXPLICIT) ? SUPPLY_RETRY : SUPPLY_NONE;
}
