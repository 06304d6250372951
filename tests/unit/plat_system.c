/* tests/unit/plat_system.c: clock, processors, futex, text, files.
 * SPDX-License-Identifier: MIT
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#include "plat/plat.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/tap.h"

static void clocks_go_forward(void) {
  uint64_t wall = gc_plat_now_ns(), cpu = gc_plat_cpu_ns();
  while (gc_plat_cpu_ns() - cpu < 5000000)
    continue;
  tap_ge(gc_plat_now_ns() - wall, 2000000);
  tap_check(gc_plat_now_ns() > wall);
}

static void processors_follow_the_affinity(void) {
  cpu_set_t set;
  tap_ge(gc_plat_cpus(), 1);
  tap_require(sched_getaffinity(0, sizeof set, &set) == 0);
  tap_eq_u(gc_plat_cpus(), CPU_COUNT(&set));
  int first = 0;
  while (!CPU_ISSET(first, &set))
    first++;
  CPU_ZERO(&set);
  CPU_SET(first, &set);
  tap_require(sched_setaffinity(0, sizeof set, &set) == 0);
  tap_eq_u(gc_plat_cpus(), 1);
}

static void random_words_differ(void) {
  uint64_t all_and = ~(uint64_t)0, all_or = 0;
  for (unsigned i = 0; i < 200; i++) {
    uint64_t r = gc_plat_random();
    all_and &= r;
    all_or |= r;
  }
  tap_eq_u(all_and, 0);
  tap_eq_u(all_or, ~(uint64_t)0);
}

/* ---- Futex ---- */

static _Atomic uint32_t word;
static _Atomic unsigned woken;

static void *wait_for_change(void *arg) {
  while (gc_load_acq(&word) == 0)
    gc_plat_futex_wait(&word, 0, 0);
  gc_add_rlx(&woken, 1);
  return arg;
}

static void waiters_are_woken(void) {
  pthread_t threads[3];
  for (unsigned i = 0; i < 3; i++)
    pthread_create(&threads[i], NULL, wait_for_change, NULL);
  usleep(20000);
  tap_eq_u(gc_load_rlx(&woken), 0);
  gc_store_rel(&word, 1);
  gc_plat_futex_wake(&word, -1);
  for (unsigned i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  tap_eq_u(gc_load_rlx(&woken), 3);
}

static void waiting_ends_in_time(void) {
  errno = 4711;
  uint64_t start = gc_plat_now_ns();
  tap_check(!gc_plat_futex_wait(&word, 0, 20000000));
  tap_ge(gc_plat_now_ns() - start, 15000000);
  tap_check(gc_plat_futex_wait(&word, 1, 1000000000));
  tap_eq_u(errno, 4711);
}

/* ---- Text ---- */

static char heard[1024];

static void hear(const char *text, size_t len) {
  memcpy(heard, text, len);
  heard[len] = '\0';
}

static void messages_go_to_the_sink(void) {
  gc_message_sink = hear;
  gc_plat_message("%s has %d", "it", 5);
  tap_eq_s(heard, "Reclaim: it has 5\n");
  char text[2000];
  memset(text, 'b', sizeof text);
  text[sizeof text - 1] = '\0';
  gc_plat_message("%s", text);
  tap_eq_u(strlen(heard), 511);
  tap_check(heard[510] == '\n');
}

static void a_closed_descriptor_does_no_harm(void) {
  errno = 4711;
  gc_plat_write_text(-1, "lost", 4);
  tap_eq_u(errno, 4711);
}

static void files_are_made_anew(void) {
  char path[64], text[16] = "";
  snprintf(path, sizeof path, "/tmp/plat_system.%d", (int)getpid());
  int error, made = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  tap_require(made >= 0 && write(made, "something old", 13) == 13);
  int fd = gc_plat_open_file(path, false, &error);
  tap_require(fd >= 0);
  tap_eq_u(error, 0);
  gc_plat_write_text(fd, "new", 3);
  gc_plat_close_file(fd);
  tap_eq_u(pread(made, text, sizeof text, 0), 3);
  tap_eq_s(text, "new");
  unlink(path);
  close(made);
}

static void a_file_that_cannot_be_made_says_why(void) {
  int error = 0;
  tap_check(gc_plat_open_file("/nowhere/at/all", false, &error) < 0);
  tap_eq_u(error, ENOENT);
}

static void the_environment_is_read(void) {
  setenv("RECLAIM_TEST_VALUE", "17", 1);
  tap_eq_s(gc_plat_getenv("RECLAIM_TEST_VALUE"), "17");
  unsetenv("RECLAIM_TEST_VALUE");
  tap_check(gc_plat_getenv("RECLAIM_TEST_VALUE") == NULL);
}

static int exit_pipe[2];

static void tell_exit(void) { gc_plat_write_text(exit_pipe[1], "x", 1); }

static void exit_functions_run(void) {
  char c = 0;
  tap_require(pipe(exit_pipe) == 0);
  pid_t child = fork();
  if (child == 0) {
    gc_plat_at_exit(tell_exit);
    exit(0);
  }
  waitpid(child, NULL, 0);
  close(exit_pipe[1]);
  tap_eq_u(read(exit_pipe[0], &c, 1), 1);
}

TAP_MAIN(TAP_CASE(clocks_go_forward), TAP_CASE(processors_follow_the_affinity),
         TAP_CASE(random_words_differ), TAP_CASE(waiters_are_woken),
         TAP_CASE(waiting_ends_in_time), TAP_CASE(messages_go_to_the_sink),
         TAP_CASE(a_closed_descriptor_does_no_harm),
         TAP_CASE(files_are_made_anew),
         TAP_CASE(a_file_that_cannot_be_made_says_why),
         TAP_CASE(the_environment_is_read), TAP_CASE(exit_functions_run))
