/* tests/api/init.c: explicit and lazy initialisation, settings before it. SPDX-License-Identifier: MIT */

/*
 * Contract: nothing exists before the first call; every allocation entry point
 * initialises by itself; settings made before stick; the main thread's stack is
 * known whoever initialises. Each case is a process of its own.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <pthread.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 1000 };

static void *volatile keep[N_OBJ];

/* The library works: objects held by static data survive a collection. */
static void check_alive(void) {
  tap_eq_u(GC_is_init_called(), 1);
  tap_ge(GC_get_heap_size(), 1);
  for (size_t i = 0; i < N_OBJ; i++) {
    keep[i] = GC_malloc_atomic(64);
    gu_fill(keep[i], 64, i);
  }
  gu_collect();
  for (size_t i = 0; i < N_OBJ; i++)
    memset(GC_malloc_atomic(64), 0x7f, 64);
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(keep[i], 64, i));
}

static void nothing_exists_before_init(void) {
  tap_eq_u(GC_is_init_called(), 0);
  tap_eq_u(GC_get_heap_size(), 0);
  tap_eq_u(GC_get_gc_no(), 0);
}

static void init_macro_initialises(void) {
  GC_INIT();
  check_alive();
}

static void init_may_be_called_again(void) {
  GC_init();
  void *volatile p = GC_malloc_atomic(100);
  gu_fill(p, 100, 7);
  GC_INIT();
  GC_init();
  tap_check(gu_is_intact(p, 100, 7));
  check_alive();
}

static void init_does_one_collection(void) {
  GC_INIT();
  tap_eq_u(GC_get_gc_no(), 1);
}

static void precollection_can_be_switched_off(void) {
  GC_set_dont_precollect(1);
  tap_eq_u(GC_get_dont_precollect(), 1);
  GC_INIT();
  tap_eq_u(GC_get_gc_no(), 0);
  check_alive();
}

static void lazy_malloc(void) {
  tap_check(GC_malloc(10) != NULL);
  check_alive();
}

static void lazy_malloc_large(void) {
  tap_check(GC_malloc(1000000) != NULL);
  check_alive();
}

static void lazy_malloc_atomic(void) {
  tap_check(GC_malloc_atomic(10) != NULL);
  check_alive();
}

static void lazy_malloc_uncollectable(void) {
  tap_check(GC_malloc_uncollectable(10) != NULL);
  check_alive();
}

static void lazy_malloc_atomic_uncollectable(void) {
  tap_check(GC_malloc_atomic_uncollectable(10) != NULL);
  check_alive();
}

static void lazy_ignore_off_page(void) {
  tap_check(GC_malloc_ignore_off_page(100000) != NULL);
  check_alive();
}

static void lazy_strdup(void) {
  tap_eq_s(GC_strdup("abc"), "abc");
  check_alive();
}

static void lazy_strndup(void) {
  tap_eq_s(GC_strndup("abc", 2), "ab");
  check_alive();
}

static void lazy_realloc(void) {
  tap_check(GC_realloc(NULL, 10) != NULL);
  check_alive();
}

static void lazy_memalign(void) {
  tap_check(GC_memalign(64, 10) != NULL);
  check_alive();
}

static void lazy_malloc_many(void) {
  tap_check(GC_malloc_many(40) != NULL);
  check_alive();
}

static void lazy_generic_malloc_many(void) {
  void *list = NULL;
  GC_generic_malloc_many(32, 1, &list);
  tap_check(list != NULL);
  check_alive();
}

static void lazy_malloc_kind(void) {
  tap_check(GC_malloc_kind(40, 0) != NULL);
  check_alive();
}

static void lazy_collect(void) {
  GC_gcollect();
  check_alive();
}

static void lazy_try_to_collect(void) {
  tap_eq_u(GC_try_to_collect(GC_get_stop_func()), 1);
  check_alive();
}

