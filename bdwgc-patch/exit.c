/* bdwgc-patch/exit.c: what is pending when the process exits. SPDX-License-Identifier: MIT */
#include "adapter.h"

#include <pthread.h>
#include <stdlib.h>

enum { DEFAULT_EXIT_MS = 1000 };

static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static bool is_set_up; /* [const] after the first time */

static bool is_decided(const void *unused) {
  (void)unused;
  for (unsigned i = 0; i < BDW_MAX_KINDS; i++) {
    struct gcx_kind *kind = atomic_load(&bdw_kinds[i]);
    if (kind != NULL && kind->is_told_at_exit &&
        atomic_load(&kind->undecided) != 0)
      return false;
  }
  return true;
}

/* A notifier that ends the process is not waited for. */
static void at_exit(void) {
  unsigned ms = atomic_load(&bdw_config.exit_ms);
  if (gcx_in_notifier())
    return;
  bdw_ensure_notifiers();
  bdw_wait_until(is_decided, NULL, ms == 0 ? DEFAULT_EXIT_MS : ms);
}

static void set_up(void) { is_set_up = atexit(at_exit) == 0; }

bool bdw_handle_exit(void) {
  pthread_once(&exit_once, set_up);
  return is_set_up;
}
