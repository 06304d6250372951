/* extra/hcons/class.c: classes of nodes, and ids. SPDX-License-Identifier: MIT */
/* A class number is taken under a lock of this file; who reads a number got it
 * from a node, and then the class is there. Kinds are for ever, at most 256 in a
 * process, so classes of one shape share theirs. */
#include "hcons/keys.h"

#include <pthread.h>
#include <string.h>

enum { MAX_KINDS = 128 };

/* A kind of nodes: what its objects look like to the collector. */
struct shape {
  bool leaf;
  size_t map; /* 0: all words may be pointers */
  struct gcx_kind *kind;
};

struct hc_class *_Atomic hc_table_classes[HC_MAX_CLASSES + 1];

static pthread_mutex_t classes_lock = PTHREAD_MUTEX_INITIALIZER;
static struct shape shapes[MAX_KINDS]; /* [lock classes_lock] */
static unsigned shape_count;           /* [lock classes_lock] */

/* Collector's numbers of the kinds; bit by bit. [atomic: grows] */
static _Atomic uint64_t our_kinds[4];

/* ---- Kinds ---- */

static void note_kind(const void *cell) {
  unsigned kind = (unsigned)hc_backend_kind_of(cell) & 255;
  atomic_fetch_or(&our_kinds[kind / 64], UINT64_C(1) << kind % 64);
}

static size_t map_of(const hc_class_desc *d) {
  if (d->leaf || !(d->flags & HC_CLASS_MAPPED))
    return 0;
  return (size_t)d->pointers << 1;
}

static struct gcx_kind *kind_locked(bool leaf, size_t map) {
  for (unsigned i = 0; i < shape_count; i++)
    if (shapes[i].leaf == leaf && shapes[i].map == map)
      return shapes[i].kind;
  if (shape_count == MAX_KINDS)
    return NULL;
  struct gcx_kind *kind =
      hc_backend_notified_kind(leaf, map, hc_death_notified, hc_death_many);
  if (kind != NULL)
    shapes[shape_count++] = (struct shape){leaf, map, kind};
  return kind;
}

/* Another layout that would do is better than none. */
static struct gcx_kind *kind_for(const hc_class_desc *d) {
  size_t map = map_of(d);
  bool leaf = d->leaf || (d->flags & HC_CLASS_MAPPED && map == 0);
  struct gcx_kind *kind;
  pthread_mutex_lock(&classes_lock);
  kind = kind_locked(leaf, map);
  if (kind == NULL && !leaf)
    kind = kind_locked(false, 0);
  pthread_mutex_unlock(&classes_lock);
  return kind;
}

static unsigned quick_lengths(const hc_class_desc *d) {
  unsigned lengths = 0;
  for (unsigned i = 0; i <= HC_MAX_QUICK_WORDS; i++)
    if (d->hash == NULL && i >= d->min_words && i <= d->max_words)
      lengths |= 1u << i;
  return lengths;
}

/* New leaves have words that are not cleared. */
static unsigned plain_lengths(const struct hc_class *c) {
  if (c->desc.fill != NULL || (c->desc.leaf && c->tail_words > 0))
    return 0;
  return c->quick;
}

/* Learns the collector's number of a kind from an object of it. */
static bool prepare_kind(struct hc_class *c) {
  uint64_t *cell;
  if (!hc_backend_is_proper) {
    cell = hc_backend_locked(hc_cells_any, (void *)(uintptr_t)c->desc.leaf);
    if (cell == NULL)
      cell = hc_cells_make(c->desc.leaf, 1);
  } else {
    c->kind = kind_for(&c->desc);
    c->quick = quick_lengths(&c->desc);
    c->plain = plain_lengths(c);
    cell = c->kind != NULL ? gcx_kind_alloc(c->kind, 16) : NULL;
    if (cell != NULL)
      *cell = 0;
  }
  if (cell != NULL)
    note_kind(cell);
  return cell != NULL;
}

bool hc_is_interned(const void *p) {
  unsigned kind;
  struct hc_class *c;
  if (p == NULL || hc_backend_base(p) != p)
    return false;
  kind = (unsigned)hc_backend_kind_of(p) & 255;
  if ((atomic_load(&our_kinds[kind / 64]) >> kind % 64 & 1) == 0)
    return false;
  if ((hc_header(p) & 1) == 0)
    return false;
  c = hc_table_class(hc_node_class(p));
  return c != NULL && hc_class_table(c) != NULL;
}

/* ---- Classes ---- */

