/* tests/gcx/observe_threads.c: observers while threads allocate, block, fork and end. SPDX-License-Identifier: MIT */

/*
 * Several threads make objects of one kind and drop most of them; what the
 * observer counted must be what the weak references of all of them say.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_mark.h>
#include <gcx/reclaim.h>
#include <gcx/weak.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum {
  N_THREADS = 4,
  PER_THREAD = 20000,
  N_LIVE = 64,
  WAIT_MS = 60000,
  WAKE_MS = 15000,
  OBJ_BYTES = 40, /* with the spare byte it makes 48 */
  USABLE_BYTES = 48
};

static unsigned kind_number;
static gcx_weak *weak[N_THREADS][PER_THREAD];
static atomic_size_t called, by_hand, after_end, wrong;
static atomic_bool has_ended, is_over;
static unsigned long last_collection; /* of the observers' thread */

static void GC_CALLBACK count(const gcx_death *deaths, size_t n, void *cd) {
  (void)cd;
  for (size_t i = 0; i < n; i++) {
    if (deaths[i].how == GCX_DEATH_BY_HAND)
      atomic_fetch_add(&by_hand, 1);
    if (deaths[i].collection < last_collection)
      atomic_fetch_add(&wrong, 1);
    last_collection = deaths[i].collection;
  }
  if (atomic_load(&has_ended))
    atomic_fetch_add(&after_end, 1);
  atomic_fetch_add(&called, n);
}

static gcx_observer *observe_with(gcx_observe_opts o) {
  int error = -1;
  o.struct_size = sizeof o;
  gcx_observer *observer = gcx_observe(kind_number, &o, &error);
  tap_require(observer != NULL && error == 0);
  return observer;
}

static void start(void) {
  GC_INIT();
  GC_allow_register_threads();
  kind_number = GC_new_kind(GC_new_free_list(), 0, 1, 1);
}

static void *new_object(void) {
  void *p = GC_generic_malloc(OBJ_BYTES, (int)kind_number);
  tap_require(p != NULL);
  return p;
}

static gcx_observer_stats stats_of(gcx_observer *o) {
  gcx_observer_stats s = {.struct_size = sizeof s};
  gcx_get_observer_stats(o, &s);
  return s;
}

/* ---- Threads ---- */

static void in_registered(void (*fn)(size_t), size_t index) {
  struct GC_stack_base base;
  tap_require(GC_get_stack_base(&base) == GC_SUCCESS);
  GC_register_my_thread(&base);
  fn(index);
  GC_unregister_my_thread();
}

static void make_weak(size_t thread) {
  void *volatile live[N_LIVE] = {NULL};
  for (size_t i = 0; i < PER_THREAD; i++) {
    void *p = new_object();
    live[i % N_LIVE] = p;
    tap_require(live[i % N_LIVE] != NULL);
    weak[thread][i] = gcx_weak_new(p);
    tap_require(weak[thread][i] != NULL);
    if (i % 5000 == 4999)
      GC_gcollect();
  }
}

static void *run_make_weak(void *index) {
  in_registered(make_weak, (size_t)(uintptr_t)index);
  return NULL;
}

static void run_threads(void *(*fn)(void *), size_t n) {
  pthread_t threads[N_THREADS];
  for (size_t i = 0; i < n; i++)
    tap_require(pthread_create(&threads[i], NULL, fn, (void *)i) == 0);
  for (size_t i = 0; i < n; i++)
    pthread_join(threads[i], NULL);
}

static size_t count_dead(void) {
  size_t dead = 0;
  for (size_t t = 0; t < N_THREADS; t++)
    for (size_t i = 0; i < PER_THREAD; i++)
      dead += weak[t][i] != NULL && gcx_weak_get(weak[t][i]) == NULL;
  gu_scrub_stack();
  return dead;
}

/* Threads end between collections: what they had claimed and never handed out is
 * nobody's death. */
