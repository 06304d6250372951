/* tests/extra/hcons.c: weak unique tables, one thread. SPDX-License-Identifier: MIT */
/* What dies is asked of many nodes with tolerance; with kinds of gcx/reclaim.h the
 * tolerance is for stale words on the stack only, on another libgc's own door also
 * for blocks that are never swept. */
#define GC_THREADS
#include <gc/gc.h>
#include <hcons/hcons.h>

#include "extra/hcons_kit.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 40000 };

static hc_table *table;
static hc_class *number;
static hc_class *two;

/* Times that a node with this first key word was notified. */
static unsigned *notified;
static size_t notified_size;
static unsigned strange;

static void on_reclaim(const void *node, void *closure) {
  uintptr_t key = hc_key(node)[0];
  (void)closure;
  if (key < notified_size)
    notified[key]++;
  else
    strange++;
}

static void start(size_t keys) {
  hc_class_desc leaf = {
      .name = "number", .leaf = true, .on_reclaim = on_reclaim};
  hc_class_desc inner = {.name = "two"};
  notified = calloc(keys, sizeof *notified);
  notified_size = keys;
  tap_require(notified != NULL);
  table = hk_table(0, 0);
  number = hk_class(table, leaf);
  two = hk_class(table, inner);
}

static const void *num(uintptr_t value) { return hc_intern1(number, 0, value); }

static const void *pair(const void *a, const void *b) {
  return hc_intern2(two, 0, (uintptr_t)a, (uintptr_t)b);
}

/* Collects twice and makes a few nodes, which lets a lazy collector sweep. */
static void settle(void) {
  hk_collect();
  hk_collect();
  for (uintptr_t i = 0; i < 2000; i++)
    hc_intern1(number, 7, i);
}

static double worst_share(void) { return gu_has_kinds() ? 0.02 : 0.25; }

/* ---- Cases ---- */

static void equal_keys_are_one_node(void) {
  start(100);
  const void *a = num(1);
  const void *b = num(2);
  tap_eq_p(num(1), a);
  tap_eq_p(pair(a, b), pair(a, b));
  tap_check(pair(a, b) != pair(b, a));
  tap_check(hc_intern1(number, 1, 1) != a);
  tap_check(hc_intern1(two, 0, (uintptr_t)a) != pair(a, b));
  tap_eq_u(hc_tag(hc_intern1(number, 255, 9)), 255);
  tap_eq_p(hc_class_of(a), number);
  tap_eq_s(hc_class_name(hc_class_of(a)), "number");
  tap_eq_u(hc_words(pair(a, b)), 2);
  tap_eq_p((void *)hc_key(pair(a, b))[1], b);
  hk_check_sound(table);
}

static void find_never_makes(void) {
  start(100);
  uintptr_t key = 5;
  tap_check(hc_find(number, 0, &key, 1) == NULL);
  tap_eq_u(hk_stats(table).made, 0);
  const void *n = num(5);
  tap_eq_p(hc_find(number, 0, &key, 1), n);
  tap_eq_u(hk_stats(table).made, 1);
  tap_eq_u(hk_stats(table).hits, 1);
  tap_eq_u(hk_stats(table).misses, 2);
}

static void keys_of_all_lengths(void) {
  start(100);
  uintptr_t *key = calloc(HC_MAX_WORDS + 1, sizeof *key);
  size_t lengths[] = {0, 1, 2, 3, 4, 30, 31, 32, 33, 500, HC_MAX_WORDS};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    for (size_t k = 0; k < lengths[i]; k++)
      key[k] = k * 2 + 1;
    const void *n = hc_intern(number, 3, key, lengths[i]);
    tap_require(n != NULL);
    tap_eq_u(hc_words(n), lengths[i]);
    tap_eq_u(memcmp(hc_key(n), key, lengths[i] * sizeof *key), 0);
    tap_eq_p(hc_intern(number, 3, key, lengths[i]), n);
  }
  tap_check(hc_intern(number, 3, key, HC_MAX_WORDS + 1) == NULL);
  tap_check(hc_intern(number, HC_MAX_TAG + 1, key, 1) == NULL);
  hk_check_sound(table);
}

static void make_numbers(void *arg) {
  for (uintptr_t i = 0; i < *(uintptr_t *)arg; i++)
    num(i);
}

