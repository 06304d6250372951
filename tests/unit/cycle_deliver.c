/* tests/unit/cycle_deliver.c: condemned objects: states, order, keeping, release.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"
#include "unit/notify.h"

#include "alloc/alloc.h"
#include "alloc/free_realloc.h"
#include "base/switches.h"
#include "cycle/api_lock.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/drain.h"
#include "cycle/gc_start.h"
#include "heap/find.h"
#include "heap/space.h"
#include "notify/pending.h"

struct node {
  struct node *next;
  uintptr_t serial;
};

#define MAX_NODES 1100000u
static uint8_t *notified; /* by serial, where the collector does not look */
static size_t total, order_errors;
static uintptr_t last_serial;
static size_t keep_every; /* keep one object in n; 0: none */

static int count_death(void *object) {
  struct node *n = object;
  tap_check(n->serial < MAX_NODES);
  if (keep_every != 0 && notified[n->serial] == 0 &&
      n->serial % keep_every == 0) {
    notified[n->serial] = 100;
    return 1;
  }
  notified[n->serial]++;
  order_errors += n->serial < last_serial;
  last_serial = n->serial;
  total++;
  return 0;
}

static unsigned start_kind(bool held) {
  gc_start();
  notified = gc_alloc(MAX_NODES, KIND_ATOMIC_UNCOLL);
  __builtin_memset(notified, 0, MAX_NODES);
  unsigned kind = gc_kind_new(0, true, true);
  tap_require(kind != 0 && notify_by(kind, count_death, held));
  return kind;
}

static gc_noinline void clear_stack(void) {
  volatile char dead[16384];
  for (size_t i = 0; i < sizeof dead; i++)
    dead[i] = 0;
}

/* A chain of n nodes; serials grow from the head. */
static size_t node_bytes = sizeof(struct node);

static gc_noinline void drop_chain(unsigned kind, size_t n) {
  struct node *head = NULL;
  for (size_t i = n; i-- > 0;) {
    struct node *x = gc_alloc(node_bytes, kind);
    x->next = head;
    x->serial = i;
    head = x;
  }
}

static void collect(void) {
  clear_stack();
  gc_collect(COLLECT_EXPLICIT);
}

static void long_chain_dies_at_once_parents_first(void) {
  unsigned kind = start_kind(true);
  drop_chain(kind, 1000000);
  collect();
  tap_ge(total, 999990);
  tap_eq_u(order_errors, 0);
}

static gc_noinline void drop_cycles(unsigned kind, size_t n) {
  for (size_t i = 0; i < n; i++) {
    struct node *a = gc_alloc(sizeof *a, kind), *b = gc_alloc(sizeof *b, kind);
    a->next = b;
    b->next = a;
    a->serial = 2 * i;
    b->serial = 2 * i + 1;
  }
}

static void cycles_die_at_once(void) {
  unsigned kind = start_kind(true);
  drop_cycles(kind, 1000);
  collect();
  tap_ge(total, 1990);
}

/* Drops one object in n of full blocks; the others stay in a table. */
static void sparse_deaths(unsigned one_in) {
  unsigned kind = start_kind(false);
  size_t count = 100000, expected = 0;
  struct node **keep = gc_alloc(count * sizeof *keep, KIND_UNCOLL);
  for (size_t i = 0; i < count; i++) {
    keep[i] = gc_alloc(sizeof **keep, kind);
    keep[i]->serial = i;
  }
  collect();
  tap_eq_u(total, 0);
  for (size_t i = 0; i < count; i += one_in, expected++)
    keep[i] = NULL;
  collect();
  tap_ge(total, expected - 2);
  tap_le(total, expected);
  size_t twice = 0, wrong = 0;
  for (size_t i = 0; i < count; i++) {
    twice += notified[i] > 1;
    wrong += notified[i] != 0 && keep[i] != NULL;
  }
  tap_eq_u(twice, 0);
  tap_eq_u(wrong, 0);
}

static void one_in_16(void) { sparse_deaths(16); }
static void one_in_64(void) { sparse_deaths(64); }

