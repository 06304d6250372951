/* src/diag/referrers.c: who refers to dead objects in quarantine.
 * SPDX-License-Identifier: MIT
 *
 * Marking tells that some word leads to such an object; only then all roots and
 * live objects are searched for it, in the stop. A word in an object or in static
 * data was stored there, and is reported at once. A stack may hold a stale copy,
 * and a look-up that gcx_revive refused has a good one for a moment: so what only
 * a thread has is reported when the next collection finds it there as well.
 */
#include "diag/debug_check.h"

#include "cycle/collect.h"
#include "cycle/watch.h"
#include "heap/tlab.h"
#include "heap/layout.h"
#include "heap/side.h"
#include "notify/debug.h"
#include "notify/quarantine.h"
#include "reclaim/large.h"
#include "world/roots.h"

/* Upper bits of `sightings`: somebody was found in this collection; something of
 * ours was that has no use for the word: the stack of a notifier thread, or frames
 * of this collection. */
#define FOUND 0x80u
#define FOUND_OURS 0x40u
#define COUNT_MASK 0x3fu
#define REPORT_FROM 2u

struct search {
  enum gc_debug_place place;
  const struct gc_object *from; /* PLACE_OBJECT */
  const struct gc_thread *thread;
  const char *own_low, *own_end; /* the part of its stack that does not count */
  const char *kind;              /* PLACE_KIND */
};

/* ---- One reference ---- */

static void count_sighting(struct gc_debug_record *r) {
  if (!(r->sightings & FOUND) && (r->sightings & COUNT_MASK) < REPORT_FROM)
    r->sightings++;
  r->sightings |= FOUND;
}

static bool is_certain(enum gc_debug_place place) {
  return place == PLACE_OBJECT || place == PLACE_STATIC || place == PLACE_KIND;
}

static void report_reference(const struct search *s, const struct gc_object *to,
                             const char *word, const char *value) {
  struct gc_debug_fact f = gc_debug_fact_of(to, MISTAKE_REFERENCED);
  f.offset = (size_t)(value - to->start);
  f.place = s->place;
  f.word = word;
  if (s->from != NULL)
    f.from = gc_debug_site_of(s->from);
  f.from.kind = s->kind != NULL ? s->kind : f.from.kind;
  f.thread = s->thread != NULL ? s->thread->tid : 0;
  gc_debug_report(to, &f);
}

static void note(const struct search *s, const struct gc_object *to,
                 const char *word, const char *value) {
  struct gc_debug_record *r = gc_debug_record_of(to);
  if (is_certain(s->place)) {
    r->sightings |= FOUND;
    report_reference(s, to, word, value);
  } else if (word >= s->own_low && word < s->own_end) {
    r->sightings |= FOUND_OURS;
  } else {
    count_sighting(r);
    if ((r->sightings & COUNT_MASK) >= REPORT_FROM)
      report_reference(s, to, word, value);
  }
}

/* The collector's own records of notifier threads, in a static library. */
static bool is_own_word(const char *p) {
  const struct gc_notifier_thread *t = gc_notifier_thread_at(0);
  return p >= (const char *)t && p < (const char *)(t + GC_MAX_NOTIFIERS);
}

/* A slot that a thread has claimed and not handed out may have old contents. */
static bool is_no_object(const struct gc_object *o) {
  unsigned c = gc_heap.blocks[o->block].size_class;
  for (struct gc_thread *t = gc_thread_first_locked(); t; t = t->next) {
    const struct gc_cell *cells = gc_tlab_of(t->self)->kinds[o->kind];
    if (!o->is_large && cells != NULL && gc_cell_has(&cells[c], o->start))
      return true;
  }
  return false;
}

static void look_at_word(const struct search *s, const char *word,
                         const char *value) {
  struct gc_object to;
  if (!gc_find(value, &to) || !gc_quarantine_is_seen(&to) || is_own_word(word))
    return;
  if (s->from == NULL || !is_no_object(s->from))
    note(s, &to, word, value);
}

gc_scans_memory static void search_words(const struct search *s, const char *lo,
                                         const char *hi) {
  const uint64_t *p = (const uint64_t *)gc_round_up((uintptr_t)lo, 8);
  const uint64_t *end = (const uint64_t *)gc_round_down((uintptr_t)hi, 8);
  for (; p < end; p++)
    look_at_word(s, (const char *)p, (const char *)(uintptr_t)*p);
}

/* ---- Objects ---- */