static void counts_of_threads(gcx_observe_fn fn) {
  start();
  gcx_observer *o = observe_with((gcx_observe_opts){.observe = fn});
  run_threads(run_make_weak, N_THREADS);
  tap_eq_u(stats_of(o).found, count_dead());
  gu_collect();
  size_t dead = count_dead();
  tap_eq_u(stats_of(o).found, dead);
  tap_eq_u(stats_of(o).found_bytes, dead * USABLE_BYTES);
  tap_ge(dead, N_THREADS * PER_THREAD * 95 / 100);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(atomic_load(&called), fn == NULL ? 0 : dead);
  tap_eq_u(stats_of(o).lost, 0);
}

static void four_threads_are_counted(void) { counts_of_threads(NULL); }
static void four_threads_are_told(void) { counts_of_threads(count); }

/* A thread that claimed a run, was there in a collection, and ends. */
static sem_t claimed, collected;

static void claim_and_wait(size_t index) {
  (void)index;
  void *volatile p = new_object();
  gcx_weak_free(gcx_weak_new(p));
  sem_post(&claimed);
  sem_wait(&collected);
  p = NULL;
}

static void *run_claim_and_wait(void *index) {
  in_registered(claim_and_wait, (size_t)(uintptr_t)index);
  return NULL;
}

static void unused_slots_are_no_deaths(void) {
  pthread_t t;
  start();
  gcx_observer *o = observe_with((gcx_observe_opts){0});
  for (int i = 0; i < 20; i++) {
    tap_require(pthread_create(&t, NULL, run_claim_and_wait, NULL) == 0);
    sem_wait(&claimed);
    GC_gcollect();
    sem_post(&collected);
    pthread_join(t, NULL);
    tap_le(stats_of(o).found, i); /* of those of the threads before */
  }
  gu_collect();
  tap_le(stats_of(o).found, 20);
}

/* ---- Many deaths, some by hand ---- */

static atomic_size_t made;

static void churn(size_t index) {
  uint64_t rand = tap_seed() + index;
  for (size_t i = 0; !atomic_load(&is_over); i++) {
    void *p = new_object();
    atomic_fetch_add(&made, 1);
    if (tap_rand_r(&rand) % 4 == 0)
      GC_free(p);
    if (i % 20000 == 19999)
      GC_gcollect();
  }
}

static void *run_churn(void *index) {
  in_registered(churn, (size_t)(uintptr_t)index);
  return NULL;
}

static void start_churn(pthread_t *threads) {
  for (size_t i = 0; i < N_THREADS; i++)
    tap_require(pthread_create(&threads[i], NULL, run_churn, (void *)i) == 0);
}

static void end_churn(pthread_t *threads) {
  atomic_store(&is_over, true);
  for (size_t i = 0; i < N_THREADS; i++)
    pthread_join(threads[i], NULL);
}

/* Each that is counted is told or lost, and no more die than were made. */
static void churn_is_balanced(void) {
  pthread_t threads[N_THREADS];
  start();
  gcx_observer *o = observe_with(
      (gcx_observe_opts){.observe = count, .flags = GCX_OBSERVE_FREES});
  start_churn(threads);
  for (int i = 0; i < 20; i++) {
    usleep(20000);
    gcx_observer_stats s = stats_of(o);
    tap_require(s.found + s.freed == s.told + s.lost + s.pending);
    tap_require(s.found + s.freed <= atomic_load(&made) + N_THREADS);
  }
  end_churn(threads);
  gu_collect();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  gcx_observer_stats s = stats_of(o);
  tap_eq_u(s.pending, 0);
  tap_eq_u(s.found + s.freed, s.told + s.lost);
  tap_eq_u(atomic_load(&called), s.told);
  tap_le(atomic_load(&by_hand), s.freed);
  tap_le(s.found + s.freed, atomic_load(&made));
  tap_eq_u(atomic_load(&wrong), 0);
  tap_ge(s.found + s.freed + 100, atomic_load(&made));
}

/* The oldest object at an address dies first: a table of entries by address is a
 * queue for each. One size, few addresses, one thread that frees and drops. */
enum { N_STEPS = 60000, N_BUCKETS = 65536 };

static struct entry {
  uintptr_t hidden;
  unsigned by_hand; /* 1: it will be freed */
  struct entry *next;
} entries[N_STEPS], *buckets[N_BUCKETS];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock_table(void) {
  while (pthread_mutex_trylock(&table_lock) != 0)
    usleep(1);
}

