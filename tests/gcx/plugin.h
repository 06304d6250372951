/* tests/gcx/plugin.h: a library with notifiers, to be unloaded. SPDX-License-Identifier: MIT */
#ifndef TESTS_GCX_PLUGIN_H
#define TESTS_GCX_PLUGIN_H

#include <gcx/reclaim.h>

#include <stdatomic.h>

/* What the library offers, under the name "plugin". */
struct plugin {
  gcx_kind *(*new_kind)(atomic_size_t *calls);
  /* An object of the kind, or one with a closure of the library's. */
  void *(*new_object)(gcx_kind *kind);
  void *(*new_finalized)(void);
};

#endif
