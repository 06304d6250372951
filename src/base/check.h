/* src/base/check.h: invariants that are tested at run time, and how we give up.
 * SPDX-License-Identifier: MIT
 *
 * gc_check   always on (except in the bare build): misuse by the client and
 *            damage that would lose objects. The message begins with the function,
 *            which for misuse is the one that the client called.
 * gc_assert  debug builds only.
 * gc_fatal   prints "Reclaim: <message>", runs the client's abort hook, aborts.
 *            Async-signal-safe: own formatter, write(2), no malloc.
 */
#ifndef GC_BASE_CHECK_H
#define GC_BASE_CHECK_H

#include "base/compiler.h"
#include "base/config.h"

/* Called with the message before the process aborts; may be null. [any thread]
 */
extern void (*gc_abort_hook)(const char *message);

/* Where messages go: plat defines it, and lets it write to standard error. */
extern void (*gc_message_sink)(const char *text, size_t len);

gc_noreturn void gc_fatal(const char *format, ...) gc_printf_like(1, 2);
gc_noreturn void gc_check_failed(const char *condition, const char *function,
                                 const char *file, int line);

#define gc_check(c)                                                            \
  ((!GC_BARE_BUILD && gc_unlikely(!(c)))                                       \
       ? gc_check_failed(#c, __func__, __FILE__, __LINE__)                     \
       : (void)0)
#define gc_assert(c)                                                           \
  ((GC_DEBUG_BUILD && gc_unlikely(!(c)))                                       \
       ? gc_check_failed(#c, __func__, __FILE__, __LINE__)                     \
       : (void)0)
#define gc_unreachable(why) gc_fatal("impossible: %s", (why))

#endif
