/* extra/hcons/intern.c: look-up and making of nodes. SPDX-License-Identifier: MIT */
/* In a table of several users a search without the lock comes first, which finds what is
 * there unless something is condemned (unlocked.h). Else a look-up walks the slots under
 * the shard's lock, and revives what it finds before it lets the lock go; so what is
 * found can neither be removed by its notifier before, nor die after. The new node of a
 * miss is made with no lock held, for allocation may wait for notifiers, which take the
 * lock. Then the key is looked up again, unless nothing was inserted meanwhile.
 *
 * On the old door one step under the collector's lock does the same with a cell
 * that waits in a list, or gives up for want of one; then a batch is made outside,
 * and the step runs again.
 *
 * Why reviving one node is enough: the caller holds the children named by the
 * key, so every node below is live or was itself found since it was condemned.
 * Found by key, a dead node can only have the children of the key, even if one
 * of them died earlier and its address now belongs to another node; but then
 * its extra words speak of the earlier child, hence the second fill. A condemned
 * node that is claimed by its notifier counts as absent (gcx_revive says so): an
 * equal one may enter beside it, and the notifier removes by address. */
#include "hcons/tally.h"
#include "hcons/unlocked.h"

#include <string.h>

enum { CELL_GRANULE = 16, BATCH = 16 };

#define NEVER UINT64_MAX /* as a number of changes */

struct intern {
  struct hc_class *cls;
  const uintptr_t *key;
  size_t words;
  uint64_t header;
  struct hc_table *table;
  size_t granules; /* old door */
  void *cells;     /* old door: brought along, a list or one big cell */
  bool find_only;
  bool no_room;
};

/* ---- Keys ---- */

HC_ALWAYS_INLINE uint64_t header_of(const struct hc_class *cls, unsigned tag,
                                    const uintptr_t *key, size_t words) {
  uint32_t low = hc_low_of(cls, tag, words);
  uint64_t h;
  if (cls->desc.hash == NULL)
    return hc_header_by_words(cls, tag, key, words);
  h = hc_mix(low * HC_HASH_A ^ cls->desc.hash(key, words, cls->desc.closure),
             HC_HASH_C);
  return low | h >> 32 << 32;
}

uint64_t hc_intern_header(const struct hc_class *cls, unsigned tag,
                          const uintptr_t *key, size_t words) {
  return header_of(cls, tag, key, words);
}

HC_ALWAYS_INLINE bool has_words(const void *node, uint64_t header,
                                const uintptr_t *key, size_t words) {
  const uintptr_t *word = hc_key(node);
  if (hc_header(node) != header)
    return false;
  for (size_t i = 0; i < words; i++)
    if (word[i] != key[i])
      return false;
  return true;
}

HC_ALWAYS_INLINE bool is_key(const void *node, const struct intern *r,
                             size_t words) {
  if (r->cls->desc.equal == NULL)
    return has_words(node, r->header, r->key, words);
  return hc_header(node) == r->header &&
         r->cls->desc.equal(hc_key(node), r->key, words, r->cls->desc.closure);
}

/* ---- Looking up, locked ---- */

static bool revive(const struct intern *r, struct hc_shard *s, void *node) {
  const struct hc_class_desc *d = &r->cls->desc;
  if (!hc_backend_revive(node)) {
    s->stats.late++;
    return false;
  }
  s->stats.revived++;
  if (d->fill != NULL)
    d->fill(node, d->closure);
  if (d->on_revive != NULL)
    d->on_revive(node, d->closure);
  return true;
}

HC_ALWAYS_INLINE bool is_found(const struct intern *r, struct hc_shard *s,
                               void *node, size_t words) {
  return is_key(node, r, words) &&
         (hc_backend_all_live(node) || hc_backend_is_live(node) ||
          revive(r, s, node));
}

/* In the part of the old array that has not moved. */
static void *look_up_old(const struct intern *r, struct hc_shard *s) {
  uint32_t hash = hc_header_hash(r->header);
  uint64_t tag = hc_slots_tag(hash);
  size_t size = hc_array_size(&s->slots.old);
  size_t pos = hc_array_home(&s->slots.old, hash);
  if (pos < s->slots.moved)
    pos = s->slots.moved;
  for (size_t left = size - s->slots.moved; left > 0; left--) {
    uint64_t slot = s->slots.old.slot[pos];
    if (slot == 0)
      break;
    s->stats.probes++;
    if (slot != HC_SLOT_GONE && hc_slots_tag_is(slot, tag)) {
      void *node = hc_slots_held_node(slot);
      if (is_found(r, s, node, r->words))
        return node;
    }
    if (++pos == size)
      pos = s->slots.moved;
  }
  return NULL;
}

