/* src/plat/futex.c: waiting on a word. SPDX-License-Identifier: MIT
 *
 * Raw system calls: the signal handler uses them, and sanitisers must not
 * intercept them.
 */
#include "plat/plat.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool gc_plat_futex_wait(_Atomic uint32_t *word, uint32_t expected,
                        uint64_t timeout_ns) {
  int saved = errno;
  struct timespec limit = {(time_t)(timeout_ns / 1000000000u),
                           (long)(timeout_ns % 1000000000u)};
  long rc = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
                    timeout_ns == 0 ? NULL : &limit, NULL, 0);
  bool in_time = rc == 0 || errno != ETIMEDOUT;
  errno = saved;
  return in_time;
}

void gc_plat_futex_wake(_Atomic uint32_t *word, int count) {
  int saved = errno;
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count < 0 ? INT_MAX : count,
          NULL, NULL, 0);
  errno = saved;
}
