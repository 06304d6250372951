/* tests/differ/links.c: finalisers, disappearing links, toggle references. SPDX-License-Identifier: MIT */

#include "differ/world.h"

#include <string.h>

enum { FRESH_BYTES = 1900 };

/* ---- Finalisers ---- */

/* The world and the entry of an object that has a key, or NULL. */
static struct df_object *find(uint64_t key, struct df_world **world) {
  unsigned id = (unsigned)(key >> 56) & 0x7f;
  struct df_world *w = id < DF_WORLDS ? df_worlds[id] : NULL;
  struct df_object *o = w == NULL ? NULL : &w->object[key & (DF_OBJECTS - 1)];
  *world = w;
  return o != NULL && o->serial != 0 && df_key(w, o) == key ? o : NULL;
}

static void *data_of(struct df_world *w, const struct df_object *o) {
  return o->data != 0 ? df_address(df_at(w, o->data))
                      : (void *)(uintptr_t)(2 * o->serial + 1);
}

/* On any thread: tells the world of it, which looks at its next call. What the object
 * refers to may be in use, and changed at this moment, where the world has a thread of
 * its own. */
static void note(void *obj, void *cd, int proc) {
  uint64_t key = df_key_at(obj);
  struct df_world *w;
  struct df_object *o = find(key, &w);
  if (w == NULL)
    return;
  const char *fault = o == NULL              ? "a finaliser of no object ran"
                      : df_address(o) != obj ? "a finaliser got another address"
                      : o->proc != proc      ? "another finaliser ran"
                      : data_of(w, o) != cd  ? "a finaliser got other data"
                      : !df_is_intact(w, o, w->is_threaded ? 0 : 3)
                          ? "a finaliser found bad contents"
                      : !w->is_threaded && o->data != 0 &&
                              !df_is_intact(w, df_at(w, o->data), 0)
                          ? "a finaliser found bad data"
                          : NULL;
  if (fault != NULL)
    w->fault = fault;
  uint32_t at = atomic_fetch_add(&w->n_events, 1);
  w->event[at % DF_EVENTS] = key;
  if (proc == DF_REVIVES || proc == DF_AGAIN)
    *df_root_word(w, (uint32_t)(o == NULL ? 0 : o->serial % DF_STACK_FROM)) =
        obj;
}

static void on_plain(void *obj, void *cd) { note(obj, cd, DF_PLAIN); }
static void on_revive(void *obj, void *cd) { note(obj, cd, DF_REVIVES); }
static void on_again(void *obj, void *cd) { note(obj, cd, DF_AGAIN); }
static void on_allocate(void *obj, void *cd) {
  struct df_world *w;
  bool is_controlled = find(df_key_at(obj), &w) != NULL && !w->is_automatic;
  if (is_controlled) /* as within the call that runs this it is not */
    GC_disable();
  /* Of a size that few others have: what is dead is counted after this. */
  for (size_t i = 0; i < 3; i++)
    memset(GC_malloc(FRESH_BYTES), 0x99, FRESH_BYTES);
  if (is_controlled)
    GC_enable();
  note(obj, cd, DF_ALLOCATES);
}

static const GC_finalization_proc procs[DF_PROCS] = {[DF_PLAIN] = on_plain,
                                                     [DF_ALLOCATES] =
                                                         on_allocate,
                                                     [DF_REVIVES] = on_revive,
                                                     [DF_AGAIN] = on_again};

typedef void register_fn(void *, GC_finalization_proc, void *,
                         GC_finalization_proc *, void **);
static register_fn *const debug_registers[] = {
    [DF_ORDERED] = GC_debug_register_finalizer,
    [DF_IGNORE_SELF] = GC_debug_register_finalizer_ignore_self,
    [DF_NO_ORDER] = GC_debug_register_finalizer_no_order,
    [DF_UNREACHABLE] = GC_debug_register_finalizer_unreachable};
static register_fn *const registers[] = {
    [DF_ORDERED] = GC_register_finalizer,
    [DF_IGNORE_SELF] = GC_register_finalizer_ignore_self,
    [DF_NO_ORDER] = GC_register_finalizer_no_order,
    [DF_UNREACHABLE] = GC_register_finalizer_unreachable};

struct registered {
  GC_finalization_proc fn;
  void *data;
};

static struct registered expected_of(struct df_world *w,
                                     const struct df_object *o) {
  if (o->form == 0)
    return (struct registered){NULL, NULL};
  return (struct registered){procs[o->proc], data_of(w, o)};
}

