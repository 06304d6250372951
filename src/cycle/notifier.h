/* src/cycle/notifier.h: the threads that notify, and waiting for them.
 * SPDX-License-Identifier: MIT
 *
 * Notifier threads are mutators like any other: registered, stopped by
 * collections. They claim a few objects at a time. The service thread looks after
 * them: it reports a notifier that does not return, lets another thread take over
 * the rest, and replaces threads that ended. All start when they are first
 * needed; they sleep while there is nothing to do.
 */
#ifndef GC_CYCLE_NOTIFIER_H
#define GC_CYCLE_NOTIFIER_H

#include "notify/pending.h"

#define GC_MAX_NOTIFIERS 16u

enum gc_notifier_event { NOTIFIER_STUCK, NOTIFIER_LOST, NOTIFIER_OVERRUN };

struct gc_notifier_config {
  _Atomic unsigned threads, wait_ms, stuck_ms, exit_ms, fork_wait_ms;
  _Atomic size_t hard_limit; /* 0: by what is live */
  void (*_Atomic on_event)(int event, void *object, const char *kind);
};
extern struct gc_notifier_config gc_notifier_config;

/* Makes sure that there are threads. False: none is to be had. World running; the
 * caller may own the api lock. */
bool gc_notifier_start(void);
/* Before the first kind with notifier threads: room for its lists, and threads. */
bool gc_notifier_start_queue(void);
/* After a collection: tells the threads when there is work. */
void gc_notifier_wake(void);

/* The calling thread is in a notifier, of either mode. */
bool gc_notifier_inside(void);
/* Keeps the object of the notifier that the caller is in; false: another one. */
bool gc_notifier_keep(const void *object);
/* Leaves the notifier that the caller is in; false: it is in none of a thread. */
bool gc_notifier_abort(void);
unsigned gc_notifier_threads(void);

enum gc_wait_result { WAIT_OVER, WAIT_TIMEOUT, WAIT_DEADLOCK };
#define GC_WAIT_FOREVER (~0u)

/* Until all that is condemned now is decided, in both modes. */
enum gc_wait_result gc_notifier_drain(unsigned ms);
/* Until nothing of the kind is undecided. */
enum gc_wait_result gc_notifier_await_kind(unsigned kind, unsigned ms);

/* Between the two, allocation in this thread does not wait. They nest. */
void gc_notifier_nowait(bool begin);
/* Before an allocation of a kind with notifier threads takes new memory: waits
 * while too much is dead and not freed. */
void gc_notifier_back_pressure(void);
/* Out of memory: true when notifiers made something free. */
bool gc_notifier_await_memory(void);
unsigned long gc_notifier_overruns(void);

/* fork: no notifier begins, and those that run are waited for, in vain if need
 * be; called before any lock is taken. Then the drain lock is taken, and
 * afterwards all is let go. */
void gc_notifier_pause_for_fork(void);
void gc_notifier_lock_for_fork(void);
void gc_notifier_unlock_after_fork(void);
void gc_notifier_reset_in_child(void);
void gc_notifier_resume_after_fork(void);

/* A kind has KIND_AT_EXIT: at exit its pending objects get the time that was
 * configured. Idempotent. */
void gc_notifier_watch_exit(void);

#endif
