/* tests/gcx/shadow.c: what a test knows of its notified objects. SPDX-License-Identifier: MIT */
#include "gcx/shadow.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GATE_OBJECTS = 16, TEN_MINUTES_MS = 600000, MAX_ROUNDS = 10 };
#define BOX_SERIAL ((uint64_t)1 << 40)

static struct {
  atomic_uint *holders, *notified;
  atomic_size_t *place;
  size_t max;
  atomic_size_t taken, total;
  atomic_size_t live_notified, damaged, unclean;
} shadow;

/* ---- Start ---- */

static void *table(size_t n, size_t bytes) {
  void *p = calloc(n, bytes);
  tap_require(p != NULL);
  return p;
}

void sh_configure(gcx_finaliser_opts opts) {
  opts.struct_size = sizeof opts;
  tap_eq_u(gcx_finaliser_config(&opts), 0);
}

void sh_begin(size_t max_serials) {
  GC_set_handle_fork(1);
  GC_INIT();
  shadow.max = max_serials;
  shadow.holders = table(max_serials, sizeof *shadow.holders);
  shadow.notified = table(max_serials, sizeof *shadow.notified);
  shadow.place = table(max_serials, sizeof *shadow.place);
  sh_configure((gcx_finaliser_opts){.stuck_ms = TEN_MINUTES_MS});
}

gcx_kind *sh_kind(gcx_kind_opts opts) {
  int error = -1;
  opts.struct_size = sizeof opts;
  gcx_kind *kind = gcx_kind_new(&opts, &error);
  if (kind == NULL)
    tap_note("no kind: %s", strerror(error));
  tap_require(kind != NULL);
  return kind;
}

gcx_kind *sh_counting_kind(gcx_refs refs) {
  return sh_kind((gcx_kind_opts){.notify = refs == GCX_REFS_HELD ? sh_count_held
                                                                 : sh_count,
                                 .refs = refs});
}

bool sh_can(unsigned caps) { return (gcx_backend_caps() & caps) == caps; }

void sh_need(unsigned caps, const char *what) {
  if (!sh_can(caps))
    tap_skip(what);
}

gcx_release sh_batch(void) {
  return sh_can(GCX_CAP_BATCH) ? GCX_RELEASE_BATCH : GCX_RELEASE_BLOCK;
}

/* ---- Objects ---- */

size_t sh_take_serial(void) { return atomic_fetch_add(&shadow.taken, 1); }
size_t sh_taken(void) { return atomic_load(&shadow.taken); }

struct sh_node *sh_node(gcx_kind *kind, size_t bytes, size_t serial) {
  struct sh_node *n =
      gcx_kind_alloc(kind, bytes < sizeof *n ? sizeof *n : bytes);
  tap_require(n != NULL && serial < shadow.max);
  if (!gu_is_zero(n, bytes))
    atomic_fetch_add(&shadow.unclean, 1);
  gu_fill(n->data, SH_DATA_BYTES, serial);
  n->serial = serial;
  return n;
}

struct sh_node *sh_box(struct sh_node *to) {
  static _Atomic uint64_t boxes;
  struct sh_node *n = GC_malloc(sizeof *n);
  tap_require(n != NULL);
  n->serial = BOX_SERIAL + atomic_fetch_add(&boxes, 1);
  gu_fill(n->data, SH_DATA_BYTES, n->serial);
  n->ref[0] = to;
  return n;
}

bool sh_is_intact(const struct sh_node *n) {
  return gu_is_intact(n->data, SH_DATA_BYTES, n->serial);
}

void sh_hold(size_t serial) { atomic_fetch_add(&shadow.holders[serial], 1); }
void sh_drop(size_t serial) { atomic_fetch_sub(&shadow.holders[serial], 1); }

bool sh_is_held(size_t serial) {
  return atomic_load(&shadow.holders[serial]) != 0;
}

/* ---- Notifications ---- */

void sh_note(const void *object, size_t bytes) {
  const struct sh_node *n = object;
  if (bytes < sizeof *n || n->serial >= shadow.max || !sh_is_intact(n)) {
    atomic_fetch_add(&shadow.damaged, 1);
    return;
  }
  if (sh_is_held(n->serial))
    atomic_fetch_add(&shadow.live_notified, 1);
  size_t place = atomic_fetch_add(&shadow.total, 1) + 1;
  atomic_store(&shadow.place[n->serial], place);
  atomic_fetch_add(&shadow.notified[n->serial], 1);
}

void sh_note_held(const void *object, size_t bytes) {
  const struct sh_node *n = object;
  sh_note(n, bytes);
  for (int i = 0; i < 2; i++)
    if (n->ref[i] != NULL && !sh_is_intact(n->ref[i]))
      atomic_fetch_add(&shadow.damaged, 1);
}

gcx_verdict GC_CALLBACK sh_count(void *object, size_t bytes, void *cd) {
  (void)cd;
  sh_note(object, bytes);
  return GCX_DONE;
}

gcx_verdict GC_CALLBACK sh_count_held(void *object, size_t bytes, void *cd) {
  (void)cd;
  sh_note_held(object, bytes);
  return GCX_DONE;
}