static void kept_objects_come_again(void) {
  unsigned kind = start_kind(false);
  keep_every = 3;
  drop_chain(kind, 9000);
  collect();
  tap_ge(total, 5990);
  collect();
  tap_ge(total, 8990);
  tap_le(total, 9000);
}

/* Keeping the head of a chain keeps all of it. */
static void keeping_on_a_held_kind_keeps_the_closure(void) {
  unsigned kind = start_kind(true);
  keep_every = MAX_NODES; /* serial 0, the head */
  drop_chain(kind, 5000);
  collect();
  tap_eq_u(notified[0], 100);
  tap_le(total, 3);
  collect();
  tap_ge(total, 4990);
}

/* Each slot serves one object after the other, and each of them is notified. */
/* Of a size of which no multiple of eight fits into a block: eight states are released
 * at once, and the last ones of a block one by one. */
static void slots_are_used_and_notified_again(void) {
  node_bytes = 40; /* in slots of 48 */
  unsigned kind = start_kind(false);
  size_t heap = 0;
  for (unsigned round = 0; round < 10; round++) {
    drop_chain(kind, 50000);
    collect();
    collect();
    if (round == 1)
      heap = gc_space_heap_bytes();
    size_t wrong = 0;
    for (size_t i = 0; i < 50000; i++)
      wrong += notified[i] != round + 1;
    tap_le(wrong, 10u * (round + 1));
  }
  tap_le(gc_space_heap_bytes(), heap + heap / 2);
}

enum { N_SOME = 2000 };

static gc_noinline size_t refill_some(unsigned kind, struct node **kept) {
  size_t wrong = 0;
  for (size_t i = 0; i < N_SOME; i++) {
    if (kept[i] == NULL) {
      kept[i] = gc_alloc(node_bytes, kind);
      kept[i]->serial = i;
    }
    wrong += kept[i]->serial != i;
  }
  return wrong;
}

/* What a released slot's state says must not be found again when its block is next
 * released: an object lives there. */
static void slots_in_use_are_not_released(void) {
  node_bytes = 40; /* in slots of 48 */
  unsigned kind = start_kind(false);
  struct node **kept = gc_alloc(N_SOME * sizeof *kept, KIND_UNCOLLECTABLE);
  for (size_t round = 0; round < 8; round++) {
    tap_eq_u(refill_some(kind, kept), 0);
    for (size_t i = 0; i < N_SOME; i++)
      if (round == 0 || i % 97 == round) /* few: examining writes their like */
        kept[i] = NULL;
    collect();
    collect();
  }
}

static unsigned count_notified(size_t from, size_t step, size_t to, uint8_t n) {
  unsigned count = 0;
  for (size_t i = from; i < to; i += step)
    count += notified[i] == n;
  return count;
}

/* Keeping one of a ring keeps the ring, and following it ends. */
static void keeping_in_a_cycle_keeps_the_cycle(void) {
  unsigned kind = start_kind(true);
  keep_every = 10;
  drop_cycles(kind, 1000);
  collect();
  tap_ge(count_notified(0, 10, 2000, 100), 195);
  tap_ge(count_notified(1, 10, 2000, 0), 195);
  tap_ge(total, 1590);
  collect();
  tap_ge(count_notified(0, 10, 2000, 101), 195);
  tap_ge(count_notified(1, 10, 2000, 1), 195);
}

static unsigned allocating_kind;
static size_t allocated_inside;

static int allocate_in_callback(void *object) {
  struct node *n = object;
  for (unsigned i = 0; i < 4; i++) {
    char *p = gc_alloc(200 + 1000 * (n->serial % 3), KIND_NORMAL);
    tap_check(p != NULL && p[0] == 0);
    allocated_inside++;
  }
  return 0;
}

static void callbacks_may_allocate(void) {
  start_kind(false);
  allocating_kind = gc_kind_new(0, true, true);
  tap_require(notify_by(allocating_kind, allocate_in_callback, true));
  for (unsigned round = 0; round < 5; round++) {
    drop_chain(allocating_kind, 20000);
    collect();
  }
  tap_ge(allocated_inside, 4 * 99900);
}

