/* src/notify/link.c: words of the program that are cleared when an object dies.
 * SPDX-License-Identifier: MIT
 */
#include "notify/link.h"

#include "heap/meta.h"
#include "heap/packed.h"
#include "notify/final.h"
#include "notify/toggle.h"

#define REGION_SHIFT GC_BLOCK_SHIFT /* a block of the heap is a region */
#define REGION_WORDS (GC_BLOCK_BYTES / sizeof(void *))
#define REGION_GROUPS (REGION_WORDS / 64)
#define GROUPS_BYTES (REGION_GROUPS * sizeof(struct gc_packed))
#define REGIONS_BYTES ((size_t)4 << 30)
#define REGIONS_MIN_BYTES ((size_t)1 << 16)
#define LEAST_PLACES 64u
#define SLOT_BITS 12u /* of a target */
#define NO_TARGET UINT64_C(0)
_Static_assert(GC_BLOCK_MAX_OBJECTS <= 1u << SLOT_BITS, "slots of a block");

struct region {
  uint64_t key;             /* its addresses without the lower bits */
  struct gc_packed *groups; /* null while it has no links */
  uint32_t count;
};

static struct table {
  struct gc_extent regions;
  uint32_t region_count;
  uint32_t *places; /* by hash of the key: number of the region + 1 */
  uint32_t place_mask;
  uint32_t recent; /* region that was found last */
  size_t count;
} tables[GC_LINK_KINDS]; /* [lock final] */

/* ---- Regions ---- */

static struct region *region_at(const struct table *t, uint32_t i) {
  return (struct region *)(void *)t->regions.base + i;
}

static uint64_t link_key_of(const void *address) {
  return (uint64_t)(uintptr_t)address >> REGION_SHIFT;
}

static uint32_t link_home_of(const struct table *t, uint64_t key) {
  return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & t->place_mask;
}

static struct region *search(struct table *t, uint64_t key) {
  if (t->places == NULL)
    return NULL;
  for (uint32_t i = link_home_of(t, key); t->places[i] != 0;
       i = (i + 1) & t->place_mask)
    if (region_at(t, t->places[i] - 1)->key == key) {
      t->recent = t->places[i] - 1;
      return region_at(t, t->recent);
    }
  return NULL;
}

gc_inline struct region *find_region(struct table *t, uint64_t key) {
  if (gc_likely(t->region_count != 0 && region_at(t, t->recent)->key == key))
    return region_at(t, t->recent);
  return search(t, key);
}

static void place_region(struct table *t, uint32_t number) {
  uint32_t i = link_home_of(t, region_at(t, number)->key);
  while (t->places[i] != 0)
    i = (i + 1) & t->place_mask;
  t->places[i] = number + 1;
}

/* At most half of the places are taken. */
static bool make_place(struct table *t) {
  uint32_t now = t->places == NULL ? 0 : t->place_mask + 1;
  if (2 * (t->region_count + 1) <= now)
    return true;
  uint32_t more = now == 0 ? LEAST_PLACES : 2 * now;
  uint32_t *places = gc_meta_alloc(more * sizeof *places);
  if (places == NULL)
    return false;
  gc_meta_free(t->places, now * sizeof *places);
  t->places = places;
  t->place_mask = more - 1;
  for (uint32_t i = 0; i < t->region_count; i++)
    place_region(t, i);
  return true;
}

static struct region *add_region(struct table *t, uint64_t key) {
  size_t bytes = (t->region_count + 1) * sizeof(struct region);
  if ((t->regions.base == NULL &&
       !gc_extent_reserve(&t->regions, REGIONS_BYTES, REGIONS_MIN_BYTES)) ||
      !gc_extent_commit(&t->regions, bytes) || !make_place(t))
    return NULL;
  uint32_t number = t->region_count++;
  *region_at(t, number) = (struct region){key, NULL, 0};
  place_region(t, number);
  t->recent = number;
  return region_at(t, number);
}

static struct region *make_region(struct table *t, uint64_t key) {
  struct region *r = find_region(t, key);
  if (r == NULL)
    r = add_region(t, key);
  if (r == NULL || r->groups != NULL)
    return r;
  r->groups = gc_meta_alloc(GROUPS_BYTES);
  return r->groups != NULL ? r : NULL;
}

