/* tests/gcx/pressure.c: slow, stuck and aborted notifiers. SPDX-License-Identifier: MIT */

/*
 * Contract: allocation of notified kinds waits for slow notifiers, so that dead
 * memory stays bounded, unless the thread said that it must not wait; a stuck
 * notifier costs its object and nothing more; an aborted one is counted as lost.
 */
#include "gcx/shadow.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

enum { MB = 1024 * 1024, MINUTES_MS = 300000 };

static struct {
  atomic_size_t stuck, lost, overrun, strange;
  void *_Atomic object;
  const char *expected_name;
} events;

static void GC_CALLBACK on_event(gcx_event event, void *object,
                                 const char *name) {
  if (event == GCX_EVENT_OVERRUN) {
    atomic_fetch_add(&events.overrun, 1);
    return;
  }
  atomic_fetch_add(event == GCX_EVENT_STUCK ? &events.stuck : &events.lost, 1);
  atomic_store(&events.object, object);
  if (name == NULL || strcmp(name, events.expected_name) != 0)
    atomic_fetch_add(&events.strange, 1);
}

/* What the service thread reports may come a little later. */
static void wait_for_event(atomic_size_t *count) {
  for (int i = 0; i < SH_PATIENCE_MS / 10 && atomic_load(count) == 0; i++)
    sh_sleep_us(10000);
}

/* ---- Slow notifiers ---- */

enum { SLOW_BYTES = 4096, SLOW_LIMIT = 2 * MB };

static gcx_verdict GC_CALLBACK take_a_millisecond(void *object, size_t bytes,
                                                  void *cd) {
  (void)cd;
  sh_note(object, bytes);
  sh_sleep_us(1000);
  return GCX_DONE;
}

static size_t max_pending;

static void look_at_pending(void) {
  size_t pending = sh_stats().pending_bytes;
  if (pending > max_pending)
    max_pending = pending;
}

static void allocate_at_full_speed(void *kind) {
  size_t n = (tap_long() ? 10 : 1) * 4 * SLOW_LIMIT / SLOW_BYTES;
  for (size_t i = 0; i < n; i++) {
    sh_node(kind, SLOW_BYTES, sh_take_serial());
    look_at_pending();
  }
}

/* A collection may find more than the limit at once: that much is allowed. How much
 * depends on when collections come. */
static void check_bound(void) {
  tap_note("at most %zu bytes pending", max_pending);
  if (gu_on_reclaim())
    tap_le(max_pending, 2 * SLOW_LIMIT);
  tap_eq_u(sh_stats().overruns, 0);
}

static void slow_notifiers_slow_allocation_down(void) {
  sh_begin(30000);
  sh_configure((gcx_finaliser_opts){.hard_limit_bytes = SLOW_LIMIT,
                                    .wait_ms = MINUTES_MS});
  gcx_kind *kind = sh_kind((gcx_kind_opts){.notify = take_a_millisecond});
  sh_apart(allocate_at_full_speed, kind);
  tap_ge(max_pending, SLOW_LIMIT / 4);
  check_bound();
  sh_settle();
  sh_check_once(0, sh_taken());
  sh_check_errors();
  sh_check_stats();
}

/* Large objects have their own way through the allocator. */
enum { LARGE_BYTES = 100000, N_LARGE = 200 };

static void allocate_large(void *kind) {
  for (size_t i = 0; i < N_LARGE; i++) {
    sh_node(kind, LARGE_BYTES, sh_take_serial());
    look_at_pending();
  }
}

static void large_objects_are_slowed_down_as_well(void) {
  sh_begin(N_LARGE);
  sh_configure((gcx_finaliser_opts){.hard_limit_bytes = SLOW_LIMIT,
                                    .wait_ms = MINUTES_MS});
  gcx_kind *kind = sh_kind(
      (gcx_kind_opts){.notify = take_a_millisecond, .refs = GCX_REFS_HELD});
  sh_apart(allocate_large, kind);
  check_bound();
  sh_settle();
  sh_check_once(0, N_LARGE);
}

static gcx_kind *told_kind;

