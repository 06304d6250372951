/* tests/stress/random.c: random operations on object graphs with several threads. SPDX-License-Identifier: MIT */

/*
 * Four threads work on a graph each. Now and then a thread ends, and a new one
 * takes its graph over; one thread collects all the time. Everything reachable
 * is compared with the model again and again, so a lost, moved or overwritten
 * object shows, with the seed that brings it back (the threads' timing apart;
 * the case with one thread is exactly repeatable).
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"
#include "stress/model.h"

enum { N_GRAPHS = 4, LIVES = 20 };

static atomic_bool stop_flag;

static size_t steps_wanted(void) { return tap_long() ? 10000000 : 1000000; }

struct life {
  struct model_graph *graph;
  size_t n_steps;
};

/* One thread's life with a graph; its frame holds a part of the roots. */
static GU_NOINLINE void *live(void *arg) {
  void *volatile stack_roots[MODEL_STACK_ROOTS];
  struct life *l = arg;
  model_enter(l->graph, stack_roots);
  model_verify(l->graph);
  for (size_t i = 0; i < l->n_steps; i++)
    model_step(l->graph);
  model_verify(l->graph);
  model_leave(l->graph);
  return NULL;
}

/* Serves one graph by one thread after the other. */
static void *lead_lives(void *arg) {
  struct life *l = arg;
  for (int i = 0; i < LIVES; i++) {
    pthread_t t;
    tap_require(GC_pthread_create(&t, NULL, live, l) == 0);
    tap_require(GC_pthread_join(t, NULL) == 0);
  }
  return NULL;
}

static void *collect(void *arg) {
  unsigned pause_us = *(unsigned *)arg;
  while (!atomic_load(&stop_flag)) {
    GC_gcollect();
    usleep(pause_us);
  }
  return NULL;
}

static void report(struct model_graph *const *graphs, size_t n) {
  size_t made = 0, freed = 0, verified = 0;
  for (size_t i = 0; i < n; i++) {
    made += graphs[i]->n_made;
    freed += graphs[i]->n_freed;
    verified += graphs[i]->n_verified;
  }
  tap_note("%zu objects made, %zu freed, %zu verified, %zu collections, heap "
           "%zu MB",
           made, freed, verified, (size_t)GC_get_gc_no(),
           GC_get_heap_size() >> 20);
}

static void one_graph(size_t n_steps) {
  struct model_graph *g = model_new(tap_seed());
  struct life l = {g, n_steps};
  live(&l);
  report(&g, 1);
  tap_ge(g->n_verified, n_steps / 100);
  model_drop(g);
}

static void one_thread(void) {
  model_init();
  one_graph(steps_wanted() / 4);
}

static void one_thread_collecting_often(void) {
  model_init();
  GC_set_free_space_divisor(200);
  one_graph(steps_wanted() / 10);
}

static void one_thread_without_spare_bytes(void) {
  GC_set_all_interior_pointers(0);
  model_init();
  one_graph(steps_wanted() / 10);
}

static void many_threads(unsigned pause_us, size_t n_steps) {
  struct model_graph *graphs[N_GRAPHS];
  struct life lives[N_GRAPHS];
  pthread_t t[N_GRAPHS], collector;
  model_init();
  for (size_t i = 0; i < N_GRAPHS; i++) {
    graphs[i] = model_new(tap_seed() * 7 + i + 1);
    lives[i] = (struct life){graphs[i], n_steps / N_GRAPHS / LIVES};
    tap_require(GC_pthread_create(&t[i], NULL, lead_lives, &lives[i]) == 0);
  }
  tap_require(GC_pthread_create(&collector, NULL, collect, &pause_us) == 0);
  for (size_t i = 0; i < N_GRAPHS; i++)
    tap_eq_u(GC_pthread_join(t[i], NULL), 0);
  atomic_store(&stop_flag, true);
  tap_eq_u(GC_pthread_join(collector, NULL), 0);
  report(graphs, N_GRAPHS);
  for (size_t i = 0; i < N_GRAPHS; i++) {
    tap_ge(graphs[i]->n_steps, n_steps / N_GRAPHS - LIVES);
    model_drop(graphs[i]);
  }
}

static void four_threads_and_a_collector(void) {
  many_threads(20000, steps_wanted());
}

static void four_threads_and_a_busy_collector(void) {
  many_threads(500, steps_wanted() / 5);
}

/* What was dropped is found dead: the heap is as good as empty at the end. */
static void all_is_reclaimed_at_the_end(void) {
  model_init();
  one_graph(steps_wanted() / 20);
  for (int i = 0; i < 3; i++)
    gu_collect();
  tap_ge(GC_get_free_bytes() + GC_get_unmapped_bytes() + 4 * 1024 * 1024,
         GC_get_heap_size() + GC_get_unmapped_bytes());
}

TAP_MAIN(TAP_CASE_T(one_thread, 120),
         TAP_CASE_T(one_thread_collecting_often, 120),
         TAP_CASE_T(one_thread_without_spare_bytes, 120),
         TAP_CASE_T(four_threads_and_a_collector, 240),
         TAP_CASE_T(four_threads_and_a_busy_collector, 240),
         TAP_CASE_T(all_is_reclaimed_at_the_end, 120))
