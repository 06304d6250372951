/* src/cycle/claims.h: condemned objects that one thread has claimed together.
 * SPDX-License-Identifier: MIT
 *
 * A thread claims some objects in one critical section, calls their notifiers one
 * after the other without a lock, and hands in all verdicts in the critical section
 * that claims the next ones. What it has not called yet can be taken back from it at any
 * time by the owner of the drain lock: before the closure of a revived or kept
 * object is walked, when its notifier is stuck, and before a fork. Which comes
 * next is one atomic number: the caller adds to it, who takes back exchanges it for
 * one behind the end (tests/model/claims.py).
 */
#ifndef GC_CYCLE_CLAIMS_H
#define GC_CYCLE_CLAIMS_H

#include "cycle/drain.h"

#define GC_CLAIMS_MAX 32u

/* As the kind had it when the object was claimed. */
struct gc_call {
  gc_notify_fn notify; /* may be null */
  void *cd;
  gc_notify_many_fn many; /* may be null */
};

struct gc_claims {
  _Atomic uint32_t next;  /* number of the first that was not called */
  _Atomic uint32_t count; /* claimed and not taken back; [lock drain] */
  uint32_t called;        /* [thread] by the owner */
  /* So many of the last were called in one: known before their numbers are taken, so
   * that it is right for whoever finds one running. */
  _Atomic uint32_t together;
  struct gc_object object[GC_CLAIMS_MAX];
  struct gc_call call[GC_CLAIMS_MAX];
  _Atomic uint8_t verdict[GC_CLAIMS_MAX]; /* of gc_drain_verdict, or below */
};

enum {
  CLAIM_RUNS = DRAIN_LOST + 1, /* not called, or its notifier runs */
  CLAIM_RUNS_KEPT,             /* its notifier runs and has kept it */
  CLAIM_KEPT /* its notifier has returned, it was kept before */
};

/* Claims up to `most` objects; the claims are empty. False: nothing is left. Once a
 * structure was used it stays known, so it is never freed. [lock drain] */
bool gc_claims_take(struct gc_claims *c, struct gc_queue *q, unsigned most);

/* The owner takes the next one to call, or null. No lock is held. */
const struct gc_object *gc_claims_next(struct gc_claims *c,
                                       struct gc_call *out);

/* The owner takes the next ones that can be called together, into OUT, which has room
 * for GC_CLAIMS_MAX; fewer than two, and nothing is taken: 0. No lock is held. */
unsigned gc_claims_next_many(struct gc_claims *c, void **out,
                             struct gc_call *out_call);

/* The call of these has returned. No lock is held. */
void gc_claims_decide_many(struct gc_claims *c);

/* The notifier of the last one has returned. No lock is held. */
void gc_claims_decide(struct gc_claims *c, enum gc_drain_verdict verdict);

/* The one whose notifier has been called and has not returned, or null; the last of
 * those that were called together, where c->together says how many. What was not
 * called has been taken back before. [lock drain] */
const struct gc_object *gc_claims_running(const struct gc_claims *c,
                                          bool *out_is_kept);

/* Keeps the one that runs, if it is this object. No lock is held. */
bool gc_claims_keep(struct gc_claims *c, const void *object);

/* Hands in all verdicts; what still runs is lost. Then the claims are empty. What was
 * not called has been taken back before. [lock drain] */
void gc_claims_finish(struct gc_claims *c);

/* Takes back what was not called: of one, of all, of who has this object. [lock drain] */
void gc_claims_take_back(struct gc_claims *c);
void gc_claims_take_back_all(void);
void gc_claims_take_back_object(const struct gc_object *object);

#endif
