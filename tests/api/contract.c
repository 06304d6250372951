/* tests/api/contract.c: what programs of libgc rely on without asking. SPDX-License-Identifier: MIT */

/*
 * Contract: single statements about libgc, beyond those that the programs named
 * after a theme show. docs/design/semantics.md has all of them, with their tests.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "api/slots.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { N_OBJ = 1000, BYTES = 64, MOST_KINDS = 16 };

static uintptr_t hidden[N_OBJ];
static void **volatile parents[N_OBJ];

/* ---- Sizes ---- */

static void cells_have_a_byte_past_their_end(void) {
  GC_INIT();
  for (size_t n = 8; n <= 512; n += 8)
    for (char *c = GC_malloc_many(n); c != NULL; c = GC_NEXT((void *)c)) {
      tap_require(GC_base(c + n) == c);
      tap_require(GC_size(c) > n);
    }
}

static void objects_shrink_where_they_are(void) {
  GC_INIT();
  for (size_t n = 64; n < 2000; n += n / 2) {
    char *p = GC_malloc(n);
    gu_fill(p, n, n);
    tap_eq_p(GC_realloc(p, n - n / 4), p);
    tap_check(gu_is_intact(p, n - n / 4, n));
  }
}

/* Their address is not the start of the block that they have; the call is the
 * plain one, of a program that mixes them. */
static void plain_functions_take_debugging_objects(void) {
  GC_INIT();
  for (size_t i = 0; i < N_OBJ; i++) {
    char *p = GC_debug_malloc(BYTES, "a_file.c", 1);
    gu_fill(p, BYTES, i);
    p = GC_realloc(p, (size_t)4 * BYTES);
    tap_require(p != NULL && gu_is_intact(p, BYTES, i));
    tap_require(GC_base(p) != p);
    gu_fill(p, (size_t)4 * BYTES, i);
    parents[i] = (void **)(void *)p;
  }
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(parents[i], (size_t)4 * BYTES, i));
}

/* ---- References ---- */

static void make_displaced(void *table) {
  for (size_t i = 0; i < N_OBJ; i++) {
    char *p = GC_malloc_atomic(BYTES);
    hidden[i] = gu_hide(p);
    ((char **)table)[i] = p + 8 + i % 5 * 8;
  }
}

/* Where programs name the displacements that they use, others keep an object, too. */
static void displacements_need_no_registration(void) {
  GC_set_all_interior_pointers(0);
  GC_INIT();
  for (size_t tag = 0; tag < 8; tag++)
    GC_register_displacement(tag);
  void *table = GC_malloc(N_OBJ * sizeof(char *));
  gu_apart(make_displaced, table);
  gu_collect();
  gu_check_none_dead(hidden, N_OBJ, "objects behind displacements");
  GC_reachable_here(table);
}

/* ---- Kinds and mark procedures ---- */

static void sixteen_kinds_can_be_made(void) {
  int kind = 0;
  GC_INIT();
  for (int n = 0; kind < MOST_KINDS - 1; n++) {
    tap_require(n < MOST_KINDS);
    kind = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
    tap_check(kind > GC_I_NORMAL + 2);
    for (size_t bytes = 8; bytes < 100000; bytes *= 10)
      tap_eq_u(GC_get_kind_and_size(GC_generic_malloc(bytes, kind), NULL),
               kind);
  }
}

static struct GC_ms_entry *mark_second(GC_word *object, struct GC_ms_entry *sp,
                                       struct GC_ms_entry *limit, GC_word env) {
  void **p = (void **)object;
  tap_check(env == 3);
  if (p[1] == NULL)
    return sp;
  return GC_mark_and_push(p[1], sp, limit, &p[1]);
}

static void make_pairs(void *kind) {
  for (size_t i = 0; i < N_OBJ; i++) {
    void **p = GC_generic_malloc(BYTES, *(int *)kind);
    p[1] = GC_malloc_atomic(BYTES);
    hidden[i] = gu_hide(p[1]);
    parents[i] = p;
  }
}

static void as_many_procedures_as_the_header_says(void) {
  unsigned proc = 0;
  GC_INIT();
  for (int n = 0; proc < GC_MAX_MARK_PROCS - 1; n++) {
    tap_require(n < GC_MAX_MARK_PROCS);
    proc = GC_new_proc(mark_second);
  }
  tap_eq_u(proc, GC_MAX_MARK_PROCS - 1);
  int kind = (int)GC_new_kind(GC_new_free_list(), GC_MAKE_PROC(proc, 3), 0, 1);
  gu_apart(make_pairs, &kind);
  gu_collect();
  gu_check_none_dead(hidden, N_OBJ, "what the last procedure finds");
}

/* ---- Finalisers ---- */

static size_t n_ran, n_notified, n_locked;
static pthread_t runner;

static void *GC_CALLBACK with_the_lock(void *arg) {
  n_locked++;
  return arg;
}

