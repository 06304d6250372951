/* tests/lib/gcutil.h: helpers of black-box tests of the collector. SPDX-License-Identifier: MIT */

/*
 * A conservative collector may keep a dropped object for good reasons (a stale
 * word on the stack), but may never lose a live one. So "dropped objects are
 * reclaimed" is always asked of many objects and with tolerance, while contents
 * of live objects are compared exactly. These helpers use the public interface
 * only and work with every implementation of it.
 *
 * An object counts as dead if, right after a collection and before any further
 * allocation, its block is gone or its mark is clear.
 */
#ifndef TESTS_LIB_GCUTIL_H
#define TESTS_LIB_GCUTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__clang__)
#define GU_NOINLINE __attribute__((noinline))
#else
#define GU_NOINLINE __attribute__((noinline, noclone))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* True when the library under test is Reclaim. */
bool gu_on_reclaim(void);
/* True when kinds of gcx/reclaim.h are there: on Reclaim, and with the adapter. */
bool gu_has_kinds(void);

/* Addresses that a conservative scan does not recognise. */
static inline uintptr_t gu_hide(const void *p) { return ~(uintptr_t)p; }
static inline void *gu_reveal(uintptr_t h) { return (void *)~h; }

/* Clears the dead part of the stack and the scratch registers. */
void gu_scrub_stack(void);

/*
 * Calls fn deep in the stack with collections disabled, and scrubs what it left
 * there. So no object that fn drops is recycled before the test collects.
 */
void gu_apart(void (*fn)(void *), void *arg);

/* Scrubs the stack and does one full collection. */
void gu_collect(void);

/* State of hidden objects after a collection. */
bool gu_is_dead(uintptr_t hidden);
size_t gu_dead_count(const uintptr_t *hidden, size_t n);

/* Checks that at least 95 % (or none at all) of n objects are dead. */
void gu_check_most_dead(const uintptr_t *hidden, size_t n, const char *what);
void gu_check_none_dead(const uintptr_t *hidden, size_t n, const char *what);

/* Contents that depend on an id; intact tells whether they still do. */
void gu_fill(void *p, size_t n, uint64_t id);
bool gu_is_intact(const void *p, size_t n, uint64_t id);
bool gu_is_zero(const void *p, size_t n);

/*
 * Starts this program again with `--role role` and the given environment
 * changes ("NAME=value", ended by NULL), address space limit (0: none) and
 * collects its output. Returns the wait status.
 */
typedef struct {
  const char *role;
  const char *const *env;
  size_t limit_as;
  char *out; /* may be NULL */
  size_t out_size;
} gu_exec;
int gu_run_role(const gu_exec *x);

/* Checks that the role ended well, prints its output otherwise. */
void gu_check_role(const char *role, const char *const *env, size_t limit_as);

/* Calls fn and gives what was written to standard error meanwhile, cut off at 64 KiB. */
const char *gu_said(void (*fn)(void));
/* How often the text occurs in what was given last. */
size_t gu_count_said(const char *text);

/* Waits for a child and checks that it left with status 0. */
void gu_check_child(pid_t pid);

/* Peak resident set in KiB and monotonic time in nanoseconds. */
long gu_peak_rss_kib(void);
uint64_t gu_now_ns(void);

#ifdef __cplusplus
}
#endif

#endif
