/* tests/unit/plat_memory.c: address space and pages. SPDX-License-Identifier: MIT
 */
#include "plat/plat.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/tap.h"

#define BYTES ((size_t)1 << 20)

/* ---- Whether an address may be touched ---- */

static sigjmp_buf touched_nothing;

static void jump_out(int signo) {
  (void)signo;
  siglongjmp(touched_nothing, 1);
}

static bool can_read(const volatile char *p) {
  struct sigaction action = {.sa_handler = jump_out};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  if (sigsetjmp(touched_nothing, 1) != 0)
    return false;
  (void)*p;
  return true;
}

static bool is_zero(const char *p, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (p[i] != 0)
      return false;
  return true;
}

static void reserved_memory_is_not_accessible(void) {
  char *p = gc_plat_reserve(NULL, BYTES);
  tap_require(p != NULL);
  tap_check(!can_read(p));
  tap_check(!can_read(p + BYTES - 1));
  tap_check(gc_plat_commit(p, BYTES / 2));
  tap_check(can_read(p) && can_read(p + BYTES / 2 - 1));
  tap_check(!can_read(p + BYTES / 2));
  gc_plat_release(p, BYTES);
  tap_check(!can_read(p));
}

static void committed_memory_is_zero_and_stays(void) {
  char *p = gc_plat_reserve(NULL, BYTES);
  tap_require(gc_plat_commit(p, BYTES));
  tap_check(is_zero(p, BYTES));
  memset(p, 0x55, BYTES);
  tap_check(gc_plat_commit(p, BYTES));
  tap_check(p[0] == 0x55 && p[BYTES - 1] == 0x55);
}

static void discarded_memory_reads_as_zero(void) {
  size_t page = gc_plat_page_bytes();
  char *p = gc_plat_reserve(NULL, BYTES);
  tap_require(gc_plat_commit(p, BYTES));
  memset(p, 0x55, BYTES);
  gc_plat_discard(p + page, page * 3);
  tap_check(is_zero(p + page, page * 3));
  tap_check(p[page - 1] == 0x55 && p[page * 4] == 0x55);
}

static void reserving_in_place_keeps_what_is_there(void) {
  char *p = gc_plat_reserve(NULL, BYTES);
  tap_require(p != NULL && gc_plat_commit(p, 1));
  p[0] = 7;
  tap_check(!gc_plat_reserve_at(p, BYTES));
  tap_check(!gc_plat_reserve_at(p + BYTES / 2, BYTES));
  tap_check(p[0] == 7);
  gc_plat_release(p, BYTES);
  tap_check(gc_plat_reserve_at(p, BYTES));
  tap_check(!can_read(p));
}

static void a_hint_is_taken_when_free(void) {
  char *p = gc_plat_reserve(NULL, BYTES);
  gc_plat_release(p, BYTES);
  tap_eq_p(gc_plat_reserve(p, BYTES), p);
}

static void faults_come_on_demand(void) {
  char *p = gc_plat_reserve(NULL, BYTES);
  unsigned failed = 0;
  gc_plat_fail_every(3);
  for (unsigned i = 0; i < 30; i++)
    failed += !gc_plat_commit(p, BYTES);
  tap_eq_u(failed, 10);
  gc_plat_fail_every(1);
  tap_check(gc_plat_reserve(NULL, BYTES) == NULL);
  tap_check(!gc_plat_reserve_at(p, BYTES));
  gc_plat_fail_every(0);
  tap_check(gc_plat_commit(p, BYTES));
}

static void errno_is_left_alone(void) {
  char *p = gc_plat_reserve(NULL, BYTES);
  errno = 4711;
  gc_plat_reserve_at(p, BYTES);
  tap_check(!gc_plat_commit((char *)gc_plat_page_bytes(), BYTES));
  gc_plat_reserve(NULL, (size_t)1 << 62);
  gc_plat_discard((char *)gc_plat_page_bytes(), BYTES);
  gc_plat_address_space_left();
  gc_plat_cpus();
  gc_plat_random();
  tap_eq_u(errno, 4711);
}

/* ---- Limits ---- */

static void no_limit_leaves_everything(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  if (limit.rlim_cur != RLIM_INFINITY)
    tap_skip("the address space is limited here");
  tap_eq_u(gc_plat_address_space_left(), SIZE_MAX);
}

static void the_rest_of_a_limit_is_known(void) {
  struct rlimit limit = {(rlim_t)64 << 40, (rlim_t)64 << 40};
  if (TAP_TSAN)
    tap_skip("the sanitiser takes more than such a limit");
  tap_require(setrlimit(RLIMIT_AS, &limit) == 0);
  size_t before = gc_plat_address_space_left();
  tap_le(before, limit.rlim_cur);
  tap_ge(before, (size_t)16 << 40);
  void *p = gc_plat_reserve(NULL, (size_t)1 << 30);
  size_t after = gc_plat_address_space_left();
  tap_require(p != NULL);
  tap_le(after, before - ((size_t)1 << 30));
  tap_ge(after, before - ((size_t)2 << 30));
}

static void a_reached_limit_is_reported(void) {
  struct rlimit limit = {(rlim_t)64 << 40, (rlim_t)64 << 40};
  if (TAP_TSAN)
    tap_skip("the sanitiser takes more than such a limit");
  tap_require(setrlimit(RLIMIT_AS, &limit) == 0);
  size_t left = gc_plat_address_space_left();
  tap_check(gc_plat_reserve(NULL, left + BYTES) == NULL);
  limit.rlim_cur = 4096;
  tap_require(setrlimit(RLIMIT_AS, &limit) == 0);
  tap_eq_u(gc_plat_address_space_left(), 0);
}

/* ---- Mappings ---- */

static void mappings_are_found(void) {
  size_t page = gc_plat_page_bytes();
  char *p = gc_plat_reserve(NULL, page * 8), *lo, *hi;
  tap_require(gc_plat_commit(p + page, page * 4));
  mprotect(p + page * 3, page, PROT_READ);
  tap_require(gc_plat_mapping_of(p + page * 2 + 17, &lo, &hi));
  tap_eq_p(lo, p + page);
  tap_eq_p(hi, p + page * 5);
  tap_check(!gc_plat_mapping_of(p, &lo, &hi));
  tap_check(!gc_plat_mapping_of(p + page * 5, &lo, &hi));
  tap_check(!gc_plat_mapping_of(NULL, &lo, &hi));
  tap_require(gc_plat_mapping_of((char *)&page, &lo, &hi));
  tap_check(lo <= (char *)&page && (char *)&page < hi);
}

TAP_MAIN(TAP_CASE(reserved_memory_is_not_accessible),
         TAP_CASE(committed_memory_is_zero_and_stays),
         TAP_CASE(discarded_memory_reads_as_zero),
         TAP_CASE(reserving_in_place_keeps_what_is_there),
         TAP_CASE(a_hint_is_taken_when_free), TAP_CASE(faults_come_on_demand),
         TAP_CASE(errno_is_left_alone), TAP_CASE(no_limit_leaves_everything),
         TAP_CASE(the_rest_of_a_limit_is_known),
         TAP_CASE(a_reached_limit_is_reported), TAP_CASE(mappings_are_found))
