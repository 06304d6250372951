/* tests/api/edges.c: nothing, too much, NULL, and what is not there. SPDX-License-Identifier: MIT */

/*
 * Contract: arguments at the edge of what makes sense have a known result, which
 * programs of libgc may rely on; they never end the process.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
#include <gc/gc_typed.h>
#include <gc/javaxfc.h>

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

/* Compilers warn of what they know. */
static volatile size_t too_much = (size_t)1 << 60, most = SIZE_MAX;
static void *volatile nothing;

enum { BIG = 100000, AREA_BYTES = 64 };

static char area[AREA_BYTES] __attribute__((aligned(16)));

static void ignore(char *text, GC_word arg) { (void)text, (void)arg; }

/* The header says that some of these are never null; libgc bears it all the same. */
static void skip_where_null_is_seen(void) {
  if (TAP_ASAN)
    tap_skip("the sanitiser complains of null where the header refuses it");
}

static void start(void) {
  GC_INIT();
  GC_set_warn_proc(ignore);
}

/* ---- Allocation ---- */

static void lists_of_nothing_and_of_much(void) {
  start();
  size_t n = 0;
  for (void *cell = GC_malloc_many(0); cell != NULL; cell = GC_NEXT(cell))
    n++;
  tap_ge(n, 1);
  void *list = GC_malloc_many(BIG);
  tap_require(list != NULL);
  tap_check(GC_NEXT(list) == NULL);
  tap_ge(GC_size(list), BIG);
  GC_generic_malloc_many(BIG, GC_I_NORMAL, &list);
  tap_require(list != NULL);
  tap_check(GC_NEXT(list) == NULL);
  list = area;
  GC_generic_malloc_many(too_much, GC_I_NORMAL, &list);
  tap_eq_p(list, NULL);
  tap_eq_p(GC_malloc_many(too_much), NULL);
}

static void strings_of_nothing_and_cut_ones(void) {
  start();
  tap_eq_s(GC_strdup(""), "");
  tap_eq_s(GC_strndup("text", 0), "");
  tap_eq_s(GC_strndup("text", 3), "tex");
  tap_eq_s(GC_strndup("text", 4), "text");
  tap_eq_s(GC_strndup("text", 4000), "text");
  tap_eq_s(GC_debug_strndup("text", 0, "file", 1), "");
  tap_eq_p(GC_debug_strdup(NULL, "file", 1), NULL);
}

static void aligned_objects_of_nothing(void) {
  start();
  for (size_t align = 16; align <= 1024; align *= 2) {
    char *p = GC_memalign(align, 0);
    tap_require(p != NULL);
    tap_eq_u((uintptr_t)p % align, 0);
    p = GC_memalign(align, 100);
    gu_fill(p, 100, align);
    tap_check(gu_is_intact(p, 100, align));
    GC_free(GC_base(p));
  }
  void *q = NULL;
  tap_eq_u(GC_posix_memalign(&q, sizeof q, 0), 0);
  tap_check(q != NULL);
  tap_eq_u(GC_posix_memalign(&q, sizeof q, too_much), ENOMEM);
  tap_eq_p(GC_memalign(64, most), NULL);
}

static void aligned_objects_of_nothing_are_objects(void) {
  GC_set_all_interior_pointers(0);
  start();
  for (size_t i = 0; i < 400; i++) {
    size_t align = (size_t)32 << i % 4;
    char *p = GC_memalign(align, 0), *base = GC_base(p);
    tap_require(base != NULL);
    tap_check(p < base + GC_size(base));
    for (size_t k = 0; k < i / 4 % 3; k++)
      memset(GC_malloc(GC_size(base)), 0xff, GC_size(base));
    char *next = GC_malloc(GC_size(base));
    tap_check(GC_base(p) != next);
    gu_fill(next, GC_size(base), i);
    GC_free(GC_base(p));
    tap_require(gu_is_intact(next, 8, i));
    void *q = GC_malloc(GC_size(base));
    tap_require(q != next);
  }
}