static void drop_if_empty(struct region *r) {
  if (r->count != 0)
    return;
  gc_meta_free(r->groups, GROUPS_BYTES);
  r->groups = NULL;
}

/* Only records of regions that links once were in stay behind. */
static void remove_links(struct table *t, struct region *r,
                         struct gc_packed *group, uint64_t places) {
  unsigned n = gc_bits_count(places);
  gc_packed_remove(group, places, 1);
  r->count -= n;
  t->count -= n;
}

/* ---- Links ---- */

struct place {
  struct region *region; /* null: no link is near */
  struct gc_packed *group;
  unsigned word; /* within the group */
};

static unsigned word_in_region(const void *link) {
  return (unsigned)((uintptr_t)link & GC_BLOCK_MASK) / sizeof(void *);
}

static struct place place_in(struct region *r, void **link) {
  unsigned word = word_in_region(link);
  struct gc_packed *group =
      r == NULL || r->groups == NULL ? NULL : &r->groups[word / 64];
  return (struct place){group == NULL ? NULL : r, group, word & 63};
}

static bool has_link(const struct place *p) {
  return p->region != NULL && gc_packed_has(p->group, p->word);
}

static uint64_t target_of(const void *object, struct gc_object *out) {
  return gc_find(object, out) ? (uint64_t)out->block << SLOT_BITS | out->slot
                              : NO_TARGET;
}

/* Objects of the heap know that links concern them. */
static bool note_ends(void **link, uint64_t target, const struct gc_object *o) {
  struct gc_object around;
  if (gc_find(link, &around))
    gc_final_note_block(around.block);
  return target == NO_TARGET || gc_final_set_target(o->block, o->slot);
}

static enum gc_link_answer add_locked(struct table *t, void **link,
                                      const void *object) {
  struct gc_object o;
  uint64_t target = target_of(object, &o);
  struct place p = place_in(make_region(t, link_key_of(link)), link);
  if (p.region == NULL || !note_ends(link, target, &o))
    return LINK_NO_MEMORY;
  if (has_link(&p)) {
    *gc_packed_entry(p.group, p.word, 1) = target;
    return LINK_DUPLICATE;
  }
  uint64_t *entry = gc_packed_add(p.group, p.word, 1);
  if (entry == NULL)
    return LINK_NO_MEMORY;
  *entry = target;
  p.region->count++;
  t->count++;
  return LINK_DONE;
}

enum gc_link_answer gc_link_add(enum gc_link_kind kind, void **link,
                                const void *object) {
  gc_final_lock();
  enum gc_link_answer answer = add_locked(&tables[kind], link, object);
  gc_hold_pointer(object);
  gc_final_unlock();
  return answer;
}

static struct place find_link(struct table *t, void **link) {
  return place_in(find_region(t, link_key_of(link)), link);
}

bool gc_link_remove(enum gc_link_kind kind, void **link) {
  struct table *t = &tables[kind];
  gc_final_lock();
  struct place p = find_link(t, link);
  bool was_there = has_link(&p);
  if (was_there) {
    remove_links(t, p.region, p.group, (uint64_t)1 << p.word);
    drop_if_empty(p.region);
  }
  gc_final_unlock();
  return was_there;
}

/* Entries may move while another is made, so the old one is looked for again. */
static enum gc_link_answer move_locked(struct table *t, void **link,
                                       void **to) {
  struct place old = find_link(t, link);
  if (!has_link(&old))
    return LINK_NOT_FOUND;
  if (link == to)
    return LINK_DONE;
  struct place new = place_in(make_region(t, link_key_of(to)), to);
  if (has_link(&new))
    return LINK_DUPLICATE;
  uint64_t *entry =
      new.region == NULL ? NULL : gc_packed_add(new.group, new.word, 1);
  if (entry == NULL)
    return LINK_NO_MEMORY;
  old = find_link(t, link);
  *gc_packed_entry(new.group, new.word, 1) =
      *gc_packed_entry(old.group, old.word, 1);
  new.region->count++;
  t->count++;
  remove_links(t, old.region, old.group, (uint64_t)1 << old.word);
  drop_if_empty(old.region);
  note_ends(to, NO_TARGET, NULL);
  return LINK_DONE;
}

