/* src/diag/stats.h: statistics for clients. SPDX-License-Identifier: MIT
 *
 * Sums of the heap's accounts. None waits for classification; the snapshot is
 * consistent when the caller holds the api lock.
 */
#ifndef GC_DIAG_STATS_H
#define GC_DIAG_STATS_H

#include "base/config.h"

struct gc_stats {
  size_t heap_bytes;       /* in blocks, pages given back not counted */
  size_t free_bytes;       /* free blocks and free slots, estimated */
  size_t unmapped_bytes;   /* given back to the system */
  size_t since_gc;         /* allocated since the last collection */
  size_t freed_since_gc;   /* explicitly freed since the last collection */
  size_t before_gc;        /* allocated before the last collection */
  size_t total;            /* allocated since the start */
  size_t non_gc_bytes;     /* the client's switch */
  size_t reclaimed_last;   /* by the last collection */
  size_t reclaimed_before; /* by all collections before it */
  size_t obtained;         /* from the system */
  uint64_t collections;
  uint64_t pause_total_ns, pause_longest_ns;
};

void gc_stats_read(struct gc_stats *out);
size_t gc_stats_heap_bytes(void);
size_t gc_stats_free_bytes(void);

#endif
