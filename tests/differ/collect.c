/* tests/differ/collect.c: what a collection may do, and what it has done. SPDX-License-Identifier: MIT */

#include "differ/world.h"

#include <string.h>

/* ---- Reachability ---- */

/* Gives the mark to the object and all that it leads to, but not beyond others
 * that have one of the marks `at`. */
static void spread(struct df_world *w, uint32_t number, unsigned mark,
                   unsigned at) {
  uint32_t n = 0;
  at |= mark;
  if (number == 0 || df_at(w, number)->marks & at)
    return;
  df_at(w, number)->marks |= (uint8_t)mark;
  w->queue[n++] = number;
  for (uint32_t i = 0; i < n; i++) {
    const struct df_object *o = df_at(w, w->queue[i]);
    for (size_t e = 0; e < DF_EDGES; e++) {
      uint32_t next = o->edge[e];
      if (next == 0 || df_at(w, next)->marks & at)
        continue;
      df_at(w, next)->marks |= (uint8_t)mark;
      w->queue[n++] = next;
    }
  }
}

static void spread_children(struct df_world *w, const struct df_object *o,
                            unsigned mark, unsigned at) {
  for (size_t e = 0; e < DF_EDGES; e++)
    if (o->form != DF_IGNORE_SELF || o->edge[e] != df_number(w, o))
      spread(w, o->edge[e], mark, at);
}

void df_reach(struct df_world *w) {
  for (uint32_t i = 0; i < w->top; i++)
    w->object[i].marks = 0;
  for (uint32_t r = 0; r < (w->has_area ? DF_ROOTS : DF_AREA_FROM); r++)
    spread(w, w->root[r], DF_LIVE, 0);
  for (uint32_t i = 0; i < DF_FIXED; i++)
    spread(w, w->fixed[i], DF_LIVE, 0);
  for (uint32_t i = 0; i < DF_GUESTS; i++)
    for (uint32_t k = 0; k < DF_GUEST_WORDS; k++)
      spread(w, w->guest_word[i][k], DF_LIVE, 0);
  for (uint32_t i = 0; i < DF_TOGGLES; i++)
    if (w->toggle[i] != 0 &&
        df_at(w, w->toggle[i])->answer == GC_TOGGLE_REF_STRONG)
      spread(w, w->toggle[i], DF_LIVE, 0);
  for (uint32_t i = 0; i < w->top; i++) {
    const struct df_object *o = &w->object[i];
    if (o->serial != 0 && o->is_queued)
      spread(w, i + 1, DF_LIVE, 0);
    if (o->serial != 0 && o->form != 0)
      spread(w, o->data, DF_LIVE, 0);
  }
}

static bool is_waiting(const struct df_object *o) {
  return o->serial != 0 && o->form != 0 && !o->is_queued &&
         !(o->marks & DF_LIVE);
}

/*
 * Dead objects with an ordered finaliser hold what they refer to; those that
 * nothing holds are ready; what is referred to by ready ones without order puts
 * the `unreachable' ones off; what ready ones refer to is revived.
 */
void df_predict(struct df_world *w) {
  df_reach(w);
  for (uint32_t i = 0; i < w->top; i++)
    if (is_waiting(&w->object[i]) && w->object[i].form != DF_NO_ORDER)
      spread_children(w, &w->object[i], DF_HELD, DF_LIVE);
  for (uint32_t i = 0; i < w->top; i++)
    if (is_waiting(&w->object[i]) && !(w->object[i].marks & DF_HELD))
      w->object[i].marks |= DF_READY;
  for (uint32_t i = 0; i < w->top; i++)
    if (w->object[i].marks & DF_READY && w->object[i].form == DF_NO_ORDER)
      spread_children(w, &w->object[i], DF_REVIVED, DF_LIVE | DF_HELD);
  for (uint32_t i = 0; i < w->top; i++) {
    struct df_object *o = &w->object[i];
    if (o->marks & DF_REVIVED && o->form == DF_UNREACHABLE)
      o->marks &= (uint8_t)~DF_READY;
    if (o->marks & DF_REVIVED && o->marks & DF_READY)
      o->marks |= DF_LED;
  }
  for (uint32_t i = 0; i < w->top; i++)
    if (w->object[i].marks & DF_READY)
      spread(w, i + 1, DF_REVIVED, DF_LIVE | DF_HELD);
}