static void the_largest_sizes_of_all(void) {
  start();
  tap_eq_p(GC_malloc(most), NULL);
  tap_eq_p(GC_malloc_atomic(most - 7), NULL);
  tap_eq_p(GC_malloc_uncollectable(most - 15), NULL);
  tap_eq_p(GC_malloc_ignore_off_page(most - 4095), NULL);
  tap_eq_p(GC_malloc_atomic_ignore_off_page(most / 2), NULL);
  tap_eq_p(GC_generic_malloc(most, GC_I_NORMAL), NULL);
  tap_eq_p(GC_generic_or_special_malloc(most, GC_I_PTRFREE), NULL);
  tap_eq_p(GC_malloc_explicitly_typed(too_much, 8), NULL);
  tap_eq_p(GC_debug_malloc(most, "file", 1), NULL);
  tap_eq_p(GC_debug_malloc(too_much, "file", 1), NULL);
  char *p = GC_debug_malloc(8, "file", 1);
  memcpy(p, "stays", 6);
  tap_eq_p(GC_debug_realloc(p, too_much, "file", 1), NULL);
  tap_eq_s(p, "stays");
}

static void sizes_that_do_not_change(void) {
  start();
  char *p = GC_malloc(100), *big = GC_malloc(BIG);
  tap_eq_p(GC_realloc(p, 100), p);
  tap_eq_p(GC_realloc(p, 99), p);
  tap_eq_p(GC_realloc(big, BIG), big);
  tap_eq_p(GC_realloc(big, BIG - 1), big);
}

static void debugging_objects_of_nothing(void) {
  start();
  GC_debug_free(NULL);
  tap_check(GC_debug_realloc(NULL, 0, "file", 1) != NULL);
  char *p = GC_debug_malloc(10, "file", 1);
  tap_eq_p(GC_debug_realloc(p, 0, "file", 1), NULL);
}

static void typed_objects_of_nothing(void) {
  GC_word all[2] = {most, most}, none[2] = {0, 0}, one[2] = {1, 0};
  start();
  tap_eq_u(GC_make_descriptor(all, 0), 0);
  tap_eq_u(GC_make_descriptor(all, 1), sizeof(void *));
  tap_eq_u(GC_make_descriptor(all, 128), 128 * sizeof(void *));
  tap_eq_u(GC_make_descriptor(none, 128), 0);
  tap_eq_u(GC_make_descriptor(one, 64), sizeof(void *));
  tap_check(GC_calloc_explicitly_typed(0, 8, 8) != NULL);
  tap_check(GC_calloc_explicitly_typed(8, 0, 8) != NULL);
  tap_eq_p(GC_calloc_explicitly_typed(too_much, too_much, 8), NULL);
}

/* ---- Addresses ---- */

static void addresses_at_the_ends(void) {
  start();
  tap_eq_p(GC_base((void *)1), NULL);
  tap_eq_p(GC_base((void *)most), NULL);
  tap_eq_u(GC_is_heap_ptr(NULL), 0);
  tap_eq_u(GC_is_heap_ptr((void *)most), 0);
  char *p = GC_malloc_uncollectable(16);
  tap_eq_p(GC_base(p + 15), p);
  tap_check(GC_base(p + 16) != p);
  tap_check(GC_base(p - 1) != p);
  GC_free(p);
}

static void displacements_again_and_at_the_ends(void) {
  start();
  GC_register_displacement(0);
  GC_register_displacement(3);
  GC_register_displacement(3);
  GC_register_displacement(4095);
  GC_debug_register_displacement(0);
  GC_debug_register_displacement(4000);
  tap_check(GC_malloc(5000) != NULL);
}

/* ---- Finalisers and links ---- */

static void on_final(void *obj, void *data) { (void)obj, (void)data; }

