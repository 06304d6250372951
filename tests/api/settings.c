/* tests/api/settings.c: settings that are kept, views of the heap, private symbols. SPDX-License-Identifier: MIT */

/*
 * Contract: a setting is answered as it was set, its variable is the setting;
 * what a program without incremental collection is told; every object is
 * enumerated under the lock; the world can be stopped by hand.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#include <gc/gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

/* No header has them. */
extern void GC_printf(const char *format, ...);
extern void GC_err_printf(const char *format, ...);
extern void GC_log_printf(const char *format, ...);
extern void GC_incr_bytes_allocd(size_t bytes);
extern void GC_incr_bytes_freed(size_t bytes);
extern void (*GC_on_abort)(const char *message);
extern void **GC_objfreelist_ptr, **GC_aobjfreelist_ptr;

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { N_OBJ = 1000, BYTES = 100 };
static void *volatile keep[N_OBJ];

/* ---- Settings ---- */

static void numbers_are_kept(void) {
  tap_eq_u(GC_get_full_freq(), 19);
  tap_eq_u(GC_get_rate(), 10);
  tap_eq_u(GC_get_max_prior_attempts(), 1);
  tap_eq_u(GC_get_manual_vdb_allowed(), 0);
  GC_set_full_freq(5);
  GC_set_rate(7);
  GC_set_max_prior_attempts(3);
  GC_set_manual_vdb_allowed(1);
  GC_INIT();
  tap_eq_u(GC_get_full_freq(), 5);
  tap_eq_u(GC_full_freq, 5);
  GC_full_freq = 6;
  tap_eq_u(GC_get_full_freq(), 6);
  tap_eq_u(GC_get_rate(), 7);
  tap_eq_u(GC_get_max_prior_attempts(), 3);
  tap_eq_u(GC_get_manual_vdb_allowed(), 1);
}

static void time_limits_are_kept(void) {
  struct GC_timeval_s tv = GC_get_time_limit_tv();
  tap_eq_u(tv.tv_ms, GC_TIME_UNLIMITED);
  tap_eq_u(tv.tv_nsec, 0);
  tv.tv_ms = 3;
  tv.tv_nsec = 500;
  GC_set_time_limit_tv(tv);
  tap_eq_u(GC_get_time_limit(), 3);
  tap_eq_u(GC_time_limit, 3);
  tap_eq_u(GC_get_time_limit_tv().tv_nsec, 500);
  GC_set_time_limit(7);
  tap_eq_u(GC_get_time_limit_tv().tv_ms, 7);
}

/* Nothing here asks for incremental collection. */
static void without_incremental_mode(void) {
  GC_INIT();
  tap_eq_u(GC_is_incremental_mode(), 0);
  unsigned long before = GC_get_gc_no();
  GC_start_incremental_collection();
  tap_eq_u(GC_get_gc_no(), before);
}

static void enabling_incremental_mode_starts_the_collector(void) {
  GC_enable_incremental();
  tap_eq_u(GC_is_init_called(), 1);
  int mode = GC_is_incremental_mode();
  tap_check(mode == 0 || mode == 1);
  tap_check(mode == 1 || !gu_on_reclaim() ||
            GC_incremental_protection_needs() == GC_PROTECTS_NONE);
  for (size_t i = 0; i < N_OBJ; i++) {
    keep[i] = GC_malloc_stubborn(BYTES);
    gu_fill(keep[i], BYTES, i);
    GC_change_stubborn(keep[i]);
    GC_end_stubborn_change(keep[i]);
  }
  gu_collect();
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(keep[i], BYTES, i));
}

static void leak_finding_is_a_switch(void) {
  tap_eq_u(GC_get_find_leak(), 0);
  GC_set_find_leak(1);
  tap_eq_u(GC_find_leak, 1);
  GC_find_leak = 0;
  tap_eq_u(GC_get_find_leak(), 0);
}

static void memory_can_hold_code(void) {
  static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* 42 */
  tap_eq_u(GC_get_pages_executable(), 0);
  GC_set_pages_executable(1);
  GC_INIT();
  tap_eq_u(GC_get_pages_executable(), 1);
  unsigned char *p = GC_malloc_atomic(sizeof code);
  memcpy(p, code, sizeof code);
  __builtin___clear_cache((char *)p, (char *)p + sizeof code);
  int (*f)(void);
  memcpy(&f, &p, sizeof f);
  tap_eq_u(f(), 42);
}

/* Automatic collections still come when the heap must grow. */
static void the_entire_heap_may_be_used(void) {
  GC_INIT();
  GC_use_entire_heap = 1;
  for (size_t i = 0; i < 200000; i++)
    keep[i % N_OBJ] = GC_malloc(BYTES);
  tap_le(GC_get_heap_size(), (size_t)200000 * BYTES);
}

