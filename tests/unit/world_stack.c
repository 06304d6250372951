/* tests/unit/world_stack.c: which memory of a thread holds roots.
 * SPDX-License-Identifier: MIT
 *
 * One thread waits in some odd place, another stops it and looks whether the
 * ranges hold the addresses they should. What lives in a register only is
 * looked for by value: the value is made in that register, from two halves that
 * do not show it.
 */
#include "unit/world.h"

#include "base/switches.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define NEEDLE 0x5eed1e55c0ffee11u
#define MASK 0x0123456789abcdefu

static _Atomic bool is_waiting, may_go;

static void wait_for_the_look(void) {
  gc_store_rel(&is_waiting, true);
  while (!gc_load_acq(&may_go)) {
    sleep_us(100);
    gc_stop_poll();
  }
}

/* ---- Looking ---- */

struct look {
  const void *address;
  uint64_t value;
  bool has_address, has_value;
  size_t bytes;
};

gc_scans_memory static void look_at_range(char *lo, char *hi, void *cx) {
  struct look *look = cx;
  tap_check((uintptr_t)lo % 8 == 0 && (uintptr_t)hi % 8 == 0 && lo < hi);
  look->bytes += (size_t)(hi - lo);
  if ((char *)look->address >= lo && (char *)look->address < hi)
    look->has_address = true;
  for (char *p = lo; p < hi; p += 8)
    look->has_value |= *(uint64_t *)(void *)p == (look->value ^ MASK);
}

static void look_from_here(void *cx, char *own_sp) {
  struct look *look = cx;
  gc_roots_prepare();
  stop_all();
  for (struct gc_thread *t = gc_thread_first_locked(); t != NULL; t = t->next)
    if (t != gc_thread_self())
      gc_stack_each_range(t, own_sp, look_at_range, look);
  start_all();
}

/* Whether the ranges of the other threads hold an address. */
static bool others_hold(const void *address) {
  struct look look = {.address = address};
  gc_plat_with_registers(look_from_here, &look);
  return look.has_address;
}

static bool others_have_needle(void) {
  struct look look = {.value = NEEDLE ^ MASK};
  gc_plat_with_registers(look_from_here, &look);
  return look.has_value;
}

static pthread_t start_thread(void *(*body)(void *), void *arg) {
  pthread_t thread;
  tap_require(pthread_create(&thread, NULL, body, arg) == 0);
  await(&is_waiting);
  return thread;
}

static void end_thread(pthread_t thread) {
  gc_store_rel(&may_go, true);
  pthread_join(thread, NULL);
  tap_eq_u(gc_thread_count(), 1);
}

/* ---- Plain stacks ---- */

static void *volatile places[8];

static void *wait_in_a_frame(void *arg) {
  volatile uint64_t local = 1;
  places[0] = (void *)&local;
  if (arg != NULL)
    register_thread();
  wait_for_the_look();
  return (void *)(uintptr_t)(local == 0);
}

static void a_frame_is_held(void) {
  start_world_layer();
  pthread_t thread = start_thread(wait_in_a_frame, &thread);
  tap_check(others_hold(places[0]));
  tap_check(!others_hold((char *)places[0] - (64 << 10)));
  end_thread(thread);
  tap_check(!others_hold(places[0]));
}

static void an_unknown_thread_is_not_read(void) {
  start_world_layer();
  pthread_t thread = start_thread(wait_in_a_frame, NULL);
  tap_check(!others_hold(places[0]));
  end_thread(thread);
}

static void look_at_self(void *cx, char *own_sp) {
  gc_roots_prepare();
  stop_all();
  gc_stack_each_range(gc_thread_self(), own_sp, look_at_range, cx);
  start_all();
}

static bool self_holds(const void *address) {
  struct look look = {.address = address};
  gc_plat_with_registers(look_at_self, &look);
  return look.has_address;
}

static void the_calling_thread_holds_its_frames(void) {
  volatile uint64_t local = 0;
  start_world_layer();
  tap_check(self_holds((void *)&local));
  places[0] = (char *)__builtin_frame_address(0) - (64 << 10);
  tap_check(!self_holds(places[0]));
}

static void a_moved_cold_end_ends_the_stack(void) {
  volatile uint64_t local = 0;
  char *old;
  start_world_layer();
  old = gc_stack_get_cold();
  tap_eq_p(old, *gc_switches.stackbottom);
  gc_stack_set_cold(NULL, (char *)&local);
  tap_eq_p(gc_stack_get_cold(), (void *)&local);
  tap_eq_p(*gc_switches.stackbottom, (void *)&local);
  tap_check(!self_holds((void *)&local));
  *gc_switches.stackbottom = old;
  tap_check(self_holds((void *)&local));
}

