/* bdwgc-patch/weak_map.c: gcx/weak_map.h, the calls. SPDX-License-Identifier: MIT
 *
 * Each call takes libgc's allocation lock, and so no collection runs meanwhile. What
 * becomes of entries in a collection is in entries.c.
 */
#include "weak_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_AT_FIRST = 1 << 20 };

struct gcx_weak_map *bdw_maps;

/* A call, for the lock. */
struct call {
  struct gcx_weak_map *map;
  const void *const *keys;
  uintptr_t base[BDW_MAP_KEYS];
  uintptr_t value; /* to be put, or found */
  size_t number;
  int answer;
};

/* ---- Keys ---- */

/* 0 for what can not be a key: no object, or one that is condemned or being notified. */
static uintptr_t base_of(const void *key) {
  struct bdw_object o;
  void *base = GC_base((void *)(uintptr_t)key);
  if (bdw_find(base, &o) && bdw_state_of(&o) != BDW_LIVE)
    return 0;
  return (uintptr_t)base;
}

static bool take_keys(struct call *c) {
  for (unsigned i = 0; i < c->map->keys; i++)
    if ((c->base[i] = base_of(c->keys[i])) == 0)
      return false;
  return true;
}

/* ---- Maps ---- */

static void *begin(void *arg) {
  struct call *c = arg;
  return bdw_map_begin_locked(c->map, c->number) ? arg : NULL;
}

gcx_weak_map *gcx_weak_map_new(const gcx_weak_map_opts *o, int *error) {
  int code = 0;
  struct call c = {.number = o == NULL ? 0 : o->initial_capacity};
  if (o != NULL && (o->struct_size != sizeof *o || o->keys > BDW_MAP_KEYS))
    code = EINVAL;
  if (c.number > MOST_AT_FIRST)
    c.number = MOST_AT_FIRST;
  bdw_start();
  if (code == 0 && (c.map = calloc(1, sizeof *c.map)) != NULL) {
    c.map->keys = o == NULL || o->keys == 0 ? 1 : o->keys;
    if (GC_call_with_alloc_lock(begin, &c) == NULL) {
      free(c.map);
      c.map = NULL;
    }
  }
  if (code == 0 && c.map == NULL)
    code = ENOMEM;
  if (error != NULL)
    *error = code;
  return c.map;
}

static void *end(void *map) { return bdw_map_end_locked(map) ? map : NULL; }

void gcx_weak_map_free(gcx_weak_map *map) {
  if (map == NULL)
    return;
  if (GC_call_with_alloc_lock(end, map) == NULL) {
    fputs("gcx_weak_map_free: this is no weak map, or was freed before\n",
          stderr);
    abort();
  }
  free(map);
}

static void *count(void *arg) {
  struct call *c = arg;
  c->number = bdw_map_count_locked(c->map);
  return arg;
}

size_t gcx_weak_map_count(gcx_weak_map *map) {
  struct call c = {.map = map};
  GC_call_with_alloc_lock(count, &c);
  return c.number;
}

/* ---- Entries ---- */

static void *put(void *arg) {
  struct call *c = arg;
  uintptr_t value = c->value;
  c->value = 0;
  c->answer = -EINVAL;
  if (!take_keys(c))
    return NULL;
  struct entry *e = bdw_map_find_locked(c->map, c->base);
  if (e != NULL) {
    c->answer = 1;
    c->value = e->value;
    e->value = value;
  } else
    c->answer = bdw_map_put_locked(c->map, c->base, value) ? 0 : -ENOMEM;
  return NULL;
}

static void *get(void *arg) {
  struct call *c = arg;
  struct entry *e = take_keys(c) ? bdw_map_find_locked(c->map, c->base) : NULL;
  c->answer = e != NULL;
  c->value = e != NULL ? e->value : 0;
  return e;
}

static void *take_out(void *arg) {
  struct call *c = arg;
  if (get(arg) != NULL)
    bdw_map_remove_locked(c->map, c->base);
  return NULL;
}

/* The value is on the stack until the lock is free again, and found there. */
static int enter(GC_fn_type fn, struct call *c, void **out_value) {
  bdw_enter_thread();
  GC_call_with_alloc_lock(fn, c);
  if (out_value != NULL)
    *out_value = (void *)c->value;
  GC_reachable_here(c);
  return c->answer;
}

int gcx_weak_map_put_keys(gcx_weak_map *map, const void *const *keys,
                          const void *value, void **old_value) {
  struct call c = {.map = map, .keys = keys, .value = (uintptr_t)value};
  int answer = enter(put, &c, old_value);
  GC_reachable_here(value);
  return answer;
}

int gcx_weak_map_get_keys(gcx_weak_map *map, const void *const *keys,
                          void **value) {
  struct call c = {.map = map, .keys = keys};
  return enter(get, &c, value);
}

int gcx_weak_map_remove_keys(gcx_weak_map *map, const void *const *keys,
                             void **value) {
  struct call c = {.map = map, .keys = keys};
  return enter(take_out, &c, value);
}

/* ---- One key ---- */

static int refuse(int answer, void **out_value) {
  if (out_value != NULL)
    *out_value = NULL;
  return answer;
}

int gcx_weak_map_put(gcx_weak_map *map, const void *key, const void *value,
                     void **old_value) {
  return map->keys == 1 ? gcx_weak_map_put_keys(map, &key, value, old_value)
                        : refuse(-EINVAL, old_value);
}

int gcx_weak_map_get(gcx_weak_map *map, const void *key, void **value) {
  return map->keys == 1 ? gcx_weak_map_get_keys(map, &key, value)
                        : refuse(0, value);
}

int gcx_weak_map_remove(gcx_weak_map *map, const void *key, void **value) {
  return map->keys == 1 ? gcx_weak_map_remove_keys(map, &key, value)
                        : refuse(0, value);
}

/* ---- Walks ---- */

static const void *start_of(uintptr_t base) {
  struct bdw_object o;
  return bdw_find((void *)base, &o) ? o.start : (void *)base;
}

/* The keys that there are, in so far as there is room; answers how many there are. */
static void *list_keys(void *arg) {
  struct call *c = arg;
  size_t n = 0;
  bdw_map_count_locked(c->map);
  for (unsigned i = 0; i < c->map->used; i++)
    if (c->map->entries[i].key[0] != 0) {
      if (n < c->number)
        ((const void **)c->value)[n] = start_of(c->map->entries[i].key[0]);
      n++;
    }
  c->number = n;
  return NULL;
}

/* In memory that keeps them; null without. */
static const void **take_list(gcx_weak_map *map, size_t *out_count) {
  size_t room = gcx_weak_map_count(map);
  for (;;) {
    const void **list = GC_malloc((room + 1) * sizeof *list);
    struct call c = {.map = map, .value = (uintptr_t)list, .number = room};
    if (list == NULL)
      return NULL;
    GC_call_with_alloc_lock(list_keys, &c);
    *out_count = c.number;
    if (c.number <= room)
      return list;
    GC_free(list);
    room = c.number;
  }
}

int gcx_weak_map_each(gcx_weak_map *map, gcx_weak_map_fn fn, void *cd) {
  size_t n = 0;
  int answer = 0;
  if (map->keys != 1)
    return -EINVAL;
  const void **list = take_list(map, &n);
  if (list == NULL)
    return -ENOMEM;
  for (size_t i = 0; i < n && answer == 0; i++) {
    void *value;
    if (gcx_weak_map_get(map, list[i], &value) == 1)
      answer = fn((void *)(uintptr_t)list[i], value, cd);
  }
  GC_free(list);
  return answer;
}