static void *revive_all(void *list) {
  uintptr_t *hidden = list;
  size_t revived = 0;
  for (size_t i = 0; i < 1000; i++)
    revived += gc_object_is_marked((void *)~hidden[i]);
  return (void *)revived;
}

/* Examined but not delivered: revival under the lock wins over the notifier. */
static void revived_objects_are_not_notified(void) {
  unsigned kind = start_kind(false);
  uintptr_t *hidden = gc_alloc(1000 * sizeof *hidden, KIND_ATOMIC_UNCOLL);
  for (size_t i = 0; i < 1000; i++) {
    struct node *n = gc_alloc(sizeof *n, kind);
    n->serial = i;
    hidden[i] = ~(uintptr_t)n;
  }
  clear_stack();
  gc_collect(COLLECT_BUDGET); /* does not deliver by itself */
  gc_api_lock();
  size_t live = (size_t)revive_all(hidden);
  tap_le(live, 10);
  for (size_t i = 0; i < 1000; i += 2)
    gc_object_set_mark((void *)~hidden[i]);
  gc_deliver(DELIVER_ALL);
  gc_api_unlock();
  tap_ge(total, 490);
  tap_le(total, 500);
  for (size_t i = 0; i < 1000; i += 2)
    tap_check(notified[i] == 0);
  tap_ge(gc_pending.revived, 490);
}

static uintptr_t *hidden_objects;

static gc_noinline void make_hidden(unsigned kind, size_t n, size_t bytes) {
  hidden_objects = gc_alloc(n * sizeof *hidden_objects, KIND_ATOMIC_UNCOLL);
  ++*gc_switches.dont_gc; /* nothing dies before all are there */
  for (size_t i = 0; i < n; i++) {
    struct node *x = gc_alloc(bytes, kind);
    x->serial = i;
    hidden_objects[i] = ~(uintptr_t)x;
  }
  --*gc_switches.dont_gc;
}

/* Condemns without delivering. */
static void condemn_all(void) {
  clear_stack();
  gc_collect(COLLECT_BUDGET);
}

/* By hand, after they were condemned; nothing is left to notify of them. */
/* What is condemned will be told, whatever the program does with the address: a
 * table may still name it. */
static void freed_while_condemned_is_notified(void) {
  unsigned kind = start_kind(false);
  make_hidden(kind, 1000, sizeof(struct node));
  condemn_all();
  for (size_t i = 0; i < 1000; i += 2)
    gc_free((void *)~hidden_objects[i]);
  gc_deliver_all();
  tap_ge(total, 990);
  size_t twice = 0;
  for (size_t i = 0; i < 1000; i++)
    twice += notified[i] > 1;
  tap_eq_u(twice, 0);
}

/* Portions of notifiers: each object is called once, in whatever portion, and
 * another collection in between does not call for it again. */
static void portions_add_up(void) {
  unsigned kind = start_kind(false);
  make_hidden(kind, 10000, sizeof(struct node));
  condemn_all();
  for (unsigned i = 0; i < 5; i++) {
    gc_api_lock();
    gc_deliver(DELIVER_SOME);
    gc_api_unlock_only();
    tap_le(total, 1024 * (i + 1));
    tap_ge(total, 1024 * (i + 1) - 100);
    if (i == 2)
      condemn_all();
  }
  gc_deliver_all();
  tap_eq_u(gc_queues[QUEUE_SIMPLE].waiting, 0);
  tap_ge(total, 9990);
  size_t twice = 0;
  for (size_t i = 0; i < 10000; i++)
    twice += notified[i] > 1;
  tap_eq_u(twice, 0);
}

/* Whoever is too late hears so. */
static void the_notified_cannot_be_revived(void) {
  unsigned kind = start_kind(false);
  make_hidden(kind, 3000, sizeof(struct node));
  condemn_all();
  gc_api_lock();
  gc_deliver(DELIVER_SOME);
  size_t late = 0, revived = 0;
  for (size_t i = 0; i < 3000; i++) {
    struct gc_object o;
    if (notified[i] == 0 || !gc_find((void *)~hidden_objects[i], &o))
      continue;
    late++;
    revived += gc_drain_revive(&o);
  }
  gc_api_unlock_only();
  tap_ge(late, 990);
  tap_eq_u(revived, 0);
}

