/* src/compat/gcx_reclaim_h.c: gcx/reclaim.h. SPDX-License-Identifier: MIT
 *
 * A client's kind is its entry in the table of kinds.
 */
#include "compat/compat.h"
#include "compat/observers.h"

#include "alloc/alloc_inline.h"
#include "alloc/debug_alloc.h"
#include "alloc/finalized.h"
#include "base/check.h"
#include "base/option.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/drain.h"
#include "cycle/notifier.h"
#include "cycle/observe.h"
#include "diag/debug_check.h"
#include "heap/layout.h"
#include "notify/debug.h"

#include <errno.h>
#include <string.h>

#include <gcx/debug.h>
#include <gcx/reclaim.h>

static unsigned number_of(const gcx_kind *kind) {
  return (unsigned)((const struct gc_kind *)(const void *)kind - gc_kinds);
}

/* ---- Kinds ---- */

static bool are_known_values(const gcx_kind_opts *o) {
  return (unsigned)o->layout <= GCX_LAYOUT_PROC &&
         (unsigned)o->refs <= GCX_REFS_HELD &&
         (unsigned)o->release <= GCX_RELEASE_BATCH &&
         (unsigned)o->mode <= GCX_MODE_OBSERVE &&
         (o->flags & ~(GCX_KIND_AT_EXIT | GCX_KIND_DEBUG)) == 0;
}

static bool is_layout_word_valid(const gcx_kind_opts *o) {
  if (o->layout == GCX_LAYOUT_BITMAP)
    return o->layout_word >> 62 == 0;
  return o->layout != GCX_LAYOUT_PROC ||
         (o->layout_word & DESC_TAG_MASK) == DESC_PROC;
}

/* Bit i becomes bit 63 - i, as descriptors have it. */
static uint64_t reverse_bits(uint64_t bits) {
  uint64_t reversed = 0;
  for (unsigned i = 0; i < 62; i++)
    reversed |= (bits >> i & 1) << (63 - i);
  return reversed;
}

static unsigned new_kind(const gcx_kind_opts *o) {
  switch (o->layout) {
  case GCX_LAYOUT_LEAF:
    return gc_kind_new(0, false, false);
  case GCX_LAYOUT_BITMAP:
    return gc_kind_new(reverse_bits(o->layout_word) | DESC_BITMAP, false, true);
  case GCX_LAYOUT_PROC:
    return gc_kind_new(o->layout_word, false, true);
  case GCX_LAYOUT_CONSERVATIVE:
    break;
  }
  return gc_kind_new(0, true, true);
}

static unsigned flags_of(const gcx_kind_opts *o) {
  return KIND_OWN_FREE | (o->refs == GCX_REFS_HELD ? KIND_HELD : 0) |
         (o->release == GCX_RELEASE_BATCH ? KIND_BATCH : 0) |
         (o->mode == GCX_MODE_PROPER ? KIND_PROPER : 0) |
         (o->flags & GCX_KIND_AT_EXIT ? KIND_AT_EXIT : 0);
}

static int ignore_death(void *object, size_t bytes, void *cd) {
  (void)object;
  (void)bytes;
  (void)cd;
  return 0;
}

/* The verdicts are 0 and 1, as the core has them. */
_Static_assert(GCX_DONE == 0 && GCX_KEEP == 1, "verdicts");

/* What an observer cannot do must not be asked for. */
static bool fits_observer(const gcx_kind_opts *o) {
  return o->refs == GCX_REFS_NONE && o->release == GCX_RELEASE_BLOCK &&
         o->on_revive == NULL && o->flags == 0;
}

/* Which of several is held for which is decided one by one. */
static bool fits_many(const gcx_kind_opts *o) {
  return o->notify_many == NULL ||
         (o->mode == GCX_MODE_PROPER && o->refs == GCX_REFS_NONE);
}

static void copy_name(struct gc_notifier *n, const gcx_kind_opts *o) {
  if (o->name != NULL)
    strncpy(n->name, o->name, sizeof n->name - 1);
}

static int make_observed(const gcx_kind_opts *o, unsigned kind) {
  struct gc_observer *observer;
  struct gc_observer_plan plan = {.kind = kind,
                                  .sees_frees = true,
                                  .each =
                                      (gc_notify_fn)(void (*)(void))o->notify,
                                  .cd = o->cd,
                                  .code = (const void *)o->notify};
  copy_name(&gc_kinds[kind].notifier, o);
  return gc_compat_begin_observer(&plan, &observer);
}

/* The notifier of a debug kind is called through another one. */
static bool start_debug(unsigned kind, struct gc_notifier *n) {
  gc_or_rlx(&gc_kinds[kind].flags, KIND_DEBUG);
  if (!gc_debug_register(kind, n->notify))
    return false;
  n->notify = gc_debug_notify;
  n->notify_many = NULL;
  gc_referrers_install();
  return true;
}