HC_ALWAYS_INLINE void *look_up(const struct intern *r, struct hc_shard *s,
                               size_t words) {
  uint32_t hash = hc_header_hash(r->header);
  uint64_t tag = hc_slots_tag(hash);
  size_t mask = hc_slots_mask(&s->slots);
  size_t home = hc_slots_home(&s->slots, hash);
  size_t pos = home;
  void *found = NULL;
  uint64_t slot;
  while ((slot = s->slots.now.slot[pos]) != 0) {
    if (hc_slots_tag_is(slot, tag)) {
      void *node = hc_slots_held_node(slot);
      if (is_found(r, s, node, words)) {
        found = node;
        break;
      }
    }
    pos = (pos + 1) & mask;
  }
  s->stats.probes += (pos - home) & mask;
  if (found == NULL && s->slots.old.slot != NULL)
    found = look_up_old(r, s);
  s->stats.hits += found != NULL;
  return found;
}

/* With no lock; NULL says nothing. */
HC_ALWAYS_INLINE void *search(const struct intern *r, const struct hc_shard *s,
                              size_t words) {
  struct hc_search q;
  const uint64_t *node;
  hc_search_begin(&q, s, hc_header_hash(r->header));
  while (q.lasts && (node = hc_search_next(&q)) != NULL)
    if (is_key(node, r, words)) {
      hc_tally_hit(r->table, q.probes);
      return (void *)(uintptr_t)node;
    }
  return NULL;
}

/* ---- Making ---- */

static void write_node(const struct intern *r, uint64_t *cell) {
  const struct hc_class_desc *d = &r->cls->desc;
  cell[0] = r->header;
  for (size_t i = 0; i < r->words; i++)
    cell[1 + i] = r->key[i];
  if (d->leaf && r->cls->tail_words > 0)
    memset(cell + 1 + r->words, 0, r->cls->tail_words * sizeof *cell);
  if (d->fill != NULL)
    d->fill(cell, d->closure);
}

static bool enter(struct hc_shard *s, uint64_t header, void *node) {
  int resized;
  bool has_room = hc_slots_reserve(&s->slots, &resized);
  if (resized > 0)
    s->stats.grown++;
  if (resized < 0)
    s->stats.shrunk++;
  if (!has_room) {
    s->stats.misses++;
    return false;
  }
  hc_slots_insert(&s->slots, hc_header_hash(header), node);
  return true;
}

/* The key was absent after so many changes. A cell that is not wanted after all is no
 * node. */
static void *enter_cell(const struct intern *r, struct hc_shard *s,
                        uint64_t changes, uint64_t *cell) {
  void *node = NULL;
  hc_lock_enter(&s->lock);
  if (s->slots.changes != changes)
    node = look_up(r, s, r->words);
  if (node == NULL && enter(s, r->header, cell))
    node = cell;
  hc_lock_leave(&s->lock);
  if (node != cell)
    cell[0] = 0;
  return node;
}

static __attribute__((noinline)) void *
make(const struct intern *r, struct hc_shard *s, uint64_t changes) {
  uint64_t *cell =
      gcx_kind_alloc(r->cls->kind, hc_class_bytes(r->cls, r->words));
  if (cell == NULL)
    return NULL;
  write_node(r, cell);
  return enter_cell(r, s, changes, cell);
}

const void *hc_intern_cell(struct hc_class *cls, const uintptr_t *key,
                           struct hc_shard *s, uint64_t *cell) {
  struct intern r = {
      .cls = cls, .key = key, .words = hc_words(cell), .header = *cell};
  return enter_cell(&r, s, NEVER, cell);
}

/* ---- Old door ---- */

static void *step_locked(void *arg) {
  struct intern *r = arg;
  struct hc_shard *s = r->table->shard;
  void *node = look_up(r, s, r->words);
  if (node != NULL || r->find_only) {
    s->stats.misses += node == NULL;
    return node;
  }
  node = hc_cells_take(r->cls->desc.leaf, r->granules, &r->cells);
  if (node == NULL)
    return NULL;
  write_node(r, node);
  if (enter(s, r->header, node))
    return node;
  *(uint64_t *)node = 0;
  r->no_room = true;
  return NULL;
}

