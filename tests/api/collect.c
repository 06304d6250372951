/* tests/api/collect.c: collections, when they happen and what they report. SPDX-License-Identifier: MIT */

/*
 * Contract: a collection frees what is dropped and nothing else; disabling
 * nests; the stop function aborts; events and the start callback come in the
 * documented order; collections happen by themselves while allocating.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 3000, MB = 1024 * 1024, MAX_EVENTS = 200 };

struct node {
  struct node *left;
  struct node *right;
  unsigned char data[48];
};

static uintptr_t hidden[N_OBJ];
static void *volatile keep[N_OBJ];
static struct node *volatile tree;

static void make_dropped(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    hidden[i] = gu_hide(GC_malloc(16 + i % 40 * 16));
}

static void dropped_objects_die(void) {
  gu_apart(make_dropped, NULL);
  gu_collect();
  gu_check_most_dead(hidden, N_OBJ, "dropped objects");
}

static void make_kept(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    keep[i] = GC_malloc(16 + i % 40 * 16);
    hidden[i] = gu_hide(keep[i]);
  }
}

static void held_objects_live(void) {
  gu_apart(make_kept, NULL);
  for (int i = 0; i < 5; i++)
    gu_collect();
  gu_check_none_dead(hidden, N_OBJ, "held objects");
}

static void make_cycles(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *a = GC_NEW(struct node);
    struct node *b = GC_NEW(struct node);
    a->left = b;
    b->left = a;
    b->right = b;
    hidden[i] = gu_hide(a);
  }
}

static void add_children(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void *child = GC_malloc_atomic(200);
    *(void **)keep[i] = child;
    hidden[i] = gu_hide(child);
  }
}

static void make_holders(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = GC_malloc(40);
  for (size_t i = 0; i < 5 * N_OBJ; i++)
    GC_malloc_atomic(200);
}

/* There is room for the children, so between two collections nothing else happens:
 * marks of the first are no marks of the second. */
static void old_objects_get_young_children(void) {
  gu_apart(make_holders, NULL);
  for (int i = 0; i < 5; i++) {
    gu_collect();
    gu_apart(add_children, NULL);
    gu_collect();
    gu_check_none_dead(hidden, N_OBJ, "young children of old objects");
  }
}

static void cycles_die(void) {
  gu_apart(make_cycles, NULL);
  gu_collect();
  gu_check_most_dead(hidden, N_OBJ, "members of cycles");
}

static struct node *make_tree(unsigned depth, uint64_t id) {
  struct node *n = GC_NEW(struct node);
  gu_fill(n->data, sizeof n->data, id);
  if (depth > 0) {
    n->left = make_tree(depth - 1, 2 * id);
    n->right = make_tree(depth - 1, 2 * id + 1);
  }
  return n;
}

static bool tree_is_intact(const struct node *n, unsigned depth, uint64_t id) {
  return n != NULL && gu_is_intact(n->data, sizeof n->data, id) &&
         (depth == 0 || (tree_is_intact(n->left, depth - 1, 2 * id) &&
                         tree_is_intact(n->right, depth - 1, 2 * id + 1)));
}

static void trees_survive_garbage(void) {
  tree = make_tree(14, 1);
  for (int round = 0; round < 20; round++)
    make_tree(12, 1);
  tap_check(tree_is_intact(tree, 14, 1));
  gu_collect();
  tap_check(tree_is_intact(tree, 14, 1));
}

/* Deep enough to overflow any recursive marker or small mark stack. */
static void long_chains_survive(void) {
  struct node *head = NULL;
  for (size_t i = 0; i < 400000; i++) {
    struct node *n = GC_NEW(struct node);
    n->left = head;
    gu_fill(n->data, 8, i);
    head = n;
  }
  tree = head;
  head = NULL;
  gu_collect();
  size_t i = 400000;
  for (struct node *n = tree; n != NULL; n = n->left)
    tap_require(gu_is_intact(n->data, 8, --i));
  tap_eq_u(i, 0);
}

static void wide_graphs_survive(void) {
  enum { WIDTH = 200000 };
  void **table = GC_malloc(WIDTH * sizeof(void *));
  for (size_t i = 0; i < WIDTH; i++)
    table[i] = GC_malloc_atomic(16);
  for (size_t i = 0; i < WIDTH; i++)
    gu_fill(table[i], 16, i);
  gu_collect();
  for (size_t i = 0; i < WIDTH; i++)
    tap_require(gu_is_intact(table[i], 16, i));
}

