/* tests/api/disclaim.c: notification of dead objects. SPDX-License-Identifier: MIT */

/*
 * Contract: every dead object of a disclaim kind is notified exactly once
 * before its memory is used again, live ones never; a nonzero result keeps it;
 * with mark_from_all what it refers to is intact; finalised objects get their
 * closure. Tags make the tests right for both implementations: the first word
 * of an object in use is odd, that of an unused cell is not.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>

#include <stdatomic.h>
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 4000, DATA_BYTES = 24, MARGIN = 5 };

struct node {
  uintptr_t tag; /* 2 * id + 1 */
  struct node *next;
  void *child;
  unsigned char data[DATA_BYTES];
};

static struct node *volatile keep[N_OBJ];
static uint8_t count[N_OBJ];  /* notifications by id */
static uint8_t refuse[N_OBJ]; /* how often to keep the object */
static size_t n_notified, n_bad, n_unused;
static bool look_at_child, allocate_inside;
static int node_kind;

static void look_at_node(struct node *n, size_t id) {
  count[id]++;
  n_notified++;
  if (!gu_is_intact(n->data, DATA_BYTES, id))
    n_bad++;
  if (look_at_child && n->child != NULL &&
      !gu_is_intact(n->child, DATA_BYTES, id + 1000000))
    n_bad++;
  if (allocate_inside)
    memset(GC_malloc(100), 0xff, 100);
}

static int on_dead(void *obj) {
  struct node *n = obj;
  size_t id = n->tag / 2;
  if ((n->tag & 1) == 0) {
    n_unused++;
    return 0;
  }
  if (id >= N_OBJ) /* spare object */
    return 0;
  look_at_node(n, id);
  if (refuse[id] > 0) {
    refuse[id]--;
    return 1;
  }
  n->tag = 0;
  return 0;
}

static void prepare(int mark_from_all) {
  GC_INIT();
  node_kind = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
  GC_register_disclaim_proc(node_kind, on_dead, mark_from_all);
}

static struct node *new_node(size_t id) {
  struct node *n = GC_generic_malloc(sizeof *n, node_kind);
  gu_fill(n->data, DATA_BYTES, id);
  n->tag = 2 * id + 1;
  return n;
}

static void make_nodes(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = new_node(i);
}

static void drop_all(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = NULL;
}

static void drop_one_in(void *arg) {
  size_t step = *(size_t *)arg;
  for (size_t i = step / 2; i < N_OBJ; i += step)
    keep[i] = NULL;
}

/* Objects that the callback ignores; makes lazy implementations go on. */
static void allocate_spares(void *arg) {
  (void)arg;
  for (size_t i = 0; i < 3 * N_OBJ; i++) {
    struct node *n = GC_generic_malloc(sizeof *n, node_kind);
    n->tag = 2 * N_OBJ + 1;
  }
}

static void settle(void) {
  for (int i = 0; i < 3; i++) {
    gu_collect();
    gu_apart(allocate_spares, NULL);
  }
  gu_collect();
}

/* All ids with id % step == rest must have been notified once, or nearly all. */
static void check_counts(size_t step, size_t rest) {
  size_t once = 0, wanted = 0;
  for (size_t i = 0; i < N_OBJ; i++) {
    tap_require(count[i] <= 1);
    bool dead = i % step == rest;
    tap_require(dead || count[i] == 0);
    wanted += dead;
    once += dead && count[i] == 1;
  }
  if (!tap_check(once * 100 >= wanted * (100 - MARGIN)))
    tap_note("%zu of %zu notified", once, wanted);
  tap_eq_u(n_bad, 0);
}

static void dead_objects_are_notified_once(void) {
  prepare(0);
  gu_apart(make_nodes, NULL);
  gu_apart(drop_all, NULL);
  settle();
  check_counts(1, 0);
}

static void dead_objects_are_notified_once_with_mark_from_all(void) {
  prepare(1);
  gu_apart(make_nodes, NULL);
  gu_apart(drop_all, NULL);
  settle();
  check_counts(1, 0);
}

static void live_objects_are_not_notified(void) {
  prepare(0);
  gu_apart(make_nodes, NULL);
  settle();
  tap_eq_u(n_notified, 0);
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(keep[i]->data, DATA_BYTES, i));
}

static void half_of_a_block_is_notified(void) {
  size_t step = 2;
  prepare(0);
  gu_apart(make_nodes, NULL);
  gu_apart(drop_one_in, &step);
  settle();
  check_counts(2, 1);
}

static void one_in_sixteen_is_notified(void) {
  size_t step = 16;
  prepare(0);
  gu_apart(make_nodes, NULL);
  gu_apart(drop_one_in, &step);
  settle();
  check_counts(16, 8);
}

