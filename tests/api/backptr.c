/* tests/api/backptr.c: who refers to an object. SPDX-License-Identifier: MIT */

/*
 * Contract: GC_get_back_ptr_info names a root, an object or the finalisers as what
 * refers to an object, whether or not that has a site; GC_print_backtrace prints the
 * way to a root, and ends in cycles, too.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#include <gc/gc.h>
#include <gc/gc_backptr.h>
#include <gc/gc_mark.h>
#include <gc/gc_typed.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

/* libgc has them if it was built so, which Debian's was not. */
#pragma weak GC_get_back_ptr_info
#pragma weak GC_generate_random_heap_address
#pragma weak GC_generate_random_valid_address
#pragma weak GC_generate_random_backtrace
#pragma weak GC_print_backtrace

enum { N_OBJ = 200, BYTES = 40 };
static void *volatile root;
static uintptr_t hidden[N_OBJ];

static void start(void) {
  if (GC_get_back_ptr_info == NULL)
    tap_skip("this library was built without back pointers");
  GC_INIT();
}

static void check_info(void *dest, GC_ref_kind kind, void *base,
                       size_t offset) {
  void *b = hidden;
  size_t o = 7;
  tap_eq_u(GC_get_back_ptr_info(dest, &b, &o), kind);
  tap_eq_p(b, base);
  tap_eq_u(o, offset);
}

/* How many of the hidden objects have that answer. */
static size_t count_kind(GC_ref_kind kind) {
  size_t n = 0;
  for (size_t i = 0; i < N_OBJ; i++) {
    void *base;
    size_t offset;
    n += GC_get_back_ptr_info(gu_reveal(hidden[i]), &base, &offset) == kind;
  }
  return n;
}

/* ---- Referrers ---- */

static void static_data(void) {
  start();
  root = GC_malloc(BYTES);
  check_info(root, GC_REFD_FROM_ROOT, (void *)&root, 0);
  check_info((char *)root + 9, GC_REFD_FROM_ROOT, (void *)&root, 0);
  root = GC_debug_malloc(BYTES, "file.c", 3);
  check_info(root, GC_REFD_FROM_ROOT, (void *)&root, 0);
}

static void registered_ranges(void) {
  static void **range;
  start();
  range = calloc(4, sizeof *range);
  GC_add_roots(range, range + 4);
  range[2] = GC_malloc_atomic(BYTES);
  check_info(range[2], GC_REFD_FROM_ROOT, range + 2, 0);
}

static void check_holder(void **holder, size_t i, void *object) {
  root = holder;
  holder[i] = object;
  check_info(object, GC_REFD_FROM_HEAP, holder, i * sizeof *holder);
}

static void objects_of_all_sorts(void) {
  start();
  check_holder(GC_malloc(BYTES), 3, GC_malloc(BYTES));
  check_holder(GC_malloc(BYTES), 0, GC_debug_malloc_atomic(8, "file.c", 4));
  check_holder(GC_debug_malloc(BYTES, "file.c", 5), 2, GC_malloc_atomic(1));
  check_holder(GC_malloc(1 << 20), 70000, GC_malloc(1 << 20));
  check_holder(GC_malloc_uncollectable(BYTES), 1, GC_malloc(BYTES));
  check_holder(GC_debug_malloc_uncollectable(BYTES, "file.c", 6), 1,
               GC_malloc(BYTES));
}

static void numbers_are_no_references(void) {
  GC_word map[1] = {1};
  start();
  GC_descr d = GC_make_descriptor(map, 4);
  void **typed = GC_malloc_explicitly_typed(4 * sizeof *typed, d);
  void **leaf = GC_malloc_atomic(BYTES);
  void **holder = GC_malloc(4 * sizeof *holder);
  void *object = GC_malloc(BYTES);
  root = holder;
  holder[0] = typed;
  holder[1] = leaf;
  typed[1] = leaf[0] = object;
  holder[3] = object;
  check_info(object, GC_REFD_FROM_HEAP, holder, 3 * sizeof *holder);
  typed[0] = object;
  holder[3] = NULL;
  check_info(object, GC_REFD_FROM_HEAP, typed, 0);
}