static void finalisers_of_nothing(void) {
  skip_where_null_is_seen();
  start();
  GC_finalization_proc fn = on_final;
  void *data = area;
  GC_register_finalizer(nothing, on_final, NULL, &fn, &data);
  tap_check(fn == NULL);
  tap_eq_p(data, NULL);
  fn = on_final, data = area;
  char *p = GC_malloc(100);
  GC_register_finalizer_unreachable(p, NULL, NULL, &fn, &data);
  tap_check(fn == NULL);
  tap_eq_p(data, NULL);
  GC_register_finalizer(p, on_final, area, NULL, NULL);
  GC_register_finalizer_ignore_self(p, NULL, NULL, &fn, &data);
  tap_check(fn == on_final);
  tap_eq_p(data, area);
  GC_gcollect();
  tap_eq_u(GC_should_invoke_finalizers(), 0);
  tap_eq_u(GC_invoke_finalizers(), 0);
  GC_finalize_all();
  tap_eq_u(GC_invoke_finalizers(), 0);
}

static void links_that_are_not_there(void) {
  start();
  void **cell = (void **)(void *)area, **odd = (void **)(void *)(area + 1);
  tap_eq_u(GC_unregister_disappearing_link(nothing), 0);
  tap_eq_u(GC_unregister_disappearing_link(cell), 0);
  tap_eq_u(GC_unregister_disappearing_link(odd), 0);
  tap_eq_u(GC_unregister_long_link(odd), 0);
  tap_eq_u(GC_move_disappearing_link(cell, cell + 1), GC_NOT_FOUND);
  tap_eq_u(GC_move_disappearing_link(cell, cell), GC_NOT_FOUND);
  tap_eq_u(GC_move_disappearing_link(odd, cell), GC_NOT_FOUND);
  tap_eq_u(GC_move_long_link(cell, cell), GC_NOT_FOUND);
}

static void links_within_objects(void) {
  start();
  void **p = GC_malloc(4 * sizeof *p);
  tap_eq_u(GC_register_disappearing_link(p + 1), GC_SUCCESS);
  tap_eq_u(GC_unregister_disappearing_link(p), 0);
  tap_eq_u(GC_unregister_disappearing_link(p + 1), 1);
  tap_eq_u(GC_unregister_disappearing_link(p + 1), 0);
}

static void toggle_references_to_nothing(void) {
  skip_where_null_is_seen();
  start();
  tap_eq_u(GC_toggleref_add(nothing, 1), GC_SUCCESS);
  GC_gcollect();
}

/* ---- Roots ---- */

static void ranges_of_nothing(void) {
  start();
  GC_add_roots(area, area);
  GC_add_roots(area + 32, area);
  GC_add_roots(area + 1, area + 15);
  GC_gcollect();
  GC_remove_roots(area + 1, area + 15);
  GC_remove_roots(area, area + 8);
  GC_remove_roots(area + 8, area);
  GC_remove_roots(area, area);
  GC_exclude_static_roots(area + 8, area + 8);
  GC_exclude_static_roots(area + 8, area + 16);
  GC_exclude_static_roots(area + 16, area + 24);
  GC_exclude_static_roots(area, area + 8);
  GC_gcollect();
  tap_check(GC_malloc(10) != NULL);
}

static void *volatile parts[3][4] __attribute__((aligned(32)));
static uintptr_t hidden[3][4];
static void fill_parts(void *arg) {
  (void)arg;
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 4; k++) {
      parts[i][k] = GC_malloc(24);
      hidden[i][k] = gu_hide(parts[i][k]);
    }
}

static void excluded_neighbours_end_where_they_end(void) {
  start();
  GC_exclude_static_roots((void *)parts[1], (void *)(parts[1] + 2));
  GC_exclude_static_roots((void *)(parts[1] + 2), (void *)(parts[1] + 4));
  gu_apart(fill_parts, NULL);
  gu_collect();
  gu_check_none_dead(hidden[0], 4, "before the excluded ranges");
  gu_check_none_dead(hidden[2], 4, "behind the excluded ranges");
}

/* ---- Collections and figures ---- */

static void heaps_grow_by_nothing_or_not(void) {
  start();
  tap_eq_u(GC_expand_hp(0), 1);
  tap_eq_u(GC_expand_hp(1), 1);
  tap_eq_u(GC_expand_hp((size_t)1 << 62), 0);
  GC_set_max_heap_size(1 << 20);
  tap_eq_u(GC_expand_hp(8 << 20), 0);
}

