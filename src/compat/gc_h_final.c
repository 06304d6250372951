/* src/compat/gc_h_final.c: gc.h, javaxfc.h: finalisers, links, toggle references.
 * SPDX-License-Identifier: MIT
 */
#include "base/switches.h"
#include "compat/compat.h"
#include "cycle/finalise.h"
#include "notify/final.h"
#include "notify/link.h"
#include "notify/toggle.h"

#include <gc/javaxfc.h>

#define BYTES_OF_ONE 16u /* what the out-of-memory function is told */

/* ---- Finalisers ---- */

static enum gc_final_answer try_to_register(const struct gc_final *f,
                                            struct gc_final *old) {
  if (gc_start_thread())
    return gc_final_register(f, old);
  old->fn = NULL;
  old->data = NULL;
  return FINAL_NO_MEMORY;
}

static void register_finalizer(const struct gc_final *f,
                               GC_finalization_proc *ofn, void **ocd) {
  struct gc_final old;
  gc_start();
  while (try_to_register(f, &old) == FINAL_NO_MEMORY)
    if ((*GC_oom_fn)(BYTES_OF_ONE) == NULL)
      break;
  if (ofn != NULL)
    *ofn = old.fn;
  if (ocd != NULL)
    *ocd = old.data;
}

void GC_register_finalizer(void *obj, GC_finalization_proc fn, void *cd,
                           GC_finalization_proc *ofn, void **ocd) {
  register_finalizer(&(struct gc_final){obj, fn, cd, FINAL_ORDERED}, ofn, ocd);
}

void GC_register_finalizer_ignore_self(void *obj, GC_finalization_proc fn,
                                       void *cd, GC_finalization_proc *ofn,
                                       void **ocd) {
  register_finalizer(&(struct gc_final){obj, fn, cd, FINAL_IGNORE_SELF}, ofn,
                     ocd);
}

void GC_register_finalizer_no_order(void *obj, GC_finalization_proc fn,
                                    void *cd, GC_finalization_proc *ofn,
                                    void **ocd) {
  register_finalizer(&(struct gc_final){obj, fn, cd, FINAL_NO_ORDER}, ofn, ocd);
}

void GC_register_finalizer_unreachable(void *obj, GC_finalization_proc fn,
                                       void *cd, GC_finalization_proc *ofn,
                                       void **ocd) {
  register_finalizer(&(struct gc_final){obj, fn, cd, FINAL_UNREACHABLE}, ofn,
                     ocd);
}

void GC_set_allocd_bytes_per_finalizer(GC_word value) {
  gc_hooks.bytes_per_finaliser = value;
}

GC_word GC_get_allocd_bytes_per_finalizer(void) {
  return gc_hooks.bytes_per_finaliser;
}

void GC_push_finalizer_structures(void) { gc_finalise_push(); }

void GC_set_finalize_on_demand(int value) { GC_finalize_on_demand = value; }
int GC_get_finalize_on_demand(void) { return GC_finalize_on_demand; }

void GC_set_java_finalization(int value) { GC_java_finalization = value; }
int GC_get_java_finalization(void) { return GC_java_finalization; }

void GC_set_finalizer_notifier(GC_finalizer_notifier_proc proc) {
  GC_finalizer_notifier = proc;
}

GC_finalizer_notifier_proc GC_get_finalizer_notifier(void) {
  return GC_finalizer_notifier;
}

void GC_set_await_finalize_proc(GC_await_finalize_proc proc) {
  gc_hooks.await_finalize = proc;
}

GC_await_finalize_proc GC_get_await_finalize_proc(void) {
  return gc_hooks.await_finalize;
}

int GC_should_invoke_finalizers(void) { return gc_final_is_ready(); }

int GC_invoke_finalizers(void) {
  if (!gc_final_is_ready() || !gc_start_thread())
    return 0;
  return (int)gc_finalise_run();
}

void GC_finalize_all(void) {
  gc_start();
  if (gc_start_thread())
    gc_finalise_all();
}

/* ---- Links ---- */

_Static_assert((int)LINK_DONE == GC_SUCCESS &&
                   (int)LINK_DUPLICATE == GC_DUPLICATE &&
                   (int)LINK_NO_MEMORY == GC_NO_MEMORY &&
                   (int)LINK_NOT_FOUND == GC_NOT_FOUND,
               "results");

static bool is_word(void **link) {
  return (uintptr_t)link % sizeof(void *) == 0;
}

static int add_link(enum gc_link_kind kind, void **link, const void *obj,
                    const char *name) {
  if (link == NULL || !is_word(link))
    gc_fatal("%s: %p is no place for a pointer", name, (void *)link);
  gc_start();
  return gc_start_thread() ? (int)gc_link_add(kind, link, obj) : GC_NO_MEMORY;
}

static int move_link(enum gc_link_kind kind, void **link, void **to,
                     const char *name) {
  if (!is_word(to))
    gc_fatal("%s: %p is no place for a pointer", name, (void *)to);
  if (!is_word(link))
    return GC_NOT_FOUND;
  return (int)gc_link_move(kind, link, to);
}

int GC_register_disappearing_link(void **link) {
  struct gc_object o;
  gc_start();
  if (!gc_find(link, &o))
    gc_fatal("GC_register_disappearing_link: %p is not in an object",
             (void *)link);
  return add_link(LINK_SHORT, link, o.start, "GC_register_disappearing_link");
}

int GC_general_register_disappearing_link(void **link, const void *obj) {
  return add_link(LINK_SHORT, link, obj,
                  "GC_general_register_disappearing_link");
}

int GC_register_long_link(void **link, const void *obj) {
  return add_link(LINK_LONG, link, obj, "GC_register_long_link");
}

int GC_move_disappearing_link(void **link, void **new_link) {
  return move_link(LINK_SHORT, link, new_link, "GC_move_disappearing_link");
}

int GC_move_long_link(void **link, void **new_link) {
  return move_link(LINK_LONG, link, new_link, "GC_move_long_link");
}

int GC_unregister_disappearing_link(void **link) {
  return is_word(link) && gc_link_remove(LINK_SHORT, link);
}

int GC_unregister_long_link(void **link) {
  return is_word(link) && gc_link_remove(LINK_LONG, link);
}

/* ---- Toggle references ---- */

_Static_assert((int)TOGGLE_DROP == (int)GC_TOGGLE_REF_DROP &&
                   (int)TOGGLE_STRONG == (int)GC_TOGGLE_REF_STRONG &&
                   (int)TOGGLE_WEAK == (int)GC_TOGGLE_REF_WEAK,
               "answers");

void GC_set_toggleref_func(GC_toggleref_func func) {
  gc_hooks.toggleref = (int (*)(void *))func;
}

GC_toggleref_func GC_get_toggleref_func(void) {
  return (GC_toggleref_func)gc_hooks.toggleref;
}

int GC_toggleref_add(void *obj, int is_strong_ref) {
  if (gc_hooks.toggleref == NULL)
    return GC_SUCCESS;
  gc_start();
  return gc_start_thread() && gc_toggle_add(obj, is_strong_ref != 0)
             ? GC_SUCCESS
             : GC_NO_MEMORY;
}
