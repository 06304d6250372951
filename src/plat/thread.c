/* src/plat/thread.c: threads of the C library. SPDX-License-Identifier: MIT
 *
 * The main thread's stack is known without asking: the loader remembers where
 * it began. Every other thread's bounds come from pthread_getattr_np, which may
 * call malloc; it is asked once, at registration, with the world running.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#include "plat/plat.h"

#include "base/format.h"
#include "plat/self.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_stack_end; /* of the loader: where the program began */

int gc_plat_pid(void) { return getpid(); }

int gc_plat_tid(void) { return (int)syscall(SYS_gettid); }

/* ---- Stacks ---- */

char *gc_plat_main_stack_cold_end(void) { return __libc_stack_end; }

#define UNLIMITED_STACK_BYTES ((uintptr_t)1 << 30)

/* Where the stack may grow to. The kernel keeps the space below a limited stack
 * free; without a limit it places mappings far away from the stack. */
static char *main_stack_low(void) {
  struct rlimit limit;
  uintptr_t cold = (uintptr_t)__libc_stack_end;
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= cold)
    return (char *)(cold - UNLIMITED_STACK_BYTES);
  return (char *)(cold - limit.rlim_cur);
}

void gc_plat_main_stack_bounds(char **out_low, char **out_cold) {
  int saved = errno;
  *out_low = main_stack_low();
  *out_cold = __libc_stack_end;
  errno = saved;
}

/* The first thread has the number of the process. In a child of fork that is
 * true of the thread that forked, which may live on a stack from
 * pthread_create; so the stack decides as well. */
bool gc_plat_is_main_thread(void) {
  int saved = errno;
  char *here = __builtin_frame_address(0);
  bool is_main = gc_plat_tid() == getpid() && here < (char *)__libc_stack_end &&
                 here >= main_stack_low();
  errno = saved;
  return is_main;
}

static bool other_stack_bounds(char **out_low, char **out_cold) {
  pthread_attr_t attr;
  void *low = NULL;
  size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attr) != 0)
    return false;
  bool known = pthread_attr_getstack(&attr, &low, &bytes) == 0;
  pthread_attr_destroy(&attr);
  *out_low = low;
  *out_cold = (char *)low + bytes;
  return known && low != NULL;
}

bool gc_plat_stack_bounds(char **out_low, char **out_cold) {
  int saved = errno;
  bool known = true;
  if (gc_plat_is_main_thread())
    gc_plat_main_stack_bounds(out_low, out_cold);
  else
    known = other_stack_bounds(out_low, out_cold);
  errno = saved;
  return known;
}

/* ---- Static TLS ---- */

/* glibc tells debuggers and sanitisers the size of the block, which contains
 * its own thread record at the upper end, and the size of that record. */
char *gc_plat_static_tls_low(void) {
  void (*get_info)(size_t * bytes, size_t * align);
  *(void **)&get_info = dlsym(RTLD_DEFAULT, "_dl_get_tls_static_info");
  const uint32_t *record = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");
  size_t bytes = 0, align = 0;
  if (get_info == NULL || record == NULL)
    return NULL;
  get_info(&bytes, &align);
  if (bytes <= *record)
    return NULL;
  return (char *)gc_plat_thread_pointer() - (bytes - *record);
}

/* ---- Ends ---- */

/* A first thread that ended before the process still takes signals without an
 * error; its state tells. The state stands behind the name, which is in
 * parentheses and may hold others. */
bool gc_plat_thread_has_ended(int tid) {
  int saved = errno;
  char text[512];
  gc_format(text, sizeof text, "/proc/self/task/%d/stat", tid);
  int fd = open(text, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
  if (fd >= 0)
    close(fd);
  errno = saved;
  for (ssize_t i = n - 3; i >= 0; i--)
    if (text[i] == ')')
      return text[i + 2] == 'Z' || text[i + 2] == 'X';
  return false;
}

/* The value under the key counts the rounds of destructors. In the last one
 * that the library promises we run, so the destructors of others, which may
 * still allocate, come first. ThreadSanitizer takes its leave in that one too,
 * and code that it watches must not run afterwards. */
#define EXIT_ROUND (PTHREAD_DESTRUCTOR_ITERATIONS - GC_TSAN_BUILD)

static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;
static bool exit_key_exists;
static void (*_Atomic exit_function)(void);

static void count_exit_round(void *round) {
  uintptr_t n = (uintptr_t)round;
  if (n < EXIT_ROUND && pthread_setspecific(exit_key, (void *)(n + 1)) == 0)
    return;
  gc_load_acq (&exit_function)();
}

static void create_exit_key(void) {
  exit_key_exists = pthread_key_create(&exit_key, count_exit_round) == 0;
}

bool gc_plat_on_thread_exit(void (*fn)(void)) {
  gc_store_rel(&exit_function, fn);
  pthread_once(&exit_key_once, create_exit_key);
  return exit_key_exists && pthread_setspecific(exit_key, (void *)1) == 0;
}

uint64_t gc_plat_pthread_id(void) { return (uint64_t)pthread_self(); }

/* ---- Fork ---- */

bool gc_plat_at_fork(void (*before)(void), void (*parent)(void),
                     void (*child)(void)) {
  return pthread_atfork(before, parent, child) == 0;
}

/* ---- Threads of the collector's own ---- */

static void *run_thread(void *plan) {
  struct gc_thread_plan p = *(struct gc_thread_plan *)plan;
  pthread_cleanup_push(p.ended, p.arg);
  p.run(p.arg);
  pthread_cleanup_pop(1);
  return NULL;
}

static bool create_detached(struct gc_thread_plan *plan) {
  pthread_attr_t attr;
  pthread_t id;
  if (pthread_attr_init(&attr) != 0)
    return false;
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  bool done = pthread_create(&id, &attr, run_thread, plan) == 0;
  pthread_attr_destroy(&attr);
  return done;
}

bool gc_plat_thread_start(struct gc_thread_plan *plan) {
  int saved = errno;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool done = create_detached(plan);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = saved;
  return done;
}
