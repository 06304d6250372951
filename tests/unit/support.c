/* tests/unit/support.c: the client's switches for a core without compat.
 * SPDX-License-Identifier: MIT
 */
#include "base/switches.h"

static uint64_t gc_no, non_gc_bytes, free_space_divisor = 3, max_retries;
static int parallel, all_interior_pointers = 1, dont_gc, dont_expand;
static int use_entire_heap, find_leak, no_dls, dont_precollect;
static char *stackbottom;
static void *least_plausible, *greatest_plausible;
static void *(*oom_fn)(size_t);
static void (*on_heap_resize)(uint64_t);
static void (*push_other_roots)(void);
static int finalize_on_demand, java_finalization = 1;
static void (*finalizer_notifier)(void);

const struct gc_switches gc_switches = {&gc_no,
                                        &parallel,
                                        &all_interior_pointers,
                                        &dont_gc,
                                        &dont_expand,
                                        &use_entire_heap,
                                        &find_leak,
                                        &no_dls,
                                        &dont_precollect,
                                        &non_gc_bytes,
                                        &free_space_divisor,
                                        &max_retries,
                                        &stackbottom,
                                        &least_plausible,
                                        &greatest_plausible,
                                        &oom_fn,
                                        &on_heap_resize,
                                        &push_other_roots,
                                        &finalize_on_demand,
                                        &java_finalization,
                                        &finalizer_notifier};
