/* tests/differ/run.c: chooses the calls and keeps the log. SPDX-License-Identifier: MIT */

#include "differ/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/tap.h"

enum { SWEEP_EVERY = 256, FORK_ONE_IN = 12 };

struct df_world *df_worlds[DF_WORLDS];
bool df_is_logging, df_whole_only;
enum df_choice df_choice;

/* ---- The log ---- */

void df_fail(struct df_world *w, const char *fmt, ...) {
  char text[300];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (!df_is_logging) {
    tap_note("seed %llu call %llu: %s", (unsigned long long)w->seed,
             (unsigned long long)w->call, text);
    tap_require(!"a world is as it should be");
  }
  printf("fault: seed %llu call %llu: %s\n", (unsigned long long)w->seed,
         (unsigned long long)w->call, text);
  fflush(stdout);
  _Exit(3);
}

void df_log(struct df_world *w, const char *what, uint64_t value) {
  w->hash = (w->hash ^ value) * UINT64_C(0x100000001b3);
  if (w->trace)
    printf(" %s=%llu", what, (unsigned long long)value);
}

void df_expect(struct df_world *w, const char *what, uint64_t want,
               uint64_t got) {
  df_log(w, what, got);
  if (got != want)
    df_fail(w, "%s is %llu, want %llu", what, (unsigned long long)got,
            (unsigned long long)want);
}

static uint64_t step(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

uint32_t df_rnd(struct df_world *w, uint32_t below) {
  return (uint32_t)(((step(&w->rnd) >> 32) * below) >> 32);
}

/* ---- Calls ---- */

static const struct op {
  const char *name;
  void (*fn)(struct df_world *);
  unsigned weight; /* in a thousand */
  bool is_global;  /* not with other threads */
} ops[] = {{"allocate", df_op_allocate, 252, false},
           {"fixed", df_op_fixed, 20, false},
           {"edge", df_op_edge, 190, false},
           {"false", df_op_false, 40, false},
           {"root", df_op_root, 170, false},
           {"free", df_op_free, 40, false},
           {"realloc", df_op_realloc, 50, false},
           {"finaliser", df_op_finaliser, 80, false},
           {"link", df_op_link, 80, false},
           {"toggle", df_op_toggle, 10, false},
           {"query", df_op_query, 40, false},
           {"setting", df_op_setting, 10, true},
           {"call", df_op_call, 12, false},
           {"area", df_op_area, 2, false},
           {"collect", df_op_collect, 2, false},
           {"guest", df_op_guest, 1, false},
           {"smash", df_op_smash, 1, false}};

void df_call(struct df_world *w, uint64_t i) {
  w->call = i;
  w->rnd = (w->seed ^ i << 20) * UINT64_C(0xd6e8feb86659fd93);
  w->rnd ^= w->rnd >> 32;
  uint32_t dice = df_rnd(w, 1000);
  bool forks = dice == 0 && df_rnd(w, FORK_ONE_IN) == 0;
  const struct op *op = ops;
  while (dice >= op->weight)
    dice -= (op++)->weight;
  df_look(w);
  if (w->trace)
    printf("%llu %s", (unsigned long long)i, op->name);
  if (forks)
    df_op_fork(w);
  else if (!op->is_global || !w->is_threaded)
    op->fn(w);
  if (w->trace)
    printf("\n");
}

static void end_segment(struct df_world *w, uint64_t number) {
  df_end_segment(w);
  if (df_is_logging)
    printf("%ssegment %llu %016llx\n", w->trace ? "\n" : "",
           (unsigned long long)number, (unsigned long long)w->hash);
  w->hash = 0;
}

/* libgc does not look into thread-local variables of all threads. */
static void place_roots(struct df_world *w, void *volatile *stack) {
  static _Thread_local void *volatile variables[DF_PUSHED_FROM - DF_LOCAL_FROM];
  w->stack = stack;
  w->local =
      gu_on_reclaim() ? variables : stack + DF_LOCAL_FROM - DF_STACK_FROM;
}

/* The frame holds some of the roots. */
void df_run(struct df_world *w, uint64_t from, uint64_t to,
            bool (*chosen)(uint64_t)) {
  void *volatile stack[DF_PUSHED_FROM - DF_STACK_FROM] = {NULL};
  uint64_t segment = UINT64_MAX, done = 0;
  place_roots(w, stack);
  for (uint64_t i = from; i < to; i++) {
    if (chosen != NULL && !chosen(i))
      continue;
    if (segment != i / DF_SEGMENT &&
        (!w->is_threaded || segment == UINT64_MAX)) {
      if (segment != UINT64_MAX)
        end_segment(w, segment);
      segment = i / DF_SEGMENT;
      df_begin_segment(w, segment);
    }
    df_call(w, i);
    if (++done % SWEEP_EVERY == 0 && w->is_automatic)
      df_sweep(w);
  }
  if (segment != UINT64_MAX && !w->is_threaded)
    end_segment(w, segment);
  if (w->is_threaded) /* no frame is left for them */
    for (uint32_t r = DF_STACK_FROM; r < DF_PUSHED_FROM; r++)
      df_set_root(w, r, 0);
  w->stack = w->local = NULL;
}

/* ---- Worlds ---- */

void df_init(bool whole_only, enum df_choice choice) {
  df_whole_only = whole_only;
  df_choice = choice;
  if (whole_only)
    GC_set_all_interior_pointers(0);
  GC_set_handle_fork(1);
  GC_INIT();
  GC_allow_register_threads();
  df_listen();
  df_init_kinds();
  df_init_dying();
  df_init_links();
  df_init_queries();
  df_init_areas();
}

struct df_world *df_new(unsigned id, uint64_t seed) {
  size_t page = 4096;
  struct df_world *w = calloc(1, sizeof *w);
  void *area = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (w == NULL || area == MAP_FAILED)
    exit(4);
  w->plain = calloc(DF_WORDS + 1, sizeof *w->plain);
  w->area = w->area_memory = area;
  w->pushed = (void *volatile *)(void *)((char *)area + page);
  w->id = id;
  w->seed = seed;
  df_worlds[id] = w;
  return w;
}
