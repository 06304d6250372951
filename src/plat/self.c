/* src/plat/self.c: the one thread-local pointer. SPDX-License-Identifier: MIT
 *
 * The record of unknown threads is shared: its counter of stop-deferring
 * regions is written by all of them without order and says nothing. That is
 * harmless, because unknown threads are never stopped, and its `stop_wanted`
 * stays zero.
 */
#include "plat/self.h"

static struct {
  struct gc_self head;
  char upper[GC_SELF_UPPER_BYTES];
} none;

struct gc_self *const gc_self_none = &none.head;

__thread struct gc_self *gc_self_tls = &none.head;

void (*gc_self_park)(void);
