/* src/cycle/pacer.c: when to collect and how large the heap may be.
 * SPDX-License-Identifier: MIT
 */
#include "cycle/pacer.h"

#include "base/switches.h"
#include "heap/space.h"
#include "notify/final.h"
#include "plat/plat.h"

/* First collection: between half a megabyte and one. */
#define FIRST_BUDGET ((size_t)768 << 10)
/* Least budget once collections have turned out to be expensive for what they
 * find: fits the caches of a core, and keeps a program that holds nothing within
 * two megabytes of libgc's memory, whatever its number of threads. */
#define MAX_FLOOR ((size_t)2 << 20)

/* Share of libgc's budget, in percent. A heap of the size of a core's caches is cheap to
 * mark, so it is collected more often and stays smaller; a larger one waits for memory
 * with each object, and gets more, by and by: a step would make the peak of a program
 * that grows through it depend on which side of it a collection falls. Where collections
 * fall decides the peak anyway, chaotically: first budget and shares were chosen, among
 * values that make sense, so that sweeps over many sizes stay below libgc's peaks. */
#define SMALL_HEAP ((size_t)16 << 20)
#define LARGE_HEAP ((size_t)48 << 20)
#define SMALL_SHARE ((size_t)75)
#define LARGE_SHARE ((size_t)125)
/* So that a few bytes of roots more or less do not move all that follows. */
#define BUDGET_STEP ((size_t)256 << 10)

/* Written by the collecting thread; the first four are read by any. */
static struct {
  _Atomic size_t
      budget; /* allocate so much before growing without collecting */
  _Atomic size_t overdue; /* collect although free blocks are left */
  _Atomic size_t keep;
  _Atomic uint64_t
      non_gc_bytes; /* the client's figure at the last collection */
  size_t floor;
  uint64_t last_end_cpu_ns;
} pacer = {FIRST_BUDGET, SIZE_MAX, 0, 0, FIRST_BUDGET, 0};

static bool may_collect(void) {
  int disabled = gc_load_rlx(gc_client_int(gc_switches.dont_gc));
  return disabled <= 0 && gc_hooks.disable_automatic == 0 &&
         gc_load_rlx(&gc_heap.allocated) >= gc_hooks.min_bytes_allocd;
}

/* Allocated since the last collection, without what the client says that it
 * frees by itself; an eighth counts in any case, as in libgc, so that a wrong
 * figure cannot end collecting. */
static size_t counted_bytes(void) {
  size_t allocated = gc_load_rlx(&gc_heap.allocated);
  int64_t grown =
      (int64_t)(*gc_switches.non_gc_bytes - gc_load_rlx(&pacer.non_gc_bytes));
  if (gc_likely(grown <= 0))
    return allocated;
  size_t least = allocated / 8;
  return (size_t)grown < allocated - least ? allocated - (size_t)grown : least;
}

/* Finalisers that were registered since the last collection stand for memory that the
 * heap does not show; half of what it shows at most, so that a program that registers
 * one for each object does not spend its time in collections. */
static size_t finaliser_bytes(size_t allocated) {
  size_t most = allocated / 2, bytes;
  bool is_more = __builtin_mul_overflow(gc_final_growth(),
                                        gc_hooks.bytes_per_finaliser, &bytes) ||
                 bytes > most;
  return is_more ? most : bytes;
}

struct gc_pacer_decision gc_pacer_decide(size_t bytes) {
  size_t allocated = counted_bytes();
  allocated += finaliser_bytes(allocated);
  size_t budget = gc_load_rlx(&pacer.budget);
  if (*gc_switches.dont_expand && budget > FIRST_BUDGET)
    budget = FIRST_BUDGET;
  /* A block short of the budget is as good as the budget. */
  struct gc_pacer_decision d = {may_collect() &&
                                allocated + bytes + GC_BLOCK_BYTES > budget};
  return d;
}

bool gc_pacer_is_overdue(void) {
  return counted_bytes() > gc_load_rlx(&pacer.overdue) && may_collect() &&
         *gc_switches.use_entire_heap == 0;
}

/* Small heaps: when collections take more than a twentieth of the time, the
 * floor doubles up to its limit. */
static void adapt_floor(uint64_t gc_ns) {
  uint64_t now = gc_plat_cpu_ns();
  uint64_t since = now - pacer.last_end_cpu_ns;
  pacer.last_end_cpu_ns = now;
  if (gc_ns * 20 > since)
    pacer.floor = 2 * pacer.floor < MAX_FLOOR ? 2 * pacer.floor : MAX_FLOOR;
}

/* Where much more waits than lives the notifiers are what is slow: another collection
 * would find little, and allocation is to wait for them instead. */
static size_t live_of(const struct gc_pacer_cycle *c) {
  size_t much = 3 * c->live;
  return c->waiting > much ? c->waiting - (much - c->live) : c->live;
}

static size_t share_of(size_t live) {
  if (live >= LARGE_HEAP)
    return LARGE_SHARE;
  size_t over = live > SMALL_HEAP ? live - SMALL_HEAP : 0;
  size_t more = (LARGE_SHARE - SMALL_SHARE) * over / (LARGE_HEAP - SMALL_HEAP);
  return SMALL_SHARE + more;
}

void gc_pacer_finish_cycle(const struct gc_pacer_cycle *c) {
  uint64_t divisor = *gc_switches.free_space_divisor;
  if (divisor == 0)
    divisor = 1;
  size_t live = live_of(c), pointerful = live - c->live_leaf;
  size_t wanted = 2 * pointerful + c->live_leaf / 4 + c->roots;
  size_t budget =
      gc_round_down(share_of(live) * (wanted / divisor) / 100, BUDGET_STEP);
  adapt_floor(c->cpu_ns);
  if (budget < pacer.floor)
    budget = pacer.floor;
  gc_store_rlx(&pacer.budget, budget);
  gc_store_rlx(&pacer.non_gc_bytes, *gc_switches.non_gc_bytes);
  size_t in_use = c->live + c->waiting;
  gc_store_rlx(&pacer.keep, in_use + in_use / 4 + budget + budget / 4);
  size_t heap = gc_space_heap_bytes();
  size_t spare = heap > in_use ? heap - in_use : 0;
  gc_store_rlx(&pacer.overdue, budget + spare);
}

size_t gc_pacer_keep_bytes(void) { return gc_load_rlx(&pacer.keep); }
