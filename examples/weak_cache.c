/* examples/weak_cache.c: a cache that forgets what nobody uses. SPDX-License-Identifier: MIT */
/* References do not count in memory of calloc (the buckets) and in leaves (the
 * entries). Look-ups and notifier meet under a lock; gcx_revive says who won. */
#include <gc.h>
#include <gcx/reclaim.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 256, KEYS = 1000, LOOKUPS = 200000 };

struct entry {
  struct entry *next;
  unsigned key, square; /* what is cached */
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry **buckets; /* under the lock */
static unsigned entries, made; /* so are these */
static gcx_kind *entry_kind;

/* By address: an equal entry may have been inserted since this one died. */
static gcx_verdict on_dead(void *object, size_t bytes, void *cd) {
  struct entry *dead = object;
  (void)bytes, (void)cd;
  pthread_mutex_lock(&lock);
  struct entry **at = &buckets[dead->key % BUCKETS];
  while (*at != dead)
    at = &(*at)->next;
  *at = dead->next;
  entries--;
  pthread_mutex_unlock(&lock);
  return GCX_DONE;
}

/* In the lock: nowait, or the allocation might wait for notifiers that want it. */
static struct entry *insert(unsigned key) {
  gcx_nowait_begin();
  struct entry *e = gcx_kind_alloc(entry_kind, sizeof *e);
  gcx_nowait_end();
  if (e == NULL)
    abort();
  *e = (struct entry){buckets[key % BUCKETS], key, key * key};
  entries++, made++;
  return buckets[key % BUCKETS] = e;
}

static struct entry *get(unsigned key) {
  pthread_mutex_lock(&lock);
  struct entry *e = buckets[key % BUCKETS];
  while (e != NULL && (e->key != key || !gcx_revive(e)))
    e = e->next;
  if (e == NULL)
    e = insert(key);
  pthread_mutex_unlock(&lock);
  return e;
}

int main(void) {
  static struct entry *in_use[64]; /* references count here */
  gcx_kind_opts opts = {.struct_size = sizeof opts, .notify = on_dead};
  opts.layout = GCX_LAYOUT_LEAF;
  unsigned wrong = 0;
  GC_INIT();
  buckets = calloc(BUCKETS, sizeof *buckets);
  if (buckets == NULL || (entry_kind = gcx_kind_new(&opts, NULL)) == NULL)
    return 1;
  for (unsigned i = 0; i < LOOKUPS; i++) {
    struct entry **e = &in_use[i % 64];
    wrong += *e != NULL && get((*e)->key) != *e;
    *e = get(i * 7919 % KEYS);
    if (i % 2000 == 0)
      GC_gcollect();
  }
  GC_gcollect();
  wrong += gcx_drain(10000) != 0; /* after it, no notifier runs */
  printf("%d look-ups, %u entries made, %u wrong\n", LOOKUPS, made, wrong);
  printf("%u of %d entries left, 64 of them in use\n", entries, KEYS);
  return wrong != 0 || entries < 64 || entries > KEYS / 10;
}
