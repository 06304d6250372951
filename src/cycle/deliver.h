/* src/cycle/deliver.h: calling notifiers and releasing what is done.
 * SPDX-License-Identifier: MIT
 *
 * Simple mode: notifiers run on the collecting or an allocating thread, with the
 * world running, under the api lock, never inside another notifier. What is
 * notified is released together, when the last condemned object is decided, so
 * that no address is used again while a dead object that refers to it still
 * waits.
 */
#ifndef GC_CYCLE_DELIVER_H
#define GC_CYCLE_DELIVER_H

#include "heap/find.h"

enum gc_deliver_amount { DELIVER_SOME, DELIVER_ALL };

/* Runs notifiers if there is work; the caller owns the api lock. No effect inside
 * a notifier. */
void gc_deliver(enum gc_deliver_amount amount);

/* A safepoint of an allocating thread: does some work if there is any and the api
 * lock is free. */
void gc_deliver_poll(void);
/* All of it, waiting for the lock, unless the thread owns it. True if anything
 * was released. */
bool gc_deliver_all(void);

/* Too late or not notified: false. A live object answers true. Revives the
 * closure of a HELD object. The caller keeps collections out (api lock) or holds
 * a reference that a collection sees. */
bool gc_deliver_revive(const struct gc_object *object);

bool gc_deliver_inside(void);

/* Makes `proc` the notifier of a kind. False: no memory for the state bytes. */
bool gc_deliver_register(unsigned kind, int (*proc)(void *), bool held);

#endif
