/* extra/hcons/table.c: tables, doors and statistics. SPDX-License-Identifier: MIT */
/* Set-up and the slow calls; look-up is in intern.c, death in death.c. */
#include "hcons/tally.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool hc_backend_is_proper;

/* Of a collector that does not tell. */
static const size_t maybe_some = 1;
const size_t *hc_backend_undecided = &maybe_some;
const size_t *hc_backend_collections_word = &maybe_some;

/* The list of tables in use and of those whose memory waits for the next one. */
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static struct hc_table *in_use;     /* [lock registry] */
static struct hc_table *out_of_use; /* [lock registry] */
static unsigned next_number;        /* [lock registry] */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_set_up; /* [const] after set-up */

/* ---- Locking all of it ---- */

static void lock_shards(struct hc_table *t) {
  for (size_t i = 0; i < (size_t)1 << t->shard_bits; i++)
    hc_lock_enter_foreign(&t->shard[i].lock);
}

static void unlock_shards(struct hc_table *t) {
  for (size_t i = 0; i < (size_t)1 << t->shard_bits; i++)
    hc_lock_release(&t->shard[i].lock);
}

struct call {
  void (*fn)(void *);
  void *arg;
};

static void *call_locked(void *arg) {
  struct call *call = arg;
  call->fn(call->arg);
  return NULL;
}

void hc_table_locked(struct hc_table *table, void (*fn)(void *), void *arg) {
  struct call call = {fn, arg};
  hc_thread_enter();
  if (!hc_backend_is_proper) {
    hc_backend_locked(call_locked, &call);
    return;
  }
  lock_shards(table);
  fn(arg);
  unlock_shards(table);
}

/* ---- Doors ---- */

/* The child gets tables that nobody was changing. */
static void before_fork(void) {
  pthread_mutex_lock(&registry);
  for (struct hc_table *t = in_use; t != NULL; t = t->next)
    lock_shards(t);
  hc_tally_lock();
}

static void after_fork(void) {
  hc_tally_unlock();
  for (struct hc_table *t = in_use; t != NULL; t = t->next)
    unlock_shards(t);
  pthread_mutex_unlock(&registry);
}

static bool wants_old_door(void) {
  const char *door = getenv("HCONS_BACKEND");
  return door != NULL && strcmp(door, "disclaim") == 0;
}

static void set_up(void) {
  hc_backend_init();
  if (!wants_old_door())
    hc_backend_is_proper = hc_backend_notified_kind(true, 0, hc_death_notified,
                                                    hc_death_many) != NULL;
  if (hc_backend_is_proper && gcx_undecided != NULL &&
      gcx_collections != NULL) {
    hc_backend_undecided = gcx_undecided();
    hc_backend_collections_word = gcx_collections();
  }
  if (hc_backend_is_proper)
    is_set_up = pthread_atfork(before_fork, after_fork, after_fork) == 0;
  else
    is_set_up = hc_cells_set_up(hc_death_disclaimed);
  is_set_up = hc_threads_set_up() && is_set_up;
}

bool hc_table_set_up(void) {
  pthread_once(&once, set_up);
  if (is_set_up)
    hc_thread_enter();
  return is_set_up;
}

/* ---- Tables ---- */

static unsigned bits_of(size_t n, unsigned limit) {
  unsigned bits = 0;
  while (bits < limit && (size_t)1 << bits < n)
    bits++;
  return bits;
}

static unsigned shard_bits(const hc_table_opts *o) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  size_t shards = processors > 1 ? 4 * (size_t)processors : 8;
  if (o->flags & HC_SINGLE || !hc_backend_is_proper)
    return 0;
  return bits_of(o->shards != 0 ? o->shards : shards, HC_MAX_SHARD_BITS);
}

/* Memory for a table; it comes back here only. Shards have been locked before by
 * notifiers that lost a race, so an old lock stays as it is. */