/* A sanitised frame outlives its function, as memory that is searched. */
static void skip_where_frames_stay(void) {
  if (TAP_ASAN)
    tap_skip("frames of functions that have returned are searched");
}

static void make_alone(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void **p = GC_malloc_uncollectable(BYTES);
    *p = p;
    hidden[i] = gu_hide(p);
  }
}

static void nobody(void) {
  skip_where_frames_stay();
  start();
  gu_apart(make_alone, NULL);
  gu_collect();
  tap_ge(count_kind(GC_UNREFERENCED), N_OBJ * 95 / 100);
}

static void outside_of_the_heap(void) {
  start();
  check_info((void *)&root, GC_NO_SPACE, NULL, 0);
  check_info(hidden, GC_NO_SPACE, NULL, 0);
}

static void drop(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    hidden[i] = gu_hide(GC_malloc(BYTES));
}

static void the_dead(void) {
  skip_where_frames_stay();
  start();
  gu_apart(drop, NULL);
  gu_collect();
  tap_ge(count_kind(GC_UNREFERENCED), N_OBJ * 95 / 100);
}

/* ---- Finalisers ---- */

static void on_final(void *object, void *data) {
  (void)object;
  (void)data;
}

static void make_finalisable(void *data) {
  for (size_t i = 0; i < N_OBJ; i++) {
    void *p = GC_malloc(BYTES);
    hidden[i] = gu_hide(p);
    GC_register_finalizer(p, on_final, data, NULL, NULL);
  }
}

static void those_that_wait_for_finalisers(void) {
  start();
  GC_set_finalize_on_demand(1);
  gu_apart(make_finalisable, NULL);
  tap_le(count_kind(GC_FINALIZER_REFD), 0);
  gu_collect();
  tap_ge(count_kind(GC_FINALIZER_REFD), N_OBJ * 95 / 100);
}

static void make_data(void *holder) {
  for (size_t i = 0; i < N_OBJ; i++) {
    void *data = GC_malloc(BYTES);
    void *p = GC_malloc(BYTES);
    hidden[i] = gu_hide(data);
    GC_register_finalizer(p, on_final, data, NULL, NULL);
    ((void **)holder)[i] = p;
  }
}

static void the_data_of_finalisers(void) {
  start();
  root = GC_malloc(N_OBJ * sizeof(void *));
  gu_apart(make_data, root);
  gu_collect();
  tap_ge(count_kind(GC_FINALIZER_REFD), N_OBJ * 95 / 100);
}

/* ---- Threads ---- */

static pthread_barrier_t barrier;

static void *hold_one(void *arg) {
  void *volatile mine = GC_malloc(BYTES);
  hidden[0] = gu_hide(mine);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  tap_check(mine != NULL);
  return arg;
}

static void stacks_of_threads(void) {
  pthread_t t;
  void *base = NULL;
  size_t offset = 1;
  start();
  pthread_barrier_init(&barrier, NULL, 2);
  tap_require(GC_pthread_create(&t, NULL, hold_one, NULL) == 0);
  pthread_barrier_wait(&barrier);
  tap_eq_u(GC_get_back_ptr_info(gu_reveal(hidden[0]), &base, &offset),
           GC_REFD_FROM_ROOT);
  tap_require(base != NULL && GC_base(base) == NULL);
  tap_eq_p(*(void **)base, gu_reveal(hidden[0]));
  tap_eq_u(offset, 0);
  pthread_barrier_wait(&barrier);
  tap_require(GC_pthread_join(t, NULL) == 0);
}

/* Where the compiler keeps it is its affair. */
static void the_caller_itself(void) {
  void *base;
  size_t offset;
  skip_where_frames_stay();
  start();
  void *mine = GC_malloc(BYTES);
  GC_ref_kind kind = GC_get_back_ptr_info(mine, &base, &offset);
  tap_check(kind == GC_REFD_FROM_ROOT || kind == GC_REFD_FROM_REG);
  tap_check((kind == GC_REFD_FROM_REG) == (base == NULL));
  tap_check(base == NULL || *(void **)base == mine);
  GC_reachable_here(mine);
}