static bool wants_debug(const gcx_kind_opts *o) {
  return (o->flags & GCX_KIND_DEBUG) || gc_options.debug_kinds.number != 0;
}

static int make_kind(const gcx_kind_opts *o, unsigned *out_kind) {
  bool is_observed = o->mode == GCX_MODE_OBSERVE;
  if (o->struct_size != sizeof *o || o->notify == NULL ||
      !are_known_values(o) || !is_layout_word_valid(o) || !fits_many(o) ||
      (is_observed && !fits_observer(o)))
    return EINVAL;
  if (o->mode == GCX_MODE_PROPER && !gc_notifier_start_queue())
    return EAGAIN;
  struct gc_notifier n = {(gc_notify_fn)(void (*)(void))o->notify,
                          o->cd,
                          o->on_revive,
                          (const void *)o->notify,
                          o->notify_many,
                          ""};
  copy_name(&n, o);
  *out_kind = new_kind(o);
  if (*out_kind == 0)
    return gc_load_rlx(&gc_kind_count) >= GC_MAX_KINDS ? ENOSPC : ENOMEM;
  if (is_observed)
    return make_observed(o, *out_kind);
  if (wants_debug(o) && !start_debug(*out_kind, &n))
    return ENOMEM;
  if (o->flags & GCX_KIND_AT_EXIT)
    gc_notifier_watch_exit();
  return gc_deliver_register(*out_kind, &n, flags_of(o)) ? 0 : ENOMEM;
}

gcx_kind *gcx_kind_new(const gcx_kind_opts *opts, int *error) {
  unsigned kind = 0;
  gc_start();
  int code = make_kind(opts, &kind);
  if (error != NULL)
    *error = code;
  return code == 0 ? (gcx_kind *)(void *)&gc_kinds[kind] : NULL;
}

const char *gcx_kind_name(const gcx_kind *kind) {
  return gc_kinds[number_of(kind)].notifier.name;
}

void *gcx_kind_alloc(gcx_kind *kind, size_t bytes) {
  unsigned k = number_of(kind);
  if (gc_unlikely(gc_debug_is_kind(k)))
    return gc_debug_alloc(bytes, k, NULL, 0);
  return gc_alloc_of_kind(bytes, k);
}

void *gcx_finalized_alloc(size_t bytes, const gcx_closure *closure) {
  gc_start(); /* it reads the options */
  if (gc_unlikely(gc_options.debug_kinds.number != 0))
    return gcx_debug_finalized_alloc(bytes, closure, NULL, 0);
  return gc_finalized_own_alloc(
      bytes, (const struct gc_own_closure *)(const void *)closure);
}

/* ---- Reviving and keeping ---- */

int gcx_revive(void *object) {
  struct gc_object o;
  return !gc_find(object, &o) || gc_drain_revive(&o);
}

const size_t *gcx_undecided(void) {
  return (const size_t *)(const void *)&gc_pending_any;
}

const size_t *gcx_collections(void) {
  return (const size_t *)(const void *)&gc_cycle_stats.collections;
}

static bool may_keep(void *object) {
  struct gc_object o;
  return !gc_find(object, &o) || !gc_debug_is_kind(o.kind) ||
         !gc_debug_refuses_keep(&o);
}

int gcx_keep(void *object) {
  return may_keep(object) && gc_notifier_keep(object);
}

/* ---- Waiting ---- */

static int error_of(enum gc_wait_result result) {
  return result == WAIT_OVER ? 0 : result == WAIT_TIMEOUT ? ETIMEDOUT : EDEADLK;
}

/* From here on objects of the kind are released without a call. */
static void close_kind(unsigned kind) {
  gc_drain_lock_take();
  gc_kinds[kind].notifier.notify = ignore_death;
  gc_kinds[kind].notifier.notify_many = NULL;
  gc_drain_lock_leave();
}

/* The data goes last, since a call that began before the kind was closed has it. */
int gcx_kind_quiesce(gcx_kind *kind, unsigned ms) {
  unsigned k = number_of(kind);
  if (!(gc_kind_flags(k) & KIND_NOTIFIED))
    return gc_compat_quiesce_observer(k, ms);
  enum gc_wait_result result = gc_notifier_await_kind(k, ms);
  if (result == WAIT_DEADLOCK)
    return EDEADLK;
  close_kind(k);
  result = gc_notifier_await_kind(k, result == WAIT_OVER ? ms : 0);
  if (result == WAIT_OVER)
    gc_kinds[k].notifier.cd = NULL;
  return error_of(result);
}

