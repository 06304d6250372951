/* src/reclaim/weak_table.c: from addresses of objects to words.
 * SPDX-License-Identifier: MIT
 *
 * Gaps are removed and segments merged without any memory; what needs some asks for it
 * first, so that a table that gets none stays as it was.
 */
#include "reclaim/weak_table.h"

#include "base/bits.h"
#include "base/check.h"
#include "heap/meta.h"

#define LEAST_SLOTS 15u
#define MAX_DEPTH 40u
#define LOOK_EVERY 16u /* operations */

/* ---- Hashes ---- */

/* Every bit of the address has its share in all upper bits; different addresses have
 * different hashes. */
gc_inline uint64_t hash_of(uint64_t hidden) {
  uint64_t h = hidden * UINT64_C(0x9e3779b97f4a7c15);
  h ^= h >> 32;
  return h * UINT64_C(0xd6e8feb86659fd93);
}

gc_inline size_t prefix(uint64_t hash, unsigned depth) {
  return depth == 0 ? 0 : (size_t)(hash >> (64 - depth));
}

gc_inline unsigned home_of(const struct gc_weak_segment *s, uint64_t hash) {
  return (unsigned)(((hash << s->depth) >> 32) * s->slots >> 32);
}

gc_inline unsigned after(const struct gc_weak_segment *s, unsigned i) {
  return i + 1 == s->slots ? 0 : i + 1;
}

/* ---- Segments ---- */

static size_t bytes_of(unsigned slots) {
  return (slots + 1) * sizeof(struct gc_weak_entry);
}

static unsigned many(unsigned slots) { return slots * 13 / 16; }
/* When there is no memory for more. */
static unsigned most(unsigned slots) { return slots - 1 - slots / 16; }
/* So few live ones that it is enough to write the segment anew. */
static unsigned few(unsigned slots) { return slots * 5 / 8; }

static struct gc_weak_segment *new_segment(struct gc_weak_table *t,
                                           unsigned slots, unsigned depth) {
  struct gc_weak_segment *s = gc_meta_alloc(bytes_of(slots));
  if (s == NULL)
    return NULL;
  s->table = t;
  s->slots = (uint16_t)slots;
  s->depth = (uint16_t)depth;
  return s;
}

static void free_segment(struct gc_weak_segment *s) {
  if (s != NULL)
    gc_meta_free(s, bytes_of(s->slots));
}

static struct gc_weak_entry *find_in(struct gc_weak_segment *s, uint64_t hidden,
                                     uint64_t hash) {
  for (unsigned i = home_of(s, hash); s->at[i].hidden != WEAK_EMPTY;
       i = after(s, i))
    if (s->at[i].hidden == hidden)
      return &s->at[i];
  return NULL;
}

/* It is not there, and some slot is empty. Returns whether one less is. */
static bool place(struct gc_weak_segment *s, uint64_t hidden, uint64_t hash,
                  uint64_t value) {
  unsigned i = home_of(s, hash);
  while (gc_weak_entry_is_live(&s->at[i]))
    i = after(s, i);
  bool was_empty = s->at[i].hidden == WEAK_EMPTY;
  s->at[i] = (struct gc_weak_entry){hidden, value};
  s->used = (uint16_t)(s->used + was_empty);
  s->live++;
  return was_empty;
}

/* Makes room in a segment, or changes its depth: all entries are placed again, those
 * that were not yet making way for others. There is no empty slot between an entry's
 * home and its place, because only those placed already are passed. */
static void rewrite(struct gc_weak_segment *s, unsigned depth) {
  uint64_t placed[(GC_WEAK_SEGMENT_SLOTS + 63) / 64] = {0};
  s->depth = (uint16_t)depth;
  for (unsigned i = 0; i < s->slots; i++)
    if (s->at[i].hidden == WEAK_GAP)
      s->at[i].hidden = WEAK_EMPTY;
  for (unsigned i = 0; i < s->slots; i++)
    while (gc_weak_entry_is_live(&s->at[i]) &&
           !(placed[i >> 6] >> (i & 63) & 1)) {
      struct gc_weak_entry e = s->at[i];
      unsigned to = home_of(s, hash_of(e.hidden));
      while (placed[to >> 6] >> (to & 63) & 1)
        to = after(s, to);
      placed[to >> 6] |= (uint64_t)1 << (to & 63);
      s->at[i] = s->at[to];
      s->at[to] = e;
    }
  s->used = s->live;
}

