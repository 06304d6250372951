/* bench/hcons/peano.h: Fibonacci numbers in unary arithmetic. SPDX-License-Identifier: MIT */
/* Terms are rewritten innermost by
 *   fib(0) = 0, fib(s(0)) = s(0), fib(s(s(n))) = plus(fib(s(n)), fib(n)),
 *   plus(m, 0) = m, plus(m, s(n)) = plus(s(m), n);
 * each redex is made a node before it is replaced, and nothing is noted. */
#ifndef BENCH_HCONS_PEANO_H
#define BENCH_HCONS_PEANO_H

#include "store.h"

enum { PEANO_SUCC = 1, PEANO_PLUS, PEANO_FIB };

static ref peano_zero;
static uint64_t peano_interns;

static inline ref peano_1(unsigned op, ref a) {
  peano_interns++;
  return store_1(op, a);
}

static ref peano_plus(ref m, ref n) {
  for (;;) {
    ref redex = store_2(PEANO_PLUS, m, n);
    peano_interns++;
    m = store_arg(redex, 0);
    n = store_arg(redex, 1);
    if (n == peano_zero)
      return m;
    m = peano_1(PEANO_SUCC, m);
    n = store_arg(n, 0);
  }
}

static ref peano_fib(ref n) {
  ref redex = peano_1(PEANO_FIB, n);
  ref before, sum;
  n = store_arg(redex, 0);
  if (n == peano_zero || store_arg(n, 0) == peano_zero)
    return n;
  before = store_arg(n, 0);
  sum = peano_fib(before);
  return peano_plus(sum, peano_fib(store_arg(before, 0)));
}

static ref peano_number(unsigned n) {
  ref r = peano_zero;
  while (n-- > 0)
    r = peano_1(PEANO_SUCC, r);
  return r;
}

static unsigned peano_value(ref n) {
  unsigned value = 0;
  for (; n != peano_zero; n = store_arg(n, 0))
    value++;
  return value;
}

#endif
