/* tests/gcx/memory.c: when notified objects' memory can be used again. SPDX-License-Identifier: MIT */

/*
 * Contract: what died is notified without further allocation or collection, also
 * where little of a block died; its memory can be used again in the same
 * collection, but no new object appears at an address that somebody waiting for
 * its notifier may still name, if the kind says so.
 */
#include "gcx/shadow.h"

#include <string.h>

enum { MB = 1024 * 1024 };

/* ---- Without further allocation or collection ---- */

enum { N_FULL = 20000 };

static struct sh_node *volatile full[N_FULL];

static void fill_blocks(void *kind) {
  for (size_t i = 0; i < N_FULL; i++) {
    full[i] = sh_node(kind, 0, sh_take_serial());
    sh_hold(full[i]->serial);
  }
}

static void drop_one_in(void *arg) {
  size_t step = *(size_t *)arg;
  for (size_t i = step / 2; i < N_FULL; i += step) {
    sh_drop(i);
    full[i] = NULL;
  }
}

static void check_dropped(size_t step) {
  size_t once = 0, want = 0;
  for (size_t i = step / 2; i < N_FULL; i += step, want++)
    once += sh_notified(i) == 1;
  tap_ge(once + 2, want);
  tap_le(sh_total(), want);
  sh_check_errors();
}

static void drop_from_full_blocks(gcx_refs refs, size_t step) {
  sh_need(GCX_CAP_FULL_BLOCKS, "nearly full blocks are not looked at");
  sh_begin(N_FULL);
  sh_apart(fill_blocks, sh_counting_kind(refs));
  sh_settle();
  tap_eq_u(sh_total(), 0);
  sh_apart(drop_one_in, &step);
  size_t collections = GC_get_gc_no(), allocated = GC_get_total_bytes();
  sh_settle();
  tap_eq_u(GC_get_gc_no(), collections + 1);
  tap_le(GC_get_total_bytes() - allocated, 4096);
  check_dropped(step);
}

static void one_in_16_of_full_blocks(void) {
  drop_from_full_blocks(GCX_REFS_NONE, 16);
}
static void one_in_32_of_full_blocks(void) {
  drop_from_full_blocks(GCX_REFS_HELD, 32);
}
static void one_in_64_of_full_blocks(void) {
  drop_from_full_blocks(GCX_REFS_NONE, 64);
}

/* ---- The memory again ---- */

enum { REUSE_MB = 24, REUSE_BYTES = 200 };

static struct sh_node *volatile *survivors; /* every other one */

static void allocate_all(void *kind) {
  for (size_t used = 0; used < (size_t)REUSE_MB * MB; used += REUSE_BYTES) {
    size_t serial = sh_take_serial();
    struct sh_node *n = sh_node(kind, REUSE_BYTES, serial);
    if (survivors != NULL && serial % 2 == 1)
      survivors[serial / 2] = n;
  }
}

static void allocate_half(void *kind) {
  for (size_t used = 0; used < (size_t)REUSE_MB * MB; used += 2 * REUSE_BYTES)
    sh_node(kind, REUSE_BYTES, sh_take_serial());
}

static size_t count_damaged_survivors(size_t n) {
  size_t damaged = 0;
  for (size_t i = 1; i < n; i += 2)
    damaged += survivors[i / 2]->serial != i || !sh_is_intact(survivors[i / 2]);
  return damaged;
}

static void allocate_some(void *kind) {
  for (int i = 0; i < 100; i++)
    sh_node(kind, REUSE_BYTES, sh_take_serial());
}

/* With survivors, allocation finds every block full before anybody is notified. */
static void collect_and_drain(gcx_kind *kind, bool with_survivors) {
  GC_enable();
  gu_collect();
  GC_disable();
  if (with_survivors) {
    sh_apart(allocate_some, kind);
    sh_open_gate();
  }
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
}

/* No collection but the one may help: they are disabled. Whole blocks die, or,
 * with survivors, every other slot of them. */
static void reuse(gcx_refs refs, gcx_release release, bool with_survivors) {
  size_t max = 2 * (size_t)REUSE_MB * MB / REUSE_BYTES + 200;
  sh_need(GCX_CAP_SAME_COLLECTION, "memory waits for another collection");
  if (release == GCX_RELEASE_BATCH)
    sh_need(GCX_CAP_BATCH, "no batches of plain kinds");
  if (with_survivors)
    sh_need(GCX_CAP_PROMPT, "blocks are looked at when memory is wanted");
  sh_begin(max);
  gcx_kind *kind = sh_kind(
      (gcx_kind_opts){.notify = sh_count, .refs = refs, .release = release});
  if (with_survivors) {
    sh_close_gate();
    survivors = GC_malloc_uncollectable(max / 2 * sizeof *survivors);
  }
  GC_disable();
  sh_apart(allocate_all, kind);
  size_t n = sh_taken(), heap = GC_get_heap_size();
  collect_and_drain(kind, with_survivors);
  if (with_survivors)
    tap_eq_u(sh_count_notified(0, n, 1), (n + 1) / 2);
  else
    sh_check_once(0, n);
  tap_eq_u(sh_stats().pending_bytes, 0);
  sh_apart(with_survivors ? allocate_half : allocate_all, kind);
  tap_le(GC_get_heap_size(), heap + heap / 20);
  tap_eq_u(sh_count_notified(n, sh_taken(), 0), sh_taken() - n);
  tap_check(!with_survivors || count_damaged_survivors(n) == 0);
  sh_check_errors();
}

