/* extra/hcons/intern.c: look-up and making of nodes. SPDX-License-Identifier: MIT */
/* A look-up walks the slots under the shard's lock, and revives what it finds
 * before it lets the lock go; so what is found can neither be removed by its
 * notifier before, nor die after. The new node of a miss is made with no lock
 * held, for allocation may wait for notifiers, which take the lock. Then the key
 * is looked up again, unless nothing was inserted meanwhile.
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
#include "hcons/internal.h"

#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { CELL_GRANULE = 16, BATCH = 16 };

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

static inline uint64_t mix(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#define HASH_A UINT64_C(0xa0761d6478bd642f)
#define HASH_B UINT64_C(0xe7037ed1a0b428db)
#define HASH_C UINT64_C(0x589965cc75374cc3)

/* Two words a multiplication, after W. Yi's wyhash; what tells classes, tags and
 * lengths apart comes in beside the first of them, so it delays nothing. The upper
 * half is the hash. */
ALWAYS_INLINE uint64_t hash_words(uint64_t low, const uintptr_t *key,
                                  size_t words) {
  uint64_t h = low * HASH_A;
  size_t i = 0;
  for (; i + 2 <= words; i += 2)
    h = mix(key[i] ^ h, key[i + 1] ^ HASH_B) + h;
  if (i < words)
    h = mix(key[i] ^ h, HASH_B);
  return h * HASH_C;
}

ALWAYS_INLINE uint64_t low_of(const struct hc_class *cls, unsigned tag,
                              size_t words) {
  return 1 | (uint64_t)cls->number << 1 | (uint64_t)tag << 8 |
         (uint64_t)words << 16;
}

ALWAYS_INLINE uint64_t header_by_words(const struct hc_class *cls, unsigned tag,
                                       const uintptr_t *key, size_t words) {
  uint64_t low = low_of(cls, tag, words);
  return low | hash_words(low, key, words) >> 32 << 32;
}

ALWAYS_INLINE uint64_t header_of(const struct hc_class *cls, unsigned tag,
                                 const uintptr_t *key, size_t words) {
  uint64_t low = low_of(cls, tag, words);
  uint64_t h;
  if (cls->desc.hash == NULL)
    return header_by_words(cls, tag, key, words);
  h = mix(low * HASH_A ^ cls->desc.hash(key, words, cls->desc.closure), HASH_C);
  return low | h >> 32 << 32;
}

uint64_t hc_intern_header(const struct hc_class *cls, unsigned tag,
                          const uintptr_t *key, size_t words) {
  return header_of(cls, tag, key, words);
}

ALWAYS_INLINE bool has_words(const void *node, uint64_t header,
                             const uintptr_t *key, size_t words) {
  const uintptr_t *word = hc_key(node);
  if (hc_header(node) != header)
    return false;
  for (size_t i = 0; i < words; i++)
    if (word[i] != key[i])
      return false;
  return true;
}

