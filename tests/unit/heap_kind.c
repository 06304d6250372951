/* tests/unit/heap_kind.c: kinds, their descriptors, and the side tables that they want.
 * SPDX-License-Identifier: MIT
 */
#include "lib/tap.h"

#include "heap/layout.h"
#include "heap/meta.h"
#include "heap/side.h"
#include "heap/space.h"
#include "plat/plat.h"

#define BITMAP(bits) ((uint64_t)(bits) << 60 | DESC_BITMAP)
#define PER_OBJECT(displacement)                                               \
  (((uint64_t)(int64_t)(displacement) & ~(uint64_t)DESC_TAG_MASK) |            \
   DESC_PER_OBJECT)

/* ---- Flags ---- */

static void flags_follow_from_the_descriptor(void) {
  gc_heap_start(true);
  unsigned plain = gc_kind_new(0, true, true);
  unsigned leaf = gc_kind_new(0, false, false);
  unsigned special = gc_kind_new(BITMAP(5), false, true);
  tap_eq_u(plain, KIND_FIRST_NEW);
  tap_eq_u(leaf, plain + 1);
  tap_eq_u(gc_kind_flags(plain), KIND_CLEAR);
  tap_eq_u(gc_kind_flags(leaf), KIND_LEAF);
  tap_eq_u(gc_kind_flags(special), KIND_SPECIAL | KIND_CLEAR);
  tap_eq_u(gc_kind_hot_flags(plain), 0);
  tap_eq_u(gc_kind_hot_flags(leaf), HOT_LEAF);
  tap_eq_u(gc_kind_hot_flags(special), HOT_SPECIAL);
  gc_or_rlx(&gc_kinds[plain].flags, KIND_SIDE);
  tap_eq_u(gc_kind_hot_flags(plain), HOT_SPECIAL);
}

static void the_kinds_of_libgc_exist(void) {
  gc_heap_start(true);
  tap_eq_u(gc_kind_flags(KIND_NORMAL), KIND_CLEAR);
  tap_eq_u(gc_kind_flags(KIND_ATOMIC), KIND_LEAF);
  tap_eq_u(gc_kind_flags(KIND_UNCOLL), KIND_CLEAR | KIND_UNCOLLECTABLE);
  tap_eq_u(gc_kind_flags(KIND_ATOMIC_UNCOLL), KIND_LEAF | KIND_UNCOLLECTABLE);
}

static void the_table_ends(void) {
  gc_heap_start(true);
  for (unsigned k = KIND_FIRST_NEW; k < GC_MAX_KINDS; k++)
    tap_eq_u(gc_kind_new(0, true, true), k);
  tap_eq_u(gc_kind_new(0, true, true), 0);
  tap_eq_u(gc_kind_count, GC_MAX_KINDS);
}

static void without_memory_there_is_no_kind(void) {
  gc_heap_start(true);
  unsigned before = gc_kind_count;
  gc_plat_fail_every(1);
  while (gc_kind_new(0, true, true) != 0)
    before++; /* pools come from what is left of a chunk */
  gc_plat_fail_every(0);
  tap_eq_u(gc_kind_count, before);
  tap_eq_u(gc_kind_new(0, true, true), before);
}

/* ---- Descriptors ---- */

static void lengths_may_include_the_size(void) {
  uint64_t object[8] = {0};
  gc_heap_start(true);
  unsigned fixed = gc_kind_new(24, false, true);
  unsigned whole = gc_kind_new(0, true, true);
  unsigned more = gc_kind_new(16, true, true);
  const char *p = (const char *)object;
  tap_eq_u(gc_layout_descriptor(fixed, p, 64), 24);
  tap_eq_u(gc_layout_descriptor(whole, p, 64), 64);
  tap_eq_u(gc_layout_descriptor(more, p, 64), 80);
}

static void objects_may_hold_their_descriptor(void) {
  uint64_t object[8] = {0};
  gc_heap_start(true);
  unsigned kind = gc_kind_new(PER_OBJECT(16), false, true);
  object[1] = 8;
  object[2] = BITMAP(9);
  object[3] = 24;
  tap_eq_u(gc_layout_descriptor(kind, (const char *)object, 64), BITMAP(9));
}

/* Word 0 leads to the record; until it does, there is nothing to scan. */
static void type_records_hold_descriptors(void) {
  uint64_t record[8], object[8] = {0};
  gc_heap_start(true);
  for (unsigned i = 0; i < 8; i++)
    record[i] = 8 * i;
  unsigned kind =
      gc_kind_new(PER_OBJECT(-16 - DESC_INDIRECT_BIAS), false, true);
  tap_eq_u(gc_layout_descriptor(kind, (const char *)object, 64), 0);
  object[0] = (uint64_t)(uintptr_t)record;
  tap_eq_u(gc_layout_descriptor(kind, (const char *)object, 64), 16);
}

