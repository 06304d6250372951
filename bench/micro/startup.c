/* bench/micro/startup.c: a process that allocates one object. SPDX-License-Identifier: MIT */
/*
 * The program starts itself `runs` times; each child allocates one object and
 * exits.  CPU time is that of the children as the kernel accounts it, from
 * exec to exit, dynamic linking included; wall time is that of the loop.  One
 * more child, not timed, reports its peak resident set: the resident set of an
 * almost empty program.  With init=0 the child only links the library.
 */
#include "../bench.h"

#include <gc/gc.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct bench_param params[] = {
    {"runs", 400, "children"},
    {"init", 1, "0: children do not touch the collector"},
};

/* The child's part.  `what` is a letter for the work, then one for whether to
 * report the peak resident set on standard output. */
static int child(const char *what) {
  if (what[0] == 'i') {
    GC_INIT();
    bench_use(bench_need(GC_MALLOC(16)));
  }
  if (what[1] == 'r')
    printf("%lu\n", bench_status_kb("VmHWM"));
  return 0;
}

static void run_child(const char *what) {
  char self[] = "/proc/self/exe", name[] = "startup", mark[] = "--child";
  char arg[8];
  char *argv[] = {name, mark, arg, NULL};
  pid_t pid;
  int status;
  snprintf(arg, sizeof arg, "%s", what);
  if (posix_spawn(&pid, self, NULL, NULL, argv, environ))
    bench_fail("cannot start a child");
  if (waitpid(pid, &status, 0) != pid || status != 0)
    bench_fail("a child failed");
}

/* Reads the report of one child through standard output turned to a pipe. */
static unsigned long child_rss_kb(const char *what) {
  int ends[2], saved = dup(1);
  char text[32] = "";
  if (saved < 0 || pipe(ends) || dup2(ends[1], 1) < 0)
    bench_fail("cannot make a pipe");
  close(ends[1]);
  run_child(what);
  dup2(saved, 1);
  close(saved);
  if (read(ends[0], text, sizeof text - 1) <= 0)
    bench_fail("a child did not report its memory");
  close(ends[0]);
  return strtoul(text, NULL, 10);
}

static double children_cpu_s(void) {
  struct rusage u;
  getrusage(RUSAGE_CHILDREN, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "--child"))
    return child(argv[2]);
  bench_init(argc, argv, params, sizeof params / sizeof *params);
  int init = params[1].value != 0;
  bench_set_rss_kb(child_rss_kb(init ? "ir" : "nr"));
  double before = children_cpu_s();
  bench_start();
  for (size_t i = 0; i < params[0].value; i++)
    run_child(init ? "i-" : "n-");
  bench_stop();
  bench_set_times(children_cpu_s() - before, bench_wall_s());
  bench_report((double)params[0].value, "wall_ms_run=%.3f",
               bench_wall_s() * 1e3 / (double)params[0].value);
  return 0;
}
