/* tests/api/dynamic_tls.c: thread-local data of libraries that were loaded late.
 * SPDX-License-Identifier: MIT
 *
 * The objects are held by such data alone, of a thread that does not collect.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif
#define GC_THREADS 1
#include <gc/gc.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

#include "api/tlslib.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OBJ_BYTES = 64, COPIES = 60, PER_COPY = 8, THREADS = 3 };

typedef void **(*slots_fn)(void);

static slots_fn load(const char *file) {
  void *handle = dlopen(file, RTLD_NOW);
  slots_fn fn;
  if (handle == NULL)
    tap_note("%s", dlerror());
  tap_require(handle != NULL);
  *(void **)&fn = dlsym(handle, "tlslib_slots");
  tap_require(fn != NULL);
  return fn;
}

struct part {
  slots_fn fn;
  size_t n, seed;
};

static void fill_part(void *arg) {
  const struct part *p = arg;
  void **slots = p->fn();
  for (size_t i = 0; i < p->n; i++) {
    slots[i] = GC_malloc_atomic(OBJ_BYTES);
    gu_fill(slots[i], OBJ_BYTES, p->seed + i);
  }
}

static void fill(slots_fn fn, size_t n, size_t seed) {
  struct part p = {fn, n, seed};
  gu_apart(fill_part, &p);
}

static size_t damaged(slots_fn fn, size_t n, size_t seed) {
  size_t bad = 0;
  for (size_t i = 0; i < n; i++)
    bad += !gu_is_intact(fn()[i], OBJ_BYTES, seed + i);
  return bad;
}

static void collect_and_overwrite(void) {
  for (int round = 0; round < 3; round++) {
    gu_collect();
    for (size_t i = 0; i < 5000; i++)
      memset(GC_malloc_atomic(OBJ_BYTES), 0x7f, OBJ_BYTES);
  }
}

/* ---- One library ---- */

static slots_fn late;
static pthread_barrier_t both;

static void *fill_when_loaded(void *arg) {
  pthread_barrier_wait(&both); /* is loaded */
  fill(late, TLSLIB_SLOTS, 1);
  pthread_barrier_wait(&both); /* is filled */
  pthread_barrier_wait(&both); /* is collected */
  tap_eq_u(damaged(late, TLSLIB_SLOTS, 1), 0);
  return arg;
}

static void skip_under_tsan(void) {
  if (TAP_TSAN)
    tap_skip("the sanitiser delays signals at a barrier");
}

static void a_thread_that_was_there_before(void) {
  pthread_t t;
  skip_under_tsan();
  GC_INIT();
  pthread_barrier_init(&both, NULL, 2);
  tap_require(GC_pthread_create(&t, NULL, fill_when_loaded, NULL) == 0);
  late = load(TEST_TLSLIB);
  pthread_barrier_wait(&both);
  pthread_barrier_wait(&both);
  collect_and_overwrite();
  pthread_barrier_wait(&both);
  GC_pthread_join(t, NULL);
}

static void *collect_in_thread(void *arg) {
  collect_and_overwrite();
  return arg;
}

static void the_main_thread_while_another_collects(void) {
  pthread_t t;
  GC_INIT();
  late = load(TEST_TLSLIB);
  fill(late, TLSLIB_SLOTS, 2);
  tap_require(GC_pthread_create(&t, NULL, collect_in_thread, NULL) == 0);
  GC_pthread_join(t, NULL);
  tap_eq_u(damaged(late, TLSLIB_SLOTS, 2), 0);
}

static void a_block_that_is_not_there_yet(void) {
  pthread_t t;
  skip_under_tsan();
  GC_INIT();
  pthread_barrier_init(&both, NULL, 2);
  late = load(TEST_TLSLIB);
  tap_require(GC_pthread_create(&t, NULL, fill_when_loaded, NULL) == 0);
  collect_and_overwrite();
  for (int i = 0; i < 3; i++)
    pthread_barrier_wait(&both);
  GC_pthread_join(t, NULL);
}

/* ---- Many libraries ---- */

static slots_fn copies[COPIES];
static atomic_int n_loaded, n_done;
static char folder[] = "/tmp/tlslibXXXXXX";

static void copy_library(const char *to) {
  static char buffer[1 << 16];
  FILE *in = fopen(TEST_TLSLIB, "rb"), *out = fopen(to, "wb");
  size_t n;
  tap_require(in != NULL && out != NULL);
  while ((n = fread(buffer, 1, sizeof buffer, in)) > 0)
    tap_require(fwrite(buffer, 1, n, out) == n);
  fclose(in);
  tap_require(fclose(out) == 0);
}

static slots_fn load_copy(int i) {
  char name[64];
  snprintf(name, sizeof name, "%s/%d.so", folder, i);
  copy_library(name);
  slots_fn fn = load(name);
  unlink(name);
  return fn;
}

/* Each first use makes the thread's vector of blocks grow, now and then. */
static void *use_all(void *arg) {
  for (int i = 0; i < COPIES; i++) {
    while (atomic_load(&n_loaded) <= i)
      usleep(100);
    fill(copies[i], PER_COPY, (size_t)i);
  }
  for (int i = 0; i < COPIES; i++)
    tap_eq_u(damaged(copies[i], PER_COPY, (size_t)i), 0);
  atomic_fetch_add(&n_done, 1);
  return arg;
}

static void vectors_that_grow_while_others_collect(void) {
  pthread_t t[THREADS];
  GC_INIT();
  tap_require(mkdtemp(folder) != NULL);
  for (int i = 0; i < THREADS; i++)
    tap_require(GC_pthread_create(&t[i], NULL, use_all, NULL) == 0);
  for (int i = 0; i < COPIES; i++) {
    copies[i] = load_copy(i);
    atomic_fetch_add(&n_loaded, 1);
    gu_collect();
  }
  rmdir(folder);
  while (atomic_load(&n_done) < THREADS)
    collect_and_overwrite();
  for (int i = 0; i < THREADS; i++)
    GC_pthread_join(t[i], NULL);
}

TAP_MAIN(TAP_CASE(a_thread_that_was_there_before),
         TAP_CASE(the_main_thread_while_another_collects),
         TAP_CASE(a_block_that_is_not_there_yet),
         TAP_CASE(vectors_that_grow_while_others_collect))
