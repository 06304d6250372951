/* tests/lib/tap.h: runner and checks of the test programs. SPDX-License-Identifier: MIT */

/*
 * A test program is a table of cases. Every case runs in a forked child with a
 * timeout, so it meets a fresh and uninitialised library, may crash or hang
 * without taking the others along, and may set limits as it likes. The parent
 * never calls the library under test. Results go to standard output in the
 * Test Anything Protocol.
 *
 * Invariants:
 * - A case passes only if its function returns (or the process is asked to
 *   finish through tap_skip), no check failed in any process that it forked,
 *   and the child left with status 0.
 * - Verdicts live in one page that is shared with the parent, so checks in
 *   threads and in grandchildren count as well.
 * - The pseudo random sequence depends on the seed only; each case starts it
 *   anew, so `--only NAME --seed N` repeats a failure.
 *
 * Options: --seed N, --only NAME and --except NAME (may be repeated), --list,
 * --long, and --role NAME, which runs a function of the table given to tap_set_roles in
 * this very process (for cases that must start from exec). Environment:
 * TAP_SEED, TAP_LONG=1, TAP_TIMEOUT_SCALE=N (multiplies all timeouts).
 */
#ifndef TESTS_LIB_TAP_H
#define TESTS_LIB_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether AddressSanitizer or ThreadSanitizer watches this program: 1 or 0. The
 * former's allocator is not locked over a fork, and the latter allows no thread
 * in the child of a process with threads, so such cases are left out then. */
#if defined(__SANITIZE_ADDRESS__)
#define TAP_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TAP_ASAN 1
#endif
#endif
#ifndef TAP_ASAN
#define TAP_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define TAP_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TAP_TSAN 1
#endif
#endif
#ifndef TAP_TSAN
#define TAP_TSAN 0
#endif

#define TAP_NORETURN __attribute__((noreturn))

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const char *name;
  void (*run)(void);
  unsigned timeout_s; /* 0 means 60 */
} tap_case;

/* Runs the cases that the options select; the result is main's result. */
int tap_main(int argc, char **argv, const tap_case *cases, size_t n);

/* Makes functions callable with --role; call it before tap_main. */
void tap_set_roles(const tap_case *roles, size_t n);

/* Seed of this run, whether --long was given, and the random sequence. */
uint64_t tap_seed(void);
bool tap_long(void);
uint64_t tap_rand(void); /* main thread only */
uint64_t tap_rand_r(uint64_t *state);

/* Ends the case as skipped; a diagnostic line. */
TAP_NORETURN void tap_skip(const char *reason);
__attribute__((format(printf, 1, 2))) void tap_note(const char *fmt, ...);

/* Number of failed checks of the running case so far. */
unsigned tap_failures(void);

/* Bodies of the macros below. */
bool tap_check_at(bool ok, const char *file, int line, const char *text);
TAP_NORETURN void tap_end_failed(void);
bool tap_eq_u_at(uint64_t a, uint64_t b, const char *file, int line,
                 const char *text);
bool tap_eq_s_at(const char *a, const char *b, const char *file, int line,
                 const char *text);
bool tap_eq_p_at(const void *a, const void *b, const char *file, int line,
                 const char *text);
bool tap_order_at(long double a, long double b, int want, const char *file,
                  int line, const char *text);

#ifdef __cplusplus
}
#endif

#define tap_check(cond) tap_check_at(!!(cond), __FILE__, __LINE__, #cond)
#define tap_require(cond)                                                      \
  do {                                                                         \
    if (!tap_check_at(!!(cond), __FILE__, __LINE__, #cond))                    \
      tap_end_failed();                                                        \
  } while (0)
#define tap_eq_u(a, b)                                                         \
  tap_eq_u_at((uint64_t)(a), (uint64_t)(b), __FILE__, __LINE__, #a " == " #b)
#define tap_eq_s(a, b) tap_eq_s_at((a), (b), __FILE__, __LINE__, #a " is " #b)
#define tap_eq_p(a, b) tap_eq_p_at((a), (b), __FILE__, __LINE__, #a " == " #b)
#define tap_le(a, b)                                                           \
  tap_order_at((long double)(a), (long double)(b), -1, __FILE__, __LINE__,     \
               #a " <= " #b)
#define tap_ge(a, b)                                                           \
  tap_order_at((long double)(a), (long double)(b), 1, __FILE__, __LINE__,      \
               #a " >= " #b)

#define TAP_CASE(fn)                                                           \
  { #fn, fn, 0 }
#define TAP_CASE_T(fn, secs)                                                   \
  { #fn, fn, secs }
#define TAP_MAIN(...)                                                          \
  int main(int argc, char **argv) {                                            \
    static const tap_case tap_cases_[] = {__VA_ARGS__};                        \
    return tap_main(argc, argv, tap_cases_,                                    \
                    sizeof tap_cases_ / sizeof tap_cases_[0]);                 \
  }

#endif
