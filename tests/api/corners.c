/* tests/api/corners.c: public functions that programs seldom call. SPDX-License-Identifier: MIT */

/*
 * Contract: each does what its header says, at its edges, too. What belongs to a
 * theme of another program is tested there; tests/tools/api_tested.sh tells which
 * function is called by none.
 */
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 200, BYTES = 40 };

/* Kinds that libgc gives numbers, but no names in a header. */
enum { UNCOLLECTABLE = 2, ATOMIC_UNCOLLECTABLE };

static void *volatile keep[N_OBJ];
static uintptr_t hidden[N_OBJ];

/* ---- Out of memory ---- */

static void note_abort(const char *message) {
  const char *text = message == NULL ? "#abort function\n" : "#told more\n";
  (void)!write(STDOUT_FILENO, text, strlen(text));
}

static void abort_on_oom_ends_the_process(void) {
  char text[64] = "";
  int status = 0, ends[2];
  tap_require(pipe(ends) == 0);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    tap_require(freopen("/dev/null", "w", stderr) != NULL);
    GC_INIT();
    GC_set_abort_func(note_abort);
    GC_abort_on_oom();
    _exit(0);
  }
  close(ends[1]);
  (void)!read(ends[0], text, sizeof text - 1);
  tap_require(waitpid(pid, &status, 0) == pid);
  tap_check(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  tap_eq_s(text, "#abort function\n");
}

/* ---- Roots ---- */

static void fill_keep(void *arg) {
  (void)arg;
  for (int i = 0; i < N_OBJ; i++) {
    keep[i] = GC_malloc_atomic(BYTES);
    hidden[i] = gu_hide(keep[i]);
  }
}

static void exclusions_end_with_the_table(void) {
  GC_INIT();
  GC_exclude_static_roots((void *)keep, (void *)(keep + N_OBJ));
  gu_apart(fill_keep, NULL);
  gu_collect();
  gu_check_most_dead(hidden, N_OBJ, "objects in excluded data");
  GC_clear_exclusion_table();
  gu_apart(fill_keep, NULL);
  gu_collect();
  gu_check_none_dead(hidden, N_OBJ, "objects in data that was excluded");
}

/* ---- Marks ---- */

static void *clear_and_set(void *object) {
  GC_clear_mark_bit(object);
  GC_set_mark_bit(object);
  tap_eq_u(GC_is_marked(object), 1);
  return object;
}

static void a_mark_may_be_cleared_and_set(void) {
  GC_INIT();
  for (int i = 0; i < N_OBJ; i++) {
    keep[i] = GC_malloc(BYTES);
    gu_fill(keep[i], BYTES, (uint64_t)i);
  }
  GC_gcollect();
  for (int i = 0; i < N_OBJ; i++)
    GC_call_with_alloc_lock(clear_and_set, keep[i]);
  GC_gcollect();
  for (int i = 0; i < N_OBJ; i++)
    tap_check(gu_is_intact(keep[i], BYTES, (uint64_t)i));
}

/* ---- The stack ---- */

static void clear_stack_gives_its_argument(void) {
  int on_stack = 4711;
  tap_eq_p(GC_clear_stack(NULL), NULL);
  GC_INIT();
  void *object = GC_malloc(BYTES);
  gu_fill(object, BYTES, 9);
  for (int i = 0; i < 100; i++) {
    tap_eq_p(GC_clear_stack(NULL), NULL);
    tap_eq_p(GC_clear_stack(object), object);
    tap_eq_p(GC_clear_stack(&on_stack), &on_stack);
  }
  tap_eq_u(on_stack, 4711);
  tap_check(gu_is_intact(object, BYTES, 9));
}

/* ---- Allocation ---- */

static int uncollectable_kind;

static void lose_uncollectable(void *arg) {
  (void)arg;
  for (int i = 0; i < N_OBJ; i++) {
    char *p = GC_generic_malloc_uncollectable(BYTES, uncollectable_kind);
    gu_fill(p, BYTES, (uint64_t)i);
    hidden[i] = gu_hide(p);
  }
}

