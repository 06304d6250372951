/* src/alloc/alloc.c: the allocator's slow path. SPDX-License-Identifier: MIT
 *
 * A thread's cell is refilled from, in this order: objects it freed by hand, a
 * free run of the pool, a new block. Read from the bottom up.
 */
#include "alloc/alloc.h"

#include "alloc/alloc_inline.h"
#include "alloc/supply.h"
#include "base/option.h"
#include "base/switches.h"
#include "cycle/api_lock.h"
#include "cycle/collect.h"
#include "cycle/deliver.h"
#include "cycle/finalise.h"
#include "cycle/gc_start.h"
#include "cycle/notifier.h"
#include "cycle/pacer.h"
#include "heap/meta.h"
#include "heap/space.h"
#include "plat/plat.h"
#include "reclaim/large.h"
#include "reclaim/pool.h"
#include "world/stop.h"

#define FIRST_CLAIM 512u
#define MAX_CLAIM 8192u
#define POPULATE_FROM ((size_t)4 << 20)
#define BUSY_BLOCKS 4u

/* No object can be larger than half of the address space that we reserve. */
#define MAX_OBJECT ((size_t)1 << 39)

/* ---- Cells ---- */

static struct gc_cell *new_cells(struct gc_tlab *tlab, unsigned kind) {
  struct gc_cell *cells = gc_meta_alloc(GC_MAX_CLASSES * sizeof *cells);
  gc_compiler_barrier();
  tlab->kinds[kind] = cells;
  return cells;
}

/* The calling thread's cell, or null when out of memory. */
static struct gc_cell *cell_of(unsigned kind, unsigned size_class) {
  struct gc_tlab *tlab = gc_tlab_of(gc_self());
  struct gc_cell *cells = tlab->kinds[kind];
  if (gc_unlikely(cells == NULL)) {
    cells = kind == KIND_NORMAL   ? tlab->normal
            : kind == KIND_ATOMIC ? tlab->atomic
                                  : new_cells(tlab, kind);
    if (cells == NULL)
      return NULL;
    tlab->kinds[kind] = cells;
  }
  return &cells[size_class];
}

/* ---- Refilling ---- */

/* An object that this thread freed; it was cleared then. The pointer is in a
 * register, which the collector scans, before the list forgets it. */
static void *reuse_freed(struct gc_cell *cell) {
  struct gc_freed *freed = cell->freed;
  if (freed == NULL || freed->count == 0)
    return NULL;
  uint32_t last = freed->count - 1;
  void *p = freed->slot[last];
  gc_hold_pointer(p);
  freed->count = last;
  return p;
}

/* How much to claim: more each time, so that busy cells refill seldom and idle ones
 * waste little. */
static size_t next_claim(struct gc_cell *cell) {
  if (gc_options.torture_claim.number)
    return 1;
  uint32_t now = cell->claim_bytes == 0 ? FIRST_CLAIM : cell->claim_bytes;
  cell->claim_bytes = now < MAX_CLAIM ? 2 * now : MAX_CLAIM;
  return now;
}

/* Where a size fills block after block, the pages of a new one may come at once. The
 * first blocks of a size are often its last, and most of their pages are never used. */
static void populate(struct gc_pool *pool, gc_block_id b) {
  if (gc_heap.blocks[b].pristine_from == 0 &&
      gc_space_heap_bytes() >= POPULATE_FROM &&
      gc_pool_count(pool) >= BUSY_BLOCKS)
    gc_plat_populate(gc_block_address(b), GC_BLOCK_BYTES);
}

static bool add_block(struct gc_pool *pool, bool may_grow) {
  gc_block_id b = gc_space_take(1, may_grow);
  if (b == 0)
    return false;
  populate(pool, b);
  return gc_pool_add_block(pool, b);
}

/* One rung: true when it is worth looking into the pool again. */
static bool supply_pool(struct gc_pool *pool, struct gc_supply *s) {
  if (gc_pacer_is_overdue() && !s->collected && gc_supply_collect(s))
    return true;
  if (add_block(pool, false))
    return true;
  enum gc_supply_answer answer = gc_supply_next(s);
  if (answer == SUPPLY_GROW)
    answer = add_block(pool, true) ? SUPPLY_RETRY : gc_supply_refused(s);
  return answer == SUPPLY_RETRY;
}

