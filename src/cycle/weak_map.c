/* src/cycle/weak_map.c: maps that do not keep their keys.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/weak_map.h"

#include "cycle/weak.h"
#include "heap/meta.h"
#include "world/stop.h"

#define MAGIC UINT64_C(0x7765616b206d6170)

static struct gc_lock maps_lock = GC_LOCK_INIT(RANK_MAPS);
static struct gc_weak_map *first_map; /* [lock maps] */

struct gc_weak_map *gc_weak_map_first(void) {
  return first_map;
}

/* ---- Making and freeing ---- */

static bool open_tables(struct gc_weak_map *map, unsigned keys,
                        size_t capacity) {
  if (!gc_weak_table_open(&map->table, keys > 1 ? 0 : capacity))
    return false;
  if (keys > 1)
    map->joint = gc_joint_table_new(keys);
  if (keys > 1 && map->joint == NULL) {
    gc_weak_table_close(&map->table);
    return false;
  }
  return true;
}

struct gc_weak_map *gc_weak_map_new(unsigned keys, size_t capacity) {
  struct gc_weak_map *map = gc_meta_alloc(sizeof *map);
  if (map == NULL)
    return NULL;
  if (!open_tables(map, keys, capacity)) {
    gc_meta_free(map, sizeof *map);
    return NULL;
  }
  gc_lock_init(&map->lock, RANK_MAP);
  map->magic = MAGIC;
  gc_lock(&maps_lock);
  map->previous = NULL;
  map->next = first_map;
  if (first_map != NULL)
    first_map->previous = map;
  first_map = map;
  gc_unlock(&maps_lock);
  return map;
}

static void unlink_map(struct gc_weak_map *map) {
  if (map->previous != NULL)
    map->previous->next = map->next;
  else
    first_map = map->next;
  if (map->next != NULL)
    map->next->previous = map->previous;
}

static bool take_out(struct gc_weak_map *map) {
  gc_lock(&maps_lock);
  bool is_map = map->magic == MAGIC;
  if (is_map)
    unlink_map(map);
  map->magic = 0;
  gc_unlock(&maps_lock);
  return is_map;
}

void gc_weak_map_free(struct gc_weak_map *map) {
  if (!take_out(map))
    gc_fatal("gcx_weak_map_free: %p is no weak map, or freed already",
             (void *)map);
  gc_weak_table_close(&map->table);
  gc_joint_table_free(map->joint);
  gc_meta_free(map, sizeof *map);
}

/* ---- Entries ---- */

static void lock_map(struct gc_weak_map *map) {
  if (GC_TSAN_BUILD)
    gc_stop_poll();
  gc_lock(&map->lock);
  if (map->joint != NULL)
    gc_joint_table_tidy(map->joint);
  else
    gc_weak_table_tidy(&map->table);
}

static struct gc_weak_entry *find_entry(struct gc_weak_map *map,
                                        const void *key) {
  struct gc_object o;
  return gc_find(key, &o) ? gc_weak_table_find(&map->table, o.start) : NULL;
}

/* The value is on the caller's stack before the region is left. */
static bool show_value(const struct gc_weak_entry *e, void **out_value) {
  *out_value = e == NULL ? NULL : (void *)(uintptr_t)e->value;
  gc_compiler_barrier();
  return e != NULL;
}

static bool add_entry(struct gc_weak_map *map, const struct gc_object *o,
                      const void *value) {
  if (!gc_weak_table_add(&map->table, o->start, (uint64_t)(uintptr_t)value))
    return false;
  if (!gc_weak_map_may_have(o->block))
    gc_or_rlx(&gc_heap.blocks[o->block].flags, BF_KEYS);
  return true;
}

static enum gc_weak_map_answer put_entry(struct gc_weak_map *map,
                                         const void *key, const void *value,
                                         void **out_old) {
  struct gc_object o;
  *out_old = NULL;
  if (!gc_find(key, &o) || !gc_weak_is_live(&o))
    return MAP_NO_KEY;
  struct gc_weak_entry *e = gc_weak_table_find(&map->table, o.start);
  if (e == NULL)
    return add_entry(map, &o, value) ? MAP_ABSENT : MAP_NO_MEMORY;
  show_value(e, out_old);
  e->value = (uint64_t)(uintptr_t)value;
  return MAP_PRESENT;
}

enum gc_weak_map_answer gc_weak_map_put(struct gc_weak_map *map,
                                        const void *key, const void *value,
                                        void **out_old) {
  lock_map(map);
  enum gc_weak_map_answer answer = put_entry(map, key, value, out_old);
  gc_hold_pointer(key);
  gc_hold_pointer(value);
  gc_unlock(&map->lock);
  return answer;
}

bool gc_weak_map_get(struct gc_weak_map *map, const void *key,
                     void **out_value) {
  lock_map(map);
  bool is_there = show_value(find_entry(map, key), out_value);
  gc_hold_pointer(key);
  gc_unlock(&map->lock);
  return is_there;
}

bool gc_weak_map_remove(struct gc_weak_map *map, const void *key,
                        void **out_old) {
  lock_map(map);
  struct gc_weak_entry *e = find_entry(map, key);
  bool was_there = show_value(e, out_old);
  if (was_there)
    gc_weak_table_remove(&map->table, (const void *)(uintptr_t)~e->hidden);
  gc_hold_pointer(key);
  gc_unlock(&map->lock);
  return was_there;
}

