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
#include "diag/search.h"
#include "notify/quarantine.h"

/* Upper bits of `sightings`: somebody was found in this collection; something of
 * ours was that has no use for the word: the stack of a notifier thread, or frames
 * of this collection. */
#define FOUND 0x80u
#define FOUND_OURS 0x40u
#define COUNT_MASK 0x3fu
#define REPORT_FROM 2u

/* ---- One reference ---- */

static void count_sighting(struct gc_debug_record *r) {
  if (!(r->sightings & FOUND) && (r->sightings & COUNT_MASK) < REPORT_FROM)
    r->sightings++;
  r->sightings |= FOUND;
}

static bool is_certain(enum gc_debug_place place) {
  return place == PLACE_OBJECT || place == PLACE_STATIC || place == PLACE_KIND;
}

static void report_reference(const struct gc_search *s,
                             const struct gc_object *to, const char *word,
                             const char *value) {
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

static void note(const struct gc_search *s, const struct gc_object *to,
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

static void look_at_word(const struct gc_search *s, const char *word,
                         const char *value) {
  struct gc_object to;
  if (!gc_find(value, &to) || !gc_quarantine_is_seen(&to) || is_own_word(word))
    return;
  if (s->from == NULL || !gc_search_is_claimed(s->from))
    note(s, &to, word, value);
}

/* ---- The search ---- */

/* What is dead may refer to what is dead. */
static bool is_live(gc_block_id b, unsigned slot) {
  const _Atomic uint8_t *states = gc_heap.blocks[b].states;
  return gc_map_test(b, slot, gc_map_mark()) &&
         (states == NULL || gc_load_rlx(states + slot) == ST_NONE);
}

static bool start_over(const struct gc_object *o) {
  gc_debug_record_of(o)->sightings &= COUNT_MASK;
  return true;
}

/* False when only something of ours has it. */
static bool conclude(const struct gc_object *o) {
  const struct gc_search s = {.place = PLACE_UNKNOWN};
  struct gc_debug_record *r = gc_debug_record_of(o);
  if (!(r->sightings & (FOUND | FOUND_OURS)))
    note(&s, o, NULL, o->start);
  if (!(r->sightings & FOUND))
    r->sightings = 0;
  return r->sightings & FOUND;
}

static void search_all(char *own_sp, char *own_end) {
  struct gc_search s = {.look = look_at_word};
  if (!gc_quarantine_note_seen())
    return;
  gc_quarantine_each_seen(start_over);
  gc_search_heap(&s, is_live);
  gc_search_static(&s);
  gc_search_kinds(&s);
  gc_search_threads(&s, own_sp, own_end);
  gc_quarantine_each_seen(conclude);
}

void gc_referrers_install(void) { gc_collect_search = search_all; }