static void memory_of_a_plain_kind_is_usable_at_once(void) {
  reuse(GCX_REFS_NONE, GCX_RELEASE_BLOCK, false);
}
static void memory_of_a_batch_is_usable_at_once(void) {
  reuse(GCX_REFS_NONE, GCX_RELEASE_BATCH, false);
}
static void memory_of_a_held_kind_is_usable_at_once(void) {
  reuse(GCX_REFS_HELD, GCX_RELEASE_BLOCK, false);
}
static void every_other_slot_is_usable_at_once(void) {
  reuse(GCX_REFS_NONE, GCX_RELEASE_BLOCK, true);
}
static void every_other_slot_of_a_held_kind_is_usable_at_once(void) {
  reuse(GCX_REFS_HELD, GCX_RELEASE_BLOCK, true);
}

/* ---- Addresses of the dead ---- */

/* Each node of the second half names one of the first by address only. While it
 * waits, no new object may be there: notifiers make new ones all the time. */
enum { N_NAMED = 10000, N_SLOTS = 65536 };

static uintptr_t fresh[N_SLOTS]; /* addresses, a table without removal */
static gcx_kind *named_kind;
static size_t n_fresh, n_reused;

static uintptr_t *fresh_slot(uintptr_t hidden) {
  size_t i = (size_t)(hidden * UINT64_C(0x9e3779b97f4a7c15) >> 48);
  while (fresh[i] != 0 && fresh[i] != hidden)
    i = (i + 1) % N_SLOTS;
  return &fresh[i];
}

static gcx_verdict GC_CALLBACK on_named_death(void *object, size_t bytes,
                                              void *cd) {
  const struct sh_node *n = object;
  (void)cd;
  sh_note(n, bytes);
  if (n->serial >= 2 * N_NAMED)
    return GCX_DONE;
  if (n->serial >= N_NAMED) {
    uintptr_t named;
    memcpy(&named, n + 1, sizeof named);
    n_reused += *fresh_slot(named) != 0;
  }
  struct sh_node *new_one = sh_node(named_kind, 64, sh_take_serial());
  *fresh_slot(gu_hide(new_one)) = gu_hide(new_one);
  n_fresh++;
  return GCX_DONE;
}

static void make_named(void *arg) {
  uintptr_t *hidden = arg;
  for (size_t i = 0; i < 2 * N_NAMED; i++) {
    struct sh_node *n = sh_node(named_kind, 64, sh_take_serial());
    if (i < N_NAMED)
      hidden[i] = gu_hide(n);
    else
      memcpy(n + 1, &hidden[i - N_NAMED], sizeof *hidden);
  }
}

static void addresses_wait(gcx_refs refs, gcx_release release) {
  static uintptr_t hidden[N_NAMED];
  sh_need(GCX_CAP_BATCH, "no batches of plain kinds");
  sh_begin(4 * N_NAMED);
  named_kind = sh_kind((gcx_kind_opts){
      .notify = on_named_death, .refs = refs, .release = release});
  GC_disable();
  sh_apart(make_named, hidden);
  GC_enable();
  gu_collect();
  GC_disable(); /* or fresh ones might be freed, and their places used */
  tap_eq_u(gcx_drain(SH_PATIENCE_MS), 0);
  sh_check_once(0, 2 * N_NAMED);
  tap_eq_u(n_fresh, sh_count_notified(0, 2 * N_NAMED, 1));
  tap_eq_u(n_reused, 0);
  sh_check_errors();
}

static void no_address_of_a_batch_is_used_early(void) {
  addresses_wait(GCX_REFS_NONE, GCX_RELEASE_BATCH);
}
static void no_address_of_a_held_kind_is_used_early(void) {
  addresses_wait(GCX_REFS_HELD, GCX_RELEASE_BLOCK);
}

TAP_MAIN(TAP_CASE(one_in_16_of_full_blocks), TAP_CASE(one_in_32_of_full_blocks),
         TAP_CASE(one_in_64_of_full_blocks),
         TAP_CASE(memory_of_a_plain_kind_is_usable_at_once),
         TAP_CASE(memory_of_a_batch_is_usable_at_once),
         TAP_CASE(memory_of_a_held_kind_is_usable_at_once),
         TAP_CASE(every_other_slot_is_usable_at_once),
         TAP_CASE(every_other_slot_of_a_held_kind_is_usable_at_once),
         TAP_CASE(no_address_of_a_batch_is_used_early),
         TAP_CASE(no_address_of_a_held_kind_is_used_early))
