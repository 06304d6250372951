/* src/compat/gc_globals.c: the public data variables.
 * SPDX-License-Identifier: MIT
 *
 * A variable is the setting itself: the core reads it at each use, through the
 * table of addresses below, which the dynamic linker fills in. So it does not
 * matter whether the client writes it by a setter, directly, or in its own
 * copy (a copy relocation). Default visibility is therefore essential here.
 */
#include "base/switches.h"
#include "compat/compat.h"

/* ---- Default callbacks ---- */

static void *return_null(size_t bytes) {
  static char text[] = "Out of memory: no room for an object of %lu bytes; "
                       "the result is NULL\n";
  GC_get_warn_proc()(text, bytes);
  return NULL;
}

/* The end of the chain: the core scans stacks and static data by itself, and
 * what clients add calls what was there before. */
static void end_of_other_roots(void) {}

static void report_different_objects(void *p, void *q) {
  gc_fatal("GC_same_obj: %p and %p are not in the same object", p, q);
}

static void report_displacement(void *p) {
  gc_fatal(
      "GC_is_valid_displacement: %p points behind all objects of its block", p);
}

static void report_invisible(void *p) {
  gc_fatal("GC_is_visible: the collector does not look at the location %p", p);
}

/* ---- Variables ---- */

GC_word GC_gc_no;
int GC_parallel;
int GC_all_interior_pointers = 1;
int GC_dont_gc;
int GC_dont_expand;
int GC_use_entire_heap;
int GC_find_leak;
int GC_no_dls;
int GC_dont_precollect;
GC_word GC_non_gc_bytes;
GC_word GC_free_space_divisor = 3;
GC_word GC_max_retries;
char *GC_stackbottom;
void *GC_least_plausible_heap_addr;
void *GC_greatest_plausible_heap_addr;
GC_oom_func GC_oom_fn = return_null;
GC_on_heap_resize_proc GC_on_heap_resize;
GC_push_other_roots_proc GC_push_other_roots = end_of_other_roots;

int GC_finalize_on_demand;
int GC_java_finalization = 1;
GC_finalizer_notifier_proc GC_finalizer_notifier;

void (*GC_same_obj_print_proc)(void *, void *) = report_different_objects;
void (*GC_is_valid_displacement_print_proc)(void *) = report_displacement;
void (*GC_is_visible_print_proc)(void *) = report_invisible;

/* ---- What the core reads ---- */

const struct gc_switches gc_switches = {
    .gc_no = &GC_gc_no,
    .parallel = &GC_parallel,
    .all_interior_pointers = &GC_all_interior_pointers,
    .dont_gc = &GC_dont_gc,
    .dont_expand = &GC_dont_expand,
    .use_entire_heap = &GC_use_entire_heap,
    .find_leak = &GC_find_leak,
    .no_dls = &GC_no_dls,
    .dont_precollect = &GC_dont_precollect,
    .non_gc_bytes = &GC_non_gc_bytes,
    .free_space_divisor = &GC_free_space_divisor,
    .max_retries = &GC_max_retries,
    .stackbottom = &GC_stackbottom,
    .least_plausible = &GC_least_plausible_heap_addr,
    .greatest_plausible = &GC_greatest_plausible_heap_addr,
    .oom_fn = &GC_oom_fn,
    .on_heap_resize = &GC_on_heap_resize,
    .push_other_roots = &GC_push_other_roots,
    .finalize_on_demand = &GC_finalize_on_demand,
    .java_finalization = &GC_java_finalization,
    .finalizer_notifier = &GC_finalizer_notifier,
};
