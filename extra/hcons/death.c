/* extra/hcons/death.c: nodes leave the table when they die. SPDX-License-Identifier: MIT */
/* Removal is by address, since an equal node may have entered meanwhile, and
 * under the lock that look-ups revive under. The memory of the node is used again
 * only after that. */
#include "hcons/internal.h"

/* Under the lock of SHARD, if the table is still that of the class. */
static void leave(struct hc_shard *s, void *node) {
  if (hc_slots_erase(&s->slots, hc_hash(node), node))
    s->stats.removed++;
  else
    s->strays++;
}

enum next { NXT_COUNT, NXT_CALL, NXT_NOTHING };

/* Takes the entry out and tells what is left to do with the class: count a node
 * that outlived its table, call on_reclaim, or nothing, and then the class may be
 * gone when this returns. */
static enum next unlink_node(struct hc_class *c, void *node) {
  struct hc_table *t = hc_class_table(c);
  struct hc_shard *s;
  enum next next = NXT_COUNT;
  if (t == NULL)
    return NXT_COUNT;
  s = hc_table_shard(t, hc_hash(node));
  hc_lock_enter_foreign(&s->lock);
  if (hc_class_table(c) == t) {
    leave(s, node);
    next = c->desc.on_reclaim != NULL ? NXT_CALL : NXT_NOTHING;
  }
  if (next == NXT_CALL)
    atomic_fetch_add(&c->calling, 1);
  hc_lock_release(&s->lock);
  return next;
}

void hc_death_notified(void *object) {
  struct hc_class *c;
  enum next next;
  if ((hc_header(object) & 1) == 0)
    return;
  c = hc_table_class(hc_node_class(object));
  next = unlink_node(c, object);
  if (next == NXT_COUNT)
    atomic_fetch_sub(&c->strays, 1);
  if (next == NXT_CALL) {
    c->desc.on_reclaim(object, c->desc.closure);
    atomic_fetch_sub(&c->calling, 1);
  }
  *(uint64_t *)object = 0;
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
