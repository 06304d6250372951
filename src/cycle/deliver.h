/* src/cycle/deliver.h: notifiers on allocating and collecting threads.
 * SPDX-License-Identifier: MIT
 *
 * Simple mode: the queue of kinds without notifier threads is worked off with the
 * world running, under the api lock, never inside another such notifier.
 */
#ifndef GC_CYCLE_DELIVER_H
#define GC_CYCLE_DELIVER_H

#include "notify/pending.h"

enum gc_deliver_amount { DELIVER_SOME, DELIVER_ALL };

/* Runs notifiers if there is work, and returns how many; the caller owns the api
 * lock. No effect inside a notifier. */
size_t gc_deliver(enum gc_deliver_amount amount);

/* A safepoint of an allocating thread: does some work if there is any and the api
 * lock is free. Returns how many notifiers ran. */
size_t gc_deliver_poll(void);
/* All of it, waiting for the lock, unless the thread owns it. True if anything
 * may have been released. */
bool gc_deliver_all(void);

/* The caller is in a notifier that runs here. */
bool gc_deliver_inside(void);
/* Keeps the object of the notifier that runs here now; false: it is another. */
bool gc_deliver_keep(const void *object);

/* Gives a kind its notifier; flags: KIND_HELD, KIND_PROPER, KIND_BATCH,
 * KIND_AT_EXIT, KIND_OWN_FREE. False: no memory for the tables. */
bool gc_deliver_register(unsigned kind, const struct gc_notifier *notifier,
                         unsigned flags);

#endif
