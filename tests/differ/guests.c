/* tests/differ/guests.c: threads that come and go, and child processes. SPDX-License-Identifier: MIT */

/*
 * A guest is a thread that holds a few objects which the world's thread has given
 * it: in its frame, in its thread-local variables, or in the frame around
 * GC_do_blocking. Then it makes some calls on the world while its host waits, so
 * the world has one user at a time. When it is sent away it looks whether all is
 * still there; one that GC_pthread_create made brings an object as its result.
 *
 * A child has the one thread that forked: objects of guests may die there, and
 * finalisers that other threads were running are lost. It makes some calls, ends its
 * segment as any other, and tells the sum of its log.
 */
#define _GNU_SOURCE
#include "differ/world.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/tap.h"

enum { IN_FRAME, IN_VARIABLES, WHILE_BLOCKED, PLACES };
enum { CHILD_CALLS = 40, GUEST_CALLS = 4 };

struct guest {
  struct df_world *w;
  pthread_t thread;
  uint32_t slot;
  int place;
  bool is_plain; /* made by pthread_create, registers itself */
  uintptr_t hidden[DF_GUEST_WORDS];
  sem_t is_there, may_go;
};

static void wait_for(sem_t *s) {
  while (sem_wait(s) != 0 && errno == EINTR)
    ;
}

/* ---- The guest ---- */

static _Thread_local void *volatile variables[DF_GUEST_WORDS];

static void *GC_CALLBACK wait_blocked(void *arg) {
  struct guest *g = arg;
  sem_post(&g->is_there);
  wait_for(&g->may_go);
  return NULL;
}

static void *volatile *words_of(const struct guest *g, void *volatile *frame) {
  /* libgc does not look into thread-local variables of all threads. */
  return g->place == IN_VARIABLES && gu_on_reclaim() ? variables : frame;
}

static GU_NOINLINE void take(struct guest *g, void *volatile *words) {
  for (uint32_t i = 0; i < DF_GUEST_WORDS; i++)
    words[i] = g->hidden[i] == 0 ? NULL : gu_reveal(g->hidden[i]);
}

static GU_NOINLINE void *give_back(struct guest *g, void *volatile *words) {
  for (uint32_t i = 0; i < DF_GUEST_WORDS; i++) {
    uint32_t number = g->w->guest_word[g->slot][i];
    if (words[i] != (g->hidden[i] == 0 ? NULL : gu_reveal(g->hidden[i])))
      g->w->fault = "what a thread held has changed";
    else if (number != 0 && !df_is_intact(g->w, df_at(g->w, number), 1))
      g->w->fault = "what a thread held is not intact";
  }
  void *first = words[0];
  for (uint32_t i = 0; i < DF_GUEST_WORDS; i++)
    words[i] = NULL;
  return first;
}

static GU_NOINLINE void be_of_use(struct df_world *w) {
  for (int i = 0; i < GUEST_CALLS; i++) {
    df_op_allocate(w);
    df_op_edge(w);
  }
}

static GU_NOINLINE void *visit(struct guest *g) {
  void *volatile frame[DF_GUEST_WORDS] = {NULL};
  void *volatile *words = words_of(g, frame);
  take(g, words);
  be_of_use(g->w);
  gu_scrub_stack();
  if (g->place == WHILE_BLOCKED)
    GC_do_blocking(wait_blocked, g);
  else
    wait_blocked(g);
  return give_back(g, words);
}

static void *GC_CALLBACK visit_plainly(struct GC_stack_base *base, void *arg) {
  struct guest *g = arg;
  if (GC_register_my_thread(base) != GC_SUCCESS)
    g->w->fault = "a thread cannot register";
  visit(g);
  GC_unregister_my_thread();
  return NULL;
}
static void *live_plainly(void *arg) {
  return GC_call_with_stack_base(visit_plainly, arg);
}
static void *live(void *arg) { return visit(arg); }

/* ---- Its host ---- */