static bool is_code_in(unsigned kind, uintptr_t low, uintptr_t high) {
  uintptr_t code = (uintptr_t)gc_kinds[kind].notifier.code;
  return code >= low && code < high;
}

static int retire_kinds(uintptr_t low, uintptr_t high, gcx_retire how,
                        unsigned ms) {
  int worst = 0;
  for (unsigned k = 0; k < gc_load_acq(&gc_kind_count); k++) {
    if (!is_code_in(k, low, high))
      continue;
    if (how == GCX_RETIRE_CANCEL)
      close_kind(k);
    int code = gcx_kind_quiesce((gcx_kind *)(void *)&gc_kinds[k], ms);
    worst = code != 0 ? code : worst;
  }
  return worst;
}

/* What was claimed before the closures went has ended when everything that is
 * condemned now is decided. */
static int retire_closures(const void *low, const void *high, gcx_retire how,
                           unsigned ms) {
  int first = how == GCX_RETIRE_RUN ? gcx_drain(ms) : 0;
  gc_finalized_cancel(low, high);
  int second = gcx_drain(first == 0 ? ms : 0);
  return first != 0 ? first : second;
}

int gcx_retire_code_range(const void *low, const void *high, gcx_retire how,
                          unsigned ms) {
  if ((unsigned)how > GCX_RETIRE_CANCEL || low >= high)
    return EINVAL;
  gc_start();
  if (gcx_in_notifier())
    return EDEADLK;
  int kinds = retire_kinds((uintptr_t)low, (uintptr_t)high, how, ms);
  int observed = gc_compat_retire_observers((uintptr_t)low, (uintptr_t)high,
                                            how == GCX_RETIRE_RUN, ms);
  int closures = retire_closures(low, high, how, ms);
  return kinds != 0 ? kinds : observed != 0 ? observed : closures;
}

int gcx_drain(unsigned ms) {
  gc_start();
  if (gc_observe_inside())
    return EDEADLK;
  enum gc_wait_result result = gc_notifier_drain(ms);
  if (result == WAIT_OVER)
    result = gc_observe_drain(ms);
  gc_debug_flush_all();
  return error_of(result);
}

size_t gcx_poll(void) {
  size_t called = gc_deliver_poll();
  gc_debug_leave();
  return called;
}

int gcx_in_notifier(void) {
  return gc_notifier_inside() || gc_observe_inside();
}

void gcx_nowait_begin(void) {
  gc_start();
  gc_notifier_nowait(true);
}

void gcx_nowait_end(void) { gc_notifier_nowait(false); }

void gcx_notifier_abort(void) {
  gc_notifier_abort();
  gc_fatal("gcx_notifier_abort: the caller is in no notifier of a notifier "
           "thread");
}

/* ---- Configuration and figures ---- */

#define SET(field, value)                                                      \
  do                                                                           \
    if ((value) != 0)                                                          \
      gc_store_rlx(&gc_notifier_config.field, (value));                        \
  while (0)

int gcx_finaliser_config(const gcx_finaliser_opts *o) {
  if (o->struct_size != sizeof *o || o->threads > GC_MAX_NOTIFIERS)
    return EINVAL;
  SET(threads, o->threads);
  SET(hard_limit, o->hard_limit_bytes);
  SET(wait_ms, o->wait_ms);
  SET(stuck_ms, o->stuck_ms);
  SET(exit_ms, o->exit_ms);
  SET(fork_wait_ms, o->fork_wait_ms);
  if (o->on_event != NULL)
    gc_store_rel(
        &gc_notifier_config.on_event,
        (void (*)(int, void *, const char *))(void (*)(void))o->on_event);
  return 0;
}

static size_t undecided(void) {
  size_t n = 0;
  for (unsigned k = 0; k < gc_load_acq(&gc_kind_count); k++)
    n += gc_pending_undecided(k);
  return n;
}

void gcx_get_finaliser_stats(gcx_finaliser_stats *stats) {
  gcx_finaliser_stats s = {.struct_size = stats->struct_size};
  gc_start();
  gc_drain_lock_take();
  s.condemned = gc_load_rlx(&gc_pending.condemned);
  s.notified = gc_load_rlx(&gc_pending.notified);
  s.revived = gc_load_rlx(&gc_pending.revived);
  s.kept = gc_load_rlx(&gc_pending.kept);
  s.lost = gc_load_rlx(&gc_pending.lost);
  s.pending_objects = undecided();
  s.pending_bytes = gc_pending_bytes();
  s.max_lag_us = gc_drain_max_lag_ns() / 1000;
  gc_drain_lock_leave();
  s.overruns = gc_notifier_overruns();
  s.threads = gc_notifier_threads();
  memcpy(stats, &s, s.struct_size < sizeof s ? s.struct_size : sizeof s);
}