static void collections_are_counted(void) {
  GC_INIT();
  size_t no = GC_get_gc_no();
  GC_gcollect();
  tap_eq_u(GC_get_gc_no(), no + 1);
  GC_gcollect();
  GC_gcollect();
  tap_eq_u(GC_get_gc_no(), no + 3);
}

static atomic_uint n_asked;

static int stop_never(void) {
  atomic_fetch_add(&n_asked, 1);
  return 0;
}

static int stop_at_once(void) {
  atomic_fetch_add(&n_asked, 1);
  return 1;
}

static void try_to_collect_tells_success(void) {
  gu_apart(make_dropped, NULL);
  gu_scrub_stack();
  tap_eq_u(GC_try_to_collect(stop_never), 1);
  tap_ge(atomic_load(&n_asked), 1);
  gu_check_most_dead(hidden, N_OBJ, "dropped objects");
}

static void stop_function_aborts_a_collection(void) {
  tree = make_tree(12, 1);
  for (int i = 0; i < 10; i++)
    tap_eq_u(GC_try_to_collect(stop_at_once), 0);
  tap_ge(atomic_load(&n_asked), 10);
  tap_check(tree_is_intact(tree, 12, 1));
  gu_collect();
  for (int round = 0; round < 5; round++)
    make_tree(12, 1);
  tap_check(tree_is_intact(tree, 12, 1));
}

static int stop_later(void) { return atomic_fetch_add(&n_asked, 1) % 7 == 6; }

static void aborted_collections_lose_nothing(void) {
  tree = make_tree(14, 1);
  for (int i = 0; i < 100; i++) {
    GC_try_to_collect(stop_later);
    make_tree(6, 1);
  }
  tap_check(tree_is_intact(tree, 14, 1));
}

static void default_stop_function_rules_gcollect(void) {
  GC_INIT();
  GC_set_stop_func(stop_at_once);
  tap_check(GC_get_stop_func() == stop_at_once);
  gu_apart(make_dropped, NULL);
  GC_gcollect();
  tap_ge(atomic_load(&n_asked), 1);
  GC_set_stop_func(stop_never);
  gu_collect();
  gu_check_most_dead(hidden, N_OBJ, "dropped objects");
}

static void disabling_nests(void) {
  GC_INIT();
  GC_disable();
  GC_disable();
  tap_check(GC_is_disabled());
  size_t no = GC_get_gc_no();
  GC_enable();
  tap_check(GC_is_disabled());
  GC_gcollect();
  tap_eq_u(GC_get_gc_no(), no);
  GC_enable();
  tap_check(!GC_is_disabled());
  GC_gcollect();
  tap_eq_u(GC_get_gc_no(), no + 1);
}

static void heap_grows_while_disabled(void) {
  GC_INIT();
  GC_disable();
  size_t no = GC_get_gc_no();
  for (size_t i = 0; i < 40; i++)
    for (size_t j = 0; j < 1024; j++)
      GC_malloc(1024);
  tap_eq_u(GC_get_gc_no(), no);
  tap_eq_u(GC_try_to_collect(stop_never), 0);
  tap_ge(GC_get_heap_size(), 40 * MB);
}

static void automatic_collection_can_be_switched_off(void) {
  GC_INIT();
  GC_set_disable_automatic_collection(1);
  tap_eq_u(GC_get_disable_automatic_collection(), 1);
  size_t no = GC_get_gc_no();
  for (size_t i = 0; i < 40 * 1024; i++)
    GC_malloc(1024);
  tap_eq_u(GC_get_gc_no(), no);
  GC_gcollect();
  tap_eq_u(GC_get_gc_no(), no + 1);
  GC_set_disable_automatic_collection(0);
  for (size_t i = 0; i < 200 * 1024; i++)
    GC_malloc(1024);
  tap_ge(GC_get_gc_no(), no + 2);
}

static void allocation_collects_by_itself(void) {
  GC_INIT();
  size_t no = GC_get_gc_no();
  for (size_t i = 0; i < 100 * 1024; i++)
    GC_malloc(1024);
  tap_ge(GC_get_gc_no(), no + 2);
  tap_le(GC_get_heap_size(), 32 * MB);
}

static size_t collections_with_divisor(GC_word divisor) {
  GC_set_free_space_divisor(divisor);
  size_t no = GC_get_gc_no();
  for (size_t i = 0; i < 300 * 1024; i++)
    GC_malloc(1024);
  return GC_get_gc_no() - no;
}

