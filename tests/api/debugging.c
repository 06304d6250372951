/* tests/api/debugging.c: objects with sites: headers, damage, leaks. SPDX-License-Identifier: MIT */

/*
 * Contract: what the macros give under GC_DEBUG are ordinary objects behind a
 * header; damage behind their end is reported as smashed, with the site; leaks
 * are reported with it, too.
 */
#ifndef GC_THREADS
#define GC_THREADS
#endif
#define GC_NO_THREAD_REDIRECTS
#define GC_DEBUG
#include <gc/gc.h>
#include <gc/gc_gcj.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

enum { N_OBJ = 500, BYTES = 40 };
static char *volatile keep[N_OBJ];
static uintptr_t dropped[N_OBJ];

/* ---- Objects ---- */

static void check_object(char *p, size_t n, bool is_zero) {
  tap_require(p != NULL);
  tap_eq_u((uintptr_t)p % 16, 0);
  tap_eq_p(GC_USR_PTR_FROM_BASE(GC_base(p)), p);
  tap_check(!is_zero || gu_is_zero(p, n));
  gu_fill(p, n, n);
  tap_eq_p(GC_base(p + n), GC_base(p));
}

static void objects_of_all_sorts(void) {
  GC_INIT();
  tap_eq_u(GC_get_debug_header_size(), 32);
  for (size_t n = 0; n < 3000; n += 1 + n / 3) {
    check_object(GC_MALLOC(n), n, true);
    check_object(GC_MALLOC_ATOMIC(n), n, false);
    check_object(GC_MALLOC_UNCOLLECTABLE(n), n, true);
    check_object(GC_MALLOC_ATOMIC_UNCOLLECTABLE(n), n, false);
    check_object(GC_MALLOC_IGNORE_OFF_PAGE(n), n, true);
    check_object(GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(n), n, false);
    check_object(GC_MALLOC_STUBBORN(n), n, true);
    check_object(GC_debug_malloc_replacement(n), n, true);
    check_object(GC_GENERIC_OR_SPECIAL_MALLOC(n, GC_I_NORMAL), n, true);
  }
}

static void strings(void) {
  GC_INIT();
  char *p = GC_STRDUP("some text");
  tap_eq_s(p, "some text");
  tap_check(GC_base(p) != p);
  tap_eq_s(GC_STRNDUP("some text", 4), "some");
  tap_check(GC_STRDUP(NULL) == NULL);
}

static void make_and_drop(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    keep[i] = GC_MALLOC(2 * sizeof(void *));
    ((void **)(void *)keep[i])[1] = GC_MALLOC_ATOMIC(BYTES);
    gu_fill(((void **)(void *)keep[i])[1], BYTES, i);
    dropped[i] = gu_hide(GC_MALLOC(BYTES));
  }
}

static void they_live_and_die_as_others(void) {
  GC_INIT();
  gu_apart(make_and_drop, NULL);
  gu_collect();
  gu_check_most_dead(dropped, N_OBJ, "dropped objects with sites");
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(((void **)(void *)keep[i])[1], BYTES, i));
}

static void uncollectable_ones_stay(void) {
  GC_INIT();
  for (size_t i = 0; i < N_OBJ; i++) {
    void **p = GC_MALLOC_UNCOLLECTABLE(sizeof *p);
    dropped[i] = gu_hide(p);
    *p = GC_MALLOC_ATOMIC(BYTES);
    gu_fill(*p, BYTES, i);
  }
  gu_collect();
  for (size_t i = 0; i < 100 * N_OBJ; i++) /* what was lost is used again */
    memset(i % 2 ? GC_MALLOC(8) : GC_MALLOC_ATOMIC(BYTES), 0xff, 8);
  for (size_t i = 0; i < N_OBJ; i++) {
    void **p = gu_reveal(dropped[i]);
    tap_require(gu_is_intact(*p, BYTES, i));
    GC_FREE(p);
  }
}

