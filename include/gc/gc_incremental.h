/* include/gc/gc_incremental.h: libgc's settings of incremental collection. SPDX-License-Identifier: MIT */

/* Part of gc.h, which includes it; contracts in brackets are explained there.
 *
 * This release stops the world for whole collections, and its stops are short.
 * Programs that ask for incremental collection run unchanged and are told that
 * there is none.  What they set is kept, and has no effect. */
#ifndef GC_INCREMENTAL_H
#define GC_INCREMENTAL_H

#include "gc_config_macros.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Asks for incremental collection.  Starts the collector, no more.
 * [collect] */
GC_API void GC_CALL GC_enable_incremental(void);

/* 1 while collections are incremental: 0.  [query] */
GC_API int GC_CALL GC_is_incremental_mode(void);

/* What incremental collection would write-protect: GC_PROTECTS_NONE.
 * [query] */
#define GC_PROTECTS_POINTER_HEAP 1 /* objects that hold references */
#define GC_PROTECTS_PTRFREE_HEAP 2
#define GC_PROTECTS_STATIC_DATA 4
#define GC_PROTECTS_STACK 8
#define GC_PROTECTS_NONE 0
GC_API int GC_CALL GC_incremental_protection_needs(void);

/* Begins a collection that is done in steps.  Outside incremental mode, so
 * always, it begins none.  [query] */
GC_API void GC_CALL GC_start_incremental_collection(void);

/* The time for one step: milliseconds, by the variable also, or milliseconds and
 * nanoseconds, which the others leave alone.  Kept for whoever asks.  [set] */
#define GC_TIME_UNLIMITED 999999
struct GC_timeval_s {
  unsigned long tv_ms;
  unsigned long tv_nsec; /* below 1000000 */
};
GC_API unsigned long GC_time_limit;
GC_API void GC_CALL GC_set_time_limit(unsigned long);
GC_API unsigned long GC_CALL GC_get_time_limit(void);
GC_API void GC_CALL GC_set_time_limit_tv(struct GC_timeval_s);
GC_API struct GC_timeval_s GC_CALL GC_get_time_limit_tv(void);

/* Partial collections between full ones, 19; work of a step, 10; steps that may
 * be given up before one is carried through, 1.  Kept likewise, out of their range
 * too.  [set] */
GC_API int GC_full_freq;
GC_API void GC_CALL GC_set_full_freq(int);
GC_API int GC_CALL GC_get_full_freq(void);
GC_API void GC_CALL GC_set_rate(int);
GC_API int GC_CALL GC_get_rate(void);
GC_API void GC_CALL GC_set_max_prior_attempts(int);
GC_API int GC_CALL GC_get_max_prior_attempts(void);

/* Whether the program promises GC_PTR_STORE_AND_DIRTY for every store.  Kept
 * likewise; default 0.  [set] */
GC_API void GC_CALL GC_set_manual_vdb_allowed(int);
GC_API int GC_CALL GC_get_manual_vdb_allowed(void);

/* Objects that are changed rarely, by name: GC_malloc.  To announce a change
 * is not necessary.  [alloc], [query] */
GC_API GC_ATTR_MALLOC GC_ATTR_ALLOC_SIZE(1) void *GC_CALL
GC_malloc_stubborn(size_t);
GC_API void GC_CALL GC_change_stubborn(const void *);

#ifdef __cplusplus
}
#endif

#endif /* GC_INCREMENTAL_H */
