/* src/base/check.c: how the collector gives up. SPDX-License-Identifier: MIT
 *
 * The message is built on the stack and leaves through the sink that plat
 * supplies, so this works in a signal handler, in a stopped world and with a
 * damaged heap. A failure inside the client's abort hook, or inside the sink,
 * must not come back here for ever: the second call aborts at once.
 */
#include "base/check.h"

#include "base/atomic.h"
#include "base/format.h"

void (*gc_abort_hook)(const char *message);

static _Atomic bool is_giving_up;

static gc_noreturn void give_up(const char *message, size_t len) {
  if (!gc_swap_acq_rel(&is_giving_up, true)) {
    gc_message_sink(message, len);
    if (gc_abort_hook != NULL)
      gc_abort_hook(message);
  }
  __builtin_abort();
}

void gc_fatal(const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  size_t len = gc_format_message(text, sizeof text, format, args);
  va_end(args);
  give_up(text, len);
}

/* Without the folders, which say where the library was built. */
static const char *last_part(const char *path) {
  const char *name = path;
  for (; *path != '\0'; path++)
    if (*path == '/')
      name = path + 1;
  return name;
}

void gc_check_failed(const char *condition, const char *function,
                     const char *file, int line) {
  gc_fatal("%s: check failed: %s (%s:%d)", function, condition, last_part(file),
           line);
}
