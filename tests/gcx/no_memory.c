/* tests/gcx/no_memory.c: notified kinds when memory is out. SPDX-License-Identifier: MIT */

/*
 * Contract: an allocation that finds no memory waits for the pending before it says
 * so; what can not be noted about the dead lives a collection longer.
 */
#include "gcx/shadow.h"

#include <string.h>
#include <sys/resource.h>

enum { N = 1000, MB = 1024 * 1024 };

static gcx_kind *kind;

static void make_nodes(void *arg) {
  for (size_t i = 0; i < *(size_t *)arg; i++)
    sh_node(kind, 0, sh_take_serial());
}

static void make(size_t n) { sh_apart(make_nodes, &n); }

enum { BIG = 64 * 1024 };

static gcx_verdict GC_CALLBACK take_a_while(void *object, size_t bytes,
                                            void *cd) {
  (void)cd;
  sh_note(object, bytes);
  sh_sleep_us(1000);
  return GCX_DONE;
}

static void *volatile all_live[8192];

/* Dead memory waits for slow notifiers; an allocation gets it all the same. */
static void use_all_memory(void *arg) {
  size_t n = *(size_t *)arg / BIG;
  for (size_t i = 0; i < 8 * n; i++)
    sh_node(kind, BIG - 64, sh_take_serial());
}

static void check_memory(size_t bytes) {
  size_t n = 0;
  sh_begin(20000);
  sh_configure((gcx_finaliser_opts){.hard_limit_bytes = ~(size_t)0});
  kind = sh_kind((gcx_kind_opts){.notify = take_a_while});
  sh_apart(use_all_memory, &bytes);
  sh_settle();
  sh_check_once(0, sh_taken());
  /* And when everything is live the answer is null, soon. */
  while (n < 8192 && (all_live[n] = gcx_kind_alloc(kind, BIG - 64)) != NULL)
    n++;
  tap_le(n, 2 * bytes / BIG);
  tap_ge(n, bytes / BIG / 4);
  sh_check_errors();
}

static void out_of_memory_waits_for_notifiers(void) {
  GC_set_max_heap_size(24 * MB);
  check_memory(20 * MB);
}

static void role_little_memory(void) { check_memory(40 * MB); }

static void a_small_address_space_suffices(void) {
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser's own tables need more");
  gu_check_role("role_little_memory", NULL, 160 * (size_t)MB);
}

/* Nor for the list of what the dead refer to: that lives a collection longer, and
 * all are told, if without order. */
enum { CHAIN = 100000, N_WARM = 4, LARGE_BYTES = 1 << 20 };

/* From its head, where the trace begins, so that it would go deep. */
static void make_chain(void *arg) {
  struct sh_node *volatile head = NULL, *volatile last = NULL;
  (void)arg;
  for (size_t i = 0; i < CHAIN; i++) {
    struct sh_node *n = sh_node(kind, 0, sh_take_serial());
    n->ref[1] = sh_box(NULL);
    if (last != NULL)
      last->ref[0] = n;
    else
      head = n;
    last = n;
  }
  tap_check(sh_is_intact(head));
}

/* What was freed has other contents then. */
static void use_free_memory(void *arg) {
  (void)arg;
  for (size_t i = 0; i < CHAIN; i++)
    memset(GC_malloc(sizeof(struct sh_node)), 0xee, sizeof(struct sh_node));
}

/* No page becomes writable any more. (A limit of nought would be none.) The trace comes
 * after the collection; who frees a large object waits for it. */
static void collect_without_memory(void) {
  struct rlimit before, none;
  void *large = GC_malloc(LARGE_BYTES);
  tap_require(getrlimit(RLIMIT_DATA, &before) == 0);
  none = (struct rlimit){4096, before.rlim_max};
  tap_require(setrlimit(RLIMIT_DATA, &none) == 0);
  gu_collect();
  GC_free(large);
  tap_require(setrlimit(RLIMIT_DATA, &before) == 0);
}

/* The first trace of all finds no memory; threads and lists are there by then. */
static void no_memory_for_what_the_dead_refer_to(void) {
  sh_need(GCX_CAP_DEEP, "a link of a chain dies in each collection");
  if (TAP_ASAN || TAP_TSAN)
    tap_skip("the sanitiser needs memory of its own");
  sh_begin(CHAIN + N_WARM * N);
  kind = sh_counting_kind(GCX_REFS_NONE);
  for (int i = 0; i < N_WARM; i++) {
    make(N);
    sh_settle();
  }
  kind = sh_counting_kind(GCX_REFS_HELD);
  sh_close_gate();
  sh_apart(make_chain, NULL);
  collect_without_memory();
  sh_apart(use_free_memory, NULL);
  sh_open_gate();
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  sh_settle_until(sh_taken());
  sh_check_once(0, sh_taken());
  sh_check_errors();
  sh_check_stats();
}

int main(int argc, char **argv) {
  static const tap_case roles[] = {TAP_CASE(role_little_memory)};
  static const tap_case cases[] = {
      TAP_CASE_T(out_of_memory_waits_for_notifiers, 120),
      TAP_CASE_T(a_small_address_space_suffices, 120),
      TAP_CASE_T(no_memory_for_what_the_dead_refer_to, 120)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