/* ---- What happens by itself ---- */

static struct df_object *next_event(struct df_world *w) {
  if (w->fault != NULL)
    df_fail(w, "%s", w->fault);
  if (w->n_seen == w->n_events)
    return NULL;
  uint64_t key = atomic_exchange(&w->event[w->n_seen % DF_EVENTS], 0);
  if (key == 0) /* another thread is about to write it */
    return NULL;
  w->n_seen++;
  struct df_object *o = &w->object[key & (DF_OBJECTS - 1)];
  if (o->serial == 0 || df_key(w, o) != key || o->form == 0)
    df_fail(w, "a finaliser ran that nobody has");
  w->n_ran++;
  return o;
}

static void check_turn(struct df_world *w, struct df_object *o) {
  if (o->marks & DF_LIVE)
    df_fail(w, "the finaliser of live object %llu ran",
            (unsigned long long)o->serial);
  for (uint32_t i = 0; i < w->top; i++)
    w->object[i].marks &= DF_LIVE;
  for (uint32_t i = 0; i < w->top; i++)
    if (is_waiting(&w->object[i]) &&
        (w->object[i].form != DF_NO_ORDER || o->form == DF_UNREACHABLE) &&
        (w->object[i].form != DF_NO_ORDER || &w->object[i] != o))
      spread_children(w, &w->object[i], DF_HELD, DF_LIVE);
  if (o->marks & DF_HELD)
    df_fail(w,
            "the finaliser of object %llu ran before that of another that "
            "leads to it",
            (unsigned long long)o->serial);
}

/* Right is what is right now: what was ready then is no less so. */
void df_look(struct df_world *w) {
  struct df_object *o;
  if (!w->is_automatic && w->gc_no != GC_get_gc_no())
    df_fail(w, "there was a collection that nobody asked for");
  if (w->n_seen == w->n_events && w->fault == NULL)
    return;
  if (!w->is_automatic)
    df_fail(w, "%s",
            w->fault != NULL ? w->fault
                             : "a finaliser ran without a collection");
  df_reach(w);
  while ((o = next_event(w)) != NULL) {
    check_turn(w, o);
    o->form = 0;
    o->data = 0;
  }
}

/*
 * In the child of a fork, before anything else: another thread may have been about to
 * run, or to note, the finaliser of a dead object, and is no more. Those that are ready
 * run now; after that the dead have none, and where one is still registered, it has to
 * be the right one.
 */
void df_lose_running(struct df_world *w) {
  GC_invoke_finalizers();
  df_look(w);
  for (; w->n_seen != w->n_events; w->n_seen++) {
    uint64_t key = w->event[w->n_seen % DF_EVENTS];
    struct df_object *o = &w->object[key & (DF_OBJECTS - 1)];
    w->event[w->n_seen % DF_EVENTS] = 0;
    if (key != 0 && o->serial != 0 && df_key(w, o) == key)
      o->form = 0;
  }
  df_reach(w);
  for (uint32_t i = 0; i < w->top; i++)
    if (is_waiting(&w->object[i]))
      df_lose_finaliser(w, &w->object[i]);
  df_lose_told(w);
}

/* Ordered finalisers on a cycle never run: they are taken away. */
static void break_cycles(struct df_world *w) {
  for (uint32_t i = 0; i < w->top; i++) {
    struct df_object *o = &w->object[i];
    if (!is_waiting(o) || o->form == DF_NO_ORDER || o->edge_at == 0)
      continue;
    for (uint32_t k = 0; k < w->top; k++)
      w->object[k].marks &= DF_LIVE;
    spread_children(w, o, DF_HELD, DF_LIVE);
    if (o->marks & DF_HELD)
      df_take_finaliser(w, o);
  }
}

