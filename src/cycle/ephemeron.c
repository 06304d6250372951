/* src/cycle/ephemeron.c: values that live as long as their keys.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/ephemeron.h"

#include "cycle/weak.h"
#include "heap/mark_bits_inline.h"

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

/* ---- Values that wait for their keys ---- */

/* Numbers of values, by a hash of the key; the others of the same hash follow. If
 * there is no memory for a table that fits, few lists are long. */
#define FEW_LISTS ((size_t)1024)
#define WAITING_BYTES ((size_t)8 << 30)
#define WAITING_MIN_BYTES ((size_t)1 << 20)

static struct {
  uint32_t *first;
  size_t mask;
  struct gc_extent memory;
} waiting;

static bool has_room_for(size_t lists) {
  return (waiting.memory.base != NULL ||
          gc_extent_reserve(&waiting.memory, WAITING_BYTES,
                            WAITING_MIN_BYTES)) &&
         gc_extent_commit(&waiting.memory, lists * sizeof *waiting.first);
}

static void open_table(size_t values) {
  static uint32_t few[FEW_LISTS];
  size_t lists = FEW_LISTS;
  waiting.first = few;
  while (lists < values)
    lists *= 2;
  if (lists > FEW_LISTS && has_room_for(lists))
    waiting.first = (uint32_t *)(void *)waiting.memory.base;
  else
    lists = FEW_LISTS;
  waiting.mask = lists - 1;
  __builtin_memset(waiting.first, 0, lists * sizeof *waiting.first);
}

static uint32_t *list_of(gc_block_id b, unsigned slot) {
  uint64_t key = (uint64_t)b << 12 | slot;
  return &waiting
              .first[(key * UINT64_C(0x9e3779b97f4a7c15) >> 24) & waiting.mask];
}

static void let_wait(uint32_t n) {
  struct gc_weak_value *v = gc_weak_value_at(n);
  uint32_t *first = list_of(v->block, v->slot);
  v->next = *first;
  *first = n;
  watch(v->block);
}

static void mark_values_of(struct gc_marker *m, const struct gc_object *key) {
  const struct gc_weak_value *v;
  for (uint32_t n = *list_of(key->block, key->slot); n != 0; n = v->next) {
    v = gc_weak_value_at(n);
    if (v->block == key->block && v->slot == key->slot)
      gc_mark_word(m, v->word);
  }
}

/* ---- The phase ---- */

static bool is_key_marked(const struct gc_weak_value *v) {
  return gc_map_test(v->block, v->slot, gc_map_mark());
}

/* The watching comes before anything that this finds is scanned. */
static void mark_known_and_watch(struct gc_marker *m) {
  for (uint32_t n = gc_weak_value_count(); n > 0; n--) {
    const struct gc_weak_value *v = gc_weak_value_at(n);
    if (is_key_marked(v))
      gc_mark_word(m, v->word);
    else
      let_wait(n);
  }
}

static void unwatch_all(void) {
  for (uint32_t n = gc_weak_value_count(); n > 0; n--)
    unwatch(gc_weak_value_at(n)->block);
}

/* Backwards: the value that takes the place of one that goes was looked at. */
static void clear_unmarked(void) {
  for (uint32_t n = gc_weak_value_count(); n > 0; n--)
    if (!is_key_marked(gc_weak_value_at(n)))
      gc_weak_cell_clear(gc_weak_value_cell(gc_weak_value_at(n)));
}

void gc_ephemeron_mark(struct gc_marker *m) {
  if (m->abandoned || gc_weak_value_count() == 0)
    return;
  gc_mark_watched = mark_values_of;
  open_table(gc_weak_value_count());
  mark_known_and_watch(m);
  gc_mark_drain(m);
  unwatch_all();
  gc_extent_trim(&waiting.memory);
  if (!m->abandoned)
    clear_unmarked();
}

/* ---- Making and reading ---- */

struct gc_weak *gc_ephemeron_new(const void *key, const void *value) {
  gc_nostop_enter();
  struct gc_weak *cell = gc_weak_new(key);
  if (cell != NULL && !gc_weak_value_add(cell, (uint64_t)(uintptr_t)value)) {
    gc_weak_cell_free(cell);
    cell = NULL;
  }
  gc_hold_pointer(value);
  gc_nostop_leave();
  return cell;
}

void *gc_ephemeron_value(const struct gc_weak *ephemeron) {
  uint64_t bits;
  gc_nostop_enter();
  gc_weak_value_get(ephemeron, &bits);
  void *value = (void *)(uintptr_t)bits;
  gc_hold_pointer(value);
  gc_nostop_leave();
  return value;
}

bool gc_ephemeron_set_value(struct gc_weak *ephemeron, const void *value) {
  gc_nostop_enter();
  bool is_set = gc_weak_value_set(ephemeron, (uint64_t)(uintptr_t)value);
  gc_hold_pointer(value);
  gc_nostop_leave();
  return is_set;
}
