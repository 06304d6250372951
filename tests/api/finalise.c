/* tests/api/finalise.c: which objects are finalised, and in what state. SPDX-License-Identifier: MIT */

/*
 * Contract: of the objects that nothing refers to, those that the order allows
 * get their finaliser called once, with everything that they refer to intact;
 * live ones and those whose finaliser was taken away do not.
 */
#include "finalise.h"

#include <setjmp.h>

enum { LARGE_BYTES = 200000, LONG_BYTES = 9000 };

/* ---- Once, and only of the dead ---- */

static void make_half_live(void *arg) {
  for (size_t i = 0; i < 2 * N_OBJ; i++) {
    struct node *n = new_node(i);
    put(n, (register_fn *)arg);
    keep[i] = i % 2 != 0 ? n : NULL;
  }
}

static void check_half_live(register_fn *reg) {
  GC_INIT();
  gu_apart(make_half_live, (void *)reg);
  gu_collect();
  gu_collect();
  size_t dead = 0;
  for (size_t i = 0; i < 2 * N_OBJ; i++) {
    dead += i % 2 == 0 && count[i] != 0;
    if (i % 2 != 0 && !tap_eq_u(count[i], 0))
      return;
  }
  tap_ge(dead, N_OBJ * 95 / 100);
  drop_all(NULL);
  gu_collect();
  check_most_ran(0, 2 * N_OBJ);
  gu_collect();
  check_sane();
}

static void dead_ones_run_once_ordered(void) {
  check_half_live(GC_register_finalizer);
}
static void dead_ones_run_once_ignore_self(void) {
  check_half_live(GC_register_finalizer_ignore_self);
}
static void dead_ones_run_once_no_order(void) {
  check_half_live(GC_register_finalizer_no_order);
}
static void dead_ones_run_once_unreachable(void) {
  check_half_live(GC_register_finalizer_unreachable);
}

static void make_of_all_kinds(void *arg) {
  (void)arg;
  for (size_t i = 0; i < 3 * N_OBJ; i++) {
    size_t bytes = i % 300 == 0 ? LARGE_BYTES : sizeof(struct node) + i;
    struct node *n = i % 3 == 0   ? GC_malloc_atomic(bytes)
                     : i % 3 == 1 ? GC_malloc(bytes)
                                  : GC_malloc_uncollectable(sizeof *n);
    n->id = i;
    gu_fill(n->data, DATA_BYTES, i);
    put(n, GC_register_finalizer);
  }
}

static void objects_of_all_sizes_and_kinds(void) {
  GC_INIT();
  gu_apart(make_of_all_kinds, NULL);
  gu_collect();
  gu_collect();
  size_t ran[3] = {0};
  for (size_t i = 0; i < 3 * N_OBJ; i++)
    ran[i % 3] += count[i];
  tap_ge(ran[0], N_OBJ * 95 / 100);
  tap_ge(ran[1], N_OBJ * 95 / 100);
  tap_eq_u(ran[2], 0);
  check_sane();
}

/* ---- Order ---- */

/* Chains of three: id, id + N_OBJ, id + 2 * N_OBJ; in a ring when asked. */
static bool ring;

static void make_chains(void *arg) {
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n[3];
    for (size_t k = 3; k-- > 0;) {
      n[k] = new_node(i + k * N_OBJ);
      n[k]->next = k < 2 ? n[k + 1] : NULL;
      put(n[k], (register_fn *)arg);
    }
    if (ring)
      n[2]->next = n[0];
  }
}

static void prepare_chains(register_fn *reg) {
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  gu_apart(make_chains, (void *)reg);
  gu_collect();
}

static void check_layer_by_layer(register_fn *reg) {
  prepare_chains(reg);
  check_most_ran(0, N_OBJ);
  check_few_ran(N_OBJ, 3 * N_OBJ);
  gu_collect();
  check_most_ran(N_OBJ, 2 * N_OBJ);
  check_few_ran(2 * N_OBJ, 3 * N_OBJ);
  gu_collect();
  check_most_ran(2 * N_OBJ, 3 * N_OBJ);
  check_sane();
}

