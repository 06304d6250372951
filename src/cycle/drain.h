/* src/cycle/drain.h: claiming, deciding and releasing condemned objects.
 * SPDX-License-Identifier: MIT
 *
 * The protocol between those who call notifiers, those who revive, and the
 * release of memory; see docs/design/protocol.md for what the models say. The drain
 * lock guards it; it is an internal lock, so a stop never comes in the middle, and
 * no user code runs under it but on_revive.
 */
#ifndef GC_CYCLE_DRAIN_H
#define GC_CYCLE_DRAIN_H

#include "notify/pending.h"

/* Taking it runs the hold trace if that is due: its owner sees what dead objects refer
 * to held, and what is condemned in order. */
void gc_drain_lock_take(void);
void gc_drain_lock_leave(void);

/* Claims the next objects of a queue, frozen batch first, parents before children, as
 * many as lie next to one another in order or in their block, at most max. A
 * batch that turns out to be decided is released on the way. 0: nothing is left.
 * [lock drain] */
size_t gc_drain_take(struct gc_queue *q, struct gc_object *out, size_t max);

/* A claimed object whose notifier was not called is condemned as before, and the
 * next to be taken. [lock drain] */
void gc_drain_put_back(const struct gc_object *object);

enum gc_drain_verdict { DRAIN_DONE, DRAIN_KEEP, DRAIN_LOST };

/* The notifiers of claimed objects of one kind have returned DRAIN_DONE; or of one,
 * and it is kept or lost. [lock drain] */
void gc_drain_finish_done(const struct gc_object *first, size_t n);
void gc_drain_finish(const struct gc_object *object,
                     enum gc_drain_verdict verdict);

/* Keeps a claimed object while its notifier still runs; gc_drain_leave_kept takes
 * the place of finish then. [lock drain] */
void gc_drain_keep(const struct gc_object *object);
void gc_drain_leave_kept(const struct gc_object *object);

/* The object's notifier does not return: nobody waits for it any more, or it came
 * back after all. [lock drain] */
void gc_drain_give_up(const struct gc_object *object);
void gc_drain_take_back(const struct gc_object *object);

/* COND becomes NONE, with the closure of HELD kinds. False: too late. Live and not
 * notified objects answer true. Takes the drain lock for HELD kinds. The caller
 * holds the lock under which its notifier takes the object out of tables. */
bool gc_drain_revive(const struct gc_object *object);
/* The same of an object of a notified kind. [lock drain] */
bool gc_drain_revive_locked(const struct gc_object *object);

/* True when something is condemned or being notified, stuck ones left out.
 * [lock drain] */
bool gc_drain_is_busy(const struct gc_queue *q);
/* Value of q->rounds when all that is condemned now will be decided. [lock drain] */
uint32_t gc_drain_target(const struct gc_queue *q);

/* The longest time from condemnation to the decision of a whole batch. */
uint64_t gc_drain_max_lag_ns(void);

/* Told when enough memory was released, a batch or a kind has nothing undecided any
 * more, or a notifier was given up; the lock is held. */
extern void (*gc_drain_on_progress)(void);
/* How many want to be told. */
extern _Atomic uint32_t gc_drain_waiters;
/* Who waits for memory wants to be told when fewer bytes than this are pending; 0:
 * nobody does. Who tells sets it to 0. */
extern _Atomic size_t gc_drain_memory_goal;

#endif