static struct entry **place_of(uintptr_t hidden) {
  return &buckets[~hidden / 16 % N_BUCKETS];
}

static void enter(size_t i, const void *p, bool is_freed) {
  entries[i] = (struct entry){gu_hide(p), is_freed, NULL};
  lock_table();
  struct entry **e = place_of(entries[i].hidden);
  while (*e != NULL)
    e = &(*e)->next;
  *e = &entries[i];
  pthread_mutex_unlock(&table_lock);
}

static void GC_CALLBACK leave_oldest(const gcx_death *d, size_t n, void *cd) {
  (void)cd;
  lock_table();
  for (size_t i = 0; i < n; i++) {
    uintptr_t hidden = ~(uintptr_t)d[i].address;
    struct entry **e = place_of(hidden);
    while (*e != NULL && (*e)->hidden != hidden)
      e = &(*e)->next;
    if (*e == NULL || (*e)->by_hand != (d[i].how == GCX_DEATH_BY_HAND))
      atomic_fetch_add(&wrong, 1);
    if (*e != NULL)
      *e = (*e)->next;
  }
  pthread_mutex_unlock(&table_lock);
  atomic_fetch_add(&called, n);
}

static void the_oldest_at_an_address_dies_first(void) {
  start();
  gcx_observer *o = observe_with(
      (gcx_observe_opts){.observe = leave_oldest, .flags = GCX_OBSERVE_FREES});
  for (size_t i = 0; i < N_STEPS; i++) {
    void *volatile p = new_object();
    bool is_freed = tap_rand() % 2 != 0;
    enter(i, p, is_freed);
    if (is_freed)
      GC_free(p);
    if (i % 500 == 499)
      GC_gcollect();
  }
  gu_collect();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  gcx_observer_stats s = stats_of(o);
  tap_eq_u(s.lost, 0);
  tap_ge(s.told, N_STEPS - 100);
  tap_eq_u(atomic_load(&wrong), 0);
}

static void no_call_after_the_end(void) {
  pthread_t threads[N_THREADS];
  size_t before = 0;
  start();
  start_churn(threads);
  for (int i = 0; i < 50; i++) {
    atomic_store(&has_ended, false);
    gcx_observer *o = observe_with(
        (gcx_observe_opts){.observe = count, .flags = GCX_OBSERVE_FREES});
    usleep(5000);
    if (i % 2 == 0 || gcx_unobserve(o, 0) == ETIMEDOUT)
      tap_require(gcx_unobserve(o, WAIT_MS) == 0);
    before = atomic_load(&called);
    atomic_store(&has_ended, true);
    usleep(1000);
    tap_eq_u(atomic_load(&called), before);
  }
  end_churn(threads);
  tap_eq_u(atomic_load(&after_end), 0);
  tap_ge(atomic_load(&called), 1);
}

/* ---- Overflow, and an observer that blocks ---- */

static sem_t entered, go_on;

static void GC_CALLBACK wait_for_gate(const gcx_death *deaths, size_t n,
                                      void *cd) {
  if (atomic_load(&called) == 0) {
    sem_post(&entered);
    sem_wait(&go_on);
  }
  count(deaths, n, cd);
}

static void make_dead(void *n) {
  for (size_t i = 0; i < *(size_t *)n; i++)
    new_object();
}

static void kill_some(size_t n) {
  gu_apart(make_dead, &n);
  gu_collect();
}

static void what_overflows_is_counted(void) {
  enum { N = 100000, LOG_BYTES = 24 * 2 * 16 };
  start();
  gcx_observer *o = observe_with(
      (gcx_observe_opts){.observe = wait_for_gate, .log_bytes = LOG_BYTES});
  kill_some(100);
  sem_wait(&entered);
  kill_some(N);
  tap_eq_u(gcx_drain(20), ETIMEDOUT);
  gcx_observer_stats s = stats_of(o);
  tap_ge(s.found, N * 95 / 100);
  tap_ge(s.lost, N / 2);
  tap_ge(s.pending, 1);
  tap_eq_u(s.found, s.told + s.lost + s.pending);
  sem_post(&go_on);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  s = stats_of(o);
  tap_eq_u(s.pending, 0);
  tap_eq_u(s.found, s.told + s.lost);
  tap_eq_u(atomic_load(&called), s.told);
}

