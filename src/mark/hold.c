/* src/mark/hold.c: the hold trace. SPDX-License-Identifier: MIT
 *
 * Visited objects are in the `held` map of their block, made when it is needed
 * and cleared before the next trace. Frames are explicit: a chain of a million
 * dead objects is a million frames, not a million calls. When no memory can be
 * had for a frame or a map, the object's referents are marked in the ordinary way
 * instead: they survive a collection longer and lose their place in the order,
 * nothing else.
 */
#include "mark/hold.h"

#include "heap/side.h"

#define FRAMES_BYTES ((size_t)32 << 30)
#define FRAMES_MIN_BYTES ((size_t)1 << 20)

struct frame {
  const uint64_t *next, *end; /* words still to look at */
  char *start;
};

static struct {
  struct gc_extent memory; /* of frames */
  size_t depth;
  struct gc_extent block_memory;
  size_t block_count;             /* blocks with a held map */
  struct gc_extent member_memory; /* of a closure; [lock drain] */
  size_t member_count;
} hold;

static gc_block_id *held_blocks(void) {
  return (gc_block_id *)(void *)hold.block_memory.base;
}

/* ---- Held maps ---- */

static bool add_held_map(gc_block_id b) {
  struct gc_block *block = &gc_heap.blocks[b];
  if (block->held != NULL)
    return true;
  if (hold.block_memory.base == NULL &&
      !gc_extent_reserve(&hold.block_memory, FRAMES_BYTES / 64,
                         FRAMES_MIN_BYTES / 64))
    return false;
  if (!gc_extent_commit(&hold.block_memory,
                        (hold.block_count + 1) * sizeof(gc_block_id)))
    return false;
  block->held = gc_meta_alloc(gc_side_held_bytes(block));
  if (block->held == NULL)
    return false;
  held_blocks()[hold.block_count++] = b;
  return true;
}

static void drop_held_maps(void) {
  for (size_t i = 0; i < hold.block_count; i++) {
    struct gc_block *block = &gc_heap.blocks[held_blocks()[i]];
    gc_meta_free(block->held, gc_side_held_bytes(block));
    block->held = NULL;
  }
  hold.block_count = 0;
}

static bool is_held(const struct gc_object *o) {
  const uint64_t *held = gc_heap.blocks[o->block].held;
  return held != NULL && held[o->slot >> 6] >> (o->slot & 63) & 1;
}

static void set_held(const struct gc_object *o, bool on) {
  uint64_t *w = gc_heap.blocks[o->block].held + (o->slot >> 6);
  *w = on ? *w | gc_slot_bit(o->slot) : *w & ~gc_slot_bit(o->slot);
}

/* ---- Frames ---- */

static struct frame *frame_at(size_t i) {
  return (struct frame *)(void *)hold.memory.base + i;
}

static bool push_frame(const struct gc_object *o) {
  if (hold.memory.base == NULL &&
      !gc_extent_reserve(&hold.memory, FRAMES_BYTES, FRAMES_MIN_BYTES))
    return false;
  if (!gc_extent_commit(&hold.memory, (hold.depth + 1) * sizeof(struct frame)))
    return false;
  bool is_leaf = gc_kind_flags(o->kind) & KIND_LEAF;
  const uint64_t *words = (const uint64_t *)(void *)o->start;
  *frame_at(hold.depth++) =
      (struct frame){words, is_leaf ? words : words + o->bytes / 8, o->start};
  return true;
}

/* ---- The trace in the stop ---- */

static enum gc_slot_state state_of(const struct gc_object *o) {
  const _Atomic uint8_t *states = gc_heap.blocks[o->block].states;
  return (enum gc_slot_state)(gc_load_rlx(states + o->slot) & ST_MASK);
}

static bool is_notified_kind(const struct gc_object *o) {
  return gc_heap.blocks[o->block].states != NULL;
}

/* Dead and allocated: pending, or ordinary and unmarked. What is notified but not
 * released counts: in a cycle, objects that still wait refer to it. */
static bool is_dead(const struct gc_object *o) {
  if (is_notified_kind(o)) {
    enum gc_slot_state s = state_of(o);
    return s == ST_COND || s == ST_CLAIM || s == ST_DONE;
  }
  return gc_map_test(o->block, o->slot, gc_map_alloc()) &&
         !gc_map_test(o->block, o->slot, gc_map_mark());
}

static void mark_instead(struct gc_marker *m, const struct gc_object *o) {
  if (!(gc_kind_flags(o->kind) & KIND_LEAF))
    gc_mark_range(m, o->start, o->start + o->bytes);
  gc_mark_drain(m);
}

/* First visit of a dead object. */
static void enter(struct gc_marker *m, const struct gc_object *o) {
  if (add_held_map(o->block) && push_frame(o))
    set_held(o, true);
  else
    mark_instead(m, o);
  gc_map_set(o->block, o->slot, gc_map_mark());
}

static void enter_if_dead(struct gc_marker *m, const void *word) {
  struct gc_object o;
  if (gc_find(word, &o) && is_dead(&o) && !is_held(&o))
    enter(m, &o);
}

