/* include/gcx/weak.h: references that do not keep their object. SPDX-License-Identifier: MIT */

/* A weak reference names an object and does not keep it alive:
 *
 *   gcx_weak *w = gcx_weak_new(object);
 *   ...
 *   void *p = gcx_weak_get(w);    the object, which now is kept by p; or null
 *
 * It is opaque, and read by a function, so that nothing has to be cleared while
 * the world is stopped: a hundred thousand of them do not make a pause longer.
 * An address that is used again is never mistaken for the old object.
 *
 * An object without a notifier is dead, for all its weak references at once, when
 * a collection does not find it; so is what only condemned objects refer to.  One
 * of a notified kind (see gcx/reclaim.h) may be taken back until its notifier is
 * called: reading a weak reference to a condemned object revives it, as
 * gcx_revive does, and needs no lock of the program's.
 *
 * The reference itself lives in memory of the library that is neither scanned nor
 * collected.  It may be kept anywhere, and is to be freed when it is not wanted
 * any more, also when its object is dead.  Since 0.2.0. */
#ifndef GCX_WEAK_H
#define GCX_WEAK_H

#include "../gc/gc_config_macros.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcx_weak gcx_weak;

/* A weak reference to the live object that the pointer leads to, into the middle
 * of it or to its start.  Null: there is none, because the pointer leads to no
 * object of the heap or to a dead one; or no memory.  There may be many of one
 * object.  When GC_realloc moves the object, the reference does not follow.
 * Constant time.  Any thread; starts the collector on first use; does not collect,
 * does not call back. */
GC_API gcx_weak *GC_CALL gcx_weak_new(const void * /* object */);

/* The pointer that the reference was made from, or null when its object is dead:
 * not found by a collection, freed by hand, or told to its notifier, now or
 * before.  Once null it stays null, even if the notifier keeps the object; but if
 * nobody asked meanwhile, a kept object is found.
 *
 * A condemned object of a notified kind is revived, with GCX_REFS_HELD together
 * with all that it refers to; with GCX_REFS_NONE only the object's own bytes can
 * be relied on.  Constant time without a lock, but for a revival, which takes an
 * internal one.
 *
 * Any thread, not in signal handlers; does not collect; does not call back, but
 * for on_revive.  Null is allowed and answers null. */
GC_API void *GC_CALL gcx_weak_get(gcx_weak * /* weak */);

/* Frees the reference, not the object.  Nobody may be reading it.  Null is allowed.
 * What is no weak reference, or is free already, ends the process with a message.
 * Any thread; neither collects nor calls back. */
GC_API void GC_CALL gcx_weak_free(gcx_weak * /* weak */);

#ifdef __cplusplus
}
#endif

#endif /* GCX_WEAK_H */
