/* tests/lib/stepping.h: a collection between any two instructions. SPDX-License-Identifier: MIT */

/*
 * A thread sets the processor's trap flag around a call, so that a signal handler
 * runs after every instruction of it. The handler asks another thread for a
 * collection and waits until it is over, or for a moment only when the interrupted
 * code has put off being stopped; then the collection comes when that code allows
 * it. So whatever the code has read but not yet written, the collector sees the
 * state in between.
 *
 * A step takes long, and nobody gets anywhere while there is a collection at each
 * instruction. So a call is followed by one of several plans, at random: a
 * collection at each of the first instructions, some spread over the longer ways,
 * or a single one anywhere.
 */
#ifndef TESTS_LIB_STEPPING_H
#define TESTS_LIB_STEPPING_H

#include <stddef.h>
#include <stdint.h>

/* Installs the handler and starts the collecting thread, which calls `between`
 * (may be null) after each collection. Skips the case under ThreadSanitizer. */
void st_start(void (*between)(void));
/* No thread is stepped any more. */
void st_stop(void);

/* The calling thread is stepped from here to st_end, or until the plan is fulfilled.
 * Unblocks the signal in a thread of the collector's own. */
void st_begin(uint64_t *rand);
void st_end(void);
/* The same with a single collection at one of so many instructions. */
void st_begin_once(uint64_t *rand, unsigned within);

/* Instructions, and collections that came at one of them, in all threads. */
size_t st_steps(void);
size_t st_awaited(void);

#endif
