/* src/plat/system.c: processors, clocks, chance, process exit.
 * SPDX-License-Identifier: MIT
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#include "plat/plat.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_clock_ns(clockid_t clock) {
  struct timespec t = {0, 0};
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t gc_plat_now_ns(void) { return read_clock_ns(CLOCK_MONOTONIC); }

uint64_t gc_plat_cpu_ns(void) {
  return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* Machines with more processors than the set holds answer EINVAL; then the
 * number that are online has to do. */
unsigned gc_plat_cpus(void) {
  int saved = errno;
  cpu_set_t set;
  long n = 0;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    n = CPU_COUNT(&set);
  if (n < 1)
    n = sysconf(_SC_NPROCESSORS_ONLN);
  errno = saved;
  return n < 1 ? 1 : (unsigned)n;
}

/* A good mixer of poor entropy (the finaliser of splitmix64). */
static uint64_t mix_bits(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

uint64_t gc_plat_random(void) {
  int saved = errno;
  uint64_t r;
  if (getrandom(&r, sizeof r, GRND_NONBLOCK) != (ssize_t)sizeof r)
    r = mix_bits(gc_plat_now_ns() ^ (uint64_t)(uintptr_t)&r ^
                 (uint64_t)(uintptr_t)gc_plat_random << 16);
  errno = saved;
  return r;
}

void gc_plat_yield(void) { sched_yield(); }

void gc_plat_at_exit(void (*fn)(void)) { atexit(fn); }