static void leave_toggles(struct df_world *w) {
  for (uint32_t i = 0; i < DF_TOGGLES; i++)
    if (w->toggle[i] != 0 && !(df_at(w, w->toggle[i])->marks & DF_LIVE))
      w->toggle[i] = 0;
}

static void forget_unmarked(struct df_world *w) {
  for (uint32_t i = w->top; i-- > 0;)
    if (i < w->top && w->object[i].serial != 0 && w->object[i].marks == 0)
      df_forget(w, &w->object[i]);
}

/* Forgets what is dead, but not what a finaliser will still look at. */
void df_sweep(struct df_world *w) {
  df_look(w);
  df_reach(w);
  df_judge_told(w, DF_LIVE);
  for (uint32_t k = 0; k < DF_WORDS; k++)
    df_settle(w, k);
  leave_toggles(w);
  break_cycles(w);
  df_reach(w);
  for (uint32_t i = 0; i < w->top; i++)
    if (is_waiting(&w->object[i]))
      spread(w, i + 1, DF_REVIVED, DF_LIVE);
  forget_unmarked(w);
}

/* ---- One collection ---- */

static void count(struct df_count *c, bool concerns, bool stayed) {
  c->expected += concerns;
  c->stayed += concerns && stayed;
}

/* Those that live objects name in words that do not count. (Of dead ones with an
 * ignore-self finaliser libgc looks at all words.) */
static void find_named(struct df_world *w) {
  for (uint32_t i = 0; i < w->top; i++) {
    const struct df_object *o = &w->object[i];
    if (o->serial != 0 && o->marks & DF_LIVE && o->false_ref != 0 &&
        df_at(w, o->false_to)->serial == o->false_serial)
      df_at(w, o->false_to)->is_named = df_is_atomic(o) ? 1 : 2;
  }
}

static void count_dead(struct df_world *w) {
  find_named(w);
  for (uint32_t i = 0; i < w->top; i++) {
    const struct df_object *o = &w->object[i];
    if (o->serial == 0 || o->marks != 0)
      continue;
    bool stayed = !df_is_told(o) && !gu_is_dead(o->hidden);
    count(&w->of_family[o->family], !df_is_told(o), stayed);
    count(&w->of_toggled, o->is_toggled, stayed);
    count(&w->of_named[0], o->is_named == 1, stayed);
    count(&w->of_named[1], o->is_named == 2, stayed);
    count(&w->of_area, o->was_in_area, stayed);
    count(&w->of_holders, o->has_link, stayed);
    count(&w->of_excluded, o->was_excluded, stayed);
  }
}

static bool is_cleared(struct df_world *w, uint32_t target, int sort) {
  uint8_t marks = target == 0 ? DF_LIVE : df_at(w, target)->marks;
  return sort == DF_SHORT ? !(marks & DF_LIVE) : marks == 0;
}

static void judge_word(struct df_world *w, uint32_t k) {
  struct df_word *l = &w->word[k];
  if (l->holder != 0 && df_at(w, l->holder)->marks == 0)
    memset(l, 0, sizeof *l);
  if (k >= DF_HELD_FROM && l->holder == 0)
    return;
  void **place = df_link_place(w, k),
       *want = l->hidden == 0 ? NULL : gu_reveal(l->hidden);
  bool may_be_clear = false;
  for (int s = 0; s < DF_SORTS; s++) {
    if (!is_cleared(w, l->target[s], s))
      continue;
    may_be_clear = true;
    w->of_sort[s].expected++;
    if (df_unlink(w, k, s) != 0)
      w->of_sort[s].stayed++;
    else if (*place != NULL)
      df_fail(w, "link %u is gone and not cleared", k);
    else
      w->n_cleared++;
  }
  if (*place != want && !(may_be_clear && *place == NULL))
    df_fail(w, "link %u holds %p, want %p%s", k, *place, want,
            may_be_clear ? " or nothing" : "");
  if (!may_be_clear)
    return;
  uint32_t rest =
      l->target[DF_SHORT] != 0 ? l->target[DF_SHORT] : l->target[DF_LONG];
  l->hidden = rest == 0 ? 0 : df_at(w, rest)->hidden;
  *place = rest == 0 ? NULL : df_address(df_at(w, rest));
}

