/* src/alloc/free_realloc.c: explicit free, realloc, questions about objects.
 * SPDX-License-Identifier: MIT
 *
 * A freed small object goes back to the end of the thread's run when it lies just
 * before it, else into the cell's few freed slots. Either way its allocation bit
 * stays set, so the collector regards it as claimed, and a second free of it is
 * seen. Objects of clearing kinds are cleared now: nothing stale is kept alive,
 * and the next user gets zeroes.
 */
#include "alloc/free_realloc.h"

#include "alloc/alloc.h"
#include "alloc/debug_alloc.h"
#include "base/switches.h"
#include "cycle/drain.h"
#include "cycle/gc_start.h"
#include "cycle/hold_phase.h"
#include "cycle/notifier.h"
#include "cycle/weak_map.h"
#include "heap/find.h"
#include "heap/tlab.h"
#include "heap/meta.h"
#include "notify/debug.h"
#include "notify/link.h"
#include "notify/pending.h"
#include "reclaim/large.h"
#include "reclaim/observed.h"
#include "reclaim/pool.h"
#include "reclaim/weak_cells.h"
#include "world/stop.h"

/* The client's warn procedure gets the text as libgc gives it: one argument, a
 * newline at the end. */
static void report(const char *format, const char *plain, const void *object) {
  if (gc_hooks.warn != NULL)
    gc_hooks.warn((char *)(uintptr_t)format, (uint64_t)(uintptr_t)object);
  else
    gc_plat_message("%s (address %p)", plain, object);
}

#define REPORT(text, object) report(text " (address %p)\n", text, object)

/* ---- Free ---- */

/* Half of a full list goes back to the pool. */
static void flush_half(struct gc_freed *freed) {
  uint32_t half = freed->count / 2;
  for (uint32_t i = 0; i < half; i++) {
    char *p = freed->slot[i];
    gc_block_id b = gc_block_of(p);
    size_t bytes = gc_hot_bytes(gc_block_hot(b));
    gc_pool_free_slot(b, (unsigned)((size_t)(p - gc_block_address(b)) / bytes));
  }
  for (uint32_t i = half; i < freed->count; i++)
    freed->slot[i - half] = freed->slot[i];
  gc_compiler_barrier();
  freed->count -= half;
}

/* True when the object is the one just before the rest of the run, in the same block. */
static bool is_before_run(const struct gc_cell *cell,
                          const struct gc_object *o) {
  return cell->cur == o->start + o->bytes && cell->end > cell->cur &&
         gc_block_of(cell->end - 1) == o->block;
}

static void keep_freed(struct gc_cell *cell, const struct gc_object *o) {
  if (is_before_run(cell, o)) {
    cell->cur = o->start;
    return;
  }
  if (cell->freed == NULL)
    cell->freed = gc_meta_alloc(sizeof *cell->freed);
  if (cell->freed == NULL) {
    gc_pool_free_slot(o->block, o->slot);
    return;
  }
  if (cell->freed->count == GC_FREED_MAX)
    flush_half(cell->freed);
  cell->freed->slot[cell->freed->count] = o->start;
  gc_compiler_barrier();
  cell->freed->count++;
}

/* Who frees an object of a notified kind gives up its address, but tables may still
 * name it: unless the kind comes from libgc's interface, which tells nobody, it
 * is notified as if it had died. What is condemned already will be notified
 * anyway, and what runs or is done is left to its notifier. */
enum free_way { FREE_NOW, FREE_NOTIFIED, FREE_TWICE };

static enum free_way way_to_free(const struct gc_object *o) {
  _Atomic uint8_t *state = gc_state_of(o);
  if (state == NULL)
    return FREE_NOW;
  enum gc_slot_state code = gc_state_code(gc_load_acq(state));
  if (code == ST_COND)
    return FREE_NOTIFIED;
  if (code != ST_NONE)
    return FREE_TWICE;
  return gc_kind_flags(o->kind) & KIND_OWN_FREE ? FREE_NOTIFIED : FREE_NOW;
}

static void condemn(const struct gc_object *o) {
  gc_drain_lock_take();
  gc_pending_condemn(o);
  gc_drain_lock_leave();
  gc_notifier_wake();
}

/* Granule by granule for what is small: a call costs more than the stores. */
gc_inline void clear_object(const struct gc_object *o) {
  if (o->bytes > 256) {
    __builtin_memset(o->start, 0, o->bytes);
    return;
  }
  for (char *p = o->start; p < o->start + o->bytes; p += GC_GRANULE_BYTES)
    __builtin_memset(p, 0, GC_GRANULE_BYTES);
}