static bool is_tortured(void) {
  static _Atomic size_t count;
  size_t every = gc_options.torture_alloc.number;
  return gc_unlikely(every != 0) && gc_add_rlx(&count, 1) % every == 0;
}

static void collect_if_asked(void) {
  if (is_tortured() || gc_api_take_request())
    gc_collect(COLLECT_BUDGET);
}

static void wait_if_proper(unsigned kind) {
  if (gc_unlikely(gc_kind_flags(kind) & KIND_PROPER))
    gc_notifier_back_pressure();
}

static gc_noinline bool refill(struct gc_pool *pool, struct gc_cell *cell) {
  struct gc_supply s = {.bytes = GC_BLOCK_BYTES, .epoch = gc_heap.epoch};
  collect_if_asked();
  wait_if_proper(pool->kind);
  size_t want = next_claim(cell);
  while (!gc_pool_claim(pool, cell, want))
    if (!supply_pool(pool, &s))
      return false;
  gc_space_report_growth();
  return true;
}

/* ---- Large objects ---- */

static void *alloc_large(size_t bytes, unsigned kind, unsigned flags) {
  if (bytes > MAX_OBJECT)
    return NULL;
  bytes = gc_round_up(bytes, GC_GRANULE_BYTES);
  struct gc_supply s = {.bytes = bytes, .epoch = gc_heap.epoch};
  collect_if_asked();
  wait_if_proper(kind);
  enum gc_supply_answer answer = SUPPLY_RETRY;
  void *p = gc_large_alloc(bytes, kind, flags, false);
  while (p == NULL && answer == SUPPLY_RETRY) {
    answer = gc_supply_next(&s);
    p = gc_large_alloc(bytes, kind, flags, answer == SUPPLY_GROW);
    if (p == NULL && answer == SUPPLY_GROW)
      answer = gc_supply_refused(&s);
  }
  gc_space_report_growth();
  return p;
}

/* ---- Entry points ---- */

/* The spare byte is for what the collector frees by itself. */
static size_t with_spare(size_t bytes, unsigned kind) {
  size_t slop = gc_kind_flags(kind) & KIND_UNCOLLECTABLE ? 0 : gc_heap.slop;
  if (bytes + slop < bytes)
    return bytes;
  return bytes + slop == 0 ? 1 : bytes + slop;
}

/* Once: a handler may come again and again. Nothing here may lock or allocate. */
static gc_noinline void report_reentry(void) {
  static _Atomic bool told;
  if (gc_swap_acq_rel(&told, true))
    return;
  gc_plat_message(
      "allocation inside the collector, which is not supported: a signal "
      "handler interrupted it, or it called a callback that must not allocate; "
      "the result is NULL. Let the handler set a flag, or block its signal "
      "around calls of the collector");
}

bool gc_alloc_enter(void) {
  if (gc_unlikely(!gc_self_is_known())) {
    gc_start();
    if (!gc_start_thread())
      return false;
  }
  if (GC_TSAN_BUILD)
    gc_stop_poll();
  if (gc_likely(!gc_nostop_inside()))
    return true;
  report_reentry();
  return false;
}

static void *alloc_small(size_t bytes, unsigned kind) {
  unsigned c = gc_sizeclass_of(bytes);
  struct gc_cell *cell = cell_of(kind, c);
  size_t size = gc_sizes.of[c].bytes;
  if (cell == NULL)
    return NULL;
  void *p = gc_cell_bump(cell, size);
  if (p == NULL)
    p = reuse_freed(cell);
  if (p == NULL && refill(gc_pool_of(kind, c), cell))
    p = gc_cell_bump(cell, size);
  return p;
}

/* The client's function may allocate and collect, which is just what cannot be
 * done inside the collector. */
void *gc_alloc_failed(size_t bytes) {
  if (gc_self_is_known() && gc_nostop_inside())
    return NULL;
  void *(*oom)(size_t) = *gc_switches.oom_fn;
  return oom == NULL ? NULL : oom(bytes);
}

