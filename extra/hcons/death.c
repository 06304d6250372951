/* extra/hcons/death.c: nodes leave the table when they die. SPDX-License-Identifier: MIT */
/* Removal is by address, since an equal node may have entered meanwhile, and
 * under the lock that look-ups revive under. The memory of the node is used again
 * only after that. */
#include "hcons/internal.h"

enum { MOST_AT_ONCE = 32 };

/* Under the lock of SHARD, if the table is still that of the class. */
static void leave(struct hc_shard *s, void *node) {
  if (!hc_slots_erase(&s->slots, hc_hash(node), node))
    s->strays++;
}

enum next { NXT_COUNT, NXT_CALL, NXT_NOTHING };

struct dead {
  uint64_t *node;
  struct hc_class *cls;
  struct hc_shard *shard; /* NULL: it has left, or has no table */
  enum next next;         /* what is left to do with the class */
};

/* False for a cell that is no node. */
static bool describe(struct dead *d, void *object) {
  struct hc_table *t;
  *d = (struct dead){.node = object, .next = NXT_COUNT};
  if ((hc_header(object) & 1) == 0)
    return false;
  d->cls = hc_table_class(hc_node_class(object));
  t = hc_class_table(d->cls);
  if (t != NULL)
    d->shard = hc_table_shard(t, hc_hash(object));
  return true;
}

static bool is_shard_of(const struct hc_shard *s, const struct hc_class *c,
                        const void *node) {
  struct hc_table *t = hc_class_table(c);
  return t != NULL && s == hc_table_shard(t, hc_hash(node));
}

/* Under the lock of its shard. After that the class may be gone, unless its callback
 * is still to be called. */
static void unlink_one(struct dead *d) {
  struct hc_shard *s = d->shard;
  d->shard = NULL;
  if (!is_shard_of(s, d->cls, d->node))
    return;
  leave(s, d->node);
  d->next = d->cls->desc.on_reclaim != NULL ? NXT_CALL : NXT_NOTHING;
  if (d->next == NXT_CALL)
    atomic_fetch_add(&d->cls->calling, 1);
}

/* Takes the entries of all that are in the shard of the first out. */
static void unlink_shard(struct dead *first, const struct dead *end) {
  struct hc_shard *s = first->shard;
  hc_lock_enter_foreign(&s->lock);
  for (struct dead *d = first; d < end; d++)
    if (d->shard == s)
      hc_slots_fetch(&s->slots, hc_hash(d->node));
  for (struct dead *d = first; d < end; d++)
    if (d->shard == s)
      unlink_one(d);
  hc_lock_release(&s->lock);
}

static void finish(const struct dead *d) {
  if (d->next == NXT_COUNT)
    atomic_fetch_sub(&d->cls->strays, 1);
  if (d->next == NXT_CALL) {
    d->cls->desc.on_reclaim(d->node, d->cls->desc.closure);
    atomic_fetch_sub(&d->cls->calling, 1);
  }
  *d->node = 0;
}

/* Entries leave before any callback runs, which may look for them. */
static void die(struct dead *dead, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (dead[i].shard != NULL)
      unlink_shard(&dead[i], dead + n);
  for (size_t i = 0; i < n; i++)
    finish(&dead[i]);
}

void hc_death_notified(void *object) {
  struct dead dead;
  if (describe(&dead, object))
    die(&dead, 1);
}

void hc_death_many(void *const *objects, size_t n, void *unused) {
  struct dead dead[MOST_AT_ONCE];
  size_t count = 0;
  (void)unused;
  for (size_t i = 0; i < n; i++) {
    count += describe(&dead[count], objects[i]);
    if (count == MOST_AT_ONCE || i + 1 == n) {
      die(dead, count);
      count = 0;
    }
  }
}

/* Under the collector's lock. */
int hc_death_disclaimed(void *object) {
  struct hc_class *c;
  struct hc_table *t;
  if ((hc_header(object) & 1) == 0)
    return 0;
  c = hc_table_class(hc_node_class(object));
  t = hc_class_table(c);
  if (t == NULL)
    atomic_fetch_sub(&c->strays, 1);
  else {
    leave(t->shard, object);
    if (c->desc.on_reclaim != NULL)
      c->desc.on_reclaim(object, c->desc.closure);
  }
  *(uint64_t *)object = 0;
  return 0;
}
