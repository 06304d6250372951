/* tests/unit/alloc_traces.c: the slow path leaves no copies of the caller's registers.
 * SPDX-License-Identifier: MIT
 *
 * A caller in assembly has one value in all registers that a function must preserve, and
 * looks for it below its frame afterwards: there the frames of the slow path were, and
 * there the program's next frames will be, gaps included.
 */
#include "lib/tap.h"

#include "alloc/alloc.h"
#include "cycle/gc_start.h"
#include "heap/heap.h"

#define VALUE UINT64_C(0x5ea1ed0fcab1e5ed)

typedef void *(*allocator)(size_t bytes, unsigned kind);

/* How many of the 64 words below the frame are `value` after f(bytes, kind). */
size_t words_left_by(allocator f, size_t bytes, unsigned kind, uint64_t value);

__asm__(".text\n"
        ".globl words_left_by\n"
        ".type words_left_by, @function\n"
        "words_left_by:\n"
        "  pushq %rbp\n"
        "  pushq %rbx\n"
        "  pushq %r12\n"
        "  pushq %r13\n"
        "  pushq %r14\n"
        "  pushq %r15\n"
        "  subq $8, %rsp\n"
        "  movq %rdi, %rax\n"
        "  movq %rsi, %rdi\n"
        "  movl %edx, %esi\n"
        "  movq %rcx, %rbx\n"
        "  movq %rcx, %r12\n"
        "  movq %rcx, %r13\n"
        "  movq %rcx, %r14\n"
        "  movq %rcx, %r15\n"
        "  callq *%rax\n"
        "  xorl %eax, %eax\n"
        "  leaq -512(%rsp), %rdx\n"
        "1: xorl %ecx, %ecx\n"
        "  cmpq (%rdx), %rbx\n"
        "  sete %cl\n"
        "  addq %rcx, %rax\n"
        "  addq $8, %rdx\n"
        "  cmpq %rsp, %rdx\n"
        "  jb 1b\n"
        "  addq $8, %rsp\n"
        "  popq %r15\n"
        "  popq %r14\n"
        "  popq %r13\n"
        "  popq %r12\n"
        "  popq %rbx\n"
        "  popq %rbp\n"
        "  retq\n"
        ".size words_left_by, .-words_left_by\n");

/* As the frame of any other function has them. */
static void *leave_some(size_t bytes, unsigned kind) {
  __asm__ volatile("pushq %%r12\n\tpopq %%r12" : "+r"(bytes) : : "memory");
  return (void *)(bytes + kind);
}

static void the_caller_sees_copies(void) {
  tap_ge(words_left_by(leave_some, 1, 0, VALUE), 1);
}

/* There the function that calls the slow path has a frame, which is not cleared. */
static void skip_where_no_call_is_last(void) {
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("sanitised functions have frames of their own");
}

/* Each size for the first time, so each needs a block. */
static void objects_leave_none(void) {
  skip_where_no_call_is_last();
  gc_start();
  for (size_t bytes = 8; bytes < 3000; bytes += bytes / 4 + 8) {
    tap_eq_u(words_left_by(gc_alloc_slow, bytes, KIND_NORMAL, VALUE), 0);
    tap_eq_u(words_left_by(gc_alloc_slow, bytes, KIND_ATOMIC, VALUE), 0);
  }
}

static void large_objects_leave_none(void) {
  skip_where_no_call_is_last();
  gc_start();
  tap_eq_u(words_left_by(gc_alloc_slow, 200000, KIND_NORMAL, VALUE), 0);
  tap_eq_u(words_left_by(gc_alloc_slow, 3000000, KIND_ATOMIC, VALUE), 0);
}

static void lists_leave_none(void) {
  skip_where_no_call_is_last();
  gc_start();
  for (unsigned i = 0; i < 40; i++)
    tap_eq_u(words_left_by(gc_alloc_many, 48, KIND_NORMAL, VALUE), 0);
}

TAP_MAIN(TAP_CASE(the_caller_sees_copies), TAP_CASE(objects_leave_none),
         TAP_CASE(large_objects_leave_none), TAP_CASE(lists_leave_none))
