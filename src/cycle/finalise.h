/* src/cycle/finalise.h: finalisers, links and toggle references in a collection.
 * SPDX-License-Identifier: MIT
 *
 * World stopped, when everything reachable is marked, in this order:
 *   1. short links to what is not marked are cleared;
 *   2. what unmarked objects with a finaliser refer to is marked, unless the finaliser
 *      is of no order. So whatever of them is unmarked still is referred to by none
 *      with an ordered one: these become ready. One that became marked waits for a
 *      later collection, or for ever when it is part of a cycle;
 *   3. what ready ones of no order refer to is marked; `unreachable` ones that are
 *      marked by that are not ready after all;
 *   4. links that lie in dead objects are forgotten, long links are cleared.
 * What is marked until then is alive to all that follows: nothing of it is condemned.
 *
 * The work is by words of 64 objects where nothing has died. Nothing is called with
 * the world stopped but the program's function for toggle references.
 */
#ifndef GC_CYCLE_FINALISE_H
#define GC_CYCLE_FINALISE_H

#include "mark/mark.h"

/* With the other roots: data of finalisers, objects that are ready, strong toggle
 * references. */
void gc_finalise_mark_roots(struct gc_marker *m);
/* The first two of these again, at once, for a procedure of the program that is called
 * while roots are scanned. */
void gc_finalise_push(void);
/* Steps 1 to 4. Marking is complete, and is when it returns. */
void gc_finalise_mark_dead(struct gc_marker *m);
/* World running, api lock held: tells of ready objects and of cycles. */
void gc_finalise_settle(void);

/* Where an allocation or a collection was asked for, with no lock held: runs what is
 * ready, or calls the notifier once for a collection if finalisers run on demand.
 * Nothing happens inside a notifier or an owner of the api lock, and inside a
 * finaliser only once in very many times. */
void gc_finalise_poll(void);
/* Runs all that is ready; returns how many. */
size_t gc_finalise_run(void);
/* Everything registered, alive or not, until nothing is registered any more. */
void gc_finalise_all(void);

#endif