/* Without any progress the allocation goes on, and says so. */
static void allocate_behind_the_gate(void *kind) {
  for (size_t used = 0; used < 4 * SLOW_LIMIT; used += SLOW_BYTES)
    sh_node(kind, SLOW_BYTES, sh_take_serial());
}

static void allocation_gives_up_waiting_without_progress(void) {
  sh_begin(30000);
  gcx_kind *kind = sh_counting_kind(GCX_REFS_NONE);
  sh_configure((gcx_finaliser_opts){
      .hard_limit_bytes = SLOW_LIMIT, .wait_ms = 1, .on_event = on_event});
  sh_close_gate();
  sh_apart(allocate_behind_the_gate, kind);
  sh_collect();
  sh_apart(allocate_behind_the_gate, kind);
  tap_ge(sh_stats().overruns, 1);
  tap_ge(atomic_load(&events.overrun), 1);
  sh_open_gate();
  sh_settle();
  sh_check_once(0, sh_taken());
}

/* Who is told of an overrun may allocate of that kind. */
static void GC_CALLBACK allocate_when_told(gcx_event event, void *object,
                                           const char *name) {
  on_event(event, object, name);
  if (event == GCX_EVENT_OVERRUN)
    for (int i = 0; i < 20; i++)
      sh_node(told_kind, SLOW_BYTES, sh_take_serial());
}

static void who_is_told_of_an_overrun_may_allocate(void) {
  sh_begin(100000);
  told_kind = sh_counting_kind(GCX_REFS_NONE);
  events.expected_name = "";
  sh_configure((gcx_finaliser_opts){.hard_limit_bytes = SLOW_LIMIT,
                                    .wait_ms = 1,
                                    .on_event = allocate_when_told});
  sh_close_gate();
  sh_apart(allocate_behind_the_gate, told_kind);
  sh_collect();
  gcx_kind *other = sh_counting_kind(GCX_REFS_NONE);
  sh_node(other, 0, sh_take_serial());
  tap_ge(atomic_load(&events.overrun), 1);
  tap_le(sh_taken(), 60000);
  sh_open_gate();
  sh_settle();
  sh_check_errors();
}

static void no_limit_means_no_waiting(void) {
  sh_begin(30000);
  gcx_kind *kind = sh_counting_kind(GCX_REFS_NONE);
  sh_configure((gcx_finaliser_opts){.hard_limit_bytes = ~(size_t)0,
                                    .wait_ms = MINUTES_MS});
  sh_close_gate();
  for (int i = 0; i < 4; i++) {
    sh_apart(allocate_behind_the_gate, kind);
    sh_collect();
  }
  tap_ge(sh_stats().pending_bytes, 12 * SLOW_LIMIT);
  tap_eq_u(sh_stats().overruns, 0);
  sh_open_gate();
  sh_settle();
  sh_check_once(0, sh_taken());
}

/* ---- Allocation under a lock that notifiers take ---- */

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

static gcx_verdict GC_CALLBACK take_shared_lock(void *object, size_t bytes,
                                                void *cd) {
  (void)cd;
  sh_lock(&shared_lock);
  sh_note(object, bytes);
  pthread_mutex_unlock(&shared_lock);
  return GCX_DONE;
}

/* The second end of the nested pair is what lets this thread wait again. */
static void allocate_under_lock(void *kind) {
  for (size_t i = 0; i < 4000; i++) {
    sh_lock(&shared_lock);
    gcx_nowait_begin();
    gcx_nowait_begin();
    gcx_nowait_end();
    sh_node(kind, SLOW_BYTES, sh_take_serial());
    gcx_nowait_end();
    if (i % 500 == 0)
      GC_gcollect();
    if (i % 7 == 0) /* half of the time with a notifier waiting for it */
      sh_sleep_us(100);
    pthread_mutex_unlock(&shared_lock);
  }
}