static void sizes_change(void) {
  GC_INIT();
  char *p = GC_REALLOC(NULL, 10);
  check_object(p, 10, true);
  for (size_t n = 11; n < 5000; n += n / 2) {
    char *q = GC_REALLOC(p, n);
    tap_check(gu_is_intact(q, n < 12 ? 10 : 1, n == 11 ? 10 : n) || n != 11);
    check_object(q, n, false);
    p = q;
  }
  p = GC_MALLOC(100);
  gu_fill(p, 100, 5);
  p = GC_REALLOC(p, 50);
  tap_check(gu_is_intact(p, 50, 5));
  p = GC_debug_realloc_replacement(p, 200);
  tap_check(gu_is_intact(p, 50, 5));
  tap_check(gu_is_zero(p + 50, 150));
  tap_check(GC_REALLOC(p, 0) == NULL);
}

static void stores_and_changes(void) {
  GC_INIT();
  void **p = GC_MALLOC(BYTES);
  GC_PTR_STORE_AND_DIRTY(p + 1, p);
  tap_eq_p(p[1], p);
  GC_CHANGE_STUBBORN(p);
  GC_END_STUBBORN_CHANGE(p);
  GC_REGISTER_DISPLACEMENT(8);
}

/* ---- Objects with tables ---- */

static struct {
  void *other;
  GC_word descriptor;
} table;

static struct GC_ms_entry *mark_second(GC_word *object,
                                       struct GC_ms_entry *token,
                                       struct GC_ms_entry *limit, GC_word env) {
  void **p =
      (env & 1) != 0 ? (void **)GC_USR_PTR_FROM_BASE(object) : (void **)object;
  return GC_MARK_AND_PUSH(p[2], token, limit, p + 2);
}

static void make_with_tables(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void **p = GC_GCJ_MALLOC(4 * sizeof *p, &table);
    tap_eq_p(p[0], &table);
    p[2] = GC_malloc_atomic(BYTES);
    gu_fill(p[2], BYTES, i);
    p[3] = GC_malloc_atomic(BYTES);
    dropped[i] = gu_hide(p[3]);
    keep[i] = (char *)p;
  }
}

static void objects_with_tables(void) {
  GC_INIT();
  GC_init_gcj_malloc(GC_GCJ_RESERVED_MARK_PROC_INDEX, (void *)mark_second);
  table.descriptor = GC_MAKE_PROC(GC_GCJ_RESERVED_MARK_PROC_INDEX, 0);
  gu_apart(make_with_tables, NULL);
  gu_collect();
  gu_check_most_dead(dropped, N_OBJ, "not named by the table");
  for (size_t i = 0; i < N_OBJ; i++)
    tap_require(gu_is_intact(((void **)(void *)keep[i])[2], BYTES, i));
}

/* ---- Damage ---- */

static GU_NOINLINE void smash(char *p, volatile size_t at) { p[at] = 1; }

static void collect_damaged(void) {
  char *p = GC_debug_malloc(100, "a_file.c", 4711);
  keep[0] = p;
  smash(p, 100); /* up to the next word is room on other libraries */
  smash(p, 104);
  GC_gcollect();
}

static void damage_is_found_by_collections(void) {
  GC_INIT();
  gu_said(collect_damaged);
  tap_check(gu_count_said("smashed"));
  tap_check(gu_count_said("a_file.c:4711"));
}

static void free_damaged(void) {
  char *p = GC_debug_malloc_atomic(64, "a_file.c", 4712);
  smash(p, 64);
  GC_FREE(p);
}

static void damage_is_found_by_free(void) {
  GC_INIT();
  gu_said(free_damaged);
  tap_check(gu_count_said("smashed"));
  tap_check(gu_count_said("a_file.c:4712"));
}

static void free_and_collect_good_ones(void) {
  for (size_t n = 0; n < 20000; n++) {
    char *p = n % 2 ? GC_MALLOC(n % 200) : GC_MALLOC_ATOMIC(n % 200);
    memset(p, 0xff, n % 200);
    keep[n % N_OBJ] = p;
    if (n % 7 == 0) {
      GC_FREE(p);
      keep[n % N_OBJ] = NULL;
    }
    if (n % 1000 == 0)
      GC_gcollect();
  }
}

