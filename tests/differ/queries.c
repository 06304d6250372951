/* tests/differ/queries.c: questions, settings, and calls into callbacks. SPDX-License-Identifier: MIT */

#include "differ/world.h"

#include <gc/gc_typed.h>

#include <errno.h>
#include <string.h>

/* ---- Addresses ---- */

static _Thread_local unsigned n_refused;
static void on_two(void *p, void *q) {
  n_refused++;
  (void)p, (void)q;
}
static void on_one(void *p) {
  n_refused++;
  (void)p;
}

static void on_warning(char *text, GC_word arg) { (void)text, (void)arg; }

static GC_push_other_roots_proc push_before;
static void push_roots(void);

void df_init_queries(void) {
  GC_same_obj_print_proc = on_two;
  GC_is_valid_displacement_print_proc = on_one;
  GC_is_visible_print_proc = on_one;
  GC_set_warn_proc(on_warning);
  push_before = GC_get_push_other_roots();
  GC_set_push_other_roots(push_roots);
}

static void ask_within(struct df_world *w, const struct df_object *o) {
  char *p = df_address(o), *base = GC_base(p);
  size_t off = o->size == 0 || df_whole_only ? 0 : df_rnd(w, (uint32_t)o->size);
  n_refused = 0;
  df_expect(w, "base", 1, GC_base(p + off) == base);
  df_expect(w, "heap", 1, (uint64_t)GC_is_heap_ptr(p + off));
  df_expect(w, "same", 1, GC_same_obj(p + off, p) == p + off);
  df_expect(w, "valid", 1, GC_is_valid_displacement(p) == p);
  df_expect(w, "visible", 1, o->edge_at == 0 || GC_is_visible(p + 8) == p + 8);
  void *q = p;
  df_expect(w, "pre", off,
            (uint64_t)((char *)GC_pre_incr(&q, (ptrdiff_t)off) - p));
  df_expect(w, "post", off,
            (uint64_t)((char *)GC_post_incr(&q, -(ptrdiff_t)off) - p));
  df_expect(w, "back", 1, q == p);
  df_expect(w, "refused", 0, n_refused);
  df_expect(w, "marked", 1, GC_is_heap_ptr(base) && GC_size(base) >= o->size);
}

static void ask_apart(struct df_world *w, const struct df_object *a,
                      const struct df_object *b) {
  static char data[16];
  char local = 0;
  n_refused = 0;
  df_expect(w, "other", 1,
            GC_same_obj(df_address(a), df_address(b)) == df_address(a));
  df_expect(w, "refused", a != b, n_refused);
  df_expect(w, "static base", 1, GC_base(data) == NULL);
  df_expect(w, "stack base", 1, GC_base(&local) == NULL);
  df_expect(w, "null base", 1, GC_base(NULL) == NULL);
  df_expect(w, "static", 0, (uint64_t)GC_is_heap_ptr(data));
  df_expect(w, "stack", 0, (uint64_t)GC_is_heap_ptr(&local));
  df_expect(w, "static same", 1, GC_same_obj(data + 8, data) == data + 8);
  df_expect(w, "static valid", 1, GC_is_valid_displacement(data) == data);
  df_expect(w, "static visible", 1, GC_is_visible(data) == data);
  df_expect(w, "refused", a != b, n_refused);
}

void df_op_query(struct df_world *w) {
  uint32_t a = df_pick(w), b = df_pick(w), dice = df_rnd(w, 4);
  if (a == 0)
    return;
  df_check(w, df_at(w, a));
  if (dice < 3)
    ask_within(w, df_at(w, a));
  else if (b != 0 && !df_whole_only) /* there the end of one is the next */
    ask_apart(w, df_at(w, a), df_at(w, b));
}

/* ---- Settings ---- */

struct setting {
  const char *name;
  GC_word (*get)(void);
  void (*set)(GC_word);
  GC_word least, most;
};

#define SETTING(type, name)                                                    \
  static GC_word get_##name(void) { return (GC_word)GC_get_##name(); }         \
  static void set_##name(GC_word v) { GC_set_##name((type)v); }
