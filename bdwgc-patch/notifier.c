/* bdwgc-patch/notifier.c: the threads that notify. SPDX-License-Identifier: MIT
 *
 * A thread claims one object, calls its notifier without any lock, decides, and
 * gives the memory back by GC_free, so that no further collection is needed. While
 * it does, the object is on its stack, which libgc scans.
 */
#include "adapter.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_FORK_WAIT_MS = 100, FREED_AT_ONCE = 16 };

struct worker {
  unsigned index;
  bool is_running;                 /* [lock kinds] */
  bool has_claimed;                /* [lock] */
  bool is_through;                 /* [lock] the notifier has returned */
  struct bdw_object claimed;       /* [lock] */
  atomic_size_t busy;              /* the entry that it works on, or 0 */
  const struct bdw_object *object; /* [thread] null outside notifiers */
  bool is_kept;                    /* [thread] by gcx_keep */
  jmp_buf end;                     /* [thread] of the notifier */
};

static struct worker workers[BDW_MAX_THREADS];
static atomic_uint n_workers; /* that run */
static atomic_bool is_held;   /* a fork is under way */
static atomic_bool is_short;  /* the child of a fork has too few threads */
static _Thread_local struct worker *own;

static pthread_mutex_t work_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_there = PTHREAD_COND_INITIALIZER;
static atomic_bool is_work; /* cleared under work_lock */

static unsigned wanted(void) {
  unsigned n = atomic_load(&bdw_config.threads);
  return n == 0 ? 1 : n;
}

/* ---- Work ---- */

/* No thread waits for libgc's lock while it holds this one. */
void bdw_wake_notifier(void) {
  if (atomic_load(&is_work))
    return;
  pthread_mutex_lock(&work_lock);
  atomic_store(&is_work, true);
  pthread_cond_broadcast(&work_there);
  pthread_mutex_unlock(&work_lock);
}

/* What notifiers left on the stack must not hold anything while the thread waits. */
static __attribute__((noinline)) void scrub_stack(void) {
  volatile char area[4096];
  memset((void *)(uintptr_t)area, 0, sizeof area);
  __asm__ volatile("" : : "r"(area) : "memory");
}

static void wait_for_work(const struct worker *w) {
  scrub_stack();
  pthread_mutex_lock(&work_lock);
  while (!atomic_load(&is_work) || atomic_load(&is_held) ||
         w->index >= wanted())
    pthread_cond_wait(&work_there, &work_lock);
  atomic_store(&is_work, false);
  pthread_mutex_unlock(&work_lock);
}

/* ---- One object ---- */

struct step {
  struct worker *worker;
  struct bdw_object object;
  uint64_t since_ns;
  gcx_notify_fn notify; /* null: of a closed kind */
  void *cd;
  enum { DONE, KEEP, LOST } verdict;
};

static void *claim(void *arg) {
  struct step *s = arg;
  if (atomic_load(&is_held) ||
      !bdw_claim_locked(&s->object, &s->worker->busy, &s->since_ns))
    return NULL;
  struct gcx_kind *kind = s->object.kind;
  s->worker->is_through = false;
  s->notify = atomic_load(&kind->is_closed) ? NULL : kind->notify;
  s->cd = kind->cd;
  s->worker->claimed = s->object;
  s->worker->has_claimed = true;
  return s;
}

/* Nothing between the two returns of setjmp changes what is used after them. */
static void call(struct step *s) {
  s->verdict = LOST;
  if (setjmp(s->worker->end) != 0)
    return;
  gcx_verdict v = s->notify(s->object.start, s->object.bytes, s->cd);
  s->verdict = v == GCX_KEEP ? KEEP : DONE;
}

static void note_lag(uint64_t since_ns) {
  unsigned long lag = (unsigned long)((bdw_now_ns() - since_ns) / 1000);
  if (lag > bdw_figures.max_lag_us)
    bdw_figures.max_lag_us = lag;
}

/* Answers the memory to be freed, or null. What gcx_keep kept has been settled, and
 * may have been condemned again. */
