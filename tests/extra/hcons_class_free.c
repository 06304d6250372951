/* tests/extra/hcons_class_free.c: classes that end before their table. SPDX-License-Identifier: MIT */
/* Runs on any libgc with the disclaim interface; what only notifiers of
 * gcx/reclaim.h can give is asked for only there. */
#include <gc/gc.h>
#include <hcons/hcons.h>

#include "extra/hcons_kit.h"
#include "lib/gcutil.h"
#include "lib/tap.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 30000, HELD = 500, ROUNDS = 300 };

static hc_table *table;

static hc_class *make_class(hc_class_desc d) { return hk_class(table, d); }

static hc_class *numbers(void) {
  return make_class((hc_class_desc){.name = "number", .leaf = true});
}

/* ---- What stays ---- */

static atomic_uint told;

static void count_told(const void *node, void *closure) {
  (void)node, (void)closure;
  atomic_fetch_add(&told, 1);
}

/* Nodes of two classes come in turn, so they stand in each other's runs. */
static void two_classes_one_goes(unsigned flags, unsigned shards) {
  table = hk_table(flags, shards);
  hc_class *stays = numbers();
  hc_class *goes = make_class((hc_class_desc){.name = "goes",
                                              .leaf = true,
                                              .on_reclaim = count_told,
                                              .flags = HC_CLASS_IDS});
  const void **held = hc_scanned_alloc(MANY * sizeof *held);
  const void **gone = hc_scanned_alloc(HELD * sizeof *gone);
  for (uintptr_t i = 0; i < MANY; i++) {
    held[i] = hc_intern1(stays, 0, i);
    if (i < HELD)
      gone[i] = hc_intern1(goes, 0, i);
  }
  tap_check(hc_id(gone[3]) != 0);
  hc_class_free(goes);
  hk_check_sound(table);
  tap_eq_u(hk_stats(table).live, MANY);
  for (uintptr_t i = 0; i < MANY; i++)
    tap_require(hc_find(stays, 0, &i, 1) == held[i]);
  for (uintptr_t i = 0; i < HELD; i++)
    tap_require(hc_key(gone[i])[0] == i && !hc_is_interned(gone[i]));
  tap_eq_u(hc_id(gone[3]), 0);
  tap_eq_s(hc_class_name(hc_class_of(gone[7])), "goes");
  hc_class *next = numbers();
  tap_check(hc_class_number(next) != hc_node_class(gone[0]));
  tap_check(hc_intern1(next, 0, 1) != gone[1]);
  memset(gone, 0, HELD * sizeof *gone);
  hk_collect();
  tap_eq_u(atomic_load(&told), 0);
  hk_check_sound(table);
  hc_keep(held);
  hc_keep(gone);
}

static void others_stay_in_a_table_for_one(void) {
  two_classes_one_goes(HC_SINGLE, 0);
}
static void others_stay_in_one_shard(void) { two_classes_one_goes(0, 1); }
static void others_stay_in_many_shards(void) { two_classes_one_goes(0, 64); }

/* Many more than there are numbers, in one process; each with nodes that die. */
static void numbers_come_back(void) {
  table = hk_table(0, 0);
  for (uintptr_t round = 0; round < ROUNDS; round++) {
    hc_class *c = hc_class_new(table, &(hc_class_desc){.leaf = true});
    for (int i = 0; c == NULL && i < 20; i++) {
      hk_collect();
      c = hc_class_new(table, &(hc_class_desc){.leaf = true});
    }
    tap_require(c != NULL);
    if (round % 4 == 0)
      hc_intern1(c, 0, round);
    hc_class_free(c);
  }
  hc_class_free(NULL);
  tap_eq_u(hk_stats(table).live, 0);
  hk_check_sound(table);
}

/* ---- Others at work ---- */

static hc_class *used;
static atomic_bool is_over;

static void *look_up(void *unused) {
  const void *held[64];
  for (uintptr_t i = 0; i < 64; i++)
    held[i] = hc_intern1(used, 1, i);
  for (uintptr_t i = 0; !atomic_load(&is_over); i++) {
    if (hc_intern1(used, 1, i % 64) != held[i % 64])
      tap_check(!"a held node is not found");
    hc_intern1(used, 2, i);
  }
  hc_keep(held);
  return unused;
}

