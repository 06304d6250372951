/* tests/gcx/weak.c: weak references to objects without a notifier. SPDX-License-Identifier: MIT */

/*
 * A live object is always found; a dead one never, from the collection on that
 * did not find it, whatever has become of its address meanwhile. What looks like
 * an address may keep an object, so death is asked of many objects with
 * tolerance: but a reference must agree with what gu_is_dead says of its object.
 */
#include <gc/gc.h>
#include <gcx/weak.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 4000, OBJ_BYTES = 48, LARGE_BYTES = 200000 };

static void *volatile keep[N_OBJ];
static gcx_weak *weak[N_OBJ];
static uintptr_t hidden[N_OBJ];

struct plan {
  size_t n, bytes;
};

/* Objects that only `keep` refers to, each with a weak reference. */
static void make(void *plan) {
  const struct plan *p = plan;
  for (size_t i = 0; i < p->n; i++) {
    keep[i] = GC_malloc_atomic(p->bytes);
    gu_fill(keep[i], OBJ_BYTES, i);
    hidden[i] = gu_hide(keep[i]);
    weak[i] = gcx_weak_new(keep[i]);
    tap_require(weak[i] != NULL);
  }
}

static void make_objects(size_t n, size_t bytes) {
  struct plan p = {n, bytes};
  GC_INIT();
  gu_apart(make, &p);
}

static void drop(size_t n) {
  for (size_t i = 0; i < n; i++)
    keep[i] = NULL;
}

/* How many are found, each of them as it was. */
static GU_NOINLINE size_t count_found(size_t n) {
  size_t found = 0;
  for (size_t i = 0; i < n; i++) {
    void *p = gcx_weak_get(weak[i]);
    if (p == NULL)
      continue;
    found++;
    tap_require(gu_hide(p) == hidden[i] && gu_is_intact(p, OBJ_BYTES, i));
  }
  gu_scrub_stack();
  return found;
}

static void check_most_gone(size_t n) {
  size_t dead = gu_dead_count(hidden, n);
  tap_eq_u(count_found(n), n - dead);
  tap_ge(dead, n * 95 / 100);
}

static bool was_one_of_them(const void *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (gu_reveal(hidden[i]) == p)
      return true;
  return false;
}

/* Others are allocated until many have got the addresses of the dead. */
static void use_addresses_again(size_t n, size_t bytes) {
  size_t again = 0;
  GC_disable();
  for (size_t i = 0; i < 10 * n && again < n / 2; i++) {
    void *p = GC_malloc_atomic(bytes);
    gu_fill(p, OBJ_BYTES, i + 100000);
    again += was_one_of_them(p, n);
  }
  GC_enable();
  tap_ge(again, n / 4);
}

/* ---- Life ---- */

static void live_objects_are_found(void) {
  make_objects(N_OBJ, OBJ_BYTES);
  for (int round = 0; round < 3; round++) {
    tap_eq_u(count_found(N_OBJ), N_OBJ);
    gu_collect();
  }
  tap_eq_u(count_found(N_OBJ), N_OBJ);
}

/* What was read is an ordinary reference. */
static void what_was_read_is_kept(void) {
  make_objects(N_OBJ, OBJ_BYTES);
  drop(N_OBJ);
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = gcx_weak_get(weak[i]);
  gu_collect();
  tap_eq_u(count_found(N_OBJ), N_OBJ);
}

static void no_object_no_reference(void) {
  static char data[64];
  char local[64] = "";
  GC_INIT();
  tap_check(gcx_weak_new(NULL) == NULL);
  tap_check(gcx_weak_new(data) == NULL);
  tap_check(gcx_weak_new(local) == NULL);
  tap_check(gcx_weak_get(NULL) == NULL);
  gcx_weak_free(NULL);
  make_objects(N_OBJ, OBJ_BYTES);
  drop(N_OBJ);
  gu_collect();
  size_t refused = 0;
  for (size_t i = 0; i < N_OBJ; i++)
    refused += gcx_weak_new(gu_reveal(hidden[i])) == NULL;
  tap_ge(refused, N_OBJ * 95 / 100);
}