size_t gc_weak_map_count(struct gc_weak_map *map) {
  lock_map(map);
  size_t n =
      map->joint != NULL ? gc_joint_table_count(map->joint) : map->table.live;
  gc_unlock(&map->lock);
  return n;
}

/* ---- Entries of several keys ---- */

static struct gc_joint_entry *find_joint(struct gc_weak_map *map,
                                         const void *const *keys) {
  uint64_t hidden[GC_JOINT_KEYS] = {0};
  for (unsigned i = 0; i < map->joint->keys; i++) {
    struct gc_object o;
    if (!gc_find(keys[i], &o))
      return NULL;
    hidden[i] = ~(uint64_t)(uintptr_t)o.start;
  }
  return gc_joint_table_find(map->joint, hidden);
}

static bool show_joint_value(const struct gc_joint_entry *e, void **out_value) {
  *out_value = e == NULL ? NULL : (void *)(uintptr_t)e->value;
  gc_compiler_barrier();
  return e != NULL;
}

/* On the way to the table each block learns that keys are in it. */
static bool hide_keys(unsigned keys, const void *const *key, uint64_t *hidden) {
  struct gc_object o[GC_JOINT_KEYS];
  for (unsigned i = 0; i < keys; i++)
    if (!gc_find(key[i], &o[i]) || !gc_weak_is_live(&o[i]))
      return false;
  for (unsigned i = 0; i < keys; i++) {
    hidden[i] = ~(uint64_t)(uintptr_t)o[i].start;
    if (!gc_weak_map_may_have(o[i].block))
      gc_or_rlx(&gc_heap.blocks[o[i].block].flags, BF_KEYS);
  }
  return true;
}

static enum gc_weak_map_answer put_joint(struct gc_weak_map *map,
                                         const void *const *keys,
                                         const void *value, void **out_old) {
  uint64_t hidden[GC_JOINT_KEYS] = {0};
  uint64_t word = (uint64_t)(uintptr_t)value;
  *out_old = NULL;
  if (!hide_keys(map->joint->keys, keys, hidden))
    return MAP_NO_KEY;
  struct gc_joint_entry *e = gc_joint_table_find(map->joint, hidden);
  if (e == NULL)
    return gc_joint_table_add(map->joint, hidden, word) ? MAP_ABSENT
                                                        : MAP_NO_MEMORY;
  show_joint_value(e, out_old);
  e->value = word;
  return MAP_PRESENT;
}

enum gc_weak_map_answer gc_weak_map_put_keys(struct gc_weak_map *map,
                                             const void *const *keys,
                                             const void *value,
                                             void **out_old) {
  lock_map(map);
  enum gc_weak_map_answer answer = put_joint(map, keys, value, out_old);
  gc_hold_pointer(value);
  gc_unlock(&map->lock);
  return answer;
}

bool gc_weak_map_get_keys(struct gc_weak_map *map, const void *const *keys,
                          void **out_value) {
  lock_map(map);
  bool is_there = show_joint_value(find_joint(map, keys), out_value);
  gc_unlock(&map->lock);
  return is_there;
}

bool gc_weak_map_remove_keys(struct gc_weak_map *map, const void *const *keys,
                             void **out_old) {
  lock_map(map);
  struct gc_joint_entry *e = find_joint(map, keys);
  bool was_there = show_joint_value(e, out_old);
  if (was_there)
    gc_joint_table_drop(map->joint, e);
  gc_unlock(&map->lock);
  return was_there;
}

/* ---- All entries ---- */

static unsigned copy_some(struct gc_weak_map *map, uint64_t *cursor,
                          uint64_t *out_hidden) {
  lock_map(map);
  unsigned n = gc_weak_table_copy(&map->table, cursor, out_hidden);
  gc_unlock(&map->lock);
  return n;
}

/* A copied address is a key only if it is one still. */
static bool take_again(struct gc_weak_map *map, uint64_t hidden, void **out_key,
                       void **out_value) {
  lock_map(map);
  *out_key = (void *)(uintptr_t)~hidden;
  bool is_there =
      show_value(gc_weak_table_find(&map->table, *out_key), out_value);
  gc_unlock(&map->lock);
  return is_there;
}

int gc_weak_map_each(struct gc_weak_map *map,
                     int (*f)(void *key, void *value, void *cd), void *cd) {
  uint64_t hidden[GC_WEAK_COPY], cursor = 0;
  do {
    unsigned n = copy_some(map, &cursor, hidden);
    for (unsigned i = 0; i < n; i++) {
      void *key, *value;
      int result =
          take_again(map, hidden[i], &key, &value) ? f(key, value, cd) : 0;
      if (result != 0)
        return result;
    }
  } while (cursor != 0);
  return 0;
}

/* ---- Freed by hand ---- */

void gc_weak_map_forget(const char *object) {
  gc_lock(&maps_lock);
  for (struct gc_weak_map *map = first_map; map != NULL; map = map->next) {
    gc_lock(&map->lock);
    gc_weak_table_remove(&map->table, object);
    if (map->joint != NULL)
      gc_joint_table_forget(map->joint, object);
    gc_unlock(&map->lock);
  }
  gc_unlock(&maps_lock);
}

/* ---- Fork ---- */

void gc_weak_map_lock_for_fork(void) {
  gc_lock(&maps_lock);
  for (struct gc_weak_map *map = first_map; map != NULL; map = map->next)
    gc_lock(&map->lock);
}

void gc_weak_map_unlock_after_fork(void) {
  for (struct gc_weak_map *map = first_map; map != NULL; map = map->next)
    gc_unlock(&map->lock);
  gc_unlock(&maps_lock);
}
