/* tests/api/traces.c: reports name the calls that led to an allocation. SPDX-License-Identifier: MIT */

/*
 * Contract: with GCX_CALL_CHAIN=n debugging objects remember the n innermost calls,
 * which reports of leaks and of damage name; without, nothing is different.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#include <gc/gc.h>
#include <gc/gc_backptr.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

#pragma weak GC_print_backtrace

enum { N_LOST = 10, BYTES = 100 };
static char *volatile keep[N_LOST];
static char said[1 << 16];

/* Names are those of functions that the loader knows, so these two are global. */
void *tests_innermost_caller(const char *file, int line);
void *tests_outer_caller(const char *file, int line);

GU_NOINLINE void *tests_innermost_caller(const char *file, int line) {
  void *p = GC_debug_malloc(BYTES, file, line);
  __asm__ volatile("" : "+r"(p)); /* no tail call */
  return p;
}

GU_NOINLINE void *tests_outer_caller(const char *file, int line) {
  void *p = tests_innermost_caller(file, line);
  __asm__ volatile("" : "+r"(p));
  return p;
}

static void start(const char *calls) {
  if (!gu_on_reclaim())
    tap_skip("it remembers calls if it was built so");
  tap_require(calls == NULL || setenv("GCX_CALL_CHAIN", calls, 1) == 0);
  GC_INIT();
}

static void capture(void (*fn)(void)) {
  FILE *file = tmpfile();
  int saved = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  fn();
  dup2(saved, STDERR_FILENO);
  close(saved);
  rewind(file);
  said[fread(said, 1, sizeof said - 1, file)] = '\0';
  fclose(file);
}

static size_t count_said(const char *text) {
  size_t n = 0;
  for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
    n++;
  return n;
}

/* ---- Reports ---- */

static void lose(void *arg) {
  (void)arg;
  for (int i = 0; i < N_LOST; i++)
    tests_outer_caller("lost.c", 70 + i);
}

static void lose_and_collect(void) {
  gu_apart(lose, NULL);
  gu_collect();
}

static void find_leaks(void) {
  GC_set_find_leak(1);
  capture(lose_and_collect);
  GC_set_find_leak(0);
  tap_ge(count_said("lost.c:7"), N_LOST - 1);
}

static void leaks_name_their_callers(void) {
  start("4");
  find_leaks();
  tap_eq_u(count_said("tests_innermost_caller"), count_said("lost.c:7"));
  tap_eq_u(count_said("tests_outer_caller"), count_said("lost.c:7"));
  tap_eq_u(count_said("    called from "), 4 * count_said("lost.c:7"));
  tap_eq_u(count_said("GC_debug_malloc"), 0);
}

static void one_call_is_the_innermost(void) {
  start("1");
  find_leaks();
  tap_eq_u(count_said("tests_innermost_caller"), count_said("lost.c:7"));
  tap_eq_u(count_said("    called from "), count_said("lost.c:7"));
}

static void no_calls_by_default(void) {
  start(NULL);
  find_leaks();
  tap_eq_u(count_said("    called from "), 0);
  void *base = GC_base(GC_debug_malloc(BYTES, "file.c", 1));
  tap_le(GC_size(base), BYTES + 32 + 8 + 16);
}

static void many_calls_are_cut_off(void) {
  start("1000");
  find_leaks();
  tap_ge(count_said("    called from "), 4 * N_LOST / 2);
  tap_le(count_said("    called from "), 16 * N_LOST);
}

static void smash(void) {
  keep[0] = tests_outer_caller("smashed.c", 3);
  keep[0][BYTES] = 1;
  keep[0][BYTES + 4] = 1;
}

static void smash_and_collect(void) {
  smash();
  GC_gcollect();
}

static void smash_and_free(void) {
  smash();
  GC_debug_free(keep[0]);
}

static void check_smashed(void) {
  tap_eq_u(count_said("smashed.c:3"), 1);
  tap_eq_u(count_said("tests_innermost_caller"), 1);
  tap_eq_u(count_said("tests_outer_caller"), 1);
}

static void damage_names_the_callers(void) {
  start("4");
  capture(smash_and_collect);
  check_smashed();
}

static void damage_found_by_free_names_them(void) {
  start("4");
  capture(smash_and_free);
  check_smashed();
}

static void print_way(void) { GC_print_backtrace(keep[0]); }

static void ways_to_roots_name_them(void) {
  start("4");
  keep[0] = tests_outer_caller("way.c", 5);
  capture(print_way);
  tap_eq_u(count_said("way.c:5"), 1);
  tap_eq_u(count_said("tests_innermost_caller"), 1);
  tap_eq_u(count_said("static data"), 1);
}

/* ---- Objects ---- */

static void use_and_free(void) {
  for (size_t n = 0; n < 20000; n++) {
    char *p = GC_debug_malloc(n % 300, "file.c", 1);
    memset(p, 0xff, n % 300);
    p = GC_debug_realloc(p, n % 300 + 50, "file.c", 2);
    for (size_t i = 0; i < n % 300; i++)
      tap_require(p[i] == (char)0xff);
    memset(p, 0x11, n % 300 + 50);
    keep[n % N_LOST] = p;
    if (n % 7 == 0) {
      GC_debug_free(p);
      keep[n % N_LOST] = NULL;
    }
    if (n % 1000 == 0)
      GC_gcollect();
  }
}

static void objects_are_as_without(void) {
  start("16");
  capture(use_and_free);
  tap_eq_s(said, "");
}

static void *allocate_often(void *arg) {
  for (int i = 0; i < 5000; i++) {
    char *p = tests_outer_caller("thread.c", 1);
    memset(p, i, BYTES);
  }
  return arg;
}

static void threads_allocate_while_others_collect(void) {
  pthread_t t[3];
  start("8");
  for (int i = 0; i < 3; i++)
    tap_require(GC_pthread_create(&t[i], NULL, allocate_often, NULL) == 0);
  for (int i = 0; i < 100; i++)
    GC_gcollect();
  for (int i = 0; i < 3; i++)
    tap_require(GC_pthread_join(t[i], NULL) == 0);
}

TAP_MAIN(TAP_CASE(leaks_name_their_callers),
         TAP_CASE(one_call_is_the_innermost), TAP_CASE(no_calls_by_default),
         TAP_CASE(many_calls_are_cut_off), TAP_CASE(damage_names_the_callers),
         TAP_CASE(damage_found_by_free_names_them),
         TAP_CASE(ways_to_roots_name_them), TAP_CASE(objects_are_as_without),
         TAP_CASE(threads_allocate_while_others_collect))