/* Null only when there is no memory; the client was not asked. */
static void *try_alloc(size_t bytes, unsigned kind, unsigned flags) {
  if (!gc_alloc_enter())
    return NULL;
  size_t size = with_spare(bytes, kind);
  void *p = size <= GC_SMALL_MAX_BYTES ? alloc_small(size, kind)
                                       : alloc_large(size, kind, flags);
  gc_deliver_poll();
  gc_finalise_poll();
  return p;
}

static void *alloc_slowly(size_t bytes, unsigned kind) {
  void *p = try_alloc(bytes, kind, 0);
  return gc_likely(p != NULL) ? p : gc_alloc_failed(bytes);
}

/* The slow path saves the caller's registers in its frames. Frames that the program
 * puts in their place have gaps that nobody writes, and a copy in a gap would keep what
 * has died since. */
void *gc_alloc_slow(size_t bytes, unsigned kind) {
  return gc_plat_without_traces(alloc_slowly, bytes, kind);
}

/* As the inlined path, for any kind and small size. An unknown thread has no
 * cells. */
void *gc_alloc(size_t bytes, unsigned kind) {
  struct gc_cell *cells = gc_tlab_of(gc_self())->kinds[kind];
  size_t size = with_spare(bytes, kind);
  if (gc_likely(cells != NULL && size <= GC_SMALL_MAX_BYTES)) {
    unsigned c = gc_sizeclass_of(size);
    void *p = gc_cell_bump(&cells[c], gc_sizes.of[c].bytes);
    if (gc_likely(p != NULL))
      return p;
  }
  return gc_alloc_slow(bytes, kind);
}

void *gc_alloc_ignore_off_page(size_t bytes, unsigned kind) {
  void *p = try_alloc(bytes, kind, BF_IGNORE_OFF_PAGE);
  return p != NULL ? p : gc_alloc_failed(bytes);
}

void *gc_alloc_aligned(size_t align, size_t bytes, unsigned kind) {
  if (align <= GC_GRANULE_BYTES)
    return gc_alloc(bytes, kind);
  if (bytes + align < bytes)
    return gc_alloc_failed(bytes);
  bytes += bytes == 0; /* its address must not be that of the next object */
  /* Both the object and the result are multiples of what the two have in common. */
  size_t lowest_bit = align & -align;
  size_t in_common =
      lowest_bit < GC_GRANULE_BYTES ? lowest_bit : GC_GRANULE_BYTES;
  char *p = try_alloc(bytes + align - in_common, kind, 0);
  if (p == NULL)
    return gc_alloc_failed(bytes);
  size_t beyond = (uintptr_t)p % align;
  return beyond == 0 ? p : p + (align - beyond);
}

/* ---- Lists ---- */

/* Links the run's objects through their first words. The cell keeps the run until the
 * chain is complete: the collector sees the objects as claimed. */
static void *chain_run(struct gc_cell *cell, size_t bytes) {
  char *first = cell->cur, *end = cell->end;
  for (char *p = first; p < end; p += bytes)
    *(void **)(void *)p = p + bytes < end ? p + bytes : NULL;
  gc_compiler_barrier();
  cell->cur = end;
  return first;
}

static void *alloc_list(size_t bytes, unsigned kind) {
  if (!gc_alloc_enter())
    return NULL;
  if (bytes == 0)
    bytes = 1;
  if (bytes > GC_SMALL_MAX_BYTES)
    return alloc_large(bytes, kind, 0);
  unsigned c = gc_sizeclass_of(bytes);
  struct gc_cell *cell = cell_of(kind, c);
  if (cell == NULL ||
      (cell->cur == cell->end && !refill(gc_pool_of(kind, c), cell)))
    return NULL;
  void *list = chain_run(cell, gc_sizes.of[c].bytes);
  gc_deliver_poll();
  gc_finalise_poll();
  return list;
}

void *gc_alloc_many(size_t bytes, unsigned kind) {
  return gc_plat_without_traces(alloc_list, bytes, kind);
}
