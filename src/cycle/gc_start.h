/* src/cycle/gc_start.h: starting the collector. SPDX-License-Identifier: MIT
 */
#ifndef GC_CYCLE_GC_START_H
#define GC_CYCLE_GC_START_H

#include <stdbool.h>

/* Starts the collector once, from any thread; registers the calling thread if it
 * is the main thread. Cheap when done. */
void gc_start(void);
bool gc_is_started(void);
/* Registers the calling thread implicitly if it is unknown. False: no memory. */
bool gc_start_thread(void);

/* Run at the end of the start; set by diag before (a constructor of the library). */
extern void (*gc_start_observers)(void);

/* fork handlers wanted (libgc's handle_fork; before the start). */
void gc_start_set_fork(int mode);
int gc_start_get_fork(void);

#endif