/* A log that fills wakes the thread, which after the drain looks no more by itself. */
static void full_logs_are_told(void) {
  enum { N = 1000, LOG_BYTES = 24 * 2 * 200 };
  start();
  gcx_observer *o = observe_with((gcx_observe_opts){
      .observe = count, .log_bytes = LOG_BYTES, .flags = GCX_OBSERVE_FREES});
  GC_disable();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  for (int i = 0; i < N; i++)
    GC_free(new_object());
  for (int i = 0; i < WAKE_MS && atomic_load(&called) < 100; i++)
    usleep(1000);
  tap_ge(atomic_load(&called), 100);
  tap_eq_u(stats_of(o).freed, N);
}

static void one_that_blocks_is_waited_for(void) {
  start();
  gcx_observer *o = observe_with((gcx_observe_opts){.observe = wait_for_gate});
  kill_some(1000);
  sem_wait(&entered);
  tap_eq_u(gcx_unobserve(o, 50), ETIMEDOUT);
  tap_eq_u(atomic_load(&called), 0);
  sem_post(&go_on);
  tap_eq_u(gcx_unobserve(o, WAIT_MS), 0);
  size_t before = atomic_load(&called);
  tap_ge(before, 1);
  kill_some(1000);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(atomic_load(&called), before);
}

/* Notifiers have threads of their own. */
static gcx_verdict GC_CALLBACK on_notified(void *object, size_t n, void *cd) {
  (void)object, (void)n;
  atomic_fetch_add((atomic_size_t *)cd, 1);
  return GCX_DONE;
}

static GU_NOINLINE void make_notified(gcx_kind *kind, size_t n) {
  for (size_t i = 0; i < n; i++)
    tap_require(gcx_kind_alloc(kind, 32) != NULL);
}

static void notifiers_do_not_wait(void) {
  static atomic_size_t notified;
  gcx_kind_opts opts = {
      .struct_size = sizeof opts, .notify = on_notified, .cd = &notified};
  start();
  gcx_kind *kind = gcx_kind_new(&opts, NULL);
  observe_with((gcx_observe_opts){.observe = wait_for_gate});
  kill_some(1000);
  sem_wait(&entered);
  make_notified(kind, 1000);
  gu_collect();
  for (int i = 0; i < WAIT_MS && atomic_load(&notified) < 950; i++)
    usleep(1000);
  tap_ge(atomic_load(&notified), 950);
  tap_eq_u(atomic_load(&called), 0);
  sem_post(&go_on);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
}

/* What a condemned object refers to is not dead yet: it is held for the notifier. */
static void make_holders(void *kind) {
  for (int i = 0; i < 1000; i++) {
    void **holder = gcx_kind_alloc(kind, 32);
    tap_require(holder != NULL);
    holder[1] = new_object();
  }
}

static void what_is_held_is_not_dead(void) {
  static atomic_size_t notified;
  gcx_kind_opts opts = {.struct_size = sizeof opts,
                        .notify = on_notified,
                        .cd = &notified,
                        .refs = GCX_REFS_HELD};
  start();
  gcx_kind *kind = gcx_kind_new(&opts, NULL);
  gcx_observer *o = observe_with((gcx_observe_opts){.observe = count});
  for (size_t i = 0; i < 5; i++) {
    size_t before = stats_of(o).found;
    gu_apart(make_holders, kind);
    gu_collect();
    tap_le(stats_of(o).found, before + i * 20); /* stray words let go */
    tap_eq_u(gcx_drain(WAIT_MS), 0);
    gu_collect();
    tap_ge(stats_of(o).found, before + 950);
  }
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(atomic_load(&called), stats_of(o).found);
  tap_ge(atomic_load(&notified), 4500);
}

/* ---- In an observer ---- */

static void GC_CALLBACK allocate_and_ask(const gcx_death *deaths, size_t n,
                                         void *cd) {
  gcx_observer *self = *(gcx_observer **)cd;
  for (int i = 0; i < 200; i++)
    new_object();
  if (atomic_load(&called) == 0) {
    GC_gcollect();
    if (gcx_drain(10) != EDEADLK || gcx_unobserve(self, 10) != EDEADLK ||
        !gcx_in_notifier())
      atomic_fetch_add(&wrong, 1);
  }
  count(deaths, n, NULL);
}

