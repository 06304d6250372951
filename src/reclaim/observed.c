/* src/reclaim/observed.c: deaths in kinds with an observer, counted and logged.
 * SPDX-License-Identifier: MIT
 */
#include "reclaim/observed.h"

#include "heap/meta.h"

#define DEATHS_AT_ONCE 256u
#define SLOTS_A_RECORD 64u

/* Up to 64 slots of a block, which may be used for something else when they are
 * told; of a large object its size stands in place of the bits. */
struct death_record {
  uint64_t bits;
  gc_block_id block;
  uint32_t epoch;
  uint16_t granules; /* of a slot; 0: a large object */
  uint8_t word;
  uint8_t how;
};
_Static_assert(sizeof(struct death_record) == 24, "records are close together");

struct log_half {
  struct death_record *at;
  size_t count;
};

struct gc_observer {
  struct gc_observer_plan plan; /* [const] */
  size_t capacity;              /* [const] records of a half; 0: no log */
  struct log_half log[2];       /* [lock observed] from here on */
  unsigned open;                /* the half that is being filled */
  size_t next;                  /* first record of the other that is not told */
  bool is_closed;
  struct gc_observer_counts counts;
};

void (*gc_observed_on_backlog)(void);

static struct gc_lock observed_lock = GC_LOCK_INIT(RANK_OBSERVED);
static struct gc_observer *observer_of[GC_MAX_KINDS]; /* [lock observed] */
static const struct gc_observer *running;             /* [lock observed] */
static bool is_telling_paused;                        /* [lock observed] */
/* Not scanned, as it would be on a stack: an address in it keeps nothing alive. */
static struct gc_death *deaths;

/* ---- Observers ---- */

static bool is_silent(const struct gc_observer_plan *plan) {
  return plan->many == NULL && plan->each == NULL;
}

static size_t half_bytes(const struct gc_observer *o) {
  return o->capacity * sizeof(struct death_record);
}

static void free_observer(struct gc_observer *o) {
  gc_meta_free(o->log[0].at, half_bytes(o));
  gc_meta_free(o->log[1].at, half_bytes(o));
  gc_meta_free(o, sizeof *o);
}

static bool make_log(struct gc_observer *o) {
  o->capacity = o->plan.log_bytes / 2 / sizeof(struct death_record);
  if (o->capacity < 2)
    o->capacity = 2;
  if (deaths == NULL)
    deaths = gc_meta_alloc(DEATHS_AT_ONCE * sizeof *deaths);
  o->log[0].at = gc_meta_alloc(half_bytes(o));
  o->log[1].at = gc_meta_alloc(half_bytes(o));
  return deaths != NULL && o->log[0].at != NULL && o->log[1].at != NULL;
}

static bool enter_observer(struct gc_observer *o) {
  unsigned kind = o->plan.kind;
  gc_lock(&observed_lock);
  bool is_free = observer_of[kind] == NULL;
  if (is_free) {
    observer_of[kind] = o;
    gc_store_rel(&gc_kinds[kind].observer_cd, o->plan.cd);
    gc_or_rlx(&gc_kinds[kind].flags,
              KIND_OBSERVED | (o->plan.sees_frees ? KIND_OBSERVED_FREES : 0));
  }
  gc_unlock(&observed_lock);
  return is_free;
}

enum gc_observe_result gc_observed_add(const struct gc_observer_plan *plan,
                                       struct gc_observer **out) {
  if (gc_kind_flags(plan->kind) & KIND_NOTIFIED)
    return OBSERVE_BUSY;
  struct gc_observer *o = gc_meta_alloc(sizeof *o);
  if (o == NULL)
    return OBSERVE_NO_MEMORY;
  o->plan = *plan;
  if (!is_silent(plan) && !make_log(o)) {
    free_observer(o);
    return OBSERVE_NO_MEMORY;
  }
  if (!enter_observer(o)) {
    free_observer(o);
    return OBSERVE_BUSY;
  }
  *out = o;
  return OBSERVE_OK;
}

struct gc_observer *gc_observed_of(unsigned kind) {
  gc_lock(&observed_lock);
  struct gc_observer *o = observer_of[kind];
  gc_unlock(&observed_lock);
  return o;
}