static void allocation_in_a_nowait_section_does_not_wait(void) {
  sh_begin(4000);
  sh_configure((gcx_finaliser_opts){.hard_limit_bytes = MB / 4,
                                    .wait_ms = 10 * MINUTES_MS});
  gcx_kind *kind = sh_kind((gcx_kind_opts){.notify = take_shared_lock});
  sh_apart(allocate_under_lock, kind);
  sh_settle();
  sh_check_once(0, 4000);
  sh_check_errors();
}

/* Without such a section the thread waits for the very notifier that waits for its
 * lock; but not for ever, so there is no deadlock. */
static void allocate_under_lock_unprotected(void *kind) {
  for (size_t i = 0; i < 4000; i++) {
    sh_lock(&shared_lock);
    sh_node(kind, SLOW_BYTES, sh_take_serial());
    pthread_mutex_unlock(&shared_lock);
    if (i % 500 == 0)
      GC_gcollect();
  }
}

static void allocation_under_a_lock_of_the_notifier_goes_on(void) {
  sh_begin(4000);
  sh_configure((gcx_finaliser_opts){.hard_limit_bytes = MB / 4, .wait_ms = 2});
  gcx_kind *kind = sh_kind((gcx_kind_opts){.notify = take_shared_lock});
  sh_apart(allocate_under_lock_unprotected, kind);
  tap_note("%lu overruns", sh_stats().overruns);
  sh_settle();
  sh_check_once(0, 4000);
  sh_check_errors();
}

/* Notifiers themselves never wait for notifiers. */
static gcx_verdict GC_CALLBACK allocate_of_its_kind(void *object, size_t bytes,
                                                    void *cd) {
  const struct sh_node *n = object;
  sh_note(object, bytes);
  if (n->serial < 2000)
    sh_node(*(gcx_kind **)cd, SLOW_BYTES, sh_take_serial());
  return GCX_DONE;
}

static void make_2000(void *kind) {
  for (size_t i = 0; i < 2000; i++)
    sh_node(kind, SLOW_BYTES, sh_take_serial());
}

static void a_notifier_that_allocates_does_not_wait(void) {
  static gcx_kind *kind;
  sh_begin(4000);
  sh_configure((gcx_finaliser_opts){.hard_limit_bytes = MB / 4,
                                    .wait_ms = 10 * MINUTES_MS});
  kind = sh_kind((gcx_kind_opts){.notify = allocate_of_its_kind, .cd = &kind});
  sh_apart(make_2000, kind);
  sh_settle_until(4000);
  tap_eq_u(sh_taken(), 4000);
  sh_check_once(0, 4000);
  sh_check_errors();
}

/* ---- Stuck notifiers ---- */

/* So long is nobody kept from running by a busy machine. */
enum { N_STUCK = 500, STUCK_MS = 1000 };

static sem_t unstick;
static atomic_bool somebody_is_stuck;

static gcx_verdict GC_CALLBACK stick_once(void *object, size_t bytes,
                                          void *cd) {
  (void)cd;
  sh_note(object, bytes);
  if (!atomic_exchange(&somebody_is_stuck, true))
    while (sem_wait(&unstick) != 0 && errno == EINTR)
      continue;
  return GCX_DONE;
}

static void make_stuck(void *kind) {
  for (size_t i = 0; i < N_STUCK; i++)
    sh_node(kind, 0, sh_take_serial());
}

static void one_is_stuck(gcx_refs refs, gcx_release release) {
  sh_need(GCX_CAP_FAULTS, "stuck notifiers are not replaced");
  sh_begin(3 * N_STUCK);
  sem_init(&unstick, 0, 0);
  events.expected_name = "sticky";
  sh_configure(
      (gcx_finaliser_opts){.stuck_ms = STUCK_MS, .on_event = on_event});
  gcx_kind *kind = sh_kind((gcx_kind_opts){.notify = stick_once,
                                           .name = "sticky",
                                           .refs = refs,
                                           .release = release});
  sh_apart(make_stuck, kind);
  sh_settle();
  sh_check_once(0, N_STUCK);
  wait_for_event(&events.stuck);
  tap_eq_u(atomic_load(&events.stuck), 1);
  tap_check(atomic_load(&events.object) != NULL);
  /* Later deaths are notified as well. */
  sh_apart(make_stuck, kind);
  sh_settle();
  sh_check_once(0, 2 * N_STUCK);
  tap_eq_u(gcx_kind_quiesce(kind, 200), ETIMEDOUT);
  sem_post(&unstick);
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  tap_eq_u(atomic_load(&events.strange), 0);
  sh_check_errors();
  sh_check_stats();
  tap_eq_u(sh_stats().lost, 0);
}

