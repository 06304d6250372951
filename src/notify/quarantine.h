/* src/notify/quarantine.h: dead objects of debug kinds that are not free yet.
 * SPDX-License-Identifier: MIT
 *
 * What would be released is filled with a pattern and stays allocated for some
 * collections (GCX_QUARANTINE). Marking shows whether any word leads there: unlike
 * other pending slots these are not marked beforehand. An object leaves when its
 * time is over and the collection met no reference to it.
 */
#ifndef GC_NOTIFY_QUARANTINE_H
#define GC_NOTIFY_QUARANTINE_H

#include "heap/find.h"

/* Takes the slots of a block of a debug kind whose state byte is `done`; where there
 * is no memory for the list, or no quarantine is wanted, they stay as they are.
 * [lock drain] */
void gc_quarantine_take(gc_block_id b, uint8_t done);

/* World stopped, marks complete. The object is in quarantine, and a word leads there;
 * those that were freed by hand do not count. */
bool gc_quarantine_is_seen(const struct gc_object *o);
/* Notes of which objects this holds. True if there are some. */
bool gc_quarantine_note_seen(void);
/* Runs f for each of them. False: it is not seen after all. */
void gc_quarantine_each_seen(bool (*f)(const struct gc_object *));
/* The object is in quarantine. */
bool gc_quarantine_has(const struct gc_object *o);

/* World stopped, after the hold trace: frees those whose time is over. */
void gc_quarantine_leave(void);

/* Reports those that were written; how many. World stopped. */
size_t gc_quarantine_check(void);

#endif
