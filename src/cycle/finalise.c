/* src/cycle/finalise.c: finalisers, links and toggle references in a collection.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/finalise.h"

#include "base/switches.h"
#include "cycle/api_lock.h"
#include "notify/final.h"
#include "notify/link.h"
#include "notify/toggle.h"
#include "plat/plat.h"
#include "world/frame.h"

#define CYCLES_MAX 16u /* that are told of after one collection */
#define FRESH_SOME 64u
#define REFUSALS 1024u

static struct {
  const void *cycles[CYCLES_MAX];
  unsigned cycle_count;
  bool has_no_order, has_unreachable; /* among the fresh ones */
} finds;                              /* [stw], then [lock api] */

static _Atomic uint32_t told_epoch; /* of the last call of the notifier */

/* ---- Roots ---- */

static void mark_rooted_data(struct gc_marker *m,
                             const struct gc_final_group *g) {
  for (uint64_t left = g->rooted; left != 0; left &= left - 1)
    gc_mark_word(m, gc_packed_entry(&g->entries, gc_bits_lowest(left), 2)[1]);
}

static void mark_data_slots(struct gc_marker *m, gc_block_id b, unsigned group,
                            uint64_t slots) {
  uint64_t hot = gc_block_hot(b);
  for (; slots != 0; slots &= slots - 1)
    gc_mark_word(m, (uint64_t)(uintptr_t)gc_slot_address(
                        b, hot, group << 6 | gc_bits_lowest(slots)));
}

static void mark_roots_of(struct gc_final_block *fb, void *m) {
  for (unsigned i = 0; i < fb->groups; i++) {
    struct gc_final_group *g = &fb->at[i];
    g->fresh = 0;
    if (g->rooted != 0)
      mark_rooted_data(m, g);
    if (g->ready != 0)
      mark_data_slots(m, fb->block, i, g->ready);
  }
}

static void mark_stray(const struct gc_final *f, void *m) {
  gc_mark_word(m, (uint64_t)(uintptr_t)f->object);
  gc_mark_word(m, (uint64_t)(uintptr_t)f->data);
}

static void mark_toggle(void *object, void *m) {
  gc_mark_word(m, (uint64_t)(uintptr_t)object);
}

static void mark_finals(struct gc_marker *m) {
  gc_final_each(mark_roots_of, m);
  gc_final_each_stray(mark_stray, m);
}

void gc_finalise_mark_roots(struct gc_marker *m) {
  if (gc_hooks.toggleref != NULL)
    gc_toggle_ask(gc_hooks.toggleref);
  gc_toggle_each_strong(mark_toggle, m);
  mark_finals(m);
}

void gc_finalise_push(void) {
  mark_finals(&gc_marker_main);
  gc_mark_drain(&gc_marker_main);
}

/* ---- What the dead refer to ---- */

static _Atomic uint64_t *pair_of(const struct gc_final_block *fb, unsigned i) {
  return gc_maps_of(fb->block) + (i << 1);
}

static uint64_t marks_of(const struct gc_final_block *fb, unsigned i) {
  return gc_load_rlx(pair_of(fb, i) + gc_map_mark());
}

static void note_cycle(gc_block_id b, unsigned slot) {
  if (finds.cycle_count < CYCLES_MAX)
    finds.cycles[finds.cycle_count] = gc_slot_address(b, gc_block_hot(b), slot);
  finds.cycle_count++;
}

static uint64_t behind(uint64_t slots, uint64_t bit) {
  return slots & -(bit << 1);
}

/* What an earlier one has marked is passed: its references are marked. */
static void mark_from_group(struct gc_marker *m,
                            const struct gc_final_block *fb, unsigned i,
                            uint64_t slots) {
  uint64_t self = gc_final_mode_bits(&fb->at[i], FINAL_IGNORE_SELF);
  uint64_t bit;
  while ((bit = gc_mark_contents_of_line(m, fb->block, i, slots, self)) != 0) {
    gc_mark_drain(m);
    uint64_t marked = marks_of(fb, i);
    if (marked & bit)
      note_cycle(fb->block, i << 6 | gc_bits_lowest(bit));
    slots = behind(slots, bit) & ~marked;
  }
}