enum gc_link_answer gc_link_move(enum gc_link_kind kind, void **link,
                                 void **to) {
  gc_final_lock();
  enum gc_link_answer answer = move_locked(&tables[kind], link, to);
  gc_final_unlock();
  return answer;
}

/* ---- Walks ---- */

struct walk {
  struct table *table;
  struct region *region;
  char *start; /* of the group's addresses */
  struct gc_packed *group;
};

/* Returns the places of the group that are to go. */
typedef uint64_t (*group_visitor)(const struct walk *w, uint64_t arg);

static void walk_region(struct table *t, struct region *r, group_visitor visit,
                        uint64_t arg) {
  struct walk w = {t, r, (char *)(uintptr_t)(r->key << REGION_SHIFT),
                   r->groups};
  for (unsigned i = 0; i < REGION_GROUPS;
       i++, w.group++, w.start += 64 * sizeof(void *)) {
    uint64_t gone = w.group->used == 0 ? 0 : visit(&w, arg);
    if (gone != 0)
      remove_links(t, r, w.group, gone);
  }
  drop_if_empty(r);
}

static void walk_table(struct table *t, group_visitor visit, uint64_t arg) {
  for (uint32_t i = 0; i < t->region_count; i++)
    if (region_at(t, i)->groups != NULL)
      walk_region(t, region_at(t, i), visit, arg);
}

struct visitor {
  void (*f)(void **link, void *object, void *cx);
  void *cx;
};

static uint64_t tell_of_links(const struct walk *w, uint64_t visitor) {
  const struct visitor *v = (const struct visitor *)(uintptr_t)visitor;
  const uint64_t *target = gc_packed_entries(w->group);
  for (uint64_t left = w->group->used; left != 0; left &= left - 1, target++) {
    gc_block_id b = (gc_block_id)(*target >> SLOT_BITS);
    unsigned slot = (unsigned)*target & ((1u << SLOT_BITS) - 1);
    v->f((void **)(void *)w->start + gc_bits_lowest(left),
         *target == NO_TARGET ? NULL
                              : gc_slot_address(b, gc_block_hot(b), slot),
         v->cx);
  }
  return 0;
}

void gc_link_each(enum gc_link_kind kind, void (*f)(void **, void *, void *),
                  void *cx) {
  struct visitor v = {f, cx};
  walk_table(&tables[kind], tell_of_links, (uint64_t)(uintptr_t)&v);
}

/* The maps of all blocks are one array, so block and slot together are the number of
 * a bit. */
_Static_assert(1u << GC_MAP_SHIFT == 2 * (1u << SLOT_BITS) / 64, "bits");

gc_inline bool is_target_marked(const _Atomic uint64_t *marks,
                                uint64_t target) {
  return gc_load_rlx(marks + (target >> 6 << 1)) >> (target & 63) & 1;
}

gc_scans_memory static void clear_links(const struct walk *w, uint64_t places) {
  for (; places != 0; places &= places - 1)
    ((void **)(void *)w->start)[gc_bits_lowest(places)] = NULL;
}

static bool are_all_marked(const _Atomic uint64_t *marks,
                           const uint64_t *target, unsigned n) {
  bool all = true;
  for (unsigned i = 0; i < n; i++)
    all &= is_target_marked(marks, target[i]);
  return all;
}

static uint64_t clear_dead_of(const struct walk *w, uint64_t nothing) {
  const _Atomic uint64_t *marks = gc_heap.maps + gc_map_mark();
  const uint64_t *target = gc_packed_entries(w->group);
  uint64_t gone = 0;
  (void)nothing;
  if (gc_likely(are_all_marked(marks, target, gc_packed_count(w->group))))
    return 0;
  for (uint64_t left = w->group->used; left != 0; left &= left - 1, target++)
    if (*target != NO_TARGET && !is_target_marked(marks, *target))
      gone |= left & -left;
  clear_links(w, gone);
  return gone;
}

void gc_link_clear_unmarked(enum gc_link_kind kind) {
  walk_table(&tables[kind], clear_dead_of, 0);
}

static unsigned slot_around(const char *address, uint64_t hot) {
  uint64_t off = (uint64_t)(address - gc_heap.base) & GC_BLOCK_MASK;
  return (unsigned)(off * (uint32_t)hot >> 32);
}

