/* src/world/thread.c: the threads that the collector knows.
 * SPDX-License-Identifier: MIT
 *
 * A record is one mapping: the thread's own part, its struct gc_self, and the
 * allocator's cells behind that. Records of ended threads are kept in a list
 * and used again, so programs that start many short threads neither leak nor
 * map.
 *
 * A thread becomes visible to the stopper and able to answer it in one step,
 * under the list lock: gc_self_tls is set before the lock is dropped. It ends
 * the other way round, so a stop signal that comes late finds the shared record
 * of unknown threads and does nothing.
 */
#include "world/thread.h"

#include "base/bits.h"
#include "base/check.h"
#include "world/stack.h"
#include "world/stop.h"

void (*gc_thread_on_leave)(struct gc_self *self);

static struct gc_lock list_lock = GC_LOCK_INIT(RANK_THREADS);
static struct gc_thread *known;  /* [lock threads] */
static struct gc_thread *unused; /* [lock threads] records without a thread */
static unsigned unused_count, promised_count; /* [lock threads] */
static struct gc_thread *_Atomic absent_main; /* [w: lock threads] the main
                                                 thread's, until it comes */
static _Atomic unsigned known_count;

#define RECORD_HEAD_BYTES                                                      \
  ((sizeof(struct gc_thread) + GC_CACHE_LINE - 1) &                            \
   ~(size_t)(GC_CACHE_LINE - 1))
#define RECORD_BYTES                                                           \
  (RECORD_HEAD_BYTES + sizeof(struct gc_self) + GC_SELF_UPPER_BYTES)

/* ---- List ---- */

void gc_thread_lock_list(void) { gc_lock_stoppable(&list_lock); }

void gc_thread_unlock_list(void) { gc_unlock_stoppable(&list_lock); }

void gc_thread_unlock_list_waking(void) {
  gc_lock_expect_waiters(&list_lock);
  gc_unlock_stoppable(&list_lock);
}

struct gc_thread *gc_thread_first_locked(void) {
  return known;
}

unsigned gc_thread_count(void) { return gc_load_rlx(&known_count); }

static void link_locked(struct gc_thread *t) {
  t->next = known;
  known = t;
  gc_add_rlx(&known_count, 1);
}

static void unlink_locked(struct gc_thread *t) {
  struct gc_thread **at = &known;
  while (*at != t)
    at = &(*at)->next;
  *at = t->next;
  gc_sub_rlx(&known_count, 1);
}

/* ---- Records ---- */

static struct gc_thread *map_record(void) {
  size_t bytes = gc_round_up(RECORD_BYTES, gc_plat_page_bytes());
  void *p = gc_plat_reserve(NULL, bytes);
  if (p == NULL)
    return NULL;
  if (gc_plat_commit(p, bytes))
    return p;
  gc_plat_release(p, bytes);
  return NULL;
}

static struct gc_thread *take_record(void) {
  gc_thread_lock_list();
  struct gc_thread *t = unused;
  if (t != NULL) {
    unused = t->next;
    unused_count--;
  }
  gc_thread_unlock_list();
  if (t == NULL)
    return map_record();
  __builtin_memset(t, 0, RECORD_BYTES);
  return t;
}

static void put_record_locked(struct gc_thread *t) {
  if (t == gc_load_rlx(&absent_main))
    gc_store_rlx(&absent_main, NULL);
  t->next = unused;
  unused = t;
  unused_count++;
}

bool gc_thread_promise_record(void) {
  gc_thread_lock_list();
  bool have = unused_count > promised_count;
  struct gc_thread *t = have ? NULL : map_record();
  if (t != NULL)
    put_record_locked(t);
  if (have || t != NULL)
    promised_count++;
  gc_thread_unlock_list();
  return have || t != NULL;
}

void gc_thread_redeem_promise(void) {
  gc_thread_lock_list();
  promised_count--;
  gc_thread_unlock_list();
}

static void join_parts(struct gc_thread *t) {
  t->self = (struct gc_self *)(void *)((char *)t + RECORD_HEAD_BYTES);
  t->self->thread = t;
}

static void fill_record(struct gc_thread *t, char *stack_cold,
                        bool is_explicit) {
  join_parts(t);
  t->tid = gc_plat_tid();
  t->pthread_id = gc_plat_pthread_id();
  t->is_main = gc_plat_is_main_thread();
  t->is_explicit = is_explicit;
  t->thread_pointer = gc_plat_thread_pointer();
  t->tls_low = t->is_main ? gc_plat_static_tls_low() : NULL;
  if (!gc_plat_stack_bounds(&t->stack_low, &t->stack_top))
    t->stack_low = t->stack_top = NULL;
  t->stack_cold = stack_cold != NULL ? stack_cold : t->stack_top;
}

