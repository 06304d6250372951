/* tests/api/base_size.c: object lookup by address and interior pointers. SPDX-License-Identifier: MIT */

/*
 * Contract: GC_base maps every address inside a heap object to its start and
 * everything else to NULL; an interior pointer anywhere keeps the object; the
 * checking functions return their argument when it is right and abort when not.
 */
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 2000 };

static uintptr_t hidden[N_OBJ];
static void *volatile keep[N_OBJ];
static int some_static = 1;

static void base_of_every_byte(void) {
  static const size_t sizes[] = {1, 16, 40, 100, 1000, 5000, 40000, 300000};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
    for (int i = 0; i < 20; i++) {
      char *p = GC_malloc(sizes[s]);
      size_t step = sizes[s] > 5000 ? 97 : 1;
      for (size_t at = 0; at < sizes[s]; at += step)
        tap_require(GC_base(p + at) == p);
      tap_require(GC_base(p + GC_size(p) - 1) == p);
    }
}

static void base_of_foreign_addresses_is_null(void) {
  GC_INIT();
  int on_stack = 0;
  void *from_libc = malloc(100);
  tap_eq_p(GC_base(NULL), NULL);
  tap_eq_p(GC_base(&some_static), NULL);
  tap_eq_p(GC_base(&on_stack), NULL);
  tap_eq_p(GC_base(from_libc), NULL);
  tap_eq_p(GC_base((void *)(uintptr_t)16), NULL);
  tap_eq_p(GC_base((void *)UINTPTR_MAX), NULL);
  free(from_libc);
}

static void random_addresses_are_harmless(void) {
  char *p = GC_malloc(100);
  for (int i = 0; i < 200000; i++) {
    uintptr_t bits = tap_rand();
    uintptr_t near = (uintptr_t)p + (bits % (1u << 28)) - (1u << 27);
    GC_base((void *)(i % 2 ? near : bits));
    GC_is_heap_ptr((void *)(i % 2 ? near : bits));
  }
  tap_eq_p(GC_base(p), p);
}

static void heap_pointers_are_recognised(void) {
  for (size_t n = 1; n < 1000000; n *= 7) {
    char *p = GC_malloc(n);
    tap_check(GC_is_heap_ptr(p));
    tap_check(GC_is_heap_ptr(p + n - 1));
    tap_check(GC_is_heap_ptr(p + n / 2));
  }
  int on_stack = 0;
  void *from_libc = malloc(100);
  tap_check(!GC_is_heap_ptr(&on_stack));
  tap_check(!GC_is_heap_ptr(&some_static));
  tap_check(!GC_is_heap_ptr(from_libc));
  tap_check(!GC_is_heap_ptr(NULL));
  free(from_libc);
}

static void sizes_are_multiples_of_the_granule(void) {
  for (size_t n = 0; n < 5000; n++) {
    size_t size = GC_size(GC_malloc(n));
    tap_require(size >= n && size % 16 == 0);
    tap_require(size <= n + n / 2 + 64);
  }
}

static void kinds_are_reported(void) {
  size_t size = 0;
  tap_eq_u(GC_get_kind_and_size(GC_malloc_atomic(30), &size), 0);
  tap_ge(size, 30);
  tap_eq_u(GC_get_kind_and_size(GC_malloc(30), &size), 1);
  tap_eq_u(GC_get_kind_and_size(GC_malloc_uncollectable(30), &size), 2);
  tap_eq_u(GC_get_kind_and_size(GC_malloc_atomic_uncollectable(30), &size), 3);
  tap_eq_u(GC_get_kind_and_size(GC_malloc(300000), &size), 1);
  tap_ge(size, 300000);
}

static void same_obj_returns_its_argument(void) {
  char *p = GC_malloc(1000);
  tap_eq_p(GC_same_obj(p + 10, p + 900), p + 10);
  tap_eq_p(GC_same_obj(p, p + 1000), p); /* one past the end */
  char *big = GC_malloc(200000);
  tap_eq_p(GC_same_obj(big + 199999, big), big + 199999);
}

static void displacement_and_visibility_return_their_argument(void) {
  char *p = GC_malloc(1000);
  tap_eq_p(GC_is_valid_displacement(p), p);
  tap_eq_p(GC_is_valid_displacement(p + 8), p + 8);
  tap_eq_p(GC_is_visible(&some_static), &some_static);
  void *local = p;
  tap_eq_p(GC_is_visible(&local), &local);
}

