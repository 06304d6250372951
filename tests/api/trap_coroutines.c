/* tests/api/trap_coroutines.c: threads that switch between stacks of their own. SPDX-License-Identifier: MIT */

/*
 * As a runtime with light threads does it: each coroutine has a mapped stack,
 * the collector is told the cold end of the stack at every switch, and the
 * stacks that rest are pushed by the client's own root procedure, from where
 * they were left. A collection is forced after every switch. In the last case
 * another thread collects all the time, also between the announcement and the
 * switch.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <stdatomic.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "api/slots.h"

enum { N_FIBERS = 6, STACK_BYTES = 128 * 1024, RED_ZONE = 128 };

struct fiber {
  ucontext_t context; /* static data: saved registers are roots */
  char *low, *high;   /* of a mapped stack */
  char *left_at;      /* hot end while it rests; null: it runs, or is over */
  size_t rounds;
  bool is_over;
};

static struct fiber fibers[N_FIBERS + 1]; /* the last: the thread's own stack */
static size_t running = N_FIBERS, n_switches, n_rounds;
static void *handle; /* of the thread */
static GC_push_other_roots_proc previous;
static atomic_bool stop_flag;
static bool collect_at_switch;

static void push_resting_stacks(void) {
  for (size_t i = 0; i <= N_FIBERS; i++)
    if (fibers[i].left_at != NULL)
      GC_push_all_eager(fibers[i].left_at, fibers[i].high);
  if (previous != NULL)
    previous();
}

static void *announce(void *fiber) {
  struct GC_stack_base base = {.mem_base = ((struct fiber *)fiber)->high};
  GC_set_stackbottom(handle, &base);
  return NULL;
}

static GU_NOINLINE void switch_to(size_t next) {
  struct fiber *from = &fibers[running], *to = &fibers[next];
  from->left_at = (char *)__builtin_frame_address(0) - 2048;
  if (from->left_at < from->low)
    from->left_at = from->low;
  running = next;
  n_switches++;
  GC_call_with_alloc_lock(announce, to);
  swapcontext(&from->context, &to->context);
  from->left_at = NULL;
  if (collect_at_switch)
    GC_gcollect();
}

/* The next one that is not over; the thread's own stack when all are. */
static size_t choose_next(void) {
  for (size_t i = 1; i <= N_FIBERS; i++) {
    size_t next = (running + i) % (N_FIBERS + 1);
    if (next < N_FIBERS && !fibers[next].is_over)
      return next;
  }
  return N_FIBERS;
}

static void live_in_fiber(void) {
  void *volatile slots[N_SLOTS];
  size_t me = running;
  if (collect_at_switch)
    GC_gcollect();
  for (size_t round = 0; round < n_rounds; round++) {
    uint64_t id = me * 1000000 + round * N_SLOTS;
    fill_slots(slots, id);
    size_t next = choose_next();
    if (next != me)
      switch_to(round % 5 == 4 ? N_FIBERS : next);
    check_slots(slots, id);
    fibers[me].rounds++;
  }
  fibers[me].is_over = true;
  switch_to(choose_next());
}

static void make_fiber(struct fiber *f) {
  char *p = mmap(NULL, STACK_BYTES + 8192, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tap_require(p != MAP_FAILED);
  tap_require(mprotect(p + 4096, STACK_BYTES, PROT_READ | PROT_WRITE) == 0);
  f->low = p + 4096;
  f->high = f->low + STACK_BYTES;
  getcontext(&f->context);
  f->context.uc_stack.ss_sp = f->low;
  f->context.uc_stack.ss_size = STACK_BYTES;
  makecontext(&f->context, live_in_fiber, 0);
}

static void *run_fibers(void *arg) {
  void *volatile slots[N_SLOTS];
  struct GC_stack_base base;
  handle = GC_get_my_stackbottom(&base);
  fibers[N_FIBERS].high = base.mem_base;
  for (size_t i = 0; i < N_FIBERS; i++)
    make_fiber(&fibers[i]);
  fill_slots(slots, 77);
  while (choose_next() != N_FIBERS) {
    switch_to(choose_next());
    check_slots(slots, 77);
    collect_and_overwrite();
  }
  for (size_t i = 0; i < N_FIBERS; i++)
    tap_eq_u(fibers[i].rounds, n_rounds);
  tap_ge(n_switches, N_FIBERS * n_rounds / 2);
  return arg;
}

static void prepare(size_t rounds) {
  if (TAP_TSAN)
    tap_skip("this sanitiser does not follow fibers");
  GC_INIT();
  n_rounds = TAP_ASAN ? rounds / 10 : tap_long() ? 20 * rounds : rounds;
  previous = GC_get_push_other_roots();
  GC_set_push_other_roots(push_resting_stacks);
}

static void coroutines_of_the_main_thread(void) {
  prepare(100);
  collect_at_switch = true;
  run_fibers(NULL);
}

static void coroutines_of_another_thread(void) {
  pthread_t t;
  prepare(100);
  collect_at_switch = true;
  start(&t, run_fibers, NULL);
  finish(t);
}

static void *collect_until_stopped(void *arg) {
  while (!atomic_load(&stop_flag))
    collect_and_overwrite();
  return arg;
}

static void switching_while_another_thread_collects(void) {
  pthread_t t;
  prepare(2000);
  start(&t, collect_until_stopped, NULL);
  run_fibers(NULL);
  atomic_store(&stop_flag, true);
  finish(t);
}

TAP_MAIN(TAP_CASE(coroutines_of_the_main_thread),
         TAP_CASE(coroutines_of_another_thread),
         TAP_CASE(switching_while_another_thread_collects))
