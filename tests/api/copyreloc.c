/* tests/api/copyreloc.c: public variables seen from a program at a fixed address. SPDX-License-Identifier: MIT */

/*
 * Linked without position independence, the program gets copies of the public
 * variables in its own data. The library must use those copies, and the copy
 * must not become a root for what the library keeps in it.
 */
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include "lib/gcutil.h"
#include "lib/tap.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum { N_OBJ = 3000 };

static uintptr_t hidden[N_OBJ];

static void make_dropped(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    hidden[i] = gu_hide(GC_malloc(16 + i % 40 * 16));
}

static void variables_show_the_state(void) {
  GC_INIT();
  tap_eq_u(GC_gc_no, GC_get_gc_no());
  GC_gcollect();
  tap_eq_u(GC_gc_no, GC_get_gc_no());
  tap_eq_u(GC_all_interior_pointers, 1);
  tap_eq_u(GC_free_space_divisor, 3);
  tap_eq_u(GC_dont_gc, 0);
  tap_check(GC_stackbottom != NULL);
}

static void variables_act_as_their_setters(void) {
  GC_free_space_divisor = 9;
  GC_INIT();
  tap_eq_u(GC_get_free_space_divisor(), 9);
  GC_set_free_space_divisor(5);
  tap_eq_u(GC_free_space_divisor, 5);
  GC_dont_gc = 1;
  size_t no = GC_get_gc_no();
  GC_gcollect();
  tap_eq_u(GC_get_gc_no(), no);
  GC_dont_gc = 0;
  GC_gcollect();
  tap_eq_u(GC_get_gc_no(), no + 1);
}

static void nothing_is_kept_by_the_variables(void) {
  GC_INIT();
  void *volatile least = GC_least_plausible_heap_addr;
  void *volatile greatest = GC_greatest_plausible_heap_addr;
  tap_check(least <= greatest);
  gu_apart(make_dropped, NULL);
  gu_collect();
  tap_ge(gu_dead_count(hidden, N_OBJ), N_OBJ - 10);
}

TAP_MAIN(TAP_CASE(variables_show_the_state),
         TAP_CASE(variables_act_as_their_setters),
         TAP_CASE(nothing_is_kept_by_the_variables))
