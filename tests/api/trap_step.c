/* tests/api/trap_step.c: a collection between any two instructions of the allocator. SPDX-License-Identifier: MIT */

/*
 * The calling thread sets the processor's trap flag around a call of the
 * allocator, so that a signal handler runs after every instruction of it. The
 * handler asks another thread for a collection and waits until it is over, or
 * for a moment only when the interrupted code has put off being stopped; then
 * the collection comes when that code allows it. So whatever the allocator has
 * read but not yet written, the collector sees the state in between.
 *
 * The collecting thread allocates in the same size classes and holds some of
 * what it gets. Objects that both sides believe to own are found by their
 * contents.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define _GNU_SOURCE
#include <gc/gc.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

#if !defined(__x86_64__)
#error "this test is written for x86-64"
#endif

/* ---- The trap flag ---- */

#define TRAP_FLAG 0x100

void step_begin(void);
void step_end(void);

#define FLAG_FUNCTION(name, change)                                            \
  __asm__(".text\n.globl " #name "\n.hidden " #name "\n.type " #name           \
          ", @function\n" #name ":\npushfq\n" change ", (%rsp)\npopfq\nret\n"  \
          ".size " #name ", .-" #name "\n");

FLAG_FUNCTION(step_begin, "orq $0x100")
FLAG_FUNCTION(step_end, "andq $~0x100")

/* ---- What is held ---- */

enum { N_HELD = 48 };

struct held {
  void *volatile object;
  size_t size;
  uint64_t id;
};

static struct held mine[N_HELD], theirs[N_HELD];

static void check_held(const struct held *held) {
  for (size_t i = 0; i < N_HELD; i++)
    tap_require(held[i].object == NULL ||
                gu_is_intact(held[i].object, held[i].size, held[i].id));
}

static void hold(struct held *held, void *object, size_t size, uint64_t id) {
  gu_fill(object, size, id);
  held->object = object;
  held->size = size;
  held->id = id;
}

/* ---- Collections on demand ---- */

enum { PATIENCE_NS = 300000, N_TAKEN = 48 };

static atomic_uint wanted, done;
static atomic_bool stop_flag;
static size_t n_steps, n_awaited; /* [stepping thread] */
static unsigned every, countdown, quota;
static uint64_t time_limit;

static const size_t sizes[] = {16, 24, 40, 56, 100, 200};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

static void take_some(void) {
  static uint64_t id = 1000000;
  for (unsigned i = 0; i < N_TAKEN; i++, id++) {
    size_t n = sizes[id % N_SIZES];
    void *p = GC_malloc(n);
    tap_require(p != NULL && gu_is_zero(p, n));
    hold(&theirs[id % N_HELD], p, n, id);
  }
}

static void *collect_on_demand(void *arg) {
  while (!atomic_load(&stop_flag)) {
    unsigned request = atomic_load(&wanted);
    if (request == atomic_load(&done)) {
      sched_yield();
      continue;
    }
    GC_gcollect();
    check_held(theirs);
    take_some();
    atomic_store(&done, request);
  }
  return arg;
}

static void collect_here(void) {
  uint64_t end = gu_now_ns() + PATIENCE_NS;
  unsigned request = atomic_fetch_add(&wanted, 1) + 1;
  while (atomic_load(&done) != request && gu_now_ns() < end)
    sched_yield();
  n_awaited += atomic_load(&done) == request;
}

/* The quota ends the pursuit of a call: a step takes long, and no allocator
 * gets anywhere while there is a collection at each of its instructions. */
static void on_step(int signo, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  int saved = errno;
  (void)signo;
  (void)info;
  n_steps++;
  if (countdown > 0)
    countdown--;
  if (countdown == 0 && atomic_load(&done) == atomic_load(&wanted)) {
    countdown = every;
    collect_here();
    if (--quota == 0)
      uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
  }
  errno = saved;
}

/* ---- Stepping ---- */

static pthread_t collector;

static void begin(void) {
  if (TAP_TSAN)
    tap_skip("the sanitiser delays signals");
  struct sigaction sa = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_step};
  GC_INIT();
  time_limit = gu_now_ns() + (tap_long() ? 50 : 2) * UINT64_C(1000000000);
  sigemptyset(&sa.sa_mask);
  tap_require(sigaction(SIGTRAP, &sa, NULL) == 0);
  tap_require(GC_pthread_create(&collector, NULL, collect_on_demand, NULL) ==
              0);
}