/* All that ran was ready; what did not run by luck is done by hand. */
void df_judge_finalisers(struct df_world *w, bool may_stay) {
  struct df_object *o;
  while ((o = next_event(w)) != NULL) {
    if ((o->marks & (DF_READY | DF_RAN)) != DF_READY)
      df_fail(w, "the finaliser of object %llu ran out of turn",
              (unsigned long long)o->serial);
    o->marks |= DF_RAN;
  }
  for (uint32_t i = 0; i < w->top; i++) {
    o = &w->object[i];
    if (o->serial == 0 || !(o->marks & DF_READY))
      continue;
    int proc = o->proc;
    if (!may_stay && !(o->marks & DF_RAN) && !o->is_pinned)
      df_fail(w, "the finaliser of object %llu did not run",
              (unsigned long long)o->serial);
    count(&w->of_form[o->form], true, !(o->marks & DF_RAN));
    count(&w->of_led, (o->marks & DF_LED) != 0, !(o->marks & DF_RAN));
    if (!(o->marks & DF_RAN) && !o->is_pinned)
      df_take_finaliser(w, o);
    o->is_queued = o->is_pinned = false;
    o->form = 0;
    o->data = 0;
    df_effect(w, o, proc);
  }
}

static void *volatile pins[DF_PINS];

void df_unpin(struct df_world *w) {
  while (w->n_pins > 0)
    pins[--w->n_pins] = NULL;
}

static void pin(struct df_world *w, struct df_object *o) {
  if (w->n_pins + 2 > DF_PINS)
    df_fail(w, "too many finalisers did not run");
  if (o->data != 0)
    pins[w->n_pins++] = df_address(df_at(w, o->data));
  pins[w->n_pins++] = df_address(o);
  df_take_finaliser(w, o);
  o->is_pinned = true;
}

/*
 * Ready ones wait in the queue. What stayed by luck is kept beside it, without
 * its finaliser, or the next collection would find more ready than it should.
 */
static void enqueue(struct df_world *w) {
  for (uint32_t i = 0; i < w->n_told; i++) {
    struct df_object *o = &w->object[w->told[i] & (DF_OBJECTS - 1)];
    if (!(o->marks & DF_READY) && o->form != DF_UNREACHABLE)
      df_fail(w, "object %llu is ready out of turn",
              (unsigned long long)o->serial);
    o->marks |= DF_TOLD;
  }
  w->n_told = 0;
  for (uint32_t i = 0; i < w->top; i++) {
    struct df_object *o = &w->object[i];
    if (o->serial == 0 || !(o->marks & DF_READY))
      continue;
    uint8_t form = o->form, proc = o->proc;
    uint32_t data = o->data;
    if (!(o->marks & DF_TOLD))
      pin(w, o);
    o->form = form;
    o->proc = proc;
    o->data = data;
    o->is_queued = true;
  }
}

