/* extra/hcons/tally.c: the threads' counts and their sum. SPDX-License-Identifier: MIT */
#include "hcons/tally.h"

#include <pthread.h>
#include <stdlib.h>

_Thread_local struct hc_tallies *hc_tallies_mine;

static pthread_mutex_t tallies = PTHREAD_MUTEX_INITIALIZER;

/* Used by all threads that got no memory, whose counts may be too low. */
static struct hc_tallies common;
static struct hc_tallies *first = &common; /* [lock tallies] */

void hc_tally_lock(void) { pthread_mutex_lock(&tallies); }

void hc_tally_unlock(void) { pthread_mutex_unlock(&tallies); }

void hc_tally_begin(void) {
  struct hc_tallies *t = calloc(1, sizeof *t);
  hc_tallies_mine = t != NULL ? t : &common;
  if (t == NULL)
    return;
  hc_tally_lock();
  t->next = first;
  first = t;
  hc_tally_unlock();
}

/* Under the lock. */
static void hand_in(struct hc_tally *t) {
  struct hc_table *table = atomic_load(&t->table);
  if (table == NULL)
    return;
  hc_tally_add(&table->past_hits, atomic_load(&t->hits));
  hc_tally_add(&table->past_probes, atomic_load(&t->probes));
}

static void begin_again(struct hc_tally *t, struct hc_table *table) {
  atomic_store_explicit(&t->hits, 0, memory_order_relaxed);
  atomic_store_explicit(&t->probes, 0, memory_order_relaxed);
  atomic_store_explicit(&t->table, table, memory_order_relaxed);
}

void hc_tally_turn(struct hc_tally *tally, struct hc_table *table) {
  hc_tally_lock();
  hand_in(tally);
  begin_again(tally, table);
  hc_tally_unlock();
}

void hc_tally_end(void) {
  struct hc_tallies *mine = hc_tallies_mine;
  struct hc_tallies **at = &first;
  hc_tallies_mine = NULL;
  if (mine == &common)
    return;
  hc_tally_lock();
  for (unsigned i = 0; i < HC_TALLIES; i++)
    hand_in(&mine->of[i]);
  while (*at != mine)
    at = &(*at)->next;
  *at = mine->next;
  hc_tally_unlock();
  free(mine);
}

void hc_tally_sum(struct hc_table *table, uint64_t *out_hits,
                  uint64_t *out_probes) {
  hc_tally_lock();
  *out_hits = atomic_load(&table->past_hits);
  *out_probes = atomic_load(&table->past_probes);
  for (struct hc_tallies *m = first; m != NULL; m = m->next) {
    struct hc_tally *t = &m->of[table->number % HC_TALLIES];
    if (atomic_load(&t->table) != table)
      continue;
    *out_hits += atomic_load(&t->hits);
    *out_probes += atomic_load(&t->probes);
  }
  hc_tally_unlock();
}

void hc_tally_forget(struct hc_table *table) {
  hc_tally_lock();
  for (struct hc_tallies *m = first; m != NULL; m = m->next) {
    struct hc_tally *t = &m->of[table->number % HC_TALLIES];
    if (atomic_load(&t->table) == table)
      begin_again(t, NULL);
  }
  atomic_store(&table->past_hits, 0);
  atomic_store(&table->past_probes, 0);
  hc_tally_unlock();
}
