/* src/world/roots.h: static roots: images, registered ranges, exclusions.
 * SPDX-License-Identifier: MIT
 *
 * Ranges are kept sorted and disjoint, in a table that grows. Images are read
 * again when the loader's generation changed, always before a stop, never in it.
 * Guarded by the roots lock (RANK_ROOTS); during a collection the collector alone
 * reads.
 */
#ifndef GC_WORLD_ROOTS_H
#define GC_WORLD_ROOTS_H

#include "world/stack.h"

void gc_roots_start(void);

/* Client calls. Overlaps merge; removing splits. Ends are rounded inwards to
 * words. False: out of memory for the table. */
bool gc_roots_add(char *lo, char *hi);
void gc_roots_remove(char *lo, char *hi);
/* Forgets all ranges, images included; images loaded later are not added by themselves
 * until the next explicit request (libgc: clients call this, then add their own). */
void gc_roots_clear(void);
bool gc_roots_exclude(char *lo, char *hi);
void gc_roots_clear_exclusions(void);

/* World running, before a stop: brings the image ranges up to date unless
 * switch no_dls is set (then the program's own segments only). Filters by hook has_static_roots. */
void gc_roots_prepare(void);
/* Whether images have come or gone since the roots were read; `images` is the
 * loader's present number. */
bool gc_roots_are_stale(uint64_t images);
/* The locks before fork, and after it in the parent and in the child. */
void gc_roots_lock_for_fork(void);
void gc_roots_unlock_after_fork(void);
void gc_roots_reset_locks(void);
/* World stopped: visits all ranges. */
void gc_roots_each_stopped(gc_range_visitor visit, void *cx);
size_t gc_roots_bytes(void);
bool gc_roots_contain(const char *p);

#endif
