/* src/mark/rootscan.h: everything that is live by itself.
 * SPDX-License-Identifier: MIT
 *
 * World stopped. Order matters: first the unused tails of the threads' runs and
 * their freed cells get their mark bits, untraced, so that a stale word does not
 * make anybody scan them and so that they stay claimed; then uncollectable
 * objects; then registers, stacks, static roots and the client's own.
 */
#ifndef GC_MARK_ROOTSCAN_H
#define GC_MARK_ROOTSCAN_H

#include "mark/mark.h"
#include "world/stack.h"

/* Run tails and freed cells of all threads. */
void gc_rootscan_tails(void);
/* Uncollectable objects are marked; pointerful ones become grey. */
void gc_rootscan_uncollectable(struct gc_marker *m,
                               gc_large_iterator each_large);
/* Stacks (the caller's from own_sp on), static roots, and what the client's
 * push_other_roots pushes. `root_bytes` is set to the bytes scanned. */
void gc_rootscan_all(struct gc_marker *m, char *own_sp, size_t *out_root_bytes);

/* For the client's push_other_roots callback; the marker is the collector's. */
void gc_rootscan_push_range(char *lo, char *hi);

#endif
