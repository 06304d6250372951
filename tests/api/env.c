/* tests/api/env.c: environment variables read at initialisation. SPDX-License-Identifier: MIT */

/*
 * Each case starts this program again with a changed environment and a role
 * that looks at the effect from inside, or looks at the text that it wrote.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { MB = 1024 * 1024, N_KEEP = 100000 };

static void *volatile keep[N_KEEP];

static void churn_mb(size_t mb) {
  for (size_t i = 0; i < mb * 1024; i++)
    GC_malloc(1000);
}

/* ---- Roles ---- */

static void role_big_heap(void) {
  tap_eq_u(GC_get_heap_size(), 0);
  GC_INIT();
  tap_ge(GC_get_heap_size(), 20 * MB);
  churn_mb(10);
}

static void role_limited_heap(void) {
  size_t n = 0;
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_INIT();
  while (n < N_KEEP && (keep[n] = GC_malloc_atomic(10000)) != NULL)
    n++;
  tap_ge(n, 1000);
  tap_le(n, 16 * MB / 10000);
  tap_le(GC_get_heap_size(), 16 * MB);
}

static void role_divisor(void) {
  GC_INIT();
  tap_eq_u(GC_get_free_space_divisor(), 17);
}

static void role_no_collection(void) {
  GC_INIT();
  size_t no = GC_get_gc_no();
  churn_mb(40);
  GC_gcollect();
  tap_eq_u(GC_get_gc_no(), no);
  tap_ge(GC_get_heap_size(), 40 * MB);
}

static void role_interior(void) {
  GC_set_all_interior_pointers(0);
  GC_INIT();
  tap_eq_u(GC_get_all_interior_pointers(), 1);
  char *p = GC_malloc(64);
  tap_eq_p(GC_base(p + 64), p);
}

static void role_churn(void) {
  GC_INIT();
  churn_mb(20);
  GC_gcollect();
}

/* Drops 20 objects, frees 20 others by hand. */
static void role_leak(void) {
  GC_INIT();
  for (size_t i = 0; i < 20; i++) {
    keep[i] = GC_malloc(500);
    keep[100 + i] = GC_malloc_atomic(700);
  }
  for (size_t i = 0; i < 20; i++) {
    GC_free(keep[100 + i]);
    keep[i] = keep[100 + i] = NULL;
  }
  GC_gcollect();
}

static void role_unmap(void) {
  tap_eq_u(GC_get_force_unmap_on_gcollect(), 0);
  GC_INIT();
  tap_eq_u(GC_get_force_unmap_on_gcollect(), 1);
  GC_set_force_unmap_on_gcollect(0);
  tap_eq_u(GC_get_force_unmap_on_gcollect(), 0);
}

static const tap_case roles[] = {
    TAP_CASE(role_unmap),         TAP_CASE(role_big_heap),
    TAP_CASE(role_limited_heap),  TAP_CASE(role_divisor),
    TAP_CASE(role_no_collection), TAP_CASE(role_interior),
    TAP_CASE(role_churn),         TAP_CASE(role_leak)};

/* ---- Cases ---- */

#define ENV_CASE(name, role, setting)                                          \
  static void name(void) {                                                     \
    static const char *const env[] = {setting, NULL};                          \
    gu_check_role(role, env, 0);                                               \
  }

ENV_CASE(initial_heap_size_in_bytes, "role_big_heap",
         "GC_INITIAL_HEAP_SIZE=20971520")
ENV_CASE(initial_heap_size_in_kilobytes, "role_big_heap",
         "GC_INITIAL_HEAP_SIZE=20480k")
ENV_CASE(initial_heap_size_in_megabytes, "role_big_heap",
         "GC_INITIAL_HEAP_SIZE=20M")
ENV_CASE(maximum_heap_size_in_megabytes, "role_limited_heap",
         "GC_MAXIMUM_HEAP_SIZE=16M")
ENV_CASE(maximum_heap_size_in_bytes, "role_limited_heap",
         "GC_MAXIMUM_HEAP_SIZE=16777216")
ENV_CASE(free_space_divisor, "role_divisor", "GC_FREE_SPACE_DIVISOR=17")
ENV_CASE(collections_can_be_forbidden, "role_no_collection", "GC_DONT_GC=1")
ENV_CASE(interior_pointers_can_be_demanded, "role_interior",
         "GC_ALL_INTERIOR_POINTERS=1")

ENV_CASE(free_memory_can_be_returned_always, "role_unmap",
         "GC_FORCE_UNMAP_ON_GCOLLECT=1")

static size_t count_text(const char *text, const char *part) {
  size_t n = 0;
  for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
    n++;
  return n;
}