static void the_end_is_told(void) {
  GC_INIT();
  keep[0] = GC_malloc(BYTES);
  GC_deinit();
  tap_eq_u(GC_is_init_called(), 0);
  GC_deinit();
}

static void there_may_be_helpers(void) {
  GC_set_markers_count(1);
  GC_INIT();
  tap_eq_u(GC_get_parallel(), 0);
  GC_start_mark_threads();
  gu_collect();
}

static void stacks_may_be_announced(void) {
  static char alternate[1 << 16];
  GC_INIT();
  keep[0] = GC_malloc(BYTES);
  gu_fill(keep[0], BYTES, 1);
  struct GC_stack_base base;
  GC_get_stack_base(&base);
  char *top = base.mem_base;
  GC_register_altstack(top - (1 << 20), 1 << 20, alternate, sizeof alternate);
  gu_collect();
  tap_check(gu_is_intact(keep[0], BYTES, 1));
}

/* ---- Views of the heap ---- */

static size_t seen[N_OBJ], others;

static void see(void *object, size_t bytes, void *data) {
  tap_eq_p(data, seen);
  for (size_t i = 0; i < N_OBJ; i += N_OBJ / 10)
    if (object == keep[i]) {
      seen[i]++;
      tap_ge(bytes, BYTES);
      return;
    }
  others++;
}

static void *enumerate(void *data) {
  GC_enumerate_reachable_objects_inner(see, data);
  return NULL;
}

static void all_objects_are_enumerated(void) {
  GC_INIT();
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = i % 2 != 0 ? GC_malloc(BYTES) : GC_malloc_atomic(BYTES);
  keep[0] = GC_malloc(1 << 20);
  gu_collect();
  GC_call_with_alloc_lock(enumerate, seen);
  for (size_t i = 0; i < N_OBJ; i += N_OBJ / 10)
    tap_eq_u(seen[i], 1);
  tap_ge(others, N_OBJ - 10);
}

static void dead_objects_are_not_enumerated(void) {
  GC_INIT();
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = GC_malloc_atomic(BYTES);
  gu_collect();
  GC_call_with_alloc_lock(enumerate, seen);
  size_t before = others;
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = NULL;
  gu_collect();
  others = 0;
  GC_call_with_alloc_lock(enumerate, seen);
  tap_le(others + N_OBJ / 2, before);
}

/* What fn prints to the descriptor comes into text. */
static void capture(int fd, void (*fn)(void), char *text, size_t size) {
  FILE *file = tmpfile();
  fflush(NULL);
  int saved = dup(fd);
  dup2(fileno(file), fd);
  fn();
  fflush(NULL);
  dup2(saved, fd);
  close(saved);
  rewind(file);
  text[fread(text, 1, size - 1, file)] = '\0';
  fclose(file);
}

static void dump_by_name(void) { GC_dump_named("in the middle"); }

static void dumps_are_printed(void) {
  static char text[1 << 20];
  GC_INIT();
  keep[0] = GC_malloc(BYTES);
  capture(STDOUT_FILENO, dump_by_name, text, sizeof text);
  tap_check(strstr(text, "in the middle") != NULL);
  capture(STDOUT_FILENO, GC_dump, text, sizeof text);
  tap_check(strlen(text) > 100);
  capture(STDOUT_FILENO, GC_dump_regions, text, sizeof text);
  tap_check(strlen(text) > 10);
}

static void rows_stand_below_their_titles(void) {
  static char text[1 << 20];
  GC_INIT();
  if (!gu_on_reclaim())
    tap_skip("this table is Reclaim's");
  for (size_t i = 0; i < 1000; i++)
    keep[0] = GC_malloc_atomic(BYTES + i);
  capture(STDOUT_FILENO, GC_dump, text, sizeof text);
  const char *titles = strstr(text, "kind     objects        bytes  prop");
  tap_require(titles != NULL);
  size_t column = (size_t)(strstr(titles, "  prop") - titles);
  for (const char *row = strchr(titles, '\n') + 1; *row >= ' ';
       row = strchr(row, '\n') + 1) {
    tap_require(strlen(row) > column + 2);
    tap_check(row[column - 1] >= '0' && row[column - 1] <= '9');
    tap_check(row[column] == ' ' && row[column + 2] > ' ');
  }
}

static void print_list(void) { GC_print_free_list(GC_I_NORMAL, 2); }

static void free_lists_are_printed(void) {
  static char text[1 << 20];
  GC_INIT();
  keep[0] = GC_malloc(20);
  capture(STDOUT_FILENO, print_list, text, sizeof text);
  tap_check(strlen(text) > 0 || !gu_on_reclaim());
}

static char static_data[64];

