/* src/reclaim/weak_cells.h: cells of weak references, by block.
 * SPDX-License-Identifier: MIT
 *
 * A cell holds the address of one object, hidden, in memory that is never scanned.
 * The cells of a block are in lists, one for each word of its maps; a block with
 * cells has the flag BF_WEAK, so that blocks without any pay one test.
 *
 * The invariant on which reading a cell without a lock depends (see cycle/weak):
 * a cell is cleared before its slot can be handed out again, that is
 *   - when the block is classified, if the slot is not allocated any more;
 *   - when a notified slot is released, or a large object given back;
 *   - when the object is freed by hand.
 * Nothing happens in the stop.
 */
#ifndef GC_RECLAIM_WEAK_CELLS_H
#define GC_RECLAIM_WEAK_CELLS_H

#include "heap/find.h"

struct gc_weak {
  _Atomic uint64_t hidden; /* ~address, 0 when cleared; [atomic: w under lock
                              weak (release) / r by gc_weak_get (acquire)] */
  uint32_t next, previous; /* numbers of cells, 0: none; [lock weak] */
  uint32_t block;          /* [const while not cleared], as what follows */
  uint32_t epoch;          /* in which it was made: the object lived then */
  uint32_t value;          /* number of an ephemeron's value, 0: none */
  uint16_t slot;
  bool is_used; /* [lock weak] */
};
_Static_assert(sizeof(struct gc_weak) == 32, "two cells a cache line");

/* A cell for an allocated object; null: no memory. The caller keeps stops away. */
struct gc_weak *gc_weak_cell_new(const struct gc_object *object,
                                 const void *address);
/* Aborts with a message when it is no cell in use. */
void gc_weak_cell_free(struct gc_weak *cell);
void gc_weak_cell_clear(struct gc_weak *cell);

/* ---- Ephemerons: cells with a value ---- */

/* Values stand close together in an array of their own, without gaps, so that the
 * stop sees no other cells. The value goes when its cell is cleared. */
struct gc_weak_value {
  uint64_t word;  /* any; [lock weak], read in the stop */
  uint32_t cell;  /* its number */
  uint32_t next;  /* [stw] waiting, see cycle/ephemeron */
  uint32_t block; /* as in the cell: the stop reads values in their order */
  uint16_t slot;
};
_Static_assert(sizeof(struct gc_weak_value) == 24, "values are close together");

/* False: no memory. The cell was just made. */
bool gc_weak_value_add(struct gc_weak *cell, uint64_t word);
/* False: the cell is cleared. */
bool gc_weak_value_get(const struct gc_weak *cell, uint64_t *out_word);
bool gc_weak_value_set(struct gc_weak *cell, uint64_t word);

/* World stopped: values are numbered from 1 on. When a cell is cleared the last value
 * takes its number. */
uint32_t gc_weak_value_count(void);
struct gc_weak_value *gc_weak_value_at(uint32_t number);
struct gc_weak *gc_weak_value_cell(const struct gc_weak_value *value);

/* ---- Clearing ---- */

gc_inline bool gc_weak_is_in(gc_block_id b) {
  return gc_load_rlx(&gc_heap.blocks[b].flags) & BF_WEAK;
}

/* Clear all cells of a slot that is about to be free; of the slots of a block, not
 * yet classified, that died, or that have this state (its pool's lock is held); of a
 * block that is given back. */
void gc_weak_clear_slot(gc_block_id b, unsigned slot);
void gc_weak_clear_dead(gc_block_id b);
void gc_weak_clear_state(gc_block_id b, uint8_t state);
void gc_weak_clear_block(gc_block_id b);

void gc_weak_lock_for_fork(void);
void gc_weak_unlock_after_fork(void);

#endif
