/* src/world/thread.h: the threads that the collector knows.
 * SPDX-License-Identifier: MIT
 *
 * A thread is known from its registration (explicit, by the pthread wrappers,
 * or by its first allocation) until it unregisters or ends. Known threads are
 * stopped for a collection and their stacks, registers and static TLS are
 * roots. The list is guarded by the thread-list lock (RANK_THREADS, stoppable);
 * the collector holds it from before a stop until after the restart, so nobody
 * appears or vanishes meanwhile.
 */
#ifndef GC_WORLD_THREAD_H
#define GC_WORLD_THREAD_H

#include "plat/lock.h"
#include "plat/plat.h"

enum gc_thread_state {
  THR_RUNNING, /* must be stopped by a signal */
  THR_BLOCKED  /* inside gc_blocking_call: counts as stopped at sp */
};

/* What GC_suspend_thread has made of a thread, see world/suspend.h. */
enum gc_suspension {
  SUSP_NO,
  SUSP_ASKED, /* it is to stand still */
  SUSP_YES    /* it counts as stopped until it is resumed */
};

/* Part of a stack below a gc_active_call: [sp, cold) of the blocking call that
 * it interrupted. A null cold end is the thread's own. */
struct gc_stack_segment {
  struct gc_stack_segment *outer;
  char *sp, *cold;
};

/* A record lives in pages of its own, together with its struct gc_self and the
 * allocator's part; never in memory that malloc owns, because it must be usable
 * in a signal handler and in a child of fork. */
struct gc_thread {
  struct gc_thread *next;      /* [lock threads] */
  struct gc_self *self;        /* [const] followed by the allocator's part */
  int tid;                     /* [const] but a child of fork renews it */
  uint64_t pthread_id;         /* [const] */
  bool is_main;                /* [const] */
  bool is_explicit;            /* [thread] registered by a call, not by its
                                    first allocation */
  bool is_gone;                /* [lock threads] ended without a word */
  _Atomic uint32_t state;      /* [atomic: w by the thread / r by the stopper]
                                    leaving THR_BLOCKED needs lock threads */
  _Atomic uint32_t parked_gen; /* [atomic] last stop that was answered, by the
                                    thread or for it */
  _Atomic uint32_t
      suspension; /* [atomic] an enum gc_suspension; w: lock threads,
                                    but for ASKED to YES, which whoever finds that
                                    the thread stands still changes by CAS */
  char *stack_low,
      *stack_top;   /* [const] the system's bounds; low may be null */
  char *stack_cold; /* [atomic word] cold end, moved for fibers */
  char *sp;         /* [thread] hot end while parked or blocked */
  char *alt_low, *alt_sp, *alt_high; /* [thread] alternate stack in use while
                                        parked or blocked, or null */
  void *fake_stack; /* [thread] AddressSanitizer's, while parked or blocked,
                       or null */
  struct gc_stack_segment *segments; /* [thread] */
  char *part_cold;                   /* [thread] cold end of the part that runs
                                    inside gc_active_call; null: stack_cold */
  char *tls_low;        /* [const] main thread: of its static TLS, or null */
  char *thread_pointer; /* [const] TLS base */
};

/* Called once, before any other function. */
void gc_thread_start(void);

/* The main thread becomes known although another thread starts the collector:
 * it is stopped and its stack is a root; it takes the record over with its
 * first call. No effect in the main thread itself. */
void gc_thread_register_main(void);
/* In the main thread before that call: its record; null elsewhere. [signal] */
struct gc_thread *gc_thread_absent_main(void);

/* The calling thread's record, or null. */
gc_inline struct gc_thread *gc_thread_self(void) {
  return (struct gc_thread *)gc_self()->thread;
}

/* Number of a known thread, by its record. */
gc_inline uint32_t gc_thread_tid(const struct gc_self *self) {
  return (uint32_t)((const struct gc_thread *)self->thread)->tid;
}

/* Registers the calling thread; the cold end of its stack may be null, then the
 * system's is taken. False: it was known already (an implicit registration then
 * becomes explicit, and its cold end is replaced when one is given), or memory
 * is short (*out_oom). */
bool gc_thread_register(char *stack_cold, bool is_explicit, bool *out_oom);
/* Unregisters the calling thread: its buffers are retired first. False: it was
 * unknown. */
bool gc_thread_unregister(void);

/* Who creates a thread makes sure first that its registration finds a record.
 * False: no memory. Redeemed by the new thread just before it registers, or by
 * the creator if there is no new thread. */
bool gc_thread_promise_record(void);
void gc_thread_redeem_promise(void);

/* Iteration. The thread-list lock is held (by the collector or by the caller).
 */
struct gc_thread *gc_thread_first_locked(void);
void gc_thread_lock_list(void);
void gc_thread_unlock_list(void);
/* The same, and wakes somebody who waits for the lock, whether or not it is known
 * that there is one: a waiter or a wakener may have been suspended. */
void gc_thread_unlock_list_waking(void);
unsigned gc_thread_count(void);

/* Ends the records of threads that ended without unregistering. The list is
 * locked and the world runs. */
void gc_thread_reap_gone_locked(void);

/* Child of fork: only the calling thread is left. */
void gc_thread_keep_only_self(void);

/* Upcall, set by cycle before the second thread can exist: a thread leaves, its
 * allocation buffers must be retired. Called with the list locked, on that
 * thread, on the collecting one for threads that ended silently, or in the
 * child of fork for the threads that are not in it. */
extern void (*gc_thread_on_leave)(struct gc_self *self);

#endif
