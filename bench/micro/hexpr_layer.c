/* bench/micro/hexpr_layer.c: what libhexpr costs over libhcons on the same work. SPDX-License-Identifier: MIT */
/* usage: hexpr_layer [ROUNDS]. Each workload runs on both libraries by turns, in
 * one process and on shared tables; medians of CPU time a look-up, and of the
 * ratios of the pairs. What a round made is collected before the next one starts.
 *
 * Nodes of libhcons are classes for leaves, one and two operands, with the operator
 * as the tag; those of libhexpr are integers and terms of operators that the
 * program defines. Nothing is memoised. */
#include "../bench.h"

#include <gc/gc.h>
#include <hexpr/hexpr.h>
#include <stdio.h>
#include <stdlib.h>

typedef const void *ref;

enum { SUCC = 1, PLUS, FIB, ADD, MUL, SIN, COS, EXP, VAR, MINUS, CODES };
enum {
  MOST_ROUNDS = 99,
  TREE = 17,
  HOT = 15,
  HOT_TIMES = 8,
  N_OF_FIB = 22,
  ORDER = 6
};

static bool on_expressions;
static hc_class *leaves, *ones, *twos;
static ex_op op1[CODES], op2[CODES];
static uint8_t code_of_op[EX_OPS + 2 * CODES];
static uint64_t interns;
static ref kept; /* what must live on between workloads of a round */

/* ---- The two layers ---- */

static inline ref leaf(uintptr_t value) {
  interns++;
  return on_expressions ? (ref)ex_int((int64_t)value)
                        : hc_intern1(leaves, 0, value);
}

static inline ref node1(unsigned code, ref a) {
  interns++;
  return on_expressions ? (ref)ex_1(op1[code], a)
                        : hc_intern1(ones, code, (uintptr_t)a);
}

static inline ref node2(unsigned code, ref a, ref b) {
  interns++;
  return on_expressions ? (ref)ex_2(op2[code], a, b)
                        : hc_intern2(twos, code, (uintptr_t)a, (uintptr_t)b);
}

/* Key words are the operands in both. */
static inline ref arg(ref n, unsigned i) { return (ref)hc_key(n)[i]; }

static hc_class *class_of(hc_table *table, const char *name, bool is_leaf) {
  hc_class_desc d = {.name = name, .leaf = is_leaf};
  return bench_need(hc_class_new(table, &d));
}

static void open_layers(void) {
  hc_table *table = bench_need(hc_table_new(0));
  char name[32];
  leaves = class_of(table, "leaf", true);
  ones = class_of(table, "one", false);
  twos = class_of(table, "two", false);
  for (int i = 1; i < CODES; i++) {
    snprintf(name, sizeof name, "one%d", i);
    op1[i] = ex_opdef(name, 1, 0);
    snprintf(name, sizeof name, "two%d", i);
    op2[i] = ex_opdef(name, 2, 0);
    code_of_op[op1[i]] = code_of_op[op2[i]] = (uint8_t)i;
  }
}

/* ---- Trees ---- */

static ref tree(unsigned depth, uintptr_t first, uintptr_t step) {
  ref left;
  if (depth == 0)
    return leaf(first);
  left = tree(depth - 1, first, step);
  return node2(ADD, left, tree(depth - 1, first + (step << (depth - 1)), step));
}

static void hot(void) {
  for (int i = 0; i < HOT_TIMES; i++)
    kept = tree(HOT, 7, 0);
}

static void misses(void) {
  static uintptr_t rounds;
  kept = tree(TREE, ++rounds << 40, 1);
}

/* The tree of `misses` once more. */
static void cold(void) {
  ref n = kept;
  for (unsigned i = 0; i < TREE; i++)
    n = arg(n, 0);
  if (tree(TREE, hc_key(n)[0], 1) != kept)
    bench_fail("the same tree was another one");
}

/* ---- Fibonacci numbers in unary arithmetic ---- */

static ref zero;

static ref plus(ref m, ref n) {
  for (;;) {
    ref redex = node2(PLUS, m, n);
    m = arg(redex, 0);
    n = arg(redex, 1);
    if (n == zero)
      return m;
    m = node1(SUCC, m);
    n = arg(n, 0);
  }
}

