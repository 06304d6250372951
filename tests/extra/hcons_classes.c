/* tests/extra/hcons_classes.c: what classes and tables of hcons offer. SPDX-License-Identifier: MIT */
/* Runs on any libgc with the disclaim interface; what only notifiers of
 * gcx/reclaim.h can give is asked for only there. */
#include <gc/gc.h>
#include <hcons/hcons.h>

#include "extra/hcons_kit.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 30000 };

static hc_table *table;

static void start(unsigned flags) { table = hk_table(flags, 0); }

static hc_class *make_class(hc_class_desc d) { return hk_class(table, d); }

static hc_class *numbers(void) {
  return make_class((hc_class_desc){.name = "number", .leaf = true});
}

/* ---- Ways to intern ---- */

static void fast_paths_agree(void) {
  start(0);
  hc_class *c = numbers();
  uintptr_t key[3] = {11, 12, 13};
  tap_eq_p(hc_intern0(c, 4), hc_intern(c, 4, NULL, 0));
  tap_eq_p(hc_intern1(c, 4, 11), hc_intern(c, 4, key, 1));
  tap_eq_p(hc_intern2(c, 4, 11, 12), hc_intern(c, 4, key, 2));
  tap_eq_p(hc_intern3(c, 4, 11, 12, 13), hc_intern(c, 4, key, 3));
  tap_eq_u(hk_stats(table).made, 4);
  hk_check_sound(table);
}

static void batches_agree(void) {
  start(0);
  hc_class *c = numbers();
  uintptr_t *keys = calloc(2 * MANY, sizeof *keys);
  const void **out = hc_scanned_alloc(MANY * sizeof *out);
  for (size_t i = 0; i < MANY; i++) {
    keys[2 * i] = i / 3;
    keys[2 * i + 1] = i / 3 + 1;
  }
  tap_eq_u(hc_intern_batch(c, 1, keys, 2, MANY, out), MANY);
  for (size_t i = 0; i < MANY; i++)
    tap_require(out[i] == hc_find(c, 1, keys + 2 * i, 2));
  tap_eq_u(hk_stats(table).made, MANY / 3);
  tap_eq_u(hc_intern_batch(c, HC_MAX_TAG + 1, keys, 2, MANY, out), 0);
  hk_check_sound(table);
  hc_keep(out);
}

static void key_ranges_are_kept(void) {
  start(0);
  hc_class *c = make_class((hc_class_desc){
      .name = "range", .leaf = true, .min_words = 2, .max_words = 3});
  uintptr_t key[4] = {1, 2, 3, 4};
  tap_check(hc_intern(c, 0, key, 1) == NULL);
  tap_check(hc_intern(c, 0, key, 2) != NULL);
  tap_check(hc_intern(c, 0, key, 3) != NULL);
  tap_check(hc_intern(c, 0, key, 4) == NULL);
  tap_check(hc_intern0(c, 0) == NULL);
  tap_eq_u(hk_stats(table).live, 2);
}

static uint64_t hash_low(const uintptr_t *key, size_t words, void *closure) {
  (void)words;
  return key[0] % *(uintptr_t *)closure;
}

static bool same_low(const uintptr_t *a, const uintptr_t *b, size_t words,
                     void *closure) {
  (void)words;
  return a[0] % *(uintptr_t *)closure == b[0] % *(uintptr_t *)closure;
}

static void own_equality(void) {
  static uintptr_t modulus = 10;
  start(0);
  hc_class_desc d = {.name = "modulo",
                     .leaf = true,
                     .hash = hash_low,
                     .equal = same_low,
                     .closure = &modulus};
  hc_class *c = make_class(d);
  const void *seven = hc_intern1(c, 0, 7);
  tap_eq_p(hc_intern1(c, 0, 27), seven);
  tap_check(hc_intern1(c, 0, 8) != seven);
  tap_eq_u(hc_key(hc_intern1(c, 0, 37))[0], 7);
  hk_check_sound(table);
  d.leaf = false; /* its children would be somebody else's */
  tap_check(hc_class_new(table, &d) == NULL);
  d.leaf = true;
  d.equal = NULL;
  tap_check(hc_class_new(table, &d) == NULL);
}

/* ---- Pointer maps ---- */

