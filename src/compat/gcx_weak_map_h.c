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

static int new_map(const gcx_weak_map_opts *o, gcx_weak_map **out_map) {
  size_t capacity = 0;
  if (o != NULL && o->struct_size != sizeof *o)
    return EINVAL;
  if (o != NULL)
    capacity = o->initial_capacity;
  gc_start();
  if (capacity > MAX_CAPACITY)
    capacity = MAX_CAPACITY;
  *out_map = (gcx_weak_map *)(void *)gc_weak_map_new(capacity);
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

int gcx_weak_map_put(gcx_weak_map *map, const void *key, const void *value,
                     void **old_value) {
  void *old;
  if (!gc_start_thread())
    return -ENOMEM;
  switch (gc_weak_map_put(core_map(map), key, value,
                          old_value == NULL ? &old : old_value)) {
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

int gcx_weak_map_get(gcx_weak_map *map, const void *key, void **value) {
  void *ignored;
  if (value == NULL)
    value = &ignored;
  *value = NULL;
  return gc_start_thread() && gc_weak_map_get(core_map(map), key, value);
}

int gcx_weak_map_remove(gcx_weak_map *map, const void *key, void **value) {
  void *ignored;
  if (value == NULL)
    value = &ignored;
  *value = NULL;
  return gc_start_thread() && gc_weak_map_remove(core_map(map), key, value);
}

size_t gcx_weak_map_count(gcx_weak_map *map) {
  return gc_start_thread() ? gc_weak_map_count(core_map(map)) : 0;
}

int gcx_weak_map_each(gcx_weak_map *map, gcx_weak_map_fn f, void *cd) {
  return gc_start_thread() ? gc_weak_map_each(core_map(map), f, cd) : 0;
}