static void end(size_t n_objects) {
  atomic_store(&stop_flag, true);
  tap_eq_u(GC_pthread_join(collector, NULL), 0);
  check_held(mine);
  check_held(theirs);
  tap_note("%zu objects, %zu instructions, %zu collections at one of them",
           n_objects, n_steps, n_awaited);
  tap_ge(n_objects, 5);
  tap_ge(n_steps, n_objects);
  tap_ge(n_awaited, TAP_ASAN ? 5 : 30);
}

/* A collection at each of the first instructions, some spread over the longer
 * ways, or a single one anywhere. */
static void begin_call(void) {
  static const struct {
    unsigned every, start, quota;
  } plans[] = {{1, 1, 30}, {7, 100, 10}, {1, 600, 1}, {1, 300, 2}};
  size_t i = tap_rand() % 4;
  every = plans[i].every;
  countdown = 1 + (unsigned)(tap_rand() % plans[i].start);
  quota = plans[i].quota;
  step_begin();
}

static void *step_malloc(size_t n) {
  begin_call();
  void *p = GC_malloc(n);
  step_end();
  return p;
}

static void *step_malloc_atomic(size_t n) {
  begin_call();
  void *p = GC_malloc_atomic(n);
  step_end();
  return p;
}

static void step_free(void *p) {
  begin_call();
  GC_free(p);
  step_end();
}

static void *step_realloc(void *p, size_t n) {
  begin_call();
  p = GC_realloc(p, n);
  step_end();
  return p;
}

static void allocate(const size_t *of, size_t n_of, bool with_free) {
  uint64_t id = 0;
  begin();
  for (; gu_now_ns() < time_limit; id++) {
    size_t i = tap_rand() % N_HELD, n = of[tap_rand() % n_of];
    bool is_atomic = id % 4 == 3;
    void *old = mine[i].object;
    mine[i].object = NULL;
    if (with_free && old != NULL)
      step_free(old);
    void *p = is_atomic ? step_malloc_atomic(n) : step_malloc(n);
    tap_require(p != NULL && (is_atomic || gu_is_zero(p, n)));
    hold(&mine[i], p, n, id);
    check_held(mine);
  }
  end(id);
}

static void collections_inside_malloc(void) { allocate(sizes, N_SIZES, false); }

static void collections_inside_free(void) { allocate(sizes, N_SIZES, true); }

static void collections_inside_large_malloc(void) {
  static const size_t large[] = {40000, 70000, 140000};
  allocate(large, 3, true);
}

static void collections_inside_realloc(void) {
  uint64_t id = 0;
  begin();
  for (; gu_now_ns() < time_limit; id++) {
    size_t i = tap_rand() % N_HELD, n = 1 + tap_rand() % 400;
    size_t common = mine[i].object == NULL ? 0 : mine[i].size;
    if (common > n)
      common = n;
    void *old = mine[i].object;
    mine[i].object = NULL;
    char *p = step_realloc(old, n);
    tap_require(p != NULL && gu_is_intact(p, common, mine[i].id) &&
                gu_is_zero(p + common, n - common));
    hold(&mine[i], p, n, id);
    check_held(mine);
  }
  end(id);
}

/* ---- A refill at each allocation ---- */

static void role_refills(void) { collections_inside_malloc(); }

static const tap_case roles[] = {TAP_CASE(role_refills)};

static void collections_inside_refills(void) {
  static const char *const env[] = {"GCX_TORTURE_CLAIM=1", "GCX_VERIFY=1",
                                    NULL};
  gu_check_role("role_refills", env, 0);
}

int main(int argc, char **argv) {
  static const tap_case cases[] = {TAP_CASE(collections_inside_malloc),
                                   TAP_CASE(collections_inside_free),
                                   TAP_CASE(collections_inside_large_malloc),
                                   TAP_CASE(collections_inside_realloc),
                                   TAP_CASE(collections_inside_refills)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