void df_collect(struct df_world *w, void (*how)(struct df_world *)) {
  df_look(w);
  df_predict(w);
  GC_word before = GC_get_gc_no();
  uint32_t notified = w->n_notified;
  gu_scrub_stack();
  how(w);
  if (GC_get_gc_no() == before)
    df_fail(w, "there was no collection");
  w->gc_no = GC_get_gc_no();
  w->n_collections++;
  df_judge_told(w, UINT8_MAX);
  df_check_silence(w);
  if (w->is_on_demand)
    df_expect(w, "notified", 1,
              w->n_notified - notified == !!GC_should_invoke_finalizers());
  count_dead(w);
  if (df_rnd(w, 4) == 0)
    df_enumerate(w);
  for (uint32_t k = 0; k < DF_WORDS; k++)
    judge_word(w, k);
  if (!w->is_on_demand)
    df_judge_finalisers(w, true);
  else
    enqueue(w);
  leave_toggles(w);
  forget_unmarked(w);
  gu_scrub_stack();
}

static void enabled(void (*fn)(struct df_world *), struct df_world *w) {
  bool is_disabled = GC_is_disabled();
  if (is_disabled)
    GC_enable();
  fn(w);
  if (is_disabled)
    GC_disable();
}

static void plainly(struct df_world *w) {
  GC_gcollect();
  (void)w;
}
void df_gcollect(struct df_world *w) { enabled(plainly, w); }

/* Runs what waits for it. */
void df_invoke(struct df_world *w) {
  bool is_any = false;
  for (uint32_t i = 0; i < w->top; i++) {
    struct df_object *o = &w->object[i];
    o->marks = o->serial != 0 && o->is_queued ? DF_READY : 0;
    is_any |= o->marks != 0;
  }
  uint32_t before = w->n_events;
  if (!is_any && GC_should_invoke_finalizers())
    df_fail(w, "finalisers wait that should not");
  uint32_t ran = (uint32_t)GC_invoke_finalizers();
  if (ran != w->n_events - before || GC_should_invoke_finalizers())
    df_fail(w, "%u finalisers were told of, %u ran", ran, w->n_events - before);
  df_judge_finalisers(w, true);
  df_unpin(w);
}

/* ---- Other ways to collect ---- */

static int never(void) { return 0; }
static int at_once(void) { return 1; }

static void try_to(struct df_world *w) {
  if (GC_try_to_collect(never) != 1)
    df_fail(w, "a collection did not come to its end");
}
static void try_collect(struct df_world *w) { enabled(try_to, w); }

static void and_unmap(struct df_world *w) {
  GC_gcollect_and_unmap();
  (void)w;
}
static void unmap_collect(struct df_world *w) { enabled(and_unmap, w); }

static void *GC_CALLBACK active(void *w) {
  df_gcollect(w);
  return w;
}
static void *GC_CALLBACK blocked(void *w) {
  return GC_call_with_gc_active(active, w);
}
static void active_collect(struct df_world *w) {
  if (GC_do_blocking(blocked, w) != w)
    df_fail(w, "the result of GC_do_blocking is another");
}

static void given_up(struct df_world *w) {
  df_log(w, "given up", (uint64_t)GC_try_to_collect(at_once));
}

/* Of these libgc forgets in the next collection that they were ready. */
static bool is_unreachable_queued(const struct df_world *w) {
  for (uint32_t i = 0; i < w->top; i++)
    if (w->object[i].serial != 0 && w->object[i].is_queued &&
        w->object[i].form == DF_UNREACHABLE)
      return true;
  return false;
}

void df_op_collect(struct df_world *w) {
  static void (*const ways[])(struct df_world *) = {
      df_gcollect, df_gcollect,   df_gcollect,
      try_collect, unmap_collect, active_collect};
  uint32_t dice = df_rnd(w, 8);
  if (w->is_automatic) {
    if (dice < 2 && !w->is_threaded)
      given_up(w);
    else
      GC_gcollect();
    return;
  }
  if (w->is_on_demand && (dice < 3 || is_unreachable_queued(w)))
    df_invoke(w);
  if (dice == 7 && df_rnd(w, 2) == 0)
    df_finalise_all(w);
  else if (dice == 7)
    given_up(w);
  else
    df_collect(w, ways[dice % 6]);
}