static void no_function_to_stop_is_the_default(void) {
  skip_where_null_is_seen();
  start();
  GC_word before = GC_get_gc_no();
  tap_eq_u(GC_try_to_collect((GC_stop_func)nothing), 1);
  tap_ge(GC_get_gc_no(), before + 1);
}

static void callbacks_may_be_none(void) {
  start();
  GC_set_on_collection_event(NULL);
  GC_set_on_heap_resize(NULL);
  GC_set_on_thread_event(NULL);
  GC_set_start_callback(NULL);
  GC_set_finalizer_notifier(NULL);
  GC_set_await_finalize_proc(NULL);
  GC_set_toggleref_func(NULL);
  GC_register_finalizer(GC_malloc(10), on_final, NULL, NULL, NULL);
  GC_gcollect();
  tap_check(GC_malloc(1 << 20) != NULL);
  GC_set_push_other_roots(NULL);
  GC_gcollect();
}

static void figures_of_no_length(void) {
  struct GC_prof_stats_s s;
  start();
  memset(&s, 7, sizeof s);
  tap_eq_u(GC_get_prof_stats(&s, 0), 0);
  tap_eq_u(((unsigned char *)&s)[0], 7);
  tap_eq_u(GC_get_prof_stats(&s, 7), 7);
  tap_eq_u(((unsigned char *)&s)[7], 7);
  tap_eq_u(GC_get_prof_stats_unsafe(&s, 0), 0);
  GC_get_heap_usage_safe(NULL, NULL, NULL, NULL, NULL);
}

/* ---- Threads ---- */

static void *GC_CALLBACK same(void *arg) { return arg; }

static void calls_with_nothing(void) {
  start();
  tap_eq_p(GC_call_with_alloc_lock(same, NULL), NULL);
  tap_eq_p(GC_do_blocking(same, NULL), NULL);
  tap_eq_p(GC_call_with_gc_active(same, area), area);
  tap_eq_p(GC_do_blocking(same, area), area);
}

static void masks_that_are_wrong(void) {
  sigset_t set;
  start();
  sigemptyset(&set);
  tap_eq_u(GC_pthread_sigmask(77, &set, NULL), EINVAL);
  tap_eq_u(GC_pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
  tap_eq_u(GC_pthread_sigmask(77, NULL, NULL), 0);
}

static void libraries_that_are_none(void) {
  start();
  tap_eq_p(GC_dlopen("/no/library/of/this/name.so", RTLD_NOW), NULL);
  tap_check(GC_dlopen(NULL, RTLD_NOW) != NULL);
}

TAP_MAIN(TAP_CASE(lists_of_nothing_and_of_much),
         TAP_CASE(strings_of_nothing_and_cut_ones),
         TAP_CASE(aligned_objects_of_nothing),
         TAP_CASE(aligned_objects_of_nothing_are_objects),
         TAP_CASE(the_largest_sizes_of_all), TAP_CASE(sizes_that_do_not_change),
         TAP_CASE(debugging_objects_of_nothing),
         TAP_CASE(typed_objects_of_nothing), TAP_CASE(addresses_at_the_ends),
         TAP_CASE(displacements_again_and_at_the_ends),
         TAP_CASE(finalisers_of_nothing), TAP_CASE(links_that_are_not_there),
         TAP_CASE(links_within_objects), TAP_CASE(toggle_references_to_nothing),
         TAP_CASE(ranges_of_nothing),
         TAP_CASE(excluded_neighbours_end_where_they_end),
         TAP_CASE(heaps_grow_by_nothing_or_not),
         TAP_CASE(no_function_to_stop_is_the_default),
         TAP_CASE(callbacks_may_be_none), TAP_CASE(figures_of_no_length),
         TAP_CASE(calls_with_nothing), TAP_CASE(masks_that_are_wrong),
         TAP_CASE(libraries_that_are_none))
