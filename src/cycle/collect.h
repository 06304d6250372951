/* src/cycle/collect.h: a collection, from the first phase to the last.
 * SPDX-License-Identifier: MIT
 */
#ifndef GC_CYCLE_COLLECT_H
#define GC_CYCLE_COLLECT_H

#include "base/atomic.h"
#include "base/config.h"

enum gc_collect_cause {
  COLLECT_BUDGET,   /* allocation asks; notification work is bounded */
  COLLECT_EXPLICIT, /* GC_gcollect: all notification work is done */
  COLLECT_UNMAP     /* the same, and free pages are returned at once */
};

/* Runs a collection unless collections are disabled, the client's stop function
 * abandons it, or the calling thread owns the api lock (then it is left as a
 * request). Another thread's collection that ends while we wait counts for
 * COLLECT_BUDGET. True if one ran. The thread is known and holds no lock. */
bool gc_collect(enum gc_collect_cause cause);
/* The same with a stop function for this one collection. */
bool gc_collect_unless(int (*stop)(void), enum gc_collect_cause cause);

/* Statistics of pauses. */
struct gc_cycle_stats {
  _Atomic uint64_t collections; /* [atomic: w in the stop / r by anybody] */
  uint64_t total_ns, longest_pause_ns, last_pause_ns;
  size_t last_reclaimed_bytes, reclaimed_bytes;
};
extern struct gc_cycle_stats gc_cycle_stats;

/* World stopped, marks complete, before anything is condemned; set by diag. */
extern void (*gc_collect_leaks)(void);
/* After a collection, no lock held: what that found is told. Set by diag. */
extern void (*gc_collect_tell)(void);
/* When leaks are: who refers to what is in quarantine; set by diag when there are
 * debug kinds. The calling thread's stack counts from own_sp on; what lies below
 * own_end is the collector's. */
extern void (*gc_collect_search)(char *own_sp, char *own_end);
/* Called at the end of the stop, world still stopped, before the flip is
 * visible to anyone; set by diag when the verifier is on. */
extern void (*gc_collect_verify)(void);
/* Before the stop and after the restart, set by diag for GC_PRINT_STATS. */
extern void (*gc_collect_report)(bool at_end);

#endif
