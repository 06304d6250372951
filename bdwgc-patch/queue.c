/* bdwgc-patch/queue.c: condemned objects, in the order of their discovery. SPDX-License-Identifier: MIT
 *
 * A ring in malloc's memory, which libgc does not scan. Everything here runs under
 * libgc's allocation lock, mostly in a sweep, with the world running; so it may
 * call malloc, but nothing of libgc that takes the lock.
 */
#include "adapter.h"

#include <stdlib.h>
#include <time.h>

struct entry {
  void *base;
  uint64_t since_ns;
};

static struct entry *ring;
static size_t ring_size; /* a power of two */

/* The entries are those with the serial numbers [bdw_first, bdw_pushed]; first is
 * advanced after the claimer is known to be busy. */
atomic_size_t bdw_pushed, bdw_first = 1;
struct bdw_figures bdw_figures;

uint64_t bdw_now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool has_room(void) {
  size_t first = atomic_load(&bdw_first), last = atomic_load(&bdw_pushed);
  if (last + 1 - first < ring_size)
    return true;
  size_t size = ring_size == 0 ? 1024 : 2 * ring_size;
  struct entry *bigger = malloc(size * sizeof *bigger);
  if (bigger == NULL)
    return false;
  for (size_t i = first; i <= last; i++)
    bigger[i & (size - 1)] = ring[i & (ring_size - 1)];
  free(ring);
  ring = bigger;
  ring_size = size;
  return true;
}

bool bdw_condemn_locked(const struct bdw_object *o) {
  if (!has_room())
    return false;
  size_t serial = atomic_load(&bdw_pushed) + 1;
  ring[serial & (ring_size - 1)] = (struct entry){o->base, bdw_now_ns()};
  bdw_set_state(o, BDW_COND);
  bdw_figures.condemned++;
  atomic_fetch_add(&bdw_figures.pending_bytes, o->bytes);
  atomic_fetch_add(&o->kind->undecided, 1);
  atomic_store(&bdw_pushed, serial);
  bdw_wake_notifier();
  return true;
}

bool bdw_claim_locked(struct bdw_object *out, atomic_size_t *busy,
                      uint64_t *out_since_ns) {
  size_t i = atomic_load(&bdw_first), last = atomic_load(&bdw_pushed);
  bool found = false;
  for (; !found && i <= last; i++) {
    struct entry e = ring[i & (ring_size - 1)];
    *out_since_ns = e.since_ns;
    found = GC_base(e.base) == e.base && bdw_find(e.base, out) &&
            bdw_state_of(out) == BDW_COND;
  }
  if (found) {
    bdw_set_state(out, BDW_CLAIM);
    GC_set_mark_bit(out->base);
    atomic_store(busy, i - 1);
  }
  atomic_store(&bdw_first, i);
  return found;
}

void bdw_settle_locked(const struct bdw_object *o, enum bdw_state state) {
  bdw_set_state(o, state);
  atomic_fetch_sub(&bdw_figures.pending_bytes, o->bytes);
  atomic_fetch_sub(&o->kind->undecided, 1);
}