static void lazy_expand(void) {
  tap_eq_u(GC_expand_hp(1000000), 1);
  tap_ge(GC_get_heap_size(), 1000000);
  check_alive();
}

static void lazy_roots(void) {
  static char area[64];
  GC_add_roots(area, area + sizeof area);
  check_alive();
}

static void setters_before_init_stick(void) {
  GC_set_free_space_divisor(7);
  GC_set_max_retries(3);
  GC_set_no_dls(1);
  GC_set_all_interior_pointers(0);
  GC_set_dont_expand(1);
  GC_set_min_bytes_allocd(5000);
  GC_set_force_unmap_on_gcollect(1);
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_INIT();
  tap_eq_u(GC_get_free_space_divisor(), 7);
  tap_eq_u(GC_get_max_retries(), 3);
  tap_eq_u(GC_get_no_dls(), 1);
  tap_eq_u(GC_get_all_interior_pointers(), 0);
  tap_eq_u(GC_get_dont_expand(), 1);
  tap_eq_u(GC_get_min_bytes_allocd(), 5000);
  tap_eq_u(GC_get_force_unmap_on_gcollect(), 1);
  tap_check(GC_get_warn_proc() == GC_ignore_warn_proc);
}

static void *other_oom(size_t n) {
  (void)n;
  return NULL;
}

static void on_start(void) {}

static int never_stop(void) { return 0; }

static void callbacks_before_init_stick(void) {
  GC_set_oom_fn(other_oom);
  GC_set_start_callback(on_start);
  GC_set_stop_func(never_stop);
  GC_INIT();
  tap_check(GC_get_oom_fn() == other_oom);
  tap_check(GC_get_start_callback() == on_start);
  tap_check(GC_get_stop_func() == never_stop);
}

static void signals_before_init_stick(void) {
  tap_check(GC_get_suspend_signal() == -1 || GC_get_suspend_signal() > 0);
  GC_set_suspend_signal(35);
  GC_set_thr_restart_signal(36);
  GC_INIT();
  tap_eq_u(GC_get_suspend_signal(), 35);
  tap_eq_u(GC_get_thr_restart_signal(), 36);
  check_alive();
}

static void disable_before_init_sticks(void) {
  GC_disable();
  GC_INIT();
  tap_eq_u(GC_is_disabled(), 1);
  size_t no = GC_get_gc_no();
  for (size_t i = 0; i < 300000; i++)
    GC_malloc(64);
  tap_eq_u(GC_get_gc_no(), no);
  GC_enable();
  check_alive();
}

static void defaults(void) {
  GC_INIT();
  tap_eq_u(GC_get_all_interior_pointers(), 1);
  tap_eq_u(GC_get_free_space_divisor(), 3);
  tap_eq_u(GC_get_max_retries(), 0);
  tap_eq_u(GC_get_no_dls(), 0);
  tap_eq_u(GC_get_dont_expand(), 0);
  tap_eq_u(GC_get_min_bytes_allocd(), 1);
  tap_eq_u(GC_get_force_unmap_on_gcollect(), 0);
  tap_eq_u(GC_is_disabled(), 0);
  tap_eq_u(GC_get_suspend_signal(), 30);
  tap_eq_u(GC_get_thr_restart_signal(), 24);
}

static void version_agrees_with_the_header(void) {
  unsigned v = (unsigned)GC_VERSION_MAJOR << 16 |
               (unsigned)GC_VERSION_MINOR << 8 | (unsigned)GC_VERSION_MICRO;
  tap_eq_u(GC_get_version(), v);
  tap_eq_u(v, 0x80202);
}

static void *init_and_allocate(void *arg) {
  GC_INIT();
  tap_check(GC_malloc(123) != NULL);
  tap_check(GC_malloc(12345) != NULL);
  GC_gcollect();
  return arg;
}

static void a_secondary_thread_may_be_the_only_user(void) {
  pthread_t t;
  tap_require(pthread_create(&t, NULL, init_and_allocate, NULL) == 0);
  tap_require(pthread_join(t, NULL) == 0);
  tap_eq_u(GC_is_init_called(), 1);
}