static void increments_move_the_pointer(void) {
  char *start = GC_malloc(100);
  void *p = start;
  tap_eq_p(GC_pre_incr(&p, 10), start + 10);
  tap_eq_p(p, start + 10);
  tap_eq_p(GC_post_incr(&p, 20), start + 10);
  tap_eq_p(p, start + 30);
}

static void different_objects_abort_same_obj(void) {
  int status = 0;
  char *p = GC_malloc(100);
  char *q = GC_malloc(100);
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    GC_same_obj(p, q);
    _exit(0);
  }
  tap_require(waitpid(pid, &status, 0) == pid);
  tap_check(!(WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

static void make_interior(void *arg) {
  size_t size = *(size_t *)arg;
  for (size_t i = 0; i < N_OBJ / 10; i++) {
    char *p = GC_malloc_atomic(size);
    gu_fill(p, size, i);
    hidden[i] = gu_hide(p);
    keep[i] = p + 1 + tap_rand() % (size - 1);
  }
}

/* ---- What is wrong is told ---- */

static unsigned n_told;
static void GC_CALLBACK tell_two(void *p, void *q) {
  n_told++;
  (void)p, (void)q;
}
static void GC_CALLBACK tell_one(void *p) {
  n_told++;
  (void)p;
}

static bool tells_of(void *p, void *q) {
  n_told = 0;
  tap_eq_p(GC_same_obj(p, q), p);
  return n_told == 1;
}

static void the_heap_and_what_is_outside_differ(void) {
  static char data[16];
  GC_INIT();
  GC_same_obj_print_proc = tell_two;
  char *p = GC_malloc(100), *q = GC_malloc(100), *big = GC_malloc(100000);
  tap_check(!tells_of(p + 100, p));
  tap_check(!tells_of(p, p + 100));
  tap_check(tells_of(p, q));
  tap_check(tells_of(p, data));
  tap_check(tells_of(data, p));
  tap_check(tells_of(p, NULL));
  tap_check(tells_of(NULL, p));
  tap_check(!tells_of(NULL, NULL));
  tap_check(!tells_of(data, data + 8));
  tap_check(!tells_of(big + 99999, big));
  tap_check(tells_of(big + 200000, big));
  n_told = 0;
  void *at = p;
  tap_eq_p(GC_pre_incr(&at, 100000000), p + 100000000);
  tap_eq_u(n_told, 1);
  at = p;
  tap_eq_p(GC_post_incr(&at, -100000000), p);
  tap_eq_u(n_told, 2);
  tap_eq_p(at, p - 100000000);
}

static bool is_seen(void *p) {
  n_told = 0;
  tap_eq_p(GC_is_visible(p), p);
  return n_told == 0;
}

static void only_aligned_words_are_visible(void) {
  static void *data[4];
  void *volatile local[2] = {NULL};
  GC_INIT();
  GC_is_visible_print_proc = tell_one;
  char *p = GC_malloc(64);
  tap_check(is_seen(p));
  tap_check(is_seen(p + 8));
  tap_check(!is_seen(p + 1));
  tap_check(is_seen(data + 1));
  tap_check(!is_seen((char *)data + 4));
  tap_check(is_seen((void *)(local + 1)));
  tap_check(!is_seen((char *)local + 3));
}

static void interior_pointers_from_static_data_keep(void) {
  static size_t sizes[] = {24, 48, 500, 3000, 20000, 150000};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    gu_apart(make_interior, &sizes[s]);
    gu_collect();
    for (size_t i = 0; i < N_OBJ / 10; i++)
      memset(GC_malloc_atomic(sizes[s]), 0x7f, sizes[s]);
    for (size_t i = 0; i < N_OBJ / 10; i++)
      tap_require(gu_is_intact(gu_reveal(hidden[i]), sizes[s], i));
  }
}

static void make_interior_in_heap(void *arg) {
  char **table = arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    size_t size = 24 + i % 100 * 16;
    char *p = GC_malloc_atomic(size);
    gu_fill(p, size, i);
    hidden[i] = gu_hide(p);
    table[i] = p + tap_rand() % size;
  }
}

