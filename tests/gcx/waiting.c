/* tests/gcx/waiting.c: draining and quiescing, and events of collections. SPDX-License-Identifier: MIT */

/*
 * Contract: when gcx_drain returns, notifiers of what was condemned have returned, not
 * only been called; once gcx_kind_quiesce gave a kind up, neither what was pending nor
 * what dies later is notified. The program's function for events of collections, set when
 * there are kinds already, is called and hinders nothing. A notifier thread that sleeps is
 * woken by what there is to notify, not by the stop of the next collection.
 */
#include "gcx/shadow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { N = 2000, LAZY_US = 300000 };

static gcx_kind *kind;
static atomic_size_t n_called, n_returned;

static void make(void *n) {
  for (size_t i = 0; i < *(size_t *)n; i++)
    tap_require(gcx_kind_alloc(kind, 48) != NULL);
}

static void make_apart(size_t n) { sh_apart(make, &n); }

static gcx_verdict GC_CALLBACK be_lazy(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  if (atomic_fetch_add(&n_called, 1) == 0)
    sh_sleep_us(LAZY_US);
  atomic_fetch_add(&n_returned, 1);
  return GCX_DONE;
}

static void wait_for_call(void) {
  for (int i = 0; i < 200 && atomic_load(&n_called) == 0; i++)
    sh_sleep_us(1000);
}

/* The queue is empty then, and one notifier runs; a stale word may hold an object. */
static void a_drain_waits_for_the_one_that_runs(void) {
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = be_lazy});
  for (int i = 0; i < 50 && atomic_load(&n_called) == 0; i++) {
    make_apart(1);
    gu_collect();
    wait_for_call();
  }
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  tap_ge(atomic_load(&n_returned), 1);
}

static gcx_verdict GC_CALLBACK count(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  atomic_fetch_add(&n_called, 1);
  return GCX_DONE;
}

/* What is pending behind the gate when the kind is given up. */
static void what_was_pending_is_not_called_any_more(void) {
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = count});
  sh_close_gate();
  make_apart(N);
  gu_collect();
  tap_ge(sh_stats().pending_objects, N * 9 / 10);
  tap_eq_u(gcx_kind_quiesce(kind, 50), ETIMEDOUT);
  sh_open_gate();
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  sh_settle();
  tap_eq_u(atomic_load(&n_called), 0);
}

/* In blocks that are full of live objects, and in such that die as a whole. */
static void what_dies_later_is_not_notified(void) {
  static void *held[N];
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = count});
  for (size_t i = 0; i < N; i++)
    held[i] = gcx_kind_alloc(kind, 48);
  tap_eq_u(gcx_kind_quiesce(kind, SH_PATIENCE_MS), 0);
  for (size_t i = 0; i < N; i += 16)
    held[i] = NULL;
  make_apart(N);
  for (int i = 0; i < 3; i++)
    sh_settle();
  tap_eq_u(atomic_load(&n_called), 0);
  tap_check(held[1] != NULL);
}

static atomic_size_t n_events;

static void GC_CALLBACK count_event(GC_EventType event) {
  (void)event;
  atomic_fetch_add(&n_events, 1);
}

/* Nearly full blocks: where a library does not look by itself. */
static void events_of_the_program_hinder_nothing(void) {
  static void *held[N];
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = count});
  for (size_t i = 0; i < N; i++)
    held[i] = gcx_kind_alloc(kind, 48);
  GC_set_on_collection_event(count_event);
  tap_check(GC_get_on_collection_event() == count_event);
  for (size_t i = 0; i < N; i += 16)
    held[i] = NULL;
  gu_collect();
  tap_ge(atomic_load(&n_events), 4);
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  tap_ge(atomic_load(&n_called), N / 16 * 9 / 10);
  tap_check(held[1] != NULL);
}

/* ---- Waking ---- */

enum { LOOKS = 20, LOOK_US = 1000, WAKE_MS = 10000 };

static atomic_int notifier_tid;

static gcx_verdict GC_CALLBACK note_thread(void *object, size_t bytes,
                                           void *cd) {
  (void)object, (void)bytes, (void)cd;
  atomic_store(&notifier_tid, (int)syscall(SYS_gettid));
  atomic_fetch_add(&n_called, 1);
  return GCX_DONE;
}

/* What the kernel says of the thread: asleep, and how often it went to sleep. */
static bool read_sleeps(int tid, unsigned long *sleeps) {
  char path[64], line[128];
  bool is_asleep = false, is_counted = false;
  snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
  FILE *f = fopen(path, "r");
  tap_require(f != NULL);
  while (fgets(line, sizeof line, f) != NULL) {
    if (strncmp(line, "State:\tS", 8) == 0)
      is_asleep = true;
    if (sscanf(line, "voluntary_ctxt_switches: %lu", sleeps) == 1)
      is_counted = true;
  }
  fclose(f);
  return is_asleep && is_counted;
}

/* The same sleep, seen many times while nobody else has anything to do, is the one for
 * want of work. With ThreadSanitizer no sleep is long: signals would wait for its end. */
static void await_long_sleep(int tid) {
  unsigned long last = 0, now = 0;
  if (TAP_TSAN)
    return;
  for (int same = 0, i = 0; same < LOOKS; i++) {
    tap_require(i < SH_PATIENCE_MS);
    same = read_sleeps(tid, &now) && now == last ? same + 1 : 0;
    last = now;
    sh_sleep_us(LOOK_US);
  }
}

static void await_calls(size_t n) {
  for (int i = 0; i < WAKE_MS && atomic_load(&n_called) < n; i++)
    sh_sleep_us(1000);
  tap_eq_u(atomic_load(&n_called), n);
}

/* Freeing by hand is work that comes without a collection; and a wait for it would wake
 * the thread by itself. */
static void a_sleeping_notifier_is_woken(void) {
  sh_need(GCX_CAP_PROMPT | GCX_CAP_FREE, "no thread notifies what is freed");
  sh_begin(1);
  kind = sh_kind((gcx_kind_opts){.notify = note_thread});
  GC_disable();
  for (size_t i = 1; i <= 4; i++) {
    GC_free(gcx_kind_alloc(kind, 48));
    await_calls(i);
    await_long_sleep(atomic_load(&notifier_tid));
  }
}

TAP_MAIN(TAP_CASE(a_drain_waits_for_the_one_that_runs),
         TAP_CASE(what_was_pending_is_not_called_any_more),
         TAP_CASE(what_dies_later_is_not_notified),
         TAP_CASE(events_of_the_program_hinder_nothing),
         TAP_CASE(a_sleeping_notifier_is_woken))
