/* src/world/roots.h: static roots: images, registered ranges, exclusions.
 * SPDX-License-Identifier: MIT
 *
 * Ranges are kept sorted and disjoint, in a table that grows. Images are read
 * again when the loader's generation changed, always before a stop, never in
 * it. Guarded by the roots lock (RANK_ROOTS); during a collection the collector
 * alone reads.
 */
#ifndef GC_WORLD_ROOTS_H
#define GC_WORLD_ROOTS_H

#include "world/stack.h"

/* Called once, after gc_thread_start: reads the images for the first time. */
void gc_roots_start(void);

/* Client calls. Overlaps merge; removing splits. Ends are rounded inwards to
 * words. False: out of memory for the table. */
bool gc_roots_add(char *lo, char *hi);
void gc_roots_remove(char *lo, char *hi);
/* Forgets all ranges, those of images included. With switch no_dls 0 the images
 * come back at the next gc_roots_prepare, as libgc's do; otherwise nothing is
 * read any more. Exclusions stay. */
void gc_roots_clear(void);
bool gc_roots_exclude(char *lo, char *hi);
void gc_roots_clear_exclusions(void);

/* World running, before a stop, by the thread that will make it: brings the
 * image ranges up to date. With switch no_dls set, those of the program alone,
 * or none after a clear. Hook has_static_roots is asked for each segment. */
void gc_roots_prepare(void);
/* Whether the roots must be read again: images have come or gone since
 * (`images` is the loader's present number), or another thread read them last.
 */
bool gc_roots_are_stale(uint64_t images);
/* The locks before fork, and after it in the parent and in the child. */
void gc_roots_lock_for_fork(void);
void gc_roots_unlock_after_fork(void);
void gc_roots_reset_locks(void);
/* World stopped: visits all ranges. */
void gc_roots_each_stopped(gc_range_visitor visit, void *cx);
size_t gc_roots_bytes(void);
bool gc_roots_contain(const char *p);
/* It lies in data of an image, not in a range that was added. */
bool gc_roots_contain_in_image(const char *p);

#endif
