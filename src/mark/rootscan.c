/* src/mark/rootscan.c: everything that is live by itself.
 * SPDX-License-Identifier: MIT
 */
#include "mark/rootscan.h"

#include "base/switches.h"
#include "heap/tlab.h"
#include "mark/mark_inline.h"
#include "world/roots.h"

/* ---- What threads have claimed ---- */

/* Marks the slots of [cur, end); all in one block. */
static void mark_slots(const char *cur, const char *end, size_t bytes) {
  gc_block_id b = gc_block_of(cur);
  const char *start = gc_block_address(b);
  gc_map_set_range(b, (unsigned)((size_t)(cur - start) / bytes),
                   (unsigned)((size_t)(end - start) / bytes), gc_map_mark());
}

static void mark_cell(const struct gc_cell *cell, size_t bytes) {
  if (cell->cur < cell->end)
    mark_slots(cell->cur, cell->end, bytes);
  for (uint32_t i = 0; cell->freed != NULL && i < cell->freed->count; i++)
    mark_slots(cell->freed->slot[i], cell->freed->slot[i] + bytes, bytes);
}

static void mark_thread_tails(struct gc_tlab *tlab) {
  tlab->freed_bytes = 0; /* the account starts anew with this collection */
  for (unsigned k = 0; k < gc_load_rlx(&gc_kind_count); k++) {
    const struct gc_cell *cells = tlab->kinds[k];
    for (unsigned c = 1; cells != NULL && c < gc_sizes.count; c++)
      if (cells[c].end != NULL || cells[c].freed != NULL)
        mark_cell(&cells[c], gc_sizes.of[c].bytes);
  }
}

void gc_rootscan_tails(void) {
  for (struct gc_thread *t = gc_thread_first_locked(); t != NULL; t = t->next)
    mark_thread_tails(gc_tlab_of(t->self));
}

/* ---- Uncollectable objects ---- */

/* Their allocation bits are their mark bits. Tails are allocated too, and are
 * scanned with the rest: they are zero. */
static void mark_pool_block(struct gc_marker *m, gc_block_id b, bool is_leaf) {
  uint64_t hot = gc_block_hot(b);
  unsigned words = gc_map_words(gc_heap.blocks[b].slots);
  for (unsigned i = 0; i < words; i++) {
    _Atomic uint64_t *pair = gc_maps_of(b) + (i << 1);
    uint64_t live =
        gc_load_rlx(pair + gc_map_alloc()) & ~gc_load_rlx(pair + gc_map_mark());
    if (is_leaf) {
      gc_store_rlx(pair + gc_map_mark(), gc_load_rlx(pair + gc_map_alloc()));
      m->live[1] += gc_bits_count(live) * (gc_hot_bytes(hot) >> 4);
      continue;
    }
    for (; live != 0; live &= live - 1)
      gc_mark_word(m, (uint64_t)(uintptr_t)gc_slot_address(
                          b, hot, (i << 6) + gc_bits_lowest(live)));
  }
}

static void mark_uncollectable_kind(struct gc_marker *m, unsigned kind) {
  bool is_leaf = gc_kind_flags(kind) & KIND_LEAF;
  for (unsigned c = 1; c < gc_sizes.count; c++) {
    struct gc_pool *pool = &gc_kinds[kind].pools[c];
    for (uint32_t i = 0; i < pool->count; i++)
      mark_pool_block(m, pool->blocks[i], is_leaf);
  }
}

static void mark_if_uncollectable(gc_block_id head, void *m) {
  unsigned kind = gc_hot_kind(gc_block_hot(head));
  if (gc_kind_flags(kind) & KIND_UNCOLLECTABLE)
    gc_mark_word(m, (uint64_t)(uintptr_t)gc_block_address(head));
}

void gc_rootscan_uncollectable(struct gc_marker *m,
                               gc_large_iterator each_large) {
  for (unsigned k = 0; k < gc_load_rlx(&gc_kind_count); k++)
    if (gc_kind_flags(k) & KIND_UNCOLLECTABLE)
      mark_uncollectable_kind(m, k);
  each_large(mark_if_uncollectable, m);
}

/* ---- Stacks and static roots ---- */

struct root_scan {
  struct gc_marker *marker;
  size_t bytes;
};

static void scan_root(char *lo, char *hi, void *cx) {
  struct root_scan *scan = cx;
  scan->bytes += (size_t)(hi - lo);
  gc_mark_range(scan->marker, lo, hi);
  gc_mark_drain(scan->marker);
}

void gc_rootscan_push_range(char *lo, char *hi) {
  gc_mark_range(&gc_marker_main, lo, hi);
  gc_mark_drain(&gc_marker_main);
}

/* Data of notifiers and observers, as long as they are there. */
static void scan_notifiers(struct gc_marker *m) {
  for (unsigned k = 0; k < gc_load_rlx(&gc_kind_count); k++) {
    if (gc_kinds[k].notifier.notify != NULL)
      gc_mark_word(m, (uint64_t)(uintptr_t)gc_kinds[k].notifier.cd);
    gc_mark_word(m, (uint64_t)(uintptr_t)gc_load_rlx(&gc_kinds[k].observer_cd));
  }
}

void gc_rootscan_all(struct gc_marker *m, char *own_sp,
                     size_t *out_root_bytes) {
  struct root_scan scan = {m, 0};
  for (struct gc_thread *t = gc_thread_first_locked(); t != NULL; t = t->next)
    gc_stack_each_range(t, own_sp, scan_root, &scan);
  gc_roots_each_stopped(scan_root, &scan);
  scan_notifiers(m);
  if (*gc_switches.push_other_roots != NULL)
    (*gc_switches.push_other_roots)();
  *out_root_bytes = scan.bytes;
}
