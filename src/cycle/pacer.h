/* src/cycle/pacer.h: when to collect and how large the heap may be.
 * SPDX-License-Identifier: MIT
 *
 * Decides, does nothing. libgc's divisor d asks for a collection each time that
 * (2*pointerful + pointer-free/4 + roots)/d bytes were allocated; that is our
 * budget, too. As libgc does we first use up the free blocks that the heap has
 * already: while some are left there is no reason to collect. libgc overshoots
 * its formula by growing in steps of a third of the heap, we do not.
 */
#ifndef GC_CYCLE_PACER_H
#define GC_CYCLE_PACER_H

#include <stdbool.h>
#include <stddef.h>

struct gc_pacer_decision {
  bool collect; /* before the heap grows */
};

/* The heap has no resident free block for `bytes` more. */
struct gc_pacer_decision gc_pacer_decide(size_t bytes);
/* Free blocks are left, but more was allocated than is good. */
bool gc_pacer_is_overdue(void);

/* After a collection. What waits for its notifier is memory in use that marking passes
 * by, so it is no reason for a larger budget, unless it is much more than what lives. */
struct gc_pacer_cycle {
  size_t live, live_leaf, roots;
  size_t waiting;
  unsigned long long cpu_ns; /* of the collection */
};
void gc_pacer_finish_cycle(const struct gc_pacer_cycle *cycle);

/* Resident bytes that the heap should keep; blocks above it may be returned. */
size_t gc_pacer_keep_bytes(void);

#endif