static void interior_pointers_count(void) {
  make_objects(N_OBJ, 400);
  for (size_t i = 0; i < N_OBJ; i++) {
    gcx_weak_free(weak[i]);
    weak[i] = gcx_weak_new((char *)keep[i] + 399);
  }
  gu_collect();
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require((char *)gcx_weak_get(weak[i]) == (char *)keep[i] + 399);
  drop(N_OBJ);
  gu_collect();
  size_t found = 0;
  for (size_t i = 0; i < N_OBJ; i++)
    found += gcx_weak_get(weak[i]) != NULL;
  tap_le(found, N_OBJ * 5 / 100);
}

/* ---- Death ---- */

static void one_collection_is_enough(void) {
  static const size_t sizes[] = {OBJ_BYTES, 100, 1000, 8000, 30000};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    size_t n = sizes[s] > 1000 ? 300 : N_OBJ;
    make_objects(n, sizes[s]);
    drop(n);
    gu_collect();
    check_most_gone(n);
  }
}

/* Nobody would look into such blocks for a long time. */
static void nearly_full_blocks_too(void) {
  make_objects(N_OBJ, OBJ_BYTES);
  for (size_t i = 0; i < N_OBJ; i += 64)
    keep[i] = NULL;
  gu_collect();
  size_t found = count_found(N_OBJ), dropped = (N_OBJ + 63) / 64;
  tap_ge(found, N_OBJ - dropped);
  tap_le(found, N_OBJ - dropped + 4);
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(i % 64 == 0 || gcx_weak_get(weak[i]) == keep[i]);
}

/* The dead ones' addresses go to others, which a reference must not take for them:
 * one that is not asked before as well as one that is. */
static void others_are_not_mistaken(void) {
  make_objects(N_OBJ, OBJ_BYTES);
  for (size_t i = 0; i < N_OBJ; i++)
    if (i % 8 != 0)
      keep[i] = NULL;
  gu_collect();
  size_t found = count_found(N_OBJ / 2);
  use_addresses_again(N_OBJ, OBJ_BYTES);
  tap_eq_u(count_found(N_OBJ / 2), found);
  tap_le(count_found(N_OBJ), N_OBJ / 8 + N_OBJ / 20);
  gu_collect();
  tap_le(count_found(N_OBJ), N_OBJ / 8 + N_OBJ / 20);
}

static void large_objects_die(void) {
  enum { N = 60 };
  make_objects(N, LARGE_BYTES);
  gu_collect();
  tap_eq_u(count_found(N), N);
  drop(N / 2);
  gu_collect();
  size_t found = count_found(N);
  tap_le(found, N / 2 + 2);
  gu_collect();
  use_addresses_again(N, 40000); /* of one block each */
  tap_le(count_found(N), found);
  tap_ge(count_found(N), N / 2);
}

static void switched_off_nothing_dies(void) {
  make_objects(N_OBJ, OBJ_BYTES);
  GC_disable();
  drop(N_OBJ);
  gu_collect();
  tap_eq_u(count_found(N_OBJ), N_OBJ);
  GC_enable();
  gu_collect();
  check_most_gone(N_OBJ);
}

/* ---- Freed by hand ---- */

static void free_clears(size_t bytes) {
  gcx_weak *w = NULL;
  size_t same = 0;
  for (int i = 0; i < 40; i++) {
    char *p = GC_malloc_atomic(bytes);
    w = gcx_weak_new(p + bytes / 2);
    tap_check(gcx_weak_get(w) == p + bytes / 2);
    GC_free(p);
    tap_check(gcx_weak_get(w) == NULL);
    char *q = GC_malloc_atomic(bytes);
    same += p == q;
    tap_check(gcx_weak_get(w) == NULL);
    gcx_weak_free(w);
  }
  tap_ge(same, 1);
}

