/* src/compat/gc_h_roots.c: gc.h: roots, and what the collector looks at.
 * SPDX-License-Identifier: MIT
 */
#include "alloc/free_realloc.h"
#include "base/switches.h"
#include "compat/compat.h"
#include "world/roots.h"

static void require_table(bool has_room) {
  if (!has_room)
    gc_fatal("no memory for the table of roots; raise the memory limit");
}

void GC_add_roots(void *low, void *high) {
  gc_start();
  require_table(gc_roots_add(low, high));
}

void GC_remove_roots(void *low, void *high) {
  gc_start();
  gc_roots_remove(low, high);
}

void GC_clear_roots(void) {
  gc_start();
  gc_roots_clear();
}

void GC_exclude_static_roots(void *low, void *high) {
  gc_start();
  require_table(gc_roots_exclude(low, high));
}

void GC_clear_exclusion_table(void) {
  gc_start();
  gc_roots_clear_exclusions();
}

void GC_register_has_static_roots_callback(GC_has_static_roots_func filter) {
  gc_hooks.has_static_roots = filter;
}

/* All displacements refer to their object; what is left of the request is to
 * find nonsense. */
void GC_register_displacement(size_t displacement) {
  if (displacement >= GC_BLOCK_BYTES)
    gc_fatal("GC_register_displacement: %zu is beyond the largest offset, %zu",
             displacement, GC_BLOCK_BYTES - 1);
}

/* ---- Checks of pointers and of their places ---- */

void *GC_is_valid_displacement(void *p) {
  if (gc_heap_has(p) && gc_base(p) == NULL)
    GC_is_valid_displacement_print_proc(p);
  return p;
}

static bool is_in_scanned_object(const void *p) {
  unsigned kind;
  size_t bytes;
  return gc_kind_and_size(p, &kind, &bytes) &&
         !(gc_kind_flags(kind) & KIND_LEAF);
}

static bool is_on_own_stack(const char *p) {
  char *low, *cold;
  return gc_plat_stack_bounds(&low, &cold) && p >= low && p < cold;
}

/* Images are read only when nothing else has the place. */
void *GC_is_visible(void *p) {
  if ((uintptr_t)p % sizeof(void *) != 0) {
    GC_is_visible_print_proc(p);
    return p;
  }
  if (is_in_scanned_object(p) || is_on_own_stack(p))
    return p;
  gc_start();
  if (!gc_roots_contain(p)) {
    gc_roots_prepare();
    if (!gc_roots_contain(p))
      GC_is_visible_print_proc(p);
  }
  return p;
}

int GC_is_tmp_root(void *p) {
  gc_start();
  return gc_roots_contain_in_image(p);
}
