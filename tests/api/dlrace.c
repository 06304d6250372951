/* tests/api/dlrace.c: loading and unloading libraries while collecting. SPDX-License-Identifier: MIT */

/*
 * A stop may hit a thread inside the loader, which holds its lock then. So the
 * list of libraries may not be asked for while the world is stopped. One thread
 * loads and unloads, others collect; data of the loaded library is root while
 * it is there.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "api/rootlib.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#ifndef TEST_ROOTLIB
#define TEST_ROOTLIB "./rootlib.so"
#endif

enum { OBJ_BYTES = 64, N_COLLECTORS = 2 };

static atomic_bool stop_flag;
static void *(*load)(const char *, int);

static void *collect(void *arg) {
  while (!atomic_load(&stop_flag)) {
    GC_gcollect();
    for (size_t i = 0; i < 500; i++)
      memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
  }
  return arg;
}

/* Puts objects into the library's data and looks whether they stay. */
static void use_library(void *handle) {
  void **(*slots_of)(void);
  *(void **)&slots_of = dlsym(handle, "rootlib_bss");
  tap_require(slots_of != NULL);
  void **slots = slots_of();
  for (size_t i = 0; i < 100; i++) {
    slots[i] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(slots[i], OBJ_BYTES, i);
  }
  for (size_t i = 0; i < 1000; i++)
    memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
  for (size_t i = 0; i < 100; i++)
    tap_require(gu_is_intact(slots[i], OBJ_BYTES, i));
}

static void race(void) {
  pthread_t t[N_COLLECTORS];
  uint64_t end = gu_now_ns() + (tap_long() ? 60 : 3) * UINT64_C(1000000000);
  size_t rounds = 0;
  GC_INIT();
  for (int i = 0; i < N_COLLECTORS; i++)
    tap_require(GC_pthread_create(&t[i], NULL, collect, NULL) == 0);
  for (; gu_now_ns() < end; rounds++) {
    void *handle = load(TEST_ROOTLIB, RTLD_NOW);
    if (handle == NULL)
      tap_note("%s", dlerror());
    tap_require(handle != NULL);
    use_library(handle);
    tap_require(dlclose(handle) == 0);
  }
  atomic_store(&stop_flag, true);
  for (int i = 0; i < N_COLLECTORS; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
  tap_note("%zu rounds", rounds);
}

static void loading_by_the_library_while_collecting(void) {
  load = GC_dlopen;
  race();
}

static void plain_loading_while_collecting(void) {
  load = dlopen;
  race();
}

TAP_MAIN(TAP_CASE_T(loading_by_the_library_while_collecting, 40),
         TAP_CASE_T(plain_loading_while_collecting, 40))
