/* src/cycle/waiting.h: values whose keys marking has not found yet.
 * SPDX-License-Identifier: MIT
 *
 * World stopped. A waiting value is an ephemeron's (its number in
 * reclaim/weak_cells) or an entry of a weak map (a note of where it is). The block of
 * its key, or of each of its keys, is watched from then on: its entry hot[b] says that
 * objects there are special and no leaves, so the marker brings each object that it
 * still finds there to gc_waiting_mark_values_of, which looks into a table by key; its
 * loop is as fast as ever.
 */
#ifndef GC_CYCLE_WAITING_H
#define GC_CYCLE_WAITING_H

#include "mark/mark.h"
#include "reclaim/joint_table.h"
#include "reclaim/weak_cells.h"
#include "reclaim/weak_table.h"

/* Nothing waits. */
void gc_waiting_open(void);

/* Before anything that was found meanwhile is scanned. */
void gc_waiting_add_value(uint32_t number);
/* Where a key is: of a small or large object, by the address of its start. */
struct gc_waiting_key {
  gc_block_id block;
  unsigned slot;
};
struct gc_waiting_key gc_waiting_key_of(const struct gc_weak_entry *entry);
/* False: no memory; the block is not watched. */
bool gc_waiting_add_entry(struct gc_weak_segment *segment, unsigned i,
                          struct gc_waiting_key key);

/* The number of a key of the entry that has no mark, or GC_JOINT_KEYS. */
unsigned gc_waiting_missing_key(const struct gc_joint_entry *entry);
/* An entry of several keys waits for the one that is missing, and when that is found
 * for another that is missing then. False: no memory; no block is watched. */
bool gc_waiting_add_joint(struct gc_joint_entry *entry, unsigned missing);
/* All are added; from here on they are found by key. */
void gc_waiting_sort(void);
bool gc_waiting_is_empty(void);
void gc_waiting_mark_values_of(struct gc_marker *m,
                               const struct gc_object *key);

/* Blocks are watched no more. */
void gc_waiting_end_watch(void);
/* Drops the entries with one key that has no mark in the end. */
void gc_waiting_drop_unmarked_entries(void);
void gc_waiting_close(void);

#endif
