/* tests/api/roots.c: where the collector looks for references. SPDX-License-Identifier: MIT */

/*
 * Contract: static data of the program and of loaded libraries, thread-local
 * variables, registered ranges and what the push callback adds are roots; other
 * memory is not; what was removed, cleared, excluded or filtered is no root.
 * Every "is not" is asked with tolerance, every "is" exactly.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "api/rootlib.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#ifndef TEST_ROOTLIB
#define TEST_ROOTLIB "./rootlib.so"
#endif

enum { N_OBJ = 500, OBJ_BYTES = 64 };

static uintptr_t hidden[N_OBJ];
static void *in_bss[N_OBJ];
static void *in_data[N_OBJ] = {&in_bss[0]};
static __thread void *in_tls[N_OBJ];

struct range {
  void **slots;
  size_t n;
};

static void fill_range(void *arg) {
  const struct range *r = arg;
  for (size_t i = 0; i < r->n; i++) {
    r->slots[i] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(r->slots[i], OBJ_BYTES, i);
    hidden[i] = gu_hide(r->slots[i]);
  }
}

static void fill_slots(void **slots, size_t n) {
  struct range r = {slots, n};
  gu_apart(fill_range, &r);
}

static void check_roots(void **slots, size_t n, const char *what) {
  fill_slots(slots, n);
  gu_collect();
  gu_check_none_dead(hidden, n, what);
  for (size_t i = 0; i < 4 * N_OBJ; i++)
    memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
  for (size_t i = 0; i < n; i++)
    tap_require(gu_is_intact(slots[i], OBJ_BYTES, i));
}

static void check_no_roots(void **slots, size_t n, const char *what) {
  fill_slots(slots, n);
  gu_collect();
  gu_check_most_dead(hidden, n, what);
}

static void **map_slots(void) {
  void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tap_require(p != MAP_FAILED);
  return p;
}

static void static_data_is_root(void) {
  static void *local[N_OBJ];
  check_roots(in_bss, N_OBJ, "uninitialised static data");
  check_roots(in_data, N_OBJ, "initialised static data");
  check_roots(local, N_OBJ, "static variables of functions");
}

static void thread_variables_of_main_are_roots(void) {
  check_roots(in_tls, N_OBJ, "thread-local variables of the main thread");
}

static void *fill_own_variables(void *arg) {
  check_roots(in_tls, N_OBJ, "thread-local variables of a thread");
  return arg;
}

static void thread_variables_of_threads_are_roots(void) {
  pthread_t t;
  GC_INIT();
  tap_require(GC_pthread_create(&t, NULL, fill_own_variables, NULL) == 0);
  GC_pthread_join(t, NULL);
}

static void mapped_memory_is_no_root(void) {
  GC_INIT();
  check_no_roots(map_slots(), N_OBJ, "mapped memory");
}

static void libc_memory_is_no_root(void) {
  GC_INIT();
  void **p = malloc(1000000);
  check_no_roots(p, N_OBJ, "memory of malloc");
  free(p);
}

static void added_ranges_are_roots(void) {
  GC_INIT();
  void **p = map_slots();
  GC_add_roots(p, p + N_OBJ);
  check_roots(p, N_OBJ, "added range");
  check_roots(p, N_OBJ, "added range, again");
}

static void added_ranges_end_where_they_end(void) {
  GC_INIT();
  void **p = map_slots();
  GC_add_roots(p + N_OBJ, p + 2 * N_OBJ);
  check_no_roots(p, N_OBJ, "before the added range");
  check_no_roots(p + 2 * N_OBJ, N_OBJ, "after the added range");
  check_roots(p + N_OBJ, N_OBJ, "added range");
}

static void ranges_may_overlap_and_nest(void) {
  GC_INIT();
  void **p = map_slots();
  GC_add_roots(p, p + 200);
  GC_add_roots(p + 100, p + N_OBJ);
  GC_add_roots(p + 150, p + 160);
  GC_add_roots(p, p + 200);
  check_roots(p, N_OBJ, "overlapping ranges");
}

static void adjacent_ranges_are_roots(void) {
  GC_INIT();
  void **p = map_slots();
  for (size_t i = 0; i < N_OBJ; i += 10)
    GC_add_roots(p + i, p + i + 10);
  check_roots(p, N_OBJ, "adjacent ranges");
}

static void many_ranges_are_roots(void) {
  GC_INIT();
  void **p = map_slots();
  for (size_t i = 0; i < N_OBJ; i++)
    GC_add_roots(p + 3 * i, p + 3 * i + 1);
  for (size_t i = 0; i < N_OBJ; i++) {
    p[3 * i] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(p[3 * i], OBJ_BYTES, i);
  }
  gu_collect();
  for (size_t i = 0; i < 4 * N_OBJ; i++)
    memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(p[3 * i], OBJ_BYTES, i));
}

static void removed_ranges_are_no_roots(void) {
  GC_INIT();
  void **p = map_slots();
  GC_add_roots(p, p + N_OBJ);
  GC_add_roots(p + 2 * N_OBJ, p + 3 * N_OBJ);
  check_roots(p, N_OBJ, "added range");
  GC_remove_roots(p, p + N_OBJ);
  check_no_roots(p, N_OBJ, "removed range");
  check_roots(p + 2 * N_OBJ, N_OBJ, "other range");
}

static void one_removal_covers_several_ranges(void) {
  GC_INIT();
  void **p = map_slots();
  for (size_t i = 0; i < N_OBJ; i += 100)
    GC_add_roots(p + i, p + i + 50);
  GC_remove_roots(p, p + N_OBJ);
  check_no_roots(p, N_OBJ, "removed ranges");
}

static void ranges_come_and_go(void) {
  GC_INIT();
  void **p = map_slots();
  for (int i = 0; i < 3000; i++) {
    GC_add_roots(p, p + N_OBJ);
    GC_remove_roots(p, p + N_OBJ);
  }
  check_no_roots(p, N_OBJ, "removed range");
  GC_add_roots(p, p + N_OBJ);
  check_roots(p, N_OBJ, "range added again");
}

static void cleared_roots_are_no_roots(void) {
  GC_set_no_dls(1);
  GC_INIT();
  GC_clear_roots();
  check_no_roots(in_bss, N_OBJ, "static data after clearing");
  GC_add_roots(in_bss, in_bss + N_OBJ);
  check_roots(in_bss, N_OBJ, "added static data");
}

static void cleared_roots_leave_the_stack(void) {
  void *volatile slots[50];
  GC_set_no_dls(1);
  GC_INIT();
  GC_clear_roots();
  for (size_t i = 0; i < 50; i++) {
    slots[i] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(slots[i], OBJ_BYTES, i);
  }
  gu_collect();
  for (size_t i = 0; i < 4 * N_OBJ; i++)
    memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
  for (size_t i = 0; i < 50; i++)
    tap_require(gu_is_intact(slots[i], OBJ_BYTES, i));
}

static void excluded_data_is_no_root(void) {
  GC_exclude_static_roots(in_bss, in_bss + N_OBJ);
  GC_INIT();
  check_no_roots(in_bss, N_OBJ, "excluded static data");
  check_roots(in_data, N_OBJ, "other static data");
}

static void exclusion_after_init_counts_too(void) {
  GC_INIT();
  GC_exclude_static_roots(in_bss, in_bss + N_OBJ);
  gu_collect();
  check_no_roots(in_bss, N_OBJ, "excluded static data");
}

/* ---- Libraries ---- */

