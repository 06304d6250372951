/* tests/differ/whole.c: what concerns all objects or all finalisers at once. SPDX-License-Identifier: MIT */

#include "differ/world.h"

#include <gc/javaxfc.h>

/* ---- All objects ---- */

static void on_object(void *obj, size_t bytes, void *data) {
  struct df_world *w = data;
  uint64_t key = df_key_at(obj);
  struct df_object *o = &w->object[key & (DF_OBJECTS - 1)];
  if (o->serial != 0 && df_key(w, o) == key && df_base(o) == obj &&
      bytes >= o->size)
    o->marks |= DF_SEEN;
}

static void *GC_CALLBACK enumerate(void *w) {
  GC_enumerate_reachable_objects_inner(on_object, w);
  return w;
}

/* Right after a collection: whatever stayed or was revived is told. */
void df_enumerate(struct df_world *w) {
  GC_call_with_alloc_lock(enumerate, w);
  for (uint32_t i = 0; i < w->top; i++) {
    const struct df_object *o = &w->object[i];
    if (o->serial != 0 && o->marks != 0 && !(o->marks & DF_SEEN) &&
        df_is_base(o))
      df_fail(w,
              "object %llu of family %u and %zu bytes, marks %u, is not among "
              "the reachable ones",
              (unsigned long long)o->serial, o->family, o->size, o->marks);
  }
  for (uint32_t i = 0; i < w->top; i++)
    w->object[i].marks &= (uint8_t)~DF_SEEN;
}

/* ---- All finalisers ---- */

static bool is_any_registered(const struct df_world *w) {
  for (uint32_t i = 0; i < w->top; i++)
    if (w->object[i].serial != 0 && w->object[i].form != 0 &&
        !w->object[i].is_queued)
      return true;
  return false;
}

/*
 * Of live objects, too, and of those on cycles: no luck is in it. libgc leaves
 * waiting ones alone where no other is registered (tests/api/finalise_when.c).
 */
void df_finalise_all(struct df_world *w) {
  if (w->is_on_demand && !is_any_registered(w))
    df_invoke(w);
  for (uint32_t i = 0; i < w->top; i++) {
    struct df_object *o = &w->object[i];
    o->marks = o->serial != 0 && o->form != 0 ? DF_READY : 0;
  }
  GC_finalize_all();
  df_log(w, "left", (uint64_t)GC_should_invoke_finalizers());
  df_judge_finalisers(w, false);
  df_unpin(w);
}
