/* src/reclaim/joint_table.c: from two or three addresses together to words.
 * SPDX-License-Identifier: MIT
 */
#include "reclaim/joint_table.h"

#include "base/check.h"
#include "heap/meta.h"

#define JOINT_LEAST_SLOTS ((size_t)16)
#define PART_SHIFT 58 /* the upper bits of the hash choose the part */

_Static_assert(GC_JOINT_PARTS == 1u << (64 - PART_SHIFT), "six bits");

/* ---- Hashes ---- */

gc_inline uint64_t joint_hash_of(const struct gc_joint_table *t,
                                 const uint64_t *hidden) {
  uint64_t h = 0;
  for (unsigned i = 0; i < t->keys; i++) {
    h = (h ^ hidden[i]) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
  }
  return h * UINT64_C(0xd6e8feb86659fd93);
}

gc_inline struct gc_joint_part *part_of(struct gc_joint_table *t,
                                        uint64_t hash) {
  return &t->part[hash >> PART_SHIFT];
}

gc_inline size_t joint_home_of(const struct gc_joint_part *p, uint64_t hash) {
  return (size_t)(hash >> 16) & (p->slots - 1);
}

/* ---- Parts ---- */

static size_t joint_bytes_of(size_t slots) {
  return slots * sizeof(struct gc_joint_entry);
}

static void place_joint(struct gc_joint_part *p, const struct gc_joint_entry *e,
                        uint64_t hash) {
  size_t i = joint_home_of(p, hash);
  while (gc_joint_entry_is_live(&p->at[i]))
    i = (i + 1) & (p->slots - 1);
  p->used += p->at[i].hidden[0] == JOINT_EMPTY;
  p->live++;
  p->at[i] = *e;
}

static void close_part(struct gc_joint_part *p) {
  if (p->at != NULL)
    gc_meta_free(p->at, joint_bytes_of(p->slots));
  *p = (struct gc_joint_part){0};
}

/* Written anew at load 1/4 to 1/2. False: no memory, and it is as it was. */
static bool rewrite_part(const struct gc_joint_table *t,
                         struct gc_joint_part *p) {
  struct gc_joint_part fresh = {.slots = JOINT_LEAST_SLOTS};
  while (fresh.slots < 2 * (p->live + 1))
    fresh.slots *= 2;
  fresh.at = gc_meta_alloc(joint_bytes_of(fresh.slots));
  if (fresh.at == NULL)
    return false;
  for (size_t i = 0; i < p->slots; i++)
    if (gc_joint_entry_is_live(&p->at[i]))
      place_joint(&fresh, &p->at[i], joint_hash_of(t, p->at[i].hidden));
  gc_assert(fresh.live == p->live);
  close_part(p);
  *p = fresh;
  return true;
}

void gc_joint_table_tidy(struct gc_joint_table *t) {
  struct gc_joint_part *p = &t->part[t->cursor++ % GC_JOINT_PARTS];
  if (p->live == 0)
    close_part(p);
  else if (p->slots > JOINT_LEAST_SLOTS && p->live < p->slots / 8)
    rewrite_part(t, p);
}

/* ---- Tables ---- */

struct gc_joint_table *gc_joint_table_new(unsigned keys) {
  struct gc_joint_table *t = gc_meta_alloc(sizeof *t);
  if (t != NULL)
    t->keys = keys;
  return t;
}

void gc_joint_table_free(struct gc_joint_table *t) {
  if (t == NULL)
    return;
  for (unsigned i = 0; i < GC_JOINT_PARTS; i++)
    close_part(&t->part[i]);
  gc_meta_free(t, sizeof *t);
}

static bool is_same(const struct gc_joint_entry *e, const uint64_t *hidden,
                    unsigned keys) {
  for (unsigned i = 0; i < keys; i++)
    if (e->hidden[i] != hidden[i])
      return false;
  return true;
}

struct gc_joint_entry *gc_joint_table_find(struct gc_joint_table *t,
                                           const uint64_t *hidden) {
  uint64_t hash = joint_hash_of(t, hidden);
  struct gc_joint_part *p = part_of(t, hash);
  if (p->slots == 0)
    return NULL;
  for (size_t i = joint_home_of(p, hash); p->at[i].hidden[0] != JOINT_EMPTY;
       i = (i + 1) & (p->slots - 1))
    if (is_same(&p->at[i], hidden, t->keys))
      return &p->at[i];
  return NULL;
}

bool gc_joint_table_add(struct gc_joint_table *t, const uint64_t *hidden,
                        uint64_t value) {
  uint64_t hash = joint_hash_of(t, hidden);
  struct gc_joint_part *p = part_of(t, hash);
  struct gc_joint_entry e = {.value = value};
  if (p->used >= p->slots / 4 * 3 && !rewrite_part(t, p) &&
      p->used + 1 >= p->slots)
    return false;
  for (unsigned i = 0; i < t->keys; i++)
    e.hidden[i] = hidden[i];
  place_joint(p, &e, hash);
  return true;
}

void gc_joint_table_drop(struct gc_joint_table *t, struct gc_joint_entry *e) {
  part_of(t, joint_hash_of(t, e->hidden))->live--;
  *e = (struct gc_joint_entry){.hidden = {JOINT_GAP}};
}

void gc_joint_table_forget(struct gc_joint_table *t, const void *address) {
  uint64_t hidden = ~(uint64_t)(uintptr_t)address;
  for (unsigned n = 0; n < GC_JOINT_PARTS; n++)
    for (size_t i = 0; i < t->part[n].slots; i++) {
      struct gc_joint_entry *e = &t->part[n].at[i];
      bool has = false;
      for (unsigned k = 0; k < t->keys; k++)
        has |= e->hidden[k] == hidden;
      if (has)
        gc_joint_table_drop(t, e);
    }
}

size_t gc_joint_table_count(const struct gc_joint_table *t) {
  size_t count = 0;
  for (unsigned i = 0; i < GC_JOINT_PARTS; i++)
    count += t->part[i].live;
  return count;
}
