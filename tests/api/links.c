/* tests/api/links.c: disappearing links and toggle references. SPDX-License-Identifier: MIT */

/*
 * Contract: a link is cleared when its object died, short ones before finalisers
 * revive anything, long ones when no finaliser did; a live object's link never
 * is; nothing is written to a word that is no link any more.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 2000, BYTES = 40, N_WORDS = 4096, N_OPS = 60000, THREADS = 4 };

static void *volatile keep[N_OBJ]; /* the odd ones stay */
static GC_word *words;             /* hidden addresses, in memory of malloc */
static size_t n_ran, n_bad;

static int add_short(void **link, const void *obj) {
  return GC_general_register_disappearing_link(link, obj);
}
typedef int add_fn(void **, const void *);

static void **link_at(size_t i) { return (void **)&words[i]; }

static void prepare(void) {
  GC_INIT();
  words = calloc(N_WORDS, sizeof *words);
  tap_require(words != NULL);
}

static void make_linked(void *arg) {
  for (size_t i = 0; i < N_OBJ; i++) {
    void *p = i % 100 == 0 ? GC_malloc(100000) : GC_malloc(BYTES);
    keep[i] = i % 2 != 0 ? p : NULL;
    words[i] = GC_HIDE_POINTER(p);
    tap_require(((add_fn *)arg)(link_at(i), p) == GC_SUCCESS);
  }
}

static size_t count_cleared(size_t from, size_t step) {
  size_t n = 0;
  for (size_t i = from; i < N_OBJ; i += step)
    n += words[i] == 0;
  return n;
}

static void check_kept(void) {
  for (size_t i = 1; i < N_OBJ; i += 2)
    if (!tap_eq_p(GC_REVEAL_POINTER(words[i]), keep[i]))
      return;
}

static void check_cleared_when_dead(add_fn *add) {
  prepare();
  gu_apart(make_linked, (void *)add);
  gu_collect();
  tap_ge(count_cleared(0, 2), N_OBJ / 2 * 95 / 100);
  check_kept();
  gu_collect();
  check_kept();
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = NULL;
  gu_collect();
  tap_ge(count_cleared(0, 1), N_OBJ * 95 / 100);
}

static void short_links_are_cleared_when_dead(void) {
  check_cleared_when_dead(add_short);
}
static void long_links_are_cleared_when_dead(void) {
  check_cleared_when_dead(GC_register_long_link);
}

/* ---- Finalisers ---- */

static void look(void *obj, void *cd) {
  size_t i = (size_t)cd;
  n_ran++;
  n_bad += words[i] != 0;             /* short */
  n_bad += words[i + N_OBJ / 2] == 0; /* long */
  n_bad += words[i + N_OBJ] != 0;     /* short, to what it refers to */
  n_bad += !gu_is_intact(*(void **)obj, BYTES, i);
}

static void make_finalised(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ / 2; i++) {
    void **p = GC_malloc(BYTES), *child = *p = GC_malloc_atomic(BYTES);
    gu_fill(child, BYTES, i);
    words[i] = words[i + N_OBJ / 2] = GC_HIDE_POINTER(p);
    words[i + N_OBJ] = GC_HIDE_POINTER(child);
    add_short(link_at(i), p);
    GC_register_long_link(link_at(i + N_OBJ / 2), p);
    add_short(link_at(i + N_OBJ), child);
    GC_register_finalizer(p, look, (void *)i, NULL, NULL);
  }
}

static void short_before_and_long_after_finalisers(void) {
  prepare();
  gu_apart(make_finalised, NULL);
  gu_collect();
  tap_ge(n_ran, N_OBJ / 2 * 95 / 100);
  tap_eq_u(n_bad, 0);
  gu_collect();
  tap_ge(count_cleared(N_OBJ / 2, 1), N_OBJ / 2 * 95 / 100);
}

/* ---- Results ---- */

