/* src/world/suspend.h: one thread suspended by another, or by itself.
 * SPDX-License-Identifier: MIT
 *
 * A suspended thread stands in the handler of the stop signal, behind the word
 * `suspension` of its record, until it is resumed; meanwhile every stop of the world
 * counts it as stopped where it stands. A thread inside a blocking call goes on
 * there and waits when it leaves it. There is no count of suspensions.
 *
 *   NO -> ASKED   by the suspender, who holds the list lock until it is YES (for
 *                 itself it cannot)
 *   ASKED -> YES  by the thread, in the handler or when it blocks; by the suspender
 *                 when it finds the thread blocked
 *   any -> NO     by the resumer, under the list lock, thus never during a stop
 *
 * tests/model/suspend.py is a model of this together with a stop.
 */
#ifndef GC_WORLD_SUSPEND_H
#define GC_WORLD_SUSPEND_H

#include "world/thread.h"

/* The thread with this pthread_id does not run any more on return; nothing happens
 * if it is unknown or suspended. It is not in the middle of a change to the list of
 * images, and owns no internal lock. Nor does it own the api lock, which the caller
 * holds; and who waits for that one has to be woken afterwards, see gc_suspend_other
 * in suspend.c. The calling thread may not be the one. */
void gc_suspend_other(uint64_t pthread_id);
/* The calling thread, which holds no lock, stands still until it is resumed. */
void gc_suspend_self(void);
/* Lets it go, if it is suspended. */
void gc_suspend_resume(uint64_t pthread_id);
bool gc_suspend_is_suspended(uint64_t pthread_id);

/* The calling thread's record is complete and the thread stands still: says so if
 * somebody waits for it. Async-signal-safe. */
void gc_suspend_answer(struct gc_thread *self);
/* The calling thread waits as long as it is suspended. Async-signal-safe. */
void gc_suspend_await_resumption(struct gc_thread *self);

#endif