/* ---- Registers ---- */

/* Makes the value in one register, and spins until the word is set; afterwards
 * nothing of the value is left. */
#define SPIN_WITH(name, load, clear)                                           \
  static void *spin_with_##name(void *arg) {                                   \
    static const uint64_t half = NEEDLE ^ MASK, mask = MASK;                   \
    (void)arg;                                                                 \
    register_thread();                                                         \
    gc_store_rel(&is_waiting, true);                                           \
    __asm__ volatile(load "\n"                                                 \
                          "1: pause\n"                                         \
                          "cmpb $0, (%[go])\n"                                 \
                          "je 1b\n" clear                                      \
                     :                                                         \
                     : [go] "D"(&may_go), [half] "S"(&half), [mask] "d"(&mask) \
                     : "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12",   \
                       "r13", "r14", "r15", "xmm0", "xmm1", "xmm15", "memory", \
                       "cc");                                                  \
    return NULL;                                                               \
  }

#define SPIN_WITH_GENERAL(name)                                                \
  SPIN_WITH(name,                                                              \
            "movq (%[half]), %%" #name "\n"                                    \
            "xorq (%[mask]), %%" #name,                                        \
            "xorq %%" #name ", %%" #name)

SPIN_WITH_GENERAL(rax)
SPIN_WITH_GENERAL(rbx)
SPIN_WITH_GENERAL(rcx)
SPIN_WITH_GENERAL(r8)
SPIN_WITH_GENERAL(r9)
SPIN_WITH_GENERAL(r10)
SPIN_WITH_GENERAL(r11)
SPIN_WITH_GENERAL(r12)
SPIN_WITH_GENERAL(r13)
SPIN_WITH_GENERAL(r14)
SPIN_WITH_GENERAL(r15)
SPIN_WITH(xmm15,
          "movq (%[half]), %%xmm15\n"
          "movq (%[mask]), %%xmm1\n"
          "pxor %%xmm1, %%xmm15",
          "pxor %%xmm15, %%xmm15")
SPIN_WITH(red_zone,
          "movq (%[half]), %%rax\n"
          "xorq (%[mask]), %%rax\n"
          "movq %%rax, -120(%%rsp)\n"
          "xorl %%eax, %%eax",
          "movq %%rax, -120(%%rsp)")

static void check_spinning(void *(*spin)(void *), const char *name) {
  gc_store_rel(&is_waiting, false);
  gc_store_rel(&may_go, false);
  pthread_t thread = start_thread(spin, NULL);
  sleep_us(1000);
  if (!tap_check(others_have_needle()))
    tap_note("not found in %s", name);
  end_thread(thread);
}

static void *spin_without(void *arg) {
  (void)arg;
  register_thread();
  gc_store_rel(&is_waiting, true);
  while (!gc_load_rlx(&may_go))
    gc_cpu_relax();
  return NULL;
}

static void registers_of_interrupted_code_are_held(void) {
  if (GC_TSAN_BUILD)
    tap_skip("signals come late under this sanitiser");
  start_world_layer();
  pthread_t thread = start_thread(spin_without, NULL);
  tap_check(!others_have_needle());
  end_thread(thread);
  check_spinning(spin_with_rax, "rax");
  check_spinning(spin_with_rbx, "rbx");
  check_spinning(spin_with_rcx, "rcx");
  check_spinning(spin_with_r8, "r8");
  check_spinning(spin_with_r9, "r9");
  check_spinning(spin_with_r10, "r10");
  check_spinning(spin_with_r11, "r11");
  check_spinning(spin_with_r12, "r12");
  check_spinning(spin_with_r13, "r13");
  check_spinning(spin_with_r14, "r14");
  check_spinning(spin_with_r15, "r15");
  check_spinning(spin_with_xmm15, "xmm15");
  check_spinning(spin_with_red_zone, "the red zone");
}

/* ---- Blocking calls ---- */

static void *wait_active(void *arg) {
  volatile uint64_t innermost = 3;
  places[3] = (void *)&innermost;
  wait_for_the_look();
  return innermost == 3 ? arg : NULL;
}

static void *wait_blocked(void *arg) {
  volatile uint64_t inner = 2;
  places[2] = (void *)&inner;
  wait_for_the_look();
  return inner == 2 ? arg : NULL;
}

static void *go_active(void *arg) {
  volatile uint64_t inner = 2;
  places[2] = (void *)&inner;
  void *result = gc_active_call(wait_active, arg);
  return inner == 2 ? result : NULL;
}

static void *go_active_and_block(void *arg) {
  volatile uint64_t inner = 4;
  places[4] = (void *)&inner;
  void *result = gc_blocking_call(go_active, arg);
  return inner == 4 ? result : NULL;
}

static void *nest_twice(void *arg) {
  return gc_active_call(go_active_and_block, arg);
}

static void *block_with(void *fn) {
  volatile uint64_t outer = 1;
  void *(*call)(void *);
  register_thread();
  places[1] = (void *)&outer;
  memcpy(&call, &fn, sizeof call);
  tap_eq_p(gc_blocking_call(call, (void *)&outer), (void *)&outer);
  tap_eq_u(gc_load_rlx(&gc_thread_self()->state), THR_RUNNING);
  tap_check(gc_thread_self()->segments == NULL &&
            gc_thread_self()->part_cold == NULL);
  return NULL;
}

static void a_blocked_thread_holds_what_is_above_the_call(void) {
  start_world_layer();
  pthread_t thread = start_thread(block_with, (void *)(uintptr_t)wait_blocked);
  tap_check(others_hold(places[1]));
  tap_check(!others_hold(places[2]));
  end_thread(thread);
}

static void an_active_call_adds_a_part(void) {
  start_world_layer();
  pthread_t thread = start_thread(block_with, (void *)(uintptr_t)go_active);
  tap_check(others_hold(places[1]));
  tap_check(!others_hold(places[2]));
  tap_check(others_hold(places[3]));
  end_thread(thread);
}

static void calls_nest(void) {
  start_world_layer();
  pthread_t thread = start_thread(block_with, (void *)(uintptr_t)nest_twice);
  tap_check(others_hold(places[1]));
  tap_check(others_hold(places[4]));
  tap_check(!others_hold(places[2]));
  tap_check(others_hold(places[3]));
  end_thread(thread);
}

static void *return_argument(void *arg) { return arg; }

static void unknown_threads_just_call(void) {
  int x;
  gc_thread_start();
  tap_eq_p(gc_blocking_call(return_argument, &x), &x);
  tap_eq_p(gc_active_call(return_argument, &x), &x);
  register_thread();
  tap_eq_p(gc_active_call(return_argument, &x), &x);
}

/* ---- Alternate signal stacks ---- */

#define ALT_BYTES ((size_t)64 << 10)

static void wait_in_handler(int signo) {
  volatile uint64_t local = 1;
  (void)signo;
  places[1] = (void *)&local;
  wait_for_the_look();
}

/* The stack that was in use before goes back to its owner at the end. */
static void use_altstack(void (*handler)(int), stack_t *out_old) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  stack_t alt = {.ss_sp = malloc(ALT_BYTES), .ss_size = ALT_BYTES};
  places[5] = alt.ss_sp;
  tap_check(sigaltstack(&alt, out_old) == 0);
  tap_check(sigaction(SIGUSR1, &action, NULL) == 0);
}