static void invite(struct df_world *w, uint32_t slot) {
  struct guest *g = calloc(1, sizeof *g);
  if (g == NULL)
    exit(4);
  g->w = w;
  g->slot = slot;
  g->place = (int)df_rnd(w, PLACES);
  g->is_plain = df_rnd(w, 2);
  sem_init(&g->is_there, 0, 0);
  sem_init(&g->may_go, 0, 0);
  for (uint32_t i = 0; i < DF_GUEST_WORDS; i++) {
    uint32_t number = df_pick(w);
    if (number == 0)
      continue;
    df_at(w, number)->is_shared = true;
    g->hidden[i] = df_at(w, number)->hidden;
    w->guest_word[slot][i] = number;
  }
  w->guest[slot] = g;
  int code = g->is_plain ? pthread_create(&g->thread, NULL, live_plainly, g)
                         : GC_pthread_create(&g->thread, NULL, live, g);
  if (code != 0)
    df_fail(w, "no thread: %d", code);
  wait_for(&g->is_there);
  df_log(w, "guest", (uint64_t)g->place * 2 + g->is_plain);
}

static void forget_guest(struct df_world *w, uint32_t slot) {
  memset(w->guest_word[slot], 0, sizeof w->guest_word[slot]);
  w->guest[slot] = NULL;
}

static void send_away(struct df_world *w, uint32_t slot) {
  struct guest *g = w->guest[slot];
  uint32_t number = w->guest_word[slot][0], r = df_rnd(w, DF_STACK_FROM);
  void *result = NULL;
  if (g->is_plain)
    df_set_root(w, r, number);
  sem_post(&g->may_go);
  int code = g->is_plain ? pthread_join(g->thread, NULL)
                         : GC_pthread_join(g->thread, &result);
  if (code != 0 ||
      (!g->is_plain &&
       result != (number == 0 ? NULL : df_address(df_at(w, number)))))
    df_fail(w, "a thread's result is %p, its join gives %d", result, code);
  df_set_root(w, r, number);
  result = NULL;
  forget_guest(w, slot);
  sem_destroy(&g->is_there);
  sem_destroy(&g->may_go);
  free(g);
  df_log(w, "gone", number != 0);
}

void df_send_all_away(struct df_world *w) {
  for (uint32_t i = 0; i < DF_GUESTS; i++)
    if (w->guest[i] != NULL)
      send_away(w, i);
}

void df_op_guest(struct df_world *w) {
  uint32_t slot = df_rnd(w, DF_GUESTS);
  if (w->guest[slot] == NULL)
    invite(w, slot);
  else
    send_away(w, slot);
}

/* ---- Children ---- */

static void be_alone(struct df_world *w) {
  for (uint32_t i = 0; i < DF_WORLDS; i++)
    if (i != w->id)
      df_worlds[i] = NULL;
  for (uint32_t i = 0; i < DF_GUESTS; i++)
    forget_guest(w, i);
  w->trace = false;
  if (w->is_threaded) {
    GC_disable();
    df_lose_running(w);
    GC_enable();
  }
}

static void live_as_child(struct df_world *w, int to) {
  be_alone(w);
  w->hash = 0;
  uint64_t first = w->seed + w->call * 1000;
  for (uint64_t i = 0; i < CHILD_CALLS; i++)
    df_call(w, (first + i) % 1000000007);
  df_end_segment(w);
  if (write(to, &w->hash, sizeof w->hash) != sizeof w->hash)
    _exit(5);
  _exit(0);
}

void df_op_fork(struct df_world *w) {
  int fds[2], status = -1;
  uint64_t sum = 0;
  if (TAP_ASAN || TAP_TSAN || w->is_child)
    return;
  fflush(NULL);
  if (pipe(fds) != 0)
    exit(4);
  pid_t pid = fork();
  if (pid == 0) {
    w->is_child = true;
    live_as_child(w, fds[1]);
  }
  close(fds[1]);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  ssize_t n = status == 0 ? read(fds[0], &sum, sizeof sum) : 0;
  close(fds[0]);
  if (!w->is_threaded)
    df_count_said("it"); /* what the child has looked at */
  if (pid < 0 || status != 0 || n != sizeof sum)
    df_fail(w, "a child ended with status 0x%x", (unsigned)status);
  df_log(w, "child", sum);
}