static void *allocate_and_collect(void *arg) {
  for (size_t i = 0; i < 100; i++)
    memset(GC_malloc(BYTES), 0x7f, BYTES);
  GC_gcollect();
  return arg;
}

static void use_everything(void *object, void *data) {
  pthread_t t;
  tap_check(gu_is_intact(object, BYTES, (uintptr_t)data));
  GC_call_with_alloc_lock(with_the_lock, NULL);
  if (n_ran++ != 0)
    return;
  start(&t, allocate_and_collect, NULL);
  finish(t);
}

static void make_finalised(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void *p = GC_malloc(BYTES);
    gu_fill(p, BYTES, i);
    GC_register_finalizer_no_order(p, use_everything, (void *)i, NULL, NULL);
  }
}

static void finalisers_hold_no_lock(void) {
  GC_INIT();
  gu_apart(make_finalised, NULL);
  gu_collect();
  tap_ge(n_ran, N_OBJ * 95 / 100);
  tap_eq_u(n_locked, n_ran);
}

static void *run_them(void *arg) {
  GC_invoke_finalizers();
  return arg;
}

static void *take_the_lock(void *arg) {
  return GC_call_with_alloc_lock(with_the_lock, arg);
}

/* As Guile has it: the first call starts the thread that runs finalisers. Another one
 * gets the lock meanwhile. */
static void on_notify(void) {
  pthread_t t;
  if (n_notified++ != 0)
    return;
  tap_check(GC_malloc(BYTES) != NULL);
  start(&t, take_the_lock, NULL);
  finish(t);
  start(&runner, run_them, NULL);
}

static void the_notifier_may_start_a_thread(void) {
  GC_set_finalize_on_demand(1);
  GC_set_finalizer_notifier(on_notify);
  GC_INIT();
  gu_apart(make_finalised, NULL);
  gu_collect();
  tap_require(n_notified != 0);
  finish(runner);
  tap_ge(n_ran, N_OBJ * 95 / 100);
  tap_eq_u(n_locked, n_ran + 1);
}

/* ---- The main stack ---- */

enum { STACK_BYTES = 256 * 1024 };

static ucontext_t of_main, of_fiber;
static char *fiber_low, *rests_from, *rests_to;
static GC_push_other_roots_proc pushed_before;

static void push_main_stack(void) {
  if (rests_from != NULL)
    GC_push_all_eager(rests_from, rests_to);
  if (pushed_before != NULL)
    pushed_before();
}

static void live_on_another_stack(void) {
  void *volatile slots[N_SLOTS];
  GC_stackbottom = fiber_low + STACK_BYTES;
  fill_slots(slots, 1000);
  collect_and_overwrite();
  check_slots(slots, 1000);
  GC_stackbottom = rests_to;
}

/* Crystal's way: the variable is set, not the function called. */
static void the_variable_moves_the_main_stack(void) {
  void *volatile slots[N_SLOTS];
  GC_INIT();
  pushed_before = GC_get_push_other_roots();
  GC_set_push_other_roots(push_main_stack);
  fiber_low = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tap_require(fiber_low != MAP_FAILED);
  getcontext(&of_fiber);
  of_fiber.uc_stack.ss_sp = fiber_low;
  of_fiber.uc_stack.ss_size = STACK_BYTES;
  of_fiber.uc_link = &of_main;
  makecontext(&of_fiber, live_on_another_stack, 0);
  fill_slots(slots, 0);
  rests_to = GC_stackbottom;
  rests_from = (char *)__builtin_frame_address(0) - 8192;
  swapcontext(&of_main, &of_fiber);
  rests_from = NULL;
  check_slots(slots, 0);
  collect_and_overwrite();
  check_slots(slots, 0);
}

/* ---- Signals ---- */

static void on_fault(int signal) { (void)signal; }

static void *wait_a_little(void *arg) {
  for (int i = 0; i < 100; i++)
    allocate_and_collect(NULL);
  return arg;
}

static void handlers_of_faults_stay_the_programs(void) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  struct sigaction action = {.sa_handler = on_fault}, now;
  pthread_t t;
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser has handlers of its own");
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    sigaction(faults[i], &action, NULL);
  GC_INIT();
  start(&t, wait_a_little, NULL);
  wait_a_little(NULL);
  GC_gcollect_and_unmap();
  finish(t);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    sigaction(faults[i], NULL, &now);
    tap_check(now.sa_handler == on_fault);
  }
}

TAP_MAIN(TAP_CASE(cells_have_a_byte_past_their_end),
         TAP_CASE(objects_shrink_where_they_are),
         TAP_CASE(plain_functions_take_debugging_objects),
         TAP_CASE(displacements_need_no_registration),
         TAP_CASE(sixteen_kinds_can_be_made),
         TAP_CASE(as_many_procedures_as_the_header_says),
         TAP_CASE(finalisers_hold_no_lock),
         TAP_CASE(the_notifier_may_start_a_thread),
         TAP_CASE(the_variable_moves_the_main_stack),
         TAP_CASE(handlers_of_faults_stay_the_programs))