static void ordered_chains_take_a_collection_a_link(void) {
  check_layer_by_layer(GC_register_finalizer);
}
static void ignore_self_chains_do_so_too(void) {
  check_layer_by_layer(GC_register_finalizer_ignore_self);
}
static void unreachable_chains_do_so_too(void) {
  check_layer_by_layer(GC_register_finalizer_unreachable);
}

static void chains_without_order_go_at_once(void) {
  prepare_chains(GC_register_finalizer_no_order);
  check_most_ran(0, 3 * N_OBJ);
  check_sane();
}

static void check_rings_stay(register_fn *reg) {
  ring = true;
  prepare_chains(reg);
  gu_collect();
  tap_eq_u(n_ran, 0);
}

static void ordered_cycles_never_run(void) {
  check_rings_stay(GC_register_finalizer);
}
static void ignore_self_cycles_never_run(void) {
  check_rings_stay(GC_register_finalizer_ignore_self);
}
static void unreachable_cycles_never_run(void) {
  check_rings_stay(GC_register_finalizer_unreachable);
}

static void cycles_without_order_run(void) {
  ring = true;
  prepare_chains(GC_register_finalizer_no_order);
  check_most_ran(0, 3 * N_OBJ);
  check_sane();
}

static void make_loops(void *arg) {
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = new_node(i);
    n->next = n;
    put(n, (register_fn *)arg);
  }
}

static void self_loops_run_if_ignored(void) {
  GC_INIT();
  gu_apart(make_loops, (void *)GC_register_finalizer_ignore_self);
  gu_collect();
  check_most_ran(0, N_OBJ);
  check_sane();
}

static void make_long_loops(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = GC_malloc(LONG_BYTES);
    n->id = i;
    gu_fill(n->data, DATA_BYTES, i);
    n->next = n;
    put(n, GC_register_finalizer_ignore_self);
  }
}

static void long_self_loops_run_if_ignored(void) {
  GC_INIT();
  gu_apart(make_long_loops, NULL);
  gu_collect();
  check_most_ran(0, N_OBJ);
  check_sane();
}

static size_t n_warned;

static void on_warning(char *format, GC_word arg) {
  (void)arg;
  n_warned += strstr(format, "ycle") != NULL;
}

static void self_loops_are_warned_of_else(void) {
  GC_INIT();
  GC_set_warn_proc(on_warning);
  gu_apart(make_loops, (void *)GC_register_finalizer);
  gu_collect();
  tap_eq_u(n_ran, 0);
  tap_ge(n_warned, 1);
}

/* keep[i] -> unordered id i -> `unreachable` id i + N_OBJ. */
static void make_pairs(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *first = new_node(i), *second = new_node(i + N_OBJ);
    first->next = second;
    put(first, GC_register_finalizer_no_order);
    put(second, GC_register_finalizer_unreachable);
  }
}

static void unreachable_waits_for_no_order(void) {
  GC_INIT();
  gu_apart(make_pairs, NULL);
  gu_collect();
  check_most_ran(0, N_OBJ);
  check_few_ran(N_OBJ, 2 * N_OBJ);
  gu_collect();
  check_most_ran(N_OBJ, 2 * N_OBJ);
  check_sane();
}

static void unreachable_waits_in_java_mode_only(void) {
  GC_INIT();
  GC_set_java_finalization(0);
  gu_apart(make_pairs, NULL);
  gu_collect();
  check_most_ran(0, 2 * N_OBJ);
}

/* ---- What finalisers find and do ---- */

static void look_at_next(void *obj, void *cd) {
  const struct node *n = ((struct node *)obj)->next;
  n_bad += !gu_is_intact(n->data, DATA_BYTES, n->id);
  n_ran++;
  memset(GC_malloc(sizeof *n), 0x7f, sizeof *n);
  (void)cd;
}