static void a_stuck_notifier_costs_one_slot(void) {
  one_is_stuck(GCX_REFS_NONE, GCX_RELEASE_BLOCK);
}
static void a_stuck_notifier_of_a_batch(void) {
  one_is_stuck(GCX_REFS_NONE, GCX_RELEASE_BATCH);
}
static void a_stuck_notifier_of_a_held_kind(void) {
  one_is_stuck(GCX_REFS_HELD, GCX_RELEASE_BLOCK);
}

/* Memory of the others is used again while one is stuck. */
static void a_stuck_notifier_does_not_hold_memory(void) {
  sh_need(GCX_CAP_FAULTS, "stuck notifiers are not replaced");
  sh_begin(N_STUCK);
  sem_init(&unstick, 0, 0);
  sh_configure((gcx_finaliser_opts){.stuck_ms = 100});
  gcx_kind *kind = sh_kind(
      (gcx_kind_opts){.notify = stick_once, .release = GCX_RELEASE_BATCH});
  sh_apart(make_stuck, kind);
  sh_settle();
  sh_check_once(0, N_STUCK);
  tap_le(sh_stats().pending_bytes, N_STUCK * sizeof(struct sh_node) / 4);
  sem_post(&unstick);
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
}

/* One is stuck and another one runs when a collection comes: what is done by then is
 * free from then on, and must not be freed again with its batch, for others live
 * there. */
static sem_t second;
static atomic_size_t n_called;

static gcx_verdict GC_CALLBACK stick_twice(void *object, size_t bytes,
                                           void *cd) {
  size_t n = atomic_fetch_add(&n_called, 1);
  if (n == N_STUCK - 1)
    while (sem_wait(&second) != 0 && errno == EINTR)
      continue;
  return stick_once(object, bytes, cd);
}

static void what_is_done_behind_a_stuck_notifier_is_freed_once(void) {
  sh_need(GCX_CAP_FAULTS, "stuck notifiers are not replaced");
  sh_begin(3 * N_STUCK);
  sem_init(&unstick, 0, 0);
  sem_init(&second, 0, 0);
  sh_configure((gcx_finaliser_opts){.stuck_ms = 100, .on_event = on_event});
  events.expected_name = "sticky";
  gcx_kind *kind = sh_kind((gcx_kind_opts){
      .notify = stick_twice, .name = "sticky", .release = GCX_RELEASE_BATCH});
  sh_apart(make_stuck, kind);
  gu_collect();
  wait_for_event(&events.stuck);
  sh_configure((gcx_finaliser_opts){.stuck_ms = 1000 * 1000});
  while (atomic_load(&n_called) < N_STUCK)
    sh_sleep_us(1000);
  gu_collect();
  sh_apart(make_stuck, kind); /* in the slots of those that are done */
  sem_post(&second);
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  sh_settle_until(2 * N_STUCK);
  sh_check_once(0, 2 * N_STUCK);
  sem_post(&unstick);
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  sh_check_errors();
}

/* ---- Several threads ---- */

enum { N_SIDE_BY_SIDE = 4 };

static atomic_size_t n_inside, most_inside;

/* The first ones wait until four are inside at a time. */
static gcx_verdict GC_CALLBACK meet_others(void *object, size_t bytes,
                                           void *cd) {
  (void)cd;
  sh_note(object, bytes);
  size_t now = atomic_fetch_add(&n_inside, 1) + 1;
  if (now > atomic_load(&most_inside))
    atomic_store(&most_inside, now);
  for (int i = 0; i < 5000 && atomic_load(&most_inside) < N_SIDE_BY_SIDE; i++)
    sh_sleep_us(1000);
  atomic_fetch_sub(&n_inside, 1);
  return GCX_DONE;
}

