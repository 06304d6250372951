/* tests/gcx/life.c: reviving, freeing by hand, and the end of kinds. SPDX-License-Identifier: MIT */

/*
 * Contract: what is condemned can be revived until its notifier is called, with
 * everything that it refers to; an object that is freed by hand is notified all
 * the same, once; a quiesced kind calls nobody any more; waiting ends or says
 * why it does not.
 */
#include "gcx/shadow.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

enum { N = 1000, N_FILL = 5000 };

static gcx_kind *kind;
static uintptr_t hidden[2 * N];
static void *volatile keep_all[N];

/* Nodes in hidden places; with children, node i refers to node i + N through an
 * ordinary object. */
static void make_hidden(void *arg) {
  bool with_children = *(bool *)arg;
  for (size_t i = 0; i < N; i++) {
    struct sh_node *child = NULL;
    if (with_children) {
      child = sh_node(kind, 0, i + N);
      child->ref[0] = sh_box(NULL);
      hidden[i + N] = gu_hide(child);
    }
    struct sh_node *n = sh_node(kind, 0, i);
    n->ref[1] = with_children ? sh_box(child) : NULL;
    hidden[i] = gu_hide(n);
  }
}

static void condemn(gcx_refs refs, bool with_children) {
  sh_begin(2 * N + 3 * N_FILL);
  kind = sh_counting_kind(refs);
  sh_close_gate();
  sh_apart(make_hidden, &with_children);
  sh_collect();
  tap_ge(sh_stats().pending_objects, N - 2);
  tap_eq_u(sh_total(), 0);
}

/* Memory that is free is used, and filled, for ordinary objects and for nodes. */
static void use_memory(void *arg) {
  for (int i = 0; i < 20000; i++)
    memset(GC_malloc(sizeof(struct sh_node)), 0xee, sizeof(struct sh_node));
  for (int i = 0; i < N_FILL; i++)
    sh_node(arg, 0, 2 * N + sh_take_serial());
}

/* ---- Reviving ---- */

static struct sh_node *volatile alive[N];

static void revive_half(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N; i += 2) {
    void *o = gu_reveal(hidden[i]);
    tap_require(gcx_revive(o) == 1);
    sh_hold(i);
    alive[i] = o;
    tap_require(gcx_revive(o) == 1); /* live now */
  }
}

static void let_all_go(void *unused) {
  (void)unused;
  for (size_t i = 0; i < N; i += 2) {
    if (alive[i] == NULL)
      continue;
    sh_drop(i);
    alive[i] = NULL;
  }
}

/* Apart, as all that has to do with pointers to objects that will die. */
static void check_alive(void *arg) {
  bool with_children = *(bool *)arg;
  size_t damaged = 0;
  for (size_t i = 0; i < N; i += 2) {
    const struct sh_node *n = alive[i];
    damaged += n->serial != i || !sh_is_intact(n);
    if (!with_children)
      continue;
    const struct sh_node *child = n->ref[1]->ref[0];
    damaged += child->serial != i + N || !sh_is_intact(child) ||
               !sh_is_intact(n->ref[1]) || !sh_is_intact(child->ref[0]);
  }
  tap_eq_u(damaged, 0);
}

static void revive_and_go_on(gcx_refs refs, bool with_children) {
  size_t n = with_children ? 2 * N : N;
  condemn(refs, with_children);
  sh_apart(revive_half, NULL);
  tap_ge(sh_stats().revived, N / 2 - 1);
  sh_open_gate();
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  for (int round = 0; round < 3; round++) {
    sh_apart(check_alive, &with_children);
    sh_apart(use_memory, kind);
    sh_settle();
  }
  size_t once = sh_count_notified(0, n, 1);
  tap_ge(once, n / 2 - 2);
  tap_le(once, n / 2);
  sh_apart(check_alive, &with_children);
  sh_apart(let_all_go, NULL);
  sh_settle_deep(2);
  sh_check_once(0, n);
  sh_check_errors();
  sh_check_stats();
}

static void revived_objects_live_on(void) {
  revive_and_go_on(GCX_REFS_NONE, false);
}
static void revived_held_objects_live_on(void) {
  revive_and_go_on(GCX_REFS_HELD, false);
}
static void revived_objects_bring_what_they_refer_to(void) {
  revive_and_go_on(GCX_REFS_HELD, true);
}

