/* src/compat/gc_incremental_h.c: gc_incremental.h: settings of incremental collection.
 * SPDX-License-Identifier: MIT
 *
 * Nothing reads them: they are kept for the program.
 */
#include "alloc/alloc.h"
#include "compat/compat.h"

void GC_enable_incremental(void) {
  gc_start();
  gc_start_thread();
}

int GC_is_incremental_mode(void) { return 0; }
int GC_incremental_protection_needs(void) { return GC_PROTECTS_NONE; }

/* As libgc outside incremental mode. */
void GC_start_incremental_collection(void) {}

/* ---- Time ---- */

unsigned long GC_time_limit = GC_TIME_UNLIMITED;
static unsigned long time_limit_ns; /* beyond the milliseconds */

/* The variable is the milliseconds, so that they alone are set by it. */
void GC_set_time_limit(unsigned long ms) { GC_time_limit = ms; }

unsigned long GC_get_time_limit(void) { return GC_time_limit; }

void GC_set_time_limit_tv(struct GC_timeval_s tv) {
  GC_time_limit = tv.tv_ms;
  time_limit_ns = tv.tv_nsec;
}

struct GC_timeval_s GC_get_time_limit_tv(void) {
  return (struct GC_timeval_s){GC_time_limit, time_limit_ns};
}

/* ---- Amounts ---- */

int GC_full_freq = 19;
static int rate = 10, max_prior_attempts = 1;

void GC_set_full_freq(int value) { GC_full_freq = value; }

int GC_get_full_freq(void) { return GC_full_freq; }

void GC_set_rate(int value) { rate = value; }

int GC_get_rate(void) { return rate; }

void GC_set_max_prior_attempts(int value) { max_prior_attempts = value; }

int GC_get_max_prior_attempts(void) { return max_prior_attempts; }

/* ---- The program's own write barrier ---- */

static int manual_vdb_allowed;

void GC_set_manual_vdb_allowed(int value) { manual_vdb_allowed = value != 0; }
int GC_get_manual_vdb_allowed(void) { return manual_vdb_allowed; }

void *GC_malloc_stubborn(size_t bytes) { return gc_alloc(bytes, KIND_NORMAL); }
void GC_change_stubborn(const void *object) { (void)object; }
