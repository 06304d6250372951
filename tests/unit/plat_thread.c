/* tests/unit/plat_thread.c: stacks, registers, signals, ends of threads.
 * SPDX-License-Identifier: MIT
 */
#include "plat/plat.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/tap.h"

/* ---- Stacks ---- */

static void the_main_stack_is_known(void) {
  char *low, *cold, *here = __builtin_frame_address(0);
  tap_check(gc_plat_is_main_thread());
  tap_require(gc_plat_stack_bounds(&low, &cold));
  tap_check(low < here && here < cold);
  tap_eq_p(cold, gc_plat_main_stack_cold_end());
  tap_le(cold - here, 1 << 20);
}

static void *check_other_stack(void *arg) {
  char *low, *cold, *here = __builtin_frame_address(0);
  tap_check(!gc_plat_is_main_thread());
  tap_check(gc_plat_stack_bounds(&low, &cold));
  tap_check(low < here && here < cold);
  tap_le(cold - here, GC_TSAN_BUILD ? 2 << 20 : 64 << 10);
  tap_check(gc_plat_main_stack_cold_end() != cold);
  tap_eq_u(gc_plat_pthread_id(), pthread_self());
  char *lo, *hi;
  tap_check(gc_plat_mapping_of(low, &lo, &hi) && lo <= low && hi >= cold);
  gc_plat_main_stack_bounds(&lo, &hi);
  tap_check(!(here >= lo && here < hi));
  return arg;
}

static void other_stacks_are_known(void) {
  pthread_t thread;
  for (unsigned i = 0; i < 3; i++) {
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, (size_t)(256 << i) << 10);
    tap_require(pthread_create(&thread, &attr, check_other_stack, NULL) == 0);
    pthread_join(thread, NULL);
  }
}

static void *fork_and_look(void *arg) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    char *low, *cold, *here = __builtin_frame_address(0);
    tap_check(!gc_plat_is_main_thread());
    tap_check(gc_plat_stack_bounds(&low, &cold) && low < here && here < cold);
    _exit(0);
  }
  waitpid(child, &status, 0);
  tap_check(WIFEXITED(status));
  return arg;
}

static void a_child_of_another_thread_is_not_main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, fork_and_look, NULL);
  pthread_join(thread, NULL);
}

/* ---- Registers ---- */

#define VALUE(i) (0x1111111111111111u * (i) + 5)

static unsigned found;

static void look_for_values(void *arg, char *sp) {
  tap_check((uintptr_t)sp % 8 == 0);
  tap_check(sp < (char *)arg && (char *)arg - sp < 4096);
  for (unsigned i = 1; i <= 6; i++)
    for (unsigned k = 0; k < 8; k++)
      found |= ((uint64_t *)(void *)sp)[k] == VALUE(i) ? 1u << i : 0;
}

static void callee_saved_registers_are_spilled(void) {
  uint64_t here = 0, values[7], kept = 0;
  for (unsigned i = 1; i <= 6; i++)
    values[i] = VALUE(i);
  register void *fn __asm__("rdi") = (void *)(uintptr_t)look_for_values;
  register void *arg __asm__("rsi") = &here;
  register uint64_t *v __asm__("rax") = values;
  __asm__ volatile("pushq %%rbp\n"
                   "pushq %%rax\n"
                   "movq 8(%%rax), %%rbx\n"
                   "movq 16(%%rax), %%rbp\n"
                   "movq 24(%%rax), %%r12\n"
                   "movq 32(%%rax), %%r13\n"
                   "movq 40(%%rax), %%r14\n"
                   "movq 48(%%rax), %%r15\n"
                   "movq %%rsp, %%rdx\n"
                   "andq $-16, %%rsp\n"
                   "pushq %%rdx\n"
                   "pushq %%rdx\n"
                   "call gc_plat_with_registers\n"
                   "popq %%rsp\n"
                   "popq %%rax\n"
                   "xorq 8(%%rax), %%rbx\n"
                   "xorq 16(%%rax), %%rbp\n"
                   "xorq 24(%%rax), %%r12\n"
                   "xorq 32(%%rax), %%r13\n"
                   "xorq 40(%%rax), %%r14\n"
                   "xorq 48(%%rax), %%r15\n"
                   "orq %%rbp, %%rbx\n"
                   "orq %%r12, %%rbx\n"
                   "orq %%r13, %%rbx\n"
                   "orq %%r14, %%rbx\n"
                   "orq %%r15, %%rbx\n"
                   "popq %%rbp\n"
                   "movq %%rbx, %[kept]\n"
                   : "+r"(fn), "+r"(arg), "+r"(v), [kept] "=&d"(kept)
                   :
                   : "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13",
                     "r14", "r15", "memory", "cc");
  tap_eq_u(found, 0x7e);
  tap_eq_u(kept, 0);
}

/* ---- Signals ---- */

static _Atomic int last_signal;
static _Atomic bool had_context, had_all_blocked;

static void note_signal(int signo, void *context) {
  sigset_t blocked;
  errno = 1;
  gc_store_rel(&last_signal, signo);
  gc_store_rel(&had_context, context != NULL);
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  gc_store_rel(&had_all_blocked, sigismember(&blocked, SIGALRM) == 1 &&
                                     sigismember(&blocked, SIGUSR2) == 1);
}

static void a_handler_runs_alone_and_keeps_errno(void) {
  errno = 4711;
  gc_plat_install_handler(SIGUSR1, note_signal);
  tap_eq_u(gc_plat_signal_thread(gc_plat_tid(), SIGUSR1), 0);
  gc_plat_yield();
  tap_eq_u(errno, 4711);
  tap_eq_u(gc_load_acq(&last_signal), SIGUSR1);
  tap_check(gc_load_acq(&had_context) && gc_load_acq(&had_all_blocked));
}