static void make_with_children(void *arg) {
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = new_node(i);
    n->next = new_node(i + N_OBJ);
    ((register_fn *)arg)(n, look_at_next, NULL, NULL, NULL);
  }
}

static void check_children(register_fn *reg) {
  GC_INIT();
  GC_set_finalize_on_demand(1);
  gu_apart(make_with_children, (void *)reg);
  gu_collect();
  for (size_t i = 0; i < 5 * N_OBJ; i++)
    memset(GC_malloc(sizeof(struct node)), 0x7f, sizeof(struct node));
  gu_collect(); /* what is ready stays */
  GC_invoke_finalizers();
  tap_ge(n_ran, N_OBJ * 95 / 100);
  tap_eq_u(n_bad, 0);
}

static void ordered_ones_find_their_references_intact(void) {
  check_children(GC_register_finalizer);
}
static void those_without_order_do_so_too(void) {
  check_children(GC_register_finalizer_no_order);
}

static void keep_it(void *obj, void *cd) {
  struct node *n = obj;
  (void)cd;
  n_ran++;
  keep[n->id] = n;
  if (count[n->id]++ == 0)
    GC_register_finalizer_no_order(n, keep_it, NULL, NULL, NULL);
}

static void make_to_be_kept(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    GC_register_finalizer_no_order(new_node(i), keep_it, NULL, NULL, NULL);
}

static void revived_ones_live_on_and_may_register_again(void) {
  GC_INIT();
  gu_apart(make_to_be_kept, NULL);
  gu_collect();
  tap_ge(n_ran, N_OBJ * 95 / 100);
  gu_collect();
  for (size_t i = 0; i < N_OBJ; i++)
    if (keep[i] != NULL &&
        !tap_check(gu_is_intact(keep[i]->data, DATA_BYTES, i)))
      return;
  drop_all(NULL);
  gu_collect();
  tap_ge(n_ran, 2 * N_OBJ * 95 / 100);
  drop_all(NULL);
  gu_collect();
  tap_le(n_ran, 2 * N_OBJ);
}

static void make_with_data(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = new_node(i);
    keep[i] = n;
    GC_register_finalizer(n, look_at_next, new_node(i + N_OBJ), NULL, NULL);
  }
}

static void check_data(void *obj, void *cd) {
  const struct node *n = cd;
  n_ran++;
  n_bad += n->id != ((struct node *)obj)->id + N_OBJ ||
           !gu_is_intact(n->data, DATA_BYTES, n->id);
}

static void data_is_kept(void) {
  GC_INIT();
  gu_apart(make_with_data, NULL);
  gu_collect();
  for (size_t i = 0; i < 5 * N_OBJ; i++)
    memset(GC_malloc(sizeof(struct node)), 0x7f, sizeof(struct node));
  for (size_t i = 0; i < N_OBJ; i++) {
    void *cd = NULL;
    GC_finalization_proc fn = NULL;
    GC_register_finalizer(keep[i], NULL, NULL, &fn, &cd);
    tap_require(fn == look_at_next);
    check_data(keep[i], cd);
  }
  tap_eq_u(n_bad, 0);
}

static jmp_buf back;

static void jump_out(void *obj, void *cd) {
  on_final(obj, cd);
  longjmp(back, 1);
}

static void make_jumpers(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    GC_register_finalizer(new_node(i), jump_out, (void *)&count[i], NULL, NULL);
}

