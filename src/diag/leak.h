/* src/diag/leak.h: leak finding (GC_FIND_LEAK). SPDX-License-Identifier: MIT
 *
 * For programs that free by hand: what is unreachable and was not freed is
 * reported by the collection that finds it, and then reclaimed. Memory of
 * uncollectable and notified kinds is never a leak.
 */
#ifndef GC_DIAG_LEAK_H
#define GC_DIAG_LEAK_H

/* World stopped, marks complete, before the flip: notes what has leaked. */
void gc_leak_search(void);

#endif
