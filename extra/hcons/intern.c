/* extra/hcons/intern.c: look-up, making and death of nodes. SPDX-License-Identifier: MIT */
/* One step under the collector's lock looks the key up, revives what it finds,
 * and otherwise takes a waiting cell and enters it. Cells are made before the
 * lock: when none waits, the step gives up, a batch is made outside, and the
 * step runs again, for the key may have come in meanwhile. So a hit costs no
 * allocation, nothing allocates under the lock, and no cell is wasted.
 *
 * Waiting cells hang in lists by kind and size. The list heads lie in
 * uncollectable memory and the collector follows the links; their first word is
 * even, which tells the callback that they are no nodes.
 *
 * Why reviving one node is enough: the caller holds the children named by the
 * key, so every node below is live or was itself found since it was condemned.
 * Found by key, a dead node can only have the children of the key, even if one
 * of them died earlier and its address now belongs to another node; but then
 * its extra words speak of the earlier child, hence the second fill. */
#include "hcons/backend.h"
#include "hcons/internal.h"

#include <pthread.h>
#include <string.h>

enum { CELL_GRANULE = 16, CELL_SIZES = 16 };

/* The lists of waiting cells. [lock: the collector's] */
struct cell_lists {
  void *head[2][CELL_SIZES + 1];
};

struct intern {
  struct hc_class *cls;
  const uintptr_t *key;
  size_t words;
  uint64_t header;
  size_t granules;
  void *cells; /* brought along: a list, or one big cell */
  bool find_only;
  bool no_room;
};

static struct cell_lists *lists; /* [const] after set-up */
static int kinds[2];             /* [const] after set-up */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- Keys ---- */

