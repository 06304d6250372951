/* src/compat/gcx_observe_h.c: gcx/reclaim.h: observers. SPDX-License-Identifier: MIT
 *
 * A client's observer is the core's.
 */
#include "compat/compat.h"
#include "compat/observers.h"

#include "cycle/gc_start.h"
#include "cycle/observe.h"

#include <errno.h>
#include <string.h>

#include <gcx/reclaim.h>

#define DEFAULT_LOG_BYTES ((size_t)4 << 20)

_Static_assert(sizeof(gcx_death) == sizeof(struct gc_death) &&
                   offsetof(gcx_death, bytes) ==
                       offsetof(struct gc_death, bytes) &&
                   offsetof(gcx_death, collection) ==
                       offsetof(struct gc_death, collection) &&
                   offsetof(gcx_death, how) == offsetof(struct gc_death, how),
               "the client's death is the core's");
_Static_assert(GCX_DEATH_FOUND == DEATH_FOUND &&
                   GCX_DEATH_BY_HAND == DEATH_BY_HAND,
               "ways to die");
_Static_assert((int)GCX_BUILTIN_LEAF == KIND_ATOMIC &&
                   (int)GCX_BUILTIN_NORMAL == KIND_NORMAL &&
                   (int)GCX_BUILTIN_UNCOLLECTABLE == KIND_UNCOLL &&
                   (int)GCX_BUILTIN_LEAF_UNCOLLECTABLE == KIND_ATOMIC_UNCOLL,
               "numbers of kinds");

static struct gc_observer *core_observer(gcx_observer *observer) {
  return (struct gc_observer *)(void *)observer;
}

/* ---- Beginning ---- */

int gc_compat_begin_observer(const struct gc_observer_plan *plan,
                             struct gc_observer **out) {
  struct gc_observer_plan p = *plan;
  enum gc_observe_result result = OBSERVE_OK;
  if (p.log_bytes == 0)
    p.log_bytes = DEFAULT_LOG_BYTES;
  if (!gc_observe_begin(&p, &result, out))
    return EAGAIN;
  return result == OBSERVE_OK ? 0 : result == OBSERVE_BUSY ? EBUSY : ENOMEM;
}

static bool is_observable(unsigned kind, const gcx_observe_opts *o) {
  return o->struct_size == sizeof *o && (o->flags & ~GCX_OBSERVE_FREES) == 0 &&
         kind < gc_load_acq(&gc_kind_count) &&
         (o->flags & GCX_OBSERVE_FREES ||
          !(gc_kind_flags(kind) & KIND_UNCOLLECTABLE));
}

gcx_observer *gcx_observe(unsigned kind, const gcx_observe_opts *opts,
                          int *error) {
  struct gc_observer *o = NULL;
  int code = EINVAL;
  gc_start();
  if (!gc_start_thread()) {
    code = ENOMEM;
  } else if (is_observable(kind, opts)) {
    struct gc_observer_plan plan = {
        .kind = kind,
        .sees_frees = opts->flags & GCX_OBSERVE_FREES,
        .many = (gc_observe_fn)(void (*)(void))opts->observe,
        .cd = opts->cd,
        .code = (const void *)opts->observe,
        .log_bytes = opts->log_bytes};
    code = gc_compat_begin_observer(&plan, &o);
  }
  if (error != NULL)
    *error = code;
  return (gcx_observer *)(void *)o;
}

gcx_observer *gcx_kind_observer(const gcx_kind *kind) {
  const struct gc_kind *k = (const void *)kind;
  return (gcx_observer *)(void *)gc_observed_of((unsigned)(k - gc_kinds));
}

/* ---- Ending ---- */

static int end_observer(struct gc_observer *o, bool tell, unsigned ms) {
  enum gc_wait_result result = gc_observe_end(o, tell, ms);
  return result == WAIT_OVER ? 0 : result == WAIT_TIMEOUT ? ETIMEDOUT : EDEADLK;
}

int gcx_unobserve(gcx_observer *observer, unsigned ms) {
  return end_observer(core_observer(observer), true, ms);
}

int gc_compat_quiesce_observer(unsigned kind, unsigned ms) {
  struct gc_observer *o = gc_observed_of(kind);
  return o == NULL ? 0 : end_observer(o, true, ms);
}

int gc_compat_retire_observers(uintptr_t low, uintptr_t high, bool tell,
                               unsigned ms) {
  int worst = 0;
  for (unsigned k = 0; k < gc_load_acq(&gc_kind_count); k++) {
    struct gc_observer *o = gc_observed_of(k);
    uintptr_t code = o == NULL ? 0 : (uintptr_t)gc_observed_plan(o)->code;
    if (o == NULL || code < low || code >= high)
      continue;
    int result = end_observer(o, tell, ms);
    worst = result != 0 ? result : worst;
  }
  return worst;
}

/* ---- Figures ---- */

void gcx_get_observer_stats(gcx_observer *observer, gcx_observer_stats *stats) {
  gcx_observer_stats s = {.struct_size = stats->struct_size};
  struct gc_observer_counts c;
  if (!gc_start_thread())
    return;
  gc_observe_count(core_observer(observer), &c);
  s.found = c.found;
  s.found_bytes = c.found_bytes;
  s.freed = c.freed;
  s.freed_bytes = c.freed_bytes;
  s.told = c.told;
  s.lost = c.lost;
  s.pending = c.pending;
  memcpy(stats, &s, s.struct_size < sizeof s ? s.struct_size : sizeof s);
}