static void several_notifiers_run_side_by_side(void) {
  sh_begin(2 * N_STUCK);
  sh_configure((gcx_finaliser_opts){.threads = N_SIDE_BY_SIDE});
  gcx_kind *kind =
      sh_kind((gcx_kind_opts){.notify = meet_others, .refs = GCX_REFS_HELD});
  sh_apart(make_stuck, kind);
  sh_settle();
  sh_check_once(0, N_STUCK);
  tap_ge(atomic_load(&most_inside), N_SIDE_BY_SIDE);
  tap_eq_u(sh_stats().threads, N_SIDE_BY_SIDE);
  /* Back to one. */
  sh_configure((gcx_finaliser_opts){.threads = 1});
  atomic_store(&n_inside, N_SIDE_BY_SIDE);
  for (int i = 0; i < 100 && sh_stats().threads > 1; i++) {
    GC_gcollect();
    sh_sleep_us(10000);
  }
  sh_apart(make_stuck, kind);
  sh_settle();
  sh_check_once(0, 2 * N_STUCK);
  tap_eq_u(sh_stats().threads, 1);
  sh_check_errors();
  sh_check_stats();
}

/* ---- Aborted notifiers ---- */

static atomic_size_t n_after_abort;

static gcx_verdict GC_CALLBACK abort_one(void *object, size_t bytes, void *cd) {
  const struct sh_node *n = object;
  sh_note(object, bytes);
  if (n->serial == *(const size_t *)cd) {
    gcx_notifier_abort();
    atomic_fetch_add(&n_after_abort, 1); /* must not be reached */
  }
  return GCX_DONE;
}

static void one_aborts(gcx_refs refs) {
  static size_t unlucky = N_STUCK / 2;
  sh_begin(2 * N_STUCK);
  events.expected_name = "unlucky";
  sh_configure((gcx_finaliser_opts){.on_event = on_event});
  gcx_kind *kind = sh_kind((gcx_kind_opts){
      .notify = abort_one, .cd = &unlucky, .name = "unlucky", .refs = refs});
  sh_apart(make_stuck, kind);
  sh_settle();
  sh_apart(make_stuck, kind);
  sh_settle();
  sh_check_once(0, 2 * N_STUCK);
  tap_eq_u(sh_notified(unlucky), 1);
  tap_eq_u(atomic_load(&n_after_abort), 0);
  tap_eq_u(sh_stats().lost, 1);
  wait_for_event(&events.lost);
  tap_eq_u(atomic_load(&events.lost), 1);
  tap_eq_u(atomic_load(&events.strange), 0);
  sh_check_errors();
  sh_check_stats();
}

static void an_aborted_notifier_costs_one_slot(void) {
  one_aborts(GCX_REFS_NONE);
}
static void an_aborted_notifier_of_a_held_kind(void) {
  one_aborts(GCX_REFS_HELD);
}

TAP_MAIN(TAP_CASE_T(slow_notifiers_slow_allocation_down, 120),
         TAP_CASE(large_objects_are_slowed_down_as_well),
         TAP_CASE(allocation_gives_up_waiting_without_progress),
         TAP_CASE(who_is_told_of_an_overrun_may_allocate),
         TAP_CASE(no_limit_means_no_waiting),
         TAP_CASE(allocation_in_a_nowait_section_does_not_wait),
         TAP_CASE(allocation_under_a_lock_of_the_notifier_goes_on),
         TAP_CASE(a_notifier_that_allocates_does_not_wait),
         TAP_CASE(a_stuck_notifier_costs_one_slot),
         TAP_CASE(a_stuck_notifier_of_a_batch),
         TAP_CASE(a_stuck_notifier_of_a_held_kind),
         TAP_CASE(a_stuck_notifier_does_not_hold_memory),
         TAP_CASE(what_is_done_behind_a_stuck_notifier_is_freed_once),
         TAP_CASE(several_notifiers_run_side_by_side),
         TAP_CASE(an_aborted_notifier_costs_one_slot),
         TAP_CASE(an_aborted_notifier_of_a_held_kind))
