/* src/diag/verify.c: the heap verifier. SPDX-License-Identifier: MIT
 *
 * Checks the equations at the top of heap.h for each block, the free-block maps,
 * and that marking was complete: every word of a marked object that is scanned
 * word by word points to a marked object or to nothing. Objects that a thread has
 * claimed but not handed out are marked and untraced, and zero or stale; they are
 * left out by asking the threads' cells.
 */
#include "diag/verify.h"

#include "heap/find.h"
#include "heap/layout.h"
#include "heap/space.h"
#include "heap/tlab.h"
#include "reclaim/large.h"
#include "world/thread.h"

static bool is_unused(const struct gc_object *o) {
  if (o->is_large)
    return false;
  unsigned c = gc_heap.blocks[o->block].size_class;
  for (struct gc_thread *t = gc_thread_first_locked(); t; t = t->next) {
    const struct gc_cell *cells = gc_tlab_of(t->self)->kinds[o->kind];
    if (cells != NULL && gc_cell_has(&cells[c], o->start))
      return true;
  }
  return false;
}

static bool is_pending(const struct gc_object *o) {
  const _Atomic uint8_t *states = gc_heap.blocks[o->block].states;
  return states != NULL && gc_load_rlx(states + o->slot) != ST_NONE;
}

/* ---- Edges ---- */

gc_scans_memory static void check_edges(const struct gc_object *from) {
  const uint64_t *words = (const uint64_t *)(const void *)from->start;
  for (size_t i = 0; i < from->bytes / 8; i++) {
    struct gc_object to;
    const char *p = (const char *)(uintptr_t)words[i];
    if (!gc_find(p, &to) || !gc_map_test(to.block, to.slot, gc_map_alloc()) ||
        gc_map_test(to.block, to.slot, gc_map_mark()))
      continue;
    unsigned flags = gc_load_rlx(&gc_heap.blocks[to.block].flags);
    if (flags & BF_IGNORE_OFF_PAGE && (size_t)(p - to.start) >= 4096)
      continue;
    gc_fatal("verifier: live object %p (%zu bytes, kind %u) refers at word %zu "
             "to %p, which is not marked",
             (void *)from->start, from->bytes, from->kind, i, (void *)to.start);
  }
}

static void check_object(gc_block_id b, unsigned slot) {
  uint64_t hot = gc_block_hot(b);
  struct gc_object o;
  bool found = gc_find(gc_slot_address(b, hot, slot), &o);
  if (!found || o.block != b || o.slot != slot)
    gc_fatal("verifier: block %u, slot %u: lookup and maps disagree", b, slot);
  unsigned flags = gc_kind_flags(o.kind);
  if (!(flags & (KIND_LEAF | KIND_SPECIAL)) && !is_pending(&o) &&
      !is_unused(&o))
    check_edges(&o);
}

/* ---- Blocks ---- */

static void check_word(gc_block_id b, unsigned i) {
  _Atomic uint64_t *pair = gc_maps_of(b) + (i << 1);
  uint64_t alloc = gc_load_rlx(pair + gc_map_alloc());
  uint64_t mark = gc_load_rlx(pair + gc_map_mark());
  uint64_t valid = i < gc_map_words(gc_heap.blocks[b].slots)
                       ? gc_map_valid(gc_heap.blocks[b].slots, i)
                       : 0;
  if (mark & ~alloc)
    gc_fatal("verifier: block %u: marked slots that are not allocated "
             "(word %u: %lx)",
             b, i, (unsigned long)(mark & ~alloc));
  if ((alloc | mark) & ~valid)
    gc_fatal("verifier: block %u: bits beyond the last slot (word %u)", b, i);
  for (; mark != 0; mark &= mark - 1)
    check_object(b, (i << 6) + gc_bits_lowest(mark));
}

static void check_pool_block(gc_block_id b) {
  uint64_t hot = gc_block_hot(b);
  const struct gc_block *block = &gc_heap.blocks[b];
  const struct gc_size_class *sc = &gc_sizes.of[block->size_class];
  if ((uint32_t)hot != sc->reciprocal || block->slots != sc->slots ||
      gc_hot_bytes(hot) != sc->bytes)
    gc_fatal("verifier: block %u: entry and size class disagree", b);
  if (block->epoch != gc_heap.epoch)
    gc_fatal("verifier: block %u was not classified before marking", b);
  for (unsigned i = 0; i < GC_MAP_WORDS; i++)
    check_word(b, i);
}

static void check_large(gc_block_id head, void *cx) {
  (void)cx;
  const struct gc_block *block = &gc_heap.blocks[head];
  for (uint32_t i = 1; i < block->length; i++) {
    uint64_t hot = gc_block_hot(head + i);
    if (gc_hot_state(hot) != BLK_TAIL || (gc_block_id)hot != head)
      gc_fatal("verifier: block %u is no tail of large object %u", head + i,
               head);
  }
  check_word(head, 0);
}

void gc_verify_after_mark(void) {
  size_t blocks = gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT;
  for (size_t b = 1; b < blocks; b++)
    if (gc_hot_state(gc_block_hot((gc_block_id)b)) == BLK_SMALL)
      check_pool_block((gc_block_id)b);
  gc_large_each(check_large, NULL);
  if (!gc_space_check())
    gc_fatal("verifier: the maps of free blocks are damaged");
}
