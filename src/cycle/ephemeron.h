/* src/cycle/ephemeron.h: values that live as long as their keys.
 * SPDX-License-Identifier: MIT
 *
 * An ephemeron is a weak reference to its key with a value that counts as one only
 * while the key lives. So whether the value lives is known when marking has found
 * the key, and what the value refers to may be other keys.
 *
 * World stopped, after marking. First the values of marked keys become grey, and
 * blocks with unmarked keys are watched: their entries then say that their objects
 * are special and no leaves, so that the marker brings each object that it still
 * finds there to a slow path, which looks for values in a table by key; its loop is
 * as fast as ever. When marking has ended, what is not marked is dead, and its ephemerons
 * are cleared at once: nothing condemned or held has any, so reading one never
 * revives. Cost: the number of ephemerons, plus a look into the table for what is
 * found in watched blocks only now.
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