/* With a bit map only the words that it names are references. What a mark procedure
 * would find is not known, so all its words are looked at. */
static void search_object(const struct gc_object *o) {
  struct search s = {.place = PLACE_OBJECT, .from = o};
  const struct gc_block *block = &gc_heap.blocks[o->block];
  uint64_t d = gc_layout_descriptor(o->kind, o->start, o->bytes);
  if (gc_kind_flags(o->kind) & KIND_SIDE)
    look_at_word(&s, o->start, gc_side_word(block, o->slot));
  if ((d & DESC_TAG_MASK) != DESC_BITMAP) {
    search_words(&s, o->start, o->start + o->bytes);
    return;
  }
  uint64_t bits = d & ~(uint64_t)DESC_TAG_MASK;
  for (const char *p = o->start; bits != 0; bits <<= 1, p += 8)
    if (bits >> 63)
      search_words(&s, p, p + 8);
}

/* What is dead may refer to what is dead. */
static bool is_live(gc_block_id b, unsigned slot) {
  const _Atomic uint8_t *states = gc_heap.blocks[b].states;
  return gc_map_test(b, slot, gc_map_mark()) &&
         (states == NULL || gc_load_rlx(states + slot) == ST_NONE);
}

static void search_objects(gc_block_id b, void *cx) {
  uint64_t hot = gc_block_hot(b);
  (void)cx;
  if (gc_kind_flags(gc_hot_kind(hot)) & KIND_LEAF)
    return;
  for (unsigned s = 0; s < gc_heap.blocks[b].slots; s++) {
    struct gc_object o;
    if (is_live(b, s) && gc_find(gc_slot_address(b, hot, s), &o))
      search_object(&o);
  }
}

static void search_heap(void) {
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  for (gc_block_id b = 1; b < blocks; b++)
    if (gc_hot_state(gc_block_hot(b)) == BLK_SMALL)
      search_objects(b, NULL);
  gc_large_each(search_objects, NULL);
}

/* ---- Roots ---- */

static void search_range(char *lo, char *hi, void *search) {
  search_words(search, lo, hi);
}

static void search_kinds(void) {
  for (unsigned k = 0; k < gc_load_rlx(&gc_kind_count); k++) {
    const struct gc_notifier *n = &gc_kinds[k].notifier;
    struct search s = {.place = PLACE_KIND, .kind = n->name};
    if (n->notify != NULL)
      look_at_word(&s, NULL, n->cd);
  }
}

/* The stack of a notifier thread, where what it told before lingers; but not the
 * static thread-local data above it, where a notifier may store something. */
static void find_own_part(struct search *s) {
  const struct gc_thread *t = s->thread;
  const char *tls_low = gc_plat_static_tls_low();
  if (t->self->notifier == NULL || tls_low == NULL)
    return;
  size_t tls_bytes = (size_t)((char *)gc_plat_thread_pointer() - tls_low);
  s->own_low = t->stack_low;
  s->own_end = t->thread_pointer - tls_bytes;
}

static void search_threads(char *own_sp, const char *own_end) {
  for (struct gc_thread *t = gc_thread_first_locked(); t; t = t->next) {
    struct search s = {.place = PLACE_THREAD,
                       .thread = t,
                       .own_low = t == gc_thread_self() ? own_sp : NULL,
                       .own_end = t == gc_thread_self() ? own_end : NULL};
    find_own_part(&s);
    gc_stack_each_range(t, own_sp, search_range, &s);
  }
}

/* ---- The search ---- */

static bool start_over(const struct gc_object *o) {
  gc_debug_record_of(o)->sightings &= COUNT_MASK;
  return true;
}

/* False when only something of ours has it. */
static bool conclude(const struct gc_object *o) {
  const struct search s = {.place = PLACE_UNKNOWN};
  struct gc_debug_record *r = gc_debug_record_of(o);
  if (!(r->sightings & (FOUND | FOUND_OURS)))
    note(&s, o, NULL, o->start);
  if (!(r->sightings & FOUND))
    r->sightings = 0;
  return r->sightings & FOUND;
}

static void search_all(char *own_sp, char *own_end) {
  struct search roots = {.place = PLACE_STATIC};
  if (!gc_quarantine_note_seen())
    return;
  gc_quarantine_each_seen(start_over);
  search_heap();
  gc_roots_each_stopped(search_range, &roots);
  search_kinds();
  search_threads(own_sp, own_end);
  gc_quarantine_each_seen(conclude);
}

void gc_referrers_install(void) { gc_collect_search = search_all; }