static size_t run_role_and_count(const char *role, const char *setting,
                                 const char *part) {
  static char out[200000];
  const char *const env[] = {setting, NULL};
  gu_exec x = {role, env, 0, out, sizeof out};
  int status = gu_run_role(&x);
  tap_check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return count_text(out, part);
}

static void statistics_are_printed_on_demand(void) {
  tap_ge(
      run_role_and_count("role_churn", "GC_PRINT_STATS=1", "Initiating full"),
      2);
}

static void verbose_statistics_have_them_too(void) {
  tap_ge(run_role_and_count("role_churn", "GC_PRINT_VERBOSE_STATS=1",
                            "Initiating full"),
         2);
}

static size_t bytes_of_role(const char *setting) {
  static char out[1 << 20];
  const char *const env[] = {setting, NULL};
  gu_exec x = {"role_churn", env, 0, out, sizeof out};
  int status = gu_run_role(&x);
  tap_check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return strlen(out);
}

static void the_heap_is_printed_regularly(void) {
  tap_ge(bytes_of_role("GC_DUMP_REGULARLY=1"), 500);
}

static void leaks_may_end_the_process(void) {
  static char out[200000];
  const char *const env[] = {"GC_FIND_LEAK=1", "GC_ABORT_ON_LEAK=1", NULL};
  gu_exec x = {"role_leak", env, 0, out, sizeof out};
  int status = gu_run_role(&x);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  tap_ge(count_text(out, "object at "), 18);
}

/* Programs that run one after the other, or at once, share the file. */
static void a_log_keeps_what_is_in_it(void) {
  static char text[200000];
  char setting[80] = "GC_LOG_FILE=/tmp/env-log.XXXXXX";
  const char *path = strchr(setting, '=') + 1;
  int fd = mkstemp(strchr(setting, '=') + 1);
  tap_check(fd >= 0 && write(fd, "before\n", 7) == 7);
  const char *const env[] = {setting, "GC_PRINT_STATS=1", NULL};
  gu_check_role("role_churn", env, 0);
  gu_check_role("role_churn", env, 0);
  ssize_t len = pread(fd, text, sizeof text - 1, 0);
  close(fd);
  unlink(path);
  tap_check(len > 7 && memcmp(text, "before\n", 7) == 0);
  tap_ge(count_text(text, "Initiating full"), 4);
}

/* Some may be found by a stale word; what was freed is never named. */
static void leaks_are_found_on_demand(void) {
  size_t n = run_role_and_count("role_leak", "GC_FIND_LEAK=1", "object at ");
  tap_ge(n, 18);
  tap_le(n, 23);
}

static void sizes_without_sense_are_named(void) {
  tap_ge(run_role_and_count("role_churn", "GC_INITIAL_HEAP_SIZE=some", "some"),
         1);
  tap_ge(run_role_and_count("role_churn", "GC_MAXIMUM_HEAP_SIZE=much", "much"),
         1);
}

static void divisors_without_sense_are_named(void) {
  static const char *const settings[] = {
      "GC_FREE_SPACE_DIVISOR=0", "GC_FREE_SPACE_DIVISOR=2x",
      "GC_FREE_SPACE_DIVISOR=-1", "GC_FREE_SPACE_DIVISOR="};
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    tap_eq_u(
        run_role_and_count("role_churn", settings[i], "GC_FREE_SPACE_DIVISOR"),
        1);
}

static void nothing_is_printed_otherwise(void) {
  static char out[10000];
  gu_exec x = {"role_churn", NULL, 0, out, sizeof out};
  int status = gu_run_role(&x);
  tap_check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  tap_eq_s(out, "");
}

int main(int argc, char **argv) {
  static const tap_case cases[] = {TAP_CASE(initial_heap_size_in_bytes),
                                   TAP_CASE(initial_heap_size_in_kilobytes),
                                   TAP_CASE(initial_heap_size_in_megabytes),
                                   TAP_CASE(maximum_heap_size_in_megabytes),
                                   TAP_CASE(maximum_heap_size_in_bytes),
                                   TAP_CASE(free_space_divisor),
                                   TAP_CASE(collections_can_be_forbidden),
                                   TAP_CASE(interior_pointers_can_be_demanded),
                                   TAP_CASE(statistics_are_printed_on_demand),
                                   TAP_CASE(free_memory_can_be_returned_always),
                                   TAP_CASE(verbose_statistics_have_them_too),
                                   TAP_CASE(the_heap_is_printed_regularly),
                                   TAP_CASE(leaks_may_end_the_process),
                                   TAP_CASE(a_log_keeps_what_is_in_it),
                                   TAP_CASE(leaks_are_found_on_demand),
                                   TAP_CASE(sizes_without_sense_are_named),
                                   TAP_CASE(divisors_without_sense_are_named),
                                   TAP_CASE(nothing_is_printed_otherwise)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
