/* tests/lib/tap.c: runner and checks of the test programs. SPDX-License-Identifier: MIT */

/*
 * One page of shared memory carries the verdict of the running case from the
 * child (and its threads and children) to the parent. The parent waits with
 * sigtimedwait on a blocked SIGCHLD, so a finished child is seen at once and a
 * hanging one is killed with its whole process group.
 */
#define _GNU_SOURCE
#include "lib/tap.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_S = 60, LONG_FACTOR = 10, MAX_NAMES = 64 };

struct verdict {
  atomic_uint failures;
  atomic_bool finished;
  atomic_bool skipped;
  char reason[200];
};

struct options {
  const char *only[MAX_NAMES];
  size_t n_only;
  const char *except[MAX_NAMES];
  size_t n_except;
  const char *role;
  bool list;
};

static struct verdict *verdict; /* shared with the parent */
static const tap_case *role_table;
static size_t n_roles;
static uint64_t seed;
static uint64_t rand_state;
static bool long_form;
static unsigned timeout_scale = 1;

/* ---- Seed and random numbers ---- */

uint64_t tap_seed(void) { return seed; }

bool tap_long(void) { return long_form; }

uint64_t tap_rand_r(uint64_t *state) {
  uint64_t x = *state;
  if (x == 0)
    x = UINT64_C(0x9e3779b97f4a7c15); /* zero is the fixed point of xorshift */
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t tap_rand(void) { return tap_rand_r(&rand_state); }

static uint64_t fresh_seed(void) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  uint64_t s = (uint64_t)ts.tv_nsec ^ ((uint64_t)ts.tv_sec << 20) ^
               ((uint64_t)getpid() << 40);
  return tap_rand_r(&s) >> 32; /* short enough to be typed again */
}

/* ---- Checks ---- */

unsigned tap_failures(void) { return atomic_load(&verdict->failures); }

/* One write a line, so that lines of several threads do not mix. */
__attribute__((format(printf, 1, 0))) static void print_line(const char *fmt,
                                                             va_list ap) {
  char text[1024];
  int n = snprintf(text, sizeof text, "# ");
  int m = vsnprintf(text + n, sizeof text - (size_t)n - 1, fmt, ap);
  size_t len = strlen(text);
  if (m >= 0 && (len == 0 || text[len - 1] != '\n'))
    text[len++] = '\n';
  fflush(stdout);
  if (write(STDOUT_FILENO, text, len) < 0)
    _exit(3);
}

void tap_note(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  print_line(fmt, ap);
  va_end(ap);
}

static void count_failure(void) { atomic_fetch_add(&verdict->failures, 1); }

bool tap_check_at(bool ok, const char *file, int line, const char *text) {
  if (!ok) {
    count_failure();
    tap_note("%s:%d: %s", file, line, text);
  }
  return ok;
}

void tap_end_failed(void) {
  fflush(NULL);
  _exit(1);
}

void tap_skip(const char *reason) {
  snprintf(verdict->reason, sizeof verdict->reason, "%s", reason);
  atomic_store(&verdict->skipped, true);
  fflush(NULL);
  _exit(0);
}

bool tap_eq_u_at(uint64_t a, uint64_t b, const char *file, int line,
                 const char *text) {
  if (a == b)
    return true;
  count_failure();
  tap_note("%s:%d: %s: %llu (0x%llx) against %llu (0x%llx)", file, line, text,
           (unsigned long long)a, (unsigned long long)a, (unsigned long long)b,
           (unsigned long long)b);
  return false;
}

bool tap_eq_s_at(const char *a, const char *b, const char *file, int line,
                 const char *text) {
  if (a == b || (a != NULL && b != NULL && strcmp(a, b) == 0))
    return true;
  count_failure();
  tap_note("%s:%d: %s: \"%.200s\" against \"%.200s\"", file, line, text,
           a != NULL ? a : "(null)", b != NULL ? b : "(null)");
  return false;
}

bool tap_eq_p_at(const void *a, const void *b, const char *file, int line,
                 const char *text) {
  if (a == b)
    return true;
  count_failure();
  tap_note("%s:%d: %s: %p against %p", file, line, text, a, b);
  return false;
}

/* long double holds every 64-bit integer exactly on this machine. */
bool tap_order_at(long double a, long double b, int want, const char *file,
                  int line, const char *text) {
  if (want < 0 ? a <= b : a >= b)
    return true;
  count_failure();
  tap_note("%s:%d: %s: %.20Lg against %.20Lg", file, line, text, a, b);
  return false;
}

/* ---- Running one case ---- */

static void enter_child(const tap_case *c, const sigset_t *old_mask) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigprocmask(SIG_SETMASK, old_mask, NULL);
  rand_state = seed;
  c->run();
  atomic_store(&verdict->finished, true);
  fflush(NULL);
  exit(0);
}

static unsigned case_timeout_s(const tap_case *c) {
  unsigned t = c->timeout_s != 0 ? c->timeout_s : DEFAULT_TIMEOUT_S;
  return t * timeout_scale * (long_form ? LONG_FACTOR : 1);
}

/* Waits for the child; false when the time is over. SIGCHLD is blocked. */
static bool wait_child(pid_t pid, unsigned timeout_s, int *out_status) {
  struct timespec end, now;
  sigset_t chld;
  sigemptyset(&chld);
  sigaddset(&chld, SIGCHLD);
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += (time_t)timeout_s;
  for (;;) {
    if (waitpid(pid, out_status, WNOHANG) == pid)
      return true;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec > end.tv_sec ||
        (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))
      return false;
    struct timespec step = {0, 200 * 1000 * 1000};
    sigtimedwait(&chld, NULL, &step);
  }
}