static inline uint64_t mix(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hc_table_header(const struct hc_class *cls, unsigned tag,
                         const uintptr_t *key, size_t words) {
  uint64_t low = 1 | (uint64_t)cls->number << 1 | (uint64_t)tag << 8 |
                 (uint64_t)words << 16;
  uint64_t h =
      mix(low ^ UINT64_C(0xa0761d6478bd642f), UINT64_C(0xe7037ed1a0b428db));
  for (size_t i = 0; i < words; i++)
    h = mix(h ^ key[i], UINT64_C(0x8ebc6af09c88c6e3)) + low;
  h = mix(h, UINT64_C(0x589965cc75374cc3));
  return low | h >> 32 << 32;
}

static inline bool is_key(const void *node, const struct intern *r) {
  const uintptr_t *word = hc_key(node);
  if (hc_header(node) != r->header)
    return false;
  for (size_t i = 0; i < r->words; i++)
    if (word[i] != r->key[i])
      return false;
  return true;
}

/* ---- Death ---- */

/* Told by the collector of each dead object of our kinds, under its lock. */
static int reclaim(void *obj) {
  uint64_t header = *(uint64_t *)obj;
  struct hc_class *c;
  if ((header & 1) == 0)
    return 0;
  c = hc_table_classes[hc_node_class(obj)];
  if (c->table != NULL) {
    if (hc_slots_erase(&c->table->slots, hc_hash(obj), obj))
      c->table->stats.removed++;
    else
      c->table->strays++;
  }
  c->nodes--;
  if (c->desc.on_reclaim != NULL)
    c->desc.on_reclaim(obj, c->desc.closure);
  *(uint64_t *)obj = 0;
  return 0;
}

/* ---- Making ---- */

static void set_up(void) {
  lists = hc_backend_root_alloc(sizeof *lists);
  if (lists == NULL)
    return;
  memset(lists, 0, sizeof *lists);
  kinds[0] = hc_backend_new_kind(0, reclaim);
  kinds[1] = hc_backend_new_kind(1, reclaim);
}

/* Makes R->cells. No lock is held. */
static bool make_cells(struct intern *r) {
  size_t bytes = r->granules * CELL_GRANULE;
  int kind = kinds[r->cls->desc.leaf];
  if (r->granules <= CELL_SIZES)
    r->cells = hc_backend_cells(bytes, kind);
  else
    r->cells = hc_backend_cell(bytes, kind);
  return r->cells != NULL;
}

/* Puts the list that R brought along before the waiting one. */
static void add_cells(struct intern *r, void **head) {
  void **last = r->cells;
  while (*last != NULL)
    last = *last;
  *last = *head;
  *head = r->cells;
  r->cells = NULL;
}

/* A cell with only its first word dirty, or NULL when none waits. */
static void *take_cell(struct intern *r) {
  void **head;
  void *cell = r->cells;
  if (r->granules > CELL_SIZES)
    return cell;
  head = &lists->head[r->cls->desc.leaf][r->granules];
  if (r->cells != NULL)
    add_cells(r, head);
  cell = *head;
  if (cell != NULL)
    *head = *(void **)cell;
  return cell;
}

static void write_node(struct intern *r, void *cell) {
  const struct hc_class_desc *d = &r->cls->desc;
  uintptr_t *word = (uintptr_t *)cell + 1;
  for (size_t i = 0; i < r->words; i++)
    word[i] = r->key[i];
  *(uint64_t *)cell = r->header;
  if (d->fill != NULL)
    d->fill(cell, d->closure);
}

static void *enter(struct intern *r) {
  struct hc_table *t = r->cls->table;
  void *cell;
  int resized;
  r->no_room = !hc_slots_reserve(&t->slots, &resized);
  if (resized > 0)
    t->stats.grown++;
  if (resized < 0)
    t->stats.shrunk++;
  if (r->no_room)
    return NULL;
  cell = take_cell(r);
  if (cell == NULL)
    return NULL;
  write_node(r, cell);
  hc_slots_insert(&t->slots, (uint32_t)(r->header >> 32), cell);
  r->cls->nodes++;
  t->stats.made++;
  return cell;
}

/* ---- Looking up ---- */

static void *look_up(struct intern *r) {
  struct hc_table *t = r->cls->table;
  uint32_t hash = (uint32_t)(r->header >> 32);
  uint64_t tag = hc_slots_tag(hash);
  size_t mask = hc_slots_mask(&t->slots);
  size_t home = hc_slots_home(&t->slots, hash);
  void *found = NULL;
  size_t pos = home;
  uint64_t slot;
  while ((slot = t->slots.slot[pos]) != 0) {
    if (hc_slots_tag_is(slot, tag) && is_key(hc_slots_node(slot), r)) {
      found = hc_slots_node(slot);
      break;
    }
    pos = (pos + 1) & mask;
  }
  t->stats.probes += ((pos - home) & mask) + 1;
  return found;
}

static void revive(struct hc_class *cls, void *node) {
  const struct hc_class_desc *d = &cls->desc;
  if (hc_backend_is_live(node))
    return;
  hc_backend_revive(node);
  cls->table->stats.revived++;
  if (d->fill != NULL)
    d->fill(node, d->closure);
}

static void *step_locked(void *arg) {
  struct intern *r = arg;
  void *node = look_up(r);
  if (node != NULL) {
    revive(r->cls, node);
    r->cls->table->stats.hits++;
    return node;
  }
  if (!r->find_only)
    node = enter(r);
  if (node != NULL || r->find_only)
    r->cls->table->stats.misses++;
  return node;
}

static bool prepare(struct intern *r, unsigned tag) {
  size_t words = 1 + r->words + r->cls->desc.extra_words;
  if (r->words > HC_MAX_WORDS || tag > HC_MAX_TAG)
    return false;
  pthread_once(&once, set_up);
  if (lists == NULL)
    return false;
  r->header = hc_table_header(r->cls, tag, r->key, r->words);
  r->granules = (words * sizeof(uintptr_t) + CELL_GRANULE - 1) / CELL_GRANULE;
  return true;
}

static inline const void *intern(struct intern *r, unsigned tag) {
  if (!prepare(r, tag))
    return NULL;
  for (;;) {
    void *node = hc_backend_locked(step_locked, r);
    if (node != NULL || r->no_room)
      return node;
    if (!make_cells(r))
      return NULL;
  }
}

const void *hc_intern(hc_class *cls, unsigned tag, const uintptr_t *key,
                      size_t words) {
  struct intern r = {.cls = cls, .key = key, .words = words};
  return intern(&r, tag);
}

const void *hc_intern1(hc_class *cls, unsigned tag, uintptr_t a) {
  struct intern r = {.cls = cls, .key = &a, .words = 1};
  return intern(&r, tag);
}

const void *hc_intern2(hc_class *cls, unsigned tag, uintptr_t a, uintptr_t b) {
  uintptr_t key[2] = {a, b};
  struct intern r = {.cls = cls, .key = key, .words = 2};
  return intern(&r, tag);
}

const void *hc_find(hc_class *cls, unsigned tag, const uintptr_t *key,
                    size_t words) {
  struct intern r = {.cls = cls, .key = key, .words = words};
  r.find_only = true;
  if (!prepare(&r, tag))
    return NULL;
  return hc_backend_locked(step_locked, &r);
}