const struct gc_observer_plan *gc_observed_plan(const struct gc_observer *o) {
  return &o->plan;
}

void gc_observed_count(const struct gc_observer *o,
                       struct gc_observer_counts *out) {
  gc_lock(&observed_lock);
  *out = o->counts;
  gc_unlock(&observed_lock);
}

void gc_observed_close(struct gc_observer *o) {
  gc_lock(&observed_lock);
  o->is_closed = true;
  gc_and_rlx(&gc_kinds[o->plan.kind].flags,
             ~(uint32_t)(KIND_OBSERVED | KIND_OBSERVED_FREES));
  gc_unlock(&observed_lock);
}

bool gc_observed_is_running(const struct gc_observer *o) {
  gc_lock(&observed_lock);
  bool runs = running == o;
  gc_unlock(&observed_lock);
  return runs;
}

void gc_observed_drop(struct gc_observer *o) {
  gc_lock(&observed_lock);
  observer_of[o->plan.kind] = NULL;
  gc_store_rel(&gc_kinds[o->plan.kind].observer_cd, NULL);
  gc_unlock(&observed_lock);
  free_observer(o);
}

/* ---- Deaths ---- */

/* A kind that has got a notifier meanwhile keeps its dead allocated. */
static struct gc_observer *counting_observer(unsigned kind) {
  return gc_observed_is(kind) ? observer_of[kind] : NULL;
}

/* The half may just have become half full: records come one at a time. */
static void append_record(struct gc_observer *o, const struct death_record *r,
                          unsigned n) {
  struct log_half *log = &o->log[o->open];
  if (o->capacity == 0)
    return;
  if (log->count == o->capacity) {
    o->counts.lost += n;
    return;
  }
  log->at[log->count++] = *r;
  o->counts.pending += n;
  if (log->count == o->capacity / 2 && gc_observed_on_backlog != NULL)
    gc_observed_on_backlog();
}

static unsigned append_dead(struct gc_observer *o, gc_block_id b, uint64_t hot,
                            unsigned word) {
  const _Atomic uint64_t *pair = gc_maps_of(b) + (word << 1);
  uint64_t dead =
      gc_load_rlx(pair + gc_map_mark()) & ~gc_load_rlx(pair + gc_map_alloc());
  unsigned n = gc_bits_count(dead);
  struct death_record r = {
      .bits = dead,
      .block = b,
      .epoch = gc_heap.epoch,
      .granules = (uint16_t)(gc_hot_bytes(hot) >> GC_GRANULE_SHIFT),
      .word = (uint8_t)word,
      .how = DEATH_FOUND};
  if (n != 0)
    append_record(o, &r, n);
  return n;
}

void gc_observed_block(gc_block_id b) {
  uint64_t hot = gc_block_hot(b);
  unsigned n = 0;
  gc_lock(&observed_lock);
  struct gc_observer *o = counting_observer(gc_hot_kind(hot));
  if (o != NULL) {
    for (unsigned i = 0; i < gc_map_words(gc_heap.blocks[b].slots); i++)
      n += append_dead(o, b, hot, i);
    o->counts.found += n;
    o->counts.found_bytes += n * gc_hot_bytes(hot);
  }
  gc_unlock(&observed_lock);
}

static struct death_record record_of_large(gc_block_id head, uint8_t how) {
  return (struct death_record){.bits = gc_heap.blocks[head].large_bytes,
                               .block = head,
                               .epoch = gc_heap.epoch,
                               .how = how};
}

void gc_observed_large(gc_block_id head) {
  struct death_record r = record_of_large(head, DEATH_FOUND);
  gc_lock(&observed_lock);
  struct gc_observer *o = counting_observer(gc_hot_kind(gc_block_hot(head)));
  if (o != NULL) {
    append_record(o, &r, 1);
    o->counts.found++;
    o->counts.found_bytes += r.bits;
  }
  gc_unlock(&observed_lock);
}

/* Neighbours that are freed one after the other share a record; a slot that was
 * handed out and freed again needs one of its own. */