/* Form 0 takes it away. What was there is told. */
static struct registered change(struct df_world *w, struct df_object *o,
                                int form, int proc, uint32_t data) {
  struct registered now, old = {on_plain, NULL};
  int by = form != 0 ? form : DF_ORDERED + (int)(o->serial % 4);
  register_fn *reg = df_is_debug(o) ? debug_registers[by] : registers[by];
  o->form = (uint8_t)form;
  o->proc = (uint8_t)proc;
  o->data = data;
  now = expected_of(w, o);
  reg(df_address(o), now.fn, now.data, &old.fn, &old.data);
  return old;
}

static void check_old(struct df_world *w, const struct df_object *o,
                      struct registered want, struct registered old) {
  if (old.fn != want.fn || old.data != want.data)
    df_fail(
        w, "the old finaliser of object %llu is wrong: %s procedure, %s data",
        (unsigned long long)o->serial, old.fn == want.fn ? "right" : "wrong",
        old.data == want.data ? "right" : "wrong");
}

void df_set_form(struct df_world *w, struct df_object *o, int form, int proc,
                 uint32_t data) {
  struct registered want = expected_of(w, o);
  check_old(w, o, want, change(w, o, form, proc, data));
}

void df_take_finaliser(struct df_world *w, struct df_object *o) {
  df_set_form(w, o, DF_NO_FORM, 0, 0);
}

void df_lose_finaliser(struct df_world *w, struct df_object *o) {
  struct registered want = expected_of(w, o);
  struct registered old = change(w, o, DF_NO_FORM, 0, 0);
  if (old.fn != NULL)
    check_old(w, o, want, old);
}

void df_op_finaliser(struct df_world *w) {
  uint32_t number = df_pick(w), form = df_rnd(w, 6), proc = df_rnd(w, DF_PROCS);
  uint32_t data = !w->is_automatic && df_rnd(w, 6) == 0 ? df_pick(w) : 0;
  struct df_object *o = number == 0 ? NULL : df_at(w, number);
  if (o == NULL || !df_is_base(o))
    return;
  if (w->is_automatic && proc >= DF_REVIVES)
    proc = DF_PLAIN;
  if (form > DF_UNREACHABLE)
    form = DF_NO_ORDER;
  if (o->family == DF_ARRAY && form != DF_NO_FORM && form != DF_IGNORE_SELF)
    form = DF_NO_ORDER; /* libgc takes arrays of several elements for cycles */
  if (form == DF_NO_FORM || data == number)
    data = 0;
  if (data != 0)
    df_at(w, data)->is_shared = true;
  df_log(w, "object", o->serial);
  df_log(w, "old", o->form == 0 ? 99 : o->proc);
  df_log(w, "form", form);
  df_set_form(w, o, (int)form, (int)proc, data);
}

/*
 * What the finaliser's procedure is for, in the order of the entries. The call
 * has put the address into a root word, which gets what the model says now.
 */
void df_effect(struct df_world *w, struct df_object *o, int proc) {
  if (proc != DF_REVIVES && proc != DF_AGAIN)
    return;
  uint32_t r = (uint32_t)(o->serial % DF_STACK_FROM), number = w->root[r];
  o->is_shared = true;
  if (proc == DF_REVIVES) {
    w->root[r] = df_number(w, o);
    w->root_off[r] = 0;
    *df_root_word(w, r) = df_address(o);
    return;
  }
  df_set_form(w, o, DF_NO_ORDER, DF_PLAIN, 0);
  *df_root_word(w, r) =
      number == 0 ? NULL
                  : (char *)df_address(df_at(w, number)) + w->root_off[r];
}

/* ---- Links ---- */

typedef int add_fn(void **, const void *);
static int add_short(void **link, const void *obj) {
  return GC_general_register_disappearing_link(link, obj);
}
static add_fn *const adders[DF_SORTS] = {add_short, GC_register_long_link};
typedef int move_fn(void **, void **);
static move_fn *const movers[DF_SORTS] = {GC_move_disappearing_link,
                                          GC_move_long_link};
typedef int unlink_fn(void **);
static unlink_fn *const unlinkers[DF_SORTS] = {GC_unregister_disappearing_link,
                                               GC_unregister_long_link};