static void check_results(add_fn *add, int (*move)(void **, void **),
                          int (*unregister)(void **)) {
  prepare();
  void *volatile p = GC_malloc(BYTES), *volatile q = GC_malloc(BYTES);
  tap_eq_u(add(link_at(0), p), GC_SUCCESS);
  tap_eq_u(add(link_at(0), q), GC_DUPLICATE);
  tap_eq_u(move(link_at(1), link_at(2)), GC_NOT_FOUND);
  tap_eq_u(move(link_at(0), link_at(0)), GC_SUCCESS);
  tap_eq_u(add(link_at(1), p), GC_SUCCESS);
  tap_eq_u(move(link_at(0), link_at(1)), GC_DUPLICATE);
  tap_eq_u(move(link_at(0), link_at(2)), GC_SUCCESS);
  tap_eq_u(move(link_at(1), link_at(4000)), GC_SUCCESS);
  tap_eq_u(unregister(link_at(0)), 0);
  tap_eq_u(unregister(link_at(1)), 0);
  tap_eq_u(unregister(link_at(2)), 1);
  tap_eq_u(unregister(link_at(2)), 0);
  tap_eq_u(unregister(link_at(4000)), 1);
  tap_eq_u(unregister((void **)(void *)((char *)words + 1)), 0);
  tap_eq_u(unregister(NULL), 0);
  tap_eq_u(move(NULL, link_at(0)), GC_NOT_FOUND);
  tap_check(p != q);
}

static void results_of_short_links(void) {
  check_results(add_short, GC_move_disappearing_link,
                GC_unregister_disappearing_link);
  /* The sorts do not know each other. */
  tap_eq_u(GC_register_long_link(link_at(7), GC_malloc(1)), GC_SUCCESS);
  tap_eq_u(GC_unregister_disappearing_link(link_at(7)), 0);
  tap_eq_u(GC_unregister_long_link(link_at(7)), 1);
}
static void results_of_long_links(void) {
  check_results(GC_register_long_link, GC_move_long_link,
                GC_unregister_long_link);
}

static void look_at_own(void *obj, void *cd) {
  (void)cd;
  n_ran++;
  n_bad += ((GC_word *)obj)[2] != 0;
}

static void make_own(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    GC_word *cell = GC_malloc_atomic(BYTES);
    cell[2] = 5;
    tap_require(GC_register_disappearing_link((void **)&cell[2]) == GC_SUCCESS);
    GC_register_finalizer(cell, look_at_own, NULL, NULL, NULL);
  }
}

static void a_link_to_the_object_that_it_lies_in(void) {
  prepare();
  gu_apart(make_own, NULL);
  gu_collect();
  tap_ge(n_ran, N_OBJ * 95 / 100);
  tap_eq_u(n_bad, 0);
}

/* ---- The end of links ---- */

static void link_in_cells(void *arg) {
  void *target = keep[1];
  for (size_t i = 0; i < N_OBJ; i++) {
    GC_word *cell = GC_malloc_atomic(BYTES);
    add_short((void **)&cell[i % 5], target);
    GC_register_long_link((void **)&cell[i % 5], target);
    if (arg != NULL)
      GC_free(cell);
  }
}

/* Fills what became free, drops the object, and looks for zeroes. */
static void check_nothing_is_cleared(void) {
  static GC_word *cells[N_OBJ];
  for (size_t i = 0; i < N_OBJ; i++) {
    cells[i] = GC_malloc_atomic(BYTES);
    memset(cells[i], 0x55, BYTES);
  }
  keep[1] = NULL;
  gu_collect();
  gu_collect();
  for (size_t i = 0; i < N_OBJ; i++)
    for (size_t k = 0; k < 5; k++)
      if (!tap_check(cells[i][k] == UINT64_C(0x5555555555555555)))
        return;
}

static void make_target(void *arg) {
  (void)arg;
  keep[1] = GC_malloc(BYTES);
}

static void links_in_dead_objects_are_forgotten(void) {
  prepare();
  gu_apart(make_target, NULL);
  gu_apart(link_in_cells, NULL);
  gu_collect();
  check_nothing_is_cleared();
}

static void links_in_freed_objects_are_forgotten(void) {
  prepare();
  gu_apart(make_target, NULL);
  gu_apart(link_in_cells, words);
  check_nothing_is_cleared();
}

static void free_linked(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void *p = i % 3 == 0   ? GC_malloc(BYTES)
              : i % 3 == 1 ? GC_malloc(100000)
                           : GC_malloc_uncollectable(BYTES);
    words[i] = GC_HIDE_POINTER(p);
    add_short(link_at(i), p);
    GC_free(p);
  }
}