static void one_in_sixty_four_is_notified(void) {
  size_t step = 64;
  prepare(0);
  gu_apart(make_nodes, NULL);
  gu_apart(drop_one_in, &step);
  settle();
  check_counts(64, 32);
}

static void notified_without_further_allocation(void) {
  size_t step = 4;
  prepare(0);
  gu_apart(make_nodes, NULL);
  gu_apart(drop_one_in, &step);
  gu_collect();
  check_counts(4, 2);
}

static void unused_cells_are_never_passed(void) {
  size_t step = 3;
  prepare(0);
  for (int round = 0; round < 5; round++) {
    gu_apart(make_nodes, NULL);
    gu_apart(drop_one_in, &step);
    settle();
  }
  tap_eq_u(n_unused, 0);
}

static void kept_objects_stay_and_come_again(void) {
  prepare(0);
  memset(refuse, 2, sizeof refuse);
  gu_apart(make_nodes, NULL);
  gu_apart(drop_all, NULL);
  settle();
  settle();
  size_t thrice = 0;
  for (size_t i = 0; i < N_OBJ; i++) {
    tap_require(count[i] <= 3);
    thrice += count[i] == 3;
  }
  tap_ge(thrice, N_OBJ * (100 - MARGIN) / 100);
  tap_eq_u(n_bad, 0);
}

static void always_kept_objects_are_never_overwritten(void) {
  static uintptr_t hidden[N_OBJ];
  prepare(0);
  memset(refuse, 200, sizeof refuse);
  gu_apart(make_nodes, NULL);
  for (size_t i = 0; i < N_OBJ; i++)
    hidden[i] = gu_hide(keep[i]);
  gu_apart(drop_all, NULL);
  settle();
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = gu_reveal(hidden[i]);
    tap_require(n->tag == 2 * i + 1);
    tap_require(gu_is_intact(n->data, DATA_BYTES, i));
  }
}

/* ---- What dead objects refer to ---- */

static void make_parents(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    keep[i] = new_node(i);
    keep[i]->child = GC_malloc_atomic(DATA_BYTES);
    gu_fill(keep[i]->child, DATA_BYTES, i + 1000000);
  }
}

static void children_are_intact_with_mark_from_all(void) {
  prepare(1);
  look_at_child = true;
  gu_apart(make_parents, NULL);
  gu_apart(drop_all, NULL);
  for (int i = 0; i < 5; i++) {
    for (size_t j = 0; j < N_OBJ; j++) /* take what was freed too early */
      memset(GC_malloc_atomic(DATA_BYTES), 0x7f, DATA_BYTES);
    settle();
  }
  check_counts(1, 0);
}

static size_t chain_length, n_chains;

static void make_chains(void *arg) {
  (void)arg;
  for (size_t c = 0; c < n_chains; c++) {
    struct node *head = NULL;
    for (size_t i = 0; i < chain_length; i++) {
      struct node *n = new_node(c * chain_length + i);
      n->next = head;
      head = n;
    }
  }
}

/* A stale word may keep one chain as a whole. */
static void check_chains(void) {
  size_t once = 0, n = n_chains * chain_length;
  for (size_t i = 0; i < n; i++) {
    tap_require(count[i] <= 1);
    once += count[i];
  }
  if (!tap_check(once + chain_length >= n))
    tap_note("%zu of %zu notified", once, n);
  tap_eq_u(n_bad, 0);
}

static void short_chains_die_in_some_collections(void) {
  prepare(1);
  chain_length = 10;
  n_chains = 4;
  gu_apart(make_chains, NULL);
  for (int i = 0; i < 20; i++)
    settle();
  check_chains();
}

static void long_chains_die_in_one_collection(void) {
  prepare(1);
  chain_length = 1000;
  n_chains = 4;
  gu_apart(make_chains, NULL);
  gu_collect();
  check_chains();
}

static void make_pairs(void *arg) {
  (void)arg;
  for (size_t i = 0; i + 1 < N_OBJ; i += 2) {
    struct node *a = new_node(i);
    struct node *b = new_node(i + 1);
    a->next = b;
    b->next = a;
  }
}

static void cycles_die_with_mark_from_all(void) {
  prepare(1);
  gu_apart(make_pairs, NULL);
  gu_collect();
  check_counts(1, 0);
}

static void make_self_loops(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = new_node(i);
    n->next = n;
  }
}

static void self_loops_die_with_mark_from_all(void) {
  prepare(1);
  gu_apart(make_self_loops, NULL);
  gu_collect();
  check_counts(1, 0);
}

static void cycles_die_without_mark_from_all(void) {
  prepare(0);
  gu_apart(make_pairs, NULL);
  settle();
  check_counts(1, 0);
}

