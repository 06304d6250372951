/* src/mark/proc.c: client mark procedures. SPDX-License-Identifier: MIT
 */
#include "mark/proc.h"

/* The limit is never reached by the token, whatever a client compares. */
void gc_proc_call(struct gc_marker *m, gc_mark_proc proc, char *object,
                  uint64_t environment) {
  void *limit = (void *)UINTPTR_MAX;
  void *token = proc(object, m, limit, environment);
  gc_check(token == (void *)m);
}

void *gc_proc_push(const void *object, void *token) {
  gc_mark_from_proc(token, object);
  return token;
}
