/* src/diag/search.c: goes through all words that may be references. SPDX-License-Identifier: MIT
 */
#include "diag/search.h"

#include "cycle/api_lock.h"
#include "cycle/gc_start.h"
#include "heap/layout.h"
#include "heap/side.h"
#include "heap/tlab.h"
#include "reclaim/large.h"
#include "world/roots.h"
#include "world/stop.h"

gc_scans_memory static void search_words(const struct gc_search *s,
                                         const char *lo, const char *hi) {
  const uint64_t *p = (const uint64_t *)gc_round_up((uintptr_t)lo, 8);
  const uint64_t *end = (const uint64_t *)gc_round_down((uintptr_t)hi, 8);
  for (; p < end; p++)
    s->look(s, (const char *)p, (const char *)(uintptr_t)*p);
}

static void search_range(char *lo, char *hi, void *search) {
  search_words(search, lo, hi);
}

/* ---- Objects ---- */

static void search_map(const struct gc_search *s, uint64_t map) {
  for (const char *p = s->from->start; map != 0; map <<= 1, p += 8)
    if (map >> 63)
      search_words(s, p, p + 8);
}

static void search_object(struct gc_search *s, const struct gc_object *o) {
  const struct gc_block *block = &gc_heap.blocks[o->block];
  uint64_t d = gc_layout_descriptor(o->kind, o->start, o->bytes);
  s->from = o;
  if (gc_kind_flags(o->kind) & KIND_SIDE)
    s->look(s, o->start, gc_side_word(block, o->slot));
  if ((d & DESC_TAG_MASK) == DESC_BITMAP)
    search_map(s, d & ~(uint64_t)DESC_TAG_MASK);
  else if ((d & DESC_TAG_MASK) == DESC_LENGTH && d < o->bytes)
    search_words(s, o->start, o->start + d);
  else
    search_words(s, o->start, o->start + o->bytes);
  s->from = NULL;
}

struct search_heap {
  struct gc_search *s;
  gc_search_live_fn is_live;
};

static void search_objects(gc_block_id b, void *cx) {
  const struct search_heap *h = cx;
  uint64_t hot = gc_block_hot(b);
  if (gc_kind_flags(gc_hot_kind(hot)) & KIND_LEAF)
    return;
  for (unsigned i = 0; i < gc_heap.blocks[b].slots; i++) {
    struct gc_object o;
    if (h->is_live(b, i) && gc_find(gc_slot_address(b, hot, i), &o))
      search_object(h->s, &o);
  }
}

void gc_search_heap(struct gc_search *s, gc_search_live_fn counts) {
  struct search_heap h = {s, counts};
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  s->place = PLACE_OBJECT;
  for (gc_block_id b = 1; b < blocks; b++)
    if (gc_hot_state(gc_block_hot(b)) == BLK_SMALL)
      search_objects(b, &h);
  gc_large_each(search_objects, &h);
}

bool gc_search_is_claimed(const struct gc_object *o) {
  unsigned c = gc_heap.blocks[o->block].size_class;
  for (struct gc_thread *t = gc_thread_first_locked(); t; t = t->next) {
    const struct gc_cell *cells = gc_tlab_of(t->self)->kinds[o->kind];
    if (!o->is_large && cells != NULL && gc_cell_has(&cells[c], o->start))
      return true;
  }
  return false;
}

/* ---- Roots ---- */

void gc_search_static(struct gc_search *s) {
  s->place = PLACE_STATIC;
  gc_roots_each_stopped(search_range, s);
}

void gc_search_kinds(struct gc_search *s) {
  s->place = PLACE_KIND;
  for (unsigned k = 0; k < gc_load_rlx(&gc_kind_count); k++) {
    const struct gc_notifier *n = &gc_kinds[k].notifier;
    s->kind = n->name;
    if (n->notify != NULL)
      s->look(s, (const char *)&n->cd, n->cd);
  }
  s->kind = NULL;
}

static void find_own_part(struct gc_search *s, char *own_sp,
                          const char *own_end) {
  const struct gc_thread *t = s->thread;
  const char *tls_low = gc_plat_static_tls_low();
  bool is_own = t == gc_thread_self();
  s->own_low = is_own ? own_sp : NULL;
  s->own_end = is_own ? own_end : NULL;
  if (t->self->notifier == NULL || tls_low == NULL)
    return;
  size_t tls_bytes = (size_t)((char *)gc_plat_thread_pointer() - tls_low);
  s->own_low = t->stack_low;
  s->own_end = t->thread_pointer - tls_bytes;
}

void gc_search_threads(struct gc_search *s, char *own_sp, const char *own_end) {
  s->place = PLACE_THREAD;
  for (struct gc_thread *t = gc_thread_first_locked(); t; t = t->next) {
    s->thread = t;
    find_own_part(s, own_sp, own_end);
    gc_stack_each_range(t, own_sp, search_range, s);
  }
  s->thread = NULL;
}

/* ---- Between collections ---- */

bool gc_search_is_live(gc_block_id b, unsigned slot) {
  const _Atomic uint8_t *states = gc_heap.blocks[b].states;
  return gc_map_test(b, slot, gc_map_alloc()) &&
         (states == NULL || gc_load_rlx(states + slot) == ST_NONE);
}

static void with_stopped_world(void (*fn)(void *, char *), void *cx) {
  if (gc_world_is_stopped() && gc_api_is_mine()) {
    gc_plat_with_registers(fn, cx);
    return;
  }
  gc_api_lock();
  gc_roots_prepare();
  gc_thread_lock_list();
  gc_stop_world();
  gc_plat_with_registers(fn, cx);
  gc_start_world();
  gc_thread_unlock_list();
  gc_api_unlock_only();
}

void gc_search_with_stopped_world(void (*fn)(void *, char *), void *cx) {
  gc_start();
  if (gc_start_thread())
    with_stopped_world(fn, cx);
}