static struct {
  void *handle;
  void **(*bss)(void);
  void **(*data)(void);
  void **(*tls)(void);
} lib;

static void load_library(void) {
  lib.handle = GC_dlopen(TEST_ROOTLIB, RTLD_NOW);
  if (lib.handle == NULL)
    tap_note("%s", dlerror());
  tap_require(lib.handle != NULL);
  *(void **)&lib.bss = dlsym(lib.handle, "rootlib_bss");
  *(void **)&lib.data = dlsym(lib.handle, "rootlib_data");
  *(void **)&lib.tls = dlsym(lib.handle, "rootlib_tls");
  tap_require(lib.bss != NULL && lib.data != NULL && lib.tls != NULL);
}

static void data_of_a_loaded_library_is_root(void) {
  GC_INIT();
  gu_collect();
  load_library();
  check_roots(lib.bss(), ROOTLIB_SLOTS, "library's zeroed data");
  check_roots(lib.data(), ROOTLIB_SLOTS, "library's filled data");
}

static void unloaded_library_is_no_root(void) {
  GC_INIT();
  for (int i = 0; i < 10; i++) {
    load_library();
    fill_slots(lib.bss(), ROOTLIB_SLOTS);
    gu_collect();
    gu_check_none_dead(hidden, ROOTLIB_SLOTS, "library's data");
    dlclose(lib.handle);
    gu_collect();
    gu_check_most_dead(hidden, ROOTLIB_SLOTS, "unloaded library's data");
  }
}

