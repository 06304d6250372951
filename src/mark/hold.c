/* src/mark/hold.c: the hold trace. SPDX-License-Identifier: MIT
 *
 * Visited objects are in the `held` map of their block, made when it is needed and
 * dropped in the stop before the next trace. Frames are explicit: a chain of a
 * million dead objects is a million frames, not a million calls.
 *
 * When no memory can be had for a frame, the object is visited but what it refers to
 * is not; its block is flagged and looked through later, as marking does it.
 * Such objects lose their place in the order, nothing else. When none can be had for
 * the map of a block, ordinary objects of it are visited all the same: that they are
 * allocated again says so.
 */
#include "mark/hold.h"

#include "heap/side.h"

#define FRAMES_BYTES ((size_t)32 << 30)
#define FRAMES_MIN_BYTES ((size_t)1 << 20)

/* An object whose words are being looked at. */
struct frame {
  const uint64_t *next, *end; /* words still to look at */
  gc_block_id block;
  uint16_t slot;
  bool is_side_left; /* its side word, too */
};
_Static_assert(sizeof(struct frame) == 24, "a level of the trace");

static struct {
  struct gc_extent memory; /* of frames */
  size_t depth;
  bool has_missed; /* some block is flagged */
  struct gc_extent block_memory;
  size_t block_count;             /* blocks with a held map */
  struct gc_extent member_memory; /* of a closure */
  size_t member_count;
} hold; /* [lock drain], or in the stop */

static gc_block_id *held_blocks(void) {
  return (gc_block_id *)(void *)hold.block_memory.base;
}

bool gc_hold_start(void) {
  return (hold.memory.base != NULL ||
          gc_extent_reserve(&hold.memory, FRAMES_BYTES, FRAMES_MIN_BYTES)) &&
         gc_extent_commit(&hold.memory, sizeof(struct frame)) &&
         (hold.block_memory.base != NULL ||
          gc_extent_reserve(&hold.block_memory, FRAMES_BYTES / 64,
                            FRAMES_MIN_BYTES / 64)) &&
         gc_extent_commit(&hold.block_memory, sizeof(gc_block_id));
}

/* ---- Held maps ---- */

static bool add_held_map(gc_block_id b) {
  struct gc_block *block = &gc_heap.blocks[b];
  if (gc_load_rlx(&block->held) != NULL)
    return true;
  if (!gc_extent_commit(&hold.block_memory,
                        (hold.block_count + 1) * sizeof(gc_block_id)))
    return false;
  _Atomic uint64_t *held = gc_meta_alloc(gc_side_held_bytes(block));
  if (held == NULL)
    return false;
  gc_store_rel(&block->held, held);
  held_blocks()[hold.block_count++] = b;
  return true;
}

/* In the stop, where nobody reads a map. */
void gc_hold_forget(void) {
  for (size_t i = 0; i < hold.block_count; i++) {
    struct gc_block *block = &gc_heap.blocks[held_blocks()[i]];
    gc_meta_free((void *)gc_load_rlx(&block->held), gc_side_held_bytes(block));
    gc_store_rlx(&block->held, NULL);
  }
  hold.block_count = 0;
}

static bool is_held(const struct gc_object *o) {
  return gc_side_is_held(&gc_heap.blocks[o->block], o->slot);
}

static void set_held(const struct gc_object *o, bool on) {
  _Atomic uint64_t *held = gc_load_rlx(&gc_heap.blocks[o->block].held);
  _Atomic uint64_t *w = held + (o->slot >> 6);
  uint64_t old = gc_load_rlx(w), bit = gc_slot_bit(o->slot);
  gc_store_rlx(w, on ? old | bit : old & ~bit);
}

/* ---- What is dead ---- */

static enum gc_slot_state state_of(const struct gc_object *o) {
  const _Atomic uint8_t *states = gc_heap.blocks[o->block].states;
  return (enum gc_slot_state)(gc_load_rlx(states + o->slot) & ST_MASK);
}

static bool is_notified_kind(const struct gc_object *o) {
  return gc_heap.blocks[o->block].states != NULL;
}

