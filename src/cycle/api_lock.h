/* src/cycle/api_lock.h: the allocator lock of the API. SPDX-License-Identifier: MIT
 *
 * Held by a collection from before the stop until its end, by clients in
 * GC_call_with_alloc_lock, and while old-style disclaim callbacks run, so clients
 * that reveal hidden pointers under it are safe. The owner may take it again. An
 * owner never starts a collection: it grows the heap and leaves a request that is
 * served when the collector lets go, or by the next allocation that needs cells.
 */
#ifndef GC_CYCLE_API_LOCK_H
#define GC_CYCLE_API_LOCK_H

#include <stdbool.h>

void gc_api_lock(void);
bool gc_api_try_lock(void);
/* The outermost unlock serves a request for a collection. */
void gc_api_unlock(void);
/* The same, and a waiter is woken whether or not one is known of, for the reason
 * that world/suspend.c gives. */
void gc_api_unlock_waking(void);
/* The same without serving: for the collector itself, and for the program, which may
 * have moved a stack under the lock and not said so yet. */
void gc_api_unlock_only(void);
/* Child of fork: the forking thread has another thread number now. */
void gc_api_unlock_after_fork(void);
bool gc_api_is_mine(void);
void gc_api_request_collection(void);
/* There was a request and the caller, not the owner, is to collect now. */
bool gc_api_take_request(void);

#endif
