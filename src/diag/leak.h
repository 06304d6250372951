/* src/diag/leak.h: leak finding (GC_FIND_LEAK). SPDX-License-Identifier: MIT
 *
 * For programs that free by hand: what is unreachable and was not freed is
 * reported by the collection that finds it, and then reclaimed. Memory of
 * uncollectable and notified kinds is never a leak.
 */
#ifndef GC_DIAG_LEAK_H
#define GC_DIAG_LEAK_H

/* What fits into a description, with its end. */
#define GC_LEAK_TEXT_BYTES 40u
/* Writes a description of the object into reports. Called with the world stopped. */
typedef void (*gc_leak_describe_fn)(void *object, char *text);
/* For the objects of a kind; null: none. */
void gc_leak_set_describe(unsigned kind, gc_leak_describe_fn describe);

/* World stopped, marks complete, before the flip. */
void gc_leak_report(void);

#endif
