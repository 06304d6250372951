/* src/world/stack.h: the stack ranges of a thread that hold roots; sections in
 * which a thread is blocked. SPDX-License-Identifier: MIT
 */
#ifndef GC_WORLD_STACK_H
#define GC_WORLD_STACK_H

#include "world/thread.h"

typedef void (*gc_range_visitor)(char *lo, char *hi, void *cx);

/* Called once, by gc_thread_start. */
void gc_stack_start(void);

/* World running, before a stop, on the thread that will stop the world: finds
 * the thread-local blocks of the loaded images, whose number is given. Called
 * by gc_roots_prepare. */
void gc_stack_prepare(uint64_t images);
/* Whether it was the calling thread that did so last. */
bool gc_stack_is_prepared(void);

/* Notes where a thread stands that is about to wait; sp is in its stack or in
 * an alternate signal stack. Async-signal-safe. */
void gc_stack_publish(struct gc_thread *thread, char *sp);

/* Ranges of a stopped (or blocked) thread: hot part of its stack with saved
 * registers, outer segments, alternate stack and the stack below it, static TLS
 * blocks (offsets taken from the collecting thread; for the collecting thread
 * all its TLS blocks). For the calling thread `own_sp` is the hot end. The
 * switch variable `stackbottom` is the cold end of the main thread. */
void gc_stack_each_range(struct gc_thread *thread, char *own_sp,
                         gc_range_visitor visit, void *cx);

/* Calls fn(arg) with the calling thread counted as stopped: it must not touch
 * the heap. Known threads only; an unknown one just calls. */
void *gc_blocking_call(void *(*fn)(void *), void *arg);
/* The reverse, inside a blocking call: fn may use the heap again. Nests. */
void *gc_active_call(void *(*fn)(void *), void *arg);

/* Fibers: sets the cold end of a thread's stack (null: the calling thread), to
 * be used from the next collection on. For the main thread the switch is
 * written. */
void gc_stack_set_cold(struct gc_thread *thread, char *cold);
char *gc_stack_get_cold(void);

#endif
