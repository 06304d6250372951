/* tests/stress/notify.c: notification of dead objects under load with threads. SPDX-License-Identifier: MIT */

/*
 * Every object has a serial number and a state outside the heap: live while
 * somebody holds it, dropped from just before the last reference goes, dead
 * once its callback let it go. A callback for a live or dead one, or damaged
 * contents, is an error at once on every implementation; that all dropped ones
 * are notified in the end is asked exactly of Reclaim only (others leave nearly
 * full blocks alone).
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum {
  N_THREADS = 4,
  N_HELD = 400,
  DATA_BYTES = 24,
  N_KEYS = 2000,
  N_RECENT = 64
};

enum { ST_UNBORN, ST_LIVE, ST_DROPPED, ST_KEPT, ST_DEAD };

#define VISITED ((uintptr_t)1 << 62) /* in the tag: kept once already */

struct object {
  uintptr_t tag; /* 2 * serial + 1 */
  void *child;
  unsigned char data[DATA_BYTES];
};

static atomic_uchar *state; /* by serial */
static atomic_size_t n_serials, n_kept;
static size_t max_serials;
static atomic_size_t n_live_notified, n_twice, n_damaged;
static int kinds[2]; /* without and with mark_from_all */

static bool is_stubborn(size_t serial) {
  return serial % 16 == 7; /* kept the first time */
}

static void check_state(const struct object *o, size_t serial, bool visited) {
  unsigned char s = atomic_load(&state[serial]);
  if (s == ST_LIVE)
    atomic_fetch_add(&n_live_notified, 1);
  if (s == ST_DEAD || (s == ST_KEPT) != visited)
    atomic_fetch_add(&n_twice, 1);
  if (!gu_is_intact(o->data, DATA_BYTES, serial) ||
      (o->child != NULL && !gu_is_intact(o->child, DATA_BYTES, ~serial)))
    atomic_fetch_add(&n_damaged, 1);
}

static int on_dead(void *obj) {
  struct object *o = obj;
  if ((o->tag & 1) == 0)
    return 0;
  size_t serial = (o->tag & ~VISITED) / 2;
  bool visited = (o->tag & VISITED) != 0;
  check_state(o, serial, visited);
  if (is_stubborn(serial) && !visited) {
    atomic_fetch_add(&n_kept, 1);
    atomic_store(&state[serial], ST_KEPT);
    o->tag |= VISITED;
    return 1;
  }
  atomic_store(&state[serial], ST_DEAD);
  o->tag = 0;
  return 0;
}

static void prepare(void) {
  GC_INIT();
  GC_allow_register_threads();
  max_serials = tap_long() ? 8000000 : 800000;
  state = calloc(max_serials + 1, sizeof *state);
  tap_require(state != NULL);
  for (int i = 0; i < 2; i++) {
    kinds[i] = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
    GC_register_disclaim_proc(kinds[i], on_dead, i);
  }
}

static struct object *make_object(uint64_t *rand, size_t serial) {
  size_t extra = tap_rand_r(rand) % 1000;
  size_t size = sizeof(struct object) + (extra < 980 ? extra / 8 : extra * 40);
  bool follows = serial & 1;
  void *child = NULL;
  if (follows) { /* made first: the object is never seen half done */
    child = GC_malloc_atomic(DATA_BYTES);
    gu_fill(child, DATA_BYTES, ~serial);
  }
  struct object *o = GC_generic_malloc(size, kinds[follows]);
  tap_require(o != NULL && o->tag == 0 && o->child == NULL);
  gu_fill(o->data, DATA_BYTES, serial);
  o->child = child;
  atomic_store(&state[serial], ST_LIVE);
  o->tag = 2 * serial + 1;
  return o;
}

static void drop(struct object *volatile *slot) {
  struct object *o = *slot;
  if (o == NULL)
    return;
  tap_require(gu_is_intact(o->data, DATA_BYTES, o->tag / 2));
  atomic_store(&state[o->tag / 2], ST_DROPPED);
  *slot = NULL;
}

/* Holds some hundred objects and exchanges one after the other. */
static GU_NOINLINE void *exchange(void *arg) {
  struct object *volatile held[N_HELD] = {NULL};
  uint64_t rand = tap_seed() * 31 + (uintptr_t)arg;
  for (;;) {
    size_t serial = atomic_fetch_add(&n_serials, 1);
    if (serial >= max_serials)
      break;
    size_t i = tap_rand_r(&rand) % N_HELD;
    drop(&held[i]);
    held[i] = make_object(&rand, serial);
    if (serial % 50000 == 0)
      GC_gcollect();
  }
  for (size_t i = 0; i < N_HELD; i++)
    drop(&held[i]);
  return NULL;
}

static size_t count_dead(void) {
  size_t n = 0;
  for (size_t i = 0; i < max_serials; i++)
    n += atomic_load(&state[i]) == ST_DEAD;
  return n;
}

static void check_errors(void) {
  tap_eq_u(atomic_load(&n_live_notified), 0);
  tap_eq_u(atomic_load(&n_twice), 0);
  tap_eq_u(atomic_load(&n_damaged), 0);
}

