/* src/cycle/waiting.c: values whose keys marking has not found yet.
 * SPDX-License-Identifier: MIT
 *
 * What waits has a number: an ephemeron's value its own, a note one behind all of
 * these. Numbers are linked, first in one list, then, when it is known how many there
 * are, in lists by a hash of the key.
 */
#include "cycle/waiting.h"

#include "heap/mark_bits_inline.h"

/* If there is no memory for a table that fits, few lists are long. */
#define FEW_LISTS ((size_t)1024)
#define LISTS_BYTES ((size_t)8 << 30)
#define NOTES_BYTES ((size_t)16 << 30)
#define LEAST_BYTES ((size_t)1 << 20)

/* Of an entry of a map: by segment and place; or, from JOINT on, of several keys, and
 * the number of the one that it waits for. */
struct note {
  union {
    struct gc_weak_segment *segment;
    struct gc_joint_entry *joint;
  };
  uint32_t next;
  uint16_t i;
};
#define JOINT 0xff00u
_Static_assert(GC_WEAK_SEGMENT_SLOTS < JOINT, "no place has such a number");
_Static_assert(sizeof(struct note) == 16, "notes are close together");

static struct {
  uint32_t values; /* ephemerons there are */
  uint32_t notes, count;
  uint32_t unsorted; /* first of a list */
  uint32_t *lists;
  size_t mask;
  struct gc_extent list_memory, note_memory;
} waiting; /* [stw] */

/* ---- Watching ---- */

#define WATCH_CLEAR ((uint64_t)HOT_LEAF << HOT_SIZE_SHIFT)
#define WATCH_SET ((uint64_t)HOT_SPECIAL << HOT_SIZE_SHIFT)

/* Leaves among them count as objects with pointers until the next collection; only
 * the pacer asks. */
static void watch(gc_block_id b) {
  gc_or_rlx(&gc_heap.blocks[b].flags, BF_WATCHED);
  gc_store_rlx(&gc_heap.hot[b], (gc_block_hot(b) & ~WATCH_CLEAR) | WATCH_SET);
}

static void unwatch(gc_block_id b) {
  if (!(gc_load_rlx(&gc_heap.blocks[b].flags) & BF_WATCHED))
    return;
  gc_and_rlx(&gc_heap.blocks[b].flags, (uint8_t)~BF_WATCHED);
  uint64_t hot = gc_block_hot(b) & ~(WATCH_CLEAR | WATCH_SET);
  uint64_t flags = gc_kind_hot_flags(gc_hot_kind(hot));
  gc_store_rlx(&gc_heap.hot[b], hot | flags << HOT_SIZE_SHIFT);
}

/* ---- Numbers ---- */

static struct note *note_at(uint32_t n) {
  return (struct note *)(void *)waiting.note_memory.base + n - waiting.values -
         1;
}

static const struct gc_weak_entry *entry_of(const struct note *note) {
  return &note->segment->at[note->i];
}

static uint32_t *next_of(uint32_t n) {
  return n <= waiting.values ? &gc_weak_value_at(n)->next : &note_at(n)->next;
}

static struct gc_waiting_key key_at(uint64_t hidden) {
  size_t off = (size_t)(~hidden - (uintptr_t)gc_heap.base);
  gc_block_id b = (gc_block_id)(off >> GC_BLOCK_SHIFT);
  uint64_t hot = gc_block_hot(b); /* reciprocal 0: a large object */
  uint64_t slot = ((off & GC_BLOCK_MASK) * (uint32_t)hot) >> 32;
  return (struct gc_waiting_key){b, (unsigned)slot};
}

struct gc_waiting_key gc_waiting_key_of(const struct gc_weak_entry *e) {
  return key_at(e->hidden);
}

static bool is_joint(uint32_t n) {
  return n > waiting.values && note_at(n)->i >= JOINT;
}

static struct gc_waiting_key key_of(uint32_t n) {
  if (is_joint(n))
    return key_at(note_at(n)->joint->hidden[note_at(n)->i - JOINT]);
  if (n > waiting.values)
    return gc_waiting_key_of(entry_of(note_at(n)));
  const struct gc_weak_value *v = gc_weak_value_at(n);
  return (struct gc_waiting_key){v->block, v->slot};
}

static uint64_t word_of(uint32_t n) {
  if (is_joint(n))
    return note_at(n)->joint->value;
  return n > waiting.values ? entry_of(note_at(n))->value
                            : gc_weak_value_at(n)->word;
}

/* ---- Adding ---- */

void gc_waiting_open(void) {
  waiting.values = gc_weak_value_count();
  waiting.notes = waiting.count = waiting.unsorted = 0;
}

static void add_number(uint32_t n, gc_block_id b) {
  *next_of(n) = waiting.unsorted;
  waiting.unsorted = n;
  waiting.count++;
  watch(b);
}

void gc_waiting_add_value(uint32_t number) {
  add_number(number, gc_weak_value_at(number)->block);
}

static bool has_room_for_note(void) {
  struct gc_extent *e = &waiting.note_memory;
  return waiting.notes < UINT32_MAX - waiting.values - 1 &&
         (e->base != NULL || gc_extent_reserve(e, NOTES_BYTES, LEAST_BYTES)) &&
         gc_extent_commit(e, (waiting.notes + 1) * sizeof(struct note));
}

