/* extra/hcons/few.c: look-up and making of nodes with few words. SPDX-License-Identifier: MIT */
/* What intern.c does for any key is done here for keys of up to three words, whose
 * words go from function to function one by one, which keeps them in registers. All of it
 * is compiled for each number of words, a constant then; what is out of the ordinary
 * ends in a call at the end of a function, so that the ordinary saves no registers.
 *
 * A node is made with no lock held, as in intern.c; but the place where it goes was
 * found by the look-up, and if nothing changed meanwhile it is written there at once.
 *
 * In a table of several users a look-up takes no lock as long as nothing is
 * condemned, and what it hits costs no write that another thread could see. */
#include "hcons/tally.h"
#include "hcons/unlocked.h"

#define NOINLINE static __attribute__((noinline))

HC_ALWAYS_INLINE uint64_t few_header(const struct hc_class *cls, unsigned tag,
                                     uintptr_t a, uintptr_t b, uintptr_t c,
                                     size_t words) {
  uintptr_t key[3] = {a, b, c};
  return hc_header_by_words(cls, tag, key, words);
}

HC_ALWAYS_INLINE size_t few_home(const struct hc_shard *s, uint64_t header) {
  return hc_slots_home(&s->slots, hc_header_hash(header));
}

/* The place of the node of this key, or the first empty one, from its home POS on. While
 * a move is under way, the node may be in the old array all the same. The lock is held. */
HC_ALWAYS_INLINE size_t few_look_up(struct hc_shard *s, size_t pos,
                                    uint64_t header, uintptr_t a, uintptr_t b,
                                    uintptr_t c, size_t words,
                                    uint64_t **out_node) {
  uint32_t hash = hc_header_hash(header);
  const uint64_t *slots = s->slots.now.slot;
  uint64_t slot;
  while ((slot = slots[pos]) != 0) {
    if (hc_slots_tag_is(slot, hc_slots_tag(hash))) {
      uint64_t *node = hc_slots_held_node(slot);
      *out_node = node;
      if (node[0] == header && (words < 1 || node[1] == a) &&
          (words < 2 || node[2] == b) && (words < 3 || node[3] == c))
        return pos;
    }
    s->stats.probes++;
    pos = (pos + 1) & s->slots.now.mask;
  }
  *out_node = NULL;
  return pos;
}

/* Out of line: an array of the words would be made in any case, and be in memory. */
NOINLINE const void *few_in_full(struct hc_class *cls, unsigned tag,
                                 uintptr_t a, uintptr_t b, uintptr_t c,
                                 size_t words) {
  uintptr_t key[3] = {a, b, c};
  return hc_intern(cls, tag, key, words);
}

static inline unsigned tag_of(uint64_t header) {
  return header >> 8 & HC_MAX_TAG;
}

HC_ALWAYS_INLINE uint64_t *few_write(const struct hc_class *cls,
                                     uint64_t header, uintptr_t a, uintptr_t b,
                                     uintptr_t c, size_t words) {
  uint64_t *cell = gcx_kind_alloc(cls->kind, hc_class_bytes(cls, words));
  if (cell == NULL)
    return NULL;
  cell[0] = header;
  if (words > 0)
    cell[1] = a;
  if (words > 1)
    cell[2] = b;
  if (words > 2)
    cell[3] = c;
  return cell;
}

/* With the lock of S held, which is left. The key is absent, and POS its first empty
 * place. */
HC_ALWAYS_INLINE const void *few_new(struct hc_class *cls, uint64_t header,
                                     uintptr_t a, uintptr_t b, uintptr_t c,
                                     size_t words, struct hc_shard *s,
                                     size_t pos) {
  uint64_t changes = s->slots.changes;
  bool has_place = s->slots.spare > 0 && (cls->plain >> words & 1) != 0;
  uintptr_t key[3] = {a, b, c};
  uint64_t *cell;
  bool is_entered;
  hc_lock_leave(&s->lock);
  if (!has_place)
    return few_in_full(cls, tag_of(header), a, b, c, words);
  cell = few_write(cls, header, a, b, c, words);
  if (cell == NULL)
    return NULL;
  hc_lock_enter(&s->lock);
  is_entered = s->slots.changes == changes;
  if (is_entered)
    hc_slots_put(&s->slots, hc_header_hash(header), pos, cell);
  hc_lock_leave(&s->lock);
  return is_entered ? cell : hc_intern_cell(cls, key, s, cell);
}

/* With the lock of S held, which is left. NODE has the key, and may be condemned. */
HC_ALWAYS_INLINE const void *few_doubtful(struct hc_class *cls, uint64_t header,
                                          uintptr_t a, uintptr_t b, uintptr_t c,
                                          size_t words, struct hc_shard *s,
                                          const void *node) {
  bool lives = hc_backend_is_live(node);
  s->stats.hits += lives;
  hc_lock_leave(&s->lock);
  return lives ? node : few_in_full(cls, tag_of(header), a, b, c, words);
}

/* While something is condemned or moves, or when the bias was revoked. */
HC_ALWAYS_INLINE const void *few_locked(struct hc_class *cls, unsigned tag,
                                        uintptr_t a, uintptr_t b, uintptr_t c,
                                        size_t words) {
  uint64_t header = few_header(cls, tag, a, b, c, words);
  struct hc_shard *s =
      hc_table_shard(hc_class_table(cls), hc_header_hash(header));
  uint64_t *node;
  size_t pos;
  hc_lock_enter(&s->lock);
  pos = few_look_up(s, few_home(s, header), header, a, b, c, words, &node);
  if (node == NULL)
    return few_new(cls, header, a, b, c, words, s, pos);
  if (!hc_backend_all_live(node))
    return few_doubtful(cls, header, a, b, c, words, s, node);
  s->stats.hits++;
  hc_lock_leave(&s->lock);
  return node;
}