static void make_mapped(void *arg) {
  void **held = arg;
  hc_class *c = make_class((hc_class_desc){.name = "mapped",
                                           .extra_words = 1,
                                           .flags = HC_CLASS_MAPPED,
                                           .pointers = 1 | 4});
  hc_class *n = numbers();
  for (uintptr_t i = 0; i < 1000; i++) {
    const void *child = hc_intern1(n, 1, i);
    const void *not_child = hc_intern1(n, 2, i);
    const void *payload = hc_intern1(n, 3, i);
    held[i] = (void *)(uintptr_t)hc_intern2(c, 0, (uintptr_t)child,
                                            (uintptr_t)not_child);
    *hc_extra(held[i]) = (uintptr_t)payload;
  }
}

static size_t found(hc_class *n, unsigned tag) {
  size_t count = 0;
  for (uintptr_t i = 0; i < 1000; i++)
    count += hc_find(n, tag, &i, 1) != NULL;
  return count;
}

static void maps_tell_pointers(void) {
  start(0);
  void **held = hc_scanned_alloc(1000 * sizeof *held);
  gu_apart(make_mapped, held);
  hk_collect();
  hc_class *n = hc_class_of((const void *)hc_key(held[0])[0]);
  tap_eq_u(found(n, 1), 1000);
  tap_eq_u(found(n, 3), 1000);
  if (hk_is_proper())
    tap_le(found(n, 2), 50);
  hc_class_desc d = {.flags = HC_CLASS_MAPPED,
                     .pointers = UINT64_C(1) << HC_MAX_MAPPED_WORDS};
  tap_check(hc_class_new(table, &d) == NULL);
  hc_keep(held);
}

/* ---- Names of nodes ---- */

static void ids_grow_and_stay(void) {
  start(0);
  hc_class *c = make_class((hc_class_desc){.name = "with id",
                                           .leaf = true,
                                           .extra_words = 1,
                                           .flags = HC_CLASS_IDS});
  uint64_t last = 0;
  for (uintptr_t i = 0; i < 3000; i++) {
    const void *n = hc_intern1(c, 0, i);
    uint64_t id = hc_id(n);
    tap_require(id > last && hc_id(n) == id && *hc_extra(n) == 0);
    last = id;
  }
  hk_collect();
  hk_collect();
  tap_ge(hc_id(hc_intern1(c, 1, 5)), last + 1);
  size_t kept = 0;
  for (uintptr_t i = 0; i < 3000; i++) { /* their keys come back */
    uint64_t id = hc_id(hc_intern1(c, 0, i));
    kept += id == i + 1;
    tap_require(id == i + 1 || id > last);
  }
  if (hk_is_proper())
    tap_le(kept, 300);
  tap_eq_u(hc_id(hc_intern1(numbers(), 0, 1)), 0);
}

static void is_interned_tells(void) {
  start(0);
  hc_class *c = numbers();
  const void *n = hc_intern2(c, 0, 1, 2);
  uintptr_t *plain = GC_MALLOC(64);
  plain[0] = hc_header(n);
  tap_check(hc_is_interned(n));
  tap_check(!hc_is_interned(hc_key(n)));
  tap_check(!hc_is_interned(plain));
  tap_check(!hc_is_interned(&n));
  tap_check(!hc_is_interned(NULL));
  tap_check(!hc_is_interned((const void *)(uintptr_t)12345));
  hc_table_free(table);
  tap_check(!hc_is_interned(n));
}

/* ---- Walks ---- */

struct tally {
  unsigned *seen;
  size_t calls;
  hc_class *cls;
};

static int count_one(const void *node, void *cd) {
  struct tally *t = cd;
  uintptr_t key = hc_key(node)[0];
  t->calls++;
  if (key < MANY && hc_tag(node) == 0)
    t->seen[key]++;
  if (t->cls != NULL) /* the table changes under the walk */
    hc_intern2(t->cls, 1, key, t->calls);
  return t->calls == 4 * (size_t)MANY ? -7 : 0;
}

static void walk(bool with_changes) {
  start(0);
  hc_class *c = numbers();
  struct tally t = {calloc(MANY, sizeof(unsigned)), 0, NULL};
  const void **held = hc_scanned_alloc(MANY * sizeof *held);
  for (uintptr_t i = 0; i < MANY; i++)
    held[i] = hc_intern1(c, 0, i);
  t.cls = with_changes ? c : NULL;
  int answer = hc_each(table, count_one, &t);
  tap_check(answer == 0 || answer == -7);
  size_t once = 0;
  for (size_t i = 0; i < MANY; i++)
    once += t.seen[i] == 1;
  if (answer == 0)
    tap_eq_u(once, MANY);
  if (!with_changes)
    tap_eq_u(t.calls, MANY);
  hk_check_sound(table);
  hc_keep(held);
}