static void library_loaded_by_plain_dlopen_is_root(void) {
  GC_INIT();
  void *handle = dlopen(TEST_ROOTLIB, RTLD_NOW);
  tap_require(handle != NULL);
  void **(*bss)(void);
  *(void **)&bss = dlsym(handle, "rootlib_bss");
  tap_require(bss != NULL);
  check_roots(bss(), ROOTLIB_SLOTS, "library's data");
}

static void static_tls_of_a_library_is_root(void) {
  GC_INIT();
  load_library();
  check_roots(lib.tls(), ROOTLIB_TLS_SLOTS, "library's thread-local data");
}

static void *fill_library_tls(void *arg) {
  check_roots(lib.tls(), ROOTLIB_TLS_SLOTS, "library's thread-local data");
  return arg;
}

static void static_tls_of_a_library_is_root_in_threads(void) {
  pthread_t t;
  GC_INIT();
  load_library();
  tap_require(GC_pthread_create(&t, NULL, fill_library_tls, NULL) == 0);
  GC_pthread_join(t, NULL);
}

static void libraries_are_no_roots_without_dls(void) {
  GC_set_no_dls(1);
  GC_INIT();
  load_library();
  check_no_roots(lib.bss(), ROOTLIB_SLOTS, "library's data without dls");
}

static void program_data_is_root_without_dls(void) {
  GC_set_no_dls(1);
  GC_INIT();
  check_roots(in_bss, N_OBJ, "program's data without dls");
}

static int refuse_rootlib(const char *name, void *start, size_t size) {
  (void)start;
  (void)size;
  return strstr(name, "rootlib") == NULL;
}

static void libraries_can_be_filtered_by_name(void) {
  GC_register_has_static_roots_callback(refuse_rootlib);
  GC_INIT();
  load_library();
  check_no_roots(lib.bss(), ROOTLIB_SLOTS, "filtered library's data");
  check_roots(in_bss, N_OBJ, "program's data");
}

/* ---- The push callback ---- */

static GC_push_other_roots_proc previous;
static size_t n_pushes;
static void **pushed;

static void push_all(void) {
  n_pushes++;
  GC_push_all(pushed, pushed + N_OBJ);
  if (previous != NULL)
    previous();
}

static void push_all_eager(void) {
  GC_push_all_eager(pushed, pushed + N_OBJ);
  if (previous != NULL)
    previous();
}

static void push_conditional(void) {
  GC_push_conditional(pushed, pushed + N_OBJ, 1);
  if (previous != NULL)
    previous();
}

