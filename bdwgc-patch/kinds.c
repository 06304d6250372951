/* bdwgc-patch/kinds.c: kinds, allocation, options and figures. SPDX-License-Identifier: MIT */
#include "adapter.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* What README.md explains. */
#define CAPS                                                                   \
  (GCX_CAP_FULL_BLOCKS | GCX_CAP_PROMPT | GCX_CAP_ORDER | GCX_CAP_BATCH |      \
   GCX_CAP_AT_EXIT | GCX_CAP_SAME_COLLECTION | GCX_CAP_FORK |                  \
   GCX_CAP_WEAK_MAPS)

_Atomic(struct gcx_kind *) bdw_kinds[BDW_MAX_KINDS];
static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned n_kinds; /* [lock kinds] */

unsigned gcx_backend_caps(void) { return CAPS; }

/* ---- What is refused ---- */

static bool is_sensible(const gcx_kind_opts *o) {
  return o->struct_size == sizeof *o && o->notify != NULL &&
         (unsigned)o->layout <= GCX_LAYOUT_PROC &&
         (unsigned)o->refs <= GCX_REFS_HELD &&
         (unsigned)o->release <= GCX_RELEASE_BATCH &&
         (unsigned)o->mode <= GCX_MODE_OBSERVE &&
         (o->flags & ~(GCX_KIND_AT_EXIT | GCX_KIND_DEBUG)) == 0;
}

static bool is_layout_word_valid(const gcx_kind_opts *o) {
  if (o->layout == GCX_LAYOUT_BITMAP)
    return o->layout_word >> 62 == 0;
  return o->layout != GCX_LAYOUT_PROC ||
         (o->layout_word & GC_DS_TAGS) == GC_DS_PROC;
}

/* An object without references holds nothing, whatever its kind says. */
static bool holds(const gcx_kind_opts *o) {
  return o->refs == GCX_REFS_HELD && o->layout != GCX_LAYOUT_LEAF;
}

/* A mark bit that is set in the middle of an incremental marking would hide what
 * the object refers to; so there can be no revival there. */
static bool can_be_given(const gcx_kind_opts *o) {
  bool is_told_of_cycles = o->refs == GCX_REFS_HELD && o->on_revive != NULL;
  return o->mode == GCX_MODE_PROPER && (o->flags & GCX_KIND_DEBUG) == 0 &&
         !is_told_of_cycles && !GC_is_incremental_mode();
}

/* ---- Making kinds ---- */

/* [lock kinds] */
static int make_kind(const gcx_kind_opts *o, gcx_kind **out) {
  int libgc_kind, error = bdw_libgc_kind(o, holds(o), &libgc_kind);
  if (error != 0)
    return error;
  if (n_kinds == BDW_MAX_KINDS)
    return ENOSPC;
  unsigned threads = atomic_load(&bdw_config.threads);
  error = bdw_start_notifiers(threads == 0 ? 1 : threads);
  if (error != 0)
    return error;
  if ((o->flags & GCX_KIND_AT_EXIT) != 0 && !bdw_handle_exit())
    return ENOMEM;
  gcx_kind *k = GC_malloc_uncollectable(sizeof *k);
  if (k == NULL)
    return ENOMEM;
  k->notify = o->notify;
  k->cd = o->cd;
  k->number = n_kinds;
  k->libgc_kind = libgc_kind;
  k->has_head = holds(o);
  k->is_batched = holds(o) || o->release == GCX_RELEASE_BATCH;
  k->is_told_at_exit = (o->flags & GCX_KIND_AT_EXIT) != 0;
  if (o->name != NULL)
    strncpy(k->name, o->name, sizeof k->name - 1);
  atomic_store(&bdw_kinds[n_kinds++], k);
  *out = k;
  return 0;
}

void bdw_lock_kinds(void) { pthread_mutex_lock(&kinds_lock); }
void bdw_unlock_kinds(void) { pthread_mutex_unlock(&kinds_lock); }

void bdw_ensure_notifiers(void) {
  unsigned threads = atomic_load(&bdw_config.threads);
  if (!bdw_is_short_of_notifiers())
    return;
  pthread_mutex_lock(&kinds_lock);
  if (n_kinds != 0 && bdw_start_notifiers(threads == 0 ? 1 : threads) == 0)
    bdw_wake_notifier();
  pthread_mutex_unlock(&kinds_lock);
}

void bdw_start(void) {
  if (!GC_is_init_called())
    GC_init();
  GC_register_displacement(BDW_HEAD_BYTES);
  GC_allow_register_threads();
  bdw_enter_thread();
  bdw_learn_leaf();
  bdw_watch_collections();
  bdw_handle_forks();
}