static void what_is_live_or_ordinary_counts_as_revived(void) {
  sh_begin(1);
  kind = sh_counting_kind(GCX_REFS_NONE);
  struct sh_node *volatile n = sh_node(kind, 0, sh_take_serial());
  tap_eq_u(gcx_revive(n), 1);
  tap_eq_u(gcx_revive(GC_malloc(10)), 1);
  tap_eq_u(gcx_revive(GC_malloc_atomic(100000)), 1);
  tap_eq_u(sh_stats().revived, 0);
}

static atomic_size_t n_late, n_not_late;

static gcx_verdict GC_CALLBACK revive_too_late(void *object, size_t bytes,
                                               void *cd) {
  (void)cd;
  sh_note(object, bytes);
  atomic_fetch_add(gcx_revive(object) == 0 ? &n_late : &n_not_late, 1);
  return GCX_DONE;
}

static void a_notifier_cannot_revive_its_object(void) {
  bool with_children = false;
  sh_begin(2 * N);
  kind = sh_kind((gcx_kind_opts){.notify = revive_too_late});
  sh_apart(make_hidden, &with_children);
  sh_settle();
  sh_check_once(0, N);
  tap_eq_u(atomic_load(&n_not_late), 0);
  tap_ge(atomic_load(&n_late), N - 1);
}

/* ---- Cycles ---- */

static atomic_size_t n_reported, n_report_wrong;

static gcx_verdict GC_CALLBACK keep_the_second(void *object, size_t bytes,
                                               void *cd) {
  const struct sh_node *n = object;
  (void)cd;
  sh_note_held(n, bytes);
  size_t partner = n->serial ^ 1;
  return sh_notified(partner) > 0 && sh_notified(n->serial) == 1 ? GCX_KEEP
                                                                 : GCX_DONE;
}

static void GC_CALLBACK drop_told(void *object, void *cd) {
  struct sh_node *n = object;
  if (cd != &n_reported || sh_notified(n->serial) != 1 ||
      sh_notified(n->serial ^ 1) != 1)
    atomic_fetch_add(&n_report_wrong, 1);
  atomic_fetch_add(&n_reported, 1);
  n->ref[0] = NULL;
}

static void make_pairs(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N; i += 2) {
    struct sh_node *a = sh_node(kind, 0, i), *b = sh_node(kind, 0, i + 1);
    a->ref[0] = b;
    b->ref[0] = a;
  }
}

/* Of each pair the second is kept, and must forget the first. */
static void a_kept_member_of_a_cycle_is_told(void) {
  sh_need(GCX_CAP_CYCLES, "cycles of dead objects are not notified");
  sh_begin(N);
  kind = sh_kind((gcx_kind_opts){.notify = keep_the_second,
                                 .cd = &n_reported,
                                 .refs = GCX_REFS_HELD,
                                 .on_revive = drop_told});
  sh_apart(make_pairs, NULL);
  sh_settle();
  tap_ge(sh_count_notified(0, N, 1), N - 4);
  tap_ge(atomic_load(&n_reported), N / 2 - 2);
  sh_settle_until(N + N / 2);
  tap_eq_u(atomic_load(&n_report_wrong), 0);
  tap_ge(sh_count_notified(0, N, 2), N / 2 - 2);
  tap_eq_u(sh_count_notified(0, N, 3), 0);
  sh_check_errors();
  sh_check_stats();
}

/* ---- Freeing by hand ---- */

/* References to them stay: no collection would find them dead. */
static void free_live(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N; i++) {
    keep_all[i] = sh_node(kind, i % 100 == 7 ? 80000 : 0, sh_take_serial());
    GC_free(keep_all[i]);
  }
}

static void a_live_object_freed_by_hand_is_notified_once(void) {
  sh_need(GCX_CAP_FREE, "notified objects may not be freed by hand");
  sh_begin(2 * N);
  kind = sh_counting_kind(GCX_REFS_NONE);
  sh_apart(free_live, NULL);
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  sh_settle();
  tap_eq_u(sh_count_notified(0, N, 1), N);
  sh_settle();
  sh_apart(free_live, NULL);
  sh_settle();
  tap_eq_u(sh_count_notified(0, 2 * N, 1), 2 * N);
  sh_check_errors();
}

static void free_condemned(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N; i += 3)
    GC_free(gu_reveal(hidden[i]));
}

static void a_condemned_object_freed_by_hand_is_notified_once(void) {
  sh_need(GCX_CAP_FREE, "notified objects may not be freed by hand");
  condemn(GCX_REFS_NONE, false);
  sh_apart(free_condemned, NULL);
  sh_apart(use_memory, kind);
  sh_open_gate();
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  size_t once = sh_count_notified(0, N, 1);
  tap_ge(once, N - 1);
  sh_settle();
  sh_check_once(0, N);
}

