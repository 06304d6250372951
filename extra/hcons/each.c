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

/* Those with hashes [w->next, end), all but the shard's bits, and no home before FIRST. */
static void take_hashes(struct walk *w, size_t first, size_t last,
                        uint64_t end) {
  const struct hc_slots *s = &w->shard->slots;
  size_t size = hc_array_size(&s->now);
  uint32_t hash_mask = UINT32_MAX >> s->skip;
  w->count = 0;
  for (size_t i = first; i < last || s->now.slot[i & (size - 1)] != 0; i++) {
    size_t pos = i & (size - 1);
    const void *node = hc_slots_held_node(s->now.slot[pos]);
    uint32_t hash;
    if (s->now.slot[pos] == 0)
      continue;
    hash = hc_hash(node) & hash_mask;
    if (hash < w->next || hash >= end || !hc_backend_is_live(node))
      continue;
    if (w->count < w->room)
      w->node[w->count] = node;
    w->count++;
  }
}

/* In whole lines, whose entries are in the order of their hashes from line to line only. */
static void chunk_locked(struct walk *w) {
  struct hc_slots *s = &w->shard->slots;
  unsigned low_bits;
  size_t first;
  size_t last;
  hc_slots_move(s, SIZE_MAX);
  low_bits = 32 - s->skip - s->now.bits;
  first = (w->next >> low_bits) & s->now.lines;
  last = first + ((size_t)1 << CHUNK_BITS);
  if (last > hc_array_size(&s->now))
    last = hc_array_size(&s->now);
  take_hashes(w, first, last, (uint64_t)last << low_bits);
  if (w->count <= w->room)
    w->next = (uint64_t)last << low_bits;
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
