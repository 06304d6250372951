/* tests/unit/world_frame.c: a frame that was left by a jump is known to be gone.
 * SPDX-License-Identifier: MIT
 */
#include "unit/world.h"

#include "world/frame.h"

#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static struct gc_frame_mark mark;
static jmp_buf outside;

static gc_noinline enum gc_frame_use use_from_below(int depth) {
  volatile char frame[200];
  frame[0] = (char)depth;
  enum gc_frame_use use =
      depth == 0 ? gc_frame_use(&mark) : use_from_below(depth - 1);
  return frame[0] == (char)depth ? use : FRAME_ELSEWHERE;
}

static void a_frame_is_in_use_until_its_end(void) {
  uint64_t word;
  start_world_layer();
  mark = gc_frame_enter(&word);
  tap_eq_u(gc_frame_use(&mark), FRAME_USED);
  tap_eq_u(use_from_below(0), FRAME_USED);
  tap_eq_u(use_from_below(50), FRAME_USED);
  gc_frame_leave(&word);
  tap_eq_u(use_from_below(50), FRAME_LEFT);
}

/* In the frame of a call that is over now, far below. */
static gc_noinline void enter_and_jump(volatile int depth) {
  volatile char frame[200];
  uint64_t word;
  frame[0] = (char)depth;
  if (depth > 0)
    enter_and_jump(depth - 1);
  mark = gc_frame_enter(&word);
  if (frame[0] == 0)
    longjmp(outside, 1);
}

static void above_the_frame_it_was_left(void) {
  start_world_layer();
  if (setjmp(outside) == 0)
    enter_and_jump(10);
  tap_eq_u(gc_frame_use(&mark), FRAME_LEFT);
}

static gc_noinline void write_over(void) {
  volatile char frame[8192];
  memset((void *)(uintptr_t)frame, 0x5a, sizeof frame);
  __asm__ volatile("" : : "r"(frame) : "memory");
}

static void below_it_was_left_when_it_is_overwritten(void) {
  start_world_layer();
  if (setjmp(outside) == 0)
    enter_and_jump(5);
  write_over();
  tap_eq_u(use_from_below(40), FRAME_LEFT);
}

static void numbers_are_used_once(void) {
  uint64_t word;
  start_world_layer();
  struct gc_frame_mark first = gc_frame_enter(&word);
  mark = gc_frame_enter(&word);
  tap_eq_u(gc_frame_use(&first), FRAME_LEFT);
  tap_eq_u(gc_frame_use(&mark), FRAME_USED);
}

/* ---- Other stacks ---- */

static ucontext_t home, fiber;
static enum gc_frame_use seen;

static void look_from_fiber(void) {
  seen = gc_frame_use(&mark);
  swapcontext(&fiber, &home);
}

static void on_another_stack_nothing_is_known(void) {
  uint64_t word;
  size_t bytes = 256 * 1024;
  if (GC_TSAN_BUILD)
    tap_skip("this sanitiser does not follow fibers");
  start_world_layer();
  char *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tap_require(stack != MAP_FAILED);
  mark = gc_frame_enter(&word);
  getcontext(&fiber);
  fiber.uc_stack.ss_sp = stack;
  fiber.uc_stack.ss_size = bytes;
  makecontext(&fiber, look_from_fiber, 0);
  swapcontext(&home, &fiber);
  tap_eq_u(seen, FRAME_ELSEWHERE);
  tap_eq_u(gc_frame_use(&mark), FRAME_USED);
}

TAP_MAIN(TAP_CASE(a_frame_is_in_use_until_its_end),
         TAP_CASE(above_the_frame_it_was_left),
         TAP_CASE(below_it_was_left_when_it_is_overwritten),
         TAP_CASE(numbers_are_used_once),
         TAP_CASE(on_another_stack_nothing_is_known))
