/* tests/differ/segment.c: each few thousand calls begin and end with nothing. SPDX-License-Identifier: MIT */

#include "differ/world.h"

#include <stdio.h>
#include <string.h>

enum { UNCONTROLLED = 3, ROUNDS = 200 };

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 31) * UINT64_C(0x7fb5d329728ea185);
  x = (x ^ x >> 27) * UINT64_C(0x81dadef4bc2dd44d);
  return x ^ x >> 33;
}

/*
 * Without automatic collections (GC_set_disable_automatic_collection would not
 * do: libgc still collects when the heap is full) or with; the former with
 * finalisers on demand, or not.
 */
void df_begin_segment(struct df_world *w, uint64_t number) {
  unsigned mode = (unsigned)(mix(w->seed * 1000003 + number) >> 20) % 4;
  w->is_automatic = w->is_threaded || mode == UNCONTROLLED;
  w->is_on_demand = !w->is_automatic && mode == 2;
  GC_set_disable_automatic_collection(!w->is_automatic);
  GC_set_finalize_on_demand(w->is_on_demand);
  if (!w->is_automatic)
    GC_disable();
  w->gc_no = GC_get_gc_no();
  df_log(w, "mode", w->is_threaded ? UNCONTROLLED : mode);
}

static size_t count_objects(const struct df_world *w) {
  size_t n = 0;
  for (uint32_t i = 0; i < w->top; i++)
    n += w->object[i].serial != 0;
  return n;
}

static void drop_references(struct df_world *w) {
  if (w->has_area)
    df_drop_area(w);
  for (uint32_t r = 0; r < DF_ROOTS; r++)
    df_set_root(w, r, 0);
  for (uint32_t i = 0; i < DF_TOGGLES; i++) {
    if (w->toggle[i] != 0)
      df_at(w, w->toggle[i])->answer = GC_TOGGLE_REF_DROP;
    w->toggle[i] = 0;
  }
  for (uint32_t i = 0; i < DF_FIXED; i++) {
    struct df_object *o = w->fixed[i] == 0 ? NULL : df_at(w, w->fixed[i]);
    if (o == NULL)
      continue;
    if (o->form != 0)
      df_take_finaliser(w, o);
    if (o->edge_at != 0)
      memset((void **)df_address(o) + o->edge_at, 0, DF_EDGES * sizeof(void *));
    memset(o->edge, 0, sizeof o->edge);
  }
}

/* Until a collection finds nothing any more: chains take one for each link. */
static void collect_all(struct df_world *w) {
  size_t before = 0, now = count_objects(w), same = 0;
  for (size_t i = 0; i < ROUNDS && same < 2; i++) {
    drop_references(w);
    df_collect(w, df_gcollect);
    if (w->is_on_demand)
      df_invoke(w);
    before = now;
    now = count_objects(w);
    same = now == before ? same + 1 : 0;
  }
}

void df_end_segment(struct df_world *w) {
  df_look(w);
  df_send_all_away(w);
  if (w->is_automatic) {
    GC_disable();
    GC_invoke_finalizers(); /* libgc runs those before the next collection */
    df_look(w);
  }
  df_drop_links(w);
  w->is_automatic = false;
  GC_set_disable_automatic_collection(1);
  w->gc_no = GC_get_gc_no();
  if (w->is_on_demand)
    df_invoke(w);
  collect_all(w);
  for (uint32_t i = 0; i < w->top; i++)
    if (w->object[i].serial != 0 && w->object[i].form != 0)
      df_take_finaliser(w,
                        &w->object[i]); /* on cycles, or held by their data */
  collect_all(w);
  for (uint32_t i = 0; i < DF_FIXED; i++)
    if (w->fixed[i] != 0)
      df_free_fixed(w, i);
  if (count_objects(w) != 0)
    df_fail(w, "%zu objects are left at the end", count_objects(w));
  while (GC_is_disabled())
    GC_enable();
  GC_set_finalize_on_demand(0);
  GC_set_disable_automatic_collection(0);
  w->top = w->spare = 0;
  w->is_on_demand = false;
}

static void check_count(struct df_world *w, const char *what, unsigned number,
                        const struct df_count *c) {
  if (w->trace && c->expected != 0)
    printf("%s %u: %zu of %zu stayed\n", what, number, c->stayed, c->expected);
  if (c->stayed * 20 > c->expected + 200)
    df_fail(w, "%s %u: %zu of %zu stayed", what, number, c->stayed,
            c->expected);
}

void df_check_counts(struct df_world *w) {
  df_check_told(w);
  for (unsigned i = 0; i < DF_FAMILIES; i++)
    check_count(w, "objects of family", i, &w->of_family[i]);
  for (unsigned i = 1; i < 5; i++)
    check_count(w, "finalisers of form", i, &w->of_form[i]);
  for (unsigned i = 0; i < DF_SORTS; i++)
    check_count(w, "links of sort", i, &w->of_sort[i]);
  check_count(w, "objects with toggle references", 0, &w->of_toggled);
  check_count(w, "objects named by pointer-free ones", 0, &w->of_named[0]);
  check_count(w, "objects named by typed ones", 0, &w->of_named[1]);
  check_count(w, "finalisers without order in a chain", 0, &w->of_led);
  check_count(w, "objects in memory that was a root", 0, &w->of_area);
  check_count(w, "objects with links", 0, &w->of_holders);
  check_count(w, "objects in data that is no root", 0, &w->of_excluded);
}
