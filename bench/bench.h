/* bench/bench.h: parameters, clocks, report line. SPDX-License-Identifier: MIT */
/*
 * A benchmark is a program that measures itself.  It describes its parameters
 * in a table, brackets the interesting phase by bench_start and bench_stop,
 * and ends with bench_report, which prints one line of `key=value` words.
 *
 * The clock is the CPU clock of the process: all threads and the kernel's work
 * on their behalf count, other programs do not.  The line also names the
 * collector library that was really mapped, because the same binary is run on
 * two of them and a wrong search path would compare a library with itself.
 *
 * Only public functions of the collector are used, so that the binary runs on
 * any library with the same interface.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* A parameter, given on the command line as name=value; `value` holds the
 * default until bench_init has read the arguments. */
struct bench_param {
  const char *name;
  unsigned long value;
  const char *help;
};

/* Reads the arguments into `params` and initialises the collector.  Exits
 * with status 2 after one line of error text if an argument is unknown or
 * malformed, and with status 0 after `--help`. */
void bench_init(int argc, char **argv, struct bench_param *params, size_t n);

/* The measured phase; it may be entered several times and accumulates. */
void bench_start(void);
void bench_stop(void);

/* CPU and wall seconds accumulated so far. */
double bench_cpu_s(void);
double bench_wall_s(void);

/* Replaces what the phase clocks have measured; for a program whose work is
 * done by child processes. */
void bench_set_times(double cpu_s, double wall_s);

/* Replaces the peak resident set; for the same programs. */
void bench_set_rss_kb(unsigned long rss_kb);

/* Prints the line.  `ops` is the number of operations of the measured phase,
 * `extra` a printf format with further key=value words, or "". */
void bench_report(double ops, const char *extra, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends the program with status 1 and a message. */
void bench_fail(const char *why) __attribute__((noreturn));

/* The pointer itself if it is not NULL; otherwise fails: memory is out. */
void *bench_need(void *p);

/* Field of /proc/self/status in kB (for example "VmHWM"), 0 if absent. */
unsigned long bench_status_kb(const char *field);

/* Runs `body(i)` for i in 0..n-1, each in a thread of its own created through
 * the collector, and joins them; with n == 1 the caller's thread does it. */
void bench_threads(unsigned n, void (*body)(unsigned));

/* Hides from the compiler what happens to p, so that an allocation whose
 * result is dropped cannot be optimised out. */
static inline void bench_use(const void *p) {
  __asm__ volatile("" : : "r"(p) : "memory");
}

/* Pseudo-random numbers (xorshift64*): the same sequence on every run. */
static inline uint64_t bench_rand(uint64_t *state) {
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * UINT64_C(0x2545F4914F6CDD1D);
}

/* A number in 0..n-1; n < 2^32. */
static inline uint64_t bench_below(uint64_t *state, uint64_t n) {
  return ((bench_rand(state) >> 32) * n) >> 32;
}

/* A random permutation of 0..n-1 in memory of malloc, which the collector
 * does not scan. */
size_t *bench_permutation(size_t n, uint64_t seed);

#endif