static void *init_here(void *arg) {
  (void)arg;
  GC_INIT();
  GC_allow_register_threads();
  return NULL;
}

static void init_from_a_secondary_thread(void) {
  pthread_t t;
  tap_require(pthread_create(&t, NULL, init_here, NULL) == 0);
  tap_require(pthread_join(t, NULL) == 0);
  check_alive();
}

static void *init_and_collect(void *arg) {
  void *volatile *slots = arg;
  GC_INIT();
  for (size_t i = 0; i < 50; i++) {
    slots[i] = GC_malloc_atomic(64);
    gu_fill(slots[i], 64, i);
  }
  GC_gcollect();
  for (size_t i = 0; i < 1000; i++)
    memset(GC_malloc_atomic(64), 0x7f, 64);
  return NULL;
}

/* The only references lie in the main thread's frame, which waits. */
static void main_stack_is_known_to_a_secondary_initialiser(void) {
  void *volatile slots[50];
  pthread_t t;
  tap_require(pthread_create(&t, NULL, init_and_collect, (void *)slots) == 0);
  tap_require(pthread_join(t, NULL) == 0);
  for (size_t i = 0; i < 50; i++)
    tap_require(gu_is_intact(slots[i], 64, i));
}

static GU_NOINLINE void init_deep_below(int depth) {
  volatile char frame[2000];
  frame[0] = (char)depth;
  if (depth > 0)
    init_deep_below(depth - 1);
  else
    GC_init();
  frame[1] = frame[0];
}

/* The base of the main stack is the true one, not where init was called. */
static void frames_above_the_initialiser_are_scanned(void) {
  init_deep_below(20);
  void *volatile slots[50];
  for (size_t i = 0; i < 50; i++) {
    slots[i] = GC_malloc_atomic(64);
    gu_fill(slots[i], 64, i);
  }
  gu_collect();
  for (size_t i = 0; i < 1000; i++)
    memset(GC_malloc_atomic(64), 0x7f, 64);
  for (size_t i = 0; i < 50; i++)
    tap_require(gu_is_intact(slots[i], 64, i));
}

TAP_MAIN(TAP_CASE(nothing_exists_before_init), TAP_CASE(init_macro_initialises),
         TAP_CASE(init_may_be_called_again), TAP_CASE(init_does_one_collection),
         TAP_CASE(precollection_can_be_switched_off), TAP_CASE(lazy_malloc),
         TAP_CASE(lazy_malloc_large), TAP_CASE(lazy_malloc_atomic),
         TAP_CASE(lazy_malloc_uncollectable),
         TAP_CASE(lazy_malloc_atomic_uncollectable),
         TAP_CASE(lazy_ignore_off_page), TAP_CASE(lazy_strdup),
         TAP_CASE(lazy_strndup), TAP_CASE(lazy_realloc),
         TAP_CASE(lazy_memalign), TAP_CASE(lazy_malloc_many),
         TAP_CASE(lazy_generic_malloc_many), TAP_CASE(lazy_malloc_kind),
         TAP_CASE(lazy_collect), TAP_CASE(lazy_try_to_collect),
         TAP_CASE(lazy_expand), TAP_CASE(lazy_roots),
         TAP_CASE(setters_before_init_stick),
         TAP_CASE(callbacks_before_init_stick),
         TAP_CASE(signals_before_init_stick),
         TAP_CASE(disable_before_init_sticks), TAP_CASE(defaults),
         TAP_CASE(version_agrees_with_the_header),
         TAP_CASE(a_secondary_thread_may_be_the_only_user),
         TAP_CASE_T(init_from_a_secondary_thread, 20),
         TAP_CASE(main_stack_is_known_to_a_secondary_initialiser),
         TAP_CASE(frames_above_the_initialiser_are_scanned))
