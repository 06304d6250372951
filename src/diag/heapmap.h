/* src/diag/heapmap.h: a picture of the heap. SPDX-License-Identifier: MIT
 */
#ifndef GC_DIAG_HEAPMAP_H
#define GC_DIAG_HEAPMAP_H

/* Writes an SVG: a cell for each block, its colour the state and kind, its
 * strength the occupancy. 0, or an errno value. Takes the api lock; does not
 * collect. */
int gc_heapmap_write(const char *path);

#endif
