/* tests/api/limits.c: heap limits, out of memory, absurd sizes. SPDX-License-Identifier: MIT */

/*
 * Contract: what can not be had gives the result of the out-of-memory function
 * (which may leave by longjmp, so no lock is held) and leaves the heap whole;
 * growth is limited by the maximum heap size; small address spaces suffice.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

#define MB ((size_t)1024 * 1024)
enum { N_KEEP = 20000 };

static void *volatile keep[N_KEEP];
static size_t n_oom, last_oom;
static char answer[16];
static jmp_buf escape;

static void *give_answer(size_t n) {
  n_oom++;
  last_oom = n;
  return answer;
}

static void *give_null(size_t n) {
  n_oom++;
  last_oom = n;
  return NULL;
}

static void *leap_out(size_t n) {
  last_oom = n;
  longjmp(escape, 1);
}

static void fill_and_verify(size_t n) {
  for (size_t i = 0; i < n; i++) {
    keep[i] = GC_malloc_atomic(200);
    tap_require(keep[i] != NULL);
    gu_fill(keep[i], 200, i);
  }
  gu_collect();
  for (size_t i = 0; i < n; i++)
    memset(GC_malloc_atomic(200), 0x7f, 200);
  for (size_t i = 0; i < n; i++)
    tap_require(gu_is_intact(keep[i], 200, i));
}

static void expansion_grows_at_once(void) {
  GC_INIT();
  size_t before = GC_get_heap_size();
  tap_eq_u(GC_expand_hp(30 * MB), 1);
  tap_ge(GC_get_heap_size(), before + 30 * MB);
  fill_and_verify(1000);
}

static void big_expansion_uses_no_memory(void) {
  GC_INIT();
  tap_eq_u(GC_expand_hp(384 * MB), 1);
  tap_ge(GC_get_heap_size(), 384 * MB);
  tap_le(gu_peak_rss_kib(), 60 * 1024);
  fill_and_verify(1000);
}

static void expanded_heap_is_used_before_collecting(void) {
  GC_INIT();
  GC_expand_hp(64 * MB);
  size_t no = GC_get_gc_no();
  for (size_t i = 0; i < 20 * 1024; i++)
    GC_malloc_atomic(1000);
  tap_le(GC_get_gc_no() - no, 1);
}

static const size_t absurd[] = {(size_t)1 << 62, SIZE_MAX, SIZE_MAX - 15,
                                SIZE_MAX / 2, (size_t)1 << 48};
#define N_ABSURD (sizeof absurd / sizeof absurd[0])

/* Calls through a volatile pointer: the compiler knows these functions. */
static void check_absurd(void *(*call)(size_t), void *want) {
  void *(*volatile alloc)(size_t) = call;
  GC_set_warn_proc(GC_ignore_warn_proc);
  for (size_t i = 0; i < N_ABSURD; i++) {
    size_t before = n_oom;
    tap_eq_p(alloc(absurd[i]), want);
    tap_eq_u(n_oom, before + 1);
  }
}

static void absurd_sizes_give_the_answer(void) {
  GC_INIT();
  GC_set_oom_fn(give_answer);
  tap_check(GC_get_oom_fn() == give_answer);
  check_absurd(GC_malloc, answer);
  check_absurd(GC_malloc_atomic, answer);
  check_absurd(GC_malloc_ignore_off_page, answer);
  check_absurd(GC_malloc_atomic_ignore_off_page, answer);
  fill_and_verify(1000);
}

static void absurd_uncollectable_sizes_give_null(void) {
  GC_INIT();
  GC_set_oom_fn(give_null);
  check_absurd(GC_malloc_uncollectable, NULL);
  check_absurd(GC_malloc_atomic_uncollectable, NULL);
  fill_and_verify(1000);
}

static void absurd_uncollectable_sizes_give_the_answer(void) {
  GC_INIT();
  GC_set_oom_fn(give_answer);
  check_absurd(GC_malloc_uncollectable, answer);
  check_absurd(GC_malloc_atomic_uncollectable, answer);
  fill_and_verify(1000);
}

static void absurd_sizes_give_null_by_default(void) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  for (size_t i = 0; i < N_ABSURD; i++) {
    volatile size_t n = absurd[i];
    tap_eq_p(GC_malloc(n), NULL);
    tap_eq_p(GC_malloc_atomic(n), NULL);
  }
  fill_and_verify(1000);
}

static void absurd_generic_sizes_give_the_answer(void) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(give_answer);
  for (size_t i = 0; i < N_ABSURD; i++) {
    volatile size_t n = absurd[i];
    tap_eq_p(GC_generic_malloc(n, 1), answer);
    tap_eq_p(GC_malloc_kind(n, 0), answer);
    tap_eq_p(GC_memalign(256, n), answer);
  }
  fill_and_verify(1000);
}

