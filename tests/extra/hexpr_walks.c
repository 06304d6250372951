/* tests/extra/hexpr_walks.c: walks with functions of the program, fresh symbols. SPDX-License-Identifier: MIT */
#define GC_THREADS
#include <gc/gc.h>
#include <hexpr/hexpr.h>

#include "extra/random_ex.h"
#include "extra/text_ex.h"
#include "lib/tap.h"

#include <stdlib.h>
#include <string.h>

enum { DEEP = 1000000, DEEPEST = 10000000, LEVELS = 100 };

/* x + x, that plus itself, and so on. */
static ex doubled(ex e, int levels) {
  for (int i = 0; i < levels; i++)
    e = ex_binary(EX_ADD, e, e);
  return e;
}

static ex chain(ex e, int levels) {
  for (int i = 0; i < levels; i++)
    e = ex_unary(EX_NEG, e);
  return e;
}

/* ---- Folds ---- */

struct calls {
  size_t n;
  size_t stop_at; /* 0 for never */
};

/* Tree size and height as one result. */
struct measure {
  uint64_t size;
  uint32_t height;
};

static bool measure(ex e, const void *args, void *out_result, void *cd) {
  const struct measure *of = args;
  struct calls *calls = cd;
  struct measure sum = {1, 0};
  for (size_t i = 0; i < ex_argc(e); i++) {
    sum.size += of[i].size;
    if (of[i].height >= sum.height)
      sum.height = of[i].height + 1;
  }
  memcpy(out_result, &sum, sizeof sum);
  return ++calls->n != calls->stop_at;
}

static struct measure measured(ex e, unsigned flags, size_t *out_calls) {
  struct calls calls = {0, 0};
  struct measure m = {0, 0};
  tap_check(ex_fold(e, sizeof m, measure, &calls, flags, &m));
  *out_calls = calls.n;
  return m;
}

static void folds_visit_nodes_or_occurrences(void) {
  ex e = doubled(ex_sym("x"), 10);
  size_t calls;
  struct measure m = measured(e, 0, &calls);
  tap_eq_u(m.size, 2047);
  tap_eq_u(m.height, 10);
  tap_eq_u(calls, 11);
  m = measured(e, EX_TREE, &calls);
  tap_eq_u(m.size, 2047);
  tap_eq_u(m.height, 10);
  tap_eq_u(calls, 2047);
  measured(doubled(e, LEVELS), 0, &calls);
  tap_eq_u(calls, LEVELS + 11);
}

static void folds_agree(void) {
  uint64_t random = tap_seed();
  for (int i = 0; i < 500; i++) {
    ex e = random_ex(&random, 1 + i % 20, RANDOM_ANY);
    size_t distinct;
    size_t all;
    struct measure a = measured(e, 0, &distinct);
    struct measure b = measured(e, EX_TREE, &all);
    mpz_t size;
    mpz_init(size);
    tap_require(ex_get_tree_size(e, size));
    tap_require(a.size == b.size && a.height == b.height && all == a.size);
    tap_require(mpz_cmp_ui(size, a.size) == 0);
    tap_require(distinct == ex_dag_size(e));
    mpz_clear(size);
  }
}

static void folds_can_be_ended(void) {
  ex e = parse("a + b*c");
  for (unsigned flags = 0; flags <= EX_TREE; flags++) {
    struct calls calls = {0, 3};
    struct measure m = {77, 0};
    tap_check(!ex_fold(e, sizeof m, measure, &calls, flags, &m));
    tap_eq_u(calls.n, 3);
    tap_eq_u(m.size, 77);
    tap_check(!ex_fold(NULL, sizeof m, measure, &calls, flags, &m));
    tap_eq_u(calls.n, 3);
  }
}

/* Operands keep their order, also of nodes with many. The result of a node is
 * its rightmost leaf. */
static bool last_leaf(ex e, const void *args, void *out_result, void *cd) {
  const ex *of = args;
  ex result = e;
  size_t *wrong = cd;
  for (size_t i = 0; i < ex_argc(e); i++) {
    result = of[i];
    *wrong += ex_argc(e) == 1000 && result != ex_int((int64_t)i);
  }
  memcpy(out_result, &result, sizeof result);
  return true;
}

static void folds_give_operands_in_order(void) {
  ex *args = hc_scanned_alloc(1000 * sizeof *args);
  ex e;
  for (unsigned flags = 0; flags <= EX_TREE; flags++) {
    ex last = NULL;
    size_t wrong = 0;
    for (int i = 0; i < 1000; i++)
      args[i] = ex_binary(EX_SUB, ex_int(i % 7), ex_int(i));
    e = ex_apply(ex_sym("f"), args, 1000);
    tap_check(ex_fold(e, sizeof last, last_leaf, &wrong, flags, &last));
    tap_eq_p(last, ex_int(999));
    tap_eq_u(wrong, 0);
  }
  hc_scanned_free(args);
}