static void interior_pointers_from_the_heap_keep(void) {
  char **table = GC_malloc(N_OBJ * sizeof(char *));
  gu_apart(make_interior_in_heap, table);
  gu_collect();
  for (size_t i = 0; i < N_OBJ; i++)
    memset(GC_malloc_atomic(24 + i % 100 * 16), 0x7f, 24);
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(gu_reveal(hidden[i]), 24 + i % 100 * 16, i));
  GC_reachable_here(table);
}

static void interior_pointer_on_the_stack_keeps(void) {
  char *volatile inside[50];
  for (size_t i = 0; i < 50; i++) {
    char *p = GC_malloc_atomic(400);
    gu_fill(p, 400, i);
    inside[i] = p + 3 + i * 7;
  }
  gu_collect();
  for (size_t i = 0; i < 500; i++)
    memset(GC_malloc_atomic(400), 0x7f, 400);
  for (size_t i = 0; i < 50; i++)
    tap_require(gu_is_intact(inside[i] - 3 - i * 7, 400, i));
}

/* Tagged pointers as language runtimes use them. */
static void registered_displacements_keep_without_interior_pointers(void) {
  GC_set_all_interior_pointers(0);
  GC_INIT();
  tap_eq_u(GC_get_all_interior_pointers(), 0);
  for (size_t tag = 0; tag < 8; tag++)
    GC_register_displacement(tag);
  char **table = GC_malloc(N_OBJ * sizeof(char *));
  for (size_t i = 0; i < N_OBJ; i++) {
    char *p = GC_malloc_atomic(64);
    gu_fill(p, 64, i);
    table[i] = p + i % 8;
  }
  gu_collect();
  for (size_t i = 0; i < N_OBJ; i++)
    memset(GC_malloc_atomic(64), 0x7f, 64);
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(table[i] - i % 8, 64, i));
}

static void stack_pointers_are_interior_without_interior_pointers(void) {
  GC_set_all_interior_pointers(0);
  GC_INIT();
  char *volatile inside = (char *)GC_malloc_atomic(4000) + 1777;
  gu_fill(inside - 1777, 4000, 1);
  gu_collect();
  for (size_t i = 0; i < 200; i++)
    memset(GC_malloc_atomic(4000), 0x7f, 4000);
  tap_check(gu_is_intact(inside - 1777, 4000, 1));
}

static void sizes_need_no_spare_byte_without_interior_pointers(void) {
  GC_set_all_interior_pointers(0);
  GC_INIT();
  tap_eq_u(GC_size(GC_malloc(16)), 16);
  tap_eq_u(GC_size(GC_malloc(32)), 32);
}

static void make_off_page(void *arg) {
  (void)arg;
  for (size_t i = 0; i < 10; i++) {
    char *p = GC_malloc_ignore_off_page(300000);
    gu_fill(p, 300000, i);
    keep[i] = p + 200;
  }
}

static void off_page_objects_live_by_their_first_bytes(void) {
  gu_apart(make_off_page, NULL);
  gu_collect();
  for (size_t i = 0; i < 20; i++)
    memset(GC_malloc_atomic(300000), 0x7f, 300000);
  for (size_t i = 0; i < 10; i++)
    tap_require(gu_is_intact((char *)keep[i] - 200, 300000, i));
}

TAP_MAIN(TAP_CASE(base_of_every_byte),
         TAP_CASE(base_of_foreign_addresses_is_null),
         TAP_CASE(random_addresses_are_harmless),
         TAP_CASE(heap_pointers_are_recognised),
         TAP_CASE(sizes_are_multiples_of_the_granule),
         TAP_CASE(kinds_are_reported), TAP_CASE(same_obj_returns_its_argument),
         TAP_CASE(displacement_and_visibility_return_their_argument),
         TAP_CASE(increments_move_the_pointer),
         TAP_CASE(different_objects_abort_same_obj),
         TAP_CASE(the_heap_and_what_is_outside_differ),
         TAP_CASE(only_aligned_words_are_visible),
         TAP_CASE(interior_pointers_from_static_data_keep),
         TAP_CASE(interior_pointers_from_the_heap_keep),
         TAP_CASE(interior_pointer_on_the_stack_keeps),
         TAP_CASE(registered_displacements_keep_without_interior_pointers),
         TAP_CASE(stack_pointers_are_interior_without_interior_pointers),
         TAP_CASE(sizes_need_no_spare_byte_without_interior_pointers),
         TAP_CASE(off_page_objects_live_by_their_first_bytes))
