/* tests/unit/notify.h: kinds with a plain function as their notifier.
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_UNIT_NOTIFY_H
#define TESTS_UNIT_NOTIFY_H

#include "cycle/deliver.h"

static inline int call_plain(void *object, size_t bytes, void *function) {
  (void)bytes;
  return ((int (*)(void *))function)(object);
}

/* Simple mode; nonzero from the function keeps the object. */
static inline bool notify_by(unsigned kind, int (*function)(void *),
                             bool held) {
  const struct gc_notifier notifier = {
      call_plain, (void *)function, NULL, NULL, NULL, "test"};
  return gc_deliver_register(kind, &notifier,
                             KIND_BATCH | (held ? KIND_HELD : 0));
}

#endif
