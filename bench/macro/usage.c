/* bench/macro/usage.c: runs a program and writes down what it used. SPDX-License-Identifier: MIT */

/*
 * usage: usage FILE COMMAND...: microseconds of CPU time and the peak resident set in
 * KB of the largest process go to FILE, the exit status is the command's.
 *
 * A process counts as its own what was resident when another started it; so this is
 * done by a small program, not by the script.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long long microseconds(struct timeval t) {
  return t.tv_sec * 1000000LL + t.tv_usec;
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  FILE *out = fopen(argv[1], "w");
  if (out == NULL)
    return 2;
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  int status;
  struct rusage used;
  if (child < 0 || wait4(child, &status, 0, &used) != child)
    return 2;
  fprintf(out, "%lld %ld\n",
          microseconds(used.ru_utime) + microseconds(used.ru_stime),
          used.ru_maxrss);
  if (fclose(out) != 0 || !WIFEXITED(status))
    return 3;
  return WEXITSTATUS(status);
}