static void walks_see_all_once(void) { walk(false); }
static void walks_bear_changes(void) { walk(true); }

static int stop_at_ten(const void *node, void *cd) {
  (void)node;
  return ++*(int *)cd == 10 ? 42 : 0;
}

static void walks_end_early(void) {
  int calls = 0;
  start(0);
  hc_class *c = numbers();
  const void *held[50];
  for (uintptr_t i = 0; i < 50; i++)
    held[i] = hc_intern1(c, 0, i);
  tap_eq_u(hc_each(table, stop_at_ten, &calls), 42);
  tap_eq_u(calls, 10);
  hc_keep(held);
}

/* ---- The end of tables ---- */

static unsigned told;
static void count_told(const void *node, void *closure) {
  (void)node, (void)closure;
  told++;
}

static void make_outliving(void *arg) {
  hc_class *c = make_class((hc_class_desc){
      .name = "outlives", .leaf = true, .on_reclaim = count_told});
  void **held = arg;
  for (uintptr_t i = 0; i < 1000; i++)
    held[i] = (void *)(uintptr_t)hc_intern1(c, 0, i);
}

static void nodes_outlive_their_table(void) {
  void **held = hc_scanned_alloc(1000 * sizeof *held);
  unsigned number;
  start(0);
  gu_apart(make_outliving, held);
  number = hc_node_class(held[0]);
  hc_table_free(table);
  hk_collect();
  for (uintptr_t i = 0; i < 1000; i++)
    tap_require(hc_key(held[i])[0] == i);
  tap_eq_s(hc_class_name(hc_class_of(held[7])), "outlives");
  start(0);
  for (int i = 0; i < 5; i++)
    tap_check(hc_class_number(numbers()) != number);
  memset(held, 0, 1000 * sizeof *held);
  hk_collect();
  hk_collect();
  tap_eq_u(told, 0);
  hk_check_sound(table);
  hc_keep(held);
}

/* ---- One user ---- */

static void make_many(void *arg) {
  for (uintptr_t i = 0; i < 10 * (uintptr_t)MANY; i++)
    hc_intern2(arg, 0, i, i);
}

/* Deaths come in from another thread while the user goes on. */
static void a_table_for_one(void) {
  start(HC_SINGLE);
  hc_class *c = numbers();
  const void **held = hc_scanned_alloc(MANY * sizeof *held);
  for (uintptr_t i = 0; i < MANY; i++)
    held[i] = hc_intern1(c, 0, i);
  for (int round = 0; round < (tap_long() ? 200 : 10); round++) {
    gu_apart(make_many, c);
    GC_gcollect();
    for (uintptr_t i = 0; i < MANY; i++)
      tap_require(hc_intern1(c, 0, i) == held[i]);
  }
  hk_collect();
  tap_ge(hk_stats(table).removed, 4 * MANY);
  hk_check_sound(table);
  hc_table_opts o = {.flags = 1u << 20};
  tap_check(hc_table_open(&o) == NULL);
  hc_keep(held);
}

/* ---- Reviving ---- */

static struct hk_gate gate;
static unsigned revivals;

static void forget_payload(void *node, void *closure) {
  (void)closure;
  revivals++;
  *hc_extra(node) = 0;
}

static void make_with_payload(void *arg) {
  for (uintptr_t i = 0; i < MANY; i++)
    *hc_extra(hc_intern1(arg, 0, i)) = i + 1;
}

/* With the first notifier held at the gate the others are condemned and can be
 * found; elsewhere that is left to chance. */
static void payload_is_reset(void) {
  size_t kept = 0;
  start(0);
  hc_class *c = make_class((hc_class_desc){.name = "payload",
                                           .leaf = true,
                                           .extra_words = 1,
                                           .on_reclaim = hk_wait_at_gate,
                                           .closure = &gate,
                                           .on_revive = forget_payload});
  const void **held = hc_scanned_alloc(MANY * sizeof *held);
  gu_apart(make_with_payload, c);
  atomic_store(&gate.is_shut, true);
  gu_collect();
  for (uintptr_t i = 0; i < MANY; i++) {
    held[i] = hc_intern1(c, 0, i);
    kept += *hc_extra(held[i]) != 0;
  }
  tap_note("%zu kept, %u revived", kept, revivals);
  if (hk_is_proper()) {
    tap_ge(revivals, 0.9 * MANY);
    tap_eq_u(hk_stats(table).revived, revivals);
  }
  tap_le(kept, MANY / 20);
  hk_check_sound(table);
  atomic_store(&gate.is_shut, false);
  hk_collect();
  for (uintptr_t i = 0; i < MANY; i++)
    tap_require(hc_intern1(c, 0, i) == held[i] && hc_key(held[i])[0] == i);
  hk_check_sound(table);
  hc_keep(held);
}