static gcx_verdict GC_CALLBACK free_inside(void *object, size_t bytes,
                                           void *cd) {
  (void)cd;
  sh_note(object, bytes);
  if (((struct sh_node *)object)->serial % 200 == 0)
    GC_free(object);
  return GCX_DONE;
}

static void an_object_freed_by_its_notifier_is_notified_once(void) {
  bool with_children = false;
  sh_need(GCX_CAP_FREE, "notified objects may not be freed by hand");
  sh_begin(2 * N + N_FILL);
  kind = sh_kind((gcx_kind_opts){.notify = free_inside});
  sh_apart(make_hidden, &with_children);
  sh_settle();
  sh_check_once(0, N);
  sh_apart(use_memory, kind);
  sh_settle();
  sh_check_once(0, N);
  sh_check_errors();
  sh_check_stats();
}

/* ---- Waiting ---- */

static atomic_size_t n_wrong_answers;

static gcx_verdict GC_CALLBACK wait_inside(void *object, size_t bytes,
                                           void *cd) {
  (void)cd;
  sh_note(object, bytes);
  if (gcx_drain(1000) != EDEADLK || gcx_kind_quiesce(kind, 1000) != EDEADLK ||
      gcx_poll() != 0 || gcx_in_notifier() != 1)
    atomic_fetch_add(&n_wrong_answers, 1);
  return GCX_DONE;
}

static void a_notifier_cannot_wait_for_notifiers(void) {
  bool with_children = false;
  sh_begin(2 * N);
  kind = sh_kind((gcx_kind_opts){.notify = wait_inside});
  sh_apart(make_hidden, &with_children);
  sh_settle();
  sh_check_once(0, N);
  tap_eq_u(atomic_load(&n_wrong_answers), 0);
  tap_eq_u(gcx_in_notifier(), 0);
}

static void draining_ends_in_time(void) {
  condemn(GCX_REFS_NONE, false);
  tap_eq_u(gcx_drain(0), ETIMEDOUT);
  uint64_t start = gu_now_ns();
  tap_eq_u(gcx_drain(100), ETIMEDOUT);
  tap_ge(gu_now_ns() - start, 90000000);
  sh_open_gate();
  tap_eq_u(gcx_drain(GCX_FOREVER), 0);
  tap_ge(sh_total(), N - 2);
  tap_eq_u(gcx_drain(0), 0);
}

static void nothing_to_drain_takes_no_time(void) {
  GC_INIT();
  tap_eq_u(gcx_drain(GCX_FOREVER), 0);
  tap_eq_u(gcx_poll(), 0);
  sh_begin(1);
  sh_counting_kind(GCX_REFS_HELD);
  tap_eq_u(gcx_drain(GCX_FOREVER), 0);
}

static void *drain_for_long(void *arg) {
  *(int *)arg = gcx_drain(GCX_FOREVER);
  return NULL;
}

static void revive_all(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N; i++)
    tap_require(gcx_revive(gu_reveal(hidden[i])) == 1);
}

/* What the drain waits for is revived, so nobody ever decides that batch; and a
 * collection sees that nothing is left of it. */
static void a_drain_ends_when_all_was_revived(void) {
  int result = -1;
  pthread_t t;
  condemn(GCX_REFS_NONE, false);
  sh_start(&t, drain_for_long, &result);
  sh_sleep_us(20000); /* most often it waits by now */
  GC_disable();
  sh_apart(revive_all, NULL);
  for (size_t i = 0; i < N; i++)
    keep_all[i] = gu_reveal(hidden[i]);
  GC_enable();
  gu_collect();
  sh_open_gate();
  sh_join(t);
  tap_eq_u(result, 0);
  tap_eq_u(sh_total(), 0);
  sh_check_stats();
}

/* ---- Quiescing ---- */

static void quiescing_waits_for_the_pending_and_ends_the_rest(void) {
  bool with_children = false;
  condemn(GCX_REFS_NONE, false);
  tap_eq_u(gcx_kind_quiesce(sh_counting_kind(GCX_REFS_NONE), 0), 0);
  sh_open_gate();
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  size_t told = sh_total();
  tap_ge(told, N - 2);
  sh_apart(make_hidden, &with_children);
  for (int i = 0; i < 3; i++)
    sh_settle();
  tap_eq_u(sh_total(), told);
  /* Its objects are still memory like any other. */
  sh_apart(use_memory, kind);
  sh_settle();
  tap_eq_u(sh_total(), told);
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
}

