/* src/reclaim/observed.h: deaths in kinds with an observer, counted and logged.
 * SPDX-License-Identifier: MIT
 *
 * Nothing happens in the stop, and no slot has a state: a block is classified once
 * in an epoch, before anything is claimed in it, and then `old & ~new` of its maps
 * are the slots whose objects that collection did not find. Whoever classifies a
 * block of an observed kind counts them and appends a record for each word of the
 * maps to the observer's log, under the pool's lock and without any client code.
 * Objects that are freed by hand are counted apart; their slots are left out of
 * both maps, so that they are not found dead as well.
 *
 * A log has two halves of fixed size, in memory that is never scanned: one is
 * filled, the other is worked off by the thread of cycle/observe. When a half is
 * full, deaths are still counted, as lost. All under the observed lock.
 */
#ifndef GC_RECLAIM_OBSERVED_H
#define GC_RECLAIM_OBSERVED_H

#include "heap/find.h"

/* As clients see it: a number, no reference; the memory may be in use again. */
struct gc_death {
  size_t address, bytes;
  unsigned long collection;
  unsigned how;
};
enum { DEATH_FOUND, DEATH_BY_HAND };

typedef void (*gc_observe_fn)(const struct gc_death *deaths, size_t count,
                              void *cd);

/* One of the two functions, or none: then deaths are only counted. */
struct gc_observer_plan {
  unsigned kind;
  bool sees_frees;
  gc_observe_fn many;
  gc_notify_fn each; /* its result is ignored */
  void *cd;          /* a root while there is the observer */
  const void *code;  /* of the client's function */
  size_t log_bytes;
};

/* found + freed == told + lost + pending, where there is a function. */
struct gc_observer_counts {
  uint64_t found, found_bytes, freed, freed_bytes, told, lost, pending;
};

struct gc_observer;

enum gc_observe_result { OBSERVE_OK, OBSERVE_BUSY, OBSERVE_NO_MEMORY };

/* The caller owns the api lock and everything is classified, so that what died
 * before is not told. */
enum gc_observe_result gc_observed_add(const struct gc_observer_plan *plan,
                                       struct gc_observer **out);
/* Null: the kind has none. */
struct gc_observer *gc_observed_of(unsigned kind);
const struct gc_observer_plan *gc_observed_plan(const struct gc_observer *o);
void gc_observed_count(const struct gc_observer *o,
                       struct gc_observer_counts *out);

/* From now on nothing is counted and no call begins. When none runs any more it may
 * be dropped, which frees it. */
void gc_observed_close(struct gc_observer *o);
bool gc_observed_is_running(const struct gc_observer *o);
void gc_observed_drop(struct gc_observer *o);

/* ---- Deaths ---- */

gc_inline bool gc_observed_is(unsigned kind) {
  return (gc_kind_flags(kind) & (KIND_OBSERVED | KIND_NOTIFIED)) ==
         KIND_OBSERVED;
}

/* Before the block's old map is cleared; its pool's lock is held. */
void gc_observed_block(gc_block_id b);
/* A dead large object is about to be given back; the large lock is held. */
void gc_observed_large(gc_block_id head);
/* An allocated object is about to be freed; stops are kept away. */
void gc_observed_free(const struct gc_object *object);

/* Called when a half of a log is half full, under locks: wakes who tells. */
extern void (*gc_observed_on_backlog)(void);

/* ---- Telling: one thread only ---- */

struct gc_observed_call {
  gc_observe_fn many;
  gc_notify_fn each;
  void *cd;
  const struct gc_death *deaths;
  size_t count;
};

enum gc_observed_answer { TAKE_NOTHING, TAKE_SOME, TAKE_PAUSED };

/* Exchanges the halves when all of the one that is worked off has been told. */
void gc_observed_turn(unsigned kind);
/* Takes the next deaths; they count as told, and their observer as running until
 * the next call or gc_observed_leave. */
enum gc_observed_answer gc_observed_take(unsigned kind,
                                         struct gc_observed_call *out);
void gc_observed_leave(void);

/* fork: nothing is taken while paused. */
void gc_observed_pause(bool pause);
bool gc_observed_any_running(void);
void gc_observed_lock_for_fork(void);
void gc_observed_unlock_after_fork(void);

#endif
