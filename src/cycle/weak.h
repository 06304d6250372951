/* src/cycle/weak.h: references that do not keep their object alive.
 * SPDX-License-Identifier: MIT
 *
 * Reading takes no lock while the object lives: in a region that defers stops it
 * reads the cell, then whether the object lives, then the cell again. Each of the
 * three is needed ([model.weak] in docs/design/protocol.md): in between, another
 * thread may have cleared the cell and handed the slot out, and then the bit
 * speaks of another object.
 */
#ifndef GC_CYCLE_WEAK_H
#define GC_CYCLE_WEAK_H

#include "reclaim/weak_cells.h"

/* Allocated, and neither condemned nor notified. The caller keeps stops away. */
bool gc_weak_is_live(const struct gc_object *object);

/* A reference to the live object that the address points into. Null: there is none,
 * or no memory. */
struct gc_weak *gc_weak_new(const void *address);

/* The address, or null when the object is dead; what was condemned is revived. Once
 * null, always null. */
void *gc_weak_get(struct gc_weak *weak);

#endif
