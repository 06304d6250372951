/* tests/gcx/weak_threads.c: weak references that threads read while addresses are used again. SPDX-License-Identifier: MIT */

/*
 * Every object has its serial number in it, and a table outside the heap has the
 * number that each weak reference was made for. All objects are of one size, so
 * a dead one's address goes to another soon; whoever reads a reference and finds
 * another number, or none yet, has been given somebody else's object.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gcx/reclaim.h>
#include <gcx/weak.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_THREADS = 8, N_SLOTS = 2000, DATA_BYTES = 24, WAIT_MS = 60000 };

struct object {
  uint64_t serial;
  unsigned char data[DATA_BYTES];
};

/* A reference must not be freed while others read it: hence the lock. */
struct slot {
  _Atomic(gcx_weak *) weak;
  _Atomic uint64_t serial;
  pthread_mutex_t lock;
};

static struct slot *slots;
static atomic_uchar *told; /* by serial */
static size_t max_serials;
static atomic_size_t serials, found, gone, wrong, damaged, told_alive;
static atomic_bool is_over;
static gcx_kind *kind; /* null: ordinary objects */

static gcx_verdict on_dead(void *object, size_t bytes, void *cd) {
  const struct object *o = object;
  (void)bytes, (void)cd;
  if (!gu_is_intact(o->data, DATA_BYTES, o->serial))
    atomic_fetch_add(&damaged, 1);
  atomic_fetch_add(&told[o->serial], 1);
  return GCX_DONE;
}

static struct object *new_object(void) {
  size_t serial = atomic_fetch_add(&serials, 1) + 1;
  struct object *o =
      kind != NULL ? gcx_kind_alloc(kind, sizeof *o) : GC_malloc(sizeof *o);
  tap_require(o != NULL && serial < max_serials);
  gu_fill(o->data, DATA_BYTES, serial);
  o->serial = serial;
  return o;
}

/* The slot is locked, or nobody reads. */
static void replace(struct slot *s) {
  struct object *volatile o = new_object();
  gcx_weak *old = atomic_load(&s->weak);
  gcx_weak *w = gcx_weak_new(o);
  tap_require(w != NULL);
  atomic_store(&s->serial, o->serial);
  atomic_store(&s->weak, w);
  gcx_weak_free(old);
}

static void check_object(const struct object *o, uint64_t serial) {
  if (o->serial != serial)
    atomic_fetch_add(&wrong, 1);
  else if (!gu_is_intact(o->data, DATA_BYTES, serial))
    atomic_fetch_add(&damaged, 1);
  else if (atomic_load(&told[serial]) != 0)
    atomic_fetch_add(&told_alive, 1);
}

/* ThreadSanitizer keeps signals back from a thread that waits for a mutex. */
static void lock(struct slot *s) {
  while (pthread_mutex_trylock(&s->lock) != 0)
    sched_yield();
}

static void look(struct slot *s, uint64_t *rand,
                 struct object *volatile *hold) {
  lock(s);
  struct object *o = gcx_weak_get(atomic_load(&s->weak));
  uint64_t serial = atomic_load(&s->serial);
  if (o != NULL) {
    atomic_fetch_add(&found, 1);
    check_object(o, serial);
    hold[tap_rand_r(rand) % 8] = o;
  } else {
    atomic_fetch_add(&gone, 1);
  }
  if (o == NULL || tap_rand_r(rand) % 64 == 0)
    replace(s);
  pthread_mutex_unlock(&s->lock);
}

static void *work(void *arg) {
  uint64_t rand = tap_seed() + (uint64_t)(uintptr_t)arg;
  struct object *volatile hold[8] = {NULL};
  size_t steps = (tap_long() ? 4000000 : 200000) / (TAP_TSAN ? 10 : 1);
  struct GC_stack_base base;
  tap_require(GC_get_stack_base(&base) == GC_SUCCESS);
  GC_register_my_thread(&base);
  for (size_t i = 0; i < steps; i++) {
    look(&slots[tap_rand_r(&rand) % N_SLOTS], &rand, hold);
    if (i % 1000 == 0)
      for (int j = 0; j < 8; j++)
        if (hold[j] != NULL)
          tap_require(gu_is_intact(hold[j]->data, DATA_BYTES, hold[j]->serial));
    if (i % 20000 == 19999)
      GC_gcollect();
  }
  GC_unregister_my_thread();
  return NULL;
}

static void prepare(void) {
  GC_INIT();
  GC_allow_register_threads();
  max_serials = tap_long() ? 64000000 : 6000000;
  slots = calloc(N_SLOTS, sizeof *slots);
  told = calloc(max_serials, 1);
  tap_require(slots != NULL && told != NULL);
  for (size_t i = 0; i < N_SLOTS; i++) {
    pthread_mutex_init(&slots[i].lock, NULL);
    replace(&slots[i]);
  }
}

static void run_threads(void *(*body)(void *), size_t n, pthread_t *threads) {
  for (size_t i = 0; i < n; i++)
    tap_require(pthread_create(&threads[i], NULL, body, (void *)i) == 0);
}

static void join_threads(size_t n, const pthread_t *threads) {
  for (size_t i = 0; i < n; i++)
    pthread_join(threads[i], NULL);
}

