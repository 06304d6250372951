/* tests/gcx/retire.c: code that is about to be unloaded.
 * SPDX-License-Identifier: MIT
 *
 * A range of one byte, where a notifier begins, stands for the library.
 */
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_mark.h>
#include <gcx/reclaim.h>

#include <errno.h>
#include <semaphore.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { OBJECTS = 5000 };

static unsigned called;
static sem_t entered, go_on;

static gcx_verdict count(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  __atomic_add_fetch(&called, 1, __ATOMIC_SEQ_CST);
  return GCX_DONE;
}

static gcx_verdict block(void *object, size_t bytes, void *cd) {
  (void)object, (void)bytes, (void)cd;
  sem_post(&entered);
  sem_wait(&go_on);
  return GCX_DONE;
}

static int count_disclaimed(void *object) {
  (void)object;
  __atomic_add_fetch(&called, 1, __ATOMIC_SEQ_CST);
  return 0;
}

static int retire(const void *code, gcx_retire how, unsigned ms) {
  return gcx_retire_code_range(code, (const char *)code + 1, how, ms);
}

static gcx_kind *kind_of(gcx_notify_fn notify) {
  gcx_kind_opts o = {.struct_size = sizeof o, .notify = notify};
  gcx_kind *kind = gcx_kind_new(&o, NULL);
  tap_require(kind != NULL);
  return kind;
}

static __attribute__((noinline)) void make(gcx_kind *kind, unsigned n) {
  for (unsigned i = 0; i < n; i++)
    tap_require(gcx_kind_alloc(kind, 32) != NULL);
}

static const gcx_closure closure = {count, NULL};

static __attribute__((noinline)) void make_finalised(unsigned n) {
  for (unsigned i = 0; i < n; i++)
    tap_require(gcx_finalized_alloc(32, &closure) != NULL);
}

static void pending_deaths_are_told_first(void) {
  gcx_kind *kind = kind_of(count);
  make(kind, OBJECTS);
  gu_scrub_stack();
  GC_gcollect();
  tap_eq_u(retire((void *)count, GCX_RETIRE_RUN, GCX_FOREVER), 0);
  tap_ge(called, OBJECTS - 50);
}

static void later_deaths_are_not_told(void) {
  gcx_kind *kind = kind_of(count);
  make(kind, OBJECTS);
  tap_eq_u(retire((void *)count, GCX_RETIRE_CANCEL, GCX_FOREVER), 0);
  unsigned before = called;
  gu_scrub_stack();
  GC_gcollect();
  tap_eq_u(gcx_drain(60000), 0);
  tap_eq_u(called, before);
}

static void other_code_is_left_alone(void) {
  gcx_kind *kind = kind_of(count);
  make(kind, OBJECTS);
  tap_eq_u(retire((void *)block, GCX_RETIRE_CANCEL, GCX_FOREVER), 0);
  gu_scrub_stack();
  GC_gcollect();
  tap_eq_u(gcx_drain(60000), 0);
  tap_ge(called, OBJECTS - 50);
}

static void closures_are_taken_away(void) {
  make_finalised(OBJECTS);
  tap_eq_u(retire((void *)count, GCX_RETIRE_CANCEL, GCX_FOREVER), 0);
  unsigned before = called;
  gu_scrub_stack();
  GC_gcollect();
  tap_eq_u(gcx_drain(60000), 0);
  tap_eq_u(called, before);
}

static void disclaim_procedures_count(void) {
  unsigned kind = GC_new_kind(GC_new_free_list(), 0 | GC_DS_LENGTH, 1, 1);
  GC_register_disclaim_proc((int)kind, count_disclaimed, 0);
  for (unsigned i = 0; i < OBJECTS; i++)
    tap_require(GC_generic_malloc(32, (int)kind) != NULL);
  tap_eq_u(retire((void *)count_disclaimed, GCX_RETIRE_CANCEL, GCX_FOREVER), 0);
  unsigned before = called;
  gu_scrub_stack();
  GC_gcollect();
  tap_eq_u(called, before);
}

static void a_notifier_that_runs_is_waited_for(void) {
  sem_init(&entered, 0, 0);
  sem_init(&go_on, 0, 0);
  gcx_kind *kind = kind_of(block);
  make(kind, 1);
  make(kind, 20);
  gu_scrub_stack();
  GC_gcollect();
  sem_wait(&entered);
  tap_eq_u(retire((void *)block, GCX_RETIRE_CANCEL, 50), ETIMEDOUT);
  for (unsigned i = 0; i < 32; i++)
    sem_post(&go_on);
  tap_eq_u(retire((void *)block, GCX_RETIRE_CANCEL, 60000), 0);
}

static void bad_arguments(void) {
  tap_eq_u(gcx_retire_code_range(&called, &called, GCX_RETIRE_RUN, 0), EINVAL);
  tap_eq_u(retire((void *)count, (gcx_retire)7, 0), EINVAL);
}

TAP_MAIN(TAP_CASE(pending_deaths_are_told_first),
         TAP_CASE(later_deaths_are_not_told),
         TAP_CASE(other_code_is_left_alone), TAP_CASE(closures_are_taken_away),
         TAP_CASE(disclaim_procedures_count),
         TAP_CASE(a_notifier_that_runs_is_waited_for), TAP_CASE(bad_arguments))
