/* tests/differ/differ.c: a million random calls, against the model and for comparison. SPDX-License-Identifier: MIT */

/*
 * As a test: each case makes the calls of one seed on the library that it is
 * linked with and asks the model whether what is seen is right. A million calls,
 * ten with --long.
 *
 * With --log: prints the log, a line for each segment of calls, for who compares
 * it with that of another library (compare.py):
 *
 *   differ --log [--seed N] [--from I] [--calls N] [--threads N] [--trace]
 *          [--whole] [--debug] [--only FILE]
 *
 * --whole sets GC_all_interior_pointers to 0 and keeps to addresses of first bytes.
 * --debug makes objects with the debugging functions, but no plain pointer-free ones.
 * --only takes the numbers of calls to make from a file, --trace shows each call.
 * What the model finds wrong is the line "fault: ..." and status 3.
 */
#include "differ/world.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tap.h"

enum { CALLS = 1000000, THREADS = 4 };

static uint64_t n_calls(void) { return tap_long() ? 10 * CALLS : CALLS; }

/* ---- As a test ---- */

static void report(const struct df_world *w) {
  tap_note("seed %llu: %llu objects, %zu finalisers ran, %zu links were "
           "cleared, %zu "
           "collections foreseen",
           (unsigned long long)w->seed, (unsigned long long)w->serial, w->n_ran,
           w->n_cleared, w->n_collections);
}

static enum df_choice choice_of(enum df_choice on_libgc) {
  return gu_on_reclaim() ? DF_ALL : on_libgc;
}

static void run_seed(uint64_t seed, bool whole_only, enum df_choice on_libgc) {
  df_init(whole_only, choice_of(on_libgc));
  struct df_world *w = df_new(0, seed);
  df_run(w, 0, n_calls(), NULL);
  df_check_counts(w);
  report(w);
  tap_ge(w->serial, n_calls() / 5);
  tap_ge(w->n_ran, n_calls() / 200);
  tap_ge(w->n_cleared, n_calls() / 1000);
}

static void first_seed(void) {
  run_seed(tap_seed() * 10 + 1, false, DF_WITHOUT_DEBUG);
}
static void second_seed(void) {
  run_seed(tap_seed() * 10 + 2, false, DF_WITH_DEBUG);
}
static void third_seed(void) {
  run_seed(tap_seed() * 10 + 3, false, DF_WITHOUT_DEBUG);
}

static void without_spare_bytes(void) {
  run_seed(tap_seed() * 10 + 4, true, DF_WITH_DEBUG);
}

/* ---- Threads ---- */

struct life {
  struct df_world *w;
  uint64_t calls;
};

static GU_NOINLINE void *live(void *arg) {
  const struct life *l = arg;
  df_run(l->w, 0, l->calls, NULL);
  return NULL;
}

/* Each thread has a world; what is left is dropped world by world. */
static void run_threads(size_t n, uint64_t seed, uint64_t calls) {
  pthread_t t[DF_WORLDS];
  struct life lives[DF_WORLDS];
  for (size_t i = 0; i < n; i++) {
    lives[i] = (struct life){df_new((unsigned)i, seed * 16 + i), calls / n};
    lives[i].w->is_threaded = true;
    if (GC_pthread_create(&t[i], NULL, live, &lives[i]) != 0)
      df_fail(lives[i].w, "no thread");
  }
  for (size_t i = 0; i < n; i++)
    GC_pthread_join(t[i], NULL);
  GC_set_disable_automatic_collection(1);
  for (size_t i = 0; i < n; i++) {
    void *volatile stack[DF_PUSHED_FROM - DF_STACK_FROM] = {NULL};
    lives[i].w->stack = stack;
    lives[i].w->local = stack + DF_LOCAL_FROM - DF_STACK_FROM;
    df_end_segment(lives[i].w);
    lives[i].w->stack = lives[i].w->local = NULL;
  }
}

static void run_four(bool whole_only) {
  df_init(whole_only, choice_of(DF_WITHOUT_DEBUG));
  run_threads(THREADS, tap_seed(), n_calls());
  for (size_t i = 0; i < THREADS; i++) {
    report(df_worlds[i]);
    df_check_counts(df_worlds[i]);
  }
}

static void four_threads(void) { run_four(false); }

static void four_threads_without_spare_bytes(void) {
  if (!gu_on_reclaim())
    tap_skip("one run in five ends in a collection's memory fault there");
  run_four(true);
}

/* ---- For comparison ---- */

static unsigned char *wanted; /* a byte for each call */
static uint64_t n_wanted;

static bool is_wanted(uint64_t i) { return i < n_wanted && wanted[i]; }

static void read_wanted(const char *path, uint64_t to) {
  FILE *f = fopen(path, "r");
  uint64_t i;
  wanted = calloc(to + 1, 1);
  n_wanted = to;
  if (f == NULL || wanted == NULL)
    exit(2);
  while (fscanf(f, "%" SCNu64, &i) == 1)
    if (i < to)
      wanted[i] = 1;
  fclose(f);
}

static int print_log(int argc, char **argv) {
  uint64_t seed = 1, from = 0, calls = CALLS, threads = 0;
  const char *only = NULL;
  bool trace = false, whole_only = false;
  enum df_choice choice = DF_WITHOUT_DEBUG;
  for (int i = 2; i < argc; i++) {
    bool has_value = i + 1 < argc;
    if (strcmp(argv[i], "--trace") == 0)
      trace = true;
    else if (strcmp(argv[i], "--whole") == 0)
      whole_only = true;
    else if (strcmp(argv[i], "--debug") == 0)
      choice = DF_WITH_DEBUG;
    else if (strcmp(argv[i], "--only") == 0 && has_value)
      only = argv[++i];
    else if (strcmp(argv[i], "--seed") == 0 && has_value)
      seed = strtoull(argv[++i], NULL, 0);
    else if (strcmp(argv[i], "--from") == 0 && has_value)
      from = strtoull(argv[++i], NULL, 0);
    else if (strcmp(argv[i], "--calls") == 0 && has_value)
      calls = strtoull(argv[++i], NULL, 0);
    else if (strcmp(argv[i], "--threads") == 0 && has_value)
      threads = strtoull(argv[++i], NULL, 0);
    else
      return 2;
  }
  if (threads >= DF_WORLDS)
    return 2;
  df_is_logging = true;
  df_init(whole_only, choice);
  printf("library %s\n", gu_on_reclaim() ? "reclaim" : "libgc");
  if (threads != 0) {
    run_threads(threads, seed, calls);
    for (size_t i = 0; i < threads; i++)
      printf("thread %zu %016" PRIx64 "\n", i, df_worlds[i]->hash);
    return 0;
  }
  struct df_world *w = df_new(0, seed);
  w->trace = trace;
  if (only != NULL)
    read_wanted(only, from + calls);
  df_run(w, from, from + calls, only != NULL ? is_wanted : NULL);
  df_check_counts(w);
  printf("end\n");
  return 0;
}

int main(int argc, char **argv) {
  static const tap_case cases[] = {
      TAP_CASE_T(first_seed, 240),
      TAP_CASE_T(second_seed, 240),
      TAP_CASE_T(third_seed, 240),
      TAP_CASE_T(without_spare_bytes, 240),
      TAP_CASE_T(four_threads, 240),
      TAP_CASE_T(four_threads_without_spare_bytes, 240)};
  if (argc > 1 && strcmp(argv[1], "--log") == 0)
    return print_log(argc, argv);
  return tap_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