static void freed_objects_are_gone(void) {
  GC_INIT();
  free_clears(32);
  free_clears(5000);
  free_clears(LARGE_BYTES);
}

static void moved_objects_are_not_followed(void) {
  GC_INIT();
  char *p = GC_malloc_atomic(64);
  gcx_weak *w = gcx_weak_new(p);
  p = GC_realloc(p, 60);
  tap_check(gcx_weak_get(w) == p);
  char *volatile moved = GC_realloc(p, 100000);
  tap_check(moved != p && gcx_weak_get(w) == NULL);
  gcx_weak *large = gcx_weak_new(moved);
  tap_check(gcx_weak_get(large) == moved);
}

/* ---- Many ---- */

/* Several of one object, freed in any order, and used anew. */
static void there_may_be_many(void) {
  enum { N = 100000, PER_OBJECT = 50 };
  static gcx_weak *many[N];
  GC_INIT();
  for (int round = 0; round < 2; round++) {
    make_objects(N / PER_OBJECT, OBJ_BYTES);
    for (size_t i = 0; i < N; i++)
      many[i] = gcx_weak_new(keep[i / PER_OBJECT]);
    for (size_t i = 0; i < N; i++) {
      size_t j = tap_rand() % N;
      gcx_weak *other = many[i];
      many[i] = many[j];
      many[j] = other;
    }
    for (size_t i = 0; i < N / 3; i++)
      gcx_weak_free(many[i]);
    drop(N / PER_OBJECT);
    gu_collect();
    check_most_gone(N / PER_OBJECT);
    size_t found = 0;
    use_addresses_again(N / PER_OBJECT, OBJ_BYTES);
    for (size_t i = N / 3; i < N; i++)
      found += gcx_weak_get(many[i]) != NULL;
    tap_le(found, N * 5 / 100);
    for (size_t i = N / 3; i < N; i++)
      gcx_weak_free(many[i]);
  }
}

static void free_twice(void) {
  close(STDERR_FILENO);
  gcx_weak_free(weak[0]);
  gcx_weak_free(weak[0]);
  _exit(0);
}

static void freeing_twice_is_told(void) {
  int status = 0;
  make_objects(1, OBJ_BYTES);
  pid_t pid = fork();
  if (pid == 0)
    free_twice();
  tap_require(waitpid(pid, &status, 0) == pid);
  tap_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- Fork ---- */

static void child_life(void) {
  tap_check(count_found(N_OBJ) == N_OBJ);
  drop(N_OBJ / 2);
  gu_collect();
  tap_le(count_found(N_OBJ), N_OBJ / 2 + N_OBJ / 20);
  make_objects(N_OBJ, OBJ_BYTES);
  tap_check(count_found(N_OBJ) == N_OBJ);
  _exit(0);
}

static void a_child_has_its_own(void) {
  make_objects(N_OBJ, OBJ_BYTES);
  pid_t pid = fork();
  if (pid == 0)
    child_life();
  gu_check_child(pid);
  gu_collect();
  tap_eq_u(count_found(N_OBJ), N_OBJ);
}

TAP_MAIN(TAP_CASE(live_objects_are_found), TAP_CASE(what_was_read_is_kept),
         TAP_CASE(no_object_no_reference), TAP_CASE(interior_pointers_count),
         TAP_CASE(one_collection_is_enough), TAP_CASE(nearly_full_blocks_too),
         TAP_CASE(others_are_not_mistaken), TAP_CASE(large_objects_die),
         TAP_CASE(switched_off_nothing_dies), TAP_CASE(freed_objects_are_gone),
         TAP_CASE(moved_objects_are_not_followed), TAP_CASE(there_may_be_many),
         TAP_CASE(freeing_twice_is_told), TAP_CASE(a_child_has_its_own))