static gc_noinline void hide_chain(unsigned kind, size_t n) {
  hidden_objects = gc_alloc(sizeof *hidden_objects, KIND_ATOMIC_UNCOLL);
  struct node *head = NULL;
  for (size_t i = n; i-- > 0;) {
    struct node *x = gc_alloc(sizeof *x, kind);
    x->next = head;
    x->serial = i;
    head = x;
  }
  hidden_objects[0] = ~(uintptr_t)head;
}

static gc_noinline void drop_one(unsigned kind) {
  struct node *x = gc_alloc(sizeof *x, kind);
  x->serial = 1000;
}

/* One that dies beside them keeps their last block pending. */
static void reviving_on_a_held_kind_revives_the_closure(void) {
  unsigned kind = start_kind(true);
  struct gc_object o;
  hide_chain(kind, 1000);
  drop_one(kind);
  condemn_all();
  tap_ge(gc_pending.condemned, 990);
  gc_api_lock();
  tap_require(gc_find((void *)~hidden_objects[0], &o));
  tap_check(gc_drain_revive(&o));
  gc_deliver(DELIVER_ALL);
  gc_api_unlock_only();
  tap_eq_u(total, notified[1000]);
}

/* Objects that are older than their kind's notifier, small and large. */
static void old_objects_are_notified_too(void) {
  start_kind(false);
  unsigned kind = gc_kind_new(0, true, true);
  ++*gc_switches.dont_gc;
  make_hidden(kind, 1000, sizeof(struct node));
  for (unsigned i = 1000; i < 1020; i++) {
    struct node *n = gc_alloc(100000, kind);
    n->serial = i;
  }
  tap_require(notify_by(kind, count_death, true));
  tap_check(gc_kind_flags(kind) & KIND_HELD);
  tap_require(notify_by(kind, count_death, false));
  tap_check(!(gc_kind_flags(kind) & KIND_HELD));
  --*gc_switches.dont_gc;
  collect();
  tap_ge(total, 1010);
  tap_ge(count_notified(1000, 1, 1020, 1), 18);
}

static void large_objects_are_freed_when_notified(void) {
  unsigned kind = start_kind(true);
  for (unsigned round = 0; round < 20; round++) {
    make_hidden(kind, 20, 1000000);
    gc_alloc(300000, KIND_NORMAL); /* an ordinary one dies along */
    collect();
    tap_ge(total, 20 * round + 15);
  }
  tap_le(gc_space_heap_bytes(), 100u << 20);
}

static void large_objects_are_notified(void) {
  unsigned kind = start_kind(true);
  for (unsigned i = 0; i < 50; i++) {
    struct node *n = gc_alloc(100000, kind);
    n->serial = i;
  }
  collect();
  tap_ge(total, 48);
}

TAP_MAIN(TAP_CASE(long_chain_dies_at_once_parents_first),
         TAP_CASE(cycles_die_at_once), TAP_CASE(one_in_16), TAP_CASE(one_in_64),
         TAP_CASE(kept_objects_come_again),
         TAP_CASE(slots_are_used_and_notified_again),
         TAP_CASE(slots_in_use_are_not_released),
         TAP_CASE(keeping_in_a_cycle_keeps_the_cycle),
         TAP_CASE(keeping_on_a_held_kind_keeps_the_closure),
         TAP_CASE(callbacks_may_allocate),
         TAP_CASE(revived_objects_are_not_notified),
         TAP_CASE(freed_while_condemned_is_notified), TAP_CASE(portions_add_up),
         TAP_CASE(the_notified_cannot_be_revived),
         TAP_CASE(reviving_on_a_held_kind_revives_the_closure),
         TAP_CASE(old_objects_are_notified_too),
         TAP_CASE(large_objects_are_freed_when_notified),
         TAP_CASE(large_objects_are_notified))