static void *decide(void *arg) {
  static const enum bdw_state states[] = {BDW_NOTHING, BDW_LIVE, BDW_LOST};
  struct step *s = arg;
  bool waits = s->verdict == DONE && s->object.kind->is_batched;
  s->worker->has_claimed = false;
  s->worker->is_through = true;
  note_lag(s->since_ns);
  if (s->verdict == LOST)
    bdw_figures.lost++;
  else
    bdw_figures.notified++;
  if (s->worker->is_kept)
    return NULL;
  bdw_settle_locked(&s->object, states[s->verdict]);
  bdw_figures.kept += s->verdict == KEEP;
  if (waits)
    bdw_batch_add_locked(&s->object);
  return s->verdict == DONE && !waits ? s->object.base : NULL;
}

/* [lock] */
static bool is_notified(size_t serial) {
  for (unsigned i = 0; i < BDW_MAX_THREADS; i++) {
    size_t busy = atomic_load(&workers[i].busy);
    if (busy != 0 && busy <= serial && !workers[i].is_through)
      return false;
  }
  return atomic_load(&bdw_first) > serial;
}

struct to_free {
  void *volatile memory[FREED_AT_ONCE];
  size_t count;
};

static void *take_batched(void *arg) {
  struct to_free *f = arg;
  f->count = bdw_batch_take_locked(is_notified, f->memory, FREED_AT_ONCE);
  return f->count > 0 ? arg : NULL;
}

/* What is to be freed is on the stack until then, and not behind: there may be new objects
 * soon. */
static void free_memory(void *memory) {
  struct to_free f;
  if (memory != NULL)
    GC_free(memory);
  while (bdw_batch_may_be_due() &&
         GC_call_with_alloc_lock(take_batched, &f) != NULL)
    for (size_t i = 0; i < f.count; i++) {
      memory = f.memory[i];
      f.memory[i] = NULL;
      GC_free(memory);
    }
}

static bool step(struct worker *w) {
  struct step s = {.worker = w};
  if (GC_call_with_alloc_lock(claim, &s) == NULL) {
    bdw_progress(); /* what was in the queue had been revived */
    return false;
  }
  if (wanted() > 1 && atomic_load(&bdw_first) <= atomic_load(&bdw_pushed))
    bdw_wake_notifier();
  w->object = &s.object;
  w->is_kept = false;
  if (s.notify != NULL)
    call(&s);
  w->object = NULL;
  free_memory(GC_call_with_alloc_lock(decide, &s));
  if (s.notify != NULL && s.verdict == LOST)
    bdw_tell(GCX_EVENT_LOST, s.object.start, s.object.kind->name);
  atomic_store(&w->busy, 0);
  bdw_progress();
  return true;
}

/* ---- Threads ---- */

/* The program's signals are not for these threads; libgc's are. */
static void block_signals(void) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  sigset_t set;
  sigfillset(&set);
  sigdelset(&set, GC_get_suspend_signal());
  sigdelset(&set, GC_get_thr_restart_signal());
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
    sigdelset(&set, faults[i]);
  pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static void *run(void *arg) {
  own = arg;
  block_signals();
  for (;;) {
    wait_for_work(own);
    while (own->index < wanted() && step(own))
      continue;
  }
  return NULL;
}

/* Callers hold the lock of kinds. */
int bdw_start_notifiers(unsigned threads) {
  atomic_store(&is_short, false);
  for (unsigned i = 0; i < threads; i++) {
    pthread_t t;
    if (workers[i].is_running)
      continue;
    workers[i].index = i;
    if (GC_pthread_create(&t, NULL, run, &workers[i]) != 0)
      return EAGAIN;
    GC_pthread_detach(t);
    workers[i].is_running = true;
    atomic_fetch_add(&n_workers, 1);
  }
  return 0;
}

unsigned bdw_notifier_threads(void) {
  unsigned n = atomic_load(&n_workers);
  return n < wanted() ? n : wanted();
}

bool bdw_is_busy_until(size_t serial) {
  for (unsigned i = 0; i < BDW_MAX_THREADS; i++) {
    size_t busy = atomic_load(&workers[i].busy);
    if (busy != 0 && busy <= serial)
      return true;
  }
  return false;
}