/* Grown beforehand, the heap would be used up first: so one way only. */
static void bigger_divisor_collects_not_less(void) {
  GC_INIT();
  tree = make_tree(16, 1);
  size_t tight = collections_with_divisor(30);
  size_t loose = collections_with_divisor(1);
  tap_ge(tight, loose);
  tap_ge(tight, 2);
}

/* ---- Events ---- */

static int events[MAX_EVENTS];
static atomic_size_t n_events;

static void on_event(GC_EventType e) {
  size_t at = atomic_fetch_add(&n_events, 1);
  if (at < MAX_EVENTS)
    events[at] = (int)e;
}

static void events_come_in_order(void) {
  static const GC_EventType want[] = {GC_EVENT_START,
                                      GC_EVENT_PRE_STOP_WORLD,
                                      GC_EVENT_POST_STOP_WORLD,
                                      GC_EVENT_MARK_START,
                                      GC_EVENT_MARK_END,
                                      GC_EVENT_PRE_START_WORLD,
                                      GC_EVENT_POST_START_WORLD,
                                      GC_EVENT_RECLAIM_START,
                                      GC_EVENT_RECLAIM_END,
                                      GC_EVENT_END};
  enum { N = sizeof want / sizeof want[0] };
  GC_INIT();
  GC_set_on_collection_event(on_event);
  tap_check(GC_get_on_collection_event() == on_event);
  GC_gcollect();
  GC_gcollect();
  GC_set_on_collection_event(NULL);
  GC_gcollect();
  tap_eq_u(atomic_load(&n_events), 2 * N);
  for (size_t i = 0; i < 2 * N; i++)
    tap_eq_u(events[i], want[i % N]);
}

static atomic_uint n_suspended, n_resumed;

static void on_thread(GC_EventType e, void *thread_id) {
  (void)thread_id;
  if (e == GC_EVENT_THREAD_SUSPENDED)
    atomic_fetch_add(&n_suspended, 1);
  else if (e == GC_EVENT_THREAD_UNSUSPENDED)
    atomic_fetch_add(&n_resumed, 1);
}

static sem_t started, finish;

static void *wait_for_finish(void *arg) {
  sem_post(&started);
  while (sem_wait(&finish) != 0)
    continue;
  return arg;
}

static void thread_events_come_in_pairs(void) {
  pthread_t t;
  GC_INIT();
  sem_init(&started, 0, 0);
  sem_init(&finish, 0, 0);
  GC_set_on_thread_event(on_thread);
  tap_check(GC_get_on_thread_event() == on_thread);
  GC_gcollect();
  tap_eq_u(atomic_load(&n_suspended), 0);
  tap_require(GC_pthread_create(&t, NULL, wait_for_finish, NULL) == 0);
  while (sem_wait(&started) != 0)
    continue;
  GC_gcollect();
  GC_gcollect();
  tap_eq_u(atomic_load(&n_suspended), 2);
  tap_eq_u(atomic_load(&n_resumed), 2);
  sem_post(&finish);
  GC_pthread_join(t, NULL);
}

static atomic_uint n_starts;

static void on_start(void) { atomic_fetch_add(&n_starts, 1); }

static void start_callback_is_called_once_each(void) {
  GC_INIT();
  GC_set_start_callback(on_start);
  size_t no = GC_get_gc_no();
  for (int i = 0; i < 5; i++)
    GC_gcollect();
  for (size_t i = 0; i < 100 * 1024; i++)
    GC_malloc(1024);
  tap_eq_u(atomic_load(&n_starts), GC_get_gc_no() - no);
}

static atomic_size_t last_size;

static void on_resize(GC_word new_size) { atomic_store(&last_size, new_size); }

static void heap_growth_is_reported(void) {
  GC_INIT();
  GC_set_on_heap_resize(on_resize);
  tap_check(GC_get_on_heap_resize() == on_resize);
  tap_eq_u(GC_expand_hp(10 * MB), 1);
  tap_ge(atomic_load(&last_size), 10 * MB);
  tap_eq_u(atomic_load(&last_size), GC_get_heap_size());
}

/* ---- Memory goes back ---- */

static long rss_kib(void) {
  long pages = 0, resident = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f == NULL || fscanf(f, "%ld %ld", &pages, &resident) != 2)
    resident = -1;
  if (f != NULL)
    fclose(f);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void make_much(void *arg) {
  (void)arg;
  for (size_t i = 0; i < 64; i++) {
    keep[i] = GC_malloc_atomic(MB);
    memset(keep[i], 1, MB);
  }
  for (size_t i = 0; i < 64; i++)
    keep[i] = NULL;
}