/* A result that is the only reference to what it names. */
static bool boxed(ex e, const void *args, void *out_result, void *cd) {
  uint64_t **of = (uint64_t **)(uintptr_t)args;
  uint64_t *box = GC_MALLOC_ATOMIC(sizeof *box);
  (void)cd;
  *box = 1;
  for (size_t i = 0; i < ex_argc(e); i++)
    *box += *of[i];
  if (ex_argc(e) > 0 && tap_rand() % 64 == 0)
    GC_gcollect();
  memcpy(out_result, &box, sizeof box);
  return true;
}

static void results_are_kept_alive(void) {
  ex e = ex_sym("x");
  for (int i = 0; i < 300; i++)
    e = ex_binary(EX_SUB, ex_int(i), e);
  for (unsigned flags = 0; flags <= EX_TREE; flags++) {
    uint64_t *box = NULL;
    tap_check(ex_fold(e, sizeof box, boxed, NULL, flags, &box));
    tap_require(box != NULL);
    tap_eq_u(*box, 601);
  }
}

/* ---- Visits ---- */

struct visits {
  ex seen[64];
  size_t n;
  size_t stop_at;
};

static int note(ex e, void *cd) {
  struct visits *v = cd;
  v->seen[v->n++] = e;
  return v->n == v->stop_at ? 5 : 0;
}

static void visits_come_from_below(void) {
  struct visits v = {.n = 0};
  ex e = parse("f(a*b, a*b, a)");
  tap_eq_u((unsigned)ex_each(e, note, &v, 0), 0);
  tap_eq_u(v.n, 4);
  tap_eq_p(v.seen[0], ex_sym("a"));
  tap_eq_p(v.seen[1], ex_sym("b"));
  tap_eq_p(v.seen[2], parse("a*b"));
  tap_eq_p(v.seen[3], e);
  v.n = 0;
  tap_eq_u((unsigned)ex_each(e, note, &v, EX_TREE), 0);
  tap_eq_u(v.n, 8);
  tap_eq_p(v.seen[5], parse("a*b"));
  tap_eq_p(v.seen[6], ex_sym("a"));
  v.n = 0;
  v.stop_at = 2;
  tap_eq_u((unsigned)ex_each(e, note, &v, 0), 5);
  tap_eq_u(v.n, 2);
}

/* ---- Rewriting ---- */

static ex swap_names(ex e, void *cd) {
  size_t *calls = cd;
  ++*calls;
  if (e == ex_sym("x"))
    return ex_sym("y");
  return e == ex_sym("y") ? ex_sym("x") : e;
}

static ex refuse_products(ex e, void *cd) {
  (void)cd;
  return ex_op_of(e) == EX_MUL ? NULL : e;
}

static void maps_rewrite_each_node_once(void) {
  size_t calls = 0;
  ex e = parse("x^2 + sin(y)*x^2");
  tap_eq_p(ex_map_bottomup(e, swap_names, &calls, NULL, 0),
           parse("y^2 + sin(x)*y^2"));
  tap_eq_u(calls, 7);
  calls = 0;
  tap_eq_p(ex_map_bottomup(e, swap_names, &calls, NULL, EX_TREE),
           parse("y^2 + sin(x)*y^2"));
  tap_eq_u(calls, 10);
  calls = 0;
  e = doubled(ex_sym("x"), LEVELS);
  tap_eq_p(ex_map_bottomup(e, swap_names, &calls, NULL, 0),
           doubled(ex_sym("y"), LEVELS));
  tap_eq_u(calls, LEVELS + 1);
  tap_check(ex_map_bottomup(parse("a + b*c"), refuse_products, NULL, NULL, 0) ==
            NULL);
  tap_check(ex_map_bottomup(NULL, refuse_products, NULL, NULL, 0) == NULL);
}

static hc_memo *memo_or_skip(void) {
  hc_memo *memo = hc_memo_new();
  if (memo == NULL)
    tap_skip("this collector has no weak maps");
  return memo;
}

static void memos_are_shared_by_calls(void) {
  hc_memo *memo;
  size_t calls = 0;
  ex part = doubled(ex_sym("x"), 20);
  ex result = doubled(ex_sym("y"), 20);
  GC_INIT();
  memo = memo_or_skip();
  tap_eq_p(ex_map_bottomup(part, swap_names, &calls, memo, 0), result);
  tap_eq_u(calls, 21);
  tap_eq_p(ex_map_bottomup(ex_unary(EX_SIN, part), swap_names, &calls, memo, 0),
           ex_unary(EX_SIN, result));
  tap_eq_u(calls, 22);
  GC_gcollect();
  tap_eq_p(ex_map_bottomup(part, swap_names, &calls, memo, 0), result);
  tap_eq_u(calls, 22);
  hc_memo_free(memo);
}