static void mark_from_dead(struct gc_final_block *fb, void *m) {
  for (unsigned i = 0; i < fb->groups; i++) {
    struct gc_final_group *g = &fb->at[i];
    uint64_t dead = gc_final_registered(g) & ~marks_of(fb, i);
    uint64_t ordered = dead & ~gc_final_mode_bits(g, FINAL_NO_ORDER);
    if (ordered != 0 && !(gc_block_hot(fb->block) >> HOT_SIZE_SHIFT & HOT_LEAF))
      mark_from_group(m, fb, i, ordered);
  }
}

/* ---- Ready ---- */

static void set_marks(struct gc_marker *m, const struct gc_final_block *fb,
                      unsigned i, uint64_t slots) {
  _Atomic uint64_t *w = pair_of(fb, i) + gc_map_mark();
  uint64_t before = gc_load_rlx(w);
  gc_store_rlx(w, before | slots);
  gc_mark_count(m, fb->block, gc_bits_count(slots & ~before));
}

static bool is_judged_later(void) {
  return *gc_switches.java_finalization != 0;
}

static void make_block_ready(struct gc_final_block *fb, void *m) {
  for (unsigned i = 0; i < fb->groups; i++) {
    struct gc_final_group *g = &fb->at[i];
    uint64_t dead = gc_final_registered(g) & ~marks_of(fb, i);
    if (dead == 0)
      continue;
    uint64_t unreachable = gc_final_mode_bits(g, FINAL_UNREACHABLE) & dead;
    finds.has_unreachable |= unreachable != 0;
    finds.has_no_order |= (gc_final_mode_bits(g, FINAL_NO_ORDER) & dead) != 0;
    gc_final_set_ready(fb, g, dead);
    set_marks(m, fb, i, is_judged_later() ? dead & ~unreachable : dead);
  }
}

static void mark_from_no_order(struct gc_final_block *fb, void *m) {
  for (unsigned i = 0; i < fb->groups; i++) {
    const struct gc_final_group *g = &fb->at[i];
    uint64_t left = g->fresh & gc_final_mode_bits(g, FINAL_NO_ORDER), bit;
    while ((bit = gc_mark_contents_of_line(m, fb->block, i, left, 0)) != 0) {
      gc_mark_drain(m);
      left = behind(left, bit);
    }
  }
}

static void judge_unreachable(struct gc_final_block *fb, void *m) {
  for (unsigned i = 0; i < fb->groups; i++) {
    struct gc_final_group *g = &fb->at[i];
    uint64_t all = g->fresh & gc_final_mode_bits(g, FINAL_UNREACHABLE);
    uint64_t reached = all & marks_of(fb, i);
    if (reached != 0)
      gc_final_unset_ready(g, reached);
    if (all != reached)
      set_marks(m, fb, i, all & ~reached);
  }
}

/* Objects that died have no links to them any more. */
static void forget_targets(struct gc_final_block *fb, void *cx) {
  (void)cx;
  for (unsigned i = 0; i < fb->groups; i++)
    if (fb->at[i].targets != 0)
      fb->at[i].targets &= marks_of(fb, i);
}

void gc_finalise_mark_dead(struct gc_marker *m) {
  finds.cycle_count = 0;
  finds.has_no_order = finds.has_unreachable = false;
  m->poll = NULL; /* from here on nothing can be given up */
  gc_link_clear_unmarked(LINK_SHORT);
  gc_final_each(mark_from_dead, m);
  gc_final_each(make_block_ready, m);
  if (finds.has_no_order)
    gc_final_each(mark_from_no_order, m);
  if (finds.has_unreachable && is_judged_later())
    gc_final_each(judge_unreachable, m);
  gc_link_drop_unmarked(LINK_SHORT);
  gc_link_clear_unmarked(LINK_LONG);
  gc_link_drop_unmarked(LINK_LONG);
  gc_toggle_drop_unmarked();
  gc_final_each(forget_targets, NULL);
  gc_final_trim();
}

