/* tests/differ/dying.c: objects whose death is told, by their kind or a closure. SPDX-License-Identifier: MIT */

/*
 * Objects of a kind with GC_register_disclaim_proc, and those of
 * GC_finalized_malloc, refer to nothing. Each is told of once at most, after it
 * died and intact, and never when it was freed by hand. When that happens is
 * the library's choice, so it is not in the log: the model has forgotten the
 * object by then, and each has a fate beyond that. One in eight of the former
 * sort refuses the first time and has to be told of again.
 */
#include "differ/families.h"

#include <gc/gc_disclaim.h>

#include <stdio.h>
#include <stdlib.h>

enum {
  MADE = 1,
  REFUSED,
  TOLD,
  FREED,
  LOST,
  FATE_BITS = 3,
  MAX_FATES = 1 << 24
};

static int kind;

static uint64_t serial_of(uint64_t key) { return key << 8 >> 22; }

static struct df_world *world_of(uint64_t key) {
  unsigned id = (unsigned)(key >> 56) & 0x7f;
  return key >> 63 == 0 || id >= DF_WORLDS ? NULL : df_worlds[id];
}

/* On any thread, perhaps with locks held. Cells that are free have no key. */
static int tell(void *obj, df_family family) {
  uint64_t key = *(uint64_t *)obj, serial = serial_of(key);
  struct df_world *w = world_of(key);
  if (w == NULL || w->fate == NULL || serial >= MAX_FATES)
    return 0;
  uint32_t state = w->fate[serial] & ((1U << FATE_BITS) - 1);
  struct df_object o = {.serial = serial,
                        .family = (uint8_t)family,
                        .size = w->fate[serial] >> FATE_BITS};
  if (state != MADE && state != REFUSED && state != LOST)
    w->fault = state == TOLD    ? "an object was told of twice"
               : state == FREED ? "an object that was freed was told of"
                                : "what was never made was told of";
  else if (!df_has_pattern(&o, obj, o.size))
    w->fault = "an object that was told of is not intact";
  bool refuses = family == DF_DISCLAIM && state == MADE && serial % 8 == 0;
  w->fate[serial] = (uint32_t)o.size << FATE_BITS | (refuses ? REFUSED : TOLD);
  uint32_t at = atomic_fetch_add(&w->n_told_dead, 1);
  w->told_dead[at % DF_EVENTS] = key;
  return refuses;
}

static int GC_CALLBACK on_disclaim(void *obj) { return tell(obj, DF_DISCLAIM); }

static void GC_CALLBACK on_closure(void *obj, void *cd) {
  struct df_world *w = world_of(*(uint64_t *)obj);
  if (w != NULL && cd != &kind)
    w->fault = "a closure got other data";
  tell(obj, DF_FINALIZED);
}

static const struct GC_finalizer_closure closure = {on_closure, &kind};

void *df_make_disclaimed(size_t n) { return GC_generic_malloc(n, kind); }
void *df_make_closed(size_t n) { return GC_finalized_malloc(n, &closure); }

void df_init_dying(void) {
  kind = (int)GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1);
  GC_register_disclaim_proc(kind, on_disclaim, 0);
  GC_init_finalized_malloc();
}

void df_note_made(struct df_world *w, const struct df_object *o) {
  if (w->fate == NULL)
    w->fate = calloc(MAX_FATES, sizeof *w->fate);
  if (w->fate == NULL || o->serial >= MAX_FATES)
    df_fail(w, "too many objects");
  if (o->size >= WORD)
    w->fate[o->serial] = (uint32_t)o->size << FATE_BITS | MADE;
}

void df_note_freed(struct df_world *w, const struct df_object *o) {
  uint32_t *fate = &w->fate[o->serial];
  if (o->size >= WORD && (*fate & 7) != MADE)
    df_fail(w, "object %llu was told of and is live",
            (unsigned long long)o->serial);
  *fate = FREED;
}

/* Another thread, which is no more, may have been telling of it: that may be done again. */
void df_lose_told(struct df_world *w) {
  for (uint64_t i = 1; i <= w->serial && w->fate != NULL; i++)
    if ((w->fate[i] & 7) == TOLD)
      w->fate[i] += LOST - TOLD;
}

/* What was told and is still known to the model has none of these marks. */
void df_judge_told(struct df_world *w, unsigned marks) {
  uint32_t n = w->n_told_dead;
  if (n - w->n_told_seen > DF_EVENTS)
    w->n_told_seen = n - DF_EVENTS;
  for (; w->n_told_seen != n; w->n_told_seen++) {
    uint64_t key = w->told_dead[w->n_told_seen % DF_EVENTS];
    struct df_object *o = &w->object[key & (DF_OBJECTS - 1)];
    if (o->serial != 0 && df_key(w, o) == key && o->marks & marks)
      df_fail(w, "object %llu was told of and is not dead",
              (unsigned long long)o->serial);
  }
}

/* At the end nearly all that died were told of; libgc leaves blocks that are
 * nearly full for later. */
void df_check_told(struct df_world *w) {
  size_t n[1 << FATE_BITS] = {0};
  for (uint64_t i = 1; i <= w->serial && w->fate != NULL; i++)
    n[w->fate[i] & 7]++;
  size_t left = n[MADE] + n[REFUSED];
  if (w->trace)
    printf("told of %zu, %zu are left\n", n[TOLD], left);
  if (gu_on_reclaim() ? left * 20 > n[TOLD] + 400 : left > n[TOLD] + 400)
    df_fail(w, "%zu dead objects were told of, %zu not", n[TOLD], left);
}
