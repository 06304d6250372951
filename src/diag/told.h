/* src/diag/told.h: what a stop found wrong, told when the world runs. SPDX-License-Identifier: MIT
 *
 * Names of functions can be had from the loader only, and descriptions from the program
 * only; both may want locks that a stopped thread has. So the stop takes notes.
 */
#ifndef GC_DIAG_TOLD_H
#define GC_DIAG_TOLD_H

#include "heap/sited.h"

/* Objects named after one collection; the others are counted. */
#define GC_TOLD_SMASHED 50u
#define GC_TOLD_LEAKS 50u

enum gc_told_sort { TOLD_SMASHED, TOLD_SMASHED_UNDER, TOLD_LEAK };

/* What fits into a description, with its end. */
#define GC_TOLD_TEXT_BYTES 40u
typedef void (*gc_told_describe_fn)(void *object, char *text);
/* Describes objects of a kind in reports that they have leaked; null: nobody does.
 * Called while the world runs and no lock is held; the object is there until then, and
 * `release` frees it afterwards. */
void gc_told_set_describe(unsigned kind, gc_told_describe_fn describe,
                          void (*release)(void *));

/* World stopped, marks complete, before the flip. `offset` is that of the damage. */
void gc_told_note(enum gc_told_sort sort, const struct gc_object *o,
                  size_t offset);
/* World stopped, after all notes. */
void gc_told_keep_described(void);
/* World running, no lock held: tells all. */
void gc_told_tell(void);

#endif
