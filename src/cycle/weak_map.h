/* src/cycle/weak_map.h: maps that do not keep their keys.
 * SPDX-License-Identifier: MIT
 *
 * A map is a table with a lock (reclaim/weak_table). An entry is an ephemeron: its
 * value counts as a reference while its key lives, and when marking ends without a
 * mark for the key the entry is dropped, in the stop, before anything is condemned
 * (cycle/ephemeron). An object that is freed by hand is dropped from all maps before
 * its address can be handed out; the flag BF_KEYS of its block says whether to look.
 * So an address in a table is always that of an object which lived at the last
 * collection, or is younger, and looking a key up needs no question about life.
 *
 * A map with two or three keys an entry has a table of its own for them
 * (reclaim/joint_table); an entry lives while all of its keys do.
 *
 * The lock is an internal one: nothing is called back under it, and as its owners
 * keep stops away a stop finds no table half changed.
 */
#ifndef GC_CYCLE_WEAK_MAP_H
#define GC_CYCLE_WEAK_MAP_H

#include "heap/heap.h"
#include "reclaim/joint_table.h"
#include "reclaim/weak_table.h"

struct gc_weak_map {
  struct gc_lock lock;
  uint64_t magic;
  struct gc_weak_map *next, *previous; /* [lock maps] */
  struct gc_weak_table table;          /* [lock of this map] */
  struct gc_joint_table *joint; /* [const] null: one key an entry, in `table` */
};

/* KEYS is 1 to 3. Null: no memory. */
struct gc_weak_map *gc_weak_map_new(unsigned keys, size_t capacity);
/* Aborts with a message when it is no map. */
void gc_weak_map_free(struct gc_weak_map *map);

enum gc_weak_map_answer { MAP_ABSENT, MAP_PRESENT, MAP_NO_KEY, MAP_NO_MEMORY };

/* A key is given by any address inside of a live object. What was there before goes
 * to *out_old, else null. */
enum gc_weak_map_answer gc_weak_map_put(struct gc_weak_map *map,
                                        const void *key, const void *value,
                                        void **out_old);
bool gc_weak_map_get(struct gc_weak_map *map, const void *key,
                     void **out_value);
bool gc_weak_map_remove(struct gc_weak_map *map, const void *key,
                        void **out_old);
size_t gc_weak_map_count(struct gc_weak_map *map);

/* The same for maps with several keys an entry. */
enum gc_weak_map_answer gc_weak_map_put_keys(struct gc_weak_map *map,
                                             const void *const *keys,
                                             const void *value, void **out_old);
bool gc_weak_map_get_keys(struct gc_weak_map *map, const void *const *keys,
                          void **out_value);
bool gc_weak_map_remove_keys(struct gc_weak_map *map, const void *const *keys,
                             void **out_old);

/* Calls a function, without a lock, for each entry that is there when its turn comes;
 * ends early with what it returns unless that is 0. */
int gc_weak_map_each(struct gc_weak_map *map,
                     int (*f)(void *key, void *value, void *cd), void *cd);

/* ---- For those who free ---- */

gc_inline bool gc_weak_map_may_have(gc_block_id b) {
  return gc_load_rlx(&gc_heap.blocks[b].flags) & BF_KEYS;
}

/* The object is about to be freed; no lock is held, stops are kept away. */
void gc_weak_map_forget(const char *object);

/* World stopped: the first of all maps. */
struct gc_weak_map *gc_weak_map_first(void);

void gc_weak_map_lock_for_fork(void);
void gc_weak_map_unlock_after_fork(void);

#endif