static void absurd_realloc_leaves_the_object(void) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(give_null);
  void *volatile p = GC_malloc(1000);
  gu_fill(p, 1000, 5);
  for (size_t i = 0; i < N_ABSURD; i++) {
    volatile size_t n = absurd[i];
    tap_eq_p(GC_realloc(p, n), NULL);
  }
  tap_check(gu_is_intact(p, 1000, 5));
}

static void posix_memalign_reports_no_memory(void) {
  void *p = answer;
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  volatile size_t n = (size_t)1 << 62;
  tap_eq_u(GC_posix_memalign(&p, 64, n), ENOMEM);
}

static void oom_function_may_leave_by_longjmp(void) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(leap_out);
  volatile size_t n = (size_t)1 << 62;
  volatile int escaped = 0;
  for (volatile int i = 0; i < 20; i++) {
    if (setjmp(escape) == 0)
      GC_malloc(n);
    else
      escaped++;
    tap_check(GC_malloc(100) != NULL);
    GC_gcollect();
  }
  tap_eq_u(escaped, 20);
  fill_and_verify(1000);
}

static void *allocate_instead(size_t n) {
  n_oom++;
  last_oom = n;
  GC_gcollect();
  return GC_malloc(64);
}

static void oom_function_may_allocate(void) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(allocate_instead);
  volatile size_t n = (size_t)1 << 62;
  void *p = GC_malloc(n);
  tap_check(p != NULL && GC_base(p) == p);
  tap_eq_u(n_oom, 1);
}

/* ---- Maximum heap size ---- */

/* Allocates held objects until there is no more; returns their number. */
static size_t fill_up(size_t size) {
  size_t n = 0;
  while (n < N_KEEP) {
    void *p = GC_malloc_atomic(size);
    if (p == NULL)
      break;
    gu_fill(p, 64, n);
    keep[n++] = p;
  }
  return n;
}

static void check_kept(size_t n) {
  for (size_t i = 0; i < n; i++)
    tap_require(gu_is_intact(keep[i], 64, i));
}

static void drop_all(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_KEEP; i++)
    keep[i] = NULL;
}

static void maximum_heap_size_limits(void) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(give_null);
  GC_set_max_heap_size(32 * MB);
  size_t n = fill_up(4000);
  tap_ge(n, 4000);
  tap_le(n, 32 * MB / 4000);
  tap_le(GC_get_heap_size(), 32 * MB);
  tap_eq_u(n_oom, 1);
  tap_ge(last_oom, 4000);
  check_kept(n);
}

static void memory_comes_back_below_the_maximum(void) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(give_null);
  GC_set_max_heap_size(32 * MB);
  for (int round = 0; round < 5; round++) {
    size_t n = fill_up(4000);
    tap_ge(n, 4000);
    check_kept(n);
    gu_apart(drop_all, NULL);
    gu_collect();
  }
}

static void garbage_fits_below_the_maximum(void) {
  GC_INIT();
  GC_set_oom_fn(give_null);
  GC_set_max_heap_size(16 * MB);
  for (size_t i = 0; i < 400000; i++)
    tap_require(GC_malloc(i % 1000) != NULL);
  tap_eq_u(n_oom, 0);
  tap_le(GC_get_heap_size(), 16 * MB);
}

static void large_request_above_the_maximum(void) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(give_answer);
  GC_set_max_heap_size(8 * MB);
  tap_eq_p(GC_malloc(64 * MB), answer);
  tap_eq_u(n_oom, 1);
  fill_and_verify(1000);
}

/* ---- Warnings ---- */

static void quiet(char *text, GC_word arg) {
  (void)text;
  (void)arg;
}

static void warn_proc_is_kept(void) {
  GC_INIT();
  tap_check(GC_get_warn_proc() != NULL);
  GC_set_warn_proc(quiet);
  tap_check(GC_get_warn_proc() == quiet);
  GC_set_warn_proc(GC_ignore_warn_proc);
  tap_check(GC_get_warn_proc() == GC_ignore_warn_proc);
}

/* ---- Small address spaces ---- */

static void *allocate_in_thread(void *arg) {
  size_t n = *(size_t *)arg;
  for (size_t i = 0; i < n; i++)
    if (GC_malloc(100) == NULL)
      return NULL;
  return arg;
}

static void two_threads_allocate(size_t n) {
  pthread_t t;
  void *result = NULL;
  tap_require(GC_pthread_create(&t, NULL, allocate_in_thread, &n) == 0);
  tap_check(allocate_in_thread(&n) != NULL);
  GC_pthread_join(t, &result);
  tap_check(result != NULL);
}