/* Parent, then child, through an ordinary object in between. */
static void make_linked(void *arg) {
  (void)arg;
  for (size_t i = 0; i + 1 < N_OBJ; i += 2) {
    struct node *parent = new_node(i);
    struct node **middle = GC_malloc(64);
    *middle = new_node(i + 1);
    parent->child = NULL;
    parent->next = (struct node *)(void *)middle;
  }
}

static size_t n_misordered;

static int check_order(void *obj) {
  struct node *n = obj;
  if ((n->tag & 1) != 0 && n->tag / 2 < N_OBJ) {
    size_t id = n->tag / 2;
    count[id]++;
    if (id % 2 == 0 && count[id + 1] != 0)
      n_misordered++;
    n->tag = 0;
  }
  return 0;
}

static void parents_are_notified_before_children(void) {
  GC_INIT();
  node_kind = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
  GC_register_disclaim_proc(node_kind, check_order, 1);
  gu_apart(make_linked, NULL);
  gu_collect();
  check_counts(1, 0);
  tap_eq_u(n_misordered, 0);
}

/* ---- The callback itself ---- */

static void the_callback_may_allocate(void) {
  prepare(0);
  GC_allow_register_threads(); /* from now on locks are really taken */
  allocate_inside = true;
  gu_apart(make_nodes, NULL);
  gu_apart(drop_all, NULL);
  settle();
  check_counts(1, 0);
}

static size_t n_second;

static int on_dead_second(void *obj) {
  struct node *n = obj;
  if ((n->tag & 1) != 0)
    n_second++;
  n->tag = 0;
  return 0;
}

static void registration_replaces_the_callback(void) {
  prepare(0);
  GC_register_disclaim_proc(node_kind, on_dead_second, 0);
  gu_apart(make_nodes, NULL);
  gu_apart(drop_all, NULL);
  settle();
  tap_eq_u(n_notified, 0);
  tap_ge(n_second, N_OBJ * (100 - MARGIN) / 100);
}

static void explicit_free_does_not_notify(void) {
  prepare(0);
  for (size_t i = 0; i < N_OBJ; i++)
    GC_free(new_node(i));
  settle();
  tap_eq_u(n_notified, 0);
}

static void callbacks_on_the_ordinary_kind(void) {
  GC_INIT();
  node_kind = 1;
  GC_register_disclaim_proc(node_kind, on_dead, 0);
  gu_apart(make_nodes, NULL);
  gu_apart(drop_all, NULL);
  settle();
  check_counts(1, 0);
}

static void make_sized(void *arg) {
  size_t size = *(size_t *)arg;
  for (size_t i = 0; i < N_OBJ / 40; i++) {
    struct node *n = GC_generic_malloc(size, node_kind);
    gu_fill(n->data, DATA_BYTES, i);
    n->tag = 2 * i + 1;
  }
}

static void all_sizes_are_notified(void) {
  static size_t sizes[] = {
      sizeof(struct node), 100, 500, 2000, 5000, 20000, 100000, 400000};
  prepare(0);
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    size_t once = 0;
    memset(count, 0, sizeof count);
    gu_apart(make_sized, &sizes[s]);
    settle();
    gu_apart(make_sized, &sizes[s]); /* lazy implementations go on */
    for (size_t i = 0; i < N_OBJ / 40; i++)
      once += count[i] != 0;
    if (!tap_check(once * 100 >= N_OBJ / 40 * 80u))
      tap_note("size %zu: %zu of %d", sizes[s], once, N_OBJ / 40);
    settle();
  }
  tap_eq_u(n_bad, 0);
}

/* ---- Finalised allocation ---- */

static void on_final(void *obj, void *cd) {
  struct node *n = obj;
  size_t id = n->tag / 2;
  tap_check(cd == &n_notified || cd == (void *)~(uintptr_t)0);
  look_at_node(n, id);
}

static const struct GC_finalizer_closure closure = {on_final, &n_notified};

static void make_finalised(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = GC_finalized_malloc(sizeof *n, &closure);
    tap_require(gu_is_zero(n, sizeof *n));
    n->tag = 2 * i + 1;
    gu_fill(n->data, DATA_BYTES, i);
    n->child = GC_malloc_atomic(DATA_BYTES);
    gu_fill(n->child, DATA_BYTES, i + 1000000);
    keep[i] = n;
  }
}

static void settle_finalised(void) {
  for (int i = 0; i < 3; i++) {
    gu_collect();
    for (size_t j = 0; j < N_OBJ; j++)
      memset(GC_malloc_atomic(DATA_BYTES), 0x7f, DATA_BYTES);
  }
}