static void free_small(const struct gc_object *o) {
  struct gc_cell *cells = gc_tlab_of(gc_self())->kinds[o->kind];
  if (gc_kind_flags(o->kind) & KIND_CLEAR)
    clear_object(o);
  if (gc_heap.blocks[o->block].side != NULL)
    gc_store_rlx(&gc_heap.blocks[o->block].side[o->slot], NULL);
  if (cells == NULL)
    gc_pool_free_slot(o->block, o->slot);
  else
    keep_freed(&cells[gc_heap.blocks[o->block].size_class], o);
}

/* The hold trace may be looking at it when it died; until nostop ends it does not
 * come again. */
static void free_large(const struct gc_object *o) {
  gc_hold_phase_await();
  gc_large_free(o->block);
}

/* A collection found it dead: its slot becomes free when the block is classified, so
 * it must not get into our list, or it would be handed out twice. What a condemned
 * object refers to is allocated again after the hold trace. */
static bool is_dead_already(const struct gc_object *o) {
  if (gc_likely(gc_map_test(o->block, o->slot, gc_map_alloc())))
    return false;
  gc_hold_phase_await();
  return !gc_map_test(o->block, o->slot, gc_map_alloc());
}

static bool is_freed_here(const struct gc_object *o) {
  const struct gc_cell *cells = gc_tlab_of(gc_self())->kinds[o->kind];
  return !o->is_large && cells != NULL &&
         gc_cell_has(&cells[gc_heap.blocks[o->block].size_class], o->start);
}

/* Summed by the thread, passed on in portions; see diag/stats. */
gc_inline void count_freed(size_t bytes) {
  struct gc_tlab *tlab = gc_tlab_of(gc_self());
  tlab->freed_bytes += bytes;
  if (gc_unlikely(tlab->freed_bytes >= GC_BLOCK_BYTES)) {
    gc_add_rlx(&gc_heap.freed, tlab->freed_bytes);
    tlab->freed_bytes = 0;
  }
}

/* Finalisers or links may have to do with it. */
static bool concerns_links(const struct gc_object *o) {
  return gc_load_rlx(&gc_heap.blocks[o->block].flags) & BF_FINAL;
}

/* An object that links lead to waits for the collection that clears them, unless none
 * would free it. */
static bool may_stay(const struct gc_object *o, enum free_way way) {
  return way == FREE_NOW && !o->is_large &&
         !(gc_kind_flags(o->kind) & KIND_UNCOLLECTABLE);
}

static void stay_until_collected(const struct gc_object *o) {
  if (!(gc_kind_flags(o->kind) & KIND_LEAF))
    clear_object(o);
}

void gc_free(void *object) {
  struct gc_object o;
  if (object == NULL)
    return;
  if (GC_TSAN_BUILD)
    gc_stop_poll();
  if (gc_unlikely(!gc_self_is_known()) &&
      !(gc_is_started() && gc_start_thread()))
    return; /* what cannot be freed now is collected later */
  if (!gc_find(object, &o)) {
    REPORT("GC_free of what is no heap object is ignored", object);
    return;
  }
  gc_nostop_enter();
  enum free_way way = way_to_free(&o);
  bool valid =
      gc_object_is_allocated(&o) && !is_freed_here(&o) && way != FREE_TWICE;
  bool is_dead = valid && is_dead_already(&o);
  if (valid && !is_dead && gc_unlikely(gc_weak_is_in(o.block)))
    gc_weak_clear_slot(o.block, o.slot);
  if (valid && !is_dead && gc_unlikely(gc_weak_map_may_have(o.block)))
    gc_weak_map_forget(o.start);
  bool is_linked = valid && !is_dead && gc_unlikely(concerns_links(&o)) &&
                   !gc_link_forget_object(&o, may_stay(&o, way));
  if (is_linked)
    stay_until_collected(&o);
  if (valid && !is_dead && way == FREE_NOW && !is_linked) {
    count_freed(o.bytes);
    if (gc_unlikely(gc_kind_flags(o.kind) & KIND_OBSERVED_FREES))
      gc_observed_free(&o);
    if (o.is_large)
      free_large(&o);
    else
      free_small(&o);
  }
  gc_nostop_leave();
  if (gc_unlikely(way != FREE_NOW) && gc_debug_is_kind(o.kind) &&
      !gc_debug_on_free(&o))
    return;
  if (valid && way == FREE_NOTIFIED)
    condemn(&o);
  if (!valid)
    REPORT("GC_free of an object that is free already is ignored", object);
}

