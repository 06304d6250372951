/* extra/hcons/check.c: self-check of a table. SPDX-License-Identifier: MIT */
/* Walks all slots under the lock and tests what intern.c and slots.c promise:
 * every entry is a node of this table whose hash fits its key, stands where a
 * look-up finds it, and is the only one with its key. Children are not read:
 * those of a condemned node may be gone. */
#include "hcons/backend.h"
#include "hcons/internal.h"

#include <stdio.h>
#include <string.h>

struct check {
  struct hc_table *table;
  char *why;
  size_t why_bytes;
  int faults;
};

static void fault(struct check *c, const char *what, size_t pos) {
  if (c->faults++ == 0 && c->why_bytes > 0)
    snprintf(c->why, c->why_bytes, "slot %zu: %s", pos, what);
}

static bool same_key(const void *a, const void *b) {
  if (hc_header(a) != hc_header(b))
    return false;
  return memcmp(hc_key(a), hc_key(b), hc_words(a) * sizeof(uintptr_t)) == 0;
}

static bool has_twin(const struct hc_slots *s, size_t pos) {
  size_t mask = hc_slots_mask(s);
  void *node = hc_slots_node(s->slot[pos]);
  for (size_t i = (pos + 1) & mask; s->slot[i] != 0; i = (i + 1) & mask)
    if (i == pos)
      break;
    else if (same_key(hc_slots_node(s->slot[i]), node))
      return true;
  return false;
}

static bool is_reached(const struct hc_slots *s, size_t pos) {
  size_t mask = hc_slots_mask(s);
  size_t home = hc_slots_home(s, hc_hash(hc_slots_node(s->slot[pos])));
  size_t distance = (pos - home) & mask;
  if (distance > s->reach || distance != hc_slots_distance(s, pos))
    return false;
  for (size_t i = home; i != pos; i = (i + 1) & mask)
    if (s->slot[i] == 0)
      return false;
  return true;
}

static void check_entry(struct check *c, size_t pos) {
  struct hc_slots *s = &c->table->slots;
  void *node = hc_slots_node(s->slot[pos]);
  struct hc_class *cls;
  if ((hc_header(node) & 1) == 0) {
    fault(c, "not a node", pos);
    return;
  }
  cls = hc_class_of(node);
  if (cls == NULL || cls->table != c->table) {
    fault(c, "node of another table", pos);
    return;
  }
  if (hc_table_header(cls, hc_tag(node), hc_key(node), hc_words(node)) !=
      hc_header(node))
    fault(c, "key does not fit its hash", pos);
  if (!hc_slots_tag_is(s->slot[pos], hc_slots_tag(hc_hash(node))))
    fault(c, "tag does not fit the hash", pos);
  if (!is_reached(s, pos))
    fault(c, "not reached from its home", pos);
  if (has_twin(s, pos))
    fault(c, "a second node with this key", pos);
}

static void *check_locked(void *arg) {
  struct check *c = arg;
  size_t size = hc_slots_mask(&c->table->slots) + 1;
  size_t used = 0;
  for (size_t i = 0; i < size; i++) {
    if (c->table->slots.slot[i] == 0)
      continue;
    used++;
    check_entry(c, i);
  }
  if (used != c->table->slots.used)
    fault(c, "wrong number of entries", size);
  if (used == size)
    fault(c, "no empty slot", size);
  if (c->table->strays != 0)
    fault(c, "a dead node was not entered", size);
  if (c->table->stats.made - c->table->stats.removed != used)
    fault(c, "made and removed do not balance", size);
  return NULL;
}

int hc_check(hc_table *table, char *why, size_t why_bytes) {
  struct check c = {table, why, why_bytes, 0};
  if (why_bytes > 0)
    why[0] = '\0';
  hc_backend_locked(check_locked, &c);
  return c.faults;
}