static void unmapping_gives_memory_back(void) {
  gu_apart(make_much, NULL);
  long before = rss_kib();
  if (before < 0)
    tap_skip("no /proc/self/statm");
  gu_scrub_stack();
  for (int i = 0; i < 3; i++) /* memory may have to stay unused for a while */
    GC_gcollect_and_unmap();
  tap_le(rss_kib(), before - 40 * 1024);
  tree = make_tree(10, 1); /* the memory can be used again */
  gu_apart(make_much, NULL);
  tap_check(tree_is_intact(tree, 10, 1));
}

static void *collect_here(void *arg) {
  for (int i = 0; i < 20; i++)
    GC_gcollect();
  return arg;
}

static void secondary_threads_may_collect(void) {
  pthread_t t[2];
  tree = make_tree(12, 1);
  for (int i = 0; i < 2; i++)
    tap_require(GC_pthread_create(&t[i], NULL, collect_here, NULL) == 0);
  for (int round = 0; round < 20; round++)
    make_tree(8, 1);
  for (int i = 0; i < 2; i++)
    GC_pthread_join(t[i], NULL);
  tap_check(tree_is_intact(tree, 12, 1));
}

enum { N_WASTERS = 16, WASTE_BYTES = 200 << 20, WASTE_OBJECT = 500 };

static void *waste(void *arg) {
  for (size_t done = 0; done < WASTE_BYTES; done += WASTE_OBJECT)
    keep[(uintptr_t)arg] = GC_malloc(WASTE_OBJECT);
  return NULL;
}

static size_t heap_with_unmapped(void) {
  return GC_get_heap_size() + GC_get_unmapped_bytes();
}

/* None takes the memory that another's collection has just found as a reason to
 * grow. What one thread needs depends on how much data there is to scan. */
static void threads_share_the_heap_of_one(void) {
  pthread_t t[N_WASTERS];
  GC_INIT();
  waste(NULL);
  size_t of_one = heap_with_unmapped();
  for (uintptr_t i = 0; i < N_WASTERS; i++)
    tap_require(GC_pthread_create(&t[i], NULL, waste, (void *)i) == 0);
  for (int i = 0; i < N_WASTERS; i++)
    GC_pthread_join(t[i], NULL);
  tap_note("heap: %zu KiB, of one thread %zu KiB", heap_with_unmapped() / 1024,
           of_one / 1024);
  tap_le(heap_with_unmapped(), 2 * of_one + 4 * MB);
}

static void measured_time_grows(void) {
  GC_INIT();
  GC_start_performance_measurement();
  tree = make_tree(16, 1);
  for (int i = 0; i < 30; i++)
    GC_gcollect();
  tap_ge(GC_get_full_gc_total_time(), 1);
  tap_le(GC_get_full_gc_total_time(), 50000);
}

static void nothing_is_left_to_do_a_little_at_a_time(void) {
  GC_INIT();
  GC_gcollect();
  tap_eq_u(GC_collect_a_little(), 0);
}

TAP_MAIN(TAP_CASE(dropped_objects_die), TAP_CASE(held_objects_live),
         TAP_CASE(old_objects_get_young_children), TAP_CASE(cycles_die),
         TAP_CASE(trees_survive_garbage), TAP_CASE(long_chains_survive),
         TAP_CASE(wide_graphs_survive), TAP_CASE(collections_are_counted),
         TAP_CASE(try_to_collect_tells_success),
         TAP_CASE(stop_function_aborts_a_collection),
         TAP_CASE(aborted_collections_lose_nothing),
         TAP_CASE(default_stop_function_rules_gcollect),
         TAP_CASE(disabling_nests), TAP_CASE(heap_grows_while_disabled),
         TAP_CASE(automatic_collection_can_be_switched_off),
         TAP_CASE(allocation_collects_by_itself),
         TAP_CASE(bigger_divisor_collects_not_less),
         TAP_CASE(events_come_in_order), TAP_CASE(thread_events_come_in_pairs),
         TAP_CASE(start_callback_is_called_once_each),
         TAP_CASE(heap_growth_is_reported),
         TAP_CASE(unmapping_gives_memory_back),
         TAP_CASE(secondary_threads_may_collect),
         TAP_CASE(threads_share_the_heap_of_one), TAP_CASE(measured_time_grows),
         TAP_CASE(nothing_is_left_to_do_a_little_at_a_time))