static void links_to_freed_objects_lead_to_nothing_else(void) {
  prepare();
  gu_apart(free_linked, NULL);
  for (size_t i = 1; i < N_OBJ; i += 2)
    keep[i] = GC_malloc(BYTES);
  gu_collect();
  tap_ge(count_cleared(0, 3), N_OBJ / 3 * 95 / 100);
  tap_ge(count_cleared(1, 3), N_OBJ / 3 * 95 / 100);
  tap_ge(count_cleared(2, 3), N_OBJ / 3 * 95 / 100);
}

static void links_to_static_data_stay(void) {
  static char data[16];
  prepare();
  words[0] = 5;
  tap_eq_u(add_short(link_at(0), data), GC_SUCCESS);
  tap_eq_u(GC_register_long_link(link_at(0), data), GC_SUCCESS);
  gu_collect();
  tap_eq_u(words[0], 5);
  tap_eq_u(GC_unregister_disappearing_link(link_at(0)), 1);
  tap_eq_u(GC_unregister_long_link(link_at(0)), 1);
}

static bool ends_by_abort(void (*fn)(void)) {
  int status = 0;
  pid_t pid = fork();
  tap_require(pid >= 0);
  if (pid == 0) {
    close(2);
    fn();
    _exit(0);
  }
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status);
}

static void link_nowhere(void) {
  GC_general_register_disappearing_link((void **)(void *)((char *)words + 1),
                                        GC_malloc(1));
}
static void link_nowhere_long(void) {
  GC_register_long_link((void **)(void *)((char *)words + 1), GC_malloc(1));
}
static void link_outside(void) { GC_register_disappearing_link(link_at(0)); }

static void wrong_places_end_the_program(void) {
  prepare();
  tap_check(ends_by_abort(link_nowhere));
  tap_check(ends_by_abort(link_nowhere_long));
  tap_check(ends_by_abort(link_outside));
}

/* ---- Against a model ---- */

/* Random calls on a few thousand words; a model says what each word leads to. */
static uint16_t model[N_WORDS]; /* number of the object + 1; 0: no link */

static void one_call(size_t i, size_t k) {
  size_t obj = 1 + 2 * (tap_rand() % (N_OBJ / 2));
  switch (tap_rand() % 4) {
  case 0:
  case 1:
    tap_require(add_short(link_at(i), keep[obj]) ==
                (model[i] != 0 ? GC_DUPLICATE : GC_SUCCESS));
    model[i] = (uint16_t)(obj + 1);
    break;
  case 2:
    tap_require(GC_unregister_disappearing_link(link_at(i)) == (model[i] != 0));
    model[i] = 0;
    break;
  default:
    tap_require(GC_move_disappearing_link(link_at(i), link_at(k)) ==
                (model[i] == 0   ? GC_NOT_FOUND
                 : i == k        ? GC_SUCCESS
                 : model[k] != 0 ? GC_DUPLICATE
                                 : GC_SUCCESS));
    if (model[i] != 0 && model[k] == 0) {
      model[k] = model[i];
      model[i] = 0;
    }
  }
}

static void make_targets(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void *p = GC_malloc(BYTES + i);
    keep[i] = i % 2 != 0 ? p : NULL;
  }
}

/* All words hold 5, so a cleared one is seen; dead objects are those below N_OBJ/4. */
static void check_model(void) {
  size_t dead = 0, cleared = 0;
  for (size_t i = 0; i < N_WORDS; i++) {
    bool may_be = model[i] != 0 && model[i] - 1 < N_OBJ / 4;
    dead += may_be;
    cleared += words[i] == 0;
    tap_require(words[i] == 5 || (words[i] == 0 && may_be));
    model[i] = words[i] == 0 ? 0 : model[i];
    words[i] = 5;
  }
  tap_ge(cleared, dead * 90 / 100);
}

static void random_calls_agree_with_a_model(void) {
  prepare();
  for (size_t round = 0; round < 3; round++) {
    gu_apart(make_targets, NULL);
    for (size_t i = 0; i < N_WORDS; i++) {
      words[i] = 5;
      GC_unregister_disappearing_link(link_at(i));
      model[i] = 0;
    }
    size_t range = N_WORDS >> (2 * round);
    for (size_t i = 0; i < N_OPS; i++)
      one_call(tap_rand() % range, tap_rand() % range);
    for (size_t i = 0; i < N_OBJ / 4; i++)
      keep[i] = NULL;
    gu_collect();
    check_model();
    for (size_t i = 0; i < N_WORDS; i++)
      tap_require(GC_unregister_disappearing_link(link_at(i)) ==
                  (model[i] != 0));
  }
}