static void install_push(GC_push_other_roots_proc proc) {
  GC_INIT();
  pushed = map_slots();
  previous = GC_get_push_other_roots();
  GC_set_push_other_roots(proc);
  tap_check(GC_get_push_other_roots() == proc);
}

static void push_callback_is_called_once_each(void) {
  install_push(push_all);
  size_t no = GC_get_gc_no();
  for (int i = 0; i < 5; i++)
    GC_gcollect();
  tap_eq_u(n_pushes, GC_get_gc_no() - no);
}

static void pushed_ranges_are_roots(void) {
  install_push(push_all);
  check_roots(pushed, N_OBJ, "pushed range");
  GC_set_push_other_roots(previous);
  check_no_roots(pushed, N_OBJ, "range not pushed any more");
}

static void eagerly_pushed_ranges_are_roots(void) {
  install_push(push_all_eager);
  check_roots(pushed, N_OBJ, "eagerly pushed range");
}

static void conditionally_pushed_ranges_are_roots(void) {
  install_push(push_conditional);
  check_roots(pushed, N_OBJ, "conditionally pushed range");
}

static pthread_barrier_t both;

static void *hold_on_stack(void *arg) {
  void *volatile slots[50];
  for (size_t i = 0; i < 50; i++) {
    slots[i] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(slots[i], OBJ_BYTES, i);
  }
  pthread_barrier_wait(&both);
  pthread_barrier_wait(&both);
  for (size_t i = 0; i < 50; i++)
    tap_require(gu_is_intact(slots[i], OBJ_BYTES, i));
  return arg;
}

static void chained_callback_keeps_thread_stacks(void) {
  pthread_t t;
  if (TAP_TSAN)
    tap_skip("the sanitiser delays signals at a barrier");
  install_push(push_all);
  pthread_barrier_init(&both, NULL, 2);
  tap_require(GC_pthread_create(&t, NULL, hold_on_stack, NULL) == 0);
  pthread_barrier_wait(&both);
  gu_collect();
  for (size_t i = 0; i < 4 * N_OBJ; i++)
    memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
  pthread_barrier_wait(&both);
  GC_pthread_join(t, NULL);
}

TAP_MAIN(
    TAP_CASE(static_data_is_root), TAP_CASE(thread_variables_of_main_are_roots),
    TAP_CASE(thread_variables_of_threads_are_roots),
    TAP_CASE(mapped_memory_is_no_root), TAP_CASE(libc_memory_is_no_root),
    TAP_CASE(added_ranges_are_roots), TAP_CASE(added_ranges_end_where_they_end),
    TAP_CASE(ranges_may_overlap_and_nest), TAP_CASE(adjacent_ranges_are_roots),
    TAP_CASE(many_ranges_are_roots), TAP_CASE(removed_ranges_are_no_roots),
    TAP_CASE(one_removal_covers_several_ranges), TAP_CASE(ranges_come_and_go),
    TAP_CASE(cleared_roots_are_no_roots),
    TAP_CASE(cleared_roots_leave_the_stack), TAP_CASE(excluded_data_is_no_root),
    TAP_CASE(exclusion_after_init_counts_too),
    TAP_CASE(data_of_a_loaded_library_is_root),
    TAP_CASE(unloaded_library_is_no_root),
    TAP_CASE(library_loaded_by_plain_dlopen_is_root),
    TAP_CASE(static_tls_of_a_library_is_root),
    TAP_CASE(static_tls_of_a_library_is_root_in_threads),
    TAP_CASE(libraries_are_no_roots_without_dls),
    TAP_CASE(program_data_is_root_without_dls),
    TAP_CASE(libraries_can_be_filtered_by_name),
    TAP_CASE(push_callback_is_called_once_each),
    TAP_CASE(pushed_ranges_are_roots),
    TAP_CASE(eagerly_pushed_ranges_are_roots),
    TAP_CASE(conditionally_pushed_ranges_are_roots),
    TAP_CASE(chained_callback_keeps_thread_stacks))