/* Blocks go from slots of one size to those of others, with what was in them. */
static void make_many(void *arg) {
  size_t n = *(size_t *)arg;
  for (size_t i = 0; i < 40 * N_OBJ; i++)
    gu_fill(GC_MALLOC_ATOMIC(n), n, i);
}

static void use_memory_again(void) {
  for (int round = 0; round < 12; round++) {
    size_t n = 16 + (size_t)round * 40 % 360;
    gu_apart(make_many, &n);
    gu_collect();
    for (size_t i = 0; i < N_OBJ; i++) {
      keep[i] = GC_MALLOC_ATOMIC(n + 20 + i % 100);
      if (i % 50 == 0)
        GC_gcollect();
    }
    gu_collect();
  }
}

static void memory_used_again_is_no_damage(void) {
  GC_INIT();
  tap_eq_s(gu_said(use_memory_again), "");
}

static void nothing_is_said_without_damage(void) {
  GC_INIT();
  tap_eq_s(gu_said(free_and_collect_good_ones), "");
}

static void free_plain(void) {
  GC_free(GC_base(GC_MALLOC(BYTES)));
  GC_FREE(NULL);
}

static void bases_may_be_freed(void) {
  GC_INIT();
  tap_eq_s(gu_said(free_plain), "");
}

/* ---- Finalisers ---- */

typedef void register_fn(void *, GC_finalization_proc, void *,
                         GC_finalization_proc *, void **);

static size_t n_finalised, n_wrong;

/* The address is the program's, and what it wrote is there. */
static void on_final(void *object, void *cd) {
  n_finalised++;
  n_wrong += cd != keep || GC_USR_PTR_FROM_BASE(GC_base(object)) != object ||
             !gu_is_intact(object, BYTES, BYTES);
}

static void make_finalisable(void *arg) {
  for (size_t i = 0; i < N_OBJ; i++) {
    char *p = GC_MALLOC(BYTES);
    gu_fill(p, BYTES, BYTES);
    ((register_fn *)arg)(p, on_final, (void *)keep, NULL, NULL);
  }
}

static void check_finalisers(register_fn *reg) {
  GC_INIT();
  gu_apart(make_finalisable, (void *)reg);
  gu_collect();
  tap_ge(n_finalised, N_OBJ * 95 / 100);
  tap_eq_u(n_wrong, 0);
}

static void finalisers_get_the_object_ordered(void) {
  check_finalisers(GC_debug_register_finalizer);
}
static void finalisers_get_the_object_ignore_self(void) {
  check_finalisers(GC_debug_register_finalizer_ignore_self);
}
static void finalisers_get_the_object_no_order(void) {
  check_finalisers(GC_debug_register_finalizer_no_order);
}
static void finalisers_get_the_object_unreachable(void) {
  check_finalisers(GC_debug_register_finalizer_unreachable);
}

static void make_by_macros(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    void *p[4];
    for (size_t k = 0; k < 4; k++) {
      p[k] = GC_MALLOC(BYTES);
      gu_fill(p[k], BYTES, BYTES);
    }
    GC_REGISTER_FINALIZER(p[0], on_final, (void *)keep, NULL, NULL);
    GC_REGISTER_FINALIZER_IGNORE_SELF(p[1], on_final, (void *)keep, NULL, NULL);
    GC_REGISTER_FINALIZER_NO_ORDER(p[2], on_final, (void *)keep, NULL, NULL);
    GC_REGISTER_FINALIZER_UNREACHABLE(p[3], on_final, (void *)keep, NULL, NULL);
  }
}

static void the_macros_register_for_such_objects(void) {
  GC_INIT();
  gu_apart(make_by_macros, NULL);
  gu_collect();
  tap_ge(n_finalised, 4 * N_OBJ * 95 / 100);
  tap_eq_u(n_wrong, 0);
}

