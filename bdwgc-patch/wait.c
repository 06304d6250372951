/* bdwgc-patch/wait.c: waiting for notifiers. SPDX-License-Identifier: MIT */
#include "adapter.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

enum { DEFAULT_WAIT_MS = 50, OUT_OF_MEMORY_MS = 10000 };
#define DEFAULT_LIMIT ((size_t)64 << 20)

struct bdw_config bdw_config;

static pthread_mutex_t wait_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t progress;
static pthread_once_t progress_once = PTHREAD_ONCE_INIT;
static atomic_uint waiters;
static atomic_size_t decisions;
static atomic_ulong overruns;
/* The depth counts on_event, too: what is called because waiting was in vain does
 * not wait. */
static _Thread_local unsigned nowait_depth;

static void make_progress_clock(void) {
  pthread_condattr_t a;
  pthread_condattr_init(&a);
  pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
  pthread_cond_init(&progress, &a);
  pthread_condattr_destroy(&a);
}

/* What was decided is visible before a waiter is looked for, and a waiter counts
 * as one before it looks; so one of the two sees the other. */
void bdw_progress(void) {
  atomic_fetch_add(&decisions, 1);
  if (atomic_load(&waiters) == 0)
    return;
  pthread_mutex_lock(&wait_lock);
  pthread_cond_broadcast(&progress);
  pthread_mutex_unlock(&wait_lock);
}

static struct timespec deadline_in(unsigned ms) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += ms / 1000;
  t.tv_nsec += (long)(ms % 1000) * 1000000;
  if (t.tv_nsec >= 1000000000) {
    t.tv_sec++;
    t.tv_nsec -= 1000000000;
  }
  return t;
}

int bdw_wait_until(bool (*is_over)(const void *), const void *arg,
                   unsigned ms) {
  struct timespec end = deadline_in(ms);
  int result = 0;
  pthread_once(&progress_once, make_progress_clock);
  pthread_mutex_lock(&wait_lock);
  atomic_fetch_add(&waiters, 1);
  while (result == 0 && !is_over(arg))
    result = ms == GCX_FOREVER
                 ? pthread_cond_wait(&progress, &wait_lock)
                 : pthread_cond_timedwait(&progress, &wait_lock, &end);
  if (is_over(arg))
    result = 0;
  atomic_fetch_sub(&waiters, 1);
  pthread_mutex_unlock(&wait_lock);
  return result;
}

/* ---- Forks ---- */

void bdw_forget_waiters(void) {
  pthread_once(&progress_once, make_progress_clock);
  make_progress_clock();
  wait_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  atomic_store(&waiters, 0);
}

/* ---- Draining and quiescing ---- */

static bool is_drained(const void *serial) {
  size_t last = *(const size_t *)serial;
  return atomic_load(&bdw_first) > last && !bdw_is_busy_until(last);
}

int gcx_drain(unsigned ms) {
  if (gcx_in_notifier())
    return EDEADLK;
  bdw_watch_collections();
  bdw_ensure_notifiers();
  size_t last = atomic_load(&bdw_pushed);
  return bdw_wait_until(is_drained, &last, ms);
}

static bool is_decided(const void *kind) {
  return atomic_load(&((struct gcx_kind *)(uintptr_t)kind)->undecided) == 0;
}

static void *forget_data(void *kind) {
  ((struct gcx_kind *)kind)->cd = NULL;
  return NULL;
}

int gcx_kind_quiesce(gcx_kind *kind, unsigned ms) {
  if (gcx_in_notifier())
    return EDEADLK;
  bdw_watch_collections();
  bdw_ensure_notifiers();
  int result = bdw_wait_until(is_decided, kind, ms);
  atomic_store(&kind->is_closed, true);
  result = bdw_wait_until(is_decided, kind, result == 0 ? ms : 0);
  if (result == 0)
    GC_call_with_alloc_lock(forget_data, kind);
  return result;
}

/* There are no kinds of GCX_MODE_SIMPLE here, so nothing is ever pending for it. */
size_t gcx_poll(void) { return 0; }

/* ---- Back-pressure ---- */

void gcx_nowait_begin(void) { nowait_depth++; }
void gcx_nowait_end(void) { nowait_depth--; }

static bool is_too_much(void) {
  size_t pending = atomic_load(&bdw_figures.pending_bytes);
  size_t limit = atomic_load(&bdw_config.hard_limit);
  if (limit != 0)
    return pending > limit;
  return pending > DEFAULT_LIMIT &&
         pending > (GC_get_heap_size() - GC_get_free_bytes()) / 2;
}

static bool has_progress(const void *seen) {
  return !is_too_much() || atomic_load(&decisions) != *(const size_t *)seen;
}

void bdw_pay_back(void) {
  unsigned ms = atomic_load(&bdw_config.wait_ms);
  if (nowait_depth != 0 || !is_too_much() || gcx_in_notifier())
    return;
  int result = 0;
  while (result == 0 && is_too_much()) {
    size_t seen = atomic_load(&decisions);
    result =
        bdw_wait_until(has_progress, &seen, ms == 0 ? DEFAULT_WAIT_MS : ms);
  }
  if (result == 0)
    return;
  atomic_fetch_add(&overruns, 1);
  bdw_tell(GCX_EVENT_OVERRUN, NULL, NULL);
}

size_t bdw_decisions(void) { return atomic_load(&decisions); }

/* libgc gives up without a collection when one was not long ago, but what that found was
 * not free yet. */
bool bdw_wait_for_memory(size_t decided) {
  GC_gcollect();
  size_t last = atomic_load(&bdw_pushed);
  if (nowait_depth == 0 && !gcx_in_notifier())
    bdw_wait_until(is_drained, &last, OUT_OF_MEMORY_MS);
  return atomic_load(&decisions) != decided;
}

void bdw_tell(gcx_event event, void *object, const char *kind_name) {
  gcx_event_fn tell = atomic_load(&bdw_config.on_event);
  if (tell == NULL)
    return;
  nowait_depth++;
  tell(event, object, kind_name);
  nowait_depth--;
}

unsigned long bdw_overruns(void) { return atomic_load(&overruns); }
