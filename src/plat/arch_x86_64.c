/* src/plat/arch_x86_64.c: what depends on the instruction set.
 * SPDX-License-Identifier: MIT
 *
 * Registers are spilled by hand: setjmp of the C library stores some of them
 * encrypted. Only the callee-saved ones need it; whatever the caller had in the
 * others, vector registers included, it had to store in its own frame.
 */
#include "plat/plat.h"

/* Six registers and the return address are seven words; one more keeps the
 * stack aligned to 16 bytes for the call. */
__asm__(".text\n"
        ".p2align 4\n"
        ".globl gc_plat_with_registers\n"
        ".hidden gc_plat_with_registers\n"
        ".type gc_plat_with_registers, @function\n"
        "gc_plat_with_registers:\n"
        "  .cfi_startproc\n"
        "  endbr64\n"
        "  pushq %rbp\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  .cfi_rel_offset %rbp, 0\n"
        "  pushq %rbx\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  .cfi_rel_offset %rbx, 0\n"
        "  pushq %r12\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  .cfi_rel_offset %r12, 0\n"
        "  pushq %r13\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  .cfi_rel_offset %r13, 0\n"
        "  pushq %r14\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  .cfi_rel_offset %r14, 0\n"
        "  pushq %r15\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  .cfi_rel_offset %r15, 0\n"
        "  subq $8, %rsp\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  movq %rdi, %rax\n"
        "  movq %rsi, %rdi\n"
        "  movq %rsp, %rsi\n"
        "  callq *%rax\n"
        "  addq $8, %rsp\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "  popq %r15\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "  .cfi_restore %r15\n"
        "  popq %r14\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "  .cfi_restore %r14\n"
        "  popq %r13\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "  .cfi_restore %r13\n"
        "  popq %r12\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "  .cfi_restore %r12\n"
        "  popq %rbx\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "  .cfi_restore %rbx\n"
        "  popq %rbp\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "  .cfi_restore %rbp\n"
        "  retq\n"
        "  .cfi_endproc\n"
        ".size gc_plat_with_registers, .-gc_plat_with_registers\n");

/* Down from the return address, which no array of a C function reaches. The stack
 * pointer is moved: below it tools call every write an error. */
__asm__(".text\n"
        ".p2align 4\n"
        ".globl gc_plat_without_traces\n"
        ".hidden gc_plat_without_traces\n"
        ".type gc_plat_without_traces, @function\n"
        "gc_plat_without_traces:\n"
        "  .cfi_startproc\n"
        "  endbr64\n"
        "  movq %rdi, %rax\n"
        "  movq %rsi, %rdi\n"
        "  movl %edx, %esi\n"
        "  subq $8, %rsp\n"
        "  .cfi_adjust_cfa_offset 8\n"
        "  callq *%rax\n"
        "  addq $8, %rsp\n"
        "  .cfi_adjust_cfa_offset -8\n"
        "  movq %rax, %rdx\n"
        "  subq $512, %rsp\n"
        "  .cfi_adjust_cfa_offset 512\n"
        "  movq %rsp, %rdi\n"
        "  movl $64, %ecx\n"
        "  xorl %eax, %eax\n"
        "  rep stosq\n"
        "  addq $512, %rsp\n"
        "  .cfi_adjust_cfa_offset -512\n"
        "  movq %rdx, %rax\n"
        "  retq\n"
        "  .cfi_endproc\n"
        ".size gc_plat_without_traces, .-gc_plat_without_traces\n");

/* Calls of client's code that must not be left by an exception, in ways that the
 * personality routine decides; see plat/catch.c. Tables of the frame name the routine
 * by its distance (0x1b), so nothing is to be relocated. */
#define CALL_GUARDED_BY(name, personality)                                     \
  __asm__(".text\n"                                                            \
          ".p2align 4\n"                                                       \
          ".globl " name "\n"                                                  \
          ".hidden " name "\n"                                                 \
          ".type " name ", @function\n" name ":\n"                             \
          "  .cfi_startproc\n"                                                 \
          "  .cfi_personality 0x1b, " personality "\n"                         \
          "  endbr64\n"                                                        \
          "  pushq $0\n"                                                       \
          "  .cfi_adjust_cfa_offset 8\n"                                       \
          "  movq %rdi, %rax\n"                                                \
          "  movq %rsi, %rdi\n"                                                \
          "  callq *%rax\n"                                                    \
          "  addq $8, %rsp\n"                                                  \
          "  .cfi_adjust_cfa_offset -8\n"                                      \
          "  retq\n"                                                           \
          "  .cfi_endproc\n"                                                   \
          ".size " name ", .-" name "\n")

CALL_GUARDED_BY("gc_plat_call_catching", "gc_plat_personality_catch");
CALL_GUARDED_BY("gc_plat_call_refusing", "gc_plat_personality_refuse");

/* The first word of the thread control block is its own address. */
void *gc_plat_thread_pointer(void) {
  void *p;
  __asm__("movq %%fs:0, %0" : "=r"(p));
  return p;
}

/* More than a signal frame with all vector registers takes. */
#define SCRUBBED_BYTES 8192u

gc_noinline void gc_plat_scrub_stack(void) {
  char below[SCRUBBED_BYTES];
  __builtin_memset(below, 0, sizeof below);
  __asm__ __volatile__("" : : "r"(below) : "memory"); /* it is read */
  __asm__ __volatile__(
      "pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; pxor %%xmm2, %%xmm2\n\t"
      "pxor %%xmm3, %%xmm3; pxor %%xmm4, %%xmm4; pxor %%xmm5, %%xmm5\n\t"
      "pxor %%xmm6, %%xmm6; pxor %%xmm7, %%xmm7; pxor %%xmm8, %%xmm8\n\t"
      "pxor %%xmm9, %%xmm9; pxor %%xmm10, %%xmm10; pxor %%xmm11, %%xmm11\n\t"
      "pxor %%xmm12, %%xmm12; pxor %%xmm13, %%xmm13; pxor %%xmm14, %%xmm14\n\t"
      "pxor %%xmm15, %%xmm15" ::
          : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
            "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
            "xmm15");
}