static void found_roots_and_added_ones(void) {
  char local = 0;
  GC_INIT();
  GC_gcollect();
  tap_eq_u(GC_is_tmp_root(static_data), 1);
  tap_eq_u(GC_is_tmp_root(&local), 0);
  void **added = malloc(4096);
  GC_add_roots(added, added + 512);
  tap_eq_u(GC_is_tmp_root(added + 5), 0);
}

/* ---- The world ---- */

static atomic_ulong counter;
static atomic_bool is_over;

static void *count(void *arg) {
  struct GC_stack_base base;
  (void)arg;
  GC_get_stack_base(&base);
  GC_register_my_thread(&base);
  while (!is_over)
    atomic_fetch_add(&counter, 1);
  GC_unregister_my_thread();
  return NULL;
}

static void the_world_stops_by_hand(void) {
  pthread_t thread;
  GC_INIT();
  GC_allow_register_threads();
  pthread_create(&thread, NULL, count, NULL);
  while (counter == 0)
    usleep(1000);
  for (int i = 0; i < 20; i++) {
    GC_stop_world_external();
    unsigned long before = counter;
    for (volatile int j = 0; j < 1000000; j++)
      ;
    tap_eq_u(counter, before);
    GC_start_world_external();
    while (counter == before)
      usleep(100);
  }
  keep[0] = GC_malloc(BYTES);
  gu_collect();
  is_over = true;
  pthread_join(thread, NULL);
}

/* ---- Private symbols ---- */

static void print_out(void) { GC_printf("%d and %s\n", 5, "text"); }
static void print_err(void) { GC_err_printf("%x %lu\n", 255, 15ul); }
static void print_log(void) { GC_log_printf("log %c\n", 'x'); }

static void texts_are_printed(void) {
  char text[256];
  GC_INIT();
  capture(STDOUT_FILENO, print_out, text, sizeof text);
  tap_eq_s(text, "5 and text\n");
  capture(STDERR_FILENO, print_err, text, sizeof text);
  tap_eq_s(text, "ff 15\n");
  capture(STDERR_FILENO, print_log, text, sizeof text);
  tap_eq_s(text, "log x\n");
}

static void the_log_has_a_descriptor(void) {
  char text[64];
  int ends[2];
  GC_INIT();
  tap_require(pipe(ends) == 0);
  GC_set_log_fd(ends[1]);
  print_log();
  text[read(ends[0], text, sizeof text - 1)] = '\0';
  tap_eq_s(text, "log x\n");
}

static void bytes_are_counted_by_hand(void) {
  GC_INIT();
  GC_set_disable_automatic_collection(1);
  size_t since = GC_get_bytes_since_gc();
  size_t freed = GC_get_expl_freed_bytes_since_gc();
  GC_incr_bytes_allocd(1000);
  GC_incr_bytes_freed(500);
  tap_eq_u(GC_get_bytes_since_gc(), since + 1000);
  tap_eq_u(GC_get_expl_freed_bytes_since_gc(), freed + 500);
}

static void hear(const char *message) { (void)message; }

static void the_abort_function_is_a_variable(void) {
  GC_INIT();
  GC_set_abort_func(hear);
  tap_check(GC_on_abort == hear);
  GC_on_abort = NULL;
  tap_check(GC_get_abort_func() == NULL);
}

static void heads_of_lists_can_be_read(void) {
  GC_INIT();
  for (int i = 0; i < 129; i++) {
    void *volatile head = GC_objfreelist_ptr[i];
    tap_check(head == NULL || !gu_on_reclaim());
    head = GC_aobjfreelist_ptr[i];
  }
}

TAP_MAIN(TAP_CASE(numbers_are_kept), TAP_CASE(time_limits_are_kept),
         TAP_CASE(without_incremental_mode),
         TAP_CASE(enabling_incremental_mode_starts_the_collector),
         TAP_CASE(leak_finding_is_a_switch), TAP_CASE(memory_can_hold_code),
         TAP_CASE(the_entire_heap_may_be_used), TAP_CASE(the_end_is_told),
         TAP_CASE(there_may_be_helpers), TAP_CASE(stacks_may_be_announced),
         TAP_CASE(all_objects_are_enumerated),
         TAP_CASE(dead_objects_are_not_enumerated), TAP_CASE(dumps_are_printed),
         TAP_CASE(rows_stand_below_their_titles),
         TAP_CASE(free_lists_are_printed), TAP_CASE(found_roots_and_added_ones),
         TAP_CASE(the_world_stops_by_hand), TAP_CASE(texts_are_printed),
         TAP_CASE(the_log_has_a_descriptor),
         TAP_CASE(bytes_are_counted_by_hand),
         TAP_CASE(the_abort_function_is_a_variable),
         TAP_CASE(heads_of_lists_can_be_read))
