/* bench/bench.c: parameters, clocks, report line. SPDX-License-Identifier: MIT */
/*
 * Nothing here allocates from the collected heap, and the measured phase calls
 * nothing of this file but the clocks, so the frame costs the same whichever
 * library is underneath.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#include "bench.h"

#include <gc/gc.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 64

static const char *program_name = "?";
static double cpu_begin, wall_begin;
static double cpu_total, wall_total;
static unsigned long forced_rss_kb;
static void (*thread_body)(unsigned);

static double clock_s(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Parameters ---- */

static void print_help(const struct bench_param *params, size_t n) {
  printf("usage: %s [name=value]...\n", program_name);
  for (size_t i = 0; i < n; i++)
    printf("  %-10s %s (default %lu)\n", params[i].name, params[i].help,
           params[i].value);
  exit(0);
}

static void reject(const char *arg) {
  fprintf(stderr, "%s: bad argument '%s'; try --help\n", program_name, arg);
  exit(2);
}

static void read_argument(const char *arg, struct bench_param *params,
                          size_t n) {
  const char *eq = strchr(arg, '=');
  if (!eq || eq[1] < '0' || eq[1] > '9')
    reject(arg);
  for (size_t i = 0; i < n; i++) {
    if (strlen(params[i].name) != (size_t)(eq - arg) ||
        strncmp(arg, params[i].name, (size_t)(eq - arg)))
      continue;
    char *end;
    params[i].value = strtoul(eq + 1, &end, 10);
    if (*end)
      reject(arg);
    return;
  }
  reject(arg);
}

void bench_init(int argc, char **argv, struct bench_param *params, size_t n) {
  const char *slash = strrchr(argv[0], '/');
  program_name = slash ? slash + 1 : argv[0];
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--help"))
      print_help(params, n);
    read_argument(argv[i], params, n);
  }
  GC_INIT();
}

/* ---- Clocks ---- */

void bench_start(void) {
  wall_begin = clock_s(CLOCK_MONOTONIC);
  cpu_begin = clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_stop(void) {
  cpu_total += clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
  wall_total += clock_s(CLOCK_MONOTONIC) - wall_begin;
}

double bench_cpu_s(void) { return cpu_total; }

double bench_wall_s(void) { return wall_total; }

void bench_set_times(double cpu_s, double wall_s) {
  cpu_total = cpu_s;
  wall_total = wall_s;
}

void bench_set_rss_kb(unsigned long rss_kb) { forced_rss_kb = rss_kb; }

/* ---- Report ---- */

unsigned long bench_status_kb(const char *field) {
  FILE *f = fopen("/proc/self/status", "r");
  char line[256];
  unsigned long kb = 0;
  size_t len = strlen(field);
  while (f && fgets(line, sizeof line, f))
    if (!strncmp(line, field, len) && line[len] == ':')
      kb = strtoul(line + len + 1, NULL, 10);
  if (f)
    fclose(f);
  return kb;
}

/* The file that provides the collector: the mapping that holds the address of
 * one of its functions. */
static void find_library(char *path, size_t size) {
  FILE *f = fopen("/proc/self/maps", "r");
  char line[PATH_MAX + 128];
  uintptr_t code = (uintptr_t)GC_gcollect;
  snprintf(path, size, "unknown");
  while (f && fgets(line, sizeof line, f)) {
    unsigned long from, to;
    char *file = strchr(line, '/');
    if (sscanf(line, "%lx-%lx", &from, &to) != 2 || !file)
      continue;
    file[strcspn(file, "\n")] = '\0';
    if (code >= from && code < to)
      snprintf(path, size, "%s", file);
  }
  if (f)
    fclose(f);
}

void bench_report(double ops, const char *extra, ...) {
  unsigned long rss_kb =
      forced_rss_kb ? forced_rss_kb : bench_status_kb("VmHWM");
  char library[PATH_MAX];
  find_library(library, sizeof library);
  printf("%s cpu_s=%.6f wall_s=%.6f ops=%.0f ns_op=%.2f rss_kb=%lu gcs=%lu "
         "heap_kb=%lu",
         program_name, cpu_total, wall_total, ops,
         ops > 0 ? cpu_total * 1e9 / ops : 0.0, rss_kb,
         (unsigned long)GC_get_gc_no(),
         (unsigned long)(GC_get_heap_size() / 1024));
  if (*extra) {
    va_list args;
    putchar(' ');
    va_start(args, extra);
    vprintf(extra, args);
    va_end(args);
  }
  printf(" lib=%s\n", library);
}

void bench_fail(const char *why) {
  fprintf(stderr, "%s: %s\n", program_name, why);
  exit(1);
}

void *bench_need(void *p) {
  if (!p)
    bench_fail("out of memory");
  return p;
}

/* ---- Threads and orders ---- */

static void *run_thread(void *arg) {
  thread_body((unsigned)(uintptr_t)arg);
  return NULL;
}

void bench_threads(unsigned n, void (*body)(unsigned)) {
  pthread_t threads[MAX_THREADS];
  if (n == 0 || n > MAX_THREADS)
    bench_fail("the number of threads must be in 1..64");
  if (n == 1) {
    body(0);
    return;
  }
  thread_body = body;
  for (unsigned i = 0; i < n; i++)
    if (GC_pthread_create(&threads[i], NULL, run_thread, (void *)(uintptr_t)i))
      bench_fail("cannot create a thread");
  for (unsigned i = 0; i < n; i++)
    GC_pthread_join(threads[i], NULL);
}

size_t *bench_permutation(size_t n, uint64_t seed) {
  size_t *order = bench_need(malloc(n * sizeof *order));
  for (size_t i = 0; i < n; i++)
    order[i] = i;
  for (size_t i = n; i > 1; i--) {
    size_t j = bench_below(&seed, i);
    size_t t = order[i - 1];
    order[i - 1] = order[j];
    order[j] = t;
  }
  return order;
}