static void dead_nodes_leave_once(void) {
  uintptr_t n = MANY;
  size_t gone = 0;
  unsigned most = 0;
  start(MANY);
  gu_apart(make_numbers, &n);
  tap_eq_u(hk_stats(table).live, MANY);
  settle();
  for (size_t i = 2000; i < MANY; i++) {
    gone += notified[i] == 1;
    most = notified[i] > most ? notified[i] : most;
  }
  tap_eq_u(most, 1);
  tap_eq_u(strange, 0);
  tap_ge(gone, (1 - worst_share()) * (MANY - 2000));
  tap_eq_u(hk_stats(table).live,
           hk_stats(table).made - hk_stats(table).removed);
  hk_check_sound(table);
}

static void *make_chain(void *arg) {
  const void *tail = num(0);
  for (size_t i = 0; i < *(size_t *)arg; i++)
    tail = pair(tail, num(i & 63));
  return NULL;
}

/* One stray word keeps the whole chain, so it is made on a stack that goes away. */
static void make_chain_elsewhere(size_t n) {
  pthread_t thread;
  GC_disable();
  tap_require(pthread_create(&thread, NULL, make_chain, &n) == 0);
  tap_require(pthread_join(thread, NULL) == 0);
  GC_enable();
}

static size_t used_bytes(void) {
  return GC_get_heap_size() - GC_get_free_bytes();
}

static void long_chain_dies_at_once(void) {
  size_t n = 1000000;
  start(100);
  make_chain_elsewhere(n);
  tap_ge(hk_stats(table).live, n);
  size_t full = used_bytes();
  size_t slots = hk_stats(table).bytes;
  settle();
  tap_le(hk_stats(table).live, worst_share() * (double)n + 3000);
  hc_trim(table);
  if (!gu_on_reclaim()) /* free cells become free blocks in the next one */
    hk_collect();
  tap_note("%zu KB used, then %zu KB; table %zu KB, then %zu KB", full / 1024,
           used_bytes() / 1024, slots / 1024, hk_stats(table).bytes / 1024);
  tap_le(hk_stats(table).bytes, slots / 4);
  if (gu_has_kinds())
    tap_le(used_bytes(), full / 4);
  hk_check_sound(table);
}

static void held_nodes_stay(void) {
  uintptr_t n = MANY;
  start(MANY);
  const void *tree = num(0);
  for (uintptr_t i = 1; i < 1000; i++)
    tree = pair(num(i), tree);
  gu_apart(make_numbers, &n);
  settle();
  const void *t = tree;
  for (uintptr_t i = 999; i > 0; i--) {
    const uintptr_t *key = hc_key(t);
    tap_require(hc_words(t) == 2);
    tap_require(hc_key((const void *)key[0])[0] == i);
    tap_require(num(i) == (const void *)key[0]);
    tap_require(pair(num(i), (const void *)key[1]) == t);
    tap_require(notified[i] == 0);
    t = (const void *)key[1];
  }
  hk_check_sound(table);
  hc_keep(tree);
}

struct sparse {
  const void **held;
  uintptr_t n;
};

static void make_sparse(void *arg) {
  struct sparse *s = arg;
  for (uintptr_t i = 0; i < s->n; i++) {
    const void *node = num(i);
    if (i % 32 != 0)
      s->held[i] = node;
  }
}

/* Elsewhere nearly full blocks are never swept, so nothing is asked there. */
static void dead_among_many_live_leave(void) {
  struct sparse s = {NULL, MANY};
  size_t gone = 0;
  start(MANY);
  s.held = hc_scanned_alloc(MANY * sizeof *s.held);
  gu_apart(make_sparse, &s);
  hk_collect();
  for (size_t i = 0; i < MANY; i++) {
    gone += i % 32 == 0 && notified[i] == 1;
    tap_require(i % 32 == 0 || notified[i] == 0);
  }
  if (gu_has_kinds())
    tap_ge(gone, 0.98 * MANY / 32);
  for (size_t i = 0; i < MANY; i++)
    tap_require(s.held[i] == NULL || num(i) == s.held[i]);
  hk_check_sound(table);
  hc_keep(s.held);
}