bool gc_waiting_add_entry(struct gc_weak_segment *segment, unsigned i,
                          struct gc_waiting_key key) {
  if (!has_room_for_note())
    return false;
  uint32_t n = waiting.values + ++waiting.notes;
  *note_at(n) = (struct note){.segment = segment, .i = (uint16_t)i};
  add_number(n, key.block);
  return true;
}

unsigned gc_waiting_missing_key(const struct gc_joint_entry *e) {
  for (unsigned i = 0; i < GC_JOINT_KEYS && e->hidden[i] != 0; i++) {
    struct gc_waiting_key key = key_at(e->hidden[i]);
    if (!gc_map_test(key.block, key.slot, gc_map_mark()))
      return i;
  }
  return GC_JOINT_KEYS;
}

/* Also for blocks of keys that are marked: a look for each object found there. */
static void for_keys(const struct gc_joint_entry *e, void (*fn)(gc_block_id)) {
  for (unsigned i = 0; i < GC_JOINT_KEYS && e->hidden[i] != 0; i++)
    fn(key_at(e->hidden[i]).block);
}

bool gc_waiting_add_joint(struct gc_joint_entry *entry, unsigned lacking) {
  if (!has_room_for_note())
    return false;
  uint32_t n = waiting.values + ++waiting.notes;
  *note_at(n) = (struct note){.joint = entry, .i = (uint16_t)(JOINT + lacking)};
  add_number(n, key_of(n).block);
  for_keys(entry, watch);
  return true;
}

bool gc_waiting_is_empty(void) { return waiting.count == 0; }

/* ---- Finding ---- */

static bool has_room_for_lists(size_t lists) {
  struct gc_extent *e = &waiting.list_memory;
  return (e->base != NULL || gc_extent_reserve(e, LISTS_BYTES, LEAST_BYTES)) &&
         gc_extent_commit(e, lists * sizeof *waiting.lists);
}

static void open_lists(size_t values) {
  static uint32_t few[FEW_LISTS];
  size_t lists = FEW_LISTS;
  waiting.lists = few;
  while (lists < values)
    lists *= 2;
  if (lists > FEW_LISTS && has_room_for_lists(lists))
    waiting.lists = (uint32_t *)(void *)waiting.list_memory.base;
  else
    lists = FEW_LISTS;
  waiting.mask = lists - 1;
  __builtin_memset(waiting.lists, 0, lists * sizeof *waiting.lists);
}

static uint32_t *list_of(struct gc_waiting_key key) {
  uint64_t k = (uint64_t)key.block << 12 | key.slot;
  return &waiting
              .lists[(k * UINT64_C(0x9e3779b97f4a7c15) >> 24) & waiting.mask];
}

static void put_in_list(uint32_t n) {
  uint32_t *first = list_of(key_of(n));
  *next_of(n) = *first;
  *first = n;
}

void gc_waiting_sort(void) {
  open_lists(waiting.count);
  for (uint32_t n = waiting.unsorted, next; n != 0; n = next) {
    next = *next_of(n);
    put_in_list(n);
  }
}

/* The key of a note, which is not in a list now, was found. True: another key of it
 * is missing, and it waits for that one, whose turn is still to come. */
static bool waits_for_another(uint32_t n) {
  struct note *note = note_at(n);
  unsigned lacking = gc_waiting_missing_key(note->joint);
  if (lacking == GC_JOINT_KEYS)
    return false;
  note->i = (uint16_t)(JOINT + lacking);
  put_in_list(n);
  return true;
}

/* A note of several keys leaves the list for good when none is missing. */
void gc_waiting_mark_values_of(struct gc_marker *m,
                               const struct gc_object *key) {
  struct gc_waiting_key wanted = {key->block, key->slot};
  uint32_t *at = list_of(wanted);
  while (*at != 0) {
    uint32_t n = *at;
    struct gc_waiting_key k = key_of(n);
    bool is_found = k.block == key->block && k.slot == key->slot;
    if (is_found && is_joint(n)) {
      *at = *next_of(n);
      if (waits_for_another(n))
        continue;
    } else
      at = next_of(n);
    if (is_found)
      gc_mark_word(m, word_of(n));
  }
}

/* ---- The end ---- */

/* In the order of memory, with some values that do not wait. */
void gc_waiting_end_watch(void) {
  uint32_t from = waiting.count == waiting.notes ? waiting.values + 1 : 1;
  for (uint32_t n = waiting.values + waiting.notes; n >= from; n--)
    if (is_joint(n))
      for_keys(note_at(n)->joint, unwatch);
    else
      unwatch(key_of(n).block);
}

void gc_waiting_drop_unmarked_entries(void) {
  for (uint32_t n = waiting.values + waiting.notes; n > waiting.values; n--) {
    if (is_joint(n))
      continue;
    struct gc_weak_segment *s = note_at(n)->segment;
    struct gc_weak_entry *e = &s->at[note_at(n)->i];
    struct gc_waiting_key key = gc_waiting_key_of(e);
    if (!gc_map_test(key.block, key.slot, gc_map_mark()))
      gc_weak_entry_drop(s, e);
  }
}

void gc_waiting_close(void) {
  gc_extent_trim(&waiting.list_memory);
  gc_extent_trim(&waiting.note_memory);
}
