/* tests/unit/cycle_pending.c: collections while condemned objects wait.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"
#include "unit/notify.h"

#include "alloc/alloc.h"
#include "alloc/free_realloc.h"
#include "cycle/api_lock.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/gc_start.h"
#include "heap/find.h"

enum { NODES = 4000, RING = 250, MAGIC = 0x5eed };

struct payload {
  struct node *next;
  uintptr_t magic, fill[4];
};

/* A node refers to the next one through an ordinary object. */
struct node {
  struct payload *payload;
  uintptr_t serial;
};

static size_t total, damaged;
static uintptr_t hidden_first; /* what only a look-up knows */
static bool look_around;

/* All that the object reaches was left as it was. */
static void look_at_ring(const struct node *n) {
  for (unsigned i = 0; i < RING; i++) {
    if (n->payload->magic != MAGIC + n->serial) {
      damaged++;
      return;
    }
    n = n->payload->next;
  }
}

static int on_dead(void *object) {
  struct node *n = object;
  total++;
  if (look_around)
    look_at_ring(n);
  return 0;
}

static unsigned start_kind(void) {
  gc_start();
  unsigned kind = gc_kind_new(0, true, true);
  tap_require(kind != 0 && notify_by(kind, on_dead, true));
  return kind;
}

static gc_noinline void clear_stack(void) {
  volatile char dead[16384];
  for (size_t i = 0; i < sizeof dead; i++)
    dead[i] = 0;
}

static gc_noinline void drop_nodes(unsigned kind, size_t n, bool closed) {
  struct node *first = NULL, *last = NULL;
  for (size_t i = n; i-- > 0;) {
    struct node *x = gc_alloc(sizeof *x, kind);
    x->payload = gc_alloc(sizeof *x->payload, KIND_NORMAL);
    x->payload->next = first;
    x->payload->magic = MAGIC + i;
    x->serial = i;
    first = x;
    last = last == NULL ? x : last;
  }
  if (closed)
    last->payload->next = first;
  hidden_first = ~(uintptr_t)first;
}

/* Examines and delivers nothing. */
static gc_noinline void condemn(void) {
  clear_stack();
  gc_collect(COLLECT_BUDGET);
}

static void deliver(enum gc_deliver_amount amount) {
  gc_api_lock();
  gc_deliver(amount);
  gc_api_unlock();
}

static gc_noinline void reuse_memory(void) {
  for (size_t i = 0; i < 20 * (size_t)NODES; i++) {
    struct payload *p = gc_alloc(sizeof *p, KIND_NORMAL);
    p->magic = 0;
  }
}

/* Delivery pauses inside a ring. What is left of it refers to what is notified,
 * and through that to objects that nothing else holds. */
static void notified_objects_lead_on_in_a_cycle(void) {
  unsigned kind = start_kind();
  for (unsigned i = 0; i < NODES / RING; i++)
    drop_nodes(kind, RING, true);
  condemn();
  deliver(DELIVER_SOME);
  tap_ge(total, 1);
  tap_le(total, NODES - 1000);
  condemn();
  gc_api_lock(); /* no delivery at safepoints */
  reuse_memory();
  look_around = true;
  gc_deliver(DELIVER_ALL);
  gc_api_unlock();
  tap_ge(total, NODES - 2 * RING);
  tap_eq_u(damaged, 0);
}

/* A word on the stack hits a condemned object in the next collection; then the
 * object is revived, and with it what it reaches. */
static gc_noinline void revive_seen_object(void) {
  struct node *volatile first = (struct node *)~hidden_first;
  gc_collect(COLLECT_BUDGET);
  gc_object_set_mark(first);
  deliver(DELIVER_ALL);
  tap_check(first->serial == 0);
}

static void revival_keeps_what_marking_met(void) {
  unsigned kind = start_kind();
  drop_nodes(kind, 100, false);
  condemn();
  tap_eq_u(total, 0);
  revive_seen_object();
  tap_eq_u(total, 0);
  gc_collect(COLLECT_EXPLICIT);
  condemn();
  deliver(DELIVER_ALL);
  tap_ge(total, 90);
}

TAP_MAIN(TAP_CASE(notified_objects_lead_on_in_a_cycle),
         TAP_CASE(revival_keeps_what_marking_met))
