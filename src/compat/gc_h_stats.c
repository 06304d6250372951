/* src/compat/gc_h_stats.c: gc.h: statistics. SPDX-License-Identifier: MIT
 */
#include "compat/compat.h"
#include "cycle/api_lock.h"
#include "cycle/collect.h"
#include "diag/stats.h"
#include "heap/space.h"

#include <string.h>

/* ---- Single figures ---- */

static struct gc_stats now(void) {
  struct gc_stats s;
  gc_stats_read(&s);
  return s;
}

size_t GC_get_heap_size(void) { return gc_stats_heap_bytes(); }
size_t GC_get_free_bytes(void) { return gc_stats_free_bytes(); }
size_t GC_get_unmapped_bytes(void) { return now().unmapped_bytes; }
size_t GC_get_bytes_since_gc(void) { return now().since_gc; }
size_t GC_get_expl_freed_bytes_since_gc(void) { return now().freed_since_gc; }
size_t GC_get_total_bytes(void) { return now().total; }
size_t GC_get_obtained_from_os_bytes(void) { return now().obtained; }

size_t GC_get_memory_use(void) {
  return gc_space_heap_bytes() - gc_space_free_bytes();
}

size_t GC_get_size_map_at(int i) {
  if (i < 0 || (size_t)i + gc_heap.slop > GC_SMALL_MAX_BYTES)
    return (size_t)-1;
  if (gc_sizes.count == 0)
    return 0;
  size_t bytes = (size_t)i + gc_heap.slop;
  return gc_sizes.of[gc_sizeclass_of(bytes == 0 ? 1 : bytes)].bytes;
}

/* ---- Several figures at once ---- */

static struct gc_stats now_together(void) {
  gc_api_lock();
  struct gc_stats s = now();
  gc_api_unlock();
  return s;
}

static void store(GC_word *out, size_t value) {
  if (out != NULL)
    *out = value;
}

void GC_get_heap_usage_safe(GC_word *heap_size, GC_word *free_bytes,
                            GC_word *unmapped_bytes, GC_word *bytes_since_gc,
                            GC_word *total_bytes) {
  struct gc_stats s = now_together();
  store(heap_size, s.heap_bytes);
  store(free_bytes, s.free_bytes);
  store(unmapped_bytes, s.unmapped_bytes);
  store(bytes_since_gc, s.since_gc);
  store(total_bytes, s.total);
}

/* The client's structure may be shorter or longer than ours. */
static size_t fill_prof(struct GC_prof_stats_s *out, size_t bytes,
                        const struct gc_stats *s) {
  const struct GC_prof_stats_s all = {
      .heapsize_full = s->heap_bytes + s->unmapped_bytes,
      .free_bytes_full = s->free_bytes + s->unmapped_bytes,
      .unmapped_bytes = s->unmapped_bytes,
      .bytes_allocd_since_gc = s->since_gc,
      .allocd_bytes_before_gc = s->before_gc,
      .non_gc_bytes = s->non_gc_bytes,
      .gc_no = GC_gc_no,
      .markers_m1 = (GC_word)GC_parallel,
      .bytes_reclaimed_since_gc = s->reclaimed_last,
      .reclaimed_bytes_before_gc = s->reclaimed_before,
      .expl_freed_bytes_since_gc = s->freed_since_gc,
      .obtained_from_os_bytes = s->obtained,
  };
  size_t filled = bytes < sizeof all ? bytes : sizeof all;
  memset(out, 0xff, bytes);
  memcpy(out, &all, filled);
  return filled;
}

size_t GC_get_prof_stats(struct GC_prof_stats_s *out, size_t bytes) {
  struct gc_stats s = now_together();
  return fill_prof(out, bytes, &s);
}

size_t GC_get_prof_stats_unsafe(struct GC_prof_stats_s *out, size_t bytes) {
  struct gc_stats s = now();
  return fill_prof(out, bytes, &s);
}

/* ---- Time ---- */

static _Atomic uint64_t measured_from_ns;
static _Atomic bool is_measured;

void GC_start_performance_measurement(void) {
  gc_store_rlx(&measured_from_ns, gc_cycle_stats.total_ns);
  gc_store_rlx(&is_measured, true);
}

unsigned long GC_get_full_gc_total_time(void) {
  if (!gc_load_rlx(&is_measured))
    return 0;
  return (gc_cycle_stats.total_ns - gc_load_rlx(&measured_from_ns)) / 1000000;
}
