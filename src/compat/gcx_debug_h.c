/* src/compat/gcx_debug_h.c: gcx/debug.h. SPDX-License-Identifier: MIT
 */
#include "compat/compat.h"

#include "alloc/alloc.h"
#include "alloc/debug_alloc.h"
#include "alloc/finalized.h"
#include "diag/debug_check.h"
#include "notify/debug.h"

#include <gcx/debug.h>

_Static_assert(GCX_DEBUG_SMASHED == (int)MISTAKE_SMASHED &&
                   GCX_DEBUG_FREED_TWICE == (int)MISTAKE_FREED_TWICE &&
                   GCX_DEBUG_REFERENCED == (int)MISTAKE_REFERENCED &&
                   GCX_DEBUG_WRITTEN == (int)MISTAKE_WRITTEN &&
                   GCX_DEBUG_KEPT == (int)MISTAKE_KEPT,
               "mistakes have the core's numbers");
_Static_assert(GCX_DEBUG_NOWHERE == (int)PLACE_NONE &&
                   GCX_DEBUG_IN_OBJECT == (int)PLACE_OBJECT &&
                   GCX_DEBUG_IN_STATIC == (int)PLACE_STATIC &&
                   GCX_DEBUG_IN_KIND == (int)PLACE_KIND &&
                   GCX_DEBUG_IN_THREAD == (int)PLACE_THREAD &&
                   GCX_DEBUG_UNKNOWN == (int)PLACE_UNKNOWN,
               "places have the core's numbers");

static gcx_debug_report_fn _Atomic report_fn;
static void (*print_text)(const struct gc_debug_fact *, const char *);

static void tell_of_mistake(const struct gc_debug_fact *f, const char *text) {
  gcx_debug_report_fn fn = gc_load_acq(&report_fn);
  const gcx_debug_facts facts = {.struct_size = sizeof facts,
                                 .mistake = (gcx_debug_mistake)f->mistake,
                                 .text = text,
                                 .object = f->object.start,
                                 .kind = f->object.kind,
                                 .bytes = f->object.bytes,
                                 .file = f->object.file,
                                 .line = (int)f->object.line,
                                 .collection = f->object.born,
                                 .offset = f->offset,
                                 .place = (gcx_debug_place)f->place,
                                 .word = f->word,
                                 .from = f->from.start,
                                 .from_kind = f->from.kind,
                                 .from_file = f->from.file,
                                 .from_line = (int)f->from.line,
                                 .thread = f->thread};
  fn != NULL ? fn(&facts) : print_text(f, text);
}

__attribute__((constructor)) static void take_over(void) {
  print_text = gc_debug_sink;
  gc_debug_sink = tell_of_mistake;
}

void gcx_debug_set_report(gcx_debug_report_fn fn) {
  gc_store_rel(&report_fn, fn);
}

static unsigned line_of(int line) { return line < 0 ? 0 : (unsigned)line; }

void *gcx_debug_kind_alloc(gcx_kind *kind, size_t bytes, const char *file,
                           int line) {
  unsigned k = (unsigned)((struct gc_kind *)(void *)kind - gc_kinds);
  return gc_debug_is_kind(k) ? gc_debug_alloc(bytes, k, file, line_of(line))
                             : gc_alloc(bytes, k);
}

void *gcx_debug_finalized_alloc(size_t bytes, const gcx_closure *closure,
                                const char *file, int line) {
  gc_referrers_install();
  return gc_finalized_debug_alloc(
      bytes, (const struct gc_own_closure *)(const void *)closure, file,
      line_of(line));
}

size_t gcx_debug_check(void) {
  gc_start();
  return gc_start_thread() ? gc_debug_check_all() : 0;
}
