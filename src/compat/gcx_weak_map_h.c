/* src/compat/gcx_weak_map_h.c: gcx/weak_map.h. SPDX-License-Identifier: MIT
 *
 * A client's map is the core's.
 */
#include "compat/compat.h"

#include "base/check.h"
#include "cycle/weak_map.h"

#include <errno.h>

#include <gcx/weak_map.h>

#define MAX_CAPACITY ((size_t)1 << 20)

static struct gc_weak_map *core_map(gcx_weak_map *map) {
  return (struct gc_weak_map *)(void *)map;
}

/* ---- Making and freeing ---- */

static unsigned keys_of(const gcx_weak_map_opts *o) {
  return o == NULL || o->keys == 0 ? 1 : o->keys;
}

static int new_map(const gcx_weak_map_opts *o, gcx_weak_map **out_map) {
  size_t capacity = 0;
  if (o != NULL && (o->struct_size != sizeof *o || o->keys > GC_JOINT_KEYS))
    return EINVAL;
  if (o != NULL)
    capacity = o->initial_capacity;
  gc_start();
  if (capacity > MAX_CAPACITY)
    capacity = MAX_CAPACITY;
  *out_map = (gcx_weak_map *)(void *)gc_weak_map_new(keys_of(o), capacity);
  return *out_map == NULL ? ENOMEM : 0;
}

gcx_weak_map *gcx_weak_map_new(const gcx_weak_map_opts *opts, int *error) {
  gcx_weak_map *map = NULL;
  int e = new_map(opts, &map);
  if (error != NULL)
    *error = e;
  return map;
}

void gcx_weak_map_free(gcx_weak_map *map) {
  if (map != NULL)
    gc_weak_map_free(core_map(map));
}

/* ---- Entries ---- */

static bool has_joint_keys(gcx_weak_map *map) {
  return core_map(map)->joint != NULL;
}

static int code_of(enum gc_weak_map_answer answer) {
  switch (answer) {
  case MAP_ABSENT:
    return 0;
  case MAP_PRESENT:
    return 1;
  case MAP_NO_KEY:
    return -EINVAL;
  case MAP_NO_MEMORY:
    break;
  }
  return -ENOMEM;
}

int gcx_weak_map_put(gcx_weak_map *map, const void *key, const void *value,
                     void **old_value) {
  void *old;
  if (has_joint_keys(map))
    return -EINVAL;
  if (!gc_start_thread())
    return -ENOMEM;
  return code_of(gc_weak_map_put(core_map(map), key, value,
                                 old_value == NULL ? &old : old_value));
}

int gcx_weak_map_get(gcx_weak_map *map, const void *key, void **value) {
  void *ignored;
  if (value == NULL)
    value = &ignored;
  *value = NULL;
  return !has_joint_keys(map) && gc_start_thread() &&
         gc_weak_map_get(core_map(map), key, value);
}

int gcx_weak_map_remove(gcx_weak_map *map, const void *key, void **value) {
  void *ignored;
  if (value == NULL)
    value = &ignored;
  *value = NULL;
  return !has_joint_keys(map) && gc_start_thread() &&
         gc_weak_map_remove(core_map(map), key, value);
}

/* ---- Entries of several keys ---- */

int gcx_weak_map_put_keys(gcx_weak_map *map, const void *const *keys,
                          const void *value, void **old_value) {
  void *old;
  if (!has_joint_keys(map))
    return gcx_weak_map_put(map, keys[0], value, old_value);
  if (!gc_start_thread())
    return -ENOMEM;
  return code_of(gc_weak_map_put_keys(core_map(map), keys, value,
                                      old_value == NULL ? &old : old_value));
}

int gcx_weak_map_get_keys(gcx_weak_map *map, const void *const *keys,
                          void **value) {
  void *ignored;
  if (!has_joint_keys(map))
    return gcx_weak_map_get(map, keys[0], value);
  if (value == NULL)
    value = &ignored;
  *value = NULL;
  return gc_start_thread() && gc_weak_map_get_keys(core_map(map), keys, value);
}

int gcx_weak_map_remove_keys(gcx_weak_map *map, const void *const *keys,
                             void **value) {
  void *ignored;
  if (!has_joint_keys(map))
    return gcx_weak_map_remove(map, keys[0], value);
  if (value == NULL)
    value = &ignored;
  *value = NULL;
  return gc_start_thread() &&
         gc_weak_map_remove_keys(core_map(map), keys, value);
}

/* ---- All entries ---- */

size_t gcx_weak_map_count(gcx_weak_map *map) {
  return gc_start_thread() ? gc_weak_map_count(core_map(map)) : 0;
}

int gcx_weak_map_each(gcx_weak_map *map, gcx_weak_map_fn f, void *cd) {
  if (has_joint_keys(map))
    return -EINVAL;
  return gc_start_thread() ? gc_weak_map_each(core_map(map), f, cd) : 0;
}
