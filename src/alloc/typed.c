/* src/alloc/typed.c: objects with a descriptor of their own. SPDX-License-Identifier: MIT
 *
 * Until an object has its descriptor, or its record, nothing in it is scanned, and
 * nothing is there to be scanned.
 */
#include "alloc/typed.h"

#include "alloc/alloc.h"
#include "base/atomic.h"
#include "cycle/api_lock.h"
#include "cycle/gc_start.h"
#include "heap/find.h"
#include "heap/layout.h"
#include "mark/typed.h"

static _Atomic unsigned typed_kind, array_kind; /* 0: not made yet */

/* The descriptor is in the last word: found at the object's size less 8. */
#define IN_LAST_WORD ((uint64_t)-8 | DESC_PER_OBJECT)

static unsigned kind_once(_Atomic unsigned *kind, uint64_t descriptor,
                          bool adjust) {
  unsigned k = gc_load_acq(kind);
  if (gc_likely(k != 0))
    return k;
  gc_start();
  gc_typed_start();
  gc_api_lock();
  k = gc_load_rlx(kind);
  if (k == 0) {
    k = gc_kind_new(descriptor, adjust, true);
    gc_store_rel(kind, k);
  }
  gc_api_unlock();
  if (k == 0)
    gc_fatal("no memory for a kind of typed objects, or too many kinds");
  return k;
}

/* The spare byte, which allocation adds, is one of the extra ones. */
static void *alloc_with(size_t bytes, size_t extra, unsigned kind,
                        bool ignore_off_page) {
  size_t all = bytes + extra - gc_heap.slop;
  if (all < bytes)
    return gc_alloc_failed(bytes);
  return ignore_off_page ? gc_alloc_ignore_off_page(all, kind)
                         : gc_alloc(all, kind);
}

/* The out-of-memory function may have answered with something else. */
static bool is_of_kind(void *p, unsigned kind, struct gc_object *out) {
  return p != NULL && gc_find(p, out) && out->start == p && out->kind == kind;
}

void *gc_typed_alloc(size_t bytes, uint64_t descriptor, bool ignore_off_page) {
  struct gc_object o;
  unsigned kind = kind_once(&typed_kind, IN_LAST_WORD, true);
  void *p = alloc_with(bytes, sizeof descriptor, kind, ignore_off_page);
  if (is_of_kind(p, kind, &o))
    ((uint64_t *)p)[o.bytes / sizeof descriptor - 1] = descriptor;
  return p;
}

static void *alloc_with_record(size_t count, size_t bytes,
                               uint64_t descriptor) {
  struct gc_object o;
  unsigned kind = kind_once(&array_kind, gc_typed_array_descriptor(), false);
  void *p =
      alloc_with(count * bytes, sizeof(struct gc_typed_array), kind, false);
  if (!is_of_kind(p, kind, &o))
    return p;
  struct gc_typed_array *a = (void *)(o.start + o.bytes - sizeof *a);
  a->element_bytes = bytes;
  a->element = descriptor;
  gc_compiler_barrier();
  a->count = count;
  return p;
}

void *gc_typed_alloc_array(size_t count, size_t bytes, uint64_t descriptor) {
  size_t all;
  if (__builtin_mul_overflow(count, bytes, &all))
    return gc_alloc_failed(SIZE_MAX);
  if (all == 0 || descriptor == 0 || count == 1)
    return gc_typed_alloc(all, all == 0 ? 0 : descriptor, false);
  if (bytes % sizeof(uint64_t) != 0) /* no word is in all elements */
    return gc_typed_alloc(all, gc_round_up(all, sizeof(uint64_t)), false);
  uint64_t whole = gc_typed_repeat(descriptor, bytes / sizeof(uint64_t), count);
  return whole != 0 ? gc_typed_alloc(all, whole, false)
                    : alloc_with_record(count, bytes, descriptor);
}

/* ---- Records ---- */

unsigned gc_typed_record_kind(size_t offset) {
  int64_t displacement = -(int64_t)offset - DESC_INDIRECT_BIAS;
  gc_start();
  return gc_kind_new((uint64_t)displacement | DESC_PER_OBJECT, false, true);
}

void *gc_typed_alloc_record(size_t bytes, unsigned kind, void *record,
                            bool ignore_off_page) {
  struct gc_object o;
  if (bytes < sizeof record)
    bytes = sizeof record;
  void *p = ignore_off_page ? gc_alloc_ignore_off_page(bytes, kind)
                            : gc_alloc(bytes, kind);
  if (is_of_kind(p, kind, &o))
    *(void **)p = record;
  return p;
}
