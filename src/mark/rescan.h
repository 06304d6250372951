/* src/mark/rescan.h: recovery when the mark stack is full.
 * SPDX-License-Identifier: MIT
 */
#ifndef GC_MARK_RESCAN_H
#define GC_MARK_RESCAN_H

#include "mark/mark.h"

/* A grey entry at this address could not be scanned for lack of room. */
void gc_rescan_note(struct gc_marker *m, const char *at);
/* Marks without pushing; the object's block is flagged. */
void gc_rescan_mark_only(struct gc_marker *m, uint64_t word);
/* With an empty stack: pushes marked objects of the flagged blocks. False: there
 * is no flagged block left. */
bool gc_rescan_round(struct gc_marker *m);

#endif