static void *ask_often(void *arg) {
  for (int i = 0; i < 100; i++)
    check_info(root, GC_REFD_FROM_ROOT, (void *)&root, 0);
  return arg;
}

static void several_may_ask(void) {
  pthread_t t[3];
  start();
  root = GC_malloc(BYTES);
  for (int i = 0; i < 3; i++)
    tap_require(GC_pthread_create(&t[i], NULL, ask_often, NULL) == 0);
  for (int i = 0; i < 50; i++)
    GC_gcollect();
  for (int i = 0; i < 3; i++)
    tap_require(GC_pthread_join(t[i], NULL) == 0);
}

static void with_the_world_stopped_by_hand(void) {
  start();
  root = GC_malloc(BYTES);
  GC_stop_world_external();
  check_info(root, GC_REFD_FROM_ROOT, (void *)&root, 0);
  GC_start_world_external();
  check_info(root, GC_REFD_FROM_ROOT, (void *)&root, 0);
}

/* ---- By chance ---- */

static void addresses_by_chance(void) {
  start();
  root = GC_malloc(1 << 20);
  char *last = NULL;
  size_t same = 0, inside = 0;
  for (int i = 0; i < 1000; i++) {
    char *p = GC_generate_random_heap_address();
    tap_require(GC_is_heap_ptr(p));
    same += p == last;
    inside += GC_base(p) == root;
    last = p;
  }
  tap_le(same, 10);
  tap_ge(inside, 100);
}

static void live_objects_by_chance(void) {
  start();
  void **holder = GC_malloc(N_OBJ * sizeof *holder);
  root = holder;
  for (size_t i = 0; i < N_OBJ; i++)
    holder[i] = GC_malloc(1000);
  GC_gcollect();
  size_t inside = 0, seen[N_OBJ] = {0}, known = 0;
  for (int i = 0; i < 2000; i++) {
    char *p = GC_generate_random_valid_address();
    char *base = GC_base(p);
    tap_require(base != NULL && GC_is_marked(base));
    inside += p != base;
    for (size_t k = 0; k < N_OBJ; k++)
      seen[k] += holder[k] == base;
  }
  for (size_t k = 0; k < N_OBJ; k++)
    known += seen[k] != 0;
  tap_ge(inside, 1000);
  tap_ge(known, N_OBJ / 2);
}

/* ---- Ways to a root ---- */

static char said[1 << 16];
static void capture(void (*fn)(void *), void *arg) {
  FILE *file = tmpfile();
  int saved = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  fn(arg);
  dup2(saved, STDERR_FILENO);
  close(saved);
  rewind(file);
  said[fread(said, 1, sizeof said - 1, file)] = '\0';
  fclose(file);
}

/* Where a text begins behind the last one; the end of what was said if nowhere. */
static const char *next_said;
static void check_next(const char *text) {
  const char *at = strstr(next_said, text);
  if (!tap_check(at != NULL))
    tap_note("no \"%s\" in: %s", text, next_said);
  next_said = at == NULL ? strchr(next_said, '\0') : at + strlen(text);
}

static void check_next_address(const void *p) {
  char text[32];
  snprintf(text, sizeof text, "%p", p);
  check_next(text);
}

static void print_way(void *p) { GC_print_backtrace(p); }

static size_t lines_said(void) {
  size_t n = 0;
  for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
    n++;
  return n;
}

/* Each has the next one in its second word, the first one is the root's. */
static void **make_chain(size_t n) {
  void **last = GC_debug_malloc(BYTES, "chain.c", 1);
  root = last;
  for (size_t i = 2; i <= n; i++) {
    last[1] = GC_debug_malloc(BYTES, "chain.c", (int)i);
    last = last[1];
  }
  return last;
}