#define ROW(name, least, most)                                                 \
  { #name, get_##name, set_##name, least, most }

SETTING(GC_word, free_space_divisor)
SETTING(GC_word, max_retries)
SETTING(size_t, min_bytes_allocd)
SETTING(GC_word, non_gc_bytes)
SETTING(int, dont_expand)
SETTING(int, full_freq)
SETTING(unsigned long, time_limit)
SETTING(int, force_unmap_on_gcollect)
SETTING(int, java_finalization)
SETTING(int, dont_precollect)
SETTING(int, no_dls)
SETTING(int, rate)
SETTING(int, max_prior_attempts)
SETTING(int, find_leak)

static const struct setting settings[] = {ROW(free_space_divisor, 1, 20),
                                          ROW(max_retries, 0, 9),
                                          ROW(min_bytes_allocd, 1, 9999),
                                          ROW(non_gc_bytes, 0, 99999),
                                          ROW(dont_expand, 0, 1),
                                          ROW(full_freq, 0, 30),
                                          ROW(time_limit, 1, 999),
                                          ROW(force_unmap_on_gcollect, 0, 1),
                                          ROW(java_finalization, 0, 1),
                                          ROW(dont_precollect, 0, 1),
                                          ROW(no_dls, 0, 1),
                                          ROW(rate, 1, 20),
                                          ROW(max_prior_attempts, 0, 5),
                                          ROW(find_leak, 0, 1)};

static void on_event(GC_EventType e) { (void)e; }
static void on_resize(GC_word n) { (void)n; }
static void on_start(void) {}
static void *on_oom(size_t n) { return n == 0 ? NULL : NULL; }
static int on_stop(void) { return 0; }

/* Set, told, and set back. */
#define TRY_PROC(w, name, type, proc)                                          \
  do {                                                                         \
    type old = GC_get_##name();                                                \
    GC_set_##name(proc);                                                       \
    df_expect(w, #name, 1, GC_get_##name() == (proc));                         \
    GC_set_##name(old);                                                        \
    df_expect(w, #name, 1, GC_get_##name() == old);                            \
  } while (0)

static void try_procs(struct df_world *w) {
  TRY_PROC(w, on_collection_event, GC_on_collection_event_proc, on_event);
  TRY_PROC(w, on_heap_resize, GC_on_heap_resize_proc, on_resize);
  TRY_PROC(w, start_callback, GC_start_callback_proc, on_start);
  TRY_PROC(w, oom_fn, GC_oom_func, on_oom);
  TRY_PROC(w, stop_func, GC_stop_func, on_stop);
  TRY_PROC(w, finalizer_notifier, GC_finalizer_notifier_proc, on_start);
  TRY_PROC(w, warn_proc, GC_warn_proc, GC_ignore_warn_proc);
}

void df_op_setting(struct df_world *w) {
  uint32_t i = df_rnd(w, sizeof settings / sizeof *settings + 1);
  if (i == sizeof settings / sizeof *settings) {
    try_procs(w);
    return;
  }
  const struct setting *s = &settings[i];
  GC_word old = s->get();
  GC_word value = s->least + df_rnd(w, (uint32_t)(s->most - s->least) + 1);
  s->set(value);
  df_expect(w, s->name, value, s->get());
  s->set(old);
  df_expect(w, s->name, 1, s->get() == old);
}

/* ---- Roots ---- */

static size_t area_bytes(void) {
  return (DF_ROOTS - DF_AREA_FROM) * sizeof(void *);
}

void df_drop_area(struct df_world *w) {
  char *low = w->area_memory;
  if (df_rnd(w, 4) == 0 && !w->is_threaded)
    GC_clear_roots();
  else
    GC_remove_roots(low, low + area_bytes());
  for (uint32_t r = DF_AREA_FROM; r < DF_ROOTS; r++) {
    if (w->root[r] != 0)
      df_at(w, w->root[r])->was_in_area = true;
    w->root[r] = 0; /* what the words hold is no reference any more */
  }
  w->has_area = false;
}

void df_op_area(struct df_world *w) {
  char *low = w->area_memory;
  df_log(w, "area", w->has_area);
  if (w->has_area) {
    df_drop_area(w);
    return;
  }
  memset(low, 0, area_bytes());
  GC_add_roots(low, low + area_bytes());
  w->has_area = true;
}

/* With the world stopped: in each of the three ways. */
static void push_roots(void) {
  size_t n = DF_AREA_FROM - DF_PUSHED_FROM;
  for (unsigned i = 0; i < DF_WORLDS; i++) {
    char *low =
        df_worlds[i] == NULL ? NULL : (char *)df_worlds[i]->area_memory + 4096;
    if (low == NULL)
      continue;
    GC_push_all(low, low + n / 2 * sizeof(void *));
    GC_push_all_eager(low + n / 2 * sizeof(void *),
                      low + (n - 1) * sizeof(void *));
    GC_push_conditional(low + (n - 1) * sizeof(void *),
                        low + n * sizeof(void *), 1);
  }
  if (push_before != NULL)
    push_before();
}

/* ---- Calls ---- */

static void *GC_CALLBACK identity(void *arg) { return arg; }
static void *GC_CALLBACK allocate_in(void *arg) {
  struct df_world *w = arg;
  df_op_allocate(w);
  return w;
}
static void *GC_CALLBACK active_in(void *arg) {
  return GC_call_with_gc_active(allocate_in, arg);
}
static void *GC_CALLBACK with_base(struct GC_stack_base *base, void *arg) {
  return base->mem_base > (void *)&base ? arg : NULL;
}

static void call_back(struct df_world *w) {
  struct GC_stack_base base;
  df_expect(w, "blocking", 1, GC_do_blocking(identity, w) == w);
  df_expect(w, "active", 1, GC_do_blocking(active_in, w) == w);
  df_expect(w, "locked", 1, GC_call_with_alloc_lock(identity, w) == w);
  df_expect(w, "based", 1, GC_call_with_stack_base(with_base, w) == w);
  df_expect(w, "base", GC_SUCCESS, (uint64_t)GC_get_stack_base(&base));
  df_expect(w, "again", GC_DUPLICATE, (uint64_t)GC_register_my_thread(&base));
  df_expect(w, "known", 1, (uint64_t)GC_thread_is_registered());
}

static void collect_disabled(struct df_world *w) {
  GC_disable();
  GC_disable();
  GC_word before = GC_get_gc_no();
  GC_gcollect();
  df_expect(w, "disabled", 0, GC_get_gc_no() - before);
  GC_enable();
  df_expect(w, "still", 1, (uint64_t)GC_is_disabled() != 0);
  GC_gcollect();
  df_expect(w, "disabled", 0, GC_get_gc_no() - before);
  GC_enable();
  df_expect(w, "now", !w->is_automatic, (uint64_t)GC_is_disabled() != 0);
}

static void ask_for_nonsense(struct df_world *w) {
  static const size_t aligns[] = {0, 1, 3, 4, 8, 16, 24, 32, 100, 256, 1024};
  size_t align = aligns[df_rnd(w, sizeof aligns / sizeof *aligns)];
  void *p = w;
  df_log(w, "align", align);
  int code = GC_posix_memalign(&p, align, 1 + df_rnd(w, 300));
  df_expect(w, "code",
            align < sizeof p || (align & (align - 1)) != 0 ? EINVAL : 0,
            (uint64_t)code);
  df_expect(w, "out", 1,
            code == 0 ? (uintptr_t)p % align == 0 : p == (void *)w);
  df_expect(w, "strdup", 1, GC_strdup(NULL) == NULL);
  df_expect(w, "null", 1, GC_realloc(NULL, 0) != NULL);
  GC_free(NULL);
  if (w->is_automatic || GC_is_disabled()) { /* it may collect */
    df_expect(w, "huge", 1, GC_malloc((size_t)1 << 62) == NULL);
    df_expect(w, "huge", 1, GC_malloc_atomic((size_t)1 << 61) == NULL);
  }
  df_expect(w, "unlink", 0,
            (uint64_t)GC_unregister_disappearing_link(w->plain + DF_WORDS));
  df_expect(w, "unlink", 0,
            (uint64_t)GC_unregister_long_link(w->plain + DF_WORDS));
}

static void describe(struct df_world *w) {
  GC_word map[2] = {df_rnd(w, 256), df_rnd(w, 2)};
  map[1] <<= df_rnd(w, 8);
  size_t n = 1 + df_rnd(w, 70);
  GC_descr d = GC_make_descriptor(map, n);
  df_log(w, "words", n);
  df_log(w, "tag", d & GC_DS_TAGS);
  if ((d & GC_DS_TAGS) != GC_DS_PROC)
    df_log(w, "descriptor", d);
}

static void finalise_nothing(struct df_world *w) {
  static char data[16];
  GC_finalization_proc fn = (GC_finalization_proc)(uintptr_t)1;
  void *old = data;
  GC_register_finalizer(data, NULL, NULL, &fn, &old);
  df_expect(w, "static fn", 1, fn == NULL);
  df_expect(w, "static data", 1, old == NULL);
}

static void ask_figures(struct df_world *w) {
  GC_word heap, free_bytes, unmapped, since, total;
  struct GC_prof_stats_s all;
  GC_get_heap_usage_safe(&heap, &free_bytes, &unmapped, &since, &total);
  df_expect(w, "figures", 1, heap >= free_bytes && heap > 0 && total >= since);
  df_expect(w, "known", sizeof all, GC_get_prof_stats(&all, sizeof all));
  df_expect(w, "all", 1, all.gc_no == GC_get_gc_no() || !!w->is_threaded);
  df_expect(w, "part", 24, GC_get_prof_stats(&all, 24));
}

static void make_garbage(struct df_world *w) {
  for (uint32_t n = df_rnd(w, 12); n > 0; n--) {
    size_t bytes = 8 + df_rnd(w, 300);
    bool is_atomic = df_rnd(w, 2) && df_choice != DF_WITH_DEBUG;
    void *p = is_atomic ? GC_malloc_atomic(bytes) : GC_malloc(bytes);
    if (p == NULL)
      df_fail(w, "no memory");
    memset(p, 0x99, bytes);
  }
}

void df_op_call(struct df_world *w) {
  static void (*const calls[])(struct df_world *) = {
      call_back,   ask_for_nonsense, describe,    finalise_nothing,
      ask_figures, make_garbage,     make_garbage};
  uint32_t dice = df_rnd(w, sizeof calls / sizeof *calls + 1);
  if (dice < sizeof calls / sizeof *calls)
    calls[dice](w);
  else if (!w->is_threaded)
    collect_disabled(w);
}
