/* src/cycle/ephemeron.c: values that live as long as their keys.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/ephemeron.h"

#include "cycle/waiting.h"
#include "cycle/weak.h"
#include "cycle/weak_map.h"

/* ---- Ephemerons ---- */

static bool is_marked(gc_block_id b, unsigned slot) {
  return gc_map_test(b, slot, gc_map_mark());
}

static bool is_key_marked(const struct gc_weak_value *v) {
  return is_marked(v->block, v->slot);
}

static void mark_known(struct gc_marker *m) {
  for (uint32_t n = gc_weak_value_count(); n > 0; n--) {
    const struct gc_weak_value *v = gc_weak_value_at(n);
    if (is_key_marked(v))
      gc_mark_word(m, v->word);
    else
      gc_waiting_add_value(n);
  }
}

/* Backwards: the value that takes the place of one that goes was looked at. */
static void clear_unmarked(void) {
  for (uint32_t n = gc_weak_value_count(); n > 0; n--)
    if (!is_key_marked(gc_weak_value_at(n)))
      gc_weak_cell_clear(gc_weak_value_cell(gc_weak_value_at(n)));
}

/* ---- Weak maps ---- */

typedef bool (*entry_visitor)(struct gc_marker *m, struct gc_weak_segment *s,
                              unsigned i, bool has_mark);

/* Returns whether the visitor said true to all. */
gc_inline bool visit_entries(struct gc_marker *m, entry_visitor visit) {
  const struct gc_weak_map *map = gc_weak_map_first();
  struct gc_weak_segment *s;
  bool is_true = true;
  for (; map != NULL; map = map->next)
    for (size_t at = 0; (s = gc_weak_table_next(&map->table, &at)) != NULL;)
      for (unsigned i = 0; i < s->slots; i++)
        if (gc_weak_entry_is_live(&s->at[i])) {
          struct gc_waiting_key key = gc_waiting_key_of(&s->at[i]);
          is_true &= visit(m, s, i, is_marked(key.block, key.slot));
        }
  return is_true;
}

gc_inline bool mark_or_wait(struct gc_marker *m, struct gc_weak_segment *s,
                            unsigned i, bool has_mark) {
  if (!has_mark)
    return gc_waiting_add_entry(s, i, gc_waiting_key_of(&s->at[i]));
  gc_mark_word(m, s->at[i].value);
  return true;
}

gc_inline bool mark_or_pass(struct gc_marker *m, struct gc_weak_segment *s,
                            unsigned i, bool has_mark) {
  if (has_mark)
    gc_mark_word(m, s->at[i].value);
  return true;
}

gc_inline bool drop_if_unmarked(struct gc_marker *m, struct gc_weak_segment *s,
                                unsigned i, bool has_mark) {
  (void)m;
  if (!has_mark)
    gc_weak_entry_drop(s, &s->at[i]);
  return true;
}

/* ---- Entries of several keys ---- */

typedef bool (*joint_visitor)(struct gc_marker *m, struct gc_joint_table *t,
                              struct gc_joint_entry *e, unsigned lacking);

gc_inline bool visit_table(struct gc_marker *m, joint_visitor visit,
                           struct gc_joint_table *t) {
  bool is_true = true;
  for (unsigned n = 0; n < GC_JOINT_PARTS; n++)
    for (size_t i = 0; i < t->part[n].slots; i++) {
      struct gc_joint_entry *e = &t->part[n].at[i];
      if (gc_joint_entry_is_live(e))
        is_true &= visit(m, t, e, gc_waiting_missing_key(e));
    }
  return is_true;
}

gc_inline bool visit_joint(struct gc_marker *m, joint_visitor visit) {
  const struct gc_weak_map *map = gc_weak_map_first();
  bool is_true = true;
  for (; map != NULL; map = map->next)
    if (map->joint != NULL)
      is_true &= visit_table(m, visit, map->joint);
  return is_true;
}

gc_inline bool joint_mark_or_wait(struct gc_marker *m, struct gc_joint_table *t,
                                  struct gc_joint_entry *e, unsigned lacking) {
  (void)t;
  if (lacking != GC_JOINT_KEYS)
    return gc_waiting_add_joint(e, lacking);
  gc_mark_word(m, e->value);
  return true;
}

gc_inline bool joint_mark_or_pass(struct gc_marker *m, struct gc_joint_table *t,
                                  struct gc_joint_entry *e, unsigned lacking) {
  (void)t;
  if (lacking == GC_JOINT_KEYS)
    gc_mark_word(m, e->value);
  return true;
}

gc_inline bool joint_drop_if_missing(struct gc_marker *m,
                                     struct gc_joint_table *t,
                                     struct gc_joint_entry *e,
                                     unsigned lacking) {
  (void)m;
  if (lacking != GC_JOINT_KEYS)
    gc_joint_table_drop(t, e);
  return true;
}

/* Some entries could not be noted: again and again over all, until nothing new is
 * found. */
static gc_noinline void mark_without_notes(struct gc_marker *m) {
  uint64_t before;
  do {
    before = m->live[0] + m->live[1];
    visit_entries(m, mark_or_pass);
    visit_joint(m, joint_mark_or_pass);
    gc_mark_drain(m);
  } while (!m->abandoned && m->live[0] + m->live[1] != before);
}

/* ---- The phase ---- */

static void mark_waiting(struct gc_marker *m) {
  gc_mark_watched = gc_waiting_mark_values_of;
  gc_waiting_sort();
  gc_mark_drain(m);
}

static void clear(bool are_all_noted) {
  if (!gc_waiting_is_empty())
    clear_unmarked();
  if (are_all_noted)
    gc_waiting_drop_unmarked_entries();
  else
    visit_entries(NULL, drop_if_unmarked);
  visit_joint(NULL, joint_drop_if_missing);
}

/* What waits is watched before anything that this finds is scanned. */
void gc_ephemeron_mark(struct gc_marker *m) {
  if (m->abandoned ||
      (gc_weak_value_count() == 0 && gc_weak_map_first() == NULL))
    return;
  gc_waiting_open();
  mark_known(m);
  bool are_all_noted = visit_entries(m, mark_or_wait);
  are_all_noted &= visit_joint(m, joint_mark_or_wait);
  mark_waiting(m);
  if (!are_all_noted && !m->abandoned)
    mark_without_notes(m);
  gc_waiting_end_watch();
  if (!m->abandoned)
    clear(are_all_noted);
  gc_waiting_close();
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