static void finalised_objects_get_their_closure(void) {
  GC_INIT();
  GC_init_finalized_malloc();
  look_at_child = true;
  gu_apart(make_finalised, NULL);
  gu_apart(drop_all, NULL);
  settle_finalised();
  check_counts(1, 0);
}

static void live_finalised_objects_are_left_alone(void) {
  GC_INIT();
  GC_init_finalized_malloc();
  gu_apart(make_finalised, NULL);
  settle_finalised();
  tap_eq_u(n_notified, 0);
  for (size_t i = 0; i < N_OBJ; i++) {
    tap_require(gu_is_intact(keep[i]->data, DATA_BYTES, i));
    tap_require(gu_is_intact(keep[i]->child, DATA_BYTES, i + 1000000));
  }
}

static void finalised_malloc_may_be_prepared_again(void) {
  GC_INIT();
  for (int i = 0; i < 3; i++)
    GC_init_finalized_malloc();
  gu_apart(make_finalised, NULL);
  gu_apart(drop_all, NULL);
  settle_finalised();
  check_counts(1, 0);
}

static void make_with_closures(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct GC_finalizer_closure *c = GC_malloc(sizeof *c);
    c->proc = on_final;
    c->cd = (void *)~(uintptr_t)0;
    struct node *n = GC_finalized_malloc(sizeof *n, c);
    n->tag = 2 * i + 1;
    gu_fill(n->data, DATA_BYTES, i);
    keep[i] = n;
  }
}

/* Only the library refers to the closures. */
static void closures_in_the_heap_stay(void) {
  GC_INIT();
  GC_init_finalized_malloc();
  gu_apart(make_with_closures, NULL);
  gu_collect();
  for (size_t i = 0; i < 2 * N_OBJ; i++)
    memset(GC_malloc(sizeof closure), 0x7f, sizeof closure);
  gu_apart(drop_all, NULL);
  settle_finalised();
  check_counts(1, 0);
}

static void finalised_sizes(void) {
  GC_INIT();
  GC_init_finalized_malloc();
  for (size_t n = sizeof(struct node); n < 300000; n = n * 2 + 1) {
    char *p = GC_finalized_malloc(n, &closure);
    tap_require(p != NULL && gu_is_zero(p, n));
    tap_eq_u((uintptr_t)p % 8, 0);
    void *base = GC_base(p);
    tap_check(base != NULL && (char *)base <= p);
    tap_ge(GC_size(base), n + (size_t)(p - (char *)base));
    struct node *n0 = (struct node *)(void *)p;
    gu_fill(n0->data, DATA_BYTES, 0);
    n0->tag = 1;
  }
}

static void freed_finalised_objects_are_not_notified(void) {
  GC_INIT();
  GC_init_finalized_malloc();
  gu_apart(make_finalised, NULL);
  for (size_t i = 0; i < N_OBJ; i++) {
    GC_free(GC_base(keep[i]));
    keep[i] = NULL;
  }
  settle_finalised();
  tap_eq_u(n_notified, 0);
}

TAP_MAIN(TAP_CASE(dead_objects_are_notified_once),
         TAP_CASE(dead_objects_are_notified_once_with_mark_from_all),
         TAP_CASE(live_objects_are_not_notified),
         TAP_CASE(half_of_a_block_is_notified),
         TAP_CASE(one_in_sixteen_is_notified),
         TAP_CASE(one_in_sixty_four_is_notified),
         TAP_CASE(notified_without_further_allocation),
         TAP_CASE(unused_cells_are_never_passed),
         TAP_CASE(kept_objects_stay_and_come_again),
         TAP_CASE(always_kept_objects_are_never_overwritten),
         TAP_CASE(children_are_intact_with_mark_from_all),
         TAP_CASE(short_chains_die_in_some_collections),
         TAP_CASE(long_chains_die_in_one_collection),
         TAP_CASE(cycles_die_with_mark_from_all),
         TAP_CASE(self_loops_die_with_mark_from_all),
         TAP_CASE(cycles_die_without_mark_from_all),
         TAP_CASE(parents_are_notified_before_children),
         TAP_CASE_T(the_callback_may_allocate, 15),
         TAP_CASE(registration_replaces_the_callback),
         TAP_CASE(explicit_free_does_not_notify),
         TAP_CASE(callbacks_on_the_ordinary_kind),
         TAP_CASE(all_sizes_are_notified),
         TAP_CASE(finalised_objects_get_their_closure),
         TAP_CASE(live_finalised_objects_are_left_alone),
         TAP_CASE(finalised_malloc_may_be_prepared_again),
         TAP_CASE(closures_in_the_heap_stay), TAP_CASE(finalised_sizes),
         TAP_CASE(freed_finalised_objects_are_not_notified))
