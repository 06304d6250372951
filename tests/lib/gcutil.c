/* tests/lib/gcutil.c: helpers of black-box tests of the collector. SPDX-License-Identifier: MIT */

#define _GNU_SOURCE
#include "lib/gcutil.h"

#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/tap.h"

enum { SCRUB_BYTES = 96 * 1024, APART_BYTES = 24 * 1024 };

/* Only our library has it; elsewhere the weak reference stays NULL. */
extern int gcx_write_heap_map(const char *path) __attribute__((weak));

/* The adapter in bdwgc-patch has this one, too. */
extern unsigned gcx_backend_caps(void) __attribute__((weak));

bool gu_on_reclaim(void) { return gcx_write_heap_map != NULL; }

bool gu_has_kinds(void) { return gcx_backend_caps != NULL; }

/* ---- Stack hygiene ---- */

GU_NOINLINE void gu_scrub_stack(void) {
  volatile char area[SCRUB_BYTES];
  memset((void *)area, 0, sizeof area);
  __asm__ volatile(
      "xor %%eax, %%eax\n\txor %%ecx, %%ecx\n\txor %%edx, %%edx\n\t"
      "xor %%esi, %%esi\n\txor %%edi, %%edi\n\txor %%r8d, %%r8d\n\t"
      "xor %%r9d, %%r9d\n\txor %%r10d, %%r10d\n\txor %%r11d, %%r11d\n\t"
      "pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\tpxor %%xmm2, %%xmm2\n\t"
      "pxor %%xmm3, %%xmm3\n\tpxor %%xmm4, %%xmm4\n\tpxor %%xmm5, %%xmm5\n\t"
      "pxor %%xmm6, %%xmm6\n\tpxor %%xmm7, %%xmm7"
      :
      : "r"(area)
      : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "memory");
}

static GU_NOINLINE void call_deep(void (*fn)(void *), void *arg) {
  volatile char area[APART_BYTES];
  area[0] = 0;
  area[sizeof area - 1] = 0;
  fn(arg);
  area[1] = area[0];
}

/* A collection meanwhile would hand dead objects out again: none may run. */
GU_NOINLINE void gu_apart(void (*fn)(void *), void *arg) {
  GC_disable();
  call_deep(fn, arg);
  gu_scrub_stack();
  GC_enable();
}

GU_NOINLINE void gu_collect(void) {
  gu_scrub_stack();
  GC_gcollect();
}

/* ---- Life and death ---- */

GU_NOINLINE bool gu_is_dead(uintptr_t hidden) {
  void *base = GC_base(gu_reveal(hidden));
  return base == NULL || !GC_is_marked(base);
}

GU_NOINLINE size_t gu_dead_count(const uintptr_t *hidden, size_t n) {
  size_t dead = 0;
  for (size_t i = 0; i < n; i++)
    dead += gu_is_dead(hidden[i]);
  gu_scrub_stack();
  return dead;
}

void gu_check_most_dead(const uintptr_t *hidden, size_t n, const char *what) {
  size_t dead = gu_dead_count(hidden, n);
  if (!tap_check(dead * 100 >= n * 95))
    tap_note("%s: only %zu of %zu are dead", what, dead, n);
}

void gu_check_none_dead(const uintptr_t *hidden, size_t n, const char *what) {
  size_t dead = gu_dead_count(hidden, n);
  if (!tap_check(dead == 0))
    tap_note("%s: %zu of %zu are dead", what, dead, n);
}

/* ---- Contents ---- */

/* An odd byte pattern: no aligned word of it is a heap address here. */
static unsigned char pattern(uint64_t id, size_t i) {
  uint64_t x = (id + 1) * UINT64_C(0x9e3779b97f4a7c15) + i * 0x6b;
  return (unsigned char)((x >> 32 ^ x >> 11) | 0x81);
}

void gu_fill(void *p, size_t n, uint64_t id) {
  unsigned char *b = p;
  for (size_t i = 0; i < n; i++)
    b[i] = pattern(id, i);
}

bool gu_is_intact(const void *p, size_t n, uint64_t id) {
  const unsigned char *b = p;
  for (size_t i = 0; i < n; i++)
    if (b[i] != pattern(id, i))
      return false;
  return true;
}

bool gu_is_zero(const void *p, size_t n) {
  const unsigned char *b = p;
  for (size_t i = 0; i < n; i++)
    if (b[i] != 0)
      return false;
  return true;
}

/* ---- Processes ---- */

static _Noreturn void become_role(const gu_exec *x, int out_fd) {
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0)
    _exit(120);
  self[n] = '\0';
  for (size_t i = 0; x->env != NULL && x->env[i] != NULL; i++)
    putenv((char *)x->env[i]);
  if (x->limit_as != 0) {
    struct rlimit lim = {x->limit_as, x->limit_as};
    if (setrlimit(RLIMIT_AS, &lim) != 0)
      _exit(121);
  }
  dup2(out_fd, STDOUT_FILENO);
  dup2(out_fd, STDERR_FILENO);
  execl(self, self, "--role", x->role, (char *)NULL);
  _exit(122);
}

int gu_run_role(const gu_exec *x) {
  int fds[2];
  int status = -1;
  char rest[4096];
  size_t used = 0;
  tap_require(pipe2(fds, O_CLOEXEC) == 0);
  pid_t pid = fork();
  if (pid == 0)
    become_role(x, fds[1]);
  close(fds[1]);
  tap_require(pid > 0);
  for (;;) {
    bool keep = x->out != NULL && used + 1 < x->out_size;
    char *to = keep ? x->out + used : rest;
    size_t room = keep ? x->out_size - used - 1 : sizeof rest;
    ssize_t got = read(fds[0], to, room);
    if (got <= 0)
      break;
    used += keep ? (size_t)got : 0;
  }
  if (x->out != NULL && x->out_size != 0)
    x->out[used] = '\0';
  close(fds[0]);
  waitpid(pid, &status, 0);
  return status;
}

void gu_check_role(const char *role, const char *const *env, size_t limit_as) {
  static char out[8192];
  gu_exec x = {role, env, limit_as, out, sizeof out};
  int status = gu_run_role(&x);
  if (tap_check(WIFEXITED(status) && WEXITSTATUS(status) == 0))
    return;
  tap_note("role %s: wait status 0x%x, output:", role, (unsigned)status);
  for (char *line = strtok(out, "\n"); line != NULL; line = strtok(NULL, "\n"))
    tap_note("  %s", line);
}

static char said[1 << 16];

const char *gu_said(void (*fn)(void)) {
  FILE *file = tmpfile();
  int saved = dup(STDERR_FILENO);
  tap_require(file != NULL && saved >= 0);
  fflush(stderr);
  dup2(fileno(file), STDERR_FILENO);
  fn();
  fflush(stderr);
  dup2(saved, STDERR_FILENO);
  close(saved);
  rewind(file);
  said[fread(said, 1, sizeof said - 1, file)] = '\0';
  fclose(file);
  return said;
}

size_t gu_count_said(const char *text) {
  size_t n = 0;
  for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
    n++;
  return n;
}

void gu_check_child(pid_t pid) {
  int status = -1;
  tap_check(pid > 0);
  if (pid <= 0)
    return;
  tap_check(waitpid(pid, &status, 0) == pid);
  if (!tap_check(WIFEXITED(status) && WEXITSTATUS(status) == 0))
    tap_note("child %d: wait status 0x%x", (int)pid, (unsigned)status);
}

long gu_peak_rss_kib(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_maxrss;
}

uint64_t gu_now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