/* ---- Entering ---- */

/* A number that the kernel gave to a new thread belongs to no older one. */
static void mark_predecessor_gone_locked(const struct gc_thread *t) {
  for (struct gc_thread *old = known; old != NULL; old = old->next)
    if (old->tid == t->tid)
      old->is_gone = true;
}

static void enter_list(struct gc_thread *t) {
  gc_plat_unblock_signal(gc_stop_signal());
  gc_thread_lock_list();
  mark_predecessor_gone_locked(t);
  gc_thread_reap_gone_locked();
  link_locked(t);
  gc_self_tls = t->self;
  gc_thread_unlock_list();
}

/* ---- The main thread, registered by another ---- */

struct gc_thread *gc_thread_absent_main(void) {
  struct gc_thread *t = gc_load_acq(&absent_main);
  return t != NULL && gc_plat_tid() == t->tid ? t : NULL;
}

void gc_thread_register_main(void) {
  if (gc_plat_is_main_thread())
    return;
  struct gc_thread *t = take_record();
  if (t == NULL)
    gc_fatal("no memory to register the main thread; raise the memory limit");
  join_parts(t);
  t->tid = gc_plat_pid();
  t->is_main = true;
  gc_plat_main_stack_bounds(&t->stack_low, &t->stack_top);
  t->stack_cold = t->stack_top;
  gc_thread_lock_list();
  link_locked(t);
  gc_store_rel(&absent_main, t);
  gc_thread_unlock_list();
}

/* The main thread comes and finds its record waiting. */
static bool take_over_main(char *stack_cold, bool is_explicit) {
  gc_plat_unblock_signal(gc_stop_signal());
  gc_thread_lock_list();
  struct gc_thread *t = gc_thread_absent_main();
  if (t != NULL) {
    fill_record(t, stack_cold, is_explicit);
    gc_store_rlx(&absent_main, NULL);
    gc_self_tls = t->self;
  }
  gc_thread_unlock_list();
  return t != NULL;
}

static void unregister_at_exit(void) { gc_thread_unregister(); }

static void register_again(struct gc_thread *t, char *stack_cold,
                           bool is_explicit) {
  if (t->is_explicit || !is_explicit)
    return;
  t->is_explicit = true;
  if (stack_cold != NULL)
    gc_stack_set_cold(t, stack_cold);
}

bool gc_thread_register(char *stack_cold, bool is_explicit, bool *out_oom) {
  *out_oom = false;
  if (gc_self_is_known()) {
    register_again(gc_thread_self(), stack_cold, is_explicit);
    return false;
  }
  if (!gc_plat_on_thread_exit(unregister_at_exit)) {
    *out_oom = true;
    return false;
  }
  if (gc_thread_absent_main() != NULL &&
      take_over_main(stack_cold, is_explicit))
    return true;
  struct gc_thread *t = take_record();
  if (t == NULL) {
    *out_oom = true;
    return false;
  }
  fill_record(t, stack_cold, is_explicit);
  enter_list(t);
  return true;
}

/* ---- Leaving ---- */

static void retire_locked(struct gc_thread *t) {
  if (gc_thread_on_leave != NULL)
    gc_thread_on_leave(t->self);
  unlink_locked(t);
}

bool gc_thread_unregister(void) {
  struct gc_thread *t = gc_thread_self();
  if (t == NULL)
    return false;
  gc_thread_lock_list();
  /* A thread may end inside a blocking call (cancellation). */
  gc_store_rlx(&t->state, THR_RUNNING);
  retire_locked(t);
  gc_self_tls = gc_self_none;
  put_record_locked(t);
  gc_thread_unlock_list();
  return true;
}

void gc_thread_reap_gone_locked(void) {
  struct gc_thread *next;
  for (struct gc_thread *t = known; t != NULL; t = next) {
    next = t->next;
    if (!t->is_gone)
      continue;
    retire_locked(t);
    put_record_locked(t);
  }
}

void gc_thread_keep_only_self(void) {
  struct gc_thread *self = gc_thread_self();
  gc_lock_reset(&list_lock);
  gc_thread_lock_list();
  for (struct gc_thread *t = known; t != NULL; t = t->next)
    t->is_gone = t != self;
  gc_thread_reap_gone_locked();
  if (self != NULL) {
    self->tid = gc_plat_tid();
    /* There is nobody left who could resume it. */
    gc_store_rlx(&self->suspension, SUSP_NO);
  }
  gc_thread_unlock_list();
}

void gc_thread_start(void) {
  gc_assert(known == NULL);
  gc_stack_start();
}