/* ---- Procedures ---- */

static void *proc_a(void *object, void *token, void *limit, uint64_t env) {
  (void)object;
  (void)limit;
  (void)env;
  return token;
}

static void *proc_b(void *object, void *token, void *limit, uint64_t env) {
  (void)env;
  (void)limit;
  return object == NULL ? NULL : token;
}

static void the_table_of_procedures_ends(void) {
  unsigned first = gc_layout_new_proc(proc_a), last = first;
  tap_ge(first, 8); /* what libgc's headers reserve */
  for (unsigned i = first + 1; i < GC_MAX_MARK_PROCS; i++)
    tap_eq_u(last = gc_layout_new_proc(proc_b), i);
  tap_eq_u(last, GC_MAX_MARK_PROCS - 1);
  for (unsigned i = 0; i < 3; i++)
    tap_eq_u(gc_layout_new_proc(proc_b), GC_MAX_MARK_PROCS);
  tap_check(gc_layout_proc(first) == proc_a);
  tap_check(gc_layout_proc(last) == proc_b);
  tap_check(gc_layout_proc(0) == NULL);
}

/* ---- Side tables ---- */

static unsigned kind_with(unsigned flags) {
  unsigned kind = gc_kind_new(0, true, true);
  tap_require(kind != 0);
  gc_or_rlx(&gc_kinds[kind].flags, flags);
  return kind;
}

static void blocks_get_what_their_kind_wants(void) {
  gc_heap_start(true);
  struct gc_block block = {.slots = 4096};
  tap_check(gc_side_add(&block, kind_with(0)));
  tap_check(block.states == NULL && block.side == NULL);
  unsigned kind = kind_with(KIND_NOTIFIED | KIND_SIDE);
  tap_check(gc_side_add(&block, kind));
  tap_require(block.states != NULL && block.side != NULL);
  block.held = gc_meta_alloc(gc_side_held_bytes(&block));
  for (unsigned s = 0; s < block.slots; s++) {
    tap_check(gc_load_rlx(block.states + s) == ST_NONE);
    tap_check(block.side[s] == NULL);
    gc_store_rlx(block.states + s, ST_DONE);
  }
  gc_side_drop(&block, kind);
  tap_check(block.states == NULL && block.side == NULL && block.held == NULL);
}

/* They do not lie upon the side words, nor do they end before the last slot. */
static void debug_kinds_get_records(void) {
  gc_heap_start(true);
  struct gc_block block = {.slots = 2048};
  unsigned kind = kind_with(KIND_NOTIFIED | KIND_DEBUG);
  for (int round = 0; round < 3; round++) {
    tap_require(gc_side_add(&block, kind) && block.side != NULL);
    for (unsigned s = 0; s < block.slots; s++) {
      tap_eq_u(gc_side_record(&block, s)->asked, 0);
      gc_side_record(&block, s)->asked = s + 1;
    }
    for (unsigned s = 0; s < block.slots; s++) {
      tap_require(block.side[s] == NULL);
      tap_require(gc_side_record(&block, s)->asked == s + 1);
    }
    gc_side_drop(&block, kind);
  }
}

/* Half of the tables is none of them. */
static void without_memory_a_block_gets_nothing(void) {
  gc_heap_start(true);
  unsigned kind = kind_with(KIND_NOTIFIED | KIND_SIDE);
  unsigned refused = 0;
  for (unsigned i = 0; i < 300; i++) {
    struct gc_block block = {.slots = (uint16_t)(1 + tap_rand() % 4096)};
    gc_plat_fail_every(1 + i % 2);
    bool has = gc_side_add(&block, kind);
    gc_plat_fail_every(0);
    refused += !has;
    tap_check((block.states != NULL) == has);
    tap_check((block.side != NULL) == has);
  }
  tap_ge(refused, 10);
}

TAP_MAIN(TAP_CASE(flags_follow_from_the_descriptor),
         TAP_CASE(the_kinds_of_libgc_exist), TAP_CASE(the_table_ends),
         TAP_CASE(without_memory_there_is_no_kind),
         TAP_CASE(lengths_may_include_the_size),
         TAP_CASE(objects_may_hold_their_descriptor),
         TAP_CASE(debug_kinds_get_records),
         TAP_CASE(type_records_hold_descriptors),
         TAP_CASE(the_table_of_procedures_ends),
         TAP_CASE(blocks_get_what_their_kind_wants),
         TAP_CASE(without_memory_a_block_gets_nothing))
