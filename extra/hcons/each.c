/* extra/hcons/each.c: calling a function for every node. SPDX-License-Identifier: MIT */
/* A shard is walked by homes, in chunks, because places change between chunks
 * and hashes do not: a chunk takes the live entries whose homes lie in a part of
 * the range of hashes, and the next one begins at the hash where it ended, whatever
 * size the array has then. Entries of a chunk stand between its first home and the
 * first empty slot behind its last one.
 *
 * A node is taken when it is live; from then on the list of the chunk keeps it. */
#include "hcons/internal.h"

#include <stdint.h>

enum { CHUNK_BITS = 6, FEW = 256 };

struct walk {
  struct hc_table *table;
  struct hc_shard *shard;
  uint64_t next;     /* the least hash that is still to come, 2^32 at the end */
  const void **node; /* live ones found */
  size_t count;      /* of them, also of those that found no room */
  size_t room;
};

static uint64_t home_of(const struct hc_slots *s, size_t pos) {
  return (pos - hc_slots_distance(s, pos)) & hc_slots_mask(s);
}

/* Homes [first, end) of the shard. */
static void take_homes(struct walk *w, size_t first, size_t end) {
  const struct hc_slots *s = &w->shard->slots;
  size_t size = hc_array_size(&s->now);
  w->count = 0;
  for (size_t i = first; i < end || s->now.slot[i & (size - 1)] != 0; i++) {
    size_t pos = i & (size - 1);
    const void *node = hc_slots_held_node(s->now.slot[pos]);
    if (s->now.slot[pos] == 0)
      continue;
    if (home_of(s, pos) < first || home_of(s, pos) >= end)
      continue;
    if (!hc_backend_is_live(node))
      continue;
    if (w->count < w->room)
      w->node[w->count] = node;
    w->count++;
  }
}

/* The hash at which a home begins; the shard's bits are not in it. */
static void chunk_locked(struct walk *w) {
  struct hc_slots *s = &w->shard->slots;
  unsigned low_bits;
  uint64_t first;
  uint64_t end;
  hc_slots_move(s, SIZE_MAX);
  low_bits = 32 - s->skip - s->now.bits;
  first = w->next >> low_bits;
  end = first + ((uint64_t)1 << CHUNK_BITS);
  if (end > hc_array_size(&s->now))
    end = hc_array_size(&s->now);
  take_homes(w, first, end);
  if (w->count <= w->room)
    w->next = end << low_bits;
}

static void *chunk_old(void *arg) {
  chunk_locked(arg);
  return NULL;
}

static void take_chunk(struct walk *w) {
  if (!hc_backend_is_proper) {
    hc_backend_locked(chunk_old, w);
    return;
  }
  hc_lock_enter(&w->shard->lock);
  chunk_locked(w);
  hc_lock_leave(&w->shard->lock);
}

/* The next chunk, with as much room as it wants; false without memory. */
static bool take_all_of_chunk(struct walk *w) {
  for (;;) {
    take_chunk(w);
    if (w->count <= w->room)
      return true;
    hc_backend_free(w->node);
    w->room = w->count + FEW;
    w->node = hc_backend_scanned_alloc(w->room * sizeof *w->node);
    if (w->node == NULL)
      return false;
  }
}

static int walk_shard(struct walk *w, hc_each_fn fn, void *cd) {
  uint64_t end = (uint64_t)1 << (32 - w->table->shard_bits);
  w->next = 0;
  while (w->next < end) {
    if (!take_all_of_chunk(w))
      return -1;
    for (size_t i = 0; i < w->count; i++) {
      int answer = fn(w->node[i], cd);
      if (answer != 0)
        return answer;
    }
  }
  return 0;
}

int hc_each(hc_table *table, hc_each_fn fn, void *cd) {
  struct walk w = {.table = table, .room = FEW};
  int answer = 0;
  hc_thread_enter();
  w.node = hc_backend_scanned_alloc(FEW * sizeof *w.node);
  if (w.node == NULL)
    return -1;
  if (!hc_backend_is_proper)
    hc_backend_collect();
  for (size_t i = 0; i < (size_t)1 << table->shard_bits && answer == 0; i++) {
    w.shard = &table->shard[i];
    answer = walk_shard(&w, fn, cd);
  }
  if (w.node != NULL)
    hc_backend_free(w.node);
  return answer;
}
