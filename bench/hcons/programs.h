/* bench/hcons/programs.h: the workloads by name, for one store. SPDX-License-Identifier: MIT */
/* usage: PROGRAM WORKLOAD [name=value]...; the report line begins with the name
 * of the workload. */
#ifndef BENCH_HCONS_PROGRAMS_H
#define BENCH_HCONS_PROGRAMS_H

#include "churn.h"
#include "derive.h"
#include "peano.h"
#include "queens.h"
#include "tree.h"

#include <stdio.h>
#include <string.h>

enum { ARG_SINGLE, ARG_N, ARG_ROUNDS, ARG_OPS, ARG_ROOTS, ARG_THREADS, ARGS };

static struct bench_param arg[ARGS] = {
    [ARG_SINGLE] = {"single", 1, "1: a table for one user, 0: a shared one"},
    [ARG_N] = {"n", 0, "depth, order or size; 0: the workload's own"},
    [ARG_ROUNDS] = {"rounds", 1, "how often"},
    [ARG_OPS] = {"ops", 4000000, "requests of churn"},
    [ARG_ROOTS] = {"roots", 262144, "roots of churn"},
    [ARG_THREADS] = {"threads", 1, "threads, for work that takes several"},
};

static unsigned size_or(unsigned size) {
  return arg[ARG_N].value != 0 ? (unsigned)arg[ARG_N].value : size;
}

/* ---- Trees ---- */

static ref *kept; /* roots that live until the end */

static void hot_by(unsigned thread) {
  for (unsigned long i = 0; i < arg[ARG_ROUNDS].value; i++)
    kept[thread] = tree_build(size_or(20), 7, 0);
}

static void own_tree_by(unsigned thread) {
  kept[thread] = tree_build(size_or(20), (uintptr_t)(thread + 1) << 40, 1);
}

static void same_tree_by(unsigned thread) {
  kept[thread] = tree_build(size_or(20), 0, 1);
}

static double timed(void (*body)(unsigned)) {
  bench_start();
  bench_threads((unsigned)arg[ARG_THREADS].value, body);
  bench_stop();
  return (double)arg[ARG_THREADS].value;
}

static void run_hot(void) {
  double threads = timed(hot_by);
  bench_report(tree_ops(size_or(20)) * threads * (double)arg[ARG_ROUNDS].value,
               "depth=%u", size_or(20));
}

static void run_miss(void) {
  double threads = timed(own_tree_by);
  bench_report(tree_ops(size_or(20)) * threads, "depth=%u", size_or(20));
}

static void run_cold(void) {
  ref first;
  double threads;
  own_tree_by(0);
  first = kept[0];
  threads = timed(own_tree_by);
  if (kept[0] != first)
    bench_fail("the same tree was another one");
  bench_report(tree_ops(size_or(20)) * threads, "depth=%u", size_or(20));
}

static void run_same(void) {
  double threads = timed(same_tree_by);
  for (unsigned i = 1; i < arg[ARG_THREADS].value; i++)
    if (kept[i] != kept[0])
      bench_fail("two threads have two roots");
  bench_report(tree_ops(size_or(20)) * threads, "depth=%u", size_or(20));
}

static void run_bytes(void) {
  unsigned long before;
  store_settle();
  before = bench_status_kb("VmRSS");
  bench_start();
  own_tree_by(0);
  store_settle();
  bench_stop();
  bench_report(tree_ops(size_or(20)), "bytes_node=%.2f",
               (double)(bench_status_kb("VmRSS") - before) * 1024 /
                   tree_ops(size_or(20)));
}

/* ---- Terms ---- */

static void run_fib(void) {
  static const unsigned fib[] = {0, 1, 1, 2, 3, 5, 8, 13, 21};
  unsigned n = size_or(28);
  bench_start();
  kept[0] = peano_zero = store_leaf(0);
  kept[1] = peano_fib(peano_number(n));
  bench_stop();
  if (n == 28 ? peano_value(kept[1]) != 317811
              : n < 9 && peano_value(kept[1]) != fib[n])
    bench_fail("a wrong Fibonacci number");
  bench_report((double)peano_interns, "n=%u", n);
}

static void run_derive(void) {
  bench_start();
  kept[0] = der_start();
  for (unsigned i = 0; i < size_or(150); i++)
    kept[0] = derive(kept[0]);
  bench_stop();
  bench_report((double)der_interns, "noted=%zu", der_noted);
}

static void run_queens(void) {
  unsigned n = size_or(9);
  uint64_t solutions;
  if (n > 15)
    bench_fail("a node's operator holds the squares of 15 rows at most");
  bench_start();
  solutions = queens((int)n);
  bench_stop();
  if ((n == 9 && solutions != 352) || (n == 10 && solutions != 724))
    bench_fail("a wrong number of solutions");
  bench_report((double)bdd_interns, "solutions=%llu",
               (unsigned long long)solutions);
}

/* ---- Churn ---- */

static struct churn churns[2];

static void churn_by(unsigned thread) {
  churn_run(&churns[thread], arg[ARG_OPS].value);
}

static void run_churn(void) {
  unsigned threads = arg[ARG_THREADS].value > 1 ? 2 : 1;
  double stall_s = 0, stop_s = 0;
  for (unsigned i = 0; i < threads; i++)
    churn_open(&churns[i], arg[ARG_ROOTS].value, i);
  arg[ARG_THREADS].value = threads;
  timed(churn_by);
  for (unsigned i = 0; i < threads; i++) {
    stall_s = stall_s > churns[i].stall_s ? stall_s : churns[i].stall_s;
    stop_s = stop_s > churns[i].stop_s ? stop_s : churns[i].stop_s;
  }
  store_check();
  bench_report((double)arg[ARG_OPS].value * threads,
               "stall_ms=%.3f stop_ms=%.3f", stall_s * 1e3, stop_s * 1e3);
}

/* ---- Choosing ---- */

static const struct {
  const char *name;
  void (*run)(void);
} workloads[] = {
    {"hot", run_hot},       {"miss", run_miss},     {"cold", run_cold},
    {"same", run_same},     {"bytes", run_bytes},   {"fib", run_fib},
    {"derive", run_derive}, {"queens", run_queens}, {"churn", run_churn}};

static int programs_main(int argc, char **argv) {
  for (size_t i = 0; argc > 1 && i < sizeof workloads / sizeof *workloads;
       i++) {
    if (strcmp(argv[1], workloads[i].name) != 0)
      continue;
    bench_init(argc - 1, argv + 1, arg, ARGS);
    store_open(arg[ARG_SINGLE].value != 0, 0);
    kept = store_refs(64);
    workloads[i].run();
    return 0;
  }
  fputs("usage: PROGRAM WORKLOAD [name=value]..., where WORKLOAD is one of\n ",
        stderr);
  for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
    fprintf(stderr, " %s", workloads[i].name);
  fputc('\n', stderr);
  return 2;
}

#endif