/* All that lives, or what has 1 in the given bit of the hash. */
static void move_entries(struct gc_weak_segment *from,
                         struct gc_weak_segment *to, bool is_all,
                         unsigned bit) {
  for (unsigned i = 0; i < from->slots; i++) {
    struct gc_weak_entry *e = &from->at[i];
    uint64_t hash = hash_of(e->hidden);
    if (!gc_weak_entry_is_live(e) || !(is_all || (hash << bit) >> 63))
      continue;
    place(to, e->hidden, hash, e->value);
    *e = (struct gc_weak_entry){WEAK_GAP, 0};
    from->live--;
  }
}

/* ---- The directory ---- */

static struct gc_weak_segment *segment_of(const struct gc_weak_table *t,
                                          uint64_t hash) {
  return t->segments[prefix(hash, t->depth)];
}

/* Places in the directory that a segment of this depth has. */
static size_t span_of(const struct gc_weak_table *t, unsigned depth) {
  return (size_t)1 << (t->depth - depth);
}

static void enter_segment(struct gc_weak_table *t, size_t first,
                          struct gc_weak_segment *s) {
  for (size_t i = 0, n = span_of(t, s->depth); i < n; i++)
    t->segments[first + i] = s;
  t->deepest += s->depth == t->depth;
  t->used += s->used;
  t->slots += s->slots;
}

/* It is about to change, or to be freed. */
static void withdraw_segment(struct gc_weak_table *t,
                             const struct gc_weak_segment *s) {
  t->deepest -= s->depth == t->depth;
  t->used -= s->used;
  t->slots -= s->slots;
}

static size_t directory_bytes(unsigned depth) {
  return sizeof(struct gc_weak_segment *) << depth;
}

static void change_directory(struct gc_weak_table *t, unsigned depth,
                             struct gc_weak_segment **to) {
  gc_meta_free(t->segments, directory_bytes(t->depth));
  t->segments = to;
  t->depth = depth;
  t->deepest = 0;
  for (size_t i = 0; i < (size_t)1 << depth; i += span_of(t, to[i]->depth))
    t->deepest += to[i]->depth == depth;
}

static bool double_directory(struct gc_weak_table *t) {
  struct gc_weak_segment **to =
      t->depth == MAX_DEPTH ? NULL
                            : gc_meta_alloc(directory_bytes(t->depth + 1));
  if (to == NULL)
    return false;
  for (size_t i = 0; i < (size_t)1 << t->depth; i++)
    to[2 * i] = to[2 * i + 1] = t->segments[i];
  change_directory(t, t->depth + 1, to);
  return true;
}

/* Nobody needs the last bit. */
static void halve_directory(struct gc_weak_table *t) {
  struct gc_weak_segment **to = gc_meta_alloc(directory_bytes(t->depth - 1));
  if (to == NULL)
    return;
  for (size_t i = 0; i < (size_t)1 << (t->depth - 1); i++)
    to[i] = t->segments[2 * i];
  change_directory(t, t->depth - 1, to);
}

/* ---- Changes of shape ---- */

static void remove_gaps(struct gc_weak_table *t, struct gc_weak_segment *s) {
  t->used -= s->used;
  rewrite(s, s->depth);
  t->used += s->used;
}

/* A segment that is alone may be smaller. */
static bool resize(struct gc_weak_table *t, unsigned slots) {
  struct gc_weak_segment *old = t->segments[0];
  struct gc_weak_segment *s = new_segment(t, slots, 0);
  if (s == NULL)
    return false;
  withdraw_segment(t, old);
  move_entries(old, s, true, 0);
  free_segment(old);
  enter_segment(t, 0, s);
  return true;
}

