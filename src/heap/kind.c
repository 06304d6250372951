/* src/heap/kind.c: the table of kinds. SPDX-License-Identifier: MIT
 *
 * Kinds are never removed. An entry is complete before the count that makes it
 * visible grows.
 */
#include "heap/layout.h"
#include "heap/meta.h"

struct gc_kind gc_kinds[GC_MAX_KINDS];
_Atomic uint32_t gc_kind_count;

static struct gc_lock kind_lock = GC_LOCK_INIT(RANK_NOTIFY);

static bool add_kind(unsigned k, unsigned flags, uint64_t descriptor,
                     bool adjust) {
  size_t bytes = GC_MAX_CLASSES * sizeof(struct gc_pool);
  struct gc_pool *pools = gc_meta_alloc(bytes);
  if (pools == NULL)
    return false;
  for (unsigned c = 0; c < GC_MAX_CLASSES; c++) {
    gc_lock_init(&pools[c].lock, RANK_POOL);
    pools[c].kind = (uint8_t)k;
    pools[c].size_class = (uint8_t)c;
  }
  gc_store_rlx(&gc_kinds[k].flags, flags);
  gc_kinds[k].descriptor = descriptor;
  gc_kinds[k].adjust = adjust;
  gc_kinds[k].pools = pools;
  gc_store_rel(&gc_kind_count, k + 1);
  return true;
}

void gc_kind_start(void) {
  bool ok =
      add_kind(KIND_ATOMIC, KIND_LEAF, 0, false) &&
      add_kind(KIND_NORMAL, KIND_CLEAR, 0, true) &&
      add_kind(KIND_UNCOLL, KIND_CLEAR | KIND_UNCOLLECTABLE, 0, true) &&
      add_kind(KIND_ATOMIC_UNCOLL, KIND_LEAF | KIND_UNCOLLECTABLE, 0, false);
  if (!ok)
    gc_fatal("no memory for the table of kinds; raise the memory limit");
}

unsigned gc_kind_new(uint64_t descriptor, bool adjust, bool clear) {
  unsigned flags = clear ? KIND_CLEAR : 0;
  if (descriptor == 0 && adjust)
    flags |= 0;
  else if (descriptor == 0)
    flags |= KIND_LEAF;
  else
    flags |= KIND_SPECIAL;
  gc_lock(&kind_lock);
  unsigned k = gc_load_rlx(&gc_kind_count);
  bool ok = k < GC_MAX_KINDS && add_kind(k, flags, descriptor, adjust);
  gc_unlock(&kind_lock);
  return ok ? k : 0;
}

/* Before the pools: their number must not grow while fork holds their locks. */
void gc_kind_lock_for_fork(void) { gc_lock(&kind_lock); }
void gc_kind_unlock_after_fork(void) { gc_unlock(&kind_lock); }

unsigned gc_kind_hot_flags(unsigned kind) {
  unsigned flags = gc_kind_flags(kind);
  return (flags & KIND_LEAF ? HOT_LEAF : 0) |
         (flags & (KIND_SPECIAL | KIND_SIDE) ? HOT_SPECIAL : 0);
}
