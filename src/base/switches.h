/* src/base/switches.h: the client's switches and hooks, as the core reads them.
 * SPDX-License-Identifier: MIT
 *
 * libgc's public data variables are the switches: they are read at each use and
 * never copied. They belong to the compat layer, where a client may bind them by
 * copy relocation; the core reaches them through this table of addresses, which
 * the dynamic linker fills in. A core without compat (unit tests) supplies its
 * own table. Hooks have setters only and live here.
 */
#ifndef GC_BASE_SWITCHES_H
#define GC_BASE_SWITCHES_H

#include <stddef.h>
#include <stdint.h>

struct gc_switches {
  uint64_t *gc_no;
  int *parallel;
  int *
      all_interior_pointers; /* read once, at start: object sizes depend on it */
  int *dont_gc;              /* nesting depth of disable; > 0: no collections */
  int *dont_expand;
  int *use_entire_heap; /* nonzero: free blocks are used up before collecting */
  int *find_leak;       /* nonzero: collections report what was lost */
  int *no_dls;
  int *dont_precollect;
  uint64_t *non_gc_bytes;
  uint64_t *free_space_divisor;
  uint64_t *max_retries;
  char **stackbottom; /* cold end of the main thread's stack, or of its fiber */
  void **least_plausible;
  void **greatest_plausible;
  void *(**oom_fn)(size_t);
  void (**on_heap_resize)(uint64_t);
  void (**push_other_roots)(void);
  int *finalize_on_demand;
  int *java_finalization;
  void (**finalizer_notifier)(void);
};

extern const struct gc_switches gc_switches;

/* Values are those of libgc's GC_EventType. */
enum gc_collection_event {
  EVENT_START,
  EVENT_MARK_START,
  EVENT_MARK_END,
  EVENT_RECLAIM_START,
  EVENT_RECLAIM_END,
  EVENT_END,
  EVENT_PRE_STOP_WORLD,
  EVENT_POST_STOP_WORLD,
  EVENT_PRE_START_WORLD,
  EVENT_POST_START_WORLD,
  EVENT_THREAD_SUSPENDED,
  EVENT_THREAD_UNSUSPENDED
};

/* [any thread may set; read racily as libgc does, one word each] */
struct gc_hooks {
  void (*warn)(char *format, uint64_t arg);
  int (*stop)(void); /* nonzero: abandon the collection that asks */
  void (*start)(void);
  void (*event)(int gc_collection_event);
  void (*thread_event)(int gc_collection_event, void *thread_id);
  int (*has_static_roots)(const char *image, void *section, size_t bytes);
  void (*await_finalize)(void *object); /* became ready; api lock held */
  int (*toggleref)(void *object);       /* asked in each stop */
  int disable_automatic;      /* nonzero: allocation starts no collections */
  int force_unmap;            /* nonzero: explicit ones return all free pages */
  size_t min_bytes_allocd;    /* nor before so many bytes since the last one */
  size_t bytes_per_finaliser; /* that a new one counts for; 0: nothing */
};

extern struct gc_hooks gc_hooks;

#endif