static bool split(struct gc_weak_table *t, uint64_t hash) {
  unsigned depth = segment_of(t, hash)->depth;
  if (depth == t->depth && !double_directory(t))
    return false;
  struct gc_weak_segment *zero = segment_of(t, hash);
  struct gc_weak_segment *one = new_segment(t, zero->slots, depth + 1);
  if (one == NULL)
    return false;
  size_t first = prefix(hash, depth) << (t->depth - depth);
  withdraw_segment(t, zero);
  move_entries(zero, one, false, depth);
  rewrite(zero, depth + 1);
  enter_segment(t, first, zero);
  enter_segment(t, first + span_of(t, depth + 1), one);
  return true;
}

/* The two have all but the last bit in common; `first` is the lower one's place. */
static void merge(struct gc_weak_table *t, size_t first) {
  struct gc_weak_segment *zero = t->segments[first];
  struct gc_weak_segment *one = t->segments[first + span_of(t, zero->depth)];
  withdraw_segment(t, zero);
  withdraw_segment(t, one);
  rewrite(zero, zero->depth - 1u);
  move_entries(one, zero, true, 0);
  free_segment(one);
  enter_segment(t, first, zero);
  if (t->deepest == 0 && t->depth > t->least_depth)
    halve_directory(t);
}

/* A segment is full: false when there is no memory. */
static bool relieve(struct gc_weak_table *t, uint64_t hash) {
  struct gc_weak_segment *s = segment_of(t, hash);
  if (s->live > few(s->slots))
    return s->slots < GC_WEAK_SEGMENT_SLOTS ? resize(t, s->slots * 2u + 1)
                                            : split(t, hash);
  remove_gaps(t, s);
  return true;
}

/* ---- Gaps ---- */

static bool is_worth_a_look(const struct gc_weak_table *t) {
  return t->used - t->live > t->live / 4 + LEAST_SLOTS ||
         t->live < t->slots / 4;
}

static bool merge_if_sparse(struct gc_weak_table *t, size_t first) {
  const struct gc_weak_segment *s = t->segments[first];
  if (s->depth <= t->least_depth)
    return false;
  size_t other = first ^ span_of(t, s->depth);
  const struct gc_weak_segment *o = t->segments[other];
  if (o->depth != s->depth || s->live + o->live > s->slots / 2)
    return false;
  merge(t, first < other ? first : other);
  return true;
}

static void tidy_segment(struct gc_weak_table *t, size_t first) {
  struct gc_weak_segment *s = t->segments[first];
  if (merge_if_sparse(t, first))
    return;
  if (s->depth == 0 && s->slots > t->least_slots && s->live <= s->slots / 4)
    resize(t, s->slots / 2u);
  else if (s->used - s->live > s->slots / 4)
    remove_gaps(t, s);
}

void gc_weak_table_tidy(struct gc_weak_table *t) {
  if (++t->ticks % LOOK_EVERY != 0 || !is_worth_a_look(t))
    return;
  size_t at = t->cursor & (((size_t)1 << t->depth) - 1);
  size_t span = span_of(t, t->segments[at]->depth);
  at &= ~(span - 1);
  t->cursor = at + span;
  tidy_segment(t, at);
}

/* ---- Opening and closing ---- */

static bool open_segments(struct gc_weak_table *t) {
  t->segments = gc_meta_alloc(directory_bytes(t->depth));
  if (t->segments == NULL)
    return false;
  for (size_t i = 0; i < (size_t)1 << t->depth; i++) {
    struct gc_weak_segment *s = new_segment(t, t->least_slots, t->depth);
    if (s == NULL)
      return false;
    enter_segment(t, i, s);
  }
  return true;
}

bool gc_weak_table_open(struct gc_weak_table *t, size_t capacity) {
  *t = (struct gc_weak_table){.least_slots = LEAST_SLOTS};
  while (t->least_slots < GC_WEAK_SEGMENT_SLOTS &&
         many(t->least_slots) < capacity)
    t->least_slots = 2 * t->least_slots + 1;
  /* Segments fill unevenly. */
  while (t->least_depth < MAX_DEPTH &&
         (size_t)few(t->least_slots) << t->least_depth < capacity &&
         many(t->least_slots) < capacity)
    t->least_depth++;
  t->depth = t->least_depth;
  if (t->depth < MAX_DEPTH && open_segments(t))
    return true;
  gc_weak_table_close(t);
  return false;
}