static __attribute__((noinline)) void fill_memo(hc_memo *memo) {
  size_t calls = 0;
  ex e = chain(ex_sym("x"), 2000);
  tap_check(ex_map_bottomup(e, swap_names, &calls, memo, 0) != NULL);
  tap_eq_u(hc_memo_count(memo), 2001);
}

static void memos_forget(void) {
  hc_memo *memo;
  GC_INIT();
  memo = memo_or_skip();
  fill_memo(memo);
  for (int i = 0; i < 3; i++)
    GC_gcollect();
  tap_eq_u(hc_drain(60000), 0);
  tap_le(hc_memo_count(memo), 100);
  hc_memo_free(memo);
}

/* ---- Depth ---- */

static int count_visit(ex e, void *cd) {
  size_t *n = cd;
  (void)e;
  ++*n;
  return 0;
}

static void folds_of_ten_million_levels(void) {
  ex e = chain(ex_sym("x"), DEEPEST);
  size_t calls;
  tap_eq_u(measured(e, 0, &calls).height, DEEPEST);
  tap_eq_u(calls, DEEPEST + 1);
  tap_eq_u(measured(e, EX_TREE, &calls).height, DEEPEST);
  tap_eq_u(calls, DEEPEST + 1);
}

static void visits_of_ten_million_levels(void) {
  ex e = chain(ex_sym("x"), DEEPEST);
  size_t calls = 0;
  mpz_t size;
  mpz_init(size);
  tap_check(ex_get_tree_size(e, size));
  tap_eq_u(mpz_get_ui(size), DEEPEST + 1);
  mpz_clear(size);
  tap_eq_u((unsigned)ex_each(e, count_visit, &calls, 0), 0);
  tap_eq_u(calls, DEEPEST + 1);
}

/* The walk is that of ex_subst, which is tried with ten times as many. */
static void maps_of_a_million_levels(void) {
  ex e = chain(ex_sym("x"), DEEP);
  size_t calls = 0;
  tap_eq_p(ex_map_bottomup(e, swap_names, &calls, NULL, 0),
           chain(ex_sym("y"), DEEP));
  tap_eq_u(calls, DEEP + 1);
}

static void tree_sizes_of_any_length(void) {
  ex e = doubled(ex_sym("x"), 1000);
  char *text = ex_tree_size(e);
  char *again;
  mpz_t size;
  mpz_init(size);
  tap_require(text != NULL && ex_get_tree_size(e, size));
  tap_eq_u(mpz_sizeinbase(size, 2), 1001);
  tap_eq_u(mpz_popcount(size), 1001);
  again = mpz_get_str(NULL, 10, size);
  tap_eq_s(text, again);
  free(again);
  free(text);
  mpz_clear(size);
}

/* ---- Fresh symbols ---- */

static void fresh_symbols_are_new(void) {
  ex taken = ex_sym("v'2");
  ex first = ex_fresh("v");
  ex second = ex_fresh("v");
  ex again;
  tap_eq_s(ex_name(first), "v'1");
  tap_check(second != taken && second != first);
  tap_eq_s(ex_name(second), "v'3");
  again = ex_fresh(ex_name(second));
  tap_eq_s(ex_name(again), "v'4");
  tap_eq_p(parse("v'4"), again);
  tap_eq_s(ex_name(ex_fresh("'9")), "'5");
  tap_eq_s(ex_name(ex_fresh("x2")), "x2'6");
  hc_keep(taken);
}

/* ---- Threads ---- */

enum { THREADS = 2, ROUNDS = 60, SYMBOLS = 30000 };

static void *make_symbols(void *arg) {
  ex *to = arg;
  for (int i = 0; i < SYMBOLS; i++)
    to[i] = ex_fresh("s");
  return NULL;
}

static int by_address(const void *a, const void *b) {
  uintptr_t x = *(const uintptr_t *)a;
  uintptr_t y = *(const uintptr_t *)b;
  return (x > y) - (x < y);
}