/* A group of links lies in few objects, next to each other. */
static bool lies_in_marked(const struct walk *w, uint64_t hot) {
  gc_block_id b = gc_block_of(w->start);
  unsigned first = slot_around(w->start, hot);
  unsigned last = slot_around(w->start + 63 * sizeof(void *), hot);
  uint64_t slots = gc_bits_range(first & 63, (last & 63) + 1);
  return first >> 6 == last >> 6 &&
         (~gc_load_rlx(gc_map_word(b, first, gc_map_mark())) & slots) == 0;
}

static uint64_t lies_in_unmarked(const struct walk *w, uint64_t hot) {
  gc_block_id b = gc_block_of(w->start);
  uint64_t gone = 0;
  if (lies_in_marked(w, hot))
    return 0;
  for (uint64_t left = w->group->used; left != 0; left &= left - 1) {
    const char *link = w->start + gc_bits_lowest(left) * sizeof(void *);
    if (!gc_map_test(b, slot_around(link, hot), gc_map_mark()))
      gone |= left & -left;
  }
  return gone;
}

static uint64_t all_of(const struct walk *w, uint64_t nothing) {
  (void)nothing;
  return w->group->used;
}

static void drop_unmarked(struct table *t, struct region *r) {
  const char *start = (const char *)(uintptr_t)(r->key << REGION_SHIFT);
  struct gc_object o;
  if (!gc_find(start, &o))
    return;
  if (!o.is_large)
    walk_region(t, r, lies_in_unmarked, gc_block_hot(o.block));
  else if (!gc_map_test(o.block, 0, gc_map_mark()))
    walk_region(t, r, all_of, 0);
}

void gc_link_drop_unmarked(enum gc_link_kind kind) {
  struct table *t = &tables[kind];
  for (uint32_t i = 0; i < t->region_count; i++)
    if (region_at(t, i)->groups != NULL)
      drop_unmarked(t, region_at(t, i));
}

/* ---- Objects freed by hand ---- */

static uint64_t leads_to(const struct walk *w, uint64_t target) {
  const uint64_t *entry = gc_packed_entries(w->group);
  uint64_t gone = 0;
  for (uint64_t left = w->group->used; left != 0; left &= left - 1, entry++)
    if (*entry == target)
      gone |= left & -left;
  clear_links(w, gone);
  return gone;
}

/* Of one region the words [from, to). */
static void drop_range(struct table *t, uint64_t key, unsigned from,
                       unsigned to) {
  struct region *r = find_region(t, key);
  if (r == NULL || r->groups == NULL)
    return;
  for (unsigned i = from / 64; i * 64 < to; i++) {
    unsigned lo = from > i * 64 ? from - i * 64 : 0;
    unsigned hi = to - i * 64 < 64 ? to - i * 64 : 64;
    uint64_t gone = r->groups[i].used & gc_bits_range(lo, hi);
    if (gone != 0)
      remove_links(t, r, &r->groups[i], gone);
  }
  drop_if_empty(r);
}

static void drop_inside(struct table *t, const struct gc_object *o) {
  for (size_t at = 0; t->count != 0 && at < o->bytes;) {
    unsigned from = word_in_region(o->start + at);
    size_t n = (o->bytes - at) / sizeof(void *);
    unsigned to = n < REGION_WORDS - from ? from + (unsigned)n : REGION_WORDS;
    drop_range(t, link_key_of(o->start + at), from, to);
    at += (to - from) * sizeof(void *);
  }
}

bool gc_link_forget_object(const struct gc_object *o, bool may_stay) {
  gc_final_lock();
  gc_final_forget(o);
  gc_toggle_forget(o);
  drop_inside(&tables[LINK_SHORT], o);
  drop_inside(&tables[LINK_LONG], o);
  bool is_target = gc_final_is_target(o->block, o->slot);
  if (is_target && !may_stay) {
    uint64_t target = (uint64_t)o->block << SLOT_BITS | o->slot;
    walk_table(&tables[LINK_SHORT], leads_to, target);
    walk_table(&tables[LINK_LONG], leads_to, target);
  }
  gc_final_unlock();
  return !is_target || !may_stay;
}
