/* src/plat/signal.c: signals and alternate signal stacks.
 * SPDX-License-Identifier: MIT
 *
 * An alternate stack is recognised in two steps. The kernel tells whether the
 * calling thread runs on one, and where it lies. Where the thread was before is
 * in the frame that the kernel pushed on it: the frame holds a copy of the
 * alternate stack's description and of all registers, and a search from the top
 * for that copy finds the outermost frame.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#include "plat/plat.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

/* ---- Handlers ---- */

static void (*handlers[NSIG])(int signo, void *context);

static void run_handler(int signo, siginfo_t *info, void *context) {
  int saved = errno;
  (void)info;
  handlers[signo](signo, context);
  errno = saved;
}

void gc_plat_install_handler(int signo,
                             void (*handler)(int signo, void *context)) {
  int saved = errno;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  handlers[signo] = handler;
  action.sa_sigaction = run_handler;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  /* Not sigfillset: it leaves out the libc's own signals, and a cancellation that
   * arrives while the handler waits would unwind the thread out of the stop. */
  memset(&action.sa_mask, 0xff, sizeof action.sa_mask);
  sigaction(signo, &action, NULL);
  errno = saved;
}

void gc_plat_unblock_signal(int signo) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signo);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int gc_plat_signal_thread(int tid, int signo) {
  int saved = errno;
  int error = 0;
  if (syscall(SYS_tgkill, getpid(), tid, signo) != 0)
    error = errno;
  errno = saved;
  return error;
}

bool gc_plat_is_no_such_thread(int error) { return error == ESRCH; }

int gc_plat_signal_suspend_default(void) { return SIGPWR; }

int gc_plat_signal_restart_default(void) { return SIGXCPU; }

/* ---- Alternate stacks ---- */

bool gc_plat_on_altstack(char **out_low, char **out_high) {
  int saved = errno;
  stack_t alt;
  bool is_on =
      syscall(SYS_sigaltstack, NULL, &alt) == 0 && alt.ss_flags & SS_ONSTACK;
  errno = saved;
  if (!is_on)
    return false;
  *out_low = alt.ss_sp;
  *out_high = (char *)alt.ss_sp + alt.ss_size;
  return true;
}

#define CONTEXT_BYTES (offsetof(ucontext_t, uc_mcontext.fpregs) + 8)
#define USER_CODE_SEGMENT 0x33u

/* Whether the words at p read like the context that the kernel saved when it
 * switched to this alternate stack. */
gc_scans_memory static bool is_context(const char *p, const char *alt_low,
                                       const char *alt_high) {
  const ucontext_t *uc = (const ucontext_t *)(const void *)p;
  const greg_t *regs = uc->uc_mcontext.gregs;
  const char *fp = (const char *)uc->uc_mcontext.fpregs;
  return uc->uc_stack.ss_sp == alt_low &&
         uc->uc_stack.ss_size == (size_t)(alt_high - alt_low) &&
         ((uint64_t)regs[REG_CSGSFS] & 0xffff) == USER_CODE_SEGMENT &&
         (fp == NULL || (fp > p && fp < alt_high));
}

gc_scans_memory char *gc_plat_altstack_interrupted_sp(char *alt_low,
                                                      char *alt_high, char *low,
                                                      char *cold) {
  uintptr_t first = ((uintptr_t)alt_low + 15) & ~(uintptr_t)15;
  uintptr_t at = ((uintptr_t)alt_high - CONTEXT_BYTES) & ~(uintptr_t)7;
  for (; at >= first; at -= 8) {
    const char *p = (const char *)at;
    if (!is_context(p, alt_low, alt_high))
      continue;
    const ucontext_t *uc = (const ucontext_t *)(const void *)p;
    char *sp = (char *)uc->uc_mcontext.gregs[REG_RSP];
    if (sp >= low && sp < cold)
      return sp;
  }
  return NULL;
}