static void leave_object(char *start,
                         bool (*report)(const struct gc_object *)) {
  struct gc_object o;
  if (gc_find(start, &o) && is_notified_kind(&o) && state_of(&o) == ST_COND)
    report(&o);
}

/* The next word that may be a heap address, or end: most words are none. */
gc_scans_memory static const uint64_t *next_address(const uint64_t *p,
                                                    const uint64_t *end) {
  uint64_t base = (uint64_t)(uintptr_t)gc_heap.base;
  uint64_t used = gc_load_rlx(&gc_heap.used);
  while (p < end && *p - base >= used)
    p++;
  return p;
}

gc_scans_memory static void
trace_from(struct gc_marker *m, char *start,
           bool (*report)(const struct gc_object *)) {
  enter_if_dead(m, start);
  while (hold.depth > 0) {
    struct frame *f = frame_at(hold.depth - 1);
    const uint64_t *p = next_address(f->next, f->end);
    if (p == f->end) {
      hold.depth--;
      leave_object(f->start, report);
      continue;
    }
    f->next = p + 1;
    enter_if_dead(m, (const void *)(uintptr_t)*p);
  }
}

struct trace {
  struct gc_marker *marker;
  bool (*report)(const struct gc_object *);
};

/* What a notifier waits for, or is using. */
static bool is_source(const struct gc_block *block, unsigned slot) {
  unsigned code = gc_load_rlx(block->states + slot) & ST_MASK;
  return code == ST_COND || code == ST_CLAIM;
}

static void trace_block(gc_block_id b, void *cx) {
  const struct trace *t = cx;
  const struct gc_block *block = &gc_heap.blocks[b];
  uint64_t hot = gc_block_hot(b);
  if (!(gc_kind_flags(gc_hot_kind(hot)) & KIND_HELD) ||
      gc_load_rlx(&block->pending) == 0)
    return;
  for (unsigned s = 0; s < block->slots; s++) {
    if (!is_source(block, s))
      continue;
    if (block->side != NULL)
      trace_from(t->marker, block->side[s], t->report);
    trace_from(t->marker, gc_slot_address(b, hot, s), t->report);
  }
}

void gc_hold_trace(struct gc_marker *m, gc_large_iterator each_large,
                   bool (*report)(const struct gc_object *)) {
  struct trace t = {m, report};
  drop_held_maps();
  for (unsigned k = 0; k < gc_load_rlx(&gc_kind_count); k++) {
    if (!(gc_kind_flags(k) & KIND_HELD))
      continue;
    for (unsigned c = 1; c < gc_sizes.count; c++) {
      struct gc_pool *pool = &gc_kinds[k].pools[c];
      for (uint32_t i = 0; i < pool->count; i++)
        trace_block(pool->blocks[i], &t);
    }
  }
  each_large(trace_block, &t);
  gc_extent_trim(&hold.memory);
}

/* ---- Closures of revived objects ---- */

static char **members(void) { return (char **)(void *)hold.member_memory.base; }

static void list_member(const struct gc_object *o) {
  size_t bytes = (hold.member_count + 1) * sizeof(char *);
  if ((hold.member_memory.base == NULL &&
       !gc_extent_reserve(&hold.member_memory, FRAMES_BYTES / 4,
                          FRAMES_MIN_BYTES)) ||
      !gc_extent_commit(&hold.member_memory, bytes))
    gc_fatal("no memory to keep what a kept object refers to; "
             "raise the memory limit");
  members()[hold.member_count++] = o->start;
}

/* True when the word names an object whose notifier has been called already. */
static bool list_if_held(const void *word) {
  struct gc_object o;
  if (!gc_find(word, &o))
    return false;
  if (is_notified_kind(&o) &&
      (state_of(&o) == ST_CLAIM || state_of(&o) == ST_DONE))
    return true;
  if (is_held(&o)) {
    set_held(&o, false);
    list_member(&o);
  }
  return false;
}

/* Lists what the object refers to directly; true as above. */
gc_scans_memory static bool list_referents(const struct gc_object *o) {
  const uint64_t *p = (const uint64_t *)(void *)o->start;
  const uint64_t *end = p + o->bytes / 8;
  const struct gc_block *block = &gc_heap.blocks[o->block];
  bool met = block->side != NULL && list_if_held(block->side[o->slot]);
  if (gc_kind_flags(o->kind) & KIND_LEAF)
    return met;
  while ((p = next_address(p, end)) != end)
    met = list_if_held((const void *)(uintptr_t)*p++) || met;
  return met;
}

size_t gc_hold_list_closure(const struct gc_object *object,
                            void (*met_decided)(const struct gc_object *)) {
  hold.member_count = 0;
  if (gc_heap.blocks[object->block].held != NULL)
    set_held(object, false);
  list_member(object);
  for (size_t i = 0; i < hold.member_count; i++) {
    struct gc_object o;
    if (gc_find(members()[i], &o) && list_referents(&o) && is_notified_kind(&o))
      met_decided(&o);
  }
  return hold.member_count;
}

char *gc_hold_member(size_t i) { return members()[i]; }
bool gc_hold_has(const struct gc_object *object) { return is_held(object); }
