/* include/gcx/weak_map.h: tables that do not keep their keys. SPDX-License-Identifier: MIT */

/* A weak map notes words about objects, and forgets them with the objects:
 *
 *   gcx_weak_map *map = gcx_weak_map_new(NULL, NULL);
 *   gcx_weak_map_put(map, object, note, NULL);
 *   ...
 *   void *p;
 *   if (gcx_weak_map_get(map, object, &p)) ...
 *
 * A key is an object of the heap, whichever pointer into it is given, and is told
 * from others by its address alone.  The map does not keep it.  A value is any word;
 * as a reference it counts while its key lives, so it may refer to its own key or to
 * others: an entry is an ephemeron, see gcx/weak.h.  An entry is gone when a
 * collection does not find its key, also one of a notified kind (a key that is revived
 * or kept, or is being notified, has no value any more), or when the key is freed by
 * hand; GC_free then looks into every map that there is.  An object that gets the
 * address of a dead one is never taken for it.  When GC_realloc moves a key, the
 * entry is gone.
 *
 * Maps are memory of the library, 20 to 40 bytes an entry, that is neither scanned nor
 * collected; a map that is not wanted any more is to be freed.  They grow and shrink in
 * small steps, by the operations.  The stop takes longer by the number of entries, some
 * 15 ns each.
 *
 * All functions: any thread, but not signal handlers; each takes a lock of the map's,
 * inside of the library, for a short time.  They neither collect nor call back, but for
 * gcx_weak_map_each.  On an unmodified libgc see GCX_CAP_WEAK_MAPS in gcx/backend.h.
 * Since 0.2.0. */
#ifndef GCX_WEAK_MAP_H
#define GCX_WEAK_MAP_H

#include "../gc/gc_config_macros.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcx_weak_map gcx_weak_map;

/* Set struct_size to sizeof (gcx_weak_map_opts) and clear the rest. */
typedef struct gcx_weak_map_opts {
  size_t struct_size;
  size_t initial_capacity; /* room for so many entries from the start, and never
                            * less; more than a million count as a million; not
                            * for several keys */
  unsigned keys;           /* of an entry: 1, the same as 0, to 3 */
} gcx_weak_map_opts;

/* An empty map; starts the collector on first use.  Options may be null.  Null:
 * *error, unless error is null, becomes EINVAL (bad options) or ENOMEM.  Takes time in
 * proportion to the capacity. */
GC_API gcx_weak_map *GC_CALL gcx_weak_map_new(const gcx_weak_map_opts *,
                                              int * /* error */);

/* Frees the map, neither keys nor values.  Nobody may be using it.  Null is allowed;
 * what is no map, or is free already, ends the process with a message. */
GC_API void GC_CALL gcx_weak_map_free(gcx_weak_map * /* map */);

/* Gives the key a value.  1: it had one, which is replaced; 0: it had none; -EINVAL:
 * the pointer leads to no live object of the heap, -ENOMEM: no memory, and nothing has
 * changed.  *old_value, unless old_value is null, becomes what was replaced, or null. */
GC_API int GC_CALL gcx_weak_map_put(gcx_weak_map * /* map */,
                                    const void * /* key */,
                                    const void * /* value */,
                                    void ** /* old_value */) GC_ATTR_NONNULL(1);

/* 1 and the key's value, or 0 and null.  While the caller has a pointer to a key, its
 * value is there.  Constant time. */
GC_API int GC_CALL gcx_weak_map_get(gcx_weak_map * /* map */,
                                    const void * /* key */, void ** /* value */)
    GC_ATTR_NONNULL(1);

/* The same, and takes the entry out. */
GC_API int GC_CALL gcx_weak_map_remove(gcx_weak_map * /* map */,
                                       const void * /* key */,
                                       void ** /* value */) GC_ATTR_NONNULL(1);

/* Maps with two or three keys an entry, see `keys` above: the entry is that of all of
 * them in this order, each by its address.  It is gone when one of the keys is, and its
 * value counts while all of them live; so a value may refer to any of its keys.  There
 * are as many KEYS as the map has an entry, and otherwise these are the three functions
 * above, which refuse such a map: -EINVAL, or 0.  An entry has 32 bytes, and the free
 * slots.  GC_free of an object in whose neighbourhood keys are looks at all entries. */
GC_API int GC_CALL gcx_weak_map_put_keys(gcx_weak_map * /* map */,
                                         const void *const * /* keys */,
                                         const void * /* value */,
                                         void ** /* old_value */)
    GC_ATTR_NONNULL(1) GC_ATTR_NONNULL(2);
GC_API int GC_CALL gcx_weak_map_get_keys(gcx_weak_map * /* map */,
                                         const void *const * /* keys */,
                                         void ** /* value */) GC_ATTR_NONNULL(1)
    GC_ATTR_NONNULL(2);
GC_API int GC_CALL gcx_weak_map_remove_keys(gcx_weak_map * /* map */,
                                            const void *const * /* keys */,
                                            void ** /* value */)
    GC_ATTR_NONNULL(1) GC_ATTR_NONNULL(2);

/* Entries whose keys lived at the last collection, or are younger. */
GC_API size_t GC_CALL gcx_weak_map_count(gcx_weak_map * /* map */)
    GC_ATTR_NONNULL(1);

/* `key` is the start of the object.  Not 0: no further call is wanted. */
typedef int(GC_CALLBACK *gcx_weak_map_fn)(void * /* key */, void * /* value */,
                                          void * /* cd */);

/* Calls the function for each entry, in no particular order and without a lock.  It may
 * do what any code may do, also change this map, but not free it.  An entry that is
 * there from the start of the walk to its end is visited once; one that is put
 * meanwhile may be, with the value that it has then, and one that is gone before its
 * turn is not.  The answer is 0, or what the function returned to end the walk; a map
 * with several keys an entry has no walk: -EINVAL. */
GC_API int GC_CALL gcx_weak_map_each(gcx_weak_map * /* map */, gcx_weak_map_fn,
                                     void * /* cd */) GC_ATTR_NONNULL(1)
    GC_ATTR_NONNULL(2);

#ifdef __cplusplus
}
#endif

#endif /* GCX_WEAK_MAP_H */
