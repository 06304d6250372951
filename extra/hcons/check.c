/* extra/hcons/check.c: self-check of a table. SPDX-License-Identifier: MIT */
/* Walks all slots under the locks and tests what intern.c and slots.c promise:
 * every entry is a node of this table whose hash fits its key, stands where a
 * look-up finds it, and is the only live one with its key. Children are not read:
 * those of a condemned node may be gone. A move is finished first. */
#include "hcons/internal.h"

#include <stdio.h>
#include <string.h>

struct check {
  struct hc_table *table;
  struct hc_shard *shard; /* that is looked at */
  char *why;
  size_t why_bytes;
  int faults;
};

static void fault(struct check *c, const char *what, size_t pos) {
  if (c->faults++ == 0 && c->why_bytes > 0)
    snprintf(c->why, c->why_bytes, "shard %zu, slot %zu: %s",
             (size_t)(c->shard - c->table->shard), pos, what);
}

/* On the proper door an entry whose notifier is being called may stand beside a
 * new one. Elsewhere there is no telling what is condemned. */
static bool may_be_live(const void *node) {
  return !hc_backend_is_proper || hc_backend_is_live(node);
}

static bool same_key(const void *a, const void *b) {
  if (hc_header(a) != hc_header(b))
    return false;
  return memcmp(hc_key(a), hc_key(b), hc_words(a) * sizeof(uintptr_t)) == 0;
}

static bool has_twin(const struct hc_slots *s, size_t pos) {
  size_t mask = hc_slots_mask(s);
  const uint64_t *slot = s->now.slot;
  void *node = hc_slots_node(slot[pos]);
  for (size_t i = (pos + 1) & mask; slot[i] != 0; i = (i + 1) & mask)
    if (i == pos)
      break;
    else if (same_key(hc_slots_node(slot[i]), node))
      return may_be_live(node) && may_be_live(hc_slots_node(slot[i]));
  return false;
}

static bool is_reached(const struct hc_slots *s, size_t pos) {
  size_t mask = hc_slots_mask(s);
  size_t home = hc_slots_home(s, hc_hash(hc_slots_node(s->now.slot[pos])));
  for (size_t i = home; i != pos; i = (i + 1) & mask)
    if (s->now.slot[i] == 0)
      return false;
  return true;
}

static void check_entry(struct check *c, size_t pos) {
  struct hc_slots *s = &c->shard->slots;
  void *node = hc_slots_node(s->now.slot[pos]);
  struct hc_class *cls;
  if ((hc_header(node) & 1) == 0) {
    fault(c, "not a node", pos);
    return;
  }
  cls = hc_class_of(node);
  if (cls == NULL || hc_class_table(cls) != c->table) {
    fault(c, "node of another table", pos);
    return;
  }
  if (hc_intern_header(cls, hc_tag(node), hc_key(node), hc_words(node)) !=
      hc_header(node))
    fault(c, "key does not fit its hash", pos);
  if (hc_table_shard(c->table, hc_hash(node)) != c->shard)
    fault(c, "in the wrong shard", pos);
  if (!hc_slots_tag_is(s->now.slot[pos], hc_slots_tag(hc_hash(node))))
    fault(c, "tag does not fit the hash", pos);
  if (!is_reached(s, pos))
    fault(c, "not reached from its home", pos);
  if (has_twin(s, pos))
    fault(c, "a second node with this key", pos);
}

static void check_shard(struct check *c) {
  struct hc_shard *s = c->shard;
  size_t size;
  size_t used = 0;
  hc_slots_move(&s->slots, SIZE_MAX);
  size = hc_slots_mask(&s->slots) + 1;
  for (size_t i = 0; i < size; i++) {
    if (s->slots.now.slot[i] == 0)
      continue;
    used++;
    check_entry(c, i);
  }
  if (used != s->slots.used)
    fault(c, "wrong number of entries", size);
  if (used == size)
    fault(c, "no empty slot", size);
  if (s->strays != 0)
    fault(c, "a dead node was not entered", size);
  if (s->slots.entered - s->slots.erased != used)
    fault(c, "made and removed do not balance", size);
}

static void check_locked(void *arg) {
  struct check *c = arg;
  for (size_t i = 0; i < (size_t)1 << c->table->shard_bits; i++) {
    c->shard = &c->table->shard[i];
    check_shard(c);
  }
}

int hc_check(hc_table *table, char *why, size_t why_bytes) {
  struct check c = {.table = table, .why = why, .why_bytes = why_bytes};
  if (why_bytes > 0)
    why[0] = '\0';
  hc_table_locked(table, check_locked, &c);
  return c.faults;
}
