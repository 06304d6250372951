/* src/alloc/supply.h: the ladder from "no free slot" to memory.
 * SPDX-License-Identifier: MIT
 *
 * resident free blocks -> blocks emptied by the last collection -> dead objects
 * whose notifiers have not run yet -> a collection, if it is time -> growth ->
 * a collection in any case -> nothing.
 */
#ifndef GC_ALLOC_SUPPLY_H
#define GC_ALLOC_SUPPLY_H

#include "heap/heap.h"

/* Where one request stands on the ladder. */
struct gc_supply {
  size_t bytes;   /* wanted */
  uint32_t epoch; /* when free slots were last looked for */
  bool collected; /* a collection ran for this request */
  bool delivered;
  uint64_t retries; /* collections as the last resort */
};

enum gc_supply_answer {
  SUPPLY_RETRY, /* something may have become free: look again */
  SUPPLY_GROW,  /* take blocks, growing the heap */
  SUPPLY_NONE   /* out of memory */
};

/* Called when there is no resident free block; no lock is held. */
enum gc_supply_answer gc_supply_next(struct gc_supply *s);
/* Collects for this request. */
bool gc_supply_collect(struct gc_supply *s);
/* Growth was refused: what next? */
enum gc_supply_answer gc_supply_refused(struct gc_supply *s);

#endif
