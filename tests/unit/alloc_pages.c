/* tests/unit/alloc_pages.c: which pages of a new block come before they are used.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "alloc/alloc.h"
#include "base/switches.h"
#include "cycle/gc_start.h"
#include "heap/heap.h"
#include "plat/plat.h"

#include <sys/mman.h>
#include <sys/prctl.h>

/* A system that gives huge pages unasked would hide the difference. */
static void start(void) {
  tap_require(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
  gc_start();
  ++*gc_switches.dont_gc;
}

static bool last_page_is_there(const void *object) {
  size_t page = gc_plat_page_bytes();
  char *end = gc_block_address(gc_block_of(object)) + GC_BLOCK_BYTES;
  unsigned char is_there = 0;
  tap_require(mincore(end - page, page, &is_there) == 0);
  return is_there & 1;
}

/* The first object of the block after this one's. */
static void *in_another_block(void *object, size_t bytes) {
  gc_block_id b = gc_block_of(object);
  while (object != NULL && gc_block_of(object) == b)
    object = gc_alloc(bytes, KIND_ATOMIC);
  tap_require(object != NULL);
  return object;
}

static void fill(size_t bytes, size_t total) {
  for (size_t done = 0; done < total; done += bytes)
    tap_require(gc_alloc(bytes, KIND_ATOMIC) != NULL);
}

static void of_a_busy_size_all(void) {
  start();
  fill(48, (size_t)6 << 20);
  tap_check(
      last_page_is_there(in_another_block(gc_alloc(48, KIND_ATOMIC), 48)));
}

static void of_a_rare_size_what_is_used(void) {
  start();
  fill(48, (size_t)6 << 20);
  for (size_t bytes = 100; bytes < 500; bytes += 50)
    tap_check(!last_page_is_there(gc_alloc(bytes, KIND_ATOMIC)));
}

static void of_a_small_heap_what_is_used(void) {
  start();
  fill(48, (size_t)1 << 20);
  tap_check(
      !last_page_is_there(in_another_block(gc_alloc(48, KIND_ATOMIC), 48)));
}

TAP_MAIN(TAP_CASE(of_a_busy_size_all), TAP_CASE(of_a_rare_size_what_is_used),
         TAP_CASE(of_a_small_heap_what_is_used))
