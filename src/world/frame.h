/* src/world/frame.h: whether a frame of this thread's stack is still in use.
 * SPDX-License-Identifier: MIT
 *
 * Who calls a function of the program may be left by longjmp, without a word. So it
 * writes a number that is used once into its own frame, and notes where. As long as
 * the number is there and the stack reaches below it, the frame is in use. After a
 * jump the place is above the stack pointer, or later calls have written over it; as
 * long as neither is so, the frame counts as in use.
 */
#ifndef GC_WORLD_FRAME_H
#define GC_WORLD_FRAME_H

#include "plat/self.h"

/* FRAME_ELSEWHERE: the thread runs on another stack than the frame's, or than the
 * system's, so nothing is known. */
enum gc_frame_use { FRAME_USED, FRAME_LEFT, FRAME_ELSEWHERE };

/* Writes the number into a variable of the caller's frame. */
struct gc_frame_mark gc_frame_enter(uint64_t *word);

/* Before the frame's end: what stays behind on the stack is no mark. */
gc_inline void gc_frame_leave(uint64_t *word) {
  *word = 0;
  gc_compiler_barrier();
}

/* For a mark that this thread has made, and not yet left. */
enum gc_frame_use gc_frame_use(const struct gc_frame_mark *mark);

#endif