/* ---- Threads ---- */

static void *link_in_thread(void *arg) {
  size_t from = *(size_t *)arg;
  for (size_t round = 0; round < 20; round++) {
    for (size_t i = from; i < from + N_OBJ / THREADS; i++) {
      void *p = GC_malloc(BYTES);
      words[i] = GC_HIDE_POINTER(p);
      add_short(link_at(i), p);
      keep[i] = p;
    }
    if (round % 5 == 0)
      GC_gcollect();
    for (size_t i = from; i < from + N_OBJ / THREADS; i++)
      if (!tap_eq_p(GC_REVEAL_POINTER(words[i]), keep[i]) ||
          !tap_eq_u(GC_unregister_disappearing_link(link_at(i)), 1))
        return NULL;
  }
  return NULL;
}

static void threads_link_at_the_same_time(void) {
  pthread_t t[THREADS];
  size_t from[THREADS];
  prepare();
  for (size_t i = 0; i < THREADS; i++) {
    from[i] = i * (N_OBJ / THREADS);
    tap_require(GC_pthread_create(&t[i], NULL, link_in_thread, &from[i]) == 0);
  }
  for (size_t i = 0; i < THREADS; i++)
    GC_pthread_join(t[i], NULL);
}

/* ---- Toggle references ---- */

static size_t n_asked;

static GC_ToggleRefStatus answer(void *obj) {
  n_asked++;
  return (GC_ToggleRefStatus) * (int *)obj;
}

static void make_toggles(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    int *p = GC_malloc(BYTES);
    *p = (int)(i % 3);
    words[i] = GC_HIDE_POINTER(p);
    add_short(link_at(i), p);
    tap_require(GC_toggleref_add(p, i % 2) == GC_SUCCESS);
  }
}

static void toggle_references_follow_the_answers(void) {
  prepare();
  tap_check(GC_get_toggleref_func() == NULL);
  GC_set_toggleref_func(answer);
  tap_check(GC_get_toggleref_func() == answer);
  gu_apart(make_toggles, NULL);
  gu_collect();
  tap_eq_u(n_asked, N_OBJ);
  tap_ge(count_cleared(GC_TOGGLE_REF_DROP, 3), N_OBJ / 3 * 95 / 100);
  tap_eq_u(count_cleared(GC_TOGGLE_REF_STRONG, 3), 0);
  tap_ge(count_cleared(GC_TOGGLE_REF_WEAK, 3), N_OBJ / 3 * 95 / 100);
  gu_collect();
  tap_eq_u(count_cleared(GC_TOGGLE_REF_STRONG, 3), 0);
  tap_le(n_asked, N_OBJ + N_OBJ / 3 + N_OBJ / 20);
  for (size_t i = 1; i < N_OBJ; i += 3)
    *(int *)GC_REVEAL_POINTER(words[i]) = GC_TOGGLE_REF_WEAK;
  gu_collect();
  tap_ge(count_cleared(GC_TOGGLE_REF_STRONG, 3), N_OBJ / 3 * 95 / 100);
}

static void without_a_function_there_are_none(void) {
  prepare();
  gu_apart(make_toggles, NULL);
  GC_set_toggleref_func(answer);
  gu_collect();
  tap_eq_u(n_asked, 0);
  tap_ge(count_cleared(0, 1), N_OBJ * 95 / 100);
}

TAP_MAIN(TAP_CASE(short_links_are_cleared_when_dead),
         TAP_CASE(long_links_are_cleared_when_dead),
         TAP_CASE(short_before_and_long_after_finalisers),
         TAP_CASE(results_of_short_links), TAP_CASE(results_of_long_links),
         TAP_CASE(a_link_to_the_object_that_it_lies_in),
         TAP_CASE(links_in_dead_objects_are_forgotten),
         TAP_CASE(links_in_freed_objects_are_forgotten),
         TAP_CASE(links_to_freed_objects_lead_to_nothing_else),
         TAP_CASE(links_to_static_data_stay),
         TAP_CASE(wrong_places_end_the_program),
         TAP_CASE(random_calls_agree_with_a_model),
         TAP_CASE(threads_link_at_the_same_time),
         TAP_CASE(toggle_references_follow_the_answers),
         TAP_CASE(without_a_function_there_are_none))