static void classes_end_while_others_are_used(void) {
  pthread_t thread;
  table = hk_table(0, 1);
  used = numbers();
  tap_require(pthread_create(&thread, NULL, look_up, NULL) == 0);
  for (uintptr_t round = 0; round < 40; round++) {
    hc_class *c = numbers();
    for (uintptr_t i = 0; i < 300; i++)
      hc_intern1(c, 0, i);
    hc_class_free(c);
    if (round % 10 == 9)
      hk_collect();
  }
  atomic_store(&is_over, true);
  pthread_join(thread, NULL);
  hk_check_sound(table);
}

/* ---- Callbacks ---- */

static struct hk_gate gate = {.is_shut = true};

static void wait_and_count(const void *node, void *closure) {
  hk_wait_at_gate(node, closure);
  atomic_fetch_add(&told, 1);
}

static void make_dead(void *cls) {
  for (uintptr_t i = 0; i < 1000; i++)
    hc_intern1(cls, 0, i);
}

static const void *volatile alive; /* a node of the class */

/* When the class has left the table. */
static void *open_gate(void *unused) {
  while (hc_is_interned(alive))
    usleep(1000);
  atomic_store(&gate.is_shut, false);
  return unused;
}

static void skip_on_the_old_door(void) {
  if (!hk_is_proper())
    tap_skip(
        "callbacks run under the collector's lock, which the caller takes");
}

/* A thousand dead nodes, the first of which is at the gate. */
static hc_class *class_at_gate(void) {
  table = hk_table(0, 1);
  hc_class *c = make_class((hc_class_desc){
      .leaf = true, .on_reclaim = wait_and_count, .closure = &gate});
  gu_apart(make_dead, c);
  GC_gcollect();
  tap_require(hk_somebody_arrives(&gate));
  alive = hc_intern1(c, 1, 1);
  return c;
}

/* The one that runs is waited for, and those that are due are not called any more. */
static void callbacks_end(bool with_the_table) {
  pthread_t thread;
  skip_on_the_old_door();
  hc_class *c = class_at_gate();
  tap_require(pthread_create(&thread, NULL, open_gate, NULL) == 0);
  if (with_the_table)
    hc_table_free(table);
  else
    hc_class_free(c);
  unsigned told_then = atomic_load(&told);
  tap_eq_u(told_then, atomic_load(&gate.arrived));
  tap_ge(told_then, 1);
  tap_le(told_then, 999);
  pthread_join(thread, NULL);
  hk_drain();
  tap_eq_u(atomic_load(&told), told_then);
  if (with_the_table)
    return;
  tap_eq_u(hk_stats(table).live, 0);
  hk_check_sound(table);
}

static void callbacks_end_with_their_class(void) { callbacks_end(false); }
static void callbacks_end_with_their_table(void) { callbacks_end(true); }

static void free_own(const void *node, void *closure) {
  (void)closure;
  hc_class_free(hc_class_of(node));
}

static void own_callback_role(void) {
  table = hk_table(0, 1);
  gu_apart(make_dead,
           make_class((hc_class_desc){.leaf = true, .on_reclaim = free_own}));
  GC_gcollect();
  hc_drain(60000);
  exit(3);
}

static void freed_in_a_callback_of_its_own(void) {
  static char out[1024];
  gu_exec x = {"own_callback_role", NULL, 0, out, sizeof out};
  skip_on_the_old_door();
  int status = gu_run_role(&x);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  tap_check(strstr(out, "in a callback of its own") != NULL);
}

int main(int argc, char **argv) {
  static const tap_case roles[] = {TAP_CASE(own_callback_role)};
  static const tap_case cases[] = {TAP_CASE(others_stay_in_a_table_for_one),
                                   TAP_CASE(others_stay_in_one_shard),
                                   TAP_CASE(others_stay_in_many_shards),
                                   TAP_CASE(numbers_come_back),
                                   TAP_CASE(classes_end_while_others_are_used),
                                   TAP_CASE(callbacks_end_with_their_class),
                                   TAP_CASE(callbacks_end_with_their_table),
                                   TAP_CASE(freed_in_a_callback_of_its_own)};
  tap_set_roles(roles, sizeof roles / sizeof roles[0]);
  return tap_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
