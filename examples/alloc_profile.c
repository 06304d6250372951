/* examples/alloc_profile.c: which sizes live, and which die. SPDX-License-Identifier: MIT */
/* A profile of ordinary objects, those of GC_MALLOC: how many of each size were
 * made, are dead, and live. Nothing is attached to the objects; an observer is told
 * of deaths some time after them, in batches, and only adds up their sizes. The
 * program below is the one that is looked at: it keeps every small object in a
 * window of a thousand, and one in ten of the large ones for ever. */
#include <gc.h>
#include <gcx/reclaim.h>

#include <stdio.h>
#include <stdlib.h>

enum { CLASSES = 24, WINDOW = 1000, STEPS = 200000 };

/* By the power of two that the size does not exceed. `made` is written by the
 * program, `dead` by the observer, and read after gcx_drain. */
static unsigned long made[CLASSES], dead[CLASSES];

static unsigned class_of(size_t bytes) {
  unsigned c = 0;
  while (c < CLASSES - 1 && bytes > (size_t)1 << c)
    c++;
  return c;
}

static void on_deaths(const gcx_death *deaths, size_t count, void *cd) {
  (void)cd;
  for (size_t i = 0; i < count; i++)
    dead[class_of(deaths[i].bytes)]++;
}

static void *profiled_malloc(size_t bytes) {
  void *p = GC_MALLOC(bytes);
  if (p == NULL)
    exit(EXIT_FAILURE);
  made[class_of(GC_size(p))]++;
  return p;
}

static void work(void **window, void ***kept) {
  for (int i = 0; i < STEPS; i++) {
    window[i % WINDOW] = profiled_malloc(16 + (size_t)(i * 7 % 200));
    if (i % 100 == 0) {
      void **big = profiled_malloc(5000);
      if (i % 1000 == 0) {
        big[0] = *kept;
        *kept = big;
      }
    }
  }
}

static int print_table(void) {
  int is_sane = 1;
  printf("up to bytes       made       dead       live\n");
  for (unsigned c = 0; c < CLASSES; c++) {
    if (made[c] == 0)
      continue;
    printf("%11lu %10lu %10lu %10ld\n", 1ul << c, made[c], dead[c],
           (long)(made[c] - dead[c]));
    is_sane = is_sane && dead[c] <= made[c];
  }
  return is_sane;
}

int main(void) {
  gcx_observe_opts opts = {.struct_size = sizeof opts, .observe = on_deaths};
  gcx_observer_stats stats = {.struct_size = sizeof stats};
  static void *window[WINDOW];
  static void **kept;
  GC_INIT();
  gcx_observer *observer = gcx_observe(GCX_BUILTIN_NORMAL, &opts, NULL);
  if (observer == NULL)
    return EXIT_FAILURE;
  work(window, &kept);
  GC_gcollect();
  if (gcx_drain(10000) != 0)
    return EXIT_FAILURE;
  int is_sane = print_table();
  gcx_get_observer_stats(observer, &stats);
  printf("%lu objects of %lu KB found dead, %lu not told\n", stats.found,
         stats.found_bytes / 1024, stats.lost);
  if (gcx_unobserve(observer, GCX_FOREVER) != 0)
    return EXIT_FAILURE;
  return is_sane ? EXIT_SUCCESS : EXIT_FAILURE;
}