static sem_t entered, go_on;

static gcx_verdict GC_CALLBACK block(void *object, size_t bytes, void *cd) {
  (void)cd;
  sh_note(object, bytes);
  if (sh_total() == 1) {
    sem_post(&entered);
    while (sem_wait(&go_on) != 0)
      continue;
  }
  return GCX_DONE;
}

static void quiescing_gives_up_when_a_notifier_blocks(void) {
  bool with_children = false;
  sh_begin(2 * N);
  sem_init(&entered, 0, 0);
  sem_init(&go_on, 0, 0);
  kind = sh_kind((gcx_kind_opts){.notify = block});
  sh_apart(make_hidden, &with_children);
  sh_collect();
  while (sem_wait(&entered) != 0)
    continue;
  tap_eq_u(gcx_kind_quiesce(kind, 100), ETIMEDOUT);
  sem_post(&go_on);
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  size_t told = sh_total();
  sh_apart(make_hidden, &with_children);
  sh_settle();
  tap_eq_u(sh_total(), told);
}

/* ---- What a thread has claimed and not called ---- */

#define RING 100u

#define BACK 10u /* what the middle of the ring refers to, too */
static struct sh_node *volatile ring_member;

static void GC_CALLBACK drop_first(void *object, void *cd) {
  struct sh_node *n = object;
  (void)cd;
  atomic_fetch_add(&n_reported, 1);
  n->ref[0] = NULL;
}

static void make_ring(void *arg) {
  struct sh_node *first = sh_node(kind, 0, 0), *next = first, *middle = NULL;
  (void)arg;
  for (size_t i = RING - 1; i > 0; i--) {
    struct sh_node *n = sh_node(kind, 0, i);
    n->ref[0] = next;
    next = n;
    if (i == RING / 2)
      middle = n;
    if (i == BACK)
      middle->ref[1] = n;
  }
  first->ref[0] = next;
  hidden[0] = gu_hide(middle);
}

static void revive_middle(void *arg) {
  (void)arg;
  ring_member = gu_reveal(hidden[0]);
  tap_eq_u(gcx_revive(ring_member), 1);
}

/* The first notifier of a ring blocks. What the middle refers to is revived with it,
 * also what the blocked thread is going to call next. */
static void what_was_not_called_is_revived_with_its_ring(void) {
  sh_need(GCX_CAP_CYCLES, "cycles of dead objects are not notified");
  sh_begin(RING);
  sem_init(&entered, 0, 0);
  sem_init(&go_on, 0, 0);
  kind = sh_kind((gcx_kind_opts){
      .notify = block, .refs = GCX_REFS_HELD, .on_revive = drop_first});
  sh_apart(make_ring, NULL);
  sh_collect();
  while (sem_wait(&entered) != 0)
    continue;
  sh_apart(revive_middle, NULL);
  tap_eq_u(atomic_load(&n_reported), 1);
  tap_eq_u(sh_stats().revived, RING - BACK);
  sem_post(&go_on);
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  tap_eq_u(sh_total(), BACK);
  ring_member = NULL;
  sh_settle_until(RING);
  sh_check_once(0, RING);
}

TAP_MAIN(TAP_CASE(revived_objects_live_on),
         TAP_CASE(revived_held_objects_live_on),
         TAP_CASE(revived_objects_bring_what_they_refer_to),
         TAP_CASE(what_is_live_or_ordinary_counts_as_revived),
         TAP_CASE(a_notifier_cannot_revive_its_object),
         TAP_CASE(a_kept_member_of_a_cycle_is_told),
         TAP_CASE(a_live_object_freed_by_hand_is_notified_once),
         TAP_CASE(a_condemned_object_freed_by_hand_is_notified_once),
         TAP_CASE(an_object_freed_by_its_notifier_is_notified_once),
         TAP_CASE(a_notifier_cannot_wait_for_notifiers),
         TAP_CASE(draining_ends_in_time),
         TAP_CASE(nothing_to_drain_takes_no_time),
         TAP_CASE(a_drain_ends_when_all_was_revived),
         TAP_CASE(quiescing_waits_for_the_pending_and_ends_the_rest),
         TAP_CASE(quiescing_gives_up_when_a_notifier_blocks),
         TAP_CASE(what_was_not_called_is_revived_with_its_ring))
