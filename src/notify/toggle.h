/* src/notify/toggle.h: references that the program makes strong or weak.
 * SPDX-License-Identifier: MIT
 *
 * A list that the program is asked about, object by object, when the world has been
 * stopped and before marking. A strong reference is a root; a weak one goes when its
 * object dies.
 */
#ifndef GC_NOTIFY_TOGGLE_H
#define GC_NOTIFY_TOGGLE_H

#include "heap/find.h"

/* Answers of the program; libgc's numbers. */
enum gc_toggle_answer { TOGGLE_DROP, TOGGLE_STRONG, TOGGLE_WEAK };

/* False: no memory. Takes the lock of notify/final. */
bool gc_toggle_add(void *object, bool is_strong);
/* [lock final] An object is freed by hand. */
void gc_toggle_forget(const struct gc_object *o);

/* World stopped: asks about all; calls back for strong ones; drops weak ones that are
 * not marked. */
void gc_toggle_ask(int (*ask)(void *object));
void gc_toggle_each_strong(void (*f)(void *object, void *cx), void *cx);
void gc_toggle_drop_unmarked(void);

#endif
