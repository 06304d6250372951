/* bench/macro/hcons_churn.c: load on the hash-consing library. SPDX-License-Identifier: MIT */
/*
 * Nodes are requested from libhcons; about half of the requests find an
 * existing node, and nine of ten new nodes die soon.  Leaves are small
 * integers, inner nodes are pairs over a window of recent nodes.  The table is
 * checked at the end, and every node must have been either removed or counted.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <hcons/hcons.h>
#include <stdlib.h>

#define WINDOW 8192
#define LEAVES 4096

static struct bench_param params[] = {
    {"ops", 4000000, "look-ups"},
    {"live", 200000, "long-lived nodes"},
    {"single", 1, "0: a table for several threads"},
};

static hc_class *leaves, *pairs;
static const void **window, **kept;

static void make_classes(hc_table *table) {
  hc_class_desc leaf = {.name = "leaf", .leaf = true};
  hc_class_desc pair = {.name = "pair"};
  leaves = bench_need(hc_class_new(table, &leaf));
  pairs = bench_need(hc_class_new(table, &pair));
}

static void churn(size_t n, size_t live) {
  uint64_t seed = 17;
  for (size_t i = 0; i < WINDOW; i++)
    window[i] = hc_intern1(leaves, 0, i % LEAVES);
  for (size_t i = 0; i < n; i++) {
    /* The right operand of a request that repeats is tied to the left one. */
    size_t a = bench_below(&seed, WINDOW);
    size_t b = i % 2 ? (a * 7 + 1) % WINDOW : bench_below(&seed, WINDOW);
    const void *p =
        hc_intern2(pairs, 1, (uintptr_t)window[a], (uintptr_t)window[b]);
    if (!p)
      bench_fail("a node could not be made");
    if (i % 10 == 0)
      kept[bench_below(&seed, live)] = p;
    if (i % 64 == 0)
      window[bench_below(&seed, WINDOW)] = p;
  }
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  hc_table_opts opts = {.flags = params[2].value ? HC_SINGLE : 0};
  hc_table *table = bench_need(hc_table_open(&opts));
  make_classes(table);
  window = bench_need(GC_MALLOC(WINDOW * sizeof *window));
  kept = bench_need(GC_MALLOC(params[1].value * sizeof *kept));
  bench_start();
  churn(params[0].value, params[1].value);
  bench_stop();
  char why[200] = "";
  hc_stats s;
  if (hc_check(table, why, sizeof why))
    bench_fail(why);
  hc_get_stats(table, &s);
  if (s.made != s.live + s.removed)
    bench_fail("the table lost count of its nodes");
  bench_use(kept);
  bench_report((double)params[0].value,
               "hits=%llu made=%llu removed=%llu revived=%llu",
               (unsigned long long)s.hits, (unsigned long long)s.made,
               (unsigned long long)s.removed, (unsigned long long)s.revived);
  return 0;
}