static void table_grows_and_shrinks(void) {
  uintptr_t n = 300000;
  start(300000);
  size_t small = hk_stats(table).slots;
  gu_apart(make_numbers, &n);
  size_t big = hk_stats(table).slots;
  tap_ge(big, n);
  tap_ge(hk_stats(table).grown, 5);
  hk_check_sound(table);
  settle();
  hc_trim(table);
  hk_check_sound(table);
  tap_le(hk_stats(table).slots, big / (gu_has_kinds() ? 8 : 2));
  tap_ge(hk_stats(table).shrunk, 1);
  tap_check(hk_stats(table).slots >= small);
  for (uintptr_t i = 0; i < 1000; i++)
    tap_require(num(i) == num(i));
}

enum { SIDE = 200 };

static uint64_t probes_each(const hc_stats *before) {
  hc_stats after = hk_stats(table);
  return (after.probes - before->probes) /
         (after.hits + after.misses - before->hits - before->misses);
}

/* All pairs of so many numbers, and then of nodes that lie side by side: the more
 * neighbours share a line of the table, the more of these keys are in each other's way.
 * Without sharing a look-up takes two probes. */
static void dense_keys_take_few_probes(void) {
  hc_class_desc point = {.name = "point", .leaf = true};
  const void **held = hc_scanned_alloc((2 * SIDE + 1) * SIDE * sizeof *held);
  hc_class *points;
  start(SIDE);
  points = hc_class_new(table, &point);
  tap_require(held != NULL && points != NULL);
  const void **node = held;
  const void **grid = held + SIDE;
  for (uintptr_t i = 0; i < SIDE; i++)
    node[i] = num(i);
  for (int round = 0; round < 2; round++) {
    hc_stats before = hk_stats(table);
    for (uintptr_t i = 0; i < (uintptr_t)SIDE * SIDE; i++) {
      const void *p = hc_intern2(points, 0, i / SIDE, i % SIDE);
      const void *q = pair(node[i / SIDE], node[i % SIDE]);
      tap_require(round == 0 || (p == grid[2 * i] && q == grid[2 * i + 1]));
      grid[2 * i] = p;
      grid[2 * i + 1] = q;
    }
    tap_note("%llu probes each", (unsigned long long)probes_each(&before));
    tap_le(probes_each(&before), round == 0 ? 40 : 20);
  }
  hk_check_sound(table);
  hc_keep(held);
}

/* Random keys in a small range; every node held is checked after each round. */
static void random_against_model(void) {
  enum { KEYS = 5000, HELD = 600, ROUNDS = 40, STEPS = 8000 };
  start(KEYS);
  const void **held = hc_scanned_alloc(HELD * sizeof *held);
  uintptr_t *key = calloc(HELD, sizeof *key);
  for (int r = 0; r < (tap_long() ? 10 * ROUNDS : ROUNDS); r++) {
    for (int i = 0; i < STEPS; i++) {
      size_t slot = tap_rand() % HELD;
      uintptr_t k = tap_rand() % KEYS;
      const void *n = num(k);
      tap_require(n != NULL && hc_key(n)[0] == k);
      if (tap_rand() % 4 == 0) {
        held[slot] = n;
        key[slot] = k;
      }
    }
    if (r % 5 == 0)
      gu_collect();
    for (size_t i = 0; i < HELD; i++)
      tap_require(held[i] == NULL ||
                  (hc_key(held[i])[0] == key[i] && num(key[i]) == held[i]));
    hk_check_sound(table);
  }
  tap_ge(hk_stats(table).removed, 1);
}

static void double_first_word(void *node, void *closure) {
  *hc_extra(node) = hc_key(node)[0] * *(uintptr_t *)closure;
}

static void extra_words_follow_the_key(void) {
  hc_class_desc d = {.name = "extra",
                     .leaf = true,
                     .extra_words = 1,
                     .fill = double_first_word};
  uintptr_t *factor;
  start(10);
  factor = GC_MALLOC_ATOMIC(sizeof *factor);
  *factor = 3;
  d.closure = factor;
  hc_class *c = hc_class_new(table, &d);
  factor = NULL;
  gu_collect();
  for (uintptr_t i = 0; i < 3000; i++) {
    const void *n = hc_intern1(c, 0, i);
    tap_require(*hc_extra(n) == 3 * i);
    tap_require(hc_words(n) == 1);
  }
  d.extra_words = HC_MAX_EXTRA_WORDS + 1;
  tap_check(hc_class_new(table, &d) == NULL);
}

