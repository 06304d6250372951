/* tests/api/stats.c: sizes and counters that the library reports. SPDX-License-Identifier: MIT */

/*
 * Contract: the counters describe one heap consistently: free is part of the
 * heap, totals grow by what is allocated, "since the collection" starts anew.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>

#include <string.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { MB = 1024 * 1024, N_KEEP = 100 };

static void *volatile keep[N_KEEP];

static void allocate_mb(size_t mb) {
  for (size_t i = 0; i < mb * 1024; i++)
    GC_malloc_atomic(1000);
}

static void free_bytes_are_part_of_the_heap(void) {
  for (int i = 0; i < 50; i++) {
    allocate_mb(1);
    tap_le(GC_get_free_bytes(), GC_get_heap_size());
  }
  gu_collect();
  tap_le(GC_get_free_bytes(), GC_get_heap_size());
}

static void total_bytes_grow_by_what_is_allocated(void) {
  GC_INIT();
  size_t before = GC_get_total_bytes();
  allocate_mb(20);
  size_t grown = GC_get_total_bytes() - before;
  tap_ge(grown, 20 * 1024 * 1000);
  tap_le(grown, 30 * MB);
}

static void bytes_since_the_collection_start_anew(void) {
  GC_INIT();
  GC_set_disable_automatic_collection(1);
  allocate_mb(5);
  tap_ge(GC_get_bytes_since_gc(), 4 * MB);
  tap_le(GC_get_bytes_since_gc(), GC_get_total_bytes());
  GC_gcollect();
  tap_le(GC_get_bytes_since_gc(), MB);
  allocate_mb(3);
  tap_ge(GC_get_bytes_since_gc(), 2 * MB);
  tap_le(GC_get_bytes_since_gc(), GC_get_total_bytes());
}

static void heap_size_follows_live_data(void) {
  GC_INIT();
  for (size_t i = 0; i < 40; i++)
    keep[i] = GC_malloc_atomic(MB);
  tap_ge(GC_get_heap_size(), 40 * MB);
  tap_ge(GC_get_obtained_from_os_bytes(), GC_get_heap_size());
  GC_gcollect();
  tap_le(GC_get_free_bytes(), GC_get_heap_size() - 40 * MB);
}

static void free_bytes_grow_when_objects_die(void) {
  GC_INIT();
  for (size_t i = 0; i < 40; i++)
    keep[i] = GC_malloc_atomic(MB);
  gu_collect();
  size_t before = GC_get_free_bytes() + GC_get_unmapped_bytes();
  for (size_t i = 0; i < 40; i++)
    keep[i] = NULL;
  gu_collect();
  tap_ge(GC_get_free_bytes() + GC_get_unmapped_bytes(), before + 36 * MB);
}

static void memory_use_follows_live_data(void) {
  GC_INIT();
  gu_collect();
  size_t before = GC_get_memory_use();
  for (size_t i = 0; i < 40; i++)
    keep[i] = GC_malloc_atomic(MB);
  gu_collect();
  tap_ge(GC_get_memory_use(), before + 40 * MB);
}

static void collection_number_counts(void) {
  GC_INIT();
  size_t no = GC_get_gc_no();
  for (int i = 0; i < 7; i++)
    GC_gcollect();
  tap_eq_u(GC_get_gc_no(), no + 7);
}

static void heap_usage_agrees_with_the_single_getters(void) {
  GC_word heap, free_bytes, unmapped, since, total;
  allocate_mb(3);
  GC_get_heap_usage_safe(&heap, &free_bytes, &unmapped, &since, &total);
  tap_eq_u(heap, GC_get_heap_size());
  tap_eq_u(free_bytes, GC_get_free_bytes());
  tap_eq_u(unmapped, GC_get_unmapped_bytes());
  tap_eq_u(since, GC_get_bytes_since_gc());
  tap_eq_u(total, GC_get_total_bytes());
}

static void heap_usage_takes_null(void) {
  GC_word total = 0;
  allocate_mb(3);
  GC_get_heap_usage_safe(NULL, NULL, NULL, NULL, NULL);
  GC_get_heap_usage_safe(NULL, NULL, NULL, NULL, &total);
  tap_ge(total, 3 * 1024 * 1000);
}

static void profile_is_complete(void) {
  struct GC_prof_stats_s s;
  GC_INIT();
  allocate_mb(3);
  size_t no = GC_get_gc_no();
  tap_eq_u(sizeof s, 96);
  memset(&s, 0xee, sizeof s);
  tap_eq_u(GC_get_prof_stats(&s, sizeof s), sizeof s);
  tap_eq_u(s.gc_no, no);
  tap_ge(s.heapsize_full, GC_get_heap_size());
  tap_le(s.free_bytes_full, s.heapsize_full);
  tap_le(s.unmapped_bytes, s.heapsize_full);
  tap_ge(s.bytes_allocd_since_gc + s.allocd_bytes_before_gc, 3 * 1024 * 1000);
  tap_ge(s.obtained_from_os_bytes, s.heapsize_full);
}

static void longer_profile_is_filled_up(void) {
  unsigned char buffer[sizeof(struct GC_prof_stats_s) + 64];
  GC_INIT();
  memset(buffer, 0, sizeof buffer);
  GC_get_prof_stats((struct GC_prof_stats_s *)(void *)buffer,
                    sizeof buffer - 16);
  for (size_t i = sizeof(struct GC_prof_stats_s); i < sizeof buffer - 16; i++)
    tap_require(buffer[i] == 0xff);
  for (size_t i = sizeof buffer - 16; i < sizeof buffer; i++)
    tap_require(buffer[i] == 0);
}

static void shorter_profile_is_respected(void) {
  struct GC_prof_stats_s s;
  GC_INIT();
  memset(&s, 0xee, sizeof s);
  GC_get_prof_stats(&s, 24);
  tap_eq_u(s.heapsize_full, GC_get_heap_size() + GC_get_unmapped_bytes());
  unsigned char *bytes = (unsigned char *)&s;
  for (size_t i = 24; i < sizeof s; i++)
    tap_require(bytes[i] == 0xee);
}

static void *get_unsafe(void *arg) {
  GC_get_prof_stats_unsafe(arg, sizeof(struct GC_prof_stats_s));
  return NULL;
}

static void profile_under_the_lock(void) {
  struct GC_prof_stats_s a, b;
  GC_INIT();
  GC_get_prof_stats(&a, sizeof a);
  GC_call_with_alloc_lock(get_unsafe, &b);
  tap_eq_u(a.gc_no, b.gc_no);
  tap_eq_u(a.heapsize_full, b.heapsize_full);
}

static void non_gc_bytes_are_kept(void) {
  GC_INIT();
  GC_word before = GC_get_non_gc_bytes();
  GC_set_non_gc_bytes(before + 1000);
  tap_eq_u(GC_get_non_gc_bytes(), before + 1000);
}

/* Memory that the client frees by itself is no reason to collect. */
static void non_gc_bytes_delay_collections(void) {
  GC_INIT();
  GC_gcollect();
  size_t start = GC_get_gc_no();
  allocate_mb(60);
  size_t usual = GC_get_gc_no() - start;
  tap_ge(usual, 8);
  for (int i = 0; i < 60; i++) {
    GC_set_non_gc_bytes(GC_get_non_gc_bytes() + MB);
    allocate_mb(1);
  }
  size_t delayed = GC_get_gc_no() - start - usual;
  tap_le(delayed, usual / 2);
  allocate_mb(60);
  tap_ge(GC_get_gc_no() - start - usual - delayed, 1);
}

static void parallel_marking_is_reported(void) {
  GC_INIT();
  tap_ge(GC_get_parallel(), 0);
  tap_le(GC_get_parallel(), 64);
}

TAP_MAIN(TAP_CASE(free_bytes_are_part_of_the_heap),
         TAP_CASE(total_bytes_grow_by_what_is_allocated),
         TAP_CASE(bytes_since_the_collection_start_anew),
         TAP_CASE(heap_size_follows_live_data),
         TAP_CASE(free_bytes_grow_when_objects_die),
         TAP_CASE(memory_use_follows_live_data),
         TAP_CASE(collection_number_counts),
         TAP_CASE(heap_usage_agrees_with_the_single_getters),
         TAP_CASE(heap_usage_takes_null), TAP_CASE(profile_is_complete),
         TAP_CASE(longer_profile_is_filled_up),
         TAP_CASE(shorter_profile_is_respected),
         TAP_CASE(profile_under_the_lock), TAP_CASE(non_gc_bytes_are_kept),
         TAP_CASE(non_gc_bytes_delay_collections),
         TAP_CASE(parallel_marking_is_reported))
