/* extra/examples/intern.c: equal keys are one node, unused nodes leave. SPDX-License-Identifier: MIT */
/* The same pair of numbers twice gives the same pointer, and pairs that nobody
 * holds disappear from the table by themselves. */
#include <gc/gc.h>
#include <hcons/hcons.h>

#include <stdio.h>

int main(void) {
  hc_class_desc leaf = {.name = "number", .leaf = true};
  hc_class_desc two = {.name = "pair"};
  hc_table *table = hc_table_new(0);
  hc_class *number = hc_class_new(table, &leaf);
  hc_class *pair = hc_class_new(table, &two);
  const void *seven = hc_intern1(number, 0, 7);
  const void *eight = hc_intern1(number, 0, 8);
  const void *a = hc_intern2(pair, 0, (uintptr_t)seven, (uintptr_t)eight);
  const void *b = hc_intern2(pair, 0, (uintptr_t)seven, (uintptr_t)eight);
  hc_stats stats;
  printf("the same pair twice: %s\n", a == b ? "one node" : "two nodes");
  for (uintptr_t i = 0; i < 100000; i++) {
    const void *n = hc_intern1(number, 0, i);
    hc_intern2(pair, 1, (uintptr_t)n, (uintptr_t)seven);
  }
  GC_gcollect();
  hc_drain(10000);
  hc_get_stats(table, &stats);
  printf("left of the nodes made: %s\n",
         stats.live * 10 < stats.made ? "less than a tenth" : "most");
  printf("still the same pair: %s\n",
         a == hc_find(pair, 0, hc_key(a), 2) ? "yes" : "no");
  return a == b ? 0 : 1;
}
