/* tests/api/registers.c: references that only a register or the red zone holds. SPDX-License-Identifier: MIT */

/*
 * A thread spins in assembly with the only reference to an object in one given
 * place, while another thread collects and overwrites what it freed. Every
 * register, the vector registers and the red zone below the stack pointer must
 * count. The reference arrives complemented and is revealed inside the assembly
 * only, so no copy of it is anywhere else.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

#if !defined(__x86_64__)
#error "this test is written for x86-64"
#endif

enum { OBJ_BYTES = 64, N_SPARES = 3000 };

/* Reveals the object, tells that it is ready, waits for state 2, returns it. */
typedef uintptr_t hold_fn(uintptr_t hidden, atomic_int *state);

#define SPIN                                                                   \
  "movl $1, (%rsi)\n"                                                          \
  "1: pause\n"                                                                 \
  "cmpl $2, (%rsi)\n"                                                          \
  "jne 1b\n"

#define FUNCTION(name, body)                                                   \
  hold_fn name;                                                                \
  __asm__(".text\n.globl " #name "\n"                                          \
          ".hidden " #name "\n"                                                \
          ".type " #name ", @function\n" #name ":\n" body "ret\n"              \
          ".size " #name ", .-" #name "\n");

/* Keeps the caller's value of the register on the stack meanwhile. */
#define HOLD_IN(reg)                                                           \
  FUNCTION(hold_in_##reg, "push %" #reg "\n"                                   \
                          "mov %rdi, %" #reg "\n"                              \
                          "not %" #reg "\n"                                    \
                          "xor %edi, %edi\n" SPIN "xchg %" #reg ", (%rsp)\n"   \
                          "pop %rax\n"                                         \
                          "not %rax\n")

HOLD_IN(rax)
HOLD_IN(rbx)
HOLD_IN(rcx)
HOLD_IN(rdx)
HOLD_IN(rbp)
HOLD_IN(r8)
HOLD_IN(r9)
HOLD_IN(r10)
HOLD_IN(r11)
HOLD_IN(r12)
HOLD_IN(r13)
HOLD_IN(r14)
HOLD_IN(r15)

FUNCTION(hold_in_rdi, "not %rdi\n" SPIN "mov %rdi, %rax\nnot %rax\n")

FUNCTION(hold_in_xmm15, "not %rdi\nmovq %rdi, %xmm15\nxor %edi, %edi\n" SPIN
                        "movq %xmm15, %rax\npxor %xmm15, %xmm15\nnot %rax\n")

FUNCTION(hold_in_high_xmm7,
         "not %rdi\npxor %xmm7, %xmm7\nmovq %rdi, %xmm0\n"
         "punpcklqdq %xmm0, %xmm7\npxor %xmm0, %xmm0\nxor %edi, %edi\n" SPIN
         "psrldq $8, %xmm7\nmovq %xmm7, %rax\npxor %xmm7, %xmm7\nnot %rax\n")

FUNCTION(hold_in_high_ymm15,
         "not %rdi\nvmovq %rdi, %xmm0\nvinsertf128 $1, %xmm0, %ymm15, %ymm15\n"
         "vpxor %xmm0, %xmm0, %xmm0\nxor %edi, %edi\n" SPIN
         "vextractf128 $1, %ymm15, %xmm0\nvmovq %xmm0, %rax\nvzeroall\n"
         "not %rax\n")

FUNCTION(hold_in_red_zone, "not %rdi\nmov %rdi, -8(%rsp)\nxor %edi, %edi\n" SPIN
                           "mov -8(%rsp), %rax\nmovq $0, -8(%rsp)\nnot %rax\n")

FUNCTION(hold_low_in_red_zone,
         "not %rdi\nmov %rdi, -128(%rsp)\nxor %edi, %edi\n" SPIN
         "mov -128(%rsp), %rax\nmovq $0, -128(%rsp)\nnot %rax\n")

static atomic_int state;
static uintptr_t hidden;

static void make_object(void *arg) {
  (void)arg;
  void *p = GC_malloc_atomic(OBJ_BYTES);
  gu_fill(p, OBJ_BYTES, 1);
  hidden = gu_hide(p);
}

static void overwrite(void) {
  for (size_t i = 0; i < N_SPARES; i++)
    memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
}

static void *collect_when_ready(void *arg) {
  for (int round = 0; round < 5; round++) {
    while (atomic_load(&state) != 1)
      continue;
    GC_gcollect();
    overwrite();
    atomic_store(&state, 2);
    while (atomic_load(&state) == 2)
      continue;
  }
  return arg;
}

static void check_place(hold_fn *hold) {
  pthread_t t;
  GC_INIT();
  tap_require(GC_pthread_create(&t, NULL, collect_when_ready, NULL) == 0);
  for (int round = 0; round < 5; round++) {
    gu_apart(make_object, NULL);
    tap_eq_u(hold(hidden, &state), hidden);
    tap_check(gu_is_intact(gu_reveal(hidden), OBJ_BYTES, 1));
    atomic_store(&state, 0);
  }
  GC_pthread_join(t, NULL);
}

/* Shows that the test can fail: a place that no collector recognises. */
FUNCTION(hold_complemented, SPIN "mov %rdi, %rax\n")

static void *churn_when_ready(void *arg) {
  while (atomic_load(&state) != 1)
    continue;
  GC_gcollect();
  for (int i = 0; i < 100; i++)
    overwrite();
  atomic_store(&state, 2);
  return arg;
}

static void complemented_references_do_not_keep(void) {
  pthread_t t;
  GC_INIT();
  tap_require(GC_pthread_create(&t, NULL, churn_when_ready, NULL) == 0);
  gu_apart(make_object, NULL);
  hold_complemented(hidden, &state);
  tap_check(!gu_is_intact(gu_reveal(hidden), OBJ_BYTES, 1));
  GC_pthread_join(t, NULL);
}

#define PLACE_CASE(place)                                                      \
  static void only_in_##place(void) { check_place(hold_in_##place); }

PLACE_CASE(rax)
PLACE_CASE(rbx)
PLACE_CASE(rcx)
PLACE_CASE(rdx)
PLACE_CASE(rdi)
PLACE_CASE(rbp)
PLACE_CASE(r8)
PLACE_CASE(r9)
PLACE_CASE(r10)
PLACE_CASE(r11)
PLACE_CASE(r12)
PLACE_CASE(r13)
PLACE_CASE(r14)
PLACE_CASE(r15)
PLACE_CASE(xmm15)
PLACE_CASE(high_xmm7)
PLACE_CASE(red_zone)

static void only_in_high_ymm15(void) {
  if (!__builtin_cpu_supports("avx"))
    tap_skip("no AVX here");
  check_place(hold_in_high_ymm15);
}

static void only_low_in_red_zone(void) { check_place(hold_low_in_red_zone); }

/* ---- Registers of the thread that collects ---- */

typedef uintptr_t across_fn(uintptr_t hidden, void (*call)(void));

#define HOLD_ACROSS(reg)                                                       \
  across_fn hold_across_##reg;                                                 \
  __asm__(".text\n.globl hold_across_" #reg "\n"                               \
          ".hidden hold_across_" #reg "\n"                                     \
          ".type hold_across_" #reg ", @function\n"                            \
          "hold_across_" #reg ":\n"                                            \
          "push %" #reg "\n"                                                   \
          "mov %rdi, %" #reg "\n"                                              \
          "not %" #reg "\n"                                                    \
          "xor %edi, %edi\n"                                                   \
          "call *%rsi\n"                                                       \
          "mov %" #reg ", %rax\n"                                              \
          "not %rax\n"                                                         \
          "pop %" #reg "\n"                                                    \
          "ret\n"                                                              \
          ".size hold_across_" #reg ", .-hold_across_" #reg "\n");

HOLD_ACROSS(rbx)
HOLD_ACROSS(rbp)
HOLD_ACROSS(r12)
HOLD_ACROSS(r13)
HOLD_ACROSS(r14)
HOLD_ACROSS(r15)

static void collect_and_overwrite(void) {
  GC_gcollect();
  overwrite();
}

static void only_in_own_registers(void) {
  static across_fn *const places[] = {hold_across_rbx, hold_across_rbp,
                                      hold_across_r12, hold_across_r13,
                                      hold_across_r14, hold_across_r15};
  GC_INIT();
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    gu_apart(make_object, NULL);
    tap_eq_u(places[i](hidden, collect_and_overwrite), hidden);
    tap_check(gu_is_intact(gu_reveal(hidden), OBJ_BYTES, 1));
  }
}

TAP_MAIN(TAP_CASE(complemented_references_do_not_keep), TAP_CASE(only_in_rax),
         TAP_CASE(only_in_rbx), TAP_CASE(only_in_rcx), TAP_CASE(only_in_rdx),
         TAP_CASE(only_in_rdi), TAP_CASE(only_in_rbp), TAP_CASE(only_in_r8),
         TAP_CASE(only_in_r9), TAP_CASE(only_in_r10), TAP_CASE(only_in_r11),
         TAP_CASE(only_in_r12), TAP_CASE(only_in_r13), TAP_CASE(only_in_r14),
         TAP_CASE(only_in_r15), TAP_CASE(only_in_xmm15),
         TAP_CASE(only_in_high_xmm7), TAP_CASE(only_in_high_ymm15),
         TAP_CASE(only_in_red_zone), TAP_CASE(only_low_in_red_zone),
         TAP_CASE(only_in_own_registers))