static struct hc_table *take_table(unsigned bits) {
  struct hc_table **at = &out_of_use;
  struct hc_table *t;
  size_t bytes = sizeof *t + (sizeof t->shard[0] << bits);
  pthread_mutex_lock(&registry);
  while (*at != NULL && (*at)->shard_bits != bits)
    at = &(*at)->next;
  t = *at;
  if (t != NULL)
    *at = t->next;
  pthread_mutex_unlock(&registry);
  if (t != NULL || posix_memalign((void **)&t, HC_LINE_BYTES, bytes) != 0)
    return t;
  memset(t, 0, bytes);
  t->shard_bits = bits;
  return t;
}

static void list_table(struct hc_table **list, struct hc_table *t) {
  pthread_mutex_lock(&registry);
  t->number = next_number++;
  t->next = *list;
  *list = t;
  pthread_mutex_unlock(&registry);
}

static void unlist_table(struct hc_table *t) {
  struct hc_table **at = &in_use;
  pthread_mutex_lock(&registry);
  while (*at != t)
    at = &(*at)->next;
  *at = t->next;
  pthread_mutex_unlock(&registry);
}

static void drop_slots(struct hc_table *t) {
  for (size_t i = 0; i < (size_t)1 << t->shard_bits; i++)
    hc_slots_drop(&t->shard[i].slots);
}

struct fill_request {
  struct hc_table *table;
  const hc_table_opts *opts;
  bool is_full;
};

static void fill_shards(void *arg) {
  struct fill_request *r = arg;
  unsigned bits = r->table->shard_bits;
  r->is_full = true;
  for (size_t i = 0; i < (size_t)1 << bits; i++) {
    struct hc_shard *s = &r->table->shard[i];
    memset(&s->stats, 0, sizeof s->stats);
    s->strays = 0;
    s->lock.may_bias = false;
    if (!hc_slots_init(&s->slots, r->opts->hint >> bits, bits))
      r->is_full = false;
  }
}

hc_table *hc_table_open(const hc_table_opts *opts) {
  struct fill_request r = {.opts = opts};
  if (opts->flags & ~HC_SINGLE || !hc_table_set_up())
    return NULL;
  r.table = take_table(shard_bits(opts));
  if (r.table == NULL)
    return NULL;
  hc_table_locked(r.table, fill_shards, &r);
  if (!r.is_full) {
    drop_slots(r.table);
    list_table(&out_of_use, r.table);
    return NULL;
  }
  r.table->is_single = (opts->flags & HC_SINGLE) != 0;
  if (r.table->is_single && hc_backend_is_proper)
    hc_lock_bias(&r.table->shard[0].lock);
  list_table(&in_use, r.table);
  return r.table;
}

hc_table *hc_table_new(size_t hint) {
  hc_table_opts opts = {.hint = hint};
  return hc_table_open(&opts);
}

/* ---- The end of tables and classes ---- */

static void count_nodes(const struct hc_array *a, size_t from) {
  for (size_t i = from; a->slot != NULL && i < hc_array_size(a); i++)
    if (a->slot[i] != 0 && a->slot[i] != HC_SLOT_GONE) {
      const void *node = hc_slots_node(a->slot[i]);
      atomic_fetch_add(&hc_table_class(hc_node_class(node))->strays, 1);
    }
}

/* Counts what outlives the table before its classes are seen to be retired. */
static void retire_locked(void *arg) {
  struct hc_table *t = arg;
  for (size_t i = 0; i < (size_t)1 << t->shard_bits; i++) {
    count_nodes(&t->shard[i].slots.now, 0);
    count_nodes(&t->shard[i].slots.old, t->shard[i].slots.moved);
  }
  for (unsigned i = 1; i <= HC_MAX_CLASSES; i++) {
    struct hc_class *c = hc_table_class(i);
    if (c != NULL && hc_class_table(c) == t)
      atomic_store_explicit(&c->table, NULL, memory_order_release);
  }
  drop_slots(t);
}

/* Retired classes with callbacks that run: only those of what is being freed, or of what
 * another thread is freeing. */
static void await_callbacks(void) {
  bool in_callback = gcx_in_notifier != NULL && gcx_in_notifier();
  for (unsigned i = 1; i <= HC_MAX_CLASSES; i++)
    while (hc_class_is_called_late(i)) {
      if (in_callback) {
        fputs("hcons: a table or class is freed in a callback of its own\n",
              stderr);
        abort();
      }
      sched_yield();
    }
}

