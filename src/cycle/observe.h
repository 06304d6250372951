/* src/cycle/observe.h: the thread that tells observers of deaths.
 * SPDX-License-Identifier: MIT
 *
 * After each collection it classifies the blocks of the observed kinds, a few at a
 * time, so that deaths are known soon, and calls the observers with what is in
 * their logs (reclaim/observed). It is a thread of its own, not a notifier thread:
 * an observer that blocks delays no notifier, a notifier that blocks leaves no log
 * to overflow, and a claim protocol has nothing to say where nothing can be kept.
 * It starts with the first observer that has a function, and sleeps while there is
 * nothing to do.
 */
#ifndef GC_CYCLE_OBSERVE_H
#define GC_CYCLE_OBSERVE_H

#include "cycle/notifier.h"
#include "reclaim/observed.h"

/* Takes the api lock. False: no thread is to be had, when the plan needs one. */
bool gc_observe_begin(const struct gc_observer_plan *plan,
                      enum gc_observe_result *out_result,
                      struct gc_observer **out);

/* Ends an observer and frees it when no call runs and none will. With `tell` what
 * died in collections until now is told before. WAIT_TIMEOUT: a call still runs,
 * none will follow, and the observer is to be ended once more. */
enum gc_wait_result gc_observe_end(struct gc_observer *o, bool tell,
                                   unsigned ms);

/* Until all that collections found dead until now, or that was freed, is told. */
enum gc_wait_result gc_observe_drain(unsigned ms);

/* Counts all deaths that collections found until now. The thread is known. */
void gc_observe_count(const struct gc_observer *o,
                      struct gc_observer_counts *out);

/* The caller is in an observer. */
bool gc_observe_inside(void);

/* After a collection: there may be something to tell. */
void gc_observe_wake(void);

/* fork, as of the notifiers. */
void gc_observe_pause_for_fork(void);
void gc_observe_reset_in_child(void);
void gc_observe_resume_after_fork(void);

#endif