static void generic_uncollectable_objects_stay(void) {
  const int kinds[] = {UNCOLLECTABLE, ATOMIC_UNCOLLECTABLE};
  GC_INIT();
  for (int k = 0; k < 2; k++) {
    uncollectable_kind = kinds[k];
    gu_apart(lose_uncollectable, NULL);
    gu_collect();
    for (int i = 0; i < N_OBJ; i++) {
      void *p = gu_reveal(hidden[i]);
      tap_require(gu_is_intact(p, BYTES, (uint64_t)i));
      tap_eq_u(GC_get_kind_and_size(p, NULL), kinds[k]);
      GC_free(p);
    }
  }
  tap_check(GC_generic_malloc_uncollectable(0, UNCOLLECTABLE) != NULL);
  char *large = GC_generic_malloc_uncollectable(1 << 20, UNCOLLECTABLE);
  tap_check(gu_is_zero(large, 1 << 20));
  GC_free(large);
}

static void the_size_map_agrees_with_sizes(void) {
  GC_INIT();
  for (int i = 0; i < 1000; i++) {
    size_t size = GC_get_size_map_at(i);
    void *p = GC_malloc((size_t)i);
    tap_require(size == 0 || size == GC_size(p));
  }
  tap_check(GC_get_size_map_at(-1) == (size_t)-1);
  tap_check(GC_get_size_map_at(1 << 24) == (size_t)-1);
}

static void global_objects_of_kinds(void) {
  GC_INIT();
  for (size_t n = 0; n < 6000; n += 1 + n / 4)
    for (int kind = GC_I_PTRFREE; kind <= GC_I_NORMAL; kind++) {
      char *p = GC_malloc_kind_global(n, kind);
      tap_require(p != NULL && GC_size(p) >= n);
      tap_eq_u(GC_get_kind_and_size(p, NULL), kind);
      tap_check(kind == GC_I_PTRFREE || gu_is_zero(p, n));
      memset(p, 0x55, n);
    }
  GC_gcollect();
}

/* ---- Kinds made by who owns the lock ---- */

static unsigned n_marked;

/* The one reference of the object is in its second word, hidden. */
static struct GC_ms_entry *mark_hidden(GC_word *object, struct GC_ms_entry *sp,
                                       struct GC_ms_entry *limit, GC_word env) {
  n_marked++;
  tap_eq_u(env, 5);
  if (object[1] == 0)
    return sp;
  return GC_MARK_AND_PUSH((void *)~object[1], sp, limit, (void **)&object[1]);
}

static int marked_kind;

static void *make_kind_with_the_lock(void *arg) {
  unsigned proc = GC_new_proc_inner(mark_hidden);
  void **list = GC_new_free_list_inner();
  marked_kind = (int)GC_new_kind_inner(list, GC_MAKE_PROC(proc, 5), 0, 1);
  return arg;
}

static void fill_hidden(void *arg) {
  (void)arg;
  for (int i = 0; i < N_OBJ; i++) {
    GC_word *p = GC_generic_malloc(16, marked_kind);
    void *leaf = GC_malloc_atomic(BYTES);
    gu_fill(leaf, BYTES, (uint64_t)i);
    hidden[i] = gu_hide(leaf);
    p[1] = ~(GC_word)leaf;
    keep[i] = p;
  }
}

static void kinds_may_be_made_under_the_lock(void) {
  GC_INIT();
  GC_call_with_alloc_lock(make_kind_with_the_lock, NULL);
  tap_check(marked_kind > ATOMIC_UNCOLLECTABLE);
  gu_apart(fill_hidden, NULL);
  gu_collect();
  tap_ge(n_marked, N_OBJ);
  gu_check_none_dead(hidden, N_OBJ, "what the mark procedure finds");
  for (int i = 0; i < N_OBJ; i++) {
    tap_eq_u(GC_get_kind_and_size(keep[i], NULL), marked_kind);
    tap_check(gu_is_intact(gu_reveal(hidden[i]), BYTES, (uint64_t)i));
  }
}

TAP_MAIN(TAP_CASE(abort_on_oom_ends_the_process),
         TAP_CASE(exclusions_end_with_the_table),
         TAP_CASE(a_mark_may_be_cleared_and_set),
         TAP_CASE(clear_stack_gives_its_argument),
         TAP_CASE(generic_uncollectable_objects_stay),
         TAP_CASE(the_size_map_agrees_with_sizes),
         TAP_CASE(global_objects_of_kinds),
         TAP_CASE(kinds_may_be_made_under_the_lock))