static ref fib(ref n) {
  ref before, sum;
  node1(FIB, n);
  if (n == zero || arg(n, 0) == zero)
    return n;
  before = arg(n, 0);
  sum = fib(before);
  return plus(sum, fib(arg(before, 0)));
}

static void fibonacci(void) {
  ref n = zero = leaf(0);
  for (int i = 0; i < N_OF_FIB; i++)
    n = node1(SUCC, n);
  kept = fib(n);
}

/* ---- Derivatives, as trees ---- */

static ref one, variable;

static ref sum_of(ref a, ref b) {
  if (a == zero || b == zero)
    return a == zero ? b : a;
  return node2(ADD, a, b);
}

static ref product_of(ref a, ref b) {
  if (a == zero || b == zero)
    return zero;
  if (a == one || b == one)
    return a == one ? b : a;
  return node2(MUL, a, b);
}

static unsigned code_of(ref e) {
  return on_expressions ? code_of_op[ex_op_of(e)] : hc_tag(e);
}

static ref derive(ref e) {
  ref a = arg(e, 0);
  if (e == variable)
    return one;
  switch (code_of(e)) {
  case ADD:
    return sum_of(derive(a), derive(arg(e, 1)));
  case MUL:
    return sum_of(product_of(derive(a), arg(e, 1)),
                  product_of(a, derive(arg(e, 1))));
  case SIN:
    return product_of(node1(COS, a), derive(a));
  case COS:
    return product_of(node1(MINUS, node1(SIN, a)), derive(a));
  case MINUS:
    a = derive(a);
    return a == zero ? a : node1(MINUS, a);
  case EXP:
    return product_of(e, derive(a));
  default:
    return zero;
  }
}

/* exp(x*sin(x*x)). */
static void derivatives(void) {
  ref e;
  zero = leaf(0);
  one = leaf(1);
  variable = node1(VAR, zero);
  e = node1(SIN, node2(MUL, variable, variable));
  e = node1(EXP, node2(MUL, variable, e));
  for (int i = 0; i < ORDER; i++)
    kept = e = derive(e);
}

/* ---- Measuring ---- */

static const struct {
  const char *name;
  void (*run)(void);
} work[] = {{"hot hits", hot},
            {"misses", misses},
            {"cold hits", cold},
            {"Fibonacci", fibonacci},
            {"derivatives", derivatives}};

enum { WORKS = sizeof work / sizeof *work };

static double ns[2][WORKS][MOST_ROUNDS], ratio[WORKS][MOST_ROUNDS];

static void run_layer(bool expressions, int round) {
  on_expressions = expressions;
  for (int w = 0; w < WORKS; w++) {
    double start;
    if (work[w].run != cold) {
      kept = NULL;
      GC_gcollect();
      hc_drain(10000);
    }
    interns = 0;
    start = bench_cpu_s();
    bench_start();
    work[w].run();
    bench_stop();
    ns[expressions][w][round] = (bench_cpu_s() - start) * 1e9 / (double)interns;
  }
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *of, int n) {
  qsort(of, (size_t)n, sizeof *of, by_size);
  return of[n / 2];
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 5;
  if (rounds < 1 || rounds > MOST_ROUNDS)
    bench_fail("usage: hexpr_layer [ROUNDS], at most 99");
  GC_INIT();
  open_layers();
  for (int i = 0; i < rounds; i++) {
    run_layer(i % 2 != 0, i);
    run_layer(i % 2 == 0, i);
    for (int w = 0; w < WORKS; w++)
      ratio[w][i] = ns[1][w][i] / ns[0][w][i];
  }
  printf("%-12s %12s %12s %8s\n", "", "hcons ns", "hexpr ns", "ratio");
  for (int w = 0; w < WORKS; w++)
    printf("%-12s %12.1f %12.1f %8.2f\n", work[w].name,
           median(ns[0][w], rounds), median(ns[1][w], rounds),
           median(ratio[w], rounds));
  return 0;
}