static void role_limited(size_t live, size_t garbage) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  for (size_t i = 0; i < live / MB; i++) {
    keep[i] = GC_malloc_atomic(MB - 100);
    tap_require(keep[i] != NULL);
    gu_fill(keep[i], 64, i);
  }
  for (size_t i = 0; i < garbage / 1000; i++)
    tap_require(GC_malloc(1000) != NULL);
  check_kept(live / MB);
}

static void role_64(void) { role_limited(12 * MB, 60 * MB); }

static void role_512(void) {
  role_limited(100 * MB, 300 * MB);
  two_threads_allocate(200000);
}

static void role_8192(void) {
  role_limited(100 * MB, 300 * MB);
  two_threads_allocate(200000);
}

/* The whole address space is used up; then everything is dropped. */
static void role_exhaust(void) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(give_null);
  size_t n = fill_up(100000);
  tap_ge(n, 1000);
  tap_le(n, 5400);
  tap_check(n_oom >= 1);
  check_kept(n);
  drop_all(NULL);
  gu_collect();
  tap_ge(fill_up(100000), n / 2);
}

/* ---- Links without memory ---- */

enum { N_LINKS = 1 << 23, SPACE_BYTES = 160 << 20, REFUSED = 1000 };

static void **all_objects; /* a list through first words */

static void use_up_memory(void) {
  for (size_t bytes = 1 << 20; bytes >= 16; bytes /= 2)
    for (void **p; (p = GC_malloc(bytes)) != NULL; all_objects = p)
      p[0] = all_objects;
}

static void role_without_memory(void) {
  size_t n_refused = 0;
  GC_word *links = calloc(N_LINKS, sizeof *links);
  tap_require(links != NULL);
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_set_oom_fn(give_null);
  GC_general_register_disappearing_link((void **)&links[0], GC_malloc(1));
  use_up_memory();
  tap_require(all_objects != NULL);
  for (size_t i = 1; i < N_LINKS && n_refused < REFUSED; i++) {
    int result =
        GC_general_register_disappearing_link((void **)&links[i], all_objects);
    tap_require(result == GC_SUCCESS || result == GC_NO_MEMORY);
    n_refused += result == GC_NO_MEMORY;
  }
  tap_eq_u(n_refused, REFUSED);
  GC_gcollect();
}

static const tap_case roles[] = {TAP_CASE(role_64), TAP_CASE(role_512),
                                 TAP_CASE(role_8192), TAP_CASE(role_exhaust),
                                 TAP_CASE(role_without_memory)};

static void works_in_64_mb_of_address_space(void) {
  gu_check_role("role_64", NULL, 64 * MB);
}

static void works_in_512_mb_of_address_space(void) {
  gu_check_role("role_512", NULL, 512 * MB);
}

static void works_in_8_gb_of_address_space(void) {
  gu_check_role("role_8192", NULL, 8192 * MB);
}

static void exhausted_address_space_recovers(void) {
  gu_check_role("role_exhaust", NULL, 512 * MB);
}

static void links_may_find_no_memory(void) {
  gu_check_role("role_without_memory", NULL, SPACE_BYTES);
}

int main(int argc, char **argv) {
  static const tap_case cases[] = {
      TAP_CASE(expansion_grows_at_once),
      TAP_CASE(big_expansion_uses_no_memory),
      TAP_CASE(expanded_heap_is_used_before_collecting),
      TAP_CASE(absurd_sizes_give_the_answer),
      TAP_CASE(absurd_uncollectable_sizes_give_null),
      TAP_CASE(absurd_uncollectable_sizes_give_the_answer),
      TAP_CASE(absurd_sizes_give_null_by_default),
      TAP_CASE(absurd_generic_sizes_give_the_answer),
      TAP_CASE(absurd_realloc_leaves_the_object),
      TAP_CASE(posix_memalign_reports_no_memory),
      TAP_CASE(oom_function_may_leave_by_longjmp),
      TAP_CASE(oom_function_may_allocate),
      TAP_CASE(maximum_heap_size_limits),
      TAP_CASE(memory_comes_back_below_the_maximum),
      TAP_CASE(garbage_fits_below_the_maximum),
      TAP_CASE(large_request_above_the_maximum),
      TAP_CASE(warn_proc_is_kept),
      TAP_CASE(works_in_64_mb_of_address_space),
      TAP_CASE(works_in_512_mb_of_address_space),
      TAP_CASE(works_in_8_gb_of_address_space),
      TAP_CASE(exhausted_address_space_recovers),
      TAP_CASE(links_may_find_no_memory)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