static void it_may_allocate_and_collect(void) {
  static gcx_observer *o; /* a root: the observer reads it in any case */
  start();
  tap_eq_u(gcx_in_notifier(), 0);
  o = observe_with((gcx_observe_opts){.observe = allocate_and_ask, .cd = &o});
  kill_some(5000);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_ge(atomic_load(&called), 4500);
  tap_eq_u(atomic_load(&wrong), 0);
  tap_eq_u(gcx_unobserve(o, WAIT_MS), 0);
}

/* The data of an observer lives as long as it does. Some of many may be kept by a
 * stray word. */
enum { N_DATA = 40 };

static struct {
  gcx_observer *observer;
  gcx_weak *weak;
} with_data[N_DATA];

static void observe_with_data(void *unused) {
  (void)unused;
  for (int i = 0; i < N_DATA; i++) {
    void *data = GC_malloc_atomic(64);
    kind_number = GC_new_kind(GC_new_free_list(), 0, 1, 1);
    with_data[i].weak = gcx_weak_new(data);
    with_data[i].observer =
        observe_with((gcx_observe_opts){.observe = count, .cd = data});
  }
}

static GU_NOINLINE int count_data(void) {
  int n = 0;
  for (int i = 0; i < N_DATA; i++)
    n += gcx_weak_get(with_data[i].weak) != NULL;
  gu_scrub_stack();
  return n;
}

static void its_data_is_a_root(void) {
  start();
  gu_apart(observe_with_data, NULL);
  for (int i = 0; i < 3; i++)
    gu_collect();
  tap_eq_u(count_data(), N_DATA);
  for (int i = 0; i < N_DATA; i++)
    tap_eq_u(gcx_unobserve(with_data[i].observer, WAIT_MS), 0);
  gu_collect();
  tap_le(count_data(), 2);
}

static void GC_CALLBACK end_thread(const gcx_death *deaths, size_t n,
                                   void *cd) {
  bool is_first = atomic_load(&called) == 0;
  count(deaths, n, cd);
  if (is_first)
    pthread_exit(NULL);
}

static void the_thread_is_replaced(void) {
  start();
  gcx_observer *o = observe_with((gcx_observe_opts){.observe = end_thread});
  kill_some(5000);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  kill_some(5000);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_ge(atomic_load(&called), 9500);
  tap_eq_u(atomic_load(&called), stats_of(o).told);
  tap_eq_u(gcx_unobserve(o, WAIT_MS), 0);
}

static int retire(gcx_observe_fn fn, gcx_retire how, unsigned ms) {
  const char *code = (const char *)(void (*)(void))fn;
  return gcx_retire_code_range(code, code + 1, how, ms);
}

static void code_is_retired(void) {
  start();
  observe_with((gcx_observe_opts){.observe = count});
  kill_some(5000);
  tap_eq_u(retire(count, GCX_RETIRE_RUN, WAIT_MS), 0);
  size_t before = atomic_load(&called);
  tap_ge(before, 4750);
  kill_some(1000);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(atomic_load(&called), before);
  atomic_store(&called, 0);
  observe_with((gcx_observe_opts){.observe = wait_for_gate});
  kill_some(1000);
  sem_wait(&entered);
  tap_eq_u(retire(wait_for_gate, GCX_RETIRE_CANCEL, 50), ETIMEDOUT);
  sem_post(&go_on);
  tap_eq_u(retire(wait_for_gate, GCX_RETIRE_CANCEL, WAIT_MS), 0);
}

/* Deaths that nobody is asked to tell: the log is nearly empty, the thread sleeps. */
static gcx_observer *observe_untold(int n) {
  start();
  gcx_observer *o = observe_with(
      (gcx_observe_opts){.observe = count, .flags = GCX_OBSERVE_FREES});
  GC_disable();
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  for (int i = 0; i < n; i++)
    GC_free(new_object());
  return o;
}

static void the_rest_is_told_at_the_end(void) {
  tap_eq_u(gcx_unobserve(observe_untold(100), WAIT_MS), 0);
  tap_eq_u(atomic_load(&called), 100);
  observe_untold(50);
  tap_eq_u(retire(count, GCX_RETIRE_RUN, WAIT_MS), 0);
  tap_eq_u(atomic_load(&called), 150);
}

