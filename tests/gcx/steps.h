/* tests/gcx/steps.h: threads that hold, link, drop and find notified nodes. SPDX-License-Identifier: MIT */

/*
 * Each thread holds some nodes, makes new ones and lets old ones go, links nodes that
 * hold others, and finds nodes of all threads through one table of weak entries, which
 * notifiers clear. Of the nodes some are kept once when they die, by gcx_keep or by their
 * verdict. Whatever is found must be whole.
 */
#ifndef TESTS_GCX_STEPS_H
#define TESTS_GCX_STEPS_H

#include "gcx/shadow.h"

struct sp_plan {
  gcx_kind
      *kind[3]; /* by serial; the third one holds what its nodes refer to */
  size_t threads, steps, collect_every;
  bool
      keeps_holders_only; /* to keep others is a mistake that debug kinds report */
};

/* The notifier of all three. */
gcx_verdict GC_CALLBACK sp_on_death(void *object, size_t bytes, void *cd);

/* Serials are taken from 0 on, one a step at most. Ends when the threads have. */
void sp_run(const struct sp_plan *plan);

/* When all deaths were told: each once, of what was kept one more. A stale word may
 * hold one in a thousand. */
void sp_check(void);

#endif
