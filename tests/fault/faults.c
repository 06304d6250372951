/* tests/fault/faults.c: missing resources and the library's torture switches. SPDX-License-Identifier: MIT */

/*
 * Each case starts this program again with a switch of the library in the
 * environment, or with a resource limit, and works on a heap whose contents it
 * knows. Requests may fail then, by NULL; what is held may not be lost, and
 * when the shortage is over, all works again.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>

#include <limits.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

#define MB ((size_t)1024 * 1024)
enum { N_KEEP = 3000, N_THREADS = 4, DATA_BYTES = 40 };

struct node {
  struct node *left, *right;
  unsigned char data[DATA_BYTES];
};

static void *volatile keep[N_KEEP];
static size_t length[N_KEEP];
static struct node *volatile tree;
static atomic_size_t n_oom;

static void *count_oom(size_t n) {
  (void)n;
  atomic_fetch_add(&n_oom, 1);
  return NULL;
}

static void prepare(void) {
  GC_set_warn_proc(GC_ignore_warn_proc);
  GC_INIT();
  GC_set_oom_fn(count_oom);
}

/* ---- Work that tolerates failure ---- */

static void check_keep(size_t i) {
  if (keep[i] != NULL)
    tap_require(gu_is_intact(keep[i], length[i], i));
}

static void replace(size_t i, size_t n) {
  check_keep(i);
  void *p = i % 3 == 0 ? GC_malloc(n) : GC_malloc_atomic(n);
  if (p == NULL)
    return; /* the old one stays */
  gu_fill(p, n, i);
  keep[i] = p;
  length[i] = n;
}

static size_t random_length(size_t step) {
  return tap_rand() % (step % 200 == 0 ? 300000 : step % 20 == 0 ? 20000 : 400);
}

static void work_on_flat_heap(size_t steps) {
  for (size_t step = 0; step < steps; step++)
    replace(tap_rand() % N_KEEP, random_length(step));
  for (size_t i = 0; i < N_KEEP; i++)
    check_keep(i);
}

static struct node *make_tree(unsigned depth, uint64_t id) {
  struct node *n = GC_NEW(struct node);
  if (n == NULL)
    return NULL;
  gu_fill(n->data, DATA_BYTES, id);
  if (depth > 0) {
    n->left = make_tree(depth - 1, 2 * id);
    n->right = make_tree(depth - 1, 2 * id + 1);
  }
  return n;
}

static void check_tree(const struct node *n, uint64_t id) {
  if (n == NULL)
    return;
  tap_require(gu_is_intact(n->data, DATA_BYTES, id));
  check_tree(n->left, 2 * id);
  check_tree(n->right, 2 * id + 1);
}

static size_t count_nodes(const struct node *n) {
  return n == NULL ? 0 : 1 + count_nodes(n->left) + count_nodes(n->right);
}

/* ---- Roles ---- */

/* Requests fail now and then; at least half of all must succeed all the same. */
static void role_failing_maps(void) {
  prepare();
  work_on_flat_heap(60000);
  tree = make_tree(14, 1);
  gu_collect();
  check_tree(tree, 1);
  work_on_flat_heap(60000);
  check_tree(tree, 1);
  size_t held = 0;
  for (size_t i = 0; i < N_KEEP; i++)
    held += keep[i] != NULL;
  tap_ge(held, N_KEEP / 2);
  tap_ge(count_nodes(tree), 1000);
}

/* Large objects: every one needs new memory. */
static void role_failing_large_maps(void) {
  size_t got = 0, last[20] = {0};
  prepare();
  for (size_t i = 0; i < 200; i++) {
    size_t n = MB + i * 5000;
    char *p = GC_malloc_atomic(n);
    if (p != NULL) {
      gu_fill(p, 100, i);
      gu_fill(p + n - 100, 100, i);
      keep[i % 20] = p;
      length[i % 20] = n;
      last[i % 20] = i;
      got++;
    }
  }
  for (size_t i = 0; i < 20; i++) {
    char *p = keep[i];
    size_t id = p != NULL ? last[i] : 0;
    tap_require(p == NULL || gu_is_intact(p, 100, id));
    tap_require(p == NULL || gu_is_intact(p + length[i] - 100, 100, id));
  }
  tap_ge(got, 50);
}