/* A look-up that compares keys while its node is being notified. */
static bool is_armed;
static unsigned told_meanwhile;
static atomic_uint told_in_all;
static atomic_uintptr_t told_slow; /* its key, when that is at the gate */

/* The first waits. */
static void tell_at_gate(const void *node, void *closure) {
  (void)closure;
  if (atomic_fetch_add(&told_in_all, 1) == 0)
    hk_wait_at_gate(node, &gate);
}

static void tell_of_slow(const void *node, void *closure) {
  if (atomic_load(&told_in_all) == 0)
    atomic_store(&told_slow, hc_key(node)[0]);
  tell_at_gate(node, closure);
}

static uint64_t hash_first(const uintptr_t *key, size_t words, void *closure) {
  (void)words, (void)closure;
  return key[0];
}

/* Lets the notifiers go while the table is locked, and waits for them. */
static bool same_but_slow(const uintptr_t *a, const uintptr_t *b, size_t words,
                          void *closure) {
  (void)words, (void)closure;
  if (is_armed) {
    unsigned before = atomic_load(&told_in_all);
    is_armed = false;
    atomic_store(&gate.is_shut, false);
    usleep(300000);
    told_meanwhile = atomic_load(&told_in_all) - before;
  }
  return a[0] == b[0];
}

/* Slow nodes are larger, so that they are in other blocks than the one of the gate's
 * class, which is told alone. Where nodes are told one by one a slow one may be first. */
struct gate_classes {
  hc_class *gate, *slow;
};

static void make_dead(void *arg) {
  const struct gate_classes *classes = arg;
  hc_intern1(classes->gate, 0, 1);
  for (uintptr_t i = 1; i <= 2; i++)
    hc_intern3(classes->slow, 0, i, 0, 0);
}

/* One dead node is at the gate, and the slow ones are next. */
static bool slow_ones_wait(struct gate_classes *classes) {
  atomic_store(&told_in_all, 0);
  atomic_store(&told_slow, 0);
  gu_apart(make_dead, classes);
  atomic_store(&gate.is_shut, true);
  gu_collect();
  for (int i = 0; i < 200 && atomic_load(&told_in_all) == 0; i++)
    usleep(1000);
  return atomic_load(&told_in_all) == 1;
}

/* Notifiers were there last; the one user has to come back often to be let in
 * without the lock. */
static void settle_in(hc_class *c) {
  uintptr_t absent[3] = {77, 0, 0};
  for (int i = 0; i < 1000; i++)
    tap_require(hc_find(c, 0, absent, 3) == NULL);
}

static void look_up_while_dying(unsigned flags) {
  start(flags);
  struct gate_classes c = {
      make_class((hc_class_desc){
          .name = "gate", .leaf = true, .on_reclaim = tell_at_gate}),
      make_class((hc_class_desc){.name = "slow",
                                 .leaf = true,
                                 .on_reclaim = tell_of_slow,
                                 .hash = hash_first,
                                 .equal = same_but_slow})};
  for (int i = 0; i < 20 && hk_is_proper() && hk_stats(table).late == 0; i++) {
    if (slow_ones_wait(&c)) {
      uintptr_t key[3] = {atomic_load(&told_slow) == 1 ? 2 : 1, 0, 0};
      settle_in(c.slow);
      is_armed = true;
      tap_check(hc_find(c.slow, 0, key, 3) == NULL);
      const void *fresh = hc_intern(c.slow, 0, key, 3);
      hk_check_sound(table);
      hk_drain();
      tap_eq_p(hc_find(c.slow, 0, key, 3), fresh);
      hc_keep(fresh);
    }
    atomic_store(&gate.is_shut, false);
    hk_collect();
  }
  if (hk_is_proper())
    tap_ge(hk_stats(table).late, 1);
  hk_check_sound(table);
}

static void too_late_is_gone(void) { look_up_while_dying(0); }

static void notifiers_wait_for_the_user(void) {
  look_up_while_dying(HC_SINGLE);
  tap_eq_u(told_meanwhile, 0);
}

/* ---- Growing ---- */

static double thread_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* The longest of N steps of 16 nodes, in the thread's own time. */
static double longest_step(hc_class *c, size_t n) {
  double longest = 0;
  double last = thread_ms();
  for (uintptr_t i = 0; i < n; i++) {
    hc_intern1(c, 0, i);
    if (i % 16 != 0)
      continue;
    double now = thread_ms();
    longest = now - last > longest ? now - last : longest;
    last = now;
  }
  return longest;
}