static void ways_are_printed_with_sites(void) {
  start();
  void **third = make_chain(3);
  third[2] = GC_malloc_atomic(BYTES);
  capture(print_way, third[2]);
  next_said = said;
  check_next_address(third[2]);
  check_next("offset 16 ");
  check_next_address(third);
  check_next("chain.c:3");
  check_next("offset 8 ");
  check_next("chain.c:2");
  check_next("offset 8 ");
  check_next_address(root);
  check_next("chain.c:1");
  check_next("static data");
  check_next_address((void *)&root);
  tap_eq_u(lines_said(), 5);
}

static void the_shortest_way_is_printed(void) {
  start();
  void **last = make_chain(20);
  ((void **)root)[3] = last;
  last[1] = root; /* a cycle */
  capture(print_way, last);
  next_said = said;
  check_next("chain.c:20");
  check_next("offset 24 ");
  check_next("chain.c:1)");
  check_next("static data");
  tap_eq_u(lines_said(), 3);
}

static void make_cycle(void *arg) {
  void **last = make_chain(5);
  last[1] = root;
  last[2] = last;
  *(uintptr_t *)arg = gu_hide(last);
  root = NULL;
}

static void cycles_end(void) {
  start();
  GC_disable();
  gu_apart(make_cycle, hidden);
  capture(print_way, gu_reveal(hidden[0]));
  next_said = said;
  check_next("chain.c:5");
  tap_le(lines_said(), 7);
  tap_check(strstr(said, "static") == NULL);
}

static void long_ways_are_cut_off(void) {
  start();
  capture(print_way, make_chain(300));
  tap_ge(lines_said(), 20);
  tap_le(lines_said(), 65);
  tap_check(strstr(said, "chain.c:299") != NULL);
}

static void keep_by_hand(void *arg) {
  void *volatile *p = GC_malloc_uncollectable(BYTES);
  *p = GC_malloc(BYTES);
  *(uintptr_t *)arg = gu_hide(*p);
}

static void the_way_may_end_in_uncollectable_objects(void) {
  start();
  gu_apart(keep_by_hand, hidden);
  capture(print_way, gu_reveal(hidden[0]));
  next_said = said;
  check_next("offset 0 ");
  check_next("freed by hand");
}

static void no_way_from_elsewhere(void) {
  start();
  capture(print_way, (void *)&root);
  tap_check(strstr(said, "no object") != NULL);
  tap_eq_u(lines_said(), 1);
}

static void print_some(void *arg) {
  (void)arg;
  for (int i = 0; i < 10; i++)
    GC_generate_random_backtrace();
}

static void some_ways(void) {
  start();
  root = GC_debug_malloc_atomic(10 << 20, "large.c", 9);
  GC_word before = GC_get_gc_no();
  capture(print_some, NULL);
  tap_eq_u(GC_get_gc_no(), before + 10);
  tap_check(strstr(said, "large.c:9") != NULL);
  tap_check(strstr(said, "static data") != NULL);
}

TAP_MAIN(TAP_CASE(static_data), TAP_CASE(registered_ranges),
         TAP_CASE(objects_of_all_sorts), TAP_CASE(numbers_are_no_references),
         TAP_CASE(nobody), TAP_CASE(outside_of_the_heap), TAP_CASE(the_dead),
         TAP_CASE(those_that_wait_for_finalisers),
         TAP_CASE(the_data_of_finalisers), TAP_CASE(stacks_of_threads),
         TAP_CASE(the_caller_itself), TAP_CASE(several_may_ask),
         TAP_CASE(with_the_world_stopped_by_hand),
         TAP_CASE(addresses_by_chance), TAP_CASE(live_objects_by_chance),
         TAP_CASE(ways_are_printed_with_sites),
         TAP_CASE(the_shortest_way_is_printed), TAP_CASE(cycles_end),
         TAP_CASE(long_ways_are_cut_off),
         TAP_CASE(the_way_may_end_in_uncollectable_objects),
         TAP_CASE(no_way_from_elsewhere), TAP_CASE(some_ways))