static struct node *volatile list;

static void role_deep_and_wide(void) {
  enum { LENGTH = 300000, WIDTH = 50000 };
  prepare();
  for (size_t i = 0; i < LENGTH; i++) {
    struct node *n = GC_NEW(struct node);
    gu_fill(n->data, 8, i);
    n->left = list;
    list = n;
  }
  struct node **wide = GC_malloc(WIDTH * sizeof *wide);
  for (size_t i = 0; i < WIDTH; i++)
    wide[i] = make_tree(2, i);
  keep[0] = wide;
  tree = make_tree(15, 1);
  for (int i = 0; i < 3; i++)
    gu_collect();
  for (size_t i = 0; i < 100000; i++)
    memset(GC_malloc(sizeof(struct node)), 0x7f, sizeof(struct node));
  size_t i = LENGTH;
  for (struct node *n = list; n != NULL; n = n->left)
    tap_require(gu_is_intact(n->data, 8, --i));
  tap_eq_u(i, 0);
  for (i = 0; i < WIDTH; i++) {
    check_tree(wide[i], i);
    tap_require(count_nodes(wide[i]) == 7);
  }
  check_tree(tree, 1);
  tap_eq_u(count_nodes(tree), (1u << 16) - 1);
}

/* Edges at random: marking meets most nodes far from where they lie. */
static void role_random_graph(void) {
  enum { N = 100000 };
  prepare();
  struct node **nodes = GC_malloc(N * sizeof *nodes);
  for (size_t i = 0; i < N; i++) {
    nodes[i] = GC_NEW(struct node);
    gu_fill(nodes[i]->data, DATA_BYTES, i);
  }
  for (size_t i = 0; i < N; i++) {
    nodes[i]->left = nodes[tap_rand() % N];
    nodes[i]->right = nodes[(i * 7919 + 1) % N];
  }
  tree = nodes[0];
  struct node *at = nodes[0];
  memset(nodes, 0, N * sizeof *nodes); /* only the edges are left */
  nodes = NULL;
  for (int i = 0; i < 3; i++)
    gu_collect();
  for (size_t i = 0; i < N; i++)
    memset(GC_malloc(sizeof(struct node)), 0x7f, sizeof(struct node));
  uint64_t id = 0;
  for (size_t i = 0; i < N; i++) {
    tap_require(gu_is_intact(at->data, DATA_BYTES, id));
    id = (id * 7919 + 1) % N;
    at = at->right;
  }
}

static void *work_in_thread(void *arg) {
  void *volatile slots[50] = {NULL};
  uint64_t state = tap_seed() + (uintptr_t)arg;
  for (size_t step = 0; step < 20000; step++) {
    size_t i = tap_rand_r(&state) % 50;
    if (slots[i] != NULL)
      tap_require(gu_is_intact(slots[i], 64, i));
    void *p = GC_malloc_atomic(64 + tap_rand_r(&state) % 200);
    if (p == NULL)
      continue;
    gu_fill(p, 64, i);
    if (slots[i] != NULL && step % 4 == 0)
      GC_free(slots[i]);
    slots[i] = p;
  }
  return NULL;
}

/* With failing maps a creation may be refused; it may not do harm. */
static int create_thread(pthread_t *t, void *(*fn)(void *), void *arg) {
  int error = EAGAIN;
  for (int i = 0; i < 20 && error == EAGAIN; i++)
    error = GC_pthread_create(t, NULL, fn, arg);
  return error;
}