static void *wait_on_altstack(void *arg) {
  volatile uint64_t local = 2;
  stack_t old;
  register_thread();
  places[0] = (void *)&local;
  places[4] = (char *)__builtin_frame_address(0) - (32 << 10);
  use_altstack(wait_in_handler, &old);
  raise(SIGUSR1);
  sigaltstack(&old, NULL);
  return local == 2 ? arg : NULL;
}

static void both_stacks_of_a_handler_are_held(void) {
  start_world_layer();
  pthread_t thread = start_thread(wait_on_altstack, NULL);
  tap_check(others_hold(places[1]));
  tap_check(others_hold(places[0]));
  tap_check(!others_hold(places[4]));
  tap_check(!others_hold(places[5]));
  end_thread(thread);
}

static _Atomic bool self_held[2];

static void look_in_handler(int signo) {
  volatile uint64_t local = 1;
  (void)signo;
  gc_store_rel(&self_held[0], self_holds((void *)&local));
  gc_store_rel(&self_held[1], self_holds(places[0]));
}

static void the_collecting_thread_may_be_in_a_handler(void) {
  volatile uint64_t local = 0;
  stack_t old;
  start_world_layer();
  places[0] = (void *)&local;
  use_altstack(look_in_handler, &old);
  raise(SIGUSR1);
  sigaltstack(&old, NULL);
  tap_check(gc_load_acq(&self_held[0]));
  tap_check(gc_load_acq(&self_held[1]));
}

/* ---- Thread-local storage ---- */

static __thread uint64_t thread_word = 1;
static __thread uint64_t thread_zero_word[100];

