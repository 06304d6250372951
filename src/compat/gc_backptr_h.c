/* src/compat/gc_backptr_h.c: gc_backptr.h. SPDX-License-Identifier: MIT
 */
#include "compat/compat.h"
#include "diag/back.h"
#include "diag/chance.h"
#include "plat/plat.h"

#include <gc/gc_backptr.h>

static GC_ref_kind kind_of_back(enum gc_back_sort by) {
  switch (by) {
  case BACK_STATIC:
  case BACK_KIND:
  case BACK_THREAD:
    return GC_REFD_FROM_ROOT;
  case BACK_REGISTER:
    return GC_REFD_FROM_REG;
  case BACK_OBJECT:
    return GC_REFD_FROM_HEAP;
  case BACK_FINAL:
    return GC_FINALIZER_REFD;
  case BACK_NONE:
  case BACK_KEPT:
    break;
  }
  return GC_UNREFERENCED;
}

GC_ref_kind GC_get_back_ptr_info(void *dest, void **base, size_t *offset) {
  struct gc_back_link link;
  *base = NULL;
  *offset = 0;
  if (gc_back_find(dest, &link, 1) == 0)
    return GC_NO_SPACE;
  const char *at = link.by == BACK_OBJECT ? link.from.start : link.word;
  *base = (void *)(uintptr_t)at;
  *offset = (size_t)(link.word - at);
  return kind_of_back(link.by);
}

void *GC_generate_random_heap_address(void) { return gc_chance_address(); }

void *GC_generate_random_valid_address(void) { return gc_chance_object(); }

void GC_generate_random_backtrace(void) {
  GC_gcollect();
  void *p = gc_chance_object();
  if (p == NULL)
    gc_plat_message("there is no object to trace back");
  else
    gc_back_print(p);
}

void GC_print_backtrace(void *p) { gc_back_print(p); }