static void check_finds_damage(void) {
  start(100);
  const void *n = num(1);
  uintptr_t *key = (uintptr_t *)(uintptr_t)hc_key(n);
  char why[120];
  hk_check_sound(table);
  *key = 2;
  tap_check(hc_check(table, why, sizeof why) > 0);
  tap_note("%s", why);
  *key = 1;
  hk_check_sound(table);
}

static void tables_come_and_go(void) {
  hc_class_desc d = {.name = "short-lived", .leaf = true};
  const void *kept;
  start(100);
  for (int i = 0; i < 1000; i++) {
    hc_table *t = hc_table_new(10);
    tap_require(t != NULL && hc_class_new(t, &d) != NULL);
    hc_table_free(t);
  }
  hc_table *t = hc_table_new(0);
  hc_class *c = hc_class_new(t, &d);
  kept = hc_intern1(c, 0, 77);
  hc_intern1(c, 0, 78);
  hc_table_free(t);
  gu_collect();
  settle();
  tap_eq_u(hc_key(kept)[0], 77);
  hk_check_sound(table);
}

static void classes_are_counted(void) {
  hc_class_desc d = {.name = "a name that is longer than the room for it",
                     .leaf = true};
  start(10);
  hc_class *last = NULL;
  for (int i = 2; i < HC_MAX_CLASSES; i++)
    last = hc_class_new(table, &d);
  tap_require(last != NULL);
  tap_eq_u(strlen(hc_class_name(last)), 31);
  tap_check(hc_class_new(table, &d) == NULL);
  tap_check(hc_intern1(last, 0, 1) != num(1));
}

/* ---- While a node is made ---- */

enum { TURNS = 40, LEAST_TURNS = 4, WATCHED = 8 };

static struct {
  hc_class *wide; /* large, so that few of them make a collection due */
  uintptr_t key;  /* that is being made, and of the last turn */
  uintptr_t last_key;
  const void *seen;
  unsigned turns;
} meanwhile;

static void watch_one(void);

/* Runs when memory for a node is looked for, after the key was: makes the very node,
 * or lets dead ones leave the table. */
static void in_between(void *object, void *cd) {
  (void)object;
  (void)cd;
  watch_one();
  if (meanwhile.key == 0 || meanwhile.key == meanwhile.last_key)
    return;
  meanwhile.last_key = meanwhile.key;
  if (++meanwhile.turns % 4 == 0)
    meanwhile.seen = hc_intern1(meanwhile.wide, 0, meanwhile.key);
  else
    hk_drain();
}

static GU_NOINLINE void watch_one(void) {
  void *object = GC_malloc_atomic(8);
  tap_require(object != NULL);
  GC_register_finalizer(object, in_between, NULL, NULL, NULL);
}

static void the_table_changes_while_a_node_is_made(void) {
  hc_class_desc d = {.name = "wide", .extra_words = 15};
  unsigned turns = 0;
  int wrong = 0;
  start(1);
  meanwhile.wide = hc_class_new(table, &d);
  tap_require(meanwhile.wide != NULL);
  for (int i = 0; i < WATCHED; i++)
    watch_one();
  for (uintptr_t i = 1; turns < TURNS && wrong == 0 && i < 1000000; i++) {
    const void *node;
    meanwhile.seen = NULL;
    meanwhile.key = i;
    node = hc_intern1(meanwhile.wide, 0, i);
    wrong += meanwhile.seen != NULL && meanwhile.seen != node;
    hc_keep(node);
    if (meanwhile.turns != turns)
      wrong += hc_check(table, NULL, 0);
    turns = meanwhile.turns;
  }
  meanwhile.key = 0;
  tap_eq_u(wrong, 0);
  tap_ge(turns, LEAST_TURNS);
  hk_check_sound(table);
}

TAP_MAIN(TAP_CASE(equal_keys_are_one_node), TAP_CASE(find_never_makes),
         TAP_CASE(keys_of_all_lengths), TAP_CASE(dead_nodes_leave_once),
         TAP_CASE(long_chain_dies_at_once), TAP_CASE(held_nodes_stay),
         TAP_CASE(dead_among_many_live_leave),
         TAP_CASE(table_grows_and_shrinks),
         TAP_CASE(dense_keys_take_few_probes),
         TAP_CASE_T(random_against_model, 300),
         TAP_CASE(extra_words_follow_the_key), TAP_CASE(check_finds_damage),
         TAP_CASE(tables_come_and_go), TAP_CASE(classes_are_counted),
         TAP_CASE(the_table_changes_while_a_node_is_made))