static void *intern_old(struct intern *r) {
  size_t words = 1 + r->words + r->cls->tail_words;
  r->granules = (words * sizeof(uintptr_t) + CELL_GRANULE - 1) / CELL_GRANULE;
  for (;;) {
    void *node = hc_backend_locked(step_locked, r);
    if (node != NULL || r->no_room || r->find_only)
      return node;
    r->cells = hc_cells_make(r->cls->desc.leaf, r->granules);
    if (r->cells == NULL)
      return NULL;
  }
}

/* ---- Interning ---- */

static bool is_out_of_range(const struct hc_class *cls, unsigned tag,
                            size_t words) {
  return tag > HC_MAX_TAG || words < cls->desc.min_words ||
         words > cls->desc.max_words;
}

/* WORDS is the constant number of words, where it is one. */
HC_ALWAYS_INLINE void *intern(struct intern *r, unsigned tag, size_t words) {
  struct hc_shard *s;
  void *node;
  uint64_t changes;
  if (is_out_of_range(r->cls, tag, words))
    return NULL;
  hc_thread_enter();
  r->table = hc_class_table(r->cls);
  r->header = header_of(r->cls, tag, r->key, words);
  if (!hc_backend_is_proper)
    return intern_old(r);
  s = hc_table_shard(r->table, hc_header_hash(r->header));
  if (!s->lock.may_bias && (node = search(r, s, words)) != NULL)
    return node;
  hc_lock_enter(&s->lock);
  node = look_up(r, s, words);
  changes = s->slots.changes;
  if (r->find_only)
    s->stats.misses += node == NULL;
  hc_lock_leave(&s->lock);
  return node != NULL || r->find_only ? node : make(r, s, changes);
}

const void *hc_intern(hc_class *cls, unsigned tag, const uintptr_t *key,
                      size_t words) {
  struct intern r = {.cls = cls, .key = key, .words = words};
  return intern(&r, tag, words);
}

const void *hc_find(hc_class *cls, unsigned tag, const uintptr_t *key,
                    size_t words) {
  struct intern r = {.cls = cls, .key = key, .words = words};
  r.find_only = true;
  return intern(&r, tag, words);
}

/* ---- Batches ---- */

/* Has the first slot of each key brought near. */
static void fetch_slots(const struct hc_class *cls, unsigned tag,
                        const uintptr_t *keys, size_t words, size_t n) {
  struct hc_table *t = hc_class_table(cls);
  for (size_t i = 0; i < n; i++) {
    uint32_t hash =
        hc_header_hash(header_of(cls, tag, keys + i * words, words));
    struct hc_shard *s = hc_table_shard(t, hash);
    hc_lock_enter(&s->lock);
    __builtin_prefetch(&s->slots.now.slot[hc_slots_home(&s->slots, hash)]);
    hc_lock_leave(&s->lock);
  }
}

/* Has the node in the first slot of each key brought near. */
static void fetch_nodes(const struct hc_class *cls, unsigned tag,
                        const uintptr_t *keys, size_t words, size_t n) {
  struct hc_table *t = hc_class_table(cls);
  for (size_t i = 0; i < n; i++) {
    uint32_t hash =
        hc_header_hash(header_of(cls, tag, keys + i * words, words));
    struct hc_shard *s = hc_table_shard(t, hash);
    uint64_t slot;
    hc_lock_enter(&s->lock);
    slot = s->slots.now.slot[hc_slots_home(&s->slots, hash)];
    hc_lock_leave(&s->lock);
    __builtin_prefetch(hc_slots_node(slot));
  }
}

size_t hc_intern_batch(hc_class *cls, unsigned tag, const uintptr_t *keys,
                       size_t words, size_t n, const void **out) {
  size_t done = 0;
  if (is_out_of_range(cls, tag, words))
    return 0;
  while (done < n) {
    size_t end = n - done < BATCH ? n : done + BATCH;
    if (hc_backend_is_proper) {
      fetch_slots(cls, tag, keys + done * words, words, end - done);
      fetch_nodes(cls, tag, keys + done * words, words, end - done);
    }
    for (; done < end; done++) {
      out[done] = hc_intern(cls, tag, keys + done * words, words);
      if (out[done] == NULL)
        return done;
    }
  }
  return done;
}
