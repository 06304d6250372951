/* src/world/stop.h: stopping and restarting the world.
 * SPDX-License-Identifier: MIT
 *
 * Signals stop the known threads; nobody waits for restarts. One word, the stop
 * generation, is odd while the world is stopped. The handler publishes its
 * stack pointer, answers the generation, and sleeps until the word changes; a
 * handler that is still inside when the next stop begins sees the new odd value
 * and answers again. Lost signals are sent again after a timeout; a thread that
 * no longer exists (ESRCH) counts as stopped with nothing to scan.
 */
#ifndef GC_WORLD_STOP_H
#define GC_WORLD_STOP_H

#include "world/thread.h"

/* Signals; may be set before gc_stop_start only. */
void gc_stop_set_signal(int signo);
int gc_stop_signal(void);
int gc_stop_restart_signal(void);
void gc_stop_set_restart_signal(int signo);
void gc_stop_start(void);

/* Stops every known thread but the caller. The caller holds the api lock and
 * the thread-list lock, and nostop is 0. On return all other threads are parked
 * or blocked and their stack pointers are published. */
void gc_stop_world(void);
/* Restarts them without waiting. */
void gc_start_world(void);
bool gc_world_is_stopped(void);

/* A signal that is not answered is sent again after so long, at most. */
#define GC_STOP_RESEND_FIRST_NS ((uint64_t)(GC_TSAN_BUILD ? 2 : 50) * 1000000u)
#define GC_STOP_RESEND_MOST_NS ((uint64_t)1000 * 1000000u)

/* Sends the signal to a thread of the locked list. False: the thread is gone. */
bool gc_stop_signal_thread(struct gc_thread *thread);

/* Parks the calling thread if a stop, or who suspends it, waits for it. For builds
 * in which signals are delivered late (ThreadSanitizer): to be called in slow
 * paths. */
void gc_stop_poll(void);

/* The calling thread has just become blocked or suspended: answers a stop that has
 * begun meanwhile. */
void gc_stop_answer_still(struct gc_thread *thread);

/* Nanoseconds that the last stop needed. */
uint64_t gc_stop_last_ns(void);

#endif
