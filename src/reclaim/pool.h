/* src/reclaim/pool.h: free slots of one kind and size class.
 * SPDX-License-Identifier: MIT
 *
 * After a collection a pool's blocks are looked at again from the first on, each
 * classified at its first touch; blocks in which slots were freed by hand or
 * released by notification since they were passed wait on the available list.
 */
#ifndef GC_RECLAIM_POOL_H
#define GC_RECLAIM_POOL_H

#include "heap/tlab.h"

gc_inline struct gc_pool *gc_pool_of(unsigned kind, unsigned size_class) {
  return &gc_kinds[kind].pools[size_class];
}

/* Claims a run of free slots for the cell: bits set and run published under the
 * pool's lock, memory zeroed if the kind wants it. At most `want_bytes`, at least
 * one slot. False: the pool has no free slot; give it a block. */
bool gc_pool_claim(struct gc_pool *pool, struct gc_cell *cell,
                   size_t want_bytes);

/* Adds a fresh block (from gc_space_take) to the pool. False: no memory for the
 * tables; the block is given back. */
bool gc_pool_add_block(struct gc_pool *pool, gc_block_id b);

/* Its blocks at the moment. */
uint32_t gc_pool_count(struct gc_pool *pool);

/* Frees slots whose allocation bits are set: clears the bits and makes the
 * block available. The caller holds no pool lock. */
void gc_pool_free_slot(gc_block_id b, unsigned slot);

/* Keeps a dead object for an epoch if its block is not classified yet. */
void gc_pool_keep_slot(gc_block_id b, unsigned slot);

/* Frees the slots of a notified block whose state byte is `done`; returns how many. */
unsigned gc_pool_release(gc_block_id b, uint8_t done);

/* A thread's cell is given up: the tail of its run and its freed cells are free
 * again. */
void gc_pool_retire_cell(struct gc_pool *pool, struct gc_cell *cell);
void gc_pool_retire_all(struct gc_self *self);

/* Classifies what is left of the epoch in every pool; empty blocks are given
 * back to the space. World running or stopped. */
void gc_pool_classify_rest(struct gc_pool *pool);

/* Classifies at most `max` blocks from place `from` of the table on, for who wants to
 * know soon what died; nothing is given back. Returns the place to go on at, 0 when
 * everything in the pool is classified or the gate is closed. World running. */
uint32_t gc_pool_classify_some(struct gc_pool *pool, uint32_t from,
                               uint32_t max);

/* Runs f for each pool that has blocks. */
void gc_pool_each(void (*f)(struct gc_pool *, void *), void *cx);

/* New epoch (world stopped): all pools start over. */
void gc_pool_restart_all(void);

void gc_pool_lock_all_for_fork(void);
void gc_pool_unlock_all_after_fork(void);

#endif