static bool judge(bool in_time, int status, unsigned timeout_s) {
  if (!in_time)
    tap_note("no end after %u s", timeout_s);
  else if (WIFSIGNALED(status))
    tap_note("killed by signal %d (%s)", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
  else if (WEXITSTATUS(status) != 0 && atomic_load(&verdict->failures) == 0)
    tap_note("exit status %d", WEXITSTATUS(status));
  else if (!atomic_load(&verdict->finished) &&
           !atomic_load(&verdict->skipped) &&
           atomic_load(&verdict->failures) == 0)
    tap_note("the process ended before the case did");
  return in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
         atomic_load(&verdict->failures) == 0 &&
         (atomic_load(&verdict->finished) || atomic_load(&verdict->skipped));
}

static bool run_case(const tap_case *c, size_t number) {
  unsigned timeout_s = case_timeout_s(c);
  sigset_t chld, old;
  int status = 0;
  memset(verdict, 0, sizeof *verdict);
  sigemptyset(&chld);
  sigaddset(&chld, SIGCHLD);
  sigprocmask(SIG_BLOCK, &chld, &old);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0)
    enter_child(c, &old);
  bool in_time = pid > 0 && wait_child(pid, timeout_s, &status);
  if (pid > 0) {
    kill(-pid, SIGKILL); /* also processes that the case left behind */
    if (!in_time)
      waitpid(pid, &status, 0);
  }
  sigprocmask(SIG_SETMASK, &old, NULL);
  bool ok = pid > 0 && judge(in_time, status, timeout_s);
  if (ok && atomic_load(&verdict->skipped))
    printf("ok %zu - %s # SKIP %s\n", number, c->name, verdict->reason);
  else
    printf("%s %zu - %s\n", ok ? "ok" : "not ok", number, c->name);
  fflush(stdout);
  return ok;
}

/* ---- Options ---- */

static _Noreturn void usage(const char *program) {
  fprintf(stderr,
          "usage: %s [--seed N] [--only NAME]... [--except NAME]... [--list] "
          "[--long] [--role NAME]\n",
          program);
  exit(2);
}

static void parse_options(int argc, char **argv, struct options *o) {
  const char *env_seed = getenv("TAP_SEED");
  const char *env_long = getenv("TAP_LONG");
  const char *env_scale = getenv("TAP_TIMEOUT_SCALE");
  seed = env_seed != NULL ? strtoull(env_seed, NULL, 0) : fresh_seed();
  long_form = env_long != NULL && strcmp(env_long, "1") == 0;
  if (env_scale != NULL && atoi(env_scale) > 0)
    timeout_scale = (unsigned)atoi(env_scale);
  for (int i = 1; i < argc; i++) {
    bool more = i + 1 < argc;
    if (strcmp(argv[i], "--list") == 0)
      o->list = true;
    else if (strcmp(argv[i], "--long") == 0)
      long_form = true;
    else if (strcmp(argv[i], "--seed") == 0 && more)
      seed = strtoull(argv[++i], NULL, 0);
    else if (strcmp(argv[i], "--only") == 0 && more && o->n_only < MAX_NAMES)
      o->only[o->n_only++] = argv[++i];
    else if (strcmp(argv[i], "--except") == 0 && more &&
             o->n_except < MAX_NAMES)
      o->except[o->n_except++] = argv[++i];
    else if (strcmp(argv[i], "--role") == 0 && more)
      o->role = argv[++i];
    else
      usage(argv[0]);
  }
}

static bool is_among(const char *const *names, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(names[i], name) == 0)
      return true;
  return false;
}

static bool is_selected(const struct options *o, const char *name) {
  return (o->n_only == 0 || is_among(o->only, o->n_only, name)) &&
         !is_among(o->except, o->n_except, name);
}

void tap_set_roles(const tap_case *roles, size_t n) {
  role_table = roles;
  n_roles = n;
}

static int run_role(const char *name) {
  rand_state = seed;
  for (size_t i = 0; i < n_roles; i++) {
    if (strcmp(role_table[i].name, name) != 0)
      continue;
    role_table[i].run();
    fflush(NULL);
    return tap_failures() != 0;
  }
  fprintf(stderr, "no role is named %s\n", name);
  return 2;
}

static bool names_a_case(const char *name, const tap_case *cases, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(cases[i].name, name) == 0)
      return true;
  return false;
}

static int run_selected(const struct options *o, const tap_case *cases,
                        size_t n) {
  size_t n_run = 0, n_bad = 0;
  for (size_t i = 0; i < n; i++)
    n_run += is_selected(o, cases[i].name);
  for (size_t i = 0; i < o->n_only; i++)
    if (!names_a_case(o->only[i], cases, n)) {
      fprintf(stderr, "--only: no case is named %s\n", o->only[i]);
      return 2;
    }
  printf("1..%zu\n# seed %llu\n", n_run, (unsigned long long)seed);
  n_run = 0;
  for (size_t i = 0; i < n; i++)
    if (is_selected(o, cases[i].name))
      n_bad += !run_case(&cases[i], ++n_run);
  if (n_bad != 0)
    printf("# %zu of %zu cases failed\n", n_bad, n_run);
  return n_bad != 0;
}

int tap_main(int argc, char **argv, const tap_case *cases, size_t n) {
  struct options o = {.n_only = 0};
  parse_options(argc, argv, &o);
  verdict = mmap(NULL, sizeof *verdict, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (verdict == MAP_FAILED) {
    fprintf(stderr, "no memory for the verdict: %s\n", strerror(errno));
    return 2;
  }
  if (o.role != NULL)
    return run_role(o.role);
  if (!o.list)
    return run_selected(&o, cases, n);
  for (size_t i = 0; i < n; i++)
    puts(cases[i].name);
  return 0;
}