static bool joins_last(struct gc_observer *o, const struct death_record *r) {
  const struct log_half *log = &o->log[o->open];
  if (log->count == 0 || r->granules == 0)
    return false;
  struct death_record *last = &log->at[log->count - 1];
  if (last->granules != r->granules || last->how != r->how ||
      last->block != r->block || last->word != r->word ||
      last->epoch != r->epoch || last->bits & r->bits)
    return false;
  last->bits |= r->bits;
  o->counts.pending++;
  return true;
}

static struct death_record record_of_free(const struct gc_object *object) {
  if (object->is_large)
    return record_of_large(object->block, DEATH_BY_HAND);
  return (struct death_record){
      .bits = gc_slot_bit(object->slot),
      .block = object->block,
      .epoch = gc_heap.epoch,
      .granules = (uint16_t)(object->bytes >> GC_GRANULE_SHIFT),
      .word = (uint8_t)(object->slot >> 6),
      .how = DEATH_BY_HAND};
}

void gc_observed_free(const struct gc_object *object) {
  struct death_record r = record_of_free(object);
  gc_lock(&observed_lock);
  struct gc_observer *o = counting_observer(object->kind);
  if (o != NULL) {
    if (!joins_last(o, &r))
      append_record(o, &r, 1);
    o->counts.freed++;
    o->counts.freed_bytes += object->bytes;
  }
  gc_unlock(&observed_lock);
}

/* ---- Telling ---- */

static struct gc_observer *telling_observer(unsigned kind) {
  struct gc_observer *o = observer_of[kind];
  return o == NULL || o->is_closed ? NULL : o;
}

void gc_observed_turn(unsigned kind) {
  gc_lock(&observed_lock);
  struct gc_observer *o = telling_observer(kind);
  if (o != NULL && o->next == o->log[o->open ^ 1].count) {
    o->open ^= 1;
    o->log[o->open].count = 0;
    o->next = 0;
  }
  gc_unlock(&observed_lock);
}

/* Returns how many deaths the record holds. */
static size_t expand_record(const struct death_record *r,
                            struct gc_death *out) {
  size_t n = 0, start = (size_t)gc_block_address(r->block);
  size_t bytes = (size_t)r->granules << GC_GRANULE_SHIFT;
  if (bytes == 0) {
    *out = (struct gc_death){start, r->bits, r->epoch, r->how};
    return 1;
  }
  for (uint64_t left = r->bits; left != 0; left &= left - 1) {
    size_t slot = (size_t)r->word * SLOTS_A_RECORD + gc_bits_lowest(left);
    out[n++] = (struct gc_death){start + slot * bytes, bytes, r->epoch, r->how};
  }
  return n;
}

static size_t take_records(struct gc_observer *o) {
  const struct log_half *log = &o->log[o->open ^ 1];
  size_t n = 0;
  while (o->next < log->count && n + SLOTS_A_RECORD <= DEATHS_AT_ONCE)
    n += expand_record(&log->at[o->next++], deaths + n);
  o->counts.pending -= n;
  o->counts.told += n;
  return n;
}

enum gc_observed_answer gc_observed_take(unsigned kind,
                                         struct gc_observed_call *out) {
  gc_lock(&observed_lock);
  struct gc_observer *o = is_telling_paused ? NULL : telling_observer(kind);
  size_t n = o == NULL ? 0 : take_records(o);
  running = n == 0 ? NULL : o;
  if (n != 0)
    *out = (struct gc_observed_call){o->plan.many, o->plan.each, o->plan.cd,
                                     deaths, n};
  enum gc_observed_answer answer = is_telling_paused ? TAKE_PAUSED
                                   : n != 0          ? TAKE_SOME
                                                     : TAKE_NOTHING;
  gc_unlock(&observed_lock);
  return answer;
}

void gc_observed_leave(void) {
  gc_lock(&observed_lock);
  running = NULL;
  gc_unlock(&observed_lock);
}

/* ---- Fork ---- */

void gc_observed_pause(bool pause) {
  gc_lock(&observed_lock);
  is_telling_paused = pause;
  gc_unlock(&observed_lock);
}

bool gc_observed_any_running(void) {
  gc_lock(&observed_lock);
  bool runs = running != NULL;
  gc_unlock(&observed_lock);
  return runs;
}

void gc_observed_lock_for_fork(void) { gc_lock(&observed_lock); }
void gc_observed_unlock_after_fork(void) { gc_unlock(&observed_lock); }