/* ---- Fork ---- */

static void check_in_child(gcx_observer *o) {
  gcx_observer_stats before = stats_of(o);
  kill_some(5000);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  gcx_observer_stats s = stats_of(o);
  tap_ge(s.found, before.found + 4750);
  tap_eq_u(s.found, s.told);
  tap_eq_u(atomic_load(&called), s.told);
  tap_eq_u(gcx_unobserve(o, WAIT_MS), 0);
}

static void a_child_goes_on(void) {
  start();
  if (TAP_TSAN)
    tap_skip("ThreadSanitizer allows no threads in the child");
  gcx_observer *o = observe_with((gcx_observe_opts){.observe = count});
  for (int i = 0; i < 20; i++) {
    kill_some(500);
    if (i % 2)
      tap_eq_u(gcx_drain(WAIT_MS), 0);
    pid_t pid = fork();
    tap_require(pid >= 0);
    if (pid == 0) {
      check_in_child(o);
      _exit(tap_failures() != 0);
    }
    gu_check_child(pid);
  }
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(atomic_load(&called), stats_of(o).found);
}

/* What the call that runs was told is the parent's affair. */
static void a_child_of_one_that_blocks(void) {
  start();
  if (TAP_TSAN)
    tap_skip("ThreadSanitizer allows no threads in the child");
  gcx_observer *o = observe_with((gcx_observe_opts){.observe = wait_for_gate});
  kill_some(5000);
  sem_wait(&entered);
  pid_t pid = fork();
  tap_require(pid >= 0);
  if (pid == 0) {
    size_t running = stats_of(o).told;
    tap_ge(running, 1);
    atomic_store(&called, running); /* as if it had returned */
    check_in_child(o);
    _exit(tap_failures() != 0);
  }
  gu_check_child(pid);
  sem_post(&go_on);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(atomic_load(&called), stats_of(o).found);
}

static void GC_CALLBACK fork_once(const gcx_death *deaths, size_t n, void *cd) {
  static atomic_bool done;
  count(deaths, n, cd);
  if (atomic_exchange(&done, true))
    return;
  pid_t pid = fork();
  tap_require(pid >= 0);
  if (pid == 0) {
    for (int i = 0; i < 1000; i++)
      new_object();
    GC_gcollect();
    _exit(gcx_in_notifier() && gcx_drain(0) == EDEADLK ? 0 : 1);
  }
  gu_check_child(pid);
}

static void fork_in_an_observer(void) {
  start();
  if (TAP_TSAN)
    tap_skip("ThreadSanitizer allows no threads in the child");
  gcx_observer *o = observe_with((gcx_observe_opts){.observe = fork_once});
  kill_some(5000);
  tap_eq_u(gcx_drain(WAIT_MS), 0);
  tap_eq_u(atomic_load(&called), stats_of(o).told);
  tap_ge(atomic_load(&called), 4750);
}

TAP_MAIN(TAP_CASE_T(four_threads_are_counted, 120),
         TAP_CASE_T(four_threads_are_told, 120),
         TAP_CASE(unused_slots_are_no_deaths),
         TAP_CASE_T(churn_is_balanced, 120),
         TAP_CASE_T(the_oldest_at_an_address_dies_first, 120),
         TAP_CASE_T(no_call_after_the_end, 120),
         TAP_CASE(what_overflows_is_counted),
         TAP_CASE_T(full_logs_are_told, 120),
         TAP_CASE(one_that_blocks_is_waited_for),
         TAP_CASE_T(notifiers_do_not_wait, 120),
         TAP_CASE_T(what_is_held_is_not_dead, 120),
         TAP_CASE(it_may_allocate_and_collect), TAP_CASE(its_data_is_a_root),
         TAP_CASE(the_thread_is_replaced), TAP_CASE(code_is_retired),
         TAP_CASE(the_rest_is_told_at_the_end),
         TAP_CASE_T(a_child_goes_on, 120), TAP_CASE(a_child_of_one_that_blocks),
         TAP_CASE(fork_in_an_observer))