void gc_weak_table_close(struct gc_weak_table *t) {
  if (t->segments == NULL)
    return;
  for (size_t i = 0; i < (size_t)1 << t->depth && t->segments[i] != NULL;) {
    struct gc_weak_segment *s = t->segments[i];
    i += span_of(t, s->depth);
    free_segment(s);
  }
  gc_meta_free(t->segments, directory_bytes(t->depth));
  t->segments = NULL;
}

/* ---- Operations ---- */

struct gc_weak_entry *gc_weak_table_find(struct gc_weak_table *t,
                                         const void *address) {
  uint64_t hidden = ~(uint64_t)(uintptr_t)address;
  uint64_t hash = hash_of(hidden);
  return find_in(segment_of(t, hash), hidden, hash);
}

bool gc_weak_table_add(struct gc_weak_table *t, const void *address,
                       uint64_t value) {
  uint64_t hidden = ~(uint64_t)(uintptr_t)address;
  uint64_t hash = hash_of(hidden);
  struct gc_weak_segment *s = segment_of(t, hash);
  while (gc_unlikely(s->used >= many(s->slots)) && relieve(t, hash))
    s = segment_of(t, hash);
  if (s->used >= most(s->slots))
    return false;
  t->used += place(s, hidden, hash, value);
  t->live++;
  return true;
}

/* Where nobody passes, no gap is needed. */
void gc_weak_table_remove(struct gc_weak_table *t, const void *address) {
  uint64_t hidden = ~(uint64_t)(uintptr_t)address;
  uint64_t hash = hash_of(hidden);
  struct gc_weak_segment *s = segment_of(t, hash);
  struct gc_weak_entry *e = find_in(s, hidden, hash);
  if (e == NULL)
    return;
  gc_weak_entry_drop(s, e);
  if (s->at[after(s, (unsigned)(e - s->at))].hidden == WEAK_EMPTY) {
    e->hidden = WEAK_EMPTY;
    s->used--;
    t->used--;
  }
}

/* ---- Walks ---- */

struct gc_weak_segment *gc_weak_table_next(const struct gc_weak_table *t,
                                           size_t *i) {
  if (*i >= (size_t)1 << t->depth)
    return NULL;
  struct gc_weak_segment *s = t->segments[*i];
  *i += span_of(t, s->depth);
  return s;
}

/* Addresses with hashes of [from, to]; more than GC_WEAK_COPY when there are too
 * many. They lie from the home of `from` to the first empty slot behind that of
 * `to`. */
static unsigned copy_range(const struct gc_weak_segment *s, uint64_t from,
                           uint64_t to, uint64_t *out_hidden) {
  unsigned n = 0, homes = home_of(s, to) - home_of(s, from);
  unsigned i = home_of(s, from);
  for (unsigned passed = 0; passed < s->slots; passed++, i = after(s, i)) {
    uint64_t hidden = s->at[i].hidden;
    if (hidden == WEAK_EMPTY && passed > homes)
      break;
    uint64_t hash = hash_of(hidden);
    if (hidden <= WEAK_GAP || hash < from || hash > to)
      continue;
    if (n == GC_WEAK_COPY)
      return n + 1;
    out_hidden[n++] = hidden;
  }
  return n;
}

unsigned gc_weak_table_copy(const struct gc_weak_table *t, uint64_t *cursor,
                            uint64_t *out_hidden) {
  const struct gc_weak_segment *s = segment_of(t, *cursor);
  uint64_t rest = s->depth == 0 ? UINT64_MAX : UINT64_MAX >> s->depth;
  uint64_t to = *cursor | rest; /* the last hash of the segment */
  for (;;) {
    unsigned n = copy_range(s, *cursor, to, out_hidden);
    if (n <= GC_WEAK_COPY) {
      *cursor = to + 1;
      return n;
    }
    to = *cursor + (to - *cursor) / (s->slots > 4 * GC_WEAK_COPY ? 16 : 2);
  }
}
