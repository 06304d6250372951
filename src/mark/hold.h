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
                   bool (*report)(const struct gc_object *));

/* World running, drain lock held. Lists the object and everything held that it
 * refers to through held objects, the object first; each is listed once, for they
 * are not held any more then. Calls `met_decided` for each listed object of a
 * notified kind that refers to one whose notifier has been called. Returns the
 * length of the list, which is valid until the lock is released. */
size_t gc_hold_list_closure(const struct gc_object *object,
                            void (*met_decided)(const struct gc_object *));
char *gc_hold_member(size_t i);

/* The last collection found it dead and held, and it was not revived since; of
 * objects that are not younger. [lock drain] */
bool gc_hold_has(const struct gc_object *object);

#endif
