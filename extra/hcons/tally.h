/* extra/hcons/tally.h: look-ups that hit without a lock, counted by thread. SPDX-License-Identifier: MIT */
/* A counter in the table would be a cache line that every thread writes. So each thread
 * counts for itself, for the last few tables that it used; a count goes to the table
 * when the place is wanted for another one and when the thread ends. Sums are exact
 * while no thread looks anything up. */
#ifndef HCONS_TALLY_H
#define HCONS_TALLY_H

#include "hcons/internal.h"

enum { HC_TALLIES = 4 };

struct hc_tally {
  _Atomic(struct hc_table *)
      table;               /* [atomic: w under the lock / r by the owner] */
  _Atomic uint64_t hits;   /* [atomic: w by the owner, or under the lock when
                                     * the table changes / r under the lock] */
  _Atomic uint64_t probes; /* likewise; beyond the first of a look-up */
};

struct hc_tallies {
  struct hc_tally of[HC_TALLIES];
  struct hc_tallies *next; /* [lock tallies] */
};

/* Not NULL in a thread that is known. */
extern _Thread_local struct hc_tallies *hc_tallies_mine
    __attribute__((tls_model("initial-exec")));

/* The calling thread begins and ends to count. */
void hc_tally_begin(void);
void hc_tally_end(void);

/* Gives the place to TABLE. */
void hc_tally_turn(struct hc_tally *tally, struct hc_table *table);

/* What all threads have counted, ended ones included. */
void hc_tally_sum(struct hc_table *table, uint64_t *out_hits,
                  uint64_t *out_probes);

/* The table ends. */
void hc_tally_forget(struct hc_table *table);

/* Around a fork, after the locks of shards. */
void hc_tally_lock(void);
void hc_tally_unlock(void);

static inline void hc_tally_add(_Atomic uint64_t *counter, uint64_t n) {
  atomic_store_explicit(counter,
                        atomic_load_explicit(counter, memory_order_relaxed) + n,
                        memory_order_relaxed);
}

static inline void hc_tally_hit(struct hc_table *table, size_t probes) {
  struct hc_tally *t = &hc_tallies_mine->of[table->number % HC_TALLIES];
  if (atomic_load_explicit(&t->table, memory_order_relaxed) != table)
    hc_tally_turn(t, table);
  hc_tally_add(&t->hits, 1);
  if (probes > 0)
    hc_tally_add(&t->probes, probes);
}

#endif