void **df_link_place(struct df_world *w, uint32_t k) {
  return k < DF_HELD_FROM ? &w->plain[k]
                          : df_word_in(df_at(w, w->word[k].holder));
}

static bool is_lost(struct df_world *w, uint32_t number) {
  return number != 0 && !(df_at(w, number)->marks & DF_LIVE);
}

int df_unlink(struct df_world *w, uint32_t k, int sort) {
  w->word[k].target[sort] = 0;
  return unlinkers[sort](df_link_place(w, k));
}

static void set_word(struct df_world *w, uint32_t k, uint32_t number) {
  w->word[k].hidden = number == 0 ? 0 : df_at(w, number)->hidden;
  *df_link_place(w, k) = number == 0 ? NULL : df_address(df_at(w, number));
}

static void leave_holder(struct df_world *w, uint32_t k) {
  if (w->word[k].holder != 0)
    df_at(w, w->word[k].holder)->has_link = false;
  memset(&w->word[k], 0, sizeof w->word[k]);
}

/*
 * Needs the marks of df_reach. After this the word is a link to live objects
 * only and holds what it should, or nothing is known of it.
 */
void df_settle(struct df_world *w, uint32_t k) {
  struct df_word *l = &w->word[k];
  if (is_lost(w, l->holder)) {
    memset(l, 0, sizeof *l);
    return;
  }
  if (k >= DF_HELD_FROM && l->holder == 0)
    return;
  bool is_unsure = false;
  for (int s = 0; s < DF_SORTS; s++)
    if (is_lost(w, l->target[s])) {
      int was = df_unlink(w, k, s);
      is_unsure = true;
      w->n_cleared += !was;
      if (!w->is_automatic && was != 1)
        df_fail(w, "link %u went before any collection", k);
    }
  if (is_unsure)
    set_word(w, k,
             l->target[DF_SHORT] != 0 ? l->target[DF_SHORT]
                                      : l->target[DF_LONG]);
  void *want = l->hidden == 0 ? NULL : gu_reveal(l->hidden);
  if (*df_link_place(w, k) != want)
    df_fail(w, "link %u holds %p, want %p", k, *df_link_place(w, k), want);
}

static void add(struct df_world *w, uint32_t k, int sort) {
  struct df_word *l = &w->word[k];
  uint32_t number = df_pick(w);
  if (number == 0 || !df_is_base(df_at(w, number)))
    return;
  if (k >= DF_HELD_FROM && l->holder == 0) {
    uint32_t in = df_pick(w);
    struct df_object *holder = in == 0 ? NULL : df_at(w, in);
    if (holder == NULL || !df_is_atomic(holder) || !df_is_base(holder) ||
        holder->size < 40 || holder->has_link)
      return;
    l->holder = in;
    holder->has_link = true;
  }
  int want = l->target[sort] != 0 ? GC_DUPLICATE : GC_SUCCESS;
  set_word(w, k, number);
  l->target[sort] = number;
  int got = adders[sort](df_link_place(w, k), df_base(df_at(w, number)));
  df_log(w, "add", (uint64_t)got);
  if (got != want)
    df_fail(w, "adding link %u gives %d, want %d", k, got, want);
}

static void move(struct df_world *w, uint32_t k, uint32_t to, int sort) {
  struct df_word *l = &w->word[k], *n = &w->word[to];
  if ((k >= DF_HELD_FROM && l->holder == 0) ||
      (to >= DF_HELD_FROM && n->holder == 0))
    return;
  int want = l->target[sort] == 0   ? GC_NOT_FOUND
             : k == to              ? GC_SUCCESS
             : n->target[sort] != 0 ? GC_DUPLICATE
                                    : GC_SUCCESS;
  int got = movers[sort](df_link_place(w, k), df_link_place(w, to));
  df_log(w, "move", (uint64_t)got);
  if (got != want)
    df_fail(w, "moving link %u to %u gives %d, want %d", k, to, got, want);
  if (got != GC_SUCCESS || k == to)
    return;
  n->target[sort] = l->target[sort];
  l->target[sort] = 0;
  set_word(w, to, n->target[sort]);
}

static void take(struct df_world *w, uint32_t k, int sort) {
  struct df_word *l = &w->word[k];
  if (k >= DF_HELD_FROM && l->holder == 0)
    return;
  int want = l->target[sort] != 0, got = df_unlink(w, k, sort);
  df_log(w, "unlink", (uint64_t)got);
  if (got != want)
    df_fail(w, "taking link %u away gives %d, want %d", k, got, want);
  if (l->target[DF_SHORT] == 0 && l->target[DF_LONG] == 0 && k >= DF_HELD_FROM)
    leave_holder(w, k);
}

