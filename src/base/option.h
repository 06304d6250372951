/* src/base/option.h: the table of run-time options. SPDX-License-Identifier: MIT
 *
 * One row an option: name of the environment variable, type, field, default,
 * help. Read once, at start. Sizes take a suffix k, m or g. Setters of the API
 * that were called before win over the environment's defaults, not over its
 * values (libgc's order).
 */
#ifndef GC_BASE_OPTION_H
#define GC_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FLAG: true when set, unless "0". SIZE: bytes. NUMBER: as written. */
#define GC_OPTIONS(X)                                                          \
  X("GC_INITIAL_HEAP_SIZE", SIZE, initial_heap, "heap size at start")          \
  X("GC_MAXIMUM_HEAP_SIZE", SIZE, maximum_heap, "upper limit of the heap")     \
  X("GC_FREE_SPACE_DIVISOR", NUMBER, free_space_divisor,                       \
    "larger: smaller heap, more collections")                                  \
  X("GC_DONT_GC", FLAG, dont_gc, "never collect")                              \
  X("GC_FIND_LEAK", FLAG, find_leak,                                           \
    "report unreachable objects that were not freed")                          \
  X("GC_ABORT_ON_LEAK", FLAG, abort_on_leak,                                   \
    "end the process when leaks or damage were reported")                      \
  X("GC_FORCE_UNMAP_ON_GCOLLECT", FLAG, force_unmap,                           \
    "GC_gcollect returns all free memory to the system")                       \
  X("GC_PRINT_STATS", FLAG, print_stats, "a line on each collection")          \
  X("GC_PRINT_VERBOSE_STATS", FLAG, verbose_stats, "the same")                 \
  X("GC_DUMP_REGULARLY", FLAG, dump_regularly,                                 \
    "print what the heap holds after each collection")                         \
  X("GC_ALL_INTERIOR_POINTERS", NUMBER, all_interior_pointers,                 \
    "0: no spare byte behind objects")                                         \
  X("GC_LOG_FILE", TEXT, log_file, "messages go to this file")                 \
  X("GCX_VERIFY", FLAG, verify, "check the heap after each collection")        \
  X("GCX_CALL_CHAIN", NUMBER, call_chain,                                      \
    "calls that debugging objects remember")                                   \
  X("GCX_DEBUG_KINDS", FLAG, debug_kinds,                                      \
    "all kinds of gcx/reclaim.h are debug kinds")                              \
  X("GCX_QUARANTINE", NUMBER, quarantine,                                      \
    "collections before dead objects of debug kinds are free")                 \
  X("GCX_TORTURE_ALLOC", NUMBER, torture_alloc,                                \
    "collect at every n-th slow allocation")                                   \
  X("GCX_TORTURE_MARK_STACK", NUMBER, torture_mark_stack,                      \
    "mark stack of n entries")                                                 \
  X("GCX_TORTURE_MAP_FAIL", NUMBER, torture_map_fail,                          \
    "every n-th request for memory from the system fails")                     \
  X("GCX_TORTURE_CLAIM", FLAG, torture_claim,                                  \
    "threads claim one object at a time")

struct gc_option_value {
  bool is_set;
  size_t number;
  const char *text, *name;
};

struct gc_options {
#define GC_OPTION_FIELD(name, type, field, help) struct gc_option_value field;
  GC_OPTIONS(GC_OPTION_FIELD)
#undef GC_OPTION_FIELD
};

extern struct gc_options gc_options;

/* Reads all through `get`; `complain` is called for values that make no sense,
 * which are ignored. */
void gc_options_read(const char *(*get)(const char *name),
                     void (*complain)(const char *name, const char *value));

#endif