/* Dead: pending, or ordinary and not marked; visited or not. What is notified but
 * not released counts: in a cycle, objects that still wait refer to it. The new bit
 * is read first: who frees an object by hand clears the old one first. */
static bool is_dead(const struct gc_object *o) {
  if (is_notified_kind(o)) {
    enum gc_slot_state s = state_of(o);
    return s == ST_COND || s == ST_CLAIM || s == ST_DONE;
  }
  uint64_t bit = gc_slot_bit(o->slot);
  uint64_t now = gc_load_acq(gc_map_word(o->block, o->slot, gc_map_alloc()));
  uint64_t before = gc_load_acq(gc_map_word(o->block, o->slot, gc_map_mark()));
  return (before & bit) != 0 && ((now & bit) == 0 || is_held(o));
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

/* The next dead object that the frame's object refers to. */
gc_scans_memory static bool next_dead(struct frame *f, struct gc_object *out) {
  if (f->is_side_left) {
    f->is_side_left = false;
    if (gc_find(gc_side_word(&gc_heap.blocks[f->block], f->slot), out) &&
        is_dead(out))
      return true;
  }
  while ((f->next = next_address(f->next, f->end)) != f->end) {
    const void *word = (const void *)(uintptr_t)*f->next++;
    if (gc_find(word, out) && is_dead(out))
      return true;
  }
  return false;
}

static struct frame frame_of(const struct gc_object *o) {
  bool is_leaf = gc_kind_flags(o->kind) & KIND_LEAF;
  const uint64_t *words = (const uint64_t *)(void *)o->start;
  return (struct frame){.next = words,
                        .end = is_leaf ? words : words + o->bytes / 8,
                        .block = o->block,
                        .slot = (uint16_t)o->slot,
                        .is_side_left = gc_heap.blocks[o->block].side != NULL};
}

/* ---- Frames ---- */

static struct frame *frame_at(size_t i) {
  return (struct frame *)(void *)hold.memory.base + i;
}

/* Without memory the object is left for a later look through its block. */
static void push_frame(const struct frame *f) {
  size_t bytes = (hold.depth + 1) * sizeof *f;
  if (bytes <= hold.memory.committed || gc_extent_commit(&hold.memory, bytes)) {
    *frame_at(hold.depth++) = *f;
    return;
  }
  gc_or_rlx(&gc_heap.blocks[f->block].flags, BF_RESCAN);
  hold.has_missed = true;
}

/* ---- The trace ---- */

/* Who sees that the slot is allocated sees that it is held. */
static void visit_object(const struct gc_object *o) {
  if (add_held_map(o->block))
    set_held(o, true);
  else if (is_notified_kind(o))
    gc_fatal("no memory to follow what dead objects refer to; "
             "raise the memory limit");
  gc_or_acq_rel(gc_map_word(o->block, o->slot, gc_map_alloc()),
                gc_slot_bit(o->slot));
}

/* An object that refers to nothing dead needs no frame, and no place in the order
 * when it is condemned: it comes after all that have one. */
static void enter_object(const struct gc_object *o) {
  struct gc_object child;
  struct frame f = frame_of(o), start = f;
  visit_object(o);
  if (next_dead(&f, &child))
    push_frame(&start);
}

static void leave_frame(const struct frame *f, gc_hold_report report) {
  struct gc_object o;
  gc_object_at(f->block, f->slot, &o);
  if (is_notified_kind(&o) && state_of(&o) == ST_COND)
    report(&o);
}

static void trace(gc_hold_report report) {
  while (hold.depth > 0) {
    struct frame *f = frame_at(hold.depth - 1);
    struct gc_object o;
    if (!next_dead(f, &o)) {
      hold.depth--;
      leave_frame(f, report);
    } else if (!is_held(&o)) {
      enter_object(&o);
    }
  }
}

/* ---- From where ---- */

/* What a notifier waits for, or is using. */
static bool is_source(const struct gc_block *block, unsigned slot) {
  unsigned code = gc_load_rlx(block->states + slot) & ST_MASK;
  return code == ST_COND || code == ST_CLAIM;
}

static void trace_source(const struct gc_object *o, gc_hold_report report) {
  struct gc_object child;
  struct frame f = frame_of(o), start = f;
  if (is_held(o) || !next_dead(&f, &child))
    return;
  visit_object(o);
  push_frame(&start);
  trace(report);
}

bool gc_hold_has_sources(gc_block_id b) {
  return gc_kind_flags(gc_hot_kind(gc_block_hot(b))) & KIND_HELD &&
         gc_load_rlx(&gc_heap.blocks[b].pending) != 0;
}

/* A quick look, for the many objects that refer to nothing in the heap. */
static bool may_refer(const struct gc_object *o) {
  const uint64_t *words = (const uint64_t *)(void *)o->start;
  const uint64_t *end = words + o->bytes / 8;
  const struct gc_block *block = &gc_heap.blocks[o->block];
  return (block->side != NULL && gc_heap_has(gc_side_word(block, o->slot))) ||
         next_address(words, end) != end;
}

void gc_hold_trace(gc_block_id b, gc_hold_report report) {
  const struct gc_block *block = &gc_heap.blocks[b];
  struct gc_object o;
  if (!gc_hold_has_sources(b))
    return;
  gc_object_at(b, 0, &o);
  for (unsigned n = block->slots; o.slot < n; o.slot++, o.start += o.bytes)
    if (is_source(block, o.slot) && may_refer(&o))
      trace_source(&o, report);
}

/* ---- What was missed ---- */

/* What was visited is allocated again; that others are looked at, too, is
 * harmless: what they refer to is not dead. */
static void look_through(gc_block_id b, gc_hold_report report) {
  struct gc_object o, child;
  for (unsigned s = 0; s < gc_heap.blocks[b].slots; s++) {
    if (!gc_map_test(b, s, gc_map_alloc()))
      continue;
    gc_object_at(b, s, &o);
    struct frame f = frame_of(&o);
    while (next_dead(&f, &child))
      if (!is_held(&child)) {
        enter_object(&child);
        trace(report);
      }
  }
}

static bool take_missed_flag(gc_block_id b) {
  if (!(gc_load_rlx(&gc_heap.blocks[b].flags) & BF_RESCAN))
    return false;
  gc_and_rlx(&gc_heap.blocks[b].flags, (uint8_t)~BF_RESCAN);
  return true;
}

/* Each round visits new objects or clears a flag, so it ends. */
void gc_hold_finish(gc_hold_report report) {
  while (hold.has_missed) {
    gc_block_id end =
        (gc_block_id)(gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT);
    hold.has_missed = false;
    for (gc_block_id b = 1; b < end; b++)
      if (take_missed_flag(b))
        look_through(b, report);
  }
  gc_extent_trim(&hold.memory);
}

/* ---- Check ---- */

static void check_held(const struct gc_object *o) {
  struct frame f = frame_of(o);
  struct gc_object child;
  while (next_dead(&f, &child))
    if (!gc_map_test(child.block, child.slot, gc_map_alloc()))
      gc_fatal("verifier: %p is held, and refers to %p, which is not",
               (void *)o->start, (void *)child.start);
}

void gc_hold_check(void) {
  struct gc_object o;
  for (size_t i = 0; i < hold.block_count; i++) {
    gc_block_id b = held_blocks()[i];
    for (unsigned s = 0; s < gc_heap.blocks[b].slots; s++) {
      gc_object_at(b, s, &o);
      if (is_held(&o))
        check_held(&o);
    }
  }
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
  bool met = block->side != NULL && list_if_held(gc_side_word(block, o->slot));
  if (gc_kind_flags(o->kind) & KIND_LEAF)
    return met;
  while ((p = next_address(p, end)) != end)
    met = list_if_held((const void *)(uintptr_t)*p++) || met;
  return met;
}

size_t gc_hold_list_closure(const struct gc_object *object,
                            void (*met_decided)(const struct gc_object *)) {
  hold.member_count = 0;
  if (is_held(object))
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
