/* tests/api/describe.c: descriptions of objects in reports of leaks. SPDX-License-Identifier: MIT */

/*
 * Contract: the function that is registered for a kind writes what an object is
 * into the report that it has leaked, beside its site.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define GC_DEBUG
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_LOST = 10, BYTES = 40 };

static int kind = GC_I_NORMAL;

/* Each object has a text of its own in it. */
static void lose(void *arg) {
  (void)arg;
  for (int i = 0; i < N_LOST; i++) {
    char *p = GC_debug_generic_or_special_malloc(BYTES, kind, "lost.c", 70 + i);
    memcpy(p, "apple pie no. 0", 16);
    p[14] = (char)('0' + i);
  }
}

static void lose_and_collect(void) {
  gu_apart(lose, NULL);
  gu_collect();
}

static void start_finding_leaks(void) {
  GC_set_find_leak(1);
  GC_INIT();
}

static void copy_its_text(void *object, char *text) {
  memcpy(text, object, 16);
}

static void check_descriptions(void) {
  gu_said(lose_and_collect);
  GC_set_find_leak(0);
  tap_ge(gu_count_said("lost.c:7"), N_LOST - 1);
  tap_ge(gu_count_said("apple pie no. "), N_LOST - 1);
  tap_check(gu_count_said("apple pie no. 3") <= 1);
}

static void objects_of_new_kinds_are_described(void) {
  start_finding_leaks();
  kind = (int)GC_new_kind(GC_new_free_list(), 0, 1, 1);
  GC_register_describe_type_fn(kind, copy_its_text);
  check_descriptions();
}

static void objects_of_standard_kinds_are_described(void) {
  start_finding_leaks();
  GC_register_describe_type_fn(GC_I_NORMAL, copy_its_text);
  check_descriptions();
}

static void write_much(void *object, char *text) {
  (void)object;
  memset(text, 'x', GC_TYPE_DESCR_LEN - 1);
  text[GC_TYPE_DESCR_LEN - 1] = '\0';
}

static void long_texts_are_whole(void) {
  char text[GC_TYPE_DESCR_LEN + 2];
  start_finding_leaks();
  GC_register_describe_type_fn(GC_I_NORMAL, write_much);
  gu_said(lose_and_collect);
  GC_set_find_leak(0);
  write_much(NULL, text);
  tap_ge(gu_count_said(text), N_LOST - 1);
  memcpy(text + GC_TYPE_DESCR_LEN - 1, "x", 2);
  tap_eq_u(gu_count_said(text), 0);
}

static void descriptions_may_be_taken_back(void) {
  start_finding_leaks();
  GC_register_describe_type_fn(GC_I_NORMAL, copy_its_text);
  GC_register_describe_type_fn(GC_I_NORMAL, NULL);
  gu_said(lose_and_collect);
  GC_set_find_leak(0);
  tap_ge(gu_count_said("lost.c:7"), N_LOST - 1);
  tap_eq_u(gu_count_said("apple"), 0);
}

static void other_kinds_are_left_alone(void) {
  start_finding_leaks();
  int other = (int)GC_new_kind(GC_new_free_list(), 0, 1, 1);
  GC_register_describe_type_fn(other, copy_its_text);
  gu_said(lose_and_collect);
  GC_set_find_leak(0);
  tap_ge(gu_count_said("lost.c:7"), N_LOST - 1);
  tap_eq_u(gu_count_said("apple"), 0);
}

static atomic_bool is_asked, is_answered;

static void *answer(void *arg) {
  while (!atomic_load(&is_asked))
    usleep(100);
  atomic_store(&is_answered, true);
  return arg;
}

/* What it makes would take the place of the object if that were free. */
static void ask_and_allocate(void *object, char *text) {
  atomic_store(&is_asked, true);
  while (!atomic_load(&is_answered))
    usleep(100);
  GC_disable();
  for (int i = 0; i < 5000; i++)
    memset(GC_debug_malloc(BYTES, "other.c", 1), 'x', BYTES);
  GC_enable();
  memcpy(text, object, 16);
}

static void others_run_while_objects_are_described(void) {
  pthread_t t;
  start_finding_leaks();
  GC_register_describe_type_fn(GC_I_NORMAL, ask_and_allocate);
  tap_require(GC_pthread_create(&t, NULL, answer, NULL) == 0);
  gu_said(lose_and_collect);
  GC_set_find_leak(0);
  tap_ge(gu_count_said("apple pie no. "), N_LOST - 1);
  tap_require(GC_pthread_join(t, NULL) == 0);
}

/* What is described is there meanwhile and gone afterwards. */
static void described_objects_are_reclaimed(void) {
  start_finding_leaks();
  GC_register_describe_type_fn(GC_I_NORMAL, copy_its_text);
  gu_said(lose_and_collect);
  size_t first = gu_count_said("apple pie no. ");
  gu_said(lose_and_collect);
  GC_set_find_leak(0);
  tap_ge(first, N_LOST - 1);
  tap_ge(gu_count_said("apple pie no. "), N_LOST - 1);
  tap_le(gu_count_said("apple pie no. "), N_LOST + 1);
}

static void unknown_kinds_are_reported(void) {
  int status = 0;
  if (!gu_on_reclaim())
    tap_skip("it writes behind its table there");
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    tap_require(freopen("/dev/null", "w", stderr) != NULL);
    GC_INIT();
    GC_register_describe_type_fn(99, copy_its_text);
    _exit(0);
  }
  tap_require(waitpid(pid, &status, 0) == pid);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TAP_MAIN(TAP_CASE(objects_of_new_kinds_are_described),
         TAP_CASE(objects_of_standard_kinds_are_described),
         TAP_CASE(long_texts_are_whole),
         TAP_CASE(descriptions_may_be_taken_back),
         TAP_CASE(other_kinds_are_left_alone),
         TAP_CASE(others_run_while_objects_are_described),
         TAP_CASE(described_objects_are_reclaimed),
         TAP_CASE(unknown_kinds_are_reported))
