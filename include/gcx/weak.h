/* include/gcx/weak.h: references that do not keep their object, and ephemerons. SPDX-License-Identifier: MIT */

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

/* ---- Values that live as long as their keys ---- */

/* An ephemeron keeps its value alive while its key is alive, and does not keep its
 * key alive: neither directly nor by what the value refers to.  So a value may
 * refer to its own key, or to the key of another ephemeron, and a key that only
 * values of dead keys refer to is dead.  Whatever died is found dead by one
 * collection, however the references run.
 *
 * The key is dead when a collection does not find it, also one of a notified
 * kind: it is not revived by reading, and a revived or kept key has no value any
 * more, nor has its notifier.  The stop takes longer in proportion to the number of
 * ephemerons whose key lived until then, by some 15 ns each.
 *
 * An ephemeron lives in memory of the library, is to be freed, and is not found
 * dead because nobody knows it any more. */
typedef struct gcx_ephemeron gcx_ephemeron;

/* As gcx_weak_new; the value may be any word.  There may be many of one key. */
GC_API gcx_ephemeron *GC_CALL gcx_ephemeron_new(const void * /* key */,
                                                const void * /* value */);

/* The pointer that was given as the key, or null when the key is dead or freed by
 * hand.  Constant time without a lock.  Any thread, not in signal handlers; neither
 * collects nor calls back. */
GC_API void *GC_CALL gcx_ephemeron_key(gcx_ephemeron * /* ephemeron */)
    GC_ATTR_NONNULL(1);

/* The value, or null when the key is dead.  While the caller has a pointer to the
 * key, the value is there.  Constant time, under an internal lock.  Any thread, not
 * in signal handlers; neither collects nor calls back. */
GC_API void *GC_CALL gcx_ephemeron_value(gcx_ephemeron * /* ephemeron */)
    GC_ATTR_NONNULL(1);

/* Gives it another value: 1, or 0 when the key is dead.  As gcx_ephemeron_value. */
GC_API int GC_CALL gcx_ephemeron_set_value(gcx_ephemeron * /* ephemeron */,
                                           const void * /* value */)
    GC_ATTR_NONNULL(1);

/* Frees the ephemeron, neither key nor value; otherwise as gcx_weak_free. */
GC_API void GC_CALL gcx_ephemeron_free(gcx_ephemeron * /* ephemeron */);

#ifdef __cplusplus
}
#endif

#endif /* GCX_WEAK_H */