static void *wait_with_tls(void *arg) {
  register_thread();
  places[0] = &thread_word;
  places[1] = &thread_zero_word[99];
  wait_for_the_look();
  return arg;
}

static void tls_of_other_threads_is_held(void) {
  start_world_layer();
  pthread_t thread = start_thread(wait_with_tls, NULL);
  tap_check(others_hold(places[0]));
  tap_check(others_hold(places[1]));
  end_thread(thread);
}

static void tls_of_the_calling_thread_is_held(void) {
  start_world_layer();
  tap_check(self_holds(&thread_word));
  tap_check(self_holds(&thread_zero_word[0]));
  tap_check(self_holds(&thread_zero_word[99]));
}

/* The main thread's blocks are nowhere near its stack. */
static void *look_at_main(void *arg) {
  (void)arg;
  register_thread();
  tap_check(others_hold(places[0]));
  tap_check(others_hold(places[1]));
  tap_check(others_hold(places[2]));
  gc_store_rel(&may_go, true);
  return NULL;
}

static void tls_of_the_main_thread_is_held(void) {
  volatile uint64_t local = 0;
  pthread_t thread;
  start_world_layer();
  places[0] = &thread_word;
  places[1] = &thread_zero_word[99];
  places[2] = (void *)&local;
  pthread_create(&thread, NULL, look_at_main, NULL);
  wait_for_the_look();
  pthread_join(thread, NULL);
}

/* ---- Fibers ---- */

#define FIBER_BYTES ((size_t)64 << 10)

static ucontext_t home, fiber;

static void wait_in_fiber(void) {
  volatile uint64_t local = 1;
  places[1] = (void *)&local;
  wait_for_the_look();
  swapcontext(&fiber, &home);
}

/* A stack between two pages that must not be read. */
static char *map_fiber_stack(void) {
  char *p = mmap(NULL, FIBER_BYTES + 8192, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tap_require(p != MAP_FAILED);
  mprotect(p + 4096, FIBER_BYTES, PROT_READ | PROT_WRITE);
  return p + 4096;
}

static void *wait_on_fiber(void *tell) {
  volatile uint64_t local = 2;
  register_thread();
  char *stack = map_fiber_stack(), *old = gc_stack_get_cold();
  places[0] = (void *)&local;
  places[2] = stack;
  getcontext(&fiber);
  fiber.uc_stack.ss_sp = stack;
  fiber.uc_stack.ss_size = FIBER_BYTES;
  fiber.uc_link = NULL;
  makecontext(&fiber, wait_in_fiber, 0);
  if (tell != NULL)
    gc_stack_set_cold(NULL, stack + FIBER_BYTES);
  swapcontext(&home, &fiber);
  gc_stack_set_cold(NULL, old);
  return local == 2 ? tell : NULL;
}

static void a_fiber_with_its_cold_end_is_held(void) {
  if (GC_TSAN_BUILD)
    tap_skip("this sanitiser does not follow fibers");
  start_world_layer();
  pthread_t thread = start_thread(wait_on_fiber, &thread);
  tap_check(others_hold(places[1]));
  tap_check(!others_hold(places[2]));
  end_thread(thread);
}

/* The collector was not told: both stacks are read, and no page beside them. */
static void an_unannounced_fiber_is_held(void) {
  if (GC_TSAN_BUILD)
    tap_skip("this sanitiser does not follow fibers");
  start_world_layer();
  pthread_t thread = start_thread(wait_on_fiber, NULL);
  tap_check(others_hold(places[1]));
  tap_check(others_hold(places[0]));
  end_thread(thread);
}

TAP_MAIN(TAP_CASE(a_frame_is_held), TAP_CASE(an_unknown_thread_is_not_read),
         TAP_CASE(the_calling_thread_holds_its_frames),
         TAP_CASE(a_moved_cold_end_ends_the_stack),
         TAP_CASE(registers_of_interrupted_code_are_held),
         TAP_CASE(a_blocked_thread_holds_what_is_above_the_call),
         TAP_CASE(an_active_call_adds_a_part), TAP_CASE(calls_nest),
         TAP_CASE(unknown_threads_just_call),
         TAP_CASE(both_stacks_of_a_handler_are_held),
         TAP_CASE(the_collecting_thread_may_be_in_a_handler),
         TAP_CASE(tls_of_other_threads_is_held),
         TAP_CASE(tls_of_the_calling_thread_is_held),
         TAP_CASE(tls_of_the_main_thread_is_held),
         TAP_CASE(a_fiber_with_its_cold_end_is_held),
         TAP_CASE(an_unannounced_fiber_is_held))