gcx_kind *gcx_kind_new(const gcx_kind_opts *o, int *error) {
  gcx_kind *kind = NULL;
  int code = EINVAL;
  bdw_start();
  if (is_sensible(o) && is_layout_word_valid(o))
    code = can_be_given(o) ? 0 : ENOTSUP;
  if (code == 0) {
    pthread_mutex_lock(&kinds_lock);
    code = make_kind(o, &kind);
    pthread_mutex_unlock(&kinds_lock);
  }
  if (error != NULL)
    *error = code;
  return kind;
}

const char *gcx_kind_name(const gcx_kind *kind) { return kind->name; }

/* ---- Allocation ---- */

static void *new_object(gcx_kind *kind, size_t bytes, const void *closure) {
  for (;;) {
    size_t decided = bdw_decisions();
    void *object = bdw_new_object(kind, bytes, closure);
    if (object != NULL || bytes > PTRDIFF_MAX || !bdw_wait_for_memory(decided))
      return object;
  }
}

void *gcx_kind_alloc(gcx_kind *kind, size_t bytes) {
  bdw_enter_thread();
  bdw_ensure_notifiers();
  bdw_pay_back();
  return new_object(kind, bytes, NULL);
}

static gcx_verdict GC_CALLBACK call_closure(void *object, size_t bytes,
                                            void *cd) {
  const gcx_closure *c = bdw_closure_of(object);
  (void)cd;
  return c->notify(object, bytes, c->cd);
}

static gcx_kind *closures;
static pthread_once_t closures_once = PTHREAD_ONCE_INIT;

static void make_closures(void) {
  gcx_kind_opts o = {.struct_size = sizeof o,
                     .name = "closures",
                     .notify = call_closure,
                     .refs = GCX_REFS_HELD};
  closures = gcx_kind_new(&o, NULL);
}

void *gcx_finalized_alloc(size_t bytes, const gcx_closure *closure) {
  bdw_enter_thread();
  if (closure == NULL)
    return GC_malloc(bytes);
  pthread_once(&closures_once, make_closures);
  if (closures == NULL)
    return NULL;
  bdw_pay_back();
  return new_object(closures, bytes, closure);
}

/* ---- Options and figures ---- */

int gcx_finaliser_config(const gcx_finaliser_opts *o) {
  int error = 0;
  if (o->struct_size != sizeof *o || o->threads > BDW_MAX_THREADS)
    return EINVAL;
  if (o->hard_limit_bytes != 0)
    atomic_store(&bdw_config.hard_limit, o->hard_limit_bytes);
  if (o->wait_ms != 0)
    atomic_store(&bdw_config.wait_ms, o->wait_ms);
  if (o->exit_ms != 0)
    atomic_store(&bdw_config.exit_ms, o->exit_ms);
  if (o->fork_wait_ms != 0)
    atomic_store(&bdw_config.fork_wait_ms, o->fork_wait_ms);
  if (o->on_event != NULL)
    atomic_store(&bdw_config.on_event, o->on_event);
  if (o->threads == 0)
    return 0;
  pthread_mutex_lock(&kinds_lock);
  atomic_store(&bdw_config.threads, o->threads);
  if (n_kinds != 0)
    error = bdw_start_notifiers(o->threads);
  bdw_wake_notifier();
  pthread_mutex_unlock(&kinds_lock);
  return error;
}

static void *read_figures(void *arg) {
  gcx_finaliser_stats *s = arg;
  s->condemned = bdw_figures.condemned;
  s->notified = bdw_figures.notified;
  s->revived = bdw_figures.revived;
  s->kept = bdw_figures.kept;
  s->lost = bdw_figures.lost;
  s->pending_bytes = atomic_load(&bdw_figures.pending_bytes);
  s->max_lag_us = bdw_figures.max_lag_us;
  s->pending_objects = s->condemned - s->notified - s->revived - s->lost;
  return s;
}

void gcx_get_finaliser_stats(gcx_finaliser_stats *stats) {
  gcx_finaliser_stats s = {.struct_size = stats->struct_size};
  bdw_start();
  GC_call_with_alloc_lock(read_figures, &s);
  s.overruns = bdw_overruns();
  s.threads = bdw_notifier_threads();
  memcpy(stats, &s, s.struct_size < sizeof s ? s.struct_size : sizeof s);
}

int gcx_set_disclaim_mode(gcx_mode mode) {
  if (mode == GCX_MODE_SIMPLE)
    return 0; /* as libgc's own interface always is */
  return mode == GCX_MODE_PROPER ? ENOTSUP : EINVAL;
}