unsigned sh_notified(size_t serial) {
  return atomic_load(&shadow.notified[serial]);
}

size_t sh_place(size_t serial) { return atomic_load(&shadow.place[serial]); }
size_t sh_total(void) { return atomic_load(&shadow.total); }

size_t sh_count_notified(size_t from, size_t to, unsigned times) {
  size_t n = 0;
  for (size_t i = from; i < to; i++)
    n += sh_notified(i) == times;
  return n;
}

void sh_check_errors(void) {
  tap_eq_u(atomic_load(&shadow.live_notified), 0);
  tap_eq_u(atomic_load(&shadow.damaged), 0);
  tap_eq_u(atomic_load(&shadow.unclean), 0);
}

/* The sanitiser's frames are large and are not cleared, and other libraries do not
 * clear the stacks that they scan: a stray word may be left. */
void sh_check_once(size_t from, size_t to) {
  size_t once = sh_count_notified(from, to, 1);
  size_t never = sh_count_notified(from, to, 0);
  tap_eq_u(once + never, to - from);
  bool all_at_once = gu_on_reclaim() && !TAP_ASAN;
  size_t may_wait = all_at_once ? 0 : 4 + (to - from) / 1000;
  if (!tap_check(never <= may_wait))
    tap_note("%zu of %zu were not notified", never, to - from);
}

/* ---- Threads and waiting ---- */

void sh_start(pthread_t *t, void *(*fn)(void *), void *arg) {
  tap_require(GC_pthread_create(t, NULL, fn, arg) == 0);
}

void sh_join(pthread_t t) { tap_eq_u(GC_pthread_join(t, NULL), 0); }

struct call {
  void (*fn)(void *);
  void *arg;
};

/* The system gives the stack to the next thread, of which a collection may find some
 * gaps in frames before they are written. */
static void *call_it(void *arg) {
  struct call *c = arg;
  c->fn(c->arg);
  gu_scrub_stack();
  return NULL;
}

void sh_apart(void (*fn)(void *), void *arg) {
  struct call c = {fn, arg};
  pthread_t t;
  sh_start(&t, call_it, &c);
  sh_join(t);
}

void sh_lock(pthread_mutex_t *lock) {
  if (TAP_TSAN)
    while (pthread_mutex_trylock(lock) != 0)
      sched_yield();
  else
    pthread_mutex_lock(lock);
}

/* A drain collects once more where that is needed. */
void sh_collect(void) {
  gu_collect();
  if (!sh_can(GCX_CAP_PROMPT))
    gcx_drain(0);
}

void sh_settle(void) {
  gu_collect();
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
}

void sh_settle_deep(unsigned links) {
  for (unsigned i = 0; i < (sh_can(GCX_CAP_DEEP) ? 1 : links); i++)
    sh_settle();
}

void sh_settle_until(size_t total) {
  for (int i = 0; i < MAX_ROUNDS && sh_total() < total; i++)
    sh_settle();
}

gcx_finaliser_stats sh_stats(void) {
  gcx_finaliser_stats s = {.struct_size = sizeof s};
  gcx_get_finaliser_stats(&s);
  return s;
}

void sh_check_stats(void) {
  gcx_finaliser_stats s = sh_stats();
  if (!tap_check(s.condemned ==
                 s.notified + s.revived + s.lost + s.pending_objects))
    tap_note("condemned %lu, notified %lu, revived %lu, lost %lu, "
             "pending %zu, kept %lu",
             s.condemned, s.notified, s.revived, s.lost, s.pending_objects,
             s.kept);
  tap_le(s.kept, s.notified);
}

/* To a point in time: what is left after a signal has the timer's slack added, so
 * that a sleep which collections interrupt again and again would never end. */
void sh_sleep_us(unsigned us) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  uint64_t ns = (uint64_t)t.tv_nsec + (uint64_t)us * 1000;
  t.tv_sec += (time_t)(ns / 1000000000);
  t.tv_nsec = (long)(ns % 1000000000);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
    continue;
}

/* ---- Gate ---- */

static struct {
  atomic_bool taken; /* one object of many waits, the others are spares */
  sem_t entered, opened;
} gate;

static void wait_for(sem_t *s) {
  while (sem_wait(s) != 0 && errno == EINTR)
    continue;
}

static gcx_verdict GC_CALLBACK wait_at_gate(void *object, size_t bytes,
                                            void *cd) {
  (void)object, (void)bytes, (void)cd;
  if (!atomic_exchange(&gate.taken, true)) {
    sem_post(&gate.entered);
    wait_for(&gate.opened);
  }
  return GCX_DONE;
}

static void make_gate_objects(void *kind) {
  for (int i = 0; i < GATE_OBJECTS; i++)
    tap_require(gcx_kind_alloc(kind, 16) != NULL);
}

void sh_close_gate(void) {
  static gcx_kind *kind;
  if (kind == NULL) {
    kind = sh_kind((gcx_kind_opts){.notify = wait_at_gate, .name = "gate"});
    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.opened, 0, 0);
  }
  atomic_store(&gate.taken, false);
  sh_apart(make_gate_objects, kind);
  sh_collect();
  wait_for(&gate.entered);
}

void sh_open_gate(void) { sem_post(&gate.opened); }