static void role_threads(void) {
  pthread_t t[N_THREADS];
  prepare();
  for (uintptr_t i = 0; i < N_THREADS; i++)
    tap_require(create_thread(&t[i], work_in_thread, (void *)i) == 0);
  for (int i = 0; i < 20; i++)
    GC_gcollect();
  for (int i = 0; i < N_THREADS; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
}

/* ---- Notification ---- */

static atomic_size_t n_dead, n_damaged;
static int node_kind;

struct dying {
  uintptr_t tag; /* 2 * id + 1 */
  struct dying *next, *other;
  unsigned char data[DATA_BYTES];
};

static int on_dead(void *obj) {
  struct dying *d = obj;
  if ((d->tag & 1) == 0)
    return 0;
  size_t id = d->tag / 2;
  atomic_fetch_add(&n_dead, 1);
  if (!gu_is_intact(d->data, DATA_BYTES, id))
    atomic_fetch_add(&n_damaged, 1);
  if (d->next != NULL && !gu_is_intact(d->next->data, DATA_BYTES, id - 1))
    atomic_fetch_add(&n_damaged, 1);
  d->tag = 0;
  return 0;
}

enum { CHAIN = 20000 };

static void make_dying_chain(void *arg) {
  struct dying *head = NULL;
  (void)arg;
  for (size_t i = 0; i < CHAIN; i++) {
    struct dying *d = GC_generic_malloc(sizeof *d, node_kind);
    gu_fill(d->data, DATA_BYTES, i);
    d->next = head;
    d->other = i % 100 == 0 ? d : head; /* some loops */
    d->tag = 2 * i + 1;
    head = d;
  }
}

static void role_dying_chains(void) {
  prepare();
  node_kind = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
  GC_register_disclaim_proc(node_kind, on_dead, 1);
  for (int i = 0; i < 5; i++) {
    gu_apart(make_dying_chain, NULL);
    gu_collect();
  }
  gu_collect();
  tap_eq_u(atomic_load(&n_damaged), 0);
  tap_ge(atomic_load(&n_dead), 4 * CHAIN);
  tap_le(atomic_load(&n_dead), 5 * CHAIN);
}

/* ---- Resource limits ---- */

static void limit(int which, rlim_t value) {
  struct rlimit lim = {value, value};
  tap_require(setrlimit((__rlimit_resource_t)which, &lim) == 0);
}

static void role_data_limit(void) {
  limit(RLIMIT_DATA, 100 * MB);
  prepare();
  size_t n = 0;
  while (n < N_KEEP && (keep[n] = GC_malloc_atomic(100000)) != NULL) {
    gu_fill(keep[n], 100, n);
    n++;
  }
  tap_ge(n, 300);
  tap_le(n, 1100);
  tap_ge(atomic_load(&n_oom), 1);
  for (size_t i = 0; i < n; i++)
    tap_require(gu_is_intact(keep[i], 100, i));
  memset((void *)keep, 0, sizeof keep);
  gu_collect();
  for (size_t i = 0; i < 20000; i++)
    tap_require(GC_malloc(1000) != NULL);
}

static void role_no_descriptors(void) {
  void *volatile slots[50];
  limit(RLIMIT_NOFILE, 0);
  prepare();
  for (size_t i = 0; i < 50; i++) {
    slots[i] = GC_malloc_atomic(64);
    gu_fill(slots[i], 64, i);
  }
  work_on_flat_heap(20000);
  gu_collect();
  for (size_t i = 0; i < 50; i++)
    tap_require(gu_is_intact(slots[i], 64, i));
}

static void role_big_stack(void) {
  role_no_descriptors();
  role_threads();
}

static void role_small_stacks(void) {
  pthread_attr_t attr;
  pthread_t t[N_THREADS];
  prepare();
  pthread_attr_init(&attr);
  tap_require(pthread_attr_setstacksize(&attr, 64 * 1024) == 0);
  for (uintptr_t i = 0; i < N_THREADS; i++)
    tap_require(GC_pthread_create(&t[i], &attr, work_in_thread, (void *)i) ==
                0);
  for (int i = 0; i < 50; i++)
    GC_gcollect();
  for (int i = 0; i < N_THREADS; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
}

static const tap_case roles[] = {
    TAP_CASE(role_failing_maps),  TAP_CASE(role_failing_large_maps),
    TAP_CASE(role_deep_and_wide), TAP_CASE(role_random_graph),
    TAP_CASE(role_threads),       TAP_CASE(role_dying_chains),
    TAP_CASE(role_data_limit),    TAP_CASE(role_no_descriptors),
    TAP_CASE(role_big_stack),     TAP_CASE(role_small_stacks)};

/* ---- Cases ---- */

#define FAULT_CASE(name, role, ...)                                            \
  static void name(void) {                                                     \
    static const char *const env[] = {"GCX_VERIFY=1", __VA_ARGS__, NULL};      \
    gu_check_role(role, env, 0);                                               \
  }

FAULT_CASE(every_second_map_fails, "role_failing_maps",
           "GCX_TORTURE_MAP_FAIL=2")
FAULT_CASE(every_fifth_map_fails, "role_failing_maps", "GCX_TORTURE_MAP_FAIL=5")
FAULT_CASE(every_second_large_map_fails, "role_failing_large_maps",
           "GCX_TORTURE_MAP_FAIL=2")
FAULT_CASE(maps_fail_with_threads, "role_threads", "GCX_TORTURE_MAP_FAIL=3")
FAULT_CASE(maps_fail_while_notifying, "role_dying_chains",
           "GCX_TORTURE_MAP_FAIL=3")
FAULT_CASE(mark_stack_of_two_graph, "role_random_graph",
           "GCX_TORTURE_MARK_STACK=2")
FAULT_CASE(mark_stack_of_eight_deep_and_wide, "role_deep_and_wide",
           "GCX_TORTURE_MARK_STACK=8")
FAULT_CASE(mark_stack_of_sixty_four_graph, "role_random_graph",
           "GCX_TORTURE_MARK_STACK=64")
FAULT_CASE(mark_stack_of_eight_notifying, "role_dying_chains",
           "GCX_TORTURE_MARK_STACK=8")
FAULT_CASE(collection_at_every_slow_allocation, "role_threads",
           "GCX_TORTURE_ALLOC=1")
FAULT_CASE(collection_at_slow_allocations_flat, "role_failing_maps",
           "GCX_TORTURE_ALLOC=100")
FAULT_CASE(one_object_a_claim, "role_threads", "GCX_TORTURE_CLAIM=1")
FAULT_CASE(one_object_a_claim_notifying, "role_dying_chains",
           "GCX_TORTURE_CLAIM=1")
FAULT_CASE(all_switches_together, "role_threads", "GCX_TORTURE_CLAIM=1",
           "GCX_TORTURE_ALLOC=5", "GCX_TORTURE_MARK_STACK=4",
           "GCX_TORTURE_MAP_FAIL=4")

static void data_limit_gives_null(void) {
  gu_check_role("role_data_limit", NULL, 0);
}

static void no_file_descriptors(void) {
  gu_check_role("role_no_descriptors", NULL, 0);
}

static void threads_with_small_stacks(void) {
  gu_check_role("role_small_stacks", NULL, 0);
}

/* The limit is taken over by exec, which then lays the stack out anew. */
static void unlimited_main_stack(void) {
  struct rlimit lim = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_STACK, &lim) != 0)
    tap_skip("the stack limit can not be raised");
  gu_check_role("role_big_stack", NULL, 0);
}

int main(int argc, char **argv) {
  static const tap_case cases[] = {
      TAP_CASE(every_second_map_fails),
      TAP_CASE(every_fifth_map_fails),
      TAP_CASE(every_second_large_map_fails),
      TAP_CASE(maps_fail_with_threads),
      TAP_CASE(maps_fail_while_notifying),
      TAP_CASE(mark_stack_of_two_graph),
      TAP_CASE(mark_stack_of_eight_deep_and_wide),
      TAP_CASE(mark_stack_of_sixty_four_graph),
      TAP_CASE(mark_stack_of_eight_notifying),
      TAP_CASE(collection_at_every_slow_allocation),
      TAP_CASE(collection_at_slow_allocations_flat),
      TAP_CASE(one_object_a_claim),
      TAP_CASE(one_object_a_claim_notifying),
      TAP_CASE(all_switches_together),
      TAP_CASE(data_limit_gives_null),
      TAP_CASE(no_file_descriptors),
      TAP_CASE(threads_with_small_stacks),
      TAP_CASE(unlimited_main_stack)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
