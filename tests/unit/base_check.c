/* tests/unit/base_check.c: how the collector gives up. SPDX-License-Identifier: MIT
 *
 * Each failure happens in a child whose standard error is a pipe.
 */
#include "base/check.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/tap.h"

static char output[1024];

/* Runs fn in a child; returns its wait status and fills `output`. */
static int run_and_listen(void (*fn)(void)) {
  int ends[2], status;
  size_t n = 0;
  ssize_t got;
  tap_require(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(ends[1], STDERR_FILENO);
    fn();
    _exit(77);
  }
  close(ends[1]);
  while ((got = read(ends[0], output + n, sizeof output - 1 - n)) > 0)
    n += (size_t)got;
  output[n] = '\0';
  close(ends[0]);
  waitpid(child, &status, 0);
  return status;
}

static bool is_abort(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void fail_plainly(void) { gc_fatal("%s number %d", "disaster", 7); }

static void fatal_prints_and_aborts(void) {
  tap_check(is_abort(run_and_listen(fail_plainly)));
  tap_eq_s(output, "Reclaim: disaster number 7\n");
}

static void write_hook(const char *message) {
  write(STDERR_FILENO, "hook:", 5);
  write(STDERR_FILENO, message, strlen(message));
}

static void fail_with_hook(void) {
  gc_abort_hook = write_hook;
  gc_fatal("x");
}

static void the_hook_gets_the_message(void) {
  tap_check(is_abort(run_and_listen(fail_with_hook)));
  tap_eq_s(output, "Reclaim: x\nhook:Reclaim: x\n");
}

static void fail_again(const char *message) { gc_fatal("again: %s", message); }

static void fail_in_hook(void) {
  gc_abort_hook = fail_again;
  gc_fatal("first");
}

static void a_failing_hook_ends_it(void) {
  tap_check(is_abort(run_and_listen(fail_in_hook)));
  tap_eq_s(output, "Reclaim: first\n");
}

static void break_a_check(void) {
  volatile int one = 1;
  gc_check(one == 1);
  gc_check(one == 2);
}

static void a_check_names_itself(void) {
  if (GC_BARE_BUILD)
    tap_skip("the bare build has no checks");
  tap_check(is_abort(run_and_listen(break_a_check)));
  tap_check(strstr(output, "one == 2") != NULL);
  const char *start = "Reclaim: break_a_check: ";
  tap_check(strncmp(output, start, strlen(start)) == 0);
  tap_check(strstr(output, "(base_check.c:") != NULL);
}

static void fail_at_length(void) {
  char text[4000];
  memset(text, 'a', sizeof text);
  text[sizeof text - 1] = '\0';
  gc_fatal("%s", text);
}

static void a_long_message_is_cut(void) {
  tap_check(is_abort(run_and_listen(fail_at_length)));
  size_t n = strlen(output);
  tap_le(n, 512);
  tap_check(n > 400 && output[n - 1] == '\n');
}

TAP_MAIN(TAP_CASE(fatal_prints_and_aborts), TAP_CASE(the_hook_gets_the_message),
         TAP_CASE(a_failing_hook_ends_it), TAP_CASE(a_check_names_itself),
         TAP_CASE(a_long_message_is_cut))