static void fresh_symbols_of_two_threads(void) {
  pthread_t thread[THREADS];
  ex *all;
  size_t equal = 0;
  GC_INIT();
  tap_require(ex_sym("x") != NULL);
  all = hc_scanned_alloc(THREADS * SYMBOLS * sizeof *all);
  for (size_t i = 0; i < THREADS; i++)
    tap_require(
        pthread_create(&thread[i], NULL, make_symbols, all + i * SYMBOLS) == 0);
  for (size_t i = 0; i < THREADS; i++)
    pthread_join(thread[i], NULL);
  qsort(all, THREADS * SYMBOLS, sizeof *all, by_address);
  for (size_t i = 1; i < THREADS * SYMBOLS; i++)
    equal += all[i] == all[i - 1];
  tap_eq_u(equal, 0);
  tap_check(all[0] != NULL);
  hc_scanned_free(all);
}

struct worker {
  uint64_t random;
  ex built[ROUNDS];
  ex fresh[ROUNDS];
  size_t calls;
};

/* Both build the same expressions, walk them and make garbage beside. */
static void *work(void *arg) {
  struct worker *w = arg;
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t same = w->random + (uint64_t)i;
    ex e = random_ex(&same, 200, RANDOM_ANY);
    size_t calls = 0;
    w->built[i] = ex_map_bottomup(e, swap_names, &calls, NULL, 0);
    w->fresh[i] = ex_fresh("t");
    w->calls += calls;
    tap_check(calls == ex_dag_size(e));
    tap_check(ex_subst(e, ex_sym("x"), w->fresh[i]) != NULL);
    tap_check(ex_compare(ex_derive(e, ex_sym("x")), e) != 0);
    if (i % 16 == 0)
      GC_gcollect();
  }
  return NULL;
}

static void two_threads_share_expressions(void) {
  struct worker *w;
  pthread_t thread[THREADS];
  GC_INIT();
  tap_require(ex_sym("x") != NULL);
  w = hc_scanned_alloc(THREADS * sizeof *w);
  for (int i = 0; i < THREADS; i++) {
    w[i].random = tap_seed();
    tap_require(pthread_create(&thread[i], NULL, work, &w[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(thread[i], NULL);
  tap_eq_u(w[0].calls, w[1].calls);
  for (int i = 0; i < ROUNDS; i++) {
    tap_require(w[0].built[i] == w[1].built[i]);
    for (int k = 0; k < ROUNDS; k++)
      tap_require(w[0].fresh[i] != w[1].fresh[k]);
  }
  tap_eq_u((unsigned)hc_check(ex_table(), NULL, 0), 0);
  hc_scanned_free(w);
}

/* ---- Mistakes ---- */

static void mistakes_are_told(void) {
  ex x = ex_sym("x");
  size_t n = 1;
  ex_errno = EX_OK;
  tap_check(ex_arg(ex_unary(EX_SIN, x), 1) == NULL);
  tap_eq_u(ex_errno, EX_EARITY);
  tap_eq_u((uint64_t)ex_int_value(x), 0);
  tap_eq_u(ex_errno, EX_ETYPE);
  ex_errno = EX_OK;
  tap_check(ex_bytes(x, &n) == NULL && n == 0);
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_check(ex_function(x) == NULL);
  tap_check(ex_unary(EX_ADD, x) == NULL);
  tap_eq_u(ex_errno, EX_EARITY);
  tap_check(ex_binary(EX_SIN, x, x) == NULL);
  tap_check(ex_unary(EX_NONE, x) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
  ex_errno = EX_OK;
  tap_check(ex_2(EX_OPS + 1000000, x, x) == NULL);
  tap_eq_u(ex_errno, EX_ETYPE);
  tap_eq_s(ex_op_name(EX_OPS + 1000000), "");
  ex_errno = EX_OK;
  tap_check(ex_binary(EX_ADD, NULL, x) == NULL && ex_1(EX_SIN, NULL) == NULL);
  tap_check(ex_subst(NULL, x, x) == NULL && ex_derive(NULL, x) == NULL);
  tap_eq_u(ex_errno, EX_OK);
}

TAP_MAIN(TAP_CASE(folds_visit_nodes_or_occurrences), TAP_CASE(folds_agree),
         TAP_CASE(folds_can_be_ended), TAP_CASE(folds_give_operands_in_order),
         TAP_CASE(results_are_kept_alive), TAP_CASE(visits_come_from_below),
         TAP_CASE(maps_rewrite_each_node_once),
         TAP_CASE(memos_are_shared_by_calls), TAP_CASE(memos_forget),
         TAP_CASE_T(folds_of_ten_million_levels, 300),
         TAP_CASE_T(visits_of_ten_million_levels, 300),
         TAP_CASE_T(maps_of_a_million_levels, 120),
         TAP_CASE(tree_sizes_of_any_length), TAP_CASE(fresh_symbols_are_new),
         TAP_CASE_T(fresh_symbols_of_two_threads, 120),
         TAP_CASE_T(two_threads_share_expressions, 120),
         TAP_CASE(mistakes_are_told))