static bool is_valid(const hc_class_desc *d) {
  bool has_hash = d->hash != NULL;
  if (d->extra_words > HC_MAX_EXTRA_WORDS || d->min_words > HC_MAX_WORDS ||
      d->max_words > HC_MAX_WORDS ||
      (d->max_words != 0 && d->max_words < d->min_words))
    return false;
  if (has_hash != (d->equal != NULL) || (has_hash && !d->leaf))
    return false;
  if (d->flags & ~(HC_CLASS_IDS | HC_CLASS_MAPPED))
    return false;
  return (d->flags & HC_CLASS_MAPPED) == 0 ||
         d->pointers >> HC_MAX_MAPPED_WORDS == 0;
}

static void describe(struct hc_class *c, const hc_class_desc *desc) {
  c->desc = *desc;
  if (desc->max_words == 0)
    c->desc.max_words = HC_MAX_WORDS;
  if (desc->flags & HC_CLASS_MAPPED && desc->pointers == 0)
    c->desc.leaf = true;
  if (desc->name != NULL)
    strncpy(c->name, desc->name, HC_CLASS_NAME_BYTES - 1);
  c->desc.name = c->name;
  c->near_bits = c->desc.leaf ? HC_NEAR_LEAF : HC_NEAR_NODE;
  c->far_bits = ~c->near_bits;
  c->tail_words =
      desc->extra_words + ((desc->flags & HC_CLASS_IDS) != 0 ? 1 : 0);
}

/* Gives C a number and returns the retired class that had it before, or C itself
 * when none is left. */
static struct hc_class *take_number(struct hc_class *c) {
  struct hc_class *rest = c;
  pthread_mutex_lock(&classes_lock);
  for (unsigned i = 1; i <= HC_MAX_CLASSES && rest == c; i++) {
    struct hc_class *old = hc_table_class(i);
    if (old != NULL &&
        (hc_class_table(old) != NULL || atomic_load(&old->strays) != 0 ||
         atomic_load(&old->calling) != 0))
      continue;
    c->number = i;
    c->low = 1 | i << 1;
    rest = old;
    atomic_store_explicit(&hc_table_classes[i], c, memory_order_release);
  }
  pthread_mutex_unlock(&classes_lock);
  return rest;
}

bool hc_class_is_called_late(unsigned number) {
  pthread_mutex_lock(&classes_lock);
  struct hc_class *c = hc_table_class(number);
  bool is_called =
      c != NULL && hc_class_table(c) == NULL && atomic_load(&c->calling) != 0;
  pthread_mutex_unlock(&classes_lock);
  return is_called;
}

static void own_shard(struct hc_class *c, struct hc_shard *s) {
  for (unsigned i = 0; i <= HC_MAX_QUICK_WORDS; i++)
    c->own[i] = (c->quick >> i & 1) != 0 ? s : NULL;
}

hc_class *hc_class_new(hc_table *table, const hc_class_desc *desc) {
  struct hc_class *c;
  struct hc_class *rest;
  if (!is_valid(desc))
    return NULL;
  hc_thread_enter();
  c = hc_backend_root_alloc(sizeof *c);
  if (c == NULL)
    return NULL;
  memset(c, 0, sizeof *c);
  describe(c, desc);
  atomic_init(&c->table, table);
  rest = prepare_kind(c) ? take_number(c) : c;
  if (table->shard[0].lock.may_bias)
    own_shard(c, &table->shard[0]);
  if (rest != NULL)
    hc_backend_free(rest);
  return rest == c ? NULL : c;
}

hc_class *hc_class_of(const void *node) {
  return hc_table_class(hc_node_class(node));
}

const char *hc_class_name(const hc_class *cls) { return cls->name; }

unsigned hc_class_number(const hc_class *cls) { return cls->number; }

/* ---- Ids ---- */

uint64_t hc_id(const void *node) {
  const struct hc_class *c = hc_class_of(node);
  struct hc_table *t = hc_class_table(c);
  _Atomic uint64_t *id =
      (_Atomic uint64_t *)(hc_extra(node) + c->desc.extra_words);
  uint64_t old = 0;
  uint64_t fresh;
  if (t == NULL || (c->desc.flags & HC_CLASS_IDS) == 0)
    return 0;
  old = atomic_load(id);
  if (old != 0)
    return old;
  fresh = atomic_fetch_add(&t->last_id, 1) + 1;
  return atomic_compare_exchange_strong(id, &old, fresh) ? fresh : old;
}
