/* tests/lib/stepping.c: a collection between any two instructions. SPDX-License-Identifier: MIT */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include "lib/stepping.h"

#include <gc/gc.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

#if !defined(__x86_64__)
#error "this is written for x86-64"
#endif

/* ---- The trap flag ---- */

#define TRAP_FLAG 0x100

void st_set_flag(void);
void st_end(void);

#define FLAG_FUNCTION(name, change)                                            \
  __asm__(".text\n.globl " #name "\n.hidden " #name "\n.type " #name           \
          ", @function\n" #name ":\npushfq\n" change ", (%rsp)\npopfq\nret\n"  \
          ".size " #name ", .-" #name "\n")

FLAG_FUNCTION(st_set_flag, "orq $0x100");
FLAG_FUNCTION(st_end, "andq $~0x100");

/* ---- Collections on demand ---- */

/* Long loops in regions that put off the collection are not followed to the end. */
enum { PATIENCE_NS = TAP_ASAN ? 3000000 : 300000, MAX_STEPS = 5000 };

static pthread_t collector;
static void (*after_collection)(void);
static atomic_uint wanted, done;
static atomic_bool stop_flag;
static atomic_size_t n_steps, n_awaited;

static _Thread_local unsigned every, countdown, quota, left;

static void *collect_on_demand(void *arg) {
  while (!atomic_load(&stop_flag)) {
    unsigned request = atomic_load(&wanted);
    if (request == atomic_load(&done)) {
      sched_yield();
      continue;
    }
    GC_gcollect();
    if (after_collection != NULL)
      after_collection();
    atomic_store(&done, request);
  }
  return arg;
}

static void collect_here(void) {
  uint64_t end = gu_now_ns() + PATIENCE_NS;
  unsigned request = atomic_fetch_add(&wanted, 1) + 1;
  while ((int)(atomic_load(&done) - request) < 0 && gu_now_ns() < end)
    sched_yield();
  if ((int)(atomic_load(&done) - request) >= 0)
    atomic_fetch_add(&n_awaited, 1);
}

static void on_step(int signo, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  int saved = errno;
  (void)signo, (void)info;
  atomic_fetch_add(&n_steps, 1);
  if (countdown > 0)
    countdown--;
  if (atomic_load(&stop_flag) || left-- == 0) {
    uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
  } else if (countdown == 0 && atomic_load(&done) == atomic_load(&wanted)) {
    countdown = every;
    collect_here();
    if (--quota == 0)
      uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
  }
  errno = saved;
}

/* ---- Stepping ---- */

void st_start(void (*between)(void)) {
  struct sigaction sa = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_step};
  if (TAP_TSAN)
    tap_skip("the sanitiser delays signals");
  after_collection = between;
  sigemptyset(&sa.sa_mask);
  tap_require(sigaction(SIGTRAP, &sa, NULL) == 0);
  tap_require(GC_pthread_create(&collector, NULL, collect_on_demand, NULL) ==
              0);
}

void st_stop(void) {
  atomic_store(&stop_flag, true);
  tap_eq_u(GC_pthread_join(collector, NULL), 0);
}

static void begin(unsigned first, unsigned then_every, unsigned times) {
  sigset_t trap;
  if (atomic_load(&stop_flag))
    return;
  every = then_every;
  countdown = first;
  quota = times;
  left = MAX_STEPS;
  sigemptyset(&trap);
  sigaddset(&trap, SIGTRAP);
  pthread_sigmask(SIG_UNBLOCK, &trap, NULL);
  st_set_flag();
}

void st_begin(uint64_t *rand) {
  static const struct {
    unsigned every, start, quota;
  } plans[] = {{1, 1, 30}, {7, 100, 10}, {1, 600, 1}, {1, 300, 2}};
  size_t i = tap_rand_r(rand) % 4;
  begin(1 + (unsigned)(tap_rand_r(rand) % plans[i].start), plans[i].every,
        plans[i].quota);
}

void st_begin_once(uint64_t *rand, unsigned within) {
  begin(1 + (unsigned)(tap_rand_r(rand) % within), 1, 1);
}

size_t st_steps(void) { return atomic_load(&n_steps); }
size_t st_awaited(void) { return atomic_load(&n_awaited); }