/* Moving all at once takes 8 to 20 ms here, a step less than one, but that finding a large
 * page may take some more. The least of ten, for interrupts are
 * on the thread's bill. */
static void growing_does_not_stall(void) {
  double least = 1e9;
  GC_disable();
  for (int i = 0; i < 10 && least > 4; i++) {
    start(HC_SINGLE);
    double longest = longest_step(numbers(), 1000000);
    tap_ge(hk_stats(table).grown, 8);
    hk_check_sound(table);
    hc_table_free(table);
    least = longest < least ? longest : least;
  }
  tap_note("longest step %.2f ms", least);
  if (!TAP_TSAN)
    tap_le(least, 4);
}

/* ---- Memos ---- */

static unsigned computed;

/* Puts another result while it computes, as a racing thread would. */
static const void *compute(const void *key, void *cd) {
  hc_class *c = hc_class_of(key);
  computed++;
  if (cd != NULL)
    hc_memo_put(cd, key, hc_intern1(c, 2, hc_key(key)[0]));
  return hc_intern1(c, 1, hc_key(key)[0]);
}

/* The values refer to their keys. */
static void note_many(void *arg) {
  hc_class *pair = hc_class_new(table, &(hc_class_desc){.name = "pair"});
  hc_class *c = numbers();
  for (uintptr_t i = 0; i < MANY; i++) {
    const void *n = hc_intern1(c, 0, i);
    tap_require(hc_memo_put(arg, n, hc_intern1(pair, 0, (uintptr_t)n)));
  }
}

static void memos_forget(void) {
  void *value;
  start(0);
  hc_memo *m = hc_memo_new();
  tap_eq_u(m != NULL, gu_has_kinds());
  if (m == NULL)
    return;
  hc_class *c = numbers();
  const void *n = hc_intern1(c, 0, 5);
  tap_check(!hc_memo_get(m, n, &value));
  const void *result = hc_memo_compute(m, n, compute, NULL);
  tap_eq_p(result, hc_intern1(c, 1, 5));
  tap_eq_p(hc_memo_compute(m, n, compute, NULL), result);
  tap_eq_u(computed, 1);
  const void *raced = hc_intern1(c, 0, 6);
  tap_eq_p(hc_memo_compute(m, raced, compute, m), hc_intern1(c, 2, 6));
  gu_apart(note_many, m);
  tap_eq_u(hc_memo_count(m), MANY + 2);
  hk_collect();
  tap_le(hc_memo_count(m), MANY / 20);
  tap_le(hk_stats(table).live, MANY / 10);
  tap_check(hc_memo_get(m, n, &value) && value == result);
  tap_eq_u(hc_key(value)[0], 5);
  hk_check_sound(table);
  hc_memo_free(m);
  hc_keep(n);
}

/* ---- Fork ---- */

static void the_child_has_the_table(void) {
  start(0);
  hc_class *c = numbers();
  const void *held[100];
  for (uintptr_t i = 0; i < 100; i++)
    held[i] = hc_intern1(c, 0, i);
  pid_t child = fork();
  if (child == 0) {
    for (uintptr_t i = 0; i < 100; i++)
      if (hc_intern1(c, 0, i) != held[i])
        _exit(1);
    for (uintptr_t i = 0; i < 100; i++)
      hc_intern1(c, 9, i);
    _exit(hk_stats(table).live >= 200 ? 0 : 2);
  }
  gu_check_child(child);
  hk_check_sound(table);
  hc_keep(held);
}

TAP_MAIN(TAP_CASE(fast_paths_agree), TAP_CASE(batches_agree),
         TAP_CASE(key_ranges_are_kept), TAP_CASE(own_equality),
         TAP_CASE(maps_tell_pointers), TAP_CASE(ids_grow_and_stay),
         TAP_CASE(is_interned_tells), TAP_CASE(walks_see_all_once),
         TAP_CASE(walks_bear_changes), TAP_CASE(walks_end_early),
         TAP_CASE(nodes_outlive_their_table), TAP_CASE_T(a_table_for_one, 300),
         TAP_CASE(payload_is_reset), TAP_CASE(too_late_is_gone),
         TAP_CASE(notifiers_wait_for_the_user),
         TAP_CASE(growing_does_not_stall), TAP_CASE(memos_forget),
         TAP_CASE(the_child_has_the_table))
