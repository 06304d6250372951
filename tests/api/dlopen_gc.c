/* tests/api/dlopen_gc.c: the library loaded at run time by dlopen. SPDX-License-Identifier: MIT */

/*
 * This program is not linked with the collector: it loads it as language
 * runtimes do, after many other libraries, perhaps from a thread. The stack of
 * the main thread and its data, older than the library, must be roots.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/tap.h"

#ifndef TEST_LIBGC
#define TEST_LIBGC "libgc.so.1"
#endif

enum { N_OBJ = 500 };

static struct {
  void (*init)(void);
  void *(*alloc)(size_t);
  void *(*alloc_atomic)(size_t);
  void (*collect)(void);
  size_t (*heap_size)(void);
  void (*allow_threads)(void);
  int (*stack_base)(void *);
  int (*attach)(const void *);
  int (*detach)(void);
} gc;

static void *volatile keep[N_OBJ];
static __thread void *volatile in_tls;

static void *lookup(void *lib, const char *name) {
  void *p = dlsym(lib, name);
  if (p == NULL)
    tap_note("%s: %s", name, dlerror());
  tap_require(p != NULL);
  return p;
}

static void load(int mode) {
  void *lib = dlopen(TEST_LIBGC, mode);
  if (lib == NULL)
    tap_note("%s", dlerror());
  tap_require(lib != NULL);
  *(void **)&gc.init = lookup(lib, "GC_init");
  *(void **)&gc.alloc = lookup(lib, "GC_malloc");
  *(void **)&gc.alloc_atomic = lookup(lib, "GC_malloc_atomic");
  *(void **)&gc.collect = lookup(lib, "GC_gcollect");
  *(void **)&gc.heap_size = lookup(lib, "GC_get_heap_size");
  *(void **)&gc.allow_threads = lookup(lib, "GC_allow_register_threads");
  *(void **)&gc.stack_base = lookup(lib, "GC_get_stack_base");
  *(void **)&gc.attach = lookup(lib, "GC_register_my_thread");
  *(void **)&gc.detach = lookup(lib, "GC_unregister_my_thread");
}

static void fill(void *volatile *slots, size_t n) {
  for (size_t i = 0; i < n; i++) {
    slots[i] = gc.alloc_atomic(64);
    memset(slots[i], (int)(i % 100) + 1, 64);
  }
}

static void check(void *volatile *slots, size_t n) {
  for (size_t i = 0; i < n; i++)
    for (size_t at = 0; at < 64; at++)
      tap_require(((char *)slots[i])[at] == (char)(i % 100 + 1));
}

static void churn(void) {
  gc.collect();
  for (size_t i = 0; i < 20000; i++)
    memset(gc.alloc_atomic(64), 0x7f, 64);
  for (size_t i = 0; i < 2000; i++)
    gc.alloc(i);
}

static void check_roots(void) {
  void *volatile on_stack[50];
  fill(on_stack, 50);
  fill(keep, N_OBJ);
  churn();
  check(on_stack, 50);
  check(keep, N_OBJ);
}

/* Thread-local storage of the program was laid out before the library came. */
static void thread_variables_are_roots(void) {
  load(RTLD_NOW);
  fill(&in_tls, 1);
  churn();
  check(&in_tls, 1);
}

static void loaded_now(void) {
  load(RTLD_NOW);
  check_roots();
}

static void loaded_lazily_and_locally(void) {
  load(RTLD_LAZY | RTLD_LOCAL);
  check_roots();
}

static void loaded_globally_and_initialised(void) {
  load(RTLD_NOW | RTLD_GLOBAL);
  gc.init();
  check_roots();
}

static void loading_does_not_initialise(void) {
  load(RTLD_NOW);
  tap_eq_u(gc.heap_size(), 0);
}

static void *load_here(void *arg) {
  load(RTLD_NOW);
  return arg;
}

static void loaded_by_another_thread(void) {
  pthread_t t;
  tap_require(pthread_create(&t, NULL, load_here, NULL) == 0);
  pthread_join(t, NULL);
  check_roots();
}

static void *attach_and_check(void *arg) {
  void *base[4] = {NULL};
  void *volatile slots[50];
  tap_eq_u(gc.stack_base(base), 0);
  tap_eq_u(gc.attach(base), 0);
  fill(slots, 50);
  fill(&in_tls, 1);
  churn();
  check(slots, 50);
  check(&in_tls, 1);
  tap_eq_u(gc.detach(), 0);
  return arg;
}

static void threads_attach_to_a_loaded_library(void) {
  pthread_t t[3];
  load(RTLD_NOW);
  gc.init();
  gc.allow_threads();
  fill(keep, N_OBJ);
  for (int i = 0; i < 3; i++)
    tap_require(pthread_create(&t[i], NULL, attach_and_check, NULL) == 0);
  for (int i = 0; i < 3; i++)
    pthread_join(t[i], NULL);
  churn();
  check(keep, N_OBJ);
}

TAP_MAIN(TAP_CASE(loaded_now), TAP_CASE(loaded_lazily_and_locally),
         TAP_CASE(loaded_globally_and_initialised),
         TAP_CASE(loading_does_not_initialise),
         TAP_CASE(loaded_by_another_thread),
         TAP_CASE(thread_variables_are_roots),
         TAP_CASE(threads_attach_to_a_loaded_library))
