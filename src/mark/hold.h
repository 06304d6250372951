/* src/mark/hold.h: the hold trace: what dead objects refer to stays intact until
 * their notifiers have run. SPDX-License-Identifier: MIT
 *
 * After the flip, under the drain lock with the world running, or in the stop; no
 * block with dead objects may be classified before it is over. From every
 * condemned slot of a HELD kind it visits, depth first, what is dead; ordinary objects
 * found get their allocation bit back, so they survive this collection and die
 * in a later one. Mutators cannot reach what it visits: nobody changes it, and no
 * barrier is needed.
 *
 * Condemned slots of any notified kind that refer to something dead are reported
 * when they are left; in reverse, that order has parents before children on every
 * acyclic path. The others come after them in any order. No client mark procedure is
 * called: objects are scanned word by word.
 */
#ifndef GC_MARK_HOLD_H
#define GC_MARK_HOLD_H

#include "heap/find.h"
#include "heap/meta.h"

/* Gets each reported object once; its result is not needed. */
typedef bool (*gc_hold_report)(const struct gc_object *);

/* Address space for the trace; false: none. Before the first HELD kind. */
bool gc_hold_start(void);

/* In the stop: nothing is held any more. */
void gc_hold_forget(void);

/* There is something in the block from which a trace starts. */
bool gc_hold_has_sources(gc_block_id b);
/* Traces from a block. When all are through, what memory was lacking for is done. */
void gc_hold_trace(gc_block_id b, gc_hold_report report);
void gc_hold_finish(gc_hold_report report);

/* Checks that what held objects refer to is held; ends the process if it is not. */
void gc_hold_check(void);

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
