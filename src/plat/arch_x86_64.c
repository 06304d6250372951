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

/* The first word of the thread control block is its own address. */
void *gc_plat_thread_pointer(void) {
  void *p;
  __asm__("movq %%fs:0, %0" : "=r"(p));
  return p;
}
