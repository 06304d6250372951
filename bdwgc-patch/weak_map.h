/* bdwgc-patch/weak_map.h: weak maps and their entries. SPDX-License-Identifier: MIT */
#ifndef BDWGC_PATCH_WEAK_MAP_H
#define BDWGC_PATCH_WEAK_MAP_H

#include "adapter.h"

#include <gcx/weak_map.h>

enum { BDW_MAP_KEYS = 3 };

struct entry {
  uintptr_t
      key[BDW_MAP_KEYS]; /* bases; 0 behind the last one, and in entries that
                                * are not in use */
  uintptr_t value;
  uintptr_t awaited;     /* in the stop: a key without a mark, or 0 */
  struct entry *waiting; /* in the stop: the next one in the chain */
  unsigned next;         /* in the map's chain, or of those not in use */
};

/* [lock] but for the number of keys. Entries are those numbered 1 to `used`. */
struct gcx_weak_map {
  unsigned keys; /* [const] */
  struct gcx_weak_map *next;
  struct entry *entries;
  unsigned *heads; /* of chains, as many as there is room for entries */
  size_t room;     /* a power of two */
  size_t count;
  unsigned used;
  unsigned unused; /* a chain of entries, by number */
};

/* All maps. It is in weak_map.c, so that whoever links the archive gets the calls, too:
 * libraries on top have weak references to them only. [lock] */
BDW_HIDDEN extern struct gcx_weak_map *bdw_maps;

/* A new map with its keys set; false without memory. */
BDW_HIDDEN bool bdw_map_begin_locked(struct gcx_weak_map *m, size_t room);
/* False if it is no map. */
BDW_HIDDEN bool bdw_map_end_locked(struct gcx_weak_map *m);
/* Here and below as many keys as an entry has, and 0 behind. Null: there is none. */
BDW_HIDDEN struct entry *bdw_map_find_locked(struct gcx_weak_map *m,
                                             const uintptr_t *key);
/* Where there is none; false without memory. */
BDW_HIDDEN bool bdw_map_put_locked(struct gcx_weak_map *m, const uintptr_t *key,
                                   uintptr_t value);
/* Where there is one. */
BDW_HIDDEN void bdw_map_remove_locked(struct gcx_weak_map *m,
                                      const uintptr_t *key);
BDW_HIDDEN size_t bdw_map_count_locked(struct gcx_weak_map *m);

#endif
