/* tests/api/trap_follow.c: what a dying object refers to is intact in its callback. SPDX-License-Identifier: MIT */

/*
 * With mark_from_all a callback may read whatever the dead object refers to,
 * near or far: through ordinary objects, by interior pointers, into large
 * objects and into other kinds. Memory that was freed is not overwritten by
 * itself, so somebody has to take it before the callback looks: the callback
 * allocates in all sizes concerned, where that is allowed, and threads that
 * allocate all the time do so everywhere.
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
#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum {
  N_PARENTS = 400,
  NEAR_BYTES = 40,
  ARRAY_BYTES = 1000,
  LARGE_BYTES = 70000,
  TEXT_BYTES = 24,
  N_TAKERS = 3
};

struct link {
  struct link *next;
  unsigned char *text; /* pointer-free */
  unsigned char data[NEAR_BYTES];
};

/* The first word of an object in use is odd, that of an unused cell is not. */
struct parent {
  uintptr_t tag; /* 2 * id + 1 */
  struct link *chain;
  unsigned char *array; /* its middle */
  uintptr_t *large;
  struct parent *other; /* of a kind without callbacks */
  unsigned char data[NEAR_BYTES];
};

static int dying_kind, plain_kind;
static uintptr_t hidden[N_PARENTS]; /* what each refers to */
static atomic_size_t n_notified, n_damaged;
static atomic_bool stop_flag;
static bool allocate_inside;

/* ---- Taking what was freed ---- */

static void take(size_t times) {
  static const size_t sizes[] = {sizeof(struct link), sizeof(struct parent),
                                 ARRAY_BYTES};
  for (size_t i = 0; i < times; i++) {
    for (size_t k = 0; k < 3; k++)
      memset(GC_malloc(sizes[k]), 0x7e, sizes[k]);
    void *p = GC_generic_malloc(sizeof(struct parent), plain_kind);
    memset(p, 0x7e, sizeof(struct parent));
    memset(GC_malloc_atomic(TEXT_BYTES), 0x7e, TEXT_BYTES);
    if (i % 16 == 0)
      memset(GC_malloc(LARGE_BYTES), 0x7e, LARGE_BYTES);
  }
}

static void *take_always(void *arg) {
  while (!atomic_load(&stop_flag))
    take(50);
  return arg;
}

/* ---- Making and looking ---- */

static struct link *make_chain(size_t id) {
  struct link *head = NULL;
  for (size_t i = 0; i < 3; i++) {
    struct link *l = GC_malloc(sizeof *l);
    gu_fill(l->data, NEAR_BYTES, id + i);
    l->text = GC_malloc_atomic(TEXT_BYTES);
    gu_fill(l->text, TEXT_BYTES, id + i);
    l->next = head;
    head = l;
  }
  return head;
}

static void make_parent(size_t id) {
  struct parent *p = GC_generic_malloc(sizeof *p, dying_kind);
  gu_fill(p->data, NEAR_BYTES, id);
  p->chain = make_chain(id);
  p->array = (unsigned char *)GC_malloc(ARRAY_BYTES) + ARRAY_BYTES / 2;
  gu_fill(p->array - ARRAY_BYTES / 2, ARRAY_BYTES, id);
  if (id % 8 == 0) {
    p->large = GC_malloc(LARGE_BYTES);
    p->large[LARGE_BYTES / sizeof(uintptr_t) - 1] = 2 * id + 1;
  }
  p->other = GC_generic_malloc(sizeof *p->other, plain_kind);
  gu_fill(p->other->data, NEAR_BYTES, id);
  p->other->chain = make_chain(id + 7);
  hidden[id] = gu_hide(p->chain);
  p->tag = 2 * id + 1;
}

static void make_parents(void *arg) {
  (void)arg;
  for (size_t id = 0; id < N_PARENTS; id++)
    make_parent(id);
}

static bool is_chain_intact(const struct link *l, size_t id) {
  size_t i = 3;
  for (; l != NULL && i > 0; l = l->next, i--)
    if (!gu_is_intact(l->data, NEAR_BYTES, id + i - 1) ||
        !gu_is_intact(l->text, TEXT_BYTES, id + i - 1))
      return false;
  return l == NULL && i == 0;
}

/* What comes first is looked at first: the rest may not be there. */
static bool is_intact(const struct parent *p, size_t id) {
  return gu_is_intact(p->data, NEAR_BYTES, id) &&
         gu_is_intact(p->array - ARRAY_BYTES / 2, ARRAY_BYTES, id) &&
         (p->large == NULL ||
          p->large[LARGE_BYTES / sizeof(uintptr_t) - 1] == 2 * id + 1) &&
         gu_is_intact(p->chain->data, NEAR_BYTES, id + 2) &&
         is_chain_intact(p->chain, id) &&
         gu_is_intact(p->other->data, NEAR_BYTES, id) &&
         is_chain_intact(p->other->chain, id + 7);
}

static int on_dead(void *object) {
  struct parent *p = object;
  if ((p->tag & 1) == 0)
    return 0;
  if (allocate_inside)
    take(20);
  if (!is_intact(p, p->tag / 2))
    atomic_fetch_add(&n_damaged, 1);
  atomic_fetch_add(&n_notified, 1);
  p->tag = 0;
  return 0;
}

static void prepare(int mark_from_all) {
  GC_INIT();
  dying_kind = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
  plain_kind = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
  GC_register_disclaim_proc(dying_kind, on_dead, mark_from_all);
}

/* An implementation that is slower may need some collections and requests. */
static void settle(void) {
  for (size_t i = 0; i < 5; i++) {
    gu_collect();
    for (size_t k = 0; k < N_PARENTS; k++)
      GC_generic_malloc(sizeof(struct parent), dying_kind);
  }
}

static void check_all_seen(size_t rounds) {
  tap_ge(atomic_load(&n_notified), rounds * N_PARENTS * 95 / 100);
  tap_le(atomic_load(&n_notified), rounds * N_PARENTS);
  tap_eq_u(atomic_load(&n_damaged), 0);
}

/* ---- Cases ---- */

static void intact_while_the_callback_allocates(void) {
  prepare(1);
  GC_allow_register_threads();
  allocate_inside = true;
  for (size_t round = 0; round < 3; round++) {
    gu_apart(make_parents, NULL);
    settle();
  }
  check_all_seen(3);
}

static void intact_while_threads_allocate(void) {
  pthread_t t[N_TAKERS];
  size_t rounds = tap_long() ? 200 : 8;
  prepare(1);
  for (int i = 0; i < N_TAKERS; i++)
    tap_require(GC_pthread_create(&t[i], NULL, take_always, NULL) == 0);
  for (size_t round = 0; round < rounds; round++) {
    gu_apart(make_parents, NULL);
    settle();
  }
  atomic_store(&stop_flag, true);
  for (int i = 0; i < N_TAKERS; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
  check_all_seen(rounds);
}

/* Held until the callback has run, and no longer. */
static void freed_after_the_callback(void) {
  prepare(1);
  gu_apart(make_parents, NULL);
  settle();
  gu_collect();
  gu_check_most_dead(hidden, N_PARENTS, "referents of notified objects");
  check_all_seen(1);
}

TAP_MAIN(TAP_CASE_T(intact_while_the_callback_allocates, 12),
         TAP_CASE(intact_while_threads_allocate),
         TAP_CASE(freed_after_the_callback))