/* ---- After the stop ---- */

static void tell_of_cycles(void) {
  static const char text[] = "Finalization cycle involving %p\n";
  unsigned n = finds.cycle_count < CYCLES_MAX ? finds.cycle_count : CYCLES_MAX;
  for (unsigned i = 0; i < n; i++)
    if (gc_hooks.warn != NULL)
      gc_hooks.warn((char *)(uintptr_t)text,
                    (uint64_t)(uintptr_t)finds.cycles[i]);
    else
      gc_plat_message(
          "objects with ordered finalisers that refer to each other "
          "are never finalised: a cycle involving %p",
          finds.cycles[i]);
  finds.cycle_count = 0;
}

static void tell_of_ready(void (*tell)(void *)) {
  void *object[FRESH_SOME];
  unsigned n;
  while ((n = gc_final_next_fresh(object, FRESH_SOME)) > 0)
    for (unsigned i = 0; i < n; i++)
      tell(object[i]);
}

void gc_finalise_settle(void) {
  if (finds.cycle_count != 0)
    tell_of_cycles();
  if (gc_hooks.await_finalize != NULL && gc_final_is_ready())
    tell_of_ready(gc_hooks.await_finalize);
}

/* ---- Running ---- */

/* A finaliser of this thread runs, and was not left by a jump. On another stack nothing
 * is known, and that counts as left. */
static bool is_inside(const struct gc_self *self) {
  return self->finaliser_run.word != NULL &&
         gc_frame_use(&self->finaliser_run) == FRAME_USED;
}

/* Inside, but refused so often that it may have been left: the more often the deeper,
 * so that the depth is bounded by what allocation does in a finaliser. */
static bool is_patience_over(struct gc_self *self) {
  unsigned nesting = self->finaliser_depth < 20 ? self->finaliser_depth : 20;
  if (++self->finaliser_refused < REFUSALS << nesting)
    return false;
  self->finaliser_refused = 0;
  return true;
}

static size_t call_ready(void) {
  struct gc_final f;
  size_t n = 0;
  while (gc_final_is_ready() && gc_final_take(&f)) {
    f.fn(f.object, f.data);
    n++;
  }
  return n;
}

gc_noinline size_t gc_finalise_run(void) {
  struct gc_self *self = gc_self();
  bool is_nested = is_inside(self);
  struct gc_frame_mark outer = {NULL, 0};
  uint32_t nesting = is_nested ? self->finaliser_depth : 0;
  uint64_t word;
  if (is_nested)
    outer = self->finaliser_run;
  self->finaliser_run = gc_frame_enter(&word);
  self->finaliser_depth = nesting + 1;
  size_t n = call_ready();
  gc_frame_leave(&word);
  self->finaliser_run = outer;
  self->finaliser_depth = nesting;
  return n;
}

/* Once for each collection, by whoever comes first. */
static void notify(void) {
  uint32_t before = gc_load_rlx(&told_epoch), now = gc_heap.epoch;
  void (*notifier)(void) = *gc_switches.finalizer_notifier;
  if (before != now && gc_cas_acq_rel(&told_epoch, &before, now) &&
      notifier != NULL)
    notifier();
}

void gc_finalise_poll(void) {
  if (gc_likely(!gc_final_is_ready()))
    return;
  if (!gc_self_is_known() || gc_api_is_mine() || gc_nostop_inside() ||
      gc_self()->notifier != NULL)
    return;
  if (*gc_switches.finalize_on_demand != 0)
    notify();
  else if (!is_inside(gc_self()) || is_patience_over(gc_self()))
    gc_finalise_run();
}

void gc_finalise_all(void) {
  while (gc_final_make_all_ready() || gc_final_is_ready())
    gc_finalise_run();
}
