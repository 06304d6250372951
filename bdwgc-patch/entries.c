/* bdwgc-patch/entries.c: entries of weak maps, and what becomes of them. SPDX-License-Identifier: MIT
 *
 * An entry is an ephemeron: when libgc has marked, the values of entries whose keys are
 * marked are marked from, which may mark keys of others. An entry whose keys are not all
 * marked waits for one of them, in a chain that is found by its address; so each is
 * looked at once for each of its keys, in whatever order they are found. In the end those
 * that still wait are dead.
 *
 * All of this runs under libgc's allocation lock, in memory of malloc's, which is taken
 * when an entry is put and never in the stop. Should a collection end without libgc's
 * events, or marking be without memory, then nothing is known of any entry, and all go.
 */
#include "adapter.h"

#include "weak_map.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ENTRIES = 16 };

static size_t all_entries;      /* of all maps */
static struct entry **waiting;  /* by a key that has no mark */
static size_t waiting_size;     /* a power of two, not less than all_entries */
static unsigned long marked_at; /* the collection that the entries know of */
static bool is_marked;          /* it is not over */

/* ---- Places ---- */

static size_t hash_of(const uintptr_t *key) {
  uint64_t h = 0;
  for (int i = 0; i < BDW_MAP_KEYS; i++) {
    h = (h ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
  }
  return (size_t)h;
}

static struct entry **chain_of(const uintptr_t word) {
  uintptr_t key[BDW_MAP_KEYS] = {word};
  return &waiting[hash_of(key) & (waiting_size - 1)];
}

static unsigned *head_of(struct gcx_weak_map *m, const uintptr_t *key) {
  return &m->heads[hash_of(key) & (m->room - 1)];
}

/* The link that leads to the entry, or to nothing. Numbers begin at 1. */
static unsigned *link_to(struct gcx_weak_map *m, const uintptr_t *key) {
  unsigned *link = head_of(m, key);
  while (*link != 0 &&
         memcmp(m->entries[*link - 1].key, key, sizeof m->entries->key) != 0)
    link = &m->entries[*link - 1].next;
  return link;
}

static void take_out(struct gcx_weak_map *m, unsigned *link) {
  unsigned number = *link;
  struct entry *e = &m->entries[number - 1];
  *link = e->next;
  e->key[0] = 0;
  e->next = m->unused;
  m->unused = number;
  m->count--;
  all_entries--;
}

static void empty(struct gcx_weak_map *m) {
  all_entries -= m->count;
  m->count = m->used = m->unused = 0;
  memset(m->heads, 0, m->room * sizeof *m->heads);
}

static void empty_all(void) {
  for (struct gcx_weak_map *m = bdw_maps; m != NULL; m = m->next)
    empty(m);
}

/* ---- Room ---- */

static bool make_waiting_room(void) {
  if (all_entries < waiting_size)
    return true;
  size_t size = waiting_size == 0 ? FIRST_ENTRIES : 2 * waiting_size;
  struct entry **bigger = malloc(size * sizeof *bigger);
  if (bigger == NULL)
    return false;
  free(waiting);
  waiting = bigger;
  waiting_size = size;
  return true;
}

static bool make_room(struct gcx_weak_map *m, size_t room) {
  struct entry *entries = malloc(room * sizeof *entries);
  unsigned *heads = calloc(room, sizeof *heads);
  if (entries == NULL || heads == NULL) {
    free(entries);
    free(heads);
    return false;
  }
  if (m->used > 0)
    memcpy(entries, m->entries, m->used * sizeof *entries);
  free(m->entries);
  free(m->heads);
  m->entries = entries;
  m->heads = heads;
  m->room = room;
  for (unsigned i = 0; i < m->used; i++)
    if (entries[i].key[0] != 0) {
      unsigned *head = head_of(m, entries[i].key);
      entries[i].next = *head;
      *head = i + 1;
    }
  return true;
}

/* The number of an entry that is not in use, or 0. */
static unsigned take_unused(struct gcx_weak_map *m) {
  unsigned number = m->unused;
  if (number != 0) {
    m->unused = m->entries[number - 1].next;
    return number;
  }
  if (m->used == m->room &&
      (m->room > UINT32_MAX / 4 || !make_room(m, 2 * m->room)))
    return 0;
  return ++m->used;
}

/* ---- Maps ---- */

static void keep_up(void) {
  if (marked_at == (unsigned long)GC_get_gc_no())
    return;
  empty_all();
  marked_at = GC_get_gc_no();
}

bool bdw_map_begin_locked(struct gcx_weak_map *m, size_t room) {
  size_t size = FIRST_ENTRIES;
  keep_up();
  while (size < room)
    size *= 2;
  if (!make_room(m, size))
    return false;
  m->next = bdw_maps;
  bdw_maps = m;
  return true;
}

bool bdw_map_end_locked(struct gcx_weak_map *m) {
  struct gcx_weak_map **at = &bdw_maps;
  while (*at != NULL && *at != m)
    at = &(*at)->next;
  if (*at == NULL)
    return false;
  *at = m->next;
  all_entries -= m->count;
  free(m->entries);
  free(m->heads);
  return true;
}

struct entry *bdw_map_find_locked(struct gcx_weak_map *m,
                                  const uintptr_t *key) {
  keep_up();
  unsigned number = *link_to(m, key);
  return number == 0 ? NULL : &m->entries[number - 1];
}

bool bdw_map_put_locked(struct gcx_weak_map *m, const uintptr_t *key,
                        uintptr_t value) {
  unsigned number = make_waiting_room() ? take_unused(m) : 0;
  if (number == 0)
    return false;
  unsigned *head = head_of(m, key);
  struct entry *e = &m->entries[number - 1];
  *e = (struct entry){.value = value, .next = *head};
  memcpy(e->key, key, sizeof e->key);
  *head = number;
  m->count++;
  all_entries++;
  return true;
}

void bdw_map_remove_locked(struct gcx_weak_map *m, const uintptr_t *key) {
  take_out(m, link_to(m, key));
}

size_t bdw_map_count_locked(struct gcx_weak_map *m) {
  keep_up();
  return m->count;
}

/* ---- In the stop ---- */

/* An address that was freed by hand may have no block any more. */
static bool has_mark(uintptr_t key) {
  void *base = (void *)key;
  return GC_base(base) == base && GC_is_marked(base);
}

/* Has the value marked if all keys are, else waits for a key. */
static void consider(struct entry *e) {
  for (unsigned i = 0; i < BDW_MAP_KEYS && e->key[i] != 0; i++)
    if (!has_mark(e->key[i])) {
      struct entry **chain = chain_of(e->key[i]);
      e->awaited = e->key[i];
      e->waiting = *chain;
      *chain = e;
      return;
    }
  e->awaited = 0;
  bdw_trace_word(e->value);
}

/* One that goes on to wait for another key goes to the beginning of a chain. */
static void found(const void *base) {
  struct entry **at = chain_of((uintptr_t)base);
  struct entry *e;
  while ((e = *at) != NULL)
    if (e->awaited == (uintptr_t)base) {
      *at = e->waiting;
      consider(e);
    } else
      at = &e->waiting;
}

static void sweep(struct gcx_weak_map *m) {
  for (size_t i = 0; i < m->room; i++)
    for (unsigned *link = &m->heads[i]; *link != 0;) {
      struct entry *e = &m->entries[*link - 1];
      if (e->awaited != 0)
        take_out(m, link);
      else
        link = &e->next;
    }
}

void bdw_maps_mark(void) {
  bool is_done = true;
  is_marked = true;
  if (all_entries == 0)
    return;
  bdw_trace_begin();
  memset(waiting, 0, waiting_size * sizeof *waiting);
  for (struct gcx_weak_map *m = bdw_maps; m != NULL; m = m->next)
    for (unsigned i = 0; i < m->used; i++)
      if (m->entries[i].key[0] != 0) {
        consider(&m->entries[i]);
        is_done = bdw_trace_all(found) && is_done;
      }
  if (!is_done)
    empty_all();
  for (struct gcx_weak_map *m = bdw_maps; m != NULL; m = m->next)
    sweep(m);
}

void bdw_maps_settle(void) {
  if (is_marked)
    marked_at = GC_get_gc_no();
  is_marked = false;
}