/* Each call is left, so each invocation runs one. */
static void finalisers_may_be_left_by_longjmp(void) {
  GC_INIT();
  GC_set_finalize_on_demand(1);
  gu_apart(make_jumpers, NULL);
  gu_collect();
  for (volatile size_t i = 0; i < N_OBJ + 1; i++)
    if (setjmp(back) == 0)
      GC_invoke_finalizers();
  tap_check(!GC_should_invoke_finalizers());
  check_most_ran(0, N_OBJ);
  check_sane();
  GC_set_finalize_on_demand(0); /* allocation still runs them */
  gu_apart(make_jumpers, NULL);
  size_t before = n_ran;
  for (volatile size_t i = 0; i < 20; i++)
    if (setjmp(back) == 0)
      gu_collect();
  tap_ge(n_ran, before + 10);
}

static size_t depth, deepest;

static void allocate_much(void *obj, void *cd) {
  (void)obj, (void)cd;
  n_ran++;
  if (++depth > deepest)
    deepest = depth;
  for (size_t i = 0; i < 100; i++)
    memset(GC_malloc(1000), 1, 1000);
  GC_gcollect();
  depth--;
}

static void make_allocators(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++)
    GC_register_finalizer(new_node(i), allocate_much, NULL, NULL, NULL);
}

static void finalisers_may_allocate_and_collect(void) {
  GC_INIT();
  gu_apart(make_allocators, NULL);
  gu_collect();
  gu_collect();
  tap_ge(n_ran, N_OBJ * 95 / 100);
  tap_le(deepest, 32);
}

/* ---- Changing one's mind ---- */

static void make_changed(void *arg) {
  (void)arg;
  for (size_t i = 0; i < 2 * N_OBJ; i++) {
    struct node *n = new_node(i);
    GC_finalization_proc fn = look_at_next;
    void *cd = n;
    GC_register_finalizer(n, look_at_next, &back, &fn, &cd);
    tap_require(fn == NULL && cd == NULL);
    GC_register_finalizer_no_order(n, on_final, (void *)&count[i], &fn, &cd);
    tap_require(fn == look_at_next && cd == &back);
    if (i < N_OBJ)
      continue;
    GC_register_finalizer_ignore_self(n, NULL, NULL, &fn, &cd);
    tap_require(fn == on_final && cd == (void *)&count[i]);
    GC_register_finalizer(n, NULL, NULL, &fn, &cd);
    tap_require(fn == NULL && cd == NULL);
  }
}

static void another_registration_replaces_and_null_removes(void) {
  GC_INIT();
  gu_apart(make_changed, NULL);
  gu_collect();
  check_most_ran(0, N_OBJ);
  tap_eq_u(count_ran(N_OBJ, 2 * N_OBJ), 0);
  check_sane();
}

static void make_and_free(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = new_node(i);
    put(n, GC_register_finalizer);
    GC_free(n);
    n = GC_malloc(LARGE_BYTES);
    n->id = i + N_OBJ;
    put(n, GC_register_finalizer);
    GC_free(n);
  }
}

static void freed_objects_have_none(void) {
  GC_INIT();
  gu_apart(make_and_free, NULL);
  gu_collect();
  tap_eq_u(n_ran, 0);
  for (size_t i = 0; i < N_OBJ; i++)
    keep[i] = new_node(i);
  drop_all(NULL);
  gu_collect();
  tap_eq_u(n_ran, 0);
}

/* What is ready and gets another finaliser has both: the old is called now. */

static void register_another(void *obj, void *cd) {
  struct node *n = obj;
  (void)cd;
  put(n->next, GC_register_finalizer_no_order);
}

static void make_ready_pair(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *second = new_node(i), *first = new_node(2 * N_OBJ + i);
    first->next = second;
    GC_register_finalizer_no_order(first, register_another, NULL, NULL, NULL);
    put(second, GC_register_finalizer_no_order);
  }
}

static void ready_ones_may_be_registered_again(void) {
  GC_INIT();
  gu_apart(make_ready_pair, NULL);
  gu_collect();
  tap_ge(n_ran, N_OBJ * 95 / 100);
  gu_collect();
  tap_ge(n_ran, 2 * N_OBJ * 95 / 100);
  tap_eq_u(n_bad, 0);
  for (size_t i = 0; i < N_OBJ; i++)
    if (!tap_check(count[i] <= 2))
      return;
}

