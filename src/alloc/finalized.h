/* src/alloc/finalized.h: objects with a closure that runs when they die.
 * SPDX-License-Identifier: MIT
 *
 * A notified kind of its own whose blocks have a side word for each slot, so the
 * object starts at its base and gets all of its bytes. Closures are traced like
 * fields of the object; what the object refers to is held until they have run.
 */
#ifndef GC_ALLOC_FINALIZED_H
#define GC_ALLOC_FINALIZED_H

#include "base/config.h"

struct gc_finalized_closure {
  void (*proc)(void *object, void *data);
  void *data;
};

/* Ours, called on notifier threads; nonzero: the object is kept, with its closure. */
struct gc_own_closure {
  int (*notify)(void *object, size_t bytes, void *cd);
  void *cd;
};

/* Idempotent. flags: 0 or KIND_PROPER. False: no memory. */
bool gc_finalized_start(unsigned flags);
void *gc_finalized_alloc(size_t bytes,
                         const struct gc_finalized_closure *closure);
void *gc_finalized_own_alloc(size_t bytes,
                             const struct gc_own_closure *closure);

/* The debug form of it, see notify/debug; the file's name must stay. */
void *gc_finalized_debug_alloc(size_t bytes,
                               const struct gc_own_closure *closure,
                               const char *file, unsigned line);

/* Takes the closures away whose procedure lies in [low, high). Their objects die
 * without a call; one that is being made may still run. World running. */
void gc_finalized_cancel(const void *low, const void *high);

#endif