ALWAYS_INLINE bool is_key(const void *node, const struct intern *r,
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

ALWAYS_INLINE bool is_found(const struct intern *r, struct hc_shard *s,
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

ALWAYS_INLINE void *look_up(const struct intern *r, struct hc_shard *s,
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
  s->stats.misses++;
  if (!has_room)
    return false;
  hc_slots_insert(&s->slots, hc_header_hash(header), node);
  s->stats.made++;
  s->version++;
  return true;
}

/* The key was absent when the shard had this version. A cell that is not wanted
 * after all is no node. */
static __attribute__((noinline)) void *
make(const struct intern *r, struct hc_shard *s, unsigned version) {
  /* The collector's byte behind the end, against which backend.h speaks. */
  size_t words = 1 + r->words + r->cls->tail_words;
  uint64_t *cell = gcx_kind_alloc(r->cls->kind, words * sizeof(uintptr_t) - 1);
  void *node = NULL;
  if (cell == NULL)
    return NULL;
  write_node(r, cell);
  hc_lock_enter(&s->lock);
  if (s->version != version)
    node = look_up(r, s, r->words);
  if (node == NULL && enter(s, r->header, cell))
    node = cell;
  hc_lock_leave(&s->lock);
  if (node != cell)
    cell[0] = 0;
  return node;
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
ALWAYS_INLINE void *intern(struct intern *r, unsigned tag, size_t words) {
  struct hc_shard *s;
  void *node;
  unsigned version;
  if (is_out_of_range(r->cls, tag, words))
    return NULL;
  hc_thread_enter();
  r->table = hc_class_table(r->cls);
  r->header = header_of(r->cls, tag, r->key, words);
  if (!hc_backend_is_proper)
    return intern_old(r);
  s = hc_table_shard(r->table, hc_header_hash(r->header));
  hc_lock_enter(&s->lock);
  node = look_up(r, s, words);
  version = s->version;
  if (r->find_only)
    s->stats.misses += node == NULL;
  hc_lock_leave(&s->lock);
  return node != NULL || r->find_only ? node : make(r, s, version);
}

const void *hc_intern(hc_class *cls, unsigned tag, const uintptr_t *key,
                      size_t words) {
  struct intern r = {.cls = cls, .key = key, .words = words};
  return intern(&r, tag, words);
}

/* ---- Keys of few words ---- */

/* The words of a short key go from function to function one by one, which keeps
 * them in registers. What is below is compiled for each number of words, a constant
 * then; what is out of the ordinary ends in a call at the end of the function, so
 * that the ordinary saves no registers. */
ALWAYS_INLINE uint64_t few_header(const struct hc_class *cls, unsigned tag,
                                  uintptr_t a, uintptr_t b, uintptr_t c,
                                  size_t words) {
  uintptr_t key[3] = {a, b, c};
  return header_by_words(cls, tag, key, words);
}

/* The node of this key, or NULL, which says nothing while a move is under way: it
 * may be in the old array. The lock is held. */
ALWAYS_INLINE void *few_look_up(struct hc_shard *s, uint64_t header,
                                uintptr_t a, uintptr_t b, uintptr_t c,
                                size_t words) {
  uint32_t hash = hc_header_hash(header);
  const uint64_t *slots = s->slots.now.slot;
  size_t pos = hc_slots_home(&s->slots, hash);
  uint64_t slot;
  while ((slot = slots[pos]) != 0) {
    if (hc_slots_tag_is(slot, hc_slots_tag(hash))) {
      uint64_t *node = hc_slots_held_node(slot);
      if (node[0] == header && (words < 1 || node[1] == a) &&
          (words < 2 || node[2] == b) && (words < 3 || node[3] == c))
        return node;
    }
    s->stats.probes++;
    pos = (pos + 1) & s->slots.now.mask;
  }
  return NULL;
}

static __attribute__((noinline)) const void *
few_in_full(struct hc_class *cls, unsigned tag, uintptr_t a, uintptr_t b,
            uintptr_t c, size_t words) {
  uintptr_t key[3] = {a, b, c};
  struct intern r = {.cls = cls, .key = key, .words = words};
  return intern(&r, tag, words);
}

/* The key was absent when the shard had this version. */
static __attribute__((noinline)) const void *
few_make(struct hc_class *cls, uint64_t header, const uintptr_t *key,
         size_t words, struct hc_shard *s, unsigned version) {
  struct intern r = {.cls = cls, .key = key, .words = words, .header = header};
  return make(&r, s, version);
}

/* With the lock of S held, which is left here. NODE was found, and may be condemned,
 * or is NULL; while no move is under way, the key is absent then. */
ALWAYS_INLINE const void *few_end(struct hc_class *cls, unsigned tag,
                                  uintptr_t a, uintptr_t b, uintptr_t c,
                                  size_t words, struct hc_shard *s,
                                  void *node) {
  bool lives =
      node != NULL && (hc_backend_all_live(node) || hc_backend_is_live(node));
  bool is_absent = node == NULL && s->slots.old.slot == NULL;
  unsigned version = s->version;
  uintptr_t key[3] = {a, b, c};
  s->stats.hits += lives;
  hc_lock_leave(&s->lock);
  if (lives)
    return node;
  return is_absent ? few_make(cls, few_header(cls, tag, a, b, c, words), key,
                              words, s, version)
                   : few_in_full(cls, tag, a, b, c, words);
}

/* In a table of several users, or when the bias was revoked. */
ALWAYS_INLINE const void *few_locked(struct hc_class *cls, unsigned tag,
                                     uintptr_t a, uintptr_t b, uintptr_t c,
                                     size_t words) {
  uint64_t header = few_header(cls, tag, a, b, c, words);
  struct hc_shard *s =
      hc_table_shard(hc_class_table(cls), hc_header_hash(header));
  hc_lock_enter(&s->lock);
  return few_end(cls, tag, a, b, c, words, s,
                 few_look_up(s, header, a, b, c, words));
}

#define FEW_COPIES(n)                                                          \
  static __attribute__((noinline))                                             \
  const void *few_locked_##n(struct hc_class *cls, unsigned tag, uintptr_t a,  \
                             uintptr_t b, uintptr_t c) {                       \
    return few_locked(cls, tag, a, b, c, n);                                   \
  }                                                                            \
  static __attribute__((noinline))                                             \
  const void *few_end_##n(struct hc_class *cls, unsigned tag, uintptr_t a,     \
                          uintptr_t b, uintptr_t c, void *node) {              \
    return few_end(cls, tag, a, b, c, n, cls->own, node);                      \
  }                                                                            \
  ALWAYS_INLINE const void *few_##n(struct hc_class *cls, unsigned tag,        \
                                    uintptr_t a, uintptr_t b, uintptr_t c) {   \
    struct hc_shard *s = cls->own;                                             \
    uint64_t header;                                                           \
    void *node;                                                                \
    if (tag > HC_MAX_TAG || (cls->quick >> n & 1) == 0 || !hc_thread_is_known) \
      return few_in_full(cls, tag, a, b, c, n);                                \
    if (s == NULL || !hc_lock_enter_own(&s->lock))                             \
      return few_locked_##n(cls, tag, a, b, c);                                \
    header = few_header(cls, tag, a, b, c, n);                                 \
    node = few_look_up(s, header, a, b, c, n);                                 \
    if (node == NULL || !hc_backend_all_live(node))                            \
      return few_end_##n(cls, tag, a, b, c, node);                             \
    s->stats.hits++;                                                           \
    hc_lock_leave_own(&s->lock);                                               \
    return node;                                                               \
  }

FEW_COPIES(0)
FEW_COPIES(1)
FEW_COPIES(2)
FEW_COPIES(3)

const void *hc_intern0(hc_class *cls, unsigned tag) {
  return few_0(cls, tag, 0, 0, 0);
}

const void *hc_intern1(hc_class *cls, unsigned tag, uintptr_t a) {
  return few_1(cls, tag, a, 0, 0);
}

const void *hc_intern2(hc_class *cls, unsigned tag, uintptr_t a, uintptr_t b) {
  return few_2(cls, tag, a, b, 0);
}

const void *hc_intern3(hc_class *cls, unsigned tag, uintptr_t a, uintptr_t b,
                       uintptr_t c) {
  return few_3(cls, tag, a, b, c);
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