static char place[8];

static void finalisers_are_replaced_and_removed(void) {
  static register_fn *const reg[] = {GC_debug_register_finalizer_no_order,
                                     GC_debug_register_finalizer_ignore_self,
                                     GC_debug_register_finalizer_unreachable,
                                     GC_debug_register_finalizer};
  GC_INIT();
  void *p = GC_MALLOC(BYTES), *cd = place;
  GC_finalization_proc fn = on_final;
  GC_debug_register_finalizer(p, on_final, place, &fn, &cd);
  tap_check(fn == NULL && cd == NULL);
  for (size_t i = 0; i < 4; i++) {
    reg[i](p, on_final, place + i + 1, &fn, &cd);
    tap_check(fn == on_final && cd == place + i);
  }
  for (size_t i = 0; i < 4; i++) {
    reg[i](p, NULL, NULL, &fn, &cd);
    tap_check(i == 0 ? fn == on_final && cd == place + 4
                     : fn == NULL && cd == NULL);
    reg[(i + 1) % 4](p, on_final, place + 4, NULL, NULL);
    GC_debug_register_finalizer(p, NULL, NULL, NULL, NULL);
  }
  GC_debug_register_finalizer(place, on_final, NULL, &fn, &cd);
  tap_check(fn == NULL && cd == NULL); /* no object at all */
}

static char *wrong;
static register_fn *wrong_register;

static void register_wrong(void) {
  wrong_register(wrong, on_final, NULL, NULL, NULL);
}

static void other_addresses_are_told(void) {
  GC_INIT();
  keep[0] = GC_MALLOC(BYTES);
  keep[1] = (GC_malloc)(BYTES);
  char *addresses[] = {keep[0] + 8, GC_base(keep[0]), keep[1]};
  for (size_t i = 0; i < 3; i++) {
    wrong = addresses[i];
    wrong_register = GC_debug_register_finalizer;
    gu_said(register_wrong);
    tap_check(gu_count_said("GC_debug_register_finalizer"));
    wrong_register = GC_debug_register_finalizer_no_order;
    gu_said(register_wrong);
    tap_check(gu_count_said("GC_debug_register_finalizer_no_order"));
  }
  wrong = keep[0];
  tap_eq_s(gu_said(register_wrong), "");
}

/* ---- Leaks ---- */

static void lose(void *arg) {
  (void)arg;
  for (int i = 0; i < 10; i++)
    GC_debug_malloc(BYTES, "lost.c", 100 + i);
}

static void lose_and_collect(void) {
  gu_apart(lose, NULL);
  gu_collect();
}

static void leaks_have_sites(void) {
  GC_set_find_leak(1);
  GC_INIT();
  gu_said(lose_and_collect);
  tap_check(gu_count_said("leaked"));
  tap_check(gu_count_said("lost.c:104"));
  GC_set_find_leak(0);
}

TAP_MAIN(TAP_CASE(objects_of_all_sorts), TAP_CASE(strings),
         TAP_CASE(they_live_and_die_as_others),
         TAP_CASE(uncollectable_ones_stay), TAP_CASE(sizes_change),
         TAP_CASE(stores_and_changes), TAP_CASE(objects_with_tables),
         TAP_CASE(damage_is_found_by_collections),
         TAP_CASE(damage_is_found_by_free),
         TAP_CASE(nothing_is_said_without_damage),
         TAP_CASE(memory_used_again_is_no_damage), TAP_CASE(bases_may_be_freed),
         TAP_CASE(finalisers_get_the_object_ordered),
         TAP_CASE(finalisers_get_the_object_ignore_self),
         TAP_CASE(finalisers_get_the_object_no_order),
         TAP_CASE(finalisers_get_the_object_unreachable),
         TAP_CASE(the_macros_register_for_such_objects),
         TAP_CASE(finalisers_are_replaced_and_removed),
         TAP_CASE(other_addresses_are_told), TAP_CASE(leaks_have_sites))
