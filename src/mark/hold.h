/* src/mark/hold.h: the hold trace: what dead objects refer to stays intact until
 * their notifiers have run. SPDX-License-Identifier: MIT
 *
 * World stopped, after examine and before the flip. From every condemned slot of a
 * HELD kind it visits, depth first, what is not live; ordinary objects found get
 * their mark bit, so they survive this collection and die in a later one.
 * Condemned slots of any notified kind met on the way are reported when they are
 * left; in reverse, that order has parents before children on every acyclic path.
 * No client mark procedure is called: objects are scanned word by word.
 */
#ifndef GC_MARK_HOLD_H
#define GC_MARK_HOLD_H

#include "heap/find.h"
#include "mark/mark.h"

/* `report` gets each condemned object once; its result is not needed. */
void gc_hold_trace(struct gc_marker *m, gc_large_iterator each_large,
                   bool (*report)(char *object));

/* World running, caller excludes collections: everything condemned that `object`
 * refers to through held objects is visited once: `revive` is called for it. */
void gc_hold_each_condemned(const struct gc_object *object,
                            void (*revive)(const struct gc_object *));

#endif