void hc_table_free(hc_table *table) {
  if (table == NULL)
    return;
  unlist_table(table);
  hc_table_locked(table, retire_locked, table);
  await_callbacks();
  hc_tally_forget(table);
  list_table(&out_of_use, table);
}

/* Entries behind one that goes are shifted back, so its place is looked at again; what
 * comes round from the beginning to the end has been looked at. */
static void drop_nodes(struct hc_slots *s, struct hc_class *c) {
  size_t pos = 0;
  hc_slots_move(s, SIZE_MAX);
  while (pos <= hc_slots_mask(s)) {
    uint64_t slot = s->now.slot[pos];
    const void *node = hc_slots_node(slot);
    if (slot == 0 || hc_node_class(node) != c->number) {
      pos++;
      continue;
    }
    atomic_fetch_add(&c->strays, 1);
    hc_slots_erase(s, hc_hash(node), node);
  }
}

static void retire_class_locked(void *arg) {
  struct hc_class *c = arg;
  struct hc_table *t = hc_class_table(c);
  for (size_t i = 0; i < (size_t)1 << t->shard_bits; i++)
    drop_nodes(&t->shard[i].slots, c);
  atomic_store_explicit(&c->table, NULL, memory_order_release);
}

void hc_class_free(hc_class *cls) {
  if (cls == NULL)
    return;
  hc_table_locked(hc_class_table(cls), retire_class_locked, cls);
  await_callbacks();
}

/* ---- Statistics ---- */

struct stats_request {
  struct hc_table *table;
  struct hc_stats *out_stats;
};

static void add_shard(struct hc_stats *to, const struct hc_shard *s) {
  size_t size = hc_slots_mask(&s->slots) + 1;
  to->live += s->slots.used;
  to->slots += size;
  to->bytes += size * sizeof(uint64_t);
  if (s->slots.old.slot != NULL)
    to->bytes +=
        (hc_array_size(&s->slots.old) - s->slots.emptied) * sizeof(uint64_t);
  to->hits += s->stats.hits;
  to->misses += s->stats.misses + s->slots.entered;
  to->made += s->slots.entered;
  to->revived += s->stats.revived;
  to->late += s->stats.late;
  to->removed += s->slots.erased;
  to->probes +=
      s->stats.hits + s->stats.misses + s->slots.entered + s->stats.probes;
  to->grown += s->stats.grown;
  to->shrunk += s->stats.shrunk;
}

static void add_unlocked(struct hc_stats *to, struct hc_table *t) {
  uint64_t hits, probes;
  hc_tally_sum(t, &hits, &probes);
  to->hits += hits;
  to->probes += hits + probes;
}

static void stats_locked(void *arg) {
  struct stats_request *r = arg;
  memset(r->out_stats, 0, sizeof *r->out_stats);
  for (size_t i = 0; i < (size_t)1 << r->table->shard_bits; i++)
    add_shard(r->out_stats, &r->table->shard[i]);
  add_unlocked(r->out_stats, r->table);
}

void hc_get_stats(hc_table *table, hc_stats *out_stats) {
  struct stats_request r = {table, out_stats};
  hc_table_locked(table, stats_locked, &r);
}

static void trim_locked(void *arg) {
  struct hc_table *t = arg;
  for (size_t i = 0; i < (size_t)1 << t->shard_bits; i++)
    if (hc_slots_trim(&t->shard[i].slots))
      t->shard[i].stats.shrunk++;
}

void hc_trim(hc_table *table) { hc_table_locked(table, trim_locked, table); }

int hc_drain(unsigned ms) {
  return hc_table_set_up() && hc_backend_is_proper ? gcx_drain(ms) : 0;
}

/* ---- Memory ---- */

void *hc_scanned_alloc(size_t bytes) {
  return hc_table_set_up() ? hc_backend_scanned_alloc(bytes) : NULL;
}

void hc_scanned_free(void *memory) { hc_backend_free(memory); }
