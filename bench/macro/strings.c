/* bench/macro/strings.c: strings of mixed lengths, some kept. SPDX-License-Identifier: MIT */
/*
 * Strings of 8 to 4096 bytes, lengths spread on a logarithmic scale, are built
 * and mostly dropped; one in ten replaces a string in a table.  The program
 * checks that kept strings have kept their contents.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <stdlib.h>
#include <string.h>

static struct bench_param params[] = {
    {"ops", 2000000, "strings"},
    {"table", 20000, "strings kept"},
};

static size_t random_length(uint64_t *seed) {
  size_t base = (size_t)8 << bench_below(seed, 9);
  return base + bench_below(seed, base + 1);
}

int main(int argc, char **argv) {
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  size_t n = params[0].value, room = params[1].value;
  if (room == 0)
    bench_fail("table must be at least 1");
  char **table = bench_need(GC_MALLOC(room * sizeof *table));
  uint64_t seed = 23;
  bench_start();
  for (size_t i = 0; i < n; i++) {
    size_t length = random_length(&seed);
    char *s = bench_need(GC_MALLOC_ATOMIC(length));
    memset(s, 'a' + (int)(length % 26), length - 1);
    s[length - 1] = '\0';
    bench_use(s);
    if (i % 10 == 0)
      table[bench_below(&seed, room)] = s;
  }
  bench_stop();
  for (size_t i = 0; i < room; i++)
    if (table[i] && table[i][0] != 'a' + (int)((strlen(table[i]) + 1) % 26))
      bench_fail("a kept string is damaged");
  bench_report((double)n, "table=%zu", room);
  return 0;
}