/* ---- Realloc ---- */

/* Fits, and at least half of the object stays in use. */
static bool stays_in_place(const struct gc_object *o, size_t bytes) {
  return bytes <= o->bytes && bytes >= o->bytes / 2;
}

static bool resize_large(const struct gc_object *o, size_t bytes) {
  return o->is_large && bytes > GC_SMALL_MAX_BYTES && bytes < (size_t)1 << 39 &&
         gc_large_resize(o->block, gc_round_up(bytes, GC_GRANULE_BYTES));
}

static void *move(const struct gc_object *o, size_t bytes, size_t keep) {
  void *to = gc_alloc(bytes, o->kind);
  if (to == NULL)
    return NULL;
  __builtin_memcpy(to, o->start, keep);
  gc_free(o->start);
  return to;
}

void *gc_realloc(void *object, size_t bytes) {
  struct gc_object o;
  if (object == NULL)
    return gc_alloc(bytes, KIND_NORMAL);
  if (bytes == 0) {
    gc_free(object);
    return NULL;
  }
  if (!gc_find(object, &o)) {
    REPORT("GC_realloc of what is no heap object is ignored", object);
    return NULL;
  }
  if (gc_unlikely(gc_debug_is_kind(o.kind)))
    return gc_debug_realloc(&o, object, bytes);
  size_t slop = gc_kind_flags(o.kind) & KIND_UNCOLLECTABLE ? 0 : gc_heap.slop;
  size_t offset = (size_t)((char *)object - o.start);
  size_t wanted = bytes + slop + offset;
  if (wanted < bytes)
    return gc_alloc(bytes, o.kind);
  if (stays_in_place(&o, wanted)) {
    if (gc_kind_flags(o.kind) & KIND_CLEAR)
      __builtin_memset((char *)object + bytes, 0, o.bytes - offset - bytes);
    return object;
  }
  if (offset == 0 && resize_large(&o, wanted))
    return object;
  size_t keep = o.bytes - offset < bytes ? o.bytes - offset : bytes;
  o.start += offset;
  return move(&o, bytes, keep);
}

/* ---- Questions ---- */

void *gc_base(const void *p) {
  struct gc_object o;
  return gc_find(p, &o) ? o.start : NULL;
}

size_t gc_size(const void *p) {
  struct gc_object o;
  return gc_find(p, &o) ? o.bytes : 0;
}

size_t gc_usable_size(const void *p) {
  struct gc_object o;
  if (!gc_find(p, &o))
    return 0;
  return gc_unlikely(gc_debug_is_kind(o.kind)) ? gc_debug_usable(&o) : o.bytes;
}

bool gc_kind_and_size(const void *p, unsigned *out_kind, size_t *out_bytes) {
  struct gc_object o;
  if (!gc_find(p, &o))
    return false;
  *out_kind = o.kind;
  *out_bytes = o.bytes;
  return true;
}

/* ---- Mark bits ---- */

/* In the stop the mark map; running, the map of what is allocated. */
static unsigned current_map(void) {
  return gc_world_is_stopped() ? gc_map_mark() : gc_map_alloc();
}

bool gc_object_is_marked(const void *p) {
  struct gc_object o;
  if (!gc_find(p, &o))
    return false;
  _Atomic uint8_t *state = gc_state_of(&o);
  if (state != NULL && !gc_world_is_stopped())
    return gc_load_acq(state) == ST_NONE;
  gc_nostop_enter();
  bool marked = gc_map_test(o.block, o.slot, current_map());
  gc_nostop_leave();
  return marked;
}

/* Running: an unclassified block still lets a dead object be kept; in a classified one
 * the slot may already belong to somebody else. */
static void set_running(const struct gc_object *o) {
  if (gc_state_of(o) != NULL) {
    gc_drain_revive(o);
    return;
  }
  gc_hold_phase_await();
  if (!o->is_large)
    gc_pool_keep_slot(o->block, o->slot);
}

void gc_object_set_mark(const void *p) {
  struct gc_object o;
  if (!gc_find(p, &o))
    return;
  if (gc_world_is_stopped()) {
    gc_or_rlx(gc_map_word(o.block, o.slot, gc_map_mark()), gc_slot_bit(o.slot));
    return;
  }
  set_running(&o);
}

void gc_object_clear_mark(const void *p) {
  struct gc_object o;
  if (gc_world_is_stopped() && gc_find(p, &o))
    gc_and_rlx(gc_map_word(o.block, o.slot, gc_map_mark()),
               ~gc_slot_bit(o.slot));
}
