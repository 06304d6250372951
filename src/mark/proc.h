/* src/mark/proc.h: client mark procedures. SPDX-License-Identifier: MIT
 *
 * The mark-stack pointer that procedures pass around is an opaque token naming
 * the marker: what they push is tested, set and pushed on that marker at once,
 * and the token comes back unchanged. There is no second stack to translate.
 */
#ifndef GC_MARK_PROC_H
#define GC_MARK_PROC_H

#include "heap/layout.h"
#include "mark/mark.h"

void gc_proc_call(struct gc_marker *m, gc_mark_proc proc, char *object,
                  uint64_t environment);

/* Body of GC_mark_and_push. */
void *gc_proc_push(const void *object, void *token);

#endif