static void every_object_is_notified_exactly_once(void) {
  pthread_t t[N_THREADS];
  prepare();
  for (uintptr_t i = 0; i < N_THREADS; i++)
    tap_require(GC_pthread_create(&t[i], NULL, exchange, (void *)i) == 0);
  for (int i = 0; i < N_THREADS; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
  for (int i = 0; i < 4; i++) /* kept ones need a second collection */
    gu_collect();
  check_errors();
  size_t dead = count_dead();
  tap_note("%zu of %zu dead, %zu kept once", dead, max_serials,
           atomic_load(&n_kept));
  tap_ge(dead,
         gu_on_reclaim() ? max_serials - max_serials / 1000 : max_serials / 2);
  tap_ge(atomic_load(&n_kept), max_serials / 64);
}

/* ---- One very long chain ---- */

static void make_long_chain(void *arg) {
  (void)arg;
  struct object *head = NULL;
  for (size_t i = 0; i < max_serials; i++) {
    struct object *o = GC_generic_malloc(sizeof *o, kinds[1]);
    gu_fill(o->data, DATA_BYTES, i);
    o->child = NULL;
    atomic_store(&state[i], ST_DROPPED);
    /* The link is not a child with contents: it goes behind the tag. */
    memcpy(o->data, &head, sizeof head);
    o->tag = 2 * i + 1;
    head = o;
  }
}

static atomic_size_t n_chain;

static int on_chain_dead(void *obj) {
  struct object *o = obj;
  if ((o->tag & 1) != 0) {
    atomic_fetch_add(&n_chain, 1);
    o->tag = 0;
  }
  return 0;
}

static void a_chain_of_a_million_dies_at_once(void) {
  if (!gu_on_reclaim())
    tap_skip("this library takes one collection a link");
  prepare();
  GC_register_disclaim_proc(kinds[1], on_chain_dead, 1);
  gu_apart(make_long_chain, NULL);
  gu_collect();
  tap_eq_u(atomic_load(&n_chain), max_serials);
}

/* ---- Lookups in a table that does not keep its entries ---- */

struct entry_node {
  uintptr_t tag; /* 2 * key + 1 */
  uintptr_t magic;
};

enum { MAGIC_LIVE = 0x11117777, MAGIC_DEAD = 0x33335555 };

static uintptr_t table[N_KEYS]; /* complemented; the allocator lock guards it */
static int node_kind;
static atomic_size_t n_hits, n_misses, n_removed, n_wrong;
static atomic_bool stop_flag;

/* Runs with the lock, or with what excludes its holders. */
static int remove_node(void *obj) {
  struct entry_node *n = obj;
  if ((n->tag & 1) == 0)
    return 0;
  size_t key = n->tag / 2;
  if (table[key] == gu_hide(n))
    table[key] = 0;
  atomic_fetch_add(&n_removed, 1);
  n->magic = MAGIC_DEAD;
  n->tag = 0;
  return 0;
}

struct request {
  size_t key;
  struct entry_node *fresh;
};

/* Returns the node of the key, made live again, or puts the fresh one in. */
static void *find_or_insert(void *arg) {
  struct request *r = arg;
  if (table[r->key] != 0) {
    struct entry_node *n = gu_reveal(table[r->key]);
    if (n->magic != MAGIC_LIVE)
      atomic_fetch_add(&n_wrong, 1);
    GC_set_mark_bit(n);
    atomic_fetch_add(&n_hits, 1);
    return n;
  }
  atomic_fetch_add(&n_misses, 1);
  r->fresh->magic = MAGIC_LIVE;
  r->fresh->tag = 2 * r->key + 1;
  table[r->key] = gu_hide(r->fresh);
  return r->fresh;
}

static GU_NOINLINE void *look_up(void *arg) {
  struct entry_node *volatile recent[N_RECENT] = {NULL};
  uint64_t rand = tap_seed() * 77 + (uintptr_t)arg;
  size_t n = tap_long() ? 5000000 : 300000;
  for (size_t i = 0; i < n; i++) {
    struct request r = {
        tap_rand_r(&rand) % N_KEYS,
        GC_generic_malloc(sizeof(struct entry_node), node_kind)};
    struct entry_node *found = GC_call_with_alloc_lock(find_or_insert, &r);
    struct entry_node *old = recent[i % N_RECENT];
    if (old != NULL && old->magic != MAGIC_LIVE)
      atomic_fetch_add(&n_wrong, 1);
    recent[i % N_RECENT] = found;
    if (found->tag != 2 * r.key + 1 || found->magic != MAGIC_LIVE)
      atomic_fetch_add(&n_wrong, 1);
  }
  return NULL;
}

static void *collect(void *arg) {
  while (!atomic_load(&stop_flag))
    GC_gcollect();
  return arg;
}

static void lookups_never_return_a_dead_node(void) {
  pthread_t t[N_THREADS], collector;
  GC_INIT();
  node_kind = (int)GC_new_kind(GC_new_free_list(), 0, 0, 1);
  GC_register_disclaim_proc(node_kind, remove_node, 0);
  tap_require(GC_pthread_create(&collector, NULL, collect, NULL) == 0);
  for (uintptr_t i = 0; i < N_THREADS; i++)
    tap_require(GC_pthread_create(&t[i], NULL, look_up, (void *)i) == 0);
  for (int i = 0; i < N_THREADS; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
  atomic_store(&stop_flag, true);
  tap_eq_u(GC_pthread_join(collector, NULL), 0);
  tap_eq_u(atomic_load(&n_wrong), 0);
  tap_ge(atomic_load(&n_hits), 1000);
  tap_ge(atomic_load(&n_removed), 1000);
  tap_note("%zu hits, %zu misses, %zu removed, %zu collections",
           atomic_load(&n_hits), atomic_load(&n_misses),
           atomic_load(&n_removed), (size_t)GC_get_gc_no());
}

TAP_MAIN(TAP_CASE_T(every_object_is_notified_exactly_once, 120),
         TAP_CASE_T(a_chain_of_a_million_dies_at_once, 120),
         TAP_CASE_T(lookups_never_return_a_dead_node, 120))