void df_op_link(struct df_world *w) {
  uint32_t k = df_rnd(w, DF_WORDS), to = df_rnd(w, DF_WORDS),
           dice = df_rnd(w, 10);
  int sort = (int)df_rnd(w, DF_SORTS);
  df_reach(w);
  df_settle(w, k);
  df_settle(w, to);
  df_log(w, "link", k);
  df_log(w, "to", to);
  if (dice < 6)
    add(w, k, sort);
  else if (dice < 8)
    move(w, k, to, sort);
  else
    take(w, k, sort);
}

/* So that a live object may be freed: no link leads to it, none lies in it. */
void df_strip(struct df_world *w, struct df_object *o) {
  uint32_t number = df_number(w, o);
  if (o->form != 0)
    df_take_finaliser(w, o);
  for (uint32_t k = 0; k < DF_WORDS; k++) {
    struct df_word *l = &w->word[k];
    bool is_near = l->holder == number || l->target[DF_SHORT] == number ||
                   l->target[DF_LONG] == number;
    if (!is_near)
      continue;
    df_reach(w);
    df_settle(w, k);
    for (int s = 0; s < DF_SORTS; s++)
      if ((l->holder == number || l->target[s] == number) &&
          l->target[s] != 0 && df_unlink(w, k, s) != 1)
        df_fail(w, "link %u is none", k);
    if (l->holder == number)
      leave_holder(w, k);
  }
}

/* All words, before the objects that they lie in go. */
void df_drop_links(struct df_world *w) {
  df_reach(w);
  for (uint32_t k = 0; k < DF_WORDS; k++) {
    df_settle(w, k);
    for (int s = 0; s < DF_SORTS; s++)
      if (w->word[k].target[s] != 0 && df_unlink(w, k, s) != 1)
        df_fail(w, "link %u is none", k);
    if (k >= DF_HELD_FROM)
      leave_holder(w, k);
    else
      set_word(w, k, 0);
  }
}

/* ---- Toggle references ---- */

/* With the world stopped. */
static GC_ToggleRefStatus answer_of(void *obj) {
  struct df_world *w;
  const struct df_object *o = find(df_key_at(obj), &w);
  return o == NULL ? GC_TOGGLE_REF_DROP : (GC_ToggleRefStatus)o->answer;
}

/* With the lock held. */
static void on_ready(void *obj) {
  struct df_world *w;
  uint64_t key = df_key_at(obj);
  find(key, &w);
  if (w != NULL && w->is_on_demand)
    w->told[w->n_told++ % DF_OBJECTS] = key;
}

/* For the one world that there is where finalisers wait. */
static void GC_CALLBACK on_any_ready(void) {
  for (unsigned i = 0; i < DF_WORLDS; i++)
    if (df_worlds[i] != NULL)
      df_worlds[i]->n_notified++;
}

void df_init_links(void) {
  GC_set_finalizer_notifier(on_any_ready);
  GC_set_toggleref_func(answer_of);
  GC_set_await_finalize_proc(on_ready);
}

/* Each object gets one in its life at most, so that one answer is enough. */
void df_op_toggle(struct df_world *w) {
  uint32_t slot = df_rnd(w, DF_TOGGLES), number = df_pick(w);
  uint32_t answer = df_rnd(w, 3), is_strong = df_rnd(w, 2);
  if (w->toggle[slot] != 0) {
    struct df_object *o = df_at(w, w->toggle[slot]);
    df_reach(w);
    bool is_there = (o->marks & DF_LIVE) != 0;
    if (is_there)
      o->answer = (uint8_t)answer;
    if (!is_there || answer == GC_TOGGLE_REF_DROP)
      w->toggle[slot] = 0;
    df_log(w, "toggle", is_there);
    return;
  }
  struct df_object *o = number == 0 ? NULL : df_at(w, number);
  if (o == NULL || !df_is_base(o) || o->is_toggled)
    return;
  o->is_toggled = o->is_shared = true;
  o->answer = GC_TOGGLE_REF_STRONG;
  w->toggle[slot] = number;
  df_log(w, "add toggle",
         (uint64_t)GC_toggleref_add(df_base(o), (int)is_strong));
}
