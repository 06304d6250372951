/* bench/micro/mark_lists.c: collections of linked lists. SPDX-License-Identifier: MIT */
/*
 * A list is a chain of dependent loads: nothing can be prefetched inside one.
 * Sixteen shuffled lists give the marker sixteen independent chains; a single
 * shuffled list bounds what any marker can do; a list in address order is the
 * friendly case, in which every extra instruction of the marker shows.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>

#define MAX_LISTS 64

struct node {
  struct node *next;
  uintptr_t data[7];
};

static struct bench_param params[] = {
    {"mb", 100, "megabytes of nodes"},
    {"lists", 16, "number of lists, at most 64"},
    {"shuffled", 1, "1: random order in memory, 0: address order"},
    {"rounds", 3, "measured collections"},
};

static struct node *heads[MAX_LISTS];

static void build(size_t n, size_t lists, int shuffled) {
  struct node **all = bench_need(malloc(n * sizeof *all));
  size_t *order = bench_permutation(n, 5);
  GC_disable();
  for (size_t i = 0; i < n; i++) {
    all[i] = bench_need(GC_MALLOC(sizeof(struct node)));
    all[i]->data[0] = i & 0xff;
  }
  for (size_t i = n; i-- > 0;) {
    struct node *p = all[shuffled ? order[i] : i];
    p->next = heads[i % lists];
    heads[i % lists] = p;
  }
  GC_enable();
  free(order);
  free(all);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t n = params[0].value * 1000000 / sizeof(struct node);
  size_t lists = params[1].value;
  if (lists == 0 || lists > MAX_LISTS)
    bench_fail("lists must be in 1..64");
  build(n, lists, params[2].value != 0);
  GC_gcollect();
  bench_start();
  for (size_t i = 0; i < params[3].value; i++)
    GC_gcollect();
  bench_stop();
  bench_use(heads);
  bench_report((double)(n * params[3].value), "objects=%zu lists=%zu", n,
               lists);
  return 0;
}
