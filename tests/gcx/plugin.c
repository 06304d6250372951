/* tests/gcx/plugin.c: a library with notifiers, to be unloaded. SPDX-License-Identifier: MIT */
#include "gcx/plugin.h"

static atomic_size_t *counter;

static void take_some_time(void) {
  for (volatile int i = 0; i < 2000; i++)
    continue;
}

static gcx_verdict GC_CALLBACK count(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  take_some_time();
  atomic_fetch_add(counter, 1);
  return GCX_DONE;
}

static const gcx_closure closure = {count, 0};

static gcx_kind *new_kind(atomic_size_t *calls) {
  gcx_kind_opts opts = {.struct_size = sizeof opts,
                        .name = "plugin",
                        .notify = count,
                        .cd = &counter};
  counter = calls;
  return gcx_kind_new(&opts, 0);
}

static void *new_object(gcx_kind *kind) { return gcx_kind_alloc(kind, 48); }

static void *new_finalized(void) { return gcx_finalized_alloc(48, &closure); }

extern const struct plugin plugin;
const struct plugin plugin = {new_kind, new_object, new_finalized};
