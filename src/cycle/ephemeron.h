/* src/cycle/ephemeron.h: values that live as long as their keys.
 * SPDX-License-Identifier: MIT
 *
 * An ephemeron is a weak reference to its key with a value that counts as one only
 * while the key lives. So whether the value lives is known when marking has found
 * the key, and what the value refers to may be other keys.
 *
 * An entry of a weak map is the same: a value with its key.
 *
 * World stopped, after marking. First the values of marked keys become grey, and the
 * others wait (cycle/waiting): the marker tells when it finds a key. When marking has
 * ended, what is not marked is dead, and its ephemerons and entries are cleared at
 * once: nothing condemned or held has any, so reading one never revives. Cost: the
 * number of ephemerons and of slots of tables, plus a look into a table for what is
 * found in the blocks of waiting keys only now.
 */
#ifndef GC_CYCLE_EPHEMERON_H
#define GC_CYCLE_EPHEMERON_H

#include "mark/mark.h"
#include "reclaim/weak_cells.h"

/* Marks what living keys keep; clears the others, unless marking is abandoned. */
void gc_ephemeron_mark(struct gc_marker *m);

/* As gc_weak_new, with a value. */
struct gc_weak *gc_ephemeron_new(const void *key, const void *value);
/* Null when the key is dead. */
void *gc_ephemeron_value(const struct gc_weak *ephemeron);
bool gc_ephemeron_set_value(struct gc_weak *ephemeron, const void *value);

#endif