static void a_missing_thread_is_reported(void) {
  errno = 4711;
  int error = gc_plat_signal_thread(0x3fffffff, SIGUSR1);
  tap_check(error != 0 && gc_plat_is_no_such_thread(error));
  tap_check(!gc_plat_is_no_such_thread(0));
  tap_eq_u(errno, 4711);
}

static void a_blocked_signal_is_unblocked(void) {
  sigset_t set;
  gc_plat_install_handler(SIGUSR1, note_signal);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  tap_eq_u(gc_load_acq(&last_signal), 0);
  gc_plat_unblock_signal(SIGUSR1);
  gc_plat_yield();
  tap_eq_u(gc_load_acq(&last_signal), SIGUSR1);
}

/* ---- Alternate stacks ---- */

#define ALT_BYTES ((size_t)64 << 10)

static char *alt_stack, *interrupted_frame;
static bool is_nested;

static void look_around(int signo) {
  char *low, *high, *stack_low, *cold;
  char *here = __builtin_frame_address(0);
  tap_require(gc_plat_on_altstack(&low, &high));
  tap_eq_p(low, alt_stack);
  tap_eq_p(high, alt_stack + ALT_BYTES);
  tap_check(here > low && here < high);
  if (signo == SIGUSR1 && !is_nested) {
    is_nested = true;
    raise(SIGUSR2);
    is_nested = false;
  }
  gc_plat_main_stack_bounds(&stack_low, &cold);
  char *sp = gc_plat_altstack_interrupted_sp(low, high, stack_low, cold);
  tap_check(sp != NULL && sp < interrupted_frame &&
            interrupted_frame - sp < 8192);
}

static void interrupted_stacks_are_found(void) {
  struct sigaction action = {.sa_handler = look_around, .sa_flags = SA_ONSTACK};
  char *low, *high;
  if (GC_TSAN_BUILD)
    tap_skip("this sanitiser runs handlers on the usual stack");
  alt_stack = malloc(ALT_BYTES);
  stack_t alt = {.ss_sp = alt_stack, .ss_size = ALT_BYTES};
  tap_check(!gc_plat_on_altstack(&low, &high));
  tap_require(sigaltstack(&alt, NULL) == 0);
  tap_check(!gc_plat_on_altstack(&low, &high));
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGUSR2, &action, NULL);
  interrupted_frame = __builtin_frame_address(0);
  raise(SIGUSR1);
  tap_check(!gc_plat_on_altstack(&low, &high));
}

static void no_frame_means_no_answer(void) {
  char *fake = calloc(1, ALT_BYTES), *low, *cold;
  gc_plat_main_stack_bounds(&low, &cold);
  tap_check(gc_plat_altstack_interrupted_sp(fake, fake + ALT_BYTES, low,
                                            cold) == NULL);
  free(fake);
}

/* ---- Ends ---- */

static _Atomic unsigned exits, other_rounds;
static pthread_key_t other_key;

static void count_exit(void) {
  tap_ge(gc_load_rlx(&other_rounds), 1);
  gc_add_rlx(&exits, 1);
}

static void count_round(void *value) {
  gc_add_rlx(&other_rounds, 1);
  tap_check(GC_TSAN_BUILD || gc_load_rlx(&exits) == 0);
  if ((uintptr_t)value > 1)
    pthread_setspecific(other_key, (void *)((uintptr_t)value - 1));
}

static void *end_with_keys(void *arg) {
  tap_check(gc_plat_on_thread_exit(count_exit));
  tap_check(gc_plat_on_thread_exit(count_exit));
  pthread_setspecific(other_key, (void *)3);
  if (arg != NULL)
    pthread_exit(arg);
  return NULL;
}

static void the_exit_function_runs_once_and_late(void) {
  pthread_t thread;
  pthread_key_create(&other_key, count_round);
  for (unsigned i = 0; i < 2; i++) {
    gc_store_rlx(&exits, 0);
    gc_store_rlx(&other_rounds, 0);
    pthread_create(&thread, NULL, end_with_keys, i ? &thread : NULL);
    pthread_join(thread, NULL);
    tap_eq_u(gc_load_rlx(&exits), 1);
    tap_ge(gc_load_rlx(&other_rounds), GC_TSAN_BUILD ? 2 : 3);
  }
}

static _Atomic int main_tid;

static void *watch_main_end(void *arg) {
  int tid = gc_load_acq(&main_tid);
  tap_check(!gc_plat_thread_has_ended(gc_plat_tid()));
  for (unsigned i = 0; i < 5000 && !gc_plat_thread_has_ended(tid); i++)
    usleep(1000);
  _exit(gc_plat_thread_has_ended(tid) ? 0 : 1);
  return arg;
}

static void an_ended_first_thread_is_recognised(void) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    gc_store_rel(&main_tid, gc_plat_tid());
    tap_check(!gc_plat_thread_has_ended(gc_plat_tid()));
    pthread_create(&thread, NULL, watch_main_end, NULL);
    syscall(SYS_exit, 0);
  }
  waitpid(child, &status, 0);
  tap_check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TAP_MAIN(TAP_CASE(the_main_stack_is_known), TAP_CASE(other_stacks_are_known),
         TAP_CASE(a_child_of_another_thread_is_not_main),
         TAP_CASE(callee_saved_registers_are_spilled),
         TAP_CASE(a_handler_runs_alone_and_keeps_errno),
         TAP_CASE(a_missing_thread_is_reported),
         TAP_CASE(a_blocked_signal_is_unblocked),
         TAP_CASE(interrupted_stacks_are_found),
         TAP_CASE(no_frame_means_no_answer),
         TAP_CASE(the_exit_function_runs_once_and_late),
         TAP_CASE(an_ended_first_thread_is_recognised))
