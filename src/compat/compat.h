/* src/compat/compat.h: the public headers as the library sees them.
 * SPDX-License-Identifier: MIT
 *
 * Compat is the outermost layer: one file per theme of a public header, each
 * function checks its arguments, adapts types and calls one function of the
 * core. The public data variables are the client's switches and are defined in
 * gc_globals.c alone.
 *
 * The files of this layer call pthread functions by their true names, so the
 * redirects are off. Two constants have the same names in the core and in the
 * public headers; the public definitions are the ones seen here.
 */
#ifndef GC_COMPAT_COMPAT_H
#define GC_COMPAT_COMPAT_H

#include "cycle/gc_start.h"
#include "heap/layout.h"

#undef GC_MAX_MARK_PROCS
#undef GC_GRANULE_BYTES

#define GC_BUILD
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#define GC_REQUIRE_WCSDUP
#include <gc/gc.h>
#include <gc/gc_disclaim.h>
#include <gc/gc_gcj.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
#include <gc/gc_typed.h>
#include <gc/javaxfc.h>
#include <gcx/observe.h>

_Static_assert(GC_MAX_MARK_PROCS == 1 << DESC_PROC_BITS, "mark procedures");
_Static_assert(GC_GRANULE_BYTES == 1 << GC_GRANULE_SHIFT, "granules");
_Static_assert(GC_I_PTRFREE == KIND_ATOMIC && GC_I_NORMAL == KIND_NORMAL,
               "kinds of the inlined allocator");
_Static_assert(sizeof(GC_word) == sizeof(uint64_t), "a word is 64 bits");

/* No header declares these, but clients do. */
GC_API GC_push_other_roots_proc GC_push_other_roots;
GC_API GC_abort_func GC_on_abort;

/* If GC_pthread_create has just made the thread: until it has registered. */
void gc_compat_await_start(pthread_t id);

/* The kind that a client named; misuse is reported here and not when a table is
 * read beyond its end. */
gc_inline unsigned gc_compat_kind(int kind) {
  if (gc_unlikely((unsigned)kind >= gc_load_rlx(&gc_kind_count))) {
    gc_start();
    gc_check(kind >= 0 && (unsigned)kind < gc_load_rlx(&gc_kind_count));
  }
  return (unsigned)kind;
}

#endif