static void check_verdict(void) {
  tap_note("%zu objects, %zu times found, %zu times gone",
           (size_t)atomic_load(&serials), (size_t)atomic_load(&found),
           (size_t)atomic_load(&gone));
  tap_ge(atomic_load(&found), 1000);
  tap_ge(atomic_load(&gone), 1000);
  tap_eq_u(atomic_load(&wrong), 0);
  tap_eq_u(atomic_load(&damaged), 0);
  tap_eq_u(atomic_load(&told_alive), 0);
}

/* ---- Tables of weak references ---- */

static void everybody_replaces(void) {
  pthread_t threads[N_THREADS];
  prepare();
  run_threads(work, N_THREADS, threads);
  join_threads(N_THREADS, threads);
  check_verdict();
}

static void ordinary_objects(void) { everybody_replaces(); }

static void notified_objects(gcx_refs refs, gcx_mode mode) {
  gcx_kind_opts opts = {.struct_size = sizeof opts, .notify = on_dead};
  opts.refs = refs;
  opts.mode = mode;
  opts.layout =
      refs == GCX_REFS_HELD ? GCX_LAYOUT_CONSERVATIVE : GCX_LAYOUT_LEAF;
  GC_INIT();
  kind = gcx_kind_new(&opts, NULL);
  tap_require(kind != NULL);
  everybody_replaces();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  for (size_t i = 1; i <= atomic_load(&serials); i++)
    tap_require(atomic_load(&told[i]) <= 1);
}

static void notified_without_referents(void) {
  notified_objects(GCX_REFS_NONE, GCX_MODE_PROPER);
}
static void notified_with_referents(void) {
  notified_objects(GCX_REFS_HELD, GCX_MODE_PROPER);
}
static void notified_by_allocators(void) {
  notified_objects(GCX_REFS_HELD, GCX_MODE_SIMPLE);
}

/* ---- Reading without any lock ---- */

/* Readers walk over references whose objects die, while others allocate at the
 * same addresses. */
static void *read_on(void *arg) {
  struct GC_stack_base base;
  (void)arg;
  tap_require(GC_get_stack_base(&base) == GC_SUCCESS);
  GC_register_my_thread(&base);
  while (!atomic_load(&is_over))
    for (size_t i = 0; i < N_SLOTS; i++) {
      const struct object *o = gcx_weak_get(atomic_load(&slots[i].weak));
      if (o != NULL)
        check_object(o, atomic_load(&slots[i].serial));
    }
  GC_unregister_my_thread();
  return NULL;
}

static void *allocate_on(void *arg) {
  struct GC_stack_base base;
  (void)arg;
  tap_require(GC_get_stack_base(&base) == GC_SUCCESS);
  GC_register_my_thread(&base);
  while (!atomic_load(&is_over))
    for (int i = 0; i < 1000; i++) {
      struct object *o = GC_malloc(sizeof *o);
      gu_fill(o->data, DATA_BYTES, 1);
    }
  GC_unregister_my_thread();
  return NULL;
}

static void make_all(void *unused) {
  (void)unused;
  for (size_t i = 0; i < N_SLOTS; i++) {
    gcx_weak_free(atomic_load(&slots[i].weak));
    atomic_store(&slots[i].weak, NULL);
    struct object *o = new_object();
    atomic_store(&slots[i].serial, o->serial);
    atomic_store(&slots[i].weak, gcx_weak_new(o));
  }
}

static void readers_need_no_lock(void) {
  size_t rounds = (tap_long() ? 2000 : 500) / (TAP_TSAN ? 50 : 1);
  pthread_t readers[3], allocators[3];
  prepare();
  for (size_t r = 0; r < rounds; r++) {
    make_all(NULL);
    atomic_store(&is_over, false);
    run_threads(read_on, 3, readers);
    run_threads(allocate_on, 3, allocators);
    for (int i = 0; i < 3; i++)
      gu_collect();
    atomic_store(&is_over, true);
    join_threads(3, readers);
    join_threads(3, allocators);
  }
  tap_eq_u(atomic_load(&wrong), 0);
  tap_eq_u(atomic_load(&damaged), 0);
}

/* ---- Fork ---- */

/* What somebody was replacing is half replaced for ever. */
static void child_life(void) {
  uint64_t rand = 1;
  struct object *volatile hold[8] = {NULL};
  for (size_t i = 0; i < 2 * N_SLOTS; i++) {
    struct slot *s = &slots[i % N_SLOTS];
    if (pthread_mutex_trylock(&s->lock) != 0)
      continue;
    pthread_mutex_unlock(&s->lock);
    look(s, &rand, hold);
  }
  GC_gcollect();
  _exit(atomic_load(&wrong) != 0 || atomic_load(&damaged) != 0);
}

static void children_have_their_own(void) {
  pthread_t threads[2];
  if (TAP_TSAN)
    tap_skip("the sanitiser misses the parent's threads in the child");
  prepare();
  run_threads(work, 2, threads);
  for (int i = 0; i < 20; i++) {
    pid_t pid = fork();
    if (pid == 0)
      child_life();
    gu_check_child(pid);
  }
  join_threads(2, threads);
  tap_eq_u(atomic_load(&wrong), 0);
}

TAP_MAIN(TAP_CASE_T(ordinary_objects, 300),
         TAP_CASE_T(notified_without_referents, 300),
         TAP_CASE_T(notified_with_referents, 300),
         TAP_CASE_T(notified_by_allocators, 300),
         TAP_CASE_T(readers_need_no_lock, 300),
         TAP_CASE_T(children_have_their_own, 300))
