/* tests/gcx/unload.c: dlclose of a library whose notifiers have work. SPDX-License-Identifier: MIT */

/*
 * Contract: after gcx_retire_code_range a library with notifiers can be unloaded, while
 * its objects are live, condemned, or being notified; none of its code runs
 * afterwards.
 */
#define _GNU_SOURCE
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>

#include "gcx/plugin.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N = 500, N_LIVE = 50, PATIENCE_MS = 50000 };

static atomic_size_t n_called;
static void *volatile live[2 * N_LIVE]; /* outlive the library */

struct range {
  const void *of;
  uintptr_t low, high;
};

/* The image that a piece of data lies in. */
static int find_image(struct dl_phdr_info *info, size_t size, void *range) {
  struct range *r = range, found = {r->of, UINTPTR_MAX, 0};
  (void)size;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = &info->dlpi_phdr[i];
    uintptr_t low = info->dlpi_addr + p->p_vaddr, high = low + p->p_memsz;
    if (p->p_type != PT_LOAD)
      continue;
    found.low = low < found.low ? low : found.low;
    found.high = high > found.high ? high : found.high;
  }
  if ((uintptr_t)r->of < found.low || (uintptr_t)r->of >= found.high)
    return 0;
  *r = found;
  return 1;
}

struct makers {
  const struct plugin *plugin;
  gcx_kind *kind;
};

static void *make_objects(void *arg) {
  const struct makers *m = arg;
  for (size_t i = 0; i < N; i++) {
    void *a = m->plugin->new_object(m->kind), *b = m->plugin->new_finalized();
    tap_require(a != NULL && b != NULL);
    if (i < N_LIVE) {
      live[2 * i] = a;
      live[2 * i + 1] = b;
    }
  }
  return NULL;
}

/* In a thread that ends, so that no stack remembers them. */
static void make(struct makers *m) {
  pthread_t t;
  tap_require(GC_pthread_create(&t, NULL, make_objects, m) == 0);
  tap_eq_u(GC_pthread_join(t, NULL), 0);
}

static void drop_live(void) {
  for (size_t i = 0; i < 2 * N_LIVE; i++)
    live[i] = NULL;
}

/* Some are live, and of the dead some are not notified yet. */
static void use_and_unload(gcx_retire how) {
  void *handle = dlopen(TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL)
    tap_note("%s", dlerror());
  tap_require(handle != NULL);
  struct makers m = {dlsym(handle, "plugin"), NULL};
  struct range r = {m.plugin, 0, 0};
  tap_require(m.plugin != NULL && dl_iterate_phdr(find_image, &r) == 1);
  atomic_store(&n_called, 0);
  m.kind = m.plugin->new_kind(&n_called);
  tap_require(m.kind != NULL);
  make(&m);
  gu_collect();
  tap_eq_u(
      gcx_retire_code_range((void *)r.low, (void *)r.high, how, PATIENCE_MS),
      0);
  size_t called = atomic_load(&n_called);
  if (how == GCX_RETIRE_RUN)
    tap_ge(called, 2 * (N - N_LIVE) - 10);
  tap_eq_u(dlclose(handle), 0);
  tap_check(dlopen(TEST_PLUGIN, RTLD_NOW | RTLD_NOLOAD) == NULL);
  drop_live();
  gu_collect();
  tap_eq_u(gcx_drain(PATIENCE_MS), 0);
  tap_eq_u(atomic_load(&n_called), called);
}

/* Kinds are for ever, and there are 256. */
static void unload_again_and_again(gcx_retire how) {
  GC_INIT();
  for (int i = 0; i < (tap_long() ? 200 : 20) && tap_failures() == 0; i++)
    use_and_unload(how);
}

static void what_is_pending_is_told_before(void) {
  unload_again_and_again(GCX_RETIRE_RUN);
}
static void what_is_pending_is_not_told(void) {
  unload_again_and_again(GCX_RETIRE_CANCEL);
}

TAP_MAIN(TAP_CASE(what_is_pending_is_told_before),
         TAP_CASE(what_is_pending_is_not_told))
