/* src/notify/quarantine.c: dead objects of debug kinds that are not free yet.
 * SPDX-License-Identifier: MIT
 */
#include "notify/quarantine.h"

#include "base/option.h"
#include "notify/debug.h"
#include "notify/pending.h"

/* As a word no heap address. A mark procedure expects what it knows, or zeroes. */
#define POISON_BYTE 0xdeu

static unsigned char poison_of(const struct gc_object *o) {
  return gc_kind_flags(o->kind) & KIND_SPECIAL ? 0 : POISON_BYTE;
}

#define DEFAULT_COLLECTIONS 2u
#define TABLE_BYTES ((size_t)16 << 30)
#define TABLE_MIN_BYTES ((size_t)1 << 20)

struct entry {
  char *start;
  bool is_seen; /* by this collection */
};

static struct {
  struct gc_extent memory;
  size_t count;
} quarantined; /* [lock drain], or in the stop */

static struct entry *entries(void) {
  return (struct entry *)(void *)quarantined.memory.base;
}

static size_t collections(void) {
  return gc_options.quarantine.is_set ? gc_options.quarantine.number
                                      : DEFAULT_COLLECTIONS;
}

static bool note_entry(char *start) {
  if (quarantined.memory.base == NULL &&
      !gc_extent_reserve(&quarantined.memory, TABLE_BYTES, TABLE_MIN_BYTES))
    return false;
  if (!gc_extent_commit(&quarantined.memory,
                        (quarantined.count + 1) * sizeof(struct entry)))
    return false;
  entries()[quarantined.count++] = (struct entry){start, false};
  return true;
}

/* ---- Coming ---- */

static struct gc_object object_at(gc_block_id b, unsigned slot) {
  struct gc_object o;
  bool found = gc_find(gc_slot_address(b, gc_block_hot(b), slot), &o);
  gc_check(found);
  return o;
}

static void take_slot(const struct gc_object *o) {
  struct gc_block *block = &gc_heap.blocks[o->block];
  struct gc_debug_record *r = gc_debug_record_of(o);
  gc_debug_check_red_zone(o);
  gc_store_rlx(&block->side[o->slot], NULL);
  __builtin_memset(o->start, poison_of(o), o->bytes);
  if (collections() == 0 || !note_entry(o->start)) {
    gc_store_rlx(&r->is_full, (uint8_t)0);
    return;
  }
  r->died = gc_heap.epoch;
  gc_store_rel(block->states + o->slot, (uint8_t)ST_QUARANTINE);
  GC_PENDING_ADD(&gc_pending.freed_bytes, o->bytes); /* nobody waits for it */
}

void gc_quarantine_take(gc_block_id b, uint8_t done) {
  const struct gc_block *block = &gc_heap.blocks[b];
  for (unsigned s = 0; s < block->slots; s++) {
    if (gc_load_rlx(block->states + s) != done)
      continue;
    struct gc_object o = object_at(b, s);
    take_slot(&o);
  }
}

/* ---- What the marker saw ---- */

bool gc_quarantine_has(const struct gc_object *o) {
  const _Atomic uint8_t *state = gc_state_of(o);
  return state != NULL && gc_state_code(gc_load_rlx(state)) == ST_QUARANTINE;
}

static struct gc_object object_of(const struct entry *e) {
  struct gc_object o;
  bool found = gc_find(e->start, &o);
  gc_check(found && gc_quarantine_has(&o));
  return o;
}

/* Who frees an object by hand may forget to clear his pointers to it, as with
 * malloc. */
bool gc_quarantine_is_seen(const struct gc_object *o) {
  return gc_quarantine_has(o) && !gc_debug_record_of(o)->is_freed &&
         gc_map_test(o->block, o->slot, gc_map_mark());
}

bool gc_quarantine_note_seen(void) {
  bool any = false;
  for (size_t i = 0; i < quarantined.count; i++) {
    struct entry *e = &entries()[i];
    struct gc_object o = object_of(e);
    e->is_seen = gc_quarantine_is_seen(&o);
    any = any || e->is_seen;
    if (!e->is_seen)
      gc_debug_record_of(&o)->sightings = 0;
  }
  return any;
}

void gc_quarantine_each_seen(bool (*f)(const struct gc_object *)) {
  for (size_t i = 0; i < quarantined.count; i++) {
    if (!entries()[i].is_seen)
      continue;
    struct gc_object o = object_of(&entries()[i]);
    entries()[i].is_seen = f(&o);
  }
}

/* ---- Leaving ---- */

gc_scans_memory static size_t first_changed_byte(const struct gc_object *o) {
  const unsigned char *bytes = (const unsigned char *)o->start;
  unsigned char poison = poison_of(o);
  size_t at = 0;
  while (at < o->bytes && bytes[at] == poison)
    at++;
  return at;
}

static bool check_poison(const struct gc_object *o) {
  size_t at = first_changed_byte(o);
  if (at == o->bytes)
    return true;
  struct gc_debug_fact f = gc_debug_fact_of(o, MISTAKE_WRITTEN);
  f.offset = at;
  gc_debug_report(o, &f);
  return false;
}

size_t gc_quarantine_check(void) {
  size_t n = 0;
  for (size_t i = 0; i < quarantined.count; i++) {
    struct gc_object o = object_of(&entries()[i]);
    n += !check_poison(&o);
  }
  return n;
}

/* Without its mark it is free from the flip on. */
static void set_free(const struct gc_object *o) {
  struct gc_block *block = &gc_heap.blocks[o->block];
  gc_store_rlx(&gc_debug_record_of(o)->is_full, (uint8_t)0);
  gc_store_rlx(block->states + o->slot, (uint8_t)ST_NONE);
  gc_sub_rlx(&block->pending, 1);
  gc_map_clear(o->block, o->slot, gc_map_mark());
}

/* The collection that runs counts: it is the first when the epoch is still that of
 * the release. */
static bool is_old_enough(const struct gc_object *o) {
  uint32_t age = gc_heap.epoch - gc_debug_record_of(o)->died + 1;
  return age >= collections();
}

void gc_quarantine_leave(void) {
  size_t kept = 0;
  for (size_t i = 0; i < quarantined.count; i++) {
    struct entry e = entries()[i];
    struct gc_object o = object_of(&e);
    check_poison(&o);
    if (e.is_seen || !is_old_enough(&o))
      entries()[kept++] = e;
    else
      set_free(&o);
  }
  quarantined.count = kept;
}
