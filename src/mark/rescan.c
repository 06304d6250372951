/* src/mark/rescan.c: recovery when the mark stack is full.
 * SPDX-License-Identifier: MIT
 *
 * The flag of a block means: it has marked objects whose referents may be white.
 * A round takes flagged blocks one after the other, clears the flag and pushes
 * marked objects that can be scanned; the caller drains in between, because
 * pushing stops (and flags again) as soon as the stack is full.
 */
#include "mark/rescan.h"

#include "mark/mark_inline.h"

static void flag_block(struct gc_marker *m, gc_block_id b) {
  gc_or_rlx(&gc_heap.blocks[b].flags, BF_RESCAN);
  m->overflowed = true;
}

void gc_rescan_note(struct gc_marker *m, const char *at) {
  struct gc_object o;
  if (gc_find(at, &o))
    flag_block(m, o.block);
}

void gc_rescan_mark_only(struct gc_marker *m, uint64_t word) {
  uint64_t entry[1], *sp;
  sp = gc_mark_one(gc_mark_view(), word, entry, m->live);
  if (sp != entry)
    gc_rescan_note(m, (const char *)(uintptr_t)(entry[0] & GREY_ADDRESS_MASK));
}

/* Rescanning leaves two thirds of the stack to the draining that follows. */
static bool has_room(const struct gc_marker *m) {
  const uint64_t *base = (const uint64_t *)(const void *)m->stack.base;
  return m->sp - base < (m->limit - base) / 3;
}

/* Pushes the marked objects of a block from slot `*from` on, as far as there is
 * room. */
static bool push_marked(struct gc_marker *m, gc_block_id b, unsigned *from) {
  uint64_t hot = gc_block_hot(b);
  uint64_t size = (hot >> HOT_SIZE_SHIFT) & 0xffff;
  unsigned slots = gc_heap.blocks[b].slots;
  for (; *from < slots; ++*from) {
    if (!has_room(m))
      return false;
    if (gc_map_test(b, *from, gc_map_mark()))
      *m->sp++ = (uint64_t)(uintptr_t)gc_slot_address(b, hot, *from) |
                 size << GREY_SIZE_SHIFT;
  }
  return true;
}

static bool take_flag(gc_block_id b) {
  uint8_t old = gc_and_rlx(&gc_heap.blocks[b].flags, (uint8_t)~BF_RESCAN);
  return old & BF_RESCAN;
}

/* One flagged block after the other, draining as we go; new flags may appear
 * behind us and are found by the next round. */
bool gc_rescan_round(struct gc_marker *m) {
  if (!m->overflowed && m->rescan_block == 0)
    return false;
  gc_block_id end = (gc_block_id)(gc_load_rlx(&gc_heap.used) >> GC_BLOCK_SHIFT);
  if (m->rescan_block == 0) {
    m->overflowed = false;
    m->rescan_block = 1;
    m->rescan_slot = 0;
  }
  for (; m->rescan_block < end; m->rescan_block++, m->rescan_slot = 0) {
    gc_block_id b = m->rescan_block;
    if (!has_room(m))
      return true; /* before the flag is taken: slot 0 means "flag not taken" */
    if (m->rescan_slot == 0 && !take_flag(b))
      continue;
    if (!push_marked(m, b, &m->rescan_slot))
      return true;
  }
  m->rescan_block = 0;
  return true;
}
