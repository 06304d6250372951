/* extra/hcons/internal.h: tables and classes behind hcons.h. SPDX-License-Identifier: MIT */
/* A table is an array of shards; the top bits of a node's hash choose one. Every
 * field of a shard is used under its lock. On the old door a table has one shard
 * and the lock is the collector's allocation lock, under which callbacks run
 * (hc_table_enter does nothing there).
 *
 * A class lies in uncollectable memory so that its closure is a root. The
 * class number in a node's header leads to its class and so to its table; a
 * class whose table was dropped is retired (table NULL) and its number is free
 * for use again once no node has it any more. A class is retired with all shards
 * of its table locked, so it is looked at again under the lock; and the memory
 * of a table is never given back but kept for the next one, so the lock is there.
 *
 * Lock order: the list of tables and classes, then shards by number. Nothing of
 * the collector is called under a shard's lock but GC_is_marked and gcx_revive,
 * whose locks are inner ones. */
#ifndef HCONS_INTERNAL_H
#define HCONS_INTERNAL_H

#include "hcons/hcons.h"
#include "hcons/backend.h"
#include "hcons/lock.h"
#include "hcons/slots.h"

#include <stdatomic.h>

enum {
  HC_CLASS_NAME_BYTES = 32,
  HC_MAX_SHARD_BITS = 6,
  HC_MAX_QUICK_WORDS = 3,
  HC_LINE_BYTES = 128 /* two cache lines: the second one is fetched along */
};

struct hc_class {
  _Atomic(struct hc_table *) table; /* [atomic: w under all locks / r by any] */
  /* [const] by the number of words, where `quick` has it: the shard of a table for one
   * user whose lock may be biased; or NULL */
  struct hc_shard *own[HC_MAX_QUICK_WORDS + 1];
  struct gcx_kind *kind; /* [const] proper door only */
  unsigned number;       /* [const] */
  unsigned tail_words;   /* [const] extra words and id */
  unsigned quick;        /* [const] bit i: i words may be a key, and the
                                     * proper door is used, without a hash of the
                                     * class's own */
  unsigned plain;        /* [const] bit i: nodes of i words are made by writing
                                     * header and key */
  uint32_t low; /* [const] what all headers of the class have at the low end */
  uintptr_t near_bits; /* [const] of the first two key words; see keys.h */
  uintptr_t far_bits;  /* [const] the others */
  struct hc_class_desc desc; /* [const] */
  atomic_size_t strays; /* nodes that outlive the table, not yet notified */
  atomic_uint calling;  /* on_reclaim runs so many times */
  char name[HC_CLASS_NAME_BYTES];
};

struct hc_shard {
  _Alignas(HC_LINE_BYTES) struct hc_lock lock;
  struct hc_slots slots;
  struct hc_stats
      stats; /* live, slots, bytes, made and removed are made up when asked for,
                          * probes are those beyond the first of a look-up, and misses
                          * those that made no node; of look-ups with the lock */
  uint64_t strays; /* notified nodes that were not in the table */
};

_Static_assert(offsetof(struct hc_shard, slots) +
                       offsetof(struct hc_slots, open) ==
                   64,
               "what changes write lies in one cache line");

struct hc_table {
  unsigned shard_bits;      /* [const] while the table is in use */
  bool is_single;           /* [const] likewise */
  struct hc_table *next;    /* of all, or of those out of use */
  unsigned number;          /* [const] likewise; of no meaning but in tally.h */
  _Atomic uint64_t last_id; /* never goes back */
  _Atomic uint64_t past_hits, past_probes; /* without a lock; [lock tallies] */
  struct hc_shard shard[];
};

extern struct hc_class *_Atomic hc_table_classes[HC_MAX_CLASSES + 1];

static inline struct hc_class *hc_table_class(unsigned number) {
  return atomic_load_explicit(&hc_table_classes[number], memory_order_acquire);
}

/* Whether a callback runs of a class that has lost its table. The class itself may be gone
 * when another thread takes the number. */
bool hc_class_is_called_late(unsigned number);

static inline struct hc_table *hc_class_table(const struct hc_class *cls) {
  return atomic_load_explicit(&cls->table, memory_order_acquire);
}

static inline struct hc_shard *hc_table_shard(struct hc_table *t,
                                              uint32_t hash) {
  return &t->shard[(uint64_t)hash << t->shard_bits >> 32];
}

/* What hash the header has, and all of it; see hcons.h for its form. */
static inline uint32_t hc_header_hash(uint64_t header) {
  return (uint32_t)(header >> 32);
}

/* What the collector is asked for; it adds a byte behind the end, against which
 * backend.h speaks. */
static inline size_t hc_class_bytes(const struct hc_class *cls, size_t words) {
  return (1 + words + cls->tail_words) * sizeof(uintptr_t) - 1;
}

/* Enters a node that is written, unless one with the key is found. NULL when there is no
 * room. Proper door. */
const void *hc_intern_cell(struct hc_class *cls, const uintptr_t *key,
                           struct hc_shard *s, uint64_t *cell);

uint64_t hc_intern_header(const struct hc_class *cls, unsigned tag,
                          const uintptr_t *key, size_t words);

/* Chooses the door; the first call makes the kinds of the old one. False without
 * memory. Any thread. */
bool hc_table_set_up(void);

/* Calls FN with all shards of the table locked, or under the collector's lock. */
void hc_table_locked(struct hc_table *table, void (*fn)(void *), void *arg);

/* ---- Threads, in threads.c ---- */

bool hc_threads_set_up(void);
extern _Thread_local bool hc_thread_is_known
    __attribute__((tls_model("initial-exec")));
void hc_thread_introduce(void);

/* By each function that a thread may call first: a node that it is given has to be
 * found on its stack. */
static inline void hc_thread_enter(void) {
  if (!hc_thread_is_known)
    hc_thread_introduce();
}

/* ---- Old door: waiting cells, in cells.c ---- */

bool hc_cells_set_up(int (*reclaim)(void *));

/* A cell for a node of GRANULES times 16 bytes with only its first word dirty, or
 * NULL when none waits. Under the collector's lock. */
void *hc_cells_take(bool leaf, size_t granules, void **cells);

/* A cell that waits, left where it is, of the leaf kind if ARG is not NULL. Under
 * the collector's lock. */
void *hc_cells_any(void *arg);

/* Cells to bring along into the lock; NULL without memory. No lock is held. */
void *hc_cells_make(bool leaf, size_t granules);

/* ---- Death, in death.c ---- */

/* Told by the collector of each dead object of our kinds, or of several at once. */
void hc_death_notified(void *object);
void hc_death_many(void *const *objects, size_t n, void *unused);
int hc_death_disclaimed(void *object);

#endif