/* ---- Several users ---- */

/* With no lock; the key was absent a moment ago. */
HC_ALWAYS_INLINE const void *few_enter(struct hc_class *cls, uint64_t header,
                                       uintptr_t a, uintptr_t b, uintptr_t c,
                                       size_t words, struct hc_shard *s) {
  uintptr_t key[3] = {a, b, c};
  uint64_t *cell, *node;
  size_t pos;
  bool is_entered;
  __builtin_prefetch(&s->lock, 1);
  if ((cls->plain >> words & 1) == 0)
    return few_in_full(cls, tag_of(header), a, b, c, words);
  cell = few_write(cls, header, a, b, c, words);
  if (cell == NULL)
    return NULL;
  hc_lock_enter(&s->lock);
  pos = few_look_up(s, few_home(s, header), header, a, b, c, words, &node);
  is_entered = node == NULL && s->slots.spare > 0;
  if (is_entered)
    hc_slots_put(&s->slots, hc_header_hash(header), pos, cell);
  hc_lock_leave(&s->lock);
  return is_entered ? cell : hc_intern_cell(cls, key, s, cell);
}

HC_ALWAYS_INLINE const uint64_t *few_search(struct hc_search *q,
                                            uint64_t header, uintptr_t a,
                                            uintptr_t b, uintptr_t c,
                                            size_t words) {
  const uint64_t *node;
  while (q->lasts && (node = hc_search_next(q)) != NULL)
    if (node[0] == header && (words < 1 || node[1] == a) &&
        (words < 2 || node[2] == b) && (words < 3 || node[3] == c))
      return node;
  return NULL;
}

#define FEW_COPIES(n)                                                          \
  NOINLINE const void *few_locked_##n(struct hc_class *cls, unsigned tag,      \
                                      uintptr_t a, uintptr_t b, uintptr_t c) { \
    return few_locked(cls, tag, a, b, c, n);                                   \
  }                                                                            \
  NOINLINE const void *few_new_##n(struct hc_class *cls, uint64_t header,      \
                                   uintptr_t a, uintptr_t b, uintptr_t c,      \
                                   size_t pos) {                               \
    return few_new(cls, header, a, b, c, n, cls->own[n], pos);                 \
  }                                                                            \
  NOINLINE const void *few_doubtful_##n(struct hc_class *cls, uint64_t header, \
                                        uintptr_t a, uintptr_t b, uintptr_t c, \
                                        const void *node) {                    \
    return few_doubtful(cls, header, a, b, c, n, cls->own[n], node);           \
  }                                                                            \
  NOINLINE const void *few_enter_##n(struct hc_class *cls, uint64_t header,    \
                                     uintptr_t a, uintptr_t b, uintptr_t c,    \
                                     struct hc_shard *s) {                     \
    return few_enter(cls, header, a, b, c, n, s);                              \
  }                                                                            \
  NOINLINE const void *few_shared_##n(struct hc_class *cls, unsigned tag,      \
                                      uintptr_t a, uintptr_t b, uintptr_t c) { \
    uint64_t header = few_header(cls, tag, a, b, c, n);                        \
    struct hc_table *t = hc_class_table(cls);                                  \
    struct hc_shard *s = hc_table_shard(t, hc_header_hash(header));            \
    struct hc_search q;                                                        \
    const uint64_t *node;                                                      \
    if ((cls->quick >> n & 1) == 0)                                            \
      return few_in_full(cls, tag, a, b, c, n);                                \
    hc_search_begin(&q, s, hc_header_hash(header));                            \
    node = few_search(&q, header, a, b, c, n);                                 \
    if (node != NULL) {                                                        \
      hc_tally_hit(t, q.probes);                                               \
      return node;                                                             \
    }                                                                          \
    if (!q.lasts || q.is_moving)                                               \
      return few_locked_##n(cls, tag, a, b, c);                                \
    return few_enter_##n(cls, header, a, b, c, s);                             \
  }                                                                            \
  HC_ALWAYS_INLINE const void *few_##n(struct hc_class *cls, unsigned tag,     \
                                       uintptr_t a, uintptr_t b,               \
                                       uintptr_t c) {                          \
    struct hc_shard *s = cls->own[n];                                          \
    uintptr_t key[3] = {a, b, c};                                              \
    uint32_t low = hc_low_of(cls, tag, n);                                     \
    uint64_t hash, header;                                                     \
    uint64_t *node;                                                            \
    size_t pos;                                                                \
    if (tag > HC_MAX_TAG || !hc_thread_is_known)                               \
      return few_in_full(cls, tag, a, b, c, n);                                \
    if (s == NULL)                                                             \
      return few_shared_##n(cls, tag, a, b, c);                                \
    if (!hc_lock_enter_own(&s->lock))                                          \
      return few_locked_##n(cls, tag, a, b, c);                                \
    hash = hc_hash_words(cls, low, key, n);                                    \
    header = hc_header_of(low, hash);                                          \
    pos = few_look_up(s, hc_slots_home_wide(&s->slots, hash), header, a, b, c, \
                      n, &node);                                               \
    if (node == NULL)                                                          \
      return few_new_##n(cls, header, a, b, c, pos);                           \
    if (!hc_backend_all_live(node))                                            \
      return few_doubtful_##n(cls, header, a, b, c, node);                     \
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