static void addresses_outside_the_heap_are_ignored(void) {
  static struct node object;
  GC_finalization_proc fn = on_final;
  void *cd = &object;
  GC_INIT();
  GC_register_finalizer(&object, on_final, NULL, &fn, &cd);
  tap_check(fn == NULL && cd == NULL);
  gu_collect();
  tap_eq_u(n_ran, 0);
}

static void note_address(void *obj, void *cd) {
  n_bad += ((uintptr_t)obj & 15) != 8 || cd != NULL;
  n_ran++;
}

static void make_interior(void *arg) {
  (void)arg;
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = new_node(i);
    GC_register_finalizer(&n->next, note_address, NULL, NULL, NULL);
  }
}

static void addresses_inside_objects_are_passed_on(void) {
  GC_INIT();
  gu_apart(make_interior, NULL);
  gu_collect();
  tap_ge(n_ran, N_OBJ * 95 / 100);
  tap_eq_u(n_bad, 0);
}

static void make_of_a_size(void *arg) {
  for (size_t i = 0; i < N_OBJ; i++) {
    struct node *n = GC_malloc(*(size_t *)arg);
    n->id = i;
    gu_fill(n->data, DATA_BYTES, i);
    put(n, GC_register_finalizer_no_order);
  }
}

/* The collector's tables for a block outlive what was in it. */
static void blocks_are_used_again_with_other_sizes(void) {
  static const size_t sizes[] = {64, 400, 80, 2000, 130, 60, 1000};
  GC_INIT();
  for (size_t round = 0; round < 40; round++) {
    size_t bytes = sizes[round % (sizeof sizes / sizeof *sizes)];
    memset((void *)count, 0, sizeof count);
    gu_apart(make_of_a_size, &bytes);
    gu_collect();
    gu_collect(); /* the blocks are free now */
    check_most_ran(0, N_OBJ);
    tap_check(!GC_should_invoke_finalizers());
  }
  check_sane();
}

TAP_MAIN(TAP_CASE(dead_ones_run_once_ordered),
         TAP_CASE(dead_ones_run_once_ignore_self),
         TAP_CASE(dead_ones_run_once_no_order),
         TAP_CASE(dead_ones_run_once_unreachable),
         TAP_CASE(objects_of_all_sizes_and_kinds),
         TAP_CASE(ordered_chains_take_a_collection_a_link),
         TAP_CASE(ignore_self_chains_do_so_too),
         TAP_CASE(unreachable_chains_do_so_too),
         TAP_CASE(chains_without_order_go_at_once),
         TAP_CASE(ordered_cycles_never_run),
         TAP_CASE(ignore_self_cycles_never_run),
         TAP_CASE(unreachable_cycles_never_run),
         TAP_CASE(cycles_without_order_run),
         TAP_CASE(self_loops_run_if_ignored),
         TAP_CASE(long_self_loops_run_if_ignored),
         TAP_CASE(self_loops_are_warned_of_else),
         TAP_CASE(unreachable_waits_for_no_order),
         TAP_CASE(unreachable_waits_in_java_mode_only),
         TAP_CASE(ordered_ones_find_their_references_intact),
         TAP_CASE(those_without_order_do_so_too),
         TAP_CASE(revived_ones_live_on_and_may_register_again),
         TAP_CASE(data_is_kept), TAP_CASE(finalisers_may_be_left_by_longjmp),
         TAP_CASE(finalisers_may_allocate_and_collect),
         TAP_CASE(another_registration_replaces_and_null_removes),
         TAP_CASE(freed_objects_have_none),
         TAP_CASE(ready_ones_may_be_registered_again),
         TAP_CASE(addresses_outside_the_heap_are_ignored),
         TAP_CASE(addresses_inside_objects_are_passed_on),
         TAP_CASE(blocks_are_used_again_with_other_sizes))
