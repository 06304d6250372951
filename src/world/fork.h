/* src/world/fork.h: fork in a process with threads.
 * SPDX-License-Identifier: MIT
 *
 * Before fork all internal locks are taken in rank order, so that no structure
 * is half changed in the child; the world is not stopped (a stopped thread may
 * hold the libc's malloc lock). In the child only the forking thread remains:
 * records of the others are dropped and their buffers retired.
 */
#ifndef GC_WORLD_FORK_H
#define GC_WORLD_FORK_H

#include <stdbool.h>

/* Upcalls of the layers above, called between world's own steps: `prepare`
 * takes the api lock first and, after the thread list is locked, the rest. */
struct gc_fork_steps {
  void (*lock_outer)(void); /* the api lock */
  void (*lock_inner)(void); /* kinds, pools, blocks, arena */
  void (*unlock_inner)(void);
  void (*unlock_outer)(void);
  void (*reset_inner)(void); /* child: make the locks free */
  void (*reset_outer)(void);
};

void gc_fork_set_steps(const struct gc_fork_steps *steps);
/* Installs the handlers once; false when the system refuses. */
bool gc_fork_install(void);
/* The three steps, for clients that call them by hand. */
void gc_fork_prepare(void);
void gc_fork_parent(void);
void gc_fork_child(void);

#endif