/* ---- Forks ---- */

static bool is_idle(const void *unused) {
  (void)unused;
  for (unsigned i = 0; i < BDW_MAX_THREADS; i++)
    if (&workers[i] != own && atomic_load(&workers[i].busy) != 0)
      return false;
  return true;
}

void bdw_hold_notifiers(void) {
  unsigned ms = atomic_load(&bdw_config.fork_wait_ms);
  atomic_store(&is_held, true);
  bdw_wait_until(is_idle, NULL, ms == 0 ? DEFAULT_FORK_WAIT_MS : ms);
}

void bdw_release_notifiers(void) {
  atomic_store(&is_held, false);
  atomic_store(&is_work, false);
  bdw_wake_notifier();
}

/* The thread that forked in its notifier goes on; the others are not there. */
static void *forget(void *arg) {
  for (unsigned i = 0; i < BDW_MAX_THREADS; i++) {
    struct worker *w = &workers[i];
    if (w == own)
      continue;
    if (w->has_claimed) {
      bdw_figures.lost++;
      if (!w->is_kept)
        bdw_settle_locked(&w->claimed, BDW_LOST);
    }
    *w = (struct worker){.index = i};
  }
  return arg;
}

void bdw_forget_workers(void) {
  GC_call_with_alloc_lock(forget, NULL);
  work_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  work_there = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
  atomic_store(&n_workers, own != NULL);
  atomic_store(&is_short, true);
}

bool bdw_is_short_of_notifiers(void) { return atomic_load(&is_short); }

/* ---- In notifiers ---- */

int gcx_in_notifier(void) { return own != NULL && own->object != NULL; }

static void *keep(void *arg) {
  bdw_settle_locked(own->object, BDW_LIVE);
  bdw_figures.kept++;
  own->is_kept = true;
  return arg;
}

int gcx_keep(void *object) {
  if (!gcx_in_notifier() || own->object->start != object)
    return 0;
  if (!own->is_kept)
    GC_call_with_alloc_lock(keep, NULL);
  return 1;
}

void gcx_notifier_abort(void) {
  if (gcx_in_notifier())
    longjmp(own->end, 1);
  fputs("gcx_notifier_abort: the caller is in no notifier\n", stderr);
  abort();
}

static void *revive(void *arg) {
  struct bdw_object o;
  char *base = GC_base(arg);
  if (!bdw_find(base, &o) || o.start != arg)
    return arg;
  enum bdw_state state = bdw_state_of(&o);
  if (state >= BDW_CLAIM)
    return NULL;
  GC_set_mark_bit(base);
  if (state == BDW_COND) {
    bdw_settle_locked(&o, BDW_LIVE);
    bdw_figures.revived++;
  }
  return arg;
}

/* The mark is read first: a condemned object gets one after its state. */
static bool needs_no_help(const void *base) {
  struct bdw_object o;
  return base != NULL && GC_is_marked(base) && bdw_find(base, &o) &&
         bdw_state_of(&o) == BDW_LIVE;
}

/* With the mark it is quicker the next time. */
static void *look_closer(void *arg) {
  struct bdw_object o;
  if (!bdw_find(arg, &o))
    return arg;
  if (bdw_state_of(&o) != BDW_LIVE || !bdw_is_all_found_locked())
    return NULL;
  GC_set_mark_bit(arg);
  return arg;
}

int gcx_bdw_is_live(const void *object) {
  void *base = (void *)(uintptr_t)object;
  bdw_enter_thread();
  return needs_no_help(base) ||
         GC_call_with_alloc_lock(look_closer, base) != NULL;
}

/* Objects die when libgc comes upon them, so here it never says that none does. */
const size_t *gcx_undecided(void) {
  static const size_t maybe_some = 1;
  return &maybe_some;
}

int gcx_revive(void *object) {
  bdw_enter_thread();
  if (needs_no_help(GC_base(object)))
    return 1;
  if (GC_call_with_alloc_lock(revive, object) == NULL)
    return 0;
  bdw_progress();
  return 1;
}
