/* src/cycle/claims.c: condemned objects that one thread has claimed together.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/claims.h"

/* Larger than any count, and far from wrapping. */
#define BEHIND_THE_END 0x40000000u

/* Of each notifier thread, and of simple mode. */
#define MAX_OWNERS 20u

static struct gc_claims *owners[MAX_OWNERS]; /* [lock drain] */
static unsigned owner_count;

static void note_owner(struct gc_claims *c) {
  for (unsigned i = 0; i < owner_count; i++)
    if (owners[i] == c)
      return;
  gc_check(owner_count < MAX_OWNERS);
  owners[owner_count++] = c;
}

bool gc_claims_take(struct gc_claims *c, struct gc_queue *q, unsigned most) {
  note_owner(c);
  unsigned n = (unsigned)gc_drain_take(q, c->object, most);
  for (unsigned i = 0; i < n; i++) {
    const struct gc_notifier *by = &gc_kinds[c->object[i].kind].notifier;
    c->call[i] = (struct gc_call){by->notify, by->cd, by->notify_many};
    gc_store_rlx(&c->verdict[i], CLAIM_RUNS);
  }
  c->called = 0;
  gc_store_rlx(&c->count, n);
  gc_store_rel(&c->next, 0);
  return n != 0;
}

/* While the process has one thread nobody takes anything back meanwhile. */
static uint32_t take_number(struct gc_claims *c) {
  if (!gc_plat_single_threaded())
    return gc_add_acq_rel(&c->next, 1);
  uint32_t i = gc_load_rlx(&c->next);
  gc_store_rlx(&c->next, i + 1);
  return i;
}

/* A smaller count comes together with an exchange of the number, which then says the
 * same; so it does not matter which of the two counts is read here. */
const struct gc_object *gc_claims_next(struct gc_claims *c,
                                       struct gc_call *out) {
  gc_store_rlx(&c->together, 1);
  uint32_t i = take_number(c);
  if (i >= gc_load_rlx(&c->count))
    return NULL;
  c->called = i + 1;
  *out = c->call[i];
  return &c->object[i];
}

/* ---- Several in one ---- */

/* How many from the first on are for one call. What is taken back meanwhile loses its
 * address only. */
static uint32_t callable_together(const struct gc_claims *c, uint32_t first) {
  uint32_t count = gc_load_rlx(&c->count);
  uint32_t i = first;
  if (first >= count || c->call[first].many == NULL)
    return 0;
  while (i < count && c->call[i].many == c->call[first].many &&
         c->call[i].cd == c->call[first].cd)
    i++;
  return i - first;
}

unsigned gc_claims_next_many(struct gc_claims *c, void **out,
                             struct gc_call *out_call) {
  uint32_t first = gc_load_acq(&c->next);
  uint32_t n = callable_together(c, first);
  if (n < 2)
    return 0;
  gc_store_rlx(&c->together, n);
  if (!gc_cas_acq_rel(&c->next, &first, first + n))
    return 0;
  for (uint32_t i = 0; i < n; i++)
    out[i] = c->object[first + i].start;
  c->called = first + n;
  *out_call = c->call[first];
  return n;
}

void gc_claims_decide_many(struct gc_claims *c) {
  for (uint32_t i = c->called - gc_load_rlx(&c->together); i < c->called; i++)
    gc_store_rlx(&c->verdict[i], (uint8_t)DRAIN_DONE);
}

/* ---- The one that runs ---- */

const struct gc_object *gc_claims_running(const struct gc_claims *c,
                                          bool *out_is_kept) {
  uint32_t called = gc_load_rlx(&c->count);
  if (called == 0)
    return NULL;
  uint8_t verdict = gc_load_rlx(&c->verdict[called - 1]);
  *out_is_kept = verdict == CLAIM_RUNS_KEPT;
  return verdict == CLAIM_RUNS || *out_is_kept ? &c->object[called - 1] : NULL;
}

static void keep_now(struct gc_claims *c, uint8_t verdict) {
  uint32_t i = c->called - 1;
  gc_drain_lock_take();
  gc_drain_keep(&c->object[i]);
  gc_store_rlx(&c->verdict[i], verdict);
  gc_drain_lock_leave();
}

bool gc_claims_keep(struct gc_claims *c, const void *object) {
  uint32_t i = c->called - 1;
  if (c->called == 0 || gc_load_rlx(&c->together) != 1 ||
      c->object[i].start != object || gc_load_rlx(&c->verdict[i]) != CLAIM_RUNS)
    return false;
  keep_now(c, CLAIM_RUNS_KEPT);
  return true;
}

/* What a kept object refers to lives from now on, so it is not called any more. */
void gc_claims_decide(struct gc_claims *c, enum gc_drain_verdict verdict) {
  uint32_t i = c->called - 1;
  if (gc_load_rlx(&c->verdict[i]) == CLAIM_RUNS_KEPT)
    gc_store_rlx(&c->verdict[i], CLAIM_KEPT);
  else if (verdict == DRAIN_KEEP &&
           gc_kind_flags(c->object[i].kind) & KIND_HELD)
    keep_now(c, CLAIM_KEPT);
  else
    gc_store_rlx(&c->verdict[i], (uint8_t)verdict);
}

/* ---- Handing in ---- */

/* How many from the first on are done and of one kind. */
static uint32_t done_from(struct gc_claims *c, uint32_t first, uint32_t end) {
  uint32_t i = first;
  while (i < end && gc_load_rlx(&c->verdict[i]) == DRAIN_DONE &&
         c->object[i].kind == c->object[first].kind)
    i++;
  return i - first;
}

static void finish_other(const struct gc_object *o, uint8_t verdict) {
  if (verdict == CLAIM_KEPT || verdict == CLAIM_RUNS_KEPT)
    gc_drain_leave_kept(o);
  else
    gc_drain_finish(o, verdict == DRAIN_KEEP ? DRAIN_KEEP : DRAIN_LOST);
}

void gc_claims_finish(struct gc_claims *c) {
  uint32_t end = gc_load_rlx(&c->count);
  for (uint32_t i = 0, n; i < end; i += n) {
    n = done_from(c, i, end);
    if (n != 0) {
      gc_drain_finish_done(&c->object[i], n);
    } else {
      finish_other(&c->object[i], gc_load_rlx(&c->verdict[i]));
      n = 1;
    }
  }
  for (uint32_t i = 0; i < end; i++)
    c->object[i].start = NULL; /* a root where the library is static */
  gc_store_rlx(&c->count, 0);
}

/* The last one first: what is put back last is taken first. */
void gc_claims_take_back(struct gc_claims *c) {
  uint32_t count = gc_load_rlx(&c->count);
  uint32_t called = gc_swap_acq_rel(&c->next, BEHIND_THE_END);
  if (called > count)
    called = count;
  while (count > called) {
    gc_drain_put_back(&c->object[--count]);
    c->object[count].start = NULL;
  }
  gc_store_rlx(&c->count, called);
}

void gc_claims_take_back_all(void) {
  for (unsigned i = 0; i < owner_count; i++)
    gc_claims_take_back(owners[i]);
}

static bool has_uncalled(struct gc_claims *c, const struct gc_object *object) {
  uint32_t count = gc_load_rlx(&c->count);
  for (uint32_t i = gc_load_acq(&c->next); i < count; i++)
    if (c->object[i].start == object->start)
      return true;
  return false;
}

void gc_claims_take_back_object(const struct gc_object *object) {
  for (unsigned i = 0; i < owner_count; i++)
    if (has_uncalled(owners[i], object))
      gc_claims_take_back(owners[i]);
}
